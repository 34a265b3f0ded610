// netfilter as iptables shows it: tables of chains of rules, as data. A chain's rules are compiled once and shared by all
// namespaces that hold the same chain object, so 5,000 nodes with the same Services hold one table.

import type { Place } from '../sim/trace.ts';
import { compileChain, type CompiledChain } from './compile.ts';
import { formatRule } from './iptables-format.ts';
import type { Ipvs } from './ipvs.ts';
import type { Netns } from './netns.ts';
import type { NftTable } from './nftables.ts';

export type TableName = 'nat' | 'filter' | 'mangle' | 'raw';

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

/** The matches are printed in the order in which a rule names them, as iptables keeps them. */
export interface Rule {
  readonly comment?: string;
  /** Several of them, one `-m comment` each. */
  readonly comments?: readonly string[];
  /** An address, or a prefix such as 10.244.0.0/16. */
  readonly source?: string;
  readonly notSource?: string;
  readonly destination?: string;
  readonly notDestination?: string;
  readonly protocol?: 'tcp' | 'udp' | 'icmp' | 'sctp' | 'ipencap';
  /** `-m tcp` without a port. */
  readonly protocolModule?: true;
  readonly destinationPort?: number;
  readonly sourcePort?: number;
  /** -m multiport --dports: ports, or ranges from the first to the last. */
  readonly destinationPorts?: readonly (number | readonly [first: number, last: number])[];
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
  readonly ctState?: readonly ('NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'DNAT')[];
  readonly notCtState?: readonly ('NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'DNAT')[];
  readonly ctStatus?: 'DNAT';
  /** -m set --match-set. */
  readonly set?: { readonly name: string; readonly flags: string };
  /** Several of them: all must fit. */
  readonly sets?: readonly { readonly name: string; readonly flags: string; readonly not?: true }[];
  /** -m rpfilter --validmark --invert: the answer would not go back this way. Of the raw table, which the walk does not ask. */
  readonly rpfilter?: true;
  /** -m nfacct: a counter that the packet passes. */
  readonly nfacct?: string;
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
  raw: ['PREROUTING', 'OUTPUT'],
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

export interface Ipset {
  readonly type: string;
  readonly elements: ReadonlySet<string>;
  /** As it was made with; default 65536. */
  readonly maxElements?: number;
}

interface Entry {
  readonly chain: Chain;
  compiled: CompiledChain | null;
}

const TABLES: readonly TableName[] = ['nat', 'filter', 'mangle', 'raw'];

/** The rules of one namespace. */
export class Netfilter {
  readonly #tables: Record<TableName, Map<string, Entry>> = { nat: new Map(), filter: new Map(), mangle: new Map(), raw: new Map() };
  /** Grows with every change. */
  revision = 0;
  /** Virtual servers of the kernel, if anybody made some. */
  ipvs: Ipvs | null = null;
  /** ipset(8): elements as printed, by name. */
  readonly ipsets = new Map<string, Ipset>();
  /** The tables that nft(8) shows beside those of iptables, if anybody made some. */
  nft: NftTable | null = null;
  /** Who wants to hear that a chain was deleted, by `table/chain` (upstream asks for its canary every half minute). */
  readonly guards = new Map<string, () => void>();
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
      const old = [...this.#tables[table].keys()];
      this.#tables[table].clear();
      if (this.guards.size > 0) for (const name of old) this.guards.get(`${table}/${name}`)?.();
      for (const name of BUILT_IN[table]) this.#put(table, { name, policy: 'ACCEPT', rules: [] });
    }
    for (const name of update.remove ?? []) {
      if (this.#tables[table].delete(name) && this.guards.size > 0) this.guards.get(`${table}/${name}`)?.();
    }
    for (const chain of update.chains) this.#put(table, chain);
    this.revision++;
  }

  /** nft(8) has changed its tables. */
  replaceNft(table: NftTable | null): void {
    this.nft = table;
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
