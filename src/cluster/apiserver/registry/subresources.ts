// scale of workloads, finalize of namespaces, token of ServiceAccounts, approval of certificate requests.

import { decodeAs, decodeObject } from '../../api/decode.ts';
import type { Scale, ServiceAccount } from '../../api/generated/types.ts';
import { bodyKind, type ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { scaleOf, withScale } from '../../api/scale.ts';
import { badRequest, conflict, invalid } from '../../api/status.ts';
import { signToken } from '../../api/token.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Exchange, stage } from '../server.ts';
import { removeNow } from './delete.ts';
import { fieldValidation } from './options.ts';
import { reply } from './responses.ts';
import { addressOf, patcher } from './update.ts';
import { inNamespace, decodeBody, updateObject } from './write.ts';

const COST = 50;
const SCALE = bodyKind('autoscaling/v1', 'Scale');
const DEFAULT_TOKEN_SECONDS = 3_600;
const MIN_TOKEN_SECONDS = 600;
/** Injected tokens (3607 s) live a year until everybody renews (--service-account-extend-token-expiration). */
const EXTENDED_FROM = 3_607;
const EXTENDED_SECONDS = 365 * 86_400;

export function* getScale(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  stage(x, 'scale', COST, () => null);
  yield* x.meter.settle();
  return reply(x, 200, scaleOf(yield* x.server.store.get(addressOf(x, kind))));
}

/** PUT and PATCH of /scale change spec.replicas of the workload. */
export function* writeScale(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, kind);
  const patch = x.info.verb === 'patch' ? patcher(x, SCALE) : null;
  const object = yield* updateObject(x, at, (current) => {
    const before = scaleOf(current);
    const body = patch ? patch(before as ApiObject) : x.http.body;
    const scale = decodeObject<Scale & ApiObject>(SCALE, body, fieldValidation(x.query)).object;
    checkScale(scale, at.name);
    const { resourceVersion } = scale.metadata;
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) throw conflict(kind, at.name);
    return withScale(current, scale);
  });
  return reply(x, 200, scaleOf(object));
}

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

interface TokenRequest {
  readonly spec: {
    readonly audiences?: readonly string[];
    readonly expirationSeconds?: number;
    readonly boundObjectRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string } | null;
  };
}

/** POST serviceaccounts/<name>/token: a token for the account, bound to a Pod if asked. */
export function* createToken(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, kind);
  const request = decodeAs<TokenRequest>('TokenRequest', x.http.body);
  const { spec } = request;
  const asked = spec.expirationSeconds ?? DEFAULT_TOKEN_SECONDS;
  if (asked < MIN_TOKEN_SECONDS) {
    const message = `Invalid value: ${asked}: may not specify a duration less than 10 minutes`;
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, at.name, [
      { type: 'FieldValueInvalid', field: 'spec.expirationSeconds', message },
    ]);
  }
  stage(x, 'token', COST, () => null);
  yield* x.meter.settle();
  const account = (yield* x.server.store.get(at)) as unknown as ServiceAccount;
  const bound = yield* boundPod(x, at.namespace, spec.boundObjectRef ?? null);
  const { sim, flags, signingKey } = x.server;
  const now = Math.floor((sim.epoch + sim.now) / SECOND);
  const lifetime = asked === EXTENDED_FROM && bound ? EXTENDED_SECONDS : asked;
  const audiences = spec.audiences?.length ? spec.audiences : [flags.serviceAccountIssuer];
  const token = signToken(signingKey, {
    aud: audiences,
    exp: now + lifetime,
    iat: now,
    iss: flags.serviceAccountIssuer,
    jti: x.server.uids.uuid(),
    'kubernetes.io': {
      namespace: at.namespace,
      ...bound,
      serviceaccount: { name: at.name, uid: account.metadata.uid },
      ...(lifetime === asked ? {} : { warnafter: now + asked }),
    },
    nbf: now,
    sub: `system:serviceaccount:${at.namespace}:${at.name}`,
  });
  const status = { token, expirationTimestamp: sim.time(sim.now + asked * SECOND) };
  const metadata = { name: at.name, namespace: at.namespace, creationTimestamp: sim.time() };
  return reply(x, 201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata,
    spec: { ...spec, audiences, expirationSeconds: asked },
    status,
  });
}

function* boundPod(x: Exchange, namespace: string, ref: TokenRequest['spec']['boundObjectRef']): Op<object | null> {
  if (!ref || ref.kind !== 'Pod' || !ref.name) return null;
  const { store } = x.server;
  const pods = store.cache.ofKey('pods').kind;
  const pod = yield* store.get({ kind: pods, namespace, name: ref.name });
  const { uid } = pod.metadata;
  if (ref.uid && ref.uid !== uid) {
    throw conflict(
      pods,
      ref.name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const node = (pod as unknown as { spec?: { nodeName?: string } }).spec?.nodeName;
  const nodeObject = node ? store.cached({ kind: store.cache.ofKey('nodes').kind, namespace: '', name: node }) : undefined;
  return { ...(node ? { node: { name: node, uid: nodeObject?.metadata.uid } } : {}), pod: { name: ref.name, uid } };
}
