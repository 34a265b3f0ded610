// What a packet may meet on a cable or at an interface's output beside its latency: delay, loss, a rate, a narrow frame (shaper.ts). While
// nobody has asked for any, there is none, and a walk only sees null.

import type { Micros } from '../sim/time.ts';
import type { Protocol } from './packet.ts';

/** What became of one packet, or of the segments of one message. */
export interface Fate {
  /** It did not arrive. */
  readonly lost: boolean;
  /** How much later than by latency alone it arrives. */
  readonly delay: Micros;
}

/** All that a packet meets on its way, in order. */
export interface Rough {
  /** What one more packet of so many bytes meets: draws from the streams of what it meets, waits in its queues. */
  packet(bytes: number): Fate;
  /** So many bytes over TCP in segments; `roundTrip` beside what is met here. Lost: the sender hears of none of them. */
  message(bytes: number, segment: number, roundTrip: Micros): Fate;
  /** The mean of what it adds to the latency. */
  readonly delay: Micros;
  /** The largest packet that passes; Infinity: any. */
  readonly mtu: number;
  /** When a packet with that fate is at the place which the walk noted as its `n`-th: how much later, or null when it never comes there. */
  at(n: number, fate: Fate): Micros | null;
  /** These after those of `inner`, which noted `seen` places before: for an envelope, which adds so many bytes. */
  around(inner: Rough | null, seen: number, bytes: number): Rough;
}

export interface Shaper {
  /**
   * A packet comes along (`way` 1: against the direction). What it has met until now, and this; null when it is not let through. `seen`
   * places were noted before.
   */
  meet(before: Rough | null, packet: { readonly protocol: Protocol; readonly dport: number }, way: 0 | 1, seen: number): Rough | null;
  /** As tc(8) would say it. */
  readonly text: string;
}
