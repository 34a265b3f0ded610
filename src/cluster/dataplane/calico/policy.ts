// A policy as Felix knows it, whoever wrote it: Kubernetes' NetworkPolicy, or Calico's own NetworkPolicy and GlobalNetworkPolicy
// (libcalico-go/lib/backend/k8s/conversion, syncersv1/updateprocessors).

import type { LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../api/generated/types.ts';
import type { ApiObject } from '../../api/meta.ts';
import { formatCidr, networkOf, parseCidr } from '../../network/ip.ts';
import type { Rule } from '../../network/netfilter.ts';
import type { Ports } from './felix/rule.ts';
import { parseSelector, type Selector, withPrefix } from './selector.ts';

export type PolicyKind = 'KubernetesNetworkPolicy' | 'NetworkPolicy' | 'GlobalNetworkPolicy';
type Protocol = NonNullable<Rule['protocol']>;

/** One side of a rule. */
export interface Side {
  readonly selector: Selector | null;
  readonly notSelector: Selector | null;
  readonly nets: readonly string[];
  readonly notNets: readonly string[];
}

export interface PolicyRule {
  readonly action: 'allow' | 'deny' | 'pass';
  readonly protocol: Protocol | null;
  readonly source: Side;
  readonly destination: Side;
  readonly ports: Ports;
  readonly namedPorts: readonly string[];
}

export interface Policy {
  readonly kind: PolicyKind;
  readonly namespace: string;
  readonly name: string;
  /** Lower comes first. */
  readonly order: number;
  readonly selector: Selector;
  readonly ingress: readonly PolicyRule[] | null;
  readonly egress: readonly PolicyRule[] | null;
}

const SHORT: Readonly<Record<PolicyKind, string>> = { KubernetesNetworkPolicy: 'knp', NetworkPolicy: 'np', GlobalNetworkPolicy: 'gnp' };

/** `knp/default/deny-all`. */
export const policyId = ({ kind, namespace, name }: Pick<Policy, 'kind' | 'namespace' | 'name'>): string => `${SHORT[kind]}/${namespace === '' ? '' : `${namespace}/`}${name}`;

const NAMESPACE = 'projectcalico.org/namespace';
const IS_POD = "projectcalico.org/orchestrator == 'k8s'";
const KUBERNETES_ORDER = 1000;
const NOBODY: Side = { selector: null, notSelector: null, nets: [], notNets: [] };

// ---- Kubernetes' NetworkPolicy

export function fromKubernetes(policy: NetworkPolicy): Policy {
  const { name, namespace = '' } = policy.metadata;
  const { podSelector, ingress = [], egress = [], policyTypes = ['Ingress'] } = policy.spec;
  const rules = (peers: readonly NetworkPolicyPeer[] | undefined, ports: readonly NetworkPolicyPort[] | undefined, isIngress: boolean): PolicyRule[] => convert(namespace, peers ?? [], ports ?? [], isIngress);
  return {
    kind: 'KubernetesNetworkPolicy',
    namespace,
    name,
    order: KUBERNETES_ORDER,
    selector: ownSelector(podsText(podSelector), namespace),
    ingress: policyTypes.includes('Ingress') ? ingress.flatMap((r) => rules(r.from, r.ports, true)) : null,
    egress: policyTypes.includes('Egress') ? egress.flatMap((r) => rules(r.to, r.ports, false)) : null,
  };
}

const ownSelector = (selector: string, namespace: string): Selector => parseSelector(`(${selector}) && ${NAMESPACE} == '${namespace}'`);

/** A label selector of Kubernetes in Calico's language. */
function termsOf(selector: LabelSelector | undefined): string[] {
  const labels = selector?.matchLabels ?? {};
  const terms = Object.keys(labels).sort().map((key) => `${key} == '${labels[key]}'`);
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const list = `{ '${values.join("', '")}' }`;
    if (operator === 'In') terms.push(`${key} in ${list}`);
    else if (operator === 'NotIn') terms.push(`${key} not in ${list}`);
    else terms.push(operator === 'Exists' ? `has(${key})` : `! has(${key})`);
  }
  return terms;
}

const podsText = (selector: LabelSelector | undefined): string => [IS_POD, ...termsOf(selector)].join(' && ');

/** '' when there is none; one without terms selects every namespace. */
const namespacesText = (selector: LabelSelector | undefined): string => (selector === undefined ? '' : termsOf(selector).join(' && ') || 'all()');

interface ProtocolPorts {
  readonly protocol: Protocol | null;
  readonly ports: Ports;
  readonly named: readonly string[];
}

function convert(namespace: string, peers: readonly NetworkPolicyPeer[], ports: readonly NetworkPolicyPort[], isIngress: boolean): PolicyRule[] {
  const sides = peers.length === 0 ? [NOBODY] : peers.map((peer) => sideOfPeer(peer, namespace));
  return byProtocol(ports).flatMap(({ protocol, ports: numbers, named }) =>
    sides.map((side): PolicyRule => ({ action: 'allow', protocol, source: isIngress ? side : NOBODY, destination: isIngress ? NOBODY : side, ports: numbers, namedPorts: named })),
  );
}

const netOf = (cidr: string): string => (cidr.includes(':') ? cidr : formatCidr(networkOf(parseCidr(cidr))));

function sideOfPeer({ ipBlock, podSelector, namespaceSelector }: NetworkPolicyPeer, namespace: string): Side {
  if (ipBlock !== undefined) return { ...NOBODY, nets: [netOf(ipBlock.cidr)], notNets: (ipBlock.except ?? []).map(netOf) };
  return { ...NOBODY, selector: endpointSelector(namespacesText(namespaceSelector), podsText(podSelector), '', namespace) };
}

/** All that is asked for of one protocol; a port without a number means all of its protocol. */
function byProtocol(ports: readonly NetworkPolicyPort[]): ProtocolPorts[] {
  if (ports.length === 0) return [{ protocol: null, ports: [], named: [] }];
  const found = new Map<Protocol, { all: boolean; numbers: [number, number][]; named: string[] }>();
  for (const { protocol = 'TCP', port, endPort } of ports) {
    const name = protocol.toLowerCase() as Protocol;
    let entry = found.get(name);
    if (entry === undefined) found.set(name, (entry = { all: false, numbers: [], named: [] }));
    if (port === undefined) entry.all = true;
    else if (typeof port === 'string' && !/^\d+$/.test(port)) entry.named.push(port);
    else entry.numbers.push([Number(port), endPort ?? Number(port)]);
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([protocol, { all, numbers, named }]) => (all ? { protocol, ports: [], named: [] } : { protocol, ports: joined(numbers), named }));
}

/** Ranges that touch become one (SimplifyPorts). */
function joined(ranges: readonly (readonly [number, number])[]): Ports {
  const out: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const end = out.at(-1);
    if (end !== undefined && first <= end[1] + 1) end[1] = Math.max(end[1], last);
    else out.push([first, last]);
  }
  return out.map(([first, last]) => (first === last ? first : [first, last]));
}

/** Who is meant by the selectors of one side; null: anybody. */
function endpointSelector(namespaces: string, endpoints: string, serviceAccounts: string, namespace: string): Selector | null {
  let where = '';
  if (namespaces !== '') where = withPrefix(namespaces, 'pcns.').replaceAll('all()', `has(${NAMESPACE})`).replaceAll('global()', `!has(${NAMESPACE})`);
  else if (namespace !== '') where = `${NAMESPACE} == '${namespace}'`;
  const both = [serviceAccounts, endpoints].filter((s) => s !== '');
  const who = both.length > 1 ? `(${both.join(') && (')})` : (both[0] ?? '');
  if (where !== '' && (who !== '' || namespaces !== '')) return parseSelector(who === '' ? where : `(${where}) && (${who})`);
  return who === '' ? null : parseSelector(who);
}

// ---- Calico's own

interface Entity {
  readonly selector?: string;
  readonly notSelector?: string;
  readonly namespaceSelector?: string;
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  readonly ports?: readonly (number | string)[];
  readonly serviceAccounts?: { readonly names?: readonly string[]; readonly selector?: string };
}

interface CalicoRule {
  readonly action: string;
  readonly protocol?: string | number;
  readonly source?: Entity;
  readonly destination?: Entity;
}

export interface CalicoPolicy extends ApiObject {
  readonly spec?: {
    readonly order?: number;
    readonly selector?: string;
    readonly namespaceSelector?: string;
    readonly serviceAccountSelector?: string;
    readonly types?: readonly string[];
    readonly ingress?: readonly CalicoRule[];
    readonly egress?: readonly CalicoRule[];
  };
}

const BY_NUMBER: Readonly<Record<string, Protocol>> = { '1': 'icmp', '4': 'ipencap', '6': 'tcp', '17': 'udp', '132': 'sctp' };

/** Throws SelectorError. */
export function fromCalico(policy: CalicoPolicy, kind: 'NetworkPolicy' | 'GlobalNetworkPolicy'): Policy {
  const { name, namespace = '' } = policy.metadata;
  const { order, selector = '', namespaceSelector = '', serviceAccountSelector = '', types, ingress, egress } = policy.spec ?? {};
  const asked = types ?? (egress === undefined || ingress !== undefined ? (egress === undefined ? ['Ingress'] : ['Ingress', 'Egress']) : ['Egress']);
  const own = [selector || 'all()', serviceAccountSelector === '' ? '' : withPrefix(serviceAccountSelector, 'pcsa.'), namespaceSelector === '' ? '' : withPrefix(namespaceSelector, 'pcns.').replaceAll('all()', `has(${NAMESPACE})`)];
  const text = own.filter((s) => s !== '').map((s) => `(${s})`).join(' && ');
  return {
    kind,
    namespace,
    name: name.replace(/^default\./, ''),
    order: order ?? Number.POSITIVE_INFINITY,
    selector: namespace === '' ? parseSelector(text) : ownSelector(text, namespace),
    ingress: asked.includes('Ingress') ? (ingress ?? []).flatMap((r) => calicoRule(r, namespace)) : null,
    egress: asked.includes('Egress') ? (egress ?? []).flatMap((r) => calicoRule(r, namespace)) : null,
  };
}

/** None for an action that only logs. */
function calicoRule(rule: CalicoRule, namespace: string): PolicyRule[] {
  const action = rule.action.toLowerCase();
  if (action !== 'allow' && action !== 'deny' && action !== 'pass') return [];
  const protocol = rule.protocol === undefined ? null : (BY_NUMBER[String(rule.protocol)] ?? (String(rule.protocol).toLowerCase() as Protocol));
  const ports: (number | readonly [number, number])[] = [];
  const namedPorts: string[] = [];
  for (const port of rule.destination?.ports ?? []) {
    const range = /^(\d+):(\d+)$/.exec(String(port));
    if (range !== null) ports.push([Number(range[1]), Number(range[2])]);
    else if (/^\d+$/.test(String(port))) ports.push(Number(port));
    else namedPorts.push(String(port));
  }
  return [{ action, protocol, source: sideOfEntity(rule.source, namespace), destination: sideOfEntity(rule.destination, namespace), ports, namedPorts }];
}

function sideOfEntity(entity: Entity | undefined, namespace: string): Side {
  if (entity === undefined) return NOBODY;
  const { selector = '', notSelector = '', namespaceSelector = '', serviceAccounts } = entity;
  const accounts: string[] = [];
  if (serviceAccounts?.names !== undefined && serviceAccounts.names.length > 0) accounts.push(`pcsa.projectcalico.org/name in { '${serviceAccounts.names.join("', '")}' }`);
  if (serviceAccounts?.selector) accounts.push(withPrefix(serviceAccounts.selector, 'pcsa.'));
  return {
    selector: endpointSelector(namespaceSelector, selector, accounts.join(' && '), namespace),
    notSelector: notSelector === '' ? null : parseSelector(notSelector),
    nets: (entity.nets ?? []).map(netOf),
    notNets: (entity.notNets ?? []).map(netOf),
  };
}
