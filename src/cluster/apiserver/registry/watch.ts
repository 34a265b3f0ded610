// watch: what happened since a resourceVersion, then what happens. Bookmarks tell quiet watchers how far the server is.

import type { ResourceKind } from '../../api/kinds.ts';
import { expired } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import { type HttpResponse, HttpStream } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, MINUTE, SECOND } from '../../sim/time.ts';
import type { Subject } from '../../sim/trace.ts';
import { isTrue } from '../request.ts';
import { type Exchange, stage } from '../server.ts';
import type { Cacher, CacheWatcher, Scope } from '../storage/cacher.ts';
import type { CacheEvent, WatchChunk } from '../storage/events.ts';
import { freshEnough, parseRevision } from './get-list.ts';
import { checkWatchOptions, numberIn } from './list-options.ts';
import { scopeOf } from './options.ts';
import { JSON_HEADERS, wantsTable, watchTable } from './responses.ts';
import { present } from './versions.ts';

const START_COST = 80;
const BOOKMARK_INTERVAL: Micros = MINUTE;
/** The last bookmark comes this long before the watch ends, so that the next one starts near. */
const LAST_BOOKMARK: Micros = 2 * SECOND;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export function* watch(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  checkWatchOptions(x.query);
  const scope = scopeOf(kind, x.info, x.query);
  const cacher = x.server.store.cache.of(kind) as Cacher;
  const from = x.query['resourceVersion'] ?? '';
  const sends = x.query['sendInitialEvents'];
  const initial = isTrue(sends);
  const lifeSeconds = numberIn(x.query, 'timeoutSeconds');
  if (from === '' || initial) yield* freshEnough(x, from);
  stage(x, 'watch', START_COST, () => ({ resourceVersion: from }));
  yield* x.meter.settle();
  const stream = new Watch(x, kind, cacher, scope);
  const fromNow = from === '' || from === '0';
  // Without its initial events a watch of no particular version begins with what happens next.
  const revision = initial || (fromNow && sends === undefined) ? null : fromNow ? x.server.store.cache.revision : parseRevision(from);
  stream.open(revision, initial, lifeSeconds);
  return { status: 200, headers: JSON_HEADERS, stream: stream.stream };
}

class Watch implements CacheWatcher {
  readonly scope: Scope;
  readonly stream: HttpStream;
  readonly #x: Exchange;
  readonly #kind: ResourceKind;
  readonly #cacher: Cacher;
  readonly #asTable: boolean;
  readonly #plain: boolean;
  #bookmarkTimer: { cancel(): void } | null = null;
  #endTimer: { cancel(): void } | null = null;

  constructor(x: Exchange, kind: ResourceKind, cacher: Cacher, scope: Scope) {
    this.#x = x;
    this.#kind = kind;
    this.#cacher = cacher;
    this.scope = scope;
    this.stream = new HttpStream(x.server.sim);
    this.#asTable = wantsTable(x);
    this.#plain = !this.#asTable && kind.key === cacher.kind.key && kind.apiVersion === cacher.kind.apiVersion && kind.custom === null;
  }

  /** Sends the past from `revision` on (null: everything that exists now as ADDED), then stands by. */
  open(revision: number | null, initialEventsEnd: boolean, lifeSeconds: number): void {
    if (revision !== null) {
      const past = this.#cacher.since(revision, this.scope);
      if (!past) return this.#refuse(revision);
      for (const { chunk, event } of past) this.#send(chunk, event);
    } else {
      this.#cacher.select(this.scope, '', (object) => this.#send({ type: 'ADDED', object }, null));
    }
    if (initialEventsEnd && isTrue(this.#x.query['allowWatchBookmarks'])) this.#bookmark({ [INITIAL_EVENTS_END]: 'true' });
    this.#cacher.addWatcher(this);
    this.stream.onClose(() => this.#close());
    this.#startTimers(lifeSeconds);
  }

  end(): void {
    this.stream.close();
  }

  deliver(chunk: WatchChunk, event: CacheEvent): void {
    this.#send(chunk, event);
  }

  #send(chunk: WatchChunk, event: CacheEvent | null): void {
    const object = chunk.object as VersionedObject;
    const subject = event !== null && this.#kind === this.#cacher.kind ? event.subject(this.#kind) : this.#subject(object);
    this.stream.write(this.#plain ? chunk : this.#convert(chunk), { verb: chunk.type, kind: 'watch', subject, detail: object });
  }

  #convert(chunk: WatchChunk): WatchChunk {
    const object = present(this.#kind, chunk.object as VersionedObject);
    return { type: chunk.type, object: this.#asTable ? watchTable(this.#x, this.#kind, object) : object };
  }

  #subject(object: VersionedObject): Subject {
    const { group, plural, kind } = this.#kind;
    return { group, resource: plural, kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
  }

  /** The window does not reach back so far: the one event of this watch is an error. */
  #refuse(revision: number): void {
    const { status } = expired(`too old resource version: ${revision} (${this.#cacher.windowStart})`);
    this.stream.write({ type: 'ERROR', object: status }, { verb: 'ERROR', kind: 'watch', subject: this.#x.subject });
    this.stream.close();
  }

  #bookmark(annotations: Readonly<Record<string, string>> | null): void {
    const { server } = this.#x;
    const metadata = {
      resourceVersion: String(server.store.cache.revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    };
    const object = { kind: this.#kind.kind, apiVersion: this.#kind.apiVersion, metadata };
    this.stream.write({ type: 'BOOKMARK', object }, { verb: 'BOOKMARK', kind: 'watch', subject: this.#x.subject });
  }

  #startTimers(asked: number): void {
    const { server, query } = this.#x;
    const { minRequestTimeout } = server.flags;
    const life = asked > 0 ? asked * SECOND : Math.round((1 + server.random.float()) * minRequestTimeout * SECOND);
    this.#endTimer = this.#after(life, () => this.stream.close());
    if (!isTrue(query['allowWatchBookmarks'])) return;
    const end = server.sim.now + life;
    const next = (): void => {
      const left = end - server.sim.now - LAST_BOOKMARK;
      if (left <= 0) return;
      this.#bookmarkTimer = this.#after(Math.min(BOOKMARK_INTERVAL, left), () => {
        this.#bookmark(null);
        next();
      });
    };
    next();
  }

  /** Time passing works for nobody in particular. */
  #after(delay: Micros, action: () => void): { cancel(): void } {
    const { sim } = this.#x.server;
    const cause = sim.cause;
    sim.cause = null;
    let done = false;
    const timer = sim.after(delay, () => {
      done = true;
      action();
    });
    sim.cause = cause;
    return { cancel: () => void (done || sim.cancel(timer)) };
  }

  #close(): void {
    this.#cacher.removeWatcher(this);
    this.#endTimer?.cancel();
    this.#bookmarkTimer?.cancel();
  }
}
