// kube-proxy's iptables mode (pkg/proxy/iptables): static chains and jumps on a full sync, the chains of changed Services
// otherwise; chains that nobody uses any more are deleted.

import { type Chain, ensureChain, ensureRule, type TableName, type TableUpdate } from '../../network/netfilter.ts';
import type { Netns } from '../../network/netns.ts';
import type { Place } from '../../sim/trace.ts';
import type { ModeOptions, PendingWrite, ProxyMode, ReadService } from './mode.ts';
import { nodeAddresses } from './node-addresses.ts';
import type { PortContext } from './port-rules.ts';
import { type BookUpdate, RuleBook } from './rule-book.ts';
import { filterChains, JUMPS, KUBE_PROXY_CANARY, natChains, nodePortJumps } from './static-rules.ts';

const TABLES: readonly TableName[] = ['mangle', 'nat', 'filter'];
const SERVICE_CHAIN = /^KUBE-(SVC|SVL|SEP|FW|EXT)-/;

export class IptablesMode implements ProxyMode {
  readonly name = 'iptables';
  readonly #netns: Netns;
  readonly #place: Place;
  readonly #book: RuleBook;
  readonly #static: { readonly nat: readonly Chain[]; readonly filter: readonly Chain[] };

  constructor({ os, netns, config, context }: ModeOptions) {
    this.#netns = netns;
    this.#place = os.place;
    const { masqueradeMark, localhostNodePorts, nodePortAddresses } = config;
    const addresses = nodePortAddresses === null ? null : nodeAddresses(netns, nodePortAddresses, context.nodeIP);
    this.#book = new RuleBook(os.sim, context, nodePortJumps(addresses, localhostNodePorts));
    this.#static = { nat: natChains(masqueradeMark), filter: filterChains(config) };
  }

  get count(): number {
    return this.#book.count;
  }

  setContext(context: PortContext): void {
    this.#book.setContext(context);
  }

  take(keys: Iterable<string>, read: ReadService): PendingWrite {
    const update = this.#book.sync(keys, read);
    const nothing = update.written === 0 && update.nat.chains.length === 0 && (update.nat.remove?.length ?? 0) === 0 && update.filter === null;
    return { size: update.written, nothing, write: (full) => (full ? this.#writeAll() : this.#write(update)) };
  }

  #write(update: BookUpdate): void {
    this.#restore('filter', update.filter);
    this.#restore('nat', update.nat);
  }

  #writeAll(): void {
    this.#writeJumps();
    const lists = this.#book.lists();
    const chains = this.#book.chains();
    const active = new Set(chains.map((chain) => chain.name));
    const stale = this.#netns.rules.chains('nat').flatMap(({ name }) => (SERVICE_CHAIN.test(name) && !active.has(name) ? [name] : []));
    this.#restore('filter', { chains: [...this.#static.filter, ...lists.filter] });
    this.#restore('nat', { chains: [...this.#static.nat, ...chains, ...lists.nat], remove: stale });
  }

  #restore(table: TableName, update: TableUpdate | null): void {
    if (update === null || (update.chains.length === 0 && (update.remove?.length ?? 0) === 0)) return;
    this.#netns.rules.restore(table, update);
    this.#netns.rulesChanged(table);
  }

  /** The chains that do not depend on Services, the jumps into them, and the canaries. */
  #writeJumps(): void {
    for (const { table, from, rule } of JUMPS) {
      if (rule.target.kind === 'jump') ensureChain(this.#netns, table, rule.target.chain, this.#place);
      ensureRule(this.#netns, table, from, rule, 'prepend', this.#place);
    }
    for (const table of TABLES) ensureChain(this.#netns, table, KUBE_PROXY_CANARY, this.#place);
  }

  get isIntact(): boolean {
    return TABLES.every((table) => this.#netns.rules.chain(table, KUBE_PROXY_CANARY) !== undefined);
  }

  onLost(lost: () => void): void {
    for (const table of TABLES) this.#netns.rules.guards.set(`${table}/${KUBE_PROXY_CANARY}`, lost);
  }

  cleanUp(): void {
    if (this.#netns.rulesIfAny?.nft) this.#netns.rules.nft = null;
  }
}
