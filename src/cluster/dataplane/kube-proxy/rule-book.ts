// What one kube-proxy has written into its node's tables, and what it has to write next: a sync touches the chains of the
// Services that changed and nothing else. The two long chains over all Services are shared by all nodes with the same
// content, and are only written out when a packet or a person reads them.

import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import type { Chain, Rule, TableUpdate } from '../../network/netfilter.ts';
import { hash32 } from '../../sim/random.ts';
import type { Simulation } from '../../sim/simulation.ts';
import { type PortContext, type PortRules, portRules } from './port-rules.ts';
import { endpointsOf, type ServicePortInfo, servicePorts } from './service-ports.ts';
import { KUBE_EXTERNAL_SERVICES, KUBE_NODEPORTS, KUBE_PROXY_FIREWALL, KUBE_SERVICES } from './static-rules.ts';

export interface BookUpdate {
  readonly nat: TableUpdate;
  /** Null: the filter table stays as it is. */
  readonly filter: TableUpdate | null;
  /** Rules written. */
  readonly written: number;
}

interface Entry {
  readonly ports: readonly PortRules[];
}

type NatList = 'services' | 'nodePorts';
type FilterList = 'refused' | 'refusedExternally' | 'firewall' | 'healthChecks';
type List = NatList | FilterList;
const NAT_LISTS: readonly NatList[] = ['services', 'nodePorts'];
const FILTER_LISTS: readonly FilterList[] = ['refused', 'refusedExternally', 'firewall', 'healthChecks'];
const LISTS: readonly List[] = [...NAT_LISTS, ...FILTER_LISTS];

/** More endpoints than this make a cluster large (largeClusterEndpointsThreshold). */
const LARGE_CLUSTER = 1000;

export class RuleBook {
  #context: PortContext;
  readonly #entries = new Map<string, Entry>();
  readonly #lists: Readonly<Record<List, RuleList>>;
  /** Rules in the chains of the Services. */
  #count = 0;
  #endpoints = 0;

  /** `lastOfServices`: what stands at the end of KUBE-SERVICES. */
  constructor(sim: Simulation, context: PortContext, lastOfServices: readonly Rule[]) {
    this.#context = context;
    const shared = sharedChainsOf(sim);
    this.#lists = {
      services: new RuleList(shared, KUBE_SERVICES, lastOfServices),
      nodePorts: new RuleList(shared, KUBE_NODEPORTS, []),
      refused: new RuleList(shared, KUBE_SERVICES, []),
      refusedExternally: new RuleList(shared, KUBE_EXTERNAL_SERVICES, []),
      firewall: new RuleList(shared, KUBE_PROXY_FIREWALL, []),
      healthChecks: new RuleList(shared, KUBE_NODEPORTS, []),
    };
  }

  setContext(context: PortContext): void {
    this.#context = context;
  }

  /** Rules in the nat table that depend on Services. */
  get count(): number {
    return this.#count;
  }

  get services(): number {
    return this.#entries.size;
  }

  /** The update that writes the lists as they are: for the first sync. */
  lists(): { readonly nat: readonly Chain[]; readonly filter: readonly Chain[] } {
    return {
      nat: NAT_LISTS.map((list) => this.#lists[list].chain()),
      filter: FILTER_LISTS.map((list) => this.#lists[list].chain()),
    };
  }

  /** The chains of all Services: to write them anew after somebody flushed the tables. */
  chains(): Chain[] {
    return [...this.#entries.values()].flatMap((entry) => entry.ports.flatMap((rules) => rules.chains));
  }

  /** Takes over Services that may have changed. `read` gives a Service and its slices as they are now. */
  sync(
    keys: Iterable<string>,
    read: (key: string) => { readonly service: Service | undefined; readonly slices: readonly EndpointSlice[] },
  ): BookUpdate {
    const chains: Chain[] = [];
    const remove: string[] = [];
    let written = 0;
    for (const key of keys) {
      const { service, slices } = read(key);
      const ports = service ? servicePorts(service) : [];
      const next = ports.map((port: ServicePortInfo) => portRules(port, endpointsOf(slices, port), this.#context, this.#endpoints > LARGE_CLUSTER));
      written += this.#replace(key, next, chains, remove);
    }
    for (const list of NAT_LISTS) {
      const rules = this.#lists[list];
      if (rules.takeChanged()) chains.push(rules.chain());
    }
    const filter: Chain[] = [];
    for (const list of FILTER_LISTS) {
      const rules = this.#lists[list];
      if (rules.takeChanged()) filter.push(rules.chain());
    }
    return { nat: { chains, remove }, filter: filter.length === 0 ? null : { chains: filter }, written };
  }

  #replace(key: string, next: readonly PortRules[], chains: Chain[], remove: string[]): number {
    const before = this.#entries.get(key)?.ports ?? [];
    if (before.length === next.length && before.every((rules, i) => rules === next[i])) return 0;
    for (const list of LISTS) this.#lists[list].replace(key, before, next, list);
    for (const rules of before) {
      this.#count -= rules.count;
      this.#endpoints -= rules.total;
    }
    for (const rules of next) {
      this.#count += rules.count;
      this.#endpoints += rules.total;
    }
    const difference = differenceOf(before, next);
    for (const chain of difference.chains) chains.push(chain);
    for (const name of difference.remove) remove.push(name);
    if (next.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, { ports: next });
    return difference.written;
  }
}

/** From one version of a Service's rules to another. */
interface Difference {
  readonly before: readonly PortRules[];
  readonly next: readonly PortRules[];
  readonly chains: readonly Chain[];
  readonly remove: readonly string[];
  readonly written: number;
}

/** Of the last few steps, by the first port's rules: all proxies take the same steps, one after the other. */
const differences = new WeakMap<PortRules, Difference[]>();
const REMEMBERED_STEPS = 4;

function differenceOf(before: readonly PortRules[], next: readonly PortRules[]): Difference {
  const [first] = next;
  if (first === undefined) return compare(before, next);
  let steps = differences.get(first);
  if (!steps) differences.set(first, (steps = []));
  let step = steps.find((s) => sameItems(s.before, before) && sameItems(s.next, next));
  if (step) return step;
  step = compare(before, next);
  steps.unshift(step);
  if (steps.length > REMEMBERED_STEPS) steps.pop();
  return step;
}

const sameItems = (a: readonly PortRules[], b: readonly PortRules[]): boolean => a.length === b.length && a.every((rules, i) => rules === b[i]);

function compare(before: readonly PortRules[], next: readonly PortRules[]): Difference {
  const old = new Map<string, Chain>();
  for (const rules of before) for (const chain of rules.chains) old.set(chain.name, chain);
  const chains: Chain[] = [];
  let written = 0;
  for (const rules of next) {
    for (const chain of rules.chains) {
      if (old.get(chain.name) !== chain) {
        chains.push(chain);
        written += 'length' in chain ? (chain.length as number) : chain.rules.length;
      }
      old.delete(chain.name);
    }
  }
  return { before, next, chains, remove: [...old.keys()], written };
}

/** The rules of all Services for one long chain. Its content is named by a sum of hashes, so that equal lists share a chain. */
class RuleList {
  readonly #shared: SharedChains;
  readonly #name: string;
  readonly #tail: readonly Rule[];
  readonly #tailKey: number;
  readonly #parts = new Map<string, readonly Rule[]>();
  #sum = 0;
  #changed = false;
  #lent: SharedChain | null = null;

  constructor(shared: SharedChains, name: string, tail: readonly Rule[]) {
    this.#shared = shared;
    this.#name = name;
    this.#tail = tail;
    this.#tailKey = tail.reduce((sum, rule) => add(sum, identity(rule)), 0);
  }

  replace(key: string, before: readonly PortRules[], next: readonly PortRules[], list: List): void {
    if (before.length === next.length && before.every((rules, i) => sameRules(rules[list], (next[i] as PortRules)[list]))) return;
    const parts = next.flatMap((rules) => rules[list]);
    const old = this.#parts.get(key);
    if (old === undefined && parts.length === 0) return;
    // Whoever holds the chain of the old content must see the old content.
    this.#lent?.settle();
    this.#lent = null;
    for (const rule of old ?? []) this.#sum = add(this.#sum, -identity(rule));
    for (const rule of parts) this.#sum = add(this.#sum, identity(rule));
    if (parts.length === 0) this.#parts.delete(key);
    else this.#parts.set(key, parts);
    this.#changed = true;
  }

  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  chain(): Chain {
    const key = `${this.#name} ${this.#tailKey} ${this.#parts.size} ${this.#sum}`;
    const found = this.#shared.get(key);
    if (found) return found;
    const made = new SharedChain(this.#name, () => [...[...this.#parts.values()].flat(), ...this.#tail]);
    this.#lent = made;
    this.#shared.set(key, made);
    return made;
  }
}

/** A chain whose rules are written out when they are read, or just before the list they come from changes. */
class SharedChain implements Chain {
  readonly name: string;
  #derive: (() => readonly Rule[]) | null;
  #rules: readonly Rule[] | null = null;

  constructor(name: string, derive: () => readonly Rule[]) {
    this.name = name;
    this.#derive = derive;
  }

  get rules(): readonly Rule[] {
    this.settle();
    return this.#rules as readonly Rule[];
  }

  settle(): void {
    if (this.#derive === null) return;
    this.#rules = this.#derive();
    this.#derive = null;
  }
}

const sameRules = (a: readonly Rule[], b: readonly Rule[]): boolean =>
  a.length === b.length && a.every((rule, i) => identity(rule) === identity(b[i] as Rule));

/** A number that stands for a rule's content: 48 bits of hash. */
const identities = new WeakMap<Rule, number>();
function identity(rule: Rule): number {
  let id = identities.get(rule);
  if (id === undefined) {
    const { target } = rule;
    const text = `${rule.destination} ${rule.notDestination} ${rule.protocol} ${rule.destinationPort} ${rule.comment} ${target.kind} ${'chain' in target ? target.chain : ''}`;
    id = hash32(text) * 0x1_0000 + (hash32(text, 0x01234567) & 0xffff);
    identities.set(rule, id);
  }
  return id;
}

const MODULUS = 2 ** 48;
const add = (sum: number, value: number): number => (((sum + value) % MODULUS) + MODULUS) % MODULUS;

/** The chains that the proxies of one cluster share; a few versions are kept. */
class SharedChains {
  readonly #chains = new Map<string, SharedChain>();

  get(key: string): SharedChain | undefined {
    return this.#chains.get(key);
  }

  set(key: string, chain: SharedChain): void {
    this.#chains.set(key, chain);
    if (this.#chains.size <= REMEMBERED_CHAINS) return;
    const oldest = this.#chains.keys().next().value as string;
    this.#chains.delete(oldest);
  }
}

const REMEMBERED_CHAINS = 32;
const shared = new WeakMap<Simulation, SharedChains>();

function sharedChainsOf(sim: Simulation): SharedChains {
  let chains = shared.get(sim);
  if (!chains) shared.set(sim, (chains = new SharedChains()));
  return chains;
}
