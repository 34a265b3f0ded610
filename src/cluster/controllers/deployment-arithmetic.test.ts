// Facts: fenceposts from upstream's pkg/controller/deployment/util/deployment_util_test.go (TestResolveFenceposts), proportional
// scaling from sync_test.go (TestScale). The other tables are our own, after the same functions.

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Deployment, IntOrString, ReplicaSet } from '../api/generated/types.ts';
import { activeOrLatest, maxUnavailable, newSetReplicas, oldSetsMayLose, proportionalSizes, resolveFenceposts, specReplicas } from './deployment-arithmetic.ts';
import { newSetAnnotations } from './deployment-revisions.ts';

function deployment(replicas: number, surge: IntOrString = 0, unavailable: IntOrString = 0, type = 'RollingUpdate'): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { replicas, selector: {}, template: {}, strategy: { type, rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } } },
    status: {},
  };
}

function set(name: string, replicas: number, at = 0, annotations: Record<string, string> = {}, available = 0): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, creationTimestamp: `2026-01-01T00:00:${String(at).padStart(2, '0')}Z`, annotations },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  };
}

describe('resolveFenceposts', () => {
  it.each<[IntOrString, IntOrString, number, number, number]>([
    ['0%', '0%', 0, 0, 1],
    ['39%', '39%', 10, 4, 3],
    [5, '1%', 4, 5, 0],
    ['25%', '25%', 3, 1, 0],
    ['25%', '25%', 10, 3, 2],
  ])('maxSurge %s, maxUnavailable %s of %i: %i and %i', (maxSurge, unavailable, desired, surge, mayMiss) => {
    expect(resolveFenceposts(maxSurge, unavailable, desired)).toEqual({ surge, unavailable: mayMiss });
  });
});

describe('maxUnavailable', () => {
  it.each<[string, Deployment, number]>([
    ['more than replicas', deployment(5, 0, 10), 5],
    ['as many as replicas', deployment(5, 0, 5), 5],
    ['less', deployment(5, 0, 2), 2],
    ['none, with surge', deployment(10, 10, 0), 0],
    ['Recreate', deployment(1, 0, 1, 'Recreate'), 0],
    ['percents', deployment(1, '100%', '50%'), 0],
    ['percents of many', deployment(20, '100%', '50%'), 10],
    ['no replicas', deployment(0, 0, '15%'), 0],
  ])('%s', (_, d, expected) => expect(maxUnavailable(d)).toBe(expected));
});

describe('newSetReplicas', () => {
  it.each<[string, Deployment, number[], number, number]>([
    ['no old set', deployment(1), [], 1, 1],
    ['Recreate', deployment(5, 0, 1, 'Recreate'), [], 0, 5],
    ['can scale up by the surge', deployment(10, 3), [10], 0, 3],
    ['the surge is used up', deployment(10, 3), [11], 2, 2],
    ['more than needed is not made', deployment(10, 5), [8], 5, 7],
    ['nothing to add beyond replicas', deployment(10, 5), [2], 10, 10],
  ])('%s', (_, d, old, current, expected) => {
    const fresh = set('new', current);
    expect(newSetReplicas(d, [...old.map((n, i) => set(`old-${i}`, n)), fresh], fresh)).toBe(expected);
  });
});

describe('oldSetsMayLose', () => {
  it.each<[number, IntOrString, number, number, number, number]>([
    // replicas, maxUnavailable, old, new, new available → how many
    [10, 0, 10, 0, 0, 0],
    [10, 2, 10, 0, 0, 2],
    [10, 2, 8, 2, 0, 0],
    [10, 2, 8, 2, 2, 2],
    [10, 2, 8, 4, 2, 2],
    [10, 0, 10, 3, 3, 3],
  ])('%i replicas, %s unavailable, old %i, new %i of which %i available: %i', (replicas, unavailable, old, current, available, expected) => {
    const fresh = set('new', current, 1, {}, available);
    expect(oldSetsMayLose(deployment(replicas, 3, unavailable), [set('old', old), fresh], fresh)).toBe(expected);
  });
});

describe('proportionalSizes', () => {
  const max = (n: number): Record<string, string> => ({ 'deployment.kubernetes.io/max-replicas': String(n) });
  // The sets from the newest to the oldest; max-replicas is the former size plus the former surge.
  it.each<[string, Deployment, former: number, sizes: number[], expected: number[]]>([
    ['5 -> 10', deployment(10), 5, [2, 3], [4, 6]],
    ['5 -> 3', deployment(3), 5, [2, 3], [1, 2]],
    ['9 -> 4', deployment(4), 9, [8, 1], [4, 0]],
    ['7 -> 10', deployment(10), 7, [2, 3, 2], [3, 4, 3]],
    ['13 -> 8', deployment(8), 13, [2, 8, 3], [1, 5, 2]],
    ['leftover goes to the newest: 3 -> 4', deployment(4), 3, [1, 1, 1], [2, 1, 1]],
    ['leftover is taken from the oldest: 3 -> 2', deployment(2), 3, [1, 1, 1], [1, 1, 0]],
    ['4 -> 5', deployment(5), 4, [2, 2], [3, 2]],
    ['6 -> 0', deployment(0), 6, [3, 2, 1], [0, 0, 0]],
    ['with surge', deployment(20, 2), 12, [6, 6], [11, 11]],
    ['another surge and another size', deployment(50, 6), 13, [5, 8], [22, 34]],
    ['10 -> 14', deployment(14), 10, [7, 3], [10, 4]],
  ])('%s', (_, d, former, sizes, expected) => {
    const sets = sizes.map((size, i) => set(`v${i}`, size, 10 - i, max(former)));
    const sized = new Map(proportionalSizes(d, sets).map(({ set: s, size }) => [s.metadata.name, size]));
    expect(sets.map((s) => sized.get(s.metadata.name))).toEqual(expected);
  });

  it('always adds up to the replicas plus the surge, and never below zero', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 10 }), (sizes, replicas, surge) => {
        const before = sizes.reduce((a, b) => a + b, 0);
        const sets = sizes.map((n, i) => set(`s${i}`, n, i, max(before)));
        const sized = proportionalSizes(deployment(replicas, surge, surge === 0 ? 1 : 0), sets);
        expect(sized.every(({ size }) => size >= 0)).toBe(true);
        const total = sized.reduce((n, { size }) => n + size, 0);
        expect(total).toBe(replicas === 0 ? 0 : replicas + surge);
        expect(specReplicas(sets)).toBe(before);
      }),
    );
  });
});

describe('activeOrLatest', () => {
  it('is the only active set, else the new one, else the newest; none when several are active', () => {
    expect(activeOrLatest(undefined, [])).toBeUndefined();
    expect(activeOrLatest(set('new', 0), [set('a', 1)])?.metadata.name).toBe('a');
    expect(activeOrLatest(set('new', 0), [set('a', 0)])?.metadata.name).toBe('new');
    expect(activeOrLatest(undefined, [set('a', 0, 1), set('b', 0, 2)])?.metadata.name).toBe('b');
    expect(activeOrLatest(set('new', 1), [set('a', 1)])).toBeUndefined();
  });
});

describe('newSetAnnotations', () => {
  it('keeps the revisions that a set had before a rollback', () => {
    const d = deployment(1);
    const once = newSetAnnotations(d, set('s', 1, 0, { 'deployment.kubernetes.io/revision': '1' }), 3);
    expect(once).toEqual({ 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' });
    const twice = newSetAnnotations(d, set('s', 1, 0, { ...once }), 5);
    expect(twice).toMatchObject({ 'deployment.kubernetes.io/revision': '5', 'deployment.kubernetes.io/revision-history': '1,3' });
  });
});
