// nftables as nft(8) shows it: one table of sets, maps and chains. A rule has its text, what it asks of the packet, and what
// it does; verdict maps are looked up by key, however long they are.

import type { MatchContext } from './compile.ts';
import type { Rule, Target } from './netfilter.ts';

export interface NftSet {
  readonly name: string;
  readonly comment?: string;
  /** `type ipv4_addr . inet_proto . inet_service`. */
  readonly type: string;
  readonly flags?: string;
  /** Elements live so long after they were touched: seconds. */
  readonly timeout?: number;
  /** Keys in their printed form; the value is the comment's text, or '' . */
  readonly elements: Map<string, string>;
}

/** The value of an element: where it leads, and its comment. */
export interface NftVerdict {
  readonly verdict: 'goto' | 'drop' | 'jump';
  readonly chain?: string;
  readonly comment?: string;
}

export interface NftMap {
  readonly name: string;
  readonly comment?: string;
  readonly type: string;
  readonly elements: Map<string, NftVerdict>;
}

/** The keys of verdict maps that kube-proxy uses, and `numgen`. */
export type NftLookup =
  | { readonly kind: 'vmap'; readonly key: 'daddr.proto.dport' | 'proto.dport'; readonly map: string }
  /** One of these chains at random, or with `dnat` one of these `ADDRESS . PORT`. */
  | { readonly kind: 'numgen'; readonly chains: readonly string[]; readonly dnat?: true };

export interface NftRule {
  readonly text: string;
  readonly match?: Omit<Rule, 'target'>;
  /** `ip saddr @set` and so on: elements by their printed keys; `sticky`: the source was seen within the set's timeout. */
  readonly inSet?: { readonly key: 'saddr' | 'daddr' | 'saddr.daddr.proto.dport' | 'sticky'; readonly set: string; readonly not?: boolean };
  readonly lookup?: NftLookup;
  /** `update @set { ip saddr }`. */
  readonly update?: string;
  readonly target?: Target;
}

export interface NftChain {
  readonly name: string;
  readonly comment?: string;
  /** A base chain: where the kernel calls it. */
  readonly hook?: { readonly type: 'nat' | 'filter'; readonly hook: string; readonly priority: string };
  readonly rules: readonly NftRule[];
}

export interface NftResult {
  readonly target: Target;
  readonly chain: string;
  /** The rule that decided, or the element of a map. */
  readonly text: string;
}

/** Hears each rule that led on. */
export type NftSink = (chain: string, text: string) => void;

export interface NftTable {
  /** Runs a packet through the base chains at a hook; `early`: those before destinations are translated. */
  run(type: 'nat' | 'filter', hook: string, early: boolean, c: MatchContext, sink: NftSink | null): NftResult | null;
  readonly family: 'ip';
  readonly name: string;
  readonly comment: string;
  readonly sets: Map<string, NftSet>;
  readonly maps: Map<string, NftMap>;
  readonly chains: Map<string, NftChain>;
}
