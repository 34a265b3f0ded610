// Expressions in the configuration of webhooks and policies: the variables that they may name, and match conditions.

import { type CelBudget, CelError, type CelEnvironment, type CelType, compileCel, REQUEST_COST_LIMIT } from '../../api/cel/cel.ts';
import { AUTHORIZER, CelAuthorizer, ResourceCheck } from '../../api/cel/authorizer.ts';
import type { User } from '../request.ts';
import type { AdmissionRequest } from './chain.ts';
import { namespaceOf } from './matching.ts';
import { admissionReviewRequest } from './review.ts';

const GVK: CelType = { object: 'kubernetes.GroupVersionKind', fields: { group: 'string', version: 'string', kind: 'string' } };
const GVR: CelType = { object: 'kubernetes.GroupVersionResource', fields: { group: 'string', version: 'string', resource: 'string' } };
const USER: CelType = {
  object: 'kubernetes.UserInfo',
  fields: { username: 'string', uid: 'string', groups: { list: 'string' }, extra: { map: { list: 'string' } } },
};
const REQUEST: CelType = {
  object: 'kubernetes.AdmissionRequest',
  fields: {
    kind: GVK,
    resource: GVR,
    subResource: 'string',
    requestKind: GVK,
    requestResource: GVR,
    requestSubResource: 'string',
    name: 'string',
    namespace: 'string',
    operation: 'string',
    userInfo: USER,
    dryRun: 'bool',
    options: 'dyn',
  },
};

const COMMON = { object: 'dyn', oldObject: 'dyn', request: REQUEST, namespaceObject: 'dyn', authorizer: { opaque: AUTHORIZER } } as const;

/** What match conditions of webhooks may name. */
export const WEBHOOK_ENVIRONMENT: CelEnvironment = {
  variables: { object: COMMON.object, oldObject: COMMON.oldObject, request: REQUEST, authorizer: COMMON.authorizer },
};
/** What match conditions of policies may name. */
export const CONDITION_ENVIRONMENT: CelEnvironment = { variables: { ...COMMON, params: 'dyn' } };

/** What a policy's expressions may name, with the variables that it defines. */
export function policyEnvironment(variables: readonly string[]): CelEnvironment {
  const fields: Record<string, CelType> = {};
  for (const name of variables) fields[name] = 'dyn';
  return { variables: { ...COMMON, params: 'dyn', variables: { object: 'kubernetes.variables', fields } } };
}

export type Activation = Readonly<Record<string, unknown>>;

export function activationOf(request: AdmissionRequest): Record<string, unknown> {
  const review = admissionReviewRequest(request, '');
  return {
    object: request.object,
    oldObject: request.old,
    request: review,
    namespaceObject: namespaceOf(request),
    authorizer: authorizerFor(request),
  };
}

/** The authorizer of the server, about the requester; `authorizer.requestResource` asks about the request itself. */
function authorizerFor({ server, user, kind, subresource, namespace, name }: AdmissionRequest): CelAuthorizer {
  const authorize: ConstructorParameters<typeof CelAuthorizer>[0] = (q) => {
    const who: User = q.user ? serviceAccount(q.user.namespace, q.user.name) : user;
    const { verb, group, resource, path = '' } = q;
    const decision = server.authorizer.decide({
      user: who,
      verb,
      isResource: q.path === undefined,
      group,
      resource,
      subresource: q.subresource,
      namespace: q.namespace,
      name: q.name,
      path,
    });
    return decision.allowed ? decision.reason : null;
  };
  const made = new CelAuthorizer(authorize);
  const requestResource = new ResourceCheck(authorize, { group: kind.group, resource: kind.plural, subresource, namespace, name });
  return Object.assign(made, { requestResource });
}

const serviceAccount = (namespace: string, name: string): User => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  uid: '',
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  extra: {},
});

export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

/** True: all hold. False: one does not. A text: one cannot be said to hold. */
export function conditionsHold(
  conditions: readonly MatchCondition[] | undefined,
  environment: CelEnvironment,
  activation: Activation,
  budget: CelBudget = { remaining: REQUEST_COST_LIMIT },
): boolean | string {
  let error = '';
  for (const { expression } of conditions ?? []) {
    const result = evaluate(expression, environment, activation, budget);
    if (result instanceof CelError) error ||= `expression '${expression}' resulted in error: ${result.message}`;
    else if (result === false) return false;
    else if (result !== true) error ||= `expression '${expression}' resulted in error: must evaluate to bool`;
  }
  return error === '' ? true : error;
}

export function evaluate(source: string, environment: CelEnvironment, activation: Activation, budget: CelBudget): unknown {
  const program = compileCel(source, environment);
  if (program instanceof CelError) return new CelError(`compilation error: compilation failed: ${program.message}`);
  return program.evaluate(activation, budget);
}
