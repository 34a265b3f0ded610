// All watch caches of an API server, fed by one watch of etcd: its first list, the stream of changes, and the wait until
// the cache has seen a revision (consistent reads from the cache, KEP-2340).

import { KINDS, type ResourceKind } from '../../api/kinds.ts';
import type { KeyValue, WatchResponse } from '../../etcd/messages.ts';
import { objectOf } from '../../etcd/objects.ts';
import type { HttpStream } from '../../network/http.ts';
import { Deferred, TIMED_OUT } from '../../sim/channel.ts';
import type { Op, Simulation } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { Cacher } from './cacher.ts';
import type { EtcdClient } from './etcd.ts';
import { prefixOf, storageResource } from './keys.ts';

const ROOT = '/registry/';
const EVERYTHING = { key: '\0', rangeEnd: '\0' } as const;
/** How long a reader waits for the cache to catch up (blockTimeout). */
const FRESHNESS_TIMEOUT = 3 * SECOND;

export class WatchCache {
  /** All changes up to this revision are in. */
  revision = 0;
  readonly #sim: Simulation;
  readonly #byKey = new Map<string, Cacher>();
  /** By the part of an etcd key between the root and the object: `pods`, `services/specs`. */
  readonly #byPrefix = new Map<string, Cacher>();
  #waiting: { revision: number; deferred: Deferred<void> }[] = [];
  /** Hears every change after it is in the cache; for allocators and indices of the server itself. */
  readonly listeners: ((cacher: Cacher, before: object | null, after: object | null) => void)[] = [];

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** The cache of a resource; undefined for a kind that is not stored. */
  of(kind: ResourceKind): Cacher | undefined {
    return this.#byKey.get(storageResource(kind));
  }

  ofKey(key: string): Cacher {
    const cacher = this.#byKey.get(key);
    if (!cacher) throw new Error(`no watch cache for ${key}`);
    return cacher;
  }

  all(): Iterable<Cacher> {
    return this.#byKey.values();
  }

  /** Begins to keep the objects of a kind made at run time; they must not be there yet, or be part of this very list. */
  addKind(kind: ResourceKind): void {
    this.#register(kind, this.revision);
  }

  /** Ends all watches of a kind: who watches shall look again. */
  endWatches(kind: ResourceKind): void {
    for (const watcher of [...(this.#byKey.get(kind.key)?.watchers() ?? [])]) watcher.end();
  }

  /** Forgets a kind made at run time: its watches end. */
  removeKind(kind: ResourceKind): void {
    const cacher = this.#byKey.get(kind.key);
    if (!cacher) return;
    this.#byKey.delete(kind.key);
    this.#byPrefix.delete(prefixOf(kind).slice(ROOT.length, -1));
    for (const watcher of [...cacher.watchers()]) watcher.end();
  }

  /** Lists everything and opens the watch; `run` continues from there. Throws when etcd does not answer. */
  *start(etcd: EtcdClient): Op<HttpStream> {
    const { header, kvs } = yield* etcd.range({ key: ROOT, rangeEnd: '/registry0' });
    const restarted = this.revision > 0;
    if (restarted) this.#catchUp(kvs, header.revision);
    else {
      for (const kind of KINDS) this.#register(kind, header.revision);
      this.#loadAll(kvs);
    }
    this.revision = header.revision;
    return yield* etcd.watch([{ ...EVERYTHING, watchId: 1, startRevision: header.revision + 1 }]);
  }

  /** Applies changes until the stream ends. */
  *run(stream: HttpStream): Op<void> {
    for (;;) {
      const response = (yield* stream.read()) as WatchResponse | undefined;
      if (!response || response.canceled) return;
      this.#apply(response);
    }
  }

  /** Waits until the cache holds `revision`; false when that takes too long. */
  *waitFor(revision: number): Op<boolean> {
    if (this.revision >= revision) return true;
    const cause = this.#sim.cause;
    const deferred = new Deferred<void>(this.#sim);
    this.#waiting.push({ revision, deferred });
    const result = yield* deferred.waitWithin(FRESHNESS_TIMEOUT);
    this.#sim.cause = cause;
    return result !== TIMED_OUT;
  }

  #register(kind: ResourceKind, revision: number): void {
    const key = storageResource(kind);
    if (this.#byKey.has(key) || !kind.verbs.includes('list')) return;
    const cacher = new Cacher(kind, revision);
    this.#byKey.set(key, cacher);
    this.#byPrefix.set(prefixOf(kind).slice(ROOT.length, -1), cacher);
  }

  #apply(response: WatchResponse): void {
    for (const { kv, prevKv } of response.events) {
      this.revision = kv.modRevision;
      const at = this.#locate(kv.key);
      if (!at) continue;
      const after = kv.value === null ? null : objectOf(kv);
      at.cacher.apply(at.key, after, kv.modRevision, this.#sim.now);
      const before = prevKv ? objectOf(prevKv) : null;
      for (const listener of this.listeners) listener(at.cacher, before, after);
    }
    if (this.#waiting.length > 0) this.#release();
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((w) => w.revision > this.revision);
    for (const w of waiting) if (w.revision <= this.revision) w.deferred.resolve();
  }

  /** Twice over what has no place at first: its CustomResourceDefinition may come later in the list. */
  #loadAll(kvs: readonly KeyValue[]): void {
    const homeless = kvs.filter((kv) => !this.#load(kv));
    for (const kv of homeless) this.#load(kv);
  }

  #load(kv: KeyValue): boolean {
    const at = this.#locate(kv.key);
    if (!at) return false;
    const object = objectOf(kv);
    at.cacher.load(at.key, object);
    for (const listener of this.listeners) listener(at.cacher, null, object);
    return true;
  }

  /** After the connection to etcd was lost: the difference between the cache and the new list, as events. */
  #catchUp(kvs: readonly KeyValue[], revision: number): void {
    const present = new Set<string>();
    for (const kv of kvs) {
      present.add(kv.key);
      const at = this.#locate(kv.key);
      if (!at) continue;
      const before = at.cacher.get(at.key) ?? null;
      const after = objectOf(kv);
      if (before?.metadata.resourceVersion === after.metadata.resourceVersion) continue;
      at.cacher.apply(at.key, after, kv.modRevision, this.#sim.now);
      for (const listener of this.listeners) listener(at.cacher, before, after);
    }
    for (const cacher of this.#byKey.values()) {
      const prefix = prefixOf(cacher.kind);
      const gone: string[] = [];
      cacher.objects.walk('', null, (_, key) => void (present.has(prefix + key) || gone.push(key)));
      for (const key of gone) {
        const before = cacher.get(key) ?? null;
        cacher.apply(key, null, revision, this.#sim.now);
        for (const listener of this.listeners) listener(cacher, before, null);
      }
    }
  }

  #locate(etcdKey: string): { cacher: Cacher; key: string } | null {
    if (!etcdKey.startsWith(ROOT)) return null;
    const one = etcdKey.indexOf('/', ROOT.length);
    if (one < 0) return null;
    const cacher = this.#byPrefix.get(etcdKey.slice(ROOT.length, one));
    if (cacher) return { cacher, key: etcdKey.slice(one + 1) };
    const two = etcdKey.indexOf('/', one + 1);
    const nested = two < 0 ? undefined : this.#byPrefix.get(etcdKey.slice(ROOT.length, two));
    return nested ? { cacher: nested, key: etcdKey.slice(two + 1) } : null;
  }
}
