// The multi-version store as a transcript, and against a naive model with random operations.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EtcdError, type KeyValue, type RequestOp, type WatchEvent } from '../messages.ts';
import { OrderedMap, prefixEnd } from './ordered.ts';
import { MvccStore } from './store.ts';
import { WatcherIndex } from './watchers.ts';

const put = (key: string, value: string): RequestOp => ({ requestPut: { key, value: { v: value } } });
const remove = (key: string, rangeEnd?: string): RequestOp => ({
  requestDeleteRange: { key, ...(rangeEnd === undefined ? {} : { rangeEnd }) },
});
const write = (store: MvccStore, ...success: RequestOp[]) => store.txn({ compare: [], success, failure: [] });
const show = (kvs: readonly KeyValue[]): string[] =>
  kvs.map((kv) => `${kv.key}=${(kv.value as { v: string }).v}@${kv.modRevision}v${kv.version}`);
const all = (store: MvccStore, revision = 0): string[] => show(store.range({ key: 'a', rangeEnd: 'z', revision }).kvs);

test('revisions, versions and reads of the past', () => {
  const store = new MvccStore();
  write(store, put('a', '1'));
  write(store, put('b', '1'), put('c', '1'));
  write(store, put('a', '2'));
  write(store, remove('b'));
  write(store, put('b', '2'));
  expect(store.revision).toBe(6);
  expect(all(store)).toEqual(['a=2@4v2', 'b=2@6v1', 'c=1@3v1']);
  expect(all(store, 3)).toEqual(['a=1@2v1', 'b=1@3v1', 'c=1@3v1']);
  expect(all(store, 5)).toEqual(['a=2@4v2', 'c=1@3v1']);
  expect(store.range({ key: 'a', rangeEnd: 'z', limit: 2 })).toMatchObject({ more: true, count: 3 });
  expect(() => all(store, 99)).toThrow('etcdserver: mvcc: required revision is a future revision');
});

test('a transaction compares, takes one branch, and is one revision', () => {
  const store = new MvccStore();
  const create = (v: string) =>
    store.txn({
      compare: [{ key: 'k', target: 'MOD', result: 'EQUAL', revision: 0 }],
      success: [put('k', v)],
      failure: [{ requestRange: { key: 'k' } }],
    });
  expect(create('1').succeeded).toBe(true);
  const second = create('2');
  expect(second.succeeded).toBe(false);
  expect(second.responses).toMatchObject([{ responseRange: { kvs: [{ value: { v: '1' }, modRevision: 2 }] } }]);
  expect([store.revision, second.events]).toEqual([2, []]);
  write(store, remove('nothing'));
  expect(store.revision).toBe(2);
});

test('compaction forgets what nobody may ask for any more', () => {
  const store = new MvccStore();
  write(store, put('a', '1'));
  write(store, put('a', '2'));
  write(store, put('b', '1'));
  write(store, remove('b'));
  write(store, put('a', '3'));
  store.compact(5);
  expect(() => all(store, 4)).toThrow(EtcdError);
  expect(all(store, 5)).toEqual(['a=2@3v2']);
  expect(all(store)).toEqual(['a=3@6v3']);
  expect(() => [...store.since(4)]).toThrow('etcdserver: mvcc: required revision has been compacted');
  expect([...store.since(5)].map((r) => r.revision)).toEqual([5, 6]);
  expect(() => store.compact(5)).toThrow('compacted');
  expect(() => store.compact(50)).toThrow('future');
});

test('watchers hear of their key, prefix or everything, once per revision', () => {
  const store = new MvccStore();
  const watchers = new WatcherIndex();
  const heard: string[] = [];
  const watcher = (name: string, key: string, rangeEnd?: string) => ({
    range: { key, ...(rangeEnd === undefined ? {} : { rangeEnd }) },
    deliver: (revision: number, events: readonly WatchEvent[]) =>
      void heard.push(`${name} ${revision}: ${events.map((e) => `${e.type} ${e.kv.key}`).join(', ')}`),
    cancel: () => undefined,
  });
  const exact = watcher('exact', '/pods/a');
  for (const w of [watcher('all', '\0', '\0'), watcher('pods', '/pods/', prefixEnd('/pods/')), exact]) watchers.add(w);
  const commit = (...ops: RequestOp[]): void => {
    const { events } = write(store, ...ops);
    if (events.length > 0) watchers.notify(store.revision, events);
  };
  commit(put('/pods/a', '1'), put('/nodes/n', '1'));
  commit(put('/pods/b', '1'));
  watchers.remove(exact);
  commit(remove('/pods/', prefixEnd('/pods/')));
  expect(heard).toEqual([
    'all 2: PUT /pods/a, PUT /nodes/n',
    'exact 2: PUT /pods/a',
    'pods 2: PUT /pods/a',
    'all 3: PUT /pods/b',
    'pods 3: PUT /pods/b',
    'all 4: DELETE /pods/a, DELETE /pods/b',
    'pods 4: DELETE /pods/a, DELETE /pods/b',
  ]);
  expect(watchers.size).toBe(2);
});

test('the ordered map is a sorted map', () => {
  const act = fc.tuple(fc.constantFrom('set', 'set', 'set', 'delete'), fc.integer({ min: 0, max: 400 }));
  fc.assert(
    fc.property(
      fc.array(act, { maxLength: 1_500 }),
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 0, max: 400 }),
      (acts, from, to) => {
        const map = new OrderedMap<number>();
        const model = new Map<string, number>();
        const key = (n: number): string => `k${String(n).padStart(4, '0')}`;
        for (const [what, n] of acts) {
          if (what === 'set') {
            map.set(key(n), n);
            model.set(key(n), n);
          } else if (map.delete(key(n)) !== model.delete(key(n))) throw new Error(`delete of ${key(n)} differs`);
        }
        const got: string[] = [];
        map.walk(key(from), key(to), (_, k) => void got.push(k));
        expect(got).toEqual([...model.keys()].filter((k) => k >= key(from) && k < key(to)).sort());
        expect(map.size).toBe(model.size);
      },
    ),
    { numRuns: 60, seed: 36 },
  );
});
