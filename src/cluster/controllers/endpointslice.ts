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
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { endpointFor, MANAGED_BY, MANAGER, planSlices, portsFor, SERVICE_NAME, type SlicePlan, type WantedEndpoints } from './endpointslice-plan.ts';
import { indexBySelector, podsBehind, servicesOf, servicesToUpdate } from './service-pods.ts';

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

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder('endpoint-slice-controller');
    this.#workers = context.flags.concurrent['endpointslice'] ?? 5;
    this.#queue = new WorkQueue(os.sim, new DefaultControllerLimiter(os.sim, new ExponentialLimiter(SECOND, 1000 * SECOND)));
    this.#services = informers.informer('services');
    this.#pods = informers.informer('pods');
    this.#nodes = informers.informer('nodes');
    this.#slices = informers.informer('endpointslices.discovery.k8s.io');
    indexBySelector(this.#services);
    this.#slices.addIndex(BY_SERVICE, (slice) => [serviceKeyOf(slice)]);

    this.#services.addHandler({
      add: (service) => this.#queue.add(keyOf(service)),
      update: (_, service) => this.#queue.add(keyOf(service)),
      delete: (service) => this.#queue.add(keyOf(service)),
    });
    this.#pods.addHandler({
      add: (pod) => this.#enqueue(servicesOf(this.#services, pod)),
      update: (before, pod) => this.#enqueue(servicesToUpdate(this.#services, before, pod)),
      delete: (pod) => this.#enqueue(servicesOf(this.#services, pod)),
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

  #enqueue(keys: readonly string[]): void {
    for (const key of keys) this.#queue.add(key);
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
      return;
    }
    if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return;
    const slices = this.#slices.index(BY_SERVICE, key).filter((slice) => isMine(slice) && !isDeleting(slice));
    if (this.#isStale(key, slices)) throw new Error('EndpointSlice informer cache is out of date');

    const plan = planSlices(service, this.#wanted(service), slices);
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
      this.#recorder.event(
        service,
        'Warning',
        'FailedToUpdateEndpointSlices',
        `Error updating Endpoint Slices for Service ${key}: ${messageOf(error)}`,
      );
      throw error;
    }
  }

  /** What the Pods offer, grouped by the ports that they offer it on. */
  #wanted(service: Service): WantedEndpoints {
    const families = (service.spec.ipFamilies ?? ['IPv4']) as readonly ('IPv4' | 'IPv6')[];
    const wanted: WantedEndpoints = { families, groups: new Map() };
    for (const pod of podsBehind(this.#pods, service)) {
      const node = this.#nodes.get('', pod.spec.nodeName ?? '');
      if (!node && !service.spec.publishNotReadyAddresses) continue;
      const ports = portsFor(service, pod);
      for (const family of families) {
        const endpoint = endpointFor(pod, service, node, family);
        if (!endpoint) continue;
        const id = `${family} ${ports.id}`;
        let group = wanted.groups.get(id);
        if (!group) wanted.groups.set(id, (group = { family, ports: ports.ports, endpoints: new Map() }));
        group.endpoints.set(pod.metadata.uid ?? '', endpoint);
      }
    }
    return wanted;
  }

  /** The cache does not yet show what I wrote: acting on it would make endpoints twice. */
  #isStale(key: string, slices: readonly EndpointSlice[]): boolean {
    const written = this.#written.get(key);
    if (!written) return false;
    const seen = new Map(slices.map((slice) => [slice.metadata.uid ?? '', versionOf(slice)]));
    for (const [uid, version] of written) {
      const now = seen.get(uid);
      if (version === null ? now !== undefined : now === undefined || now < version) return true;
    }
    return false;
  }

  *#carryOut(key: string, service: Service, plan: SlicePlan): Op<void> {
    let written = this.#written.get(key);
    if (!written) this.#written.set(key, (written = new Map()));
    if (!isDeleting(service)) {
      for (const draft of plan.create) {
        const created = yield* this.#client.create('endpointslices.discovery.k8s.io', draft);
        written.set(created.metadata.uid ?? '', versionOf(created));
      }
    }
    for (const slice of plan.update) {
      const updated = yield* this.#client.update('endpointslices.discovery.k8s.io', slice);
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
