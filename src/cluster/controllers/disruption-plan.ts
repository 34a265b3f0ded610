// The arithmetic of PodDisruptionBudgets (pkg/controller/disruption): how many Pods must stay healthy, how many are. Pure.

import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '../api/generated/types.ts';
import { scaledValue } from '../api/intstr.ts';
import { conditionOf, isDeleting } from '../api/meta.ts';
import { type Micros, MINUTE, parseTime } from '../sim/time.ts';
import { isPodReady } from './pods.ts';

/** An eviction that was allowed must have led to a deletion by then. */
export const EVICTION_TIMEOUT: Micros = 2 * MINUTE;

export interface Need {
  readonly expected: number;
  readonly desired: number;
}

/** Whether the budget counts by the scale of the Pods' controllers, or by the Pods alone. */
export const needsScale = ({ spec }: PodDisruptionBudget): boolean => spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string';

/** `scale`: the sum of the replicas that the Pods' controllers want. */
export function needOf({ spec }: PodDisruptionBudget, pods: number, scale: number): Need {
  if (spec.maxUnavailable !== undefined) {
    return { expected: scale, desired: Math.max(0, scale - (scaledValue(spec.maxUnavailable, scale, true) ?? 0)) };
  }
  if (typeof spec.minAvailable === 'number') return { expected: pods, desired: spec.minAvailable };
  if (spec.minAvailable !== undefined) return { expected: scale, desired: scaledValue(spec.minAvailable, scale, true) ?? 0 };
  return { expected: 0, desired: 0 };
}

export interface Disrupted {
  /** By the Pod's name, when its eviction was allowed. */
  readonly pods: Readonly<Record<string, string>>;
  /** Pods that should have been deleted by now and were not. */
  readonly overdue: readonly Pod[];
  /** When to look again; undefined: no need. */
  readonly recheckIn: Micros | undefined;
}

/** Evictions that were allowed and are not seen yet. */
export function disruptedPods(budget: PodDisruptionBudget, pods: readonly Pod[], now: Micros): Disrupted {
  const kept: Record<string, string> = {};
  const overdue: Pod[] = [];
  let recheckIn: Micros | undefined;
  const noted = budget.status.disruptedPods ?? {};
  for (const pod of pods) {
    const time = noted[pod.metadata.name];
    if (time === undefined || isDeleting(pod)) continue;
    const left = (parseTime(time) ?? 0) + EVICTION_TIMEOUT - now;
    if (left < 0) {
      overdue.push(pod);
      continue;
    }
    kept[pod.metadata.name] = time;
    if (recheckIn === undefined || left < recheckIn) recheckIn = left;
  }
  return { pods: kept, overdue, recheckIn };
}

export const countHealthy = (pods: readonly Pod[], disrupted: Readonly<Record<string, string>>): number =>
  pods.filter((pod) => !isDeleting(pod) && disrupted[pod.metadata.name] === undefined && isPodReady(pod)).length;

/** `time` as metav1.Time. */
export function budgetStatus(budget: PodDisruptionBudget, healthy: number, need: Need, disrupted: Readonly<Record<string, string>>, time: string): PodDisruptionBudgetStatus {
  const spare = healthy - need.desired;
  const allowed = need.expected <= 0 || spare <= 0 ? 0 : spare;
  const { generation } = budget.metadata;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: need.desired,
    expectedPods: need.expected,
    conditions: withAllowed(budget, allowed > 0, allowed > 0 ? 'SufficientPods' : 'InsufficientPods', '', time),
  };
}

export function withAllowed(budget: PodDisruptionBudget, allowed: boolean, reason: string, message: string, time: string): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const conditions = budget.status.conditions ?? [];
  const before = conditionOf(conditions, 'DisruptionAllowed');
  const status = allowed ? 'True' : 'False';
  const { generation } = budget.metadata;
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : time;
  const condition = { type: 'DisruptionAllowed', ...(generation === undefined ? {} : { observedGeneration: generation }), reason, message, status, lastTransitionTime };
  return [...conditions.filter((c) => c !== before), condition];
}
