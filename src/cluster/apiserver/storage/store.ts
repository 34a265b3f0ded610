// Reading and writing objects in etcd with optimistic concurrency: apiserver/pkg/storage/etcd3/store.go.
// An update first tries on the cached object; when etcd has a newer one, it is run again on that.

import type { ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, deepFreeze, jsonEqual } from '../../api/meta.ts';
import { alreadyExists, ApiError, conflict, notFound } from '../../api/status.ts';
import type { Compare, KeyValue, RequestOp, StoredValue, TxnResponse } from '../../etcd/messages.ts';
import { objectOf, type VersionedObject } from '../../etcd/objects.ts';
import { SealedValue } from '../../etcd/sealed.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Subject } from '../../sim/trace.ts';
import { cannotOpen, type Encryption } from './encryption.ts';
import type { EtcdClient } from './etcd.ts';
import { prefixOf, relativeKey } from './keys.ts';
import type { WatchCache } from './watch-cache.ts';

/** An object before it has a resourceVersion. */
export type Unsaved = ApiObject;

/** Where an object is. */
export interface Address {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
}

export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** A revision that a compare-and-swap of ours did not meet; see `update`. */
const CHANGED = Symbol('changed');

/** Leases for objects that expire are shared by what is written within a minute, at most so many. */
const LEASE_REUSE_SECONDS = 60;
const LEASE_MAX_OBJECTS = 1_000;

export class Store {
  readonly cache: WatchCache;
  readonly etcd: EtcdClient;
  readonly #encryption: Encryption | null;
  #lease: { id: number; until: number; ttl: number; objects: number } | null = null;

  /** `encryption` null: everything is stored as it is. */
  constructor(etcd: EtcdClient, cache: WatchCache, encryption: Encryption | null = null) {
    this.etcd = etcd;
    this.#encryption = encryption;
    this.cache = cache;
  }

  /** The newest state. @throws ApiError 404 */
  *get(at: Address): Op<VersionedObject> {
    const kv = yield* this.#read(at);
    if (!kv) throw notFound(at.kind, at.name);
    return objectOf(kv);
  }

  /** What the cache holds, or undefined. */
  cached(at: Address): VersionedObject | undefined {
    return this.cache.of(at.kind)?.get(relativeKey(at.kind, at.namespace, at.name));
  }

  /** Writes a new object. @throws ApiError 409 AlreadyExists */
  *create(at: Address, object: Unsaved, ttlSeconds = 0): Op<VersionedObject> {
    const key = etcdKey(at);
    const value = this.#stored(at, object);
    const lease = ttlSeconds > 0 ? yield* this.#leaseFor(ttlSeconds) : 0;
    const put: RequestOp = { requestPut: { key, value, ...(lease === 0 ? {} : { lease }) } };
    const compare: Compare = { key, target: 'MOD', result: 'EQUAL', revision: 0 };
    const response = yield* this.etcd.txn({ compare: [compare], success: [put], failure: [] }, subjectOf(at));
    if (!response.succeeded) throw alreadyExists(at.kind, at.name);
    return saved(response);
  }

  /**
   * Replaces the object by what `change` makes of it, again on the newer object as long as others are faster.
   * `change` gets null when the object does not exist and `orCreate` is set. Returns the object unchanged, and writes
   * nothing, when `change` changes nothing. @throws ApiError, and whatever `change` throws
   */
  *update<T extends VersionedObject | null = VersionedObject>(
    at: Address,
    change: (current: T) => Op<Unsaved>,
    options: { readonly orCreate?: boolean; readonly ttlSeconds?: number; readonly known?: VersionedObject | undefined } = {},
  ): Op<VersionedObject> {
    const key = etcdKey(at);
    let current: VersionedObject | null = options.known ?? this.cached(at) ?? null;
    let fresh = false;
    for (;;) {
      if (!current && !fresh) {
        current = yield* this.#current(at);
        fresh = true;
      }
      if (!current && !options.orCreate) throw notFound(at.kind, at.name);
      let next: Unsaved;
      try {
        next = yield* change(current as T);
      } catch (error) {
        if (fresh || !(error instanceof ApiError)) throw error;
        // It may have failed because the cache was behind.
        const newest = yield* this.#current(at);
        if (newest?.metadata.resourceVersion === current?.metadata.resourceVersion) throw error;
        current = newest;
        fresh = true;
        continue;
      }
      if (current && sameObject(current, next) && !(yield* this.#isStale(at))) {
        if (fresh) return current;
        const newest = yield* this.#current(at);
        if (newest?.metadata.resourceVersion === current.metadata.resourceVersion) return current;
        current = newest;
        fresh = true;
        continue;
      }
      const result = yield* this.#swap(at, key, current, next, options.ttlSeconds ?? 0);
      if (result.changed !== CHANGED) return result.object;
      current = result.object;
      fresh = true;
    }
  }

  /** Removes the object. `validate` is asked before each try. Returns its last state with the revision of the deletion. */
  *delete(at: Address, preconditions: Preconditions, validate?: (object: VersionedObject) => Op<void>): Op<VersionedObject> {
    const key = etcdKey(at);
    let current = this.cached(at) ?? (yield* this.get(at));
    let fresh = false;
    for (;;) {
      try {
        checkPreconditions(at, current, preconditions);
        if (validate) yield* validate(current);
      } catch (error) {
        if (fresh || !(error instanceof ApiError)) throw error;
        const newest: VersionedObject = yield* this.get(at);
        if (newest.metadata.resourceVersion === current.metadata.resourceVersion) throw error;
        current = newest;
        fresh = true;
        continue;
      }
      const compare: Compare = { key, target: 'MOD', result: 'EQUAL', revision: Number(current.metadata.resourceVersion) };
      const remove: RequestOp = { requestDeleteRange: { key } };
      const response = yield* this.etcd.txn({ compare: [compare], success: [remove], failure: [{ requestRange: { key } }] }, subjectOf(at));
      if (response.succeeded) return current;
      const found = firstOf(response.responses[0]);
      if (!found) throw notFound(at.kind, at.name);
      current = objectOf(found);
      fresh = true;
    }
  }

  *#swap(
    at: Address,
    key: string,
    current: VersionedObject | null,
    next: Unsaved,
    ttlSeconds: number,
  ): Op<
    | { readonly object: VersionedObject; readonly changed?: undefined }
    | { readonly object: VersionedObject | null; readonly changed: typeof CHANGED }
  > {
    const value = this.#stored(at, next);
    const lease = ttlSeconds > 0 ? yield* this.#leaseFor(ttlSeconds) : 0;
    const revision = current ? Number(current.metadata.resourceVersion) : 0;
    const response = yield* this.etcd.txn(
      {
        compare: [{ key, target: 'MOD', result: 'EQUAL', revision }],
        success: [{ requestPut: { key, value, ...(lease === 0 ? {} : { lease }) } }],
        failure: [{ requestRange: { key } }],
      },
      subjectOf(at),
    );
    if (response.succeeded) return { object: saved(response) };
    const found = firstOf(response.responses[0]);
    return { object: found ? objectOf(found) : null, changed: CHANGED };
  }

  *#current(at: Address): Op<VersionedObject | null> {
    const kv = yield* this.#read(at);
    return kv ? objectOf(kv) : null;
  }

  *#read(at: Address): Op<KeyValue | undefined> {
    const kv = (yield* this.etcd.range({ key: etcdKey(at) }, subjectOf(at))).kvs[0];
    if (kv && kv.value instanceof SealedValue) {
      if (!this.#encryption) throw cannotOpen(kv.key, 'no matching prefix found');
      this.#encryption.mustOpen(at.kind, kv.key, kv.value);
    }
    return kv;
  }

  #stored({ kind }: Address, object: Unsaved): StoredValue {
    const value = withoutRevision(object);
    return this.#encryption ? this.#encryption.seal(kind, value) : value;
  }

  /** Whether the object must be written anew although it has not changed: with another key, or encrypted at all. */
  *#isStale(at: Address): Op<boolean> {
    if (!this.#encryption?.covers(at.kind)) return false;
    const kv = yield* this.#read(at);
    return kv !== undefined && this.#encryption.isStale(at.kind, kv.value);
  }

  *#leaseFor(ttlSeconds: number): Op<number> {
    const now = this.etcd.os.sim.now / 1_000_000;
    const lease = this.#lease;
    if (lease && lease.ttl === ttlSeconds && now < lease.until && lease.objects < LEASE_MAX_OBJECTS) {
      lease.objects++;
      return lease.id;
    }
    const reuse = Math.min(LEASE_REUSE_SECONDS, Math.floor(ttlSeconds / 20) || 1);
    const id = yield* this.etcd.grantLease(ttlSeconds + reuse);
    this.#lease = { id, ttl: ttlSeconds, until: now + reuse, objects: 1 };
    return id;
  }
}

/** Throws the conflict that upstream's Preconditions.Check throws. */
export function checkPreconditions(at: Address, object: VersionedObject, want: Preconditions): void {
  const { uid, resourceVersion } = object.metadata;
  if (want.uid !== undefined && want.uid !== uid) {
    throw conflict(at.kind, at.name, `Precondition failed: UID in precondition: ${want.uid}, UID in object meta: ${uid ?? ''}`);
  }
  if (want.resourceVersion !== undefined && want.resourceVersion !== resourceVersion) {
    throw conflict(
      at.kind,
      at.name,
      `Precondition failed: ResourceVersion in precondition: ${want.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  }
}

export const etcdKey = (at: Address): string => prefixOf(at.kind) + relativeKey(at.kind, at.namespace, at.name);

function subjectOf({ kind, namespace, name }: Address): Subject {
  return { group: kind.group, resource: kind.plural, kind: kind.kind, namespace, name };
}

function firstOf(op: object | undefined): KeyValue | undefined {
  return (op as { readonly responseRange?: { readonly kvs: readonly KeyValue[] } } | undefined)?.responseRange?.kvs[0];
}

/** What is stored: the object without its resourceVersion, frozen. */
export function withoutRevision(object: Unsaved): Unsaved {
  if (object.metadata.resourceVersion === undefined) return deepFreeze(object);
  return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } } as unknown as Unsaved);
}

/** The object just written, the same that the watch cache will hold. */
function saved(response: TxnResponse): VersionedObject {
  const [put] = response.responses as readonly { readonly responsePut: { readonly kv: KeyValue } }[];
  return objectOf((put as { readonly responsePut: { readonly kv: KeyValue } }).responsePut.kv);
}

type Plain = Readonly<Record<string, unknown>>;

function sameMetadata(a: Plain, b: Plain): boolean {
  for (const key in a) if (key !== 'resourceVersion' && !jsonEqual(a[key], b[key])) return false;
  for (const key in b) if (key !== 'resourceVersion' && b[key] !== undefined && a[key] === undefined) return false;
  return true;
}

/** Equal apart from the resourceVersion. */
function sameObject(current: VersionedObject, next: Unsaved): boolean {
  const now = current as unknown as Plain;
  const then = next as unknown as Plain;
  for (const key in then) if (key !== 'metadata' && !jsonEqual(now[key], then[key])) return false;
  for (const key in now) if (now[key] !== undefined && then[key] === undefined) return false;
  return sameMetadata(current.metadata as unknown as Plain, next.metadata as unknown as Plain);
}
