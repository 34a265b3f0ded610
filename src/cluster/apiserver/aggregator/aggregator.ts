// The aggregation layer (kube-aggregator): an APIService for each group version that this server serves itself, and for
// those that name a Service the way to it, once the checks of its availability have passed.

import type { APIService } from '../../api/generated/types.ts';
import { mustResource } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { ApiError, isAlreadyExists, isConflict, isNotFound } from '../../api/status.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op, Simulation } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { DEFINITIONS } from '../apiextensions/definitions.ts';
import type { ServerKinds } from '../kinds.ts';
import { trackOwnNew, trackOwnStatus } from '../registry/loopback.ts';
import { beginLife } from '../registry/names.ts';
import type { Server } from '../server.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { checkAvailability, type Verdict } from './availability.ts';
import { priorityOf } from './priorities.ts';
import { kindsOfRemote } from './remote-kinds.ts';

export const API_SERVICES = 'apiservices.apiregistration.k8s.io';
const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
const RESYNC = 30 * SECOND;
const RETRY = 5 * SECOND;
const LOCAL = { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' };

/** A group version that another server serves. */
export interface Remote {
  readonly service: APIService;
  available: boolean;
}

export class Aggregator {
  readonly #kinds: ServerKinds;
  /** By group version. */
  readonly #remotes = new Map<string, Remote>();
  readonly #byName = new Map<string, APIService>();
  readonly #wake = new Map<string, Channel<void>>();
  readonly #local: Channel<void>;
  #server: Server | null = null;

  constructor(sim: Simulation, kinds: ServerKinds, cache: WatchCache) {
    this.#kinds = kinds;
    this.#local = new Channel(sim);
    cache.listeners.push((cacher, before, after) => {
      switch (cacher.kind.key) {
        case API_SERVICES:
          return this.#heard(before as APIService | null, after as APIService | null);
        case DEFINITIONS:
          return this.#local.send();
        case 'services':
        case 'endpointslices.discovery.k8s.io':
          if (this.#remotes.size > 0) for (const wake of this.#wake.values()) wake.send();
      }
    });
  }

  /** The server of that group version when it is another one. Cheap as long as there is none. */
  remoteOf(group: string, version: string): Remote | undefined {
    return this.#remotes.size === 0 ? undefined : this.#remotes.get(`${group}/${version}`);
  }

  /** Registers what is served here, now and after each change. */
  *run(server: Server): Op<void> {
    this.#server = server;
    for (const name of this.#wake.keys()) this.#follow(server, name);
    for (;;) {
      server.sim.cause = null;
      try {
        yield* this.#register(server);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const { message } = error;
        if (!isConflict(error) && !isNotFound(error)) {
          // etcd does not answer: again in a moment.
          server.os.logError(`error syncing APIServices: ${message}`);
          yield* server.sim.sleep(SECOND);
          continue;
        }
      }
      yield* this.#local.receive();
    }
  }

  *#register(server: Server): Op<void> {
    const wanted = new Set<string>();
    for (const groupVersion of this.#kinds.localGroupVersions()) {
      const custom = this.#kinds.isCustom(groupVersion);
      const priority = priorityOf(groupVersion, custom);
      if (!priority) continue;
      const slash = groupVersion.indexOf('/');
      const [group, version] = slash < 0 ? ['', groupVersion] : [groupVersion.slice(0, slash), groupVersion.slice(slash + 1)];
      const name = `${version}.${group}`;
      wanted.add(name);
      if (this.#byName.has(name)) continue;
      const condition = { ...LOCAL, lastTransitionTime: server.sim.time() };
      const service = {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name, labels: { [MANAGED]: custom ? 'true' : 'onstart' } },
        spec: { ...(group === '' ? {} : { group }), groupPriorityMinimum: priority.group, version, versionPriority: priority.version },
        status: { conditions: [condition] },
      };
      yield* create(server, service);
    }
    for (const [name, { metadata }] of this.#byName) {
      if (wanted.has(name) || metadata.labels?.[MANAGED] !== 'true') continue;
      yield* server.store.delete({ kind: mustResource(API_SERVICES), namespace: '', name }, {});
    }
  }

  #heard(before: APIService | null, after: APIService | null): void {
    const { name } = ((after ?? before) as APIService).metadata;
    if (after) this.#byName.set(name, after);
    else this.#byName.delete(name);
    if (!after?.spec.service) {
      if (!this.#wake.has(name)) return;
      this.#wake.get(name)?.close();
      this.#wake.delete(name);
      this.#forget((before as APIService).spec);
      this.#local.send();
      return;
    }
    const groupVersion = groupVersionOf(after.spec);
    const available = after.status?.conditions?.find((c) => c.type === 'Available')?.status === 'True';
    const known = this.#remotes.get(groupVersion);
    this.#remotes.set(groupVersion, { service: after, available });
    if (known && known.available !== available) this.#kinds.setStale(groupVersion, !available);
    const wake = this.#wake.get(name);
    if (wake) {
      if (before?.spec !== after.spec) wake.send();
      return;
    }
    this.#kinds.setRemote(groupVersion, []);
    this.#kinds.setStale(groupVersion, !available);
    this.#wake.set(name, new Channel(this.#local.sim));
    if (this.#server) this.#follow(this.#server, name);
  }

  #forget(spec: APIService['spec']): void {
    this.#remotes.delete(groupVersionOf(spec));
    this.#kinds.setRemote(groupVersionOf(spec), null);
  }

  #follow(server: Server, name: string): void {
    const wake = this.#wake.get(name);
    if (wake) server.os.go(`apiservice/${name}`, () => this.#keepChecking(server, name, wake));
  }

  /** Checks again when the Service or its endpoints change, and every half minute. */
  *#keepChecking(server: Server, name: string, wake: Channel<void>): Op<void> {
    while (!wake.closed) {
      server.sim.cause = null;
      const service = this.#byName.get(name);
      if (!service) return;
      const verdict = yield* checkAvailability(server, service);
      if (wake.closed) return;
      if (verdict.document)
        this.#kinds.setRemote(groupVersionOf(service.spec), kindsOfRemote(groupVersionOf(service.spec), verdict.document));
      yield* this.#write(server, name, verdict);
      const timer = server.sim.after(verdict.status === 'True' ? RESYNC : RETRY, () => wake.send());
      yield* wake.receive();
      server.sim.cancel(timer);
      while (wake.length > 0) yield* wake.receive();
    }
  }

  *#write(server: Server, name: string, { status, reason, message }: Verdict): Op<void> {
    const known = this.#byName.get(name);
    const before = known?.status?.conditions?.find((c) => c.type === 'Available');
    if (!known || (before?.status === status && before.reason === reason && before.message === message)) return;
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? server.sim.time()) : server.sim.time();
    const condition = { type: 'Available', status, lastTransitionTime, reason, message };
    try {
      const kind = mustResource(API_SERVICES);
      yield* server.store.update({ kind, namespace: '', name }, function* (current): Op<ApiObject> {
        const { conditions = [] } = (current as unknown as APIService).status ?? {};
        const wanted = { ...current, status: { conditions: [...conditions.filter((c) => c.type !== 'Available'), condition] } };
        return trackOwnStatus(server, kind, current, wanted);
      });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

const groupVersionOf = ({ group, version }: APIService['spec']): string => `${group ?? ''}/${version ?? ''}`;

function* create(server: Server, object: ApiObject): Op<void> {
  const kind = mustResource(API_SERVICES);
  const made = trackOwnNew(server, kind, beginLife(object, server.uids.uuid(), server.sim.time()));
  try {
    yield* server.store.create({ kind, namespace: '', name: object.metadata.name }, made);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
