// The thread-safe store and indexer of client-go (tools/cache): objects by key, and by the values of index functions.

import type { ApiObject } from '../api/meta.ts';

export type IndexFunction<T> = (object: T) => readonly string[];

const NONE: readonly never[] = Object.freeze([]);
const NAMESPACE = 'namespace';

export class Store<T extends ApiObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[] {
    if (namespace === undefined || namespace === '') return [...this.#objects.values()];
    if (!this.#indexes.has(NAMESPACE)) this.addIndex(NAMESPACE, (object) => [object.metadata.namespace ?? '']);
    return this.index(NAMESPACE, namespace);
  }

  /** Adds an index; of one name the first counts. */
  addIndex(name: string, by: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index = new Index(by);
    for (const [key, object] of this.#objects) index.replace(key, undefined, object);
    this.#indexes.set(name, index);
  }

  /** The objects for which index function `name` gives `value`: an array that stays as it is. */
  index(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`no index ${name}`);
    return index.lookup(value);
  }

  /** Sets what is under `key` and returns what was there. */
  set(key: string, object: T): T | undefined {
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.replace(key, before, object);
    return before;
  }

  delete(key: string): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.replace(key, before, undefined);
    return before;
  }
}

/** One index: buckets of objects by value. Replacing an object in its bucket is O(1); a looked-up array is never changed. */
class Index<T> {
  readonly #by: IndexFunction<T>;
  readonly #buckets = new Map<string, Bucket<T>>();

  constructor(by: IndexFunction<T>) {
    this.#by = by;
  }

  lookup(value: string): readonly T[] {
    const bucket = this.#buckets.get(value);
    if (!bucket) return NONE;
    bucket.lent = true;
    return bucket.items;
  }

  replace(key: string, before: T | undefined, after: T | undefined): void {
    const old = before === undefined ? NONE : this.#by(before);
    const now = after === undefined ? NONE : this.#by(after);
    for (const value of old) if (!now.includes(value)) this.#remove(value, key);
    for (const value of now) this.#put(value, key, after as T);
  }

  #put(value: string, key: string, object: T): void {
    let bucket = this.#buckets.get(value);
    if (!bucket) this.#buckets.set(value, (bucket = { items: [], keys: [], positions: new Map(), lent: false }));
    own(bucket);
    const position = bucket.positions.get(key);
    if (position !== undefined) {
      bucket.items[position] = object;
      return;
    }
    bucket.positions.set(key, bucket.items.length);
    bucket.items.push(object);
    bucket.keys.push(key);
  }

  #remove(value: string, key: string): void {
    const bucket = this.#buckets.get(value);
    const position = bucket?.positions.get(key);
    if (!bucket || position === undefined) return;
    own(bucket);
    bucket.positions.delete(key);
    const lastObject = bucket.items.pop() as T;
    const lastKey = bucket.keys.pop() as string;
    if (lastKey !== key) {
      bucket.items[position] = lastObject;
      bucket.keys[position] = lastKey;
      bucket.positions.set(lastKey, position);
    }
    if (bucket.items.length === 0) this.#buckets.delete(value);
  }
}

interface Bucket<T> {
  items: T[];
  keys: string[];
  positions: Map<string, number>;
  /** Somebody may hold `items`: copy before the next change. */
  lent: boolean;
}

function own<T>(bucket: Bucket<T>): void {
  if (!bucket.lent) return;
  bucket.items = bucket.items.slice();
  bucket.lent = false;
}
