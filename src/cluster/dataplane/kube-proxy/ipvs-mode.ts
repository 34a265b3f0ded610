// kube-proxy's IPVS mode (pkg/proxy/ipvs): the addresses of all Services on the dummy interface kube-ipvs0, a virtual server
// for each of their ports, and ipsets that a fixed handful of iptables rules ask for masquerading.

import { addAddress, addDummy, removeAddress, setUp } from '../../network/device.ts';
import type { RealServer, VirtualServer } from '../../network/ipvs.ts';
import { ensureChain, ensureRule, replaceTables } from '../../network/netfilter.ts';
import type { Netns } from '../../network/netns.ts';
import type { Place } from '../../sim/trace.ts';
import { categorize } from './categorize.ts';
import { GracefulTermination } from './ipvs-graceful.ts';
import { IPSETS, ipvsChains, IPVS_JUMPS } from './ipvs-static.ts';
import { IpvsTable, virtualKey } from './ipvs-table.ts';
import { changesOf, type ModeOptions, type PendingWrite, type ProxyMode, type ReadService } from './mode.ts';
import { nodeAddresses } from './node-addresses.ts';
import type { PortContext } from './port-rules.ts';
import { type EndpointInfo, hasHints, type ServicePortInfo } from './service-ports.ts';

const DEVICE = 'kube-ipvs0';

interface PortEntry {
  /** For kube-ipvs0. */
  readonly addresses: readonly string[];
  readonly virtual: readonly VirtualServer[];
  readonly sets: readonly (readonly [set: string, element: string])[];
}

export class IpvsMode implements ProxyMode {
  readonly name = 'ipvs';
  readonly #netns: Netns;
  readonly #place: Place;
  readonly #scheduler: string;
  readonly #options: ModeOptions;
  readonly #entries = new Map<string, readonly PortEntry[]>();
  readonly #table: IpvsTable;
  readonly #graceful: GracefulTermination;
  readonly #sets = new Map<string, Set<string>>();
  readonly #nodeAddresses: readonly string[];
  #context: PortContext;
  #count = 0;

  constructor(options: ModeOptions) {
    const { os, netns, config, context } = options;
    this.#options = options;
    this.#netns = netns;
    this.#place = os.place;
    this.#scheduler = config.scheduler;
    this.#context = context;
    const own = [...netns.interfaces.values()].filter((i) => i.kind !== 'lo' && i.kind !== 'dummy').flatMap((i) => i.addresses.map((a) => a.address));
    this.#nodeAddresses = config.nodePortAddresses === null ? own : nodeAddresses(netns, config.nodePortAddresses, context.nodeIP);
    this.#table = new IpvsTable(netns);
    this.#graceful = new GracefulTermination(os, netns, this.#table);
    for (const { name, type } of IPSETS) {
      const elements = new Set<string>();
      this.#sets.set(name, elements);
      netns.rules.ipsets.set(name, { type, elements });
    }
  }

  get count(): number {
    return this.#count;
  }

  setContext(context: PortContext): void {
    this.#context = context;
  }

  take(keys: Iterable<string>, read: ReadService): PendingWrite {
    const { changes, size } = changesOf(keys, read, (port, endpoints) => this.#entryOf(port, endpoints), ({ virtual }) => virtual.reduce((sum, { servers }) => sum + 1 + servers.length, 0));
    return {
      size,
      nothing: changes.length === 0,
      write: (full) => {
        if (full) this.#writeStatic();
        for (const { key, next } of changes) this.#replace(key, next);
        this.#netns.changed();
      },
    };
  }

  #writeStatic(): void {
    const netns = this.#netns;
    const { rules } = netns;
    if (!netns.interfaces.has(DEVICE)) setUp(addDummy(netns, DEVICE, this.#place), false, this.#place);
    rules.ipvs = this.#table;
    for (const { table, chain } of IPVS_JUMPS) ensureChain(netns, table, chain, this.#place);
    for (const { table, from, rule } of IPVS_JUMPS) ensureRule(netns, table, from, rule, 'prepend', this.#place);
    replaceTables(netns, ipvsChains(this.#options.config, this.#context.local), this.#place);
  }

  #replace(key: string, next: readonly PortEntry[]): void {
    const device = this.#netns.interfaces.get(DEVICE);
    const before = this.#entries.get(key) ?? [];
    const served = new Map<string, VirtualServer>();
    const kept = new Set(next.flatMap((entry) => entry.addresses));
    for (const old of before) {
      for (const server of old.virtual) {
        const written = this.#table.get(virtualKey(server));
        if (written !== undefined) served.set(virtualKey(server), written);
        this.#table.remove(server);
      }
      for (const [set, element] of old.sets) this.#sets.get(set)?.delete(element);
      if (device !== undefined) for (const address of old.addresses) if (!kept.has(address)) removeAddress(device, address, this.#place);
      this.#count -= old.virtual.length;
    }
    for (const entry of next) {
      if (device !== undefined) for (const address of entry.addresses) addAddress(device, `${address}/32`, this.#place);
      for (const server of entry.virtual) this.#table.put(this.#graceful.follow(served.get(virtualKey(server)), server));
      for (const [set, element] of entry.sets) this.#sets.get(set)?.add(element);
      this.#count += entry.virtual.length;
    }
    if (next.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, next);
  }

  #entryOf(port: ServicePortInfo, all: readonly EndpointInfo[]): PortEntry {
    const { nodeName } = this.#context;
    const { cluster, local, reachable } = categorize(port, all, this.#context, hasHints(all));
    const servers = (endpoints: readonly EndpointInfo[]): RealServer[] => endpoints.map((e) => ({ address: e.ip, port: e.port, weight: 1 }));
    const { protocol, affinitySeconds: persistent } = port;
    const virtual = (address: string, number: number, endpoints: readonly EndpointInfo[]): VirtualServer => ({ protocol, address, port: number, scheduler: this.#scheduler, persistent, servers: servers(endpoints) });
    const internal = port.internalLocal ? local : cluster;
    const external = port.externalLocal ? local : cluster;
    const element = (address: string): string => `${address},${protocol}:${port.port}`;
    const sets: [string, string][] = [];
    for (const e of reachable) if (e.nodeName === nodeName) sets.push(['KUBE-LOOP-BACK', `${e.ip},${protocol}:${e.port},${e.ip}`]);
    const list = [virtual(port.clusterIP, port.port, internal)];
    sets.push(['KUBE-CLUSTER-IP', element(port.clusterIP)]);
    for (const address of port.externalIPs) {
      list.push(virtual(address, port.port, external));
      sets.push([port.externalLocal ? 'KUBE-EXTERNAL-IP-LOCAL' : 'KUBE-EXTERNAL-IP', element(address)]);
    }
    for (const address of port.loadBalancerIPs) {
      list.push(virtual(address, port.port, external));
      sets.push(['KUBE-LOAD-BALANCER', element(address)]);
      if (port.externalLocal) sets.push(['KUBE-LOAD-BALANCER-LOCAL', element(address)]);
      if (port.sourceRanges.length === 0) continue;
      sets.push(['KUBE-LOAD-BALANCER-FW', element(address)]);
      for (const range of port.sourceRanges) sets.push(['KUBE-LOAD-BALANCER-SOURCE-CIDR', `${element(address)},${range}`]);
      sets.push(['KUBE-LOAD-BALANCER-SOURCE-IP', `${element(address)},${address}`]);
    }
    if (port.nodePort !== 0) {
      for (const address of this.#nodeAddresses) list.push(virtual(address, port.nodePort, external));
      const kind = protocol === 'sctp' ? 'SCTP-HASH' : protocol.toUpperCase();
      sets.push([`KUBE-NODE-PORT-${kind}`, String(port.nodePort)]);
      if (port.externalLocal) sets.push([`KUBE-NODE-PORT-LOCAL-${kind}`, String(port.nodePort)]);
    }
    if (port.healthCheckNodePort !== 0) sets.push(['KUBE-HEALTH-CHECK-NODE-PORT', String(port.healthCheckNodePort)]);
    const addresses = [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs];
    for (const address of addresses) sets.push(['KUBE-IPVS-IPS', address]);
    return { addresses, virtual: list, sets };
  }

  readonly isIntact = true;

  cleanUp(): void {
    if (this.#netns.rulesIfAny?.nft) this.#netns.rules.replaceNft(null);
  }
}
