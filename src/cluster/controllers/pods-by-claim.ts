// Pods by the claims that they use: an index of the shared Pod informer (pkg/controller/common AddPodPVCIndexerIfNotPresent).

import type { Pod } from '../api/generated/types.ts';
import type { Informer } from '../client/informer.ts';

export const CLAIM_INDEX = 'pod-pvc-index';

/** `namespace/name` of the claims that a Pod uses; undefined when it uses none. */
export function claimKeysOf(pod: Pod): readonly string[] | undefined {
  let keys: string[] | undefined;
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec.volumes ?? []) {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${pod.metadata.name}-${name}`);
    if (claim !== undefined) (keys ??= []).push(`${pod.metadata.namespace}/${claim}`);
  }
  return keys;
}

export const indexPodsByClaim = (pods: Informer<Pod>): void => pods.addIndex(CLAIM_INDEX, claimKeysOf);
