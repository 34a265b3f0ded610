// The expand controller (pkg/controller/volume/expand): for a bound claim that asks for more than it has. The CSI driver's own
// resizer does the work; this one says that it is awaited.

import type { PersistentVolume, PersistentVolumeClaim } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import { compareQuantity } from '../api/quantity.ts';
import { sizeOfClaim } from '../api/storage/volume-match.ts';
import type { Client } from '../client/client.ts';
import { runController } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

export class VolumeExpander implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client('expand-controller');
    this.#recorder = context.recorder('volume_expand', this.#client);
    this.#queue = new WorkQueue(context.os.sim);
    this.#claims = context.informers.informer('persistentvolumeclaims');
    this.#volumes = context.informers.informer('persistentvolumes');
    const look = (claim: PersistentVolumeClaim): void => {
      if (wantsMore(claim)) this.#queue.add(keyOf(claim));
    };
    this.#claims.addHandler({
      add: look,
      update: (before, claim) => {
        if (sizeOfClaim(before) !== sizeOfClaim(claim)) look(claim);
      },
    });
  }

  run(): void {
    runController(this.#os, {
      name: 'persistentvolume-expander-controller',
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('persistentvolumeclaims'),
      sync: (key) => this.#sync(key),
    });
  }

  *#sync(key: string): Op<void> {
    const claim = this.#claims.getByKey(key);
    const volume = this.#volumes.get('', claim?.spec.volumeName ?? '');
    if (!claim || !volume || !wantsMore(claim)) return;
    this.#recorder.event(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC');
  }
}

const wantsMore = (claim: PersistentVolumeClaim): boolean =>
  claim.status.phase === 'Bound' && compareQuantity(sizeOfClaim(claim), claim.status.capacity?.['storage'] ?? '0') > 0;
