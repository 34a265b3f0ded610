// What kube-proxy makes of Services and EndpointSlices (pkg/proxy ServicePortMap and EndpointsMap): pure views that are
// remembered per frozen object, so that all proxies of a cluster share them.

import type { Endpoint, EndpointSlice, Service, ServicePort } from '../../api/generated/types.ts';
import { parseIp } from '../../network/ip.ts';
import { endpointHash, type Protocol, serviceHash, servicePortName } from './names.ts';

/** One port of a Service, as far as rules depend on it. */
export interface ServicePortInfo {
  /** `namespace/name:port`. */
  readonly name: string;
  /** The port's name in the Service, '' when it has none: the key into EndpointSlices. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly clusterIP: string;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  readonly externalIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  /** What may come to the load balancer's addresses; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** 0: none. */
  readonly healthCheckNodePort: number;
  readonly externalLocal: boolean;
  readonly internalLocal: boolean;
  /** Seconds a client sticks to its endpoint; 0: no affinity. */
  readonly affinitySeconds: number;
  /** 16 characters of the chain names. */
  readonly hash: string;
}

export interface EndpointInfo {
  readonly ip: string;
  readonly port: number;
  readonly nodeName: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** For whom it is, when the EndpointSlice says so. */
  readonly hints: EndpointHints | null;
}

export interface EndpointHints {
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

export const endpointKey = (endpoint: EndpointInfo): string => `${endpoint.ip}:${endpoint.port}`;

const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };

const portsOfService = new WeakMap<Service, readonly ServicePortInfo[]>();

/** The ports that kube-proxy serves: none for headless Services and ExternalName, and for those of another proxy. */
export function servicePorts(service: Service): readonly ServicePortInfo[] {
  let ports = portsOfService.get(service);
  if (!ports) portsOfService.set(service, (ports = readPorts(service)));
  return ports;
}

function readPorts(service: Service): readonly ServicePortInfo[] {
  const { spec, metadata, status } = service;
  const clusterIP = spec?.clusterIP ?? '';
  if (clusterIP === '' || clusterIP === 'None' || spec?.type === 'ExternalName') return [];
  if (metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined) return [];
  const ingress = status?.loadBalancer?.ingress ?? [];
  const loadBalancerIPs = ingress.flatMap((i) => (i.ip !== undefined && i.ipMode !== 'Proxy' ? [i.ip] : []));
  const affinitySeconds = spec?.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0;
  const external = spec?.type === 'NodePort' || spec?.type === 'LoadBalancer' || (spec?.externalIPs?.length ?? 0) > 0;
  const sourceRanges = (spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter((range) => parseIp(range.slice(0, range.indexOf('/'))) >= 0);
  return (spec?.ports ?? []).map((port: ServicePort): ServicePortInfo => {
    const protocol = PROTOCOLS[port.protocol ?? 'TCP'] ?? 'tcp';
    const name = servicePortName(metadata.namespace ?? '', metadata.name ?? '', port.name ?? '');
    return {
      name,
      portName: port.name ?? '',
      protocol,
      clusterIP,
      port: port.port,
      nodePort: port.nodePort ?? 0,
      externalIPs: spec?.externalIPs ?? [],
      loadBalancerIPs,
      sourceRanges,
      healthCheckNodePort: spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' ? (spec.healthCheckNodePort ?? 0) : 0,
      externalLocal: external && spec?.externalTrafficPolicy === 'Local',
      internalLocal: spec?.internalTrafficPolicy === 'Local',
      affinitySeconds,
      hash: serviceHash(name, protocol),
    };
  });
}

const endpointsOfSlice = new WeakMap<EndpointSlice, ReadonlyMap<string, readonly EndpointInfo[]>>();
const NO_ENDPOINTS: readonly EndpointInfo[] = [];

/** A slice's endpoints for the Service port of that name. */
function endpointsIn(slice: EndpointSlice, portName: string): readonly EndpointInfo[] {
  let ports = endpointsOfSlice.get(slice);
  if (!ports) endpointsOfSlice.set(slice, (ports = readSlice(slice)));
  return ports.get(portName) ?? NO_ENDPOINTS;
}

function readSlice(slice: EndpointSlice): ReadonlyMap<string, readonly EndpointInfo[]> {
  const ports = new Map<string, readonly EndpointInfo[]>();
  if (slice.addressType !== 'IPv4') return ports;
  for (const port of slice.ports ?? []) {
    if (port.port === undefined) continue;
    const number = port.port;
    ports.set(
      port.name ?? '',
      (slice.endpoints ?? []).map((endpoint) => readEndpoint(endpoint, number)),
    );
  }
  return ports;
}

function readEndpoint(endpoint: Endpoint, port: number): EndpointInfo {
  const { conditions } = endpoint;
  return {
    ip: endpoint.addresses[0] ?? '',
    port,
    nodeName: endpoint.nodeName ?? '',
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    hints: endpoint.hints ? readHints(endpoint.hints) : null,
  };
}

const readHints = ({ forZones, forNodes }: NonNullable<Endpoint['hints']>): EndpointHints => ({
  zones: (forZones ?? []).map((zone) => zone.name),
  nodes: (forNodes ?? []).map((node) => node.name),
});

interface Merged {
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: readonly EndpointInfo[];
}

/** A few versions at a time: proxies lag behind each other by a sync or two. */
const REMEMBERED = 4;
const merged = new WeakMap<ServicePortInfo, Merged[]>();

/** The endpoints of a Service port over all slices, sorted by `ip:port` as upstream sorts them, without doubles; one array for all proxies. */
export function endpointsOf(slices: readonly EndpointSlice[], port: ServicePortInfo): readonly EndpointInfo[] {
  let versions = merged.get(port);
  if (!versions) merged.set(port, (versions = []));
  const known = versions.find((v) => v.slices.length === slices.length && v.slices.every((slice, i) => slice === slices[i]));
  if (known) return known.endpoints;
  const endpoints = merge(slices, port.portName);
  versions.unshift({ slices, endpoints });
  if (versions.length > REMEMBERED) versions.pop();
  if (endpoints.some((endpoint) => endpoint.hints !== null)) hinted.add(endpoints);
  return endpoints;
}

/** Lists with an endpoint that is meant for some zones or nodes. */
const hinted = new WeakSet<readonly EndpointInfo[]>();

export const hasHints = (endpoints: readonly EndpointInfo[]): boolean => hinted.has(endpoints);

function merge(slices: readonly EndpointSlice[], portName: string): readonly EndpointInfo[] {
  const found = new Map<string, EndpointInfo>();
  for (const slice of slices) {
    for (const endpoint of endpointsIn(slice, portName)) {
      const key = endpointKey(endpoint);
      const other = found.get(key);
      if (!other || (!other.ready && endpoint.ready)) found.set(key, endpoint);
    }
  }
  return [...found.keys()].sort().map((key) => found.get(key) as EndpointInfo);
}

const hashes = new WeakMap<EndpointInfo, string>();

/** The 16 characters of the endpoint's KUBE-SEP- chain. */
export function endpointChainHash(port: ServicePortInfo, endpoint: EndpointInfo): string {
  let hash = hashes.get(endpoint);
  if (hash === undefined) hashes.set(endpoint, (hash = endpointHash(port.name, port.protocol, endpointKey(endpoint))));
  return hash;
}
