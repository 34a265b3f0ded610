// ICMP echo as ping(8) sends it: a request of a size, with or without leave to fragment it, and what comes back, be it the answer or an
// error of somebody on the way.

import type { Os } from '../machine/process.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { DETAIL, type Place } from '../sim/trace.ts';
import { learnMtu, told } from './icmp.ts';
import type { Netns } from './netns.ts';
import type { Packet, WalkFailure } from './packet.ts';
import { netnsOf } from './socket.ts';
import { report } from './tap.ts';
import { sourceAddress, track, walk, type WalkTrace } from './walk.ts';

export interface PingResult {
  readonly ok: boolean;
  /** Time there and back, when it came back. */
  readonly rtt: Micros;
  /** What the sender is told, as ping(8) prints it; undefined when nothing came back. */
  readonly reason?: string;
  /** Its own kernel refused to send it: larger than this MTU. */
  readonly localMtu?: number;
  /** Who told it, when that was another host. */
  readonly from?: string;
  /** Time to live of the answer. */
  readonly ttl?: number;
}

export interface PingOptions {
  /** Bytes of data; default 56. */
  readonly size?: number;
  /** Whether somebody may fragment it: `do` nobody, `want` only its own host (what the kernel does by itself), `dont` everybody. */
  readonly discover?: 'do' | 'want' | 'dont';
  readonly ttl?: number;
  /** The same for all requests of one run. */
  readonly id?: number;
  readonly sequence?: number;
  /** An error that comes later than that is not heard any more; default: the timeout. */
  readonly patience?: Micros;
}

const PING_TEXT: Readonly<Partial<Record<WalkFailure, string>>> = {
  'network-unreachable': 'Destination Net Unreachable',
  'host-unreachable': 'Destination Host Unreachable',
  rejected: 'Destination Port Unreachable',
  prohibited: 'Packet filtered',
  'ttl-exceeded': 'Time to live exceeded',
};

/** IP and ICMP. */
const HEADERS = 28;
const DEFAULT_SIZE = 56;
/** The largest packet that the host believes to get through. */
function mtuTo(netns: Netns, destination: string): number {
  const known = netns.pathMtu?.get(destination);
  return known !== undefined && known.until > netns.machine.sim.now ? known.mtu : (netns.route(destination)?.device.mtu ?? Number.POSITIVE_INFINITY);
}

/** One ICMP echo request. Waits for the answer, for an ICMP error, or for `timeout` (default 1 s). */
export function* ping(os: Os, host: string, timeout: Micros = SECOND, options: PingOptions = {}): Op<PingResult> {
  const { sim } = os;
  const netns = netnsOf(os);
  const src = sourceAddress(netns, host);
  if (src === null) return { ok: false, rtt: 0, reason: 'connect: Network is unreachable' };
  const { size = DEFAULT_SIZE, id = netns.ephemeralPort('udp'), sequence = 1, ttl, discover = 'want' } = options;
  const df = discover === 'do' || (discover === 'want' && size + HEADERS <= mtuTo(netns, host));
  const large = size > DEFAULT_SIZE ? { size: size + HEADERS } : {};
  const request: Packet = { src, dst: host, protocol: 'icmp', sport: id, dport: 0, ...large, ...(df && size > DEFAULT_SIZE ? { df } : {}), ...(ttl === undefined ? {} : { ttl }) };
  const record = sim.trace.wants(DETAIL, sim.cause);
  const forth = walk(netns, request, { live: true, record });
  track(forth, sim.now);
  const fate = forth.rough?.packet(size + HEADERS);
  report(netns.fabric, forth.seen, { kind: 'echo-request', sequence, length: size + 8 }, 0, forth.rough, fate);
  const cause = sim.cause;
  const emit = (verb: string, from: Place, to: Place, latency: Micros, detail: unknown): void => {
    sim.cause = sim.trace.emit(sim.cause, { kind: 'packet', verb, from, to, start: sim.now, end: sim.now + latency, detail });
  };
  emit('echo-request', os.place, forth.netns?.machine.place ?? os.machine.place, forth.latency, { packet: request, hops: forth.hops, reason: forth.reason ?? null });
  if (!forth.delivered || fate?.lost === true) {
    sim.cause = cause;
    return yield* failed(os, netns, forth, fate?.lost === true, host, timeout, options.patience ?? timeout);
  }
  const task = sim.current as Task;
  const there = forth.netns as Netns;
  const { packet } = forth;
  sim.after(forth.latency + (fate?.delay ?? 0), () => {
    if (there.deleted || !there.machine.powered) return;
    const reply: Packet = { src: packet.dst, dst: packet.src, protocol: 'icmp', sport: packet.dport, dport: packet.sport, ...large };
    const back = walk(there, reply, { live: true, record });
    const fateBack = back.rough?.packet(size + HEADERS);
    report(netns.fabric, back.seen, { kind: 'echo-reply', sequence, length: size + 8 }, 0, back.rough, fateBack);
    if (!back.delivered || back.netns !== netns || fateBack?.lost === true) return;
    const latency = back.latency + (fateBack?.delay ?? 0);
    emit('echo-reply', there.machine.place, os.place, latency, record ? { packet: reply, hops: back.hops, reason: null } : null);
    sim.wakeAt(task, task.park, sim.now + latency, 64 - (back.forwards ?? 0));
  });
  sim.wakeAt(task, task.park, sim.now + timeout, false);
  const start = sim.now;
  const answer: unknown = yield;
  const ok = typeof answer === 'number';
  if (ok) sim.noteOvertaken();
  sim.cause = cause;
  return { ok, rtt: sim.now - start, ...(ok ? { ttl: answer } : {}) };
}

function* failed(os: Os, netns: Netns, forth: WalkTrace, lost: boolean, host: string, timeout: Micros, patience: Micros): Op<PingResult> {
  const { sim } = os;
  if (forth.reason === 'message-too-long') return { ok: false, rtt: 0, localMtu: forth.mtu };
  const error = lost ? null : told(netns, forth);
  yield* sim.sleep(error === null ? timeout : Math.min(timeout, error.after));
  if (error === null || error.after > patience) return { ok: false, rtt: 0 };
  const reason = forth.reason as WalkFailure;
  if (reason === 'fragmentation-needed') learnMtu(netns, host, forth.mtu);
  const text = reason === 'fragmentation-needed' ? `Frag needed and DF set (mtu = ${forth.mtu})` : (PING_TEXT[reason] ?? 'Destination Host Unreachable');
  return { ok: false, rtt: error.after, reason: text, ...(error.from === '' ? {} : { from: error.from }) };
}
