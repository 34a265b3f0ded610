// The taint eviction controller (pkg/controller/tainteviction): deletes Pods from nodes with NoExecute taints, at once or when
// their tolerationSeconds have passed.

import type { Node, Pod, PodCondition, Taint, Toleration } from '../api/generated/types.ts';
import { isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import type { Os } from '../machine/process.ts';
import type { Op, Timer } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { BY_NODE, indexByNode } from './indexes.ts';
import { isPodTerminal } from './pods.ts';
import { tolerates } from './taints.ts';

const NAME = 'taint-eviction-controller';

export class TaintEvictionController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  /** Evictions to come, by Pod UID. */
  readonly #planned = new Map<string, Timer>();
  #running = false;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client('node-controller');
    this.#recorder = context.recorder(NAME, this.#client);
    this.#nodes = context.informers.informer('nodes');
    this.#pods = context.informers.informer('pods');
    indexByNode(this.#pods);
    this.#nodes.addHandler({
      add: (node) => this.#nodeChanged(node),
      update: (before, node) => {
        if (before.spec.taints !== node.spec.taints && !jsonEqual(noExecute(before), noExecute(node))) this.#nodeChanged(node);
      },
    });
    this.#pods.addHandler({
      add: (pod) => this.#podChanged(pod),
      update: (before, pod) => {
        if (before.spec !== pod.spec) this.#podChanged(pod);
        else if (isDeleting(pod) !== isDeleting(before)) this.#cancel(pod, false);
      },
      delete: (pod) => this.#cancel(pod, false),
    });
  }

  run(): void {
    this.#running = true;
    for (const node of this.#nodes.list()) this.#nodeChanged(node);
  }

  #nodeChanged(node: Node): void {
    if (!this.#running) return;
    const taints = noExecute(node);
    for (const pod of this.#pods.index(BY_NODE, node.metadata.name)) this.#consider(pod, taints);
  }

  #podChanged(pod: Pod): void {
    if (!this.#running || !pod.spec.nodeName) return;
    const node = this.#nodes.get('', pod.spec.nodeName);
    if (!node) return;
    const taints = noExecute(node);
    if (taints.length > 0 || this.#planned.has(pod.metadata.uid ?? '')) this.#consider(pod, taints);
  }

  #consider(pod: Pod, taints: readonly Taint[]): void {
    if (isDeleting(pod)) return;
    if (taints.length === 0) {
      this.#cancel(pod, true);
      return;
    }
    const patience = patienceOf(pod.spec.tolerations ?? [], taints);
    if (patience === undefined) {
      this.#cancel(pod, true);
      return;
    }
    // What is planned stays as it is, whatever other taints come, unless the Pod must go at once.
    if (patience > 0 && this.#planned.has(pod.metadata.uid ?? '')) return;
    this.#cancel(pod, false);
    const timer = this.#os.sim.after(patience, () => {
      this.#planned.delete(pod.metadata.uid ?? '');
      this.#os.go(`${NAME}/${keyOf(pod)}`, () => this.#evict(pod));
    });
    this.#planned.set(pod.metadata.uid ?? '', timer);
  }

  #cancel(pod: Pod, tell: boolean): void {
    const uid = pod.metadata.uid ?? '';
    const planned = this.#planned.get(uid);
    if (!planned) return;
    this.#os.sim.cancel(planned);
    this.#planned.delete(uid);
    if (tell) this.#recorder.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${keyOf(pod)}`);
  }

  *#evict(pod: Pod): Op<void> {
    const { sim, place } = this.#os;
    sim.cause = sim.trace.emit(sim.cause, {
      kind: 'controller',
      verb: 'sync',
      from: place,
      start: sim.now,
      subject: subjectsOf('pods')(keyOf(pod)),
      detail: { controller: NAME, evict: keyOf(pod), node: pod.spec.nodeName },
    });
    this.#recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${keyOf(pod)}`);
    const { namespace = '', name } = pod.metadata;
    try {
      const current = this.#pods.get(namespace, name);
      if (current?.metadata.uid !== pod.metadata.uid) return;
      if (current && !isPodTerminal(current)) yield* disrupt(this.#client, current, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint');
      yield* this.#client.delete('pods', namespace, name);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      if (!isNotFound(error)) this.#os.logError(`"Failed to evict pod" pod="${keyOf(pod)}" err="${messageOf(error)}"`);
    }
  }
}

const noExecute = (node: Node): readonly Taint[] => (node.spec.taints ?? []).filter((taint) => taint.effect === 'NoExecute');

/** How long the Pod may stay under these taints: undefined = for ever, 0 = not at all. */
function patienceOf(tolerations: readonly Toleration[], taints: readonly Taint[]): Micros | undefined {
  let shortest: number | undefined;
  for (const taint of taints) {
    const toleration = tolerations.find((t) => tolerates(t, taint));
    if (!toleration) return 0;
    if (toleration.tolerationSeconds === undefined) continue;
    shortest = Math.min(shortest ?? Number.POSITIVE_INFINITY, Math.max(0, toleration.tolerationSeconds));
  }
  return shortest === undefined ? undefined : shortest * SECOND;
}

/** Says in the Pod's status why it is about to be deleted: condition DisruptionTarget. */
export function* disrupt(client: Client, pod: Pod, reason: string, message: string, phase?: string): Op<void> {
  const { namespace = '', name, uid } = pod.metadata;
  const condition: PodCondition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: client.os.sim.time() };
  const status = { ...(phase === undefined ? {} : { phase }), conditions: [condition] };
  yield* client.patch('pods', namespace, name, { metadata: { uid }, status }, 'strategic', 'status');
}
