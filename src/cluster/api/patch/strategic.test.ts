import { describe, expect, test } from 'vitest';
import { applyJsonPatch } from './json.ts';
import { applyMergePatch } from './merge.ts';
import { applyStrategicPatch } from './strategic.ts';

const pod = (spec: object) => ({ metadata: { name: 'web' }, spec });
const containers = (...names: string[]) => names.map((name) => ({ name, image: `${name}:1` }));
const names = (o: unknown) => (o as { spec: { containers: { name: string }[] } }).spec.containers.map((c) => c.name);
const patched = (target: object, patch: object) => applyStrategicPatch('Pod', target as never, patch);

describe('strategic merge patch (rules and cases of strategicpatch/patch_test.go)', () => {
  test('merges list elements by key and keeps the rest', () => {
    const out = patched(pod({ containers: containers('a', 'b') }), { spec: { containers: [{ name: 'b', image: 'b:2' }] } });
    expect(out).toEqual(
      pod({
        containers: [
          { name: 'a', image: 'a:1' },
          { name: 'b', image: 'b:2' },
        ],
      }),
    );
  });

  test('a new element comes before those that only the server has', () => {
    expect(names(patched(pod({ containers: containers('a', 'b') }), { spec: { containers: [{ name: 'c' }] } }))).toEqual(['c', 'a', 'b']);
  });

  test('$setElementOrder orders, alone or with changes', () => {
    const order = (...list: string[]) => ({ '$setElementOrder/containers': list.map((name) => ({ name })) });
    const live = pod({ containers: containers('a', 'b', 'c') });
    expect(names(patched(live, { spec: order('c', 'a', 'b') }))).toEqual(['c', 'a', 'b']);
    expect(names(patched(live, { spec: { ...order('b', 'd', 'a'), containers: [{ name: 'd' }] } }))).toEqual(['b', 'd', 'a', 'c']);
  });

  test('$patch: delete and replace in lists', () => {
    const live = pod({ containers: containers('a', 'b') });
    expect(names(patched(live, { spec: { containers: [{ name: 'a', $patch: 'delete' }] } }))).toEqual(['b']);
    expect(names(patched(live, { spec: { containers: [{ $patch: 'replace' }, { name: 'z' }] } }))).toEqual(['z']);
  });

  test('$patch: replace of an object (rollout undo), null, atomic lists', () => {
    const live = pod({ nodeSelector: { a: '1' }, tolerations: [{ key: 'x' }], hostname: 'h', securityContext: { runAsUser: 1 } });
    const out = patched(live, {
      spec: { securityContext: { $patch: 'replace', fsGroup: 2 }, hostname: null, tolerations: [{ key: 'y' }], nodeSelector: { b: '2' } },
    });
    expect(out).toEqual(pod({ nodeSelector: { a: '1', b: '2' }, tolerations: [{ key: 'y' }], securityContext: { fsGroup: 2 } }));
  });

  test('$retainKeys: volumes change their source', () => {
    const live = pod({ volumes: [{ name: 'v', emptyDir: {} }] });
    const patch = { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/d' } }] } };
    expect(patched(live, patch)).toEqual(pod({ volumes: [{ name: 'v', hostPath: { path: '/d' } }] }));
  });

  test('a deleted element makes room for a new one; instructions are no fields for $retainKeys; a replaced object is not merged', () => {
    const live = pod({ containers: containers('a', 'b', 'c') });
    const patch = { '$setElementOrder/containers': [{ name: 'b' }, { name: 'd' }], containers: [{ name: 'd' }, { name: 'a', $patch: 'delete' }] };
    expect(names(patched(live, { spec: patch }))).toEqual(['b', 'c', 'd']);
    const volumes = [{ name: 'v', $retainKeys: ['name', 'projected'], projected: { sources: [], '$setElementOrder/sources': [] } }];
    expect(patched(pod({ volumes: [{ name: 'v', emptyDir: {} }] }), { spec: { volumes } })).toEqual(pod({ volumes: [{ name: 'v', projected: { sources: [] } }] }));
    const budget = { spec: { selector: { matchLabels: { a: 'b' } } } };
    expect(applyStrategicPatch('PodDisruptionBudget', budget, { spec: { selector: { matchLabels: { c: 'd' } } } })).toEqual({
      spec: { selector: { matchLabels: { c: 'd' } } },
    });
  });

  test('primitive lists merge and lose members', () => {
    const live = { metadata: { name: 'web', finalizers: ['a', 'b'] } };
    expect(patched(live, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } })).toEqual({
      metadata: { name: 'web', finalizers: ['b'] },
    });
    expect(patched(live, { metadata: { finalizers: ['c'] } })).toEqual({ metadata: { name: 'web', finalizers: ['c', 'a', 'b'] } });
  });

  test('hostile keys stay data', () => {
    const patch = JSON.parse('{"metadata":{"annotations":{"__proto__":"x","constructor":"y"}}}') as object;
    const out = patched({ metadata: { annotations: {} } }, patch) as { metadata: { annotations: object } };
    expect(Object.keys(out.metadata.annotations)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(applyMergePatch({ a: 1 }, JSON.parse('{"__proto__":{"b":2}}'))).toHaveProperty('a', 1);
  });
});

describe('merge and JSON patch', () => {
  test('merge patch removes by null and shares what it leaves alone', () => {
    const target = { a: { b: 1 }, c: { d: 2 } };
    const out = applyMergePatch(target, { a: { b: null, e: 3 } }) as typeof target;
    expect(out).toEqual({ a: { e: 3 }, c: { d: 2 } });
    expect(out.c).toBe(target.c);
    expect(applyMergePatch(target, { a: { b: 1 } })).toBe(target);
  });

  test('merge patch prunes null from the objects of lists, not from lists', () => {
    expect(applyMergePatch({}, { a: [{ b: null, c: 1 }, null, [{ d: null }]] })).toEqual({ a: [{ c: 1 }, null, [{}]] });
  });

  test('JSON patch', () => {
    expect(applyJsonPatch({ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }])).toEqual({ a: [1, 2] });
    expect(() => applyJsonPatch({}, [{ op: 'test', path: '/a', value: 1 }])).toThrow(
      'the server rejected our request due to an error in our request',
    );
    expect(() => applyJsonPatch({}, [{ op: 'add', path: '/__proto__/x', value: 1 }])).toThrow(/rejected/);
  });
});
