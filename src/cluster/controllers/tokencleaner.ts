// The token cleaner (pkg/controller/bootstrap/tokencleaner.go): deletes bootstrap tokens when they have expired.

import type { Secret } from '../api/generated/types.ts';
import { keyOf, splitKey } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { BOOTSTRAP_TOKEN, expiryOf } from './bootstraptokens.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'token-cleaner';

export class TokenCleaner implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #secrets: Informer<Secret>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#queue = new WorkQueue(context.os.sim);
    this.#secrets = context.informers.informer('secrets');
    const seen = (secret: Secret): void => {
      if (secret.type === BOOTSTRAP_TOKEN && secret.metadata.namespace === 'kube-system') this.#queue.add(keyOf(secret));
    };
    this.#secrets.addHandler({ add: seen, update: (_, secret) => seen(secret) });
  }

  run(): void {
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 1, subject: subjectsOf('secrets'), sync: (key, sync) => this.#sync(key, sync) });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const secret = this.#secrets.getByKey(key);
    const expiry = secret && expiryOf(secret);
    if (!secret || expiry === undefined) return;
    const left = expiry - (this.#os.sim.epoch + this.#os.sim.now);
    if (left > 0) {
      this.#queue.addAfter(key, left);
      return;
    }
    sync.decide({ delete: key });
    const { namespace, name } = splitKey(key);
    const { uid } = secret.metadata;
    try {
      yield* this.#client.delete('secrets', namespace, name, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
