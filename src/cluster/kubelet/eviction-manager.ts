// The eviction manager (pkg/kubelet/eviction/eviction_manager.go): which pressures the node shows, who may still start, and when to look.
// Upstream looks every ten seconds all the time; here memory and disk ring when a threshold is passed, at the next of those instants.
// What a look finds and does is eviction-round.ts.

import type { Pod } from '../api/generated/types.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import type { Rejection } from './admission.ts';
import { type Context, podUid } from './context.ts';
import { type FirstObserved, type Pressure, type Threshold, thresholdAmount } from './eviction-thresholds.ts';
import { evictionRound } from './extras.ts';
import { isCriticalPod, KUBEPODS } from './pod-cgroup.ts';
import type { Termination } from './pod-worker.ts';
import { qosClass } from './resources.ts';

const INTERVAL: Micros = 10 * SECOND;
const CLEANUP_POLL: Micros = SECOND;
const CLEANUP_TIMEOUT: Micros = 30 * SECOND;

export interface EvictionParts {
  readonly context: Context;
  /** Pods that run or are to run here. */
  activePods(): readonly Pod[];
  kill(uid: string, termination: Termination): void;
  /** Whether nothing of an evicted Pod is left. */
  isGone(uid: string): boolean;
  /** Removes dead containers and unused images. */
  reclaimDisk(): Op<void>;
}

/** What is remembered from one look to the next. */
export interface EvictionState {
  /** Pods whose local storage has a limit. */
  readonly limited: Set<string>;
  first: FirstObserved;
  met: readonly Threshold[];
  seen: ReadonlyMap<Pressure, Micros>;
  pressures: readonly Pressure[];
}

export class EvictionManager {
  readonly #parts: EvictionParts;
  readonly #state: EvictionState = { limited: new Set(), first: new Map(), met: [], seen: new Map(), pressures: [] };
  readonly #wake: Channel<null>;
  readonly #begun: Micros;

  constructor(parts: EvictionParts) {
    const { sim } = parts.context.os;
    this.#parts = parts;
    this.#wake = new Channel(sim);
    this.#begun = sim.now;
  }

  /** The pressures that the node shows. */
  get pressures(): readonly Pressure[] {
    return this.#state.pressures;
  }

  /** Why a Pod may not start here now; undefined when it may. */
  admit(pod: Pod): Rejection | undefined {
    if (this.#state.pressures.length === 0 || isCriticalPod(pod)) return undefined;
    if (this.#state.pressures.length === 1 && this.#state.pressures[0] === 'MemoryPressure') {
      if (qosClass(pod) !== 'BestEffort') return undefined;
      const tolerated = (pod.spec.tolerations ?? []).some(
        ({ key, operator = 'Equal', value = '', effect }) =>
          (key === 'node.kubernetes.io/memory-pressure' || (key === undefined && operator === 'Exists')) &&
          (effect === undefined || effect === '' || effect === 'NoSchedule') &&
          (operator === 'Exists' || value === ''),
      );
      if (tolerated) return undefined;
    }
    return { reason: 'Evicted', message: `The node had condition: [${this.#state.pressures.join(' ')}]. ` };
  }

  /** A Pod has come to this node. */
  add(pod: Pod): void {
    if (!hasLocalStorageLimit(pod)) return;
    this.#state.limited.add(podUid(pod));
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
      for (;;) {
        const evicted = yield* evictionRound(this.#state, this.#parts);
        if (evicted.length === 0) break;
        yield* this.#cleanUp(evicted);
      }
    }
  }

  /** Whether the next look is due without a ring. */
  #busy(): boolean {
    return this.#state.pressures.length > 0 || this.#state.first.size > 0 || this.#state.limited.size > 0 || this.#thresholds.some((t) => t.signal === 'pid.available');
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
    const { cgroups, disk } = machine;
    const mark = (capacity: number, ...signals: readonly Threshold['signal'][]): number => {
      let most = -1;
      for (const { signal, value } of this.#thresholds) if (signals.includes(signal)) most = Math.max(most, thresholdAmount(value, capacity));
      return most < 0 ? Number.POSITIVE_INFINITY : capacity - most;
    };
    const ring = (): void => this.#ring();
    const all = cgroups.of(KUBEPODS);
    cgroups.root.alarmAt = mark(machine.memoryTotal, 'memory.available');
    cgroups.root.onAlarm = ring;
    all.alarmAt = mark(all.memoryLimit ?? machine.memoryTotal, 'allocatableMemory.available');
    all.onAlarm = ring;
    disk.alarm = mark(disk.capacityBytes, 'nodefs.available', 'imagefs.available', 'containerfs.available');
    disk.onAlarm = ring;
    // What is above its mark already rings at once.
    if (cgroups.root.memoryBytes > cgroups.root.alarmAt || all.memoryBytes > all.alarmAt || disk.usedBytes > disk.alarm) ring();
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

/** Whether what it writes has a limit. */
function hasLocalStorageLimit({ spec }: Pod): boolean {
  for (const volume of spec.volumes ?? []) if (volume.emptyDir?.sizeLimit !== undefined) return true;
  for (const container of spec.containers) if (container.resources?.limits?.['ephemeral-storage'] !== undefined) return true;
  return false;
}
