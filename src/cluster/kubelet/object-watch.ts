// ConfigMaps and Secrets that Pods of this node use: each is watched by itself while some Pod needs it
// (kubelet/util/manager watch_based_manager).

import { ApiError } from '../api/status.ts';
import { type Client, isInitialEventsEnd } from '../client/client.ts';
import { isProgrammingError } from '../client/errors.ts';
import type { ConfigMap, Pod, Secret } from '../api/generated/types.ts';
import type { Os } from '../machine/process.ts';
import { Deferred } from '../sim/channel.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';

interface Kinds {
  configmaps: ConfigMap;
  secrets: Secret;
}

interface Entry<T> {
  object: T | undefined;
  readonly synced: Deferred<void>;
  readonly users: Set<string>;
  task: Task | null;
}

const RETRY: Micros = SECOND;
/** How long a Pod's sync waits for the first answer. */
const FIRST_SYNC: Micros = 10 * SECOND;

export class ObjectWatch<R extends keyof Kinds> {
  readonly #os: Os;
  readonly #client: Client;
  readonly #resource: R;
  readonly #onChange: (users: readonly string[]) => void;
  readonly #entries = new Map<string, Entry<Kinds[R]>>();
  readonly #byUser = new Map<string, readonly string[]>();

  constructor(os: Os, client: Client, resource: R, onChange: (users: readonly string[]) => void) {
    this.#os = os;
    this.#client = client;
    this.#resource = resource;
    this.#onChange = onChange;
  }

  /** Says which objects (by name) of a namespace the user (a Pod's UID) needs from now on. */
  register(user: string, namespace: string, names: readonly string[]): void {
    const keys = names.map((name) => `${namespace}/${name}`);
    const before = this.#byUser.get(user) ?? [];
    if (keys.length > 0) this.#byUser.set(user, keys);
    else this.#byUser.delete(user);
    for (const key of keys) {
      let entry = this.#entries.get(key);
      if (!entry) {
        entry = { object: undefined, synced: new Deferred(this.#os.sim), users: new Set(), task: null };
        this.#entries.set(key, entry);
        const watched = entry;
        entry.task = this.#os.go(`watch ${this.#resource} ${key}`, () => this.#follow(key, watched));
      }
      entry.users.add(user);
    }
    for (const key of before) {
      const entry = this.#entries.get(key);
      if (!entry || keys.includes(key)) continue;
      entry.users.delete(user);
      if (entry.users.size > 0) continue;
      entry.task?.kill();
      this.#entries.delete(key);
    }
  }

  unregister(user: string): void {
    this.register(user, '', []);
  }

  /** Waits until all objects of the user were asked for once. */
  *ready(user: string): Op<void> {
    for (const key of this.#byUser.get(user) ?? []) {
      const entry = this.#entries.get(key);
      if (entry && !entry.synced.settled) yield* entry.synced.waitWithin(FIRST_SYNC);
    }
  }

  get(namespace: string, name: string): Kinds[R] | undefined {
    return this.#entries.get(`${namespace}/${name}`)?.object;
  }

  *#follow(key: string, entry: Entry<Kinds[R]>): Op<void> {
    const slash = key.indexOf('/');
    const namespace = key.slice(0, slash);
    const fieldSelector = `metadata.name=${key.slice(slash + 1)}`;
    for (;;) {
      let initial = true;
      try {
        const stream = yield* this.#client.watch(this.#resource, namespace, {
          fieldSelector, allowWatchBookmarks: true, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan',
        });
        try {
          let first: Kinds[R] | undefined;
          for (let event = yield* stream.read(); event; event = yield* stream.read()) {
            if (event.type === 'ERROR') break;
            if (isInitialEventsEnd(event)) {
              this.#set(entry, first);
              if (!entry.synced.settled) entry.synced.resolve(undefined);
              initial = false;
            } else if (event.type !== 'BOOKMARK') {
              const object = event.type === 'DELETED' ? undefined : (event.object as Kinds[R]);
              if (initial) first = object;
              else this.#set(entry, object);
            }
            // What cannot change need not be watched.
            if (!initial && entry.object?.immutable === true) return;
          }
        } finally {
          stream.cancel();
        }
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        if (error instanceof ApiError && !entry.synced.settled) entry.synced.resolve(undefined);
      }
      this.#os.sim.cause = null;
      yield* this.#os.sleep(RETRY);
    }
  }

  #set(entry: Entry<Kinds[R]>, object: Kinds[R] | undefined): void {
    const before = entry.object;
    if (before?.metadata?.resourceVersion === object?.metadata?.resourceVersion) return;
    entry.object = object;
    if (before !== undefined || entry.synced.settled) this.#onChange([...entry.users]);
  }
}

/** Names of ConfigMaps that a Pod's containers and volumes refer to. */
export function configMapNames(pod: Pod): readonly string[] {
  const names = new Set<string>();
  for (const c of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    for (const from of c.envFrom ?? []) if (from.configMapRef?.name) names.add(from.configMapRef.name);
    for (const env of c.env ?? []) if (env.valueFrom?.configMapKeyRef?.name) names.add(env.valueFrom.configMapKeyRef.name);
  }
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.configMap?.name) names.add(volume.configMap.name);
    for (const source of volume.projected?.sources ?? []) if (source.configMap?.name) names.add(source.configMap.name);
  }
  return [...names];
}

/** Names of Secrets that a Pod's containers, volumes and image pulls refer to. */
export function secretNames(pod: Pod): readonly string[] {
  const names = new Set<string>();
  for (const ref of pod.spec?.imagePullSecrets ?? []) if (ref.name) names.add(ref.name);
  for (const c of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    for (const from of c.envFrom ?? []) if (from.secretRef?.name) names.add(from.secretRef.name);
    for (const env of c.env ?? []) if (env.valueFrom?.secretKeyRef?.name) names.add(env.valueFrom.secretKeyRef.name);
  }
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.secret?.secretName) names.add(volume.secret.secretName);
    for (const source of volume.projected?.sources ?? []) if (source.secret?.name) names.add(source.secret.name);
  }
  return [...names];
}
