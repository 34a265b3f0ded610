// The claims of a Pod as the volume plugins see them.

import type { PersistentVolumeClaim, Pod } from '../../api/generated/types.ts';
import { BIND_COMPLETED, classOfClaim } from '../../api/storage/volume-match.ts';
import { isControlledBy } from '../../api/meta.ts';
import type { StorageObjects } from '../storage-objects.ts';

export interface ClaimRef {
  readonly name: string;
  readonly ephemeral: boolean;
}

/** The names of the claims that a Pod uses. */
export function claimRefsOf({ metadata, spec }: Pod): readonly ClaimRef[] {
  const refs: ClaimRef[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim) refs.push({ name: persistentVolumeClaim.claimName, ephemeral: false });
    else if (ephemeral) refs.push({ name: `${metadata.name}-${name}`, ephemeral: true });
  }
  return refs;
}

export const usesClaim = (pod: Pod, claim: PersistentVolumeClaim): boolean =>
  pod.metadata.namespace === claim.metadata.namespace && claimRefsOf(pod).some((ref) => ref.name === claim.metadata.name);

/** The Pod's claims, or why they cannot be used. */
export function claimsOf(objects: StorageObjects, pod: Pod): readonly PersistentVolumeClaim[] | string {
  const { namespace = '' } = pod.metadata;
  const claims: PersistentVolumeClaim[] = [];
  for (const { name, ephemeral } of claimRefsOf(pod)) {
    const claim = objects.claim(namespace, name);
    if (!claim) {
      return ephemeral
        ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
        : `persistentvolumeclaim "${name}" not found`;
    }
    if (claim.status.phase === 'Lost') return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`;
    if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
    if (ephemeral && !isControlledBy(claim, pod)) return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
    claims.push(claim);
  }
  return claims;
}

export const isFullyBound = (claim: PersistentVolumeClaim): boolean =>
  (claim.spec.volumeName ?? '') !== '' && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined;

/** Its volume is chosen when its first Pod gets a node. */
export function isDelayed(objects: StorageObjects, claim: PersistentVolumeClaim): boolean {
  const name = classOfClaim(claim);
  return name !== '' && objects.storageClass(name)?.volumeBindingMode === 'WaitForFirstConsumer';
}
