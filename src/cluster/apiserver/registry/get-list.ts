// get and list. Lists come from the watch cache once it is as new as etcd (KEP-2340); later pages of a list come from
// etcd at the first page's revision.

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
import { checkListOptions, isExact, numberIn, readToken, type Token, writeToken } from './list-options.ts';
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
  const { query } = x;
  checkListOptions(query);
  const scope = scopeOf(kind, x.info, query);
  const limit = numberIn(query, 'limit');
  const page = yield* pageOf(x, kind, scope, limit);
  stage(x, 'respond', ANSWER_COST + ITEM_COST * page.items.length, () => ({ status: 200, items: page.items.length }));
  yield* x.meter.settle();
  const items = page.items.map((object) => present(kind, object));
  return replyList(x, kind, items, {
    resourceVersion: String(page.revision),
    ...(page.remaining === 0 ? {} : { continue: writeToken(page.revision, page.last) }),
    ...(page.remaining > 0 && scope.matches === null ? { remainingItemCount: page.remaining } : {}),
  });
}

interface Page {
  readonly items: readonly VersionedObject[];
  readonly revision: number;
  /** Key of its last object below the listed prefix. */
  readonly last: string;
  /** How many come after it. */
  readonly remaining: number;
}

function pageOf(x: Exchange, kind: ResourceKind, scope: Scope, limit: number): Op<Page> {
  const token = x.query['continue'] ?? '';
  const revision = x.query['resourceVersion'] ?? '';
  if (token !== '') {
    if (revision !== '' && revision !== '0') throw badRequest('specifying resource version is not allowed when using continue');
    return laterPage(x, kind, scope, limit, readToken(token));
  }
  if (isExact(x.query)) return exactPage(x, kind, scope, limit, parseRevision(revision));
  // The cache, asked for whatever it has, gives all of it.
  return firstPage(x, kind, scope, revision === '0' ? 0 : limit);
}

/** What the keys of a list have in common: those of a namespace, where it lists only one. */
const listedPrefix = (kind: ResourceKind, scope: Scope): string =>
  scope.namespace === '' || !kind.namespaced ? '' : `${scope.namespace}/`;

function* firstPage(x: Exchange, kind: ResourceKind, scope: Scope, limit: number): Op<Page> {
  const { cache } = x.server.store;
  yield* freshEnough(x, x.query['resourceVersion'] ?? '');
  const items: VersionedObject[] = [];
  let last = '';
  let remaining = 0;
  cache.of(kind)?.select(scope, '', (object, key) => {
    if (limit > 0 && items.length === limit) remaining++;
    else {
      items.push(object);
      last = key;
    }
  });
  return { items, revision: cache.revision, last: last.slice(listedPrefix(kind, scope).length), remaining };
}

function* exactPage(x: Exchange, kind: ResourceKind, scope: Scope, limit: number, revision: number): Op<Page> {
  yield* freshEnough(x, String(revision));
  try {
    return yield* pageFromEtcd(x, kind, scope, limit, revision, '');
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw expired('The resourceVersion for the provided list is too old.');
  }
}

function* laterPage(x: Exchange, kind: ResourceKind, scope: Scope, limit: number, from: Token): Op<Page> {
  try {
    return yield* pageFromEtcd(x, kind, scope, limit, from.revision, from.start);
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    const { status } = expired(TOKEN_TOO_OLD);
    // With the token in this answer the rest can be had as it is now.
    throw new ApiError({ ...status, metadata: { continue: writeToken(-1, from.start.replace(/\0$/, '')) } });
  }
}

const TOKEN_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** The objects from `start` on, as of `revision` (-1: the newest). @throws CompactedError */
function* pageFromEtcd(x: Exchange, kind: ResourceKind, scope: Scope, limit: number, revision: number, start: string): Op<Page> {
  const prefix = prefixOf(kind) + listedPrefix(kind, scope);
  yield* x.meter.settle();
  const range = { key: prefix + start, rangeEnd: prefixEnd(prefix) };
  const { kvs, header } = yield* x.server.store.etcd.range(revision > 0 ? { ...range, revision } : range, x.subject);
  const items: VersionedObject[] = [];
  let last = '';
  let remaining = 0;
  for (const kv of kvs) {
    const object = objectOf(kv);
    if (!matches(scope, object)) continue;
    if (limit > 0 && items.length === limit) remaining++;
    else {
      items.push(object);
      last = kv.key.slice(prefix.length);
    }
  }
  return { items, revision: revision > 0 ? revision : header.revision, last, remaining };
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
