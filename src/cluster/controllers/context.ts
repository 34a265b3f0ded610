// What every controller of the manager gets: shared informers, a client and an event recorder of its own name.

import { kindOf, mustResource } from '../api/kinds.ts';
import { type ApiObject, splitKey } from '../api/meta.ts';
import type { Client, Resource } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import type { Subject } from '../sim/trace.ts';
import type { ManagerFlags } from './flags.ts';

export interface ControllerContext {
  readonly os: Os;
  readonly flags: ManagerFlags;
  readonly informers: InformerFactory;
  /** Acts as the manager itself. */
  readonly base: Client;
  /** A new client, with its own rate limit, that acts as the ServiceAccount of that name, e.g. `replicaset-controller`. */
  client(account: string): Client;
  /** A recorder whose events have `component` as their source. */
  recorder(component: string, client: Client): EventRecorder;
}

/** Registers informers and handlers when made; `run` starts the workers once the informers have synced. */
export interface Controller {
  run(): void | Op<void>;
}

/** For traces: names the object behind a queue key. */
export function subjectsOf(resource: Resource): (key: string) => Subject {
  const { group, plural, kind } = mustResource(resource);
  return (key) => ({ group, resource: plural, kind, ...splitKey(key) });
}

export function subjectOf(object: ApiObject): Subject | null {
  const resource = kindOf(object.apiVersion, object.kind);
  if (!resource) return null;
  const { group, plural, kind } = resource;
  return { group, resource: plural, kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}
