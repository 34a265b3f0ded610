// The walk of one packet over the tables, as the Linux kernel would take it: local output, routing, netfilter hooks,
// connection tracking, ARP on a segment, bridge, veth, VXLAN envelope, the wire, forwarding, local delivery.
// It changes nothing: what a real packet would leave behind (conntrack entries) comes back in the result.

import type { Micros } from '../sim/time.ts';
import { CT_SYN_SENT } from './conntrack.ts';
import { type Interface, LOOPBACK_LATENCY, type Tun, TUN_LATENCY, VETH_LATENCY, type Vxlan, VXLAN_LATENCY } from './device.ts';
import { formatCidr, parseIp } from './ip.ts';
import type { Netns, Route } from './netns.ts';
import type { Hop, Outer, Packet, WalkResult } from './packet.ts';
import { Passage, type PlainPath, type Tracked } from './passage.ts';
import type { Passing } from './tap.ts';

export interface WalkOptions {
  /** Write down every hop. */
  readonly record?: boolean;
  /**
   * A packet that is really sent: random choices draw from the namespace's stream, session affinity lists are kept.
   * Otherwise choices are 0: the first of several backends.
   */
  readonly live?: boolean;
}

export interface WalkTrace extends WalkResult {
  /** Namespaces that the packet came through, in order; a path stays good while their revisions stay. */
  readonly visited: readonly Netns[];
  /** New connections seen on the way; `track` enters them. */
  readonly tracked: readonly Tracked[];
  /** Where it passed interfaces, when somebody captures. */
  readonly seen?: readonly Passing[] | undefined;
  /** For `walkBack`. */
  readonly plain?: PlainPath | undefined;
}

/** Where a packet sent from `from` would go, over the tables as they are now. */
export function walk(from: Netns, packet: Packet, options: WalkOptions = { record: true }): WalkTrace {
  const captured = options.live === true && from.fabric.taps !== null;
  const plain = options.live === true && options.record !== true && packet.protocol === 'tcp' && !captured;
  if (plain) {
    const known = alongPlainPath(from, packet);
    if (known !== null) return known;
  }
  const w = new Walk(packet, options.live === true, options.record === true ? [] : null);
  if (captured) w.capture();
  w.output(from);
  const result = w.result();
  return plain ? w.notePlainPath(from, packet, result) : result;
}

/** The way of the answer to a packet that has arrived: a SYN's. */
export function walkBack(forth: WalkTrace): WalkTrace {
  const { packet, plain } = forth;
  const netns = forth.netns as Netns;
  const answer: Packet = { src: packet.dst, dst: packet.src, protocol: packet.protocol, sport: packet.dport, dport: packet.sport };
  const back = plain?.back ?? null;
  if (plain !== undefined && back !== null && netns.fabric.taps === null && unchanged(back.visited, back.stamps)) return plainResult(plain.from, answer, back.latency, back.visited, NONE_TRACKED, undefined);
  const w = new Walk(answer, true, null);
  if (netns.fabric.taps !== null) w.capture();
  w.output(netns);
  const result = w.result();
  if (plain !== undefined) w.notePlainAnswer(plain, result);
  return result;
}

const MAX_PLAIN = 512;

function unchanged(visited: readonly Netns[], stamps: readonly number[]): boolean {
  for (let i = 0; i < visited.length; i++) if (stampOf(visited[i] as Netns) !== stamps[i]) return false;
  return true;
}

function plainResult(netns: Netns, packet: Packet, latency: Micros, visited: readonly Netns[], tracked: readonly Tracked[], plain: PlainPath | undefined): WalkTrace {
  const process = netns.tcpListener(packet.dst, packet.dport)?.process;
  return { delivered: true, netns, process, hops: NO_HOPS, packet, reason: undefined, latency, visited, tracked, plain };
}

const pathKey = (packet: Packet): number => parseIp(packet.dst) * 65_536 + packet.dport;

/** What a walk would find, when the way is known and the connection is new to everybody on it; else null. */
function alongPlainPath(from: Netns, packet: Packet): WalkTrace | null {
  const path = from.plainPaths?.get(pathKey(packet));
  if (path === undefined || path.src !== packet.src || !unchanged(path.visited, path.stamps)) return null;
  const { src, dst, sport, dport } = packet;
  const { now } = from.machine.sim;
  const original = { src, dst, sport, dport };
  const reply = { src: dst, dst: src, sport: dport, dport: sport };
  const tracked: Tracked[] = [];
  for (const netns of path.trackedIn) {
    if (netns.conntrack.taken('tcp', original, now) || netns.conntrack.taken('tcp', reply, now)) return null;
    tracked.push({ netns, entry: { protocol: 'tcp', original, reply, dnat: false, snat: false, expires: now + CT_SYN_SENT, state: 'SYN_SENT' } });
  }
  return plainResult(path.to, packet, path.latency, path.visited, tracked, path);
}

/** Enters what a walk that really happened leaves behind. */
export function track(result: WalkTrace, now: Micros): void {
  for (const { netns, entry } of result.tracked) netns.conntrack.add(entry, now);
}

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

const MAX_HOPS = 64;
const NO_HOPS: readonly Hop[] = [];
const NONE_TRACKED: readonly Tracked[] = [];

class Walk extends Passage {
  /** From now on it notes where it passes. */
  capture(): void {
    this.seen = [];
  }

  result(): WalkTrace {
    const netns = this.delivered;
    return {
      delivered: netns !== undefined,
      netns,
      process: netns === undefined ? undefined : this.receiver(netns),
      hops: this.hops ?? NO_HOPS,
      packet: this.packetNow(),
      reason: netns === undefined ? (this.reason ?? 'dropped') : undefined,
      latency: this.latency,
      visited: this.visited,
      tracked: this.tracked ?? NONE_TRACKED,
      forwards: this.forwards,
      ...(this.seen === null ? {} : { seen: this.seen }),
    };
  }

  /** Remembers the way when all connections to that address and port take it. */
  notePlainPath(from: Netns, packet: Packet, result: WalkTrace): WalkTrace {
    const to = this.delivered;
    if (to === undefined || this.volatile || this.metKnown || this.dst !== packet.dst || this.src !== packet.src) return result;
    for (const { entry } of result.tracked) {
      const { original, reply } = entry;
      if (entry.protocol !== 'tcp' || entry.dnat || entry.snat || original.sport !== packet.sport || reply.dport !== packet.sport || reply.sport !== packet.dport) return result;
    }
    const { visited, latency } = result;
    const trackedIn = result.tracked.map((t) => t.netns);
    const plain: PlainPath = { src: packet.src, from, to, latency, visited, stamps: visited.map(stampOf), trackedIn, back: null };
    const paths = (from.plainPaths ??= new Map());
    if (paths.size >= MAX_PLAIN) paths.clear();
    paths.set(pathKey(packet), plain);
    return { ...result, plain };
  }

  notePlainAnswer(plain: PlainPath, result: WalkTrace): void {
    if (this.delivered !== plain.from || this.volatile || this.portAsked || this.metTranslated || result.tracked.length > 0) return;
    const { visited, latency } = result;
    plain.back = { latency, visited, stamps: visited.map(stampOf) };
  }

  // ---- hooks, in the order of net/ipv4/ip_output.c and ip_input.c

  /** A packet made in this namespace. */
  output(netns: Netns): void {
    this.enter(netns, '');
    this.hop('send', {});
    let device = this.lookup();
    if (device === null) return;
    this.outInterface = device.name;
    this.track();
    const before = this.dst;
    if (!this.translateDestination('OUTPUT')) return;
    if (this.dst !== before) {
      device = this.lookup();
      if (device === null) return;
      this.outInterface = device.name;
    }
    if (!this.passes('OUTPUT')) return;
    if (netns.rulesIfAny?.ipvs != null && device.kind === 'lo' && this.balanced()) {
      if (this.reason !== undefined) return;
      device = this.lookup();
      if (device === null) return;
      this.outInterface = device.name;
    }
    this.translateSource('POSTROUTING', device);
    if (device.kind === 'lo') {
      this.passing(device, 'Out');
      this.latency += LOOPBACK_LATENCY;
      this.passing(device, 'In');
      this.inInterface = 'lo';
      this.outInterface = '';
      this.receive();
    } else {
      this.transmit(device, this.chosenRoute?.via ?? this.dst);
    }
  }

  /** A packet that came in by `device`. */
  private arrive(device: Interface): void {
    const { netns } = device;
    if (!device.up || !netns.machine.powered || netns.deleted) return this.drop('link-down');
    if (++this.steps > MAX_HOPS) return this.drop('ttl-exceeded');
    this.passing(device, 'In');
    this.enter(netns, device.name);
    this.track();
    if (!this.translateDestination('PREROUTING')) return;
    if (netns.isLocal(this.src)) return this.drop('martian');
    if (netns.isLocal(this.dst)) return this.receive();
    if (!netns.ipForward) return this.drop('not-for-us');
    this.forwards++;
    const out = this.lookup(device);
    if (out === null) return;
    this.outInterface = out.name;
    if (!this.passes('FORWARD')) return;
    this.translateSource('POSTROUTING', out);
    this.transmit(out, this.chosenRoute?.via ?? this.dst);
  }

  /** For this namespace. */
  private receive(): void {
    this.outInterface = '';
    if (!this.passes('INPUT')) return;
    if ((this.here as Netns).rulesIfAny?.ipvs != null && this.tracking.kind === 'new' && !this.tracking.done && this.balanced()) {
      if (this.reason !== undefined) return;
      const out = this.lookup();
      if (out === null) return;
      this.outInterface = out.name;
      if (!this.passes('OUTPUT')) return;
      this.translateSource('POSTROUTING', out);
      return this.transmit(out, this.chosenRoute?.via ?? this.dst);
    }
    if (this.tracking.kind === 'known' && this.tracking.isReply) this.restoreSource(this.tracking.entry, true);
    this.finishTracking();
    this.delivered = this.here as Netns;
    this.hop('deliver', {});
  }

  /** IPVS: true when a virtual server took it; without anybody behind it the packet is refused. */
  private balanced(): boolean {
    const t = this.tracking;
    if (t.kind !== 'new') return false;
    const server = (this.here as Netns).rules.ipvs?.choose(this);
    if (server === undefined) return false;
    this.volatile = true;
    if (server === null) {
      this.drop('rejected');
      return true;
    }
    const before = this.snapshot();
    const from = `${this.dst}:${this.dport}`;
    this.setDestination(server.address, server.port);
    this.ctDnat = true;
    t.dnat = true;
    if (this.hops !== null) this.hop('nat', { table: 'ipvs', rule: `${this.protocol.toUpperCase()} ${from} -> ${server.address}:${server.port} Masq` }, before);
    return true;
  }

  // ---- routing

  private chosenRoute: Route | null = null;

  /** The device that leads to the destination; null when there is none (the packet has failed). */
  private lookup(from: Interface | null = null): Interface | null {
    const netns = this.here as Netns;
    this.chosenRoute = null;
    if (netns.isLocal(this.dst)) return netns.interfaces.get('lo') as Interface;
    const route = netns.route(this.dst);
    if (route === null) {
      this.drop('network-unreachable');
      return null;
    }
    this.chosenRoute = route;
    if (this.hops !== null) {
      this.hop('route', { interface: route.device.name, table: 'main', rule: routeText(route), ...(from?.primary == null ? {} : { forwarder: from.primary }) });
    }
    return route.device;
  }

  // ---- devices

  private transmit(device: Interface, nextHop: string): void {
    if (!device.up) return this.drop('link-down');
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
        return this.drop('not-for-us');
    }
  }

  private overWire(device: Interface, nextHop: string): void {
    const link = device.link;
    const target = link?.network.addresses.get(nextHop);
    if (link == null || !link.up || target?.link == null || !target.link.up || !target.netns.machine.powered || !target.up) {
      if (this.live) device.learn(nextHop, null);
      return this.drop('host-unreachable');
    }
    if (this.live) device.learn(nextHop, target);
    this.hop('transmit', { interface: device.name, rule: `${nextHop} lladdr ${this.hops === null ? '' : target.mac}` });
    this.latency += (link.latency + target.link.latency) / 2;
    this.arrive(target);
  }

  private overVeth(device: Interface, nextHop: string): void {
    const peer = device.peer;
    if (peer === null || !peer.up) return this.drop('link-down');
    const bridge = peer.master;
    this.hop('transmit', { interface: device.name, rule: `peer ${peer.netns.name}/${peer.name}` });
    this.latency += VETH_LATENCY;
    if (bridge !== null) this.passing(peer, 'In');
    if (bridge === null) {
      const answers = peer.netns.isLocal(nextHop);
      if (this.live) device.learn(nextHop, answers ? peer : null);
      return answers ? this.arrive(peer) : this.drop('host-unreachable');
    }
    if (!bridge.up) return this.drop('link-down');
    // The gateway, or any other address of the host: ARP answers for all of them.
    const target = bridge.segment?.get(nextHop);
    if (target === undefined) {
      const answers = bridge.netns.isLocal(nextHop);
      if (this.live) device.learn(nextHop, answers ? bridge : null);
      return answers ? this.arrive(bridge) : this.drop('host-unreachable');
    }
    if (this.live) device.learn(nextHop, target);
    if (target === device) return this.drop('not-for-us'); // no hairpin on a port
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
    if (target === undefined) return this.drop('host-unreachable');
    this.hop('bridge', { interface: bridge.name, rule: `port ${target.peer?.name ?? '?'}` });
    this.toPort(target);
  }

  private toPort(target: Interface): void {
    if (target.peer === null || !target.peer.up || !target.up) return this.drop('link-down');
    this.passing(target.peer, 'Out');
    this.latency += VETH_LATENCY;
    this.arrive(target);
  }

  /** To the process behind the device, which sends the packet on to its like on another host. */
  private overTun(device: Interface): void {
    const tun = device.tun as Tun;
    if (!tun.isServed()) return this.drop('link-down');
    const host = tun.hostOf(this.dst);
    if (host === undefined) return this.drop('no-fdb');
    const { netns } = device;
    const before = this.snapshot();
    this.latency += TUN_LATENCY;
    this.outer = { src: tun.device.primary ?? '', dst: host, port: tun.port };
    if (this.hops !== null) this.hop('encapsulate', { interface: device.name, rule: `flanneld to ${host}:${tun.port}` }, before);
    const arrived = this.envelope(netns, this.outer);
    if (arrived === null) return;
    const remote = [...arrived.netns.interfaces.values()].find((i) => i.tun?.port === tun.port);
    this.here = arrived.netns;
    if (remote === undefined || !remote.up || remote.tun?.isServed() !== true) return this.drop('no-vtep');
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
    if (neighbour === undefined) return this.drop('host-unreachable');
    if (this.hops !== null) this.hop('neighbour', { interface: device.name, rule: `${nextHop} lladdr ${neighbour.mac} ${neighbour.state}` });
    const entry = vxlan.fdb.get(neighbour.mac);
    if (entry === undefined) return this.drop('no-fdb');
    const before = this.snapshot();
    const source = vxlan.device.primary ?? sourceAddress(netns, entry.destination) ?? '';
    this.latency += VXLAN_LATENCY;
    this.outer = { src: source, dst: entry.destination, port: vxlan.port, vni: vxlan.vni, mac: neighbour.mac };
    if (this.hops !== null) this.hop('encapsulate', { interface: device.name, rule: `${entry.mac} dst ${entry.destination}` }, before);
    const remote = this.underlay(netns, vxlan, this.outer);
    if (remote === null) return;
    this.here = remote.netns;
    if (!remote.up) return this.drop('no-vtep');
    if (remote.mac !== neighbour.mac) return this.drop('not-for-us');
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
    if (known !== undefined && this.hops === null && this.seen === null && known.source === o.src && unchanged(known.visited, known.stamps)) {
      this.latency += known.latency;
      this.visited.push(...known.visited);
      return known.remote;
    }
    const outer = this.envelope(netns, o);
    if (outer === null) return null;
    const arrived = outer.netns;
    let remote: Interface | null = null;
    for (const i of arrived.interfaces.values()) if (i.vxlan?.vni === vxlan.vni && i.vxlan.port === vxlan.port) remote = i;
    if (remote === null) {
      this.here = arrived;
      this.drop('no-vtep');
    } else if (this.live) {
      const visited = outer.visited;
      vxlan.underlay.set(o.dst, { source: o.src, remote, latency: outer.latency, visited, stamps: visited.map(stampOf) });
    }
    return remote;
  }

  /** Sends a UDP packet around this one; null when it is lost. */
  private envelope(netns: Netns, o: Outer): { readonly netns: Netns; readonly latency: Micros; readonly visited: readonly Netns[] } | null {
    const sport = 32_768 + ((parseIp(o.src) ^ parseIp(o.dst)) & 0x3fff);
    const outer = new Walk({ src: o.src, dst: o.dst, protocol: 'udp', sport: o.vni === undefined ? o.port : sport, dport: o.port }, this.live, this.hops);
    outer.outer = o;
    outer.steps = this.steps;
    if (this.seen !== null) outer.capture();
    outer.output(netns);
    this.steps = outer.steps;
    const inner: Packet = { src: this.src, dst: this.dst, protocol: this.protocol, sport: this.sport, dport: this.dport };
    for (const p of outer.seen ?? []) this.seen?.push({ ...p, after: p.after + this.latency, inner });
    this.latency += outer.latency;
    this.visited.push(...outer.visited);
    if (outer.tracked !== null) (this.tracked ??= []).push(...outer.tracked);
    const arrived = outer.delivered;
    if (arrived !== undefined) return { netns: arrived, latency: outer.latency, visited: outer.visited };
    this.reason = outer.reason === 'dropped' ? 'dropped' : 'no-outer-route';
    return null;
  }
}

/** Changes whenever the fate of a new connection may change. */
const stampOf = (netns: Netns): number => netns.revision + (netns.rulesIfAny?.revision ?? 0);


function routeText(r: Route): string {
  const destination = r.destination.prefix === 0 ? 'default' : formatCidr(r.destination);
  return `${destination}${r.via === null ? '' : ` via ${r.via}`} dev ${r.device.name}${r.onlink ? ' onlink' : ''}`;
}
