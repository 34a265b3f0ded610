// Rules as Felix makes them (felix/generictables, felix/iptables): matches and an action, both as the kernel's rule and as the text
// that goes into the rule's hash; its hash and comments stand in front.

import type { Chain, Rule, Target } from '../../../network/netfilter.ts';
import { ruleHashes } from '../names.ts';

/** Bits of the packet mark that are Felix' (IptablesMarkMask 0xffff0000), in order of allocation. */
export const MARK = { accept: 0x10000, pass: 0x20000, drop: 0x40000, scratch0: 0x80000, scratch1: 0x100000 } as const;
export const ALL_MARKS = MARK.accept | MARK.pass | MARK.scratch0 | MARK.scratch1;

type Condition = Omit<Rule, 'target' | 'comment' | 'comments'>;
export type Ports = readonly (number | readonly [first: number, last: number])[];

/** What a packet must be. */
export class Match {
  readonly text: readonly string[];
  readonly condition: Condition;

  constructor(text: readonly string[] = [], condition: Condition = {}) {
    this.text = text;
    this.condition = condition;
  }

  #and(text: string, condition: Condition): Match {
    return new Match([...this.text, text], { ...this.condition, ...condition });
  }

  inInterface(name: string): Match {
    return this.#and(`--in-interface ${name}`, { inInterface: name });
  }

  outInterface(name: string): Match {
    return this.#and(`--out-interface ${name}`, { outInterface: name });
  }

  protocol(name: NonNullable<Rule['protocol']>): Match {
    return this.#and(`-p ${name === 'ipencap' ? '4' : name}`, { protocol: name });
  }

  /** By number: how Felix names UDP where it looks for envelopes. */
  udp(): Match {
    return this.#and('-p 17', { protocol: 'udp' });
  }

  source(net: string): Match {
    return this.#and(`--source ${net}`, { source: net });
  }

  notSource(net: string): Match {
    return this.#and(`! --source ${net}`, { notSource: net });
  }

  destination(net: string): Match {
    return this.#and(`--destination ${net}`, { destination: net });
  }

  notDestination(net: string): Match {
    return this.#and(`! --destination ${net}`, { notDestination: net });
  }

  set(name: string, flags: 'src' | 'dst' | 'src,src' | 'dst,dst', not = false): Match {
    const one = not ? ({ name, flags, not: true } as const) : { name, flags };
    return this.#and(`-m set ${not ? '! ' : ''}--match-set ${name} ${flags}`, { sets: [...(this.condition.sets ?? []), one] });
  }

  ports(ports: Ports): Match {
    return this.#and(`-m multiport --destination-ports ${ports.map((p) => (typeof p === 'number' ? p : p.join(':'))).join(',')}`, { destinationPorts: ports });
  }

  toLocal(): Match {
    return this.#and('-m addrtype --dst-type LOCAL', { destinationType: 'LOCAL' });
  }

  fromLocal(): Match {
    return this.#and('-m addrtype --src-type LOCAL', { sourceType: 'LOCAL' });
  }

  state(...states: NonNullable<Rule['ctState']>): Match {
    return this.#and(`-m conntrack --ctstate ${states.join(',')}`, { ctState: states });
  }

  notState(state: 'DNAT'): Match {
    return this.#and(`-m conntrack ! --ctstate ${state}`, { notCtState: [state] });
  }

  marked(bit: number): Match {
    return this.#and(`-m mark --mark ${hex(bit)}/${hex(bit)}`, { mark: { value: bit, mask: bit } });
  }

  unmarked(bits: number): Match {
    return this.#and(`-m mark --mark 0/${hex(bits)}`, { mark: { value: 0, mask: bits } });
  }

  anyMarked(bits: number): Match {
    return this.#and(`-m mark ! --mark 0/${hex(bits)}`, { mark: { value: 0, mask: bits, not: true } });
  }

  rpfilter(): Match {
    return this.#and('-m rpfilter --invert --validmark', { rpfilter: true });
  }
}

export const ANY = new Match();
const hex = (n: number): string => `0x${n.toString(16)}`;

/** What is done with it. */
export interface Action {
  readonly text: string;
  readonly target: Target;
}

export const ACCEPT: Action = { text: '--jump ACCEPT', target: { kind: 'accept' } };
export const DROP: Action = { text: '--jump DROP', target: { kind: 'drop' } };
export const RETURN: Action = { text: '--jump RETURN', target: { kind: 'return' } };
export const MASQUERADE: Action = { text: '--jump MASQUERADE --random-fully', target: { kind: 'masquerade', randomFully: true } };
export const jump = (chain: string): Action => ({ text: `--jump ${chain}`, target: { kind: 'jump', chain } });
export const goTo = (chain: string): Action => ({ text: `--goto ${chain}`, target: { kind: 'goto', chain } });
export const setMark = (bits: number): Action => ({ text: `--jump MARK --set-mark ${hex(bits)}/${hex(bits)}`, target: { kind: 'mark', value: bits, mask: bits } });
export const clearMark = (bits: number): Action => ({ text: `--jump MARK --set-mark 0/${hex(bits)}`, target: { kind: 'mark', value: 0, mask: bits } });
export const setMaskedMark = (value: number, mask: number): Action => ({ text: `--jump MARK --set-mark ${hex(value)}/${hex(mask)}`, target: { kind: 'mark', value, mask } });

export interface FelixRule {
  readonly match: Match;
  /** Null: the rule only carries a comment. */
  readonly action: Action | null;
  readonly comments: readonly string[];
}

export const rule = (match: Match, action: Action | null, ...comments: readonly string[]): FelixRule => ({ match, action, comments });

/** Anything that a shell might misread is an underscore. */
const plain = (comment: string): string => comment.replace(/[^\w @%+=:,./-]/g, '_').slice(0, 256);

const textOf = (chain: string, { match, action, comments }: FelixRule): string =>
  [`-A ${chain} HASH`, ...comments.map((comment) => `-m comment --comment "${plain(comment)}"`), ...match.text, ...(action === null ? [] : [action.text])].join(' ');

/** Rules signed with their hashes, as they stand in the chain of that name. */
export function signed(chain: string, rules: readonly FelixRule[], hashedAs = chain): Rule[] {
  const hashes = ruleHashes(hashedAs, rules.map((r) => textOf(hashedAs, r)));
  return rules.map(({ match, action, comments }, i) => ({
    comments: [`cali:${hashes[i]}`, ...comments.map(plain)],
    ...match.condition,
    target: action === null ? { kind: 'none' } : action.target,
  }));
}

/** Rules that Felix appends to a chain of the kernel are signed apart from those that it inserts. */
export const appended = (chain: string, rules: readonly FelixRule[]): Rule[] => signed(chain, rules, `${chain}*appends*`);

export interface FelixChain {
  readonly name: string;
  readonly rules: readonly FelixRule[];
}

/** The chain that the kernel gets. */
export const chainOf = ({ name, rules }: FelixChain): Chain => ({ name, rules: signed(name, rules) });
