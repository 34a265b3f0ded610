// Connection tracking (nf_conntrack): a connection's addresses before and after translation, so that every later packet of it,
// both ways, is translated as the first one was.

import { type Micros, SECOND } from '../sim/time.ts';
import { parseIp } from './ip.ts';
import type { Netns } from './netns.ts';
import type { Protocol } from './packet.ts';

export interface Tuple {
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
}

export interface ConntrackEntry {
  readonly protocol: Protocol;
  /** As the first packet came in. */
  readonly original: Tuple;
  /** As answers come in. */
  readonly reply: Tuple;
  /** DNAT and SNAT were applied. */
  readonly dnat: boolean;
  readonly snat: boolean;
  /** Forgotten after this instant; pushed out by traffic. */
  expires: Micros;
  state: 'SYN_SENT' | 'ESTABLISHED' | 'TIME_WAIT' | 'UNREPLIED' | 'ASSURED';
}

/** nf_conntrack_*_timeout_* defaults, kube-proxy's --conntrack-tcp-timeout-established is the same as the first. */
export const CT_ESTABLISHED: Micros = 86_400 * SECOND;
export const CT_SYN_SENT: Micros = 120 * SECOND;
export const CT_TIME_WAIT: Micros = 120 * SECOND;
export const CT_UDP: Micros = 30 * SECOND;
export const CT_UDP_STREAM: Micros = 120 * SECOND;
export const CT_ICMP: Micros = 30 * SECOND;

interface Side {
  readonly entry: ConntrackEntry;
  readonly isReply: boolean;
  readonly tuple: Tuple;
  /** The next one with the same hash. */
  next: Side | null;
}

const PROTOCOL_NUMBER: Readonly<Record<Protocol, number>> = { icmp: 1, tcp: 6, udp: 17 };

function hashOf(protocol: Protocol, src: number, dst: number, sport: number, dport: number): number {
  let h = Math.imul(src ^ PROTOCOL_NUMBER[protocol], 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ dst, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ ((sport << 16) | dport), 0xc2b2ae35);
  return (h ^ (h >>> 16)) & 0x3fff_ffff;
}

const hashTuple = (protocol: Protocol, t: Tuple): number => hashOf(protocol, parseIp(t.src), parseIp(t.dst), t.sport, t.dport);

/** A packet's addresses with their numbers at hand. */
interface Headers extends Tuple {
  readonly protocol: Protocol;
  readonly srcInt: number;
  readonly dstInt: number;
}

/** The table of one namespace. */
export class Conntrack {
  readonly #buckets = new Map<number, Side>();
  /** In order of creation. */
  readonly #entries = new Set<ConntrackEntry>();
  #sweepAt = 1024;

  /** The entry that a packet belongs to. */
  find(packet: Headers, now: Micros): Side | undefined {
    if (this.#entries.size === 0) return undefined;
    const side = this.#side(hashOf(packet.protocol, packet.srcInt, packet.dstInt, packet.sport, packet.dport), packet.protocol, packet);
    if (side === undefined || side.entry.expires > now) return side;
    this.#forget(side.entry);
    return undefined;
  }

  /** True when answers could not be told apart from those of another connection. */
  taken(protocol: Protocol, reply: Tuple, now: Micros): boolean {
    if (this.#entries.size === 0) return false;
    const side = this.#side(hashTuple(protocol, reply), protocol, reply);
    return side !== undefined && side.entry.expires > now;
  }

  add(entry: ConntrackEntry, now: Micros): void {
    this.#put({ entry, isReply: false, tuple: entry.original, next: null });
    this.#put({ entry, isReply: true, tuple: entry.reply, next: null });
    this.#entries.add(entry);
    if (this.#entries.size > this.#sweepAt) this.#sweep(now);
  }

  /** `conntrack -L`, in order of creation. */
  list(now: Micros): ConntrackEntry[] {
    this.#sweep(now);
    return [...this.#entries];
  }

  /** `conntrack -D`: forgets the entries that `which` picks; says how many. See deleteConntrack. */
  delete(which: (entry: ConntrackEntry) => boolean): number {
    let n = 0;
    for (const entry of this.#entries) {
      if (!which(entry)) continue;
      this.#forget(entry);
      n++;
    }
    return n;
  }

  #side(hash: number, protocol: Protocol, t: Tuple): Side | undefined {
    for (let side = this.#buckets.get(hash) ?? null; side !== null; side = side.next) {
      const own = side.tuple;
      if (own.sport === t.sport && own.dport === t.dport && own.src === t.src && own.dst === t.dst && side.entry.protocol === protocol) return side;
    }
    return undefined;
  }

  #put(side: Side): void {
    const { protocol } = side.entry;
    const hash = hashTuple(protocol, side.tuple);
    const old = this.#side(hash, protocol, side.tuple);
    if (old !== undefined) this.#remove(old);
    side.next = this.#buckets.get(hash) ?? null;
    this.#buckets.set(hash, side);
  }

  #remove(side: Side): void {
    const hash = hashTuple(side.entry.protocol, side.tuple);
    const first = this.#buckets.get(hash);
    if (first === side) {
      if (side.next === null) this.#buckets.delete(hash);
      else this.#buckets.set(hash, side.next);
      return;
    }
    for (let s = first ?? null; s !== null; s = s.next) if (s.next === side) s.next = side.next;
  }

  #forget(entry: ConntrackEntry): void {
    this.#entries.delete(entry);
    for (const tuple of [entry.original, entry.reply]) {
      const side = this.#side(hashTuple(entry.protocol, tuple), entry.protocol, tuple);
      if (side?.entry === entry) this.#remove(side);
    }
  }

  #sweep(now: Micros): void {
    for (const entry of this.#entries) if (entry.expires <= now) this.#forget(entry);
    this.#sweepAt = Math.max(1024, this.#entries.size * 2);
  }
}

/** `conntrack -D`: forgets entries and says how many; what they translated is looked up anew. */
export function deleteConntrack(netns: Netns, which: (entry: ConntrackEntry) => boolean): number {
  const n = netns.conntrack.delete(which);
  if (n > 0) netns.changed();
  return n;
}

const clock = (micros: Micros, now: Micros): number => Math.max(0, Math.ceil((Math.min(micros, now + CT_ESTABLISHED) - now) / SECOND));

/** `conntrack -L`, one line an entry. */
export function formatConntrack(table: Pick<Conntrack, 'list'>, now: Micros): string {
  return table
    .list(now)
    .map((e) => {
      const side = (t: Tuple): string => `src=${t.src} dst=${t.dst} ${e.protocol === 'icmp' ? `type=8 code=0 id=${t.sport}` : `sport=${t.sport} dport=${t.dport}`}`;
      const unreplied = e.state === 'SYN_SENT' || e.state === 'UNREPLIED';
      const state = e.protocol === 'tcp' ? `${e.state} ` : '';
      const assured = e.state === 'ESTABLISHED' || e.state === 'TIME_WAIT' || e.state === 'ASSURED';
      return `${e.protocol.padEnd(8)} ${PROTOCOL_NUMBER[e.protocol]} ${clock(e.expires, now)} ${state}${side(e.original)} ${unreplied ? '[UNREPLIED] ' : ''}${side(e.reply)} ${assured ? '[ASSURED] ' : ''}mark=0 use=1\n`;
    })
    .join('');
}
