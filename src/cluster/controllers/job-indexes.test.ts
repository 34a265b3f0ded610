// Completion indexes and the policies of Jobs by upstream's tables (indexed_job_utils_test.go, pod_failure_policy_test.go,
// success_policy_test.go); facts only.

import { describe } from 'vitest';
import type { Job, Pod } from '../api/generated/types.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import { matchFailurePolicy, metSuccessRule } from './job-failurepolicy.ts';
import { formatIndexes, parseIndexes } from './job-indexes.ts';
import { removals, survey, TRACKING } from './job-plan.ts';
import { nextIndexes, podNamePrefix } from './job-pods.ts';

type Indexed = readonly (readonly [index: string, phase: string])[];

let serial = 0;
const pods = (list: Indexed): Pod[] =>
  list.map(
    ([index, phase]) =>
      ({
        metadata: { name: `p${++serial}`, uid: `uid${serial}`, finalizers: [TRACKING], annotations: index === '-' ? {} : { 'batch.kubernetes.io/job-completion-index': index } },
        spec: { containers: [] },
        status: { phase },
      }) as unknown as Pod,
  );
const job = (spec: object, status: object = {}): Job =>
  ({ metadata: { name: 'j', namespace: 'default' }, spec: { completionMode: 'Indexed', parallelism: 20, backoffLimit: 99, template: { spec: {} }, ...spec }, status }) as unknown as Job;
const look = (j: Job, list: readonly Pod[]) => survey(j, list, () => true, 0);

describe('indexes', () => {
  const S = 'Succeeded';
  upstreamTable<readonly [before: string, Indexed, completions: number, after: string]>(
    'those that have succeeded',
    'TestCalculateSucceededIndexes',
    [
      ['', [['1', S]], 2, '1'],
      ['', [['2', 'Failed'], ['5', S], ['5', S], ['10', 'Failed'], ['10', S]], 11, '5,10'],
      ['', [['0', 'Running'], ['1', 'Pending'], ['2', S], ['3', S], ['5', S], ['6', S], ['7', S]], 8, '2,3,5-7'],
      ['', [['0', S], ['1', 'Failed'], ['2', S], ['3', S], ['4', S], ['5', S], ['-', S], ['-2', S]], 6, '0,2-5'],
      ['', [['0', S], ['1', S], ['2', S], ['3', 'Failed'], ['4', S], ['5', S], ['-', S], ['-2', S]], 5, '0-2,4'],
      ['0-5,8-10', [], 8, '0-5'],
      ['0-5,8-10', [], 10, '0-5,8,9'],
      ['0,4,5,10-12', [['2', S], ['7', S], ['8', S]], 13, '0,2,4,5,7,8,10-12'],
      ['3,4,6', [['2', S], ['7', S], ['8', S]], 9, '2-4,6-8'],
      ['2,7,8', [['3', S], ['4', S], ['6', S]], 9, '2-4,6-8'],
      ['2-7', [['0', S], ['3', S], ['5', S], ['9', S]], 10, '0,2-7,9'],
      ['0,1-foo,bar', [['3', S]], 4, '0,3'],
    ],
    ([before, list, completions, after]) => [formatIndexes(look(job({ completions }, before === '' ? {} : { completedIndexes: before }), pods(list)).succeededIndexes), after],
  );
  upstreamTable<readonly [string, number, boolean]>(
    'whether one is among them',
    'TestIntervalsHaveIndex',
    [['', 4, false], ['2-4,5-7', 1, false], ['2-4,6-8', 9, false], ['2-4,6-8', 5, false], ['2-4,6-8', 2, true], ['2-4,6-8', 8, true]],
    ([text, index, has]) => [parseIndexes(text, 100).has(index), has],
  );
  upstreamTable<readonly [count: number, completions: number, Indexed, succeeded: string, want: readonly number[]]>(
    'the first that are free',
    'TestFirstPendingIndexes',
    [
      [5, 3, [], '', [0, 1, 2]],
      [2, 5, [], '', [0, 1]],
      [3, 10, [['0', 'Running'], ['1', 'Pending']], '', [2, 3, 4]],
      [6, 6, [['6', 'Pending']], '4-5', [0, 1, 2, 3]],
      [5, 20, [['3', 'Pending'], ['5', 'Running'], ['8', 'Pending'], ['-', 'Running'], ['-3', 'Running']], '2-4,9', [0, 1, 6, 7, 10]],
    ],
    ([count, completions, list, succeeded, want]) => {
      const j = job({ completions }, succeeded === '' ? {} : { completedIndexes: succeeded });
      const active = pods(list);
      return [nextIndexes(j, look(j, active), active, count, 0).indexes, want];
    },
  );
  upstreamTable<readonly [Indexed, left: readonly string[]]>(
    'of those with one index all but the best go, and those without a good one',
    'TestAppendDuplicatedIndexPodsForRemoval',
    [
      [[['-', 'Pending'], ['2', 'Pending'], ['5', 'Running'], ['6', 'Running']], ['2 Pending', '5 Running']],
      [
        [['5', 'Pending'], ['0', 'Running'], ['3', 'Pending'], ['0', 'Running'], ['3', 'Running'], ['0', 'Pending'], ['6', 'Running'], ['6', 'Pending']],
        ['0 Running', '3 Running', '5 Pending'],
      ],
      [[['-', 'Pending'], ['invalid', 'Running'], ['-2', 'Running'], ['0', 'Pending'], ['1', 'Pending'], ['1', 'Pending'], ['1', 'Running']], ['0 Pending', '1 Running']],
    ],
    ([list, left]) => {
      const active = pods(list);
      const j = job({ completions: 6 });
      const gone = new Set(removals(j, look(j, active), 0, 0));
      const stay = active.filter((p) => !gone.has(p)).map((p) => `${p.metadata.annotations?.['batch.kubernetes.io/job-completion-index']} ${p.status.phase}`);
      return [stay.sort(), left];
    },
  );
  const LONG = 'hhhhhooooo'.repeat(7);
  upstreamTable<readonly [string, string]>(
    'the beginning of the name of index 1',
    'TestPodGenerateNameWithIndex',
    [
      ['indexed-job', 'indexed-job-1-'],
      [LONG.slice(0, 69), 'hhhhhooooohhhhhooooohhhhhooooohhhhhooooohhhhhooooohhhhh-1-'],
      [LONG.slice(0, 57), 'hhhhhooooohhhhhooooohhhhhooooohhhhhooooohhhhhooooohhhhh-1-'],
    ],
    ([name, prefix]) => [podNamePrefix(name, 1), prefix],
  );
});

describe('the Pod failure policy', () => {
  const exit = (action: string, operator: string, ...values: number[]): object => ({ action, onExitCodes: { operator, values } });
  const on = (action: string, status = 'True'): object => ({ action, onPodConditions: [{ type: 'DisruptionTarget', status }] });
  const coded = (...codes: (number | undefined)[]): object => ({
    containerStatuses: codes.map((exitCode, i) => ({ name: i === 0 ? 'main-container' : `other-${i}`, ...(exitCode === undefined ? {} : { state: { terminated: { exitCode } } }) })),
  });
  const disrupted = (status = 'True'): object => ({ conditions: [{ type: 'DisruptionTarget', status }] });
  const because = (code: number, rule: number): string => `Container main-container for pod default/mypod failed with exit code ${code} matching FailJob rule at index ${rule}`;
  upstreamTable<readonly [string, readonly object[], object, action: string | undefined, message?: string]>(
    'the first rule that a failed Pod meets',
    'TestMatchPodFailurePolicy',
    [
      ['an unknown action is passed over', [exit('UnknownAction', 'In', 1, 2), exit('FailJob', 'In', 2, 3)], coded(2), 'FailJob', because(2, 1)],
      ['also of conditions', [on('UnknownAction'), on('Ignore')], disrupted(), 'Ignore'],
      ['an unknown operator is passed over', [exit('Ignore', 'UnknownOperator', 1, 2), exit('FailJob', 'In', 2, 3)], coded(2), 'FailJob', because(2, 1)],
      ['no rules', [], coded(2), undefined],
      ['Ignore by exit code', [exit('Ignore', 'In', 1, 2, 3)], coded(2), 'Ignore'],
      ['a negative exit code, as on Windows', [exit('Ignore', 'In', -1_073_741_676, -1_073_741_510)], coded(-1_073_741_510), 'Ignore'],
      ['FailJob by exit code', [exit('FailJob', 'In', 1, 2, 3)], coded(2), 'FailJob', because(2, 0)],
      ['containers that succeeded do not count', [exit('FailJob', 'NotIn', 111)], { ...coded(111, 0), initContainerStatuses: [{ name: 'init', state: { terminated: { exitCode: 0 } } }] }, undefined],
      ['FailIndex by exit code', [exit('FailIndex', 'In', 1, 2, 3)], coded(2), 'FailIndex'],
      ['NotIn zero', [exit('FailJob', 'NotIn', 0)], coded(1, 0), 'FailJob', because(1, 0)],
      ['the second rule', [exit('Count', 'In', 1, 2, 3), exit('FailJob', 'In', 4, 5, 6)], coded(6), 'FailJob', because(6, 1)],
      ['Count by exit code', [exit('Count', 'In', 1, 2, 3)], coded(undefined, 2), 'Count'],
      ['FailIndex by a condition', [on('FailIndex')], disrupted(), 'FailIndex'],
      ['Ignore by a condition', [on('Ignore')], disrupted(), 'Ignore'],
      ['that is False', [on('Ignore', 'False')], disrupted('False'), 'Ignore'],
      ['that is Unknown', [on('Ignore', 'Unknown')], disrupted('Unknown'), 'Ignore'],
      ['False is not True', [on('Ignore', 'False')], disrupted('True'), undefined],
    ],
    ([, rules, status, action, message]) => {
      const failed = { metadata: { namespace: 'default', name: 'mypod' }, status: { phase: 'Failed', ...status } } as unknown as Pod;
      const match = matchFailurePolicy(job({ podFailurePolicy: { rules } }), failed);
      return [[match?.action, match?.action === 'FailJob' ? match.message : undefined], [action, message]];
    },
  );
});

describe('the success policy', () => {
  type Rule = readonly [indexes: string | undefined, count?: number];
  upstreamTable<readonly [succeeded: string, rules: readonly Rule[], met: number | undefined]>(
    'the first rule that is met (of 10 indexes)',
    'TestMatchSuccessPolicy',
    [
      ['0', [], undefined],
      ['0', [['invalid-form']], undefined],
      ['0-2,4-7', [['0-2']], 0],
      ['0-2', [['3']], undefined],
      ['0-2', [[undefined, 2]], 0],
      ['0-2', [[undefined, 4]], undefined],
      ['0-2,4-7', [['9'], ['4,6']], 1],
      ['0-2,4-7', [['0,1'], ['5']], 0],
      ['0-2,4-7', [['3-6', 2]], 0],
      ['0-2,6-7', [['3-6', 2]], undefined],
      ['', [[undefined, 4]], undefined],
      ['1-5,6-9', [['2-4,6-8']], 0],
      ['2-4,6-9', [['2-4,6-9']], 0],
      ['2-5,7-15', [['2-4,8-12']], 0],
      ['1-3', [['']], undefined],
      ['', [['']], undefined],
      ['1-3,5-7', [['10-12,14-16']], undefined],
      ['2-4,6-8', [['1-3,5-7']], undefined],
      ['2-4,6-8', [['1-3,5-7', 4]], 0],
      ['1-3,5-7', [['2-4,6-9']], undefined],
      ['1-3,5-7', [['2-4,6-9', 4]], 0],
      ['1-3,7-8', [['0-4,6-9']], undefined],
      ['1-3,7-8', [['0-4,6-9', 5]], 0],
      ['1-3,5-9', [['0-6,8-9']], undefined],
      ['1-3,5-9', [['0-6,8-9', 7]], 0],
      ['1-5,7-10', [['0-5,7-9']], undefined],
      ['1-5,7-10', [['0-5,7-9', 8]], 0],
      ['1-10', [['0-3,6-9']], undefined],
      ['1-10', [['0-3,6-9', 7]], 0],
    ],
    ([succeeded, rules, met]) => {
      const policy = { rules: rules.map(([succeededIndexes, succeededCount]) => ({ ...(succeededIndexes === undefined ? {} : { succeededIndexes }), ...(succeededCount === undefined ? {} : { succeededCount }) })) };
      return [metSuccessRule(job({ completions: 10, successPolicy: policy }), parseIndexes(succeeded, 100)), met];
    },
  );
});
