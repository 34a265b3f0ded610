// An object that the server itself wants to be there.

import { decodeObject } from '../../api/decode.ts';
import { applyDefaults } from '../../api/defaults.ts';
import { kindOf, type ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { isAlreadyExists } from '../../api/status.ts';
import { prepareForCreate } from '../../api/strategy.ts';
import type { Op } from '../../sim/simulation.ts';
import { beginLife } from '../registry/names.ts';
import type { Server } from '../server.ts';

/** Writes the object if there is none of its name. */
export function* ensure(server: Server, given: ApiObject): Op<void> {
  const kind = kindOf(given.apiVersion, given.kind) as ResourceKind;
  const at = { kind, namespace: given.metadata.namespace ?? '', name: given.metadata.name };
  if (server.store.cached(at)) return;
  const decoded = applyDefaults(kind, decodeObject(kind, given, 'Ignore').object);
  const object = prepareForCreate(kind, beginLife(decoded, server.uids.uuid(), server.sim.time()));
  try {
    yield* server.store.create(at, object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
