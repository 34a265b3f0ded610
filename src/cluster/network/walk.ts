// The walk of one packet over the tables, as the Linux kernel would take it: local output, routing, netfilter hooks,
// connection tracking, ARP on a segment, bridge, veth, VXLAN envelope, the wire, forwarding, local delivery.
// It changes nothing: what a real packet would leave behind (conntrack entries) comes back in the result.

import type { Process } from '../machine/process.ts';
import type { Micros } from '../sim/time.ts';
import { evaluate, type MatchContext, type Verdict } from './compile.ts';
import { CT_ICMP, CT_SYN_SENT, CT_UDP, CT_UDP_STREAM, type ConntrackEntry, type Tuple } from './conntrack.ts';
import { type Interface, LOOPBACK_LATENCY, type UnderlayPath, VETH_LATENCY, type Vxlan, VXLAN_LATENCY } from './device.ts';
import { formatCidr, parseIp } from './ip.ts';
import { formatRule, type TableName } from './netfilter.ts';
import type { Netns, Route } from './netns.ts';
import type { Hop, HopAction, Outer, Packet, Protocol, WalkFailure, WalkResult } from './packet.ts';

export interface WalkOptions {
  /** Write down every hop. */
  readonly record?: boolean;
  /**
   * A packet that is really sent: random choices draw from the namespace's stream, session affinity lists are kept.
   * Otherwise choices are 0: the first of several backends.
   */
  readonly live?: boolean;
}

/** A connection that a namespace would now track. */
export interface Tracked {
  readonly netns: Netns;
  readonly entry: ConntrackEntry;
}

export interface WalkTrace extends WalkResult {
  /** Namespaces that the packet came through, in order; a path stays good while their revisions stay. */
  readonly visited: readonly Netns[];
  /** New connections seen on the way; `track` enters them. */
  readonly tracked: readonly Tracked[];
}

/** Where a packet sent from `from` would go, over the tables as they are now. */
export function walk(from: Netns, packet: Packet, options: WalkOptions = { record: true }): WalkTrace {
  const w = new Walk(packet, options.live === true, options.record === true ? [] : null);
  w.output(from);
  return w.result();
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

/** What a namespace knows of the packet's connection while it passes. */
type Tracking =
  | { readonly kind: 'off' }
  | { readonly kind: 'known'; readonly entry: ConntrackEntry; readonly isReply: boolean }
  | { readonly kind: 'new'; readonly original: Tuple; dnat: boolean; snat: boolean; done: boolean };

const OFF: Tracking = { kind: 'off' };

class Walk implements MatchContext {
  src: string;
  srcInt: number;
  dst: string;
  dstInt: number;
  readonly protocol: Protocol;
  sport: number;
  dport: number;
  mark = 0;
  inInterface = '';
  outInterface = '';
  ctState: 'NEW' | 'ESTABLISHED' = 'NEW';
  ctDnat = false;
  readonly #live: boolean;
  readonly #hops: Hop[] | null;
  #netns: Netns | null = null;
  #tracking: Tracking = OFF;
  #outer: Outer | undefined = undefined;
  #latency: Micros = 0;
  #steps = 0;
  #reason: WalkFailure | undefined = undefined;
  #delivered: Netns | undefined = undefined;
  #visited: Netns[] = [];
  #tracked: Tracked[] | null = null;

  constructor(packet: Packet, live: boolean, hops: Hop[] | null) {
    this.src = packet.src;
    this.srcInt = parseIp(packet.src);
    this.dst = packet.dst;
    this.dstInt = parseIp(packet.dst);
    this.protocol = packet.protocol;
    this.sport = packet.sport;
    this.dport = packet.dport;
    this.#live = live;
    this.#hops = hops;
  }

  result(): WalkTrace {
    const netns = this.#delivered;
    return {
      delivered: netns !== undefined,
      netns,
      process: netns === undefined ? undefined : this.#receiver(netns),
      hops: this.#hops ?? NO_HOPS,
      packet: this.#packet(),
      reason: netns === undefined ? (this.#reason ?? 'dropped') : undefined,
      latency: this.#latency,
      visited: this.#visited,
      tracked: this.#tracked ?? NONE_TRACKED,
    };
  }

  // ---- hooks, in the order of net/ipv4/ip_output.c and ip_input.c

  /** A packet made in this namespace. */
  output(netns: Netns): void {
    this.#enter(netns, '');
    this.#hop('send', {});
    let device = this.#lookup();
    if (device === null) return;
    this.outInterface = device.name;
    this.#track();
    const before = this.dst;
    if (!this.#translateDestination('OUTPUT')) return;
    if (this.dst !== before) {
      device = this.#lookup();
      if (device === null) return;
      this.outInterface = device.name;
    }
    if (!this.#filter('OUTPUT')) return;
    this.#translateSource('POSTROUTING', device);
    if (device.kind === 'lo') {
      this.#latency += LOOPBACK_LATENCY;
      this.inInterface = 'lo';
      this.outInterface = '';
      this.#receive();
    } else {
      this.#transmit(device, this.#route?.via ?? this.dst);
    }
  }

  /** A packet that came in by `device`. */
  #arrive(device: Interface): void {
    const { netns } = device;
    if (!device.up || !netns.machine.powered || netns.deleted) return this.#drop('link-down');
    if (++this.#steps > MAX_HOPS) return this.#drop('ttl-exceeded');
    this.#enter(netns, device.name);
    this.#track();
    if (!this.#translateDestination('PREROUTING')) return;
    if (netns.isLocal(this.src)) return this.#drop('martian');
    if (netns.isLocal(this.dst)) return this.#receive();
    if (!netns.ipForward) return this.#drop('not-for-us');
    const out = this.#lookup();
    if (out === null) return;
    this.outInterface = out.name;
    if (!this.#filter('FORWARD')) return;
    this.#translateSource('POSTROUTING', out);
    this.#transmit(out, this.#route?.via ?? this.dst);
  }

  /** For this namespace. */
  #receive(): void {
    this.outInterface = '';
    if (!this.#filter('INPUT')) return;
    if (this.#tracking.kind === 'known' && this.#tracking.isReply) this.#restoreSource(this.#tracking.entry, true);
    this.#finishTracking();
    this.#delivered = this.#netns as Netns;
    this.#hop('deliver', {});
  }

  // ---- routing

  #route: Route | null = null;

  /** The device that leads to the destination; null when there is none (the packet has failed). */
  #lookup(): Interface | null {
    const netns = this.#netns as Netns;
    this.#route = null;
    if (netns.isLocal(this.dst)) return netns.interfaces.get('lo') as Interface;
    const route = netns.route(this.dst);
    if (route === null) {
      this.#drop('network-unreachable');
      return null;
    }
    this.#route = route;
    if (this.#hops !== null) this.#hop('route', { interface: route.device.name, table: 'main', rule: routeText(route) });
    return route.device;
  }

  // ---- devices

  #transmit(device: Interface, nextHop: string): void {
    if (!device.up) return this.#drop('link-down');
    switch (device.kind) {
      case 'ethernet':
        return this.#overWire(device, nextHop);
      case 'veth':
        return this.#overVeth(device, nextHop);
      case 'bridge':
        return this.#outOfBridge(device, nextHop);
      case 'vxlan':
        return this.#overVxlan(device, nextHop);
      case 'lo':
        return this.#drop('not-for-us');
    }
  }

  #overWire(device: Interface, nextHop: string): void {
    const link = device.link;
    const target = link?.network.addresses.get(nextHop);
    if (link == null || !link.up || target?.link == null || !target.link.up || !target.netns.machine.powered || !target.up) {
      if (this.#live) device.learn(nextHop, null);
      return this.#drop('host-unreachable');
    }
    if (this.#live) device.learn(nextHop, target);
    this.#hop('transmit', { interface: device.name, rule: `${nextHop} lladdr ${this.#hops === null ? '' : target.mac}` });
    this.#latency += (link.latency + target.link.latency) / 2;
    this.#arrive(target);
  }

  #overVeth(device: Interface, nextHop: string): void {
    const peer = device.peer;
    if (peer === null || !peer.up) return this.#drop('link-down');
    const bridge = peer.master;
    this.#hop('transmit', { interface: device.name, rule: `peer ${peer.netns.name}/${peer.name}` });
    this.#latency += VETH_LATENCY;
    if (bridge === null) {
      const answers = peer.netns.isLocal(nextHop);
      if (this.#live) device.learn(nextHop, answers ? peer : null);
      return answers ? this.#arrive(peer) : this.#drop('host-unreachable');
    }
    if (!bridge.up) return this.#drop('link-down');
    // The gateway, or any other address of the host: ARP answers for all of them.
    const target = bridge.segment?.get(nextHop);
    if (target === undefined) {
      const answers = bridge.netns.isLocal(nextHop);
      if (this.#live) device.learn(nextHop, answers ? bridge : null);
      return answers ? this.#arrive(bridge) : this.#drop('host-unreachable');
    }
    if (this.#live) device.learn(nextHop, target);
    if (target === device) return this.#drop('not-for-us'); // no hairpin on a port
    if (++this.#steps > MAX_HOPS) return this.#drop('ttl-exceeded');
    this.#throughBridge(bridge, target);
  }

  /** From port to port. With br_netfilter the host's hooks see the packet as it passes. */
  #throughBridge(bridge: Interface, target: Interface): void {
    const host = bridge.netns;
    if (host.bridgeCallsIptables && host.rulesIfAny !== null) {
      this.#enter(host, bridge.name);
      this.#hop('bridge', { interface: bridge.name, rule: `port ${target.peer?.name ?? '?'}` });
      this.#track();
      if (!this.#translateDestination('PREROUTING')) return;
      this.outInterface = bridge.name;
      if (!this.#filter('FORWARD')) return;
      this.#translateSource('POSTROUTING', bridge);
    } else {
      this.#enter(host, bridge.name);
      this.#hop('bridge', { interface: bridge.name, rule: `port ${target.peer?.name ?? '?'}` });
    }
    this.#toPort(target);
  }

  /** From the host onto its bridge. */
  #outOfBridge(bridge: Interface, nextHop: string): void {
    const target = bridge.segment?.get(nextHop);
    if (this.#live) bridge.learn(nextHop, target ?? null);
    if (target === undefined) return this.#drop('host-unreachable');
    this.#hop('bridge', { interface: bridge.name, rule: `port ${target.peer?.name ?? '?'}` });
    this.#toPort(target);
  }

  #toPort(target: Interface): void {
    if (target.peer === null || !target.peer.up || !target.up) return this.#drop('link-down');
    this.#latency += VETH_LATENCY;
    this.#arrive(target);
  }

  #overVxlan(device: Interface, nextHop: string): void {
    const netns = device.netns;
    const vxlan = device.vxlan as Vxlan;
    const neighbour = device.neighbours?.get(nextHop);
    if (neighbour === undefined) return this.#drop('host-unreachable');
    if (this.#hops !== null) this.#hop('neighbour', { interface: device.name, rule: `${nextHop} lladdr ${neighbour.mac} ${neighbour.state}` });
    const entry = vxlan.fdb.get(neighbour.mac);
    if (entry === undefined) return this.#drop('no-fdb');
    const before = this.#snapshot();
    const source = vxlan.device.primary ?? sourceAddress(netns, entry.destination) ?? '';
    this.#latency += VXLAN_LATENCY;
    this.#outer = { src: source, dst: entry.destination, port: vxlan.port, vni: vxlan.vni, mac: neighbour.mac };
    if (this.#hops !== null) this.#hop('encapsulate', { interface: device.name, rule: `${entry.mac} dst ${entry.destination}` }, before);
    const remote = this.#underlay(netns, vxlan, this.#outer);
    if (remote === null) return;
    this.#netns = remote.netns;
    if (!remote.up) return this.#drop('no-vtep');
    if (remote.mac !== neighbour.mac) return this.#drop('not-for-us');
    const enveloped = this.#snapshot();
    this.#outer = undefined;
    this.#hop('decapsulate', { interface: remote.name }, enveloped);
    this.#arrive(remote);
  }

  /**
   * Carries the envelope, a UDP packet like any other, to the other VTEP; null when it is lost. All flows between two VTEPs go one
   * way, so it is remembered until a table on it changes.
   */
  #underlay(netns: Netns, vxlan: Vxlan, o: Outer): Interface | null {
    const known = vxlan.underlay.get(o.dst);
    if (known !== undefined && this.#hops === null && known.source === o.src && stillGood(known)) {
      this.#latency += known.latency;
      this.#visited.push(...known.visited);
      return known.remote;
    }
    const sport = 32_768 + ((parseIp(o.src) ^ parseIp(o.dst)) & 0x3fff);
    const outer = new Walk({ src: o.src, dst: o.dst, protocol: 'udp', sport, dport: o.port }, this.#live, this.#hops);
    outer.#outer = o;
    outer.#steps = this.#steps;
    outer.output(netns);
    this.#steps = outer.#steps;
    this.#latency += outer.#latency;
    this.#visited.push(...outer.#visited);
    if (outer.#tracked !== null) (this.#tracked ??= []).push(...outer.#tracked);
    const arrived = outer.#delivered;
    if (arrived === undefined) {
      this.#reason = outer.#reason === 'dropped' ? 'dropped' : 'no-outer-route';
      return null;
    }
    let remote: Interface | null = null;
    for (const i of arrived.interfaces.values()) if (i.vxlan?.vni === vxlan.vni && i.vxlan.port === vxlan.port) remote = i;
    if (remote === null) {
      this.#netns = arrived;
      this.#drop('no-vtep');
    } else if (this.#live) {
      const visited = outer.#visited;
      vxlan.underlay.set(o.dst, { source: o.src, remote, latency: outer.#latency, visited, stamps: visited.map(stampOf) });
    }
    return remote;
  }

  // ---- netfilter

  #track(): void {
    const netns = this.#netns as Netns;
    this.ctState = 'NEW';
    this.ctDnat = false;
    if (netns.rulesIfAny === null) {
      this.#tracking = OFF;
      return;
    }
    const now = netns.machine.sim.now;
    const side = netns.conntrack.find(this, now);
    if (side === undefined) {
      this.#tracking = { kind: 'new', original: { src: this.src, dst: this.dst, sport: this.sport, dport: this.dport }, dnat: false, snat: false, done: false };
      return;
    }
    const { entry, isReply } = side;
    this.#tracking = { kind: 'known', entry, isReply };
    this.ctDnat = entry.dnat;
    if (this.#live && this.protocol === 'udp') refresh(entry, isReply, now);
    if (isReply || (entry.state !== 'SYN_SENT' && entry.state !== 'UNREPLIED')) this.ctState = 'ESTABLISHED';
  }

  /** nat at PREROUTING and OUTPUT. False when the packet was lost. */
  #translateDestination(hook: 'PREROUTING' | 'OUTPUT'): boolean {
    const t = this.#tracking;
    if (t.kind === 'off') return true;
    if (t.kind === 'known') {
      const { entry, isReply } = t;
      if (isReply ? entry.snat : entry.dnat) {
        const before = this.#snapshot();
        if (isReply) this.#setDestination(entry.original.src, entry.original.sport);
        else this.#setDestination(entry.reply.src, entry.reply.sport);
        this.#hop('conntrack', {}, before);
      }
      return true;
    }
    const before = this.#snapshot();
    const verdict = this.#run('nat', hook);
    if (verdict === null) return true;
    const { target } = verdict;
    if (target.kind === 'dnat') {
      this.#setDestination(target.address, target.port ?? this.dport);
      this.ctDnat = true;
      t.dnat = true;
      if (this.#hops !== null) this.#hop('nat', { table: `nat/${verdict.chain}`, rule: formatRule(verdict.chain, verdict.rule) }, before);
    }
    if (target.kind === 'drop') {
      this.#drop('dropped');
      return false;
    }
    return true;
  }

  /** nat at POSTROUTING; then the connection's two faces are known. */
  #translateSource(hook: 'POSTROUTING', out: Interface): void {
    const t = this.#tracking;
    if (t.kind === 'off') return;
    if (t.kind === 'known') {
      this.#restoreSource(t.entry, t.isReply);
      return;
    }
    const before = this.#snapshot();
    const verdict = this.#run('nat', hook);
    const target = verdict?.target;
    if (verdict !== null && (target?.kind === 'masquerade' || target?.kind === 'snat')) {
      const source = target.kind === 'snat' ? target.address : (out.primary ?? this.src);
      this.#setSource(source, target.randomFully === true ? this.#randomPort(source) : this.sport);
      t.snat = true;
      if (this.#hops !== null) this.#hop('nat', { table: `nat/${verdict.chain}`, rule: formatRule(verdict.chain, verdict.rule) }, before);
    }
    this.#finishTracking();
  }

  /** What a known connection's packets come from: at POSTROUTING, and at INPUT for answers to this host. */
  #restoreSource(entry: ConntrackEntry, isReply: boolean): void {
    if (isReply ? !entry.dnat : !entry.snat) return;
    const before = this.#snapshot();
    if (isReply) this.#setSource(entry.original.dst, entry.original.dport);
    else this.#setSource(entry.reply.dst, entry.reply.dport);
    this.#hop('conntrack', {}, before);
  }

  /** A port for a masqueraded connection such that answers stay distinct. */
  #randomPort(source: string): number {
    if (this.protocol === 'icmp') return this.sport;
    const netns = this.#netns as Netns;
    for (let tries = 0; tries < 32; tries++) {
      const port = 1_024 + Math.floor(this.choose() * 64_512);
      const reply: Tuple = { src: this.dst, dst: source, sport: this.dport, dport: port };
      if (!this.#live || !netns.conntrack.taken(this.protocol, reply, netns.machine.sim.now)) return port;
    }
    return this.sport;
  }

  #finishTracking(): void {
    const t = this.#tracking;
    if (t.kind !== 'new' || t.done) return;
    t.done = true;
    const netns = this.#netns as Netns;
    let sport = this.sport;
    const now = netns.machine.sim.now;
    // Two connections whose answers would look alike: the later one gets another source port.
    while (netns.conntrack.taken(this.protocol, { src: this.dst, dst: this.src, sport: this.dport, dport: sport }, now) && sport < 65_535) sport++;
    if (sport !== this.sport) {
      this.sport = sport;
      t.snat = true;
    }
    const expires = now + (this.protocol === 'tcp' ? CT_SYN_SENT : this.protocol === 'udp' ? CT_UDP : CT_ICMP);
    (this.#tracked ??= []).push({
      netns,
      entry: {
        protocol: this.protocol,
        original: t.original,
        reply: { src: this.dst, dst: this.src, sport: this.dport, dport: this.sport },
        dnat: t.dnat,
        snat: t.snat,
        expires,
        state: this.protocol === 'tcp' ? 'SYN_SENT' : 'UNREPLIED',
      },
    });
  }

  /** The filter table. False when the packet was lost. */
  #filter(hook: 'INPUT' | 'FORWARD' | 'OUTPUT'): boolean {
    const verdict = this.#run('filter', hook);
    if (verdict === null || verdict.target.kind === 'accept') return true;
    if (this.#hops !== null) this.#hop('filter', { table: `filter/${verdict.chain}`, rule: verdict.chain === POLICY ? `-P ${hook} DROP` : formatRule(verdict.chain, verdict.rule) });
    const { target } = verdict;
    if (target.kind === 'reject') {
      this.#drop(target.with === 'tcp-reset' ? 'reset' : target.with === 'icmp-admin-prohibited' ? 'prohibited' : target.with === 'icmp-host-prohibited' ? 'host-unreachable' : 'rejected');
    } else {
      this.#drop('dropped');
    }
    return false;
  }

  #run(table: TableName, hook: string): Verdict | null {
    const rules = (this.#netns as Netns).rulesIfAny;
    const chain = rules?.compiled(table, hook);
    if (rules === null || chain == null) return null;
    const hops = this.#hops;
    const sink =
      hops === null
        ? null
        : (t: TableName, name: string, rule: Parameters<typeof formatRule>[1]): void => {
            const { kind } = rule.target;
            if (kind === 'jump' || kind === 'goto' || kind === 'mark') this.#hop(t === 'nat' ? 'nat' : 'filter', { table: `${t}/${name}`, rule: formatRule(name, rule) });
          };
    const verdict = evaluate(rules, table, chain, this, sink);
    if (verdict === null && chain.policy === 'DROP') return { target: { kind: 'drop' }, rule: { target: { kind: 'drop' } }, chain: POLICY };
    return verdict;
  }

  // ---- MatchContext

  isLocal(address: string): boolean {
    return (this.#netns as Netns).isLocal(address);
  }

  choose(): number {
    return this.#live ? (this.#netns as Netns).choose() : 0;
  }

  recentlySeen(list: string, source: string, seconds: number): boolean {
    const netns = this.#netns as Netns;
    const seen = netns.rules.recent.get(list)?.get(source);
    return seen !== undefined && netns.machine.sim.now - seen <= seconds * 1_000_000;
  }

  noteSeen(list: string, source: string): void {
    if (!this.#live) return;
    const netns = this.#netns as Netns;
    const { recent } = netns.rules;
    let sources = recent.get(list);
    if (sources === undefined) recent.set(list, (sources = new Map()));
    sources.set(source, netns.machine.sim.now);
  }

  // ---- bookkeeping

  #enter(netns: Netns, inInterface: string): void {
    this.#netns = netns;
    if (this.#visited[this.#visited.length - 1] !== netns) this.#visited.push(netns);
    this.mark = 0;
    this.inInterface = inInterface;
    this.outInterface = '';
    this.#tracking = OFF;
  }

  #setDestination(address: string, port: number): void {
    this.dst = address;
    this.dstInt = parseIp(address);
    this.dport = port;
  }

  #setSource(address: string, port: number): void {
    this.src = address;
    this.srcInt = parseIp(address);
    this.sport = port;
  }

  #drop(reason: WalkFailure): void {
    this.#reason = reason;
    this.#hop('drop', { rule: reason });
  }

  #receiver(netns: Netns): Process | undefined {
    const bound = this.protocol === 'tcp' ? netns.tcpListener(this.dst, this.dport) : this.protocol === 'udp' ? netns.udpListener(this.dst, this.dport) : undefined;
    return bound?.process;
  }

  #packet(): Packet {
    const packet: Packet = { src: this.src, dst: this.dst, protocol: this.protocol, sport: this.sport, dport: this.dport };
    const marked = this.mark === 0 ? packet : { ...packet, mark: this.mark };
    return this.#outer === undefined ? marked : { ...marked, outer: this.#outer };
  }

  /** The packet before a change, when somebody wants to know. */
  #snapshot(): Packet | undefined {
    return this.#hops === null ? undefined : this.#packet();
  }

  #hop(action: HopAction, more: Pick<Hop, 'interface' | 'table' | 'rule'>, before?: Packet): void {
    if (this.#hops === null) return;
    const netns = this.#netns as Netns;
    const after = this.#packet();
    this.#hops.push({ machine: netns.machine.name, netns: netns.name, action, before: before ?? after, after, ...more });
  }
}

const POLICY = '(policy)';

/** Changes whenever the fate of a new connection may change. */
const stampOf = (netns: Netns): number => netns.revision + (netns.rulesIfAny?.revision ?? 0);

function stillGood(path: UnderlayPath): boolean {
  for (let i = 0; i < path.visited.length; i++) if (stampOf(path.visited[i] as Netns) !== path.stamps[i]) return false;
  return true;
}

/** A UDP flow that was answered lives longer. */
function refresh(entry: ConntrackEntry, isReply: boolean, now: Micros): void {
  if (isReply) entry.state = 'ASSURED';
  entry.expires = now + (entry.state === 'ASSURED' ? CT_UDP_STREAM : CT_UDP);
}

function routeText(r: Route): string {
  const destination = r.destination.prefix === 0 ? 'default' : formatCidr(r.destination);
  return `${destination}${r.via === null ? '' : ` via ${r.via}`} dev ${r.device.name}${r.onlink ? ' onlink' : ''}`;
}
