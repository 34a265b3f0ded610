// What happens in the cluster, as far as it can make an unschedulable Pod schedulable (upstream ClusterEvent and ActionType).

import type { Node, Pod, Taint } from '../api/generated/types.ts';
import { podRequests } from './resources.ts';

/** Of kinds that only some plugins ask about; those plugins bring them themselves (Plugin.follow). */
type OtherEventKind = `${
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'StorageClass'
  | 'VolumeAttachment'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'ResourceClaim'
  | 'ResourceSlice'
  | 'DeviceClass'}${'Add' | 'Update' | 'Delete'}`;

export type ClusterEventKind =
  | OtherEventKind
  | 'NodeAdd'
  | 'NodeDelete'
  | 'NodeAllocatable'
  | 'NodeLabel'
  | 'NodeTaint'
  | 'NodeDeclaredFeature'
  | 'AssignedPodAdd'
  | 'AssignedPodLabel'
  | 'AssignedPodScaleDown' // an in-place resize asks for less
  | 'AssignedPodDelete'
  | 'PodLabel' // of the waiting Pod itself
  | 'PodScaleDown'
  | 'PodGeneratedResourceClaim'
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
  if (before.spec.unschedulable !== after.spec.unschedulable && !after.spec.unschedulable) kinds.push('NodeTaint');
  else if (!sameTaints(before.spec.taints, after.spec.taints)) kinds.push('NodeTaint');
  if (!sameStrings(before.status.allocatable, after.status.allocatable)) kinds.push('NodeAllocatable');
  if (!sameStrings(before.metadata.labels, after.metadata.labels)) kinds.push('NodeLabel');
  if (before.status.declaredFeatures !== after.status.declaredFeatures) kinds.push('NodeDeclaredFeature');
  return kinds;
}

/** What of a waiting Pod changed that matters to its scheduling. */
export function podChanges(before: Pod, after: Pod): readonly ClusterEventKind[] {
  const kinds: ClusterEventKind[] = [];
  if (!sameStrings(before.metadata.labels, after.metadata.labels)) kinds.push('PodLabel');
  if ((before.spec.tolerations?.length ?? 0) !== (after.spec.tolerations?.length ?? 0)) kinds.push('PodTolerations');
  if ((before.spec.schedulingGates?.length ?? 0) > 0 && (after.spec.schedulingGates?.length ?? 0) === 0) kinds.push('PodSchedulingGates');
  if (before.status.resourceClaimStatuses !== after.status.resourceClaimStatuses) kinds.push('PodGeneratedResourceClaim');
  if (before.spec.containers !== after.spec.containers && asksForLess(before, after)) kinds.push('PodScaleDown');
  return kinds;
}

/** Of anything. */
export function asksForLess(before: Pod, after: Pod): boolean {
  const [a, b] = [podRequests(after).requests, podRequests(before).requests];
  if (a.milliCpu < b.milliCpu || a.memory < b.memory || a.ephemeralStorage < b.ephemeralStorage) return true;
  for (const [name, amount] of b.scalars) if ((a.scalars.get(name) ?? 0) < amount) return true;
  return false;
}

export function sameTaints(a: readonly Taint[] = [], b: readonly Taint[] = []): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((t, i) => t.key === b[i]?.key && t.value === b[i]?.value && t.effect === b[i]?.effect);
}

type Strings = Readonly<Record<string, string>>;

export function sameStrings(a: Strings | undefined, b: Strings | undefined): boolean {
  if (a === b) return true;
  const keys = Object.keys(a ?? {});
  return keys.length === Object.keys(b ?? {}).length && keys.every((key) => a?.[key] === b?.[key]);
}
