// What becomes of a volume whose claim is gone (pv_controller.go reclaimVolume): kept, deleted by the plug-in that made it, or
// (deprecated) scrubbed by a Pod and offered again.

import type { PersistentVolume, Pod } from '../api/generated/types.ts';
import { isAlreadyExists, isNotFound } from '../api/status.ts';
import { PROVISIONED_BY } from '../api/storage/volume-match.ts';
import { MIGRATED, translate } from '../api/storage/provisioners.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import type { Os } from '../machine/process.ts';
import { Deferred } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { VolumeWrites } from './persistentvolume-writes.ts';

const RECYCLER_IMAGE = 'registry.k8s.io/build-image/debian-base:bookworm-v1.0.6';
const SCRUB = 'test -e /scrub && find /scrub -mindepth 1 -delete && test -z "$(ls -A /scrub)" || exit 1';

export class VolumeReclaim {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #writes: VolumeWrites;
  /** Names of volumes that are being scrubbed, with who waits for the Pod's end. */
  readonly #recycling = new Map<string, Deferred<Pod['status']>>();

  constructor(os: Os, client: Client, recorder: EventRecorder, writes: VolumeWrites, pods: Informer<Pod>) {
    this.#os = os;
    this.#client = client;
    this.#recorder = recorder;
    this.#writes = writes;
    const look = (pod: Pod): void => {
      if (this.#recycling.size === 0 || (pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed')) return;
      for (const [name, ended] of this.#recycling) if (pod.metadata.name === podName(name) && !ended.settled) ended.resolve(pod.status);
    };
    pods.addHandler({ update: (_, pod) => look(pod), delete: (pod) => look({ ...pod, status: { ...pod.status, phase: 'Failed' } }) });
  }

  *reclaim(volume: PersistentVolume): Op<void> {
    switch (volume.spec.persistentVolumeReclaimPolicy) {
      case 'Delete':
        yield* this.#delete(volume);
        break;
      case 'Recycle':
        this.#recycle(volume);
        break;
      case 'Retain':
        break;
      default:
        yield* this.#writes.setPhaseSaying(volume, 'Failed', 'Warning', 'VolumeUnknownReclaimPolicy', 'Volume has unrecognized reclaim policy');
    }
  }

  *#delete(volume: PersistentVolume): Op<void> {
    const { name, annotations } = volume.metadata;
    const provisioner = annotations?.[PROVISIONED_BY] ?? '';
    // Who made it deletes it.
    if (provisioner !== '' && (!provisioner.startsWith('kubernetes.io/') || MIGRATED[provisioner] !== undefined)) return;
    if (translate(volume.spec)) return;
    const path = volume.spec.hostPath?.path;
    const why =
      path === undefined
        ? `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`
        : /^\/tmp\/.+/.test(path)
          ? ''
          : `host_path deleter only supports /tmp/.+ but received provided ${path}`;
    if (why !== '') {
      yield* this.#writes.setPhaseSaying(volume, 'Failed', 'Warning', 'VolumeFailedDelete', why);
      return;
    }
    // The plug-in removes the directory where the controller runs; on a cluster of several machines that is not where the data is.
    try {
      yield* this.#client.delete('persistentvolumes', '', name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #recycle(volume: PersistentVolume): void {
    const { name } = volume.metadata;
    if (this.#recycling.has(name)) return;
    const ended = new Deferred<Pod['status']>(this.#os.sim);
    this.#recycling.set(name, ended);
    const body = this.#scrub(volume, ended);
    const recycling = this.#recycling;
    const os = this.#os;
    os.go(`recycle/${name}`, function* () {
      try {
        yield* body;
      } catch (error) {
        // The next resync tries again.
        if (isProgrammingError(error)) throw error;
        os.logError(`"Recycle of volume failed" err="${messageOf(error)}" volumeName="${name}"`);
      } finally {
        recycling.delete(name);
      }
    });
  }

  *#scrub(volume: PersistentVolume, ended: Deferred<Pod['status']>): Op<void> {
    const { name } = volume.metadata;
    const { hostPath, nfs } = volume.spec;
    if (hostPath === undefined && nfs === undefined) {
      yield* this.#writes.setPhaseSaying(volume, 'Failed', 'Warning', 'VolumeFailedRecycle', 'No recycler plugin found for the volume!');
      return;
    }
    try {
      yield* this.#client.create('pods', scrubber(volume));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const status = yield* ended.wait();
    try {
      yield* this.#client.delete('pods', 'default', podName(name));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (status.phase === 'Succeeded') {
      this.#recorder.event(volume, 'Normal', 'VolumeRecycled', 'Volume recycled');
      yield* this.#writes.unbind(volume);
    } else {
      const message = `Recycle failed: ${status.message ?? 'pod failed, pod.Status.Message unknown.'}`;
      yield* this.#writes.setPhaseSaying(volume, 'Failed', 'Warning', 'VolumeFailedRecycle', message);
    }
  }
}

const podName = (volume: string): string => `recycler-for-${volume}`;

const scrubber = ({ metadata, spec }: PersistentVolume): Omit<Pod, 'status'> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: podName(metadata.name), namespace: 'default' },
  spec: {
    activeDeadlineSeconds: spec.nfs ? 300 : 60,
    restartPolicy: 'Never',
    volumes: [{ name: 'vol', ...(spec.nfs ? { nfs: spec.nfs } : { hostPath: spec.hostPath ?? { path: '' } }) }],
    containers: [{ name: 'pv-recycler', image: RECYCLER_IMAGE, command: ['/bin/sh'], args: ['-c', SCRUB], volumeMounts: [{ name: 'vol', mountPath: '/scrub' }] }],
  },
});
