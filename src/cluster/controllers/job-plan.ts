// What a Job's Pods say about it: how many count as succeeded and failed, whether it is over, and which Pods to make or
// take away (pkg/controller/job/job_controller.go, backoff_utils.go). Pure.

import type { Job, JobStatus, Pod } from '../api/generated/types.ts';
import { conditionOf, isDeleting } from '../api/meta.ts';
import { type Micros, MINUTE, parseTime, SECOND } from '../sim/time.ts';
import { matchFailurePolicy, metSuccessRule } from './job-failurepolicy.ts';
import { hasIndexLimit, indexFailures, indexIgnored, indexOf, isIndexed, parseIndexes } from './job-indexes.ts';
import { byDeletionPriority, isPodActive, isPodReady, isPodTerminating } from './pods.ts';

export const TRACKING = 'batch.kubernetes.io/job-tracking';
const FIRST_BACKOFF: Micros = 10 * SECOND;
const MAX_BACKOFF: Micros = 10 * MINUTE;

/** Why a Job ends: first a promise (SuccessCriteriaMet, FailureTarget), then, once its Pods are gone, Complete or Failed. */
export interface Finish {
  readonly type: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}

export interface Survey {
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  /** Pods that end now and have not been noted. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
  readonly succeededIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  readonly finish: Finish | undefined;
}

export const isSuspended = (job: Job): boolean => job.spec.suspend === true;
export const isFinished = (job: Job): boolean =>
  conditionOf(job.status.conditions, 'Complete')?.status === 'True' || conditionOf(job.status.conditions, 'Failed')?.status === 'True';
/** Only Pods that are really over are replaced. */
export const replacesFailedOnly = (job: Job): boolean => job.spec.podReplacementPolicy === 'Failed' || job.spec.podFailurePolicy !== undefined;

/** A Pod that is on its way out counts as failed already, unless the Job wants to wait for its end. */
export function isPodFailed(job: Job, pod: Pod): boolean {
  if (pod.status.phase === 'Failed') return true;
  return !replacesFailedOnly(job) && isDeleting(pod) && pod.status.phase !== 'Succeeded';
}

/** `tracked`: whether a Pod still has the Job's finalizer. */
export function survey(job: Job, pods: readonly Pod[], tracked: (pod: Pod) => boolean, now: Micros): Survey {
  const { status } = job;
  const noted = status.uncountedTerminatedPods ?? {};
  const completions = job.spec.completions ?? 0;
  const indexed = isIndexed(job);
  const active = pods.filter(isPodActive);
  const own = pods.filter(tracked);
  const valid = (pod: Pod): boolean => !indexed || (indexOf(pod) >= 0 && indexOf(pod) < completions);
  const newSucceeded = own.filter((pod) => pod.status.phase === 'Succeeded' && !noted.succeeded?.includes(pod.metadata.uid ?? ''));
  const newFailed = own.filter((pod) => isPodFailed(job, pod) && !noted.failed?.includes(pod.metadata.uid ?? '') && valid(pod));
  const succeededIndexes = indexed ? parseIndexes(status.completedIndexes, completions) : new Set<number>();
  if (indexed) for (const pod of newSucceeded) if (valid(pod)) succeededIndexes.add(indexOf(pod));
  const failedIndexes = hasIndexLimit(job) ? parseIndexes(status.failedIndexes, completions) : new Set<number>();
  if (hasIndexLimit(job)) for (const pod of newFailed) if (failsIndex(job, pod)) failedIndexes.add(indexOf(pod));
  for (const index of succeededIndexes) failedIndexes.delete(index);
  const partial = {
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    newSucceeded,
    newFailed,
    succeeded: indexed ? succeededIndexes.size : (status.succeeded ?? 0) + (noted.succeeded?.length ?? 0) + newSucceeded.length,
    failed: (status.failed ?? 0) + (noted.failed?.length ?? 0) + newFailed.filter((pod) => counts(job, pod)).length,
    succeededIndexes,
    failedIndexes,
  };
  return { ...partial, finish: promised(job) ?? failure(job, pods, partial, now) ?? earlySuccess(job, partial) };
}

/** Whether a failed Pod counts against the limits: not when the policy says to ignore it. */
export const counts = (job: Job, pod: Pod): boolean => matchFailurePolicy(job, pod)?.action !== 'Ignore';

function failsIndex(job: Job, pod: Pod): boolean {
  const action = matchFailurePolicy(job, pod)?.action;
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && indexFailures(pod) >= (job.spec.backoffLimitPerIndex ?? 0);
}

function promised(job: Job): Finish | undefined {
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const condition = conditionOf(job.status.conditions, type);
    if (condition?.status === 'True') return { type, reason: condition.reason ?? '', message: condition.message ?? '' };
  }
  return undefined;
}

const failedBy = (reason: string, message: string): Finish => ({ type: 'FailureTarget', reason, message });

function failure(job: Job, pods: readonly Pod[], s: Omit<Survey, 'finish'>, now: Micros): Finish | undefined {
  const { backoffLimit = 6, maxFailedIndexes, completions = 0 } = job.spec;
  for (const pod of job.spec.podFailurePolicy ? pods : []) {
    if (!isPodFailed(job, pod)) continue;
    const match = matchFailurePolicy(job, pod);
    if (match?.action === 'FailJob') return failedBy('PodFailurePolicy', match.message);
  }
  if (s.failed > backoffLimit || tooManyRestarts(job, pods)) {
    return failedBy('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if ((deadlineIn(job, now) ?? 1) <= 0) return failedBy('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (!hasIndexLimit(job)) return undefined;
  if (maxFailedIndexes !== undefined && s.failedIndexes.size > maxFailedIndexes) {
    return failedBy('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  if (s.failedIndexes.size > 0 && s.succeededIndexes.size + s.failedIndexes.size >= completions) {
    return failedBy('FailedIndexes', 'Job has failed indexes');
  }
  return undefined;
}

function earlySuccess(job: Job, s: Omit<Survey, 'finish'>): Finish | undefined {
  const rule = job.spec.successPolicy && isIndexed(job) ? metSuccessRule(job, s.succeededIndexes) : undefined;
  return rule === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` };
}

/** As many Pods as asked for have succeeded. */
export function completed(job: Job, succeeded: number, active: number): Finish | undefined {
  const { completions } = job.spec;
  const done = completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions;
  if (!done) return undefined;
  return { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
}

/** Containers that are restarted in place count by their restarts. */
function tooManyRestarts(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status.phase !== 'Running' && status.phase !== 'Pending') continue;
    for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) restarts += container.restartCount;
  }
  const limit = job.spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** How long the Job may still be active; undefined when there is no limit or its clock does not run. */
export function deadlineIn(job: Job, now: Micros): Micros | undefined {
  const { activeDeadlineSeconds } = job.spec;
  const start = job.status.startTime === undefined ? undefined : parseTime(job.status.startTime);
  if (activeDeadlineSeconds === undefined || start === undefined || isSuspended(job)) return undefined;
  return start + activeDeadlineSeconds * SECOND - now;
}

/** How many Pods should be active now. */
export function wantedActive(job: Job, s: Survey): number {
  const { completions, parallelism = 1 } = job.spec;
  // Of a work queue that has had a success, what runs may run on, but nothing new is started.
  if (completions === undefined) return s.succeeded > 0 ? s.active.length : parallelism;
  return Math.max(0, Math.min(parallelism, completions - s.succeeded - s.failedIndexes.size));
}

/** At least `count` active Pods to delete; those whose index is wrong, done or held twice go in any case. */
export function removals(job: Job, s: Survey, count: number, now: Micros): Pod[] {
  const surplus: Pod[] = [];
  let rest: readonly Pod[] = s.active;
  if (isIndexed(job)) {
    const seen = new Set<number>();
    const keep: Pod[] = [];
    for (const pod of [...byDeletionPriority(s.active, () => 0, now)].reverse()) {
      const index = indexOf(pod);
      const wrong = index < 0 || index >= (job.spec.completions ?? 0) || s.failedIndexes.has(index) || seen.has(index);
      (wrong ? surplus : keep).push(pod);
      seen.add(index);
    }
    rest = keep;
  }
  if (surplus.length >= count) return surplus;
  return [...surplus, ...byDeletionPriority(rest, () => 0, now).slice(0, count - surplus.length)];
}

/** At most so many Pods are created or deleted in one sync. */
const BURST = 500;

export interface Step {
  readonly remove: readonly Pod[];
  readonly create: number;
  /** Until a failed Pod may be replaced. */
  readonly wait: Micros;
}

const NOTHING: Step = { remove: [], create: 0, wait: 0 };

/** What brings the Job nearer to as many active Pods as it should have. */
export function nextStep(job: Job, s: Survey, backoff: Backoff | undefined, now: Micros): Step {
  if (isSuspended(job)) return { ...NOTHING, remove: s.active.slice(0, BURST) };
  const active = s.active.length;
  const wanted = wantedActive(job, s);
  const remove = removals(job, s, Math.max(0, active - wanted), now);
  if (remove.length > 0) return { ...NOTHING, remove: remove.slice(0, BURST) };
  const create = Math.min(BURST, wanted - active - (replacesFailedOnly(job) ? s.terminating : 0));
  if (create <= 0) return NOTHING;
  const wait = hasIndexLimit(job) ? 0 : backoffLeft(backoff, now);
  return wait > 0 ? { ...NOTHING, wait } : { ...NOTHING, create };
}

export interface Backoff {
  readonly failures: number;
  /** Since 1970. */
  readonly last: Micros;
}

/** Failures since the last success. */
export function nextBackoff(before: Backoff | undefined, s: Pick<Survey, 'newSucceeded' | 'newFailed'>, now: Micros): Backoff | undefined {
  let success = -1;
  for (const pod of s.newSucceeded) success = Math.max(success, finishTime(pod, now));
  const failed = s.newFailed.map((pod) => finishTime(pod, now)).filter((time) => time > success);
  const base = success >= 0 ? undefined : before;
  if (failed.length === 0) return base;
  return { failures: (base?.failures ?? 0) + failed.length, last: Math.max(base?.last ?? 0, ...failed) };
}

/** How long before a failed Pod may be replaced: 10 s, doubled with each failure, at most 10 min. */
export function backoffLeft(backoff: Backoff | undefined, now: Micros, first = FIRST_BACKOFF, longest = MAX_BACKOFF): Micros {
  if (!backoff || backoff.failures === 0) return 0;
  const wait = Math.min(first * 2 ** Math.min(backoff.failures - 1, 20), longest);
  return Math.max(0, backoff.last + wait - now);
}

/** The backoff of one index, from its last failed Pod. */
export const indexBackoff = (pod: Pod, now: Micros): Backoff => ({ failures: indexFailures(pod) + 1, last: finishTime(pod, now) });

/** The last failed Pod of each index. */
export function lastFailures(job: Job, pods: readonly Pod[]): ReadonlyMap<number, Pod> {
  const last = new Map<number, Pod>();
  const tries = (pod: Pod): number => indexFailures(pod) + indexIgnored(pod);
  for (const pod of pods) {
    if (!isPodFailed(job, pod)) continue;
    const before = last.get(indexOf(pod));
    if (!before || tries(pod) >= tries(before)) last.set(indexOf(pod), pod);
  }
  return last;
}

/** When the last container ended, or what comes nearest to it: when the Pod was no longer ready, was to go, was made. */
export function finishTime(pod: Pod, now: Micros): Micros {
  const ready = conditionOf(pod.status.conditions, 'Ready');
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  const deleted = deletionTimestamp === undefined ? undefined : parseTime(deletionTimestamp);
  const time =
    lastContainerEnd(pod) ??
    (ready?.status === 'False' ? parseTime(ready.lastTransitionTime ?? '') : undefined) ??
    (deleted === undefined ? undefined : deleted - deletionGracePeriodSeconds * SECOND) ??
    parseTime(creationTimestamp ?? '');
  return Math.min(now, time ?? now);
}

/** Undefined unless all containers have ended; sidecars, which end last, count. */
function lastContainerEnd({ spec, status }: Pod): Micros | undefined {
  const sidecars = new Set((spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []).filter((c) => sidecars.has(c.name))];
  let latest: Micros | undefined;
  for (const { state } of statuses) {
    const end = parseTime(state?.terminated?.finishedAt ?? '');
    if (end === undefined) return undefined;
    latest = Math.max(latest ?? end, end);
  }
  return latest;
}

export type Conditions = NonNullable<JobStatus['conditions']>;

/** The conditions with one set; the same list when it says so already. */
export function withCondition(conditions: Conditions | undefined, type: string, status: string, reason: string, message: string, time: string): Conditions {
  const list = conditions ?? [];
  const before = conditionOf(list, type);
  if (before?.status === status && before.reason === reason && before.message === message) return list;
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? time) : time;
  const condition = { type, status, lastProbeTime: time, lastTransitionTime, reason, message };
  return before ? list.map((c) => (c === before ? condition : c)) : [...list, condition];
}
