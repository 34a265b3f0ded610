// The words of Raft: log entries and the messages between members, as in etcd-io/raft's raftpb.

/** A member's id; 0 is nobody. */
export type MemberId = number;

export interface Entry {
  readonly term: number;
  readonly index: number;
  /** What the application proposed; null is the empty entry with which a leader opens its term. */
  readonly data: unknown;
}

/** What must be on disk before any message of the same Ready may leave. */
export interface HardState {
  readonly term: number;
  readonly vote: MemberId;
  readonly commit: number;
}

/** The application's state up to `index`; `data` is opaque to Raft. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly data: unknown;
}

interface Envelope {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly term: number;
}

/** Asks for a vote; `pre` asks only whether a vote would be given (no term is touched). */
export interface VoteRequest extends Envelope {
  readonly type: 'vote';
  readonly pre: boolean;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** A leadership transfer may disturb a living leader. */
  readonly force: boolean;
}

export interface VoteResponse extends Envelope {
  readonly type: 'voteResponse';
  readonly pre: boolean;
  readonly granted: boolean;
}

export interface AppendRequest extends Envelope {
  readonly type: 'append';
  /** The entry that precedes `entries`. */
  readonly index: number;
  readonly logTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

export interface AppendResponse extends Envelope {
  readonly type: 'appendResponse';
  /** Last index that matches, or the rejected one. */
  readonly index: number;
  readonly rejected: boolean;
  /** When rejected: how far the follower's log reaches, and the term of its last entry there. */
  readonly hint: number;
  readonly hintTerm: number;
}

export interface Heartbeat extends Envelope {
  readonly type: 'heartbeat';
  readonly commit: number;
  /** The newest read that this round confirms; 0 when none waits. */
  readonly read: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: 'heartbeatResponse';
  readonly read: number;
}

export interface SnapshotRequest extends Envelope {
  readonly type: 'snapshot';
  readonly snapshot: Snapshot;
}

/** A proposal that a follower passes on to the leader. */
export interface Forward extends Envelope {
  readonly type: 'propose';
  readonly data: readonly unknown[];
}

/** A follower asks the leader up to where a linearizable read must wait. */
export interface ReadIndex extends Envelope {
  readonly type: 'readIndex';
  readonly context: number;
}

export interface ReadIndexResponse extends Envelope {
  readonly type: 'readIndexResponse';
  readonly context: number;
  readonly index: number;
}

/** Tells a follower to campaign at once. */
export interface TimeoutNow extends Envelope {
  readonly type: 'timeoutNow';
}

export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | SnapshotRequest
  | Forward
  | ReadIndex
  | ReadIndexResponse
  | TimeoutNow;
