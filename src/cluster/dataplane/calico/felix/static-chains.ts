// The chains that Felix keeps on every node whatever runs there (felix/rules/static.go), and the rules by which the kernel's own
// chains lead to them. There are no host endpoints: the chains for them are empty.

import { ipsetName } from '../names.ts';
import { ACCEPT, ALL_MARKS, ANY, appended, clearMark, DROP, type FelixChain, type FelixRule, goTo, jump, MARK, MASQUERADE, RETURN, rule, setMark, signed } from './rule.ts';
import type { Rule, TableName } from '../../../network/netfilter.ts';

export const SETS = { pools: ipsetName('network-ip-pools'), masquerade: ipsetName('masq-ipam-pools'), vxlan: ipsetName('all-vxlan-net'), thisHost: ipsetName('this-host') } as const;
const VXLAN_PORT = 4789;
export const WORKLOADS = 'cali+';

/** Rules in a chain of the kernel: in front of or behind what others have put there. */
export interface Hook {
  readonly table: TableName;
  readonly chain: string;
  readonly rules: readonly Rule[];
  readonly position: 'insert' | 'append';
}

const insert = (table: TableName, chain: string, ...rules: readonly FelixRule[]): Hook => ({ table, chain, rules: signed(chain, rules), position: 'insert' });
const append = (table: TableName, chain: string, ...rules: readonly FelixRule[]): Hook => ({ table, chain, rules: appended(chain, rules), position: 'append' });
const lead = (table: TableName, chain: string): Hook => insert(table, chain, rule(ANY, jump(`cali-${chain}`)));

export const HOOKS: readonly Hook[] = [
  lead('raw', 'PREROUTING'),
  lead('raw', 'OUTPUT'),
  lead('mangle', 'PREROUTING'),
  lead('mangle', 'POSTROUTING'),
  lead('nat', 'PREROUTING'),
  append('nat', 'POSTROUTING', rule(ANY, jump('cali-POSTROUTING'))),
  lead('nat', 'OUTPUT'),
  lead('filter', 'FORWARD'),
  lead('filter', 'INPUT'),
  lead('filter', 'OUTPUT'),
  append('filter', 'FORWARD', rule(ANY.marked(MARK.accept), ACCEPT, 'Policy explicitly accepted packet.'), rule(ANY, setMark(MARK.accept))),
];

const chain = (name: string, ...rules: readonly FelixRule[]): FelixChain => ({ name, rules });

export interface StaticOptions {
  /** Some IP pool is carried by VXLAN. */
  readonly vxlan: boolean;
  /** Some IP pool has natOutgoing. */
  readonly natOutgoing: boolean;
  /** DefaultEndpointToHostAction: what becomes of packets from Pods to their own node. */
  readonly endpointToHost: 'Accept' | 'Return' | 'Drop';
}

export function staticChains(options: StaticOptions): Readonly<Record<TableName, readonly FelixChain[]>> {
  return { raw: rawChains(), mangle: mangleChains(), nat: natChains(options), filter: filterChains(options) };
}

const hostPolicyAccepted = 'Host endpoint policy accepted packet.';
const ESTABLISHED = ANY.state('RELATED', 'ESTABLISHED');

function filterChains({ vxlan, endpointToHost }: StaticOptions): FelixChain[] {
  const toVxlan = ANY.udp().ports([VXLAN_PORT]);
  return [
    chain(
      'cali-FORWARD',
      rule(ANY, clearMark(ALL_MARKS & ~MARK.accept)),
      rule(ANY.unmarked(MARK.accept), jump('cali-from-hep-forward')),
      rule(ANY.inInterface(WORKLOADS), jump('cali-from-wl-dispatch')),
      rule(ANY.outInterface(WORKLOADS), jump('cali-to-wl-dispatch')),
      rule(ANY, jump('cali-to-hep-forward')),
      rule(ANY, jump('cali-cidr-block')),
    ),
    chain(
      'cali-INPUT',
      ...(vxlan
        ? [
            rule(toVxlan.set(SETS.vxlan, 'src').toLocal(), ACCEPT, 'Allow IPv4 VXLAN packets from allowed hosts'),
            rule(toVxlan.toLocal(), DROP, 'Drop IPv4 VXLAN packets from non-allowed hosts'),
          ]
        : []),
      rule(ANY.inInterface(WORKLOADS), goTo('cali-wl-to-host')),
      rule(ANY.marked(MARK.accept), ACCEPT),
      rule(ANY, clearMark(ALL_MARKS)),
      rule(ANY, jump('cali-from-host-endpoint')),
      rule(ANY.marked(MARK.accept), ACCEPT, hostPolicyAccepted),
    ),
    chain(
      'cali-wl-to-host',
      rule(ANY, jump('cali-from-wl-dispatch')),
      rule(ANY, endpointToHost === 'Accept' ? ACCEPT : endpointToHost === 'Drop' ? DROP : RETURN, 'Configured DefaultEndpointToHostAction'),
    ),
    chain(
      'cali-OUTPUT',
      rule(ANY.marked(MARK.accept), ACCEPT),
      rule(ANY.outInterface(WORKLOADS), RETURN),
      ...(vxlan ? [rule(toVxlan.fromLocal().set(SETS.vxlan, 'dst'), ACCEPT, 'Allow IPv4 VXLAN packets to other allowed hosts')] : []),
      rule(ANY, clearMark(ALL_MARKS)),
      rule(ANY.notState('DNAT'), jump('cali-to-host-endpoint')),
      rule(ANY.marked(MARK.accept), ACCEPT, hostPolicyAccepted),
    ),
    ...['cali-from-hep-forward', 'cali-to-hep-forward', 'cali-from-host-endpoint', 'cali-to-host-endpoint', 'cali-cidr-block'].map((name) => chain(name)),
  ];
}

function natChains({ natOutgoing }: StaticOptions): FelixChain[] {
  const leaving = ANY.set(SETS.masquerade, 'src').set(SETS.pools, 'dst', true);
  return [
    chain('cali-PREROUTING', rule(ANY, jump('cali-fip-dnat'))),
    chain('cali-POSTROUTING', rule(ANY, jump('cali-fip-snat')), rule(ANY, jump('cali-nat-outgoing'))),
    chain('cali-OUTPUT', rule(ANY, jump('cali-fip-dnat'))),
    chain('cali-fip-dnat'),
    chain('cali-fip-snat'),
    chain('cali-nat-outgoing', ...(natOutgoing ? [rule(leaving, MASQUERADE)] : [])),
  ];
}

function mangleChains(): FelixChain[] {
  return [
    chain(
      'cali-PREROUTING',
      rule(ESTABLISHED, ACCEPT),
      rule(ANY.marked(MARK.accept), ACCEPT),
      rule(ANY, jump('cali-from-host-endpoint')),
      rule(ANY.marked(MARK.accept), ACCEPT, hostPolicyAccepted),
    ),
    chain(
      'cali-POSTROUTING',
      rule(ANY.marked(MARK.accept), RETURN),
      rule(ANY, clearMark(ALL_MARKS)),
      rule(ANY.state('DNAT'), jump('cali-to-host-endpoint')),
      rule(ANY.marked(MARK.accept), RETURN, hostPolicyAccepted),
    ),
    chain('cali-from-host-endpoint'),
    chain('cali-to-host-endpoint'),
  ];
}

function rawChains(): FelixChain[] {
  return [
    chain(
      'cali-PREROUTING',
      rule(ANY, clearMark(ALL_MARKS)),
      rule(ANY.inInterface(WORKLOADS), setMark(MARK.scratch0)),
      rule(ANY.marked(MARK.scratch0), jump('cali-rpf-skip')),
      rule(ANY.marked(MARK.scratch0).rpfilter(), DROP),
      rule(ANY.unmarked(MARK.scratch0), jump('cali-from-host-endpoint')),
      rule(ANY.marked(MARK.accept), ACCEPT),
    ),
    chain('cali-OUTPUT', rule(ANY, clearMark(ALL_MARKS)), rule(ANY, jump('cali-to-host-endpoint')), rule(ANY.marked(MARK.accept), ACCEPT)),
    chain('cali-rpf-skip'),
    chain('cali-from-host-endpoint'),
    chain('cali-to-host-endpoint'),
  ];
}
