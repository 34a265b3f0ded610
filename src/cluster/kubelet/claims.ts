// From a Pod's volume to what is to be mounted (the desired state of world populator): the claim and its volume are read from the
// API server each time; what is wrong with them is told as the Pod's event.

import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../api/generated/types.ts';
import { inlineName } from '../api/storage/attachment.ts';
import { translate } from '../api/storage/provisioners.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import type { Context } from './context.ts';
import { MountError } from './mount-error.ts';
import type { Spec } from './storage.ts';

export class Claims {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** The volume could not even be looked at: the Pod's sync fails and is tried again as any other. */
  unprocessed(_pod: Pod, volume: Volume, why: string): MountError {
    const event = `Unable to attach or mount volumes: unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]: ${why}`;
    return new MountError(volume.name, why, { event, retry: Math.round(10 * SECOND * (1 + this.#context.random.float() / 2)) });
  }

  /** Throws MountError. */
  *resolve(pod: Pod, volume: Volume): Op<Spec> {
    const claimName = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined);
    const disk = claimName === undefined ? translate(volume) : undefined;
    if (disk) return { name: inlineName(disk), source: volume, volume: null, readOnly: disk.readOnly };
    if (claimName === undefined) return { name: volume.name, source: volume, volume: null, readOnly: volume.nfs?.readOnly === true || volume.csi?.readOnly === true };
    const { namespace = '' } = pod.metadata;
    const fail = (why: string): MountError => this.unprocessed(pod, volume, `error processing PVC ${namespace}/${claimName}: ${why}`);
    const claim = yield* this.#claim(namespace, claimName, fail);
    const owner = claim.metadata.ownerReferences?.find((ref) => ref.controller === true);
    if (volume.ephemeral && owner?.uid !== pod.metadata.uid) throw fail(`PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
    if (claim.metadata.deletionTimestamp !== undefined && pod.status.startTime === undefined) throw fail('PVC is being deleted');
    const { volumeName = '' } = claim.spec;
    if (claim.status.phase !== 'Bound' || volumeName === '') throw fail('PVC is not bound');
    const bound = yield* this.#volume(volumeName, claimName, fail);
    if (bound.spec.claimRef?.uid !== claim.metadata.uid) throw fail(`failed to get pv.spec.claimRef.uid: it is not the uid of the claim`);
    const mode = bound.spec.volumeMode ?? 'Filesystem';
    const mounted = pod.spec.containers.some((c) => c.volumeMounts?.some((m) => m.name === volume.name));
    const passed = pod.spec.containers.some((c) => c.volumeDevices?.some((d) => d.name === volume.name));
    if (mode !== 'Block' && passed) throw this.unprocessed(pod, volume, `volume ${volume.name} has volumeMode Filesystem, but is specified in volumeDevices`);
    if (mode === 'Block' && mounted) throw this.unprocessed(pod, volume, `volume ${volume.name} has volumeMode Block, but is specified in volumeMounts`);
    return { name: volumeName, source: bound.spec, volume: bound, readOnly: volume.persistentVolumeClaim?.readOnly === true };
  }

  *#claim(namespace: string, name: string, fail: (why: string) => MountError): Op<PersistentVolumeClaim> {
    const { client } = this.#context;
    if (!client) throw fail('failed to fetch PVC from API server: no API server');
    try {
      return yield* client.get('persistentvolumeclaims', namespace, name);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw fail(`failed to fetch PVC from API server: ${messageOf(error)}`);
    }
  }

  *#volume(name: string, claim: string, fail: (why: string) => MountError): Op<PersistentVolume> {
    const { client } = this.#context;
    if (!client) throw fail('no API server');
    try {
      return yield* client.get('persistentvolumes', '', name);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw fail(`failed to fetch PV ${name} (PVC "${claim}") from API server: ${messageOf(error)}`);
    }
  }
}
