// get and list. Lists come from the watch cache once it is as new as etcd (KEP-2340); later pages of a list come from
// etcd at the first page's revision.

import { fromBase64, toBase64Url } from '../../api/base64.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { ApiError, badRequest, expired, notFound } from '../../api/status.ts';
import { prefixEnd } from '../../etcd/mvcc/ordered.ts';
import { objectOf, type VersionedObject } from '../../etcd/objects.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Exchange, stage } from '../server.ts';
import { matches, type Scope } from '../storage/cacher.ts';
import { CompactedError } from '../storage/etcd.ts';
import { prefixOf } from '../storage/keys.ts';
import type { Address } from '../storage/store.ts';
import { present } from './versions.ts';
import { scopeOf } from './options.ts';
import { replyList, replyObject } from './responses.ts';

/** Processor time for encoding an answer, and for each object of a list. */
const ANSWER_COST = 60;
const ITEM_COST = 2;

/** The object, as new as the resourceVersion parameter asks. @throws ApiError */
export function* getObject(x: Exchange, at: Address): Op<VersionedObject> {
  const { store } = x.server;
  const revision = x.query['resourceVersion'];
  if (revision === undefined || revision === '') {
    yield* x.meter.settle();
    return yield* store.get(at);
  }
  yield* freshEnough(x, revision);
  const cached = store.cached(at);
  if (!cached) throw notFound(at.kind, at.name);
  return cached;
}

export function* get(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const { namespace, name } = x.info;
  const object = yield* getObject(x, { kind, namespace, name });
  stage(x, 'respond', ANSWER_COST, () => ({ status: 200 }));
  yield* x.meter.settle();
  return replyObject(x, 200, kind, present(kind, object));
}

export function* list(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const scope = scopeOf(kind, x.info, x.query);
  const limit = x.query['limit'] === undefined ? 0 : Number(x.query['limit']);
  const token = x.query['continue'];
  const page = token ? yield* laterPage(x, kind, scope, limit, readToken(token)) : yield* firstPage(x, kind, scope, limit);
  stage(x, 'respond', ANSWER_COST + ITEM_COST * page.items.length, () => ({ status: 200, items: page.items.length }));
  yield* x.meter.settle();
  const items = page.items.map((object) => present(kind, object));
  return replyList(x, kind, items, {
    resourceVersion: page.resourceVersion,
    ...(page.next === '' ? {} : { continue: writeToken(page.resourceVersion, page.next) }),
    ...(page.remaining > 0 && scope.matches === null ? { remainingItemCount: page.remaining } : {}),
  });
}

interface Page {
  readonly items: readonly VersionedObject[];
  readonly resourceVersion: string;
  /** Relative key at which the next page begins; '' when there is none. */
  readonly next: string;
  readonly remaining: number;
}

function* firstPage(x: Exchange, kind: ResourceKind, scope: Scope, limit: number): Op<Page> {
  const { cache } = x.server.store;
  yield* freshEnough(x, x.query['resourceVersion'] ?? '');
  const cacher = cache.of(kind);
  const items: VersionedObject[] = [];
  let next = '';
  let remaining = 0;
  cacher?.select(scope, '', (object, key) => {
    if (limit > 0 && items.length === limit) {
      if (next === '') next = key;
      remaining++;
    } else items.push(object);
  });
  return { items, resourceVersion: String(cache.revision), next, remaining };
}

function* laterPage(x: Exchange, kind: ResourceKind, scope: Scope, limit: number, from: { revision: string; start: string }): Op<Page> {
  const prefix = prefixOf(kind);
  const inNamespace = scope.namespace === '' ? prefix : `${prefix}${scope.namespace}/`;
  yield* x.meter.settle();
  let kvs: readonly { readonly key: string }[];
  try {
    kvs = (yield* x.server.store.etcd.range(
      { key: prefix + from.start, rangeEnd: prefixEnd(inNamespace), revision: Number(from.revision) },
      x.subject,
    )).kvs;
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    );
  }
  const items: VersionedObject[] = [];
  let next = '';
  let remaining = 0;
  for (const kv of kvs) {
    const object = objectOf(kv as Parameters<typeof objectOf>[0]);
    if (!matches(scope, object)) continue;
    if (limit > 0 && items.length === limit) {
      if (next === '') next = kv.key.slice(prefix.length);
      remaining++;
    } else items.push(object);
  }
  return { items, resourceVersion: from.revision, next, remaining };
}

/** Waits until the cache is new enough: '' asks etcd for its revision, 0 takes what is there. @throws ApiError */
export function* freshEnough(x: Exchange, resourceVersion: string): Op<void> {
  if (resourceVersion === '0') return;
  const { cache } = x.server.store;
  const wanted = resourceVersion === '' ? yield* currentRevision(x) : parseRevision(resourceVersion);
  if (cache.revision >= wanted) return;
  yield* x.meter.settle();
  if (yield* cache.waitFor(wanted)) return;
  const message = `Timeout: Too large resource version: ${wanted}, current: ${cache.revision}`;
  throw new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Timeout',
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
    code: 504,
  });
}

function* currentRevision(x: Exchange): Op<number> {
  yield* x.meter.settle();
  const { header } = yield* x.server.store.etcd.range({ key: '/registry/health', countOnly: true }, x.subject);
  return header.revision;
}

/** @throws ApiError 400 */
export function parseRevision(text: string): number {
  const revision = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(revision)) return revision;
  throw badRequest(`invalid resource version ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** A continue token: version of its format, revision, first key of the next page. */
function writeToken(revision: string, start: string): string {
  return toBase64Url(JSON.stringify({ v: 'meta.k8s.io/v1', rv: Number(revision), start }));
}

function readToken(token: string): { revision: string; start: string } {
  const text = fromBase64(token);
  try {
    const read = JSON.parse(text ?? '') as { v?: unknown; rv?: unknown; start?: unknown };
    if (read.v === 'meta.k8s.io/v1' && typeof read.rv === 'number' && typeof read.start === 'string')
      return { revision: String(read.rv), start: read.start };
  } catch {
    // said below
  }
  throw badRequest('continue key is not valid: invalid continue token');
}
