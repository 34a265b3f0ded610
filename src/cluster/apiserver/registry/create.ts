// POST: a new object. Decode, admit, prepare, validate, write; a generated name that is taken is drawn again.

import { storageKind } from '../../api/convert.ts';
import type { CustomResourceDefinition } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { ApiError, badRequest, isAlreadyExists } from '../../api/status.ts';
import { prepareForCreate } from '../../api/strategy.ts';
import { validateCreate } from '../../api/validation.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { confirmNoEscalation, RBAC_GROUP } from '../authorization/escalation.ts';
import { validateDefinition } from '../apiextensions/definition-validation.ts';
import { DEFINITIONS } from '../apiextensions/definitions.ts';
import { beforeCreate } from '../apiextensions/gate.ts';
import { type Exchange, stage } from '../server.ts';
import { beginLife, nameObject } from './names.ts';
import { replyObject } from './responses.ts';
import { userInfo } from './reviews.ts';
import { beforeServiceCreate, releaseService } from './services.ts';
import { trackNew } from './tracking.ts';
import { present } from './versions.ts';
import { addWarnings, admissionRequest, decodeBody, inNamespace, mustBeValid } from './write.ts';

const ADMIT_COST = 60;
const ANSWER_COST = 50;
const NAME_ATTEMPTS = 8;

export function* create(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  if (kind.custom !== null) yield* beforeCreate(x.server, kind);
  const body = inNamespace(x, kind, decodeBody(x, kind));
  const object = yield* createObject(x, storageKind(kind), body);
  stage(x, 'respond', ANSWER_COST, () => ({ status: 201 }));
  yield* x.meter.settle();
  return replyObject(x, 201, kind, present(kind, object));
}

/** Creates an object that has been decoded. @throws ApiError */
export function createObject(x: Exchange, kind: ResourceKind, body: ApiObject): Op<VersionedObject | ApiObject> {
  if (body.metadata.resourceVersion) {
    throw new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'resourceVersion should not be set on objects to be created',
      code: 500,
    });
  }
  return createTracked(x, kind, trackNew(x, kind, body));
}

/** As createObject, for an object whose managedFields are made. @throws ApiError */
export function createTracked(x: Exchange, kind: ResourceKind, tracked: ApiObject): Op<VersionedObject | ApiObject> {
  return tracked.metadata.name === '' ? createWithSomeName(x, kind, tracked) : tryCreate(x, kind, tracked);
}

function* createWithSomeName(x: Exchange, kind: ResourceKind, body: ApiObject): Op<VersionedObject | ApiObject> {
  for (let attempt = 1; ; attempt++) {
    try {
      return yield* tryCreate(x, kind, body);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      if (attempt < NAME_ATTEMPTS) continue;
      const { status } = error;
      const message = `${status.message ?? ''}, the server was not able to generate a unique name for the object`;
      throw new ApiError({ ...status, message, details: { ...status.details, retryAfterSeconds: 1 } });
    }
  }
}

function* tryCreate(x: Exchange, kind: ResourceKind, body: ApiObject): Op<VersionedObject | ApiObject> {
  const { server } = x;
  const named = nameObject(body, server.random);
  const request = admissionRequest(x, kind, 'CREATE', named.metadata.name, named, null);
  const admitted = (yield* server.admission.admit(x, request)) as ApiObject;
  if (kind.group === RBAC_GROUP) confirmNoEscalation(x, kind, admitted, null);
  x.meter.use(ADMIT_COST);
  if (kind.namespaced && !admitted.metadata.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const prepared = prepareForCreate(kind, beginLife(withRequester(x, kind, admitted), server.uids.uuid(), server.sim.time()));
  const { name } = prepared.metadata;
  mustBeValid(x, kind, name, kind.key === DEFINITIONS ? validateDefinition(prepared as CustomResourceDefinition, null) : validateCreate(kind, prepared));
  addWarnings(x, kind, prepared, null);
  const checked = server.admission.validate(x, { ...request, name, object: prepared });
  if (checked) yield* checked;
  yield* x.meter.settle();
  if (x.dryRun) return prepared;
  const at = { kind, namespace: x.info.namespace, name };
  const ttl = kind.plural === 'events' ? server.flags.eventTtl : 0;
  if (kind.key !== 'services') return yield* server.store.create(at, kind.custom?.toStored(prepared) ?? prepared, ttl);
  const allocated = yield* beforeServiceCreate(x, prepared);
  try {
    return yield* server.store.create(at, allocated);
  } catch (error) {
    yield* releaseService(x, allocated);
    throw error;
  }
}

/** A CertificateSigningRequest says who asks, whatever the body says (pkg/registry/certificates strategy). */
function withRequester(x: Exchange, kind: ResourceKind, object: ApiObject): ApiObject {
  if (kind.key !== 'certificatesigningrequests.certificates.k8s.io') return object;
  const { spec } = object as ApiObject & { readonly spec?: object };
  return { ...object, spec: { ...spec, ...userInfo(x.user) } } as ApiObject;
}
