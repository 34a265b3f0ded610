// MetalLB's configuration from its custom resources (internal/config/config.go): pools as ranges of addresses, layer-2 advertisements with
// the nodes that may announce.

import type { LabelSelector, Namespace, Node, Service } from '../../api/generated/types.ts';
import type { ApiObject } from '../../api/meta.ts';
import { matchLabels, selectorOf } from '../../api/selector.ts';
import { formatIp, parseIp } from '../../network/ip.ts';
import { customKind } from '../custom-resource.ts';

export interface IPAddressPool extends ApiObject {
  readonly spec: {
    readonly addresses: readonly string[];
    readonly autoAssign?: boolean;
    readonly avoidBuggyIPs?: boolean;
    readonly serviceAllocation?: {
      readonly priority?: number;
      readonly namespaces?: readonly string[];
      readonly namespaceSelectors?: readonly LabelSelector[];
      readonly serviceSelectors?: readonly LabelSelector[];
    };
  };
  readonly status?: { readonly assignedIPv4: number; readonly assignedIPv6: number; readonly availableIPv4: number; readonly availableIPv6: number };
}

export interface L2Advertisement extends ApiObject {
  readonly spec?: {
    readonly ipAddressPools?: readonly string[];
    readonly ipAddressPoolSelectors?: readonly LabelSelector[];
    readonly nodeSelectors?: readonly LabelSelector[];
    readonly serviceSelectors?: readonly LabelSelector[];
    readonly interfaces?: readonly string[];
  };
}

const GROUP = 'metallb.io';
export const POOLS = customKind(GROUP, 'v1beta1', 'IPAddressPool', 'ipaddresspools');
export const L2_ADVERTISEMENTS = customKind(GROUP, 'v1beta1', 'L2Advertisement', 'l2advertisements');
export const L2_STATUSES = customKind(GROUP, 'v1beta1', 'ServiceL2Status', 'servicel2statuses');

export interface Range {
  readonly text: string;
  readonly first: number;
  readonly last: number;
}

export interface Pool {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ranges: readonly Range[];
  readonly autoAssign: boolean;
  readonly avoidBuggyIPs: boolean;
  readonly allocation: IPAddressPool['spec']['serviceAllocation'] | undefined;
}

/** One text of `addresses`: a CIDR or `first-last`. Throws Error in MetalLB's words. */
export function parseRange(text: string): Range {
  if (!text.includes('-')) {
    const [address = '', prefix = ''] = text.split('/');
    const start = parseIp(address);
    const bits = Number(prefix);
    if (start < 0 || prefix === '' || !(bits >= 0 && bits <= 32)) throw new Error(`invalid CIDR "${text}"`);
    const size = 2 ** (32 - bits);
    const first = start - (start % size);
    return { text, first, last: first + size - 1 };
  }
  const parts = text.split('-').map((part) => part.trim());
  const [from = '', to = ''] = parts;
  if (parts.length !== 2) throw new Error(`invalid IP range "${text}"`);
  const [first, last] = [parseIp(from), parseIp(to)];
  if (first < 0) throw new Error(`invalid IP range "${text}": invalid start IP "${from}"`);
  if (last < 0) throw new Error(`invalid IP range "${text}": invalid end IP "${to}"`);
  if (first > last) throw new Error(`invalid IP range "${text}": start IP "${from}" is after the end IP "${to}"`);
  return { text, first, last };
}

/** The pools, or what is wrong with them. IPv6 addresses are left out. */
export function parsePools(objects: readonly IPAddressPool[]): readonly Pool[] | string {
  const pools: Pool[] = [];
  for (const { metadata, spec } of objects) {
    const { name, labels = {} } = metadata;
    if (spec.addresses.length === 0) return `parsing address pool ${name}: pool has no prefixes defined`;
    const ranges: Range[] = [];
    for (const text of spec.addresses.filter((a) => !a.includes(':'))) {
      try {
        ranges.push(parseRange(text));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        return `parsing address pool ${name}: invalid CIDR ${JSON.stringify(text)} in pool ${JSON.stringify(name)}: ${error.message}`;
      }
    }
    for (const [index, range] of ranges.entries()) {
      for (const other of [...pools.flatMap((p) => p.ranges), ...ranges.slice(0, index)]) {
        if (range.first <= other.last && other.first <= range.last) return `CIDR ${JSON.stringify(range.text)} in pool ${JSON.stringify(name)} overlaps with already defined CIDR ${JSON.stringify(other.text)}`;
      }
    }
    pools.push({ name, labels, ranges, autoAssign: spec.autoAssign ?? true, avoidBuggyIPs: spec.avoidBuggyIPs ?? false, allocation: spec.serviceAllocation });
  }
  return pools;
}

const fits = (selectors: readonly LabelSelector[] | undefined, labels: Readonly<Record<string, string>> | undefined): boolean =>
  selectors === undefined || selectors.length === 0 || selectors.some((s) => matchLabels(selectorOf(s), labels));

export const poolOf = (pools: readonly Pool[], address: string): Pool | undefined => {
  const ip = parseIp(address);
  return pools.find((p) => p.ranges.some((r) => r.first <= ip && ip <= r.last));
};

/** Whether serviceAllocation lets the Service in. */
export function admits({ allocation }: Pool, service: Service, namespace: Namespace | undefined): boolean {
  if (allocation === undefined) return true;
  const { namespaces = [], namespaceSelectors = [], serviceSelectors = [] } = allocation;
  if (namespaces.length + namespaceSelectors.length > 0) {
    const named = namespaces.includes(service.metadata.namespace ?? '');
    if (!named && !(namespaceSelectors.length > 0 && fits(namespaceSelectors, namespace?.metadata.labels))) return false;
  }
  return fits(serviceSelectors, service.metadata.labels);
}

export function* addressesOf({ ranges, avoidBuggyIPs }: Pool): Generator<string> {
  for (const { first, last } of ranges) {
    for (let ip = first; ip <= last; ip++) if (!avoidBuggyIPs || (ip % 256 !== 0 && ip % 256 !== 255)) yield formatIp(ip);
  }
}

export const sizeOf = (pool: Pool): number => pool.ranges.reduce((sum, r) => sum + r.last - r.first + 1, 0);

/** The advertisements that concern a Service with an address of that pool. */
export function advertisementsFor(all: readonly L2Advertisement[], pool: Pool, service: Service): readonly L2Advertisement[] {
  return all.filter(({ spec = {} }) => {
    const { ipAddressPools = [], ipAddressPoolSelectors = [], serviceSelectors } = spec;
    const named = ipAddressPools.length + ipAddressPoolSelectors.length === 0 || ipAddressPools.includes(pool.name) || (ipAddressPoolSelectors.length > 0 && fits(ipAddressPoolSelectors, pool.labels));
    return named && fits(serviceSelectors, service.metadata.labels);
  });
}

export const announcesFrom = (advertisements: readonly L2Advertisement[], node: Node): boolean => advertisements.some((a) => fits(a.spec?.nodeSelectors, node.metadata.labels));
