// The ServiceAccounts controller (pkg/controller/serviceaccount): every namespace has a ServiceAccount `default`.

import type { Namespace, ServiceAccount } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import { isAlreadyExists } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isNamespaceTerminating } from '../client/errors.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'service-account-controller';
const DEFAULT = 'default';

export class ServiceAccountController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #namespaces: Informer<Namespace>;
  readonly #accounts: Informer<ServiceAccount>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#queue = new WorkQueue(context.os.sim);
    this.#namespaces = context.informers.informer('namespaces');
    this.#accounts = context.informers.informer('serviceaccounts');
    this.#namespaces.addHandler({
      add: (namespace) => this.#queue.add(keyOf(namespace)),
      update: (_, namespace) => this.#queue.add(keyOf(namespace)),
    });
    this.#accounts.addHandler({ delete: (account) => this.#queue.add(account.metadata.namespace ?? '') });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('namespaces'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  *#sync(name: string, sync: Sync): Op<void> {
    const namespace = this.#namespaces.get('', name);
    if (namespace?.status.phase !== 'Active' || this.#accounts.get(name, DEFAULT)) return;
    sync.decide({ create: DEFAULT });
    try {
      yield* this.#client.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: DEFAULT, namespace: name } });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
  }
}
