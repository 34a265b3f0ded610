// CoreDNS' plug-in kubernetes: names of Services and endpoints (Kubernetes DNS-based service discovery 1.1.0), computed from
// the informers' stores when a query comes.

import type { Endpoint, EndpointSlice, Service } from '../../api/generated/types.ts';
import type { DnsCode, DnsQuestion, DnsRecord } from '../../network/dns.ts';

/** Where the plug-in looks things up. */
export interface Records {
  service(namespace: string, name: string): Service | undefined;
  /** The EndpointSlices of a Service. */
  slices(namespace: string, name: string): readonly EndpointSlice[];
  hasNamespace(name: string): boolean;
  /** The Service with that cluster IP. */
  serviceByIp(ip: string): Service | undefined;
  /** Slices with that endpoint address. */
  slicesByIp(ip: string): readonly EndpointSlice[];
}

export interface Answer {
  readonly code: DnsCode;
  readonly answers: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

export interface ZoneOptions {
  /** `cluster.local`. */
  readonly domain: string;
  readonly ttl: number;
  /** `pods insecure`: answer pod names without looking. */
  readonly podNames: boolean;
}

const NO_RECORDS: readonly never[] = [];
const NXDOMAIN: Answer = { code: 'NXDOMAIN', answers: NO_RECORDS, additional: NO_RECORDS };
const NODATA: Answer = { code: 'NOERROR', answers: NO_RECORDS, additional: NO_RECORDS };
const found = (answers: readonly DnsRecord[], additional: readonly DnsRecord[] = NO_RECORDS): Answer =>
  answers.length === 0 ? NODATA : { code: 'NOERROR', answers, additional };

/** Answers a question below the cluster domain; undefined when the name is not in it. */
export function answerInZone(question: DnsQuestion, options: ZoneOptions, records: Records): Answer | undefined {
  const { name } = question;
  const { domain } = options;
  if (name === domain) return NODATA;
  if (!name.endsWith(`.${domain}`)) return undefined;
  const labels = name.slice(0, -domain.length - 1).split('.');
  if (labels.length === 1 && labels[0] === 'dns-version') return text(question, options, '1.1.0');
  const kind = labels.pop();
  if (kind === 'svc') return serviceAnswer(labels, question, options, records);
  if (kind === 'pod') return podAnswer(labels, question, options, records);
  return NXDOMAIN;
}

const text = (question: DnsQuestion, { ttl }: ZoneOptions, data: string): Answer =>
  question.type === 'TXT' ? found([{ name: question.name, type: 'TXT', ttl, data: `"${data}"` }]) : NODATA;

/** `a-b-c-d.namespace.pod`. */
function podAnswer(labels: readonly string[], question: DnsQuestion, options: ZoneOptions, records: Records): Answer {
  const [ip, namespace] = labels.length === 2 ? labels : [undefined, labels[0]];
  if (namespace === undefined) return NODATA;
  if (!records.hasNamespace(namespace)) return NXDOMAIN;
  if (ip === undefined) return labels.length === 1 ? NODATA : NXDOMAIN;
  if (!options.podNames) return NXDOMAIN;
  const address = ip.replaceAll('-', '.');
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) return NXDOMAIN;
  return question.type === 'A' ? found([{ name: question.name, type: 'A', ttl: options.ttl, data: address }]) : NODATA;
}

/** `[endpoint. | _port._protocol.]service.namespace.svc`. */
function serviceAnswer(labels: readonly string[], question: DnsQuestion, options: ZoneOptions, records: Records): Answer {
  const namespace = labels[labels.length - 1];
  if (namespace === undefined) return NODATA;
  if (!records.hasNamespace(namespace)) return NXDOMAIN;
  const name = labels[labels.length - 2];
  if (name === undefined) return NODATA;
  const service = records.service(namespace, name);
  if (!service) return NXDOMAIN;
  const rest = labels.slice(0, -2);
  if (service.spec?.type === 'ExternalName') {
    const alias = { name: question.name, type: 'CNAME', ttl: options.ttl, data: service.spec.externalName ?? '' } as const;
    return rest.length === 0 ? found([alias]) : NXDOMAIN;
  }
  const headless = service.spec?.clusterIP === 'None';
  const [port, protocol] = rest;
  if (rest.length === 2 && port?.startsWith('_') && protocol?.startsWith('_')) {
    return srvAnswer(service, port.slice(1), protocol.slice(1), question, options, records);
  }
  if (rest.length > 1) return NXDOMAIN;
  if (!headless)
    return rest.length > 0
      ? endpointAnswer(service, rest[0] as string, question, options, records)
      : clusterIpAnswer(service, question, options);
  if (rest.length === 1) return endpointAnswer(service, rest[0] as string, question, options, records);
  const endpoints = publishedEndpoints(service, records);
  if (question.type === 'SRV') return srvAnswer(service, null, null, question, options, records);
  if (endpoints.length === 0) return NXDOMAIN;
  if (question.type !== 'A') return NODATA;
  return found(
    endpoints.flatMap((e) => e.addresses.map((data): DnsRecord => ({ name: question.name, type: 'A', ttl: options.ttl, data }))),
  );
}

function clusterIpAnswer(service: Service, question: DnsQuestion, { ttl, domain }: ZoneOptions): Answer {
  const data = service.spec?.clusterIP ?? '';
  if (question.type === 'A') return found([{ name: question.name, type: 'A', ttl, data }]);
  if (question.type !== 'SRV') return NODATA;
  const target = `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;
  const ports = service.spec?.ports ?? [];
  const weight = Math.floor(100 / Math.max(1, ports.length));
  return found(
    ports.map((p) => ({ name: question.name, type: 'SRV', ttl, data: `0 ${weight} ${p.port} ${target}` })),
    [{ name: target, type: 'A', ttl, data }],
  );
}

function endpointAnswer(service: Service, label: string, question: DnsQuestion, { ttl }: ZoneOptions, records: Records): Answer {
  const matching = publishedEndpoints(service, records).filter((e) => endpointLabel(e) === label);
  if (matching.length === 0) return NXDOMAIN;
  if (question.type !== 'A') return NODATA;
  return found(matching.flatMap((e) => e.addresses.map((data): DnsRecord => ({ name: question.name, type: 'A', ttl, data }))));
}

function srvAnswer(
  service: Service,
  port: string | null,
  protocol: string | null,
  question: DnsQuestion,
  { ttl, domain }: ZoneOptions,
  records: Records,
): Answer {
  const base = `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;
  const matches = (p: { name?: string; protocol?: string }): boolean =>
    (port === null || port === '*' || (p.name ?? '') === port) && (protocol === null || (p.protocol ?? 'TCP').toLowerCase() === protocol);
  const targets: { readonly port: number; readonly name: string; readonly ip: string }[] = [];
  if (service.spec?.clusterIP === 'None') {
    for (const slice of records.slices(service.metadata.namespace ?? '', service.metadata.name ?? '')) {
      const ports = (slice.ports ?? []).filter(matches);
      for (const endpoint of (slice.endpoints ?? []).filter((e) => isPublished(service, e))) {
        const name = `${endpointLabel(endpoint)}.${base}`;
        for (const p of ports) targets.push({ port: p.port ?? 0, name, ip: endpoint.addresses[0] ?? '' });
      }
    }
  } else {
    for (const p of (service.spec?.ports ?? []).filter(matches))
      targets.push({ port: p.port, name: base, ip: service.spec?.clusterIP ?? '' });
  }
  if (targets.length === 0) return NXDOMAIN;
  if (question.type !== 'SRV') return NODATA;
  const weight = Math.floor(100 / targets.length);
  return found(
    targets.map((t) => ({ name: question.name, type: 'SRV', ttl, data: `0 ${weight} ${t.port} ${t.name}` })),
    targets.map((t) => ({ name: t.name, type: 'A', ttl, data: t.ip })),
  );
}

function publishedEndpoints(service: Service, records: Records): readonly Endpoint[] {
  const slices = records.slices(service.metadata.namespace ?? '', service.metadata.name ?? '');
  return slices.flatMap((slice) => (slice.addressType === 'IPv4' ? (slice.endpoints ?? []).filter((e) => isPublished(service, e)) : []));
}

const isPublished = (service: Service, endpoint: Endpoint): boolean =>
  service.spec?.publishNotReadyAddresses === true || (endpoint.conditions?.ready ?? true);

/** The Pod's hostname where its subdomain is the Service's, else the address with dashes. */
const endpointLabel = (endpoint: Endpoint): string => endpoint.hostname ?? (endpoint.addresses[0] ?? '').replaceAll('.', '-');

/** Answers a reverse question (`d.c.b.a.in-addr.arpa`); undefined when it is none or the address is unknown. */
export function answerReverse(question: DnsQuestion, { domain, ttl }: ZoneOptions, records: Records): Answer | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(question.name);
  if (!match) return undefined;
  const ip = `${match[4]}.${match[3]}.${match[2]}.${match[1]}`;
  const pointer = (data: string): DnsRecord => ({ name: question.name, type: 'PTR', ttl, data });
  const suffix = (namespace = '', name = ''): string => `${name}.${namespace}.svc.${domain}`;
  const service = records.serviceByIp(ip);
  if (service) return question.type === 'PTR' ? found([pointer(suffix(service.metadata.namespace, service.metadata.name))]) : NODATA;
  const pointers: DnsRecord[] = [];
  for (const slice of records.slicesByIp(ip)) {
    const owner = slice.metadata.labels?.['kubernetes.io/service-name'];
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.addresses[0] === ip) pointers.push(pointer(`${endpointLabel(endpoint)}.${suffix(slice.metadata.namespace, owner)}`));
    }
  }
  if (pointers.length === 0) return undefined;
  return question.type === 'PTR' ? found(pointers) : NODATA;
}
