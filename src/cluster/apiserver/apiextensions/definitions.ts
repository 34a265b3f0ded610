// Follows the CustomResourceDefinitions: serves what is established, ends what is gone, and runs the controllers that
// upstream runs inside the API server (naming, establishing, approval and structural conditions, finalizer).

import type { CustomResourceDefinition } from '../../api/generated/types.ts';
import { mustResource, type ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, isDeleting, semanticEqual } from '../../api/meta.ts';
import { ApiError, isConflict, isNotFound } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op, Simulation } from '../../sim/simulation.ts';
import { MINUTE, SECOND } from '../../sim/time.ts';
import type { ServerKinds } from '../kinds.ts';
import { trackOwnStatus } from '../registry/loopback.ts';
import type { Server } from '../server.ts';
import type { Cacher } from '../storage/cacher.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { conditionOfApproval } from './approval.ts';
import { isConditionTrue, withCondition, withoutCondition } from './conditions.ts';
import { kindsOf } from './custom-kind.ts';
import { calculateNames } from './naming.ts';
import { structuralProblem } from './structural.ts';

export const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';
const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';
const POLL = 5 * SECOND;
const PATIENCE = MINUTE;
const RETRY = SECOND;

export class Definitions {
  readonly #kinds: ServerKinds;
  readonly #cache: WatchCache;
  readonly #changed: Channel<string>;
  readonly #all = new Map<string, CustomResourceDefinition>();

  /** Hears of every definition from now on; made before the cache is filled. */
  constructor(sim: Simulation, kinds: ServerKinds, cache: WatchCache) {
    this.#kinds = kinds;
    this.#cache = cache;
    this.#changed = new Channel(sim);
    cache.listeners.push((cacher, before, after) => {
      if (cacher.kind.key === DEFINITIONS) this.#heard(before as CustomResourceDefinition | null, after as CustomResourceDefinition | null);
    });
  }

  #heard(before: CustomResourceDefinition | null, after: CustomResourceDefinition | null): void {
    const { name } = ((after ?? before) as CustomResourceDefinition).metadata;
    if (after) {
      this.#all.set(name, after);
      this.#serve(before, after);
    } else if (before) {
      this.#all.delete(name);
      this.#kinds.set(name, []);
      for (const kind of kindsOf(before)) this.#cache.removeKind(kind);
    }
    this.#changed.send(name);
  }

  #serve(before: CustomResourceDefinition | null, after: CustomResourceDefinition): void {
    const { name } = after.metadata;
    const kinds = kindsOf(after);
    const stored = after.spec.versions.findIndex((version) => version.storage);
    const storedKind = kinds[stored];
    if (!storedKind) return;
    this.#cache.addKind(storedKind);
    const served = isConditionTrue(after, 'Established') ? kinds.filter((_, i) => after.spec.versions[i]?.served === true) : [];
    this.#kinds.set(name, served);
    // Who watches learns of the new schema by asking again.
    if (before && !(before.spec === after.spec || semanticEqual(before.spec, after.spec))) this.#cache.endWatches(storedKind);
  }

  /** Runs the controllers until the process ends. */
  *run(server: Server): Op<void> {
    for (;;) {
      const name = (yield* this.#changed.receive()) as string;
      try {
        yield* this.#sync(server, name);
      } catch (error) {
        if (isConflict(error) || isNotFound(error)) continue;
        server.os.logError(`${name} failed with: ${error instanceof Error ? error.message : String(error)}`);
        if (!(error instanceof ApiError)) throw error;
        server.sim.after(RETRY, () => this.#changed.send(name));
      }
    }
  }

  *#sync(server: Server, name: string): Op<void> {
    const crd = this.#all.get(name);
    if (!crd) {
      // Its names are free for others of the group.
      const group = name.slice(name.indexOf('.') + 1);
      for (const other of this.#all.values())
        if (other.spec.group === group) yield* this.#writeStatus(server, other.metadata.name, (c) => this.#named(c, server.sim.time()));
      return;
    }
    yield* this.#writeStatus(server, name, (current) => this.#named(withProblems(current, server.sim.time()), server.sim.time()));
    yield* this.#writeStatus(server, name, (current) => established(current, server.sim.time()));
    if (isDeleting(crd) && (crd.metadata.finalizers ?? []).includes(CLEANUP))
      server.os.go(`crd-finalizer/${name}`, () => this.#finalize(server, crd));
  }

  #named(crd: CustomResourceDefinition, now: string): CustomResourceDefinition {
    return calculateNames(crd, [...this.#all.values()], now);
  }

  *#writeStatus(server: Server, name: string, change: (crd: CustomResourceDefinition) => CustomResourceDefinition): Op<void> {
    const known = this.#all.get(name);
    if (!known || change(known) === known) return;
    const kind = mustResource(DEFINITIONS);
    yield* server.store.update({ kind, namespace: '', name }, function* (current): Op<ApiObject> {
      const crd = current as unknown as CustomResourceDefinition;
      return trackOwnStatus(server, kind, current, change(crd));
    });
  }

  readonly #finalizing = new Set<string>();

  /** Deletes the instances, waits until they are gone, and lets the definition go. */
  *#finalize(server: Server, crd: CustomResourceDefinition): Op<void> {
    const uid = crd.metadata.uid ?? '';
    if (this.#finalizing.has(uid)) return;
    this.#finalizing.add(uid);
    const { name } = crd.metadata;
    const says = (status: string, reason: string, message: string) => (c: CustomResourceDefinition) =>
      withCondition(c, { type: 'Terminating', status, reason, message }, server.sim.time());
    try {
      yield* this.#writeStatus(server, name, says('True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress'));
      let last = says('False', 'NeverEstablished', 'resource was never established');
      if (isConditionTrue(crd, 'Established')) {
        const kind = kindsOf(crd).find((k) => k.apiVersion === k.custom?.storedApiVersion) as ResourceKind;
        if (!(yield* deleteInstances(server, kind))) {
          const message = 'could not confirm zero CustomResources remaining: timed out waiting for the condition';
          yield* this.#writeStatus(server, name, says('True', 'InstanceDeletionCheck', message));
          server.sim.after(RETRY, () => this.#changed.send(name));
          return;
        }
        last = says('False', 'InstanceDeletionCompleted', 'removed all instances');
      }
      yield* this.#release(server, name, last);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    } finally {
      this.#finalizing.delete(uid);
    }
  }

  /** Takes the finalizer away; the definition goes with the last one. */
  *#release(server: Server, name: string, last: (crd: CustomResourceDefinition) => CustomResourceDefinition): Op<void> {
    const at = { kind: mustResource(DEFINITIONS), namespace: '', name };
    const left = yield* server.store.update(at, function* (current): Op<ApiObject> {
      const crd = last(current as unknown as CustomResourceDefinition);
      const { finalizers = [], ...metadata } = crd.metadata;
      const rest = finalizers.filter((f) => f !== CLEANUP);
      return { ...crd, metadata: rest.length === 0 ? metadata : { ...metadata, finalizers: rest } };
    });
    if ((left.metadata.finalizers?.length ?? 0) === 0) yield* server.store.delete(at, { uid: left.metadata.uid ?? '' });
  }
}

/** A definition that somebody deletes waits for its instances to go. */
export function markDefinition(object: ApiObject, now: string): ApiObject {
  const message = 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon';
  const says = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending', message };
  const crd = withCondition(object as CustomResourceDefinition, says, now);
  const { finalizers = [] } = crd.metadata;
  return {
    ...crd,
    metadata: { ...crd.metadata, deletionTimestamp: now, finalizers: finalizers.includes(CLEANUP) ? finalizers : [...finalizers, CLEANUP] },
  };
}

function withProblems(crd: CustomResourceDefinition, now: string): CustomResourceDefinition {
  const problem = structuralProblem(crd);
  const structural =
    problem === null
      ? withoutCondition(crd, 'NonStructuralSchema')
      : withCondition(crd, { type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message: problem }, now);
  const approval = conditionOfApproval(crd);
  return approval ? withCondition(structural, approval, now) : structural;
}

function established(crd: CustomResourceDefinition, now: string): CustomResourceDefinition {
  if (!isConditionTrue(crd, 'NamesAccepted') || isConditionTrue(crd, 'Established')) return crd;
  const message = 'the initial names have been accepted';
  return withCondition(crd, { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message }, now);
}

/** Whether all objects of the kind are gone within a minute. */
function* deleteInstances(server: Server, kind: ResourceKind): Op<boolean> {
  const cacher = server.store.cache.of(kind);
  const deadline = server.sim.now + PATIENCE;
  for (const object of objectsOf(cacher)) yield* deleteInstance(server, kind, object);
  for (;;) {
    if (objectsOf(cacher).length === 0) return true;
    if (server.sim.now >= deadline) return false;
    yield* server.sim.sleep(POLL);
  }
}

function objectsOf(cacher: Cacher | undefined): VersionedObject[] {
  const out: VersionedObject[] = [];
  cacher?.objects.walk('', null, (object) => void out.push(object));
  return out;
}

function* deleteInstance(server: Server, kind: ResourceKind, { metadata }: VersionedObject): Op<void> {
  const at = { kind, namespace: metadata.namespace ?? '', name: metadata.name };
  try {
    if ((metadata.finalizers?.length ?? 0) === 0) yield* server.store.delete(at, { uid: metadata.uid ?? '' });
    else {
      yield* server.store.update(at, function* (current): Op<ApiObject> {
        if (isDeleting(current)) return current;
        return { ...current, metadata: { ...current.metadata, deletionTimestamp: server.sim.time(), deletionGracePeriodSeconds: 0 } };
      });
    }
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
