// kube-proxy's nftables mode (pkg/proxy/nftables): one table of its own, Services found by verdict maps, the rest chains of a
// Service each. As of 1.36: chains for endpoints only with session affinity, hairpin connections in a set.

import { runNft } from '../../network/nft-evaluate.ts';
import type { NftChain, NftRule, NftTable, NftVerdict } from '../../network/nftables.ts';
import type { TableName, Target } from '../../network/netfilter.ts';
import type { Netns } from '../../network/netns.ts';
import { base32, sha256 } from '../sha256.ts';
import { categorize, isExternal } from './categorize.ts';
import { removeIptables } from './leftovers.ts';
import { changesOf, type ModeOptions, type PendingWrite, type ProxyMode, type ReadService } from './mode.ts';
import { nftBase } from './nftables-base.ts';
import { nodeAddresses } from './node-addresses.ts';
import type { PortContext } from './port-rules.ts';
import { endpointKey, type EndpointInfo, hasHints, type ServicePortInfo } from './service-ports.ts';

/** What one Service port has in the table. */
interface PortEntry {
  readonly chains: readonly NftChain[];
  readonly sets: readonly (readonly [set: string, key: string, comment: string])[];
  readonly maps: readonly (readonly [map: string, key: string, verdict: NftVerdict])[];
  readonly affinity: readonly string[];
  readonly affinitySeconds: number;
}

const NO_TARGETS: readonly PortEntry[] = [];

export class NftablesMode implements ProxyMode {
  readonly name = 'nftables';
  readonly #netns: Netns;
  readonly #mark: number;
  readonly #table: NftTable;
  readonly #entries = new Map<string, readonly PortEntry[]>();
  #context: PortContext;
  #count = 0;

  constructor({ netns, config, context }: ModeOptions) {
    this.#netns = netns;
    this.#context = context;
    this.#mark = config.masqueradeMark;
    const addresses = nodeAddresses(netns, config.nodePortAddresses ?? ['primary'], context.nodeIP);
    const base = nftBase({ mark: config.masqueradeMark, addresses, local: context.local, masqueradeAll: context.masqueradeAll });
    this.#table = { ...base, run: (type, hook, early, c, sink) => runNft(this.#table, type, hook, early, c, sink) };
  }

  get count(): number {
    return this.#count;
  }

  setContext(context: PortContext): void {
    this.#context = context;
  }

  take(keys: Iterable<string>, read: ReadService): PendingWrite {
    const { changes, size } = changesOf(keys, read, (port, endpoints) => this.#entryOf(port, endpoints), ({ chains, sets, maps }) => chains.length + sets.length + maps.length);
    return {
      size,
      nothing: changes.length === 0,
      write: () => {
        for (const { key, next } of changes) this.#replace(key, next);
        this.#netns.rules.replaceNft(this.#table);
        this.#netns.rulesChanged('filter');
      },
    };
  }

  #replace(key: string, next: readonly PortEntry[]): void {
    const { chains, sets, maps } = this.#table;
    for (const old of this.#entries.get(key) ?? NO_TARGETS) {
      for (const chain of old.chains) chains.delete(chain.name);
      for (const [set, element] of old.sets) sets.get(set)?.elements.delete(element);
      for (const [map, element] of old.maps) maps.get(map)?.elements.delete(element);
      for (const name of old.affinity) sets.delete(name);
      this.#count -= old.chains.length + old.maps.length;
    }
    for (const entry of next) {
      for (const name of entry.affinity) {
        sets.set(name, { name, type: 'ipv4_addr', flags: 'dynamic,timeout', timeout: entry.affinitySeconds, elements: new Map() });
      }
      for (const chain of entry.chains) chains.set(chain.name, chain);
      for (const [set, element, comment] of entry.sets) sets.get(set)?.elements.set(element, comment);
      for (const [map, element, verdict] of entry.maps) maps.get(map)?.elements.set(element, verdict);
      this.#count += entry.chains.length + entry.maps.length;
    }
    if (next.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, next);
  }

  #entryOf(port: ServicePortInfo, all: readonly EndpointInfo[]): PortEntry {
    const { cluster, local, reachable, any } = categorize(port, all, this.#context, hasHints(all));
const colon = port.name.indexOf(':');
    const base = hashed(colon < 0 ? `${port.name}/${port.protocol}/` : `${port.name.slice(0, colon)}/${port.protocol}/${port.name.slice(colon + 1)}`);
    const [service, localChain, external, firewall] = [`service-${base}`, `local-${base}`, `external-${base}`, `firewall-${base}`];
    const chains: NftChain[] = [];
    const sets: [string, string, string][] = [];
    const maps: [string, string, NftVerdict][] = [];
    const outside = isExternal(port);
    const hasInternal = any && (!port.internalLocal || local.length > 0);
    const hasExternal = any && (!port.externalLocal || local.length > 0);
    const refuse: NftVerdict = any ? { verdict: 'drop', comment: port.name } : { verdict: 'goto', chain: 'reject-chain', comment: port.name };
    const key = (address: string): string => `${address} . ${port.protocol} . ${port.port}`;

    sets.push(['cluster-ips', port.clusterIP, '']);
    if (hasInternal) maps.push(['service-ips', key(port.clusterIP), { verdict: 'goto', chain: port.internalLocal ? localChain : service }]);
    else maps.push(['no-endpoint-services', key(port.clusterIP), refuse]);
    for (const address of [...port.externalIPs, ...port.loadBalancerIPs]) {
      if (any) maps.push(['service-ips', key(address), { verdict: 'goto', chain: external }]);
      if (!hasExternal) maps.push(['no-endpoint-services', key(address), refuse]);
    }
    if (port.nodePort !== 0) {
      const nodePort = `${port.protocol} . ${port.nodePort}`;
      if (any) maps.push(['service-nodeports', nodePort, { verdict: 'goto', chain: external }]);
      if (!hasExternal) maps.push(['no-endpoint-nodeports', nodePort, refuse]);
    }
    if (port.sourceRanges.length > 0) {
      for (const address of port.loadBalancerIPs) maps.push(['firewall-ips', key(address), { verdict: 'goto', chain: firewall, comment: port.name }]);
      chains.push({ name: firewall, rules: this.#firewallRules(port) });
    }
    if (any && outside) chains.push({ name: external, rules: this.#externalRules(port, service, hasExternal ? (port.externalLocal ? localChain : service) : null) });
    const affinity = port.affinitySeconds > 0;
    if (cluster.length > 0) chains.push({ name: service, rules: this.#balance(port, cluster, base) });
    if (local.length > 0) chains.push({ name: localChain, rules: this.#balance(port, local, base) });
    if (affinity) for (const endpoint of reachable) chains.push({ name: endpointChain(base, port, endpoint), rules: sticky(base, port, endpoint) });
    for (const endpoint of reachable) {
      if (endpoint.nodeName === this.#context.nodeName) sets.push(['hairpin-connections', `${endpoint.ip} . ${endpoint.ip} . ${port.protocol} . ${endpoint.port}`, '']);
    }
    return { chains, sets, maps, affinity: affinity ? reachable.map((e) => affinitySet(base, port, e)) : [], affinitySeconds: port.affinitySeconds };
  }

  #firewallRules({ sourceRanges, loadBalancerIPs }: ServicePortInfo): NftRule[] {
    const allowed = [...sourceRanges, ...loadBalancerIPs];
    return [
      ...allowed.map((source): NftRule => ({ text: '', match: { source }, target: { kind: 'return' } })),
      { text: `ip saddr != { ${allowed.join(', ')} } drop`, target: { kind: 'drop' } },
    ];
  }

  #externalRules(port: ServicePortInfo, service: string, policy: string | null): NftRule[] {
    const { local } = this.#context;
    const mark: Target = { kind: 'mark', value: this.#mark, mask: this.#mark };
    const set = `meta mark set meta mark | ${hex(this.#mark)}`;
    const rules: NftRule[] = [];
    if (!port.externalLocal) rules.push({ text: set, target: mark });
    else {
      if (local !== null) {
        const [text, match] = local.kind === 'cidr' ? [`ip saddr ${local.cidr}`, { source: local.cidr }] : [`iifname "${local.name}"`, { inInterface: local.name }];
        rules.push({ text: `${text} goto ${service} comment "short-circuit pod traffic"`, match, target: { kind: 'goto', chain: service } });
      }
      rules.push(
        { text: `fib saddr type local ${set} comment "masquerade local traffic"`, match: { sourceType: 'LOCAL' }, target: mark },
        { text: `fib saddr type local goto ${service} comment "short-circuit local traffic"`, match: { sourceType: 'LOCAL' }, target: { kind: 'goto', chain: service } },
      );
    }
    if (policy !== null) rules.push({ text: `goto ${policy}`, target: { kind: 'goto', chain: policy } });
    return rules;
  }

  #balance(port: ServicePortInfo, endpoints: readonly EndpointInfo[], base: string): NftRule[] {
    const { protocol } = port;
    if (port.affinitySeconds > 0) {
      const chains = endpoints.map((e) => endpointChain(base, port, e));
      return [
        ...endpoints.map((e, i): NftRule => {
          const set = affinitySet(base, port, e);
          return { text: `ip saddr @${set} goto ${chains[i]}`, inSet: { key: 'sticky', set }, target: { kind: 'goto', chain: chains[i] as string } };
        }),
        { text: `numgen random mod ${chains.length} vmap { ${chains.map((chain, i) => `${i} : goto ${chain}`).join(', ')} }`, lookup: { kind: 'numgen', chains } },
      ];
    }
    const [only] = endpoints;
    if (endpoints.length === 1 && only !== undefined) {
      return [{ text: `meta l4proto ${protocol} dnat to ${endpointKey(only)}`, match: { protocol }, target: { kind: 'dnat', address: only.ip, port: only.port } }];
    }
    const targets = endpoints.map((e) => `${e.ip} . ${e.port}`);
    const map = targets.map((target, i) => `${i} : ${target}`).join(', ');
    return [{ text: `meta l4proto ${protocol} dnat ip addr . port to numgen random mod ${targets.length} map { ${map} }`, match: { protocol }, lookup: { kind: 'numgen', chains: targets, dnat: true } }];
  }

  readonly isIntact = true;

  /** The other modes' chains in iptables, and IPVS. */
  cleanUp(): void {
    removeIptables(this.#netns, ['nat', 'filter', 'mangle'] satisfies TableName[]);
    this.#netns.rules.ipvs?.clear();
  }
}

const hex = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;
const hashed = (name: string): string => `${base32(sha256(name), 8)}-${name}`;
const endpointName = (base: string, endpoint: EndpointInfo): string => `${base.slice(9)}__${endpoint.ip}/${endpoint.port}`;
const endpointChain = (base: string, _port: ServicePortInfo, endpoint: EndpointInfo): string => `endpoint-${hashed(endpointName(base, endpoint))}`;
const affinitySet = (base: string, _port: ServicePortInfo, endpoint: EndpointInfo): string => `affinity-${hashed(endpointName(base, endpoint))}`;

function sticky(base: string, port: ServicePortInfo, endpoint: EndpointInfo): NftRule[] {
  const set = affinitySet(base, port, endpoint);
  const { protocol } = port;
  return [
    { text: `update @${set} { ip saddr }`, update: set },
    { text: `meta l4proto ${protocol} dnat to ${endpointKey(endpoint)}`, match: { protocol }, target: { kind: 'dnat', address: endpoint.ip, port: endpoint.port } },
  ];
}
