// The chains of a Pod's interface, to it and from it, and the dispatch to them by the interface's name (felix/rules/endpoints.go,
// dispatch.go).

import { sha3_224 } from '@noble/hashes/sha3.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { bytesToBase64Url } from '../../../api/base64.ts';
import { chainName } from '../names.ts';
import type { Policy } from '../policy.ts';
import { type Direction, policyChainName, profileChainName } from './policy-chains.ts';
import { ACCEPT, ANY, clearMark, DROP, type FelixChain, type FelixRule, goTo, jump, MARK, type Match, RETURN, rule } from './rule.ts';

const VXLAN_PORT = 4789;
const RETURN_STRIDE = 5;
const CHAIN_LENGTH = 28;

/** Policies next to each other that select by the same selector. */
interface Group {
  readonly policies: readonly Policy[];
  readonly chain: string;
}

export interface Endpoint {
  readonly interface: string;
  readonly profiles: readonly string[];
  /** In order of precedence. */
  readonly policies: readonly Policy[];
}

function groupsOf(policies: readonly Policy[], direction: Direction): Group[] {
  const groups: Policy[][] = [];
  for (const policy of policies) {
    const last = groups.at(-1);
    if (last?.[0]?.selector.text === policy.selector.text) last.push(policy);
    else groups.push([policy]);
  }
  return groups.map((own) => ({ policies: own, chain: own.length === 1 ? policyChainName(own[0] as Policy, direction) : groupName(own, direction) }));
}

function groupName(policies: readonly Policy[], direction: Direction): string {
  const prefix = direction === 'ingress' ? 'cali-gi-' : 'cali-go-';
  const parts = [
    policies[0]?.selector.text ?? '',
    direction === 'ingress' ? 'inbound' : 'outbound',
    String(policies.length),
    ...policies.map((p) => `{Name: ${p.name}, Namespace: ${p.namespace}, Kind: ${p.kind}}`),
  ];
  return `${prefix}${bytesToBase64Url(sha3_224(utf8ToBytes(parts.map((part) => `${part}\n`).join(''))))}`.slice(0, CHAIN_LENGTH);
}

function groupChain({ policies, chain }: Group, direction: Direction): FelixChain {
  const decided = MARK.pass | MARK.accept;
  const rules: FelixRule[] = [];
  for (const [i, policy] of policies.entries()) {
    const first = i % RETURN_STRIDE === 0;
    if (first && i > 0) rules.push(rule(ANY.anyMarked(decided), RETURN, 'Return on verdict'));
    rules.push(rule(first ? ANY : ANY.unmarked(decided), jump(policyChainName(policy, direction))));
  }
  return { name: chain, rules };
}

/** The chain for one direction, and those of its groups of policies. */
export function endpointChains(endpoint: Endpoint, direction: Direction): FelixChain[] {
  const policies = endpoint.policies.filter((p) => (direction === 'ingress' ? p.ingress : p.egress) !== null);
  const groups = groupsOf(policies, direction);
  const rules: FelixRule[] = [
    rule(ANY.state('RELATED', 'ESTABLISHED'), ACCEPT),
    rule(ANY.state('INVALID'), DROP),
    rule(ANY, clearMark(MARK.accept | MARK.pass)),
  ];
  if (direction === 'egress') {
    rules.push(rule(ANY.udp().ports([VXLAN_PORT]), DROP, 'Drop VXLAN encapped packets originating in workloads'));
    rules.push(rule(ANY.protocol('ipencap'), DROP, 'Drop IPinIP encapped packets originating in workloads'));
  }
  if (groups.length > 0) {
    rules.push(rule(ANY, clearMark(MARK.pass), 'Start of tier default'));
    for (const { chain } of groups) {
      rules.push(rule(ANY.unmarked(MARK.pass), jump(chain)));
      rules.push(rule(ANY.marked(MARK.accept), RETURN, 'Return if policy accepted'));
    }
    rules.push(rule(ANY.unmarked(MARK.pass), DROP, 'End of tier default. Drop if no policies passed packet'));
  }
  for (const profile of endpoint.profiles) {
    rules.push(rule(ANY, jump(profileChainName(profile, direction))));
    rules.push(rule(ANY.marked(MARK.accept), RETURN, 'Return if profile accepted'));
  }
  rules.push(rule(ANY, DROP, 'Drop if no profiles matched'));
  const own = { name: endpointChainName(endpoint.interface, direction), rules };
  return [own, ...groups.filter((g) => g.policies.length > 1).map((g) => groupChain(g, direction))];
}

/** To the Pod its ingress counts, from it its egress. */
const endpointChainName = (name: string, direction: Direction): string => chainName(direction === 'ingress' ? 'cali-tw-' : 'cali-fw-', name);

const UNKNOWN = rule(ANY, DROP, 'Unknown interface');

/** `cali-from-wl-dispatch` and `cali-to-wl-dispatch`: a shallow tree over the interfaces' names. */
export function dispatchChains(interfaces: readonly string[]): FelixChain[] {
  const names = [...interfaces].sort();
  const common = commonPrefix(names);
  const byPrefix = new Map<string, string[]>();
  for (const name of names) {
    const prefix = name.slice(0, common.length + 1);
    const bin = byPrefix.get(prefix);
    if (bin === undefined) byPrefix.set(prefix, [name]);
    else bin.push(name);
  }
  const tree = (root: string, direction: Direction, match: (name: string) => Match): FelixChain[] => {
    const leaf = (name: string): FelixRule => rule(match(name), goTo(endpointChainName(name, direction)));
    const children: FelixChain[] = [];
    const rules: FelixRule[] = [];
    for (const [prefix, own] of byPrefix) {
      const [only] = own;
      if (own.length === 1 && only !== undefined) {
        rules.push(leaf(only));
        continue;
      }
      const child = `${root}-${prefix.slice(common.length)}`;
      rules.push(rule(match(`${prefix}+`), goTo(child)));
      children.push({ name: child, rules: [...own.map(leaf), UNKNOWN] });
    }
    return [...children, { name: root, rules: [...rules, UNKNOWN] }];
  };
  return [
    ...tree('cali-from-wl-dispatch', 'egress', (name) => ANY.inInterface(name)),
    ...tree('cali-to-wl-dispatch', 'ingress', (name) => ANY.outInterface(name)),
  ];
}

function commonPrefix(names: readonly string[]): string {
  const [first = ''] = names;
  let length = first.length;
  for (const name of names) while (!name.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}
