// The garbage collector (pkg/controller/garbagecollector): deletes what has lost its owners, in the background, in the
// foreground or not at all, as the owner's deletion asked.

import type { OwnerReference } from '../api/generated/types.ts';
import { KINDS, kindOf, type ResourceKind } from '../api/kinds.ts';
import { type ApiObject, isDeleting } from '../api/meta.ts';
import { isConflict, isNotFound } from '../api/status.ts';
import type { Client, StoredResource } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import { Discovery } from '../client/discovery.ts';
import { Informer, type InformerFactory } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import type { Subject } from '../sim/trace.ts';
import type { Controller, ControllerContext } from './context.ts';
import { blockingDependents, FOREGROUND, type GraphNode, type Identity, ORPHAN, OwnerGraph } from './garbagecollector-graph.ts';

const NAME = 'generic-garbage-collector';
/** They own nothing, nothing owns them, and there are many. */
/** How often it asks what is served. */
const RESYNC = 30 * SECOND;
const VERBS = ['delete', 'list', 'watch'];
const IGNORED = new Set(['events', 'events.events.k8s.io']);

export class GarbageCollector implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #workers: number;
  readonly #more: InformerFactory;
  readonly #graph: OwnerGraph;
  readonly #toDelete: WorkQueue;
  readonly #toOrphan: WorkQueue;
  /** Owners that are known not to exist, by UID. */
  readonly #absent = new Set<string>();
  readonly #discovery: Discovery;
  /** Kinds that are not built in, by apiVersion and kind, as last discovered. */
  #others: ReadonlyMap<string, ResourceKind> = new Map();
  /** The informers of those, by key. */
  readonly #monitors = new Map<string, { readonly kind: ResourceKind; readonly informer: Informer<ApiObject> }>();

  /** `more` gives informers of the kinds that no other controller watches. */
  constructor(context: ControllerContext, more: InformerFactory) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#workers = context.flags.concurrent['gc'] ?? 20;
    this.#more = more;
    this.#discovery = new Discovery(this.#client);
    this.#toDelete = new WorkQueue(context.os.sim);
    this.#toOrphan = new WorkQueue(context.os.sim);
    this.#graph = new OwnerGraph({
      tryDelete: (node) => this.#toDelete.add(node.identity.uid),
      orphanDependents: (node) => this.#toOrphan.add(node.identity.uid),
    });
    for (const kind of KINDS) {
      if (!isMonitored(kind)) continue;
      const resource = kind.key as StoredResource;
      const factory = context.informers.has(resource) ? context.informers : more;
      this.#monitor(factory.informer(resource));
    }
  }

  #monitor(informer: Pick<Informer<ApiObject>, 'addHandler'>): void {
    informer.addHandler({
      add: (object) => this.#graph.observe(object, undefined),
      update: (before, object) => {
        if (before.metadata !== object.metadata) this.#graph.observe(object, before);
      },
      delete: (object) => this.#gone(object.metadata.uid ?? ''),
    });
  }

  /** Every half minute: watches what is new among the resources, leaves what is no longer served. */
  *#resync(): Op<void> {
    for (;;) {
      this.#os.sim.cause = null;
      try {
        this.#follow(yield* this.#discovery.kinds());
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        this.#os.logError(`"Failed to discover resources" err="${messageOf(error)}"`);
      }
      yield* this.#os.sleep(RESYNC);
    }
  }

  #follow(kinds: readonly ResourceKind[]): void {
    const others = kinds.filter((kind) => kindOf(kind.apiVersion, kind.kind) !== kind);
    if (others.length === 0 && this.#others.size === 0) return;
    this.#others = new Map(others.map((kind) => [`${kind.apiVersion} ${kind.kind}`, kind]));
    const wanted = new Map<string, ResourceKind>();
    for (const kind of others) if (isMonitored(kind) && !wanted.has(kind.key)) wanted.set(kind.key, kind);
    for (const [key, { kind, informer }] of this.#monitors) {
      if (wanted.get(key) === kind) continue;
      informer.stop();
      this.#monitors.delete(key);
    }
    for (const [key, kind] of wanted) {
      if (this.#monitors.has(key)) continue;
      const informer = new Informer<ApiObject>(this.#os, this.#client, kind);
      this.#monitors.set(key, { kind, informer });
      this.#monitor(informer);
      informer.start();
    }
  }

  #kindOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): ResourceKind | undefined {
    return kindOf(apiVersion, kind) ?? this.#others.get(`${apiVersion} ${kind}`);
  }

  *run(): Op<void> {
    this.#more.start();
    yield* this.#more.waitForSync();
    this.#os.go('garbage-collector-sync', () => this.#resync());
    const subject = (uid: string): Subject | null => this.#subjectOf(this.#graph.get(uid));
    runController(this.#os, { name: NAME, queue: this.#toDelete, workers: this.#workers, subject, sync: (uid, sync) => this.#tryDelete(uid, sync) });
    runController(this.#os, { name: NAME, queue: this.#toOrphan, workers: 1, subject, sync: (uid, sync) => this.#orphan(uid, sync) });
  }

  #gone(uid: string): void {
    if ((this.#graph.get(uid)?.dependents.size ?? 0) > 0) this.#remember(uid);
    this.#graph.remove(uid);
  }

  #remember(uid: string): void {
    this.#absent.add(uid);
    if (this.#absent.size <= 500) return;
    const [oldest] = this.#absent;
    this.#absent.delete(oldest as string);
  }

  *#tryDelete(uid: string, sync: Sync): Op<void> {
    const node = this.#graph.get(uid);
    if (!node || (node.beingDeleted && !node.deletingDependents)) return;
    const latest = yield* this.#read(node.identity);
    if (latest?.metadata.uid !== uid) {
      this.#gone(uid);
      return;
    }
    if (node.deletingDependents) return yield* this.#finishForeground(node, sync);

    const owners = latest.metadata.ownerReferences ?? [];
    if (owners.length === 0) {
      if (node.virtual) throw new Error(`node ${node.identity.name} has not been observed via informer yet`);
      return;
    }
    const { solid, dangling, waiting } = yield* this.#classify(node, owners);
    if (solid.length > 0) {
      if (dangling.length + waiting.length === 0) return;
      sync.decide({ dropOwners: [...dangling, ...waiting].map((owner) => owner.name) });
      yield* this.#patchOwners(node.identity, [...dangling, ...waiting].map((owner) => ({ $patch: 'delete', uid: owner.uid })));
      return;
    }
    const propagationPolicy = policyFor(latest, waiting.length > 0 && node.dependents.size > 0);
    if (propagationPolicy === 'Foreground' && waiting.length > 0) yield* this.#unblock(node);
    sync.decide({ delete: node.identity.name, kind: node.identity.kind, propagationPolicy, absentOwner: dangling.map((owner) => owner.name) });
    yield* this.#delete(latest, propagationPolicy);
  }

  /** The object waits for its dependents: lets it go when none is left that must go first. */
  *#finishForeground(node: GraphNode, sync: Sync): Op<void> {
    const blocking = blockingDependents(node);
    if (blocking.length > 0) {
      for (const dependent of blocking) if (!dependent.deletingDependents) this.#toDelete.add(dependent.identity.uid);
      return;
    }
    sync.decide({ removeFinalizer: FOREGROUND });
    yield* this.#removeFinalizer(node.identity, FOREGROUND);
  }

  *#orphan(uid: string, sync: Sync): Op<void> {
    const node = this.#graph.get(uid);
    if (!node) return;
    const dependents = [...node.dependents];
    sync.decide({ orphan: dependents.map((dependent) => dependent.identity.name) });
    for (const dependent of dependents) yield* this.#patchOwners(dependent.identity, [{ $patch: 'delete', uid }]);
    yield* this.#removeFinalizer(node.identity, ORPHAN);
  }

  /** A circle of owners that all wait for each other is broken here. */
  *#unblock(node: GraphNode): Op<void> {
    if (![...node.dependents].some((dependent) => dependent.deletingDependents)) return;
    const references = node.owners.map((owner) => ({ uid: owner.uid, blockOwnerDeletion: false }));
    yield* this.#patchOwners(node.identity, references);
  }

  *#classify(
    node: GraphNode,
    owners: readonly OwnerReference[],
  ): Op<{ readonly solid: OwnerReference[]; readonly dangling: OwnerReference[]; readonly waiting: OwnerReference[] }> {
    const solid: OwnerReference[] = [];
    const dangling: OwnerReference[] = [];
    const waiting: OwnerReference[] = [];
    for (const reference of owners) {
      const { apiVersion, kind, name, uid } = reference;
      const owner = this.#absent.has(uid)
        ? undefined
        : yield* this.#read({ apiVersion, kind, name, uid, namespace: node.identity.namespace });
      if (owner?.metadata.uid !== uid) {
        if (!this.#absent.has(uid)) this.#remember(uid);
        dangling.push(reference);
      } else if (isDeleting(owner) && (owner.metadata.finalizers ?? []).includes(FOREGROUND)) waiting.push(reference);
      else solid.push(reference);
    }
    return { solid, dangling, waiting };
  }

  *#read(identity: Identity): Op<ApiObject | undefined> {
    const kind = this.#kindOf(identity);
    if (!kind) throw new Error(`unable to get REST mapping for ${identity.apiVersion}/${identity.kind}.`);
    try {
      return yield* this.#client.get(kind, kind.namespaced ? identity.namespace : '', identity.name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  *#delete(object: ApiObject, propagationPolicy: Policy): Op<void> {
    const { namespace = '', name, uid, resourceVersion } = object.metadata;
    const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    try {
      yield* this.#client.delete(this.#resourceOf(object), namespace, name, { propagationPolicy, preconditions });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  *#patchOwners(identity: Identity, ownerReferences: readonly unknown[]): Op<void> {
    const kind = this.#kindOf(identity);
    if (!kind) return;
    try {
      const namespace = kind.namespaced ? identity.namespace : '';
      const patch = { metadata: { ownerReferences, uid: identity.uid } };
      if (kind.schema !== '') yield* this.#client.patch(kind, namespace, identity.name, patch, 'strategic');
      else yield* this.#mergeOwners(kind, namespace, identity, ownerReferences as readonly OwnerChange[]);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Custom resources know no strategic patch: the list is written as a whole. */
  *#mergeOwners(kind: ResourceKind, namespace: string, identity: Identity, changes: readonly OwnerChange[]): Op<void> {
    const object = yield* this.#read(identity);
    if (object?.metadata.uid !== identity.uid) return;
    const { ownerReferences = [], resourceVersion } = object.metadata;
    const next = ownerReferences.flatMap((owner) => {
      const change = changes.find((c) => c.uid === owner.uid);
      if (change?.$patch === 'delete') return [];
      return [change?.blockOwnerDeletion === undefined ? owner : { ...owner, blockOwnerDeletion: change.blockOwnerDeletion }];
    });
    yield* this.#client.patch(kind, namespace, identity.name, { metadata: { resourceVersion, ownerReferences: next } }, 'merge');
  }

  #resourceOf(object: ApiObject): ResourceKind {
    const kind = this.#kindOf(object);
    if (!kind) throw new Error(`unable to get REST mapping for ${object.apiVersion}/${object.kind}.`);
    return kind;
  }

  #subjectOf(node: GraphNode | undefined): Subject | null {
    const kind = node && this.#kindOf(node.identity);
    if (!node || !kind) return null;
    return { group: kind.group, resource: kind.plural, kind: kind.kind, namespace: node.identity.namespace, name: node.identity.name };
  }

  *#removeFinalizer(identity: Identity, finalizer: string): Op<void> {
    for (let tries = 1; ; tries++) {
      const object = yield* this.#read(identity);
      if (object?.metadata.uid !== identity.uid || !(object.metadata.finalizers ?? []).includes(finalizer)) return;
      const finalizers = (object.metadata.finalizers ?? []).filter((f) => f !== finalizer);
      const { namespace = '', name, resourceVersion } = object.metadata;
      try {
        yield* this.#client.patch(this.#resourceOf(object), namespace, name, { metadata: { resourceVersion, finalizers } }, 'merge');
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error) || tries === 5) throw error;
      }
    }
  }
}

type Policy = 'Background' | 'Foreground' | 'Orphan';

/** What the object itself has asked for already; else as its owner that waits for it, or in the background. */
function policyFor(object: ApiObject, ownerWaits: boolean): Policy {
  if (ownerWaits) return 'Foreground';
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes(ORPHAN)) return 'Orphan';
  return finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background';
}

interface OwnerChange {
  readonly uid: string;
  readonly $patch?: 'delete';
  readonly blockOwnerDeletion?: boolean;
}

const isMonitored = (kind: ResourceKind): boolean => !IGNORED.has(kind.key) && VERBS.every((verb) => kind.verbs.includes(verb));
