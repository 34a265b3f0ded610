// Which volume a claim gets (k8s.io/component-helpers/storage/volume pv_helpers.go FindMatchingVolume, and the index by access
// modes of pkg/controller/volume/persistentvolume): the smallest that is large enough, of the fewest access modes.

import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../generated/types.ts';
import { compareQuantity } from '../quantity.ts';
import { matchLabels, selectorOf } from '../selector.ts';

const LEGACY_CLASS = 'volume.beta.kubernetes.io/storage-class';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

/** '' when it names none. */
export const classOfClaim = ({ metadata, spec }: PersistentVolumeClaim): string => metadata.annotations?.[LEGACY_CLASS] ?? spec.storageClassName ?? '';
export const classOfVolume = ({ metadata, spec }: PersistentVolume): string => metadata.annotations?.[LEGACY_CLASS] ?? spec.storageClassName ?? '';
export const namesClass = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  metadata.annotations?.[LEGACY_CLASS] !== undefined || spec.storageClassName !== undefined;

/** Of several classes that are marked as default the newest counts, then the first by name. */
export function defaultClassOf(classes: readonly StorageClass[]): StorageClass | undefined {
  let best: StorageClass | undefined;
  for (const one of classes) {
    const marks = one.metadata.annotations ?? {};
    if (marks[DEFAULT_CLASS] !== 'true' && marks['storageclass.beta.kubernetes.io/is-default-class'] !== 'true') continue;
    const [a, b] = [one.metadata.creationTimestamp ?? '', best?.metadata.creationTimestamp ?? ''];
    if (best === undefined || a > b || (a === b && one.metadata.name < best.metadata.name)) best = one;
  }
  return best;
}

export const sizeOfClaim = ({ spec }: PersistentVolumeClaim): string => spec.resources?.requests?.['storage'] ?? '0';
export const sizeOfVolume = ({ spec }: PersistentVolume): string => spec.capacity?.['storage'] ?? '0';

/** The volume names this claim, by uid or (pre-bound by a person) by name alone. */
export function isBoundTo(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec.claimRef;
  if (ref === undefined || ref.name !== claim.metadata.name || ref.namespace !== claim.metadata.namespace) return false;
  return (ref.uid ?? '') === '' || ref.uid === claim.metadata.uid;
}

/** The volume can be used in all the ways that the claim asks for. */
export const offersModes = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode) ?? false);

export const sameVolumeMode = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem');

export interface Search {
  /** Given by the scheduler, which looks on behalf of one node. */
  readonly fitsNode?: (volume: PersistentVolume) => boolean;
  /** Volumes that are spoken for. */
  readonly excluded?: (volume: PersistentVolume) => boolean;
  /** The claim is bound when its first Pod has a node: the binder itself then only finishes what was begun. */
  readonly delayed?: boolean;
}

export function findMatchingVolume(claim: PersistentVolumeClaim, volumes: Iterable<PersistentVolume>, search: Search = {}): PersistentVolume | undefined {
  const { fitsNode, excluded, delayed = false } = search;
  const selector = claim.spec.selector === undefined ? null : selectorOf(claim.spec.selector);
  const wanted = sizeOfClaim(claim);
  const storageClass = classOfClaim(claim);
  const attributes = claim.spec.volumeAttributesClassName ?? '';
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    const { spec, metadata } = volume;
    const mine = isBoundTo(volume, claim);
    if ((spec.claimRef !== undefined && !mine) || excluded?.(volume) === true) continue;
    if (metadata.deletionTimestamp !== undefined) continue;
    if (compareQuantity(sizeOfVolume(volume), wanted) < 0 || !sameVolumeMode(volume, claim)) continue;
    if ((spec.volumeAttributesClassName ?? '') !== attributes) continue;
    const fits = fitsNode?.(volume) ?? true;
    if (mine) return fits ? volume : undefined;
    if (fitsNode === undefined && delayed) continue;
    if (volume.status.phase !== 'Available' || classOfVolume(volume) !== storageClass || !fits) continue;
    if (selector !== null && !matchLabels(selector, metadata.labels)) continue;
    if (fitsNode !== undefined && !offersModes(volume, claim)) continue;
    if (best === undefined || compareQuantity(sizeOfVolume(best), sizeOfVolume(volume)) > 0) best = volume;
  }
  return best;
}

const modesKey = (volume: PersistentVolume): string => [...(volume.spec.accessModes ?? [])].sort().join(',');

/** As the binder searches: volumes of the fewest access modes first, for no claim shall take a better one than it needs. */
export function findBestMatch(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], delayed = false): PersistentVolume | undefined {
  const levels = new Map<string, PersistentVolume[]>();
  for (const volume of volumes) {
    if (volume.spec.claimRef !== undefined && !isBoundTo(volume, claim)) continue;
    if (!offersModes(volume, claim)) continue;
    const key = modesKey(volume);
    const level = levels.get(key);
    if (level) level.push(volume);
    else levels.set(key, [volume]);
  }
  const keys = [...levels.keys()].sort((a, b) => a.split(',').length - b.split(',').length || (a < b ? -1 : 1));
  for (const key of keys) {
    const found = findMatchingVolume(claim, levels.get(key) as PersistentVolume[], { delayed });
    if (found) return found;
  }
  return undefined;
}

/** Why a volume that the claim asks for by name cannot be its volume; undefined when it can (checkVolumeSatisfyClaim). */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantity(sizeOfVolume(volume), sizeOfClaim(claim)) < 0) return 'requested PV is too small';
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match';
  if ((volume.spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? '')) return 'volumeAttributesClassName does not match';
  if (!sameVolumeMode(volume, claim)) return 'incompatible volumeMode';
  return offersModes(volume, claim) ? undefined : 'incompatible accessMode';
}
