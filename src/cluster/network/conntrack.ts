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
  /** Of UDP and ICMP: whether an answer was seen, and whether that went on for a while. */
  state: 'SYN_SENT' | 'ESTABLISHED' | 'TIME_WAIT' | 'CLOSE' | 'UNREPLIED' | 'REPLIED' | 'ASSURED';
  /** When its first packet came. */
  readonly since: Micros;
  /** The table that it is in. */
  table: Conntrack | null;
}

/** net.netfilter.nf_conntrack_*: the kernel's defaults, and what kube-proxy sets. */
export interface ConntrackSettings {
  readonly max: number;
  readonly established: Micros;
  readonly synSent: Micros;
  readonly timeWait: Micros;
  readonly close: Micros;
  readonly udp: Micros;
  readonly udpStream: Micros;
  readonly icmp: Micros;
}

const SETTINGS: ConntrackSettings = {
  max: 131_072, established: 86_400 * SECOND, synSent: 120 * SECOND, timeWait: 120 * SECOND, close: 10 * SECOND, udp: 30 * SECOND, udpStream: 120 * SECOND,
  icmp: 30 * SECOND,
};

/** A UDP flow is taken for a stream when it goes on for longer. */
const STREAM_AFTER: Micros = 2 * SECOND;

export type ConntrackEvent = 'NEW' | 'UPDATE' | 'DESTROY';

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
  settings = SETTINGS;
  /** Packets that were dropped because the table was full. */
  drops = 0;
  /** Who hears of entries that come, change and go (`conntrack -E`). */
  listeners: Set<(event: ConntrackEvent, entry: ConntrackEntry) => void> | null = null;

  get size(): number {
    return this.#entries.size;
  }

  get full(): boolean {
    return this.#entries.size >= this.settings.max;
  }

  /** Room for one more when the table is full: by what has expired, else by an entry that never was of use (early_drop). */
  makeRoom(now: Micros): boolean {
    this.#sweep(now);
    if (!this.full) return true;
    // It looks at eight of 65536 buckets: in a small table that finds nothing.
    if (this.#entries.size < 8_192) {
      this.drops++;
      return false;
    }
    for (const entry of this.#entries) {
      if (entry.state !== 'SYN_SENT' && entry.state !== 'UNREPLIED' && entry.state !== 'REPLIED') continue;
      this.#forget(entry);
      return true;
    }
    this.drops++;
    return false;
  }

  tell(event: ConntrackEvent, entry: ConntrackEntry): void {
    for (const listener of this.listeners ?? []) listener(event, entry);
  }

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
    entry.table = this;
    if (this.listeners !== null) this.tell('NEW', entry);
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
    if (this.listeners !== null) this.tell('DESTROY', entry);
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

/** The next state of a TCP connection's entry. */
export function setState(entry: ConntrackEntry, state: ConntrackEntry['state'], expires: Micros): void {
  entry.expires = expires;
  if (entry.state === state) return;
  entry.state = state;
  const { table } = entry;
  if (table !== null && table.listeners !== null) table.tell('UPDATE', entry);
}

/** A packet of a UDP flow or an ICMP exchange: what was answered for a while lives longer. */
export function refresh(entry: ConntrackEntry, isReply: boolean, now: Micros): void {
  const { icmp, udp, udpStream } = entry.table?.settings ?? SETTINGS;
  let { state } = entry;
  if (entry.protocol === 'icmp') setState(entry, isReply ? 'REPLIED' : state, now + icmp);
  else {
    if (state === 'UNREPLIED' && isReply) state = 'REPLIED';
    if (state === 'REPLIED' && now > entry.since + STREAM_AFTER) state = 'ASSURED';
    setState(entry, state, now + (state === 'ASSURED' ? udpStream : udp));
  }
}

/** How long an entry lives after the first packet. */
export function firstTimeout(table: Conntrack, protocol: Protocol): Micros {
  const { settings } = table;
  return protocol === 'tcp' ? settings.synSent : protocol === 'udp' ? settings.udp : settings.icmp;
}

/** How long an entry lives at most after a packet. */
function longest({ protocol, state, table }: ConntrackEntry): Micros {
  const { established, udp, udpStream, icmp } = table?.settings ?? SETTINGS;
  return protocol === 'tcp' ? established : protocol === 'icmp' ? icmp : state === 'ASSURED' ? udpStream : udp;
}

/** A connection that it belongs to, or that is inside of it, is open: it stays. Then only what is left by the last packet. */
export function holdEntry(entry: ConntrackEntry): void {
  if (entry.protocol === 'tcp') setState(entry, 'ESTABLISHED', Number.MAX_SAFE_INTEGER);
  else entry.expires = Number.MAX_SAFE_INTEGER;
}

export function releaseEntry(entry: ConntrackEntry, now: Micros, how: 'closed' | 'broken' | 'forgotten'): void {
  const { close, timeWait } = entry.table?.settings ?? SETTINGS;
  if (entry.protocol !== 'tcp' || how === 'forgotten') entry.expires = Math.min(entry.expires, now + longest(entry));
  else if (how === 'broken') setState(entry, 'CLOSE', now + close);
  else if (entry.state !== 'CLOSE') setState(entry, 'TIME_WAIT', now + timeWait);
}

const clock = (e: ConntrackEntry, now: Micros): number => Math.max(0, Math.ceil((Math.min(e.expires, now + longest(e)) - now) / SECOND));

/** `conntrack -L`, one line an entry. */
export function formatConntrack(table: Pick<Conntrack, 'list'>, now: Micros): string {
  return table
    .list(now)
    .map((e) => `${entryText(e, now)}mark=0 use=1\n`)
    .join('');
}

/** An entry as conntrack(8) prints it; without `now` without what is left of its life, as of one that is gone. */
export function entryText(e: ConntrackEntry, now: Micros | null): string {
  const side = (t: Tuple, isReply: boolean): string => `src=${t.src} dst=${t.dst} ${e.protocol === 'icmp' ? `type=${isReply ? 0 : 8} code=0 id=${isReply ? t.dport : t.sport}` : `sport=${t.sport} dport=${t.dport}`}`;
  const unreplied = e.state === 'SYN_SENT' || e.state === 'UNREPLIED';
  const assured = e.state === 'ASSURED' || (e.protocol === 'tcp' && e.state !== 'SYN_SENT');
  const life = now === null ? '' : `${clock(e, now)} `;
  const state = e.protocol === 'tcp' && now !== null ? `${e.state} ` : '';
  return `${e.protocol.padEnd(8)} ${PROTOCOL_NUMBER[e.protocol]} ${life}${state}${side(e.original, false)} ${unreplied ? '[UNREPLIED] ' : ''}${side(e.reply, true)} ${assured ? '[ASSURED] ' : ''}`;
}
