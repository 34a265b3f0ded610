// A packet on its way from device to device: the wire, veth pairs and bridges, VXLAN and tun envelopes, with what ARP, the
// forwarding database and an underlay decide. What a namespace does with it in between is the walk's (walk.ts).

import type { Micros } from '../sim/time.ts';
import { type Interface, type Tun, TUN_LATENCY, VETH_LATENCY, type Vxlan, VXLAN_LATENCY } from './device.ts';
import { Hooks } from './hooks.ts';
import { parseIp } from './ip.ts';
import type { Netns } from './netns.ts';
import type { Outer, Packet } from './packet.ts';
import type { HopFacts } from './passage.ts';
import type { Rough, Shaper } from './rough.ts';
import type { Link } from './switch.ts';

export const MAX_HOPS = 64;
/** Bytes of an envelope: IP, UDP, VXLAN and Ethernet; IP and UDP. */
const VXLAN_OVERHEAD = 50;
const TUN_OVERHEAD = 28;

export abstract class Transmission extends Hooks {
  /** A packet that came in by `device`. */
  protected abstract arrive(device: Interface): void;
  /** A packet made in this namespace. */
  abstract output(netns: Netns): void;
  /** The walk of an envelope around this packet. */
  protected abstract another(packet: Packet): Transmission;

  /** From now on it notes where it passes. */
  capture(): void {
    this.seen = [];
  }

  protected transmit(device: Interface, nextHop: string): void {
    if (!device.up) return this.drop('link-down', { interface: device.name });
    if (device.mtu < this.mtu) this.mtu = device.mtu;
    if (this.size > device.mtu && !this.fragments(device)) return;
    if (device.shaper !== null && !this.shaped(device.shaper, 0, device.name)) return;
    this.passing(device, 'Out');
    switch (device.kind) {
      case 'ethernet':
        return this.overWire(device, nextHop);
      case 'veth':
        return this.overVeth(device, nextHop);
      case 'bridge':
        return this.outOfBridge(device, nextHop);
      case 'vxlan':
        return this.overVxlan(device, nextHop);
      case 'tun':
        return this.overTun(device);
      case 'lo':
      case 'dummy':
        return this.drop('not-for-us', { interface: device.name });
    }
  }

  /** Larger than the device takes: in fragments, which the receiver puts together, or not at all. */
  private fragments(device: Interface): boolean {
    if (!this.df) {
      this.size = device.mtu;
      return true;
    }
    this.drop(this.forwards === 0 ? 'message-too-long' : 'fragmentation-needed', { interface: device.name, rule: `mtu ${device.mtu}` });
    return false;
  }

  /** A queueing discipline or a cable that is not as it should be; false when it lets nothing like this through. */
  protected shaped(shaper: Shaper, way: 0 | 1, name: string): boolean {
    const rough = shaper.meet(this.rough, this, way, this.seen?.length ?? 0);
    if (this.hops !== null) this.hop('shape', { interface: name, table: 'qdisc', rule: shaper.text });
    if (rough === null) {
      this.drop('dropped', { interface: name, table: 'qdisc', rule: shaper.text });
      return false;
    }
    this.rough = rough;
    if (rough.mtu < this.mtu) this.mtu = rough.mtu;
    if (this.size <= rough.mtu) return true;
    this.drop('too-large', { interface: name, rule: `mtu ${rough.mtu}` });
    return false;
  }

  private overWire(device: Interface, nextHop: string): void {
    const link = device.link;
    let target = link?.network.addresses.get(nextHop);
    if (target === undefined && this.live) target = link?.network.ask(nextHop, device.netns.machine.sim);
    if (link == null || !link.up || target?.link == null || !target.link.up || !target.netns.machine.powered || !target.up) {
      if (this.live) device.learn(nextHop, null);
      const cut = link != null && !link.up;
      return this.drop('host-unreachable', { interface: device.name, table: cut ? 'link' : 'neighbour', asked: nextHop });
    }
    if (this.live) device.learn(nextHop, target);
    if (link.shaper !== null && !this.shaped(link.shaper, 0, device.name)) return;
    if (link.network.pairs !== null && !this.between(link, target.link)) return;
    if (target.link.shaper !== null && !this.shaped(target.link.shaper, 1, device.name)) return;
    if (this.size > target.mtu) return this.drop('too-large', { interface: target.name, rule: `mtu ${target.mtu}` });
    this.hop('transmit', { interface: device.name, rule: `${nextHop} lladdr ${this.hops === null ? '' : target.mac}` });
    this.latency += (link.latency + target.link.latency) / 2;
    this.arrive(target);
  }

  /** What lies between two machines, for nobody else. */
  private between(link: Link, other: Link): boolean {
    const pair = link.network.between(link.machine.name, other.machine.name);
    return pair === null || this.shaped(pair.shaper, pair.way, link.machine.name);
  }

  private overVeth(device: Interface, nextHop: string): void {
    const peer = device.peer;
    if (peer === null || !peer.up) return this.drop('link-down', { interface: device.name, asked: peer?.name ?? '' });
    const bridge = peer.master;
    this.hop('transmit', { interface: device.name, rule: `peer ${peer.netns.name}/${peer.name}` });
    this.latency += VETH_LATENCY;
    if (bridge !== null) this.passing(peer, 'In');
    if (bridge === null) {
      const answers = peer.proxyArp || peer.netns.isLocal(nextHop);
      if (this.live) device.learn(nextHop, answers ? peer : null);
      return answers ? this.arrive(peer) : this.drop('host-unreachable', nobody(device, nextHop));
    }
    if (!bridge.up) return this.drop('link-down', { interface: bridge.name });
    // The gateway, or any other address of the host: ARP answers for all of them.
    const target = bridge.segment?.get(nextHop);
    if (target === undefined) {
      const answers = bridge.netns.isLocal(nextHop);
      if (this.live) device.learn(nextHop, answers ? bridge : null);
      return answers ? this.arrive(bridge) : this.drop('host-unreachable', nobody(device, nextHop));
    }
    if (this.live) device.learn(nextHop, target);
    if (target === device) return this.drop('not-for-us', { interface: bridge.name, table: 'bridge', asked: peer.name }); // no hairpin on a port
    if (++this.steps > MAX_HOPS) return this.drop('ttl-exceeded');
    this.throughBridge(bridge, target);
  }

  /** From port to port. With br_netfilter the host's hooks see the packet as it passes. */
  private throughBridge(bridge: Interface, target: Interface): void {
    const host = bridge.netns;
    if (host.bridgeCallsIptables && host.rulesIfAny !== null) {
      this.enter(host, bridge.name);
      this.hop('bridge', { interface: bridge.name, rule: `port ${target.peer?.name ?? '?'}` });
      this.track();
      if (!this.translateDestination('PREROUTING')) return;
      this.passing(bridge, 'In', true);
      this.outInterface = bridge.name;
      if (!this.passes('FORWARD')) return;
      this.translateSource('POSTROUTING', bridge);
    } else {
      this.enter(host, bridge.name);
      this.hop('bridge', { interface: bridge.name, rule: `port ${target.peer?.name ?? '?'}` });
      this.passing(bridge, 'In', true);
    }
    this.toPort(target);
  }

  /** From the host onto its bridge. */
  private outOfBridge(bridge: Interface, nextHop: string): void {
    const target = bridge.segment?.get(nextHop);
    if (this.live) bridge.learn(nextHop, target ?? null);
    if (target === undefined) return this.drop('host-unreachable', nobody(bridge, nextHop));
    this.hop('bridge', { interface: bridge.name, rule: `port ${target.peer?.name ?? '?'}` });
    this.toPort(target);
  }

  private toPort(target: Interface): void {
    if (target.peer === null || !target.peer.up || !target.up) return this.drop('link-down', { interface: target.peer?.name ?? target.name });
    if (this.size > target.peer.mtu) return this.drop('too-large', { interface: target.peer.name, rule: `mtu ${target.peer.mtu}` });
    if (target.peer.shaper !== null && !this.shaped(target.peer.shaper, 0, target.peer.name)) return;
    this.passing(target.peer, 'Out');
    this.latency += VETH_LATENCY;
    this.arrive(target);
  }

  /** To the process behind the device, which sends the packet on to its like on another host. */
  private overTun(device: Interface): void {
    const tun = device.tun as Tun;
    if (!tun.isServed()) return this.drop('link-down', { interface: device.name });
    const host = tun.hostOf(this.dst);
    if (host === undefined) return this.drop('no-fdb', { interface: device.name, table: 'flanneld', asked: this.dst });
    const { netns } = device;
    const before = this.snapshot();
    this.latency += TUN_LATENCY;
    this.outer = { src: tun.device.primary ?? '', dst: host, port: tun.port };
    if (this.hops !== null) this.hop('encapsulate', { interface: device.name, rule: `flanneld to ${host}:${tun.port}` }, before);
    const arrived = this.envelope(netns, this.outer);
    if (arrived === null) return;
    const remote = [...arrived.netns.interfaces.values()].find((i) => i.tun?.port === tun.port);
    this.here = arrived.netns;
    if (remote === undefined || !remote.up || remote.tun?.isServed() !== true) return this.drop('no-vtep', { asked: `udp port ${tun.port}` });
    const enveloped = this.snapshot();
    this.outer = undefined;
    this.latency += TUN_LATENCY;
    this.hop('decapsulate', { interface: remote.name }, enveloped);
    this.arrive(remote);
  }

  private overVxlan(device: Interface, nextHop: string): void {
    const netns = device.netns;
    const vxlan = device.vxlan as Vxlan;
    const neighbour = device.neighbours?.get(nextHop);
    if (neighbour === undefined) return this.drop('host-unreachable', nobody(device, nextHop));
    if (this.hops !== null) this.hop('neighbour', { interface: device.name, rule: `${nextHop} lladdr ${neighbour.mac} ${neighbour.state}` });
    const entry = vxlan.fdb.get(neighbour.mac);
    if (entry === undefined) return this.drop('no-fdb', { interface: device.name, table: 'fdb', asked: neighbour.mac });
    const before = this.snapshot();
    const source = vxlan.device.primary ?? sourceAddress(netns, entry.destination) ?? '';
    this.latency += VXLAN_LATENCY;
    this.outer = { src: source, dst: entry.destination, port: vxlan.port, vni: vxlan.vni, mac: neighbour.mac };
    if (this.hops !== null) this.hop('encapsulate', { interface: device.name, rule: `${entry.mac} dst ${entry.destination}` }, before);
    const remote = this.underlay(netns, vxlan, this.outer);
    if (remote === null) return;
    this.here = remote.netns;
    if (!remote.up) return this.drop('no-vtep', { interface: remote.name, asked: `vni ${vxlan.vni}` });
    if (remote.mac !== neighbour.mac) return this.drop('not-for-us', { interface: remote.name, table: 'fdb', asked: neighbour.mac });
    const enveloped = this.snapshot();
    this.outer = undefined;
    this.hop('decapsulate', { interface: remote.name }, enveloped);
    this.arrive(remote);
  }

  /**
   * Carries the envelope, a UDP packet like any other, to the other VTEP; null when it is lost. All flows between two VTEPs go one
   * way, so it is remembered until a table on it changes.
   */
  private underlay(netns: Netns, vxlan: Vxlan, o: Outer): Interface | null {
    const known = vxlan.underlay.get(o.dst);
    if (known !== undefined && this.size === 0 && this.hops === null && this.seen === null && known.source === o.src && unchanged(known.visited, known.stamps)) {
      this.latency += known.latency;
      this.visited.push(...known.visited);
      if (known.mtu < this.mtu) this.mtu = known.mtu;
      if (known.rough !== null) this.rough = known.rough.around(this.rough, 0, VXLAN_OVERHEAD);
      return known.remote;
    }
    const outer = this.envelope(netns, o);
    if (outer === null) return null;
    const arrived = outer.netns;
    let remote: Interface | null = null;
    for (const i of arrived.interfaces.values()) if (i.vxlan?.vni === vxlan.vni && i.vxlan.port === vxlan.port) remote = i;
    if (remote === null) {
      this.here = arrived;
      this.drop('no-vtep', { asked: `vni ${vxlan.vni}` });
    } else if (this.live) {
      const visited = outer.visited;
      vxlan.underlay.set(o.dst, { source: o.src, remote, latency: outer.latency, mtu: outer.mtu - VXLAN_OVERHEAD, rough: outer.rough, visited, stamps: visited.map(stampOf) });
    }
    return remote;
  }

  /** Sends a UDP packet around this one; null when it is lost. */
  private envelope(netns: Netns, o: Outer): { readonly netns: Netns; readonly latency: Micros; readonly mtu: number; readonly rough: Rough | null; readonly visited: readonly Netns[] } | null {
    const sport = 32_768 + ((parseIp(o.src) ^ parseIp(o.dst)) & 0x3fff);
    const overhead = o.vni === undefined ? TUN_OVERHEAD : VXLAN_OVERHEAD;
    const outer = this.another({ src: o.src, dst: o.dst, protocol: 'udp', sport: o.vni === undefined ? o.port : sport, dport: o.port, size: this.size === 0 ? 0 : this.size + overhead });
    outer.outer = o;
    outer.steps = this.steps;
    if (this.seen !== null) outer.capture();
    outer.output(netns);
    this.steps = outer.steps;
    const inner: Packet = { src: this.src, dst: this.dst, protocol: this.protocol, sport: this.sport, dport: this.dport };
    if (outer.rough !== null) this.rough = outer.rough.around(this.rough, this.seen?.length ?? 0, overhead);
    if (outer.mtu - overhead < this.mtu) this.mtu = outer.mtu - overhead;
    for (const p of outer.seen ?? []) this.seen?.push({ ...p, after: p.after + this.latency, inner, ...(o.vni === undefined ? {} : { vni: o.vni }) });
    this.latency += outer.latency;
    this.visited.push(...outer.visited);
    if (outer.tracked !== null) (this.tracked ??= []).push(...outer.tracked);
    const arrived = outer.delivered;
    if (arrived !== undefined) return { netns: arrived, latency: outer.latency, mtu: outer.mtu, rough: outer.rough, visited: outer.visited };
    this.reason = outer.reason === 'dropped' || outer.reason === 'too-large' ? outer.reason : 'no-outer-route';
    return null;
  }
}

/** Nobody answers ARP for the address. */
const nobody = (device: Interface, address: string): HopFacts => ({ interface: device.name, table: 'neighbour', asked: address });

/** The address that a socket in `netns` sends from when it has not chosen one; null when there is no route. */
export function sourceAddress(netns: Netns, dst: string): string | null {
  if (netns.isLocal(dst)) return dst;
  const route = netns.route(dst);
  if (route === null) return null;
  return route.source ?? route.device.primary ?? firstAddress(netns);
}

function firstAddress(netns: Netns): string | null {
  for (const i of netns.interfaces.values()) if (i.kind !== 'lo' && i.primary !== null) return i.primary;
  return null;
}

/** Changes whenever the fate of a new connection may change. */
export const stampOf = (netns: Netns): number => netns.revision + (netns.rulesIfAny?.revision ?? 0);

export function unchanged(visited: readonly Netns[], stamps: readonly number[]): boolean {
  for (let i = 0; i < visited.length; i++) if (stampOf(visited[i] as Netns) !== stamps[i]) return false;
  return true;
}
