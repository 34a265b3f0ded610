// The ephemeral volume controller (pkg/controller/volume/ephemeral): makes the claims that Pods bring along as volumes; they
// belong to their Pod and go with it.

import type { PersistentVolumeClaim, Pod, Volume } from '../api/generated/types.ts';
import { controllerReference, isControlledBy, isDeleting, keyOf } from '../api/meta.ts';
import type { Client, Draft } from '../client/client.ts';
import { runController } from '../client/controller.ts';
import { messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'ephemeral-volume-controller';

const hasEphemeral = ({ spec }: Pod): boolean => (spec.volumes ?? []).some((volume) => volume.ephemeral !== undefined);

export class EphemeralVolumes implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder('ephemeral_volume', this.#client);
    this.#queue = new WorkQueue(context.os.sim);
    this.#pods = context.informers.informer('pods');
    this.#claims = context.informers.informer('persistentvolumeclaims');
    this.#pods.addHandler({
      add: (pod) => {
        if (hasEphemeral(pod) && !isDeleting(pod)) this.#queue.add(keyOf(pod));
      },
    });
    this.#claims.addHandler({
      delete: (claim) => {
        const owner = claim.metadata.ownerReferences?.find((ref) => ref.controller === true && ref.kind === 'Pod');
        if (owner) this.#queue.add(`${claim.metadata.namespace}/${owner.name}`);
      },
    });
  }

  run(): void {
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 10, subject: subjectsOf('pods'), sync: (key) => this.#sync(key) });
  }

  *#sync(key: string): Op<void> {
    const pod = this.#pods.getByKey(key);
    if (!pod || isDeleting(pod)) return;
    for (const volume of pod.spec.volumes ?? []) if (volume.ephemeral) yield* this.#make(pod, volume);
  }

  *#make(pod: Pod, volume: Volume): Op<void> {
    const { namespace = '' } = pod.metadata;
    const name = `${pod.metadata.name}-${volume.name}`;
    const template = volume.ephemeral?.volumeClaimTemplate;
    const present = this.#claims.get(namespace, name);
    if (present) {
      if (isControlledBy(present, pod)) return;
      const why = `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
      this.#recorder.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${why}`);
      throw new Error(why);
    }
    if (!template) return;
    const { annotations, labels } = template.metadata ?? {};
    const draft: Draft<PersistentVolumeClaim> = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name,
        namespace,
        ownerReferences: [controllerReference(pod)],
        ...(annotations ? { annotations } : {}),
        ...(labels ? { labels } : {}),
      },
      spec: template.spec,
    };
    try {
      yield* this.#client.create('persistentvolumeclaims', draft);
    } catch (error) {
      const why = `create PVC ${name}: ${messageOf(error)}`;
      this.#recorder.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${why}`);
      throw new Error(why);
    }
  }
}
