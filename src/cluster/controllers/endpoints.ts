// The Endpoints controller (pkg/controller/endpoint): the legacy form of endpoints, one object a Service, for readers
// that do not know EndpointSlices.

import type { Endpoints, Pod, Service } from '../api/generated/types.ts';
import { jsonEqual, keyOf, splitKey } from '../api/meta.ts';
import { isAlreadyExists, isForbidden, isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { DefaultControllerLimiter, ExponentialLimiter } from '../client/ratelimit.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { ChangedPods } from './changedpods.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { SubsetBuilder } from './endpoints-subsets.ts';
import { indexBySelector, isHeadless, selects, servicesOf, servicesToUpdate } from './service-pods.ts';
import { stamped, TriggerTimes } from './triggertimes.ts';

const NAME = 'endpoint-controller';
const MAX_RETRIES = 15;
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const HEADLESS = 'service.kubernetes.io/headless';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

export class EndpointsController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #workers: number;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #queue: WorkQueue;
  readonly #changed = new ChangedPods();
  /** By Service: its subsets, as of its last sync that went well. */
  readonly #subsets = new Map<string, SubsetBuilder>();
  /** By Service: what was found or written last, and that it holds these subsets. */
  readonly #known = new Map<string, Known>();
  readonly #triggers = new Map<string, TriggerTimes>();

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#workers = context.flags.concurrent['endpoints'] ?? 5;
    this.#queue = new WorkQueue(os.sim, new DefaultControllerLimiter(os.sim, new ExponentialLimiter(SECOND, 1000 * SECOND)));
    this.#services = informers.informer('services');
    this.#pods = informers.informer('pods');
    this.#endpoints = informers.informer('endpoints');
    indexBySelector(this.#services);

    this.#services.addHandler({
      add: (service) => this.#queue.add(keyOf(service)),
      update: (_, service) => this.#queue.add(keyOf(service)),
      delete: (service) => this.#queue.add(keyOf(service)),
    });
    this.#pods.addHandler({
      add: (pod) => this.#enqueue(servicesOf(this.#services, pod), pod),
      update: (before, pod) => this.#enqueue(servicesToUpdate(this.#services, before, pod), pod),
      delete: (pod) => this.#enqueue(servicesOf(this.#services, pod), pod),
    });
    this.#endpoints.addHandler({ delete: (endpoints) => this.#queue.add(keyOf(endpoints)) });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: this.#workers,
      maxRetries: MAX_RETRIES,
      subject: subjectsOf('endpoints'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #enqueue(services: readonly string[], pod: Pod): void {
    for (const key of services) {
      this.#changed.note(key, pod);
      this.#queue.add(key);
    }
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const service = this.#services.getByKey(key);
    const pods = this.#changed.take(key);
    if (!service) {
      this.#subsets.delete(key);
      this.#known.delete(key);
      this.#triggers.delete(key);
      yield* this.#delete(key, sync);
      return;
    }
    if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return;
    const builder = this.#look(key, service, pods);
    const present = this.#endpoints.getByKey(key);
    if (!present || !this.#isKnown(key, service, present, builder)) {
      const wanted = desired(service, present, builder);
      let resourceVersion = present?.metadata.resourceVersion;
      if (!present || !sameContent(present, wanted)) resourceVersion = yield* this.#write(key, service, present, wanted, sync);
      // While the write was on its way other Pods may have changed.
      if (resourceVersion !== undefined) this.#known.set(key, { service, resourceVersion, subsets: wanted.subsets });
    }
    this.#subsets.set(key, builder);
  }

  /** The present object says what it should, without a look inside. */
  #isKnown(key: string, service: Service, present: Endpoints, builder: SubsetBuilder): boolean {
    const known = this.#known.get(key);
    if (known?.service !== service || known.resourceVersion !== present.metadata.resourceVersion) return false;
    const { subsets } = builder.build();
    return known.subsets === undefined ? subsets.length === 0 : known.subsets === subsets;
  }

  /** The Service's subsets with what changed of its Pods; from all of them when they are not known. */
  #look(key: string, service: Service, pods: ReadonlySet<string>): SubsetBuilder {
    const known = this.#subsets.get(key);
    const triggers = this.#triggersOf(key, service);
    // Until this sync has gone well, the next one must look at everything.
    this.#subsets.delete(key);
    if (known?.service === service) {
      for (const podKey of pods) {
        const pod = this.#pods.getByKey(podKey);
        if (!pod) triggers.forget(podKey);
        else if (selects(service, pod)) triggers.note(pod);
        known.refresh(podKey, pod);
      }
      return known;
    }
    const builder = new SubsetBuilder(service);
    for (const pod of this.#pods.list(service.metadata.namespace)) {
      if (!selects(service, pod)) continue;
      triggers.note(pod);
      builder.add(pod);
    }
    return builder;
  }

  #triggersOf(key: string, service: Service): TriggerTimes {
    let triggers = this.#triggers.get(key);
    if (!triggers) this.#triggers.set(key, (triggers = new TriggerTimes(service)));
    return triggers;
  }

  /** Returns the new resource version; undefined when it could not and need not be written. */
  *#write(key: string, service: Service, present: Endpoints | undefined, wanted: Endpoints, sync: Sync): Op<string | undefined> {
    sync.decide({ create: present === undefined, addresses: wanted.subsets?.reduce((n, subset) => n + (subset.addresses?.length ?? 0), 0) ?? 0 });
    const object = { ...wanted, metadata: stamped(wanted.metadata, this.#triggersOf(key, service).take()) };
    try {
      const written = present ? yield* this.#client.update('endpoints', object) : yield* this.#client.create('endpoints', object);
      return written.metadata.resourceVersion;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      // The namespace is going away: that will not get better.
      if (!present && isForbidden(error)) return undefined;
      if (present) this.#recorder.event(present, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${key}: ${messageOf(error)}`);
      else if (!isAlreadyExists(error)) {
        this.#recorder.event(service, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${key}: ${messageOf(error)}`);
      }
      throw error;
    }
  }

  *#delete(key: string, sync: Sync): Op<void> {
    if (!this.#endpoints.getByKey(key)) return;
    const { namespace, name } = splitKey(key);
    sync.decide({ delete: true });
    try {
      yield* this.#client.delete('endpoints', namespace, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

interface Known {
  readonly service: Service;
  readonly resourceVersion: string;
  readonly subsets: Endpoints['subsets'];
}

function desired(service: Service, present: Endpoints | undefined, builder: SubsetBuilder): Endpoints {
  const { subsets, truncated } = builder.build();
  const { [HEADLESS]: _, ...own } = service.metadata.labels ?? {};
  const labels = { ...own, [MANAGED_BY]: NAME, ...(isHeadless(service) ? { [HEADLESS]: '' } : {}) };
  const { [OVER_CAPACITY]: __, ...kept } = present?.metadata.annotations ?? {};
  const annotations = truncated ? { ...kept, [OVER_CAPACITY]: 'truncated' } : kept;
  const { name, namespace = '' } = service.metadata;
  const metadata = present?.metadata ?? { name, namespace };
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...metadata, labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
}

function sameContent(a: Endpoints, b: Endpoints): boolean {
  return jsonEqual(a.metadata.labels, b.metadata.labels) && jsonEqual(a.metadata.annotations ?? {}, b.metadata.annotations ?? {}) && jsonEqual(a.subsets ?? [], b.subsets ?? []);
}
