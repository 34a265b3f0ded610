// POST serviceaccounts/<name>/token: a signed token, bound to a Pod, Secret or Node if asked
// (pkg/registry/core/serviceaccount/storage/token.go, pkg/serviceaccount/claims.go).

import { decodeAs } from '../../api/decode.ts';
import type { ServiceAccount } from '../../api/generated/types.ts';
import { mustResource, type ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { badRequest, conflict, type FieldError, invalid } from '../../api/status.ts';
import { signToken } from '../../api/token.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Exchange, stage } from '../server.ts';
import { reply } from './responses.ts';
import { addressOf } from './update.ts';
import { admitSubresource } from './write.ts';

const COST = 50;
const DEFAULT_SECONDS = 3_600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
/** Injected tokens (3607 s) live a year until everybody renews (--service-account-extend-token-expiration). */
const EXTENDED_FROM = 3_607;
const EXTENDED_SECONDS = 365 * 86_400;

interface TokenRequest {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec: {
    readonly audiences?: readonly string[];
    readonly expirationSeconds?: number;
    readonly boundObjectRef?: { readonly kind?: string; readonly apiVersion?: string; readonly name?: string; readonly uid?: string } | null;
  };
}

interface Ref {
  readonly name: string;
  readonly uid: string | undefined;
}

interface Bound {
  readonly node?: Ref;
  readonly pod?: Ref;
  readonly secret?: Ref;
}

export function* createToken(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, kind);
  const request = decodeAs<TokenRequest>('TokenRequest', x.http.body);
  const { spec } = request;
  checkNames(request, at.name, at.namespace);
  const asked = spec.expirationSeconds ?? DEFAULT_SECONDS;
  checkDuration(asked, at.name);
  stage(x, 'token', COST, () => null);
  yield* admitSubresource(x, kind, at.name, request as unknown as ApiObject);
  yield* x.meter.settle();
  const account = (yield* x.server.store.get(at)) as unknown as ServiceAccount;
  const bound = yield* boundTo(x, at.namespace, at.name, spec.boundObjectRef ?? null);
  const { sim, flags, signingKey } = x.server;
  const now = Math.floor((sim.epoch + sim.now) / SECOND);
  const audiences = spec.audiences?.length ? spec.audiences : flags.apiAudiences;
  const extended =
    asked === EXTENDED_FROM && bound.pod !== undefined && flags.extendTokens && audiences.every((a) => flags.apiAudiences.includes(a));
  const token = signToken(signingKey, {
    aud: audiences,
    exp: now + (extended ? EXTENDED_SECONDS : asked),
    iat: now,
    iss: flags.serviceAccountIssuer,
    jti: x.server.uids.uuid(),
    'kubernetes.io': {
      namespace: at.namespace,
      ...bound,
      serviceaccount: { name: at.name, uid: account.metadata.uid },
      ...(extended ? { warnafter: now + asked } : {}),
    },
    nbf: now,
    sub: `system:serviceaccount:${at.namespace}:${at.name}`,
  });
  const status = { token, expirationTimestamp: sim.time(sim.now + asked * SECOND) };
  return reply(x, 201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: at.name, namespace: at.namespace, creationTimestamp: sim.time() },
    spec: { audiences, expirationSeconds: asked, boundObjectRef: spec.boundObjectRef ?? null },
    status,
  });
}

/** @throws ApiError 400 */
function checkNames({ metadata }: TokenRequest, name: string, namespace: string): void {
  const given = metadata?.name ?? '';
  if (given !== '' && given !== name) throw badRequest(`must match the service account name: ${given} != ${name}`);
  const where = metadata?.namespace ?? '';
  if (where !== '' && where !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** @throws ApiError 422 */
function checkDuration(asked: number, name: string): void {
  const why =
    asked < MIN_SECONDS
      ? 'may not specify a duration less than 10 minutes'
      : asked > MAX_SECONDS
        ? 'may not specify a duration larger than 2^32 seconds'
        : '';
  if (why === '') return;
  const error: FieldError = { type: 'FieldValueInvalid', field: 'spec.expirationSeconds', message: `Invalid value: ${asked}: ${why}` };
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [error]);
}

/** @throws ApiError 400, 404, 409 */
function* boundTo(x: Exchange, namespace: string, account: string, ref: TokenRequest['spec']['boundObjectRef']): Op<Bound> {
  if (!ref?.kind && !ref?.name) return {};
  const { store } = x.server;
  const version = ref.apiVersion ?? '';
  const core = version === 'v1' || version === '';
  if (core && ref.kind === 'Pod') {
    const pod = yield* store.get({ kind: mustResource('pods'), namespace, name: ref.name ?? '' });
    const { nodeName, serviceAccountName } = (pod as unknown as { spec?: { nodeName?: string; serviceAccountName?: string } }).spec ?? {};
    if (serviceAccountName !== account)
      throw badRequest(`cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`);
    const own = { name: ref.name ?? '', uid: sameUid(ref, pod.metadata.uid, 'pods') };
    if (!nodeName) return { pod: own };
    const node = store.cached({ kind: mustResource('nodes'), namespace: '', name: nodeName });
    return { node: { name: nodeName, uid: node?.metadata.uid }, pod: own };
  }
  if (core && ref.kind === 'Node') {
    const node = yield* store.get({ kind: mustResource('nodes'), namespace: '', name: ref.name ?? '' });
    return { node: { name: ref.name ?? '', uid: sameUid(ref, node.metadata.uid, 'nodes') } };
  }
  if (core && ref.kind === 'Secret') {
    const secret = yield* store.get({ kind: mustResource('secrets'), namespace, name: ref.name ?? '' });
    return { secret: { name: ref.name ?? '', uid: sameUid(ref, secret.metadata.uid, 'secrets') } };
  }
  const slash = version.indexOf('/');
  const group = slash < 0 ? '' : version.slice(0, slash);
  throw badRequest(`cannot bind token for object of type ${group}/${version.slice(slash + 1)}, Kind=${ref.kind ?? ''}`);
}

/** @throws ApiError 409 */
function sameUid(ref: { readonly name?: string; readonly uid?: string }, uid: string | undefined, resource: string): string | undefined {
  if (!ref.uid || ref.uid === uid) return uid;
  const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  throw conflict({ group: '', plural: resource }, ref.name ?? '', why);
}
