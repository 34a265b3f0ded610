// VolumeZone: a volume that says by its labels in which zone or region it lies can be used there alone.

import type { Node, PersistentVolumeClaim, Pod } from '../../api/generated/types.ts';
import { type Plugin, SKIP, unresolvable } from '../framework/types.ts';
import { classOfClaim } from '../../api/storage/volume-match.ts';
import type { StorageObjects } from '../storage-objects.ts';
import { claimRefsOf, usesClaim } from './volume-claims.ts';

const LABELS: readonly string[] = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
];
const OLD_TO_NEW: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};

const CONFLICT = unresolvable('node(s) had no available volume zone');

interface Topology {
  readonly label: string;
  readonly values: ReadonlySet<string>;
}

/** Where the Pod's volumes lie, or why that cannot be said. */
function topologiesOf(objects: StorageObjects, pod: Pod): readonly Topology[] | string {
  const topologies: Topology[] = [];
  for (const { name } of claimRefsOf(pod)) {
    const claim = objects.claim(pod.metadata.namespace ?? '', name);
    if (!claim) return `persistentvolumeclaim "${name}" not found`;
    const volumeName = claim.spec.volumeName ?? '';
    if (volumeName === '') {
      const className = classOfClaim(claim);
      if (className === '') return 'PersistentVolumeClaim had no pv name and storageClass name';
      const found = objects.storageClass(className);
      if (!found) return `storageclasses.storage.k8s.io "${className}" not found`;
      if (found.volumeBindingMode === undefined) return `VolumeBindingMode not set for StorageClass "${className}"`;
      if (found.volumeBindingMode === 'WaitForFirstConsumer') continue;
      return 'PersistentVolume had no name';
    }
    const volume = objects.volume(volumeName);
    if (!volume) return `persistentvolume "${volumeName}" not found`;
    for (const label of LABELS) {
      const value = volume.metadata.labels?.[label];
      if (value !== undefined) topologies.push({ label, values: new Set(value.split('__')) });
    }
  }
  return topologies;
}

function hasZone(labels: Readonly<Record<string, string>>): boolean {
  return LABELS.some((label) => labels[label] !== undefined);
}

export const volumeZone = (objects: StorageObjects): Plugin => ({
  name: 'VolumeZone',
  events: [
    { event: 'StorageClassAdd' },
    { event: 'NodeAdd' },
    { event: 'NodeLabel', worthTrying: (_, __, after) => hasZone((after as Node).metadata.labels ?? {}) },
    { event: 'PersistentVolumeClaimAdd', worthTrying: ({ pod }, _, after) => usesClaim(pod, after as PersistentVolumeClaim) },
    { event: 'PersistentVolumeClaimUpdate', worthTrying: ({ pod }, _, after) => usesClaim(pod, after as PersistentVolumeClaim) },
    { event: 'PersistentVolumeAdd' },
    { event: 'PersistentVolumeUpdate' },
  ],
  preFilter({ pod }) {
    const found = topologiesOf(objects, pod);
    if (typeof found === 'string') return { status: unresolvable(found) };
    return found.length === 0 ? { status: SKIP } : { status: null, state: found };
  },
  filter(state, _, { labels }) {
    if (!hasZone(labels)) return null;
    for (const { label, values } of state as readonly Topology[]) {
      const value = labels[label] ?? labels[OLD_TO_NEW[label] ?? ''];
      if (value === undefined || !values.has(value)) return CONFLICT;
    }
    return null;
  },
});
