// NodeVolumeLimits: a node can have only so many volumes of a CSI driver attached as its CSINode says.

import type { Pod } from '../../api/generated/types.ts';
import { csiVolumeOf } from '../../api/storage/attachment.ts';
import { classOfClaim } from '../../api/storage/volume-match.ts';
import { translate } from '../../api/storage/provisioners.ts';
import { type Plugin, SKIP, unschedulable } from '../framework/types.ts';
import type { StorageObjects } from '../storage-objects.ts';
import { claimRefsOf, usesClaim } from './volume-claims.ts';

const EXCEEDED = unschedulable('node(s) exceed max volume count');

/** Volumes of a Pod by a name of their own, with their driver. */
function volumesOf(objects: StorageObjects, pod: Pod, into: Map<string, string>): Map<string, string> {
  const { namespace = '' } = pod.metadata;
  for (const volume of pod.spec.volumes ?? []) {
    const csi = translate(volume);
    if (csi) into.set(`${csi.driver}/${csi.handle}`, csi.driver);
  }
  for (const { name } of claimRefsOf(pod)) {
    const claim = objects.claim(namespace, name);
    if (!claim) continue;
    const volume = claim.spec.volumeName ? objects.volume(claim.spec.volumeName) : undefined;
    if (volume) {
      const csi = csiVolumeOf(volume.spec);
      if (csi) into.set(`${csi.driver}/${csi.handle}`, csi.driver);
      continue;
    }
    // Not made yet: it will count as one of its class's driver.
    const driver = objects.storageClass(classOfClaim(claim))?.provisioner;
    if (driver !== undefined) into.set(`${driver}/${namespace}/${name}`, driver);
  }
  return into;
}

export const nodeVolumeLimits = (objects: StorageObjects): Plugin => ({
  name: 'NodeVolumeLimits',
  events: [
    { event: 'CSINodeAdd' },
    { event: 'CSINodeUpdate' },
    { event: 'AssignedPodDelete', worthTrying: (_, before) => claimRefsOf(before as Pod).length > 0 },
    { event: 'PersistentVolumeClaimAdd', worthTrying: ({ pod }, _, after) => usesClaim(pod, after as Parameters<typeof usesClaim>[1]) },
    { event: 'VolumeAttachmentDelete' },
  ],
  preFilter({ pod }) {
    const wanted = volumesOf(objects, pod, new Map());
    return wanted.size === 0 ? { status: SKIP } : { status: null, state: wanted };
  },
  filter(state, _, node) {
    const limits = new Map<string, number>();
    for (const { name, allocatable } of objects.csiNode(node.name)?.spec.drivers ?? []) {
      if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
    }
    if (limits.size === 0) return null;
    const present = new Map<string, string>();
    for (const other of node.pods.values()) volumesOf(objects, other.pod, present);
    for (const attachment of objects.attachments()) {
      if (attachment.spec.nodeName !== node.name) continue;
      const volume = objects.volume(attachment.spec.source.persistentVolumeName ?? '');
      const csi = volume && csiVolumeOf(volume.spec);
      if (csi) present.set(`${csi.driver}/${csi.handle}`, csi.driver);
    }
    const counts = new Map<string, number>();
    for (const driver of present.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
    for (const [name, driver] of state as ReadonlyMap<string, string>) {
      const limit = limits.get(driver);
      if (limit === undefined || present.has(name)) continue;
      const count = (counts.get(driver) ?? 0) + 1;
      if (count > limit) return EXCEEDED;
      counts.set(driver, count);
    }
    return null;
  },
});
