// What creating, updating and patching have in common: decoding the body, and the way of an update through admission,
// the kind's strategy, validation and the store.

import { decodeObject } from '../../api/decode.ts';
import { applyDefaults } from '../../api/defaults.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { badRequest, conflict, type FieldError, invalid, requestTooLarge } from '../../api/status.ts';
import { prepareForStatusUpdate, prepareForUpdate } from '../../api/strategy.ts';
import { validateUpdate } from '../../api/validation.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Op } from '../../sim/simulation.ts';
import type { AdmissionRequest, Operation } from '../admission/chain.ts';
import { type Exchange, stage } from '../server.ts';
import { type Address, checkPreconditions } from '../storage/store.ts';
import { fieldValidation } from './options.ts';
import { beforeServiceUpdate } from './services.ts';
import { storedKind, toStored } from './versions.ts';

/** Bodies beyond this are refused (--max-request-body-bytes has no flag; the limit is fixed upstream, too). */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

const DECODE_COST = 30;
const ADMIT_COST = 40;
const VALIDATE_COST = 40;

/** The request's body as an object of `kind`, with defaults, in the stored version; `old` as for decodeObject. @throws ApiError 400, 413, 415 */
export function decodeBody(x: Exchange, kind: ResourceKind, body: unknown = x.http.body, old: ApiObject | null = null): ApiObject {
  checkSize(x);
  if (body === undefined || body === '') throw badRequest('the body of the request was empty');
  if (typeof body !== 'object')
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error`);
  const { object, warnings } = decodeObject(kind, body, fieldValidation(x.query), old);
  for (const warning of warnings) x.warnings.push(warning);
  const complete = applyDefaults(storedKind(kind), toStored(kind, object), old);
  stage(x, 'decode', DECODE_COST, () => ({ kind: kind.kind, before: body, after: complete }));
  return complete;
}

/** @throws ApiError 413 when the client announces more than a request may hold */
export function checkSize(x: Exchange): void {
  const length = Number(x.http.headers['content-length'] ?? 0);
  if (length > MAX_BODY_BYTES) throw requestTooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`);
}

/** The namespace in the body must be that of the URL; left out, it is filled in. @throws ApiError 400 */
export function inNamespace(x: Exchange, kind: ResourceKind, object: ApiObject): ApiObject {
  const { namespace } = x.info;
  const given = object.metadata.namespace ?? '';
  if (!kind.namespaced) {
    if (given === '') return object;
    const { namespace: _, ...metadata } = object.metadata;
    return { ...object, metadata };
  }
  if (given === namespace) return object;
  if (given !== '') throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** @throws ApiError 422 when there are errors */
export function mustBeValid(x: Exchange, kind: ResourceKind, name: string, errors: readonly FieldError[]): void {
  stage(x, 'validate', VALIDATE_COST, () => ({ errors }));
  if (errors.length > 0) throw invalid(kind, name, errors);
}

export function admissionRequest(
  x: Exchange,
  kind: ResourceKind,
  operation: Operation,
  name: string,
  object: ApiObject | null,
  old: ApiObject | null,
): AdmissionRequest {
  const { server, user, info } = x;
  return { server, operation, kind, subresource: info.subresource, namespace: info.namespace, name, user, object, old };
}

/** Kinds whose update must say which version it replaces. */
const CONDITIONAL_ONLY = new Set([
  'namespaces',
  'leases.coordination.k8s.io',
  'poddisruptionbudgets.policy',
  'runtimeclasses.node.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'csinodes.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
]);

/**
 * Replaces the object by what `next` makes of its newest state. This is rest.BeforeUpdate and the admission around it.
 * @throws ApiError
 */
export function updateObject(x: Exchange, at: Address, next: (current: VersionedObject) => ApiObject): Op<VersionedObject> {
  const { store } = x.server;
  const { kind } = at;
  const isStatus = x.info.subresource === 'status' || x.info.subresource === 'approval';
  const change = function* (current: VersionedObject): Op<ApiObject> {
    const wanted = next(current);
    checkVersion(at, wanted, current);
    const request = admissionRequest(x, kind, 'UPDATE', at.name, wanted, current);
    const admitted = (yield* x.server.admission.admit(x, request)) as ApiObject;
    x.meter.use(ADMIT_COST);
    let prepared: ApiObject = isStatus
      ? prepareForStatusUpdate(kind, admitted, current)
      : prepareForUpdate<ApiObject>(kind, admitted, current);
    if (kind.key === 'services' && !isStatus) prepared = yield* beforeServiceUpdate(x, prepared, current);
    if (prepared !== current) mustBeValid(x, kind, at.name, validateUpdate(kind, prepared, current, x.info.subresource));
    x.server.admission.validate(x, { ...request, object: prepared });
    yield* x.meter.settle();
    return prepared;
  };
  return x.dryRun ? tryOut(x, at, change) : store.update(at, change);
}

function* tryOut(x: Exchange, at: Address, change: (current: VersionedObject) => Op<ApiObject>): Op<VersionedObject> {
  return (yield* change(yield* x.server.store.get(at))) as VersionedObject;
}

/** Optimistic concurrency: a resourceVersion or uid in the object must be the current one. @throws ApiError 409, 422 */
function checkVersion(at: Address, wanted: ApiObject, current: VersionedObject): void {
  const { resourceVersion, uid } = wanted.metadata;
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== '0') {
    if (resourceVersion !== current.metadata.resourceVersion) throw conflict(at.kind, at.name);
  } else if (CONDITIONAL_ONLY.has(at.kind.key)) {
    const message = 'Invalid value: 0: must be specified for an update';
    throw invalid(at.kind, at.name, [{ type: 'FieldValueInvalid', field: 'metadata.resourceVersion', message }]);
  }
  if (uid !== undefined && uid !== '') checkPreconditions(at, current, { uid });
}
