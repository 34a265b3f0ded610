// The eviction manager (pkg/kubelet/eviction/eviction_manager.go): every ten seconds, while there is something to look at, it compares
// what the node has left with the thresholds, sets the node's pressures, frees what nobody needs, and else evicts one Pod.
// Upstream looks every ten seconds all the time; here memory and disk ring when a threshold is passed, at the next of those instants.

import type { Pod } from '../api/generated/types.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import type { Rejection } from './admission.ts';
import { type Context, podSubject, podUid, step } from './context.ts';
import { evictionMessage, hasLocalStorageLimit, localStorageExcess, rankFor } from './eviction-rank.ts';
import {
  byPriority, type FirstObserved, firstObserved, lastObserved, mergeThresholds, type Observations, observedSince, pastGrace, type Pressure, pressuresOf,
  SIGNALS, type Threshold, thresholdAmount, thresholdsMet,
} from './eviction-thresholds.ts';
import { isCriticalPod, KUBEPODS } from './pod-cgroup.ts';
import { observe, podStats, type PodStats } from './pod-stats.ts';
import type { Termination } from './pod-worker.ts';
import { qosClass } from './resources.ts';

const INTERVAL: Micros = 10 * SECOND;
const CLEANUP_POLL: Micros = SECOND;
const CLEANUP_TIMEOUT: Micros = 30 * SECOND;
const IMMEDIATELY = 1;

export interface EvictionParts {
  readonly context: Context;
  /** Pods that run or are to run here. */
  activePods(): readonly Pod[];
  kill(uid: string, termination: Termination): void;
  /** Whether nothing of an evicted Pod is left. */
  isGone(uid: string): boolean;
  /** Removes dead containers and unused images. */
  reclaimDisk(): Op<void>;
  /** The node's pressures have changed. */
  changed(): void;
}

export class EvictionManager {
  readonly #parts: EvictionParts;
  readonly #wake: Channel<null>;
  readonly #begun: Micros;
  /** Pods whose local storage has a limit. */
  readonly #limited = new Set<string>();
  #first: FirstObserved = new Map();
  #met: readonly Threshold[] = [];
  #seen: ReadonlyMap<Pressure, Micros> = new Map();
  #pressures: readonly Pressure[] = [];

  constructor(parts: EvictionParts) {
    const { sim } = parts.context.os;
    this.#parts = parts;
    this.#wake = new Channel(sim);
    this.#begun = sim.now;
  }

  /** The pressures that the node shows. */
  get pressures(): readonly Pressure[] {
    return this.#pressures;
  }

  /** Why a Pod may not start here now; undefined when it may. */
  admit(pod: Pod): Rejection | undefined {
    if (this.#pressures.length === 0 || isCriticalPod(pod)) return undefined;
    if (this.#pressures.length === 1 && this.#pressures[0] === 'MemoryPressure') {
      if (qosClass(pod) !== 'BestEffort') return undefined;
      const tolerated = (pod.spec.tolerations ?? []).some(
        ({ key, operator = 'Equal', value = '', effect }) =>
          (key === 'node.kubernetes.io/memory-pressure' || (key === undefined && operator === 'Exists')) &&
          (effect === undefined || effect === '' || effect === 'NoSchedule') &&
          (operator === 'Exists' || value === ''),
      );
      if (tolerated) return undefined;
    }
    return { reason: 'Evicted', message: `The node had condition: [${this.#pressures.join(' ')}]. ` };
  }

  /** A Pod has come to this node. */
  add(pod: Pod): void {
    if (!hasLocalStorageLimit(pod)) return;
    this.#limited.add(podUid(pod));
    this.#ring();
  }

  *run(): Op<void> {
    const { os } = this.#parts.context;
    this.#reportOom();
    for (;;) {
      os.sim.cause = null;
      this.#arm();
      if (!this.#busy()) yield* this.#wake.receive();
      while (this.#wake.tryReceive() !== undefined) {
        // One look answers all.
      }
      os.sim.cause = null;
      yield* os.sleep(INTERVAL - ((os.sim.now - this.#begun) % INTERVAL));
      for (let evicted = yield* this.#synchronize(); evicted.length > 0; evicted = yield* this.#synchronize()) yield* this.#cleanUp(evicted);
    }
  }

  /** Whether the next look is due without a ring. */
  #busy(): boolean {
    return this.#pressures.length > 0 || this.#first.size > 0 || this.#limited.size > 0 || this.#thresholds.some((t) => t.signal === 'pid.available');
  }

  get #thresholds(): readonly Threshold[] {
    return this.#parts.context.config.evictionThresholds;
  }

  #ring(): void {
    if (this.#wake.length === 0) this.#wake.send(null);
  }

  /** Memory and disk are to ring when they pass a threshold. */
  #arm(): void {
    const { machine } = this.#parts.context.os;
    const observed = observe(machine);
    const least = (signals: readonly string[], capacity: number): number => {
      let most = -1;
      for (const { signal, value } of this.#thresholds) if (signals.includes(signal)) most = Math.max(most, thresholdAmount(value, capacity));
      return most < 0 ? Number.POSITIVE_INFINITY : capacity - most;
    };
    const ring = (): void => this.#ring();
    const { root } = machine.cgroups;
    root.alarmAt = least(['memory.available'], observed['memory.available']?.capacity ?? 0);
    root.onAlarm = ring;
    const all = machine.cgroups.of(KUBEPODS);
    all.alarmAt = least(['allocatableMemory.available'], observed['allocatableMemory.available']?.capacity ?? 0);
    all.onAlarm = ring;
    machine.disk.alarm = least(['nodefs.available', 'imagefs.available', 'containerfs.available'], machine.disk.capacityBytes);
    machine.disk.onAlarm = ring;
  }

  /** One look; the Pods that were evicted. */
  *#synchronize(): Op<readonly Pod[]> {
    const { context } = this.#parts;
    const { sim, machine } = context.os;
    const { now } = sim;
    const pods = this.#parts.activePods();
    const observed = observe(machine);
    const met = mergeThresholds(thresholdsMet(this.#thresholds, observed, false), thresholdsMet(this.#met, observed, true));
    this.#first = firstObserved(met, this.#first, now);
    this.#seen = lastObserved(pressuresOf(met), this.#seen, now);
    this.#setPressures(observedSince(this.#seen, context.config.evictionPressureTransitionPeriod, now));
    const due = pastGrace(this.#first, now);
    this.#met = due;
    const local = this.#evictForLocalStorage(pods);
    if (local.length > 0) return local;
    const [threshold] = byPriority(due);
    if (threshold === undefined) return [];
    const { resource } = SIGNALS[threshold.signal];
    step(context.os, 'reclaim', null, { signal: threshold.signal, resource, observed: observed[threshold.signal] });
    context.events.node('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (SIGNALS[threshold.signal].pressure === 'DiskPressure') {
      yield* this.#parts.reclaimDisk();
      if (thresholdsMet(this.#thresholds, observe(machine), true).length === 0) return [];
    }
    return this.#evictOne(threshold, pods, due, observed);
  }

  #setPressures(pressures: readonly Pressure[]): void {
    const before = this.#pressures.join();
    this.#pressures = pressures;
    if (pressures.join() !== before) this.#parts.changed();
  }

  /** One Pod goes, the first that may. */
  #evictOne(threshold: Threshold, pods: readonly Pod[], met: readonly Threshold[], observed: Observations): readonly Pod[] {
    const { context } = this.#parts;
    const known = new Map<string, PodStats | undefined>();
    const stats = (pod: Pod): PodStats | undefined => {
      const uid = podUid(pod);
      if (!known.has(uid)) known.set(uid, podStats(context, pod));
      return known.get(uid);
    };
    const grace = threshold.grace === 0 ? IMMEDIATELY : context.config.evictionMaxPodGracePeriod;
    for (const pod of rankFor(threshold.signal, pods, stats)) {
      const message = evictionMessage(threshold.signal, pod, stats, met, observed);
      if (this.#evict(pod, grace, message, true)) return [pod];
    }
    return [];
  }

  #evictForLocalStorage(pods: readonly Pod[]): readonly Pod[] {
    if (this.#limited.size === 0) return [];
    const evicted: Pod[] = [];
    const here = new Set<string>();
    for (const pod of pods) {
      const uid = podUid(pod);
      if (!this.#limited.has(uid)) continue;
      here.add(uid);
      const stats = podStats(this.#parts.context, pod);
      const message = stats === undefined ? undefined : localStorageExcess(pod, stats);
      if (message !== undefined && this.#evict(pod, IMMEDIATELY, message, false)) evicted.push(pod);
    }
    for (const uid of this.#limited) if (!here.has(uid)) this.#limited.delete(uid);
    return evicted;
  }

  #evict(pod: Pod, grace: number, message: string, pressure: boolean): boolean {
    if (isCriticalPod(pod)) return false;
    const { context } = this.#parts;
    const { cause } = context.os.sim;
    step(context.os, 'evict', podSubject(pod), { message });
    context.events.pod(pod, 'Warning', 'Evicted', message);
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message };
    this.#parts.kill(podUid(pod), { grace, status: { phase: 'Failed', reason: 'Evicted', message }, ...(pressure ? { condition } : {}) });
    context.os.sim.cause = cause;
    return true;
  }

  /** Waits until the evicted Pods have gone, so that what they held counts as free. */
  *#cleanUp(pods: readonly Pod[]): Op<void> {
    const { os } = this.#parts.context;
    const end = os.sim.now + CLEANUP_TIMEOUT;
    while (os.sim.now < end) {
      yield* os.sleep(CLEANUP_POLL);
      if (pods.every((pod) => this.#parts.isGone(podUid(pod)))) return;
    }
  }

  /** The kernel's log tells of kills for want of memory on the whole machine (kubelet/oom). */
  #reportOom(): void {
    const { os, events } = this.#parts.context;
    const { cgroups } = os.machine;
    const report: typeof cgroups.onOom = ({ constraint, victim }) => {
      if (constraint !== '/') return;
      events.node('Warning', 'SystemOOM', `System OOM encountered, victim process: ${victim.comm}, pid: ${victim.pid}`);
    };
    cgroups.onOom = report;
    os.process.onExit(() => {
      if (cgroups.onOom === report) cgroups.onOom = null;
    });
  }
}
