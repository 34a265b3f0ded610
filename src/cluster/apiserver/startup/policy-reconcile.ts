// What a bootstrap role or binding that exists already still lacks: rules, subjects, labels are added, nothing is taken away
// (pkg/registry/rbac/reconciliation). The annotation rbac.authorization.kubernetes.io/autoupdate=false keeps an object as it is.

import type { ClusterRole, ClusterRoleBinding, Subject } from '../../api/generated/types.ts';
import { type ApiObject, jsonEqual } from '../../api/meta.ts';
import { missingRules } from '../authorization/covers.ts';
import type { PolicyObject } from './policy.ts';

const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

/** The object with what it lacks; null when it lacks nothing or wants to be left alone. */
export function reconciled(current: ApiObject, wanted: PolicyObject): ApiObject | null {
  if (current.metadata.annotations?.[AUTOUPDATE] === 'false') return null;
  const metadata = {
    ...current.metadata,
    labels: { ...wanted.metadata.labels, ...current.metadata.labels },
    annotations: { ...wanted.metadata.annotations, ...current.metadata.annotations },
  };
  const next =
    wanted.kind === 'ClusterRole' || wanted.kind === 'Role'
      ? withRules(current as ClusterRole, wanted as ClusterRole)
      : withSubjects(current as ClusterRoleBinding, wanted as ClusterRoleBinding);
  if (next === current && jsonEqual(metadata, current.metadata)) return null;
  return { ...next, metadata } as ApiObject;
}

function withRules(current: ClusterRole, wanted: ClusterRole): ClusterRole {
  if (wanted.aggregationRule) {
    const have = current.aggregationRule?.clusterRoleSelectors ?? [];
    const missing = (wanted.aggregationRule.clusterRoleSelectors ?? []).filter((one) => !have.some((other) => jsonEqual(one, other)));
    return missing.length === 0 ? current : { ...current, aggregationRule: { clusterRoleSelectors: [...have, ...missing] } };
  }
  const have = current.rules ?? [];
  const missing = (wanted.rules ?? []).filter((rule) => missingRules(have, [rule]).length > 0);
  return missing.length === 0 ? current : { ...current, rules: [...have, ...missing] };
}

function withSubjects(current: ClusterRoleBinding, wanted: ClusterRoleBinding): ClusterRoleBinding {
  const have = current.subjects ?? [];
  const same = (a: Subject, b: Subject): boolean => a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');
  const missing = (wanted.subjects ?? []).filter((one) => !have.some((other) => same(one, other)));
  return missing.length === 0 ? current : { ...current, subjects: [...have, ...missing] };
}
