import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../api/meta.ts';
import { keyOf } from '../api/meta.ts';
import { Store } from './store.ts';

const object = (name: string, namespace: string, label: string, life?: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { l: label }, ...(life === undefined ? {} : { uid: `${namespace}-${name}-${life}` }) },
});

const names = (objects: readonly ApiObject[]): Set<string> => new Set(objects.map((o) => keyOf(o)));

describe('Store', () => {
  it('has in each index what a filter would find, whatever was set and deleted', () => {
    const action = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), namespace: fc.constantFrom('x', 'y'), label: fc.constantFrom('1', '2'), life: fc.constantFrom(undefined, 'first', 'second'), gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const store = new Store<ApiObject>();
        const model = new Map<string, ApiObject>();
        store.addIndex('label', (o) => [o.metadata.labels?.['l'] ?? '']);
        for (const { name, namespace, label, life, gone } of actions) {
          const next = object(name, namespace, label, life);
          const key = keyOf(next);
          if (gone) {
            store.delete(key);
            model.delete(key);
          } else {
            expect(store.put(next)).toBe(model.get(key));
            model.set(key, next);
          }
          expect(store.get(key)).toBe(model.get(key));
          const all = [...model.values()];
          for (const l of ['1', '2']) expect(new Set(store.index('label', l))).toEqual(new Set(all.filter((o) => o.metadata.labels?.['l'] === l)));
          for (const ns of ['x', 'y']) expect(names(store.list(ns))).toEqual(names(all.filter((o) => o.metadata.namespace === ns)));
        }
      }),
    );
  });

  it('never changes an array that it has given out', () => {
    const store = new Store<ApiObject>();
    store.set('x/a', object('a', 'x', '1'));
    const before = store.list('x');
    store.set('x/b', object('b', 'x', '1'));
    store.set('x/a', object('a', 'x', '2'));
    expect(before.map((o) => o.metadata.labels?.['l'])).toEqual(['1']);
    expect(store.list('x')).toHaveLength(2);
  });
});
