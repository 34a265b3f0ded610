// Shared informers as client-go's tools/cache: a reflector lists and watches one resource into a store, or lets the watch begin
// with what there is (WatchListClient), and tells handlers what changed, each under the cause of the watch event that told it.

import { ApiError } from '../api/status.ts';
import type { ResourceTypes, Status } from '../api/generated/types.ts';
import type { ResourceKind } from '../api/kinds.ts';
import { type ApiObject, keyOf } from '../api/meta.ts';
import type { Os } from '../machine/process.ts';
import { Deferred } from '../sim/channel.ts';
import type { Random } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, MINUTE, type Micros, SECOND } from '../sim/time.ts';
import { type Client, isInitialEventsEnd, type StoredResource, type WatchEvent, type WatchOptions, type WatchStream } from './client.ts';
import { isProgrammingError, messageOf } from './errors.ts';
import { type IndexFunction, Store } from './store.ts';

export interface Handler<T> {
  add?(object: T): void;
  update?(before: T, after: T): void;
  /** `object` is the last known state. */
  delete?(object: T): void;
}

/** Restricts what an informer sees. */
export interface InformerOptions {
  /** '' or absent: all namespaces. */
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

const FIRST_BACKOFF: Micros = 800 * MILLISECOND;
const MAX_BACKOFF: Micros = 30 * SECOND;
/** After so long without failure the back-off starts anew. */
const BACKOFF_RESET: Micros = 2 * MINUTE;
const MIN_WATCH_SECONDS = 300;
const PAGE = 500;

export class Informer<T extends ApiObject> {
  readonly resource: string;
  readonly #kind: StoredResource | ResourceKind;
  readonly #os: Os;
  readonly #client: Client;
  readonly #options: InformerOptions;
  readonly #store = new Store<T>();
  readonly #adding: Pick<Required<Handler<T>>, 'add'>[] = [];
  readonly #updating: Pick<Required<Handler<T>>, 'update'>[] = [];
  readonly #deleting: Pick<Required<Handler<T>>, 'delete'>[] = [];
  readonly #synced: Deferred<void>;
  readonly #backoff: Backoff;
  readonly #random: Random;
  #started = false;
  #stopped = false;
  #stream: { cancel(): void } | null = null;
  /** Where the next watch starts; '' = list from the newest state first. */
  #resourceVersion = '0';

  constructor(os: Os, client: Client, kind: StoredResource | ResourceKind, options: InformerOptions = {}) {
    const resource = typeof kind === 'string' ? kind : kind.key;
    this.resource = resource;
    this.#kind = kind;
    this.#os = os;
    this.#client = client;
    this.#options = options;
    this.#synced = new Deferred(os.sim);
    this.#random = os.sim.random(`reflector/${os.place}/${client.config.userAgent}/${resource}`);
    this.#backoff = new Backoff(os, this.#random);
  }

  /** The first list is in the store, and the handlers have seen it. */
  get hasSynced(): boolean {
    return this.#synced.settled;
  }

  get size(): number {
    return this.#store.size;
  }

  /** Handlers run inside the reflector, one event at a time; they must not wait. Late ones first see all that is there. */
  addHandler(handler: Handler<T>): void {
    if (handler.update) this.#updating.push(handler as Required<Handler<T>>);
    if (handler.delete) this.#deleting.push(handler as Required<Handler<T>>);
    if (!handler.add) return;
    this.#adding.push(handler as Required<Handler<T>>);
    for (const object of this.#store.list()) handler.add(object);
  }

  addIndex(name: string, by: IndexFunction<T>): void {
    this.#store.addIndex(name, by);
  }

  /** `namespace` '' for cluster scope. */
  get(namespace: string, name: string): T | undefined {
    return this.#store.get(namespace === '' ? name : `${namespace}/${name}`);
  }

  /** By `namespace/name`. */
  getByKey(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(namespace?: string): readonly T[] {
    return this.#store.list(namespace);
  }

  index(name: string, value: string): readonly T[] {
    return this.#store.index(name, value);
  }

  /** How many objects `index` would give. */
  count(name: string, value: string): number {
    return this.#store.count(name, value);
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#os.go(`reflector/${this.resource}`, () => this.#run());
  }

  /** Ends it: the resource is no longer served. Handlers hear of all objects going. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stream?.cancel();
    this.#replace([]);
  }

  *waitForSync(): Op<void> {
    yield* this.#synced.wait();
  }

  *#run(): Op<void> {
    while (!this.#stopped) {
      this.#os.sim.cause = null;
      try {
        const stream = this.#client.config.streamsLists ? yield* this.#streamInto() : null;
        if (stream === null) yield* this.#listInto();
        yield* this.#watchOn(stream);
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        if (isExpired(error)) this.#resourceVersion = '';
        else if (!this.#stopped) this.#logFailure(error);
      }
      this.#os.sim.cause = null;
      if (this.#stopped) return;
      yield* this.#os.sleep(this.#backoff.next());
    }
  }

  *#listInto(): Op<void> {
    const { namespace = '', fieldSelector = '', labelSelector = '' } = this.#options;
    const items: T[] = [];
    let page = yield* this.#client.list(this.#kind, namespace, {
      fieldSelector,
      labelSelector,
      limit: PAGE,
      resourceVersion: this.#resourceVersion,
    });
    for (;;) {
      for (const item of page.items) items.push(item as ApiObject as T);
      if (page.continue === undefined) break;
      page = yield* this.#client.list(this.#kind, namespace, { fieldSelector, labelSelector, limit: PAGE, continue: page.continue });
    }
    this.#replace(items);
    this.#resourceVersion = page.resourceVersion;
    if (!this.#synced.settled) this.#synced.resolve(undefined);
  }

  /**
   * Lets a watch begin with all that there is. Null when the server refuses it; then an ordinary list tells why, or does.
   * @returns the watch, which goes on
   */
  *#streamInto(): Op<WatchStream<unknown> | null> {
    const items = new Map<string, T>();
    let stream: WatchStream<unknown>;
    try {
      stream = yield* this.#open({ sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' });
    } catch (error) {
      if (error instanceof ApiError && error.code !== 410) return null;
      throw error;
    }
    try {
      for (let event = yield* stream.read(); event !== undefined; event = yield* stream.read()) {
        const { type, object } = event;
        if (type === 'ERROR') throw new ApiError(object as Status);
        const item = object as T;
        if (isInitialEventsEnd(event)) {
          this.#replace([...items.values()]);
          this.#resourceVersion = item.metadata.resourceVersion ?? this.#resourceVersion;
          if (!this.#synced.settled) this.#synced.resolve(undefined);
          return stream;
        }
        if (type === 'DELETED') items.delete(keyOf(item));
        else if (type !== 'BOOKMARK') items.set(keyOf(item), item);
      }
    } catch (error) {
      this.#close(stream);
      throw error;
    }
    this.#close(stream);
    throw new Error('the watch ended before its initial events');
  }

  *#open(options: WatchOptions): Op<WatchStream<unknown>> {
    const { namespace = '', fieldSelector = '', labelSelector = '' } = this.#options;
    const stream = yield* this.#client.watch(this.#kind, namespace, {
      fieldSelector,
      labelSelector,
      // A list takes what the cache has; a watch that is to begin with everything, the newest.
      resourceVersion: options.sendInitialEvents && this.#resourceVersion === '0' ? '' : this.#resourceVersion,
      timeoutSeconds: Math.floor(MIN_WATCH_SECONDS * (1 + this.#random.float())),
      allowWatchBookmarks: true,
      ...options,
    });
    return (this.#stream = stream as WatchStream<unknown>);
  }

  #close(stream: WatchStream<unknown>): void {
    stream.cancel();
    this.#stream = null;
  }

  /** Watches from where the list ended, again and again, until the server wants a new list (throws). `stream`: a watch that goes on. */
  *#watchOn(begun: WatchStream<unknown> | null): Op<void> {
    for (let stream = begun; ; stream = null) {
      const opened = this.#os.sim.now;
      const open = stream ?? (yield* this.#open({}));
      let events = 0;
      try {
        for (let event = yield* open.read(); event !== undefined; event = yield* open.read()) {
          events++;
          this.#apply(event);
        }
      } finally {
        this.#close(open);
      }
      if (this.#stopped) return;
      this.#os.sim.cause = null;
      if (events === 0 && stream === null && this.#os.sim.now - opened < SECOND) throw new Error('very short watch: Unexpected watch close - watch lasted less than a second and no items received');
    }
  }

  #apply({ type, object }: WatchEvent<unknown>): void {
    if (type === 'ERROR') throw new ApiError(object as Status);
    const item = object as T;
    this.#resourceVersion = item.metadata.resourceVersion ?? this.#resourceVersion;
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') {
      this.#store.delete(keyOf(item));
      this.#deleted(item);
    } else this.#set(item);
  }

  #replace(items: readonly T[]): void {
    const gone = new Set(this.#store.keys());
    for (const item of items) {
      gone.delete(keyOf(item));
      this.#set(item, true);
    }
    for (const key of gone) this.#deleted(this.#store.delete(key) as T);
  }

  // Each handler starts with the event's own cause.

  /** `listed`: that the object is there says nothing about a change. */
  #set(object: T, listed = false): void {
    const sim = this.#os.sim;
    const cause = sim.cause;
    const before = this.#store.put(object);
    if (before === undefined) {
      for (const handler of this.#adding) {
        handler.add(object);
        sim.cause = cause;
      }
    } else if (!listed || before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      for (const handler of this.#updating) {
        handler.update(before, object);
        sim.cause = cause;
      }
    }
  }

  #deleted(object: T): void {
    const sim = this.#os.sim;
    const cause = sim.cause;
    for (const handler of this.#deleting) {
      handler.delete(object);
      sim.cause = cause;
    }
  }

  #logFailure(error: unknown): void {
    this.#os.logError(`"Failed to watch" err="failed to list ${this.resource}: ${messageOf(error)}" reflector="k8s.io/client-go/informers/factory.go"`);
  }
}

/** The informers of one process: one a resource (and restriction), shared by all who ask. */
export class InformerFactory {
  readonly #os: Os;
  readonly #client: Client;
  readonly #informers = new Map<string, Informer<ApiObject>>();

  constructor(os: Os, client: Client) {
    this.#os = os;
    this.#client = client;
  }

  informer<R extends StoredResource>(resource: R, options: InformerOptions = {}): Informer<ResourceTypes[R]> {
    const key = `${resource}?${options.namespace ?? ''}&${options.fieldSelector ?? ''}&${options.labelSelector ?? ''}`;
    let informer = this.#informers.get(key);
    if (!informer) this.#informers.set(key, (informer = new Informer<ApiObject>(this.#os, this.#client, resource, options)));
    return informer as unknown as Informer<ResourceTypes[R]>;
  }

  /** Somebody has asked for the unrestricted informer of that resource. */
  has(resource: StoredResource): boolean {
    return this.#informers.has(`${resource}?&&`);
  }

  /** Starts those that do not run yet. */
  start(): void {
    for (const informer of this.#informers.values()) informer.start();
  }

  *waitForSync(): Op<void> {
    for (const informer of this.#informers.values()) yield* informer.waitForSync();
  }
}

/** wait.NewExponentialBackoffManager(800ms, 30s, 2m, 2.0, 1.0). */
class Backoff {
  readonly #os: Os;
  readonly #random: Random;
  #delay: Micros = FIRST_BACKOFF;
  #last: Micros = 0;

  constructor(os: Os, random: Random) {
    this.#os = os;
    this.#random = random;
  }

  next(): Micros {
    const now = this.#os.sim.now;
    if (now - this.#last > BACKOFF_RESET) this.#delay = FIRST_BACKOFF;
    this.#last = now;
    const delay = this.#delay;
    this.#delay = Math.min(MAX_BACKOFF, delay * 2);
    return Math.round(delay * (1 + this.#random.float()));
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.code === 410;
}
