// StorageObjectInUseProtection: volumes and claims cannot go while something uses them; and PersistentVolumeClaimResize:
// only claims whose class allows it may grow.

import type { PersistentVolumeClaim, StorageClass } from '../../api/generated/types.ts';
import { compareQuantity } from '../../api/quantity.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { refused } from './refusal.ts';

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  resources: Object.keys(FINALIZERS),

  handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',

  admit({ kind }, object) {
    const finalizer = FINALIZERS[kind.key] as string;
    const { finalizers = [] } = object.metadata;
    if (finalizers.includes(finalizer)) return object;
    return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } } as Unsaved;
  },
};

const sizeOf = (claim: PersistentVolumeClaim): string => claim.spec.resources?.requests?.['storage'] ?? '0';

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  resources: ['persistentvolumeclaims'],

  handles: ({ operation, subresource }) => operation === 'UPDATE' && subresource === '',

  validate(request) {
    const [claim, old] = [request.object, request.old] as unknown as [PersistentVolumeClaim, PersistentVolumeClaim];
    if (compareQuantity(sizeOf(claim), sizeOf(old)) <= 0) return;
    if (old.status?.phase !== 'Bound') throw refused(request, 'Only bound persistent volume claims can be expanded');
    if (!mayGrow(request, claim)) {
      throw refused(
        request,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    }
  },
};

function mayGrow({ server }: AdmissionRequest, { spec, metadata }: PersistentVolumeClaim): boolean {
  const name = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '';
  const found = server.store.cache.ofKey('storageclasses.storage.k8s.io').get(name) as unknown as StorageClass | undefined;
  return found?.allowVolumeExpansion === true;
}
