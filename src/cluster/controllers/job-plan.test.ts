// What a Job's Pods say about it and what is done next, by upstream's TestControllerSyncJob (job_controller_test.go) and the
// back-off's tables (backoff_utils_test.go); facts only.

import { describe, expect, it } from 'vitest';
import type { Job, Pod } from '../api/generated/types.ts';
import { formatTime, parseTime, SECOND } from '../sim/time.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import { type Backoff, backoffLeft, completed, finishTime, indexBackoff, nextBackoff, nextStep, survey, TRACKING } from './job-plan.ts';
import { nextIndexes } from './job-pods.ts';

const job = (spec: object, status: object = {}): Job =>
  ({ metadata: { name: 'j', namespace: 'default', uid: 'u' }, spec: { backoffLimit: 6, parallelism: 1, template: { spec: { restartPolicy: 'Never' } }, ...spec }, status }) as unknown as Job;

let serial = 0;
interface Traits {
  readonly index?: string;
  readonly ready?: boolean;
  readonly deleting?: boolean;
  readonly restarts?: number;
  readonly failures?: number;
}
const pod = (phase: string, { index, ready = false, deleting, restarts = 0, failures }: Traits = {}): Pod => {
  const annotations = {
    ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': index }),
    ...(failures === undefined ? {} : { 'batch.kubernetes.io/job-index-failure-count': String(failures) }),
  };
  return {
    metadata: { name: `p${++serial}`, namespace: 'default', uid: `uid${serial}`, annotations, finalizers: [TRACKING], ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    spec: { containers: [] },
    status: { phase, conditions: ready ? [{ type: 'Ready', status: 'True' }] : [], containerStatuses: [{ name: 'main', restartCount: restarts }] },
  } as unknown as Pod;
};
const look = (j: Job, pods: readonly Pod[], now = 0) => survey(j, pods, (p) => p.metadata.finalizers?.includes(TRACKING) ?? false, now);

describe('one sync', () => {
  interface SyncCase {
    readonly about: string;
    readonly parallelism: number;
    /** Absent: a work queue. */
    readonly completions?: number;
    readonly limit?: number;
    readonly spec?: object;
    readonly status?: object;
    readonly backoff?: number;
    /** How many Pods there are of each sort. */
    readonly pending?: number;
    readonly active?: number;
    readonly ready?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly terminating?: number;
    readonly indexed?: readonly (readonly [string, string])[];
    readonly wants: { readonly create?: number; readonly remove?: number; readonly indexes?: readonly number[]; readonly succeeded?: number; readonly failed?: number; readonly ready?: number; readonly ends?: string };
  }
  const of = (count: number | undefined, make: (i: number) => Pod): Pod[] => Array.from({ length: count ?? 0 }, (_, i) => make(i));
  const FAILED_ONLY = { podReplacementPolicy: 'Failed' };
  const INDEXED = { completionMode: 'Indexed' };
  const COMPLETE = 'CompletionsReached';
  const LIMIT = 'BackoffLimitExceeded';
  upstreamTable<SyncCase>(
    'creates, removes, counts and ends',
    'TestControllerSyncJob',
    [
      { about: 'start', parallelism: 2, completions: 5, wants: { create: 2 } },
      { about: 'start of a work queue', parallelism: 2, wants: { create: 2 } },
      { about: 'pending ones are active', parallelism: 2, completions: 5, pending: 2, wants: {} },
      { about: 'as many as there should be', parallelism: 3, completions: 5, active: 3, ready: 2, wants: { ready: 2 } },
      { about: 'a work queue likewise', parallelism: 2, active: 2, wants: {} },
      { about: 'too few', parallelism: 2, completions: 5, active: 1, succeeded: 1, wants: { create: 1, succeeded: 1 } },
      { about: 'the one on its way out is not replaced yet', parallelism: 1, spec: FAILED_ONLY, active: 1, failed: 1, terminating: 1, wants: { failed: 1 } },
      { about: 'it counts as failed by default', parallelism: 1, completions: 1, active: 1, failed: 1, terminating: 1, wants: { failed: 2 } },
      { about: 'so it does when asked for', parallelism: 1, spec: { podReplacementPolicy: 'TerminatingOrFailed' }, active: 1, failed: 1, terminating: 1, wants: { failed: 2 } },
      { about: 'more go than may run', parallelism: 1, completions: 1, spec: FAILED_ONLY, active: 2, terminating: 4, wants: { remove: 1 } },
      { about: 'more go than may run, with a failure policy', parallelism: 1, completions: 1, spec: { podFailurePolicy: { rules: [] } }, active: 2, terminating: 4, wants: { remove: 1 } },
      { about: 'too few, but it must wait', parallelism: 1, completions: 1, backoff: 1, wants: {} },
      { about: 'too few and nothing to wait for', parallelism: 1, completions: 1, backoff: 0, wants: { create: 1 } },
      { about: 'too few of a work queue', parallelism: 2, active: 1, wants: { create: 1 } },
      { about: 'too many', parallelism: 2, completions: 5, active: 3, wants: { remove: 1 } },
      { about: 'too many, all ready', parallelism: 2, completions: 5, active: 3, ready: 3, wants: { remove: 1, ready: 3 } },
      { about: 'a success takes the wait away', parallelism: 2, completions: 5, active: 1, succeeded: 1, failed: 1, wants: { create: 1, succeeded: 1, failed: 1 } },
      { about: 'failures of before are kept', parallelism: 1, completions: 1, status: { active: 1, failed: 1 }, active: 1, wants: { failed: 1 } },
      { about: 'the end', parallelism: 2, completions: 5, succeeded: 5, wants: { succeeded: 5, ends: COMPLETE } },
      { about: 'a work queue near its end', parallelism: 2, active: 1, succeeded: 1, wants: { succeeded: 1 } },
      { about: 'a work queue at its end', parallelism: 2, succeeded: 2, wants: { succeeded: 2, ends: COMPLETE } },
      { about: 'in spite of one failure', parallelism: 2, succeeded: 1, failed: 1, wants: { succeeded: 1, failed: 1, ends: COMPLETE } },
      { about: 'many more than may run', parallelism: 2, completions: 5, active: 10, wants: { remove: 8 } },
      { about: 'more than are left to do', parallelism: 3, completions: 4, active: 3, succeeded: 2, wants: { remove: 1, succeeded: 2 } },
      { about: 'nothing to do but to count', parallelism: 2, completions: 5, active: 2, succeeded: 2, wants: { succeeded: 2 } },
      { about: 'one failure too many', parallelism: 2, completions: 5, limit: 0, failed: 1, wants: { failed: 1, ends: LIMIT } },
      { about: 'indexed: start', parallelism: 2, completions: 5, spec: INDEXED, wants: { create: 2, indexes: [0, 1] } },
      { about: 'indexed: one goes and is waited for', parallelism: 2, completions: 5, spec: { ...INDEXED, ...FAILED_ONLY }, terminating: 1, wants: { create: 1, indexes: [0] } },
      { about: 'indexed: one goes and is replaced', parallelism: 2, completions: 5, spec: { ...INDEXED, podReplacementPolicy: 'TerminatingOrFailed' }, terminating: 1, wants: { create: 2, indexes: [0, 1] } },
      { about: 'indexed: the end', parallelism: 2, completions: 3, spec: INDEXED, indexed: [['0', 'Succeeded'], ['1', 'Failed'], ['1', 'Succeeded'], ['2', 'Succeeded']], wants: { succeeded: 3, failed: 1, ends: COMPLETE } },
      { about: 'indexed: one failure too many', parallelism: 2, completions: 3, limit: 0, spec: INDEXED, indexed: [['0', 'Succeeded'], ['1', 'Failed'], ['2', 'Running']], wants: { succeeded: 1, failed: 1, ends: LIMIT } },
      { about: 'one failure too many while others are ready', parallelism: 2, completions: 3, limit: 0, active: 2, ready: 2, failed: 1, wants: { failed: 1, ready: 2, ends: LIMIT } },
    ],
    (c) => {
      const j = job({ parallelism: c.parallelism, ...(c.completions === undefined ? {} : { completions: c.completions }), backoffLimit: c.limit ?? 6, ...c.spec }, c.status);
      const pods = [
        ...of(c.pending, () => pod('Pending')),
        ...of(c.active, (i) => pod('Running', { ready: i < (c.ready ?? 0) })),
        ...of(c.succeeded, () => pod('Succeeded')),
        ...of(c.failed, () => pod('Failed')),
        ...of(c.terminating, () => pod('Running', { deleting: true })),
        ...(c.indexed ?? []).map(([index, phase]) => pod(phase, { index })),
      ];
      const s = look(j, pods);
      // As after a success: the failures of these cases are of no consequence for the wait.
      const backoff = c.backoff === undefined ? undefined : { failures: c.backoff, last: 0 };
      const step = s.finish ? { remove: [], create: 0, wait: 0 } : nextStep(j, s, backoff, 0);
      const ends = (s.finish ?? completed(j, s.succeeded, s.active.length))?.reason;
      const indexes = step.create > 0 && j.spec.completionMode === 'Indexed' ? nextIndexes(j, s, pods, step.create, 0).indexes : undefined;
      const { create = 0, remove = 0, succeeded = 0, failed = 0, ready = 0 } = c.wants;
      return [
        { create: step.create, remove: step.remove.length, indexes, succeeded: s.succeeded, failed: s.failed, ready: s.ready, ends },
        { create, remove, indexes: c.wants.indexes, succeeded, failed, ready, ends: c.wants.ends },
      ];
    },
  );

  it.each<[string, object, object, readonly Pod[], string | undefined]>([
    ['restarts in place', { backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } }, {}, [pod('Running', { restarts: 2 })], LIMIT],
    ['restarts in place, not yet', { backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } }, {}, [pod('Running', { restarts: 1 })], undefined],
    ['the deadline', { activeDeadlineSeconds: 10 }, { startTime: '1970-01-01T00:00:00Z' }, [pod('Running')], 'DeadlineExceeded'],
    ['a suspended clock', { activeDeadlineSeconds: 10, suspend: true }, { startTime: '1970-01-01T00:00:00Z' }, [], undefined],
    ['all indexes decided, one failed', { ...INDEXED, completions: 2, backoffLimitPerIndex: 0, backoffLimit: 99 }, {}, [pod('Succeeded', { index: '0' }), pod('Failed', { index: '1' })], 'FailedIndexes'],
    ['an index may be tried again', { ...INDEXED, completions: 2, backoffLimitPerIndex: 1, backoffLimit: 99 }, {}, [pod('Succeeded', { index: '0' }), pod('Failed', { index: '1' })], undefined],
    ['but not for ever', { ...INDEXED, completions: 2, backoffLimitPerIndex: 1, backoffLimit: 99 }, { completedIndexes: '0' }, [pod('Failed', { index: '1', failures: 1 })], 'FailedIndexes'],
    ['too many failed indexes', { ...INDEXED, completions: 9, backoffLimitPerIndex: 0, maxFailedIndexes: 0, backoffLimit: 99 }, {}, [pod('Failed', { index: '1' })], 'MaxFailedIndexesExceeded'],
  ])('ends by %s', (_, spec, status, pods, reason) => expect(look(job(spec, status), pods, 10 * SECOND).finish?.reason).toBe(reason));

  it('an index that waits keeps its place', () => {
    const j = job({ ...INDEXED, completions: 5, parallelism: 1, backoffLimitPerIndex: 3 });
    const pods = [pod('Failed', { index: '0', failures: 0 })];
    expect(nextIndexes(j, look(j, pods), pods, 1, 0)).toMatchObject({ indexes: [], wait: 10 * SECOND });
    expect(nextIndexes(j, look(j, pods), pods, 2, 0)).toMatchObject({ indexes: [1], wait: 0 });
  });
});

describe('back-off', () => {
  const NOW = parseTime('2009-11-10T23:00:00Z') as number;
  const ended = (at: number): Pod => ({ metadata: {}, spec: {}, status: { containerStatuses: [{ state: { terminated: { finishedAt: formatTime(at) } } }] } }) as unknown as Pod;
  upstreamTable<readonly [Backoff | undefined, readonly number[], readonly number[], number]>(
    'failures since the last success (seconds ago: successes, failures)',
    'TestNewBackoffRecord',
    [
      [undefined, [], [0], 1],
      [undefined, [], [0, 1], 2],
      [undefined, [0], [2, 1], 0],
      [undefined, [2], [0, 4, 3, 1], 2],
      [{ failures: 2, last: 0 }, [], [0], 3],
      [undefined, [0], [0], 0],
      [undefined, [], [], 0],
      [undefined, [0], [], 0],
    ],
    ([before, succeeded, failed, failures]) => {
      const pods = (ago: readonly number[]): Pod[] => ago.map((seconds) => ended(NOW - seconds * SECOND));
      const next = nextBackoff(before, { newSucceeded: pods(succeeded), newFailed: pods(failed) }, NOW);
      return [[next?.failures ?? 0, next?.last], [failures, failures > 0 ? NOW : undefined]];
    },
  );
  const at = (seconds: number): string => formatTime(NOW + seconds * SECOND);
  const end = (seconds: number): object => ({ state: { terminated: { finishedAt: at(seconds) } } });
  const UNTIMED = { state: { terminated: {} } };
  const RUNNING = { state: { running: {} } };
  upstreamTable<readonly [string, object, number]>(
    'when a Pod ended',
    'TestGetFinishedTime',
    [
      ['all containers have', { status: { containerStatuses: [end(-1), end(0), end(-2)] } }, 0],
      ['one has not: its deletion', { metadata: { deletionTimestamp: at(0) }, status: { containerStatuses: [end(-1), RUNNING, end(-2)] } }, 0],
      ['its deletion', { metadata: { deletionTimestamp: at(0) }, status: { containerStatuses: [RUNNING] } }, 0],
      ['before the grace period', { metadata: { deletionTimestamp: at(0), deletionGracePeriodSeconds: 30 }, status: { containerStatuses: [RUNNING] } }, -30],
      ['when it was no longer ready', { status: { containerStatuses: [UNTIMED], conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: at(0) }] } }, 0],
      ['it still is ready', { metadata: { deletionTimestamp: at(0) }, status: { containerStatuses: [UNTIMED], conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at(-30) }] } }, 0],
      ['when it was made', { metadata: { creationTimestamp: at(0) }, status: { containerStatuses: [UNTIMED] } }, 0],
      ['its sidecar was the last', { spec: { initContainers: [{ name: 'sidecar', restartPolicy: 'Always' }] }, status: { containerStatuses: [end(-1)], initContainerStatuses: [{ name: 'sidecar', ...end(0) }] } }, 0],
    ],
    ([, p, seconds]) => [finishTime({ metadata: {}, ...p } as unknown as Pod, NOW + SECOND), NOW + seconds * SECOND],
  );
  upstreamTable<readonly [failures: number, since: number, left: number]>(
    'what is left of the wait (5 s, at most 700 s)',
    'TestGetRemainingBackoffTime',
    [[0, 0, 0], [1, 0, 5], [1, 1, 4], [1, 5, 0], [1, 6, 0], [3, 0, 20], [8, 0, 640], [9, 0, 700]],
    ([failures, since, left]) => [backoffLeft({ failures, last: NOW }, NOW + since * SECOND, 5 * SECOND, 700 * SECOND), left * SECOND],
  );
  it.each([[1, 10], [2, 20], [3, 40], [6, 320], [7, 600], [40, 600]])('%i failures wait %i s', (failures, wait) => {
    expect(backoffLeft({ failures, last: 0 }, 0)).toBe(wait * SECOND);
    expect(backoffLeft(indexBackoff(pod('Failed', { failures: failures - 1 }), 0), 0)).toBe(wait * SECOND);
  });
});
