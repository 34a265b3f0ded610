// The controller of every external provisioner (kubernetes-sigs/sig-storage-lib-external-provisioner): claims that ask for its name
// get a volume, volumes that it made and whose claims are gone are deleted.

import type { ObjectReference, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/generated/types.ts';
import { keyOf } from '../../api/meta.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import { classOfClaim, PROVISIONED_BY, SELECTED_NODE } from '../../api/storage/volume-match.ts';
import type { Draft } from '../../client/client.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import type { Informer } from '../../client/informer.ts';
import type { WorkQueue } from '../../client/workqueue.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Sidecar, withoutFinalizer, work } from './sidecar.ts';

const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
const OLD_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';

/** Why there can be no volume, or why it cannot go. */
export class ProvisionError extends Error {}

/** How one kind of volume is made and deleted. What either throws is the reason that events give. */
export interface VolumeMaker {
  /** Held by the volumes until they are deleted; null: none. */
  readonly finalizer: string | null;
  make(claim: PersistentVolumeClaim, storageClass: StorageClass, name: string): Op<Draft<PersistentVolume>>;
  delete(volume: PersistentVolume): Op<void>;
}

export class ProvisionController {
  readonly #sidecar: Omit<Sidecar, 'call'>;
  readonly #maker: VolumeMaker;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #claimQueue: WorkQueue;
  readonly #volumeQueue: WorkQueue;

  constructor(sidecar: Omit<Sidecar, 'call'>, maker: VolumeMaker) {
    this.#sidecar = sidecar;
    this.#maker = maker;
    const { informers } = sidecar;
    this.#claims = informers.informer('persistentvolumeclaims');
    this.#volumes = informers.informer('persistentvolumes');
    this.#classes = informers.informer('storageclasses.storage.k8s.io');
    this.#claimQueue = work(sidecar, 'claims', (key) => this.#provision(key));
    this.#volumeQueue = work(sidecar, 'volumes', (name) => this.#delete(name));
    const asks = (claim: PersistentVolumeClaim): void => {
      if (this.#isMine(claim)) this.#claimQueue.add(keyOf(claim));
    };
    this.#claims.addHandler({ add: asks, update: (_, claim) => asks(claim) });
    const released = (volume: PersistentVolume): void => {
      if (this.#isToDelete(volume) || this.#isKept(volume)) this.#volumeQueue.add(volume.metadata.name);
    };
    this.#volumes.addHandler({ add: released, update: (_, volume) => released(volume) });
  }

  #isMine({ metadata, spec }: PersistentVolumeClaim): boolean {
    const asked = metadata.annotations?.[PROVISIONER] ?? metadata.annotations?.[OLD_PROVISIONER];
    return asked === this.#sidecar.driver && (spec.volumeName ?? '') === '' && metadata.deletionTimestamp === undefined;
  }

  *#provision(key: string): Op<void> {
    const claim = this.#claims.getByKey(key);
    if (!claim || !this.#isMine(claim)) return;
    const { recorder, client, os, driver } = this.#sidecar;
    const className = classOfClaim(claim);
    const found = this.#classes.get('', className);
    if (!found) throw new Error(`storageclass.storage.k8s.io "${className}" not found`);
    if (found.volumeBindingMode === 'WaitForFirstConsumer' && claim.metadata.annotations?.[SELECTED_NODE] === undefined) return;
    const name = `pvc-${claim.metadata.uid}`;
    if (this.#volumes.get('', name)) return;
    recorder.event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`);
    let draft: Draft<PersistentVolume>;
    try {
      draft = yield* this.#maker.make(claim, found, name);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      recorder.event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${className}": ${messageOf(error)}`);
      throw error;
    }
    const annotations = { [PROVISIONED_BY]: driver, ...draft.metadata.annotations };
    try {
      const finalizer = draft.spec.persistentVolumeReclaimPolicy === 'Delete' ? this.#maker.finalizer : null;
      yield* client.create('persistentvolumes', { ...draft, metadata: { ...draft.metadata, annotations, ...(finalizer === null ? {} : { finalizers: [finalizer] }) } });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    os.logError(`"Volume is provisioned" claim="${key}" PV="${name}"`);
    recorder.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`);
  }

  #isToDelete({ metadata, spec, status }: PersistentVolume): boolean {
    if (metadata.annotations?.[PROVISIONED_BY] !== this.#sidecar.driver || spec.persistentVolumeReclaimPolicy !== 'Delete') return false;
    if (status.phase !== 'Released') return false;
    return metadata.deletionTimestamp === undefined || (metadata.finalizers?.includes(this.#maker.finalizer ?? '') ?? false);
  }

  /** Its policy has become another than Delete: who deletes the object then leaves the storage as it is. */
  #isKept({ metadata, spec }: PersistentVolume): boolean {
    if (metadata.annotations?.[PROVISIONED_BY] !== this.#sidecar.driver || spec.persistentVolumeReclaimPolicy === 'Delete') return false;
    return this.#maker.finalizer !== null && (metadata.finalizers?.includes(this.#maker.finalizer) ?? false);
  }

  *#delete(name: string): Op<void> {
    const volume = this.#volumes.get('', name);
    const { recorder, client } = this.#sidecar;
    if (volume && this.#isKept(volume)) {
      yield* client.update('persistentvolumes', withoutFinalizer(volume, this.#maker.finalizer ?? '') ?? volume);
      return;
    }
    if (!volume || !this.#isToDelete(volume)) return;
    try {
      yield* this.#maker.delete(volume);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      recorder.event(volume, 'Warning', 'VolumeFailedDelete', messageOf(error));
      throw error;
    }
    try {
      yield* client.delete('persistentvolumes', '', name);
      if (this.#maker.finalizer === null) return;
      const freed = withoutFinalizer(yield* client.get('persistentvolumes', '', name), this.#maker.finalizer);
      if (freed) yield* client.update('persistentvolumes', freed);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** For a volume that is made for a claim. */
export const claimReferenceOf = ({ metadata }: PersistentVolumeClaim): ObjectReference => ({
  kind: 'PersistentVolumeClaim',
  apiVersion: 'v1',
  name: metadata.name,
  namespace: metadata.namespace ?? '',
  uid: metadata.uid ?? '',
  resourceVersion: metadata.resourceVersion ?? '',
});
