// Felix' calculation: what this node's tables must hold, given the Pods, policies and pools of the cluster (felix/calc). Only
// policies that select a Pod of this node are written, and only the sets that their rules ask.

import type { Chain, Ipset, TableName } from '../../../network/netfilter.ts';
import { ipsetName } from '../names.ts';
import { type Policy, policyId } from '../policy.ts';
import type { Labels } from '../selector.ts';
import { dispatchChains, endpointChains } from './endpoint-chains.ts';
import { policyChain, profileChain, type SetQuery } from './policy-chains.ts';
import { chainOf, type FelixChain } from './rule.ts';
import { HOOKS, SETS, staticChains, type StaticOptions } from './static-chains.ts';
import type { Workload } from './workloads.ts';

export interface Pool {
  readonly cidr: string;
  readonly natOutgoing: boolean;
  readonly vxlan: boolean;
}

/** Addresses that policies can select by labels, though no Pod has them. */
export interface NetworkSet {
  readonly labels: Labels;
  readonly nets: readonly string[];
}

export interface Inputs {
  readonly node: string;
  readonly workloads: Iterable<Workload>;
  readonly policies: Iterable<Policy>;
  readonly networkSets: Iterable<NetworkSet>;
  readonly pools: readonly Pool[];
  /** Of this node. */
  readonly hostAddresses: readonly string[];
  /** Of all nodes. */
  readonly nodeAddresses: readonly string[];
  readonly endpointToHost: StaticOptions['endpointToHost'];
}

export interface Tables {
  readonly chains: Readonly<Record<TableName, readonly Chain[]>>;
  readonly sets: ReadonlyMap<string, Ipset>;
  /** The Pods of this node that have an address, by interface. */
  readonly local: ReadonlyMap<string, Workload>;
}

const MAX_ELEMENTS = 1_048_576;
const TABLES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter'];

/** Calculates again and again; chains that come out the same stay the same objects. */
export class Calculation {
  #known = new Map<string, { readonly made: FelixChain; readonly key: string; readonly chain: Chain }>();
  #endpoints = new Map<string, { readonly workload: Workload; readonly policies: readonly Policy[]; readonly chains: readonly FelixChain[] }>();
  #fixed: { readonly key: string; readonly chains: Readonly<Record<TableName, readonly FelixChain[]>> } | null = null;

  run(inputs: Inputs): Tables {
    const workloads = [...inputs.workloads];
    const policies = [...inputs.policies].sort(byPrecedence);
    const local = workloads.filter((w) => w.node === inputs.node && w.address !== null);
    const queries = new Map<string, SetQuery>();
    const ask = (query: SetQuery): void => void queries.set(query.id, query);
    const active = new Set<Policy>();
    const profiles = new Set<string>();
    const filter: FelixChain[] = [];
    for (const workload of local) {
      const own = policies.filter((p) => p.selector.matches(workload.labels));
      for (const policy of own) active.add(policy);
      for (const profile of workload.profiles) profiles.add(profile);
      filter.push(...this.#endpointChains(workload, own));
    }
    if (this.#endpoints.size > 2 * local.length + 16) this.#endpoints.clear();
    for (const policy of active) filter.push(policyChain(policy, 'ingress', ask), policyChain(policy, 'egress', ask));
    for (const profile of profiles) filter.push(profileChain(profile, 'ingress'), profileChain(profile, 'egress'));
    filter.push(...dispatchChains(local.map((w) => w.interface)));

    const { pools, endpointToHost } = inputs;
    const fixed = this.#fixedChains({ vxlan: pools.some((p) => p.vxlan), natOutgoing: pools.some((p) => p.natOutgoing), endpointToHost });
    const chains = Object.fromEntries(
      TABLES.map((table) => [table, this.#kernelChains(table, table === 'filter' ? [...fixed.filter, ...filter] : fixed[table])]),
    ) as unknown as Record<TableName, Chain[]>;
    return { chains, sets: this.#sets(inputs, workloads, queries), local: new Map(local.map((w) => [w.interface, w])) };
  }

  #fixedChains(options: StaticOptions): Readonly<Record<TableName, readonly FelixChain[]>> {
    const key = `${options.vxlan} ${options.natOutgoing} ${options.endpointToHost}`;
    if (this.#fixed?.key !== key) this.#fixed = { key, chains: staticChains(options) };
    return this.#fixed.chains;
  }

  #endpointChains(workload: Workload, policies: readonly Policy[]): readonly FelixChain[] {
    const old = this.#endpoints.get(workload.interface);
    if (old !== undefined && old.workload === workload && old.policies.length === policies.length && old.policies.every((p, i) => p === policies[i])) return old.chains;
    const endpoint = { interface: workload.interface, profiles: workload.profiles, policies };
    const chains = [...endpointChains(endpoint, 'ingress'), ...endpointChains(endpoint, 'egress')];
    this.#endpoints.set(workload.interface, { workload, policies, chains });
    return chains;
  }

  /** Those that something leads to; groups of policies may be named by several Pods. */
  #kernelChains(table: TableName, chains: readonly FelixChain[]): Chain[] {
    const byName = new Map(chains.map((c) => [c.name, c]));
    const wanted = new Set<string>();
    const visit = (name: string): void => {
      const chain = byName.get(name);
      if (chain === undefined || wanted.has(name)) return;
      wanted.add(name);
      for (const { action } of chain.rules) if (action?.target.kind === 'jump' || action?.target.kind === 'goto') visit(action.target.chain);
    };
    for (const hook of HOOKS) for (const { target } of hook.rules) if (hook.table === table && target.kind === 'jump') visit(target.chain);
    return [...wanted].sort().map((name) => this.#kernelChain(table, byName.get(name) as FelixChain));
  }

  #kernelChain(table: TableName, chain: FelixChain): Chain {
    const old = this.#known.get(`${table}/${chain.name}`);
    if (old?.made === chain) return old.chain;
    const key = chain.rules.map((r) => `${r.comments.join()} ${r.match.text.join(' ')} ${r.action?.text ?? ''}`).join('\n');
    const kernel = old?.key === key ? old.chain : chainOf(chain);
    this.#known.set(`${table}/${chain.name}`, { made: chain, key, chain: kernel });
    return kernel;
  }

  #sets(inputs: Inputs, workloads: readonly Workload[], queries: ReadonlyMap<string, SetQuery>): Map<string, Ipset> {
    const sets = new Map<string, Ipset>();
    const put = (name: string, type: string, elements: readonly string[]): void => void sets.set(name, { type, elements: new Set(elements), maxElements: MAX_ELEMENTS });
    const pools = (which: (pool: Pool) => boolean): string[] => inputs.pools.filter(which).map((p) => p.cidr);
    put(SETS.pools, 'hash:net', pools(() => true));
    put(SETS.masquerade, 'hash:net', pools((p) => p.natOutgoing));
    put(SETS.thisHost, 'hash:ip', inputs.hostAddresses);
    if (inputs.pools.some((p) => p.vxlan)) put(SETS.vxlan, 'hash:net', inputs.nodeAddresses);
    const networkSets = [...inputs.networkSets];
    for (const { id, selector, port } of queries.values()) {
      const members = workloads.filter((w) => w.address !== null && selector.matches(w.labels));
      if (port === null) put(ipsetName(id), 'hash:net', [...members.map((w) => w.address as string), ...networkSets.filter((s) => selector.matches(s.labels)).flatMap((s) => s.nets)]);
      else
        put(
          ipsetName(id),
          'hash:ip,port',
          members.flatMap((w) => w.ports.filter((p) => p.name === port.name && p.protocol === port.protocol).map((p) => `${w.address},${p.protocol}:${p.port}`)),
        );
    }
    return sets;
  }
}

function byPrecedence(a: Policy, b: Policy): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  const [x, y] = [policyId(a), policyId(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
