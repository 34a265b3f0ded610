// The watch cache of one resource: all its objects in key order, the window of recent events, and its watchers, found by
// what they select (one object, the Pods of one node, one namespace). Models apiserver/pkg/storage/cacher.

import type { ResourceKind } from '../../api/kinds.ts';
import { OrderedMap, prefixEnd } from '../../etcd/mvcc/ordered.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Micros } from '../../sim/time.ts';
import { CacheEvent, type WatchChunk } from './events.ts';
import { EventWindow } from './window.ts';

/** What a list or a watch asks for. */
export interface Scope {
  /** '' for all namespaces. */
  readonly namespace: string;
  /** From a field selector metadata.name=…, or ''. */
  readonly name: string;
  /** From a field selector spec.nodeName=… on Pods, or ''. */
  readonly nodeName: string;
  /** What the labels and the other fields must be; null when everything matches. */
  readonly matches: ((object: VersionedObject) => boolean) | null;
}

export interface CacheWatcher {
  readonly scope: Scope;
  /** Called with the trace cause of the write. */
  deliver(chunk: WatchChunk, event: CacheEvent): void;
  /** The resource is no longer served. */
  end(): void;
}

const nodeNameOf = (object: VersionedObject): string => (object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName ?? '';

export class Cacher {
  readonly kind: ResourceKind;
  readonly objects = new OrderedMap<VersionedObject>();
  #window: EventWindow;
  readonly #byObject = new Map<string, Set<CacheWatcher>>();
  readonly #byNode = new Map<string, Set<CacheWatcher>>();
  readonly #byNamespace = new Map<string, Set<CacheWatcher>>();
  readonly #all = new Set<CacheWatcher>();
  /** Pods by node; empty for other resources. */
  readonly #onNode = new Map<string, Map<string, VersionedObject>>();
  readonly #indexNodes: boolean;

  constructor(kind: ResourceKind, revision: number) {
    this.kind = kind;
    this.#window = new EventWindow(revision);
    this.#indexNodes = kind.key === 'pods';
  }

  get(key: string): VersionedObject | undefined {
    return this.objects.get(key);
  }

  /** Fills the cache; nobody is told. */
  load(key: string, object: VersionedObject): void {
    this.#index(null, object, key);
    this.objects.set(key, object);
  }

  /** Takes over one change from etcd and tells the watchers. `after` null: removed. */
  apply(key: string, after: VersionedObject | null, revision: number, now: Micros): void {
    const before = this.objects.get(key) ?? null;
    if (after) this.objects.set(key, after);
    else this.objects.delete(key);
    this.#index(before, after, key);
    const event = new CacheEvent(revision, key, before, after, now);
    this.#window.push(event);
    this.#fanOut(event);
  }

  /** Objects in the scope, in key order, from `startKey` on. `visit` returns false to stop. */
  select(scope: Scope, startKey: string, visit: (object: VersionedObject, key: string) => boolean | void): void {
    const consider = (object: VersionedObject, key: string): boolean | void => {
      if (matches(scope, object)) return visit(object, key);
    };
    if (scope.name !== '' && (scope.namespace !== '' || !this.kind.namespaced)) {
      const key = this.kind.namespaced ? `${scope.namespace}/${scope.name}` : scope.name;
      const object = this.objects.get(key);
      if (object && key >= startKey) consider(object, key);
      return;
    }
    if (scope.nodeName !== '' && this.#indexNodes) {
      const found = [...(this.#onNode.get(scope.nodeName) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [key, object] of found) if (key >= startKey && consider(object, key) === false) return;
      return;
    }
    const prefix = scope.namespace === '' ? '' : `${scope.namespace}/`;
    this.objects.walk(startKey > prefix ? startKey : prefix, prefix === '' ? null : prefixEnd(prefix), consider);
  }

  /** The first revision at which a watch may start. */
  get windowStart(): number {
    return this.#window.start;
  }

  /** Events after `revision` in the scope; undefined when that is too far back. */
  since(revision: number, scope: Scope): readonly { readonly chunk: WatchChunk; readonly event: CacheEvent }[] | undefined {
    const events = this.#window.after(revision);
    if (!events) return undefined;
    const out: { chunk: WatchChunk; event: CacheEvent }[] = [];
    for (const event of events) {
      const chunk = chunkFor(scope, event);
      if (chunk) out.push({ chunk, event });
    }
    return out;
  }

  addWatcher(watcher: CacheWatcher): void {
    this.#bucketOf(watcher.scope, true)?.add(watcher);
  }

  removeWatcher(watcher: CacheWatcher): void {
    const { scope } = watcher;
    const bucket = this.#bucketOf(scope, false);
    if (!bucket) return;
    bucket.delete(watcher);
    if (bucket.size > 0) return;
    this.#byObject.delete(objectKey(this.kind, scope));
    if (scope.nodeName !== '' && this.#byNode.get(scope.nodeName) === bucket) this.#byNode.delete(scope.nodeName);
    if (this.#byNamespace.get(scope.namespace) === bucket) this.#byNamespace.delete(scope.namespace);
  }

  *watchers(): Iterable<CacheWatcher> {
    yield* this.#all;
    for (const index of [this.#byObject, this.#byNode, this.#byNamespace]) for (const set of index.values()) yield* set;
  }

  #bucketOf(scope: Scope, create: boolean): Set<CacheWatcher> | undefined {
    if (scope.name !== '' && (scope.namespace !== '' || !this.kind.namespaced))
      return bucket(this.#byObject, objectKey(this.kind, scope), create);
    if (scope.nodeName !== '' && this.#indexNodes) return bucket(this.#byNode, scope.nodeName, create);
    if (scope.namespace !== '') return bucket(this.#byNamespace, scope.namespace, create);
    return this.#all;
  }

  #index(before: VersionedObject | null, after: VersionedObject | null, key: string): void {
    if (!this.#indexNodes) return;
    const old = before ? nodeNameOf(before) : '';
    const now = after ? nodeNameOf(after) : '';
    if (old !== '' && old !== now) {
      const pods = this.#onNode.get(old);
      pods?.delete(key);
      if (pods?.size === 0) this.#onNode.delete(old);
    }
    if (now === '') return;
    let pods = this.#onNode.get(now);
    if (!pods) {
      pods = new Map();
      this.#onNode.set(now, pods);
    }
    pods.set(key, after as VersionedObject);
  }

  #fanOut(event: CacheEvent): void {
    deliver(this.#all, event);
    deliver(this.#byObject.get(event.key), event);
    if (this.#byNamespace.size > 0) deliver(this.#byNamespace.get(event.key.slice(0, Math.max(0, event.key.indexOf('/')))), event);
    if (this.#byNode.size > 0) {
      const now = event.after ? nodeNameOf(event.after) : '';
      const old = event.before ? nodeNameOf(event.before) : '';
      if (now !== '') deliver(this.#byNode.get(now), event);
      if (old !== '' && old !== now) deliver(this.#byNode.get(old), event);
    }
  }
}

/** Whether the object lies in the scope. */
export function matches(scope: Scope, object: VersionedObject): boolean {
  const { metadata } = object;
  if (scope.namespace !== '' && metadata.namespace !== scope.namespace) return false;
  if (scope.name !== '' && metadata.name !== scope.name) return false;
  if (scope.nodeName !== '' && nodeNameOf(object) !== scope.nodeName) return false;
  return scope.matches === null || scope.matches(object);
}

function chunkFor(scope: Scope, event: CacheEvent): WatchChunk | null {
  return event.chunk(event.before !== null && matches(scope, event.before), event.after !== null && matches(scope, event.after));
}

function deliver(watchers: Set<CacheWatcher> | undefined, event: CacheEvent): void {
  if (!watchers) return;
  for (const watcher of watchers) {
    const chunk = chunkFor(watcher.scope, event);
    if (chunk) watcher.deliver(chunk, event);
  }
}

const objectKey = (kind: ResourceKind, scope: Scope): string => (kind.namespaced ? `${scope.namespace}/${scope.name}` : scope.name);

function bucket(index: Map<string, Set<CacheWatcher>>, key: string, create: boolean): Set<CacheWatcher> | undefined {
  let set = index.get(key);
  if (!set && create) {
    set = new Set();
    index.set(key, set);
  }
  return set;
}
