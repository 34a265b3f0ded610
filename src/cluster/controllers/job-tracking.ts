// The accounting of a Job (trackJobStatusAndRemoveFinalizers of pkg/controller/job): Pods that ended are first noted by UID in
// the status, then lose the finalizer that kept them, and only then are counted, so that none is missed or counted twice.

import type { Job, JobStatus, Pod } from '../api/generated/types.ts';
import { isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { isInvalid, isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { parallel } from './batch.ts';
import { formatIndexes, hasIndexLimit, indexOf, isIndexed } from './job-indexes.ts';
import { counts, type Finish, isPodFailed, type Survey, TRACKING, withCondition } from './job-plan.ts';

export interface Accounts {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly survey: Survey;
  readonly finish: Finish | undefined;
  /** The status with what the sync has decided so far. */
  readonly status: JobStatus;
}

export class JobTracking {
  readonly #os: Os;
  readonly #client: Client;
  /** UIDs of Pods whose finalizer was taken, which the cache does not show yet. */
  readonly #released = new Map<string, Set<string>>();

  constructor(os: Os, client: Client) {
    this.#os = os;
    this.#client = client;
  }

  isTracked(pod: Pod, job: string): boolean {
    return (pod.metadata.finalizers?.includes(TRACKING) ?? false) && !this.#released.get(job)?.has(pod.metadata.uid ?? '');
  }

  /** The cache shows the Pod without its finalizer, or not at all. */
  seen(job: string, pod: Pod): void {
    const waiting = this.#released.get(job);
    if (waiting?.delete(pod.metadata.uid ?? '') && waiting.size === 0) this.#released.delete(job);
  }

  forget(job: string): void {
    this.#released.delete(job);
  }

  /** Returns the Job as it was last written. */
  *settle({ job, pods, survey, finish, status }: Accounts): Op<Job> {
    const key = keyOf(job);
    const tracked = new Map<string, Pod>();
    for (const pod of pods) if (this.isTracked(pod, key)) tracked.set(pod.metadata.uid ?? '', pod);
    const noted = { succeeded: [...(status.uncountedTerminatedPods?.succeeded ?? [])], failed: [...(status.uncountedTerminatedPods?.failed ?? [])] };
    const done = countReleased(noted, tracked);
    const leaving: Pod[] = [];
    for (const [uid, pod] of tracked) {
      if (pod.status.phase === 'Succeeded' && !noted.failed.includes(uid)) {
        if (!isIndexed(job) && !noted.succeeded.includes(uid)) noted.succeeded.push(uid);
      } else if (isPodFailed(job, pod)) {
        const index = indexOf(pod);
        const valid = !isIndexed(job) || (index >= 0 && index < (job.spec.completions ?? 0));
        if (valid && !noted.failed.includes(uid) && counts(job, pod)) noted.failed.push(uid);
      } else if (!isDeleting(job)) continue;
      leaving.push(pod);
    }
    let next: JobStatus = { ...status, ...indexesOf(job, survey), ...counted(job, status, survey, done), uncountedTerminatedPods: tidy(noted) };
    if (finish) next = { ...next, conditions: withCondition(next.conditions, finish.type, 'True', finish.reason, finish.message, this.#os.sim.time()) };
    let current = yield* this.#write(job, leaving.length > 0 || finish ? next : this.#finished(next, finish));
    if (leaving.length === 0 && !finish) return current;
    const failures = yield* this.#release(key, leaving);
    for (const pod of leaving) if (!failures.has(pod)) tracked.delete(pod.metadata.uid ?? '');
    const more = countReleased(noted, tracked);
    next = { ...next, ...counted(job, next, survey, more), uncountedTerminatedPods: tidy(noted) };
    current = yield* this.#write(current, this.#finished(next, finish));
    for (const error of failures.values()) throw error;
    return current;
  }

  /** Once nothing is uncounted and no Pod still ends, the promise is kept. */
  #finished(status: JobStatus, finish: Finish | undefined): JobStatus {
    const { succeeded, failed } = status.uncountedTerminatedPods ?? {};
    if (!finish || (succeeded?.length ?? 0) + (failed?.length ?? 0) > 0 || (status.terminating ?? 0) > 0 || (status.active ?? 0) > 0) return status;
    const time = this.#os.sim.time();
    const complete = finish.type === 'SuccessCriteriaMet';
    const conditions = withCondition(status.conditions, complete ? 'Complete' : 'Failed', 'True', finish.reason, finish.message, time);
    return { ...status, conditions, ...(complete ? { completionTime: time } : {}) };
  }

  *#write(job: Job, status: JobStatus): Op<Job> {
    if (jsonEqual(job.status, status)) return job;
    return yield* this.#client.updateStatus('jobs.batch', { ...job, status });
  }

  *#release(job: string, pods: readonly Pod[]): Op<Map<Pod, unknown>> {
    const failures = new Map<Pod, unknown>();
    const waiting = this.#released.get(job) ?? new Set();
    if (pods.length > 0) this.#released.set(job, waiting);
    yield* parallel(this.#os, pods.length, function* (this: JobTracking, i: number): Op<void> {
      const pod = pods[i] as Pod;
      waiting.add(pod.metadata.uid ?? '');
      try {
        yield* releasePod(this.#client, pod);
      } catch (error) {
        waiting.delete(pod.metadata.uid ?? '');
        failures.set(pod, error);
      }
    }.bind(this));
    return failures;
  }
}

/** Takes the finalizer from a Pod, if it is still there. */
export function* releasePod(client: Client, pod: Pod): Op<void> {
  const { namespace = '', name, uid } = pod.metadata;
  try {
    yield* client.patch('pods', namespace, name, { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [TRACKING] } }, 'strategic');
  } catch (error) {
    if (!isNotFound(error) && !isInvalid(error)) throw error;
  }
}

interface Noted {
  succeeded: string[];
  failed: string[];
}

/** Takes those that have lost their finalizer off the list; how many they were. */
function countReleased(noted: Noted, tracked: ReadonlyMap<string, Pod>): { succeeded: number; failed: number } {
  const before = { succeeded: noted.succeeded.length, failed: noted.failed.length };
  noted.succeeded = noted.succeeded.filter((uid) => tracked.has(uid));
  noted.failed = noted.failed.filter((uid) => tracked.has(uid));
  return { succeeded: before.succeeded - noted.succeeded.length, failed: before.failed - noted.failed.length };
}

const tidy = (noted: Noted): NonNullable<JobStatus['uncountedTerminatedPods']> => ({
  ...(noted.succeeded.length > 0 ? { succeeded: [...noted.succeeded] } : {}),
  ...(noted.failed.length > 0 ? { failed: [...noted.failed] } : {}),
});

function indexesOf(job: Job, { succeededIndexes, failedIndexes }: Survey): Partial<JobStatus> {
  if (!isIndexed(job)) return {};
  return {
    ...(succeededIndexes.size > 0 ? { completedIndexes: formatIndexes(succeededIndexes) } : {}),
    ...(hasIndexLimit(job) ? { failedIndexes: formatIndexes(failedIndexes) } : {}),
  };
}

function counted(job: Job, status: JobStatus, survey: Survey, more: { succeeded: number; failed: number }): Partial<JobStatus> {
  const succeeded = isIndexed(job) ? survey.succeededIndexes.size : (status.succeeded ?? 0) + more.succeeded;
  const failed = (status.failed ?? 0) + more.failed;
  return { ...(succeeded > 0 ? { succeeded } : {}), ...(failed > 0 ? { failed } : {}) };
}
