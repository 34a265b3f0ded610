// scale of workloads, finalize of namespaces, approval of certificate requests.

import { decodeObject } from '../../api/decode.ts';
import type { Scale } from '../../api/generated/types.ts';
import { bodyKind, type ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { scaleOf, withScale } from '../../api/scale.ts';
import { badRequest, conflict, invalid } from '../../api/status.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { customScaleOf, withCustomScale } from '../apiextensions/scale.ts';
import { type Exchange, stage } from '../server.ts';
import type { Address } from '../storage/store.ts';
import { applyConfiguration, configurationOf, isApply } from './apply.ts';
import { removeNow } from './delete.ts';
import { fieldValidation } from './options.ts';
import { reply, replyObject } from './responses.ts';
import { addressOf, patcher } from './update.ts';
import { present } from './versions.ts';
import { inNamespace, decodeBody, updateObject } from './write.ts';

const COST = 50;
const SCALE = bodyKind('autoscaling/v1', 'Scale');

export function* getScale(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  stage(x, 'scale', COST, () => null);
  yield* x.meter.settle();
  return replyObject(x, 200, SCALE, scaleIn(kind, yield* x.server.store.get(addressOf(x, kind))) as ApiObject);
}

/** PUT and PATCH of /scale change spec.replicas of the workload. */
export function* writeScale(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, kind);
  if (isApply(x)) return reply(x, 200, scaleIn(kind, yield* applyScale(x, kind, at)));
  const patch = x.info.verb === 'patch' ? patcher(x, SCALE) : null;
  const object = yield* updateObject(x, at, (current) => {
    const before = scaleIn(kind, current);
    const body = patch ? patch(before as ApiObject) : x.http.body;
    const scale = decodeObject<Scale & ApiObject>(SCALE, body, fieldValidation(x.query)).object;
    checkScale(scale, at.name);
    const { resourceVersion } = scale.metadata;
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) throw conflict(kind, at.name);
    return kind.custom?.scale ? withCustomScale(present(kind, current), scale, kind.custom.scale) : withScale(current, scale);
  });
  return reply(x, 200, scaleIn(kind, object));
}

/** Applying a Scale is to apply the replicas of the workload. */
function* applyScale(x: Exchange, kind: ResourceKind, at: Address): Op<ApiObject> {
  const scale = configurationOf(x, SCALE.apiVersion, SCALE.kind) as ApiObject & { readonly spec?: { readonly replicas?: number } };
  const { apiVersion } = kind;
  const { metadata } = scale;
  const config = { apiVersion, kind: kind.kind, metadata, ...(scale.spec === undefined ? {} : { spec: scale.spec }) } as ApiObject;
  return (yield* applyConfiguration(x, kind, at, config)).object;
}

const scaleIn = (kind: ResourceKind, object: ApiObject): Scale =>
  kind.custom?.scale ? customScaleOf(object, kind.custom.scale) : scaleOf(object);

function checkScale(scale: Scale, name: string): void {
  const { replicas = 0 } = scale.spec ?? {};
  if (scale.metadata?.name !== name)
    throw badRequest(`the name of the object (${scale.metadata?.name ?? ''}) does not match the name on the URL (${name})`);
  if (replicas >= 0) return;
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  throw invalid(SCALE, name, [{ type: 'FieldValueInvalid', field: 'spec.replicas', message }]);
}

/** PUT namespaces/<name>/finalize: writes spec.finalizers; the namespace is gone when the last one is. */
export function* finalize(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, kind);
  const given = inNamespace(x, kind, decodeBody(x, kind)) as ApiObject & { spec?: { finalizers?: readonly string[] } };
  yield* x.meter.settle();
  const object = yield* x.server.store.update(at, function* (current): Op<ApiObject> {
    const { resourceVersion } = given.metadata;
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) throw conflict(kind, at.name);
    return { ...current, spec: { ...given.spec } } as ApiObject;
  });
  const left = (object as unknown as { spec?: { finalizers?: readonly string[] } }).spec?.finalizers ?? [];
  const { metadata } = object;
  if (metadata.deletionTimestamp && left.length === 0 && !metadata.finalizers?.length) yield* removeNow(x, at, { uid: metadata.uid ?? '' });
  return reply(x, 200, object);
}
