// CoreDNS' plug-in kubernetes: which Services, endpoints and Pods a name stands for (Kubernetes DNS-based service discovery 1.1.0),
// found in the informers' stores when a query comes.

import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import { isBelow } from './plugin.ts';

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
  /** Whether a Pod of the namespace has the address. */
  hasPod(namespace: string, ip: string): boolean;
}

export interface ZoneOptions {
  /** `cluster.local`, `in-addr.arpa` …; the first that is not reverse is that of the names. */
  readonly zones: readonly string[];
  readonly ttl: number;
  readonly pods: 'disabled' | 'insecure' | 'verified';
  /** Only these namespaces; empty: all. */
  readonly namespaces: ReadonlySet<string>;
  readonly endpointPodNames: boolean;
  readonly endpoints: boolean;
  readonly ignoreEmptyService: boolean;
}

/** What a name stands for: an address, or another name. */
export interface Found {
  readonly host: string;
  /** -1: it has none. */
  readonly port: number;
  /** The name that goes with the address in SRV records. */
  readonly name: string;
  readonly text?: string;
}

/** Null: no such name. */
export type Finding = readonly Found[] | null;

export interface ParsedName {
  readonly port: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly service: string;
  readonly namespace: string;
  /** `svc`, `pod`, '' for the zone itself and the two above. */
  readonly kind: string;
}

const NOTHING: readonly Found[] = [];
const APEX: ParsedName = { port: '', protocol: '', endpoint: '', service: '', namespace: '', kind: '' };
const bare = (label: string): string => (label.startsWith('_') ? label.slice(1) : label);

/** The parts of a name below `zone`; null when it cannot be one. */
export function parseName(name: string, zone: string): ParsedName | null {
  const base = name.length > zone.length ? name.slice(0, -zone.length - 1) : '';
  if (base === '' || base === 'svc' || base === 'pod') return APEX;
  const labels = base.split('.');
  const kind = labels.pop() as string;
  if (kind !== 'svc' && kind !== 'pod') return null;
  const namespace = labels.pop() ?? '';
  const service = labels.pop() ?? '';
  if (labels.length > 2) return null;
  if (labels.length === 2) return { port: bare(labels[0] as string), protocol: bare(labels[1] as string), endpoint: '', service, namespace, kind };
  return { port: '', protocol: '', endpoint: labels[0] ?? '', service, namespace, kind };
}

export const isIPv6 = (host: string): boolean => host.includes(':');
export const isAddress = (host: string): boolean => isIPv6(host) || /^\d+\.\d+\.\d+\.\d+$/.test(host);

/** The first label of an endpoint's name. */
export function endpointLabel(address: string, hostname: string | undefined, podName: string | undefined, byPodName: boolean): string {
  if (hostname !== undefined && hostname !== '') return hostname;
  if (byPodName && podName !== undefined && podName.length < 64) return podName;
  const label = address.replaceAll(/[.:]/g, '-');
  return label.endsWith('-') ? `${label}0` : label;
}

interface Address {
  readonly ip: string;
  readonly label: string;
}

/** The ready addresses of a slice. */
function addressesOf(slice: EndpointSlice, byPodName: boolean): readonly Address[] {
  return (slice.endpoints ?? []).flatMap((e) =>
    (e.conditions?.ready ?? true) ? e.addresses.map((ip) => ({ ip, label: endpointLabel(ip, e.hostname, e.targetRef?.name, byPodName) })) : [],
  );
}

export class Lookup {
  readonly options: ZoneOptions;
  readonly records: Records;

  constructor(options: ZoneOptions, records: Records) {
    this.options = options;
    this.records = records;
  }

  /** The zone that service names end with. */
  get primary(): string {
    return this.options.zones.find((zone) => !isReverse(zone)) ?? '';
  }

  /** What a name of `zone` stands for. */
  find(name: string, zone: string): Finding {
    const parsed = parseName(name, zone);
    if (parsed === null) return null;
    const { kind, namespace } = parsed;
    if (kind === '') return NOTHING;
    if (isReverse(name) || !this.#isExposed(namespace)) return null;
    if (parsed.service === '') return kind === 'pod' && this.options.pods === 'disabled' ? null : NOTHING;
    return kind === 'pod' ? this.#pod(parsed, zone) : this.#service(parsed, zone);
  }

  /** The names of an address. */
  findAddress(ip: string): Finding {
    const { records, options, primary } = this;
    const service = records.serviceByIp(ip);
    const exposed = (namespace = ''): boolean => options.namespaces.size === 0 || this.#isExposed(namespace);
    const found = (host: string): Found => ({ host, port: 0, name: '' });
    if (service !== undefined && exposed(service.metadata.namespace)) return [found(`${service.metadata.name}.${service.metadata.namespace}.svc.${primary}`)];
    const names = new Set<string>();
    for (const slice of records.slicesByIp(ip)) {
      const owner = slice.metadata.labels?.['kubernetes.io/service-name'];
      if (!exposed(slice.metadata.namespace)) continue;
      for (const address of addressesOf(slice, options.endpointPodNames)) {
        if (address.ip === ip) names.add(`${address.label}.${owner}.${slice.metadata.namespace}.svc.${primary}`);
      }
    }
    return names.size === 0 ? null : [...names].map(found);
  }

  #isExposed(namespace: string): boolean {
    const { namespaces } = this.options;
    return (namespaces.size === 0 || namespaces.has(namespace)) && this.records.hasNamespace(namespace);
  }

  #pod({ service: label, namespace }: ParsedName, zone: string): Finding {
    const { pods } = this.options;
    if (pods === 'disabled') return null;
    const dashes = label.split('-').length - 1;
    const ip = label.replaceAll('-', dashes === 3 && !label.includes('--') ? '.' : ':');
    if (!isAddress(ip) || (isIPv6(ip) && !/^[0-9a-f:]+$/.test(ip))) return null;
    if (pods === 'verified' && !this.records.hasPod(namespace, ip)) return null;
    return [{ host: ip, port: 0, name: `${label}.${namespace}.pod.${zone}` }];
  }

  #service(asked: ParsedName, zone: string): Finding {
    const { records, options } = this;
    const service = records.service(asked.namespace, asked.service);
    if (service === undefined) return null;
    const base = `${service.metadata.name}.${service.metadata.namespace}.svc.${zone}`;
    const headless = service.spec?.clusterIP === 'None';
    const external = service.spec?.type === 'ExternalName';
    const slices = (): readonly EndpointSlice[] => (options.endpoints ? records.slices(asked.namespace, asked.service) : []);
    if (options.ignoreEmptyService && !external && !headless && slices().every((slice) => addressesOf(slice, false).length === 0)) return null;
    const matches = (name: string | undefined, protocol: string | undefined): boolean =>
      (asked.port === '' || asked.port === (name ?? '').toLowerCase()) && (asked.protocol === '' || asked.protocol === (protocol ?? '').toLowerCase());
    if (external) {
      const target = (service.spec?.externalName ?? '').replace(/\.$/, '');
      return asked.endpoint !== '' || asked.port !== '' || asked.protocol !== '' || isAddress(target) ? null : [{ host: target, port: 0, name: base }];
    }
    const found: Found[] = [];
    if (headless || asked.endpoint !== '') {
      for (const slice of slices()) {
        // Without a port the endpoint still has a name, and no SRV record.
        const ports = (slice.ports ?? []).length === 0 ? [{ port: -1 as number, name: '', protocol: '' }] : (slice.ports ?? []);
        for (const { ip, label } of addressesOf(slice, options.endpointPodNames)) {
          if (asked.endpoint !== '' && asked.endpoint !== label.toLowerCase()) continue;
          for (const p of ports) if (matches(p.name, p.protocol)) found.push({ host: ip, port: p.port ?? -1, name: `${label}.${base}` });
        }
      }
    } else {
      const addresses = service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? ''];
      for (const p of service.spec?.ports ?? []) if (matches(p.name, p.protocol ?? 'TCP')) for (const host of addresses) found.push({ host, port: p.port, name: base });
    }
    return found.length === 0 ? null : found;
  }
}

export const isReverse = (name: string): boolean => isBelow(name, 'in-addr.arpa') || isBelow(name, 'ip6.arpa');

/** The address of a reverse name; '' when it is none. */
export function addressOfReverse(name: string): string {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four) return `${four[4]}.${four[3]}.${four[2]}.${four[1]}`;
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  return six === null ? '' : shortIPv6((six[1] as string).split('.').slice(0, 32).toReversed().join('').match(/.{4}/g) as string[]);
}

/** The longest run of zero groups becomes `::` (RFC 5952). */
function shortIPv6(groups: readonly string[]): string {
  const words = groups.map((g) => Number.parseInt(g, 16).toString(16));
  const runs = [...words.join(':').matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].map((m) => m[0]);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  return longest === '' ? words.join(':') : words.join(':').replace(new RegExp(`(^|:)${longest}(:|$)`), '::');
}
