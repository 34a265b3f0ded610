// The Endpoints controller (pkg/controller/endpoint): the legacy form of endpoints, one object a Service, for readers
// that do not know EndpointSlices.

import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '../api/generated/types.ts';
import { isDeleting, keyOf, splitKey } from '../api/meta.ts';
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
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { equal } from './equal.ts';
import { isPodReady } from './pods.ts';
import { addressOf, hostnameFor, indexBySelector, isHeadless, podsBehind, servicesOf, servicesToUpdate, targetPort } from './service-pods.ts';

const NAME = 'endpoint-controller';
const MAX_RETRIES = 15;
const MAX_ADDRESSES = 1000;
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

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME);
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
      add: (pod) => this.#enqueue(servicesOf(this.#services, pod)),
      update: (before, pod) => this.#enqueue(servicesToUpdate(this.#services, before, pod)),
      delete: (pod) => this.#enqueue(servicesOf(this.#services, pod)),
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

  #enqueue(keys: readonly string[]): void {
    for (const key of keys) this.#queue.add(key);
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const service = this.#services.getByKey(key);
    if (!service) {
      yield* this.#delete(key, sync);
      return;
    }
    if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return;
    const present = this.#endpoints.getByKey(key);
    const wanted = desired(service, present, podsBehind(this.#pods, service));
    if (present && sameContent(present, wanted)) return;
    sync.decide({ create: present === undefined, addresses: wanted.subsets?.reduce((n, subset) => n + (subset.addresses?.length ?? 0), 0) ?? 0 });
    try {
      if (present) yield* this.#client.update('endpoints', wanted);
      else yield* this.#client.create('endpoints', wanted);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      // The namespace is going away, or the object has just been made: neither will get better by trying at once.
      if (!present && isForbidden(error)) return;
      if (present) this.#recorder.event(present, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${key}: ${messageOf(error)}`);
      else if (!isAlreadyExists(error)) {
        this.#recorder.event(wanted, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${key}: ${messageOf(error)}`);
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

function desired(service: Service, present: Endpoints | undefined, pods: readonly Pod[]): Endpoints {
  const { subsets, truncated } = subsetsOf(service, pods);
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
  return (
    equal(a.metadata.labels, b.metadata.labels) && equal(a.metadata.annotations, b.metadata.annotations) && equal(a.subsets ?? [], b.subsets ?? [])
  );
}

interface Part {
  readonly ports: EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

/** Addresses grouped by the ports that they offer, sorted. */
function subsetsOf(service: Service, pods: readonly Pod[]): { readonly subsets: EndpointSubset[]; readonly truncated: boolean } {
  const family = service.spec.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const parts = new Map<string, Part>();
  let count = 0;
  for (const pod of pods) {
    if (isDeleting(pod) && !service.spec.publishNotReadyAddresses) continue;
    const address = addressFor(pod, service, family);
    if (!address) continue;
    const ports = portsOf(service, pod);
    if (ports.length === 0 && !isHeadless(service)) continue;
    const id = ports.map((port) => `${port.name ?? ''} ${port.port} ${port.protocol ?? ''}`).join(',');
    let part = parts.get(id);
    if (!part) parts.set(id, (part = { ports, ready: [], notReady: [] }));
    (service.spec.publishNotReadyAddresses || isPodReady(pod) ? part.ready : part.notReady).push(address);
    count++;
  }
  const subsets: EndpointSubset[] = [];
  let room = MAX_ADDRESSES;
  for (const { ports, ready, notReady } of parts.values()) {
    const addresses = ready.sort(byAddress).slice(0, room);
    room -= addresses.length;
    const notReadyAddresses = notReady.sort(byAddress).slice(0, room);
    room -= notReadyAddresses.length;
    subsets.push({
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ...(ports.length === 0 ? {} : { ports }),
    });
  }
  return { subsets, truncated: count > MAX_ADDRESSES };
}

const byAddress = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);

const remembered = new WeakMap<Pod, { readonly service: Service; readonly address: EndpointAddress }>();

function addressFor(pod: Pod, service: Service, family: 'IPv4' | 'IPv6'): EndpointAddress | undefined {
  const known = remembered.get(pod);
  if (known?.service === service) return known.address;
  const ip = addressOf(pod, family);
  if (ip === undefined) return undefined;
  const hostname = hostnameFor(pod, service);
  const { name, namespace = '', uid = '' } = pod.metadata;
  const address: EndpointAddress = Object.freeze({
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: Object.freeze({ kind: 'Pod', namespace, name, uid }),
  });
  remembered.set(pod, { service, address });
  return address;
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec.ports ?? []) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({
      ...(port.name === undefined ? {} : { name: port.name }),
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  return ports;
}
