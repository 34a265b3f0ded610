// The ReplicaSet controller (pkg/controller/replicaset): keeps as many Pods that match the selector as spec.replicas says.
// The ReplicationController's is the same one for another kind (replicationcontroller.ts).

import type { Pod, PodTemplateSpec, ResourceTypes } from '../api/generated/types.ts';
import { controllerOf, isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, type Selector, selectorOf } from '../api/selector.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { parallel, slowStartBatch } from './batch.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { Expectations } from './expectations.ts';
import { BY_CONTROLLER, indexByController, orphansOf } from './indexes.ts';
import { PodControl, podFromTemplate } from './podcontrol.ts';
import { isPodActive, isPodReady, isPodTerminating, nextAvailability, podsToDelete } from './pods.ts';
import { claim } from './refmanager.ts';
import { replicaSetStatus, type StatusArguments } from './replicaset-status.ts';

/** At most so many Pods are created or deleted in one sync. */
const BURST = 500;
const STATUS_RETRIES = 1;

type Replicated = 'replicasets.apps' | 'replicationcontrollers';
type ReplicaObject<R extends Replicated> = ResourceTypes[R];

/** What tells the kinds apart that keep a number of Pods. */
export interface ReplicaKind<R extends Replicated> {
  /** Its account and the source of its events. */
  readonly controller: string;
  readonly kind: string;
  readonly resource: R;
  /** As `flags.concurrent` names its workers. */
  readonly workers: string;
  readonly selector: (set: ReplicaObject<R>) => Selector;
  readonly status: (...of: StatusArguments) => ReplicaObject<R>['status'];
}

export const REPLICA_SETS: ReplicaKind<'replicasets.apps'> = {
  controller: 'replicaset-controller',
  kind: 'ReplicaSet',
  resource: 'replicasets.apps',
  workers: 'replicaset',
  selector: (set) => selectorOf(set.spec.selector),
  status: replicaSetStatus,
};

export class ReplicaSetController<R extends Replicated> implements Controller {
  readonly #os: Os;
  readonly #kind: ReplicaKind<R>;
  readonly #client: Client;
  readonly #workers: number;
  readonly #pods: Informer<Pod>;
  readonly #sets: Informer<ReplicaObject<R>>;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #podControl: PodControl;

  constructor(context: ControllerContext, kind: ReplicaKind<R>) {
    this.#os = context.os;
    this.#kind = kind;
    this.#client = context.client(kind.controller);
    this.#workers = context.flags.concurrent[kind.workers] ?? 5;
    this.#queue = new WorkQueue(context.os.sim);
    this.#expectations = new Expectations(context.os.sim);
    this.#podControl = new PodControl(this.#client, context.recorder(kind.controller, this.#client));
    this.#pods = context.informers.informer('pods');
    this.#sets = context.informers.informer(kind.resource);
    indexByController(this.#pods);
    indexByController(this.#sets);

    this.#sets.addHandler({
      add: (set) => this.#enqueue(set),
      update: (before, set) => {
        if (before.metadata.uid !== set.metadata.uid) this.#expectations.forget(keyOf(before));
        this.#enqueue(set);
      },
      delete: (set) => {
        this.#expectations.forget(keyOf(set));
        this.#enqueue(set);
      },
    });
    this.#pods.addHandler({
      add: (pod) => this.#podAdded(pod),
      update: (before, pod) => this.#podUpdated(before, pod),
      delete: (pod) => this.#podDeleted(pod),
    });
  }

  run(): void {
    runController(this.#os, {
      name: this.#kind.controller,
      queue: this.#queue,
      workers: this.#workers,
      subject: subjectsOf(this.#kind.resource),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #enqueue(set: ReplicaObject<R>): void {
    this.#queue.add(keyOf(set));
  }

  #podAdded(pod: Pod): void {
    if (isDeleting(pod)) {
      this.#podDeleted(pod);
      return;
    }
    const owner = this.#ownerOf(pod);
    if (owner) {
      this.#expectations.creationObserved(keyOf(owner));
      this.#enqueue(owner);
    } else if (!controllerOf(pod)) {
      for (const set of this.#setsThatMatch(pod)) this.#enqueue(set);
    }
  }

  #podUpdated(before: Pod, pod: Pod): void {
    const relabelled = before.metadata.labels !== pod.metadata.labels && !jsonEqual(before.metadata.labels, pod.metadata.labels);
    if (isDeleting(pod)) {
      this.#podDeleted(pod);
      if (relabelled) this.#podDeleted(before);
      return;
    }
    const moved = controllerOf(before)?.uid !== controllerOf(pod)?.uid;
    if (moved) {
      const former = this.#ownerOf(before);
      if (former) this.#enqueue(former);
    }
    const owner = this.#ownerOf(pod);
    if (owner) {
      this.#enqueue(owner);
      // It becomes available by the mere passing of time: look again then.
      const wait = owner.spec.minReadySeconds ?? 0;
      if (wait > 0 && !isPodReady(before) && isPodReady(pod)) this.#queue.addAfter(keyOf(owner), (wait + 1) * SECOND);
    } else if (!controllerOf(pod) && (relabelled || moved)) {
      for (const set of this.#setsThatMatch(pod)) this.#enqueue(set);
    }
  }

  #podDeleted(pod: Pod): void {
    const owner = this.#ownerOf(pod);
    if (!owner) return;
    this.#expectations.deletionObserved(keyOf(owner), pod.metadata.uid ?? '');
    this.#enqueue(owner);
  }

  #ownerOf(pod: Pod): ReplicaObject<R> | undefined {
    const ref = controllerOf(pod);
    if (ref?.kind !== this.#kind.kind) return undefined;
    const set = this.#sets.get(pod.metadata.namespace ?? '', ref.name);
    return set?.metadata.uid === ref.uid ? set : undefined;
  }

  #setsThatMatch(pod: Pod): ReplicaObject<R>[] {
    return this.#sets.list(pod.metadata.namespace).filter((set) => matchLabels(this.#kind.selector(set), pod.metadata.labels));
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const set = this.#sets.getByKey(key);
    if (!set) {
      this.#expectations.forget(key);
      return;
    }
    const mayAct = this.#expectations.satisfied(key);
    const mine = yield* this.#claimPods(set);
    const active = mine.filter(isPodActive);
    const terminating = mine.filter(isPodTerminating);

    let failure: unknown;
    if (mayAct && !isDeleting(set)) failure = yield* this.#manage(set, active, sync);
    const now = this.#now();
    const status = this.#kind.status(set, active, terminating.length, failure, now, this.#os.sim.time());
    const updated = yield* this.#updateStatus(set, status, sync);

    const minReady = updated.spec.minReadySeconds ?? 0;
    if (minReady > 0 && updated.status.readyReplicas !== updated.status.availableReplicas) {
      this.#queue.addAfter(key, nextAvailability(active, minReady, now) ?? minReady * SECOND);
    }
    if (failure !== undefined) throw failure;
  }

  *#claimPods(set: ReplicaObject<R>): Op<Pod[]> {
    const namespace = set.metadata.namespace ?? '';
    const owned = this.#pods.index(BY_CONTROLLER, set.metadata.uid ?? '');
    const orphans = this.#pods.index(BY_CONTROLLER, orphansOf(namespace));
    return yield* claim(
      {
        client: this.#client,
        resource: 'pods',
        owner: set,
        selector: this.#kind.selector(set),
        readOwner: () => this.#client.get(this.#kind.resource, namespace, set.metadata.name),
      },
      orphans.length === 0 ? owned : [...owned, ...orphans],
    );
  }

  /** Creates what is missing or deletes what is too much; returns the first error. */
  *#manage(set: ReplicaObject<R>, active: readonly Pod[], sync: Sync): Op<unknown> {
    const wanted = set.spec.replicas ?? 1;
    const difference = active.length - wanted;
    if (difference < 0) {
      const count = Math.min(-difference, BURST);
      sync.decide({ wanted, active: active.length, create: count });
      return yield* this.#createPods(set, count);
    }
    if (difference === 0) return undefined;
    const count = Math.min(difference, BURST);
    const victims = podsToDelete(active, this.#relatedPods(set), count, this.#now());
    sync.decide({ wanted, active: active.length, delete: count, pods: victims.map((pod) => pod.metadata.name) });
    return yield* this.#deletePods(set, victims);
  }

  *#createPods(set: ReplicaObject<R>, count: number): Op<unknown> {
    const key = keyOf(set);
    const draft = podFromTemplate(set.spec.template as PodTemplateSpec, set);
    this.#expectations.expect(key, count, []);
    const { successes, error } = yield* slowStartBatch(this.#os, count, () => this.#podControl.createUnlessTerminating(draft, set));
    // Those that failed and those not tried will never be seen.
    for (let skipped = count - successes; skipped > 0; skipped--) this.#expectations.creationObserved(key);
    return error;
  }

  *#deletePods(set: ReplicaObject<R>, victims: readonly Pod[]): Op<unknown> {
    const key = keyOf(set);
    this.#expectations.expect(key, 0, victims.map((pod) => pod.metadata.uid ?? ''));
    const errors = yield* parallel(this.#os, victims.length, (i) => this.#deletePod(set, victims[i] as Pod));
    return errors[0];
  }

  *#deletePod(set: ReplicaObject<R>, pod: Pod): Op<void> {
    try {
      yield* this.#podControl.delete(pod, set);
    } catch (failure) {
      // Its deletion will not be seen any more, or was seen before.
      this.#expectations.deletionObserved(keyOf(set), pod.metadata.uid ?? '');
      if (!isNotFound(failure)) throw failure;
    }
  }

  /** Those of all sets of the same owner (of the Deployment, that is); without an owner none. */
  *#relatedPods(set: ReplicaObject<R>): Generator<Pod> {
    const ref = controllerOf(set);
    if (!ref) return;
    for (const related of this.#sets.index(BY_CONTROLLER, ref.uid)) yield* this.#pods.index(BY_CONTROLLER, related.metadata.uid ?? '');
  }

  *#updateStatus(set: ReplicaObject<R>, status: ReplicaObject<R>['status'], sync: Sync): Op<ReplicaObject<R>> {
    if (jsonEqual(set.status, status)) return set;
    sync.decide({ status });
    let current = set;
    for (let tries = 0; ; tries++) {
      try {
        return yield* this.#client.updateStatus(this.#kind.resource, { ...current, status });
      } catch (error) {
        if (tries >= STATUS_RETRIES) throw error;
        current = yield* this.#client.get(this.#kind.resource, set.metadata.namespace ?? '', set.metadata.name);
      }
    }
  }

  #now(): Micros {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}
