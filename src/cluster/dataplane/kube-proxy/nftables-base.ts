// What kube-proxy's nftables table has whatever the Services are (setupNFTables in pkg/proxy/nftables/proxier.go).

import type { NftChain, NftMap, NftRule, NftSet, NftTable } from '../../network/nftables.ts';
import type { Rule } from '../../network/netfilter.ts';
import type { LocalDetector } from './port-rules.ts';

export interface NftBaseOptions {
  readonly mark: number;
  /** The addresses that take node ports. */
  readonly addresses: readonly string[];
  readonly local: LocalDetector | null;
  readonly masqueradeAll: boolean;
}

const SERVICE = 'ipv4_addr . inet_proto . inet_service';
const jump = (chain: string): NftRule => ({ text: `jump ${chain}`, target: { kind: 'jump', chain } });
const jumpNew = (chain: string): NftRule => ({ text: `ct state new jump ${chain}`, match: { ctState: ['NEW'] }, target: { kind: 'jump', chain } });

export function nftBase({ mark, addresses, local, masqueradeAll }: NftBaseOptions): Omit<NftTable, 'run'> {
  const hex = `0x${mark.toString(16).padStart(8, '0')}`;
  const set = (name: string, type: string, comment: string, elements: readonly string[] = []): NftSet => ({ name, type, comment, elements: new Map(elements.map((e) => [e, ''])) });
  const map = (name: string, type: string, comment: string): NftMap => ({ name, type: `${type} : verdict`, comment, elements: new Map() });
  const base = (name: string, type: 'nat' | 'filter', hook: string, priority: string, rules: readonly NftRule[]): NftChain => ({ name, hook: { type, hook, priority }, rules });
  const vmap = (text: string, key: 'daddr.proto.dport' | 'proto.dport', name: string): NftRule => ({ text: `${text} vmap @${name}`, lookup: { kind: 'vmap', key, map: name } });
  const service = 'ip daddr . meta l4proto . th dport';
  const nodePort = (name: string): NftRule => ({ ...vmap('ip daddr @nodeport-ips meta l4proto . th dport', 'proto.dport', name), inSet: { key: 'daddr', set: 'nodeport-ips' } });
  const foreign: [string, Omit<Rule, 'target'>] | null = masqueradeAll
    ? ['', {}]
    : local === null
      ? null
      : local.kind === 'cidr'
        ? [` ip saddr != ${local.cidr}`, { notSource: local.cidr }]
        : [` iifname != "${local.name}"`, { notInInterface: local.name }];
  const masquerade: NftRule[] =
    foreign === null
      ? []
      : [{ text: `ip daddr @cluster-ips${foreign[0]} meta mark set meta mark | ${hex}`, match: foreign[1], inSet: { key: 'daddr', set: 'cluster-ips' }, target: { kind: 'mark', value: mark, mask: mark } }];

  const chains: NftChain[] = [
    base('filter-prerouting-pre-dnat', 'filter', 'prerouting', 'dstnat - 10', [jumpNew('firewall-check')]),
    base('filter-output-pre-dnat', 'filter', 'output', 'dstnat - 10', [jumpNew('firewall-check')]),
    base('filter-input', 'filter', 'input', 'filter', [jumpNew('nodeport-endpoints-check'), jumpNew('service-endpoints-check')]),
    base('filter-forward', 'filter', 'forward', 'filter', [jumpNew('service-endpoints-check'), jumpNew('cluster-ips-check')]),
    base('filter-output', 'filter', 'output', 'filter', [jumpNew('service-endpoints-check'), jumpNew('cluster-ips-check')]),
    base('nat-prerouting', 'nat', 'prerouting', 'dstnat', [jump('services')]),
    base('nat-output', 'nat', 'output', 'dstnat', [jump('services')]),
    base('nat-postrouting', 'nat', 'postrouting', 'srcnat', [jump('masquerading')]),
    {
      name: 'cluster-ips-check',
      rules: [{ text: 'ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"', inSet: { key: 'daddr', set: 'cluster-ips' }, target: { kind: 'reject' } }],
    },
    { name: 'firewall-check', rules: [vmap(service, 'daddr.proto.dport', 'firewall-ips')] },
    {
      name: 'masquerading',
      rules: [
        { text: `meta mark & ${hex} != 0x00000000 meta mark set meta mark ^ ${hex} masquerade fully-random`, match: { mark: { value: mark, mask: mark } }, target: { kind: 'masquerade', randomFully: true } },
        {
          text: 'ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random',
          match: { ctStatus: 'DNAT' },
          inSet: { key: 'saddr.daddr.proto.dport', set: 'hairpin-connections' },
          target: { kind: 'masquerade', randomFully: true },
        },
      ],
    },
    { name: 'nodeport-endpoints-check', rules: [nodePort('no-endpoint-nodeports')] },
    { name: 'reject-chain', rules: [{ text: 'reject', target: { kind: 'reject' } }] },
    { name: 'service-endpoints-check', rules: [vmap(service, 'daddr.proto.dport', 'no-endpoint-services')] },
    { name: 'services', rules: [...masquerade, vmap(service, 'daddr.proto.dport', 'service-ips'), nodePort('service-nodeports')] },
  ];
  const sets = [
    set('cluster-ips', 'ipv4_addr', 'Active ClusterIPs'),
    set('nodeport-ips', 'ipv4_addr', 'IPs that accept NodePort traffic', addresses),
    set('hairpin-connections', 'ipv4_addr . ipv4_addr . inet_proto . inet_service', 'DNATed connections of an endpoint to itself'),
  ];
  const maps = [
    map('no-endpoint-services', SERVICE, 'vmap to drop or reject packets to services with no endpoints'),
    map('no-endpoint-nodeports', 'inet_proto . inet_service', 'vmap to drop or reject packets to service nodeports with no endpoints'),
    map('firewall-ips', SERVICE, 'destinations that are subject to LoadBalancerSourceRanges'),
    map('service-ips', SERVICE, 'ClusterIP, ExternalIP and LoadBalancer IP traffic'),
    map('service-nodeports', 'inet_proto . inet_service', 'NodePort traffic'),
  ];
  const named = <T extends { readonly name: string }>(items: readonly T[]): Map<string, T> => new Map(items.map((item) => [item.name, item]));
  return { family: 'ip', name: 'kube-proxy', comment: 'rules for kube-proxy', sets: named(sets), maps: named(maps), chains: named(chains) };
}
