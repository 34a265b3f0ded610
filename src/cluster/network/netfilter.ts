// netfilter as iptables shows it: tables of chains of rules, as data. A chain's rules are compiled once and shared by all
// namespaces that hold the same chain object, so 5,000 nodes with the same Services hold one table.

import type { Place } from '../sim/trace.ts';
import { compileChain, type CompiledChain } from './compile.ts';
import type { Netns } from './netns.ts';

export type TableName = 'nat' | 'filter' | 'mangle';

export type Target =
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** --reject-with; default icmp-port-unreachable. */
  | { readonly kind: 'reject'; readonly with?: 'icmp-port-unreachable' | 'tcp-reset' | 'icmp-admin-prohibited' | 'icmp-host-prohibited' }
  /** `port` null keeps the packet's. */
  | { readonly kind: 'dnat'; readonly address: string; readonly port: number | null; readonly random?: boolean }
  | { readonly kind: 'snat'; readonly address: string; readonly randomFully?: boolean }
  | { readonly kind: 'masquerade'; readonly randomFully?: boolean }
  /** mark = (mark & ~mask) ^ value, as MARK --set-xmark value/mask. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  /** The rule only matches and counts (`-m recent --set` without -j). */
  | { readonly kind: 'none' };

export interface Rule {
  readonly comment?: string;
  /** An address, or a prefix such as 10.244.0.0/16. */
  readonly source?: string;
  readonly notSource?: string;
  readonly destination?: string;
  readonly notDestination?: string;
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  readonly destinationPort?: number;
  readonly sourcePort?: number;
  /** A trailing `+` matches any rest. */
  readonly inInterface?: string;
  readonly notInInterface?: string;
  readonly outInterface?: string;
  readonly notOutInterface?: string;
  /** -m addrtype --dst-type / --src-type. */
  readonly destinationType?: 'LOCAL';
  readonly notDestinationType?: 'LOCAL';
  readonly sourceType?: 'LOCAL';
  readonly notSourceType?: 'LOCAL';
  /** -m mark --mark value/mask. */
  readonly mark?: { readonly value: number; readonly mask: number; readonly not?: boolean };
  /** -m conntrack --ctstate. */
  readonly ctState?: readonly ('NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID')[];
  readonly ctStatus?: 'DNAT';
  /** -m statistic --mode random --probability. */
  readonly probability?: number;
  /** -m recent: `check` matches a source address seen within `seconds`, `set` notes it (ClientIP session affinity). */
  readonly recent?: { readonly action: 'check' | 'set'; readonly name: string; readonly seconds?: number };
  readonly target: Target;
}

/** A built-in chain has a policy. `rules` may be a getter that derives the rules when somebody looks. */
export interface Chain {
  readonly name: string;
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly rules: readonly Rule[];
}

export const BUILT_IN: Readonly<Record<TableName, readonly string[]>> = {
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
};

/** What `iptables-restore` is given for one table. */
export interface TableUpdate {
  /** Chains with their new content; they replace those of the same name. */
  readonly chains: readonly Chain[];
  /** Chains to delete (-X). */
  readonly remove?: readonly string[];
  /** False (the default) is --noflush: chains that are not named stay. True empties the table first. */
  readonly flush?: boolean;
}

interface Entry {
  readonly chain: Chain;
  compiled: CompiledChain | null;
}

const TABLES: readonly TableName[] = ['nat', 'filter', 'mangle'];

/** The rules of one namespace. */
export class Netfilter {
  readonly #tables: Record<TableName, Map<string, Entry>> = { nat: new Map(), filter: new Map(), mangle: new Map() };
  /** Grows with every change. */
  revision = 0;
  /** `-m recent` lists: name → source address → when it was seen last. */
  readonly recent = new Map<string, Map<string, number>>();

  constructor() {
    for (const table of TABLES) {
      for (const name of BUILT_IN[table]) this.#put(table, { name, policy: 'ACCEPT', rules: [] });
    }
  }

  /** The chain, if it is there. */
  chain(table: TableName, name: string): Chain | undefined {
    return this.#tables[table].get(name)?.chain;
  }

  /** How many chains a table has. */
  count(table: TableName): number {
    return this.#tables[table].size;
  }

  /** All chains of a table in the order in which they were made; built-in ones first. */
  chains(table: TableName): Chain[] {
    return [...this.#tables[table].values()].map((e) => e.chain);
  }

  /** For the walk: a chain ready to evaluate. */
  compiled(table: TableName, name: string): CompiledChain | null {
    const entry = this.#tables[table].get(name);
    if (entry === undefined) return null;
    return (entry.compiled ??= compileChain(entry.chain));
  }

  /** iptables-restore of one table. */
  restore(table: TableName, update: TableUpdate): void {
    if (update.flush) {
      this.#tables[table].clear();
      for (const name of BUILT_IN[table]) this.#put(table, { name, policy: 'ACCEPT', rules: [] });
    }
    for (const name of update.remove ?? []) this.#tables[table].delete(name);
    for (const chain of update.chains) this.#put(table, chain);
    this.revision++;
  }

  /** iptables -F and -X of everything. */
  flush(): void {
    for (const table of TABLES) this.restore(table, { chains: [], flush: true });
    this.recent.clear();
  }

  #put(table: TableName, chain: Chain): void {
    const old = this.#tables[table].get(chain.name);
    if (old?.chain === chain) return;
    const policy = chain.policy ?? old?.chain.policy;
    const kept = policy === chain.policy || policy === undefined ? chain : { name: chain.name, policy, rules: chain.rules };
    this.#tables[table].set(chain.name, { chain: kept, compiled: null });
  }
}

/** iptables-restore: replaces chains of several tables at once. `by` is who does it, for the trace. */
export function replaceTables(netns: Netns, updates: Readonly<Partial<Record<TableName, TableUpdate>>>, by?: Place): void {
  for (const table of TABLES) {
    const update = updates[table];
    if (update === undefined) continue;
    netns.rules.restore(table, update);
    rulesChanged(netns, table, 'restore', by);
  }
}

/** `iptables -N`: makes an empty chain when it is not there. */
export function ensureChain(netns: Netns, table: TableName, name: string, by?: Place): void {
  if (netns.rules.chain(table, name) !== undefined) return;
  netns.rules.restore(table, { chains: [{ name, rules: [] }] });
  rulesChanged(netns, table, 'new-chain', by);
}

/** `iptables -C || iptables -I/-A`: true when the rule was added, false when an equal one was there already. */
export function ensureRule(netns: Netns, table: TableName, chain: string, rule: Rule, position: 'prepend' | 'append' = 'append', by?: Place): boolean {
  const old = netns.rules.chain(table, chain);
  if (old === undefined) throw new Error(`iptables: No chain/target/match by that name.`);
  const text = formatRule(chain, rule);
  if (old.rules.some((r) => r === rule || formatRule(chain, r) === text)) return false;
  const rules = position === 'prepend' ? [rule, ...old.rules] : [...old.rules, rule];
  netns.rules.restore(table, { chains: [{ name: chain, rules }] });
  rulesChanged(netns, table, position, by);
  return true;
}

/** `iptables -D`: true when an equal rule was there. */
export function deleteRule(netns: Netns, table: TableName, chain: string, rule: Rule, by?: Place): boolean {
  const old = netns.rules.chain(table, chain);
  const text = formatRule(chain, rule);
  const at = old?.rules.findIndex((r) => r === rule || formatRule(chain, r) === text) ?? -1;
  if (old === undefined || at < 0) return false;
  netns.rules.restore(table, { chains: [{ name: chain, rules: old.rules.toSpliced(at, 1) }] });
  rulesChanged(netns, table, 'delete', by);
  return true;
}

function rulesChanged(netns: Netns, table: TableName, verb: string, by: Place | undefined): void {
  const { sim } = netns.machine;
  const revision = netns.rules.revision;
  sim.trace.emit(sim.cause, {
    kind: 'network',
    verb: `rules-${verb}`,
    from: by ?? netns.machine.place,
    to: netns.machine.place,
    start: sim.now,
    detail: { netns: netns.name, table },
    change: {
      key: netns.name === 'host' ? `rules/${netns.machine.name}/${table}` : `rules/${netns.machine.name}/${netns.name}/${table}`,
      before: { revision: revision - 1 },
      after: { revision, count: netns.rules.count(table) },
    },
  });
  netns.rulesChanged(table);
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;

/** A prefix as iptables-save prints it. */
const prefixed = (cidr: string): string => (cidr.includes('/') ? cidr : `${cidr}/32`);

const quoted = (text: string): string => (/[^A-Za-z0-9_./:-]/.test(text) ? `"${text}"` : text);

/** One rule in the form of iptables-save. */
export function formatRule(chain: string, r: Rule): string {
  let out = `-A ${chain}`;
  if (r.source !== undefined) out += ` -s ${prefixed(r.source)}`;
  if (r.notSource !== undefined) out += ` ! -s ${prefixed(r.notSource)}`;
  if (r.destination !== undefined) out += ` -d ${prefixed(r.destination)}`;
  if (r.notDestination !== undefined) out += ` ! -d ${prefixed(r.notDestination)}`;
  if (r.inInterface !== undefined) out += ` -i ${r.inInterface}`;
  if (r.notInInterface !== undefined) out += ` ! -i ${r.notInInterface}`;
  if (r.outInterface !== undefined) out += ` -o ${r.outInterface}`;
  if (r.notOutInterface !== undefined) out += ` ! -o ${r.notOutInterface}`;
  if (r.protocol !== undefined) out += ` -p ${r.protocol}`;
  if (r.ctState !== undefined) out += ` -m conntrack --ctstate ${r.ctState.join(',')}`;
  if (r.ctStatus !== undefined) out += ` -m conntrack --ctstatus ${r.ctStatus}`;
  if (r.comment !== undefined) out += ` -m comment --comment ${quoted(r.comment)}`;
  if (r.sourcePort !== undefined) out += ` -m ${r.protocol} --sport ${r.sourcePort}`;
  if (r.destinationPort !== undefined) out += ` -m ${r.protocol} --dport ${r.destinationPort}`;
  if (r.destinationType !== undefined) out += ` -m addrtype --dst-type ${r.destinationType}`;
  if (r.notDestinationType !== undefined) out += ` -m addrtype ! --dst-type ${r.notDestinationType}`;
  if (r.sourceType !== undefined) out += ` -m addrtype --src-type ${r.sourceType}`;
  if (r.notSourceType !== undefined) out += ` -m addrtype ! --src-type ${r.notSourceType}`;
  if (r.mark !== undefined) out += ` -m mark${r.mark.not ? ' !' : ''} --mark ${hex(r.mark.value)}/${hex(r.mark.mask)}`;
  if (r.recent?.action === 'check') out += ` -m recent --rcheck --seconds ${r.recent.seconds ?? 10800} --reap --name ${r.recent.name} --mask 255.255.255.255 --rsource`;
  if (r.recent?.action === 'set') out += ` -m recent --set --name ${r.recent.name} --mask 255.255.255.255 --rsource`;
  if (r.probability !== undefined) out += ` -m statistic --mode random --probability ${r.probability.toFixed(11)}`;
  return out + formatTarget(r.target);
}

function formatTarget(t: Target): string {
  switch (t.kind) {
    case 'accept':
    case 'drop':
    case 'return':
      return ` -j ${t.kind.toUpperCase()}`;
    case 'jump':
      return ` -j ${t.chain}`;
    case 'goto':
      return ` -g ${t.chain}`;
    case 'reject':
      return ` -j REJECT --reject-with ${t.with ?? 'icmp-port-unreachable'}`;
    case 'dnat':
      return ` -j DNAT --to-destination ${t.address}${t.port === null ? '' : `:${t.port}`}${t.random ? ' --random' : ''}`;
    case 'snat':
      return ` -j SNAT --to-source ${t.address}${t.randomFully ? ' --random-fully' : ''}`;
    case 'masquerade':
      return ` -j MASQUERADE${t.randomFully ? ' --random-fully' : ''}`;
    case 'mark':
      return ` -j MARK --set-xmark ${hex(t.value)}/${hex(t.mask)}`;
    case 'none':
      return '';
  }
}

/** `iptables-save`: all tables that have a rule or a chain of their own. Counters are not kept: always [0:0]. */
export function iptablesSave(netns: Netns): string {
  const out: string[] = [];
  for (const table of ['mangle', 'filter', 'nat'] as const) {
    const chains = netns.rules.chains(table);
    if (chains.length === BUILT_IN[table].length && chains.every((c) => c.rules.length === 0)) continue;
    const builtIn = BUILT_IN[table];
    const ordered = [
      ...builtIn.map((name) => netns.rules.chain(table, name) as Chain),
      ...chains.filter((c) => !builtIn.includes(c.name)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    ];
    out.push('# Generated by iptables-save v1.8.9 (nf_tables)', `*${table}`);
    for (const c of ordered) out.push(`:${c.name} ${builtIn.includes(c.name) ? (c.policy ?? 'ACCEPT') : '-'} [0:0]`);
    for (const c of ordered) for (const r of c.rules) out.push(formatRule(c.name, r));
    out.push('COMMIT', '# Completed');
  }
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}
