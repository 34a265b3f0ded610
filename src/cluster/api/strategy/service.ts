// What a Service keeps when an update leaves it out: its addresses and node ports (service registry, patchAllocatedValues).

import type { Service, ServicePort, ServiceSpec } from '../generated/types.ts';
import { semanticEqual } from '../meta.ts';

const needsClusterIP = (s: ServiceSpec): boolean => s.type !== 'ExternalName';
const needsNodePort = (s: ServiceSpec): boolean =>
  s.type === 'NodePort' || (s.type === 'LoadBalancer' && s.allocateLoadBalancerNodePorts !== false);

/** The new Service with what had been allocated for the old one. */
export function keepAllocated(now: Service, old: Service): Service {
  let { spec } = now;
  if (needsClusterIP(old.spec) && needsClusterIP(spec)) {
    if ((spec.clusterIP ?? '') === '' && old.spec.clusterIP !== undefined) spec = { ...spec, clusterIP: old.spec.clusterIP };
    if ((spec.clusterIPs ?? []).length === 0 && old.spec.clusterIPs !== undefined && spec.clusterIP === old.spec.clusterIP) {
      spec = { ...spec, clusterIPs: old.spec.clusterIPs };
    }
    if ((spec.ipFamilies ?? []).length === 0 && old.spec.ipFamilies !== undefined) spec = { ...spec, ipFamilies: old.spec.ipFamilies };
    if (spec.ipFamilyPolicy === undefined && old.spec.ipFamilyPolicy !== undefined) {
      spec = { ...spec, ipFamilyPolicy: old.spec.ipFamilyPolicy };
    }
  }
  if (needsNodePort(old.spec) && needsNodePort(spec)) {
    const free = (spec.ports ?? []).some((p) => (p.nodePort ?? 0) === 0);
    if (free) spec = { ...spec, ports: (spec.ports ?? []).map((p) => keepNodePort(p, spec.ports ?? [], old.spec.ports ?? [])) };
  }
  spec = dropTypeDependent(spec, old.spec);
  return spec === now.spec ? now : { ...now, spec };
}

const needsTrafficPolicy = (s: ServiceSpec): boolean =>
  s.type === 'NodePort' || s.type === 'LoadBalancer' || (s.type === 'ClusterIP' && (s.externalIPs ?? []).length > 0);

/** What only the old type had a use for goes with it, unless the update changes it (dropTypeDependentFields). */
function dropTypeDependent(now: ServiceSpec, old: ServiceSpec): ServiceSpec {
  if (now.type === old.type && needsTrafficPolicy(now) === needsTrafficPolicy(old)) return now;
  const out: Record<string, unknown> = { ...now };
  const drop = (...fields: readonly (keyof ServiceSpec)[]): void => {
    for (const field of fields) if (semanticEqual(now[field], old[field])) delete out[field];
  };
  if (needsClusterIP(old) && !needsClusterIP(now)) drop('clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy');
  if (needsNodePort(old) && !needsNodePort(now)) {
    const before = new Set((old.ports ?? []).map((p) => p.nodePort ?? 0));
    if ((now.ports ?? []).every((p) => before.has(p.nodePort ?? 0))) out['ports'] = (now.ports ?? []).map(withoutNodePort);
  }
  if (needsTrafficPolicy(old) && !needsTrafficPolicy(now)) drop('externalTrafficPolicy');
  if (old.type === 'LoadBalancer' && now.type !== 'LoadBalancer') {
    drop('allocateLoadBalancerNodePorts', 'loadBalancerClass', 'healthCheckNodePort');
  }
  return out as ServiceSpec;
}

function withoutNodePort(port: ServicePort): ServicePort {
  const { nodePort: _, ...rest } = port;
  return rest;
}

function keepNodePort(port: ServicePort, all: readonly ServicePort[], old: readonly ServicePort[]): ServicePort {
  if ((port.nodePort ?? 0) !== 0) return port;
  const before = old.find((o) => o.port === port.port && (o.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
  const nodePort = before?.nodePort ?? 0;
  return nodePort === 0 || all.some((p) => p.nodePort === nodePort) ? port : { ...port, nodePort };
}
