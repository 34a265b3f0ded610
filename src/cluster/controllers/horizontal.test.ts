// The HPA's arithmetic, by the cases of upstream's replica_calculator_test.go and horizontal_test.go; facts only.

import { describe, expect, it } from 'vitest';
import type { HorizontalPodAutoscaler, Pod } from '../api/generated/types.ts';
import { formatTime, HOUR, MINUTE, SECOND } from '../sim/time.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import { limit, newMemory, noteRescale } from './horizontal-behavior.ts';
import { proposeByShare, proposeByValue, proposeReplicas, requestsOf } from './horizontal-replicas.ts';

const NOW = HOUR;
const EPOCH = formatTime(0);
const EVEN = { up: 0.1, down: 0.1 };

interface Traits {
  readonly phase?: string;
  readonly ready?: boolean;
  /** Just started: its CPU says little. */
  readonly hot?: boolean;
  readonly deleting?: boolean;
}
/** Each letter a Pod: r ready, u not ready, h hot, n hot and not ready, p pending, f failed, d on its way out. */
const LETTERS: Readonly<Record<string, Traits>> = {
  r: {}, u: { ready: false }, h: { hot: true }, n: { hot: true, ready: false }, p: { phase: 'Pending', ready: false }, f: { phase: 'Failed', ready: false }, d: { deleting: true, ready: false },
};
const podsOf = (letters: string, requests: readonly string[]): Pod[] =>
  [...letters].map((letter, i) => {
    const { phase = 'Running', ready = true, hot = false, deleting = false } = LETTERS[letter] as Traits;
    const start = hot ? formatTime(NOW - 10 * SECOND) : EPOCH;
    const container = { name: 'c', ...(requests[i] === undefined ? {} : { resources: { requests: { cpu: requests[i] } } }) };
    return {
      metadata: { name: `p${i}`, ...(deleting ? { deletionTimestamp: EPOCH } : {}) },
      spec: { containers: [container] },
      status: { phase, startTime: start, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: start }] },
    } as unknown as Pod;
  });
const samplesOf = (levels: readonly number[], name = 'p') => new Map(levels.map((value, i) => [`${name}${i}`, { value, time: NOW, window: MINUTE }]));
const ones = (letters: string): string[] => [...letters].map(() => '1');

describe('from what is used to replicas', () => {
  interface CpuCase {
    readonly about: string;
    readonly pods: string;
    readonly levels: readonly number[];
    readonly target: number;
    readonly requests?: readonly string[];
    readonly current?: number;
    readonly replicas: number;
    readonly utilization: number;
  }
  upstreamTable<CpuCase>(
    'by CPU as a share of the requests',
    'TestReplicaCalc…',
    [
      { about: 'up', pods: 'rrr', levels: [300, 500, 700], target: 30, replicas: 5, utilization: 50 },
      { about: 'up, less for one that is not ready', pods: 'urr', levels: [300, 500, 700], target: 30, replicas: 4, utilization: 60 },
      { about: 'up, less for one that is hot', pods: 'hrr', levels: [300, 500, 700], target: 30, replicas: 4, utilization: 60 },
      { about: 'not up as two are not ready', pods: 'ruu', levels: [400, 500, 700], target: 30, replicas: 3, utilization: 40 },
      { about: 'not up as two are hot', pods: 'rnn', levels: [400, 500, 700], target: 30, replicas: 3, utilization: 40 },
      { about: 'up, failed ones have no say', pods: 'rrff', levels: [500, 700], target: 30, current: 2, replicas: 4, utilization: 60 },
      { about: 'up, nor those on their way out', pods: 'rrdd', levels: [500, 700], target: 30, current: 2, replicas: 4, utilization: 60 },
      { about: 'down', pods: 'rrrrr', levels: [100, 300, 500, 250, 250], target: 50, replicas: 3, utilization: 28 },
      { about: 'down, two are not ready', pods: 'rrruu', levels: [100, 300, 500, 250, 250], target: 50, replicas: 2, utilization: 30 },
      { about: 'down, four are pending', pods: 'rpppp', levels: [100], target: 50, replicas: 1, utilization: 10 },
      { about: 'down, two are hot', pods: 'rrrhh', levels: [100, 300, 500, 250, 250], target: 50, replicas: 2, utilization: 30 },
      { about: 'down, failed ones have no say', pods: 'rrrrrff', levels: [100, 300, 500, 250, 250], target: 50, current: 5, replicas: 3, utilization: 28 },
      { about: 'down, nor those on their way out', pods: 'rrrrrdd', levels: [100, 300, 500, 250, 250], target: 50, current: 5, replicas: 3, utilization: 28 },
      { about: 'within the tolerance', pods: 'rrr', requests: ['0.9', '1.0', '1.1'], levels: [1010, 1030, 1020], target: 100, replicas: 3, utilization: 102 },
      { about: 'metrics of Pods that are not there', pods: 'rrrr', levels: [4000, 9500, 3000, 7000, 3200, 2000], target: 100, replicas: 24, utilization: 587 },
      { about: 'two are missing, which count as full', pods: 'rrrr', levels: [400, 95], target: 100, replicas: 3, utilization: 24 },
      { about: 'one is missing, the other at the target', pods: 'rr', levels: [1000], target: 100, replicas: 2, utilization: 100 },
      { about: 'one is missing, the other above', pods: 'rr', levels: [1900], target: 100, replicas: 2, utilization: 190 },
      { about: 'one is missing, the other below', pods: 'rr', levels: [600], target: 100, replicas: 2, utilization: 60 },
      { about: 'one is missing, one not ready', pods: 'urr', levels: [100, 450], target: 50, replicas: 3, utilization: 45 },
      { about: 'one is missing, one hot', pods: 'hrr', levels: [100, 450], target: 50, replicas: 3, utilization: 45 },
      { about: 'one is missing, one not ready, up', pods: 'urr', levels: [100, 2000], target: 50, replicas: 4, utilization: 200 },
      { about: 'one is missing, one hot and not ready, up', pods: 'nrr', levels: [100, 2000], target: 50, replicas: 4, utilization: 200 },
      { about: 'one is missing, one not ready, down', pods: 'urrr', levels: [100, 100, 100], target: 50, replicas: 3, utilization: 10 },
      { about: 'one more Pod than replicas in a rolling update', pods: 'rrr', levels: [100, 100], target: 50, current: 2, replicas: 2, utilization: 10 },
    ],
    ({ pods: letters, levels, target, requests = ones(letters), current = letters.length, replicas, utilization }) => {
      const pods = podsOf(letters, requests);
      const proposal = proposeReplicas({ current, pods, samples: samplesOf(levels), resource: 'cpu', target, requests: requestsOf(pods, 'cpu'), tolerances: EVEN, now: NOW });
      return [[proposal.replicas, proposal.utilization], [replicas, utilization]];
    },
  );
  upstreamTable<readonly [string, pods: string, levels: readonly number[], target: number, replicas: number, average: number]>(
    'by a metric of the Pods',
    'TestReplicaCalc…CM',
    [
      ['up', 'rrr', [20_000, 10_000, 30_000], 15_000, 4, 20_000],
      ['up, whether ready or hot', 'rrn', [50_000, 10_000, 30_000], 15_000, 6, 30_000],
      ['up, though two are hot', 'nrn', [50_000, 15_000, 30_000], 15_000, 7, 31_666],
      ['up from one', 'r', [8_600], 4_400, 2, 8_600],
      ['down', 'rrrrr', [12_000, 12_000, 12_000, 12_000, 12_000], 20_000, 3, 12_000],
      ['within the tolerance', 'rrr', [20_000, 21_000, 21_000], 20_000, 3, 20_666],
    ],
    ([, letters, levels, target, replicas, average]) => {
      const proposal = proposeReplicas({ current: letters.length, pods: podsOf(letters, []), samples: samplesOf(levels), resource: '', target, requests: null, tolerances: EVEN, now: NOW });
      return [[proposal.replicas, proposal.average], [replicas, average]];
    },
  );
  upstreamTable<readonly [string, pods: string, value: number, target: number, replicas: number]>(
    'by a value of an object or from outside',
    'TestReplicaCalc…CMObject, …CMExternal',
    [
      ['up', 'rrr', 20_000, 15_000, 4],
      ['up by the ready ones', 'uru', 50_000, 10_000, 5],
      ['from outside, by the ready ones', 'uru', 8_600, 4_400, 2],
      ['down', 'rrrrr', 12_000, 20_000, 3],
      ['from outside, down', 'rrrrr', 8_600, 14_334, 3],
      ['within the tolerance', 'rrr', 20_666, 20_000, 3],
      ['from outside, within the tolerance', 'rrr', 8_600, 8_888, 3],
    ],
    ([, letters, value, target, replicas]) => [proposeByValue(value, target, letters.length, podsOf(letters, []), EVEN), replicas],
  );
  upstreamTable<readonly [string, current: number, value: number, target: number, replicas: number, average: number]>(
    'by the share of each Pod in such a value',
    'TestReplicaCalc…PerPodCMObject, …PerPodCMExternal',
    [
      ['up', 3, 20_000, 5_000, 4, 6_667],
      ['from outside, up', 3, 8_600, 2_150, 4, 2_867],
      ['down', 5, 6_000, 2_000, 3, 1_200],
      ['from outside, down', 5, 8_600, 2_867, 3, 1_720],
      ['within the tolerance', 4, 20_166, 5_000, 4, 5_042],
      ['from outside, within the tolerance', 3, 8_600, 2_900, 3, 2_867],
    ],
    ([, current, value, target, replicas, average]) => [proposeByShare(value, target, current, EVEN), { replicas, average }],
  );
  it("says in upstream's words what is missing: 2 cases of upstream's TestReplicaCalc…", () => {
    const [pod] = podsOf('r', ['1']) as [Pod];
    const ask = (samples: ReturnType<typeof samplesOf>) => proposeReplicas({ current: 1, pods: [pod], samples, resource: 'cpu', target: 50, requests: requestsOf([pod], 'cpu'), tolerances: EVEN, now: NOW });
    expect(() => ask(samplesOf([100], 'an-older-pod-name'))).toThrow('no metrics returned matched known pods');
    expect(() => ask(new Map())).toThrow('did not receive metrics for targeted pods (pods might be unready)');
    expect(() => requestsOf(podsOf('r', []), 'cpu')).toThrow('missing request for cpu in container c of Pod p0');
  });
});

describe('limits', () => {
  const hpa = (behavior?: object, max = 100): HorizontalPodAutoscaler => ({ spec: { minReplicas: 1, maxReplicas: max, ...(behavior ? { behavior } : {}) } }) as unknown as HorizontalPodAutoscaler;
  const run = (h: HorizontalPodAutoscaler, current: number, desired: number, memory = newMemory(), now = NOW): [number, ...string[]] => {
    const { replicas: n, conditions } = limit(h, memory, current, desired, now);
    return [n, ...conditions.map((c) => c.reason)];
  };
  it('without behaviour at most doubles, or to four', () => {
    expect(run(hpa(), 1, 50)).toEqual([4, 'ReadyForNewScale', 'ScaleUpLimit']);
    expect(run(hpa(), 10, 50)).toEqual([20, 'ReadyForNewScale', 'ScaleUpLimit']);
    expect(run(hpa(undefined, 3), 2, 50)).toEqual([3, 'ReadyForNewScale', 'TooManyReplicas']);
    expect(run(hpa(), 3, 0)).toEqual([1, 'ReadyForNewScale', 'TooFewReplicas']);
    expect(run(hpa(), 3, 3)).toEqual([3, 'ReadyForNewScale', 'DesiredWithinRange']);
  });
  it('goes down only when it has been calm for five minutes', () => {
    const memory = newMemory();
    expect(run(hpa(), 8, 8, memory, 0)[0]).toBe(8);
    expect(run(hpa(), 8, 2, memory, 4 * MINUTE)).toEqual([8, 'ScaleDownStabilized', 'DesiredWithinRange']);
    expect(run(hpa(), 8, 2, memory, 6 * MINUTE)[0]).toBe(2);
  });
  it('policies limit the rate', () => {
    const pods = (value: number, periodSeconds: number): object => ({ policies: [{ type: 'Pods', value, periodSeconds }], stabilizationWindowSeconds: 0, selectPolicy: 'Max' });
    const h = hpa({ scaleUp: pods(2, 60), scaleDown: pods(1, 60) });
    const memory = newMemory();
    expect(run(h, 5, 20, memory)).toEqual([7, 'ReadyForNewScale', 'ScaleUpLimit']);
    noteRescale(h, memory, 5, 7, NOW);
    expect(run(h, 7, 20, memory, NOW + 30 * SECOND)[0]).toBe(7);
    expect(run(h, 7, 20, memory, NOW + 61 * SECOND)[0]).toBe(9);
    expect(run(h, 7, 1, newMemory())).toEqual([6, 'ReadyForNewScale', 'ScaleDownLimit']);
    expect(run(hpa({ scaleUp: pods(2, 60), scaleDown: { ...pods(1, 60), selectPolicy: 'Disabled' } }), 7, 1)[0]).toBe(7);
  });
});
