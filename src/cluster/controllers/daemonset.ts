// The DaemonSet controller (pkg/controller/daemon): one Pod on every node that its template allows.

import type { ControllerRevision, DaemonSet, Node, Pod } from '../api/generated/types.ts';
import { controllerOf, isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, selectorOf } from '../api/selector.ts';
import { isConflict, isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { parallel, slowStartBatch } from './batch.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { FailedPodBackoff } from './daemonset-backoff.ts';
import { DaemonSetHistory } from './daemonset-history.ts';
import { belongs, byAge, daemonSetStatus, daemonTemplate, isCurrent, pinnedTo, type PodsByNode, replacements, targetNode, updateLimits } from './daemonset-plan.ts';
import { Expectations } from './expectations.ts';
import { BY_CONTROLLER, indexByController, orphansOf } from './indexes.ts';
import { PodControl, podFromTemplate } from './podcontrol.ts';
import { isPodReady, isPodTerminal, nextAvailability } from './pods.ts';
import { claim } from './refmanager.ts';

const NAME = 'daemonset-controller';
const BURST = 250;

export class DaemonSetController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #workers: number;
  readonly #sets: Informer<DaemonSet>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #podControl: PodControl;
  readonly #history: DaemonSetHistory;
  readonly #failures = new FailedPodBackoff();

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client('daemon-set-controller');
    this.#recorder = context.recorder(NAME, this.#client);
    this.#workers = context.flags.concurrent['daemonset'] ?? 2;
    this.#queue = new WorkQueue(os.sim);
    this.#expectations = new Expectations(os.sim);
    this.#podControl = new PodControl(this.#client, this.#recorder);
    this.#sets = informers.informer('daemonsets.apps');
    this.#pods = informers.informer('pods');
    this.#nodes = informers.informer('nodes');
    const revisions: Informer<ControllerRevision> = informers.informer('controllerrevisions.apps');
    this.#history = new DaemonSetHistory(this.#client, revisions, this.#pods);
    indexByController(this.#pods);

    this.#sets.addHandler({
      add: (set) => this.#queue.add(keyOf(set)),
      update: (_, set) => this.#queue.add(keyOf(set)),
      delete: (set) => {
        this.#expectations.forget(keyOf(set));
        this.#failures.forget(`${set.metadata.uid}/`);
        this.#queue.add(keyOf(set));
      },
    });
    this.#pods.addHandler({
      add: (pod) => this.#podAdded(pod),
      update: (before, pod) => this.#podUpdated(before, pod),
      delete: (pod) => this.#podDeleted(pod),
    });
    this.#nodes.addHandler({
      add: (node) => this.#nodeChanged(undefined, node),
      update: (before, node) => this.#nodeChanged(before, node),
      delete: (node) => this.#nodeChanged(node, undefined),
    });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: this.#workers,
      subject: subjectsOf('daemonsets.apps'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #podAdded(pod: Pod): void {
    if (isDeleting(pod)) {
      this.#podDeleted(pod);
      return;
    }
    const set = this.#ownerOf(pod);
    if (set) {
      this.#expectations.creationObserved(keyOf(set));
      this.#queue.add(keyOf(set));
    } else if (!controllerOf(pod)) this.#enqueueMatching(pod);
  }

  #podUpdated(before: Pod, pod: Pod): void {
    if (isDeleting(pod)) {
      this.#podDeleted(pod);
      return;
    }
    const set = this.#ownerOf(pod);
    if (set) {
      this.#queue.add(keyOf(set));
      const wait = set.spec.minReadySeconds ?? 0;
      if (wait > 0 && !isPodReady(before) && isPodReady(pod)) this.#queue.addAfter(keyOf(set), (wait + 1) * SECOND);
    } else if (!controllerOf(pod) && !jsonEqual(before.metadata.labels, pod.metadata.labels)) this.#enqueueMatching(pod);
  }

  #podDeleted(pod: Pod): void {
    const set = this.#ownerOf(pod);
    if (!set) return;
    this.#expectations.deletionObserved(keyOf(set), pod.metadata.uid ?? '');
    this.#queue.add(keyOf(set));
  }

  #enqueueMatching(pod: Pod): void {
    for (const set of this.#sets.list(pod.metadata.namespace)) {
      if (matchLabels(selectorOf(set.spec.selector), pod.metadata.labels)) this.#queue.add(keyOf(set));
    }
  }

  /** Heartbeats change nothing for daemons: only labels and taints do. */
  #nodeChanged(before: Node | undefined, after: Node | undefined): void {
    if (before && after && jsonEqual(before.metadata.labels, after.metadata.labels) && jsonEqual(before.spec.taints, after.spec.taints)) return;
    for (const set of this.#sets.list()) {
      const was = before ? belongs(set, before) : { run: false, stay: false };
      const is = after ? belongs(set, after) : { run: false, stay: false };
      if (was.run !== is.run || was.stay !== is.stay) this.#queue.add(keyOf(set));
    }
  }

  #ownerOf(pod: Pod): DaemonSet | undefined {
    const ref = controllerOf(pod);
    if (ref?.kind !== 'DaemonSet') return undefined;
    const set = this.#sets.get(pod.metadata.namespace ?? '', ref.name);
    return set?.metadata.uid === ref.uid ? set : undefined;
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const set = this.#sets.getByKey(key);
    if (!set) {
      this.#expectations.forget(key);
      return;
    }
    if (isDeleting(set)) return;
    const { hash, old } = yield* this.#history.sync(set);
    if (this.#expectations.satisfied(key)) {
      const failure = yield* this.#manage(set, hash, sync);
      if (failure === undefined && this.#expectations.satisfied(key)) {
        if (set.spec.updateStrategy?.type !== 'OnDelete') yield* this.#update(set, hash, sync);
        yield* this.#history.cleanUp(set, old);
      }
      if (failure !== undefined) {
        yield* this.#writeStatus(set, hash, sync);
        throw failure;
      }
    }
    yield* this.#writeStatus(set, hash, sync);
  }

  /** Daemons where there should be some, none where there should not. */
  *#manage(set: DaemonSet, hash: string, sync: Sync): Op<unknown> {
    const byNode = yield* this.#podsByNode(set);
    const missing: string[] = [];
    const surplus: Pod[] = [];
    const nodes = this.#nodes.list();
    for (const node of nodes) {
      const here = byNode.get(node.metadata.name) ?? [];
      const { run, stay } = belongs(set, node);
      if (run && here.length === 0) missing.push(node.metadata.name);
      else if (stay) surplus.push(...this.#surplusOn(set, node, here, hash));
      else surplus.push(...here.filter((pod) => !isDeleting(pod)));
    }
    // Pods that wait for a node that has gone.
    for (const [node, pods] of byNode) {
      if (this.#nodes.get('', node)) continue;
      surplus.push(...pods.filter((pod) => !isDeleting(pod) && !pod.spec.nodeName));
    }
    return yield* this.#apply(set, missing, surplus, hash, sync);
  }

  #surplusOn(set: DaemonSet, node: Node, pods: readonly Pod[], hash: string): Pod[] {
    const surplus: Pod[] = [];
    const running: Pod[] = [];
    for (const pod of pods) {
      if (isDeleting(pod)) continue;
      const phase = pod.status.phase;
      if (phase === 'Failed' || phase === 'Succeeded') {
        const wait = phase === 'Failed' ? this.#failures.next(`${set.metadata.uid}/${node.metadata.name}`, this.#os.sim.now) : 0;
        if (wait > 0) {
          this.#queue.addAfter(keyOf(set), wait);
          continue;
        }
        const [reason, type, deed] = phase === 'Failed' ? (['FailedDaemonPod', 'Warning', 'kill'] as const) : (['SucceededDaemonPod', 'Normal', 'delete'] as const);
        this.#recorder.event(set, type, reason, `Found ${phase.toLowerCase()} daemon pod ${keyOf(pod)} on node ${node.metadata.name}, will try to ${deed} it`);
        surplus.push(pod);
      } else running.push(pod);
    }
    running.sort(byAge);
    if (updateLimits(set, 1).surge === 0) return [...surplus, ...running.slice(1)];
    // During an update with surge an old and a new one may be side by side.
    const of = (current: boolean): Pod[] => running.filter((pod) => isCurrent(pod, hash) === current).slice(1);
    return [...surplus, ...of(true), ...of(false)];
  }

  *#update(set: DaemonSet, hash: string, sync: Sync): Op<void> {
    const byNode = yield* this.#podsByNode(set);
    const { remove, surge } = replacements(set, this.#nodes.list(), byNode, hash, this.#now());
    const failure = yield* this.#apply(set, surge, remove, hash, sync);
    if (failure !== undefined) throw failure;
  }

  *#apply(set: DaemonSet, nodes: readonly string[], victims: readonly Pod[], hash: string, sync: Sync): Op<unknown> {
    const create = nodes.slice(0, BURST);
    const remove = victims.slice(0, BURST);
    if (create.length + remove.length === 0) return undefined;
    sync.decide({ create, delete: remove.map((pod) => pod.metadata.name) });
    const key = keyOf(set);
    this.#expectations.expect(key, create.length, remove.map((pod) => pod.metadata.uid ?? ''));
    const draft = podFromTemplate(daemonTemplate(set, hash), set);
    const { successes, error } = yield* slowStartBatch(this.#os, create.length, (i) =>
      this.#podControl.createUnlessTerminating({ ...draft, spec: pinnedTo(draft.spec, create[i] as string) }, set),
    );
    for (let skipped = create.length - successes; skipped > 0; skipped--) this.#expectations.creationObserved(key);
    const errors = yield* parallel(this.#os, remove.length, (i) => this.#deletePod(set, remove[i] as Pod));
    return error ?? errors[0];
  }

  *#deletePod(set: DaemonSet, pod: Pod): Op<void> {
    try {
      yield* this.#podControl.delete(pod, set);
    } catch (failure) {
      this.#expectations.deletionObserved(keyOf(set), pod.metadata.uid ?? '');
      if (!isNotFound(failure)) throw failure;
    }
  }

  *#podsByNode(set: DaemonSet): Op<PodsByNode> {
    const namespace = set.metadata.namespace ?? '';
    const owned = this.#pods.index(BY_CONTROLLER, set.metadata.uid ?? '');
    const orphans = this.#pods.index(BY_CONTROLLER, orphansOf(namespace));
    const mine = yield* claim(
      {
        client: this.#client,
        resource: 'pods',
        owner: set,
        selector: selectorOf(set.spec.selector),
        readOwner: () => this.#client.get('daemonsets.apps', namespace, set.metadata.name),
      },
      [...owned, ...orphans],
    );
    const byNode = new Map<string, Pod[]>();
    for (const pod of mine) {
      // What has ended and is on its way out must not keep its successor waiting.
      if (isDeleting(pod) && isPodTerminal(pod)) continue;
      const node = targetNode(pod);
      const here = byNode.get(node);
      if (here) here.push(pod);
      else byNode.set(node, [pod]);
    }
    return byNode;
  }

  *#writeStatus(set: DaemonSet, hash: string, sync: Sync): Op<void> {
    const byNode = yield* this.#podsByNode(set);
    const now = this.#now();
    const status = daemonSetStatus(set, this.#nodes.list(), byNode, hash, now);
    if (!jsonEqual(set.status, status)) {
      sync.decide({ status });
      try {
        yield* this.#client.updateStatus('daemonsets.apps', { ...set, status });
      } catch (error) {
        if (!isConflict(error)) throw error;
        const current = yield* this.#client.get('daemonsets.apps', set.metadata.namespace ?? '', set.metadata.name);
        yield* this.#client.updateStatus('daemonsets.apps', { ...current, status });
      }
    }
    const minReady = set.spec.minReadySeconds ?? 0;
    if (minReady > 0 && status.numberReady !== (status.numberAvailable ?? 0)) {
      this.#queue.addAfter(keyOf(set), nextAvailability([...byNode.values()].flat(), minReady, now) ?? minReady * SECOND);
    }
  }

  #now(): Micros {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}
