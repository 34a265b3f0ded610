// The EndpointSlice controller (pkg/controller/endpointslice): writes the addresses of a Service's Pods into slices of at
// most 100 endpoints.

import type { EndpointSlice, Node, Pod, Service } from '../api/generated/types.ts';
import { controllerOf, isDeleting, keyOf } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { DefaultControllerLimiter, ExponentialLimiter } from '../client/ratelimit.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { ChangedPods } from './changedpods.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { MANAGED_BY, MANAGER, planSlices, SERVICE_NAME, type SlicePlan } from './endpointslice-plan.ts';
import { WantedEndpoints } from './endpointslice-wanted.ts';
import { indexBySelector, selects, servicesOf, servicesToUpdate } from './service-pods.ts';
import { stamped, TriggerTimes } from './triggertimes.ts';

const NAME = 'endpointslice-controller';
const MAX_RETRIES = 15;
const BY_SERVICE = 'service';

export class EndpointSliceController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #workers: number;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #queue: WorkQueue;
  /** By Service: what this controller wrote last, by slice UID (resource version; null: deleted). */
  readonly #written = new Map<string, Map<string, number | null>>();
  readonly #changed = new ChangedPods();
  /** By Service: what its endpoints should be, as of its last sync that went well. */
  readonly #wanted = new Map<string, WantedEndpoints>();
  readonly #triggers = new Map<string, TriggerTimes>();

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder('endpoint-slice-controller', this.#client);
    this.#workers = context.flags.concurrent['endpointslice'] ?? 5;
    this.#queue = new WorkQueue(os.sim, new DefaultControllerLimiter(os.sim, new ExponentialLimiter(SECOND, 1000 * SECOND)));
    this.#services = informers.informer('services');
    this.#pods = informers.informer('pods');
    this.#nodes = informers.informer('nodes');
    this.#slices = informers.informer('endpointslices.discovery.k8s.io');
    indexBySelector(this.#services);
    this.#slices.addIndex(BY_SERVICE, serviceKeyOf);

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
    this.#slices.addHandler({
      add: (slice) => this.#sliceSeen(slice),
      update: (_, slice) => this.#sliceSeen(slice),
      delete: (slice) => this.#sliceGone(slice),
    });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: this.#workers,
      maxRetries: MAX_RETRIES,
      subject: subjectsOf('services'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #enqueue(services: readonly string[], pod: Pod): void {
    for (const key of services) {
      this.#changed.note(key, pod);
      this.#queue.add(key);
    }
  }

  /** Somebody else changed one of my slices: put it right. */
  #sliceSeen(slice: EndpointSlice): void {
    if (!isMine(slice)) return;
    const key = serviceKeyOf(slice);
    const written = this.#written.get(key)?.get(slice.metadata.uid ?? '');
    if (written === undefined || written === null || written < versionOf(slice)) this.#queue.add(key);
  }

  #sliceGone(slice: EndpointSlice): void {
    if (!isMine(slice)) return;
    const key = serviceKeyOf(slice);
    const written = this.#written.get(key);
    const expected = written?.get(slice.metadata.uid ?? '') === null;
    written?.delete(slice.metadata.uid ?? '');
    if (!expected) this.#queue.add(key);
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const service = this.#services.getByKey(key);
    if (!service) {
      this.#written.delete(key);
      this.#wanted.delete(key);
      this.#triggers.delete(key);
      this.#changed.take(key);
      return;
    }
    if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return;
    const slices = this.#slices.index(BY_SERVICE, key).filter((slice) => isMine(slice) && !isDeleting(slice));
    if (this.#isStale(key, slices)) throw new Error('EndpointSlice informer cache is out of date');

    const pods = this.#changed.take(key);
    try {
      const { wanted, uids } = this.#look(key, service, pods);
      const known = uids !== undefined && this.#areAsWritten(key, slices);
      // Right as of the last sync, and nothing has changed since: there is nothing to plan.
      if (!known || uids.size > 0) yield* this.#reconcile(key, service, planSlices(service, wanted, slices, known ? uids : undefined), sync);
      this.#wanted.set(key, wanted);
      this.#remember(key, slices);
      this.#changed.giveBack(key, wanted.waiting);
      for (const pod of wanted.waiting) throw new Error(`skipping Pod ${pod} for Service ${key}: Node Not Found`);
    } catch (error) {
      this.#changed.giveBack(key, pods);
      throw error;
    }
  }

  /** What the Service should have now: from all its Pods, or from those that changed since it was last known. */
  #look(key: string, service: Service, pods: ReadonlySet<string>): { readonly wanted: WantedEndpoints; readonly uids?: ReadonlySet<string> } {
    const known = this.#wanted.get(key);
    const triggers = this.#triggersOf(key, service);
    // Until this sync has gone well, the next one must look at everything.
    this.#wanted.delete(key);
    if (known?.service === service) {
      const uids = new Set<string>();
      for (const podKey of pods) {
        const pod = this.#pods.getByKey(podKey);
        if (!pod) triggers.forget(podKey);
        else if (selects(service, pod)) triggers.note(pod);
        known.refresh(podKey, pod, uids);
      }
      return { wanted: known, uids };
    }
    const wanted = new WantedEndpoints(service, (pod) => this.#nodes.get('', pod.spec.nodeName ?? ''));
    for (const pod of this.#pods.list(service.metadata.namespace)) {
      if (!selects(service, pod)) continue;
      triggers.note(pod);
      wanted.add(pod);
    }
    return { wanted };
  }

  #triggersOf(key: string, service: Service): TriggerTimes {
    let triggers = this.#triggers.get(key);
    if (!triggers) this.#triggers.set(key, (triggers = new TriggerTimes(service)));
    return triggers;
  }

  *#reconcile(key: string, service: Service, plan: SlicePlan, sync: Sync): Op<void> {
    if (plan.create.length + plan.update.length + plan.delete.length === 0) return;
    sync.decide({
      endpoints: plan.endpoints,
      create: plan.create.length,
      update: plan.update.map((slice) => slice.metadata.name),
      delete: plan.delete.map((slice) => slice.metadata.name),
    });
    try {
      yield* this.#carryOut(key, service, plan);
    } catch (error) {
      const message = `Error updating Endpoint Slices for Service ${key}: ${messageOf(error)}`;
      this.#recorder.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
      throw error;
    }
  }

  #areAsWritten(key: string, slices: readonly EndpointSlice[]): boolean {
    const written = this.#written.get(key);
    return slices.every((slice) => written?.get(slice.metadata.uid ?? '') === versionOf(slice));
  }

  /** Slices that were found right count as written. */
  #remember(key: string, slices: readonly EndpointSlice[]): void {
    let written = this.#written.get(key);
    if (!written) this.#written.set(key, (written = new Map()));
    for (const slice of slices) if (!written.has(slice.metadata.uid ?? '')) written.set(slice.metadata.uid ?? '', versionOf(slice));
  }

  /** The cache does not yet show what I wrote: acting on it would make endpoints twice. */
  #isStale(key: string, slices: readonly EndpointSlice[]): boolean {
    const written = this.#written.get(key);
    if (!written) return false;
    let expected = 0;
    for (const version of written.values()) if (version !== null) expected++;
    for (const slice of slices) {
      const version = written.get(slice.metadata.uid ?? '');
      if (version === undefined) continue;
      if (version === null || versionOf(slice) < version) return true;
      expected--;
    }
    return expected > 0;
  }

  *#carryOut(key: string, service: Service, plan: SlicePlan): Op<void> {
    let written = this.#written.get(key);
    if (!written) this.#written.set(key, (written = new Map()));
    const time = this.#triggersOf(key, service).take();
    if (!isDeleting(service)) {
      for (const draft of plan.create) {
        const created = yield* this.#client.create('endpointslices.discovery.k8s.io', { ...draft, metadata: stamped(draft.metadata, time) });
        written.set(created.metadata.uid ?? '', versionOf(created));
      }
    }
    for (const slice of plan.update) {
      const updated = yield* this.#client.update('endpointslices.discovery.k8s.io', { ...slice, metadata: stamped(slice.metadata, time) });
      written.set(updated.metadata.uid ?? '', versionOf(updated));
    }
    for (const { metadata } of plan.delete) {
      try {
        yield* this.#client.delete('endpointslices.discovery.k8s.io', metadata.namespace ?? '', metadata.name);
        written.set(metadata.uid ?? '', null);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
}

const isMine = (slice: EndpointSlice): boolean => slice.metadata.labels?.[MANAGED_BY] === MANAGER;
const versionOf = (slice: EndpointSlice): number => Number(slice.metadata.resourceVersion ?? 0);

function serviceKeyOf(slice: EndpointSlice): string {
  const name = slice.metadata.labels?.[SERVICE_NAME] ?? controllerOf(slice)?.name ?? '';
  return `${slice.metadata.namespace ?? ''}/${name}`;
}
