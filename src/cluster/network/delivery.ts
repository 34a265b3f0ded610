// What becomes of a TCP message on a way that is not as it should be: somewhere only smaller packets pass (path MTU discovery, RFC 1191, or
// a black hole where nobody tells), or there is delay, loss, a rate (rough.ts).

import type { SocketAddress } from './connection-options.ts';
import { learnMtu, told } from './icmp.ts';
import type { Netns } from './netns.ts';
import type { Fate, Rough } from './rough.ts';
import { sizeOf } from './tap.ts';
import type { Micros } from '../sim/time.ts';
import { walk } from './walk.ts';

/** IP and TCP with time stamps. */
const TCP_HEADERS = 52;
const LOST: Fate = { lost: true, delay: 0 };

export interface RoughWay {
  readonly netns: Netns;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly rough: Rough | null;
  /** Packets of a whole segment may not pass. */
  readonly narrow: boolean;
  /** The largest packet that is sent. */
  readonly segment: number;
  readonly roundTrip: Micros;
}

/** Whether a message gets through at the first attempt, how late, and the largest packet to send from then on. */
export function delivery(way: RoughWay, message: unknown): { readonly fate: Fate; readonly segment: number } {
  const { netns, local, remote, rough } = way;
  let { segment } = way;
  const bytes = typeof message === 'symbol' ? 0 : sizeOf(message);
  let late: Micros = 0;
  if (way.narrow) {
    const size = Math.min(segment, bytes + TCP_HEADERS);
    const result = walk(netns, { src: local.address, dst: remote.address, protocol: 'tcp', sport: local.port, dport: remote.port, size, df: true }, { live: true });
    if (!result.delivered) {
      const { reason } = result;
      const error = reason === 'message-too-long' || reason === 'fragmentation-needed' ? told(netns, result) : null;
      if (error === null) return { fate: LOST, segment };
      segment = result.mtu;
      if (reason === 'fragmentation-needed') learnMtu(netns, remote.address, segment);
      late = error.after;
    }
  }
  const fate = rough?.message(bytes, segment, way.roundTrip);
  if (fate === undefined) return { fate: { lost: false, delay: late }, segment };
  return { fate: late === 0 ? fate : { ...fate, delay: fate.delay + late }, segment };
}
