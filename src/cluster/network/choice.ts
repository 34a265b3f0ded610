// Who could have got a packet that a Service's rules sent to one of several backends: for a walk that is written down.

import type { RealServer, VirtualServer } from './ipvs.ts';
import type { Netfilter, Rule, TableName } from './netfilter.ts';
import type { Choice, Packet } from './packet.ts';

/** The backend to which a chain of kube-proxy's leads: what it translates to, else its name. */
export function backendOf(rules: Netfilter, table: TableName, chain: string): string {
  for (const { target } of rules.chain(table, chain)?.rules ?? []) if (target.kind === 'dnat') return target.port === null ? target.address : `${target.address}:${target.port}`;
  return chain;
}

/** Who else a rule's chain could have led to: its jumps by chance, and the one that is left over. Null when there was no choice. */
export function choiceOf(rules: Netfilter, table: TableName, name: string, rule: Rule): Choice | null {
  const chain = rules.chain(table, name)?.rules ?? [];
  if (!chain.some((r) => r.probability !== undefined)) return null;
  const among: { backend: string; probability: number }[] = [];
  let left = 1;
  for (const r of chain) {
    if (r.target.kind !== 'jump' || r.recent !== undefined || (r.probability === undefined && among.length === 0)) continue;
    const share = r.probability ?? 1;
    among.push({ backend: backendOf(rules, table, r.target.chain), probability: left * share });
    left *= 1 - share;
  }
  const own = rule.target.kind === 'jump' ? backendOf(rules, table, rule.target.chain) : '';
  const taken = among.findIndex((a) => a.backend === own);
  return taken < 0 ? null : { by: rule.recent === undefined ? 'statistic' : 'recent', among, taken };
}

/** Who else stands behind a virtual server; `wanted` is taken in place of what the scheduler took. */
export function ipvsChoice(servers: readonly VirtualServer[], at: Pick<Packet, 'protocol' | 'dst' | 'dport'>, chosen: RealServer, wanted: string | undefined): { readonly choice: Choice; readonly server: RealServer } {
  const virtual = servers.find((v) => v.protocol === at.protocol && v.address === at.dst && v.port === at.dport);
  const able = virtual?.servers.filter((s) => s.weight > 0) ?? [chosen];
  const weights = able.reduce((sum, s) => sum + s.weight, 0);
  const server = able.find((s) => `${s.address}:${s.port}` === wanted) ?? chosen;
  const among = able.map((s) => ({ backend: `${s.address}:${s.port}`, probability: s.weight / weights }));
  return { choice: { by: virtual?.scheduler ?? '', among, taken: able.findIndex((s) => s.address === server.address && s.port === server.port) }, server };
}
