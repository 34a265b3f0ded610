// Where Pods wait for the scheduler (upstream backend/queue): ready to be tried (active), to be tried after a while
// (back-off), or until something happens that may help (unschedulable). Back-off is 1 s doubling to 10 s; Pods that the
// plugins rejected may be taken out of back-off early when nothing else is waiting (KEP-5142), failed ones may not.

import type { Pod } from '../api/generated/types.ts';
import { Deferred } from '../sim/channel.ts';
import type { Op, Simulation, Timer } from '../sim/simulation.ts';
import { MINUTE, type Micros, SECOND } from '../sim/time.ts';
import type { Cause } from '../sim/trace.ts';
import { type ClusterEvent, podChanges } from './events.ts';
import type { Framework } from './framework/framework.ts';
import { KeyedHeap } from './heap.ts';
import { type PodInfo, podInfoOf } from './podinfo.ts';

const INITIAL_BACKOFF: Micros = SECOND;
const MAX_BACKOFF: Micros = 10 * SECOND;
/** After so long a Pod is tried again even if nothing seemed to help. */
const MAX_IN_UNSCHEDULABLE: Micros = 5 * MINUTE;
const FLUSH_PERIOD: Micros = 30 * SECOND;

export interface Backoff {
  readonly initial?: Micros;
  readonly max?: Micros;
}

export interface QueuedPod {
  info: PodInfo;
  /** When it was put where it is. */
  timestamp: Micros;
  readonly firstSeen: Micros;
  attempts: number;
  /** Rejections by plugins in all; failures (errors) in a row. */
  rejections: number;
  errors: number;
  rejectedBy: ReadonlySet<string>;
  /** Until then it is in back-off. */
  backoffUntil: Micros;
  /** Held back by this PreEnqueue plugin. */
  gatedBy: string;
  /** What made it worth trying. */
  cause: Cause | null;
}

const uidOf = (item: QueuedPod): string => item.info.uid;

export class SchedulingQueue {
  readonly #sim: Simulation;
  readonly #frameworkOf: (pod: PodInfo) => Framework;
  readonly #initialBackoff: Micros;
  readonly #maxBackoff: Micros;
  readonly #active: KeyedHeap<QueuedPod>;
  readonly #backoff: KeyedHeap<QueuedPod>;
  readonly #errorBackoff: KeyedHeap<QueuedPod>;
  readonly #unschedulable = new Map<string, QueuedPod>();
  #waiting: Deferred<void> | null = null;
  #backoffTimer: Timer | null = null;
  #flushTimer: Timer | null = null;
  readonly #nominated = new Map<string, { node: string; info: PodInfo }>();

  /** `less`: QueueSort, the same in all profiles. */
  constructor(sim: Simulation, less: Framework['less'], frameworkOf: (pod: PodInfo) => Framework, backoff: Backoff = {}) {
    this.#sim = sim;
    this.#frameworkOf = frameworkOf;
    this.#initialBackoff = backoff.initial ?? INITIAL_BACKOFF;
    this.#maxBackoff = backoff.max ?? MAX_BACKOFF;
    this.#active = new KeyedHeap(uidOf, less);
    const sooner = (a: QueuedPod, b: QueuedPod): boolean => {
      // Pods whose time comes in the same second keep their scheduling order.
      const [x, y] = [Math.floor(a.backoffUntil / SECOND), Math.floor(b.backoffUntil / SECOND)];
      return x < y || (x === y && less(a, b));
    };
    this.#backoff = new KeyedHeap(uidOf, sooner);
    this.#errorBackoff = new KeyedHeap(uidOf, (a, b) => a.backoffUntil < b.backoffUntil);
  }

  get lengths(): { readonly active: number; readonly backoff: number; readonly unschedulable: number } {
    return { active: this.#active.size, backoff: this.#backoff.size + this.#errorBackoff.size, unschedulable: this.#unschedulable.size };
  }

  /** A Pod without a node has appeared. */
  add(pod: Pod): void {
    const now = this.#sim.now;
    const item: QueuedPod = {
      info: podInfoOf(pod),
      timestamp: now,
      firstSeen: now,
      attempts: 0,
      rejections: 0,
      errors: 0,
      rejectedBy: new Set(),
      backoffUntil: 0,
      gatedBy: '',
      cause: this.#sim.cause,
    };
    if (pod.status.nominatedNodeName) this.nominate(item.info, pod.status.nominatedNodeName);
    this.#activate(item);
  }

  update(before: Pod, after: Pod): void {
    const uid = after.metadata.uid ?? '';
    const queued = this.#active.get(uid) ?? this.#backoff.get(uid) ?? this.#errorBackoff.get(uid);
    const info = podInfoOf(after, queued?.info);
    const nominated = this.#nominated.get(uid);
    if (after.status.nominatedNodeName) this.nominate(info, after.status.nominatedNodeName);
    else if (nominated && before.status.nominatedNodeName) this.#nominated.delete(uid);
    if (queued) {
      queued.info = info;
      return;
    }
    const item = this.#unschedulable.get(uid);
    if (item === undefined) {
      this.add(after);
      return;
    }
    item.info = info;
    for (const kind of podChanges(before, after)) {
      if (!this.#worthTrying(item, { kind, before, after })) continue;
      this.#unschedulable.delete(uid);
      this.#requeue(item);
      return;
    }
  }

  delete(uid: string): void {
    this.#active.take(uid);
    this.#backoff.take(uid);
    this.#errorBackoff.take(uid);
    this.#unschedulable.delete(uid);
    this.#nominated.delete(uid);
  }

  /** Something happened: Pods that it may help are tried again. */
  move(event: ClusterEvent): void {
    if (this.#unschedulable.size === 0) return;
    const waiting = [...this.#unschedulable.values()];
    for (const item of waiting) {
      if (!this.#worthTrying(item, event)) continue;
      this.#unschedulable.delete(item.info.uid);
      this.#requeue(item);
    }
  }

  /** Waits for the next Pod to schedule. What cannot be scheduled comes back by `putBack`. */
  *pop(): Op<QueuedPod> {
    for (;;) {
      const item = this.#active.pop() ?? this.#backoff.pop();
      if (item) {
        item.attempts++;
        return item;
      }
      this.#waiting = new Deferred(this.#sim);
      yield* this.#waiting.wait();
    }
  }

  /**
   * Puts a Pod back that could not be scheduled: `plugins` rejected it, or (none) something failed. `again`: time passed
   * since the decision, so that what helps may have happened already.
   */
  putBack(item: QueuedPod, plugins: ReadonlySet<string>, again = false): void {
    item.timestamp = this.#sim.now;
    item.rejectedBy = plugins;
    if (plugins.size === 0) {
      item.errors++;
      item.backoffUntil = this.#sim.now + this.#backoffOf(item.errors);
      this.#errorBackoff.put(item);
      this.#armBackoff();
      return;
    }
    item.errors = 0;
    item.rejections++;
    item.backoffUntil = this.#sim.now + this.#backoffOf(item.rejections);
    if (again) {
      this.#requeue(item);
      return;
    }
    this.#unschedulable.set(item.info.uid, item);
    this.#armFlush();
  }

  nominate(info: PodInfo, node: string): void {
    this.#nominated.set(info.uid, { node, info });
  }

  unnominate(uid: string): void {
    this.#nominated.delete(uid);
  }

  /** Pods that wait for room on this node, which was made for them. */
  nominatedOn(node: string): readonly PodInfo[] {
    if (this.#nominated.size === 0) return NO_PODS;
    const pods: PodInfo[] = [];
    for (const entry of this.#nominated.values()) if (entry.node === node) pods.push(entry.info);
    return pods;
  }

  #worthTrying(item: QueuedPod, event: ClusterEvent): boolean {
    return this.#frameworkOf(item.info).worthTrying(item.info, item.rejectedBy, event);
  }

  #requeue(item: QueuedPod): void {
    item.cause = this.#sim.cause ?? item.cause;
    if (item.gatedBy === '' && item.backoffUntil > this.#sim.now) {
      this.#backoff.put(item);
      this.#armBackoff();
      this.#notify();
    } else this.#activate(item);
  }

  #activate(item: QueuedPod): void {
    const gate = this.#frameworkOf(item.info).preEnqueue(item.info);
    if (gate) {
      item.gatedBy = gate.plugin ?? '';
      item.rejectedBy = new Set([item.gatedBy]);
      this.#unschedulable.set(item.info.uid, item);
      return;
    }
    item.gatedBy = '';
    item.timestamp = this.#sim.now;
    this.#active.put(item);
    this.#notify();
  }

  #backoffOf(count: number): Micros {
    return Math.min(this.#maxBackoff, this.#initialBackoff * 2 ** Math.min(30, Math.max(0, count - 1)));
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(undefined);
  }

  /** One timer for the earliest end of a back-off. */
  #armBackoff(): void {
    if (this.#backoffTimer) this.#sim.cancel(this.#backoffTimer);
    this.#backoffTimer = null;
    const first = Math.min(this.#backoff.peek()?.backoffUntil ?? Infinity, this.#errorBackoff.peek()?.backoffUntil ?? Infinity);
    if (first === Infinity) return;
    this.#backoffTimer = this.#sim.after(first - this.#sim.now, () => {
      this.#backoffTimer = null;
      for (const heap of [this.#backoff, this.#errorBackoff]) {
        for (let item = heap.peek(); item && item.backoffUntil <= this.#sim.now; item = heap.peek()) {
          heap.pop();
          this.#sim.cause = item.cause;
          this.#activate(item);
        }
      }
      this.#armBackoff();
    });
  }

  /** Only while somebody waits. */
  #armFlush(): void {
    if (this.#flushTimer || this.#unschedulable.size === 0) return;
    this.#flushTimer = this.#sim.after(FLUSH_PERIOD, () => {
      this.#flushTimer = null;
      const waiting = [...this.#unschedulable.values()];
      for (const item of waiting) {
        if (item.gatedBy !== '' || this.#sim.now - item.timestamp <= MAX_IN_UNSCHEDULABLE) continue;
        this.#unschedulable.delete(item.info.uid);
        this.#requeue(item);
      }
      this.#armFlush();
    });
  }
}

const NO_PODS: readonly PodInfo[] = [];
