// The scheduler itself (upstream pkg/scheduler): takes one Pod after the other from the queue, decides in one step of virtual
// time, assumes the decision and binds in the background.

import type { Namespace, Node, Pod } from '../api/generated/types.ts';
import { ApiError } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError } from '../client/errors.ts';
import type { Informer } from '../client/informer.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, MICROSECOND } from '../sim/time.ts';
import { DETAIL, type Subject } from '../sim/trace.ts';
import { Algorithm, type NotPlaced, type Placed } from './algorithm.ts';
import { Cache } from './cache.ts';
import { nodeChanges, sameStrings } from './events.ts';
import type { Framework } from './framework/framework.ts';
import type { Status } from './framework/types.ts';
import { type PodInfo, podInfoOf } from './podinfo.ts';
import { type QueuedPod, SchedulingQueue } from './queue.ts';
import type { EventsV1Recorder } from './recorder.ts';

/** What a decision takes of real CPU time upstream, about. */
const CYCLE: Micros = 300 * MICROSECOND;
const CYCLE_PER_NODE: Micros = 5 * MICROSECOND;

export interface SchedulerOptions {
  readonly client: Client;
  readonly framework: Framework;
  readonly recorder: EventsV1Recorder;
  /** Pods that name this scheduler are scheduled. */
  readonly name: string;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
}

export class Scheduler {
  readonly #os: Os;
  readonly #options: SchedulerOptions;
  readonly #cache = new Cache();
  readonly #queue: SchedulingQueue;
  readonly #algorithm: Algorithm;

  constructor(os: Os, options: SchedulerOptions) {
    this.#os = os;
    this.#options = options;
    this.#queue = new SchedulingQueue(os.sim, options.framework);
    this.#algorithm = new Algorithm(options.framework, os.sim.random(`scheduler/${os.machine.name}/${options.name}`), (node) =>
      this.#queue.nominatedOn(node),
    );
    this.#follow(options);
  }

  /** Schedules for as long as the process lives. */
  *run(): Op<void> {
    for (;;) {
      const item = yield* this.#queue.pop();
      this.#os.sim.cause = item.cause;
      const evaluated = this.#scheduleOne(item);
      yield* this.#os.sleep(CYCLE + CYCLE_PER_NODE * evaluated);
    }
  }

  /** Returns how many nodes were looked at. */
  #scheduleOne(item: QueuedPod): number {
    const { sim } = this.#os;
    const { info } = item;
    const { pod } = info;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#options.recorder.event(pod, null, 'Warning', 'FailedScheduling', 'Scheduling', `skip schedule deleting pod: ${info.key}`);
      this.#queue.done();
      return 0;
    }
    if (this.#cache.isAssumed(info.uid)) {
      this.#queue.done();
      return 0;
    }
    const result = this.#algorithm.schedule(info, this.#cache);
    this.#record(item, result);
    if (result.node === null) {
      this.#fail(item, result);
      return result.evaluated;
    }
    const assumed = this.#cache.assume(info, result.node);
    this.#queue.unnominate(info.uid);
    this.#queue.done();
    const refused = this.#options.framework.reserve(assumed.pod, result.node) ?? rejection(this.#options.framework.permit(assumed.pod, result.node).status);
    if (refused) {
      this.#undo(assumed, result.node);
      const message = `0/1 nodes are available: 1 ${refused.reasons.join(', ')}.`;
      this.#putBack(item, new Set(refused.plugin ? [refused.plugin] : []), 'Unschedulable', message);
      return result.evaluated;
    }
    const { node } = result;
    this.#detail('reserve', info, { node });
    this.#os.go(`binding/${info.key}`, () => this.#bind(item, assumed, node));
    sim.cause = item.cause;
    return result.evaluated;
  }

  *#bind(item: QueuedPod, assumed: PodInfo, node: string): Op<void> {
    const { framework, recorder } = this.#options;
    const status = (yield* framework.preBind(assumed.pod, node)) ?? (yield* framework.bind(assumed.pod, node));
    if (status === null) {
      this.#detail('bind', assumed, { node });
      recorder.event(assumed.pod, null, 'Normal', 'Scheduled', 'Binding', `Successfully assigned ${assumed.key} to ${node}`);
      framework.postBind(assumed.pod, node);
      return;
    }
    this.#undo(assumed, node);
    this.#queue.move({ kind: 'AssignedPodDelete', before: assumed.pod, after: null });
    const message = `running Bind plugin "${status.plugin ?? ''}": ${status.reasons.join(', ')}`;
    this.#putBack(item, new Set(), 'SchedulerError', message);
  }

  #undo(assumed: PodInfo, node: string): void {
    this.#options.framework.unreserve(assumed.pod, node);
    this.#cache.forget(assumed.uid);
  }

  #fail(item: QueuedPod, result: NotPlaced): void {
    const { nominatedNode, victims } = result;
    if (nominatedNode) this.#queue.nominate(item.info, nominatedNode);
    else if (nominatedNode === '') this.#queue.unnominate(item.info.uid);
    if (victims.length > 0 && nominatedNode) this.#os.go(`preempt/${item.info.key}`, () => this.#evict(item.info, nominatedNode, victims));
    this.#putBack(item, result.plugins, 'Unschedulable', result.message, nominatedNode);
  }

  /** The failure goes to the queue, to an event and to the Pod's condition (upstream handleSchedulingFailure). */
  #putBack(item: QueuedPod, plugins: ReadonlySet<string>, reason: string, message: string, nominatedNode?: string): void {
    const { pods, recorder } = this.#options;
    const { info } = item;
    const latest = pods.get(info.namespace, info.name);
    if (latest === undefined || latest.metadata.uid !== info.uid || latest.spec.nodeName) {
      this.#queue.done();
      if (latest === undefined) return;
    } else {
      item.info = podInfoOf(latest);
      this.#queue.putBack(item, plugins);
    }
    recorder.event(info.pod, null, 'Warning', 'FailedScheduling', 'Scheduling', message);
    this.#os.go(`status/${info.key}`, () => this.#patchStatus(latest, reason, message, nominatedNode));
  }

  *#patchStatus(pod: Pod, reason: string, message: string, nominatedNode: string | undefined): Op<void> {
    const old = (pod.status.conditions ?? []).find((c) => c.type === 'PodScheduled');
    const nominationChanges = nominatedNode !== undefined && (pod.status.nominatedNodeName ?? '') !== nominatedNode;
    const conditionChanges = old?.status !== 'False' || old.reason !== reason || old.message !== message;
    if (!nominationChanges && !conditionChanges) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      lastProbeTime: null,
      lastTransitionTime: old?.status === 'False' ? (old.lastTransitionTime ?? this.#os.sim.time()) : this.#os.sim.time(),
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      reason,
      message,
    };
    const status = {
      ...(conditionChanges ? { conditions: [condition] } : {}),
      ...(nominationChanges ? { nominatedNodeName: nominatedNode === '' ? null : nominatedNode } : {}),
    };
    yield* this.#patch(pod, status, 'Error updating pod');
  }

  *#patch(pod: Pod, status: Readonly<Record<string, unknown>>, failure: string): Op<void> {
    const { namespace = '', name, uid } = pod.metadata;
    try {
      yield* this.#options.client.patch('pods', namespace, name, { metadata: { uid }, status }, 'strategic', 'status');
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#os.logError(`"${failure}" err="${error instanceof Error ? error.message : String(error)}" pod="${namespace}/${name}"`);
    }
  }

  /** Makes room: victims are marked and deleted; less important Pods that counted on this node lose their nomination. */
  *#evict(preemptor: PodInfo, node: string, victims: readonly PodInfo[]): Op<void> {
    const { client, recorder } = this.#options;
    for (const other of this.#queue.nominatedOn(node)) {
      if (other.priority >= preemptor.priority || other.uid === preemptor.uid) continue;
      this.#queue.unnominate(other.uid);
      yield* this.#patch(other.pod, { nominatedNodeName: null }, 'Cannot clear nominatedNodeName');
    }
    for (const { pod, namespace, name, uid } of victims) {
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: this.#os.sim.time(),
        reason: 'PreemptionByScheduler',
        message: `${preemptor.pod.spec.schedulerName ?? ''}: preempting to accommodate a higher priority pod`,
      };
      yield* this.#patch(pod, { conditions: [condition] }, 'Could not add DisruptionTarget condition due to preemption');
      try {
        yield* client.delete('pods', namespace, name, { preconditions: { uid } });
        recorder.event(pod, preemptor.pod, 'Normal', 'Preempted', 'Preempting', `Preempted by pod ${preemptor.uid} on node ${node}`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
  }

  /** Keeps cache and queue in step with the API (upstream eventhandlers.go). */
  #follow({ pods, nodes, namespaces }: SchedulerOptions): void {
    const queue = this.#queue;
    const cache = this.#cache;
    const ours = (pod: Pod): boolean => (pod.spec.schedulerName ?? this.#options.name) === this.#options.name;
    pods.addHandler({
      add: (pod) => {
        if (pod.spec.nodeName) this.#assigned(null, pod);
        else if (ours(pod)) queue.add(pod);
      },
      update: (before, after) => {
        const uid = after.metadata.uid ?? '';
        if (before.metadata.uid !== after.metadata.uid) {
          this.#gone(before);
          if (after.spec.nodeName) this.#assigned(null, after);
          else if (ours(after)) queue.add(after);
        } else if (after.spec.nodeName) {
          if (!before.spec.nodeName) queue.delete(uid);
          this.#assigned(before.spec.nodeName ? before : null, after);
        } else if (ours(after) && !cache.isAssumed(uid)) queue.update(before, after);
      },
      delete: (pod) => this.#gone(pod),
    });
    nodes.addHandler({
      add: (node) => {
        cache.setNode(node);
        queue.move({ kind: 'NodeAdd', before: null, after: node });
      },
      update: (before, after) => {
        cache.setNode(after);
        for (const kind of nodeChanges(before, after)) queue.move({ kind, before, after });
      },
      delete: (node) => {
        cache.removeNode(node.metadata.name);
        queue.move({ kind: 'NodeDelete', before: node, after: null });
      },
    });
    namespaces.addHandler({
      update: (before, after) => {
        if (!sameStrings(before.metadata.labels, after.metadata.labels)) queue.move({ kind: 'NamespaceLabel', before, after });
      },
    });
  }

  #assigned(before: Pod | null, after: Pod): void {
    this.#cache.setPod(podInfoOf(after, this.#cache.podInfo(after.metadata.uid ?? '')));
    if (before === null) this.#queue.move({ kind: 'AssignedPodAdd', before, after });
    else if (!sameStrings(before.metadata.labels, after.metadata.labels)) this.#queue.move({ kind: 'AssignedPodLabel', before, after });
  }

  #gone(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    this.#queue.delete(uid);
    if (!pod.spec.nodeName && !this.#cache.isAssumed(uid)) return;
    this.#cache.removePod(uid);
    this.#queue.move({ kind: 'AssignedPodDelete', before: pod, after: null });
  }

  #record({ info }: QueuedPod, result: Placed | NotPlaced): void {
    const { sim, place } = this.#os;
    const start = sim.now;
    const end = start + CYCLE + CYCLE_PER_NODE * result.evaluated;
    const subject = subjectOf(info);
    const feasible = result.node === null ? 0 : result.feasible.length;
    const summary = { feasible, evaluated: result.evaluated, chosen: result.node };
    const common = { start, end, from: place, kind: 'scheduler', subject } as const;
    if (!sim.trace.wants(DETAIL, sim.cause)) {
      sim.cause = sim.trace.emit(sim.cause, { ...common, verb: 'schedule', detail: summary });
      return;
    }
    const scores = scoresOf(result);
    const rejected = rejectedOf(result);
    const detail = { ...summary, scores, rejected, message: result.node === null ? result.message : '' };
    const record = sim.trace.emit(sim.cause, { ...common, verb: 'schedule', detail });
    sim.cause = record;
    const names = result.node === null ? [] : result.feasible.map((n) => n.name);
    sim.trace.emit(record, { ...common, level: DETAIL, verb: 'filter', detail: { feasible: names, rejected } });
    if (result.node !== null && result.scored) sim.trace.emit(record, { ...common, level: DETAIL, verb: 'score', detail: scores });
  }

  #detail(verb: string, info: PodInfo, detail: Readonly<Record<string, unknown>>): void {
    const { sim, place } = this.#os;
    if (!sim.trace.wants(DETAIL, sim.cause)) return;
    sim.trace.emit(sim.cause, { level: DETAIL, start: sim.now, from: place, kind: 'scheduler', verb, subject: subjectOf(info), detail });
  }
}

const subjectOf = (info: PodInfo): Subject => ({ group: '', resource: 'pods', kind: 'Pod', namespace: info.namespace, name: info.name });

const rejection = (status: Status | null): Status | null => (status?.code === 'Wait' ? null : status);

function scoresOf(result: Placed | NotPlaced): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const scores: Record<string, Record<string, number>> = {};
  if (result.node === null || result.scored === null) return scores;
  for (const [i, node] of result.feasible.entries()) {
    const of: Record<string, number> = {};
    for (const plugin of result.scored.byPlugin) of[plugin.name] = plugin.scores[i] as number;
    of['total'] = result.scored.totals[i] as number;
    scores[node.name] = of;
  }
  return scores;
}

function rejectedOf(result: Placed | NotPlaced): Readonly<Record<string, readonly string[]>> {
  const rejected: Record<string, readonly string[]> = {};
  for (const [node, status] of result.verdicts) rejected[node] = status.reasons;
  return rejected;
}
