// The scheduler itself (upstream pkg/scheduler): takes one Pod after the other from the queue, decides in one step of virtual
// time, assumes the decision and binds in the background.

import { ApiError } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, MICROSECOND } from '../sim/time.ts';
import { Algorithm, type NotPlaced } from './algorithm.ts';
import { Cache } from './cache.ts';
import { followCluster, type Sources } from './cluster-events.ts';
import { recordDecision, recordStep } from './decision-trace.ts';
import { fitErrorText } from './fiterror.ts';
import type { Framework } from './framework/framework.ts';
import { isRejected, type Status } from './framework/types.ts';
import { type PodInfo, podInfoOf } from './podinfo.ts';
import { PodStatusWriter } from './pod-status.ts';
import { type Backoff, type QueuedPod, SchedulingQueue } from './queue.ts';
import type { EventsV1Recorder } from './recorder.ts';

/** What a decision takes of real CPU time upstream, about. */
const CYCLE: Micros = 300 * MICROSECOND;
const CYCLE_PER_NODE: Micros = 5 * MICROSECOND;

/** One scheduler that Pods can name. */
export interface SchedulerProfile {
  readonly framework: Framework;
  readonly recorder: EventsV1Recorder;
}

export interface SchedulerOptions extends Sources {
  readonly client: Client;
  /** By schedulerName; at least one. */
  readonly profiles: ReadonlyMap<string, SchedulerProfile>;
  readonly backoff?: Backoff;
}

export class Scheduler {
  readonly #os: Os;
  readonly #options: SchedulerOptions;
  readonly #first: SchedulerProfile;
  readonly #status: PodStatusWriter;
  readonly #cache = new Cache();
  readonly #queue: SchedulingQueue;
  readonly #algorithm: Algorithm;

  constructor(os: Os, options: SchedulerOptions) {
    const [first] = options.profiles.values();
    if (first === undefined) throw new Error('at least one profile is required');
    this.#os = os;
    this.#options = options;
    this.#first = first;
    this.#status = new PodStatusWriter(os, options.client);
    this.#queue = new SchedulingQueue(os.sim, first.framework.less, (info) => this.#profileOf(info).framework, options.backoff);
    const ties = os.sim.random(`scheduler/${os.machine.name}/${first.framework.name}`);
    this.#algorithm = new Algorithm(ties, (node) => this.#queue.nominatedOn(node));
    followCluster(options, this.#cache, this.#queue, ({ spec }) => options.profiles.has(spec.schedulerName ?? first.framework.name));
    for (const { framework } of options.profiles.values()) framework.follow((event) => this.#queue.move(event));
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

  #profileOf({ pod }: PodInfo): SchedulerProfile {
    return this.#options.profiles.get(pod.spec.schedulerName ?? '') ?? this.#first;
  }

  /** Returns how many nodes were looked at. */
  #scheduleOne(item: QueuedPod): number {
    const { sim } = this.#os;
    const { info } = item;
    const { pod } = info;
    const { framework, recorder } = this.#profileOf(info);
    if (pod.metadata.deletionTimestamp !== undefined) {
      recorder.event(pod, null, 'Warning', 'FailedScheduling', 'Scheduling', `skip schedule deleting pod: ${info.key}`);
      return 0;
    }
    if (this.#cache.isAssumed(info.uid)) return 0;
    const result = this.#algorithm.schedule(framework, info, this.#cache);
    recordDecision(this.#os, info, framework.name, result, sim.now + CYCLE + CYCLE_PER_NODE * result.evaluated);
    if (result.node === null) {
      this.#fail(item, result);
      return result.evaluated;
    }
    const { node } = result;
    const assumed = this.#cache.assume(info, node);
    this.#queue.unnominate(info.uid);
    const permitted = framework.reserve(assumed.pod, node) ?? framework.permit(assumed.pod, node).status;
    const refused = permitted?.code === 'Wait' ? null : permitted;
    if (refused) {
      this.#undo(assumed, node);
      this.#refuse(item, node, refused);
      return result.evaluated;
    }
    recordStep(this.#os, 'reserve', info, { node });
    this.#os.go(`binding/${info.key}`, () => this.#bind(item, assumed, node));
    sim.cause = item.cause;
    return result.evaluated;
  }

  *#bind(item: QueuedPod, assumed: PodInfo, node: string): Op<void> {
    const { framework, recorder } = this.#profileOf(assumed);
    // So that others know of the node while PreBind works, such as a volume being made.
    if (framework.willPreBind(assumed.pod, node)) yield* this.#status.nominate(assumed.pod, node);
    const status = (yield* framework.preBind(assumed.pod, node)) ?? (yield* framework.bind(assumed.pod, node));
    if (status === null) {
      recordStep(this.#os, 'bind', assumed, { node });
      recorder.event(assumed.pod, null, 'Normal', 'Scheduled', 'Binding', `Successfully assigned ${assumed.key} to ${node}`);
      framework.postBind(assumed.pod, node);
      return;
    }
    this.#undo(assumed, node);
    this.#queue.move({ kind: 'AssignedPodDelete', before: assumed.pod, after: null });
    this.#refuse(item, node, status);
  }

  #undo(assumed: PodInfo, node: string): void {
    this.#profileOf(assumed).framework.unreserve(assumed.pod, node);
    this.#cache.forget(assumed.uid);
  }

  /** After a node was chosen something said no, or failed. */
  #refuse(item: QueuedPod, node: string, status: Status): void {
    if (!isRejected(status)) {
      this.#putBack(item, new Set(), 'SchedulerError', status.reasons.join(', '), '');
      return;
    }
    const message = fitErrorText(1, { verdicts: new Map([[node, status]]), absent: null, preFilterMessage: '', postFilterMessage: '' });
    this.#putBack(item, new Set(status.plugin ? [status.plugin] : []), 'Unschedulable', message, '', true);
  }

  #fail(item: QueuedPod, result: NotPlaced): void {
    const { nominatedNode, victims } = result;
    if (nominatedNode) this.#queue.nominate(item.info, nominatedNode);
    else if (nominatedNode === '') this.#queue.unnominate(item.info.uid);
    if (victims.length > 0 && nominatedNode) this.#os.go(`preempt/${item.info.key}`, () => this.#evict(item.info, nominatedNode, victims));
    this.#putBack(item, result.plugins, 'Unschedulable', result.message, nominatedNode);
  }

  /** The failure goes to the queue, to an event and to the Pod's condition (upstream handleSchedulingFailure). */
  #putBack(item: QueuedPod, plugins: ReadonlySet<string>, reason: string, message: string, nominatedNode?: string, bound = false): void {
    const { info } = item;
    const latest = this.#options.pods.get(info.namespace, info.name);
    if (latest === undefined) return;
    if (latest.metadata.uid === info.uid && !latest.spec.nodeName) {
      item.info = podInfoOf(latest);
      this.#queue.putBack(item, plugins, bound);
    }
    this.#profileOf(info).recorder.event(info.pod, null, 'Warning', 'FailedScheduling', 'Scheduling', message);
    this.#os.go(`status/${info.key}`, () => this.#status.notScheduled(latest, reason, message, nominatedNode));
  }

  /** Makes room: victims are marked and deleted; less important Pods that counted on this node lose their nomination. */
  *#evict(preemptor: PodInfo, node: string, victims: readonly PodInfo[]): Op<void> {
    for (const other of this.#queue.nominatedOn(node)) {
      if (other.priority >= preemptor.priority || other.uid === preemptor.uid) continue;
      this.#queue.unnominate(other.uid);
      yield* this.#status.clearNomination(other.pod);
    }
    for (const { pod, namespace, name, uid } of victims) {
      // Who is going already needs no telling.
      if (this.#options.pods.get(namespace, name)?.metadata.deletionTimestamp !== undefined) continue;
      yield* this.#status.disrupted(pod, preemptor.pod);
      try {
        yield* this.#options.client.delete('pods', namespace, name, { preconditions: { uid } });
        const { recorder } = this.#profileOf(preemptor);
        recorder.event(pod, preemptor.pod, 'Normal', 'Preempted', 'Preempting', `Preempted by pod ${preemptor.uid} on node ${node}`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
  }
}
