// For one node: do its Pods reach these volumes, and which volumes would claims get there (upstream volumebinding/binder.go
// FindPodVolumes)?

import type { CSIStorageCapacity, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/generated/types.ts';
import { compareQuantity } from '../../api/quantity.ts';
import { matchLabels, selectorOf } from '../../api/selector.ts';
import { classOfClaim, classOfVolume, findMatchingVolume, SELECTED_NODE, sizeOfClaim } from '../../api/storage/volume-match.ts';
import { compileNodeTerm, type Labels } from '../matcher.ts';
import type { StorageObjects } from '../storage-objects.ts';

export const NO_VOLUME = "node(s) didn't find available persistent volumes to bind";
export const NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity";
export const NOT_ENOUGH_SPACE = 'node(s) did not have enough free storage';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** What a Pod's claims would get on a node. */
export interface PodVolumes {
  readonly bindings: readonly { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim }[];
  /** A volume is to be made for them. */
  readonly provisions: readonly PersistentVolumeClaim[];
}

const NOTHING: PodVolumes = { bindings: [], provisions: [] };

/** Whether Pods on the node can use the volume. */
export function reachable({ spec }: PersistentVolume, node: string, labels: Labels): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => compileNodeTerm(term)(labels, node));
}

export class VolumeFinder {
  readonly #objects: StorageObjects;

  constructor(objects: StorageObjects) {
    this.#objects = objects;
  }

  /** `missing`: some volume does not exist. */
  reaches(bound: readonly PersistentVolumeClaim[], node: string, labels: Labels): boolean | 'missing' {
    for (const claim of bound) {
      const volume = this.#objects.volume(claim.spec.volumeName ?? '');
      if (!volume) return 'missing';
      if (!reachable(volume, node, labels)) return false;
    }
    return true;
  }

  find(claims: readonly PersistentVolumeClaim[], node: string, labels: Labels): PodVolumes | typeof NO_VOLUME | typeof NOT_ENOUGH_SPACE {
    if (claims.length === 0) return NOTHING;
    const bindings: { volume: PersistentVolume; claim: PersistentVolumeClaim }[] = [];
    const unmatched: PersistentVolumeClaim[] = [];
    const provisions: PersistentVolumeClaim[] = [];
    const chosen = new Set<PersistentVolume>();
    const smallestFirst = [...claims].sort((a, b) => compareQuantity(sizeOfClaim(a), sizeOfClaim(b)));
    for (const claim of smallestFirst) {
      const at = claim.metadata.annotations?.[SELECTED_NODE];
      if (at !== undefined) {
        if (at !== node) return NO_VOLUME;
        provisions.push(claim);
        continue;
      }
      const storageClass = classOfClaim(claim);
      const volume = findMatchingVolume(claim, this.#objects.volumes().filter((v) => classOfVolume(v) === storageClass), {
        fitsNode: (v) => reachable(v, node, labels),
        excluded: (v) => chosen.has(v),
      });
      if (volume) {
        chosen.add(volume);
        bindings.push({ volume, claim });
      } else unmatched.push(claim);
    }
    for (const claim of unmatched) {
      const storageClass = this.#objects.storageClass(classOfClaim(claim));
      if (!storageClass || storageClass.provisioner === '' || storageClass.provisioner === NO_PROVISIONER) return NO_VOLUME;
      if (!allowsTopology(storageClass, labels)) return NO_VOLUME;
      if (!this.#hasSpace(storageClass, claim, labels)) return NOT_ENOUGH_SPACE;
      provisions.push(claim);
    }
    return { bindings, provisions };
  }

  /** Only drivers that publish their capacity can be short of it. */
  #hasSpace({ provisioner, metadata }: StorageClass, claim: PersistentVolumeClaim, labels: Labels): boolean {
    if (this.#objects.driver(provisioner)?.spec.storageCapacity !== true) return true;
    const size = sizeOfClaim(claim);
    return this.#objects.capacities().some((c) => c.storageClassName === metadata.name && isEnough(c, size) && inTopology(c, labels));
  }
}

const isEnough = ({ capacity, maximumVolumeSize }: CSIStorageCapacity, size: string): boolean => {
  const limit = maximumVolumeSize ?? capacity;
  return limit !== undefined && compareQuantity(limit, size) >= 0;
};

const inTopology = ({ nodeTopology }: CSIStorageCapacity, labels: Labels): boolean =>
  nodeTopology !== undefined && matchLabels(selectorOf(nodeTopology), labels);

function allowsTopology({ allowedTopologies = [] }: StorageClass, labels: Labels): boolean {
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')));
}
