// The roles and bindings that every cluster has (plugin/pkg/auth/authorizer/rbac/bootstrappolicy), as objects.

import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, Subject } from '../../api/generated/types.ts';
import { CONTROLLER_RULES } from './policy-controllers.ts';
import {
  type BindingLine,
  CLUSTER_BINDINGS,
  CLUSTER_ROLES,
  NAMESPACED_BINDINGS,
  NAMESPACED_ROLES,
  type RoleLine,
} from './policy-roles.ts';
import { rule } from './policy-rules.ts';

const LABELS = Object.freeze({ 'kubernetes.io/bootstrapping': 'rbac-defaults' });
const ANNOTATIONS = Object.freeze({ 'rbac.authorization.kubernetes.io/autoupdate': 'true' });
const GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = `${GROUP}/v1`;

export type PolicyObject = ClusterRole | ClusterRoleBinding | Role | RoleBinding;

/** All bootstrap objects, in the order in which they are made. */
export function bootstrapPolicy(): readonly PolicyObject[] {
  const controllers = Object.keys(CONTROLLER_RULES).map((account) => ({ account, name: `system:controller:${account}` }));
  return [
    ...CLUSTER_ROLES.map(clusterRole),
    ...controllers.map(({ account, name }) => clusterRole({ name, rules: CONTROLLER_RULES[account] as readonly string[] })),
    ...CLUSTER_BINDINGS.map((line) => binding('', line)),
    ...controllers.map(({ account, name }) => binding('', [name, name, `ServiceAccount kube-system/${account}`])),
    ...NAMESPACED_ROLES.map(([namespace, name, rules]) => namespacedRole(namespace, name, rules)),
    ...NAMESPACED_BINDINGS.map(([namespace, line]) => binding(namespace, line)),
  ];
}

const metadata = (name: string, namespace = '', labels: Readonly<Record<string, string>> = LABELS) => ({
  name,
  ...(namespace === '' ? {} : { namespace }),
  labels,
  annotations: ANNOTATIONS,
});

const aggregationLabel = (target: string): Record<string, string> => ({ [`${GROUP}/aggregate-to-${target}`]: 'true' });

function clusterRole({ name, rules, into, from }: RoleLine): ClusterRole {
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: metadata(name, '', into ? { ...LABELS, ...aggregationLabel(into) } : LABELS),
    ...(from ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregationLabel(from) }] } } : {}),
    rules: from ? null : (rules ?? []).map(rule),
  } as ClusterRole;
}

const namespacedRole = (namespace: string, name: string, rules: readonly string[]): Role =>
  ({ apiVersion: API_VERSION, kind: 'Role', metadata: metadata(name, namespace), rules: rules.map(rule) }) as Role;

function binding(namespace: string, [name, role, ...subjects]: BindingLine): ClusterRoleBinding | RoleBinding {
  return {
    apiVersion: API_VERSION,
    kind: namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: metadata(name, namespace),
    roleRef: { apiGroup: GROUP, kind: namespace === '' ? 'ClusterRole' : 'Role', name: role },
    ...(subjects.length === 0 ? {} : { subjects: subjects.map(subject) }),
  } as ClusterRoleBinding | RoleBinding;
}

function subject(text: string): Subject {
  const space = text.indexOf(' ');
  const kind = text.slice(0, space);
  const who = text.slice(space + 1);
  if (kind !== 'ServiceAccount') return { apiGroup: GROUP, kind, name: who };
  const slash = who.indexOf('/');
  return { kind, name: who.slice(slash + 1), namespace: who.slice(0, slash) };
}
