// How many disruptions a budget allows, by upstream's pkg/controller/disruption/disruption_test.go; facts only.

import { describe } from 'vitest';
import type { Pod, PodDisruptionBudget } from '../api/generated/types.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import { budgetStatus, countHealthy, needOf } from './disruption-plan.ts';

const pods = (count: number, ready = count): Pod[] =>
  Array.from({ length: count }, (_, i) => ({ metadata: { name: `p${i}` }, status: { conditions: [{ type: 'Ready', status: i < ready ? 'True' : 'False' }] } }) as unknown as Pod);

interface BudgetCase {
  readonly of: string;
  readonly spec: object;
  /** What the controllers of the Pods want together; the Pods there are, and how many of them are ready. */
  readonly scale?: number;
  readonly pods: number;
  readonly ready?: number;
  readonly status: readonly [allowed: number, healthy: number, desired: number, expected: number];
}

describe('the status of a budget', () => {
  upstreamTable<BudgetCase>(
    'allowed, healthy, desired and expected',
    'TestIntegerMaxUnavailableWithScaling, TestPercentageMaxUnavailableWithScaling, TestReplicaSet, TestScaleResource, TestMultipleControllers, TestReplicationController, TestTwoControllers',
    [
      { of: 'at most 2 of 7 missing', spec: { maxUnavailable: 2 }, scale: 7, pods: 1, status: [0, 1, 5, 7] },
      { of: 'at most 2 of 5 missing', spec: { maxUnavailable: 2 }, scale: 5, pods: 1, status: [0, 1, 3, 5] },
      { of: 'at most 30 % of 7 missing', spec: { maxUnavailable: '30%' }, scale: 7, pods: 1, status: [0, 1, 4, 7] },
      { of: 'at most 30 % of 3 missing', spec: { maxUnavailable: '30%' }, scale: 3, pods: 1, status: [0, 1, 2, 3] },
      { of: 'a percentage of nothing', spec: { minAvailable: '28%' }, scale: 0, pods: 0, status: [0, 0, 0, 0] },
      { of: '20 % of 10', spec: { minAvailable: '20%' }, scale: 10, pods: 1, status: [0, 1, 2, 10] },
      { of: 'at most 5 of 10 missing', spec: { maxUnavailable: 5 }, scale: 10, pods: 4, status: [0, 4, 5, 10] },
      { of: 'two Pods of one replica', spec: { minAvailable: '1%' }, scale: 1, pods: 2, status: [1, 2, 1, 1] },
      { of: '34 % of 3, the first is there', spec: { minAvailable: '34%' }, scale: 3, pods: 1, status: [0, 1, 2, 3] },
      { of: 'the second', spec: { minAvailable: '34%' }, scale: 3, pods: 2, status: [0, 2, 2, 3] },
      { of: 'the third', spec: { minAvailable: '34%' }, scale: 3, pods: 3, status: [1, 3, 2, 3] },
      { of: 'one that belongs to nobody', spec: { minAvailable: '34%' }, scale: 3, pods: 4, status: [2, 4, 2, 3] },
      { of: '28 % of 11, six are not ready', spec: { minAvailable: '28%' }, scale: 11, pods: 11, ready: 5, status: [1, 5, 4, 11] },
      { of: '28 % of 22, none of the second half is ready', spec: { minAvailable: '28%' }, scale: 22, pods: 18, ready: 5, status: [0, 5, 7, 22] },
      { of: '28 % of 22, two more than needed', spec: { minAvailable: '28%' }, scale: 22, pods: 22, ready: 9, status: [2, 9, 7, 22] },
    ],
    ({ spec, scale = 0, pods: count, ready = count, status }) => {
      const budget = { metadata: { name: 'b' }, spec, status: {} } as unknown as PodDisruptionBudget;
      const there = pods(count, ready);
      const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = budgetStatus(budget, countHealthy(there, {}), needOf(budget, count, scale), {}, 't');
      return [[disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods], status];
    },
  );
});
