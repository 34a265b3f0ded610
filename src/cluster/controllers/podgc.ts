// The Pod garbage collector (pkg/controller/podgc): removes Pods of nodes that no longer exist, deleted Pods that no kubelet
// will ever let go (they never got a node, or theirs is marked out of service), and the oldest finished ones when there are too
// many. Upstream scans every 20 s; here a scan happens at those times only when it would find something.

import type { Node, Pod } from '../api/generated/types.ts';
import { conditionOf, isDeleting } from '../api/meta.ts';
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
const OUT_OF_SERVICE_KEY = 'out-of-service/';
const NODE_KEY = 'node/';
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

export class PodGarbageCollector implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #threshold: number;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  #started: Micros = 0;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#threshold = context.flags.terminatedPodGcThreshold;
    this.#queue = new WorkQueue(context.os.sim);
    this.#nodes = context.informers.informer('nodes');
    this.#pods = context.informers.informer('pods');
    indexByNode(this.#pods);
    this.#pods.addIndex(FINISHED, (pod) => (isPodTerminal(pod) ? '' : undefined));
    this.#nodes.addHandler({
      update: (before, node) => {
        if (isOutOfService(node) && !isOutOfService(before)) this.#at(OUT_OF_SERVICE_KEY + node.metadata.name);
      },
      delete: (node) => this.#at(NODE_KEY + node.metadata.name, QUARANTINE),
    });
    this.#pods.addHandler({
      add: (pod) => {
        this.#seen(pod);
        this.#seenOnNode(pod);
      },
      update: (before, pod) => {
        this.#seen(pod);
        if (isDeleting(pod) && !isDeleting(before)) this.#seenOnNode(pod);
      },
    });
  }

  run(): void {
    this.#started = this.#os.sim.now;
    for (const pod of this.#pods.list()) this.#seenOnNode(pod);
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 1, sync: (key, sync) => this.#sync(key, sync) });
  }

  /** At the next scan that is at least `wait` away. */
  #at(key: string, wait: Micros = 0): void {
    const since = this.#os.sim.now + wait - this.#started;
    this.#queue.addAfter(key, wait + PERIOD - (since % PERIOD));
  }

  #seen(pod: Pod): void {
    if (isPodTerminal(pod) && this.#excess() > 0) this.#at(FINISHED_KEY);
    if (isDeleting(pod) && !pod.spec.nodeName) this.#at(UNSCHEDULED_KEY);
  }

  #seenOnNode(pod: Pod): void {
    const name = pod.spec.nodeName;
    if (!name || !this.#nodes.hasSynced) return;
    const node = this.#nodes.get('', name);
    if (!node) this.#at(NODE_KEY + name, QUARANTINE);
    else if (isDeleting(pod) && isOutOfService(node)) this.#at(OUT_OF_SERVICE_KEY + name);
  }

  #excess(): number {
    return this.#threshold > 0 ? this.#pods.count(FINISHED, '') - this.#threshold : 0;
  }

  *#sync(key: string, sync: Sync): Op<void> {
    if (key === FINISHED_KEY) yield* this.#removeFinished(sync);
    else if (key === UNSCHEDULED_KEY) yield* this.#removeDeleted(this.#pods.list().filter((pod) => isDeleting(pod) && !pod.spec.nodeName), 'unscheduled', sync);
    else if (key.startsWith(OUT_OF_SERVICE_KEY)) yield* this.#removeOutOfService(key.slice(OUT_OF_SERVICE_KEY.length), sync);
    else yield* this.#removeOrphans(key.slice(NODE_KEY.length), sync);
  }

  *#removeFinished(sync: Sync): Op<void> {
    const excess = this.#excess();
    if (excess > 0) yield* this.#removeDeleted(leastWorthKeeping(this.#pods.index(FINISHED, '')).slice(0, excess), 'terminated', sync);
  }

  *#removeOutOfService(name: string, sync: Sync): Op<void> {
    const node = this.#nodes.get('', name);
    if (node && isOutOfService(node)) yield* this.#removeDeleted(this.#pods.index(BY_NODE, name).filter(isDeleting), 'out of service', sync);
  }

  *#removeDeleted(pods: readonly Pod[], because: string, sync: Sync): Op<void> {
    if (pods.length === 0) return;
    sync.decide({ delete: pods.length, because });
    for (const pod of pods) yield* this.#remove(pod);
  }

  *#removeOrphans(node: string, sync: Sync): Op<void> {
    if (this.#nodes.get('', node)) return;
    const pods = this.#pods.index(BY_NODE, node);
    if (pods.length === 0 || (yield* this.#exists(node))) return;
    sync.decide({ delete: pods.length, because: 'orphaned', node });
    for (const pod of pods) yield* this.#remove(pod, { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' });
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

  /** Nobody else will say that the Pod has ended: it is marked as failed first, so that its controller counts it. */
  *#remove(pod: Pod, disruption?: { readonly reason: string; readonly message: string }): Op<void> {
    const { namespace = '', name, uid } = pod.metadata;
    try {
      if (!isPodTerminal(pod)) {
        if (disruption) yield* disrupt(this.#client, pod, disruption.reason, disruption.message, 'Failed');
        else yield* this.#client.patch('pods', namespace, name, { metadata: { uid }, status: { phase: 'Failed' } }, 'strategic', 'status');
      }
      yield* this.#client.delete('pods', namespace, name, { gracePeriodSeconds: 0 });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Not ready, and somebody has said that it will not come back as it was. */
export const isOutOfService = (node: Node): boolean =>
  conditionOf(node.status.conditions, 'Ready')?.status !== 'True' && (node.spec.taints ?? []).some((taint) => taint.key === OUT_OF_SERVICE);

/** Evicted Pods first, then the oldest. */
export function leastWorthKeeping(pods: readonly Pod[]): Pod[] {
  const evicted = (pod: Pod): number => (pod.status.phase === 'Failed' && pod.status.reason === 'Evicted' ? 0 : 1);
  const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...pods].sort(
    (a, b) => evicted(a) - evicted(b) || text(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') || text(a.metadata.name, b.metadata.name),
  );
}
