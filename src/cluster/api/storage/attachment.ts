// What the attach-detach controller and a kubelet must agree on about attachable volumes (pkg/volume/csi): the unique name of a
// volume in a node's status, the name of its VolumeAttachment, whether several nodes may have it at once.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { PersistentVolume, PersistentVolumeSpec, Pod } from '../generated/types.ts';
import { translate } from './provisioners.ts';

export interface CsiVolume {
  readonly driver: string;
  readonly handle: string;
}

/** The volume as a CSI driver knows it; undefined for other kinds. */
export function csiVolumeOf(spec: PersistentVolumeSpec): CsiVolume | undefined {
  return spec.csi ? { driver: spec.csi.driver, handle: spec.csi.volumeHandle } : translate(spec);
}

/** As in node.status.volumesInUse and volumesAttached. */
export const uniqueName = ({ driver, handle }: CsiVolume): string => `kubernetes.io/csi/${driver}^${handle}`;

export const attachmentName = ({ driver, handle }: CsiVolume, node: string): string =>
  `csi-${bytesToHex(sha256(utf8ToBytes(`${handle}${driver}${node}`)))}`;

/** Where kubelet and driver stage a volume: a directory named by its handle. */
export const stagingName = ({ handle }: CsiVolume): string => bytesToHex(sha256(utf8ToBytes(handle)));

/** One node at a time: no mode of the volume allows more. */
export function isExclusive({ spec }: PersistentVolume): boolean {
  const modes = spec.accessModes ?? [];
  return modes.length > 0 && !modes.includes('ReadWriteMany') && !modes.includes('ReadOnlyMany');
}

/** What a cloud's disk that is named in a Pod itself is called, as if it were a PersistentVolume. */
export const inlineName = ({ driver, handle }: CsiVolume): string => `${driver}-${handle}`;

/** The cloud disks that a Pod names itself. */
export function inlineVolumesOf({ spec }: Pod): readonly CsiVolume[] {
  let found: CsiVolume[] | undefined;
  for (const volume of spec.volumes ?? []) {
    if (volume.projected || volume.configMap || volume.emptyDir || volume.secret || volume.persistentVolumeClaim) continue;
    const csi = translate(volume);
    if (csi) (found ??= []).push(csi);
  }
  return found ?? NONE;
}

const NONE: readonly CsiVolume[] = [];
