// One sync of one Deployment (pkg/controller/deployment: rolling.go, recreate.go, sync.go): works on the copy `d`, which
// takes up what this sync has written.

import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from '../api/generated/types.ts';
import { conditionOf, controllerOf, jsonEqual } from '../api/meta.ts';
import { isAlreadyExists, isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import type { Sync } from '../client/controller.ts';
import { isNamespaceTerminating, isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import { type Micros, parseTime, SECOND } from '../sim/time.ts';
import {
  activeOrLatest,
  activeSets,
  annotatedNumber,
  availableReplicas,
  DESIRED_REPLICAS,
  expendableSets,
  hasProgressDeadline,
  isComplete,
  isRollingUpdate,
  isSaturated,
  maxRevision,
  newSetReplicas,
  oldSetsMayLose,
  proportionalSizes,
  REVISION,
  specReplicas,
  statusReplicas,
  wantedOf,
  withoutSurplus,
  withoutUseless,
} from './deployment-arithmetic.ts';
import { draftNewSet, findNewSet, firstAnnotations, hasSizeAnnotations, newSetAnnotations, sameTemplate, sizeAnnotations } from './deployment-revisions.ts';
import { calculateStatus, condition, type Instant, rolloutStatus, withCondition } from './deployment-status.ts';
import { isPodTerminal } from './pods.ts';

export interface RolloutTools {
  readonly sim: Simulation;
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly sync: Sync;
  readonly podsOf: (set: ReplicaSet) => readonly Pod[];
  readonly cachedSet: (namespace: string, name: string) => ReplicaSet | undefined;
  /** Asks for another sync after `wait`, to see whether the deadline has passed. */
  readonly checkAgain: (wait: Micros) => void;
}

interface Sets {
  readonly newSet: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

const all = ({ newSet, old }: Sets): ReplicaSet[] => (newSet ? [...old, newSet] : [...old]);

export class Rollout {
  d: Deployment;
  readonly #tools: RolloutTools;
  readonly #sets: readonly ReplicaSet[];

  constructor(tools: RolloutTools, d: Deployment, sets: readonly ReplicaSet[]) {
    this.#tools = tools;
    this.d = d;
    this.#sets = sets;
  }

  /** For a Deployment that is being deleted. */
  *statusOnly(): Op<void> {
    yield* this.#syncStatus(yield* this.#findSets(false));
  }

  /** While paused or after a change of size: scales what is there, starts nothing new. */
  *scaleOnly(): Op<void> {
    const sets = yield* this.#findSets(false);
    yield* this.#scale(sets);
    if (this.d.spec.paused) yield* this.#cleanUp(sets.old);
    yield* this.#syncStatus(sets);
  }

  /** The size asked for is not the one that the active sets were made for. */
  *isScaling(): Op<boolean> {
    const sets = yield* this.#findSets(false);
    return activeSets(all(sets)).some((set) => {
      const desired = annotatedNumber(set, DESIRED_REPLICAS);
      return desired !== undefined && desired !== wantedOf(this.d);
    });
  }

  /** New Pods first, then old ones away, as far as maxSurge and maxUnavailable allow. */
  *roll(): Op<void> {
    const sets = yield* this.#findSets(true);
    const newSet = sets.newSet as ReplicaSet;
    if (yield* this.#growNewSet(sets, newSet)) return yield* this.#syncRollout(sets);
    if (yield* this.#shrinkOldSets(sets, newSet)) return yield* this.#syncRollout(sets);
    if (isComplete(this.d, this.d.status)) yield* this.#cleanUp(sets.old);
    yield* this.#syncRollout(sets);
  }

  /** All old Pods away first, then the new ones. */
  *recreate(): Op<void> {
    let sets = yield* this.#findSets(false);
    let scaled = false;
    for (const set of activeSets(sets.old)) if (yield* this.#resize(set, 0)) scaled = true;
    if (scaled || this.#oldPodsRun(sets)) return yield* this.#syncRollout(sets);
    if (!sets.newSet) sets = yield* this.#findSets(true);
    yield* this.#resize(sets.newSet as ReplicaSet, wantedOf(this.d));
    if (isComplete(this.d, this.d.status)) yield* this.#cleanUp(sets.old);
    yield* this.#syncRollout(sets);
  }

  /** Notes in the conditions that the Deployment was paused or resumed, so that the deadline does not count meanwhile. */
  *notePause(): Op<void> {
    if (!hasProgressDeadline(this.d)) return;
    const present = conditionOf(this.d.status.conditions, 'Progressing');
    if (present?.reason === 'ProgressDeadlineExceeded') return;
    const noted = present?.reason === 'DeploymentPaused';
    const paused = this.d.spec.paused ?? false;
    if (paused === noted) return;
    const next = paused
      ? condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', this.#now())
      : condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', this.#now());
    this.d = yield* this.#tools.client.updateStatus('deployments.apps', { ...this.d, status: withCondition(this.d.status, next) });
  }

  *#growNewSet(sets: Sets, newSet: ReplicaSet): Op<boolean> {
    if (wantedOf(newSet) === wantedOf(this.d)) return false;
    const size = wantedOf(newSet) > wantedOf(this.d) ? wantedOf(this.d) : newSetReplicas(this.d, all(sets), newSet);
    return (yield* this.#resize(newSet, size)) !== undefined;
  }

  *#shrinkOldSets(sets: Sets, newSet: ReplicaSet): Op<boolean> {
    if (specReplicas(sets.old) === 0) return false;
    const most = oldSetsMayLose(this.d, all(sets), newSet);
    if (most <= 0) return false;
    let removed = 0;
    const rest: ReplicaSet[] = [];
    for (const { set, size } of withoutUseless(activeSets(sets.old), most)) {
      rest.push((yield* this.#resize(set, size)) ?? set);
      removed += wantedOf(set) - size;
    }
    for (const { set, size } of withoutSurplus(this.d, availableReplicas([...rest, newSet]), rest)) {
      if (yield* this.#resize(set, size)) removed += wantedOf(set) - size;
    }
    return removed > 0;
  }

  #oldPodsRun({ newSet, old }: Sets): boolean {
    if (statusReplicas(old) > 0) return true;
    for (const set of this.#sets) {
      if (set.metadata.uid === newSet?.metadata.uid) continue;
      if (this.#tools.podsOf(set).some((pod) => !isPodTerminal(pod))) return true;
    }
    return false;
  }

  *#scale(sets: Sets): Op<void> {
    const only = activeOrLatest(sets.newSet, sets.old);
    if (only) {
      if (wantedOf(only) !== wantedOf(this.d)) yield* this.#resize(only, wantedOf(this.d));
      return;
    }
    if (isSaturated(this.d, sets.newSet)) {
      for (const set of activeSets(sets.old)) yield* this.#resize(set, 0);
      return;
    }
    if (!isRollingUpdate(this.d)) return;
    for (const { set, size } of proportionalSizes(this.d, activeSets(all(sets)))) yield* this.#write(set, size);
  }

  /** Gives a set another size; undefined when it has it already. */
  *#resize(set: ReplicaSet, size: number): Op<ReplicaSet | undefined> {
    return wantedOf(set) === size ? undefined : yield* this.#write(set, size);
  }

  *#write(set: ReplicaSet, size: number): Op<ReplicaSet> {
    const before = wantedOf(set);
    if (before === size && hasSizeAnnotations(this.d, set)) return set;
    const { client, recorder, sync } = this.#tools;
    sync.decide({ replicaSet: set.metadata.name, from: before, to: size, wanted: wantedOf(this.d) });
    const metadata = { ...set.metadata, annotations: { ...set.metadata.annotations, ...sizeAnnotations(this.d) } };
    const updated = yield* client.update('replicasets.apps', { ...set, metadata, spec: { ...set.spec, replicas: size } });
    if (before !== size) {
      const direction = before < size ? 'up' : 'down';
      recorder.event(this.d, 'Normal', 'ScalingReplicaSet', `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${size}`);
    }
    return updated;
  }

  /** The new set (made when missing and `create`) with its revision written, and all others. */
  *#findSets(create: boolean): Op<Sets> {
    const found = findNewSet(this.d, this.#sets);
    const old = this.#sets.filter((set) => set.metadata.uid !== found?.metadata.uid);
    const revision = maxRevision(old) + 1;
    if (found) return { newSet: yield* this.#syncNewSet(found, revision), old };
    return { newSet: create ? yield* this.#createNewSet(old, revision) : undefined, old };
  }

  *#syncNewSet(set: ReplicaSet, revision: number): Op<ReplicaSet> {
    const annotations = newSetAnnotations(this.d, set, revision);
    const minReadySeconds = this.d.spec.minReadySeconds ?? 0;
    if (annotations !== set.metadata.annotations || (set.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      return yield* this.#tools.client.update('replicasets.apps', {
        ...set,
        metadata: { ...set.metadata, ...(annotations === undefined ? {} : { annotations }) },
        spec: { ...set.spec, minReadySeconds },
      });
    }
    const { needed, next } = this.#withRevision(set.metadata.annotations?.[REVISION] ?? '');
    const unnoted = hasProgressDeadline(this.d) && !conditionOf(this.d.status.conditions, 'Progressing');
    this.d = unnoted
      ? { ...next, status: withCondition(next.status, condition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${set.metadata.name}"`, this.#now())) }
      : next;
    // As upstream, the answer is not taken up: a later write in this sync then conflicts and the key comes back.
    if (needed || unnoted) yield* this.#tools.client.updateStatus('deployments.apps', this.d);
    return set;
  }

  *#createNewSet(old: readonly ReplicaSet[], revision: number): Op<ReplicaSet> {
    const { client, recorder, sync } = this.#tools;
    const draft = draftNewSet(this.d);
    const empty = { ...draft, status: { replicas: 0 } } as unknown as ReplicaSet;
    const replicas = newSetReplicas(this.d, [...old, empty], empty);
    sync.decide({ replicaSet: draft.metadata.name, create: true, from: 0, to: replicas, wanted: wantedOf(this.d), revision });
    let created: ReplicaSet;
    let existed = false;
    try {
      created = yield* client.create('replicasets.apps', {
        ...draft,
        metadata: { ...draft.metadata, annotations: firstAnnotations(this.d, revision) },
        spec: { ...draft.spec, replicas },
      });
    } catch (error) {
      if (isProgrammingError(error) || isNamespaceTerminating(error)) throw error;
      if (!isAlreadyExists(error)) {
        yield* this.#noteCreateFailure(draft.metadata.name, error);
        throw error;
      }
      created = yield* this.#resolveCollision(draft.metadata.name, error);
      existed = true;
    }
    if (!existed && replicas > 0) {
      recorder.event(this.d, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${created.metadata.name} from 0 to ${replicas}`);
    }
    const { needed, next } = this.#withRevision(String(revision));
    const note = !existed && hasProgressDeadline(this.d);
    this.d = note
      ? { ...next, status: withCondition(next.status, condition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${created.metadata.name}"`, this.#now())) }
      : next;
    if (needed || note) yield* client.updateStatus('deployments.apps', this.d);
    return created;
  }

  /** The name is taken: by my own set, which the cache had not shown yet, or by another template with the same hash. */
  *#resolveCollision(name: string, error: unknown): Op<ReplicaSet> {
    const { client, cachedSet } = this.#tools;
    const set = cachedSet(this.d.metadata.namespace ?? '', name);
    if (!set) throw error;
    if (controllerOf(set)?.uid === this.d.metadata.uid && sameTemplate(this.d.spec.template, set.spec.template)) return set;
    const status = { ...this.d.status, collisionCount: (this.d.status.collisionCount ?? 0) + 1 };
    yield* client.updateStatus('deployments.apps', { ...this.d, status });
    throw error;
  }

  *#noteCreateFailure(name: string, error: unknown): Op<void> {
    const { client, recorder } = this.#tools;
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
    if (hasProgressDeadline(this.d)) {
      const status = withCondition(this.d.status, condition('Progressing', 'False', 'ReplicaSetCreateError', message, this.#now()));
      this.d = { ...this.d, status };
      try {
        yield* client.updateStatus('deployments.apps', this.d);
      } catch (second) {
        if (isProgrammingError(second)) throw second;
      }
    }
    recorder.event(this.d, 'Warning', 'ReplicaSetCreateError', message);
  }

  #withRevision(revision: string): { readonly needed: boolean; readonly next: Deployment } {
    const annotations = this.d.metadata.annotations;
    if (annotations?.[REVISION] === revision) return { needed: false, next: this.d };
    return { needed: true, next: { ...this.d, metadata: { ...this.d.metadata, annotations: { ...annotations, [REVISION]: revision } } } };
  }

  *#cleanUp(old: readonly ReplicaSet[]): Op<void> {
    for (const set of expendableSets(this.d, old)) {
      this.#tools.sync.decide({ deleteOldReplicaSet: set.metadata.name });
      try {
        yield* this.#tools.client.delete('replicasets.apps', set.metadata.namespace ?? '', set.metadata.name);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  *#syncRollout(sets: Sets): Op<void> {
    const status = rolloutStatus(this.d, all(sets), sets.newSet, this.#now());
    if (jsonEqual(this.d.status, status)) this.#checkProgressLater(status);
    else yield* this.#writeStatus(status);
  }

  *#syncStatus(sets: Sets): Op<void> {
    const status = calculateStatus(this.d, all(sets), sets.newSet, this.#now());
    if (!jsonEqual(this.d.status, status)) yield* this.#writeStatus(status);
  }

  *#writeStatus(status: DeploymentStatus): Op<void> {
    this.#tools.sync.decide({ status });
    yield* this.#tools.client.updateStatus('deployments.apps', { ...this.d, status });
  }

  /** Nothing moves: look again when the deadline for progress is over. */
  #checkProgressLater(status: DeploymentStatus): void {
    const present = conditionOf(this.d.status.conditions, 'Progressing');
    if (!hasProgressDeadline(this.d) || !present) return;
    if (isComplete(this.d, status) || present.reason === 'ProgressDeadlineExceeded') return;
    const now = this.#now().micros;
    const deadline = (parseTime(present.lastUpdateTime ?? '') ?? now) + (this.d.spec.progressDeadlineSeconds ?? 0) * SECOND;
    this.#tools.checkAgain(deadline - now);
  }

  #now(): Instant {
    const { sim } = this.#tools;
    return { micros: sim.epoch + sim.now, text: sim.time() };
  }
}
