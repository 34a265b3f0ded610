// A packet on its way: its headers as they are now, what rules may ask of it, and what it notes of where it was. What netfilter makes
// of it is in hooks.ts; the walk (walk.ts) leads it from hook to hook.

import type { Process } from '../machine/process.ts';
import type { Micros } from '../sim/time.ts';
import { backendOf } from './choice.ts';
import type { MatchContext } from './compile.ts';
import type { ConntrackEntry, Tuple } from './conntrack.ts';
import type { Interface } from './device.ts';
import { contains, parseCidr, parseIp } from './ip.ts';
import { netSetHas } from './ipset.ts';
import type { Rule } from './netfilter.ts';
import type { Netns } from './netns.ts';
import type { Choice, Hop, HopAction, Outer, Packet, Protocol, WalkFailure } from './packet.ts';
import type { Rough } from './rough.ts';
import type { Passing } from './tap.ts';

/**
 * A way that connections to one address and port take, when nothing on it depends on more than that and nothing is translated. It is
 * good while the stamps are; then a new connection needs no walk, only its entries in connection tracking.
 */
export interface PlainPath {
  readonly src: string;
  readonly from: Netns;
  readonly to: Netns;
  readonly latency: Micros;
  readonly mtu: number;
  readonly firstMtu: number;
  readonly visited: readonly Netns[];
  readonly stamps: readonly number[];
  readonly trackedIn: readonly Netns[];
  /** The way of the answers, once one has gone it. */
  back: { readonly latency: Micros; readonly mtu: number; readonly firstMtu: number; readonly visited: readonly Netns[]; readonly stamps: readonly number[] } | null;
}

/** A connection that a namespace would now track. */
export interface Tracked {
  readonly netns: Netns;
  readonly entry: ConntrackEntry;
}

/** What a person asks of a packet that nobody sends. */
export interface Asked {
  /** Connections that count as known: what the packets before it would have left behind. */
  readonly tracked?: readonly Tracked[];
  /** The backend to take where there is a choice: `address:port`. */
  readonly backend?: string;
}

/** What a step of the walk tells beside where it is. */
export type HopFacts = Pick<Hop, 'interface' | 'table' | 'rule' | 'forwarder' | 'asked' | 'choice'>;

/** What a namespace knows of the packet's connection while it passes. */
export type Tracking =
  | { readonly kind: 'off' }
  | { readonly kind: 'known'; readonly entry: ConntrackEntry; readonly isReply: boolean }
  | { readonly kind: 'new'; readonly original: Tuple; dnat: boolean; snat: boolean; done: boolean };

export const OFF: Tracking = { kind: 'off' };

export class Passage implements MatchContext {
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
  ctState: 'NEW' | 'ESTABLISHED' | 'RELATED' = 'NEW';
  ctDnat = false;
  volatile = false;
  portAsked = false;
  /** It belongs to a connection that some namespace on the way knows. */
  protected metKnown = false;
  /** … and translates. */
  protected metTranslated = false;
  readonly live: boolean;
  protected readonly hops: Hop[] | null;
  protected readonly asked: Asked | null;
  protected here: Netns | null = null;
  protected tracking: Tracking = OFF;
  protected outer: Outer | undefined = undefined;
  protected latency: Micros = 0;
  /** A choice that was made just now, for the step that tells of it. */
  private chosen: Choice | null = null;
  protected steps = 0;
  protected forwards = 0;
  protected readonly ttl: number;
  /** Bytes; 0: they fit anywhere. */
  protected size: number;
  protected readonly df: boolean;
  protected mtu = Number.POSITIVE_INFINITY;
  protected firstMtu = Number.POSITIVE_INFINITY;
  protected rough: Rough | null = null;
  /** It is an ICMP error about this packet. */
  protected about: Packet | null = null;
  protected reason: WalkFailure | undefined = undefined;
  protected delivered: Netns | undefined = undefined;
  protected visited: Netns[] = [];
  protected tracked: Tracked[] | null = null;
  /** Where it passed interfaces, when somebody captures. */
  protected seen: Passing[] | null = null;

  constructor(packet: Packet, live: boolean, hops: Hop[] | null, asked: Asked | null) {
    this.src = packet.src;
    this.srcInt = parseIp(packet.src);
    this.dst = packet.dst;
    this.dstInt = parseIp(packet.dst);
    this.protocol = packet.protocol;
    this.sport = packet.sport;
    this.dport = packet.dport;
    this.size = packet.size ?? 0;
    this.df = packet.df === true;
    this.ttl = packet.ttl ?? 64;
    this.live = live;
    this.hops = hops;
    this.asked = asked;
  }

  // ---- MatchContext

  isLocal(address: string): boolean {
    return (this.here as Netns).isLocal(address);
  }

  isInSet(name: string, flags: string): boolean {
    const set = (this.here as Netns).rules.ipsets.get(name);
    if (set === undefined) return false;
    if (flags !== 'src' && flags !== 'dst') this.portAsked = true;
    const port = `${this.protocol}:${this.dport}`;
    switch (flags) {
      case 'dst,dst':
        return set.elements.has(`${this.dst},${port}`);
      case 'dst,dst,src':
        return set.type === 'hash:ip,port,net' ? this.isInRange(set.elements, `${this.dst},${port},`) : set.elements.has(`${this.dst},${port},${this.src}`);
      case 'dst':
        if (set.type === 'hash:net') return netSetHas(set, this.dstInt);
        if (set.type !== 'bitmap:port') return set.elements.has(this.dst);
        this.portAsked = true;
        return set.elements.has(String(this.dport));
      case 'src':
        return set.type === 'hash:net' ? netSetHas(set, this.srcInt) : set.elements.has(this.src);
      case 'src,src':
        return set.elements.has(`${this.src},${this.protocol}:${this.sport}`);
      default:
        return false;
    }
  }

  private isInRange(elements: ReadonlySet<string>, start: string): boolean {
    for (const element of elements) if (element.startsWith(start) && contains(parseCidr(element.slice(start.length)), this.srcInt)) return true;
    return false;
  }

  choose(rule?: Rule): number {
    const netns = this.here as Netns;
    if (this.live) return netns.choose();
    const wanted = this.asked?.backend;
    return rule === undefined || wanted === undefined || rule.target.kind !== 'jump' || backendOf(netns.rules, 'nat', rule.target.chain) === wanted ? 0 : 1;
  }

  pick(count: number, backends: () => readonly string[]): number {
    const wanted = this.asked?.backend;
    const taken = this.live ? Math.floor((this.here as Netns).choose() * count) : Math.max(0, wanted === undefined ? 0 : backends().indexOf(wanted));
    if (this.hops !== null) this.chosen = { by: 'numgen', among: backends().map((backend) => ({ backend, probability: 1 / count })), taken };
    return taken;
  }

  recentlySeen(list: string, source: string, seconds: number): boolean {
    const netns = this.here as Netns;
    const seen = netns.rules.recent.get(list)?.get(source);
    return seen !== undefined && netns.machine.sim.now - seen <= seconds * 1_000_000;
  }

  noteSeen(list: string, source: string): void {
    if (!this.live) return;
    const netns = this.here as Netns;
    const { recent } = netns.rules;
    let sources = recent.get(list);
    if (sources === undefined) recent.set(list, (sources = new Map()));
    sources.set(source, netns.machine.sim.now);
  }

  // ---- bookkeeping

  protected enter(netns: Netns, inInterface: string): void {
    this.here = netns;
    if (this.visited[this.visited.length - 1] !== netns) this.visited.push(netns);
    this.mark = 0;
    this.inInterface = inInterface;
    this.outInterface = '';
    this.tracking = OFF;
  }

  protected passing(device: Interface, direction: 'In' | 'Out', promiscuous = false): void {
    this.seen?.push({ ...(promiscuous ? { promiscuous } : {}), after: this.latency, device, direction, packet: { src: this.src, dst: this.dst, protocol: this.protocol, sport: this.sport, dport: this.dport } });
  }

  protected setDestination(address: string, port: number): void {
    this.dst = address;
    this.dstInt = parseIp(address);
    this.dport = port;
  }

  protected setSource(address: string, port: number): void {
    this.src = address;
    this.srcInt = parseIp(address);
    this.sport = port;
  }

  protected drop(reason: WalkFailure, why: HopFacts = NO_FACTS): void {
    this.reason = reason;
    this.hop('drop', why);
  }

  protected receiver(netns: Netns): Process | undefined {
    const bound = this.protocol === 'tcp' ? netns.tcpListener(this.dst, this.dport) : this.protocol === 'udp' ? netns.udpListener(this.dst, this.dport) : undefined;
    return bound?.process;
  }

  protected packetNow(): Packet {
    const packet: Packet = { src: this.src, dst: this.dst, protocol: this.protocol, sport: this.sport, dport: this.dport };
    const marked = this.mark === 0 ? packet : { ...packet, mark: this.mark };
    return this.outer === undefined ? marked : { ...marked, outer: this.outer };
  }

  /** The packet before a change, when somebody wants to know. */
  protected snapshot(): Packet | undefined {
    return this.hops === null ? undefined : this.packetNow();
  }

  protected hop(action: HopAction, more: HopFacts, before?: Packet): void {
    if (this.hops === null) return;
    const netns = this.here as Netns;
    const after = this.packetNow();
    this.hops.push({
      machine: netns.machine.name,
      netns: netns.name,
      action,
      ...(this.inInterface === '' ? {} : { in: this.inInterface }),
      ...(this.outInterface === '' ? {} : { out: this.outInterface }),
      before: before ?? after,
      after,
      ...(action === 'drop' && this.reason !== undefined ? { reason: this.reason } : {}),
      ...(this.chosen === null ? {} : { choice: this.chosen }),
      ...more,
    });
    this.chosen = null;
  }
}

export const NO_FACTS: HopFacts = Object.freeze({});

