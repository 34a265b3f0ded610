// The chains that kube-proxy makes whatever the Services are (pkg/proxy/iptables: iptablesJumpChains and the rules that
// syncProxyRules writes around them).

import type { Chain, Rule, TableName } from '../../network/netfilter.ts';

export const KUBE_SERVICES = 'KUBE-SERVICES';
export const KUBE_NODEPORTS = 'KUBE-NODEPORTS';
export const KUBE_EXTERNAL_SERVICES = 'KUBE-EXTERNAL-SERVICES';
export const KUBE_PROXY_FIREWALL = 'KUBE-PROXY-FIREWALL';
export const KUBE_MARK_MASQ = 'KUBE-MARK-MASQ';
/** An empty chain in every table; when it is gone, somebody has flushed them. */
export const KUBE_PROXY_CANARY = 'KUBE-PROXY-CANARY';

/** nfacct counters behind two metrics. */
export const INVALID_DROPPED = 'ct_state_invalid_dropped_pkts';
export const LOCALHOST_ACCEPTED = 'localhost_nps_accepted_pkts';

export interface JumpRule {
  readonly table: TableName;
  /** The built-in chain that gets the jump at its head. */
  readonly from: string;
  readonly rule: Rule;
}

function jump(table: TableName, from: string, to: string, comment: string, onlyNew = false): JumpRule {
  const rule: Rule = {
    ...(onlyNew ? { ctState: ['NEW'] as const } : {}),
    ...(comment === '' ? {} : { comment }),
    target: { kind: 'jump', chain: to },
  };
  return { table, from, rule };
}

/** In the order in which upstream ensures them: each goes in front of those before it. */
export const JUMPS: readonly JumpRule[] = [
  jump('filter', 'INPUT', KUBE_EXTERNAL_SERVICES, 'kubernetes externally-visible service portals', true),
  jump('filter', 'FORWARD', KUBE_EXTERNAL_SERVICES, 'kubernetes externally-visible service portals', true),
  jump('filter', 'INPUT', KUBE_NODEPORTS, 'kubernetes health check service ports'),
  jump('filter', 'FORWARD', KUBE_SERVICES, 'kubernetes service portals', true),
  jump('filter', 'OUTPUT', KUBE_SERVICES, 'kubernetes service portals', true),
  jump('filter', 'FORWARD', 'KUBE-FORWARD', 'kubernetes forwarding rules'),
  jump('filter', 'INPUT', KUBE_PROXY_FIREWALL, 'kubernetes load balancer firewall', true),
  jump('filter', 'OUTPUT', KUBE_PROXY_FIREWALL, 'kubernetes load balancer firewall', true),
  jump('filter', 'FORWARD', KUBE_PROXY_FIREWALL, 'kubernetes load balancer firewall', true),
  jump('nat', 'OUTPUT', KUBE_SERVICES, 'kubernetes service portals'),
  jump('nat', 'PREROUTING', KUBE_SERVICES, 'kubernetes service portals'),
  jump('nat', 'POSTROUTING', 'KUBE-POSTROUTING', 'kubernetes postrouting rules'),
  jump('filter', 'INPUT', 'KUBE-FIREWALL', ''),
  jump('filter', 'OUTPUT', 'KUBE-FIREWALL', ''),
];

export const natChains = (masqueradeMark: number): readonly Chain[] => {
  const mark = { value: masqueradeMark, mask: masqueradeMark };
  return [
    {
      name: 'KUBE-POSTROUTING',
      rules: [
        { mark: { ...mark, not: true }, target: { kind: 'return' } },
        { target: { kind: 'mark', value: masqueradeMark, mask: 0 } },
        { comment: 'kubernetes service traffic requiring SNAT', target: { kind: 'masquerade', randomFully: true } },
      ],
    },
    { name: KUBE_MARK_MASQ, rules: [{ target: { kind: 'mark', ...mark } }] },
  ];
};

export interface StaticOptions {
  readonly masqueradeMark: number;
  readonly localhostNodePorts: boolean;
  /** conntrack.tcpBeLiberal: packets out of a window are let through. */
  readonly tcpLiberal: boolean;
}

export const filterChains = ({ masqueradeMark, localhostNodePorts, tcpLiberal }: StaticOptions): readonly Chain[] => [
  ...(localhostNodePorts ? [FIREWALL] : []),
  {
    name: 'KUBE-FORWARD',
    rules: [
      ...(tcpLiberal ? [] : [{ ctState: ['INVALID'] as const, nfacct: INVALID_DROPPED, target: { kind: 'drop' } as const }]),
      { comment: 'kubernetes forwarding rules', mark: { value: masqueradeMark, mask: masqueradeMark }, target: { kind: 'accept' } },
      { comment: 'kubernetes forwarding conntrack rule', ctState: ['RELATED', 'ESTABLISHED'], target: { kind: 'accept' } },
    ],
  },
];

const FIREWALL: Chain = {
  name: 'KUBE-FIREWALL',
  rules: [
    {
      notSource: '127.0.0.0/8',
      destination: '127.0.0.0/8',
      comment: 'block incoming localnet connections',
      notCtState: ['RELATED', 'ESTABLISHED', 'DNAT'],
      target: { kind: 'drop' },
    },
  ],
};

const LAST = 'kubernetes service nodeports; NOTE: this must be the last rule in this chain';

/** What leads to the node ports, at the end of KUBE-SERVICES: every address of the node, or those that were asked for. */
export function nodePortJumps(addresses: readonly string[] | null, localhostNodePorts: boolean): readonly Rule[] {
  const target = { kind: 'jump', chain: KUBE_NODEPORTS } as const;
  if (addresses !== null) return addresses.map((destination) => ({ destination, comment: LAST, target }));
  return [{ ...(localhostNodePorts ? {} : { notDestination: '127.0.0.0/8' }), comment: LAST, destinationType: 'LOCAL', target }];
}
