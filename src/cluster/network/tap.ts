// Packet sockets (AF_PACKET): who captures sees each packet on each interface that it passes, as it is there. While nobody
// captures, nothing of this runs.

import type { Connection } from './connection.ts';
import type { Interface } from './device.ts';
import type { DnsQuery } from './dns.ts';
import { dnsSize } from './dns-size.ts';
import type { Fabric } from './fabric.ts';
import type { Packet } from './packet.ts';
import type { Fate, Rough } from './rough.ts';
import { track, walk, type WalkTrace } from './walk.ts';

/** A packet on an interface, so long after it was sent. */
export interface Passing {
  readonly after: number;
  readonly device: Interface;
  readonly direction: 'In' | 'Out';
  readonly packet: Packet;
  /** Only seen by who listens on this very interface: the bridge passes it on, it is not for the host. */
  readonly promiscuous?: true;
  /** Of an envelope: what is in it. */
  readonly inner?: Packet;
  /** … and the network that a VXLAN envelope names. */
  readonly vni?: number;
}

/** What a packet carries. */
export interface Content {
  readonly kind: 'tcp' | 'udp' | 'echo-request' | 'echo-reply' | 'icmp-error';
  /** S, S., P., ., F., R. */
  readonly flags?: string;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly length: number;
  readonly payload?: unknown;
}

export interface Tap {
  see(passing: Passing, content: Content): void;
}

/** Shows the taps what passed, when it passes. */
export function report(fabric: Fabric, seen: readonly Passing[] | undefined, content: Content, delay = 0, rough?: Rough, fate?: Fate): void {
  if (seen === undefined) return;
  const { sim } = fabric;
  for (const [n, passing] of seen.entries()) {
    const late = rough === undefined || fate === undefined ? 0 : rough.at(n, fate);
    if (late === null) return;
    sim.after(passing.after + delay + late, () => {
      for (const tap of fabric.taps ?? []) tap.see(passing, content);
    });
  }
}

interface Counters {
  /** Bytes that this end has sent, beside the SYN. */
  sent: number;
}

const counters = new WeakMap<Connection, Counters>();

function countersOf(connection: Connection): Counters {
  let c = counters.get(connection);
  if (c === undefined) counters.set(connection, (c = { sent: 0 }));
  return c;
}

/** A first sequence number that is the same in every run. */
const initial = (p: Packet): number => ((p.sport * 2_654_435_761) ^ (p.dport * 40_503)) >>> 0;

/** The SYN, and what comes back. */
export function reportSyn(fabric: Fabric, forth: WalkTrace, packet: Packet, fate: Fate | undefined): void {
  report(fabric, forth.seen, { kind: 'tcp', flags: 'S', sequence: initial(packet), length: 0 }, 0, forth.rough, fate);
}

export function reportAnswer(fabric: Fabric, forth: WalkTrace, back: WalkTrace, accepted: boolean, packet: Packet, fate: Fate | undefined): void {
  const acknowledged = (initial(packet) + 1) >>> 0;
  report(fabric, back.seen, accepted ? { kind: 'tcp', flags: 'S.', sequence: initial(back.packet), acknowledged, length: 0 } : { kind: 'tcp', flags: 'R.', sequence: 0, acknowledged, length: 0 }, 0, back.rough, fate);
  if (accepted && fate?.lost !== true) report(fabric, forth.seen, { kind: 'tcp', flags: '.', acknowledged: 1, length: 0 }, back.latency + (fate?.delay ?? 0));
}

/** A message, the end or the breaking off of a connection, and the other side's acknowledgement. */
export function reportSegment(from: Connection, to: Connection, what: 'data' | 'end' | 'reset', payload: unknown, fate: Fate | undefined): void {
  const { fabric } = from.netns;
  const own = countersOf(from);
  const theirs = countersOf(to);
  const length = what === 'data' ? sizeOf(payload) : 0;
  const forth = wayOf(from);
  const flags = what === 'data' ? 'P.' : what === 'end' ? 'F.' : 'R.';
  report(fabric, forth.seen, { kind: 'tcp', flags, sequence: own.sent + 1, acknowledged: theirs.sent + 1, length, payload }, 0, forth.rough, fate);
  if (fate?.lost === true) return;
  const came = forth.latency + (fate?.delay ?? 0);
  own.sent += what === 'end' ? 1 : length;
  if (what === 'reset') return;
  const back = wayOf(to);
  // Programs here close both ways at once: the other side's FIN goes with its acknowledgement.
  const fin = what === 'end';
  const answer: Content = { kind: 'tcp', flags: fin ? 'F.' : '.', ...(fin ? { sequence: theirs.sent + 1 } : {}), acknowledged: own.sent + 1, length: 0 };
  report(fabric, back.seen, answer, came);
  if (!fin) return;
  theirs.sent++;
  report(fabric, forth.seen, { kind: 'tcp', flags: '.', acknowledged: theirs.sent + 1, length: 0 }, came + back.latency);
}

function wayOf({ netns, local, remote }: Connection): WalkTrace {
  const result = walk(netns, { src: local.address, dst: remote.address, protocol: 'tcp', sport: local.port, dport: remote.port }, { live: true });
  track(result, netns.machine.sim.now);
  return result;
}

/** About how many bytes a message has on the wire. */
export function sizeOf(payload: unknown): number {
  if (typeof payload === 'string') return payload.length;
  if (payload instanceof Uint8Array) return payload.length;
  if (payload === null || typeof payload !== 'object') return 0;
  const { request, response, value, question } = payload as { request?: HttpHead; response?: HttpHead; value?: unknown; question?: unknown };
  if (question !== undefined) return dnsSize(payload as DnsQuery);
  const head = request ?? response;
  if (head !== undefined) {
    let size = (head.method?.length ?? 4) + (head.path?.length ?? 8) + 13;
    for (const name in head.headers) size += name.length + String(head.headers[name]).length + 4;
    return size + 2 + bodySize(head.body);
  }
  return value === undefined ? 32 : bodySize(value);
}

interface HttpHead {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

const bodySize = (body: unknown): number => (typeof body === 'string' || body instanceof Uint8Array ? body.length : body == null ? 0 : JSON.stringify(body).length);
