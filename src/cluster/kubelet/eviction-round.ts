// One look of the eviction manager (eviction_manager.go synchronize): what the node has left against the thresholds, the pressures that
// follow, what nobody needs freed, and else one Pod evicted.

import type { Pod } from '../api/generated/types.ts';
import type { Op } from '../sim/simulation.ts';
import { podSubject, podUid, step } from './context.ts';
import type { EvictionParts, EvictionState } from './eviction-manager.ts';
import { evictionMessage, localStorageExcess, rankFor } from './eviction-rank.ts';
import {
  byPriority, firstObserved, lastObserved, mergeThresholds, type Observations, observedSince, pastGrace, pressuresOf, SIGNALS, type Threshold, thresholdsMet,
} from './eviction-thresholds.ts';
import { isCriticalPod } from './pod-cgroup.ts';
import { observe, podStats, type PodStats } from './pod-stats.ts';

/** Grace in seconds of who goes for a hard threshold. */
const IMMEDIATELY = 1;

/** Returns the Pods that were evicted. */
export function* evictionRound(state: EvictionState, parts: EvictionParts): Op<readonly Pod[]> {
  const { context } = parts;
  const { machine, sim } = context.os;
  const { evictionPressureTransitionPeriod, evictionThresholds } = context.config;
  const { now } = sim;
  const pods = parts.activePods();
  const observed = observe(machine);
  const met = mergeThresholds(thresholdsMet(evictionThresholds, observed, false), thresholdsMet(state.met, observed, true));
  state.first = firstObserved(met, state.first, now);
  state.seen = lastObserved(pressuresOf(met), state.seen, now);
  state.pressures = observedSince(state.seen, evictionPressureTransitionPeriod, now);
  const due = pastGrace(state.first, now);
  state.met = due;
  const local = evictForLocalStorage(state, parts, pods);
  if (local.length > 0) return local;
  const [threshold] = byPriority(due);
  if (threshold === undefined) return [];
  const { pressure, resource } = SIGNALS[threshold.signal];
  step(context.os, 'reclaim', null, { signal: threshold.signal, resource, observed: observed[threshold.signal] });
  context.events.node('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
  if (pressure === 'DiskPressure') {
    yield* parts.reclaimDisk();
    if (thresholdsMet(evictionThresholds, observe(machine), true).length === 0) return [];
  }
  return evictOne(parts, threshold, pods, due, observed);
}

/** One Pod goes, the first that may. */
function evictOne(parts: EvictionParts, threshold: Threshold, pods: readonly Pod[], met: readonly Threshold[], observed: Observations): readonly Pod[] {
  const { context } = parts;
  const known = new Map<string, PodStats | undefined>();
  const stats = (pod: Pod): PodStats | undefined => {
    const uid = podUid(pod);
    if (!known.has(uid)) known.set(uid, podStats(context, pod));
    return known.get(uid);
  };
  const grace = threshold.grace === 0 ? IMMEDIATELY : context.config.evictionMaxPodGracePeriod;
  for (const pod of rankFor(threshold.signal, pods, stats)) {
    const message = evictionMessage(threshold.signal, pod, stats, met, observed);
    if (evict(parts, pod, grace, message, true)) return [pod];
  }
  return [];
}

function evictForLocalStorage({ limited }: EvictionState, parts: EvictionParts, pods: readonly Pod[]): readonly Pod[] {
  if (limited.size === 0) return [];
  const evicted: Pod[] = [];
  const here = new Set<string>();
  for (const pod of pods) {
    const uid = podUid(pod);
    if (!limited.has(uid)) continue;
    here.add(uid);
    const stats = podStats(parts.context, pod);
    const message = stats === undefined ? undefined : localStorageExcess(pod, stats);
    if (message !== undefined && evict(parts, pod, IMMEDIATELY, message, false)) evicted.push(pod);
  }
  for (const uid of limited) if (!here.has(uid)) limited.delete(uid);
  return evicted;
}

function evict(parts: EvictionParts, pod: Pod, grace: number, message: string, pressure: boolean): boolean {
  if (isCriticalPod(pod)) return false;
  const { context } = parts;
  const { sim } = context.os;
  const { cause } = sim;
  step(context.os, 'evict', podSubject(pod), { message });
  context.events.pod(pod, 'Warning', 'Evicted', message);
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message };
  parts.kill(podUid(pod), { grace, status: { phase: 'Failed', reason: 'Evicted', message }, ...(pressure ? { condition } : {}) });
  sim.cause = cause;
  return true;
}
