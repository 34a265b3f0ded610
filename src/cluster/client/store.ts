// The thread-safe store and indexer of client-go (tools/cache): objects by key, and by the values of index functions.

import { type ApiObject, keyOf } from '../api/meta.ts';

/** The values under which an object is found; undefined: under none. */
export type IndexFunction<T> = (object: T) => string | readonly string[] | undefined;

const NONE: readonly never[] = Object.freeze([]);
const NAMESPACE = 'namespace';

export class Store<T extends ApiObject> {
  readonly #entries = new Map<string, Entry<T>>();
  /** By UID: finds an object that changed without putting its key together. */
  readonly #byUid = new Map<string, Entry<T>>();
  readonly #names = new Map<string, Index<T>>();
  /** In the order of each entry's places. */
  readonly #indexes: Index<T>[] = [];

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.object;
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[] {
    if (namespace === undefined || namespace === '') {
      const objects: T[] = [];
      for (const entry of this.#entries.values()) objects.push(entry.object);
      return objects;
    }
    if (!this.#names.has(NAMESPACE)) this.addIndex(NAMESPACE, (object) => object.metadata.namespace ?? '');
    return this.index(NAMESPACE, namespace);
  }

  /** Adds an index; of one name the first counts. */
  addIndex(name: string, by: IndexFunction<T>): void {
    if (this.#names.has(name)) return;
    const index = new Index(by);
    for (const entry of this.#entries.values()) entry.places.push(index.put(NONE, entry.object));
    this.#names.set(name, index);
    this.#indexes.push(index);
  }

  /** The objects for which index function `name` gives `value`: an array that stays as it is. */
  index(name: string, value: string): readonly T[] {
    const index = this.#names.get(name);
    if (!index) throw new Error(`no index ${name}`);
    return index.lookup(value);
  }

  /** How many objects index function `name` gives `value` for. */
  count(name: string, value: string): number {
    return this.#names.get(name)?.count(value) ?? 0;
  }

  /** Sets what is under the object's key (`keyOf`) and returns what was there. */
  put(object: T): T | undefined {
    const { uid } = object.metadata;
    const entry = uid ? this.#byUid.get(uid) : undefined;
    return entry === undefined ? this.set(keyOf(object), object) : this.#change(entry, object);
  }

  /** Sets what is under `key` and returns what was there. */
  set(key: string, object: T): T | undefined {
    let entry = this.#entries.get(key);
    const before = entry && this.#change(entry, object);
    const { uid } = object.metadata;
    if (before && before.metadata.uid === uid) return before;
    // New, or another object of the same name.
    if (before?.metadata.uid) this.#byUid.delete(before.metadata.uid);
    if (!entry) this.#entries.set(key, (entry = { object, places: this.#indexes.map((index) => index.put(NONE, object)) }));
    if (uid) this.#byUid.set(uid, entry);
    return before;
  }

  delete(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { object, places } = entry;
    this.#entries.delete(key);
    if (object.metadata.uid) this.#byUid.delete(object.metadata.uid);
    for (const [i, index] of this.#indexes.entries()) for (const place of places[i] as Places<T>) index.remove(place);
    return object;
  }

  #change(entry: Entry<T>, object: T): T {
    const before = entry.object;
    entry.object = object;
    const { places } = entry;
    const indexes = this.#indexes;
    for (let i = 0; i < indexes.length; i++) places[i] = (indexes[i] as Index<T>).put(places[i] as Places<T>, object);
    return before;
  }
}

interface Entry<T> {
  object: T;
  /** Where the object stands in each index. */
  readonly places: Places<T>[];
}

type Places<T> = readonly Place<T>[];

interface Place<T> {
  readonly bucket: Bucket<T>;
  position: number;
}

interface Bucket<T> {
  readonly value: string;
  items: T[];
  readonly places: Place<T>[];
  /** Somebody may hold `items`: copy before the next change. */
  lent: boolean;
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

  count(value: string): number {
    return this.#buckets.get(value)?.items.length ?? 0;
  }

  /** Puts an object, which stood at `places` in its former state, where it belongs now; returns its places. */
  put(places: Places<T>, object: T): Places<T> {
    const value = this.#by(object);
    if (value === undefined) {
      for (const place of places) this.remove(place);
      return NONE;
    }
    if (typeof value !== 'string') return this.#putAll(places, value, object);
    const place = places[0];
    if (places.length === 1 && place !== undefined && place.bucket.value === value) {
      own(place.bucket)[place.position] = object;
      return places;
    }
    return this.#putAll(places, [value], object);
  }

  #putAll(places: Places<T>, values: readonly string[], object: T): Places<T> {
    if (values.length === 0 && places.length === 0) return NONE;
    for (const place of places) if (!values.includes(place.bucket.value)) this.remove(place);
    const now: Place<T>[] = [];
    for (const value of values) {
      if (now.some((place) => place.bucket.value === value)) continue;
      const kept = places.find((place) => place.bucket.value === value);
      if (kept) own(kept.bucket)[kept.position] = object;
      now.push(kept ?? this.#append(value, object));
    }
    return now;
  }

  #append(value: string, object: T): Place<T> {
    let bucket = this.#buckets.get(value);
    if (!bucket) this.#buckets.set(value, (bucket = { value, items: [], places: [], lent: false }));
    const place = { bucket, position: bucket.places.length };
    own(bucket).push(object);
    bucket.places.push(place);
    return place;
  }

  remove(place: Place<T>): void {
    const { bucket, position } = place;
    const items = own(bucket);
    const lastObject = items.pop() as T;
    const lastPlace = bucket.places.pop() as Place<T>;
    if (lastPlace !== place) {
      items[position] = lastObject;
      bucket.places[position] = lastPlace;
      lastPlace.position = position;
    }
    if (items.length === 0) this.#buckets.delete(bucket.value);
  }
}

/** The bucket's items, to be changed. */
function own<T>(bucket: Bucket<T>): T[] {
  if (bucket.lent) {
    bucket.items = bucket.items.slice();
    bucket.lent = false;
  }
  return bucket.items;
}
