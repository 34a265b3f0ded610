// VolumeRestrictions: what several Pods cannot have at once: a claim of access mode ReadWriteOncePod anywhere, and on one node a
// disk that is named in the Pods themselves.

import type { PersistentVolumeClaim, Pod, Volume } from '../../api/generated/types.ts';
import { type Plugin, SKIP, unschedulable } from '../framework/types.ts';
import type { StorageObjects } from '../storage-objects.ts';
import { claimRefsOf, usesClaim } from './volume-claims.ts';

const DISK = unschedulable('node(s) had no available disk');
const ONE_POD = unschedulable('node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode');

interface State {
  /** Names of the Pod's claims that one Pod alone may use. */
  readonly exclusive: ReadonlySet<string>;
  /** How often other Pods use them. */
  readonly uses: number;
  readonly disks: readonly Volume[];
}

const isDisk = (v: Volume): boolean => Boolean(v.gcePersistentDisk || v.awsElasticBlockStore || v.iscsi || v.rbd);

/** Two Pods of one node want the same disk, and not both only to read. */
export function disksClash(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    const readOnly = a.gcePersistentDisk.readOnly === true && b.gcePersistentDisk.readOnly === true;
    return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && !readOnly;
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly === true && b.iscsi.readOnly === true);
  if (a.rbd && b.rbd) {
    const monitors = new Set(a.rbd.monitors);
    const same = b.rbd.monitors.some((m) => monitors.has(m)) && (a.rbd.pool ?? 'rbd') === (b.rbd.pool ?? 'rbd') && a.rbd.image === b.rbd.image;
    return same && !(a.rbd.readOnly === true && b.rbd.readOnly === true);
  }
  return false;
}

const usesOf = (pod: Pod, namespace: string, exclusive: ReadonlySet<string>): number =>
  pod.metadata.namespace === namespace ? claimRefsOf(pod).filter(({ name }) => exclusive.has(name)).length : 0;

export const volumeRestrictions = (objects: StorageObjects): Plugin => ({
  name: 'VolumeRestrictions',
  events: [
    {
      event: 'AssignedPodDelete',
      worthTrying: ({ pod }, before) => {
        const gone = before as Pod;
        const mine = claimRefsOf(pod).map(({ name }) => name);
        if (gone.metadata.namespace === pod.metadata.namespace && claimRefsOf(gone).some(({ name }) => mine.includes(name))) return true;
        return (pod.spec.volumes ?? []).some((a) => (gone.spec.volumes ?? []).some((b) => disksClash(a, b)));
      },
    },
    { event: 'NodeAdd' },
    { event: 'PersistentVolumeClaimAdd', worthTrying: ({ pod }, _, after) => usesClaim(pod, after as PersistentVolumeClaim) },
  ],
  preFilter({ pod, namespace }, snapshot) {
    const disks = (pod.spec.volumes ?? []).filter(isDisk);
    const exclusive = new Set<string>();
    for (const { name } of claimRefsOf(pod)) {
      const claim = objects.claim(namespace, name);
      if (claim?.spec.accessModes?.includes('ReadWriteOncePod')) exclusive.add(name);
    }
    if (disks.length === 0 && exclusive.size === 0) return { status: SKIP };
    let uses = 0;
    if (exclusive.size > 0) for (const node of snapshot.nodes) for (const other of node.pods.values()) uses += usesOf(other.pod, namespace, exclusive);
    return { status: null, state: { exclusive, uses, disks } satisfies State };
  },
  addPod: (state, { namespace }, other) => {
    const { exclusive, uses, disks } = state as State;
    return { exclusive, disks, uses: uses + usesOf(other.pod, namespace, exclusive) } satisfies State;
  },
  removePod: (state, { namespace }, other) => {
    const { exclusive, uses, disks } = state as State;
    return { exclusive, disks, uses: uses - usesOf(other.pod, namespace, exclusive) } satisfies State;
  },
  filter(state, _, node) {
    const { uses, disks } = state as State;
    if (disks.length > 0) {
      for (const other of node.pods.values()) {
        for (const theirs of other.pod.spec.volumes ?? []) if (disks.some((mine) => disksClash(mine, theirs))) return DISK;
      }
    }
    return uses > 0 ? ONE_POD : null;
  },
});
