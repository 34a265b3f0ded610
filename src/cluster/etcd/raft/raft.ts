// Raft as a state machine without I/O, after etcd-io/raft: messages and ticks go in; `ready()` says what to write to
// disk, what to send and what to apply; `advance()` confirms that this was done. The caller owns time, disk and wires.
// Pre-vote and check-quorum are on, as etcd runs it.

import { EMPTY_SNAPSHOT, RaftLog } from './log.ts';
import type { AppendRequest, AppendResponse, HardState, MemberId, Message, SnapshotRequest, VoteRequest, Snapshot } from './messages.ts';
import type { Outgoing, Progress, RaftOptions, ReadState, Ready, Role } from './options.ts';

const MAX_ENTRIES_PER_MESSAGE = 512;

export class Raft {
  readonly id: MemberId;
  readonly members: readonly MemberId[];
  readonly log: RaftLog;
  role: Role = 'follower';
  term: number;
  vote: MemberId;
  leader: MemberId = 0;
  readonly #electionTicks: number;
  readonly #heartbeatTicks: number;
  readonly #random: (bound: number) => number;
  readonly #takeSnapshot: (() => Snapshot) | undefined;
  readonly #progress = new Map<MemberId, Progress>();
  #votes = new Map<MemberId, boolean>();
  #elapsed = 0;
  #heartbeatElapsed = 0;
  #timeout = 0;
  #messages: Message[] = [];
  #persisted: HardState;
  #reads: ReadState[] = [];
  /** Reads that wait for a quorum of heartbeat answers: leader only. */
  #pendingReads: { id: number; context: number; from: MemberId; index: number; acks: Set<MemberId> }[] = [];
  #readId = 0;
  #transferee: MemberId = 0;

  constructor(options: RaftOptions) {
    this.id = options.id;
    this.members = options.members;
    this.#electionTicks = options.electionTicks ?? 10;
    this.#heartbeatTicks = options.heartbeatTicks ?? 1;
    this.#random = options.random;
    this.#takeSnapshot = options.snapshot;
    this.#persisted = options.hardState ?? { term: 0, vote: 0, commit: 0 };
    this.term = this.#persisted.term;
    this.vote = this.#persisted.vote;
    this.log = new RaftLog(options.log ?? { snapshot: EMPTY_SNAPSHOT, entries: [] }, this.#persisted.commit);
    if (options.applied !== undefined && options.applied > this.log.applied) this.log.applied = options.applied;
    this.#becomeFollower(this.term, 0);
  }

  get quorum(): number {
    return Math.floor(this.members.length / 2) + 1;
  }

  /** Progress of each follower, for status output. */
  progress(): ReadonlyMap<MemberId, { readonly match: number; readonly next: number }> {
    return this.#progress;
  }

  /** A sole member that leads has nobody to send heartbeats to, so its clock may stand still. */
  get needsTicks(): boolean {
    return this.members.length > 1 || this.role !== 'leader';
  }

  tick(): void {
    this.#elapsed++;
    if (this.role !== 'leader') {
      if (this.#elapsed >= this.#timeout) this.campaign();
      return;
    }
    this.#heartbeatElapsed++;
    if (this.#elapsed >= this.#electionTicks) {
      this.#elapsed = 0;
      this.#transferee = 0;
      if (!this.#quorumIsActive()) {
        this.#becomeFollower(this.term, 0);
        return;
      }
    }
    if (this.#heartbeatElapsed >= this.#heartbeatTicks) {
      this.#heartbeatElapsed = 0;
      this.#broadcastHeartbeat();
    }
  }

  /** Starts an election now (with its pre-vote round). */
  campaign(): void {
    if (this.role === 'leader') return;
    this.#canvass(true, false);
  }

  /** Offers data to the log. False when there is no leader to take it: the caller retries or fails the request. */
  propose(...data: readonly unknown[]): boolean {
    if (this.role === 'leader') {
      if (this.#transferee !== 0) return false;
      for (const d of data) this.#appendOwn(d);
      if (this.members.length > 1) this.#broadcastAppend();
      return true;
    }
    if (this.leader === 0) return false;
    this.#send({ type: 'propose', to: this.leader, data });
    return true;
  }

  /** Asks where a linearizable read must wait; the answer comes as a ReadState. False when no leader is known. */
  readIndex(context: number): boolean {
    if (this.role === 'leader') return this.#leaderRead(context, this.id);
    if (this.leader === 0) return false;
    this.#send({ type: 'readIndex', to: this.leader, context });
    return true;
  }

  /** Hands leadership to `to` once it has the whole log. */
  transferLeadership(to: MemberId): void {
    const progress = this.#progress.get(to);
    if (this.role !== 'leader' || to === this.id || !progress) return;
    this.#transferee = to;
    this.#elapsed = 0;
    if (progress.match === this.log.lastIndex) this.#send({ type: 'timeoutNow', to });
    else this.#sendAppend(to, progress);
  }

  step(m: Message): void {
    if (m.term > this.term) {
      const guarded = m.type === 'vote' && !m.force && this.leader !== 0 && this.#elapsed < this.#electionTicks;
      if (guarded) return;
      const preliminary = (m.type === 'vote' && m.pre) || (m.type === 'voteResponse' && m.pre && m.granted);
      if (!preliminary) {
        const fromLeader = m.type === 'append' || m.type === 'heartbeat' || m.type === 'snapshot';
        this.#becomeFollower(m.term, fromLeader ? m.from : 0);
      }
    } else if (m.term < this.term && m.type !== 'propose' && m.type !== 'readIndex') {
      // A stale leader, or a member that was cut off: let it learn the term.
      if (m.type === 'append' || m.type === 'heartbeat') {
        this.#send({ type: 'appendResponse', to: m.from, index: 0, rejected: false, hint: 0, hintTerm: 0 });
      } else if (m.type === 'vote' && m.pre) {
        this.#send({ type: 'voteResponse', to: m.from, pre: true, granted: false });
      }
      return;
    }
    switch (m.type) {
      case 'vote':
        return this.#onVote(m);
      case 'voteResponse':
        return this.#onVoteResponse(m.from, m.pre, m.granted);
      case 'append':
        this.#follow(m.from);
        return this.#onAppend(m);
      case 'heartbeat':
        this.#follow(m.from);
        this.log.commitTo(Math.min(m.commit, this.log.lastIndex));
        return this.#send({ type: 'heartbeatResponse', to: m.from, read: m.read });
      case 'snapshot':
        this.#follow(m.from);
        return this.#onSnapshot(m);
      case 'appendResponse':
        return this.#onAppendResponse(m);
      case 'heartbeatResponse':
        return this.#onHeartbeatResponse(m.from, m.read);
      case 'propose':
        this.propose(...m.data);
        return;
      case 'readIndex':
        if (this.role === 'leader') this.#leaderRead(m.context, m.from);
        return;
      case 'readIndexResponse':
        this.#reads.push({ context: m.context, index: m.index });
        return;
      case 'timeoutNow':
        if (this.role === 'follower') this.#canvass(false, true);
        return;
    }
  }

  /** True when `ready()` would have something to do. */
  hasReady(): boolean {
    return (
      this.#messages.length > 0 ||
      this.#reads.length > 0 ||
      this.log.stable < this.log.lastIndex ||
      this.log.applied < this.#applicable() ||
      this.log.pendingSnapshot !== null ||
      this.#hardStateChanged()
    );
  }

  /** What to do now. Until `advance`, further input may come; it shows in the next Ready. */
  ready(): Ready {
    const log = this.log;
    const messages = this.#messages;
    const reads = this.#reads;
    this.#messages = [];
    this.#reads = [];
    return {
      hardState: this.#hardStateChanged() ? { term: this.term, vote: this.vote, commit: log.committed } : null,
      entries: log.slice(log.stable + 1, log.lastIndex),
      snapshot: log.pendingSnapshot,
      messages,
      committed: log.pendingSnapshot ? [] : log.slice(log.applied + 1, this.#applicable()),
      reads,
    };
  }

  /** The caller has persisted, sent and applied `ready`. */
  advance(ready: Ready): void {
    const log = this.log;
    if (ready.hardState) this.#persisted = ready.hardState;
    if (ready.snapshot) {
      log.applied = Math.max(log.applied, ready.snapshot.index);
      if (log.pendingSnapshot === ready.snapshot) log.pendingSnapshot = null;
    }
    const last = ready.entries[ready.entries.length - 1];
    // Entries that a new leader replaced meanwhile must be written again.
    if (last && log.term(last.index) === last.term) log.stable = Math.max(log.stable, last.index);
    const applied = ready.committed[ready.committed.length - 1];
    if (applied) log.applied = Math.max(log.applied, applied.index);
    if (last && this.role === 'leader') {
      const own = this.#progress.get(this.id) as Progress;
      if (log.stable > own.match) {
        own.match = log.stable;
        own.next = log.stable + 1;
        if (this.#maybeCommit() && this.members.length > 1) this.#broadcastAppend();
      }
    }
  }

  /** Only what is on this member's own disk may be applied. */
  #applicable(): number {
    return Math.min(this.log.committed, this.log.stable);
  }

  #hardStateChanged(): boolean {
    const p = this.#persisted;
    return p.term !== this.term || p.vote !== this.vote || p.commit !== this.log.committed;
  }

  #send(m: Outgoing): void {
    this.#messages.push({ ...m, from: this.id, term: m.term ?? this.term } as Message);
  }

  #reset(term: number): void {
    if (this.term !== term) {
      this.term = term;
      this.vote = 0;
    }
    this.leader = 0;
    this.#elapsed = 0;
    this.#heartbeatElapsed = 0;
    this.#timeout = this.#electionTicks + this.#random(this.#electionTicks);
    this.#votes = new Map();
    this.#pendingReads = [];
    this.#transferee = 0;
    for (const id of this.members) {
      const match = id === this.id ? this.log.stable : 0;
      this.#progress.set(id, { match, next: this.log.lastIndex + 1, active: id === this.id, paused: false, probing: true });
    }
  }

  #becomeFollower(term: number, leader: MemberId): void {
    this.role = 'follower';
    this.#reset(term);
    this.leader = leader;
  }

  #follow(leader: MemberId): void {
    if (this.role !== 'follower') this.#becomeFollower(this.term, leader);
    this.leader = leader;
    this.#elapsed = 0;
  }

  #becomeLeader(): void {
    this.role = 'leader';
    this.#reset(this.term);
    this.leader = this.id;
    for (const p of this.#progress.values()) p.active = true;
    this.#appendOwn(null);
    this.#broadcastAppend();
  }

  #canvass(pre: boolean, force: boolean): void {
    this.#reset(pre ? this.term : this.term + 1);
    this.role = pre ? 'pre-candidate' : 'candidate';
    if (!pre) this.vote = this.id;
    const term = pre ? this.term + 1 : this.term;
    for (const to of this.members) {
      if (to !== this.id) this.#send({ type: 'vote', to, term, pre, force, lastIndex: this.log.lastIndex, lastTerm: this.log.lastTerm });
    }
    this.#onVoteResponse(this.id, pre, true);
  }

  #onVote(m: VoteRequest): void {
    const free = this.vote === m.from || (this.vote === 0 && this.leader === 0) || (m.pre && m.term > this.term);
    const granted = free && this.log.isUpToDate(m.lastIndex, m.lastTerm);
    this.#send({ type: 'voteResponse', to: m.from, pre: m.pre, granted, term: granted ? m.term : this.term });
    if (granted && !m.pre) {
      this.#elapsed = 0;
      this.vote = m.from;
    }
  }

  #onVoteResponse(from: MemberId, pre: boolean, granted: boolean): void {
    if (this.role !== (pre ? 'pre-candidate' : 'candidate')) return;
    if (!this.#votes.has(from)) this.#votes.set(from, granted);
    let yes = 0;
    for (const vote of this.#votes.values()) if (vote) yes++;
    if (yes >= this.quorum) {
      if (pre) this.#canvass(false, false);
      else this.#becomeLeader();
    } else if (this.#votes.size - yes >= this.quorum) this.#becomeFollower(this.term, 0);
  }

  #appendOwn(data: unknown): void {
    this.log.append({ term: this.term, index: this.log.lastIndex + 1, data });
  }

  /** Commits what a quorum has on disk, if it is of this term (Raft paper, §5.4.2). */
  #maybeCommit(): boolean {
    const index = this.members.length === 1 ? this.log.stable : this.#matchOfQuorum();
    if (index <= this.log.committed || this.log.term(index) !== this.term) return false;
    this.log.commitTo(index);
    return true;
  }

  #matchOfQuorum(): number {
    const matches = [...this.#progress.values()].map((p) => p.match).sort((a, b) => b - a);
    return matches[this.quorum - 1] as number;
  }

  #onAppend(m: AppendRequest): void {
    if (m.index < this.log.committed) {
      this.#send({ type: 'appendResponse', to: m.from, index: this.log.committed, rejected: false, hint: 0, hintTerm: 0 });
      return;
    }
    const last = this.log.maybeAppend(m.index, m.logTerm, m.entries, m.commit);
    if (last !== undefined) {
      this.#send({ type: 'appendResponse', to: m.from, index: last, rejected: false, hint: 0, hintTerm: 0 });
      return;
    }
    const hint = this.log.findConflict(m.index, m.logTerm);
    this.#send({ type: 'appendResponse', to: m.from, index: m.index, rejected: true, hint, hintTerm: this.log.term(hint) ?? 0 });
  }

  #onSnapshot(m: SnapshotRequest): void {
    if (m.snapshot.index > this.log.committed) this.log.restore(m.snapshot);
    this.#send({ type: 'appendResponse', to: m.from, index: this.log.committed, rejected: false, hint: 0, hintTerm: 0 });
  }

  #onAppendResponse(m: AppendResponse): void {
    const p = this.#progress.get(m.from);
    if (this.role !== 'leader' || !p) return;
    p.active = true;
    if (m.rejected) {
      if (!p.probing && m.index <= p.match) return;
      p.next = Math.max(1, Math.min(m.index, this.log.findConflict(m.hint, m.hintTerm) + 1));
      p.probing = true;
      p.paused = false;
      this.#sendAppend(m.from, p);
      return;
    }
    const wasPaused = p.paused;
    if (m.index > p.match) {
      p.match = m.index;
      p.probing = false;
    }
    p.paused = false;
    p.next = Math.max(p.next, m.index + 1);
    if (this.#maybeCommit()) this.#broadcastAppend();
    // One that was held back may have missed the newest commit index as well.
    else if (wasPaused || p.next <= this.log.lastIndex) this.#sendAppend(m.from, p);
    if (m.from === this.#transferee && p.match === this.log.lastIndex) this.#send({ type: 'timeoutNow', to: m.from });
  }

  #onHeartbeatResponse(from: MemberId, read: number): void {
    const p = this.#progress.get(from);
    if (this.role !== 'leader' || !p) return;
    p.active = true;
    p.paused = false;
    this.#sendAppendIfBehind(from, p);
    if (read === 0) return;
    for (const pending of this.#pendingReads) if (pending.id <= read) pending.acks.add(from);
    const done = this.#pendingReads.filter((r) => r.acks.size >= this.quorum);
    this.#pendingReads = this.#pendingReads.filter((r) => r.acks.size < this.quorum);
    for (const r of done) this.#answerRead(r.context, r.from, r.index);
  }

  #broadcastAppend(): void {
    for (const [id, p] of this.#progress) if (id !== this.id) this.#sendAppend(id, p);
  }

  #sendAppendIfBehind(to: MemberId, p: Progress): void {
    if (p.match < this.log.lastIndex) this.#sendAppend(to, p);
  }

  #sendAppend(to: MemberId, p: Progress): void {
    if (p.paused) return;
    const index = p.next - 1;
    const logTerm = this.log.term(index);
    if (logTerm === undefined || p.next < this.log.firstIndex) {
      const snapshot = this.#takeSnapshot?.();
      if (!snapshot) return;
      p.paused = true;
      p.next = snapshot.index + 1;
      this.#send({ type: 'snapshot', to, snapshot });
      return;
    }
    const entries = this.log.slice(p.next, Math.min(this.log.lastIndex, p.next + MAX_ENTRIES_PER_MESSAGE - 1));
    this.#send({ type: 'append', to, index, logTerm, entries, commit: this.log.committed });
    if (p.probing) p.paused = entries.length > 0;
    else p.next += entries.length;
  }

  #broadcastHeartbeat(): void {
    const read = this.#pendingReads[this.#pendingReads.length - 1]?.id ?? 0;
    for (const [to, p] of this.#progress) {
      if (to !== this.id) this.#send({ type: 'heartbeat', to, commit: Math.min(p.match, this.log.committed), read });
    }
  }

  #quorumIsActive(): boolean {
    let active = 0;
    for (const [id, p] of this.#progress) {
      if (p.active || id === this.id) active++;
      p.active = id === this.id;
    }
    return active >= this.quorum;
  }

  #leaderRead(context: number, from: MemberId): boolean {
    // A new leader may not answer before it has committed in its own term.
    if (this.log.term(this.log.committed) !== this.term) return false;
    if (this.members.length === 1) {
      this.#answerRead(context, from, this.log.committed);
      return true;
    }
    this.#pendingReads.push({ id: ++this.#readId, context, from, index: this.log.committed, acks: new Set([this.id]) });
    this.#broadcastHeartbeat();
    return true;
  }

  #answerRead(context: number, from: MemberId, index: number): void {
    if (from === this.id) this.#reads.push({ context, index });
    else this.#send({ type: 'readIndexResponse', to: from, context, index });
  }
}
