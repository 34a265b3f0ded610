// VolumeBinding: a node must reach the Pod's bound volumes, and have or get volumes for claims that wait for their first Pod.
// The volumes chosen with a node are written down before the Pod is bound to it, which waits until the claims are bound.

import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/types.ts';
import { jsonEqual, keyOf } from '../../api/meta.ts';
import { BOUND_BY_CONTROLLER, SELECTED_NODE } from '../../api/storage/volume-match.ts';
import type { Client } from '../../client/client.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import { Deferred } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import { type EventHint, type Plugin, type PreFilterResult, SKIP, type Status, unresolvable } from '../framework/types.ts';
import type { PodInfo } from '../podinfo.ts';
import type { StorageObjects } from '../storage-objects.ts';
import { NODE_CONFLICT, NOT_ENOUGH_SPACE, NO_VOLUME, type PodVolumes, VolumeFinder } from './volume-finder.ts';
import { claimsOf, isDelayed, isFullyBound, usesClaim } from './volume-claims.ts';

/** bindTimeoutSeconds. */
const BIND_TIMEOUT: Micros = 600 * SECOND;

const UNBOUND = unresolvable('pod has unbound immediate PersistentVolumeClaims');

interface State {
  readonly bound: readonly PersistentVolumeClaim[];
  readonly unbound: readonly PersistentVolumeClaim[];
}

/** Which events help Pods that this plugin rejected. */
const EVENTS: readonly EventHint[] = [
  {
    event: 'StorageClassAdd',
  },
  {
    event: 'StorageClassUpdate',
    worthTrying: (_, before, after) => !jsonEqual(allowedOf(before), allowedOf(after)),
  },
  { event: 'PersistentVolumeClaimAdd', worthTrying: concernsClaim },
  { event: 'PersistentVolumeClaimUpdate', worthTrying: concernsClaim },
  { event: 'PersistentVolumeAdd' },
  { event: 'PersistentVolumeUpdate' },
  { event: 'NodeAdd' },
  { event: 'NodeLabel' },
  { event: 'CSINodeAdd' },
  { event: 'CSIDriverUpdate' },
  { event: 'CSIStorageCapacityAdd' },
  { event: 'CSIStorageCapacityUpdate' },
];

const allowedOf = (storageClass: unknown): unknown => (storageClass as { readonly allowedTopologies?: unknown } | null)?.allowedTopologies;

function concernsClaim({ pod }: PodInfo, _before: unknown, after: unknown): boolean {
  return usesClaim(pod, after as PersistentVolumeClaim);
}

export function volumeBinding(objects: StorageObjects, client: Client): Plugin {
  const binder = new VolumeBinder(objects, client);
  return {
    name: 'VolumeBinding',
    events: EVENTS,
    preFilter: ({ pod }) => binder.preFilter(pod),
    filter: (state, { uid }, node) => binder.filter(state as State, uid, node.name, node.labels),
    reserve: (pod, node) => binder.reserve(pod, node),
    unreserve: (pod) => binder.unreserve(pod),
    willPreBind: (pod) => binder.hasTaken(pod),
    preBind: (pod, node) => binder.bind(pod, node),
  };
}

class VolumeBinder {
  readonly #objects: StorageObjects;
  readonly #client: Client;
  readonly #finder: VolumeFinder;
  /** What Filter found in the cycle that runs, by node; the Pod's UID says whose it is. */
  #found = new Map<string, PodVolumes>();
  #foundFor = '';
  /** What Reserve took, by Pod UID. */
  readonly #taken = new Map<string, PodVolumes>();

  constructor(objects: StorageObjects, client: Client) {
    this.#objects = objects;
    this.#client = client;
    this.#finder = new VolumeFinder(objects);
  }

  preFilter(pod: Pod): PreFilterResult {
    this.#found = new Map();
    this.#foundFor = pod.metadata.uid ?? '';
    const claims = claimsOf(this.#objects, pod);
    if (typeof claims === 'string') return { status: unresolvable(claims) };
    if (claims.length === 0) return { status: SKIP };
    const bound: PersistentVolumeClaim[] = [];
    const unbound: PersistentVolumeClaim[] = [];
    for (const claim of claims) {
      if (isFullyBound(claim)) bound.push(claim);
      // A claim that asks for a volume by name is the binder's.
      else if (isDelayed(this.#objects, claim) && (claim.spec.volumeName ?? '') === '') unbound.push(claim);
      else return { status: UNBOUND };
    }
    return { status: null, state: { bound, unbound } satisfies State };
  }

  filter({ bound, unbound }: State, pod: string, node: string, labels: Readonly<Record<string, string>>): Status | null {
    const reached = this.#finder.reaches(bound, node, labels);
    if (reached === 'missing') return PV_MISSING;
    const found = this.#finder.find(unbound, node, labels);
    const reasons: string[] = [];
    if (!reached) reasons.push(NODE_CONFLICT);
    if (found === NO_VOLUME || found === NOT_ENOUGH_SPACE) reasons.push(found);
    else if (this.#foundFor === pod) this.#found.set(node, found);
    return reasons.length === 0 ? null : unresolvable(...reasons);
  }

  reserve(pod: Pod, node: string): Status | null {
    const uid = pod.metadata.uid ?? '';
    const found = this.#foundFor === uid ? this.#found.get(node) : undefined;
    if (!found || (found.bindings.length === 0 && found.provisions.length === 0)) return null;
    this.#taken.set(uid, found);
    for (const { volume, claim } of found.bindings) this.#objects.assumeVolume(claimed(volume, claim));
    for (const claim of found.provisions) this.#objects.assumeClaim(selected(claim, node));
    return null;
  }

  hasTaken(pod: Pod): boolean {
    return this.#taken.has(pod.metadata.uid ?? '');
  }

  unreserve(pod: Pod): void {
    const taken = this.#taken.get(pod.metadata.uid ?? '');
    this.#taken.delete(pod.metadata.uid ?? '');
    for (const { volume } of taken?.bindings ?? []) this.#objects.forgetVolume(volume.metadata.name);
    for (const claim of taken?.provisions ?? []) this.#objects.forgetClaim(keyOf(claim));
  }

  *bind(pod: Pod, node: string): Op<Status | null> {
    const taken = this.#taken.get(pod.metadata.uid ?? '');
    if (!taken) return null;
    try {
      for (const { volume, claim } of taken.bindings) this.#objects.assumeVolume(yield* this.#client.update('persistentvolumes', claimed(volume, claim)));
      for (const claim of taken.provisions) this.#objects.assumeClaim(yield* this.#client.update('persistentvolumeclaims', selected(claim, node)));
      yield* this.#await(taken, node);
      this.#taken.delete(pod.metadata.uid ?? '');
      return null;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      return { code: 'Error', reasons: [`binding volumes: ${messageOf(error)}`] };
    }
  }

  /** Until all claims are bound. */
  *#await({ bindings, provisions }: PodVolumes, node: string): Op<void> {
    const { sim } = this.#client.os;
    const deadline = sim.now + BIND_TIMEOUT;
    const claims = [...bindings.map(({ claim }) => claim), ...provisions];
    for (;;) {
      if (claims.every((claim) => this.#isBound(claim, node))) return;
      const changed = new Deferred<void>(sim);
      const listen = (): void => {
        if (!changed.settled) changed.resolve(undefined);
      };
      this.#objects.onClaim.add(listen);
      try {
        yield* changed.waitWithin(deadline - sim.now);
      } finally {
        this.#objects.onClaim.delete(listen);
      }
      if (sim.now >= deadline) throw new BindError('context deadline exceeded');
    }
  }

  #isBound({ metadata }: PersistentVolumeClaim, node: string): boolean {
    const { namespace = '', name } = metadata;
    const claim = this.#objects.storedClaim(namespace, name);
    if (!claim) throw new BindError(`failed to check binding: could not find PVC "${namespace}/${name}"`);
    if (isFullyBound(claim)) return true;
    const mine = this.#objects.claim(namespace, name) ?? claim;
    // The provisioner could not do it for this node and asks for another.
    if (mine.metadata.annotations?.[SELECTED_NODE] === undefined && metadata.annotations?.[SELECTED_NODE] !== undefined) throw new BindError(`selectedNode annotation reset for PVC "${name}"`);
    const at = mine.metadata.annotations?.[SELECTED_NODE];
    if (at !== undefined && at !== node) throw new BindError(`provisioning failed for PVC "${name}"`);
    return false;
  }
}

const PV_MISSING = unresolvable('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');

class BindError extends Error {}

/** The volume as it is when it is promised to the claim. */
function claimed(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { name, namespace = '', uid = '', resourceVersion = '' } = claim.metadata;
  const annotations = { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' };
  const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion };
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } };
}

/** The claim as it is when its volume shall be made for the node. */
function selected(claim: PersistentVolumeClaim, node: string): PersistentVolumeClaim {
  return { ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, [SELECTED_NODE]: node } } };
}
