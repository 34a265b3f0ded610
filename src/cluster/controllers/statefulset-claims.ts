// The claims of a StatefulSet's Pods (stateful_pod_control.go): made before the Pod, kept or given an owner as the retention
// policy says.

import type { ObjectMeta, OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '../api/generated/types.ts';
import { isDeleting } from '../api/meta.ts';
import { isAlreadyExists } from '../api/status.ts';
import type { Client, Draft } from '../client/client.ts';
import { messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import type { Op } from '../sim/simulation.ts';
import { claimsOf, inRange, ordinalOf, podNameOf } from './statefulset-plan.ts';

export class StatefulSetClaims {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(client: Client, recorder: EventRecorder, claims: Informer<PersistentVolumeClaim>) {
    this.#client = client;
    this.#recorder = recorder;
    this.#claims = claims;
  }

  /** Makes those of an ordinal that are missing. */
  *create(set: StatefulSet, ordinal: number): Op<void> {
    for (const draft of claimsOf(set, ordinal)) {
      const name = draft.metadata.name ?? '';
      const present = this.#claims.get(set.metadata.namespace ?? '', name);
      if (present) {
        if (isDeleting(present)) throw new Error(`pvc ${name} is being deleted`);
        continue;
      }
      yield* this.#createOne(set, ordinal, draft);
    }
  }

  *#createOne(set: StatefulSet, ordinal: number, draft: Draft<PersistentVolumeClaim>): Op<void> {
    const about = `Claim ${draft.metadata.name}`;
    const pod = podNameOf(set, ordinal);
    try {
      yield* this.#client.create('persistentvolumeclaims', { ...draft, metadata: owned(draft.metadata as ObjectMeta, set, undefined) });
      this.#recorder.event(set, 'Normal', 'SuccessfulCreate', `create ${about} Pod ${pod} in StatefulSet ${set.metadata.name} success`);
    } catch (error) {
      if (isAlreadyExists(error)) return;
      this.#recorder.event(set, 'Warning', 'FailedCreate', `create ${about} for Pod ${pod} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`);
      throw new Error(`failed to create PVC ${draft.metadata.name}: ${messageOf(error)}`);
    }
  }

  /** Brings the owners of a Pod's claims in line with the retention policy. */
  *retain(set: StatefulSet, pod: Pod): Op<void> {
    for (const draft of claimsOf(set, ordinalOf(set, pod))) {
      const claim = this.#claims.get(set.metadata.namespace ?? '', draft.metadata.name ?? '');
      if (!claim || isDeleting(claim)) continue;
      const metadata = owned(claim.metadata, set, pod);
      if (metadata !== claim.metadata) yield* this.#client.update('persistentvolumeclaims', { ...claim, metadata });
    }
  }
}

/** Metadata with the owners that the policy asks for; the same when it has them. `pod`: the Pod of the claim, if it exists. */
export function owned<M extends ObjectMeta>(metadata: M, set: StatefulSet, pod: Pod | undefined): M {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const condemned = pod !== undefined && !inRange(set, ordinalOf(set, pod));
  const byPod = whenScaled === 'Delete' && condemned;
  const bySet = whenDeleted === 'Delete' && !byPod;
  const before = metadata.ownerReferences ?? [];
  const mine = (ref: OwnerReference): boolean => ref.uid === set.metadata.uid || (ref.kind === 'Pod' && ref.name === pod?.metadata.name);
  const wanted = byPod && pod ? reference('v1', 'Pod', pod) : bySet ? reference(set.apiVersion, set.kind, set) : undefined;
  if (wanted ? before.some((ref) => ref.uid === wanted.uid) && before.filter(mine).length === 1 : !before.some(mine)) return metadata;
  const { ownerReferences: _, ...rest } = metadata;
  const references = [...before.filter((ref) => !mine(ref)), ...(wanted ? [wanted] : [])];
  return (references.length === 0 ? rest : { ...rest, ownerReferences: references }) as M;
}

const reference = (apiVersion: string, kind: string, owner: { readonly metadata: ObjectMeta }): OwnerReference => ({
  apiVersion,
  kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});
