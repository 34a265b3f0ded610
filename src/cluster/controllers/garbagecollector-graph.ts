// Who owns whom: the garbage collector's graph of all objects (pkg/controller/garbagecollector/graph_builder.go). An event
// touches only the object, its owners and its dependents.

import type { OwnerReference } from '../api/generated/types.ts';
import { type ApiObject, isDeleting } from '../api/meta.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** Enough to ask the API server for the object. */
export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface GraphNode {
  identity: Identity;
  owners: readonly OwnerReference[];
  readonly dependents: Set<GraphNode>;
  beingDeleted: boolean;
  /** Being deleted in the foreground: waits until its dependents are gone. */
  deletingDependents: boolean;
  /** Known only from a reference to it. */
  virtual: boolean;
}

/** What a change asks the collector to look at. */
export interface Work {
  /** May have lost its last owner, or the last dependent that it waited for. */
  tryDelete(node: GraphNode): void;
  /** Was deleted with the wish that its dependents stay. */
  orphanDependents(node: GraphNode): void;
}

const NO_OWNERS: readonly OwnerReference[] = Object.freeze([]);
const has = (object: ApiObject | undefined, finalizer: string): boolean =>
  object !== undefined && isDeleting(object) && (object.metadata.finalizers ?? []).includes(finalizer);

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** An object came to be or changed; `before` is its former state if known. */
  observe(object: ApiObject, before: ApiObject | undefined): void {
    const uid = object.metadata.uid ?? '';
    let node = this.#nodes.get(uid);
    if (node === undefined) {
      node = this.#insert(identityOf(object), object.metadata.ownerReferences ?? NO_OWNERS, false);
    } else {
      if (node.virtual) {
        node.virtual = false;
        node.identity = identityOf(object);
      }
      this.#changeOwners(node, object.metadata.ownerReferences ?? NO_OWNERS);
    }
    if (isDeleting(object)) node.beingDeleted = true;
    if (has(object, FOREGROUND) && !has(before, FOREGROUND)) {
      node.deletingDependents = true;
      for (const dependent of node.dependents) this.#work.tryDelete(dependent);
      this.#work.tryDelete(node);
    }
    if (has(object, ORPHAN) && !has(before, ORPHAN)) this.#work.orphanDependents(node);
  }

  /** An object is gone. */
  remove(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    for (const { uid: owner } of node.owners) {
      const ownerNode = this.#nodes.get(owner);
      if (ownerNode === undefined) continue;
      ownerNode.dependents.delete(node);
      if (ownerNode.deletingDependents) this.#work.tryDelete(ownerNode);
    }
    for (const dependent of node.dependents) this.#work.tryDelete(dependent);
  }

  #insert(identity: Identity, owners: readonly OwnerReference[], virtual: boolean): GraphNode {
    const node: GraphNode = { identity, owners, dependents: new Set(), beingDeleted: false, deletingDependents: false, virtual };
    this.#nodes.set(identity.uid, node);
    for (const owner of owners) this.#attach(node, owner);
    return node;
  }

  #attach(node: GraphNode, owner: OwnerReference): void {
    const known = this.#nodes.get(owner.uid);
    if (known) {
      known.dependents.add(node);
      return;
    }
    // Not seen yet, or never to be seen: the collector must ask.
    const { apiVersion, kind, name, uid } = owner;
    const absent = this.#insert({ apiVersion, kind, name, uid, namespace: node.identity.namespace }, NO_OWNERS, true);
    absent.dependents.add(node);
    this.#work.tryDelete(absent);
  }

  #changeOwners(node: GraphNode, owners: readonly OwnerReference[]): void {
    const former = node.owners;
    if (former === owners || (former.length === 0 && owners.length === 0)) return;
    node.owners = owners;
    for (const owner of owners) if (!former.some((f) => f.uid === owner.uid)) this.#attach(node, owner);
    for (const old of former) {
      const now = owners.find((owner) => owner.uid === old.uid);
      const ownerNode = this.#nodes.get(old.uid);
      if (!now) ownerNode?.dependents.delete(node);
      // The owner may have waited for this dependent only.
      const unblocked = old.blockOwnerDeletion === true && now?.blockOwnerDeletion !== true;
      if (unblocked && ownerNode?.deletingDependents) this.#work.tryDelete(ownerNode);
    }
  }
}

/** Dependents that keep an owner that is deleted in the foreground. */
export function blockingDependents(node: GraphNode): GraphNode[] {
  const uid = node.identity.uid;
  return [...node.dependents].filter((dependent) => dependent.owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
}

function identityOf({ apiVersion, kind, metadata }: ApiObject): Identity {
  return { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid ?? '' };
}
