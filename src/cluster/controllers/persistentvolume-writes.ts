// How the binder writes down that a volume and a claim belong together, or no longer do (pv_controller.go bind, unbindVolume,
// updateVolumePhase, updateClaimStatus): the volume first, then the claim, each with its status.

import type { PersistentVolume, PersistentVolumeClaim } from '../api/generated/types.ts';
import { jsonEqual } from '../api/meta.ts';
import { compareQuantity } from '../api/quantity.ts';
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, isBoundTo, sizeOfVolume } from '../api/storage/volume-match.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder, EventType } from '../client/events.ts';
import type { Op } from '../sim/simulation.ts';
import type { Latest } from './latest.ts';

type Phase = 'Available' | 'Bound' | 'Released' | 'Failed';

function annotated<T extends PersistentVolume | PersistentVolumeClaim>(object: T, ...names: readonly string[]): T {
  const annotations: Record<string, string> = { ...object.metadata.annotations };
  for (const name of names) annotations[name] = 'yes';
  return { ...object, metadata: { ...object.metadata, annotations } };
}

export class VolumeWrites {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #claims: Latest<PersistentVolumeClaim>;
  readonly #volumes: Latest<PersistentVolume>;

  constructor(client: Client, recorder: EventRecorder, claims: Latest<PersistentVolumeClaim>, volumes: Latest<PersistentVolume>) {
    this.#client = client;
    this.#recorder = recorder;
    this.#claims = claims;
    this.#volumes = volumes;
  }

  *bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Op<void> {
    const claimed = yield* this.#claimVolume(volume, claim);
    const bound = yield* this.setPhase(claimed, 'Bound');
    const pointed = yield* this.#pointClaim(claim, bound);
    yield* this.setClaim(pointed, 'Bound', bound);
  }

  *#claimVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): Op<PersistentVolume> {
    const { name, namespace = '', uid = '', resourceVersion = '' } = claim.metadata;
    const mine = isBoundTo(volume, claim);
    if (mine && volume.spec.claimRef?.uid === uid) return volume;
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion };
    const next: PersistentVolume = { ...volume, spec: { ...volume.spec, claimRef } };
    return this.#volumes.put(yield* this.#client.update('persistentvolumes', mine ? next : annotated(next, BOUND_BY_CONTROLLER)));
  }

  *#pointClaim(claim: PersistentVolumeClaim, volume: PersistentVolume): Op<PersistentVolumeClaim> {
    const mine = claim.spec.volumeName === volume.metadata.name;
    if (mine && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return claim;
    const next: PersistentVolumeClaim = mine ? claim : { ...claim, spec: { ...claim.spec, volumeName: volume.metadata.name } };
    const marked = mine ? annotated(next, BIND_COMPLETED) : annotated(next, BIND_COMPLETED, BOUND_BY_CONTROLLER);
    return yield* this.saveClaim(marked);
  }

  *saveClaim(claim: PersistentVolumeClaim): Op<PersistentVolumeClaim> {
    return this.#claims.put(yield* this.#client.update('persistentvolumeclaims', claim));
  }

  *saveVolume(volume: PersistentVolume): Op<PersistentVolume> {
    return this.#volumes.put(yield* this.#client.update('persistentvolumes', volume));
  }

  /** The claim's phase; what it has of the volume follows. */
  *setClaim(claim: PersistentVolumeClaim, phase: 'Pending' | 'Bound' | 'Lost', volume?: PersistentVolume): Op<PersistentVolumeClaim> {
    const { accessModes: _, capacity: __, ...rest } = claim.status;
    let status: PersistentVolumeClaim['status'] = { ...rest, phase };
    if (volume) {
      const before = claim.status.capacity;
      // Once bound, growing it is the resizer's and the kubelet's affair.
      const keeps = before?.['storage'] !== undefined && (claim.status.phase === 'Bound' || compareQuantity(before['storage'], sizeOfVolume(volume)) === 0);
      const capacity = keeps ? before : volume.spec.capacity;
      status = {
        ...status,
        ...(volume.spec.accessModes ? { accessModes: volume.spec.accessModes } : {}),
        ...(capacity ? { capacity } : {}),
        ...(volume.spec.volumeAttributesClassName ? { currentVolumeAttributesClassName: volume.spec.volumeAttributesClassName } : {}),
      };
    }
    if (jsonEqual(status, claim.status)) return claim;
    return this.#claims.put(yield* this.#client.updateStatus('persistentvolumeclaims', { ...claim, status }));
  }

  /** With an event the first time. */
  *loseClaim(claim: PersistentVolumeClaim, reason: string, message: string): Op<void> {
    if (claim.status.phase === 'Lost') return;
    const lost = yield* this.setClaim(claim, 'Lost');
    this.#recorder.event(lost, 'Warning', reason, message);
  }

  *setPhase(volume: PersistentVolume, phase: Phase, message = ''): Op<PersistentVolume> {
    if (volume.status.phase === phase) return volume;
    const { message: _, reason: __, ...rest } = volume.status;
    // Upstream the API server stamps it.
    const lastPhaseTransitionTime = this.#client.os.sim.time();
    const status = { ...rest, phase, lastPhaseTransitionTime, ...(message === '' ? {} : { message }) };
    return this.#volumes.put(yield* this.#client.updateStatus('persistentvolumes', { ...volume, status }));
  }

  /** With an event the first time. */
  *setPhaseSaying(volume: PersistentVolume, phase: Phase, type: EventType, reason: string, message: string): Op<void> {
    if (volume.status.phase === phase) return;
    const saved = yield* this.setPhase(volume, phase, message);
    this.#recorder.event(saved, type, reason, message);
  }

  /** Back to those that may be had; one that a person pre-bound stays reserved. */
  *unbind(volume: PersistentVolume): Op<void> {
    const { claimRef, ...unclaimed } = volume.spec;
    if (claimRef === undefined) return;
    let next: PersistentVolume;
    if (volume.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined) {
      const { uid: _, resourceVersion: __, ...reserved } = claimRef;
      next = { ...volume, spec: { ...volume.spec, claimRef: reserved } };
    } else {
      const { [BOUND_BY_CONTROLLER]: _, ...annotations } = volume.metadata.annotations;
      next = { ...volume, metadata: { ...volume.metadata, annotations }, spec: unclaimed };
    }
    yield* this.setPhase(yield* this.saveVolume(next), 'Available');
  }
}
