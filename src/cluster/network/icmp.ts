// ICMP errors (net/ipv4/icmp.c): who tells the sender of a packet that it was lost, when, and whether that reaches it.

import type { Micros } from '../sim/time.ts';
import { MILLISECOND, MINUTE, SECOND } from '../sim/time.ts';
import type { Netns } from './netns.ts';
import { isSilent, type Packet, type WalkFailure } from './packet.ts';
import { report } from './tap.ts';
import { walkError, type WalkTrace } from './walk.ts';

/** Three ARP requests a second apart go unanswered before the sender is told. */
export const ARP_PATIENCE: Micros = 3 * SECOND + 70 * MILLISECOND;

/** What an error says, for who captures it. */
export interface IcmpError {
  readonly about: Packet;
  readonly reason: WalkFailure;
  readonly mtu: number;
}

/** ICMP's header, and the header of what it is about with a little of the rest. */
const ERROR_BYTES = 68;

export interface Told {
  /** Whose address the error comes from; '' when it is the sender's own host. */
  readonly from: string;
  /** From the sending of the packet to the hearing of the error. */
  readonly after: Micros;
}

/** What the sender of a lost packet hears; null when nothing. */
export function told(from: Netns, lost: WalkTrace): Told | null {
  const { reason, at } = lost;
  if (reason === undefined || isSilent(reason)) return null;
  const wait = reason === 'host-unreachable' ? ARP_PATIENCE : 0;
  if (at === undefined || at === from) return { from: '', after: wait };
  return errorFrom(at, from, lost.packet, lost.latency + wait, reason, lost.mtu);
}

/** The error about a packet that came to `at` after `came` and goes no further. */
export function errorFrom(at: Netns, from: Netns, about: Packet, came: Micros, reason: WalkFailure = 'rejected', mtu = 0): Told | null {
  const back = walkError(at, about);
  if (!back.delivered || back.netns !== from) return null;
  if (back.seen !== undefined) {
    const payload: IcmpError = { about, reason, mtu };
    report(from.fabric, back.seen, { kind: 'icmp-error', length: ERROR_BYTES, payload }, came);
  }
  return { from: back.packet.src, after: came + back.latency };
}

/** net.ipv4.route.mtu_expires. */
const MTU_EXPIRES: Micros = 10 * MINUTE;

/** A narrow way was told of: it is remembered for a while. */
export function learnMtu(netns: Netns, destination: string, mtu: number): void {
  (netns.pathMtu ??= new Map()).set(destination, { mtu, until: netns.machine.sim.now + MTU_EXPIRES });
}
