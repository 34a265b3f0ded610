// The TTL controller (pkg/controller/ttl): notes on each node how long its kubelet may keep Secrets and ConfigMaps before
// reading them again; the larger the cluster, the longer.

import type { Node } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'ttl-controller';
const ANNOTATION = 'node.alpha.kubernetes.io/ttl';
/** Up to so many nodes, so many seconds. A cluster that shrinks goes back only below the lower bound of its step. */
const STEPS: readonly { readonly from: number; readonly upTo: number; readonly seconds: number }[] = [
  { from: 0, upTo: 100, seconds: 0 },
  { from: 90, upTo: 500, seconds: 15 },
  { from: 450, upTo: 1000, seconds: 30 },
  { from: 900, upTo: 2000, seconds: 60 },
  { from: 1800, upTo: Number.POSITIVE_INFINITY, seconds: 300 },
];

export class TtlController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #nodes: Informer<Node>;
  readonly #queue: WorkQueue;
  #step = 0;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#queue = new WorkQueue(context.os.sim);
    this.#nodes = context.informers.informer('nodes');
    this.#nodes.addHandler({
      add: (node) => this.#counted(node),
      update: (before, node) => {
        if (before.metadata.annotations !== node.metadata.annotations) this.#queue.add(keyOf(node));
      },
      delete: () => this.#recount(),
    });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 5,
      subject: subjectsOf('nodes'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #counted(node: Node): void {
    this.#recount();
    this.#queue.add(keyOf(node));
  }

  #recount(): void {
    const count = this.#nodes.size;
    const before = this.#step;
    while (count > (STEPS[this.#step] as (typeof STEPS)[number]).upTo) this.#step++;
    while (count < (STEPS[this.#step] as (typeof STEPS)[number]).from) this.#step--;
    if (before !== this.#step) for (const node of this.#nodes.list()) this.#queue.add(keyOf(node));
  }

  *#sync(name: string, sync: Sync): Op<void> {
    const node = this.#nodes.get('', name);
    const ttl = String((STEPS[this.#step] as (typeof STEPS)[number]).seconds);
    if (!node || node.metadata.annotations?.[ANNOTATION] === ttl) return;
    sync.decide({ ttl });
    yield* this.#client.patch('nodes', '', name, { metadata: { annotations: { [ANNOTATION]: ttl } } }, 'strategic');
  }
}
