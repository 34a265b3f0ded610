// The ipsets of kube-proxy's IPVS mode and the iptables rules that ask them (ipsetInfo, writeIptablesRules in
// pkg/proxy/ipvs/proxier.go). The rules stand whatever the Services are; upstream leaves out those of empty sets.

import type { Chain, Rule, TableName, TableUpdate } from '../../network/netfilter.ts';
import type { ProxyConfiguration } from './configuration.ts';
import type { LocalDetector } from './port-rules.ts';
import { KUBE_MARK_MASQ, KUBE_PROXY_FIREWALL, KUBE_SERVICES, natChains } from './static-rules.ts';

export const IPSETS: readonly { readonly name: string; readonly type: string }[] = [
  { name: 'KUBE-LOOP-BACK', type: 'hash:ip,port,ip' },
  { name: 'KUBE-CLUSTER-IP', type: 'hash:ip,port' },
  { name: 'KUBE-EXTERNAL-IP', type: 'hash:ip,port' },
  { name: 'KUBE-EXTERNAL-IP-LOCAL', type: 'hash:ip,port' },
  { name: 'KUBE-LOAD-BALANCER', type: 'hash:ip,port' },
  { name: 'KUBE-LOAD-BALANCER-FW', type: 'hash:ip,port' },
  { name: 'KUBE-LOAD-BALANCER-LOCAL', type: 'hash:ip,port' },
  { name: 'KUBE-LOAD-BALANCER-SOURCE-IP', type: 'hash:ip,port,ip' },
  { name: 'KUBE-LOAD-BALANCER-SOURCE-CIDR', type: 'hash:ip,port,net' },
  { name: 'KUBE-NODE-PORT-TCP', type: 'bitmap:port' },
  { name: 'KUBE-NODE-PORT-LOCAL-TCP', type: 'bitmap:port' },
  { name: 'KUBE-NODE-PORT-UDP', type: 'bitmap:port' },
  { name: 'KUBE-NODE-PORT-LOCAL-UDP', type: 'bitmap:port' },
  { name: 'KUBE-NODE-PORT-SCTP-HASH', type: 'hash:ip,port' },
  { name: 'KUBE-NODE-PORT-LOCAL-SCTP-HASH', type: 'hash:ip,port' },
  { name: 'KUBE-HEALTH-CHECK-NODE-PORT', type: 'bitmap:port' },
  { name: 'KUBE-IPVS-IPS', type: 'hash:ip' },
];

const KUBE_NODE_PORT = 'KUBE-NODE-PORT';
const KUBE_LOAD_BALANCER = 'KUBE-LOAD-BALANCER';
const IPVS_FILTER = 'KUBE-IPVS-FILTER';

interface Jump {
  readonly table: TableName;
  readonly from: string;
  readonly chain: string;
  readonly rule: Rule;
}

const jump = (table: TableName, from: string, chain: string, comment: string): Jump => ({ table, from, chain, rule: { comment, target: { kind: 'jump', chain } } });

export const IPVS_JUMPS: readonly Jump[] = [
  jump('nat', 'OUTPUT', KUBE_SERVICES, 'kubernetes service portals'),
  jump('nat', 'PREROUTING', KUBE_SERVICES, 'kubernetes service portals'),
  jump('nat', 'POSTROUTING', 'KUBE-POSTROUTING', 'kubernetes postrouting rules'),
  jump('filter', 'FORWARD', 'KUBE-FORWARD', 'kubernetes forwarding rules'),
  jump('filter', 'INPUT', KUBE_NODE_PORT, 'kubernetes health check rules'),
  jump('filter', 'INPUT', KUBE_PROXY_FIREWALL, 'kube-proxy firewall rules'),
  jump('filter', 'FORWARD', KUBE_PROXY_FIREWALL, 'kube-proxy firewall rules'),
  jump('filter', 'INPUT', IPVS_FILTER, 'kubernetes ipvs access filter'),
];

const to = (chain: string): Rule['target'] => ({ kind: 'jump', chain });
const asks = (name: string, flags: string, target: Rule['target'], comment?: string): Rule => ({ ...(comment === undefined ? {} : { comment }), set: { name, flags }, target });

export function ipvsChains({ masqueradeMark, masqueradeAll }: ProxyConfiguration, local: LocalDetector | null): Readonly<Record<'nat' | 'filter', TableUpdate>> {
  const mark = { value: masqueradeMark, mask: masqueradeMark };
  const clusterIp = 'Kubernetes service cluster ip + port for masquerade purpose';
  const foreign = masqueradeAll || local === null ? {} : local.kind === 'cidr' ? { notSource: local.cidr } : { notInInterface: local.name };
  const [postrouting, markMasq] = natChains(masqueradeMark) as [Chain, Chain];
  const nodePort = (protocol: 'tcp' | 'udp'): Rule[] => {
    const name = protocol.toUpperCase();
    return [
      { protocol, ...asks(`KUBE-NODE-PORT-LOCAL-${name}`, 'dst', { kind: 'return' }, `Kubernetes nodeport ${name} port with externalTrafficPolicy=local`) },
      { protocol, ...asks(`KUBE-NODE-PORT-${name}`, 'dst', to(KUBE_MARK_MASQ), `Kubernetes nodeport ${name} port for masquerade purpose`) },
    ];
  };
  const nat: Chain[] = [
    {
      name: KUBE_SERVICES,
      rules: [
        { source: '127.0.0.0/8', target: { kind: 'return' } },
        asks('KUBE-LOAD-BALANCER', 'dst,dst', to(KUBE_LOAD_BALANCER), 'Kubernetes service lb portal'),
        { ...foreign, ...asks('KUBE-CLUSTER-IP', 'dst,dst', to(KUBE_MARK_MASQ), clusterIp) },
        asks('KUBE-EXTERNAL-IP', 'dst,dst', to(KUBE_MARK_MASQ), 'Kubernetes service external ip + port for masquerade and filter purpose'),
        { destinationType: 'LOCAL', target: to(KUBE_NODE_PORT) },
        asks('KUBE-CLUSTER-IP', 'dst,dst', { kind: 'accept' }),
        asks('KUBE-LOAD-BALANCER', 'dst,dst', { kind: 'accept' }),
      ],
    },
    {
      ...postrouting,
      rules: [asks('KUBE-LOOP-BACK', 'dst,dst,src', { kind: 'masquerade' }, 'Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose'), ...postrouting.rules],
    },
    { name: KUBE_NODE_PORT, rules: [...nodePort('tcp'), ...nodePort('udp')] },
    {
      name: KUBE_LOAD_BALANCER,
      rules: [
        asks('KUBE-LOAD-BALANCER-LOCAL', 'dst,dst', { kind: 'return' }, 'Kubernetes service load balancer ip + port with externalTrafficPolicy=local'),
        { target: to(KUBE_MARK_MASQ) },
      ],
    },
    markMasq,
  ];
  const filter: Chain[] = [
    {
      name: 'KUBE-FORWARD',
      rules: [
        { comment: 'kubernetes forwarding rules', mark, target: { kind: 'accept' } },
        { comment: 'kubernetes forwarding conntrack rule', ctState: ['RELATED', 'ESTABLISHED'], target: { kind: 'accept' } },
      ],
    },
    { name: KUBE_NODE_PORT, rules: [asks('KUBE-HEALTH-CHECK-NODE-PORT', 'dst', { kind: 'accept' }, 'Kubernetes health check node port')] },
    {
      name: KUBE_PROXY_FIREWALL,
      rules: [asks('KUBE-LOAD-BALANCER-FW', 'dst,dst', to('KUBE-SOURCE-RANGES-FIREWALL'), 'Kubernetes service load balancer ip + port for load balancer with sourceRange')],
    },
    {
      name: 'KUBE-SOURCE-RANGES-FIREWALL',
      rules: [
        asks('KUBE-LOAD-BALANCER-SOURCE-CIDR', 'dst,dst,src', { kind: 'return' }, 'Kubernetes service load balancer ip + port + source cidr for packet filter purpose'),
        asks('KUBE-LOAD-BALANCER-SOURCE-IP', 'dst,dst,src', { kind: 'return' }, 'Kubernetes service load balancer ip + port + source IP for packet filter purpose'),
        { target: { kind: 'drop' } },
      ],
    },
    {
      name: IPVS_FILTER,
      rules: [
        asks('KUBE-LOAD-BALANCER', 'dst,dst', { kind: 'return' }),
        asks('KUBE-CLUSTER-IP', 'dst,dst', { kind: 'return' }),
        asks('KUBE-EXTERNAL-IP', 'dst,dst', { kind: 'return' }),
        asks('KUBE-HEALTH-CHECK-NODE-PORT', 'dst', { kind: 'return' }),
        { ctState: ['NEW'], ...asks('KUBE-IPVS-IPS', 'dst', { kind: 'reject' }) },
      ],
    },
  ];
  return { nat: { chains: nat }, filter: { chains: filter } };
}
