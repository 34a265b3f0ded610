// The HPA's arithmetic, by the cases of upstream's replica_calculator_test.go and horizontal_test.go; facts only.

import { describe, expect, it } from 'vitest';
import type { HorizontalPodAutoscaler, Pod } from '../api/generated/types.ts';
import { HOUR, MINUTE, SECOND } from '../sim/time.ts';
import { limit, newMemory, noteRescale } from './horizontal-behavior.ts';
import { proposeReplicas, requestsOf } from './horizontal-replicas.ts';

const NOW = HOUR;
const pod = (i: number, more: { phase?: string; ready?: boolean; start?: string; request?: string } = {}): Pod =>
  ({
    metadata: { name: `p${i}` },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: more.request ?? '1' } } }] },
    status: {
      phase: more.phase ?? 'Running',
      startTime: more.start ?? '1970-01-01T00:00:00Z',
      conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True', lastTransitionTime: more.start ?? '1970-01-01T00:10:00Z' }],
    },
  }) as unknown as Pod;

function replicas(target: number, usages: readonly (number | null)[], pods: readonly Pod[] = usages.map((_, i) => pod(i))): number {
  const samples = new Map(usages.flatMap((value, i) => (value === null ? [] : [[`p${i}`, { value, time: NOW, window: MINUTE }] as const])));
  const tolerances = { up: 0.1, down: 0.1 };
  return proposeReplicas({ current: pods.length, pods, samples, resource: 'cpu', target, requests: requestsOf(pods, 'cpu'), tolerances, now: NOW }).replicas;
}

describe('from utilization to replicas', () => {
  it.each<[string, number, readonly (number | null)[], number]>([
    ['up', 30, [300, 500, 700], 5],
    ['up, not all', 60, [600, 600, 700, 800], 4 + 1],
    ['down', 50, [100, 300, 500, 250, 250], 3],
    ['within the tolerance', 100, [1010, 1030, 1020], 3],
    ['missing ones count as idle when going up', 50, [1000, null, null], 3],
    ['missing ones count as full when going down', 50, [100, 100, null, null], 4],
    ['three times the load', 30, [900, 900], 6],
  ])('%s', (_, target, usages, expected) => expect(replicas(target, usages)).toBe(expected));
  it('Pods that start count as idle when going up', () => {
    const starting = { start: '1970-01-01T00:58:00Z', ready: false };
    expect(replicas(30, [300, 500, 700], [pod(0, starting), pod(1), pod(2)])).toBe(4);
    expect(replicas(30, [400, 500, 700], [pod(0, starting), pod(1), pod(2, starting)])).toBe(3);
  });
  it('failed and pending Pods have no say', () => {
    expect(replicas(50, [500, 700, null, null], [pod(0), pod(1), pod(2, { phase: 'Failed' }), pod(3, { phase: 'Failed' })])).toBe(3);
  });
  it('says what is missing in upstream words', () => {
    expect(() => replicas(50, [null])).toThrow('did not receive metrics for targeted pods (pods might be unready)');
    const bare = { metadata: { name: 'b' }, spec: { containers: [{ name: 'c' }] } } as unknown as Pod;
    expect(() => requestsOf([bare], 'cpu')).toThrow('missing request for cpu in container c of Pod b');
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
