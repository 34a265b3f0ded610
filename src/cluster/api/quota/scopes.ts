// Which objects a quota is about: its names and its scopes (apiserver/pkg/quota/v1/generic.Matches, podMatchesScopeFunc).

import type { PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuotaSpec } from '../generated/types.ts';
import type { ResourceKind } from '../kinds.ts';
import type { ApiObject } from '../meta.ts';
import { qosClass } from '../qos.ts';
import { countsFor } from './usage.ts';

interface Scope {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

const scopesOf = ({ scopes, scopeSelector }: ResourceQuotaSpec): readonly Scope[] => [
  ...(scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
  ...((scopeSelector?.matchExpressions ?? []) as readonly Scope[]),
];

/** The names among `hard` that the object counts for; empty when the quota is not about it. */
export function namesFor(
  kind: Pick<ResourceKind, 'key'>,
  spec: ResourceQuotaSpec,
  hard: readonly string[],
  object: ApiObject,
): readonly string[] {
  const names = hard.filter((name) => countsFor(kind, name));
  return names.length > 0 && scopesOf(spec).every((scope) => inScope(kind, scope, object)) ? names : [];
}

function inScope({ key }: Pick<ResourceKind, 'key'>, scope: Scope, object: ApiObject): boolean {
  if (key === 'pods') return podInScope(scope, object as unknown as Pod);
  if (key === 'persistentvolumeclaims' && scope.scopeName === 'VolumeAttributesClass')
    return claimInScope(scope, object as unknown as PersistentVolumeClaim);
  return false;
}

function podInScope(scope: Scope, pod: Pod): boolean {
  const { spec } = pod;
  switch (scope.scopeName) {
    case 'Terminating':
      return isBounded(pod);
    case 'NotTerminating':
      return !isBounded(pod);
    case 'BestEffort':
      return (pod.status?.qosClass ?? qosClass(spec)) === 'BestEffort';
    case 'NotBestEffort':
      return (pod.status?.qosClass ?? qosClass(spec)) !== 'BestEffort';
    case 'PriorityClass':
      return matches(scope, spec.priorityClassName ? [spec.priorityClassName] : []);
    case 'CrossNamespacePodAffinity':
      return looksElsewhere(pod);
    default:
      return false;
  }
}

const isBounded = ({ spec }: Pod): boolean => spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;

function claimInScope(scope: Scope, { spec, status }: PersistentVolumeClaim): boolean {
  const { currentVolumeAttributesClassName, modifyVolumeStatus } = status ?? {};
  const names = [spec.volumeAttributesClassName, currentVolumeAttributesClassName, modifyVolumeStatus?.targetVolumeAttributesClassName];
  return matches(scope, names.filter((name) => name !== undefined && name !== '') as string[]);
}

function matches({ operator, values = [] }: Scope, has: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
      return has.length > 0;
    case 'DoesNotExist':
      return has.length === 0;
    case 'In':
      return has.some((name) => values.includes(name));
    case 'NotIn':
      return has.length === 0 || has.some((name) => !values.includes(name));
    default:
      return false;
  }
}

function looksElsewhere({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  for (const affinity of [podAffinity, podAntiAffinity]) {
    const terms: readonly PodAffinityTerm[] = [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((t) => t.podAffinityTerm),
    ];
    if (terms.some((t) => (t.namespaces?.length ?? 0) > 0 || t.namespaceSelector !== undefined)) return true;
  }
  return false;
}
