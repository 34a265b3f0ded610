// Nobody grants what he does not have: the checks around writing Roles and bindings (pkg/registry/rbac/*/policybased).
// The verbs `escalate` on the role and `bind` on the role that a binding names lift them.

import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, jsonEqual } from '../../api/meta.ts';
import { forbidden, notFound } from '../../api/status.ts';
import type { Exchange } from '../server.ts';
import type { Attributes } from './attributes.ts';
import { compactRules, describeRule, missingRules } from './covers.ts';
import { goQuoteList } from './quote.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Checks the new state of an object of RBAC's; `before` null when it is being created. @throws ApiError 403, 404 */
export function confirmNoEscalation(x: Exchange, kind: ResourceKind, after: ApiObject, before: ApiObject | null): void {
  if (x.user.groups.includes('system:masters')) return;
  if (kind.plural === 'roles' || kind.plural === 'clusterroles') confirmRole(x, kind, after as ClusterRole, before as ClusterRole | null);
  else if (kind.plural === 'rolebindings' || kind.plural === 'clusterrolebindings')
    confirmBinding(x, kind, after as ClusterRoleBinding, before as ClusterRoleBinding | null);
}

function may(x: Exchange, verb: string, resource: string, namespace: string, name: string): boolean {
  const a: Attributes = { user: x.user, verb, isResource: true, group: RBAC_GROUP, resource, subresource: '', namespace, name, path: '' };
  return x.server.authorizer.decide(a).allowed;
}

function confirmRole(x: Exchange, kind: ResourceKind, after: ClusterRole, before: ClusterRole | null): void {
  const { name } = after.metadata;
  const namespace = kind.namespaced ? x.info.namespace : '';
  if (may(x, 'escalate', kind.plural, namespace, before ? name : x.info.name)) return;
  const rules = after.rules ?? [];
  const aggregated = after.aggregationRule !== undefined;
  const same = before !== null && jsonEqual(before.rules ?? [], rules) && jsonEqual(before.aggregationRule, after.aggregationRule);
  if (same) return;
  const why = lacking(x, namespace, rules);
  if (why !== '') throw forbidden(kind, name, why);
  if (aggregated && lacking(x, namespace, EVERYTHING) !== '')
    throw forbidden(kind, name, 'must have cluster-admin privileges to use the aggregationRule');
}

function confirmBinding(x: Exchange, kind: ResourceKind, after: ClusterRoleBinding, before: ClusterRoleBinding | null): void {
  if (before && jsonEqual(before.subjects ?? [], after.subjects ?? []) && jsonEqual(before.roleRef, after.roleRef)) return;
  const { roleRef } = after;
  const namespace = kind.namespaced ? x.info.namespace : '';
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (may(x, 'bind', resource, namespace, roleRef.name)) return;
  const role = x.server.rbac.role({ roleRef, metadata: { ...after.metadata, namespace } });
  if (!role) throw notFound({ group: RBAC_GROUP, plural: resource }, roleRef.name);
  const why = lacking(x, namespace, role.rules ?? []);
  if (why !== '') throw forbidden(kind, after.metadata.name, why);
}

/** What the user would grant without having it, in upstream's words; '' when nothing. */
function lacking(x: Exchange, namespace: string, rules: readonly PolicyRule[]): string {
  const { user } = x;
  const missing = missingRules([...x.server.rbac.rulesOf(user, namespace)], rules);
  if (missing.length === 0) return '';
  const lines = [...new Set(compactRules(missing).map(describeRule))].sort();
  const errors = x.server.rbac.missingRoles(user, namespace);
  const who = `user ${JSON.stringify(user.name)} (groups=${goQuoteList(user.groups)})`;
  const text = `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`;
  return errors === '' ? text : `${text}; resolution errors: [${errors}]`;
}
