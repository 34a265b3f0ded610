// The arithmetic of Deployments by upstream's tables (pkg/controller/deployment/util/deployment_util_test.go, sync_test.go,
// rolling_test.go); facts only.

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Deployment, DeploymentStatus, IntOrString, ReplicaSet } from '../api/generated/types.ts';
import { formatTime, parseTime, SECOND } from '../sim/time.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import {
  activeOrLatest, annotatedNumber, expendableSets, hasProgressDeadline, isComplete, isProgressing, isSaturated, isTimedOut, maxUnavailable, newSetReplicas,
  oldSetsMayLose, proportionalSizes, resolveFenceposts, specReplicas, statusReplicas, terminatingReplicas, withoutSurplus, withoutUseless,
} from './deployment-arithmetic.ts';
import { findNewSet, hasSizeAnnotations, newSetAnnotations, sizeAnnotations } from './deployment-revisions.ts';
import { condition, withCondition, withoutCondition } from './deployment-status.ts';

function deployment(replicas: number, surge: IntOrString = 0, unavailable: IntOrString = 0, type = 'RollingUpdate'): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { replicas, selector: {}, template: {}, strategy: { type, rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } } },
    status: {},
  };
}

function set(name: string, replicas: number, at = 0, annotations: Record<string, string> = {}, available = replicas): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, uid: name, creationTimestamp: `2026-01-01T00:00:${String(at).padStart(2, '0')}Z`, annotations },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  };
}

describe('limits', () => {
  upstreamTable<readonly [IntOrString | undefined, IntOrString | undefined, number, number, number]>(
    'surge and unavailable from numbers and percents',
    'TestResolveFenceposts',
    [
      ['0%', '0%', 0, 0, 1],
      ['39%', '39%', 10, 4, 3],
      ['oops', '39%', 10, 0, 0],
      ['55%', 'urg', 10, 0, 0],
      [undefined, '39%', 10, 0, 3],
      ['39%', undefined, 10, 4, 0],
      [undefined, undefined, 10, 0, 1],
    ],
    ([maxSurge, maxMissing, desired, surge, unavailable]) => [resolveFenceposts(maxSurge, maxMissing, desired), { surge, unavailable }],
  );
  upstreamTable<readonly [number, IntOrString, string, number]>(
    'how many may be unavailable',
    'TestMaxUnavailable',
    [
      [10, 5, 'RollingUpdate', 5],
      [10, 10, 'RollingUpdate', 10],
      [5, 10, 'RollingUpdate', 5],
      [0, 10, 'RollingUpdate', 0],
      [1, 1, 'Recreate', 0],
      [10, '50%', 'RollingUpdate', 5],
      [10, '100%', 'RollingUpdate', 10],
      [5, '100%', 'RollingUpdate', 5],
    ],
    ([replicas, unavailable, type, expected]) => [maxUnavailable(deployment(replicas, 1, unavailable, type)), expected],
  );
  upstreamTable<readonly [string, number, number, number, number]>(
    'the size of the new set',
    'TestNewRSNewReplicas',
    [
      ['RollingUpdate', 1, 5, 1, 5],
      ['RollingUpdate', 6, 2, 10, 6],
      ['Recreate', 3, 1, 1, 3],
    ],
    ([type, replicas, current, surge, expected]) => {
      const newSet = set('new', current);
      return [newSetReplicas(deployment(replicas, surge, 1, type), [set('other', 5)], newSet), expected];
    },
  );
});

describe('a rolling update', () => {
  upstreamTable<readonly [number, number, number, number]>(
    'the new set grows or shrinks',
    'TestDeploymentController_reconcileNewReplicaSet',
    [
      // surge, old, new → new
      [0, 10, 0, 0],
      [2, 10, 0, 2],
      [2, 5, 0, 7],
      [2, 10, 2, 2],
      [2, 2, 11, 10],
    ],
    ([surge, old, current, expected]) => {
      const newSet = set('new', current);
      return [Math.min(10, newSetReplicas(deployment(10, surge, 0), [newSet, set('old', old)], newSet)), expected];
    },
  );
  upstreamTable<readonly [number, number, number, number, boolean, number?]>(
    'the old set shrinks',
    'TestDeploymentController_reconcileOldReplicaSets',
    [
      // unavailable, old, new, available of old, shrinks, to
      [0, 10, 0, 10, true, 9],
      [2, 10, 0, 10, true, 8],
      [2, 10, 0, 8, true, 8],
      [2, 10, 0, 9, true, 8],
      [2, 8, 2, 8, false],
    ],
    ([unavailable, old, current, available, shrinks, expected = old]) => {
      const d = deployment(10, 0, unavailable);
      const newSet = set('new', current, 1, {}, 0);
      const oldSet = set('old', old, 0, {}, available);
      const most = oldSetsMayLose(d, [oldSet, newSet], newSet);
      if (most <= 0) return [shrinks, false];
      const cleaned = withoutUseless([oldSet], most).map(({ size }) => ({ ...oldSet, spec: { ...oldSet.spec, replicas: size } }));
      return [withoutSurplus(d, available, cleaned).map(({ size }) => size), [expected]];
    },
  );
  upstreamTable<readonly [number, number, number]>(
    'Pods that serve nobody go first',
    'TestDeploymentController_cleanupUnhealthyReplicas',
    [
      // available of 10, at most → gone
      [8, 1, 1],
      [8, 3, 2],
      [8, 0, 0],
      [10, 3, 0],
    ],
    ([available, most, gone]) => [withoutUseless([set('old', 10, 0, {}, available)], most)[0]?.size, 10 - gone],
  );
  upstreamTable<readonly [number, number, number, number]>(
    'then those beyond the fewest that must be available',
    'TestDeploymentController_scaleDownOldReplicaSetsForRollingUpdate',
    [
      // unavailable, available, old → old
      [0, 10, 10, 9],
      [2, 10, 10, 8],
      [2, 8, 10, 10],
      [2, 10, 0, 0],
      [2, 1, 10, 10],
    ],
    ([unavailable, available, old, expected]) => [withoutSurplus(deployment(10, 0, unavailable), available, [set('old', old, 0, {}, available)])[0]?.size, expected],
  );
});

describe('scaling in the middle of a rollout', () => {
  interface ScaleCase {
    readonly about: string;
    readonly to: number;
    readonly from: number;
    readonly surge?: readonly [before: number, after: number];
    /** From the newest to the oldest. */
    readonly sizes: readonly number[];
    readonly expected: readonly number[];
    /** The sizes of the Deployment that a failed update has left noted on some. */
    readonly noted?: readonly (number | undefined)[];
    /** The newest is not the Deployment's present one. */
    readonly noNew?: boolean;
    readonly broken?: boolean;
  }
  upstreamTable<ScaleCase>(
    'each set gets its share',
    'TestScale',
    [
      { about: 'one set up', to: 12, from: 10, sizes: [10], expected: [12] },
      { about: 'one set down', to: 5, from: 10, sizes: [10], expected: [5] },
      { about: '5 to 10', to: 10, from: 5, sizes: [2, 3], expected: [4, 6] },
      { about: '5 to 3', to: 3, from: 5, sizes: [2, 3], expected: [1, 2] },
      { about: '9 to 4', to: 4, from: 9, sizes: [8, 1], expected: [4, 0] },
      { about: '7 to 10', to: 10, from: 7, sizes: [2, 3, 2], expected: [3, 4, 3] },
      { about: '13 to 8', to: 8, from: 13, sizes: [2, 8, 3], expected: [1, 5, 2] },
      { about: 'what is left over goes to the newest', to: 4, from: 3, sizes: [1, 1, 1], expected: [2, 1, 1] },
      { about: 'and is taken from the oldest', to: 2, from: 3, sizes: [1, 1, 1], expected: [1, 1, 0] },
      { about: 'no new set', to: 5, from: 4, sizes: [2, 2], expected: [3, 2], noNew: true },
      { about: 'to none', to: 0, from: 6, sizes: [3, 2, 1], expected: [0, 0, 0] },
      { about: 'from none', to: 6, from: 6, sizes: [0, 0, 0], expected: [6, 0, 0] },
      { about: 'with surge', to: 20, from: 10, surge: [2, 2], sizes: [6, 6], expected: [11, 11] },
      { about: 'another surge and size', to: 50, from: 10, surge: [3, 6], sizes: [5, 8], expected: [22, 34] },
      { about: 'another size and template', to: 14, from: 10, sizes: [7, 3], expected: [10, 4], noNew: true },
      { about: 'a broken new set leaves the old Pods alone', to: 2, from: 2, surge: [1, 1], sizes: [2, 1], expected: [2, 1], broken: true },
      { about: 'one update failed before', to: 5, from: 5, sizes: [2, 1, 1], expected: [2, 2, 1], noted: [undefined, 3, undefined] },
    ],
    ({ to, from, surge = [0, 0], sizes, expected, noted = [], noNew = false, broken = false }) => {
      const annotations = (i: number): Record<string, string> => ({ ...sizeAnnotations(deployment(noted[i] ?? from, surge[0])) });
      const sets = sizes.map((size, i) => set(`v${i}`, size, 10 - i, annotations(i), i === 0 && broken ? 0 : size));
      const d = deployment(to, surge[1], broken ? 1 : 0);
      const only = activeOrLatest(noNew ? undefined : sets[0], noNew ? sets : sets.slice(1));
      const sized = new Map(only ? [[only.metadata.name, to]] : proportionalSizes(d, sets.filter((s) => specReplicas([s]) > 0)).map(({ set: s, size }) => [s.metadata.name, size]));
      // In the case of the failed update upstream looks at the failed set alone.
      return [sets.map((s, i) => (noted.length > 0 && noted[i] === undefined ? sizes[i] : (sized.get(s.metadata.name) ?? s.spec.replicas))), expected];
    },
  );

  it('always adds up to the replicas plus the surge, and never below zero', () => {
    const max = (n: number): Record<string, string> => ({ 'deployment.kubernetes.io/max-replicas': String(n) });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 10 }), (sizes, replicas, surge) => {
        const before = sizes.reduce((a, b) => a + b, 0);
        const sets = sizes.map((n, i) => set(`s${i}`, n, i, max(before)));
        const sized = proportionalSizes(deployment(replicas, surge, surge === 0 ? 1 : 0), sets);
        expect(sized.every(({ size }) => size >= 0)).toBe(true);
        expect(sized.reduce((n, { size }) => n + size, 0)).toBe(replicas === 0 ? 0 : replicas + surge);
      }),
    );
  });
});

describe('which sets', () => {
  const template = (name: string): ReplicaSet['spec']['template'] => ({ metadata: { name: '', labels: { app: name } }, spec: { containers: [{ name, image: 'x' }] } }) as unknown as ReplicaSet['spec']['template'];
  const of = (name: string, at: number, containers: string, replicas = 1): ReplicaSet => {
    const made = set(name, replicas, at);
    return { ...made, spec: { ...made.spec, template: template(containers) as NonNullable<ReplicaSet['spec']['template']> } };
  };
  const d = { ...deployment(1), spec: { ...deployment(1).spec, template: template('nginx') } } as Deployment;
  const fresh = of('fresh', 20, 'nginx');
  const twin = of('twin', 10, 'nginx', 0);
  const old = of('old', 0, 'nginx-old-1', 0);
  upstreamTable<readonly [readonly ReplicaSet[], string | undefined]>(
    'the new one',
    'TestFindNewReplicaSet',
    [
      [[fresh, old], 'fresh'],
      [[fresh, old, twin], 'twin'],
      [[old], undefined],
    ],
    ([sets, expected]) => [findNewSet(d, sets)?.metadata.name, expected],
  );
  upstreamTable<readonly [readonly ReplicaSet[], readonly string[], readonly string[]]>(
    'the old ones, and which of them want Pods',
    'TestFindOldReplicaSets',
    [
      [[fresh, old], ['old'], []],
      [[old], ['old'], []],
      [[old, fresh, twin], ['old', 'fresh'], ['fresh']],
      [[fresh], [], []],
    ],
    ([sets, all, wanting]) => {
      const rest = sets.filter((s) => s !== findNewSet(d, sets));
      return [[rest.map((s) => s.metadata.name), rest.filter((s) => specReplicas([s]) > 0).map((s) => s.metadata.name)], [all, wanting]];
    },
  );
  const sized = (spec: number, status: number, deleted = false): ReplicaSet => {
    const made = set(`s${spec}${status}`, spec);
    return { ...made, metadata: { ...made.metadata, ...(deleted ? { deletionTimestamp: 't' } : {}) }, status: { replicas: status } };
  };
  upstreamTable<readonly [readonly ReplicaSet[], number, number]>(
    'those beyond the history limit that are empty',
    'TestDeploymentController_cleanupDeployment',
    [
      [[sized(0, 0), sized(0, 0), sized(0, 0)], 1, 2],
      [[sized(0, 0), sized(0, 1), sized(1, 0), sized(1, 1)], 0, 1],
      [[sized(0, 0), sized(0, 0)], 0, 2],
      [[sized(1, 1), sized(1, 1)], 0, 0],
      [[sized(0, 0, true)], 0, 0],
      [[sized(0, 0), sized(0, 0), sized(0, 0)], 2 ** 31 - 1, 0],
    ],
    ([sets, limit, gone]) => [expendableSets({ ...d, spec: { ...d.spec, revisionHistoryLimit: limit } }, sets).length, gone],
  );
  const counted = (spec: number, status: number, terminating: number | undefined, observed: number): ReplicaSet => ({
    ...set('s', spec),
    status: { replicas: status, ...(terminating === undefined ? {} : { terminatingReplicas: terminating }), ...(observed === 0 ? {} : { observedGeneration: observed }) },
  });
  const [one, two, unsynced, dropped] = [counted(1, 2, 3, 1), counted(2, 3, 1, 0), counted(3, 0, undefined, 0), counted(1, 1, undefined, 1)] as const;
  upstreamTable<readonly [readonly ReplicaSet[], number, number, number | undefined]>(
    'their Pods: wanted, there, on their way out',
    'TestGetReplicaCountForReplicaSets',
    [
      [[one], 1, 2, 3],
      [[one, two], 3, 5, 4],
      [[unsynced], 3, 0, 0],
      [[one, two, unsynced], 6, 5, 4],
      [[dropped], 1, 1, undefined],
      [[one, two, unsynced, dropped], 7, 6, undefined],
    ],
    ([sets, wanted, there, leaving]) => [[specReplicas(sets), statusReplicas(sets), terminatingReplicas(sets)], [wanted, there, leaving]],
  );
  it('the only active one, else the new one, else the newest; none when several are active', () => {
    expect(activeOrLatest(undefined, [])).toBeUndefined();
    expect(activeOrLatest(set('new', 0), [set('a', 1)])?.metadata.name).toBe('a');
    expect(activeOrLatest(set('new', 0), [set('a', 0)])?.metadata.name).toBe('new');
    expect(activeOrLatest(undefined, [set('a', 0, 1), set('b', 0, 2)])?.metadata.name).toBe('b');
    expect(activeOrLatest(set('new', 1), [set('a', 1)])).toBeUndefined();
  });
});

describe('progress', () => {
  const status = (replicas: number, updatedReplicas: number, availableReplicas: number, readyReplicas = availableReplicas): DeploymentStatus => ({ replicas, updatedReplicas, availableReplicas, readyReplicas });
  upstreamTable<readonly [number, DeploymentStatus, boolean]>(
    'whether it is complete',
    'TestDeploymentComplete',
    [
      [5, status(5, 5, 4), false],
      [5, status(5, 5, 3), false],
      [5, status(5, 5, 5), true],
      [5, status(5, 4, 5), false],
      [1, status(2, 1, 1), false],
      [1, status(1, 1, 0), false],
    ],
    ([replicas, now, expected]) => [isComplete(deployment(replicas, 1, 1), now), expected],
  );
  const four = (replicas: number, updated: number, ready: number, available: number): DeploymentStatus => status(replicas, updated, available, ready);
  upstreamTable<readonly [DeploymentStatus, DeploymentStatus, boolean]>(
    'whether it goes on',
    'TestDeploymentProgressing',
    [
      [four(10, 4, 4, 4), four(10, 6, 4, 4), true],
      [four(10, 4, 4, 4), four(10, 4, 4, 4), false],
      [four(10, 4, 6, 6), four(8, 4, 6, 6), true],
      [four(10, 7, 3, 3), four(10, 6, 3, 3), false],
      [four(10, 4, 7, 7), four(8, 8, 5, 5), true],
      [four(10, 10, 9, 8), four(10, 10, 10, 8), true],
      [four(10, 10, 10, 9), four(10, 10, 10, 10), true],
    ],
    ([before, now, expected]) => [isProgressing({ ...deployment(10), status: before }, now), expected],
  );
  const start = parseTime('2016-01-01T00:00:00Z') as number;
  upstreamTable<readonly [string, number | undefined, number, number, boolean]>(
    'whether the deadline is over',
    'TestDeploymentTimedOut',
    [
      ['', undefined, 69, 80, false],
      ['', 2 ** 31 - 1, 69, 80, false],
      ['', 10, 69, 80, true],
      ['', 10, 71, 80, false],
      ['NewReplicaSetAvailable', undefined, 0, 80, false],
    ],
    ([reason, deadline, from, now, expected]) => {
      const made = deployment(1);
      const d = { ...made, spec: { ...made.spec, ...(deadline === undefined ? {} : { progressDeadlineSeconds: deadline }) } };
      const conditions = [{ type: 'Progressing', status: 'True', reason, lastUpdateTime: formatTime(start + from * SECOND) }];
      return [hasProgressDeadline(d) && isTimedOut(d, { conditions }, start + now * SECOND), expected];
    },
  );
});

describe('conditions', () => {
  const now = { micros: 0, text: 't' };
  const progressing = condition('Progressing', 'False', 'ForSomeReason', '', now);
  const because = condition('Progressing', 'True', 'BecauseItIs', '', now);
  const available = condition('Available', 'True', 'AwesomeController', '', now);
  const both: DeploymentStatus = { conditions: [progressing, available] };
  upstreamTable<readonly [DeploymentStatus, ReturnType<typeof condition>, DeploymentStatus]>(
    'setting one',
    'TestSetCondition',
    [
      [{}, available, { conditions: [available] }],
      [{ conditions: [progressing] }, available, both],
      [{ conditions: [progressing] }, because, { conditions: [because] }],
    ],
    ([before, next, after]) => [withCondition(before, next), after],
  );
  upstreamTable<readonly [DeploymentStatus, string, DeploymentStatus]>(
    'removing one',
    'TestRemoveCondition',
    [
      [{}, 'Progressing', {}],
      [{ conditions: [progressing] }, 'Progressing', { conditions: [] }],
      [both, 'ReplicaFailure', both],
    ],
    ([before, type, after]) => [withoutCondition(before, type), after],
  );
});

describe('annotations', () => {
  upstreamTable<readonly [Record<string, string>, number | undefined]>(
    'a count in an annotation',
    'TestGetNonNegativeInt32FromAnnotation',
    [
      [{}, undefined],
      [{ test: 'invalid', foo: '2' }, undefined],
      [{ test: '-1', foo: '2' }, undefined],
      [{ test: '0', foo: '2' }, 0],
      [{ test: '13', foo: '2' }, 13],
      [{ test: String(2 ** 31 - 1) }, 2 ** 31 - 1],
      [{ test: String(2 ** 31) }, undefined],
      [{ test: String(2 ** 32) }, undefined],
    ],
    ([annotations, expected]) => [annotatedNumber(set('s', 1, 0, annotations), 'test'), expected],
  );
  const size = (desired: string, max: string): Record<string, string> => ({ 'deployment.kubernetes.io/desired-replicas': desired, 'deployment.kubernetes.io/max-replicas': max });
  upstreamTable<readonly [Record<string, string>, boolean]>(
    'whether a set notes the present size',
    'TestReplicasAnnotationsNeedUpdate',
    [
      [{}, false],
      [size('8', '20'), false],
      [size('10', '16'), false],
      [size('10', '20'), true],
    ],
    ([annotations, expected]) => [hasSizeAnnotations(deployment(10, 10), set('s', 1, 0, annotations)), expected],
  );
  upstreamTable<number>(
    'the revisions that a set had before, in five characters',
    'TestAnnotationUtils',
    [11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    (revision) => {
      let annotations: Record<string, string> = {};
      for (let i = 11; i <= revision; i++) annotations = { ...newSetAnnotations(deployment(1), set('s', 1, 0, annotations), i, 5) };
      const history = revision < 12 ? undefined : revision === 12 ? '11' : `${revision - 2},${revision - 1}`;
      return [[annotations['deployment.kubernetes.io/revision'], annotations['deployment.kubernetes.io/revision-history']], [String(revision), history]];
    },
  );
  it("a set that is all there is to be is saturated: 1 case of upstream's TestAnnotationUtils", () => {
    expect(isSaturated(deployment(1), set('s', 1, 0, size('1', '1'), 1))).toBe(true);
    expect(isSaturated(deployment(1), set('s', 1, 0, size('1', '1'), 0))).toBe(false);
  });
});
