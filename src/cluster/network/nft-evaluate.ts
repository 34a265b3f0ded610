// Runs a packet through the base chains of an nftables table (net/netfilter/nf_tables_core.c).

import { compileChain, type CompiledChain, type MatchContext, matches } from './compile.ts';
import type { Rule, Target } from './netfilter.ts';
import type { NftChain, NftResult, NftRule, NftSink, NftTable } from './nftables.ts';

const compiled = new WeakMap<NftChain, CompiledChain>();
const NOTHING: Target = { kind: 'none' };

function compiledOf(chain: NftChain): CompiledChain {
  let found = compiled.get(chain);
  if (found === undefined) {
    const rules: Rule[] = chain.rules.map((rule) => ({ ...rule.match, target: rule.target ?? NOTHING }));
    compiled.set(chain, (found = compileChain({ name: chain.name, rules })));
  }
  return found;
}

/** The `run` of a table. */
export function runNft(table: NftTable, type: 'nat' | 'filter', hook: string, early: boolean, c: MatchContext, sink: NftSink | null): NftResult | null {
  for (const chain of table.chains.values()) {
    const { hook: base } = chain;
    if (base === undefined || base.type !== type || base.hook !== hook || (base.priority === 'dstnat - 10') !== early) continue;
    const result = evaluate(table, chain, c, sink, 0);
    if (result !== null) return result;
  }
  return null;
}

function evaluate(table: NftTable, chain: NftChain, c: MatchContext, sink: NftSink | null, depth: number): NftResult | null {
  if (depth > 16) return null;
  const { rules } = compiledOf(chain);
  for (const [i, rule] of chain.rules.entries()) {
    const own = rules[i];
    if (own === undefined || !matches(own, c) || !isInSet(table, rule, c)) continue;
    if (rule.update !== undefined) c.noteSeen(rule.update, c.src);
    const { lookup, target } = rule;
    if (lookup?.kind === 'vmap') {
      c.portAsked = true;
      const key = lookup.key === 'proto.dport' ? `${c.protocol} . ${c.dport}` : `${c.dst} . ${c.protocol} . ${c.dport}`;
      const found = table.maps.get(lookup.map)?.elements.get(key);
      if (found === undefined) continue;
      const text = `${key} : ${found.verdict}${found.chain === undefined ? '' : ` ${found.chain}`}`;
      if (found.verdict === 'drop') return { target: { kind: 'drop' }, chain: `@${lookup.map}`, text };
      sink?.(`@${lookup.map}`, text);
      const next = table.chains.get(found.chain ?? '');
      const result = next === undefined ? null : evaluate(table, next, c, sink, depth + 1);
      if (result !== null || found.verdict === 'goto') return result;
      continue;
    }
    if (lookup?.kind === 'numgen') {
      c.volatile = true;
      const picked = c.pick(lookup.chains.length, () => lookup.chains.map((to) => backendOf(table, to)));
      const to = lookup.chains[picked] as string;
      if (lookup.dnat === true) {
        const [address = '', port = ''] = to.split(' . ');
        return { target: { kind: 'dnat', address, port: Number(port) }, chain: chain.name, text: `numgen ${picked} : ${to}` };
      }
      sink?.(chain.name, `numgen ${picked} : goto ${to}`);
      const next = table.chains.get(to);
      return next === undefined ? null : evaluate(table, next, c, sink, depth + 1);
    }
    if (target === undefined || target.kind === 'none') continue;
    if (target.kind === 'mark') {
      c.mark = ((c.mark & ~target.mask) ^ target.value) >>> 0;
      sink?.(chain.name, rule.text);
      continue;
    }
    if (target.kind === 'return') return null;
    if (target.kind !== 'jump' && target.kind !== 'goto') return { target, chain: chain.name, text: rule.text };
    sink?.(chain.name, rule.text);
    const next = table.chains.get(target.chain);
    const result = next === undefined ? null : evaluate(table, next, c, sink, depth + 1);
    if (result !== null || target.kind === 'goto') return result;
  }
  return null;
}

/** The address to which a chain, or an `ADDRESS . PORT`, leads. */
function backendOf(table: NftTable, to: string): string {
  if (to.includes(' . ')) return to.replace(' . ', ':');
  for (const { target } of table.chains.get(to)?.rules ?? []) if (target?.kind === 'dnat') return `${target.address}${target.port === null ? '' : `:${target.port}`}`;
  return to;
}

function isInSet(table: NftTable, { inSet }: NftRule, c: MatchContext): boolean {
  if (inSet === undefined) return true;
  const set = table.sets.get(inSet.set);
  if (set === undefined) return false;
  if (inSet.key === 'sticky') {
    c.volatile = true;
    return c.recentlySeen(inSet.set, c.src, set.timeout ?? 0);
  }
  const key = inSet.key === 'saddr' ? c.src : inSet.key === 'daddr' ? c.dst : `${c.src} . ${c.dst} . ${c.protocol} . ${c.dport}`;
  return set.elements.has(key) !== (inSet.not === true);
}
