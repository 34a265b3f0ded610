// Puts calculated tables into the kernel as Felix does (felix/iptables, felix/ipsets): new sets first, then chains and the rules that
// lead to them, then what nobody needs any more goes.

import { formatRule } from '../../../network/iptables-format.ts';
import { replaceIpset } from '../../../network/ipset.ts';
import { type Chain, replaceTables, type Rule, type TableName } from '../../../network/netfilter.ts';
import type { Netns } from '../../../network/netns.ts';
import type { Place } from '../../../sim/trace.ts';
import type { Tables } from './calculation.ts';
import { HOOKS } from './static-chains.ts';

const TABLES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter'];
const OURS = /^cali/;

/** Makes the kernel's tables these; says whether anything had to be written. */
export function writeTables(netns: Netns, tables: Tables, by: Place): boolean {
  let wrote = false;
  for (const [name, set] of tables.sets) wrote = replaceIpset(netns, name, set, by) || wrote;
  for (const table of TABLES) {
    const chains = tables.chains[table];
    const names = new Set(chains.map((c) => c.name));
    const changed = [...chains.filter((c) => netns.rules.chain(table, c.name) !== c), ...hooksToMend(netns, table)];
    const remove = netns.rules.chains(table).filter((c) => OURS.test(c.name) && !names.has(c.name)).map((c) => c.name);
    if (changed.length === 0 && remove.length === 0) continue;
    replaceTables(netns, { [table]: { chains: changed, remove } }, by);
    wrote = true;
  }
  for (const name of [...netns.rules.ipsets.keys()]) {
    if (OURS.test(name) && !tables.sets.has(name)) wrote = replaceIpset(netns, name, null, by) || wrote;
  }
  return wrote;
}

/** Chains of the kernel whose rules that lead to Felix' are not where they should be: in front of all others, or behind. */
function hooksToMend(netns: Netns, table: TableName): Chain[] {
  const out: Chain[] = [];
  for (const name of new Set(HOOKS.filter((h) => h.table === table).map((h) => h.chain))) {
    const chain = netns.rules.chain(table, name);
    if (chain === undefined) continue;
    const own = (position: 'insert' | 'append'): Rule[] => HOOKS.filter((h) => h.table === table && h.chain === name && h.position === position).flatMap((h) => h.rules);
    const others = chain.rules.filter((r) => r.comments?.[0]?.startsWith('cali:') !== true);
    const rules = [...own('insert'), ...others, ...own('append')];
    if (rules.length === chain.rules.length && rules.every((r, i) => r === chain.rules[i] || formatRule(name, r) === formatRule(name, chain.rules[i] as Rule))) continue;
    out.push({ ...chain, rules });
  }
  return out;
}
