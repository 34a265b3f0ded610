// Makes and keeps the bootstrap configuration of priority and fairness, and says in each FlowSchema's status whether its level exists
// (pkg/registry/flowcontrol/rest, apf_controller.go).

import { applyDefaults } from '../../api/defaults.ts';
import { decodeObject } from '../../api/decode.ts';
import type { FlowSchema } from '../../api/generated/types.ts';
import { kindOf, type ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, jsonEqual } from '../../api/meta.ts';
import { ApiError, isAlreadyExists } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { beginLife } from '../registry/names.ts';
import type { Server } from '../server.ts';
import { bootstrapLevels, bootstrapSchemas } from './bootstrap.ts';
import { LEVELS, SCHEMAS } from './flow-control.ts';

const AUTOUPDATE = 'apf.kubernetes.io/autoupdate-spec';
const MANDATORY = new Set(['exempt', 'catch-all']);
/** Changes are looked at together. */
const SETTLE = SECOND / 5;

/** Writes what is missing, and puts right what may be put right. */
export function* ensureFlowControl(server: Server): Op<void> {
  const levels = bootstrapLevels();
  const names = new Set(levels.map((one) => one.metadata.name));
  for (const one of levels) yield* ensure(server, one as unknown as ApiObject);
  for (const one of bootstrapSchemas()) {
    const status = { conditions: [dangling(server, one, names.has(one.spec.priorityLevelConfiguration.name))] };
    yield* ensure(server, { ...one, status } as unknown as ApiObject);
  }
}

/** Whether the object is one that must or should exist; when somebody deletes it, it is made again. */
function* ensure(server: Server, wanted: ApiObject): Op<void> {
  const kind = kindOf(wanted.apiVersion, wanted.kind) as ResourceKind;
  const at = { kind, namespace: '', name: wanted.metadata.name };
  const complete = applyDefaults(kind, decodeObject(kind, wanted, 'Ignore').object) as ApiObject & { spec: object };
  const current = server.store.cached(at) as (VersionedObject & { spec?: object }) | undefined;
  if (!current) {
    const metadata = { ...complete.metadata, generation: 1 };
    try {
      yield* server.store.create(at, beginLife({ ...complete, metadata } as ApiObject, server.uids.uuid(), server.sim.time()));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return;
  }
  const auto = MANDATORY.has(at.name) || current.metadata.annotations?.[AUTOUPDATE] === 'true';
  if (!auto || jsonEqual(current.spec, complete.spec)) return;
  yield* server.store.update(at, function* (newest) {
    const metadata = { ...newest.metadata, generation: (newest.metadata['generation'] ?? 0) + 1 };
    return { ...newest, metadata, spec: complete.spec } as unknown as ApiObject;
  });
}

function dangling(server: Server, { spec }: FlowSchema, exists: boolean): object {
  const name = JSON.stringify(spec.priorityLevelConfiguration.name);
  const prefix = `This FlowSchema references the PriorityLevelConfiguration object named ${name}`;
  return {
    type: 'Dangling',
    status: exists ? 'False' : 'True',
    lastTransitionTime: server.sim.time(),
    reason: exists ? 'Found' : 'NotFound',
    message: exists ? `${prefix} and it exists` : `${prefix} but there is no such object`,
  };
}

/** After each change of the configuration: brings back what must be there, and writes the conditions. */
export function* keepFlowControl(server: Server): Op<void> {
  const { cache } = server.store;
  const [schemas, levels] = [cache.ofKey(SCHEMAS), cache.ofKey(LEVELS)];
  const changes = new Channel<null>(server.sim);
  cache.listeners.push((cacher) => {
    if ((cacher === schemas || cacher === levels) && changes.length === 0) changes.send(null);
  });
  for (;;) {
    yield* changes.receive();
    yield* server.sim.sleep(SETTLE);
    changes.tryReceive();
    server.sim.cause = null;
    try {
      yield* ensureFlowControl(server);
      yield* writeConditions(server);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      server.os.logError(`failed to sync flow control configuration: ${error.message}`);
    }
  }
}

function* writeConditions(server: Server): Op<void> {
  const { cache } = server.store;
  const all: FlowSchema[] = [];
  cache.ofKey(SCHEMAS).objects.walk('', null, (object) => void all.push(object as unknown as FlowSchema));
  for (const schema of all) {
    const exists = cache.ofKey(LEVELS).get(schema.spec.priorityLevelConfiguration.name) !== undefined;
    const wanted = dangling(server, schema, exists) as { status: string; message: string };
    const have = schema.status?.conditions?.find((one) => one.type === 'Dangling');
    if (have?.status === wanted.status && have.message === wanted.message) continue;
    const at = { kind: cache.ofKey(SCHEMAS).kind, namespace: '', name: schema.metadata.name };
    yield* server.store.update(at, function* (newest) {
      const others = ((newest as unknown as FlowSchema).status?.conditions ?? []).filter((one) => one.type !== 'Dangling');
      return { ...newest, status: { conditions: [...others, wanted] } } as unknown as ApiObject;
    });
  }
}
