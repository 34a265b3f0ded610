// A member's log: entries after the last snapshot, of which a prefix is on disk and a prefix is committed.
// As etcd-io/raft's log.go with unstable and storage in one array.

import type { Entry, Snapshot } from './messages.ts';

/** What survives a crash: the persisted part of the log and the snapshot that it stands on. */
export interface StableLog {
  readonly snapshot: Snapshot;
  readonly entries: readonly Entry[];
}

export const EMPTY_SNAPSHOT: Snapshot = Object.freeze({ index: 0, term: 0, data: null });

export class RaftLog {
  #entries: Entry[];
  /** Index and term just before the first entry. */
  #baseIndex: number;
  #baseTerm: number;
  committed: number;
  applied: number;
  /** Everything up to here is on disk. */
  stable: number;
  /** A snapshot received from the leader, not yet handed to the application. */
  pendingSnapshot: Snapshot | null = null;

  constructor(from: StableLog, committed: number) {
    this.#entries = [...from.entries];
    this.#baseIndex = from.snapshot.index;
    this.#baseTerm = from.snapshot.term;
    this.committed = Math.max(committed, from.snapshot.index);
    this.applied = from.snapshot.index;
    this.stable = this.lastIndex;
  }

  get firstIndex(): number {
    return this.#baseIndex + 1;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.length > 0 ? (this.#entries[this.#entries.length - 1] as Entry).term : this.#baseTerm;
  }

  /** The term of the entry at `index`; undefined when it was compacted away or does not exist. */
  term(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  /** Entries with low ≤ index ≤ high. */
  slice(low: number, high: number): Entry[] {
    return this.#entries.slice(low - this.#baseIndex - 1, high - this.#baseIndex);
  }

  append(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** True when a log ending at (index, term) is at least as new as ours: the condition for giving a vote. */
  isUpToDate(index: number, term: number): boolean {
    return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);
  }

  /**
   * Takes the leader's entries after (index, logTerm). Returns the last new index,
   * or undefined when our log does not match there.
   */
  maybeAppend(index: number, logTerm: number, entries: readonly Entry[], commit: number): number | undefined {
    if (this.term(index) !== logTerm) return undefined;
    const last = index + entries.length;
    for (const [i, entry] of entries.entries()) {
      if (this.term(entry.index) === entry.term) continue;
      if (entry.index <= this.committed) throw new Error(`entry ${entry.index} conflicts with committed entry ${this.committed}`);
      this.#entries.length = entry.index - this.#baseIndex - 1;
      this.stable = Math.min(this.stable, entry.index - 1);
      for (let k = i; k < entries.length; k++) this.#entries.push(entries[k] as Entry);
      break;
    }
    this.commitTo(Math.min(commit, last));
    return last;
  }

  commitTo(index: number): void {
    if (index > this.lastIndex) throw new Error(`commit ${index} is beyond the last entry ${this.lastIndex}`);
    if (index > this.committed) this.committed = index;
  }

  /** The largest index ≤ `index` whose term is ≤ `term`: where a rejecting follower tells its leader to look. */
  findConflict(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    for (; at > this.#baseIndex; at--) {
      const t = this.term(at);
      if (t === undefined || t <= term) break;
    }
    return at;
  }

  /** Forgets entries up to `index`, which the application has in a snapshot. */
  compact(index: number): void {
    if (index <= this.#baseIndex) return;
    const term = this.term(index);
    if (term === undefined || index > this.applied) throw new Error(`cannot compact the log to ${index}`);
    this.#entries = this.#entries.slice(index - this.#baseIndex);
    this.#baseIndex = index;
    this.#baseTerm = term;
  }

  restore(snapshot: Snapshot): void {
    this.#entries = [];
    this.#baseIndex = snapshot.index;
    this.#baseTerm = snapshot.term;
    this.committed = snapshot.index;
    this.stable = snapshot.index;
    this.pendingSnapshot = snapshot;
  }
}
