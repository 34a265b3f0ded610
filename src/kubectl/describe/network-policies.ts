// NetworkPolicies in words (kubectl/pkg/describe describeNetworkPolicySpec).

import type { LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../cluster/api/generated/types.ts';
import { labelSelectorText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { head, labelsAndAnnotations } from './metadata.ts';
import type { Page } from './page.ts';
import type { Writer } from './writer.ts';

const INDENT = '    ';

interface Rule {
  readonly ports?: readonly NetworkPolicyPort[] | undefined;
  readonly peers?: readonly NetworkPolicyPeer[] | undefined;
}

interface Direction {
  readonly name: 'ingress' | 'egress';
  readonly peer: 'From' | 'To';
  readonly end: 'source' | 'destination';
}

const INGRESS: Direction = { name: 'ingress', peer: 'From', end: 'source' };
const EGRESS: Direction = { name: 'egress', peer: 'To', end: 'destination' };

const isEmpty = ({ matchLabels, matchExpressions }: LabelSelector): boolean => Object.keys(matchLabels ?? {}).length === 0 && !matchExpressions?.length;

export function* describeNetworkPolicy(page: Page, policy: NetworkPolicy): Op<void> {
  const { metadata, spec } = policy;
  head(page, metadata);
  page.write(0, `Created on:\t${(metadata.creationTimestamp ?? '').replace('T', ' ').replace('Z', '')} +0000 UTC\n`);
  labelsAndAnnotations(page, metadata);
  page.write(0, 'Spec:\n');
  page.write(1, 'PodSelector: ');
  const selector = spec.podSelector ?? {};
  page.write(2, isEmpty(selector) ? '<none> (Allowing the specific traffic to all pods in this namespace)\n' : `${labelSelectorText(selector)}\n`);
  const types = spec.policyTypes ?? [];
  direction(page, INGRESS, types.includes('Ingress'), (spec.ingress ?? []).map(({ ports, from }) => ({ ports, peers: from })));
  direction(page, EGRESS, types.includes('Egress'), (spec.egress ?? []).map(({ ports, to }) => ({ ports, peers: to })));
  page.write(1, `Policy Types: ${types.join(', ') || '<none>'}\n`);
}

function direction(w: Writer, way: Direction, affected: boolean, rules: readonly Rule[]): void {
  if (!affected) return w.write(1, `Not affecting ${way.name} traffic\n`);
  w.write(1, `Allowing ${way.name} traffic:\n`);
  if (rules.length === 0) return w.write(0, `${INDENT}<none> (Selected pods are isolated for ${way.name} connectivity)\n`);
  for (const [i, rule] of rules.entries()) {
    if (i > 0) w.write(0, `${INDENT}----------\n`);
    portLines(w, rule.ports);
    peerLines(w, way, rule.peers);
  }
}

function portLines(w: Writer, ports: Rule['ports']): void {
  if (!ports?.length) return w.write(0, `${INDENT}To Port: <any> (traffic allowed to all ports)\n`);
  for (const { port = '<nil>', endPort, protocol = 'TCP' } of ports) {
    w.write(0, endPort === undefined ? `${INDENT}To Port: ${port}/${protocol}\n` : `${INDENT}To Port Range: ${port}-${endPort}/${protocol}\n`);
  }
}

function peerLines(w: Writer, way: Direction, peers: Rule['peers']): void {
  if (!peers?.length) return w.write(0, `${INDENT}${way.peer}: <any> (traffic not restricted by ${way.end})\n`);
  for (const { namespaceSelector, podSelector, ipBlock } of peers) {
    w.write(0, `${INDENT}${way.peer}:\n`);
    if (namespaceSelector) w.write(1, `${INDENT}NamespaceSelector: ${labelSelectorText(namespaceSelector)}\n`);
    if (podSelector) w.write(1, `${INDENT}PodSelector: ${labelSelectorText(podSelector)}\n`);
    if (namespaceSelector || podSelector || !ipBlock) continue;
    w.write(1, `${INDENT}IPBlock:\n`);
    w.write(2, `${INDENT}CIDR: ${ipBlock.cidr}\n`);
    w.write(2, `${INDENT}Except: ${(ipBlock.except ?? []).join(', ')}\n`);
  }
}
