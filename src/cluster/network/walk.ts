// The walk of one packet over the tables, as the Linux kernel would take it: local output, routing, netfilter hooks,
// connection tracking, ARP on a segment, bridge, veth, VXLAN envelope, the wire, forwarding, local delivery.
// It changes nothing: what a real packet would leave behind (conntrack entries) comes back in the result.

import type { Micros } from '../sim/time.ts';
import { ipvsChoice } from './choice.ts';
import { firstTimeout } from './conntrack.ts';
import { type Interface, LOOPBACK_LATENCY } from './device.ts';
import { formatCidr, parseIp } from './ip.ts';
import type { Netns, Route } from './netns.ts';
import type { Hop, Packet, WalkResult } from './packet.ts';
import type { Asked, PlainPath, Tracked } from './passage.ts';
import type { Passing } from './tap.ts';
import { MAX_HOPS, sourceAddress, stampOf, Transmission, unchanged } from './transmission.ts';

export { sourceAddress };

export interface WalkOptions {
  /** Write down every hop. */
  readonly record?: boolean;
  /**
   * A packet that is really sent: random choices draw from the namespace's stream, session affinity lists are kept.
   * Otherwise choices are 0: the first of several backends.
   */
  readonly live?: boolean;
  /** Of a packet that is not sent. */
  readonly asked?: Asked;
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
  const w = new Walk(packet, options.live === true, options.record === true ? [] : null, options.asked ?? null);
  if (captured) w.capture();
  w.output(from);
  const result = w.result();
  return plain ? w.notePlainPath(from, packet, result) : result;
}

/** The way of the answer to a packet that has arrived: a SYN's. With `record` every hop is written down. */
export function walkBack(forth: WalkTrace, record = false): WalkTrace {
  const { packet, plain } = forth;
  const netns = forth.netns as Netns;
  const answer: Packet = { src: packet.dst, dst: packet.src, protocol: packet.protocol, sport: packet.dport, dport: packet.sport };
  const back = plain?.back ?? null;
  if (!record && plain !== undefined && back !== null && netns.fabric.taps === null && unchanged(back.visited, back.stamps)) return plainResult(plain.from, answer, back, NONE_TRACKED, undefined);
  const w = new Walk(answer, true, record ? [] : null, null);
  if (netns.fabric.taps !== null) w.capture();
  w.output(netns);
  const result = w.result();
  if (plain !== undefined) w.notePlainAnswer(plain, result);
  return result;
}

const MAX_PLAIN = 512;

function plainResult(netns: Netns, packet: Packet, way: Pick<PlainPath, 'latency' | 'mtu' | 'firstMtu' | 'visited'>, tracked: readonly Tracked[], plain: PlainPath | undefined): WalkTrace {
  const process = netns.tcpListener(packet.dst, packet.dport)?.process;
  return { delivered: true, netns, process, hops: NO_HOPS, packet, reason: undefined, latency: way.latency, mtu: way.mtu, firstMtu: way.firstMtu, visited: way.visited, tracked, plain };
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
    if (netns.conntrack.full || netns.conntrack.taken('tcp', original, now) || netns.conntrack.taken('tcp', reply, now)) return null;
    tracked.push({ netns, entry: { protocol: 'tcp', original, reply, dnat: false, snat: false, expires: now + firstTimeout(netns.conntrack, 'tcp'), state: 'SYN_SENT', since: now, table: null } });
  }
  return plainResult(path.to, packet, path, tracked, path);
}

/** The way of the ICMP error by which a host tells of a packet that it lost, or that nobody took. */
export function walkError(at: Netns, about: Packet): WalkTrace {
  const { src, dst, protocol, sport, dport } = about;
  const w = new Walk({ src: sourceAddress(at, src) ?? '', dst: src, protocol: 'icmp', sport: 0, dport: 0 }, true, null, null);
  if (at.fabric.taps !== null) w.capture();
  w.outputError(at, { src, dst, protocol, sport, dport });
  return w.result();
}

/** Enters what a walk that really happened leaves behind. */
export function track(result: WalkTrace, now: Micros): void {
  for (const { netns, entry } of result.tracked) netns.conntrack.add(entry, now);
}

const NO_HOPS: readonly Hop[] = [];
const NONE_TRACKED: readonly Tracked[] = [];

class Walk extends Transmission {
  protected another(packet: Packet): Walk {
    return new Walk(packet, this.live, this.hops, this.asked);
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
      at: netns === undefined ? (this.here ?? undefined) : undefined,
      mtu: this.mtu,
      firstMtu: this.firstMtu,
      rough: this.rough ?? undefined,
      seen: this.seen ?? undefined,
    };
  }

  /** Remembers the way when all connections to that address and port take it. */
  notePlainPath(from: Netns, packet: Packet, result: WalkTrace): WalkTrace {
    const to = this.delivered;
    if (to === undefined || this.rough !== null || this.volatile || this.metKnown || this.dst !== packet.dst || this.src !== packet.src) return result;
    for (const { entry } of result.tracked) {
      const { original, reply } = entry;
      if (entry.protocol !== 'tcp' || entry.dnat || entry.snat || original.sport !== packet.sport || reply.dport !== packet.sport || reply.sport !== packet.dport) return result;
    }
    const { visited, latency, mtu, firstMtu } = result;
    const trackedIn = result.tracked.map((t) => t.netns);
    const plain: PlainPath = { src: packet.src, from, to, latency, mtu, firstMtu, visited, stamps: visited.map(stampOf), trackedIn, back: null };
    const paths = (from.plainPaths ??= new Map());
    if (paths.size >= MAX_PLAIN) paths.clear();
    paths.set(pathKey(packet), plain);
    return { ...result, plain };
  }

  notePlainAnswer(plain: PlainPath, result: WalkTrace): void {
    if (this.delivered !== plain.from || this.rough !== null || this.volatile || this.portAsked || this.metTranslated || result.tracked.length > 0) return;
    const { visited, latency, mtu, firstMtu } = result;
    plain.back = { latency, mtu, firstMtu, visited, stamps: visited.map(stampOf) };
  }

  /** As far as the host remembers the way to be narrow. */
  private knownToFit(netns: Netns, device: Interface): boolean {
    const known = netns.pathMtu?.get(this.dst);
    if (known === undefined || known.until <= netns.machine.sim.now || this.size <= known.mtu) return true;
    this.mtu = known.mtu;
    if (!this.df) this.size = known.mtu;
    else this.drop('message-too-long', { interface: device.name, rule: `mtu ${known.mtu}` });
    return !this.df;
  }

  outputError(netns: Netns, about: Packet): void {
    this.about = about;
    this.enter(netns, '');
    this.track();
    // Who got the packet answers from the address that it was sent to.
    const source = netns.isLocal(about.dst) ? about.dst : sourceAddress(netns, this.dst);
    if (source !== null) this.setSource(source, 0);
    this.output(netns);
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
    this.firstMtu = device.mtu;
    if (this.size > 0 && netns.pathMtu !== null && !this.knownToFit(netns, device)) return;
    if (device.kind === 'lo') {
      if (device.shaper !== null && !this.shaped(device.shaper, 0, 'lo')) return;
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
  protected arrive(device: Interface): void {
    const { netns } = device;
    if (!device.up || !netns.machine.powered || netns.deleted) return this.drop('link-down', { interface: device.name });
    if (++this.steps > MAX_HOPS) return this.drop('ttl-exceeded');
    this.passing(device, 'In');
    this.enter(netns, device.name);
    this.track();
    if (!this.translateDestination('PREROUTING')) return;
    if (netns.isLocal(this.src)) return this.drop('martian', { asked: this.src });
    if (netns.isLocal(this.dst)) return this.receive();
    if (!netns.ipForward) return this.drop('not-for-us', { table: 'sysctl', rule: 'net.ipv4.ip_forward = 0' });
    if (++this.forwards >= this.ttl) return this.drop('ttl-exceeded');
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
    const ipvs = (this.here as Netns).rules.ipvs;
    const chosen = ipvs?.choose(this);
    if (chosen === undefined) return false;
    this.volatile = true;
    const from = `${this.protocol.toUpperCase()} ${this.dst}:${this.dport}`;
    if (chosen === null) {
      this.drop('rejected', { table: 'ipvs', rule: from });
      return true;
    }
    const asked = this.hops === null ? null : ipvsChoice(ipvs?.list() ?? [], this, chosen, this.asked?.backend);
    const server = asked?.server ?? chosen;
    const before = this.snapshot();
    this.setDestination(server.address, server.port);
    this.ctDnat = true;
    t.dnat = true;
    if (asked !== null) {
      const { choice } = asked;
      this.hop('nat', { table: 'ipvs', rule: `${from} ${choice.by} -> ${server.address}:${server.port} Masq`, ...(choice.among.length > 1 ? { choice } : {}) }, before);
    }
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
      this.drop('network-unreachable', { table: 'main', asked: this.dst });
      return null;
    }
    this.chosenRoute = route;
    if (this.hops !== null) {
      this.hop('route', { interface: route.device.name, table: 'main', rule: routeText(route), ...(from?.primary == null ? {} : { forwarder: from.primary }) });
    }
    if (route.type !== undefined) {
      this.drop('dropped');
      return null;
    }
    return route.device;
  }
}

function routeText(r: Route): string {
  const destination = r.destination.prefix === 0 ? 'default' : formatCidr(r.destination);
  if (r.type !== undefined) return `${r.type} ${destination}`;
  return `${destination}${r.via === null ? '' : ` via ${r.via}`} dev ${r.device.name}${r.onlink ? ' onlink' : ''}`;
}
