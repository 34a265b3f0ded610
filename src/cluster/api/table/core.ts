// Rows of nodes, Services, configuration, events, access rules (pkg/printers/internalversion).

import type {
  CertificateSigningRequest,
  ClusterRoleBinding,
  ComponentStatus,
  ConfigMap,
  Endpoints,
  EndpointSlice,
  Event,
  Ingress,
  IngressClass,
  Lease,
  Namespace,
  NetworkPolicy,
  Node,
  PriorityClass,
  ResourceQuota,
  RoleBinding,
  RuntimeClass,
  Secret,
  Service,
  ServiceAccount,
  Subject,
} from '../generated/types.ts';
import { conditionOf } from '../meta.ts';
import { age, humanDuration, labelSelectorText, labelsText, NONE, shortList, UNKNOWN, UNSET } from './format.ts';
import { columns, type Printer } from './printer.ts';

const count = (map: object | undefined): number => Object.keys(map ?? {}).length;

function serviceAddress({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  if (spec.type === 'ExternalName') return spec.externalName ?? '';
  if (spec.type !== 'LoadBalancer') return external.join(',') || NONE;
  const balancers = (status.loadBalancer?.ingress ?? []).map((i) => i.ip ?? i.hostname ?? '').filter((a) => a !== '');
  return [...new Set([...balancers, ...external])].join(',') || '<pending>';
}

export const servicePrinter: Printer<Service> = {
  columns: columns('Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector*'),
  cells: (s, now) => [
    s.metadata.name,
    s.spec.type ?? '',
    s.spec.clusterIPs?.[0] ?? s.spec.clusterIP ?? NONE,
    serviceAddress(s),
    (s.spec.ports ?? [])
      .map((p) => `${p.port}${p.nodePort !== undefined && p.nodePort > 0 ? `:${p.nodePort}` : ''}/${p.protocol ?? 'TCP'}`)
      .join(',') || NONE,
    age(s.metadata.creationTimestamp, now),
    labelsText(s.spec.selector),
  ],
};

export const endpointsPrinter: Printer<Endpoints> = {
  columns: columns('Name', 'Endpoints', 'Age'),
  cells: (e, now) => {
    const all = (e.subsets ?? []).flatMap((subset) =>
      (subset.ports ?? []).length === 0
        ? (subset.addresses ?? []).map((a) => a.ip)
        : (subset.ports ?? []).flatMap((p) => (subset.addresses ?? []).map((a) => `${a.ip}:${p.port}`)),
    );
    return [e.metadata.name, shortList(all, 3, NONE), age(e.metadata.creationTimestamp, now)];
  },
};

export const endpointSlicePrinter: Printer<EndpointSlice> = {
  columns: columns('Name', 'AddressType', 'Ports', 'Endpoints', 'Age'),
  cells: (e, now) => [
    e.metadata.name,
    e.addressType,
    shortList(
      (e.ports ?? []).map((p) => (p.port === undefined ? '*' : String(p.port))),
      3,
      UNSET,
    ),
    shortList(
      (e.endpoints ?? []).flatMap((x) => x.addresses),
      3,
      UNSET,
    ),
    age(e.metadata.creationTimestamp, now),
  ],
};

export const ingressPrinter: Printer<Ingress> = {
  columns: columns('Name', 'Class', 'Hosts', 'Address', 'Ports', 'Age'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.ingressClassName ?? NONE,
    shortList(
      (spec.rules ?? []).map((r) => r.host ?? '').filter((h) => h !== ''),
      3,
      '*',
    ),
    [...new Set((status.loadBalancer?.ingress ?? []).map((i) => i.ip ?? i.hostname ?? ''))].join(','),
    (spec.tls ?? []).length > 0 ? '80, 443' : '80',
    age(metadata.creationTimestamp, now),
  ],
};

export const ingressClassPrinter: Printer<IngressClass> = {
  columns: columns('Name', 'Controller', 'Parameters', 'Age'),
  cells: ({ metadata, spec }, now) => {
    const p = spec.parameters;
    const kind = p === undefined ? NONE : `${p.kind}${p.apiGroup === undefined ? '' : `.${p.apiGroup}`}/${p.name}`;
    return [metadata.name, spec.controller ?? '', kind, age(metadata.creationTimestamp, now)];
  },
};

const ROLE = 'node-role.kubernetes.io/';

function nodeRoles(node: Node): string {
  const labels = node.metadata.labels ?? {};
  const roles = Object.keys(labels)
    .filter((key) => key.startsWith(ROLE) && key.length > ROLE.length)
    .map((key) => key.slice(ROLE.length));
  const named = labels['kubernetes.io/role'];
  if (named !== undefined && named !== '') roles.push(named);
  return [...new Set(roles)].sort().join(',') || NONE;
}

function nodeStatus(node: Node): string {
  const ready = conditionOf(node.status.conditions, 'Ready');
  const parts = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (node.spec.unschedulable === true) parts.push('SchedulingDisabled');
  return parts.join(',');
}

const address = (node: Node, type: string): string => node.status.addresses?.find((a) => a.type === type)?.address ?? NONE;

export const nodePrinter: Printer<Node> = {
  columns: columns(
    'Name',
    'Status',
    'Roles',
    'Age',
    'Version',
    'Internal-IP*',
    'External-IP*',
    'OS-Image*',
    'Kernel-Version*',
    'Container-Runtime*',
  ),
  cells: (node, now) => {
    const info = node.status.nodeInfo;
    return [
      node.metadata.name,
      nodeStatus(node),
      nodeRoles(node),
      age(node.metadata.creationTimestamp, now),
      info?.kubeletVersion ?? '',
      address(node, 'InternalIP'),
      address(node, 'ExternalIP'),
      info?.osImage || UNKNOWN,
      info?.kernelVersion || UNKNOWN,
      info?.containerRuntimeVersion || UNKNOWN,
    ];
  },
};

export const namespacePrinter: Printer<Namespace> = {
  columns: columns('Name', 'Status', 'Age'),
  cells: (n, now) => [n.metadata.name, n.status.phase ?? '', age(n.metadata.creationTimestamp, now)],
};

export const configMapPrinter: Printer<ConfigMap> = {
  columns: columns('Name', 'Data', 'Age'),
  cells: (c, now) => [c.metadata.name, String(count(c.data) + count(c.binaryData)), age(c.metadata.creationTimestamp, now)],
};

export const secretPrinter: Printer<Secret> = {
  columns: columns('Name', 'Type', 'Data', 'Age'),
  cells: (s, now) => [s.metadata.name, s.type ?? '', String(count(s.data)), age(s.metadata.creationTimestamp, now)],
};

export const serviceAccountPrinter: Printer<ServiceAccount> = {
  columns: columns('Name', 'Secrets', 'Age'),
  cells: (a, now) => [a.metadata.name, (a.secrets ?? []).length, age(a.metadata.creationTimestamp, now)],
};

export const eventPrinter: Printer<Event> = {
  columns: columns('Last Seen', 'Type', 'Reason', 'Object', 'Subobject*', 'Source*', 'Message', 'First Seen*', 'Count*', 'Name*'),
  cells: (e, now) => {
    const first = age(e.firstTimestamp ?? e.eventTime, now);
    const last = e.series ? age(e.series.lastObservedTime, now) : e.lastTimestamp ? age(e.lastTimestamp, now) : first; // null in events of the newer API
    const about = e.involvedObject;
    const kind = (about.kind ?? '').toLowerCase();
    const source = [e.source?.component || e.reportingComponent || '', e.source?.host || e.reportingInstance || ''];
    return [
      last,
      e.type ?? '',
      e.reason ?? '',
      about.name === undefined || about.name === '' ? kind : `${kind}/${about.name}`,
      about.fieldPath ?? '',
      source.filter((part) => part !== '').join(', '),
      (e.message ?? '').trim(),
      first,
      String(e.series?.count ?? (e.count || 1)),
      e.metadata.name,
    ];
  },
};

const subjects = (list: readonly Subject[] | undefined, kind: string): string =>
  (list ?? [])
    .filter((s) => s.kind === kind)
    .map((s) => (kind === 'ServiceAccount' ? `${s.namespace ?? ''}/${s.name}` : s.name))
    .join(', ');

export const bindingPrinter: Printer<RoleBinding | ClusterRoleBinding> = {
  columns: columns('Name', 'Role', 'Age', 'Users*', 'Groups*', 'ServiceAccounts*'),
  cells: (b, now) => [
    b.metadata.name,
    `${b.roleRef.kind}/${b.roleRef.name}`,
    age(b.metadata.creationTimestamp, now),
    subjects(b.subjects, 'User'),
    subjects(b.subjects, 'Group'),
    subjects(b.subjects, 'ServiceAccount'),
  ],
};

export const leasePrinter: Printer<Lease> = {
  columns: columns('Name', 'Holder', 'Age'),
  cells: (l, now) => [l.metadata.name, l.spec.holderIdentity ?? '', age(l.metadata.creationTimestamp, now)],
};

export const priorityClassPrinter: Printer<PriorityClass> = {
  columns: columns('Name', 'Value#', 'Global-Default?', 'Age', 'PreemptionPolicy'),
  cells: (p, now) => [
    p.metadata.name,
    p.value ?? 0,
    p.globalDefault === true,
    age(p.metadata.creationTimestamp, now),
    p.preemptionPolicy ?? '',
  ],
};

export const networkPolicyPrinter: Printer<NetworkPolicy> = {
  columns: columns('Name', 'Pod-Selector', 'Age'),
  cells: (p, now) => [p.metadata.name, labelSelectorText(p.spec.podSelector ?? {}), age(p.metadata.creationTimestamp, now)],
};

export const quotaPrinter: Printer<ResourceQuota> = {
  columns: columns('Name', 'Request', 'Limit', 'Age'),
  cells: ({ metadata, status }, now) => {
    const names = Object.keys(status.hard ?? {}).sort();
    const text = (name: string): string => `${name}: ${status.used?.[name] ?? '0'}/${status.hard?.[name]}`;
    const limits = names.filter((n) => n.startsWith('limits.'));
    const others = names.filter((n) => !n.startsWith('limits.'));
    return [metadata.name, others.map(text).join(', '), limits.map(text).join(', '), age(metadata.creationTimestamp, now)];
  },
};

function csrStatus({ status }: CertificateSigningRequest): string {
  const holds = (type: string): boolean => conditionOf(status.conditions, type) !== undefined;
  const parts = [holds('Denied') ? 'Denied' : holds('Approved') ? 'Approved' : holds('Failed') ? '' : 'Pending'].filter((p) => p !== '');
  if (holds('Failed')) parts.push('Failed');
  if ((status.certificate ?? '') !== '') parts.push('Issued');
  return parts.join(',');
}

export const csrPrinter: Printer<CertificateSigningRequest> = {
  columns: columns('Name', 'Age', 'SignerName', 'Requestor', 'RequestedDuration', 'Condition'),
  cells: (c, now) => [
    c.metadata.name,
    age(c.metadata.creationTimestamp, now),
    c.spec.signerName,
    c.spec.username ?? '',
    c.spec.expirationSeconds === undefined ? NONE : humanDuration(c.spec.expirationSeconds),
    csrStatus(c),
  ],
};

export const runtimeClassPrinter: Printer<RuntimeClass> = {
  columns: columns('Name', 'Handler', 'Age'),
  cells: (r, now) => [r.metadata.name, r.handler, age(r.metadata.creationTimestamp, now)],
};

export const componentStatusPrinter: Printer<ComponentStatus> = {
  columns: columns('Name', 'Status', 'Message', 'Error'),
  cells: (c) => {
    const healthy = conditionOf(c.conditions, 'Healthy');
    const status = healthy === undefined ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
    return [c.metadata.name, status, healthy?.message ?? '', healthy?.error ?? ''];
  },
};
