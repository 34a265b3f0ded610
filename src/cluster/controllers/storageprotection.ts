// The protection of storage (pkg/controller/volume/{pvcprotection,pvprotection}): a claim that is being deleted goes when no
// Pod on a node uses it, a volume when no claim is bound to it.

import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/generated/types.ts';
import { isDeleting, keyOf, splitKey } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { isTerminal } from '../api/quota/usage.ts';

const CLAIM = 'kubernetes.io/pvc-protection';
const VOLUME = 'kubernetes.io/pv-protection';

const waits = (object: PersistentVolume | PersistentVolumeClaim, finalizer: string): boolean =>
  isDeleting(object) && (object.metadata.finalizers?.includes(finalizer) ?? false);

function without<T extends PersistentVolume | PersistentVolumeClaim>(object: T, finalizer: string): T {
  const finalizers = object.metadata.finalizers?.filter((f) => f !== finalizer) ?? [];
  return { ...object, metadata: { ...object.metadata, finalizers } };
}

export class ClaimProtection implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #name = 'persistentvolumeclaim-protection-controller';
  /** Keys of claims that wait. */
  readonly #waiting = new Set<string>();

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client('pvc-protection-controller');
    this.#queue = new WorkQueue(context.os.sim);
    this.#pods = context.informers.informer('pods');
    this.#claims = context.informers.informer('persistentvolumeclaims');
    const look = (claim: PersistentVolumeClaim): void => {
      if (!waits(claim, CLAIM)) return;
      this.#waiting.add(keyOf(claim));
      this.#queue.add(keyOf(claim));
    };
    this.#claims.addHandler({ add: look, update: (_, claim) => look(claim), delete: (claim) => this.#waiting.delete(keyOf(claim)) });
    this.#pods.addHandler({
      update: (before, pod) => {
        if (this.#waiting.size > 0 && !isTerminal(before) && isTerminal(pod)) this.#recheck(pod);
      },
      delete: (pod) => {
        if (this.#waiting.size > 0) this.#recheck(pod);
      },
    });
  }

  run(): void {
    runController(this.#os, {
      name: this.#name,
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('persistentvolumeclaims'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #recheck(pod: Pod): void {
    for (const { persistentVolumeClaim, ephemeral, name } of pod.spec.volumes ?? []) {
      const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${pod.metadata.name}-${name}` : undefined);
      if (claim !== undefined && this.#waiting.has(`${pod.metadata.namespace}/${claim}`))
        this.#queue.add(`${pod.metadata.namespace}/${claim}`);
    }
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const claim = this.#claims.getByKey(key);
    if (!claim || !waits(claim, CLAIM)) return;
    const { namespace, name } = splitKey(key);
    const uses = (pod: Pod): boolean =>
      Boolean(pod.spec.nodeName) &&
      (pod.spec.volumes ?? []).some(
        (v) => v.persistentVolumeClaim?.claimName === name || (v.ephemeral && `${pod.metadata.name}-${v.name}` === name),
      );
    if (this.#pods.list(namespace).some(uses)) return;
    sync.decide({ finalizer: CLAIM });
    yield* this.#client.update('persistentvolumeclaims', without(claim, CLAIM));
    this.#waiting.delete(key);
  }
}

export class VolumeProtection implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client('pv-protection-controller');
    this.#queue = new WorkQueue(context.os.sim);
    this.#volumes = context.informers.informer('persistentvolumes');
    const look = (volume: PersistentVolume): void => {
      if (waits(volume, VOLUME)) this.#queue.add(keyOf(volume));
    };
    this.#volumes.addHandler({ add: look, update: (_, volume) => look(volume) });
  }

  run(): void {
    runController(this.#os, {
      name: 'persistentvolume-protection-controller',
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('persistentvolumes'),
      sync: (name, sync) => this.#sync(name, sync),
    });
  }

  *#sync(name: string, sync: Sync): Op<void> {
    const volume = this.#volumes.get('', name);
    if (!volume || !waits(volume, VOLUME) || volume.status?.phase === 'Bound') return;
    sync.decide({ finalizer: VOLUME });
    yield* this.#client.update('persistentvolumes', without(volume, VOLUME));
  }
}
