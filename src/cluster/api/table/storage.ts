// Rows of volumes, claims and classes (pkg/printers/internalversion).

import type { CSIDriver, CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeAttachment } from '../generated/types.ts';
import { accessModesText, age, UNSET } from './format.ts';
import { columns, type Printer } from './printer.ts';

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const LEGACY_CLASS = 'volume.beta.kubernetes.io/storage-class';

export const volumePrinter: Printer<PersistentVolume> = {
  columns: columns(
    'Name',
    'Capacity',
    'Access Modes',
    'Reclaim Policy',
    'Status',
    'Claim',
    'StorageClass',
    'VolumeAttributesClass',
    'Reason',
    'Age',
    'VolumeMode*',
  ),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.capacity?.storage ?? '',
    accessModesText(spec.accessModes),
    spec.persistentVolumeReclaimPolicy ?? '',
    metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    spec.claimRef === undefined ? '' : `${spec.claimRef.namespace}/${spec.claimRef.name}`,
    spec.storageClassName ?? '',
    spec.volumeAttributesClassName ?? UNSET,
    status.reason ?? '',
    age(metadata.creationTimestamp, now),
    spec.volumeMode ?? UNSET,
  ],
};

export const claimPrinter: Printer<PersistentVolumeClaim> = {
  columns: columns('Name', 'Status', 'Volume', 'Capacity', 'Access Modes', 'StorageClass', 'VolumeAttributesClass', 'Age', 'VolumeMode*'),
  cells: ({ metadata, spec, status }, now) => {
    const bound = (spec.volumeName ?? '') !== '';
    return [
      metadata.name,
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
      spec.volumeName ?? '',
      bound ? (status.capacity?.storage ?? '') : '',
      bound ? accessModesText(status.accessModes) : '',
      metadata.annotations?.[LEGACY_CLASS] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? UNSET,
      age(metadata.creationTimestamp, now),
      spec.volumeMode ?? UNSET,
    ];
  },
};

export const storageClassPrinter: Printer<StorageClass> = {
  columns: columns('Name', 'Provisioner', 'ReclaimPolicy', 'VolumeBindingMode', 'AllowVolumeExpansion', 'Age'),
  cells: (c, now) => [
    c.metadata.annotations?.[DEFAULT_CLASS] === 'true' ? `${c.metadata.name} (default)` : c.metadata.name,
    c.provisioner,
    c.reclaimPolicy ?? 'Delete',
    c.volumeBindingMode ?? UNSET,
    c.allowVolumeExpansion === true,
    age(c.metadata.creationTimestamp, now),
  ],
};

export const csiDriverPrinter: Printer<CSIDriver> = {
  columns: columns('Name', 'AttachRequired?', 'PodInfoOnMount?', 'StorageCapacity?', 'TokenRequests', 'RequiresRepublish?', 'Modes', 'Age'),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    spec.attachRequired !== false,
    spec.podInfoOnMount === true,
    spec.storageCapacity === true,
    (spec.tokenRequests ?? []).map((t) => t.audience).join(',') || UNSET,
    spec.requiresRepublish === true,
    (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
    age(metadata.creationTimestamp, now),
  ],
};

export const csiNodePrinter: Printer<CSINode> = {
  columns: columns('Name', 'Drivers#', 'Age'),
  cells: ({ metadata, spec }, now) => [metadata.name, spec.drivers.length, age(metadata.creationTimestamp, now)],
};

export const attachmentPrinter: Printer<VolumeAttachment> = {
  columns: columns('Name', 'Attacher', 'PV', 'Node', 'Attached?', 'Age'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.attacher,
    spec.source.persistentVolumeName ?? '',
    spec.nodeName,
    status.attached === true,
    age(metadata.creationTimestamp, now),
  ],
};
