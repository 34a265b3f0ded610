// What happens in the cluster, as far as it can make an unschedulable Pod schedulable (upstream ClusterEvent and ActionType).

import type { Node, Pod, Taint } from '../api/generated/types.ts';

export type ClusterEventKind =
  | 'NodeAdd'
  | 'NodeDelete'
  | 'NodeAllocatable'
  | 'NodeLabel'
  | 'NodeTaint'
  | 'AssignedPodAdd'
  | 'AssignedPodLabel'
  | 'AssignedPodDelete'
  | 'PodLabel' // of the waiting Pod itself
  | 'PodTolerations'
  | 'PodSchedulingGates'
  | 'NamespaceLabel';

export interface ClusterEvent {
  readonly kind: ClusterEventKind;
  readonly before: unknown;
  readonly after: unknown;
}

/** What of a node changed that matters to scheduling (upstream nodeSchedulingPropertiesChange). */
export function nodeChanges(before: Node, after: Node): readonly ClusterEventKind[] {
  const kinds: ClusterEventKind[] = [];
  if (before.spec?.unschedulable !== after.spec?.unschedulable && !after.spec?.unschedulable) kinds.push('NodeTaint');
  else if (!sameTaints(before.spec?.taints, after.spec?.taints)) kinds.push('NodeTaint');
  if (!sameStrings(before.status?.allocatable, after.status?.allocatable)) kinds.push('NodeAllocatable');
  if (!sameStrings(before.metadata?.labels, after.metadata?.labels)) kinds.push('NodeLabel');
  return kinds;
}

/** What of a waiting Pod changed that matters to its scheduling. */
export function podChanges(before: Pod, after: Pod): readonly ClusterEventKind[] {
  const kinds: ClusterEventKind[] = [];
  if (!sameStrings(before.metadata?.labels, after.metadata?.labels)) kinds.push('PodLabel');
  if (before.spec?.tolerations !== after.spec?.tolerations && (before.spec?.tolerations?.length ?? 0) !== (after.spec?.tolerations?.length ?? 0)) {
    kinds.push('PodTolerations');
  }
  if ((before.spec?.schedulingGates?.length ?? 0) > 0 && (after.spec?.schedulingGates?.length ?? 0) === 0) kinds.push('PodSchedulingGates');
  return kinds;
}

function sameTaints(a: readonly Taint[] = [], b: readonly Taint[] = []): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((t, i) => t.key === b[i]?.key && t.value === b[i]?.value && t.effect === b[i]?.effect);
}

type Strings = Readonly<Record<string, string>>;

export function sameStrings(a: Strings | undefined, b: Strings | undefined): boolean {
  if (a === b) return true;
  const keys = Object.keys(a ?? {});
  return keys.length === Object.keys(b ?? {}).length && keys.every((key) => a?.[key] === b?.[key]);
}
