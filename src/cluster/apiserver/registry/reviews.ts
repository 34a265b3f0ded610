// Reviews: kinds that are asked, not stored. Who am I, may I, may they, whose token is this, what are my rules.

import type { PolicyRule } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { badRequest } from '../../api/status.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Attributes } from '../authorization/rbac.ts';
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
}

interface AccessReview {
  readonly spec: {
    readonly resourceAttributes?: ResourceAttributes;
    readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
    readonly user?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
  };
}

type Answer = (x: Exchange, review: object) => object;

const ANSWERS: Readonly<Record<string, Answer>> = {
  SelfSubjectAccessReview: (x, review) => access(x, (review as AccessReview).spec, x.user),
  SubjectAccessReview: (x, review) => access(x, (review as AccessReview).spec, userOf((review as AccessReview).spec)),
  LocalSubjectAccessReview: (x, review) => access(x, (review as AccessReview).spec, userOf((review as AccessReview).spec)),
  SelfSubjectReview: (x) => ({ userInfo: userInfo(x.user) }),
  SelfSubjectRulesReview: (x, review) => rules(x, (review as { spec: { namespace?: string } }).spec.namespace ?? ''),
  TokenReview: (x, review) => token(x, (review as { spec: { token?: string } }).spec.token ?? ''),
};

export const isReview = (kind: ResourceKind): boolean => Object.hasOwn(ANSWERS, kind.kind);

export function* review(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const body = decodeBody(x, kind);
  const answer = ANSWERS[kind.kind] as Answer;
  const status = answer(x, body);
  stage(x, 'review', COST, () => status);
  yield* x.meter.settle();
  return reply(x, 201, { ...body, metadata: { ...body.metadata, creationTimestamp: x.server.sim.time() }, status });
}

const userOf = (spec: AccessReview['spec']): User => ({ name: spec.user ?? '', uid: spec.uid ?? '', groups: spec.groups ?? [], extra: {} });

/** A user as UserInfo and as the spec of a CertificateSigningRequest have it. */
export function userInfo(user: User): object {
  return {
    username: user.name,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

function access(x: Exchange, spec: AccessReview['spec'], user: User): object {
  const grant = x.server.rbac.authorize(attributes(spec, user));
  return grant ? { allowed: true, reason: grant.reason } : { allowed: false };
}

function attributes({ resourceAttributes: r, nonResourceAttributes: n }: AccessReview['spec'], user: User): Attributes {
  if (!r && !n) throw badRequest('exactly one of resourceAttributes or nonResourceAttributes must be specified');
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
  };
}

function rules(x: Exchange, namespace: string): object {
  const resourceRules: object[] = [];
  const nonResourceRules: object[] = [];
  const all: Iterable<PolicyRule> = x.user.groups.includes('system:masters') ? EVERYTHING : x.server.rbac.rulesOf(x.user, namespace);
  for (const rule of all) {
    const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
    if (resources) resourceRules.push({ verbs, apiGroups: apiGroups ?? [], resources, ...(resourceNames ? { resourceNames } : {}) });
    if (nonResourceURLs) nonResourceRules.push({ verbs, nonResourceURLs });
  }
  return { resourceRules, nonResourceRules, incomplete: false };
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

function token(x: Exchange, text: string): object {
  const user = x.server.authenticator.byToken(text);
  if (!user) return { user: {}, error: 'invalid bearer token' };
  return { authenticated: true, user: userInfo(user), audiences: [x.server.flags.serviceAccountIssuer] };
}
