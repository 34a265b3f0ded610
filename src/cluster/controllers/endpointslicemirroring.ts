// The EndpointSlice mirroring controller (pkg/controller/endpointslicemirroring): Endpoints that somebody wrote by hand for a
// Service without a selector are copied to EndpointSlices, as only these are read by kube-proxy and its like.

import type { DiscoveryV1EndpointPort, Endpoint, EndpointAddress, Endpoints, EndpointSlice, Service } from '../api/generated/types.ts';
import { controllerReference, jsonEqual, keyOf, splitKey } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client, Draft } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isNamespaceTerminating, isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { MANAGED_BY, SERVICE_NAME } from './endpointslice-plan.ts';

const NAME = 'endpointslicemirroring-controller';
export const MIRROR_MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const NOT_COPIED = new Set(['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration']);
const MAX_ENDPOINTS = 1000;
/** Slices by the Endpoints that they mirror. */
const MIRROR_OF = 'mirror-of';

const mirroredKey = ({ metadata: { namespace, labels } }: EndpointSlice): string | undefined =>
  labels?.[MANAGED_BY] === MIRROR_MANAGER ? `${namespace}/${labels[SERVICE_NAME]}` : undefined;

export class EndpointSliceMirroring implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#services = informers.informer('services');
    this.#endpoints = informers.informer('endpoints');
    this.#slices = informers.informer('endpointslices.discovery.k8s.io');
    this.#slices.addIndex(MIRROR_OF, mirroredKey);
    // Most Services have a selector, and their Endpoints are none of ours.
    const look = (object: Service | Endpoints): void => {
      if (!this.#services.getByKey(keyOf(object))?.spec.selector) this.#queue.add(keyOf(object));
    };
    this.#endpoints.addHandler({ add: look, update: (_, endpoints) => look(endpoints), delete: look });
    this.#services.addHandler({
      add: look,
      update: (before, service) => {
        if (!before.spec.selector !== !service.spec.selector) this.#queue.add(keyOf(service));
      },
      delete: look,
    });
    const mirror = (slice: EndpointSlice): void => {
      const key = mirroredKey(slice);
      if (key !== undefined) this.#queue.add(key);
    };
    this.#slices.addHandler({ update: (_, slice) => mirror(slice), delete: mirror });
  }

  run(): void {
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 5, maxRetries: 15, subject: subjectsOf('endpoints'), sync: (key, sync) => this.#sync(key, sync) });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const endpoints = this.#endpoints.getByKey(key);
    const service = this.#services.getByKey(key);
    const present = this.#slices.index(MIRROR_OF, key);
    const wanted = endpoints && service && !service.spec.selector && isMirrored(endpoints) ? mirrorsOf(endpoints) : [];
    if (present.length + wanted.length === 0) return;
    const rest = [...present];
    try {
      for (const draft of wanted) {
        const at = rest.findIndex((slice) => slice.addressType === draft.addressType && jsonEqual(slice.ports ?? [], draft.ports));
        const [slice] = at < 0 ? [] : rest.splice(at, 1);
        yield* this.#write(slice, draft, sync);
      }
      for (const slice of rest) yield* this.#remove(slice, sync);
    } catch (error) {
      if (isProgrammingError(error) || isNamespaceTerminating(error)) throw error;
      if (endpoints) this.#recorder.event(endpoints, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Endpoints ${key}: ${messageOf(error)}`);
      throw error;
    }
  }

  *#write(slice: EndpointSlice | undefined, draft: Draft<EndpointSlice>, sync: Sync): Op<void> {
    if (!slice) {
      sync.decide({ create: draft.metadata.generateName, endpoints: draft.endpoints?.length ?? 0 });
      yield* this.#client.create('endpointslices.discovery.k8s.io', draft);
      return;
    }
    const { labels = {}, annotations } = draft.metadata;
    if (jsonEqual(slice.endpoints, draft.endpoints) && jsonEqual(slice.metadata.labels, labels) && jsonEqual(slice.metadata.annotations, annotations)) return;
    sync.decide({ update: slice.metadata.name, endpoints: draft.endpoints?.length ?? 0 });
    const metadata = { ...slice.metadata, labels, ...(annotations === undefined ? {} : { annotations }) };
    yield* this.#client.update('endpointslices.discovery.k8s.io', { ...slice, metadata, endpoints: draft.endpoints ?? [] });
  }

  *#remove({ metadata: { namespace = '', name } }: EndpointSlice, sync: Sync): Op<void> {
    sync.decide({ delete: name });
    try {
      yield* this.#client.delete('endpointslices.discovery.k8s.io', namespace, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const isMirrored = ({ metadata: { labels, annotations } }: Endpoints): boolean => labels?.[SKIP] !== 'true' && annotations?.[LEADER] === undefined;

/** One slice for each address family on the same ports. */
export function mirrorsOf(endpoints: Endpoints): Draft<EndpointSlice>[] {
  const { namespace, name } = splitKey(keyOf(endpoints));
  const annotations = Object.entries(endpoints.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  const slices: { addressType: string; ports: readonly DiscoveryV1EndpointPort[]; endpoints: Endpoint[] }[] = [];
  for (const subset of endpoints.subsets ?? []) {
    const ports = (subset.ports ?? []).map(({ name: port = '', protocol = 'TCP', ...rest }) => ({ ...rest, name: port, protocol }));
    const add = (address: EndpointAddress, ready: boolean): void => {
      const addressType = address.ip.includes(':') ? 'IPv6' : 'IPv4';
      let slice = slices.find((other) => other.addressType === addressType && jsonEqual(other.ports, ports));
      if (!slice) slices.push((slice = { addressType, ports, endpoints: [] }));
      if (slice.endpoints.length < MAX_ENDPOINTS) slice.endpoints.push(mirrored(address, ready));
    };
    for (const address of subset.addresses ?? []) add(address, true);
    for (const address of subset.notReadyAddresses ?? []) add(address, false);
  }
  return slices.map((slice) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: { ...endpoints.metadata.labels, [MANAGED_BY]: MIRROR_MANAGER, [SERVICE_NAME]: name },
      ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
      ownerReferences: [controllerReference(endpoints)],
    },
    ...slice,
  }));
}

function mirrored({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
