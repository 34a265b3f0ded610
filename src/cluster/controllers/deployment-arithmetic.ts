// The arithmetic of a rollout (pkg/controller/deployment/util): how many Pods each ReplicaSet should have. Pure.

import type { Deployment, DeploymentStatus, IntOrString, ReplicaSet } from '../api/generated/types.ts';
import { conditionOf, isDeleting } from '../api/meta.ts';
import { scaledValue } from '../api/intstr.ts';
import { parseTime, type Micros, SECOND } from '../sim/time.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

const MAX_INT32 = 2 ** 31 - 1;

export const wantedOf = (object: Deployment | ReplicaSet): number => object.spec.replicas ?? 1;
export const isRollingUpdate = (d: Deployment): boolean => d.spec.strategy?.type === 'RollingUpdate';

const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number => sets.reduce((total, set) => total + of(set), 0);
export const specReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, wantedOf);
export const statusReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, (set) => set.status.replicas);
export const readyReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, (set) => set.status.readyReplicas ?? 0);
export const availableReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, (set) => set.status.availableReplicas ?? 0);

/** Undefined when a set has been looked at and does not tell. */
export function terminatingReplicas(sets: readonly ReplicaSet[]): number | undefined {
  let total = 0;
  for (const { status } of sets) {
    if (status.terminatingReplicas !== undefined) total += status.terminatingReplicas;
    else if (status.observedGeneration) return undefined;
  }
  return total;
}

/** Sets that want Pods. */
export const activeSets = (sets: readonly ReplicaSet[]): ReplicaSet[] => sets.filter((set) => wantedOf(set) > 0);

/** Surge rounds up, unavailable rounds down; they are never both zero, or nothing could move. */
export function resolveFenceposts(
  maxSurge: IntOrString | undefined,
  maxUnavailable: IntOrString | undefined,
  desired: number,
): { readonly surge: number; readonly unavailable: number } {
  const surge = scaledValue(maxSurge ?? 0, desired, true);
  const unavailable = scaledValue(maxUnavailable ?? 0, desired, false);
  if (surge === undefined || unavailable === undefined) return { surge: 0, unavailable: 0 };
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function maxSurge(d: Deployment): number {
  if (!isRollingUpdate(d)) return 0;
  const { maxSurge: surge, maxUnavailable: unavailable } = d.spec.strategy?.rollingUpdate ?? {};
  return resolveFenceposts(surge, unavailable, wantedOf(d)).surge;
}

export function maxUnavailable(d: Deployment): number {
  if (!isRollingUpdate(d) || wantedOf(d) === 0) return 0;
  const { maxSurge: surge, maxUnavailable: unavailable } = d.spec.strategy?.rollingUpdate ?? {};
  return Math.min(resolveFenceposts(surge, unavailable, wantedOf(d)).unavailable, wantedOf(d));
}

export function minAvailable(d: Deployment): number {
  return isRollingUpdate(d) ? wantedOf(d) - maxUnavailable(d) : 0;
}

/** How large the new set may be now, next to the others. */
export function newSetReplicas(d: Deployment, all: readonly ReplicaSet[], newSet: ReplicaSet): number {
  if (!isRollingUpdate(d)) return wantedOf(d);
  const most = wantedOf(d) + maxSurge(d);
  const current = specReplicas(all);
  if (current >= most) return wantedOf(newSet);
  return wantedOf(newSet) + Math.min(most - current, wantedOf(d) - wantedOf(newSet));
}

/** How many Pods of old sets may go without too few being available. */
export function oldSetsMayLose(d: Deployment, all: readonly ReplicaSet[], newSet: ReplicaSet): number {
  const newUnavailable = wantedOf(newSet) - (newSet.status.availableReplicas ?? 0);
  return specReplicas(all) - (wantedOf(d) - maxUnavailable(d)) - newUnavailable;
}

interface Sized {
  readonly set: ReplicaSet;
  readonly size: number;
}

/** Old sets, the oldest first, without Pods that serve nobody anyway: at most `most` of those go. */
export function withoutUseless(old: readonly ReplicaSet[], most: number): readonly Sized[] {
  let left = most;
  return [...old].sort(byCreation).map((set) => {
    const useless = wantedOf(set) - (set.status.availableReplicas ?? 0);
    const count = Math.max(0, Math.min(left, useless));
    left -= count;
    return { set, size: wantedOf(set) - count };
  });
}

/** Old sets, the oldest first, without the Pods that are available beyond the fewest that must be. */
export function withoutSurplus(d: Deployment, available: number, old: readonly ReplicaSet[]): readonly Sized[] {
  let spare = Math.max(0, available - minAvailable(d));
  return [...old].sort(byCreation).map((set) => {
    const count = Math.min(wantedOf(set), spare);
    spare -= count;
    return { set, size: wantedOf(set) - count };
  });
}

/** The only active set, or the newest when none is; undefined when several are and must share. */
export function activeOrLatest(newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const active = activeSets(newSet ? [...old, newSet] : old);
  if (active.length === 1) return active[0];
  if (active.length > 1) return undefined;
  return newSet ?? [...old].sort((a, b) => byCreation(b, a))[0];
}

/** The new set is all there is to be, so the old ones can go. */
export function isSaturated(d: Deployment, set: ReplicaSet | undefined): boolean {
  if (!set) return false;
  const desired = annotatedNumber(set, DESIRED_REPLICAS);
  return desired === wantedOf(d) && wantedOf(set) === wantedOf(d) && (set.status.availableReplicas ?? 0) === wantedOf(d);
}

/** Divides a Deployment's new size among the sets of a running rollout, each by its share; the largest takes what is left over. */
export function proportionalSizes(d: Deployment, sets: readonly ReplicaSet[]): readonly Sized[] {
  const allowed = wantedOf(d) > 0 ? wantedOf(d) + maxSurge(d) : 0;
  const toAdd = allowed - specReplicas(sets);
  const ordered = [...sets].sort((a, b) => wantedOf(b) - wantedOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)));
  let added = 0;
  const sized = ordered.map((set) => {
    const share = proportion(d, set, toAdd, added);
    added += share;
    return { set, size: wantedOf(set) + share };
  });
  const [first] = sized;
  if (first && toAdd !== 0) sized[0] = { set: first.set, size: Math.max(0, first.size + toAdd - added) };
  return sized;
}

/** The share of `set` in `toAdd` (negative: to remove), of which `added` is already given out. */
export function proportion(d: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  if (wantedOf(set) === 0 || toAdd === 0 || toAdd === added) return 0;
  const share = fraction(d, set);
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

function fraction(d: Deployment, set: ReplicaSet): number {
  if (wantedOf(d) === 0) return -wantedOf(set);
  const before = annotatedNumber(set, MAX_REPLICAS) || (d.status.replicas ?? 0);
  if (before === 0) return 0;
  return roundAwayFromZero((wantedOf(set) * (wantedOf(d) + maxSurge(d))) / before) - wantedOf(set);
}

const roundAwayFromZero = (x: number): number => Math.trunc(x < 0 ? x - 0.5 : x + 0.5);

/** The count in an annotation; undefined when there is none. */
export function annotatedNumber(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name] ?? '';
  return /^\d+$/.test(text) && Number(text) <= MAX_INT32 ? Number(text) : undefined;
}

export const revisionOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[REVISION]) || 0;
export const maxRevision = (sets: readonly ReplicaSet[]): number => sets.reduce((max, set) => Math.max(max, revisionOf(set)), 0);

/** Older first; of the same second, by name. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const left = a.metadata.creationTimestamp ?? '';
  const right = b.metadata.creationTimestamp ?? '';
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** Old sets beyond the history limit that nothing needs any more. */
export function expendableSets(d: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = d.spec.revisionHistoryLimit;
  if (limit === undefined || limit === MAX_INT32) return [];
  const alive = old.filter((set) => !isDeleting(set));
  const excess = alive.length - limit;
  if (excess <= 0) return [];
  return alive
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, excess)
    .filter((set) => set.status.replicas === 0 && wantedOf(set) === 0 && (set.metadata.generation ?? 0) <= (set.status.observedGeneration ?? 0));
}

export function isComplete(d: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedOf(d);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (d.metadata.generation ?? 0)
  );
}

/** More new Pods, fewer old ones, more ready or available ones than before. */
export function isProgressing(d: Deployment, status: DeploymentStatus): boolean {
  const n = (count: number | undefined): number => count ?? 0;
  const before = d.status;
  return (
    n(status.updatedReplicas) > n(before.updatedReplicas) ||
    n(status.replicas) - n(status.updatedReplicas) < n(before.replicas) - n(before.updatedReplicas) ||
    n(status.readyReplicas) > n(before.readyReplicas) ||
    n(status.availableReplicas) > n(before.availableReplicas)
  );
}

export function hasProgressDeadline(d: Deployment): boolean {
  return d.spec.progressDeadlineSeconds !== undefined && d.spec.progressDeadlineSeconds !== MAX_INT32;
}

/** No progress for longer than the deadline. `now` is since 1970. */
export function isTimedOut(d: Deployment, status: DeploymentStatus, now: Micros): boolean {
  const condition = conditionOf(status.conditions, 'Progressing');
  if (!condition || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  const since = parseTime(condition.lastUpdateTime ?? '') ?? now;
  return since + (d.spec.progressDeadlineSeconds ?? 0) * SECOND < now;
}
