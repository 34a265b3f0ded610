// What a Service gets from the cluster: its ClusterIP and NodePorts (pkg/registry/core/service/storage/alloc.go).

import type { Service, ServicePort, ServiceSpec } from '../../api/generated/types.ts';
import { type ApiObject, semanticEqual } from '../../api/meta.ts';
import { invalid, type FieldError } from '../../api/status.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Exchange, stage } from '../server.ts';
import { withFamilies } from './service-families.ts';

const SERVICE = { group: '', kind: 'Service' } as const;

/** The Service with addresses and ports; they are taken, whatever becomes of the write. @throws ApiError 422 */
export function* beforeServiceCreate(x: Exchange, object: ApiObject): Op<ApiObject> {
  const service = object as Service;
  const spec = yield* withNodePorts(x, service, yield* withClusterIp(x, service, service.spec), []);
  if (spec === service.spec) return object;
  stage(x, 'allocate', 20, () => ({ clusterIP: spec.clusterIP, ports: spec.ports }));
  return { ...service, spec } as ApiObject;
}

/** On update: takes what the new spec needs more, gives back what it needs no longer. @throws ApiError 422 */
export function* beforeServiceUpdate(x: Exchange, object: ApiObject, old: ApiObject): Op<ApiObject> {
  const service = object as Service;
  const before = (old as Service).spec;
  if (service.spec === before) return object;
  let spec = service.spec;
  if (needsIp(spec) && !addressOf(before)) spec = yield* withClusterIp(x, service, spec);
  else if (spec.ipFamilyPolicy !== before.ipFamilyPolicy || !semanticEqual(spec.ipFamilies, before.ipFamilies)) spec = withFamilies(service, spec, before);
  const had = nodePortsOf(before);
  spec = yield* withNodePorts(x, service, spec, had);
  if (!x.dryRun) {
    const kept = new Set(nodePortsOf(spec));
    const lost = had.filter((port) => !kept.has(port));
    if (lost.length > 0) yield* x.server.nodePorts.release(lost);
    const address = addressOf(before);
    if (address && spec.type === 'ExternalName') {
      yield* x.server.serviceIps.release(address);
      const { clusterIP: _ip, clusterIPs: _ips, ipFamilies: _f, ipFamilyPolicy: _p, ...rest } = spec;
      spec = rest;
    }
  }
  return spec === service.spec ? object : ({ ...service, spec } as ApiObject);
}

/** Gives back what a Service held. */
export function* releaseService(x: Exchange, object: ApiObject): Op<void> {
  const { spec } = object as Service;
  const address = addressOf(spec);
  if (address) yield* x.server.serviceIps.release(address);
  const ports = nodePortsOf(spec);
  if (ports.length > 0) yield* x.server.nodePorts.release(ports);
}

const needsIp = (spec: ServiceSpec): boolean => spec.type !== 'ExternalName' && spec.clusterIP !== 'None';

const addressOf = (spec: ServiceSpec): string => (spec.clusterIP && spec.clusterIP !== 'None' ? spec.clusterIP : '');

const nodePortsOf = (spec: ServiceSpec): number[] => (spec.ports ?? []).flatMap((p) => (p.nodePort ? [p.nodePort] : []));

function* withClusterIp(x: Exchange, service: Service, spec: ServiceSpec): Op<ServiceSpec> {
  if (spec.type === 'ExternalName') return spec;
  const whole = withFamilies(service, spec, null);
  if (spec.clusterIP === 'None') return { ...whole, clusterIPs: ['None'] };
  const clusterIP = x.dryRun ? (spec.clusterIP ?? '') : yield* takeAddress(x, service, spec.clusterIP ?? spec.clusterIPs?.[0] ?? '');
  return { ...whole, clusterIP, clusterIPs: [clusterIP] };
}

function* takeAddress(x: Exchange, service: Service, wanted: string): Op<string> {
  const { serviceIps } = x.server;
  const { name, namespace = '' } = service.metadata;
  if (wanted === '') {
    const address = yield* serviceIps.allocateNext({ namespace, name });
    if (address !== null) return address;
    throw refuse(name, 'spec.clusterIPs', `Invalid value: []: failed to allocate a serviceIP: range is full`);
  }
  const failed = `Invalid value: ${JSON.stringify([wanted])}: failed to allocate IP ${wanted}: `;
  if (!serviceIps.contains(wanted)) {
    throw refuse(
      name,
      'spec.clusterIPs',
      `${failed}the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${serviceIps.cidr}`,
    );
  }
  if (yield* serviceIps.allocate(wanted, { namespace, name })) return wanted;
  throw refuse(name, 'spec.clusterIPs', `${failed}provided IP is already allocated`);
}

const refuse = (name: string, field: string, message: string) => {
  const error: FieldError = { type: 'FieldValueInvalid', field, message };
  return invalid(SERVICE, name, [error]);
};

function usesNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

/** Ports without a NodePort get one; `held` are those that the Service has already. */
function* withNodePorts(x: Exchange, service: Service, spec: ServiceSpec, held: readonly number[]): Op<ServiceSpec> {
  const ports = spec.ports ?? [];
  if (!usesNodePorts(spec)) {
    const mayKeep = spec.type === 'LoadBalancer';
    if (mayKeep || ports.every((p) => !p.nodePort)) return spec;
    return { ...spec, ports: ports.map(({ nodePort: _, ...port }) => port) };
  }
  // One port number may serve two protocols: the second wish for it is the same port.
  const wishes: { readonly index: number; readonly port: number }[] = [];
  const claimed = new Set(held);
  for (const [index, { nodePort = 0 }] of ports.entries()) {
    if (nodePort !== 0 && claimed.has(nodePort)) continue;
    if (nodePort !== 0) checkRange(x, service, index, nodePort);
    claimed.add(nodePort);
    wishes.push({ index, port: nodePort });
  }
  if (wishes.length === 0 || x.dryRun) return spec;
  const got = yield* x.server.nodePorts.take(wishes.map((w) => w.port));
  if ('taken' in got) {
    const index = wishes.find((w) => w.port === got.taken)?.index ?? 0;
    throw refuse(service.metadata.name, `spec.ports[${index}].nodePort`, `Invalid value: ${got.taken}: provided port is already allocated`);
  }
  const assigned = new Map(wishes.map((w, i) => [w.index, got.ports[i] as number]));
  return { ...spec, ports: ports.map((p, i): ServicePort => (assigned.has(i) ? { ...p, nodePort: assigned.get(i) as number } : p)) };
}

function checkRange(x: Exchange, service: Service, index: number, port: number): void {
  const { nodePorts } = x.server;
  if (nodePorts.contains(port)) return;
  const message = `Invalid value: ${port}: provided port is not in the valid range. The range of valid ports is ${nodePorts.from}-${nodePorts.to}`;
  throw refuse(service.metadata.name, `spec.ports[${index}].nodePort`, message);
}
