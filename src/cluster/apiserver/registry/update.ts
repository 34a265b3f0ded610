// PUT and PATCH of whole objects and of /status.

import { storageKind } from '../../api/convert.ts';
import { jsonType } from '../../api/decode-walk.ts';
import { jsonError } from '../../api/json-error.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, isDeleting } from '../../api/meta.ts';
import { applyJsonPatch } from '../../api/patch/json.ts';
import { applyMergePatch } from '../../api/patch/merge.ts';
import { applyStrategicPatch } from '../../api/patch/strategic.ts';
import { badRequest, invalid, isNotFound, unsupportedMediaType } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Exchange, stage } from '../server.ts';
import type { Address } from '../storage/store.ts';
import { APPLY, applyObject, isApply } from './apply.ts';
import { bodyOf, mediaType } from './body.ts';
import { createObject } from './create.ts';
import { removeNow } from './delete.ts';
import { asPatchError } from './patch-errors.ts';
import { replyObject } from './responses.ts';
import { present } from './versions.ts';
import { checkSize, decodeBody, inNamespace, updateObject } from './write.ts';

const ANSWER_COST = 50;
const PATCH_COST = 40;

/** Kinds that a PUT may create. */
const CREATED_BY_PUT = new Set([
  'endpoints',
  'events',
  'limitranges',
  'services',
  'leases.coordination.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'priorityclasses.scheduling.k8s.io',
]);

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const SUPPORTED = [JSON_PATCH, MERGE, STRATEGIC, APPLY];

export function* update(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, storageKind(kind));
  const known = storageKind(kind) === kind ? x.server.store.cached(at) : undefined;
  const given = inNamespace(x, kind, decodeBody(x, kind, bodyOf(x, kind), known ?? null));
  const { name } = given.metadata;
  if (name === '') throw badRequest('the name of the object must be provided');
  if (name !== at.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${at.name})`);
  const { created, object } = yield* replaceOrCreate(x, at, given);
  return yield* answer(x, kind, at, created ? 201 : 200, object);
}

function* replaceOrCreate(x: Exchange, at: Address, given: ApiObject): Op<{ created: boolean; object: VersionedObject | ApiObject }> {
  try {
    return { created: false, object: yield* updateObject(x, at, () => given) };
  } catch (error) {
    const mayCreate = CREATED_BY_PUT.has(at.kind.key) && x.info.subresource === '' && !given.metadata.resourceVersion;
    if (!isNotFound(error) || !mayCreate) throw error;
    return { created: true, object: yield* createObject(x, at.kind, given) };
  }
}

export function* patch(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, storageKind(kind));
  checkSize(x);
  if (isApply(x)) {
    const { created, object } = yield* applyObject(x, kind, at);
    return yield* answer(x, kind, at, created ? 201 : 200, object);
  }
  const apply = patcher(x, kind);
  const object = yield* updateObject(x, at, (current) => {
    const view = present(kind, current);
    const patched = apply(view) as ApiObject;
    x.meter.use(PATCH_COST);
    if (patched === view) return current;
    let decoded: ApiObject;
    try {
      decoded = decodeBody(x, kind, patched, view === current ? view : null);
    } catch (error) {
      throw asPatchError(error, kind, x.http.body, patched, mediaType(x) === STRATEGIC);
    }
    return rename(at, view, decoded);
  });
  return yield* answer(x, kind, at, 200, object);
}

function* answer(x: Exchange, kind: ResourceKind, at: Address, status: number, object: VersionedObject | ApiObject): Op<HttpResponse> {
  const left = yield* finishDeletion(x, at, object);
  stage(x, 'respond', ANSWER_COST, () => ({ status }));
  yield* x.meter.settle();
  return replyObject(x, status, kind, present(kind, left));
}

/** The function from old to patched object that the request's content type and body stand for. @throws ApiError 400, 415, 422 */
export function patcher(x: Exchange, kind: ResourceKind): (object: ApiObject) => unknown {
  const { body } = x.http;
  const type = mediaType(x);
  const supported = kind.schema === '' ? SUPPORTED.filter((t) => t !== STRATEGIC) : SUPPORTED;
  if (!supported.includes(type)) throw unknownFormat(supported);
  checkPatch(body, type);
  if (x.query['force'] !== undefined) {
    const message = 'Forbidden: may not be specified for non-apply patch';
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [{ type: 'FieldValueForbidden', field: 'force', message }]);
  }
  switch (type) {
    case JSON_PATCH:
      return (object) => applyJsonPatch(object, body);
    case MERGE:
      return (object) => applyMergePatch(object, body);
    case STRATEGIC:
      return (object) => applyStrategicPatch(kind.schema, object, body);
  }
  throw unknownFormat(supported);
}

/** What comes is what the type of patch needs: a list of operations, or an object. @throws ApiError 400 */
function checkPatch(body: unknown, type: string): void {
  const list = type === JSON_PATCH;
  if (typeof body === 'object' && body !== null && Array.isArray(body) === list) return;
  const broken = typeof body === 'string' ? jsonError(body) : null;
  const wanted = list ? '[]handlers.jsonPatchOp' : 'map[string]interface {}';
  const why = body === undefined ? 'unexpected end of JSON input' : (broken ?? `json: cannot unmarshal ${jsonType(body)} into Go value of type ${wanted}`);
  throw badRequest(type === STRATEGIC ? why : `error decoding patch: ${why}`);
}

const unknownFormat = (supported: readonly string[]) =>
  unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`);

/** A patch may not rename or move the object. @throws ApiError 400 */
function rename(at: Address, before: ApiObject, after: ApiObject): ApiObject {
  const { name, namespace } = after.metadata;
  if (name !== before.metadata.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${at.name})`);
  if ((namespace ?? '') !== (before.metadata.namespace ?? '')) {
    throw badRequest(`the namespace of the object (${namespace ?? ''}) does not match the namespace on the request (${at.namespace})`);
  }
  return after;
}

/** An object that only its finalizers kept goes with the last of them. */
export function* finishDeletion(x: Exchange, at: Address, object: VersionedObject | ApiObject): Op<VersionedObject | ApiObject> {
  if (x.dryRun || !isDeleting(object) || (object.metadata.finalizers?.length ?? 0) > 0) return object;
  if ((object.metadata.deletionGracePeriodSeconds ?? 0) > 0 || at.kind.key === 'namespaces') return object;
  yield* removeNow(x, at, { uid: object.metadata.uid ?? '' });
  return object;
}

export function addressOf(x: Exchange, kind: ResourceKind): Address {
  return { kind, namespace: kind.namespaced ? x.info.namespace : '', name: x.info.name };
}
