// Defaults of everything that is neither a workload nor storage (core, networking, rbac, discovery, certificates …).

import { toBase64 } from '../base64.ts';
import type {
  ClusterRoleBinding,
  Endpoints,
  EndpointSlice,
  Event,
  LimitRange,
  Namespace,
  NetworkPolicy,
  Node,
  PriorityClass,
  RoleBinding,
  RoleRef,
  Secret,
  Service,
  ServicePort,
  Subject,
} from '../generated/types.ts';
import { change, each, fill } from './fill.ts';

const EMPTY = Object.freeze({});
const AFFINITY_SECONDS = 10_800;

function servicePort(p: ServicePort): ServicePort {
  const out = p.protocol === undefined || p.protocol === '' ? { ...p, protocol: 'TCP' } : p;
  const target = out.targetPort;
  return target === undefined || target === 0 || target === '' ? { ...out, targetPort: out.port } : out;
}

/** Affinity None, type ClusterIP, TCP, target port = port, traffic policies Cluster. */
export function defaultService(s: Service): Service {
  const out = change(s, 'spec', (given) => {
    let spec = fill(given, { sessionAffinity: 'None', type: 'ClusterIP' });
    if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
      spec = { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: AFFINITY_SECONDS } } };
    }
    spec = change(spec, 'ports', (ports) => each(ports, servicePort));
    if (spec.clusterIP !== undefined && spec.clusterIP !== '') spec = fill(spec, { clusterIPs: [spec.clusterIP] });
    const outside = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
    return fill(spec, {
      externalTrafficPolicy: outside ? 'Cluster' : undefined,
      internalTrafficPolicy: spec.type === 'ExternalName' ? undefined : 'Cluster',
      allocateLoadBalancerNodePorts: spec.type === 'LoadBalancer' ? true : undefined,
    });
  });
  return change(out, 'status', (status) => fill(status, { loadBalancer: EMPTY }));
}

/** Opaque unless it says otherwise; stringData is how data is written, never how it is read. */
export function defaultSecret(s: Secret): Secret {
  const out = s.type === undefined || s.type === '' ? { ...s, type: 'Opaque' } : s;
  if (out.stringData === undefined) return out;
  const { stringData, ...rest } = out;
  const written = Object.entries(stringData).map(([key, value]) => [key, toBase64(value)] as const);
  return { ...rest, data: Object.fromEntries([...Object.entries(out.data ?? {}), ...written]) };
}

export function defaultNamespace(n: Namespace): Namespace {
  const out = change(n, 'status', (status) => fill(status, { phase: 'Active' }));
  const { name, labels } = out.metadata;
  if (name === '' || labels?.['kubernetes.io/metadata.name'] === name) return out;
  return { ...out, metadata: { ...out.metadata, labels: { ...labels, 'kubernetes.io/metadata.name': name } } };
}

/** Allocatable = capacity; podCIDR is the first of podCIDRs. */
export function defaultNode(n: Node): Node {
  const out = change(n, 'status', (status) => (status.capacity === undefined ? status : fill(status, { allocatable: status.capacity })));
  return change(out, 'spec', (spec) => {
    const first = spec.podCIDR ?? spec.podCIDRs?.[0];
    return first === undefined || first === '' ? spec : fill(spec, { podCIDR: first, podCIDRs: [first] });
  });
}

export const defaultEndpoints = (e: Endpoints): Endpoints =>
  change(e, 'subsets', (subsets) =>
    each(subsets, (subset) => change(subset, 'ports', (ports) => each(ports, (port) => fill(port, { protocol: 'TCP' })))),
  );

export const defaultEndpointSlice = (e: EndpointSlice): EndpointSlice =>
  change(e, 'ports', (ports) => each(ports, (port) => fill(port, { name: '', protocol: 'TCP' })));

export const defaultEvent = (e: Event): Event => fill(e, { source: EMPTY });

export const defaultLimitRange = (l: LimitRange): LimitRange =>
  change(l, 'spec', (spec) =>
    change(spec, 'limits', (limits) =>
      each(limits, (item) => {
        if (item.type !== 'Container') return item;
        const upper = { ...item.max, ...item.default };
        const lower = { ...item.min, ...upper, ...item.defaultRequest };
        const out = { ...item };
        if (Object.keys(upper).length > 0) out.default = upper;
        if (Object.keys(lower).length > 0) out.defaultRequest = lower;
        return out;
      }),
    ),
  );

const RBAC = 'rbac.authorization.k8s.io';
const roleRef = (ref: RoleRef): RoleRef => (ref.apiGroup === '' ? { ...ref, apiGroup: RBAC } : ref);
const subject = (s: Subject): Subject =>
  s.apiGroup === undefined || s.apiGroup === '' ? (s.kind === 'User' || s.kind === 'Group' ? { ...s, apiGroup: RBAC } : s) : s;

export const defaultBinding = <T extends RoleBinding | ClusterRoleBinding>(b: T): T =>
  change(change(b, 'roleRef', roleRef as (r: NonNullable<T['roleRef']>) => T['roleRef']), 'subjects', ((list: readonly Subject[]) =>
    each(list, subject)) as (s: NonNullable<T['subjects']>) => T['subjects']);

export const defaultPriorityClass = (p: PriorityClass): PriorityClass => fill(p, { preemptionPolicy: 'PreemptLowerPriority' });

export const defaultNetworkPolicy = (n: NetworkPolicy): NetworkPolicy =>
  change(n, 'spec', (given) => {
    const types = given.egress !== undefined && given.egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    let spec = fill(given, { policyTypes: types, podSelector: EMPTY });
    const port = <P extends { readonly protocol?: string }>(p: P): P => fill(p, { protocol: 'TCP' } as { [K in keyof P]?: P[K] });
    spec = change(spec, 'ingress', (rules) => each(rules, (rule) => change(rule, 'ports', (ports) => each(ports, port))));
    return change(spec, 'egress', (rules) => each(rules, (rule) => change(rule, 'ports', (ports) => each(ports, port))));
  });
