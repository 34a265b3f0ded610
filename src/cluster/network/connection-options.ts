// What the ends of a connection are made from: addresses, what both share, and how long an idle end trusts its peer.

import type { Process } from '../machine/process.ts';
import type { Simulation } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { Level, Place, Subject, TraceKind } from '../sim/trace.ts';
import type { ConntrackEntry } from './conntrack.ts';
import type { Fabric } from './fabric.ts';
import type { Netns } from './netns.ts';

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** How a message shows in the trace; without it, it does not. */
export interface MessageTrace {
  readonly kind: TraceKind;
  readonly verb: string;
  readonly subject?: Subject | null;
  readonly detail?: unknown;
  readonly level?: Level;
}

/** When an idle end starts to doubt its peer, and how long it goes on asking. */
export interface KeepAlive {
  readonly idle: Micros;
  readonly probing: Micros;
}

/** Go's net.Dialer and net.ListenConfig: a probe every 15 s, nine times. */
export const TCP_KEEP_ALIVE: KeepAlive = { idle: 15 * SECOND, probing: 135 * SECOND };
/** HTTP/2 health checks of client-go: ReadIdleTimeout 30 s, PingTimeout 15 s. */
export const HTTP2_KEEP_ALIVE: KeepAlive = { idle: 30 * SECOND, probing: 15 * SECOND };

/** What both ends share. */
export interface Link {
  readonly sim: Simulation;
  readonly fabric: Fabric;
  /** What connection tracking knows of it, on all machines on the way. */
  readonly tracked: ConntrackEntry[];
  /** Latency of a unix stream; null: the path decides. */
  readonly fixedLatency: Micros | null;
  /** The largest packet that both ends' devices take (the maximum segment size and its headers). */
  readonly segment: number;
}

export interface EndOptions {
  readonly netns: Netns;
  readonly process: Process;
  readonly place: Place;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}
