// The Job controller's accounting, by the situations of upstream's job_controller_test.go, backoff_utils_test.go,
// indexed_job_utils_test.go and pod_failure_policy_test.go; facts only.

import { describe, expect, it } from 'vitest';
import type { Job, Pod } from '../api/generated/types.ts';
import { SECOND } from '../sim/time.ts';
import { matchFailurePolicy, metSuccessRule } from './job-failurepolicy.ts';
import { firstPending, formatIndexes, parseIndexes } from './job-indexes.ts';
import { backoffLeft, completed, nextBackoff, survey, TRACKING, wantedActive } from './job-plan.ts';

const job = (spec: object, status: object = {}): Job =>
  ({ metadata: { name: 'j', namespace: 'default', uid: 'u' }, spec: { backoffLimit: 6, parallelism: 1, template: { spec: { restartPolicy: 'Never' } }, ...spec }, status }) as unknown as Job;

let serial = 0;
const pod = (phase: string, more: { index?: number; code?: number; deleting?: boolean; counted?: boolean; restarts?: number; failures?: number; conditions?: object[] } = {}): Pod => {
  const { index, code, deleting, counted, restarts = 0, failures } = more;
  const annotations = {
    ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': String(index) }),
    ...(failures === undefined ? {} : { 'batch.kubernetes.io/job-index-failure-count': String(failures) }),
  };
  return {
    metadata: { name: `p${++serial}`, namespace: 'default', uid: `uid${serial}`, annotations, finalizers: counted ? [] : [TRACKING], ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    spec: { containers: [] },
    status: { phase, conditions: more.conditions ?? [], containerStatuses: [{ name: 'main', restartCount: restarts, ...(code === undefined ? {} : { state: { terminated: { exitCode: code } } }) }] },
  } as unknown as Pod;
};
const look = (j: Job, pods: readonly Pod[], now = 0) => survey(j, pods, (p) => p.metadata.finalizers?.includes(TRACKING) ?? false, now);

describe('counting', () => {
  it('counts what the status has, what is noted and what is new', () => {
    const status = { succeeded: 2, failed: 1, uncountedTerminatedPods: { succeeded: ['x'], failed: ['y'] } };
    const s = look(job({ completions: 9 }, status), [pod('Succeeded'), pod('Failed'), pod('Running'), pod('Succeeded', { counted: true })]);
    expect([s.succeeded, s.failed, s.active.length]).toEqual([4, 3, 1]);
  });
  it.each<[string, object, number]>([
    ['a Pod on its way out has failed', {}, 1],
    ['unless its end is waited for', { podReplacementPolicy: 'Failed' }, 0],
  ])('%s', (_, spec, failed) => expect(look(job(spec), [pod('Running', { deleting: true })]).failed).toBe(failed));

  it.each<[string, object, object, readonly Pod[], string | undefined]>([
    ['within the limit', { backoffLimit: 1 }, {}, [pod('Failed')], undefined],
    ['beyond the limit', { backoffLimit: 1 }, { failed: 1 }, [pod('Failed')], 'BackoffLimitExceeded'],
    ['no failure allowed', { backoffLimit: 0 }, {}, [pod('Failed')], 'BackoffLimitExceeded'],
    ['restarts in place', { backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } }, {}, [pod('Running', { restarts: 2 })], 'BackoffLimitExceeded'],
    ['restarts in place, not yet', { backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } }, {}, [pod('Running', { restarts: 1 })], undefined],
    ['the deadline', { activeDeadlineSeconds: 10 }, { startTime: '1970-01-01T00:00:00Z' }, [pod('Running')], 'DeadlineExceeded'],
    ['a suspended clock', { activeDeadlineSeconds: 10, suspend: true }, { startTime: '1970-01-01T00:00:00Z' }, [], undefined],
    ['all indexes decided, one failed', { completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 0, backoffLimit: 99 }, {}, [pod('Succeeded', { index: 0 }), pod('Failed', { index: 1 })], 'FailedIndexes'],
    ['an index may be tried again', { completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1, backoffLimit: 99 }, {}, [pod('Succeeded', { index: 0 }), pod('Failed', { index: 1 })], undefined],
    ['but not for ever', { completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1, backoffLimit: 99 }, { completedIndexes: '0' }, [pod('Failed', { index: 1, failures: 1 })], 'FailedIndexes'],
    ['too many failed indexes', { completionMode: 'Indexed', completions: 9, backoffLimitPerIndex: 0, maxFailedIndexes: 0, backoffLimit: 99 }, {}, [pod('Failed', { index: 1 })], 'MaxFailedIndexesExceeded'],
  ])('%s', (_, spec, status, pods, reason) => expect(look(job(spec, status), pods, 10 * SECOND).finish?.reason).toBe(reason));

  it.each<[string, object, number, number, boolean]>([
    ['as many as asked for', { completions: 2 }, 2, 0, true],
    ['one too few', { completions: 2 }, 1, 0, false],
    ['a work queue is done when one succeeded and none runs', {}, 1, 0, true],
    ['a work queue that still runs', {}, 1, 1, false],
  ])('%s', (_, spec, succeeded, active, done) => expect(completed(job(spec), succeeded, active) !== undefined).toBe(done));

  it.each<[object, readonly Pod[], number]>([
    [{ completions: 5, parallelism: 2 }, [], 2],
    [{ completions: 2, parallelism: 5 }, [pod('Succeeded')], 1],
    [{ parallelism: 3 }, [], 3],
    [{ parallelism: 3 }, [pod('Succeeded'), pod('Running')], 1],
    [{ completions: 3, parallelism: 0 }, [], 0],
  ])('%j wants', (spec, pods, wanted) => expect(wantedActive(job(spec), look(job(spec), pods))).toBe(wanted));
});

describe('indexes', () => {
  it.each([['', ''], ['0', '0'], ['0,1', '0,1'], ['0-2', '0-2'], ['0,2,4-6,9', '0,2,4-6,9'], ['3-9', '3-7']])('%s below 8', (text, out) =>
    expect(formatIndexes(parseIndexes(text, text.includes('4-6') ? 10 : 8))).toBe(out));
  it('gives out the lowest that are free', () => {
    expect(firstPending(6, 2, (i) => i === 0, [pod('Running', { index: 2 }), pod('Failed', { index: 1 })])).toEqual([1, 3]);
  });
});

describe('policies', () => {
  const withRule = (rule: object): Job => job({ podFailurePolicy: { rules: [rule] } });
  const exit = (operator: string, values: number[], containerName?: string): object => ({ action: 'FailJob', onExitCodes: { operator, values, ...(containerName ? { containerName } : {}) } });
  it.each<[string, object, Pod, boolean]>([
    ['In', exit('In', [1, 42]), pod('Failed', { code: 42 }), true],
    ['not In', exit('In', [1]), pod('Failed', { code: 42 }), false],
    ['NotIn', exit('NotIn', [1]), pod('Failed', { code: 42 }), true],
    ['NotIn never matches success', exit('NotIn', [1]), pod('Failed', { code: 0 }), false],
    ['another container', exit('In', [42], 'side'), pod('Failed', { code: 42 }), false],
    ['a condition', { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }, pod('Failed', { conditions: [{ type: 'DisruptionTarget', status: 'True' }] }), true],
  ])('%s', (_, rule, failed, matches) => expect(matchFailurePolicy(withRule(rule), failed) !== undefined).toBe(matches));
  it('says why in upstream words', () => {
    const failed = pod('Failed', { code: 42 });
    expect(matchFailurePolicy(withRule(exit('In', [42])), failed)?.message).toBe(
      `Container main for pod default/${failed.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
    );
  });
  it.each<[object, number[], number | undefined]>([
    [{ succeededIndexes: '0-2' }, [0, 1, 2], 0],
    [{ succeededIndexes: '0-2' }, [0, 1], undefined],
    [{ succeededIndexes: '0-2', succeededCount: 1 }, [2], 0],
    [{ succeededCount: 2 }, [7, 8], 0],
  ])('success policy %j with %j', (rule, done, met) => expect(metSuccessRule(job({ completions: 9, successPolicy: { rules: [rule] } }), new Set(done))).toBe(met));
});

describe('backoff', () => {
  it.each([[1, 10], [2, 20], [3, 40], [6, 320], [7, 600], [40, 600]])('%i failures wait %i s', (failures, wait) => {
    expect(backoffLeft({ failures, last: 0 }, 0)).toBe(wait * SECOND);
  });
  it('starts anew after a success', () => {
    const before = { failures: 4, last: 5 };
    expect(nextBackoff(before, { newSucceeded: [], newFailed: [pod('Failed')] }, 100)?.failures).toBe(5);
    expect(nextBackoff(before, { newSucceeded: [pod('Succeeded')], newFailed: [] }, 100)).toBeUndefined();
    expect(nextBackoff(before, { newSucceeded: [], newFailed: [] }, 100)).toBe(before);
  });
});
