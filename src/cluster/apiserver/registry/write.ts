// What creating, updating and patching have in common: decoding the body, and the way of an update through admission,
// the kind's strategy, validation and the store.

import { storageKind } from '../../api/convert.ts';
import { decodeObject } from '../../api/decode.ts';
import { applyDefaults } from '../../api/defaults.ts';
import type { CustomResourceDefinition, Pod } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { withOldTimes } from '../../api/managed-fields/update.ts';
import type { ApiObject } from '../../api/meta.ts';
import { badRequest, conflict, type FieldError, invalid, requestTooLarge } from '../../api/status.ts';
import { prepareForStatusUpdate, prepareForUpdate } from '../../api/strategy.ts';
import { onlyResize } from '../../api/strategy/pod-resize.ts';
import { validateUpdate } from '../../api/validation.ts';
import { warningsOf } from '../../api/warnings.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Op } from '../../sim/simulation.ts';
import type { AdmissionRequest, Operation } from '../admission/chain.ts';
import { confirmNoEscalation, RBAC_GROUP } from '../authorization/escalation.ts';
import { validateDefinition } from '../apiextensions/definition-validation.ts';
import { DEFINITIONS } from '../apiextensions/definitions.ts';
import { type Exchange, stage } from '../server.ts';
import { type Address, checkPreconditions } from '../storage/store.ts';
import { bodyOf } from './body.ts';
import { fieldValidation } from './options.ts';
import { beforeServiceUpdate } from './services.ts';
import { trackChange } from './tracking.ts';
import { toStored } from './versions.ts';

/** Bodies beyond this are refused (--max-request-body-bytes has no flag; the limit is fixed upstream, too). */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

const DECODE_COST = 30;
const ADMIT_COST = 40;
const VALIDATE_COST = 40;

/** The request's body as an object of `kind`, with defaults, in the stored version; `old` as for decodeObject. @throws ApiError 400, 413, 415 */
export function decodeBody(x: Exchange, kind: ResourceKind, body: unknown = bodyOf(x, kind), old: ApiObject | null = null): ApiObject {
  checkSize(x);
  if (body === undefined || body === '') throw badRequest('the body of the request was empty');
  if (typeof body !== 'object')
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error`);
  const { object, warnings } = decodeObject(kind, body, fieldValidation(x.query, x.info.verb), old);
  for (const warning of warnings) x.warnings.push(warning);
  const complete = withoutEmptyLists(applyDefaults(storageKind(kind), toStored(kind, object), old));
  stage(x, 'decode', DECODE_COST, () => ({ kind: kind.kind, before: body, after: complete }));
  return complete;
}

/** Go writes no empty lists of owners and finalizers (omitempty): a patch that takes the last one away takes the field away. */
function withoutEmptyLists(object: ApiObject): ApiObject {
  const { ownerReferences, finalizers } = object.metadata;
  if (ownerReferences?.length !== 0 && finalizers?.length !== 0) return object;
  const { ownerReferences: _owners, finalizers: _finalizers, ...rest } = object.metadata;
  const metadata = { ...rest, ...(ownerReferences?.length ? { ownerReferences } : {}), ...(finalizers?.length ? { finalizers } : {}) };
  return { ...object, metadata: metadata as ApiObject['metadata'] };
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

/** Puts what there is to warn of into the answer's headers. Components of the cluster do not read these: they are spared the search. */
export function addWarnings(x: Exchange, kind: ResourceKind, object: ApiObject, old: ApiObject | null): void {
  if (kind.custom !== null || x.user.name.startsWith('system:')) return;
  for (const text of warningsOf(kind, object, old)) if (!x.warnings.includes(text)) x.warnings.push(text);
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
  return { x, server, operation, kind, subresource: info.subresource, namespace: info.namespace, name, user, object, old };
}

/** Admission of what is created under an object: a Binding, an Eviction, a TokenRequest. @throws ApiError */
export function* admitSubresource(x: Exchange, kind: ResourceKind, name: string, body: ApiObject): Op<void> {
  const { admission } = x.server;
  const request = admissionRequest(x, kind, 'CREATE', name, body, null);
  const object = yield* admission.admit(x, request);
  const checked = admission.validate(x, { ...request, object });
  if (checked) yield* checked;
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
 * `track` false: `next` has seen to the managedFields itself. @throws ApiError
 */
export function updateObject(x: Exchange, at: Address, next: (current: VersionedObject) => ApiObject, track = true): Op<VersionedObject> {
  const { store } = x.server;
  const { kind } = at;
  const isStatus = x.info.subresource === 'status' || x.info.subresource === 'approval';
  const change = function* (stored: VersionedObject): Op<ApiObject> {
    // Custom resources are changed and checked in the version of the request; others come in the stored one.
    const current = (kind.custom?.present(stored) ?? stored) as VersionedObject;
    const given = next(stored);
    const wanted = given === stored ? current : track ? trackChange(x, kind, current, given) : given;
    checkVersion(at, wanted, current);
    const request = admissionRequest(x, kind, 'UPDATE', at.name, wanted, current);
    const admitted = (yield* x.server.admission.admit(x, request)) as ApiObject;
    if (kind.group === RBAC_GROUP) confirmNoEscalation(x, kind, admitted, current);
    x.meter.use(ADMIT_COST);
    let prepared: ApiObject = isStatus
      ? prepareForStatusUpdate(kind, admitted, current)
      : prepareForUpdate<ApiObject>(kind, x.info.subresource === 'resize' ? onlyResize(admitted as Pod, current as Pod) : admitted, current);
    if (kind.key === 'services' && !isStatus) prepared = yield* beforeServiceUpdate(x, prepared, current);
    prepared = withOldTimes(prepared, current);
    if (prepared !== current) mustBeValid(x, kind, at.name, updateErrors(kind, prepared, current, x.info.subresource));
    if (prepared !== current && !isStatus) addWarnings(x, kind, prepared, current);
    const checked = x.server.admission.validate(x, { ...request, object: prepared });
    if (checked) yield* checked;
    yield* x.meter.settle();
    return kind.custom?.toStored(prepared === current ? stored : prepared) ?? prepared;
  };
  return x.dryRun ? tryOut(x, at, change) : store.update(at, change);
}

function updateErrors(kind: ResourceKind, object: ApiObject, old: ApiObject, subresource: string): readonly FieldError[] {
  if (kind.key !== DEFINITIONS) return validateUpdate(kind, object, old, subresource);
  return validateDefinition(object as CustomResourceDefinition, old as CustomResourceDefinition, subresource === 'status');
}

function* tryOut(x: Exchange, at: Address, change: (current: VersionedObject) => Op<ApiObject>): Op<VersionedObject> {
  return (yield* change(yield* x.server.store.get(at))) as VersionedObject;
}

/** Optimistic concurrency: a resourceVersion or uid in the object must be the current one. @throws ApiError 409, 422 */
function checkVersion(at: Address, wanted: ApiObject, current: VersionedObject): void {
  const { resourceVersion, uid } = wanted.metadata;
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== '0') {
    if (resourceVersion !== current.metadata.resourceVersion) throw conflict(at.kind, at.name);
  } else if (at.kind.custom !== null || CONDITIONAL_ONLY.has(at.kind.key)) {
    const message = 'Invalid value: 0: must be specified for an update';
    throw invalid(at.kind, at.name, [{ type: 'FieldValueInvalid', field: 'metadata.resourceVersion', message }]);
  }
  if (uid !== undefined && uid !== '') checkPreconditions(at, current, { uid });
}
