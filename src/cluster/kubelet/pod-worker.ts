// Pod workers (kubelet/pod_workers.go): one task a Pod, which takes it through syncing, terminating and terminated.
// Updates that come while a worker is busy are folded into one.

import type { Pod, PodCondition } from '../api/generated/types.ts';
import { Channel } from '../sim/channel.ts';
import type { Op, Timer } from '../sim/simulation.ts';
import { hash32 } from '../sim/random.ts';
import { MINUTE, SECOND, type Micros } from '../sim/time.ts';
import type { Cause } from '../sim/trace.ts';
import { type Context, isStaticPod, podKey, podUid } from './context.ts';

export type WorkState = 'syncing' | 'terminating' | 'terminated' | 'finished';

/** What one sync asks for next. */
export interface SyncOutcome {
  /** Every container has ended for good. */
  readonly terminal: boolean;
  /** When to try again; undefined: when something changes. */
  readonly retryIn?: Micros;
}

export interface PodSyncer {
  sync(pod: Pod, work: PodWork): Op<SyncOutcome>;
  terminate(pod: Pod, work: PodWork): Op<void>;
  finish(pod: Pod, work: PodWork): Op<void>;
  /** While it terminates, a shorter grace period came in. */
  hurry(pod: Pod, grace: number): void;
  /** The Pod is gone from its source and from this node. */
  cleanUp(pod: Pod): Op<void>;
}

export interface Termination {
  /** Seconds; overrides the Pod's grace period. */
  readonly grace?: number;
  /** Status to report instead of the containers' own: an eviction. */
  readonly status?: { readonly phase: string; readonly reason: string; readonly message: string };
  /** A condition that the status gets: DisruptionTarget. */
  readonly condition?: PodCondition;
  /** Called when all containers have ended. */
  readonly ended?: () => void;
}

export interface PodWork {
  readonly uid: string;
  pod: Pod;
  state: WorkState;
  termination: Termination | null;
  /** Gone from its source (API object deleted, manifest removed). */
  removed: boolean;
  /** Closed when the Pod is to terminate. */
  readonly cancelled: Channel<null>;
}

interface Worker extends PodWork {
  readonly wake: Channel<null>;
  pending: boolean;
  busy: boolean;
  cause: Cause | null;
  retry: Timer | null;
  /** When its last sync ended. */
  synced: Micros;
}

/** syncFrequency, to which up to a half is added. */
const RESYNC: Micros = MINUTE;

export class PodWorkers {
  readonly #context: Context;
  readonly #syncer: PodSyncer;
  readonly #workers = new Map<string, Worker>();
  /** Static Pods that wait until one of the same name has gone. */
  readonly #waiting = new Map<string, Pod>();

  constructor(context: Context, syncer: PodSyncer) {
    this.#context = context;
    this.#syncer = syncer;
  }

  get(uid: string): PodWork | undefined {
    return this.#workers.get(uid);
  }

  /** Its worker is syncing it, or ending it. */
  isBusy(uid: string): boolean {
    return this.#workers.get(uid)?.busy ?? false;
  }

  /** Pods that run or are to run. */
  active(): readonly Pod[] {
    const pods: Pod[] = [];
    for (const { pod, state } of this.#workers.values()) if (state === 'syncing') pods.push(pod);
    return pods;
  }

  pods(): readonly Pod[] {
    return [...this.#workers.values()].map((w) => w.pod);
  }

  /** A Pod appeared or changed at its source. */
  update(pod: Pod): void {
    const uid = podUid(pod);
    let worker = this.#workers.get(uid);
    if (!worker) {
      if (isStaticPod(pod) && this.#sameName(pod)) {
        this.#waiting.set(podKey(pod), pod);
        return;
      }
      worker = this.#add(pod);
    }
    if (worker.removed) {
      // The same manifest is back while its Pod still goes away.
      this.#waiting.set(podKey(pod), pod);
      return;
    }
    this.#hurry(worker, pod.metadata.deletionGracePeriodSeconds);
    worker.pod = pod;
    const over = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
    if (worker.state === 'syncing' && (pod.metadata?.deletionTimestamp !== undefined || over)) this.#beginTermination(worker);
    this.#poke(worker);
  }

  /** Something about the Pod's containers changed: look again. */
  sync(uid: string): void {
    const worker = this.#workers.get(uid);
    if (worker && worker.state === 'syncing') this.#poke(worker);
  }

  /**
   * When the Pod's next periodic sync would be (every minute and up to half of one more). Nobody syncs for the clock's sake alone:
   * who has work for that sync asks for it. Undefined when the Pod is not being synced.
   */
  nextResync(uid: string): Micros | undefined {
    const worker = this.#workers.get(uid);
    if (!worker || worker.state !== 'syncing') return undefined;
    const { now } = this.#context.os.sim;
    let at = worker.synced;
    for (let round = 0; at <= now; round++) at += Math.round(RESYNC * (1 + (hash32(uid, round) / 2 ** 32) / 2));
    return at;
  }

  /** The Pod must go, whatever its source says; false when it is going or gone already. */
  kill(uid: string, termination: Termination): boolean {
    const worker = this.#workers.get(uid);
    if (!worker || worker.state !== 'syncing') return false;
    worker.termination = termination;
    this.#beginTermination(worker);
    this.#poke(worker);
    return true;
  }

  /** The Pod is gone from its source: API object deleted or manifest removed. */
  remove(pod: Pod): void {
    const worker = this.#workers.get(podUid(pod));
    const waiting = this.#waiting.get(podKey(pod));
    if (waiting && podUid(waiting) === podUid(pod)) this.#waiting.delete(podKey(pod));
    if (!worker) return;
    worker.removed = true;
    // An object that is gone already was deleted by force: what still runs gets a second.
    if (worker.state === 'terminating' && !isStaticPod(pod)) this.#syncer.hurry(worker.pod, 1);
    if (worker.state === 'syncing') this.#beginTermination(worker);
    this.#poke(worker);
  }

  #hurry(worker: Worker, grace: number | undefined): void {
    const before = worker.pod.metadata.deletionGracePeriodSeconds;
    if (worker.state === 'terminating' && grace !== undefined && before !== undefined && grace < before) this.#syncer.hurry(worker.pod, grace);
  }

  #sameName(pod: Pod): boolean {
    const key = podKey(pod);
    for (const worker of this.#workers.values()) if (podKey(worker.pod) === key) return true;
    return false;
  }

  #add(pod: Pod): Worker {
    const { os } = this.#context;
    const worker: Worker = {
      uid: podUid(pod), pod, state: 'syncing', termination: null, removed: false, cancelled: new Channel(os.sim),
      wake: new Channel(os.sim), pending: false, busy: false, cause: null, retry: null, synced: os.sim.now,
    };
    this.#workers.set(worker.uid, worker);
    os.go(`pod ${podKey(pod)}`, () => this.#work(worker));
    return worker;
  }

  #beginTermination(worker: Worker): void {
    worker.state = 'terminating';
    worker.cancelled.close();
  }

  #poke(worker: Worker): void {
    const { sim } = this.#context.os;
    worker.cause = sim.cause;
    if (worker.pending) return;
    worker.pending = true;
    worker.wake.send(null);
  }

  *#work(worker: Worker): Op<void> {
    const { sim } = this.#context.os;
    for (;;) {
      worker.busy = false;
      yield* worker.wake.receive();
      worker.pending = false;
      worker.busy = true;
      if (worker.retry) sim.cancel(worker.retry);
      worker.retry = null;
      sim.cause = worker.cause;
      if (worker.state === 'syncing') yield* this.#sync(worker);
      // A Pod that is to go meanwhile does so at once, under the cause of what ended it.
      if (worker.state === 'terminating') {
        sim.cause = worker.cause;
        yield* this.#syncer.terminate(worker.pod, worker);
        worker.termination?.ended?.();
        worker.state = 'terminated';
      }
      if (worker.state === 'terminated') {
        sim.cause = worker.cause;
        yield* this.#syncer.finish(worker.pod, worker);
        worker.state = 'finished';
      }
      if (worker.state !== 'finished' || !worker.removed) continue;
      yield* this.#syncer.cleanUp(worker.pod);
      this.#workers.delete(worker.uid);
      const next = this.#waiting.get(podKey(worker.pod));
      if (next) {
        this.#waiting.delete(podKey(worker.pod));
        this.update(next);
      }
      return;
    }
  }

  *#sync(worker: Worker): Op<void> {
    const { sim } = this.#context.os;
    const outcome = yield* this.#syncer.sync(worker.pod, worker);
    worker.synced = sim.now;
    if (worker.state !== 'syncing') return;
    if (outcome.terminal) {
      this.#beginTermination(worker);
      return;
    }
    if (outcome.retryIn === undefined) return;
    sim.cause = null;
    worker.retry = sim.after(Math.max(outcome.retryIn, SECOND / 1000), () => this.#poke(worker));
  }
}
