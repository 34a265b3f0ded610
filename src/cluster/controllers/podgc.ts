// The Pod garbage collector (pkg/controller/podgc): removes Pods of nodes that no longer exist, Pods that were deleted before
// they got a node, and the oldest finished ones when there are too many. Upstream scans every 20 s; here something must have
// happened that makes a scan find anything.

import type { Node, Pod } from '../api/generated/types.ts';
import { isDeleting } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { Controller, ControllerContext } from './context.ts';
import { BY_NODE, indexByNode } from './indexes.ts';
import { isPodTerminal } from './pods.ts';
import { disrupt } from './tainteviction.ts';

const NAME = 'pod-garbage-collector';
const PERIOD: Micros = 20 * SECOND;
/** A node must have been away for so long. */
const QUARANTINE: Micros = 40 * SECOND;
const FINISHED = 'finished';
const FINISHED_KEY = 'finished';
const UNSCHEDULED_KEY = 'unscheduled';
const NODE_KEY = 'node/';

export class PodGarbageCollector implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #threshold: number;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#threshold = context.flags.terminatedPodGcThreshold;
    this.#queue = new WorkQueue(context.os.sim);
    this.#nodes = context.informers.informer('nodes');
    this.#pods = context.informers.informer('pods');
    indexByNode(this.#pods);
    this.#pods.addIndex(FINISHED, (pod) => (isPodTerminal(pod) ? '' : undefined));
    this.#nodes.addHandler({ delete: (node) => this.#queue.addAfter(NODE_KEY + node.metadata.name, QUARANTINE) });
    const seen = (pod: Pod): void => {
      if (isPodTerminal(pod) && this.#excess() > 0) this.#queue.addAfter(FINISHED_KEY, PERIOD);
      if (isDeleting(pod) && !pod.spec.nodeName) this.#queue.addAfter(UNSCHEDULED_KEY, PERIOD);
    };
    this.#pods.addHandler({
      add: (pod) => {
        seen(pod);
        const node = pod.spec.nodeName;
        if (node && this.#nodes.hasSynced && !this.#nodes.get('', node)) this.#queue.addAfter(NODE_KEY + node, QUARANTINE);
      },
      update: (_, pod) => seen(pod),
    });
  }

  run(): void {
    for (const pod of this.#pods.list()) {
      const node = pod.spec.nodeName;
      if (node && !this.#nodes.get('', node)) this.#queue.addAfter(NODE_KEY + node, QUARANTINE);
    }
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 1, sync: (key, sync) => this.#sync(key, sync) });
  }

  #excess(): number {
    return this.#threshold > 0 ? this.#pods.count(FINISHED, '') - this.#threshold : 0;
  }

  *#sync(key: string, sync: Sync): Op<void> {
    if (key === FINISHED_KEY) yield* this.#removeFinished(sync);
    else if (key === UNSCHEDULED_KEY) yield* this.#removeUnscheduled(sync);
    else yield* this.#removeOrphans(key.slice(NODE_KEY.length), sync);
  }

  *#removeFinished(sync: Sync): Op<void> {
    const excess = this.#excess();
    if (excess <= 0) return;
    const age = (pod: Pod): string => pod.metadata.creationTimestamp ?? '';
    const oldest = [...this.#pods.index(FINISHED, '')].sort((a, b) => (age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : 0)).slice(0, excess);
    sync.decide({ delete: oldest.length, because: 'terminated' });
    for (const pod of oldest) yield* this.#remove(pod);
  }

  *#removeUnscheduled(sync: Sync): Op<void> {
    const pods = this.#pods.list().filter((pod) => isDeleting(pod) && !pod.spec.nodeName);
    if (pods.length === 0) return;
    sync.decide({ delete: pods.length, because: 'unscheduled' });
    for (const pod of pods) yield* this.#remove(pod);
  }

  *#removeOrphans(node: string, sync: Sync): Op<void> {
    if (this.#nodes.get('', node)) return;
    const pods = this.#pods.index(BY_NODE, node);
    if (pods.length === 0 || (yield* this.#exists(node))) return;
    sync.decide({ delete: pods.length, because: 'orphaned', node });
    for (const pod of pods) {
      if (!isPodTerminal(pod)) yield* this.#disrupt(pod);
      yield* this.#remove(pod);
    }
  }

  *#exists(node: string): Op<boolean> {
    try {
      yield* this.#client.get('nodes', '', node);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  *#disrupt(pod: Pod): Op<void> {
    try {
      yield* disrupt(this.#client, pod, 'DeletionByPodGC', 'PodGC: node no longer exists', 'Failed');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  *#remove(pod: Pod): Op<void> {
    try {
      yield* this.#client.delete('pods', pod.metadata.namespace ?? '', pod.metadata.name, { gracePeriodSeconds: 0 });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
