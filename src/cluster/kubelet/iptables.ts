// What the kubelet puts into iptables when it starts (pkg/kubelet/kubelet_network_linux.go): the rule that keeps others from
// the node's loopback, a chain that tells which variant of iptables is used, and its canaries.

import { ensureChain, ensureRule, replaceTables, type Chain } from '../network/netfilter.ts';
import { Netns } from '../network/netns.ts';
import type { Os } from '../machine/process.ts';

const CANARY: Chain = { name: 'KUBE-KUBELET-CANARY', rules: [] };
const FIREWALL = 'KUBE-FIREWALL';

export function setUpIptables(os: Os): void {
  const { netns } = os.process;
  if (!(netns instanceof Netns) || netns.rulesIfAny?.chain('mangle', CANARY.name) !== undefined) return;
  const { place } = os;
  replaceTables(netns, { mangle: { chains: [{ name: 'KUBE-IPTABLES-HINT', rules: [] }, CANARY] }, nat: { chains: [CANARY] }, filter: { chains: [CANARY] } }, place);
  ensureChain(netns, 'filter', FIREWALL, place);
  ensureRule(
    netns, 'filter', FIREWALL,
    {
      notSource: '127.0.0.0/8',
      destination: '127.0.0.0/8',
      comment: 'block incoming localnet connections',
      notCtState: ['RELATED', 'ESTABLISHED', 'DNAT'],
      target: { kind: 'drop' },
    },
    'append', place,
  );
  for (const chain of ['OUTPUT', 'INPUT']) ensureRule(netns, 'filter', chain, { target: { kind: 'jump', chain: FIREWALL } }, 'prepend', place);
}
