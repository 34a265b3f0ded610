// The chains that kube-proxy makes whatever the Services are (pkg/proxy/iptables: iptablesJumpChains and the rules that
// syncProxyRules writes around them).

import type { Chain, Rule, TableName } from '../../network/netfilter.ts';

/** masqueradeBit 14. */
export const MASQUERADE_MARK = 0x4000;

export const KUBE_SERVICES = 'KUBE-SERVICES';
export const KUBE_NODEPORTS = 'KUBE-NODEPORTS';
export const KUBE_EXTERNAL_SERVICES = 'KUBE-EXTERNAL-SERVICES';
export const KUBE_MARK_MASQ = 'KUBE-MARK-MASQ';

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
  jump('filter', 'INPUT', 'KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', true),
  jump('filter', 'OUTPUT', 'KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', true),
  jump('filter', 'FORWARD', 'KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', true),
  jump('nat', 'OUTPUT', KUBE_SERVICES, 'kubernetes service portals'),
  jump('nat', 'PREROUTING', KUBE_SERVICES, 'kubernetes service portals'),
  jump('nat', 'POSTROUTING', 'KUBE-POSTROUTING', 'kubernetes postrouting rules'),
  jump('filter', 'INPUT', 'KUBE-FIREWALL', ''),
  jump('filter', 'OUTPUT', 'KUBE-FIREWALL', ''),
];

const mark = { value: MASQUERADE_MARK, mask: MASQUERADE_MARK };

export const NAT_CHAINS: readonly Chain[] = [
  {
    name: 'KUBE-POSTROUTING',
    rules: [
      { mark: { ...mark, not: true }, target: { kind: 'return' } },
      { target: { kind: 'mark', value: MASQUERADE_MARK, mask: 0 } },
      { comment: 'kubernetes service traffic requiring SNAT', target: { kind: 'masquerade', randomFully: true } },
    ],
  },
  { name: KUBE_MARK_MASQ, rules: [{ target: { kind: 'mark', ...mark } }] },
];

export const FILTER_CHAINS: readonly Chain[] = [
  {
    name: 'KUBE-FIREWALL',
    rules: [
      {
        notSource: '127.0.0.0/8',
        destination: '127.0.0.0/8',
        comment: 'block incoming localnet connections',
        ctState: ['NEW', 'INVALID'],
        target: { kind: 'drop' },
      },
    ],
  },
  {
    name: 'KUBE-FORWARD',
    rules: [
      { ctState: ['INVALID'], target: { kind: 'drop' } },
      { comment: 'kubernetes forwarding rules', mark, target: { kind: 'accept' } },
      { comment: 'kubernetes forwarding conntrack rule', ctState: ['RELATED', 'ESTABLISHED'], target: { kind: 'accept' } },
    ],
  },
  { name: KUBE_NODEPORTS, rules: [] },
  { name: 'KUBE-PROXY-FIREWALL', rules: [] },
];
