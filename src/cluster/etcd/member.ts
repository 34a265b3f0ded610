// One etcd member: proposals go through Raft and the write-ahead log, committed commands reach the store, watchers hear
// of them. Models server/etcdserver: group commit, linearizable reads, the lessor's expiry on the leader.

import { Channel, Deferred, TIMED_OUT } from '../sim/channel.ts';
import type { Op, Simulation, Timer } from '../sim/simulation.ts';
import { type Micros, MILLISECOND, SECOND } from '../sim/time.ts';
import { type Cause, DETAIL, type Place } from '../sim/trace.ts';
import type { Disk } from './disk.ts';
import { errLeaseNotFound, errNoLeader, errTimeout, type RangeRequest, type ResponseHeader } from './messages.ts';
import type { RangeResult } from './mvcc/store.ts';
import { WatcherIndex } from './mvcc/watchers.ts';
import { changeOf, subjectOf } from './objects.ts';
import type { Entry, MemberId, Message, Snapshot } from './raft/messages.ts';
import type { Ready } from './raft/options.ts';
import { Raft } from './raft/raft.ts';
import type { Applied, Command } from './state.ts';

/** --heartbeat-interval. */
const TICK: Micros = 100 * MILLISECOND;
/** A write to the log with fdatasync on an SSD. */
const FSYNC_MIN: Micros = 800;
const FSYNC_SPREAD: Micros = 400;
/** etcd gives up on a request after 5 s plus two election timeouts. */
const REQUEST_TIMEOUT: Micros = 7 * SECOND;
/** --snapshot-count, and how many entries stay for slow followers. */
const SNAPSHOT_COUNT = 10_000;
const CATCH_UP_ENTRIES = 5_000;

/** A log entry's content. The cause travels along, so that the commit belongs to the request wherever it is applied. */
interface Proposal {
  readonly origin: MemberId;
  readonly id: number;
  readonly at: Micros;
  readonly cause: Cause | null;
  readonly command: Command;
}

export interface MemberOptions {
  readonly sim: Simulation;
  readonly place: Place;
  readonly name: string;
  readonly id: MemberId;
  readonly members: readonly MemberId[];
  readonly disk: Disk;
  /** Sends to another member; loss is allowed. */
  readonly send: (message: Message) => void;
  readonly log: (line: string) => void;
}

export class Member {
  readonly watchers = new WatcherIndex();
  readonly raft: Raft;
  readonly #o: MemberOptions;
  readonly #sim: Simulation;
  readonly #disk: Disk;
  readonly #random;
  readonly #wake: Channel<true>;
  readonly #pending = new Map<number, Deferred<Applied>>();
  readonly #reads = new Map<number, Deferred<number>>();
  /** Reads whose index is known but not applied yet. */
  #waitingReads: { index: number; deferred: Deferred<void> }[] = [];
  #nextId = 1;
  readonly #leaseTimers = new Map<number, Timer>();
  #wasLeader = false;
  #ticking = false;
  #stopped = false;

  constructor(options: MemberOptions) {
    this.#o = options;
    this.#sim = options.sim;
    this.#disk = options.disk;
    this.#random = options.sim.random(`etcd/${options.name}`);
    this.#wake = new Channel(options.sim);
    // What a dead predecessor proposed under the same ids must not answer our requests.
    this.#nextId = (options.disk.hardState?.commit ?? 0) * 1_000 + 1;
    this.raft = new Raft({
      id: options.id,
      members: options.members,
      random: (bound) => this.#random.int(bound),
      ...(options.disk.hardState ? { hardState: options.disk.hardState } : {}),
      log: options.disk.log(),
      applied: options.disk.state.appliedIndex,
      snapshot: () => this.#snapshot(),
    });
  }

  get header(): ResponseHeader {
    return { revision: this.#disk.state.store.revision, memberId: this.#o.id, raftTerm: this.raft.term };
  }

  get store() {
    return this.#disk.state.store;
  }

  get isLeader(): boolean {
    return this.raft.role === 'leader';
  }

  /** The Raft loop: one Ready after the other. Runs until the process ends. */
  *run(): Op<void> {
    // A member without peers need not wait for a leader to speak up.
    if (this.raft.members.length === 1) this.raft.campaign();
    this.#startTicking();
    for (;;) {
      while (this.raft.hasReady()) yield* this.#handle(this.raft.ready());
      yield* this.#wake.receive();
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#leaseTimers.values()) this.#sim.cancel(timer);
  }

  /** A message from another member. */
  step(message: Message): void {
    this.raft.step(message);
    this.#startTicking();
    this.#poke();
  }

  /** Puts a command through the log and waits until it is applied here. @throws EtcdError */
  *propose(command: Command): Op<Applied> {
    const id = this.#nextId++;
    const proposal: Proposal = { origin: this.#o.id, id, at: this.#sim.now, cause: this.#sim.cause, command };
    if (!this.raft.propose(proposal)) throw errNoLeader();
    const deferred = new Deferred<Applied>(this.#sim);
    this.#pending.set(id, deferred);
    this.#poke();
    const cause = this.#sim.cause;
    const applied = this.raft.members.length === 1 ? yield* deferred.wait() : yield* deferred.waitWithin(REQUEST_TIMEOUT);
    this.#pending.delete(id);
    if (applied === TIMED_OUT) throw errTimeout();
    if (applied.error) throw applied.error;
    if (this.#sim.cause === null) this.#sim.cause = cause;
    return applied;
  }

  /** A read; linearizable unless `serializable`. @throws EtcdError */
  *range(request: RangeRequest): Op<RangeResult> {
    const cause = this.#sim.cause;
    if (!request.serializable) yield* this.#linearize();
    this.#sim.cause = cause;
    return this.store.range(request);
  }

  /** Restarts a lease's time; returns its TTL in seconds. @throws EtcdError */
  keepAlive(id: number): number {
    const lease = this.#disk.state.lessor.get(id);
    if (!lease) throw errLeaseNotFound();
    if (this.isLeader) this.#armLease(id, lease.ttl);
    return lease.ttl;
  }

  #poke(): void {
    if (this.#wake.length === 0) this.#wake.send(true);
  }

  /** A timer that works for nobody in particular. */
  #background(delay: Micros, action: () => void): Timer {
    const cause = this.#sim.cause;
    this.#sim.cause = null;
    const timer = this.#sim.after(delay, action);
    this.#sim.cause = cause;
    return timer;
  }

  #startTicking(): void {
    if (this.#ticking || !this.raft.needsTicks) return;
    this.#ticking = true;
    this.#background(TICK, () => this.#tick());
  }

  #tick(): void {
    this.#ticking = false;
    if (this.#stopped) return;
    this.raft.tick();
    if (this.raft.hasReady()) this.#poke();
    this.#startTicking();
  }

  *#linearize(): Op<void> {
    const raft = this.raft;
    if (raft.members.length === 1 && raft.role === 'leader' && raft.log.applied >= raft.log.committed) return;
    const context = this.#nextId++;
    const deferred = new Deferred<number>(this.#sim);
    this.#reads.set(context, deferred);
    while (!raft.readIndex(context)) {
      yield* this.#sim.sleep(TICK);
      if (raft.leader === 0 && raft.role !== 'leader') throw errNoLeader();
    }
    this.#poke();
    const index = yield* deferred.waitWithin(REQUEST_TIMEOUT);
    this.#reads.delete(context);
    if (index === TIMED_OUT) throw errTimeout();
    if (raft.log.applied >= index) return;
    const applied = new Deferred<void>(this.#sim);
    this.#waitingReads.push({ index, deferred: applied });
    yield* applied.wait();
  }

  *#handle(ready: Ready): Op<void> {
    const disk = this.#disk;
    const before = disk.hardState;
    const h = ready.hardState;
    const mustSync =
      ready.entries.length > 0 || ready.snapshot !== null || (h !== null && (h.term !== before?.term || h.vote !== before.vote));
    const start = this.#sim.now;
    if (mustSync) yield* this.#sim.sleep(FSYNC_MIN + this.#random.int(FSYNC_SPREAD));
    if (ready.snapshot) {
      const seen = this.store.revision;
      disk.install(ready.snapshot);
      this.raft.log.applied = ready.snapshot.index;
      this.#catchUpWatchers(seen);
    }
    disk.append(ready.entries);
    if (h) disk.hardState = h;
    this.#traceFsync(ready.entries, start);
    for (const message of ready.messages) this.#o.send(message);
    for (const { context, index } of ready.reads) this.#reads.get(context)?.resolve(index);
    this.#noteRole();
    for (const entry of ready.committed) this.#apply(entry);
    this.raft.advance(ready);
    this.#releaseReads();
    this.#trimLog();
    this.#sim.cause = null;
  }

  /** After a snapshot: watchers hear what it skipped, as far as its history reaches. */
  #catchUpWatchers(seen: number): void {
    if (seen + 1 < this.store.compactRevision) return this.watchers.cancelAll(this.store.compactRevision);
    for (const { revision, events } of this.store.since(seen + 1)) this.watchers.notify(revision, events);
  }

  #traceFsync(entries: readonly Entry[], start: Micros): void {
    for (const entry of entries) {
      const proposal = entry.data as Proposal | null;
      if (!proposal || !this.#sim.trace.wants(DETAIL, proposal.cause)) continue;
      this.#sim.trace.emit(proposal.cause, {
        level: DETAIL,
        kind: 'raft',
        verb: 'persist',
        from: this.#o.place,
        start,
        end: this.#sim.now,
        detail: { term: entry.term, index: entry.index, batch: entries.length },
      });
    }
  }

  #apply(entry: Entry): void {
    const state = this.#disk.state;
    if (entry.index <= state.appliedIndex) return;
    state.appliedIndex = entry.index;
    state.appliedTerm = entry.term;
    const proposal = entry.data as Proposal | null;
    if (!proposal) return;
    const applied = state.apply(proposal.command);
    this.#sim.cause = proposal.cause;
    if (this.isLeader) this.#traceCommit(entry, proposal, applied);
    if (applied.events.length > 0) this.watchers.notify(applied.revision, applied.events);
    this.#followLeases(proposal.command);
    if (proposal.origin === this.#o.id) this.#pending.get(proposal.id)?.resolve(applied);
  }

  /** One record per changed object; the last becomes the cause of what the watchers and the caller hear. */
  #traceCommit(entry: Entry, proposal: Proposal, applied: Applied): void {
    for (const event of applied.events) {
      const subject = subjectOf(event);
      this.#sim.cause = this.#sim.trace.emit(proposal.cause, {
        kind: 'raft',
        verb: 'commit',
        from: this.#o.place,
        start: proposal.at,
        end: this.#sim.now,
        subject,
        detail: { term: entry.term, index: entry.index, revision: applied.revision, key: event.kv.key, type: event.type },
        change: changeOf(subject, event),
      });
    }
  }

  /** A lease's TTL and what is left of it, in seconds, with its keys; undefined when there is none. */
  leaseLeft(id: number): { readonly ttl: number; readonly left: number; readonly keys: readonly string[] } | undefined {
    const lease = this.#disk.state.lessor.get(id);
    if (!lease) return undefined;
    const timer = this.#leaseTimers.get(id);
    return { ttl: lease.ttl, left: timer === undefined ? lease.ttl : Math.max(0, Math.floor((timer.time - this.#sim.now) / SECOND)), keys: [...lease.keys] };
  }

  get leaseIds(): readonly number[] {
    return [...this.#disk.state.lessor.all()].map((lease) => lease.id);
  }

  #followLeases(command: Command): void {
    if (command.type === 'leaseGrant' && this.isLeader) this.#armLease(command.id, command.ttl);
    if (command.type === 'leaseRevoke') this.#disarmLease(command.id);
  }

  #armLease(id: number, ttl: number): void {
    this.#disarmLease(id);
    this.#leaseTimers.set(
      id,
      this.#background(ttl * SECOND, () => this.#expireLease(id)),
    );
  }

  #disarmLease(id: number): void {
    const timer = this.#leaseTimers.get(id);
    if (!timer) return;
    this.#leaseTimers.delete(id);
    this.#sim.cancel(timer);
  }

  #expireLease(id: number): void {
    this.#leaseTimers.delete(id);
    if (this.#stopped || !this.isLeader) return;
    const command: Command = { type: 'leaseRevoke', id };
    this.raft.propose({ origin: this.#o.id, id: this.#nextId++, at: this.#sim.now, cause: null, command });
    this.#poke();
  }

  /** A new leader gives every lease its full time again (lessor.Promote). */
  #noteRole(): void {
    if (this.isLeader === this.#wasLeader) return;
    this.#wasLeader = this.isLeader;
    if (this.isLeader) {
      this.#o.log(`${this.#o.id} became leader at term ${this.raft.term}`);
      for (const lease of this.#disk.state.lessor.all()) this.#armLease(lease.id, lease.ttl);
    } else for (const id of this.#leaseTimers.keys()) this.#disarmLease(id);
    this.#startTicking();
  }

  #releaseReads(): void {
    if (this.#waitingReads.length === 0) return;
    const applied = this.raft.log.applied;
    for (const read of this.#waitingReads) if (read.index <= applied) read.deferred.resolve();
    this.#waitingReads = this.#waitingReads.filter((read) => read.index > applied);
  }

  #trimLog(): void {
    const { log } = this.raft;
    if (log.applied - log.firstIndex < SNAPSHOT_COUNT + CATCH_UP_ENTRIES) return;
    const index = log.applied - CATCH_UP_ENTRIES;
    log.compact(index);
    this.#disk.release(index);
  }

  #snapshot(): Snapshot {
    const state = this.#disk.state;
    return { index: state.appliedIndex, term: state.appliedTerm, data: state.clone() };
  }
}
