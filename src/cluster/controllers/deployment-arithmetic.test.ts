// Tables of facts from pkg/controller/deployment/util/deployment_util_test.go and deployment_controller's sync_test.go,
// rolling_test.go.

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
    ['oops', '39%', 10, 0, 3],
    ['55%', 'urg', 10, 6, 0],
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
  it.each<[string, Deployment, ReplicaSet[], Record<string, number>]>([
    ['scale up by thirds', deployment(10), [set('c', 6, 2, max(6)), set('b', 0, 1, max(6)), set('a', 0, 0, max(6))], { c: 10, b: 0, a: 0 }],
    ['larger sets get more', deployment(12), [set('b', 4, 1, max(8)), set('a', 4, 0, max(8))], { b: 6, a: 6 }],
    ['5 and 10 of 15 become 6 and 12', deployment(18), [set('b', 5, 1, max(15)), set('a', 10, 0, max(15))], { b: 6, a: 12 }],
    ['10, 5 and 5 down to 10', deployment(10), [set('c', 10, 2, max(20)), set('b', 5, 1, max(20)), set('a', 5, 0, max(20))], { c: 4, b: 3, a: 3 }],
    ['to zero', deployment(0), [set('c', 3, 2, max(6)), set('b', 2, 1, max(6)), set('a', 1, 0, max(6))], { c: 0, b: 0, a: 0 }],
    ['with surge', deployment(50, 3), [set('b', 5, 1, max(12)), set('a', 7, 0, max(12))], { b: 22, a: 31 }],
  ])('%s', (_, d, sets, expected) => {
    expect(Object.fromEntries(proportionalSizes(d, sets).map(({ set: s, size }) => [s.metadata.name, size]))).toEqual(expected);
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
