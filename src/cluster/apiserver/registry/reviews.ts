// Reviews: kinds that are asked, not stored. Who am I, may I, may they, whose token is this, what are my rules
// (pkg/registry/authorization, pkg/registry/authentication).

import type { PolicyRule } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { badRequest, type FieldError, invalid } from '../../api/status.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Attributes } from '../authorization/attributes.ts';
import type { User } from '../request.ts';
import { type Exchange, stage } from '../server.ts';
import { reply } from './responses.ts';
import { decodeBody } from './write.ts';

const COST = 80;

interface ResourceAttributes {
  readonly namespace?: string;
  readonly verb?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly fieldSelector?: {
    readonly rawSelector?: string;
    readonly requirements?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
  };
}

interface AccessSpec {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

type Answer = (x: Exchange, review: object, kind: ResourceKind) => object;

const specOf = (review: object): AccessSpec => (review as { readonly spec?: AccessSpec }).spec ?? {};

const ANSWERS: Readonly<Record<string, Answer>> = {
  SelfSubjectAccessReview: (x, review, kind) => access(x, kind, specOf(review), x.user),
  SubjectAccessReview: (x, review, kind) => access(x, kind, specOf(review), userOf(specOf(review))),
  LocalSubjectAccessReview: localAccess,
  SelfSubjectReview: (x) => ({ userInfo: userInfo(x.user) }),
  SelfSubjectRulesReview: (x, review) => rules(x, (review as { spec?: { namespace?: string } }).spec?.namespace ?? ''),
  TokenReview: (x, review) => token(x, (review as { spec?: { token?: string; audiences?: readonly string[] } }).spec ?? {}),
};

export const isReview = (kind: ResourceKind): boolean => Object.hasOwn(ANSWERS, kind.kind);

export function* review(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const body = decodeBody(x, kind);
  const answer = ANSWERS[kind.kind] as Answer;
  const status = answer(x, body, kind);
  stage(x, 'review', COST, () => status);
  yield* x.meter.settle();
  const metadata = kind.kind === 'SelfSubjectReview' ? { ...body.metadata, creationTimestamp: x.server.sim.time() } : body.metadata;
  return reply(x, 201, { ...body, metadata, status } as ApiObject);
}

const userOf = (spec: AccessSpec): User => ({ name: spec.user ?? '', uid: spec.uid ?? '', groups: spec.groups ?? [], extra: spec.extra ?? {} });

/** A user as UserInfo and as the spec of a CertificateSigningRequest have it. */
export function userInfo(user: User): object {
  return {
    username: user.name,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

function localAccess(x: Exchange, review: object, kind: ResourceKind): object {
  const spec = specOf(review);
  const { namespace } = x.info;
  const asked = spec.resourceAttributes?.namespace ?? '';
  if (spec.resourceAttributes && asked !== namespace)
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
  if (spec.nonResourceAttributes) {
    throw invalid(kind, '', [fault('spec.nonResourceAttributes', spec.nonResourceAttributes, 'disallowed on this kind of request')]);
  }
  return access(x, kind, spec, userOf(spec));
}

/** @throws ApiError 422 */
function access(x: Exchange, kind: ResourceKind, spec: AccessSpec, user: User): object {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const errors: FieldError[] = [];
  const one = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  if (resourceAttributes && nonResourceAttributes)
    errors.push(fault('spec.nonResourceAttributes', nonResourceAttributes, 'cannot be specified in combination with resourceAttributes'));
  else if (!resourceAttributes && !nonResourceAttributes) errors.push(fault('spec.resourceAttributes', null, one));
  if (kind.kind !== 'SelfSubjectAccessReview' && user.name === '' && user.groups.length === 0)
    errors.push(fault('spec.user', '', 'at least one of user or group must be specified'));
  if (errors.length > 0) throw invalid(kind, '', errors);
  const { allowed, reason } = x.server.authorizer.decide(attributes(spec, user));
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

const fault = (field: string, value: unknown, why: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});

function attributes({ resourceAttributes: r, nonResourceAttributes: n }: AccessSpec, user: User): Attributes {
  return {
    user,
    verb: r?.verb ?? n?.verb ?? '',
    isResource: r !== undefined,
    group: r?.group ?? '',
    resource: r?.resource ?? '',
    subresource: r?.subresource ?? '',
    namespace: r?.namespace ?? '',
    name: r?.name ?? '',
    path: n?.path ?? '',
    fieldSelector: fieldSelector(r),
  };
}

/** A selector as a list would send it; requirements that are no equality are left out, which can only refuse more. */
function fieldSelector(r: ResourceAttributes | undefined): string | undefined {
  const selector = r?.fieldSelector;
  if (selector?.rawSelector) return selector.rawSelector;
  const equalities = selector?.requirements?.filter((q) => q.operator === 'In' && q.values?.length === 1);
  return equalities?.map((q) => `${q.key}=${q.values?.[0]}`).join(',');
}

function rules(x: Exchange, namespace: string): object {
  const { user } = x;
  if (namespace === '') throw badRequest('no namespace on request');
  const resourceRules: object[] = [];
  const nonResourceRules: object[] = [];
  const all: Iterable<PolicyRule> = x.server.rbac.rulesOf(user, namespace);
  for (const rule of all) {
    const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
    if (resources?.length) {
      resourceRules.push({ verbs, apiGroups: apiGroups ?? [], resources, ...(resourceNames?.length ? { resourceNames } : {}) });
    }
    if (nonResourceURLs?.length) nonResourceRules.push({ verbs, nonResourceURLs });
  }
  const isNode = user.name.startsWith('system:node:') && user.groups.includes('system:nodes');
  const errors = [isNode ? 'node authorizer does not support user rule resolution' : '', x.server.rbac.missingRoles(user, namespace)].filter(
    (text) => text !== '',
  );
  const evaluationError = errors.length < 2 ? errors[0] : `[${errors.join(', ')}]`;
  return { resourceRules, nonResourceRules, incomplete: isNode, ...(evaluationError === undefined ? {} : { evaluationError }) };
}

function token(x: Exchange, spec: { readonly token?: string; readonly audiences?: readonly string[] }): object {
  if (!spec.token) throw badRequest('token is required for TokenReview in authentication');
  const asked = spec.audiences?.length ? spec.audiences : x.server.flags.apiAudiences;
  const answer = x.server.authenticator.byToken(spec.token, asked);
  if ('problem' in answer) return { user: {}, error: answer.problem };
  return { authenticated: true, user: userInfo(answer.user), audiences: answer.audiences };
}
