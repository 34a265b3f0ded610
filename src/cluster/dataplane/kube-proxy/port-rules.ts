// The chains and rules of one Service port (the per-Service part of syncProxyRules in pkg/proxy/iptables/proxier.go).
// The result is shared: all proxies that see the same port with the same endpoints get the same object, and the
// long chain of jumps to endpoints is only written out when somebody reads it.

import { contains, parseCidr, parseIp } from '../../network/ip.ts';
import type { Chain, Rule, Target } from '../../network/netfilter.ts';
import { categorize, type Categories, isExternal, type NodePlace, usesLocal } from './categorize.ts';
import { endpointChainHash, endpointKey, type EndpointInfo, hasHints, type ServicePortInfo } from './service-ports.ts';
import { KUBE_MARK_MASQ, LOCALHOST_ACCEPTED } from './static-rules.ts';

export interface PortRules {
  /** In nat KUBE-SERVICES. */
  readonly services: readonly Rule[];
  /** In nat KUBE-NODEPORTS. */
  readonly nodePorts: readonly Rule[];
  /** In filter KUBE-SERVICES: a cluster IP without endpoints. */
  readonly refused: readonly Rule[];
  /** In filter KUBE-EXTERNAL-SERVICES. */
  readonly refusedExternally: readonly Rule[];
  /** In filter KUBE-PROXY-FIREWALL: what a source range did not let through. */
  readonly firewall: readonly Rule[];
  /** In filter KUBE-NODEPORTS: health checks of load balancers. */
  readonly healthChecks: readonly Rule[];
  /** KUBE-SVC-, KUBE-SVL-, KUBE-EXT-, KUBE-FW- and KUBE-SEP- chains of the nat table. */
  readonly chains: readonly Chain[];
  /** How many rules the nat table has for this port. */
  readonly count: number;
  /** Of how many endpoints these rules were made: what decides about large clusters. */
  readonly total: number;
}

/** How traffic of the node's own Pods is known (detectLocalMode). */
export type LocalDetector = { readonly kind: 'cidr'; readonly cidr: string } | { readonly kind: 'interface'; readonly name: string };

export interface PortContext extends NodePlace {
  readonly nodeIP: string;
  /** Null: traffic from Pods is not told from other traffic. */
  readonly local: LocalDetector | null;
  readonly masqueradeAll: boolean;
  readonly localhostNodePorts: boolean;
  /** The same text for proxies that write the same rules where the node does not matter. */
  readonly key: string;
}

interface Variant {
  readonly key: string;
  /** '' where the node does not matter. */
  readonly node: string;
  readonly all: readonly EndpointInfo[];
  readonly categories: Categories;
  readonly rules: PortRules;
}

/** A few versions at a time: proxies lag behind each other by a sync or two. */
const REMEMBERED = 4;

const variants = new WeakMap<ServicePortInfo, Variant[]>();
const endpointChains = new WeakMap<ServicePortInfo, Map<string, Chain>>();

/** The rules of a port whose endpoints are `all` (sorted). In a large cluster the rules of endpoints have no comments. */
export function portRules(port: ServicePortInfo, all: readonly EndpointInfo[], context: PortContext, large = false): PortRules {
  const hinted = hasHints(all);
  const node = nodeKey(port, hinted, context);
  const key = large ? `${context.key} large` : context.key;
  let known = variants.get(port);
  if (!known) variants.set(port, (known = []));
  const seen = known.find((v) => v.all === all && v.node === node && v.key === key);
  if (seen) return seen.rules;
  const categories = categorize(port, all, context, hinted);
  const same = known.find((v) => v.key === key && v.node === node && v.rules.total === all.length && sameCategories(v.categories, categories));
  const rules = same?.rules ?? new PortWriter(port, categories, context, large, all.length).write();
  known.unshift({ key, node, all, categories, rules });
  if (known.length > REMEMBERED) known.pop();
  return rules;
}

/** What of the node the rules depend on. */
function nodeKey(port: ServicePortInfo, hinted: boolean, context: PortContext): string {
  const ranges = port.sourceRanges.length > 0 && isFromRange(port, context.nodeIP) ? ' in range' : '';
  if (hinted) return `${context.nodeName} ${context.zone}${ranges}`;
  return usesLocal(port) ? `${context.nodeName}${ranges}` : ranges;
}

function isFromRange(port: ServicePortInfo, nodeIP: string): boolean {
  const int = parseIp(nodeIP);
  return int >= 0 && port.sourceRanges.some((range) => contains(parseCidr(range), int));
}

const sameCategories = (a: Categories, b: Categories): boolean =>
  a.any === b.any && sameAddresses(a.cluster, b.cluster) && sameAddresses(a.local, b.local) && sameAddresses(a.reachable, b.reachable);

const sameAddresses = (a: readonly EndpointInfo[], b: readonly EndpointInfo[]): boolean =>
  a === b || (a.length === b.length && a.every((endpoint, i) => endpoint === b[i] || (endpoint.ip === b[i]?.ip && endpoint.port === b[i]?.port)));

const jump = (chain: string): Target => ({ kind: 'jump', chain });

class PortWriter {
  readonly #port: ServicePortInfo;
  readonly #categories: Categories;
  readonly #context: PortContext;
  readonly #large: boolean;
  readonly #total: number;
  readonly #services: Rule[] = [];
  readonly #nodePorts: Rule[] = [];
  readonly #refused: Rule[] = [];
  readonly #refusedExternally: Rule[] = [];
  readonly #firewall: Rule[] = [];
  readonly #chains: Chain[] = [];
  #count = 0;

  constructor(port: ServicePortInfo, categories: Categories, context: PortContext, large: boolean, total: number) {
    this.#port = port;
    this.#categories = categories;
    this.#context = context;
    this.#large = large;
    this.#total = total;
  }

  write(): PortRules {
    const { name, hash, internalLocal, externalLocal, sourceRanges, loadBalancerIPs, healthCheckNodePort } = this.#port;
    const { cluster, local, reachable, any } = this.#categories;
    const clusterChain = `KUBE-SVC-${hash}`;
    const localChain = `KUBE-SVL-${hash}`;
    const externalChain = `KUBE-EXT-${hash}`;
    const firewallChain = `KUBE-FW-${hash}`;
    const external = isExternal(this.#port);
    const hasInternal = any && (!internalLocal || local.length > 0);
    const hasExternal = any && (!externalLocal || local.length > 0);
    const hasFirewall = any && loadBalancerIPs.length > 0 && sourceRanges.length > 0;
    const internalChain = internalLocal ? localChain : clusterChain;

    this.#catch(hasInternal ? internalChain : null, any ? externalChain : null, hasFirewall ? firewallChain : externalChain);
    this.#refuse(hasInternal, hasExternal, any, hasFirewall ? firewallChain : null);
    if (any && external) this.#chain({ name: externalChain, rules: this.#externalRules(clusterChain, hasExternal ? (externalLocal ? localChain : clusterChain) : null) });
    if (hasFirewall) this.#chain({ name: firewallChain, rules: this.#firewallRules(externalChain) });
    if (cluster.length > 0) this.#chain(this.#balance(clusterChain, cluster, hasInternal && internalChain === clusterChain));
    if (local.length > 0) this.#chain(this.#balance(localChain, local, hasInternal && internalChain === localChain));
    this.#endpointChains(reachable);
    const healthChecks: Rule[] =
      healthCheckNodePort === 0
        ? []
        : [{ protocol: 'tcp', comment: `${name} health check node port`, destinationPort: healthCheckNodePort, target: { kind: 'accept' } }];
    return {
      services: this.#services,
      nodePorts: this.#nodePorts,
      refused: this.#refused,
      refusedExternally: this.#refusedExternally,
      firewall: this.#firewall,
      healthChecks,
      chains: this.#chains,
      count: this.#count + this.#services.length + this.#nodePorts.length,
      total: this.#total,
    };
  }

  #chain(chain: Chain): void {
    this.#chains.push(chain);
    this.#count += 'length' in chain ? (chain.length as number) : chain.rules.length;
  }

  #to(destination: string, comment: string, target: Target): Rule {
    const { protocol, port: destinationPort } = this.#port;
    return { destination, protocol, comment, destinationPort, target };
  }

  /** What the tables catch: the cluster IP, external addresses, load balancers' addresses, node ports. */
  #catch(internalChain: string | null, externalChain: string | null, balancerChain: string): void {
    const { name, clusterIP, externalIPs, loadBalancerIPs, nodePort, protocol } = this.#port;
    if (internalChain !== null) this.#services.push(this.#to(clusterIP, `${name} cluster IP`, jump(internalChain)));
    if (externalChain === null) return;
    for (const address of externalIPs) this.#services.push(this.#to(address, `${name} external IP`, jump(externalChain)));
    for (const address of loadBalancerIPs) this.#services.push(this.#to(address, `${name} loadbalancer IP`, jump(balancerChain)));
    if (nodePort === 0) return;
    const target = jump(externalChain);
    if (this.#context.localhostNodePorts) {
      this.#nodePorts.push({ destination: '127.0.0.0/8', protocol, comment: name, destinationPort: nodePort, nfacct: LOCALHOST_ACCEPTED, target });
    }
    this.#nodePorts.push({ protocol, comment: name, destinationPort: nodePort, target });
  }

  /** What the filter refuses: REJECT without any endpoint, DROP when only this node has none. */
  #refuse(hasInternal: boolean, hasExternal: boolean, any: boolean, firewallChain: string | null): void {
    const { name, clusterIP, externalIPs, loadBalancerIPs, nodePort, protocol } = this.#port;
    const target: Target = any ? { kind: 'drop' } : { kind: 'reject' };
    const comment = any ? `${name} has no local endpoints` : `${name} has no endpoints`;
    if (!hasInternal) this.#refused.push(this.#to(clusterIP, comment, target));
    if (firewallChain !== null) {
      for (const address of loadBalancerIPs) this.#firewall.push(this.#to(address, `${name} traffic not accepted by ${firewallChain}`, { kind: 'drop' }));
    }
    if (hasExternal) return;
    for (const address of [...externalIPs, ...loadBalancerIPs]) this.#refusedExternally.push(this.#to(address, comment, target));
    if (nodePort !== 0) this.#refusedExternally.push({ protocol, comment, destinationType: 'LOCAL', destinationPort: nodePort, target });
  }

  /** KUBE-EXT-: traffic from outside, to all endpoints masqueraded, or to the node's own as it is. */
  #externalRules(clusterChain: string, policyChain: string | null): Rule[] {
    const { name, externalLocal } = this.#port;
    const { local } = this.#context;
    const rules: Rule[] = [];
    if (!externalLocal) {
      rules.push({ comment: `masquerade traffic for ${name} external destinations`, target: jump(KUBE_MARK_MASQ) });
    } else {
      if (local !== null) {
        const own = local.kind === 'cidr' ? { source: local.cidr } : { inInterface: local.name };
        rules.push({ ...own, comment: `pod traffic for ${name} external destinations`, target: jump(clusterChain) });
      }
      rules.push(
        { comment: `masquerade LOCAL traffic for ${name} external destinations`, sourceType: 'LOCAL', target: jump(KUBE_MARK_MASQ) },
        { comment: `route LOCAL traffic for ${name} external destinations`, sourceType: 'LOCAL', target: jump(clusterChain) },
      );
    }
    if (policyChain !== null) rules.push({ target: jump(policyChain) });
    return rules;
  }

  /** KUBE-FW-: only the source ranges get through to a load balancer's address. */
  #firewallRules(externalChain: string): Rule[] {
    const { name, sourceRanges, loadBalancerIPs } = this.#port;
    const comment = `${name} loadbalancer IP`;
    const from = isFromRange(this.#port, this.#context.nodeIP) ? [...sourceRanges, ...loadBalancerIPs] : sourceRanges;
    return [
      ...from.map((source): Rule => ({ source, comment, target: jump(externalChain) })),
      { comment: `other traffic to ${name} will be dropped by KUBE-PROXY-FIREWALL`, target: { kind: 'none' } },
    ];
  }

  /** KUBE-SVC- or KUBE-SVL-: one endpoint at random. */
  #balance(chain: string, endpoints: readonly EndpointInfo[], internal: boolean): BalanceChain {
    const port = this.#port;
    const { local, masqueradeAll } = this.#context;
    const masquerade = internal && (masqueradeAll || local !== null);
    const sticky = port.affinitySeconds > 0;
    const commented = !this.#large;
    const length = (masquerade ? 1 : 0) + (sticky ? 2 : 1) * endpoints.length;
    return new BalanceChain(chain, length, () => {
      const rules: Rule[] = [];
      if (masquerade) {
        const foreign = masqueradeAll || local === null ? {} : local.kind === 'cidr' ? { notSource: local.cidr } : { notInInterface: local.name };
        rules.push({ ...foreign, ...this.#to(port.clusterIP, `${port.name} cluster IP`, jump(KUBE_MARK_MASQ)) });
      }
      const named = endpoints.map((e) => ({
        comment: commented ? { comment: `${port.name} -> ${endpointKey(e)}` } : {},
        to: `KUBE-SEP-${endpointChainHash(port, e)}`,
      }));
      if (sticky) {
        for (const { comment, to } of named) rules.push({ ...comment, recent: { action: 'check', name: to, seconds: port.affinitySeconds }, target: jump(to) });
      }
      for (const [i, { comment, to }] of named.entries()) {
        const left = named.length - i;
        rules.push(left > 1 ? { ...comment, probability: Number((1 / left).toFixed(10)), target: jump(to) } : { ...comment, target: jump(to) });
      }
      return rules;
    });
  }

  /** KUBE-SEP-: to one endpoint. Chains of endpoints that stay are the same objects as before. */
  #endpointChains(endpoints: readonly EndpointInfo[]): void {
    const port = this.#port;
    let known = endpointChains.get(port);
    if (!known) endpointChains.set(port, (known = new Map()));
    const used = new Map<string, Chain>();
    for (const endpoint of endpoints) {
      const key = this.#large ? `${endpointKey(endpoint)} large` : endpointKey(endpoint);
      let chain = known.get(key);
      if (!chain) known.set(key, (chain = endpointChain(port, endpoint, this.#large)));
      used.set(key, chain);
      this.#chain(chain);
    }
    // Endpoints that are long gone are forgotten.
    if (known.size > 64 + 4 * endpoints.length) endpointChains.set(port, used);
  }
}

/** Its rules are derived when they are read first. */
class BalanceChain implements Chain {
  readonly name: string;
  readonly length: number;
  readonly #derive: () => readonly Rule[];
  #rules: readonly Rule[] | null = null;

  constructor(name: string, length: number, derive: () => readonly Rule[]) {
    this.name = name;
    this.length = length;
    this.#derive = derive;
  }

  get rules(): readonly Rule[] {
    return (this.#rules ??= this.#derive());
  }
}

function endpointChain(port: ServicePortInfo, endpoint: EndpointInfo, large: boolean): Chain {
  const name = `KUBE-SEP-${endpointChainHash(port, endpoint)}`;
  const { protocol } = port;
  const comment = large ? {} : { comment: port.name };
  const target: Target = { kind: 'dnat', address: endpoint.ip, port: endpoint.port };
  const sticky = port.affinitySeconds > 0 ? { recent: { action: 'set', name } as const } : {};
  return {
    name,
    rules: [
      { source: endpoint.ip, ...comment, target: jump(KUBE_MARK_MASQ) },
      { protocol, ...comment, ...sticky, protocolModule: true, target },
    ],
  };
}
