// CleanupLeftovers: removes the chains of kube-proxy in iptables and the jumps to them. KUBE-FIREWALL is the kubelet's.

import type { TableName } from '../../network/netfilter.ts';
import type { Netns } from '../../network/netns.ts';

const OURS = /^KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|POSTROUTING|FORWARD|PROXY-FIREWALL|PROXY-CANARY|MARK-MASQ|NODE-PORT|LOAD-BALANCER|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER|(SVC|SVL|SEP|FW|EXT)-.*)$/;

export function removeIptables(netns: Netns, tables: readonly TableName[]): void {
  const { rulesIfAny: rules } = netns;
  if (rules === null) return;
  for (const table of tables) {
    const chains = rules.chains(table);
    const remove = chains.flatMap(({ name }) => (OURS.test(name) ? [name] : []));
    if (remove.length === 0) continue;
    const kept = chains.filter(({ name, rules: own }) => !OURS.test(name) && own.some((r) => r.target.kind === 'jump' && OURS.test(r.target.chain)));
    rules.restore(table, {
      chains: kept.map((chain) => ({ ...chain, rules: chain.rules.filter((r) => r.target.kind !== 'jump' || !OURS.test(r.target.chain)) })),
      remove,
    });
    netns.rulesChanged(table);
  }
}
