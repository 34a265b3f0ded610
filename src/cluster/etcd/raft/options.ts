// What goes into a Raft member at its start, and what comes out of it at each step.

import type { StableLog } from './log.ts';
import type { Entry, HardState, MemberId, Message, Snapshot } from './messages.ts';

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export interface RaftOptions {
  readonly id: MemberId;
  /** All voting members, this one included. */
  readonly members: readonly MemberId[];
  /** Ticks without a leader before an election; etcd: 10. */
  readonly electionTicks?: number;
  /** Ticks between heartbeats; etcd: 1. */
  readonly heartbeatTicks?: number;
  /** A whole number 0 ≤ x < bound; spreads election timeouts. */
  readonly random: (bound: number) => number;
  /** What was on disk. */
  readonly hardState?: HardState;
  readonly log?: StableLog;
  /** Already applied by the application (its database survived). */
  readonly applied?: number;
  /** Gives the application's state for a follower that is too far behind. */
  readonly snapshot?: () => Snapshot;
}

/** A read that may be served once `index` is applied. */
export interface ReadState {
  readonly context: number;
  readonly index: number;
}

/** What the caller must do, in this order: persist snapshot, entries and hard state; send messages; apply. */
export interface Ready {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly messages: readonly Message[];
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
}

/** A message before it is addressed. */
export type Outgoing = Message extends infer M ? (M extends Message ? Omit<M, 'from' | 'term'> & { term?: number } : never) : never;

/** A leader's knowledge of one follower. */
export interface Progress {
  match: number;
  next: number;
  /** Answered since the last quorum check. */
  active: boolean;
  /** Waits for the answer to a probe or a snapshot before sending more. */
  paused: boolean;
  probing: boolean;
}
