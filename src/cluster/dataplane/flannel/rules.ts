// flannel's iptables rules (pkg/trafficmngr/iptables): what leaves the Pod network is masqueraded, what is forwarded for it
// is accepted.

import { type Chain, ensureRule, replaceTables, type Rule } from '../../network/netfilter.ts';
import type { Netns } from '../../network/netns.ts';
import type { Place } from '../../sim/trace.ts';

const MASQUERADE = 'flanneld masq';
const FORWARD = 'flanneld forward';
const KUBE_PROXY_MARK = { value: 0x4000, mask: 0x4000 };

const rule = (comment: string, match: Omit<Rule, 'comment' | 'target'>, target: Rule['target']): Rule => ({ ...match, comment, target });
const RETURN = { kind: 'return' } as const;
const MASQ = { kind: 'masquerade', randomFully: true } as const;
const ACCEPT = { kind: 'accept' } as const;

/** Writes the masquerade rules for a node whose Pods are in `subnet` of `network`. */
export function ensureMasquerade(netns: Netns, network: string, subnet: string, randomFully: boolean, by: Place): void {
  const masquerade: Rule['target'] = randomFully ? MASQ : { kind: 'masquerade' };
  const chain: Chain = {
    name: 'FLANNEL-POSTRTG',
    rules: [
      rule(MASQUERADE, { mark: KUBE_PROXY_MARK }, RETURN),
      rule(MASQUERADE, { source: subnet, destination: network }, RETURN),
      rule(MASQUERADE, { source: network, destination: subnet }, RETURN),
      rule(MASQUERADE, { notSource: network, destination: subnet }, RETURN),
      rule(MASQUERADE, { source: network, notDestination: '224.0.0.0/4' }, masquerade),
      rule(MASQUERADE, { notSource: network, destination: network }, masquerade),
    ],
  };
  replaceTables(netns, { nat: { chains: [chain] } }, by);
  ensureRule(netns, 'nat', 'POSTROUTING', rule(MASQUERADE, {}, { kind: 'jump', chain: chain.name }), 'append', by);
}

/** Accepts forwarded traffic from and to `network`. */
export function ensureForward(netns: Netns, network: string, by: Place): void {
  const chain: Chain = {
    name: 'FLANNEL-FWD',
    rules: [rule(FORWARD, { source: network }, ACCEPT), rule(FORWARD, { destination: network }, ACCEPT)],
  };
  replaceTables(netns, { filter: { chains: [chain] } }, by);
  ensureRule(netns, 'filter', 'FORWARD', rule(FORWARD, {}, { kind: 'jump', chain: chain.name }), 'append', by);
}

/** Whether somebody has removed them. */
export const areMissing = (netns: Netns, masquerade: boolean, forward: boolean): boolean =>
  (masquerade && netns.rules.chain('nat', 'FLANNEL-POSTRTG') === undefined) || (forward && netns.rules.chain('filter', 'FLANNEL-FWD') === undefined);
