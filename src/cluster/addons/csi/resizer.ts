// external-resizer (kubernetes-csi): has its driver make volumes larger whose claims ask for more.

import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../../api/generated/types.ts';
import { keyOf } from '../../api/meta.ts';
import { compareQuantity, formatQuantity, quantityValue } from '../../api/quantity.ts';
import type { ControllerExpandResponse } from '../../api/storage/csi.ts';
import { sizeOfClaim, sizeOfVolume } from '../../api/storage/volume-match.ts';
import type { Informer } from '../../client/informer.ts';
import { RpcError } from '../../network/grpc.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Sidecar, sidecarProgram, work } from './sidecar.ts';

export const resizerProgram = sidecarProgram('csi-resizer', (sidecar) => void new Resizer(sidecar));

const PENDING = 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.';

class Resizer {
  readonly #sidecar: Sidecar;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;

  constructor(sidecar: Sidecar) {
    this.#sidecar = sidecar;
    this.#claims = sidecar.informers.informer('persistentvolumeclaims');
    this.#volumes = sidecar.informers.informer('persistentvolumes');
    const queue = work(sidecar, 'claims', (key) => this.#sync(key));
    const look = (claim: PersistentVolumeClaim): void => {
      if (wantsMore(claim)) queue.add(keyOf(claim));
    };
    this.#claims.addHandler({
      add: look,
      update: (before, claim) => {
        if (sizeOfClaim(before) !== sizeOfClaim(claim)) look(claim);
      },
    });
  }

  *#sync(key: string): Op<void> {
    const claim = this.#claims.getByKey(key);
    const volume = this.#volumes.get('', claim?.spec.volumeName ?? '');
    if (!claim || !volume || volume.spec.csi?.driver !== this.#sidecar.driver || !wantsMore(claim)) return;
    const { client, recorder, call } = this.#sidecar;
    const { name } = volume.metadata;
    const wanted = sizeOfClaim(claim);
    if (compareQuantity(sizeOfVolume(volume), wanted) < 0) {
      const asked = yield* this.#status(claim, 'Resizing', '', { allocatedResources: { storage: wanted }, allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } });
      recorder.event(asked, 'Normal', 'Resizing', `External resizer is resizing volume ${name}`);
      let grown: ControllerExpandResponse;
      try {
        grown = yield* call<ControllerExpandResponse>('ControllerExpandVolume', { volumeId: volume.spec.csi.volumeHandle, requiredBytes: quantityValue(wanted) });
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        recorder.event(claim, 'Warning', 'VolumeResizeFailed', `resize volume "${name}" by resizer "${this.#sidecar.driver}" failed: ${error.message}`);
        throw error;
      }
      const capacity = { storage: formatQuantity(grown.capacityBytes, 'BinarySI') };
      yield* client.patch('persistentvolumes', '', name, { spec: { capacity } }, 'merge');
    }
    const latest = yield* client.get('persistentvolumeclaims', claim.metadata.namespace ?? '', claim.metadata.name);
    const pending = yield* this.#status(latest, 'FileSystemResizePending', PENDING, { allocatedResourceStatuses: { storage: 'NodeResizePending' } });
    recorder.event(pending, 'Normal', 'FileSystemResizeRequired', 'Require file system resize of volume on node');
  }

  *#status(claim: PersistentVolumeClaim, type: string, message: string, more: Partial<PersistentVolumeClaim['status']>): Op<PersistentVolumeClaim> {
    const now = this.#sidecar.os.sim.time();
    const condition: PersistentVolumeClaimCondition = { type, status: 'True', lastProbeTime: null as never, lastTransitionTime: now, ...(message === '' ? {} : { message }) };
    const status = { ...claim.status, ...more, conditions: [condition] };
    return yield* this.#sidecar.client.updateStatus('persistentvolumeclaims', { ...claim, status });
  }
}

const wantsMore = ({ spec, status, metadata }: PersistentVolumeClaim): boolean =>
  status.phase === 'Bound' &&
  metadata.deletionTimestamp === undefined &&
  compareQuantity(spec.resources?.requests?.['storage'] ?? '0', status.capacity?.['storage'] ?? '0') > 0;
