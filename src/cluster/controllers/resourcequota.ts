// The ResourceQuota controller (pkg/controller/resourcequota): notes in a quota's status what its namespace uses, when the quota
// changes, when something that counts goes, and every five minutes. What comes is charged by the API server's admission.

import type { ResourceQuota } from '../api/generated/types.ts';
import { KINDS, type ResourceKind } from '../api/kinds.ts';
import { type ApiObject, keyOf, splitKey } from '../api/meta.ts';
import { NONE, sameLists } from '../api/quota/lists.ts';
import { countsFor, isTerminal } from '../api/quota/usage.ts';
import type { Pod } from '../api/generated/types.ts';
import type { Client, StoredResource } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { Discovery } from '../client/discovery.ts';
import { Informer, type InformerFactory } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { type Counted, Tally } from './resourcequota-tally.ts';

const NAME = 'resourcequota-controller';
const RESYNC = 5 * MINUTE;
const SETTLING = SECOND;
const IGNORED = new Set(['events', 'events.events.k8s.io']);

const isCounted = (kind: ResourceKind): boolean => kind.namespaced && !IGNORED.has(kind.key) && kind.verbs.includes('watch');

export class ResourceQuotaController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #shared: InformerFactory;
  readonly #more: InformerFactory;
  readonly #quotas: Informer<ResourceQuota>;
  readonly #queue: WorkQueue;
  readonly #workers: number;
  readonly #discovery: Discovery;
  /** Resources that some quota counts. */
  readonly #counted = new Map<string, Counted>();
  /** By namespace, then by the quota's key. */
  readonly #tallies = new Map<string, Map<string, Tally>>();

  /** `more` gives informers of the kinds that no other controller watches. */
  constructor(context: ControllerContext, more: InformerFactory) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#discovery = new Discovery(this.#client);
    this.#shared = context.informers;
    this.#more = more;
    this.#workers = context.flags.concurrent['resource-quota'] ?? 5;
    this.#queue = new WorkQueue(context.os.sim);
    this.#quotas = context.informers.informer('resourcequotas');
    this.#quotas.addHandler({
      add: (quota) => this.#queue.add(keyOf(quota)),
      update: (before, quota) => {
        if (before.spec !== quota.spec && !sameLists(before.spec.hard ?? NONE, quota.spec.hard ?? NONE)) this.#queue.add(keyOf(quota));
      },
      delete: (quota) => this.#queue.add(keyOf(quota)),
    });
  }

  *run(): Op<void> {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: this.#workers,
      subject: subjectsOf('resourcequotas'),
      sync: (key, sync) => this.#sync(key, sync),
    });
    for (;;) {
      yield* this.#os.sleep(RESYNC);
      this.#os.sim.cause = null;
      this.#tallies.clear();
      for (const quota of this.#quotas.list()) this.#queue.add(keyOf(quota));
    }
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const quota = this.#quotas.getByKey(key);
    const { namespace } = splitKey(key);
    if (!quota) {
      const tallies = this.#tallies.get(namespace);
      tallies?.delete(key);
      if (tallies?.size === 0) this.#tallies.delete(namespace);
      return;
    }
    const hard = quota.spec.hard ?? NONE;
    const tally = yield* this.#tallyOf(key, namespace, quota);
    const { used } = tally;
    if (sameLists(quota.status?.used ?? NONE, used) && sameLists(quota.status?.hard ?? NONE, hard)) return;
    sync.decide({ used });
    yield* this.#client.updateStatus('resourcequotas', { ...quota, status: { hard, used } });
  }

  *#tallyOf(key: string, namespace: string, quota: ResourceQuota): Op<Tally> {
    const known = this.#tallies.get(namespace)?.get(key);
    if (known?.spec === quota.spec) return known;
    for (const name in quota.spec.hard) yield* this.#count(name);
    const tally = new Tally(quota, [...this.#counted.values()], this.#now);
    const tallies = this.#tallies.get(namespace) ?? new Map<string, Tally>();
    this.#tallies.set(namespace, tallies.set(key, tally));
    return tally;
  }

  /** Sees to it that the resources that count for `name` are watched: built-in ones, and of others what the server says it has. */
  *#count(name: string): Op<void> {
    let builtIn = false;
    for (const kind of KINDS) {
      if (!isCounted(kind) || !countsFor(kind, name)) continue;
      builtIn = true;
      const resource = kind.key as StoredResource;
      const factory = this.#shared.has(resource) ? this.#shared : this.#more;
      if (!this.#counted.has(kind.key)) yield* this.#follow(kind.key, factory.informer(resource) as unknown as Informer<ApiObject>);
    }
    if (builtIn || !name.startsWith('count/')) return;
    for (const kind of yield* this.#discovery.preferred()) {
      if (!isCounted(kind) || !countsFor(kind, name) || this.#counted.has(kind.key)) continue;
      yield* this.#follow(kind.key, new Informer<ApiObject>(this.#os, this.#client, kind));
    }
  }

  *#follow(key: string, informer: Informer<ApiObject>): Op<void> {
    informer.start();
    yield* informer.waitForSync();
    if (this.#counted.has(key)) return;
    this.#counted.set(key, { key, list: (namespace) => informer.list(namespace) });
    informer.addHandler({
      add: (object) => this.#changed(key, object, false),
      update: (before, object) => this.#changed(key, object, isReplenishing(key, before, object)),
      delete: (object) => this.#gone(key, object),
    });
  }

  /**
   * Additions are charged by admission; what sets something free makes a quota look again. A count that was taken between
   * a charge and the object's appearance is put right a moment later.
   */
  #changed(resource: string, object: ApiObject, replenishes: boolean): void {
    const tallies = this.#tallies.get(object.metadata.namespace ?? '');
    if (!tallies) return;
    for (const [key, tally] of tallies) {
      if (!tally.observe(resource, object, this.#now)) continue;
      if (replenishes) this.#queue.add(key);
      else this.#queue.addAfter(key, SETTLING);
    }
  }

  #gone(resource: string, object: ApiObject): void {
    const tallies = this.#tallies.get(object.metadata.namespace ?? '');
    if (!tallies) return;
    for (const [key, tally] of tallies) if (tally.forget(resource, object)) this.#queue.add(key);
  }

  get #now(): number {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}

function isReplenishing(resource: string, before: ApiObject, after: ApiObject): boolean {
  if (resource === 'pods') return !isTerminal(before as unknown as Pod) && isTerminal(after as unknown as Pod);
  return resource === 'services' || resource === 'persistentvolumeclaims';
}
