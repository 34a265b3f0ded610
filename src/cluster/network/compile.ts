// Evaluates chains of rules as the kernel does (net/ipv4/netfilter/ip_tables.c), with an index in front: a rule that names one
// destination address or port is only looked at when the packet has it, so a table of 10,000 Services costs what one costs.

import type { Chain, Netfilter, Rule, TableName, Target } from './netfilter.ts';
import type { Protocol } from './packet.ts';
import { contains, parseCidr, type Cidr } from './ip.ts';

/** What rules look at. The walk fills it in and reads the mark back. */
export interface MatchContext {
  src: string;
  srcInt: number;
  dst: string;
  dstInt: number;
  protocol: Protocol;
  sport: number;
  dport: number;
  mark: number;
  /** '' where the hook has none. */
  inInterface: string;
  outInterface: string;
  ctState: 'NEW' | 'ESTABLISHED' | 'RELATED';
  ctDnat: boolean;
  /** A rule looked at what differs from one connection to the next beside its destination: chance, recent lists, the source port. */
  volatile: boolean;
  /** A rule looked at the destination port. */
  portAsked: boolean;
  isLocal(address: string): boolean;
  /** Whether an ipset has the packet's `dst,dst`, `dst`, `dst,dst,src` … */
  isInSet(name: string, flags: string): boolean;
  /** The packet is really sent: what its passing changes is kept. */
  readonly live: boolean;
  /** A number 0 ≤ x ≤ 1 for a random choice, that of a rule if one makes it. */
  choose(rule?: Rule): number;
  /** One of `count` at random, all alike: its index. `backends` says who they are, for a packet that is written down. */
  pick(count: number, backends: () => readonly string[]): number;
  recentlySeen(list: string, source: string, seconds: number): boolean;
  noteSeen(list: string, source: string): void;
}

/** The rule that ended the evaluation. */
export interface Verdict {
  readonly target: Target;
  readonly rule: Rule;
  readonly chain: string;
  /** Of an nftables rule. */
  readonly text?: string;
}

/** Hears each rule that a recorded evaluation matched, in order. */
export type RuleSink = (table: TableName, chain: string, rule: Rule) => void;

export interface CompiledRule {
  readonly rule: Rule;
  readonly source: Cidr | null;
  readonly notSource: Cidr | null;
  readonly destination: Cidr | null;
  readonly notDestination: Cidr | null;
  /** Has conditions beyond addresses, protocol, ports, mark. */
  readonly more: boolean;
}

export interface CompiledChain {
  readonly name: string;
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly rules: readonly CompiledRule[];
  /** Positions of rules by the one destination they name; null when the chain is short. */
  readonly byAddress: ReadonlyMap<number, readonly number[]> | null;
  readonly byPort: ReadonlyMap<number, readonly number[]>;
  readonly general: readonly number[];
}

const compiledChains = new WeakMap<Chain, CompiledChain>();
const NONE: readonly number[] = [];
const INDEX_FROM = 6;

/** Prepares a chain for evaluation; done once for a chain object. */
export function compileChain(chain: Chain): CompiledChain {
  let compiled = compiledChains.get(chain);
  if (compiled === undefined) {
    compiled = compile(chain);
    compiledChains.set(chain, compiled);
  }
  return compiled;
}

function compile(chain: Chain): CompiledChain {
  const rules = chain.rules.map(compileRule);
  const byAddress = new Map<number, number[]>();
  const byPort = new Map<number, number[]>();
  const general: number[] = [];
  for (const [i, r] of rules.entries()) {
    if (r.destination !== null && r.destination.prefix === 32) add(byAddress, r.destination.int, i);
    else if (r.rule.destinationPort !== undefined) add(byPort, r.rule.destinationPort, i);
    else general.push(i);
  }
  const indexed = rules.length >= INDEX_FROM && general.length < rules.length;
  return { name: chain.name, policy: chain.policy, rules, byAddress: indexed ? byAddress : null, byPort, general };
}

function add(index: Map<number, number[]>, key: number, position: number): void {
  const positions = index.get(key);
  if (positions === undefined) index.set(key, [position]);
  else positions.push(position);
}

function compileRule(rule: Rule): CompiledRule {
  const cidr = (text: string | undefined): Cidr | null => (text === undefined ? null : parseCidr(text));
  return {
    rule,
    source: cidr(rule.source),
    notSource: cidr(rule.notSource),
    destination: cidr(rule.destination),
    notDestination: cidr(rule.notDestination),
    more:
      rule.inInterface !== undefined || rule.notInInterface !== undefined || rule.outInterface !== undefined ||
      rule.notOutInterface !== undefined || rule.destinationType !== undefined || rule.notDestinationType !== undefined ||
      rule.sourceType !== undefined || rule.notSourceType !== undefined || rule.ctStatus !== undefined || rule.notCtState !== undefined || rule.set !== undefined || rule.sets !== undefined || rule.destinationPorts !== undefined ||
      rule.recent !== undefined || rule.probability !== undefined,
  };
}

const MAX_DEPTH = 16;

/**
 * Runs a packet through a chain. Null: no rule decided (a built-in chain's policy applies); marks are set on the way.
 */
export function evaluate(filter: Netfilter, table: TableName, chain: CompiledChain, c: MatchContext, sink: RuleSink | null, depth = 0): Verdict | null {
  if (depth > MAX_DEPTH) return null;
  if (chain.byAddress === null) {
    for (const rule of chain.rules) {
      if (!matches(rule, c)) continue;
      const verdict = apply(filter, table, chain, rule, c, sink, depth);
      if (verdict !== CONTINUE) return verdict;
    }
    return null;
  }
  if (chain.byPort.size > 0) c.portAsked = true;
  // Three ascending lists of positions, merged.
  const a = chain.byAddress.get(c.dstInt) ?? NONE;
  const p = chain.byPort.get(c.dport) ?? NONE;
  const g = chain.general;
  let [i, j, k] = [0, 0, 0];
  for (;;) {
    const x = a[i] ?? Number.MAX_SAFE_INTEGER;
    const y = p[j] ?? Number.MAX_SAFE_INTEGER;
    const z = g[k] ?? Number.MAX_SAFE_INTEGER;
    const next = x < y ? (x < z ? x : z) : y < z ? y : z;
    if (next === Number.MAX_SAFE_INTEGER) return null;
    if (next === x) i++;
    else if (next === y) j++;
    else k++;
    const rule = chain.rules[next] as CompiledRule;
    if (!matches(rule, c)) continue;
    const verdict = apply(filter, table, chain, rule, c, sink, depth);
    if (verdict !== CONTINUE) return verdict;
  }
}

const CONTINUE: unique symbol = Symbol('continue');

/** A verdict; null to leave this chain (RETURN); CONTINUE to go on with the next rule. */
function apply(
  filter: Netfilter, table: TableName, chain: CompiledChain, compiled: CompiledRule, c: MatchContext, sink: RuleSink | null, depth: number,
): Verdict | null | typeof CONTINUE {
  const { rule } = compiled;
  const { target } = rule;
  sink?.(table, chain.name, rule);
  switch (target.kind) {
    case 'jump':
    case 'goto': {
      const next = filter.compiled(table, target.chain);
      const verdict = next === null ? null : evaluate(filter, table, next, c, sink, depth + 1);
      return verdict ?? (target.kind === 'goto' ? null : CONTINUE);
    }
    case 'return':
      return null;
    case 'mark':
      c.mark = ((c.mark & ~target.mask) ^ target.value) >>> 0;
      return CONTINUE;
    case 'none':
      return CONTINUE;
    default:
      return { target, rule, chain: chain.name };
  }
}

/** Whether a packet fits what a rule asks. */
export function matches(r: CompiledRule, c: MatchContext): boolean {
  const { rule } = r;
  if (rule.protocol !== undefined && rule.protocol !== c.protocol) return false;
  if (rule.destinationPort !== undefined) {
    c.portAsked = true;
    if (rule.destinationPort !== c.dport) return false;
  }
  if (r.destination !== null && !contains(r.destination, c.dstInt)) return false;
  if (r.source !== null && !contains(r.source, c.srcInt)) return false;
  if (r.notSource !== null && contains(r.notSource, c.srcInt)) return false;
  if (r.notDestination !== null && contains(r.notDestination, c.dstInt)) return false;
  if (rule.sourcePort !== undefined) {
    c.volatile = true;
    if (rule.sourcePort !== c.sport) return false;
  }
  if (rule.mark !== undefined && ((c.mark & rule.mark.mask) >>> 0 === rule.mark.value >>> 0) === (rule.mark.not === true)) return false;
  if (rule.ctState !== undefined && !rule.ctState.includes(c.ctState)) return false;
  return !r.more || matchesMore(rule, c);
}

function matchesMore(rule: Rule, c: MatchContext): boolean {
  if (rule.inInterface !== undefined && !nameMatches(rule.inInterface, c.inInterface)) return false;
  if (rule.notInInterface !== undefined && nameMatches(rule.notInInterface, c.inInterface)) return false;
  if (rule.outInterface !== undefined && !nameMatches(rule.outInterface, c.outInterface)) return false;
  if (rule.notOutInterface !== undefined && nameMatches(rule.notOutInterface, c.outInterface)) return false;
  if (rule.destinationType !== undefined && !c.isLocal(c.dst)) return false;
  if (rule.notDestinationType !== undefined && c.isLocal(c.dst)) return false;
  if (rule.sourceType !== undefined && !c.isLocal(c.src)) return false;
  if (rule.notSourceType !== undefined && c.isLocal(c.src)) return false;
  if (rule.ctStatus !== undefined && !c.ctDnat) return false;
  if (rule.set !== undefined && !c.isInSet(rule.set.name, rule.set.flags)) return false;
  if (rule.destinationPorts !== undefined) {
    c.portAsked = true;
    if (c.protocol === 'icmp' || !rule.destinationPorts.some((p) => (typeof p === 'number' ? p === c.dport : p[0] <= c.dport && c.dport <= p[1]))) return false;
  }
  if (rule.sets !== undefined) for (const set of rule.sets) if (c.isInSet(set.name, set.flags) === (set.not === true)) return false;
  if (rule.notCtState !== undefined && (rule.notCtState.includes(c.ctState) || (c.ctDnat && rule.notCtState.includes('DNAT')))) return false;
  if (rule.probability !== undefined) {
    c.volatile = true;
    if (c.choose(rule) >= rule.probability) return false;
  }
  if (rule.recent !== undefined) {
    c.volatile = true;
    const { action, name, seconds = 10_800 } = rule.recent;
    if (action === 'set') c.noteSeen(name, c.src);
    else if (!c.recentlySeen(name, c.src, seconds)) return false;
  }
  return true;
}

function nameMatches(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
