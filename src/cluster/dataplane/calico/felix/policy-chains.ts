// The chains of a policy and of a profile (felix/rules/policy.go). A rule that asks for more than one rule of iptables can say is
// split into blocks that note in a mark bit whether all of them fit.

import { chainName, ipsetName, uniqueId } from '../names.ts';
import { type Policy, policyId, type PolicyRule, type Side } from '../policy.ts';
import { parseSelector, type Selector } from '../selector.ts';
import { ANY, clearMark, DROP, type FelixChain, type FelixRule, MARK, type Match, type Ports, RETURN, rule, setMark, setMaskedMark } from './rule.ts';

/** A set of addresses that rules ask: those of a selector, or of a port's name among them. */
export type SetQuery =
  | { readonly id: string; readonly selector: Selector; readonly port: null }
  | { readonly id: string; readonly selector: Selector; readonly port: { readonly name: string; readonly protocol: string } };

/** Hears which sets the rules ask. */
export type AskSet = (query: SetQuery) => void;

export type Direction = 'ingress' | 'egress';

export const policyChainName = (policy: Pick<Policy, 'kind' | 'namespace' | 'name'>, direction: Direction): string => chainName(direction === 'ingress' ? 'cali-pi-' : 'cali-po-', policyId(policy));
export const profileChainName = (profile: string, direction: Direction): string => chainName(direction === 'ingress' ? 'cali-pri-' : 'cali-pro-', profile);

export function policyChain(policy: Policy, direction: Direction, ask: AskSet): FelixChain {
  const { kind, namespace, name } = policy;
  const rules = (direction === 'ingress' ? policy.ingress : policy.egress) ?? [];
  const comment = `${kind} ${namespace === '' ? '' : `${namespace}/`}${name} ${direction}`;
  return { name: policyChainName(policy, direction), rules: titled(rules.flatMap((r) => rulesOf(r, ask)), comment) };
}

/** `kns.<namespace>` lets everything pass, `ksa.<namespace>.<name>` says nothing. */
export function profileChain(profile: string, direction: Direction): FelixChain {
  const rules = profile.startsWith('kns.') ? [rule(ANY, setMark(MARK.accept))] : [];
  return { name: profileChainName(profile, direction), rules: titled(rules, `Profile ${profile} ${direction}`) };
}

/** A RETURN at the end says nothing; the first rule carries the name. */
function titled(rules: readonly FelixRule[], comment: string): FelixRule[] {
  const last = rules.findLastIndex((r) => r.action !== RETURN);
  const [first, ...rest] = rules.slice(0, last + 1);
  if (first === undefined) return [rule(ANY, null, comment)];
  return [{ ...first, comments: [...first.comments, comment] }, ...rest];
}

const MARK_OF = { allow: MARK.accept, pass: MARK.pass, deny: MARK.drop } as const;

/** Only those of IPv4; null when that leaves nothing of what was asked for. */
function onlyIpv4(nets: readonly string[], negated: boolean): readonly string[] | null {
  if (nets.length === 0) return nets;
  const own = nets.filter((net) => !net.includes(':'));
  if (own.length === 0) return null;
  return negated && own.includes('0.0.0.0/0') ? null : own;
}

function withIpv4(side: Side): Side | null {
  const nets = onlyIpv4(side.nets, false);
  const notNets = onlyIpv4(side.notNets, true);
  return nets === null || notNets === null ? null : { ...side, nets, notNets };
}

function rulesOf(plain: PolicyRule, ask: AskSet): FelixRule[] {
  const { action, protocol } = plain;
  let source = withIpv4(plain.source);
  let destination = withIpv4(plain.destination);
  if (source === null || destination === null) return [];
  const blocks = new Blocks();
  const named = plain.namedPorts.map((name) => namedPortSet(name, protocol ?? 'tcp', destination?.selector ?? null, ask));
  const splits = splitPorts(plain.ports);
  const portsInBlock = splits.length + named.length > 1;
  if (portsInBlock) {
    const onProtocol = protocol === null ? ANY : ANY.protocol(protocol);
    blocks.any([...splits.map((ports) => onProtocol.ports(ports)), ...named.map((id) => ANY.set(ipsetName(id), 'dst,dst'))]);
  }
  if (source.nets.length > 1) {
    blocks.any(source.nets.map((net) => ANY.source(net)));
    source = { ...source, nets: [] };
  }
  if (destination.nets.length > 1) {
    blocks.any(destination.nets.map((net) => ANY.destination(net)));
    destination = { ...destination, nets: [] };
  }
  if (source.nets.length + source.notNets.length > 1) {
    blocks.none(source.notNets.map((net) => ANY.source(net)));
    source = { ...source, notNets: [] };
  }
  if (destination.nets.length + destination.notNets.length > 1) {
    blocks.none(destination.notNets.map((net) => ANY.destination(net)));
    destination = { ...destination, notNets: [] };
  }

  let match: Match = protocol === null ? ANY : ANY.protocol(protocol);
  for (const net of source.nets) match = match.source(net);
  if (source.selector !== null) match = match.set(ipsetName(selectorSet(source.selector, ask)), 'src');
  for (const net of destination.nets) match = match.destination(net);
  // Where only names of ports are asked for, their sets hold no others than those selected.
  if (destination.selector !== null && (plain.ports.length > 0 || named.length === 0)) match = match.set(ipsetName(selectorSet(destination.selector, ask)), 'dst');
  if (!portsInBlock) {
    for (const ports of splits) match = match.ports(ports);
    for (const id of named) match = match.set(ipsetName(id), 'dst,dst');
  }
  for (const net of source.notNets) match = match.notSource(net);
  if (source.notSelector !== null) match = match.set(ipsetName(selectorSet(source.notSelector, ask)), 'src', true);
  for (const net of destination.notNets) match = match.notDestination(net);
  if (destination.notSelector !== null) match = match.set(ipsetName(selectorSet(destination.notSelector, ask)), 'dst', true);
  if (blocks.used) match = match.marked(MARK.scratch0);
  const mark = MARK_OF[action];
  return [...blocks.rules, rule(match, setMark(mark)), rule(ANY.marked(mark), action === 'deny' ? DROP : RETURN)];
}

/** The blocks in front of a rule: bit scratch0 says that all of them fit so far. */
class Blocks {
  readonly rules: FelixRule[] = [];
  #positive = false;

  get used(): boolean {
    return this.rules.length > 0;
  }

  /** One of these must fit. */
  any(matches: readonly Match[]): void {
    this.#begin(0);
    // The first block writes the result itself; the next ones, a bit of their own that is then joined to it.
    const bit = this.#positive ? MARK.scratch1 : MARK.scratch0;
    for (const match of matches) this.rules.push(rule(match, setMark(bit)));
    if (this.#positive) this.rules.push(rule(ANY.unmarked(MARK.scratch1), clearMark(MARK.scratch0)));
    this.#positive = true;
  }

  /** None of these may fit. */
  none(matches: readonly Match[]): void {
    this.#begin(MARK.scratch0);
    for (const match of matches) this.rules.push(rule(match, clearMark(MARK.scratch0)));
  }

  #begin(initially: number): void {
    if (!this.used) this.rules.push(rule(ANY, setMaskedMark(initially, MARK.scratch0 | MARK.scratch1)));
  }
}

/** A multiport match has room for 15 ports; a range takes two places. */
function splitPorts(ports: Ports): Ports[] {
  const out: (number | readonly [number, number])[][] = [];
  let free = 0;
  for (const port of ports) {
    const places = typeof port === 'number' ? 1 : 2;
    if (free < places) {
      out.push([]);
      free = 15;
    }
    out.at(-1)?.push(port);
    free -= places;
  }
  return out;
}

const selectorId = (selector: Selector): string => uniqueId('s', selector.text);
const EVERYBODY = parseSelector('all()');

function selectorSet(selector: Selector, ask: AskSet): string {
  const id = selectorId(selector);
  ask({ id, selector, port: null });
  return id;
}

function namedPortSet(name: string, protocol: string, selector: Selector | null, ask: AskSet): string {
  const among = selector ?? EVERYBODY;
  const id = uniqueId('n', `${selectorId(among)},${protocol},${name}`);
  ask({ id, selector: among, port: { name, protocol } });
  return id;
}
