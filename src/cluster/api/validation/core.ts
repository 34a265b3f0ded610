// ConfigMaps, Secrets, nodes, quotas, access rules, classes (pkg/apis/core, rbac, scheduling, coordination validation).

import type {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  CustomResourceDefinition,
  Lease,
  Node,
  PolicyRule,
  PriorityClass,
  ResourceQuota,
  Role,
  RoleBinding,
  RoleRef,
  Secret,
  Subject,
} from '../generated/types.ts';
import { semanticEqual } from '../meta.ts';
import { parseQuantity } from '../quantity.ts';
import { type Errors, forbiddenField, IMMUTABLE, invalidValue, notSupported, required, tooLongField } from './errors.ts';
import { configKeyErrors, labelKeyErrors, pathSegmentErrors, subdomain1123Errors } from './names.ts';
import { checkTaints } from './scheduling.ts';

const MEBIBYTE = 1_048_576;

const sizeOf = (data: Readonly<Record<string, string>> | undefined): number =>
  Object.values(data ?? {}).reduce((sum, value) => sum + value.length, 0);

export function checkConfigMap(errors: Errors, c: ConfigMap): void {
  for (const key of Object.keys(c.data ?? {})) {
    errors.rule(`data[${key}]`, key, configKeyErrors(key));
    if (Object.hasOwn(c.binaryData ?? {}, key)) errors.add(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
  }
  for (const key of Object.keys(c.binaryData ?? {})) errors.rule(`binaryData[${key}]`, key, configKeyErrors(key));
  if (sizeOf(c.data) + (sizeOf(c.binaryData) * 3) / 4 > MEBIBYTE) errors.add(tooLongField('', MEBIBYTE));
}

const SET_ONCE = 'field is immutable when `immutable` is set';

/** ConfigMaps and Secrets that call themselves immutable are. */
export function checkImmutableData(errors: Errors, now: ConfigMap | Secret, old: ConfigMap | Secret): void {
  if (old.immutable !== true) return;
  if (now.immutable !== true) errors.add(forbiddenField('immutable', SET_ONCE));
  if (!semanticEqual(now.data, old.data)) errors.add(forbiddenField('data', SET_ONCE));
  const [a, b] = [now as ConfigMap, old as ConfigMap];
  if (!semanticEqual(a.binaryData, b.binaryData)) errors.add(forbiddenField('binaryData', SET_ONCE));
}

const NEEDED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

export function checkSecret(errors: Errors, s: Secret): void {
  for (const key of Object.keys(s.data ?? {})) errors.rule(`data[${key}]`, key, configKeyErrors(key));
  if ((sizeOf(s.data) * 3) / 4 > MEBIBYTE) errors.add(tooLongField('data', MEBIBYTE));
  for (const key of NEEDED_KEYS[s.type ?? ''] ?? []) if (s.data?.[key] === undefined) errors.add(required(`data[${key}]`));
  if (s.type === 'kubernetes.io/service-account-token') {
    const field = 'metadata.annotations[kubernetes.io/service-account.name]';
    errors.needed(field, s.metadata.annotations?.['kubernetes.io/service-account.name']);
  }
}

export function checkSecretUpdate(errors: Errors, s: Secret, old: Secret): void {
  if (s.type !== old.type) errors.add(invalidValue('type', s.type, IMMUTABLE));
  checkImmutableData(errors, s, old);
}

export function checkNode(errors: Errors, n: Node): void {
  if (n.spec.taints !== undefined) checkTaints(errors, 'spec.taints', n.spec.taints);
}

export function checkNodeUpdate(errors: Errors, n: Node, old: Node): void {
  if (n.spec === old.spec) return;
  checkNode(errors, n);
  if ((old.spec.podCIDR ?? '') !== '' && n.spec.podCIDR !== old.spec.podCIDR) {
    errors.add(forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if ((old.spec.providerID ?? '') !== '' && n.spec.providerID !== old.spec.providerID) {
    errors.add(forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
}

export function checkQuota(errors: Errors, { spec }: ResourceQuota): void {
  for (const [name, amount] of Object.entries(spec.hard ?? {})) {
    errors.rule(`spec.hard[${name}]`, name, labelKeyErrors(name));
    if (parseQuantity(amount).nanos < 0n) errors.add(invalidValue(`spec.hard[${name}]`, amount, 'must be greater than or equal to 0'));
  }
}

function checkRules(errors: Errors, rules: readonly PolicyRule[] | undefined, namespaced: boolean): void {
  const list = rules ?? [];
  for (let i = 0; i < list.length; i++) {
    const rule = list[i] as PolicyRule;
    const at = `rules[${i}]`;
    if (rule.verbs.length === 0) errors.add(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if ((rule.nonResourceURLs ?? []).length > 0) {
      if (namespaced)
        errors.add(invalidValue(`${at}.nonResourceURLs`, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
      if ((rule.resources ?? []).length > 0 || (rule.apiGroups ?? []).length > 0) {
        errors.add(
          invalidValue(`${at}.nonResourceURLs`, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'),
        );
      }
      continue;
    }
    if ((rule.apiGroups ?? []).length === 0) errors.add(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if ((rule.resources ?? []).length === 0) errors.add(required(`${at}.resources`, 'resource rules must supply at least one resource'));
  }
}

export const checkRole = (errors: Errors, r: Role): void => checkRules(errors, r.rules, true);
export const checkClusterRole = (errors: Errors, r: ClusterRole): void => checkRules(errors, r.rules, false);

const RBAC_GROUP = 'rbac.authorization.k8s.io';

export function checkBinding(errors: Errors, b: RoleBinding | ClusterRoleBinding): void {
  const { apiGroup, kind, name } = b.roleRef;
  if (apiGroup !== RBAC_GROUP) errors.add(notSupported('roleRef.apiGroup', apiGroup, [RBAC_GROUP]));
  const kinds = b.kind === 'ClusterRoleBinding' ? ['ClusterRole'] : ['ClusterRole', 'Role'];
  if (!kinds.includes(kind)) errors.add(notSupported('roleRef.kind', kind, kinds));
  if (errors.needed('roleRef.name', name)) errors.rule('roleRef.name', name, pathSegmentErrors(name));
  const subjects = b.subjects ?? [];
  for (let i = 0; i < subjects.length; i++) checkSubject(errors, `subjects[${i}]`, subjects[i] as Subject, b.kind === 'RoleBinding');
}

/** A service account without a namespace is one of the binding's own, where the binding has one. */
function checkSubject(errors: Errors, at: string, s: Subject, inNamespace: boolean): void {
  errors.needed(`${at}.name`, s.name);
  if (s.kind === 'ServiceAccount') {
    if (s.name !== '') errors.rule(`${at}.name`, s.name, subdomain1123Errors(s.name));
    if ((s.apiGroup ?? '') !== '') errors.add(notSupported(`${at}.apiGroup`, s.apiGroup, ['']));
    if (!inNamespace) errors.needed(`${at}.namespace`, s.namespace);
  } else if (s.kind === 'User' || s.kind === 'Group') {
    if (s.apiGroup !== RBAC_GROUP) errors.add(notSupported(`${at}.apiGroup`, s.apiGroup ?? '', [RBAC_GROUP]));
  } else errors.add(notSupported(`${at}.kind`, s.kind, ['ServiceAccount', 'User', 'Group']));
}

/** The message shows Go's internal struct, whose fields have no JSON names. */
const goRoleRef = ({ apiGroup, kind, name }: RoleRef): object => ({ APIGroup: apiGroup, Kind: kind, Name: name });

export function checkBindingUpdate(errors: Errors, b: RoleBinding | ClusterRoleBinding, old: RoleBinding | ClusterRoleBinding): void {
  if (!semanticEqual(b.roleRef, old.roleRef)) errors.add(invalidValue('roleRef', goRoleRef(b.roleRef), 'cannot change roleRef'));
}

const HIGHEST_USER_PRIORITY = 1_000_000_000;
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

export function checkPriorityClass(errors: Errors, p: PriorityClass): void {
  const value = p.value ?? 0;
  const system = SYSTEM_CLASSES[p.metadata.name];
  if (p.metadata.name.startsWith('system-')) {
    if (system !== value) {
      errors.add(
        forbiddenField(
          'metadata.name',
          "priority class names with 'system-' prefix are reserved for system use only. error: " +
            `${system === undefined ? `${p.metadata.name} is not a known system priority class` : `value of ${p.metadata.name} PriorityClass must be ${system}`}`,
        ),
      );
    }
  } else if (value > HIGHEST_USER_PRIORITY) {
    errors.add(forbiddenField('value', `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`));
  }
  errors.oneOfIfSet('preemptionPolicy', p.preemptionPolicy, ['Never', 'PreemptLowerPriority']);
}

export function checkPriorityClassUpdate(errors: Errors, p: PriorityClass, old: PriorityClass): void {
  if (p.value !== old.value) errors.add(forbiddenField('value', 'may not be changed in an update.'));
  if (p.preemptionPolicy !== old.preemptionPolicy) errors.add(invalidValue('preemptionPolicy', p.preemptionPolicy, IMMUTABLE));
}

export function checkLease(errors: Errors, { spec }: Lease): void {
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
    errors.add(invalidValue('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0'));
  }
  if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0) {
    errors.add(invalidValue('spec.leaseTransitions', spec.leaseTransitions, 'must be greater than or equal to 0'));
  }
}

export function checkCustomResourceDefinition(errors: Errors, { metadata, spec }: CustomResourceDefinition): void {
  if (metadata.name !== `${spec.names.plural}.${spec.group}`) {
    errors.add(invalidValue('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  errors.needed('spec.group', spec.group);
  if (!['Cluster', 'Namespaced'].includes(spec.scope)) errors.add(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  const stored = spec.versions.filter((v) => v.storage);
  if (stored.length !== 1)
    errors.add(invalidValue('spec.versions', spec.versions, 'must have exactly one version marked as storage version'));
  for (let i = 0; i < spec.versions.length; i++) {
    if (spec.versions[i]?.schema === undefined) errors.add(required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required'));
  }
}
