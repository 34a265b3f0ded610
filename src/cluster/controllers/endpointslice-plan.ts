// From endpoints wanted and slices present to slices to create, update and delete (k8s.io/endpointslice reconciler):
// changes as few slices as possible. Pure.

import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice, Node, Pod, Service } from '../api/generated/types.ts';
import { controllerReference, isDeleting, jsonEqual } from '../api/meta.ts';
import type { Draft } from '../client/client.ts';
import { isPodReady } from './pods.ts';
import { addressOf, hostnameFor, isHeadless, targetPort } from './service-pods.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
const MAX_ENDPOINTS = 100;

export type Family = 'IPv4' | 'IPv6';
type Ports = readonly DiscoveryV1EndpointPort[];

/** Endpoints of one address family on the same ports, by Pod UID. */
export interface EndpointGroup {
  readonly family: Family;
  readonly ports: Ports;
  readonly endpoints: Map<string, Endpoint>;
}

/** What a Service should have: its address families, and groups by family and ports. */
export interface Wanted {
  readonly families: readonly Family[];
  readonly groups: ReadonlyMap<string, EndpointGroup>;
}

export interface SlicePlan {
  readonly create: Draft<EndpointSlice>[];
  readonly update: EndpointSlice[];
  readonly delete: EndpointSlice[];
  /** How many endpoints there are in all. */
  readonly endpoints: number;
}

/** The endpoint that a Pod is for a Service; undefined without an address of that family. */
export function endpointFor(pod: Pod, service: Service, node: Node | undefined, family: Family): Endpoint | undefined {
  const address = addressOf(pod, family);
  if (address === undefined) return undefined;
  const serving = isPodReady(pod);
  const terminating = isDeleting(pod);
  const ready = (service.spec.publishNotReadyAddresses ?? false) || (serving && !terminating);
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const hostname = hostnameFor(pod, service);
  const { name, namespace = '', uid = '' } = pod.metadata;
  return Object.freeze({
    addresses: Object.freeze([address]),
    conditions: Object.freeze({ ready, serving, terminating }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: Object.freeze({ kind: 'Pod', namespace, name, uid }),
    ...(zone ? { zone } : {}),
    ...(ready ? hintsFor(service, zone, pod.spec.nodeName) : {}),
  });
}

/** Who should use an endpoint first, when the Service wants its traffic to stay near (k8s.io/endpointslice/trafficdist). */
function hintsFor({ spec: { trafficDistribution } }: Service, zone: string | undefined, nodeName: string | undefined): Pick<Endpoint, 'hints'> {
  if (trafficDistribution === undefined) return NO_HINTS;
  const forZones = zone ? { forZones: [{ name: zone }] } : {};
  if (trafficDistribution !== 'PreferSameNode') return zone ? { hints: forZones } : NO_HINTS;
  return nodeName ? { hints: { ...forZones, forNodes: [{ name: nodeName }] } } : NO_HINTS;
}

const NO_HINTS: Pick<Endpoint, 'hints'> = {};

const plainPorts = new WeakMap<Service, { readonly id: string; readonly ports: Ports }>();

/** The Service's ports as the Pod offers them, with a text that tells equal ones. */
export function portsFor(service: Service, pod: Pod): { readonly id: string; readonly ports: Ports } {
  const known = plainPorts.get(service);
  if (known) return known;
  const ports: DiscoveryV1EndpointPort[] = [];
  let named = false;
  for (const port of service.spec.ports ?? []) {
    if (typeof port.targetPort === 'string') named = true;
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({ name: port.name ?? '', port: number, protocol: port.protocol ?? 'TCP', ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }) });
  }
  const result = { id: idOf(ports), ports };
  if (!named) plainPorts.set(service, result);
  return result;
}

const idOf = (ports: Ports): string => ports.map((p) => `${p.name} ${p.port} ${p.protocol} ${p.appProtocol ?? ''}`).sort().join(',');

/** Ports stay the same array while a slice's endpoints change. */
const idsOfPorts = new WeakMap<Ports, string>();

function idOfSlice({ addressType, ports = NO_PORTS }: EndpointSlice): string {
  let id = idsOfPorts.get(ports);
  if (id === undefined) idsOfPorts.set(ports, (id = idOf(ports)));
  return `${addressType} ${id}`;
}

const NO_PORTS: Ports = [];

/**
 * With `changed` (Pod UIDs) the slices are known to be right but for those Pods, and only slices that hold one of them are
 * looked into.
 */
export function planSlices(service: Service, wanted: Wanted, present: readonly EndpointSlice[], changed?: ReadonlySet<string>): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], delete: [], endpoints: 0 };
  const slices = new Map<string, EndpointSlice[]>();
  for (const slice of present) {
    const id = idOfSlice(slice);
    const same = slices.get(id);
    if (same) same.push(slice);
    else slices.set(id, [slice]);
  }
  let endpoints = 0;
  for (const [id, group] of wanted.groups) {
    endpoints += group.endpoints.size;
    planGroup(service, group, slices.get(id) ?? [], changed, plan);
    slices.delete(id);
  }
  // Slices on ports that no Pod offers, or of a family that the Service no longer has.
  for (const unwanted of slices.values()) plan.delete.push(...unwanted);
  for (const family of wanted.families) keepPlaceholder(service, family, wanted, present, plan);
  reuse(plan);
  return { ...plan, endpoints };
}

/** Rather than delete one slice and make another, the one gets the other's contents. */
function reuse(plan: SlicePlan): void {
  for (const slice of plan.delete.slice()) {
    const at = plan.create.findLastIndex((draft) => draft.addressType === slice.addressType);
    if (at < 0) continue;
    const [draft] = plan.create.splice(at, 1) as [Draft<EndpointSlice>];
    plan.delete.splice(plan.delete.indexOf(slice), 1);
    const { endpoints = [], ports = [] } = draft;
    plan.update.push({ ...slice, metadata: { ...slice.metadata, ...labelsOf(draft) }, endpoints, ports });
  }
}

/** A Service without endpoints still has one slice, which says so. */
function keepPlaceholder(service: Service, family: Family, { groups }: Wanted, present: readonly EndpointSlice[], plan: SlicePlan): void {
  for (const group of groups.values()) if (group.family === family) return;
  const draft = draftSlice(service, family, [], []);
  const kept = present.find((slice) => slice.addressType === family && (slice.endpoints ?? []).length === 0 && (slice.ports ?? []).length === 0);
  if (!kept) {
    plan.create.push(draft);
    return;
  }
  plan.delete.splice(plan.delete.indexOf(kept), 1);
  if (!jsonEqual(kept.metadata.labels, draft.metadata.labels)) plan.update.push({ ...kept, metadata: { ...kept.metadata, ...labelsOf(draft) } });
}

const labelsOf = (draft: Draft<EndpointSlice>): { readonly labels: Readonly<Record<string, string>> } => ({ labels: draft.metadata.labels ?? {} });

function planGroup(
  service: Service,
  group: EndpointGroup,
  slices: readonly EndpointSlice[],
  changed: ReadonlySet<string> | undefined,
  plan: SlicePlan,
): void {
  const { family, ports } = group;
  const labels = labelsFor(service);
  const missing = changed ? among(group.endpoints, changed) : new Map(group.endpoints);
  const unchanged: EndpointSlice[] = [];
  const rewritten: { slice: EndpointSlice; endpoints: Endpoint[] }[] = [];

  for (const slice of slices) {
    if (changed && !holdsAny(slice, changed)) {
      unchanged.push(slice);
      continue;
    }
    const { endpoints, same } = refreshed(slice, group.endpoints, missing, changed);
    if (same && (slice.metadata.labels === labels || jsonEqual(slice.metadata.labels, labels))) unchanged.push(slice);
    else if (endpoints.length === 0) plan.delete.push(slice);
    else rewritten.push({ slice, endpoints });
  }

  const rest = [...missing.values()];
  // Slices that are written anyway take up what they can.
  for (const { endpoints } of rewritten.sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    endpoints.push(...rest.splice(0, MAX_ENDPOINTS - endpoints.length));
  }
  while (rest.length > 0) {
    const fitting = sliceToFill(unchanged, rest.length);
    if (fitting === undefined) {
      plan.create.push(draftSlice(service, family, ports, rest.splice(0, MAX_ENDPOINTS)));
      continue;
    }
    unchanged.splice(unchanged.indexOf(fitting), 1);
    rewritten.push({ slice: fitting, endpoints: [...(fitting.endpoints ?? []), ...rest.splice(0)] });
  }
  for (const { slice, endpoints } of rewritten) plan.update.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints });
}

function among(endpoints: ReadonlyMap<string, Endpoint>, uids: ReadonlySet<string>): Map<string, Endpoint> {
  const found = new Map<string, Endpoint>();
  for (const uid of uids) {
    const endpoint = endpoints.get(uid);
    if (endpoint) found.set(uid, endpoint);
  }
  return found;
}

const held = new WeakMap<EndpointSlice, ReadonlySet<string>>();

function holdsAny(slice: EndpointSlice, uids: ReadonlySet<string>): boolean {
  let holds = held.get(slice);
  if (!holds) held.set(slice, (holds = new Set((slice.endpoints ?? []).map((endpoint) => endpoint.targetRef?.uid ?? ''))));
  for (const uid of uids) if (holds.has(uid)) return true;
  return false;
}

/** The slice's endpoints as they should be now; takes those that it holds out of `missing`. */
function refreshed(
  slice: EndpointSlice,
  wanted: ReadonlyMap<string, Endpoint>,
  missing: Map<string, Endpoint>,
  changed: ReadonlySet<string> | undefined,
): { readonly endpoints: Endpoint[]; readonly same: boolean } {
  const endpoints: Endpoint[] = [];
  let same = true;
  for (const endpoint of slice.endpoints ?? []) {
    const uid = endpoint.targetRef?.uid ?? '';
    if (changed && !changed.has(uid)) {
      endpoints.push(endpoint);
      continue;
    }
    const next = wanted.get(uid);
    // One that another slice holds already is dropped like one that is not wanted.
    if (next === undefined || !missing.delete(uid)) {
      same = false;
      continue;
    }
    endpoints.push(next);
    if (same && next !== endpoint && !jsonEqual(next, endpoint)) same = false;
  }
  return { endpoints, same };
}

/** The fullest slice that can take all of `count`; none for a full slice's worth. */
function sliceToFill(slices: readonly EndpointSlice[], count: number): EndpointSlice | undefined {
  if (count >= MAX_ENDPOINTS) return undefined;
  let best: EndpointSlice | undefined;
  for (const slice of slices) {
    const size = (slice.endpoints ?? []).length;
    if (size + count <= MAX_ENDPOINTS && size > (best?.endpoints ?? []).length) best = slice;
  }
  return best;
}

function draftSlice(service: Service, family: Family, ports: Ports, endpoints: readonly Endpoint[]): Draft<EndpointSlice> {
  const { name, namespace } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsFor(service),
      ownerReferences: [controllerReference(service)],
    },
    addressType: family,
    endpoints,
    ports,
  };
}

const labelsOfSlices = new WeakMap<Service, Readonly<Record<string, string>>>();

/** One object for all slices of a Service, so that comparing is quick. */
function labelsFor(service: Service): Readonly<Record<string, string>> {
  let labels = labelsOfSlices.get(service);
  if (!labels) labelsOfSlices.set(service, (labels = Object.freeze(sliceLabels(service))));
  return labels;
}

/** The Service's own labels, and those that say whose slice it is and who manages it. */
function sliceLabels(service: Service): Readonly<Record<string, string>> {
  const { [HEADLESS]: _, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    [MANAGED_BY]: MANAGER,
    [SERVICE_NAME]: service.metadata.name,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
  };
}
