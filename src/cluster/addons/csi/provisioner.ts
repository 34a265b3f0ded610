// external-provisioner (kubernetes-csi): has its driver make volumes for claims, and delete those whose claims are gone.

import type { PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeAttachment } from '../../api/generated/types.ts';
import { formatQuantity, quantityValue } from '../../api/quantity.ts';
import type { CreateVolumeRequest, CsiVolumeInfo } from '../../api/storage/csi.ts';
import { sizeOfClaim } from '../../api/storage/volume-match.ts';
import type { Draft } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Subject } from '../../sim/trace.ts';
import { claimReferenceOf, ProvisionController, ProvisionError, type VolumeMaker } from './provision-controller.ts';
import { type Sidecar, sidecarProgram } from './sidecar.ts';

export const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';
const FS_TYPE = 'csi.storage.k8s.io/fstype';

export const provisionerProgram = sidecarProgram('csi-provisioner', (sidecar) => void new ProvisionController(sidecar, new CsiMaker(sidecar)));

class CsiMaker implements VolumeMaker {
  readonly finalizer = FINALIZER;
  readonly #sidecar: Sidecar;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #identity: string;

  constructor(sidecar: Sidecar) {
    this.#sidecar = sidecar;
    const { informers, os, driver } = sidecar;
    this.#attachments = informers.informer('volumeattachments.storage.k8s.io');
    this.#identity = `${Math.floor((os.sim.epoch + os.sim.now) / 1000)}-${os.sim.random(`provisioner/${os.place}`).int(10_000)}-${driver}`;
  }

  *make(claim: PersistentVolumeClaim, found: StorageClass, name: string): Op<Draft<PersistentVolume>> {
    const { metadata, spec } = claim;
    if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined) throw new ProvisionError('claim Source is not supported by the driver');
    const { [FS_TYPE]: fsType = 'ext4', ...parameters } = found.parameters ?? {};
    const block = spec.volumeMode === 'Block';
    const request: CreateVolumeRequest = {
      name,
      requiredBytes: quantityValue(sizeOfClaim(claim)),
      capabilities: (spec.accessModes ?? []).map((accessMode) => ({ accessMode, fsType, block })),
      parameters,
    };
    const { driver, call } = this.#sidecar;
    const subject: Subject = { group: '', resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', namespace: metadata.namespace ?? '', name: metadata.name };
    const made = yield* call<CsiVolumeInfo>('CreateVolume', request, subject);
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name,
        annotations: { 'volume.kubernetes.io/provisioner-deletion-secret-name': '', 'volume.kubernetes.io/provisioner-deletion-secret-namespace': '' },
      },
      spec: {
        accessModes: spec.accessModes ?? [],
        capacity: { storage: formatQuantity(made.capacityBytes, 'BinarySI') },
        claimRef: claimReferenceOf(claim),
        csi: {
          driver,
          volumeHandle: made.volumeId,
          ...(block ? {} : { fsType }),
          volumeAttributes: { ...made.volumeContext, 'storage.kubernetes.io/csiProvisionerIdentity': this.#identity },
        },
        persistentVolumeReclaimPolicy: found.reclaimPolicy ?? 'Delete',
        storageClassName: found.metadata.name,
        ...(found.mountOptions ? { mountOptions: found.mountOptions } : {}),
        volumeMode: spec.volumeMode ?? 'Filesystem',
      },
    };
  }

  *delete({ metadata, spec }: PersistentVolume): Op<void> {
    const attached = this.#attachments.list().find((a) => a.spec.source.persistentVolumeName === metadata.name);
    if (attached) throw new ProvisionError(`persistentvolume ${metadata.name} is still attached to node ${attached.spec.nodeName}`);
    yield* this.#sidecar.call('DeleteVolume', { volumeId: spec.csi?.volumeHandle ?? '' });
  }
}
