// Defaults of volumes, claims and classes (pkg/apis/core/v1, storage/v1 defaults.go).

import type { CSIDriver, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../generated/types.ts';
import { change, fill, put } from './fill.ts';

const EMPTY = Object.freeze({});

export function defaultClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  const out = change(claim, 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem', resources: EMPTY }));
  return put(out, 'status', fill(out.status ?? EMPTY, { phase: 'Pending' }));
}

export function defaultVolume(volume: PersistentVolume): PersistentVolume {
  const out = change(volume, 'spec', (given) => {
    let spec = fill(given, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' });
    spec = change(spec, 'hostPath', (s) => fill(s, { type: '' }));
    spec = change(spec, 'iscsi', (s) => fill(s, { iscsiInterface: 'default' }));
    spec = change(spec, 'rbd', (s) => fill(s, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }));
    spec = change(spec, 'azureDisk', (s) => fill(s, { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false }));
    return change(spec, 'scaleIO', (s) => fill(s, { storageMode: 'ThinProvisioned', fsType: 'xfs' }));
  });
  return change(out, 'status', (status) => fill(status, { phase: 'Pending' }));
}

export const defaultStorageClass = (c: StorageClass): StorageClass => fill(c, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });

export const defaultCSIDriver = (d: CSIDriver): CSIDriver =>
  change(d, 'spec', (spec) =>
    fill(spec, {
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    }),
  );
