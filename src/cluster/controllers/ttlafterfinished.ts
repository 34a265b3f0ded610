// The TTL-after-finished controller (pkg/controller/ttlafterfinished): deletes Jobs so many seconds after their end.

import type { Job } from '../api/generated/types.ts';
import { isDeleting, keyOf } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, parseTime, SECOND } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'ttl-after-finished-controller';

export class TtlAfterFinished implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #jobs: Informer<Job>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#queue = new WorkQueue(context.os.sim);
    this.#jobs = context.informers.informer('jobs.batch');
    const look = (job: Job): void => {
      if (!isDeleting(job) && expiryOf(job) !== undefined) this.#queue.add(keyOf(job));
    };
    this.#jobs.addHandler({ add: look, update: (_, job) => look(job) });
  }

  run(): void {
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 5, subject: subjectsOf('jobs.batch'), sync: (key, sync) => this.#sync(key, sync) });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const cached = this.#jobs.getByKey(key);
    if (!cached || isDeleting(cached) || !this.#due(key, cached)) return;
    const { namespace = '', name } = cached.metadata;
    try {
      // The time to live may have been changed meanwhile: ask the server.
      const job = yield* this.#client.get('jobs.batch', namespace, name);
      if (!this.#due(key, job)) return;
      sync.decide({ delete: name, ttl: job.spec.ttlSecondsAfterFinished });
      const preconditions = { uid: job.metadata.uid ?? '', resourceVersion: job.metadata.resourceVersion ?? '' };
      yield* this.#client.delete('jobs.batch', namespace, name, { propagationPolicy: 'Foreground', preconditions });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Whether its time is up; otherwise it is looked at again when it will be. */
  #due(key: string, job: Job): boolean {
    const expiry = expiryOf(job);
    if (expiry === undefined) return false;
    const left = expiry - (this.#os.sim.epoch + this.#os.sim.now);
    if (left > 0) this.#queue.addAfter(key, left);
    return left <= 0;
  }
}

/** When the Job may go, since 1970; undefined when it stays. */
function expiryOf(job: Job): Micros | undefined {
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  const end = job.status.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
  const at = end?.lastTransitionTime === undefined ? undefined : parseTime(end.lastTransitionTime);
  return ttl === undefined || at === undefined ? undefined : at + ttl * SECOND;
}
