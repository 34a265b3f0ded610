// ControllerRefManager (pkg/controller/controller_ref_manager.go): which of the candidates are mine? Mine that no longer
// match my selector are released; orphans that match are adopted.

import { type ApiObject, controllerOf, controllerReference, isDeleting } from '../api/meta.ts';
import { matchLabels, type Selector } from '../api/selector.ts';
import { isInvalid, isNotFound } from '../api/status.ts';
import type { Client, StoredResource } from '../client/client.ts';
import type { Op } from '../sim/simulation.ts';

export interface ClaimOptions<O extends ApiObject> {
  readonly client: Client;
  /** Of the candidates. */
  readonly resource: StoredResource;
  readonly owner: O;
  readonly selector: Selector;
  /** Reads the owner from the server: the cache may not know that it is gone. */
  readonly readOwner: () => Op<O>;
}

export function* claim<T extends ApiObject, O extends ApiObject>(options: ClaimOptions<O>, candidates: readonly T[]): Op<T[]> {
  const { owner, selector } = options;
  const uid = owner.metadata.uid;
  const claimed: T[] = [];
  let mayAdopt: boolean | undefined;
  for (const object of candidates) {
    const ref = controllerOf(object);
    if (ref !== undefined && ref.uid !== uid) continue;
    const matching = matchLabels(selector, object.metadata.labels);
    if (ref !== undefined) {
      if (matching) claimed.push(object);
      else if (!isDeleting(owner)) yield* release(options, object);
      continue;
    }
    if (!matching || isDeleting(owner) || isDeleting(object)) continue;
    mayAdopt ??= yield* canAdopt(options);
    if (mayAdopt && (yield* adopt(options, object))) claimed.push(object);
  }
  return claimed;
}

function* canAdopt<O extends ApiObject>({ owner, readOwner }: ClaimOptions<O>): Op<boolean> {
  const live = yield* readOwner();
  if (live.metadata.uid !== owner.metadata.uid) {
    throw new Error(
      `original ${owner.kind} ${owner.metadata.namespace}/${owner.metadata.name} is gone: got uid ${live.metadata.uid}, wanted ${owner.metadata.uid}`,
    );
  }
  if (isDeleting(live)) {
    throw new Error(`can't adopt: ${owner.metadata.namespace}/${owner.metadata.name} has just been deleted at ${live.metadata.deletionTimestamp}`);
  }
  return true;
}

/** False when the object is gone already. */
function* adopt<O extends ApiObject>(options: ClaimOptions<O>, object: ApiObject): Op<boolean> {
  return yield* patchOwners(options, object, controllerReference(options.owner));
}

function* release<O extends ApiObject>(options: ClaimOptions<O>, object: ApiObject): Op<void> {
  try {
    yield* patchOwners(options, object, { $patch: 'delete', uid: options.owner.metadata.uid });
  } catch (error) {
    // Invalid: the reference or the object (another UID) has gone meanwhile.
    if (!isInvalid(error)) throw error;
  }
}

function* patchOwners<O extends ApiObject>({ client, resource }: ClaimOptions<O>, object: ApiObject, reference: unknown): Op<boolean> {
  const { namespace = '', name, uid } = object.metadata;
  try {
    yield* client.patch(resource, namespace, name, { metadata: { ownerReferences: [reference], uid } }, 'strategic');
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
