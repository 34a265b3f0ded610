// The replica calculator by the facts of upstream's replica_calculator_test.go: utilization of CPU, with Pods that are not ready, pending, failed
// or not measured.

import { expect, test } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { HOUR, MINUTE } from '../sim/time.ts';
import { proposeReplicas, requestsOf, type Sample } from './horizontal-replicas.ts';

const NOW = HOUR;

interface Case {
  readonly name: string;
  readonly current: number;
  readonly target: number;
  /** Thousandths of a CPU by Pod, in order; those beyond the Pods are of nobody. */
  readonly levels: readonly number[];
  readonly requests?: readonly string[];
  readonly unready?: readonly number[];
  /** Pods that have just started, with their CPU still hot. */
  readonly hot?: readonly number[];
  readonly phases?: Readonly<Record<number, string>>;
  /** How many Pods there are, when they are not as many as the count says. */
  readonly pods?: number;
  readonly replicas: number;
  readonly utilization?: number;
}

const CASES: readonly Case[] = [
  { name: 'up', current: 3, target: 30, levels: [300, 500, 700], replicas: 5, utilization: 50 },
  { name: 'up, less for one unready', current: 3, target: 30, levels: [300, 500, 700], unready: [0], replicas: 4, utilization: 60 },
  { name: 'up, less for one hot', current: 3, target: 30, levels: [300, 500, 700], unready: [0], hot: [0], replicas: 4, utilization: 60 },
  { name: 'not up for two unready', current: 3, target: 30, levels: [400, 500, 700], unready: [1, 2], replicas: 3, utilization: 40 },
  { name: 'up, failed ones left out', current: 2, target: 30, levels: [500, 700], phases: { 2: 'Failed', 3: 'Failed' }, pods: 4, replicas: 4, utilization: 60 },
  { name: 'down', current: 5, target: 50, levels: [100, 300, 500, 250, 250], replicas: 3, utilization: 28 },
  { name: 'down, unready ones left out', current: 5, target: 50, levels: [100, 300, 500, 250, 250], unready: [3, 4], replicas: 2, utilization: 30 },
  { name: 'down, pending ones left out', current: 5, target: 50, levels: [100], phases: { 1: 'Pending', 2: 'Pending', 3: 'Pending', 4: 'Pending' }, replicas: 1, utilization: 10 },
  { name: 'down, failed ones left out', current: 5, target: 50, levels: [100, 300, 500, 250, 250], phases: { 5: 'Failed', 6: 'Failed' }, pods: 7, replicas: 3, utilization: 28 },
  { name: 'within the tolerance', current: 3, target: 100, levels: [1010, 1030, 1020], requests: ['900m', '1', '1100m'], replicas: 3, utilization: 102 },
  { name: 'more metrics than Pods', current: 4, target: 100, levels: [4000, 9500, 3000, 7000, 3200, 2000], replicas: 24, utilization: 587 },
  { name: 'half not measured', current: 4, target: 100, levels: [400, 95], replicas: 3, utilization: 24 },
  { name: 'one not measured, on target', current: 2, target: 100, levels: [1000], replicas: 2, utilization: 100 },
  { name: 'one not measured, above', current: 2, target: 100, levels: [1900], replicas: 2, utilization: 190 },
  { name: 'one not measured, below', current: 2, target: 100, levels: [600], replicas: 2, utilization: 60 },
  { name: 'one not measured, one unready', current: 3, target: 50, levels: [100, 450], unready: [0], replicas: 3, utilization: 45 },
  { name: 'one not measured, one unready, up', current: 3, target: 50, levels: [100, 2000], unready: [0], replicas: 4, utilization: 200 },
  { name: 'one not measured, one unready, down', current: 4, target: 50, levels: [100, 100, 100], unready: [0], replicas: 3, utilization: 10 },
];

function podsOf({ current, pods = current, requests = [], unready = [], hot = [], phases = {} }: Case): Pod[] {
  return Array.from({ length: pods }, (_, i) => {
    const started = unready.includes(i) ? '1970-01-01T00:58:00Z' : '1970-01-01T00:00:00Z';
    const ready = unready.includes(i) && !hot.includes(i) ? 'False' : 'True';
    return {
      metadata: { name: `p${i}` },
      spec: { containers: [{ name: 'c', resources: { requests: { cpu: requests[i] ?? '1' } } }] },
      status: { phase: phases[i] ?? 'Running', startTime: started, conditions: [{ type: 'Ready', status: ready, lastTransitionTime: hot.includes(i) ? '1970-01-01T00:59:30Z' : '1970-01-01T00:10:00Z' }] },
    } as unknown as Pod;
  });
}

test(`replicas by utilization: ${CASES.length} cases of upstream's TestReplicaCalc…`, () => {
  for (const one of CASES) {
    const pods = podsOf(one);
    const samples = new Map<string, Sample>(one.levels.map((value, i) => [`p${i}`, { value, time: NOW, window: MINUTE }]));
    const input = { current: one.current, pods, samples, resource: 'cpu', target: one.target, requests: requestsOf(pods, 'cpu'), tolerances: { up: 0.1, down: 0.1 }, now: NOW };
    const { replicas, utilization } = proposeReplicas(input);
    expect([one.name, replicas, utilization]).toEqual([one.name, one.replicas, one.utilization]);
  }
});
