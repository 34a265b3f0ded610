// The Deployment controller (pkg/controller/deployment): gives each Pod template of a Deployment a ReplicaSet and moves
// the Pods from the old ones to the new one.

import type { Deployment, Pod, ReplicaSet } from '../api/generated/types.ts';
import { controllerOf, isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, selectorOf } from '../api/selector.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { Rollout } from './deployment-rollout.ts';
import { BY_CONTROLLER, indexByController, orphansOf } from './indexes.ts';
import { claim } from './refmanager.ts';

const NAME = 'deployment-controller';
const MAX_RETRIES = 15;

export class DeploymentController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #workers: number;
  readonly #deployments: Informer<Deployment>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#workers = context.flags.concurrent['deployment'] ?? 5;
    this.#queue = new WorkQueue(context.os.sim);
    this.#deployments = context.informers.informer('deployments.apps');
    this.#sets = context.informers.informer('replicasets.apps');
    this.#pods = context.informers.informer('pods');
    indexByController(this.#sets);
    indexByController(this.#pods);

    this.#deployments.addHandler({
      add: (d) => this.#enqueue(d),
      update: (_, d) => this.#enqueue(d),
      delete: (d) => this.#enqueue(d),
    });
    this.#sets.addHandler({
      add: (set) => this.#setAdded(set),
      update: (before, set) => this.#setUpdated(before, set),
      delete: (set) => this.#setDeleted(set),
    });
    this.#pods.addHandler({ delete: (pod) => this.#podDeleted(pod) });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: this.#workers,
      maxRetries: MAX_RETRIES,
      subject: subjectsOf('deployments.apps'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #enqueue(d: Deployment): void {
    this.#queue.add(keyOf(d));
  }

  #setAdded(set: ReplicaSet): void {
    if (isDeleting(set)) this.#setDeleted(set);
    else this.#enqueueOwnerOrMatching(set, true);
  }

  #setUpdated(before: ReplicaSet, set: ReplicaSet): void {
    const moved = controllerOf(before)?.uid !== controllerOf(set)?.uid;
    if (moved) {
      const former = this.#ownerOf(before);
      if (former) this.#enqueue(former);
    }
    this.#enqueueOwnerOrMatching(set, moved || !jsonEqual(before.metadata.labels, set.metadata.labels));
  }

  #setDeleted(set: ReplicaSet): void {
    const owner = this.#ownerOf(set);
    if (owner) this.#enqueue(owner);
  }

  #enqueueOwnerOrMatching(set: ReplicaSet, searchOrphans: boolean): void {
    if (controllerOf(set)) {
      this.#setDeleted(set);
      return;
    }
    if (!searchOrphans) return;
    for (const d of this.#deployments.list(set.metadata.namespace)) {
      if (matchLabels(selectorOf(d.spec.selector), set.metadata.labels)) this.#enqueue(d);
    }
  }

  /** A Deployment that recreates waits for its last old Pod to go. */
  #podDeleted(pod: Pod): void {
    const ref = controllerOf(pod);
    if (ref?.kind !== 'ReplicaSet') return;
    const set = this.#sets.get(pod.metadata.namespace ?? '', ref.name);
    const d = set && this.#ownerOf(set);
    if (d?.spec.strategy?.type !== 'Recreate') return;
    const left = this.#sets.index(BY_CONTROLLER, d.metadata.uid ?? '').some((s) => this.#podsOf(s).length > 0);
    if (!left) this.#enqueue(d);
  }

  #ownerOf(set: ReplicaSet): Deployment | undefined {
    const ref = controllerOf(set);
    if (ref?.kind !== 'Deployment') return undefined;
    const d = this.#deployments.get(set.metadata.namespace ?? '', ref.name);
    return d?.metadata.uid === ref.uid ? d : undefined;
  }

  #podsOf(set: ReplicaSet): readonly Pod[] {
    return this.#pods.index(BY_CONTROLLER, set.metadata.uid ?? '');
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const d = this.#deployments.getByKey(key);
    if (!d) return;
    if (selectsAll(d)) {
      this.#recorder.event(d, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
      return;
    }
    const rollout = new Rollout(
      {
        sim: this.#os.sim,
        client: this.#client,
        recorder: this.#recorder,
        sync,
        podsOf: (set) => this.#podsOf(set),
        cachedSet: (namespace, name) => this.#sets.get(namespace, name),
        checkAgain: (wait) => {
          if (wait < SECOND) this.#queue.addRateLimited(key);
          else this.#queue.addAfter(key, wait + SECOND);
        },
      },
      d,
      yield* this.#claimSets(d),
    );
    if (isDeleting(d)) return yield* rollout.statusOnly();
    yield* rollout.notePause();
    if (d.spec.paused) return yield* rollout.scaleOnly();
    if (yield* rollout.isScaling()) return yield* rollout.scaleOnly();
    if (d.spec.strategy?.type === 'Recreate') return yield* rollout.recreate();
    yield* rollout.roll();
  }

  *#claimSets(d: Deployment): Op<ReplicaSet[]> {
    const namespace = d.metadata.namespace ?? '';
    const owned = this.#sets.index(BY_CONTROLLER, d.metadata.uid ?? '');
    const orphans = this.#sets.index(BY_CONTROLLER, orphansOf(namespace));
    return yield* claim(
      {
        client: this.#client,
        resource: 'replicasets.apps',
        owner: d,
        selector: selectorOf(d.spec.selector),
        readOwner: () => this.#client.get('deployments.apps', namespace, d.metadata.name),
      },
      [...owned, ...orphans],
    );
  }
}

function selectsAll(d: Deployment): boolean {
  const { matchLabels: labels, matchExpressions: expressions } = d.spec.selector;
  return Object.keys(labels ?? {}).length === 0 && (expressions ?? []).length === 0;
}
