// Delay, jitter, loss and rate of a cable or of an interface's queue, as sch_netem and sch_tbf make them, and what TCP makes of that:
// segments that are sent again, slow start, and a rate that loss holds down (Mathis). Draws come from a stream of each cable's own.

import type { Random } from '../sim/random.ts';
import { type Micros, MILLISECOND, SECOND } from '../sim/time.ts';
import type { Protocol } from './packet.ts';
import type { Fate, Rough, Shaper } from './rough.ts';

export interface Impairment {
  readonly delay?: Micros;
  readonly jitter?: Micros;
  /** 0 … 1. */
  readonly loss?: number;
  /** Bits per second. */
  readonly rate?: number;
  /** Packets that may wait for the rate; netem's default is 1000. */
  readonly limit?: number;
  /** Larger packets are lost, and nobody says so. */
  readonly mtu?: number;
  /** Packets to these ports are lost. */
  readonly blocked?: readonly BlockedPort[];
  /** Nothing passes. */
  readonly cut?: boolean;
}

export interface BlockedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** What `tc -s` counts. */
export interface ShaperCounts {
  bytes: number;
  packets: number;
  dropped: number;
}

const DEFAULT_LIMIT = 1_000;
const MINIMAL_RTO: Micros = 200 * MILLISECOND;
const FIRST_WINDOW = 10;
/** IP and TCP headers with time stamps. */
const HEADERS = 52;
const MOST_DRAWS = 4_096;

export class Queue implements Shaper {
  readonly impairment: Impairment;
  readonly counts: ShaperCounts = { bytes: 0, packets: 0, dropped: 0 };
  readonly #random: Random;
  readonly #now: () => Micros;
  /** Until when each direction is busy sending. */
  readonly #busy: [Micros, Micros] = [0, 0];

  constructor(impairment: Impairment, random: Random, now: () => Micros) {
    this.impairment = impairment;
    this.#random = random;
    this.#now = now;
  }

  meet(before: Rough | null, packet: { readonly protocol: Protocol; readonly dport: number }, way: 0 | 1, seen: number): Rough | null {
    const { blocked, cut } = this.impairment;
    if (cut === true || blocked?.some((b) => b.protocol === packet.protocol && b.port === packet.dport)) return null;
    const met = before instanceof Met ? before.crossings : [];
    return new Met([...met, { queue: this, way, seen, extra: 0 }]);
  }

  get text(): string {
    const { delay = 0, jitter = 0, loss = 0, rate, mtu, blocked = [], cut } = this.impairment;
    const parts: string[] = [];
    if (cut === true) parts.push('cut');
    if (delay > 0 || jitter > 0) parts.push(`delay ${durationText(delay)}${jitter > 0 ? `  ${durationText(jitter)}` : ''}`);
    if (loss > 0) parts.push(`loss ${percentText(loss)}`);
    if (rate !== undefined) parts.push(`rate ${rateText(rate)}`);
    if (mtu !== undefined) parts.push(`mtu ${mtu}`);
    for (const { protocol, port } of blocked) parts.push(`drop ${protocol} dport ${port}`);
    return parts.join(' ');
  }

  get mtu(): number {
    return this.impairment.mtu ?? Number.POSITIVE_INFINITY;
  }

  drawLoss(): boolean {
    const { loss = 0 } = this.impairment;
    return loss > 0 && this.#random.float() < loss;
  }

  drawDelay(): Micros {
    const { delay = 0, jitter = 0 } = this.impairment;
    return jitter === 0 ? delay : Math.max(0, Math.round(delay + (this.#random.float() * 2 - 1) * jitter));
  }

  /** How long so many bytes wait and are sent; null when too many wait already. */
  send(way: 0 | 1, bytes: number, mayDrop: boolean): Micros | null {
    const { rate, limit = DEFAULT_LIMIT } = this.impairment;
    if (rate === undefined) return 0;
    const now = this.#now();
    const wait = Math.max(0, this.#busy[way] - now);
    const time = Math.ceil((bytes * 8 * SECOND) / rate);
    if (mayDrop && wait > limit * time) return null;
    this.#busy[way] = now + wait + time;
    return wait + time;
  }

  count(bytes: number, packets: number, dropped: number): void {
    this.counts.bytes += bytes;
    this.counts.packets += packets;
    this.counts.dropped += dropped;
  }
}

interface Crossing {
  readonly queue: Queue;
  readonly way: 0 | 1;
  /** Places that were noted before it. */
  readonly seen: number;
  /** Bytes of envelopes. */
  readonly extra: number;
}

/** With how much was added up to each crossing, as far as it came. */
interface Passed extends Fate {
  readonly delays: readonly Micros[];
}

class Met implements Rough {
  readonly crossings: readonly Crossing[];

  constructor(crossings: readonly Crossing[]) {
    this.crossings = crossings;
  }

  get delay(): Micros {
    return this.crossings.reduce((sum, { queue }) => sum + (queue.impairment.delay ?? 0), 0);
  }

  get mtu(): number {
    return Math.min(...this.crossings.map((c) => c.queue.mtu - c.extra));
  }

  packet(bytes: number): Passed {
    const delays: Micros[] = [];
    let delay = 0;
    for (const { queue, way, extra } of this.crossings) {
      const size = bytes + extra;
      const sent = size > queue.mtu || queue.drawLoss() ? null : queue.send(way, size, true);
      if (sent === null) {
        queue.count(0, 0, 1);
        return { lost: true, delay: 0, delays };
      }
      queue.count(size, 1, 0);
      delay += sent + queue.drawDelay();
      delays.push(delay);
    }
    return { lost: false, delay, delays };
  }

  message(bytes: number, segment: number, roundTrip: Micros): Passed {
    const room = Math.max(1, segment - HEADERS);
    const segments = Math.max(1, Math.ceil(bytes / room));
    if (segments === 1) return this.packet(bytes + HEADERS);
    if (segment > this.mtu) return { lost: true, delay: 0, delays: [] };
    let delay = 0;
    let slowest = 0;
    let pass = 1;
    for (const { queue, way, extra } of this.crossings) {
      const size = bytes + segments * (HEADERS + extra);
      queue.count(size, segments, 0);
      slowest = Math.max(slowest, queue.send(way, size, false) ?? 0);
      delay += queue.drawDelay();
      pass *= 1 - (queue.impairment.loss ?? 0);
    }
    const rtt = roundTrip + this.delay * 2;
    // Until the window is as large as what is left, each window waits for its acknowledgement.
    const rounds = Math.ceil(Math.log2(segments / FIRST_WINDOW + 1)) - 1;
    let rest = Math.max(0, rounds) * rtt;
    const loss = 1 - pass;
    if (loss > 0) {
      const again = this.#again(segments, rtt);
      if (again === null) return { lost: true, delay: 0, delays: [] };
      const rate = (1.22 * room) / ((Math.max(rtt, MILLISECOND) / SECOND) * Math.sqrt(loss));
      rest = Math.max(rest + again, (bytes / rate) * SECOND);
    }
    // A rate spreads the segments over the time that acknowledgements need anyway.
    delay += Math.round(Math.max(slowest, rest));
    return { lost: false, delay, delays: this.crossings.map(() => delay) };
  }

  /** What sending lost segments again takes; null when the first round lost all. */
  #again(segments: number, rtt: Micros): Micros | null {
    let left = segments;
    let took = 0;
    let timeout = rtt + MINIMAL_RTO;
    for (let round = 0; left > 0 && round < 15; round++) {
      const sent = left;
      left = this.#lostOf(sent);
      if (left === 0) return took;
      if (left < sent) {
        took += rtt;
      } else {
        if (round === 0) return null;
        took += timeout;
        timeout *= 2;
      }
    }
    return took;
  }

  #lostOf(segments: number): number {
    const draws = Math.min(segments, MOST_DRAWS);
    let lost = 0;
    for (let i = 0; i < draws; i++) if (this.crossings.some(({ queue }) => queue.drawLoss())) lost++;
    for (const { queue } of this.crossings) if ((queue.impairment.loss ?? 0) > 0) queue.count(0, 0, lost);
    return Math.round((lost * segments) / draws);
  }

  at(n: number, fate: Fate): Micros | null {
    const { delays } = fate as Passed;
    let added: Micros = 0;
    for (let i = 0; i < this.crossings.length; i++) {
      if ((this.crossings[i] as Crossing).seen > n) return added;
      const next = delays[i];
      if (next === undefined) return fate.lost ? null : added;
      added = next;
    }
    return added;
  }

  around(inner: Rough | null, seen: number, bytes: number): Rough {
    const own = this.crossings.map((c) => ({ ...c, seen: c.seen + seen, extra: c.extra + bytes }));
    return new Met([...(inner instanceof Met ? inner.crossings : []), ...own]);
  }
}

/** `100ms`, `1s`, `250us`. */
export function durationText(micros: Micros): string {
  if (micros >= SECOND) return `${trim(micros / SECOND)}s`;
  return micros >= MILLISECOND ? `${trim(micros / MILLISECOND)}ms` : `${micros}us`;
}

export const percentText = (share: number): string => `${Number((share * 100).toPrecision(6))}%`;

/** `1Mbit`, `512Kbit`. */
export function rateText(bits: number): string {
  if (bits >= 1e9 && bits % 1e9 === 0) return `${bits / 1e9}Gbit`;
  if (bits >= 1e6 && bits % 1e6 === 0) return `${bits / 1e6}Mbit`;
  return bits >= 1e3 && bits % 1e3 === 0 ? `${bits / 1e3}Kbit` : `${bits}bit`;
}

const trim = (n: number): string => String(Number(n.toFixed(3)));
