// The StatefulSet controller (pkg/controller/statefulset): Pods with names and volumes of their own, made one after the other,
// taken away from the end, updated from the end.

import type { ControllerRevision, Pod, PodTemplateSpec, StatefulSet, StatefulSetStatus } from '../api/generated/types.ts';
import { controllerOf, isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, selectorOf } from '../api/selector.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { slowStartBatch } from './batch.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { BY_CONTROLLER, indexByController, orphansOf } from './indexes.ts';
import { isPodReady, isPodTerminal, nextAvailability } from './pods.ts';
import { claim } from './refmanager.ts';
import { templateOf } from './revision-history.ts';
import { StatefulSetClaims } from './statefulset-claims.ts';
import { type Revisions, StatefulSetHistory } from './statefulset-history.ts';
import { completeUpdate, countStatus, identityFix, isAvailable, isHealthy, isParallel, isRunningAndReady, type Lineup, lineUp, nextToUpdate, podNameOf, podOf, type Replica, wantsCurrent } from './statefulset-plan.ts';

const NAME = 'statefulset-controller';

export class StatefulSetController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #history: StatefulSetHistory;
  readonly #claims: StatefulSetClaims;

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#sets = informers.informer('statefulsets.apps');
    this.#pods = informers.informer('pods');
    const revisions: Informer<ControllerRevision> = informers.informer('controllerrevisions.apps');
    this.#history = new StatefulSetHistory(this.#client, revisions);
    this.#claims = new StatefulSetClaims(this.#client, this.#recorder, informers.informer('persistentvolumeclaims'));
    indexByController(this.#pods);
    this.#sets.addHandler({
      add: (set) => this.#queue.add(keyOf(set)),
      update: (_, set) => this.#queue.add(keyOf(set)),
      delete: (set) => this.#queue.add(keyOf(set)),
    });
    this.#pods.addHandler({
      add: (pod) => this.#podChanged(undefined, pod),
      update: (before, pod) => this.#podChanged(before, pod),
      delete: (pod) => this.#podChanged(pod, pod),
    });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 5,
      subject: subjectsOf('statefulsets.apps'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #podChanged(before: Pod | undefined, pod: Pod): void {
    const set = this.#ownerOf(pod);
    if (set) {
      this.#queue.add(keyOf(set));
      const wait = set.spec.minReadySeconds ?? 0;
      if (wait > 0 && before && !isPodReady(before) && isPodReady(pod)) this.#queue.addAfter(keyOf(set), (wait + 1) * SECOND);
    } else if (!controllerOf(pod)) {
      for (const other of this.#sets.list(pod.metadata.namespace)) {
        if (matchLabels(selectorOf(other.spec.selector), pod.metadata.labels)) this.#queue.add(keyOf(other));
      }
    }
  }

  #ownerOf(pod: Pod): StatefulSet | undefined {
    const ref = controllerOf(pod);
    if (ref?.kind !== 'StatefulSet') return undefined;
    const set = this.#sets.get(pod.metadata.namespace ?? '', ref.name);
    return set?.metadata.uid === ref.uid ? set : undefined;
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const set = this.#sets.getByKey(key);
    if (!set) return;
    const revisions = yield* this.#history.sync(set);
    const pods = yield* this.#claimPods(set);
    let status = this.#status(set, pods, revisions);
    let failure: unknown;
    if (!isDeleting(set)) {
      try {
        const deleted = yield* this.#act(set, lineUp(set, pods, this.#now()), revisions, sync);
        if (deleted) status = { ...status, currentReplicas: (status.currentReplicas ?? 1) - 1 };
      } catch (error) {
        failure = error;
      }
    }
    yield* this.#writeStatus(set, completeUpdate(set, status), sync);
    yield* this.#history.truncate(set, pods, revisions);
    const minReady = set.spec.minReadySeconds ?? 0;
    if (minReady > 0 && (status.availableReplicas ?? 0) !== (status.readyReplicas ?? 0)) {
      this.#queue.addAfter(key, nextAvailability(pods, minReady, this.#now()) ?? minReady * SECOND);
    }
    if (failure !== undefined) throw failure;
  }

  #status(set: StatefulSet, pods: readonly Pod[], revisions: Revisions): StatefulSetStatus {
    const { conditions } = set.status;
    const counted = countStatus(set, pods, revisions.current, revisions.update, this.#now());
    return { ...counted, collisionCount: revisions.collisions, ...(conditions === undefined ? {} : { conditions }) };
  }

  /** Does what is due; true when a Pod was deleted to be updated. */
  *#act(set: StatefulSet, { replicas, condemned, firstUnhealthy }: Lineup, revisions: Revisions, sync: Sync): Op<boolean> {
    const ordered = !isParallel(set);
    const each = (count: number, step: (i: number) => Op<boolean>): Op<boolean> => this.#each(ordered, count, step);
    if (yield* each(replicas.length, (i) => this.#keep(set, replicas[i] as Replica, revisions, ordered, sync))) return false;
    for (const pod of condemned) yield* this.#claims.retain(set, pod);
    if (yield* each(condemned.length, (i) => this.#remove(set, condemned[i] as Pod, firstUnhealthy, ordered, sync))) return false;
    const victim = nextToUpdate(set, replicas, revisions.update.metadata.name, this.#now());
    if (!victim) return false;
    sync.decide({ update: victim.metadata.name, from: revisions.current.metadata.name, to: revisions.update.metadata.name });
    yield* this.#delete(set, victim);
    return revisions.current.metadata.name !== revisions.update.metadata.name;
  }

  /** One after the other until one says to wait (true), or all at once. */
  *#each(ordered: boolean, count: number, step: (i: number) => Op<boolean>): Op<boolean> {
    if (ordered) {
      for (let i = 0; i < count; i++) if (yield* step(i)) return true;
      return false;
    }
    const { error } = yield* slowStartBatch(this.#os, count, function* (i) {
      yield* step(i);
    });
    if (error !== undefined) throw error;
    return false;
  }

  /** Sees to one ordinal; true: nothing more until it is well. */
  *#keep(set: StatefulSet, { ordinal, pod }: Replica, revisions: Revisions, ordered: boolean, sync: Sync): Op<boolean> {
    if (pod === null) {
      sync.decide({ create: podNameOf(set, ordinal) });
      yield* this.#create(set, ordinal, revisions);
      return ordered;
    }
    if (isPodTerminal(pod)) {
      if (!isDeleting(pod)) yield* this.#delete(set, pod);
      return true;
    }
    if (pod.status.phase === 'Pending') yield* this.#claims.create(set, ordinal);
    if (ordered && (isDeleting(pod) || !isRunningAndReady(pod) || !isAvailable(set, pod, this.#now()))) return true;
    const labels = identityFix(set, pod);
    if (labels) yield* this.#client.update('pods', { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } } });
    yield* this.#claims.retain(set, pod);
    return false;
  }

  /** Takes away one that is too many; true: one at a time. */
  *#remove(set: StatefulSet, pod: Pod, firstUnhealthy: Pod | null | undefined, ordered: boolean, sync: Sync): Op<boolean> {
    if (isDeleting(pod)) return ordered;
    if (ordered && pod !== firstUnhealthy && !isHealthy(set, pod, this.#now())) return true;
    sync.decide({ delete: pod.metadata.name });
    yield* this.#delete(set, pod);
    return true;
  }

  *#create(set: StatefulSet, ordinal: number, { current, update }: Revisions): Op<void> {
    const revision = wantsCurrent(set, ordinal) ? current : update;
    const template = revision === update ? set.spec.template : ((templateOf(revision) ?? set.spec.template) as PodTemplateSpec);
    const pod = podOf(set, template, ordinal, revision.metadata.name);
    try {
      yield* this.#claims.create(set, ordinal);
      yield* this.#client.create('pods', pod);
    } catch (error) {
      if (!isAlreadyExists(error)) this.#tell(set, 'create', pod.metadata.name ?? '', error);
      throw error;
    }
    this.#tell(set, 'create', pod.metadata.name ?? '', undefined);
  }

  *#delete(set: StatefulSet, pod: Pod): Op<void> {
    try {
      yield* this.#client.delete('pods', pod.metadata.namespace ?? '', pod.metadata.name, { preconditions: { uid: pod.metadata.uid ?? '' } });
    } catch (error) {
      if (isNotFound(error)) return;
      this.#tell(set, 'delete', pod.metadata.name, error);
      throw error;
    }
    this.#tell(set, 'delete', pod.metadata.name, undefined);
  }

  #tell(set: StatefulSet, verb: 'create' | 'delete', pod: string, error: unknown): void {
    const deed = verb === 'create' ? 'Create' : 'Delete';
    const about = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    if (error === undefined) this.#recorder.event(set, 'Normal', `Successful${deed}`, `${about} successful`);
    else this.#recorder.event(set, 'Warning', `Failed${deed}`, `${about} failed error: ${messageOf(error)}`);
  }

  *#claimPods(set: StatefulSet): Op<Pod[]> {
    const namespace = set.metadata.namespace ?? '';
    const owned = this.#pods.index(BY_CONTROLLER, set.metadata.uid ?? '');
    const orphans = this.#pods.index(BY_CONTROLLER, orphansOf(namespace)).filter((pod) => pod.metadata.name.startsWith(`${set.metadata.name}-`));
    return yield* claim(
      {
        client: this.#client,
        resource: 'pods',
        owner: set,
        selector: selectorOf(set.spec.selector),
        readOwner: () => this.#client.get('statefulsets.apps', namespace, set.metadata.name),
      },
      orphans.length === 0 ? owned : [...owned, ...orphans],
    );
  }

  *#writeStatus(set: StatefulSet, status: StatefulSetStatus, sync: Sync): Op<void> {
    if (jsonEqual(set.status, status)) return;
    sync.decide({ status });
    try {
      yield* this.#client.updateStatus('statefulsets.apps', { ...set, status });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      const current = yield* this.#client.get('statefulsets.apps', set.metadata.namespace ?? '', set.metadata.name);
      yield* this.#client.updateStatus('statefulsets.apps', { ...current, status });
    }
  }

  #now(): Micros {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}
