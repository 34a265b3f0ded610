// The chains and rules of one Service port (the per-Service part of syncProxyRules in pkg/proxy/iptables/proxier.go).
// The result is shared: all proxies that see the same port with the same endpoints get the same object, and the
// long chain of jumps to endpoints is only written out when somebody reads it.

import type { Chain, Rule } from '../../network/netfilter.ts';
import { endpointChainHash, endpointKey, type EndpointInfo, type ServicePortInfo, usable } from './service-ports.ts';
import { KUBE_MARK_MASQ } from './static-rules.ts';

export interface PortRules {
  /** In nat KUBE-SERVICES. */
  readonly services: readonly Rule[];
  /** In nat KUBE-NODEPORTS. */
  readonly nodePorts: readonly Rule[];
  /** In filter KUBE-SERVICES: a cluster IP without endpoints. */
  readonly refused: readonly Rule[];
  /** In filter KUBE-EXTERNAL-SERVICES. */
  readonly refusedExternally: readonly Rule[];
  /** KUBE-SVC-, KUBE-SVL-, KUBE-EXT- and KUBE-SEP- chains of the nat table. */
  readonly chains: readonly Chain[];
  /** How many rules the nat table has for this port. */
  readonly count: number;
  readonly endpoints: readonly EndpointInfo[];
}

interface Variant {
  readonly clusterCidr: string;
  /** '' where the node does not matter. */
  readonly nodeName: string;
  readonly all: readonly EndpointInfo[];
  /** Of the node's own. */
  readonly local: readonly EndpointInfo[];
  readonly rules: PortRules;
}

/** A few versions at a time: proxies lag behind each other by a sync or two. */
const REMEMBERED = 4;

const variants = new WeakMap<ServicePortInfo, Variant[]>();
const endpointChains = new WeakMap<ServicePortInfo, Map<string, Chain>>();

export interface PortContext {
  /** Traffic from elsewhere to a cluster IP is masqueraded. */
  readonly clusterCidr: string;
  readonly nodeName: string;
}

/** The rules of a port whose endpoints are `all` (sorted). */
export function portRules(port: ServicePortInfo, all: readonly EndpointInfo[], context: PortContext): PortRules {
  const usesLocal = port.internalLocal || port.externalLocal;
  const nodeName = usesLocal ? context.nodeName : '';
  const { clusterCidr } = context;
  let known = variants.get(port);
  if (!known) variants.set(port, (known = []));
  const seen = known.find((v) => v.all === all && v.nodeName === nodeName && v.clusterCidr === clusterCidr);
  if (seen) return seen.rules;
  const endpoints = usable(all);
  const local = usesLocal ? usable(all.filter((e) => e.nodeName === context.nodeName)) : [];
  const same = known.find((v) => v.clusterCidr === clusterCidr && sameAddresses(v.rules.endpoints, endpoints) && sameAddresses(v.local, local));
  const rules = same?.rules ?? writeRules(port, endpoints, local, context);
  known.unshift({ clusterCidr, nodeName, all, local, rules });
  if (known.length > REMEMBERED) known.pop();
  return rules;
}

const sameAddresses = (a: readonly EndpointInfo[], b: readonly EndpointInfo[]): boolean =>
  a.length === b.length && a.every((endpoint, i) => endpoint === b[i] || (endpoint.ip === b[i]?.ip && endpoint.port === b[i]?.port));

function writeRules(
  port: ServicePortInfo,
  endpoints: readonly EndpointInfo[],
  local: readonly EndpointInfo[],
  context: PortContext,
): PortRules {
  const clusterChain = `KUBE-SVC-${port.hash}`;
  const localChain = `KUBE-SVL-${port.hash}`;
  const externalChain = `KUBE-EXT-${port.hash}`;
  const chains: Chain[] = [];
  const services: Rule[] = [];
  const nodePorts: Rule[] = [];
  const refused: Rule[] = [];
  const refusedExternally: Rule[] = [];
  const externalAddresses = [...port.externalIPs, ...port.loadBalancerIPs];
  const isExternal = port.nodePort !== 0 || externalAddresses.length > 0;
  const internal = port.internalLocal ? local : endpoints;
  const external = port.externalLocal ? local : endpoints;
  const match = (destination: string, destinationPort = port.port): Pick<Rule, 'destination' | 'destinationPort' | 'protocol'> => ({
    ...(destination === '' ? {} : { destination }),
    protocol: port.protocol as 'tcp' | 'udp',
    destinationPort,
  });
  const jump = (chain: string): Rule['target'] => ({ kind: 'jump', chain });

  if (internal.length > 0) {
    const chain = port.internalLocal ? localChain : clusterChain;
    services.push({ ...match(port.clusterIP), comment: `${port.name} cluster IP`, target: jump(chain) });
  } else {
    const comment = port.internalLocal && endpoints.length > 0 ? `${port.name} has no local endpoints` : `${port.name} has no endpoints`;
    refused.push({
      ...match(port.clusterIP),
      comment,
      target: port.internalLocal && endpoints.length > 0 ? { kind: 'drop' } : { kind: 'reject' },
    });
  }
  if (isExternal && endpoints.length > 0) {
    for (const address of port.externalIPs)
      services.push({ ...match(address), comment: `${port.name} external IP`, target: jump(externalChain) });
    for (const address of port.loadBalancerIPs) {
      services.push({ ...match(address), comment: `${port.name} loadbalancer IP`, target: jump(externalChain) });
    }
    if (port.nodePort !== 0) nodePorts.push({ ...match('', port.nodePort), comment: port.name, target: jump(externalChain) });
  }
  if (isExternal && external.length === 0) {
    const target: Rule['target'] = endpoints.length === 0 ? { kind: 'reject' } : { kind: 'drop' };
    const comment = endpoints.length === 0 ? `${port.name} has no endpoints` : `${port.name} has no local endpoints`;
    for (const address of externalAddresses) refusedExternally.push({ ...match(address), comment, target });
    if (port.nodePort !== 0) refusedExternally.push({ ...match('', port.nodePort), comment, destinationType: 'LOCAL', target });
  }

  let count = services.length + nodePorts.length;
  const usesCluster = endpoints.length > 0 && (!port.internalLocal || isExternal);
  const usesLocal = local.length > 0;
  if (usesCluster) {
    const chain = balanceChain(clusterChain, port, endpoints, context);
    chains.push(chain);
    count += chain.length;
  }
  if (usesLocal) {
    const chain = balanceChain(localChain, port, local, context);
    chains.push(chain);
    count += chain.length;
  }
  if (isExternal && endpoints.length > 0) {
    const rules = externalRules(port, clusterChain, usesLocal ? localChain : null, context);
    chains.push({ name: externalChain, rules });
    count += rules.length;
  }
  for (const chain of endpointChainsOf(port, usesCluster ? endpoints : local)) {
    chains.push(chain);
    count += 2;
  }
  return { services, nodePorts, refused, refusedExternally, chains, count, endpoints };
}

/** KUBE-EXT-: traffic from outside, to all endpoints masqueraded, or to the node's own as it is. */
function externalRules(port: ServicePortInfo, clusterChain: string, localChain: string | null, { clusterCidr }: PortContext): Rule[] {
  if (!port.externalLocal) {
    return [
      { comment: `masquerade traffic for ${port.name} external destinations`, target: { kind: 'jump', chain: KUBE_MARK_MASQ } },
      { target: { kind: 'jump', chain: clusterChain } },
    ];
  }
  const rules: Rule[] = [
    { source: clusterCidr, comment: `pod traffic for ${port.name} external destinations`, target: { kind: 'jump', chain: clusterChain } },
    {
      comment: `masquerade LOCAL traffic for ${port.name} external destinations`,
      sourceType: 'LOCAL',
      target: { kind: 'jump', chain: KUBE_MARK_MASQ },
    },
    {
      comment: `route LOCAL traffic for ${port.name} external destinations`,
      sourceType: 'LOCAL',
      target: { kind: 'jump', chain: clusterChain },
    },
  ];
  if (localChain !== null) rules.push({ target: { kind: 'jump', chain: localChain } });
  return rules;
}

/** KUBE-SVC- or KUBE-SVL-: one endpoint at random. Its rules are derived when they are read first. */
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

function balanceChain(name: string, port: ServicePortInfo, endpoints: readonly EndpointInfo[], { clusterCidr }: PortContext): BalanceChain {
  const masquerade = clusterCidr === '' || name.startsWith('KUBE-SVL') ? 0 : 1;
  const sticky = port.affinitySeconds > 0 ? endpoints.length : 0;
  return new BalanceChain(name, masquerade + sticky + endpoints.length, () => {
    const rules: Rule[] = [];
    if (masquerade > 0) {
      rules.push({
        notSource: clusterCidr,
        destination: port.clusterIP,
        protocol: port.protocol as 'tcp' | 'udp',
        comment: `${port.name} cluster IP`,
        destinationPort: port.port,
        target: { kind: 'jump', chain: KUBE_MARK_MASQ },
      });
    }
    const named = endpoints.map((e) => ({ comment: `${port.name} -> ${endpointKey(e)}`, chain: `KUBE-SEP-${endpointChainHash(port, e)}` }));
    if (sticky > 0) {
      for (const { comment, chain } of named) {
        rules.push({ comment, recent: { action: 'check', name: chain, seconds: port.affinitySeconds }, target: { kind: 'jump', chain } });
      }
    }
    for (const [i, { comment, chain }] of named.entries()) {
      const left = named.length - i;
      const target = { kind: 'jump', chain } as const;
      rules.push(left > 1 ? { comment, probability: Number((1 / left).toFixed(10)), target } : { comment, target });
    }
    return rules;
  });
}

/** KUBE-SEP-: to one endpoint. Chains of endpoints that stay are the same objects as before. */
function endpointChainsOf(port: ServicePortInfo, endpoints: readonly EndpointInfo[]): Chain[] {
  let known = endpointChains.get(port);
  if (!known) endpointChains.set(port, (known = new Map()));
  const chains: Chain[] = [];
  for (const endpoint of endpoints) {
    const key = endpointKey(endpoint);
    let chain = known.get(key);
    if (!chain) known.set(key, (chain = endpointChain(port, endpoint)));
    chains.push(chain);
  }
  // Endpoints that are long gone are forgotten.
  if (known.size > 64 + 4 * endpoints.length) {
    endpointChains.set(port, new Map(endpoints.map((endpoint, i) => [endpointKey(endpoint), chains[i] as Chain])));
  }
  return chains;
}

function endpointChain(port: ServicePortInfo, endpoint: EndpointInfo): Chain {
  const name = `KUBE-SEP-${endpointChainHash(port, endpoint)}`;
  const to: Rule = {
    protocol: port.protocol as 'tcp' | 'udp',
    comment: port.name,
    target: { kind: 'dnat', address: endpoint.ip, port: endpoint.port },
  };
  return {
    name,
    rules: [
      { source: endpoint.ip, comment: port.name, target: { kind: 'jump', chain: KUBE_MARK_MASQ } },
      port.affinitySeconds > 0 ? { ...to, recent: { action: 'set', name } } : to,
    ],
  };
}
