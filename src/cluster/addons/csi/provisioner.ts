// external-provisioner (kubernetes-csi, on sig-storage-lib-external-provisioner): makes volumes for claims that ask its driver, and
// deletes those whose claims are gone.

import type { PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeAttachment } from '../../api/generated/types.ts';
import { keyOf } from '../../api/meta.ts';
import { formatQuantity, quantityValue } from '../../api/quantity.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { CreateVolumeRequest, CsiVolumeInfo } from '../../api/storage/csi.ts';
import { classOfClaim, PROVISIONED_BY, SELECTED_NODE, sizeOfClaim } from '../../api/storage/volume-match.ts';
import { messageOf } from '../../client/errors.ts';
import type { Draft } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import type { WorkQueue } from '../../client/workqueue.ts';
import { RpcError } from '../../network/grpc.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Subject } from '../../sim/trace.ts';
import { type Sidecar, sidecarProgram, withoutFinalizer, work } from './sidecar.ts';

export const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';
const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
const OLD_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
const FS_TYPE = 'csi.storage.k8s.io/fstype';

export const provisionerProgram = sidecarProgram('csi-provisioner', (sidecar) => void new Provisioner(sidecar));

class Provisioner {
  readonly #sidecar: Sidecar;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #claimQueue: WorkQueue;
  readonly #volumeQueue: WorkQueue;
  readonly #identity: string;

  constructor(sidecar: Sidecar) {
    this.#sidecar = sidecar;
    const { informers, os, driver } = sidecar;
    this.#identity = `${Math.floor((os.sim.epoch + os.sim.now) / 1000)}-${os.sim.random(`provisioner/${os.place}`).int(10_000)}-${driver}`;
    this.#claims = informers.informer('persistentvolumeclaims');
    this.#volumes = informers.informer('persistentvolumes');
    this.#classes = informers.informer('storageclasses.storage.k8s.io');
    this.#attachments = informers.informer('volumeattachments.storage.k8s.io');
    this.#claimQueue = work(sidecar, 'claims', (key) => this.#provision(key));
    this.#volumeQueue = work(sidecar, 'volumes', (name) => this.#delete(name));
    const asks = (claim: PersistentVolumeClaim): void => {
      if (this.#isMine(claim)) this.#claimQueue.add(keyOf(claim));
    };
    this.#claims.addHandler({ add: asks, update: (_, claim) => asks(claim) });
    const released = (volume: PersistentVolume): void => {
      if (this.#isToDelete(volume)) this.#volumeQueue.add(volume.metadata.name);
    };
    this.#volumes.addHandler({ add: released, update: (_, volume) => released(volume) });
  }

  #isMine({ metadata, spec }: PersistentVolumeClaim): boolean {
    const asked = metadata.annotations?.[PROVISIONER] ?? metadata.annotations?.[OLD_PROVISIONER];
    return asked === this.#sidecar.driver && (spec.volumeName ?? '') === '' && metadata.deletionTimestamp === undefined;
  }

  // ---- making

  *#provision(key: string): Op<void> {
    const claim = this.#claims.getByKey(key);
    if (!claim || !this.#isMine(claim)) return;
    const { recorder, client, os } = this.#sidecar;
    const className = classOfClaim(claim);
    const found = yield* this.#class(className, claim);
    if (found.volumeBindingMode === 'WaitForFirstConsumer' && claim.metadata.annotations?.[SELECTED_NODE] === undefined) return;
    const name = `pvc-${claim.metadata.uid}`;
    if (this.#volumes.get('', name)) return;
    recorder.event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`);
    const fail = (why: string): Error => {
      recorder.event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${className}": ${why}`);
      return new Error(why);
    };
    if (claim.spec.dataSource !== undefined || claim.spec.dataSourceRef !== undefined) throw fail('claim Source is not supported by the driver');
    const { [FS_TYPE]: fsType = 'ext4', ...parameters } = found.parameters ?? {};
    const block = claim.spec.volumeMode === 'Block';
    const request: CreateVolumeRequest = {
      name,
      requiredBytes: quantityValue(sizeOfClaim(claim)),
      capabilities: (claim.spec.accessModes ?? []).map((accessMode) => ({ accessMode, fsType, block })),
      parameters,
    };
    let made: CsiVolumeInfo;
    try {
      made = yield* this.#sidecar.call<CsiVolumeInfo>('CreateVolume', request, subjectOf(claim));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      throw fail(error.message);
    }
    try {
      yield* client.create('persistentvolumes', this.#volumeFor(claim, found, name, made, fsType));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    os.logError(`"Volume is provisioned" claim="${key}" PV="${name}"`);
    recorder.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`);
  }

  *#class(name: string, claim: PersistentVolumeClaim): Op<StorageClass> {
    const found = this.#classes.get('', name);
    if (found) return found;
    const why = `storageclass.storage.k8s.io "${name}" not found`;
    this.#sidecar.recorder.event(claim, 'Warning', 'ProvisioningFailed', why);
    throw new Error(why);
  }

  #volumeFor(claim: PersistentVolumeClaim, found: StorageClass, name: string, made: CsiVolumeInfo, fsType: string): Draft<PersistentVolume> {
    const { metadata, spec } = claim;
    const { driver } = this.#sidecar;
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name,
        annotations: {
          [PROVISIONED_BY]: driver,
          'volume.kubernetes.io/provisioner-deletion-secret-name': '',
          'volume.kubernetes.io/provisioner-deletion-secret-namespace': '',
        },
        finalizers: [FINALIZER],
      },
      spec: {
        accessModes: spec.accessModes ?? [],
        capacity: { storage: formatQuantity(made.capacityBytes, 'BinarySI') },
        claimRef: {
          kind: 'PersistentVolumeClaim', apiVersion: 'v1', name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '',
          resourceVersion: metadata.resourceVersion ?? '',
        },
        csi: {
          driver,
          volumeHandle: made.volumeId,
          ...(spec.volumeMode === 'Block' ? {} : { fsType }),
          volumeAttributes: { ...made.volumeContext, 'storage.kubernetes.io/csiProvisionerIdentity': this.#identity },
        },
        persistentVolumeReclaimPolicy: found.reclaimPolicy ?? 'Delete',
        storageClassName: found.metadata.name,
        ...(found.mountOptions ? { mountOptions: found.mountOptions } : {}),
        volumeMode: spec.volumeMode ?? 'Filesystem',
      },
    };
  }

  // ---- deleting

  #isToDelete({ metadata, spec, status }: PersistentVolume): boolean {
    if (metadata.annotations?.[PROVISIONED_BY] !== this.#sidecar.driver || spec.persistentVolumeReclaimPolicy !== 'Delete') return false;
    if (status.phase !== 'Released') return false;
    return metadata.deletionTimestamp === undefined || (metadata.finalizers?.includes(FINALIZER) ?? false);
  }

  *#delete(name: string): Op<void> {
    const volume = this.#volumes.get('', name);
    if (!volume || !this.#isToDelete(volume)) return;
    const { recorder, client, call } = this.#sidecar;
    const fail = (why: string): Error => {
      recorder.event(volume, 'Warning', 'VolumeFailedDelete', why);
      return new Error(why);
    };
    const attached = this.#attachments.list().find((a) => a.spec.source.persistentVolumeName === name);
    if (attached) throw fail(`persistentvolume ${name} is still attached to node ${attached.spec.nodeName}`);
    try {
      yield* call('DeleteVolume', { volumeId: volume.spec.csi?.volumeHandle ?? '' });
    } catch (error) {
      throw fail(messageOf(error));
    }
    try {
      yield* client.delete('persistentvolumes', '', name);
      const latest = yield* client.get('persistentvolumes', '', name);
      const freed = withoutFinalizer(latest, FINALIZER);
      if (freed) yield* client.update('persistentvolumes', freed);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const subjectOf = ({ metadata }: PersistentVolumeClaim): Subject => ({
  group: '',
  resource: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});
