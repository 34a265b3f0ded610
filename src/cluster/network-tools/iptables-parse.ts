// What stands behind `-A CHAIN` of an iptables command or a line of iptables-restore, as a rule (iptables' own options and the
// extensions that Kubernetes' components use).

import { parseCidr } from '../network/ip.ts';
import type { Rule, Target } from '../network/netfilter.ts';

export class IptablesError extends Error {}

type Mutable = { -readonly [K in keyof Rule]: Rule[K] };

/** Words of one line: quotes group. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => (quoted === undefined ? (plain as string) : quoted.replace(/\\(.)/g, '$1')));
}

const address = (text: string): string => {
  try {
    parseCidr(text);
  } catch {
    throw new IptablesError(`host/network \`${text}' not found`);
  }
  return text.endsWith('/32') ? text.slice(0, -3) : text;
};

function port(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) throw new IptablesError(`invalid port/service \`${text}' specified`);
  return number;
}

function hexMask(text: string, without = 0xffff_ffff): { value: number; mask: number } {
  const [value = '0', mask] = text.split('/');
  return { value: Number(value), mask: mask === undefined ? without : Number(mask) };
}

const PROTOCOLS: Readonly<Record<string, Rule['protocol']>> = { tcp: 'tcp', udp: 'udp', icmp: 'icmp', sctp: 'sctp', '6': 'tcp', '17': 'udp', '1': 'icmp' };

/** Reads the words of a rule. Throws IptablesError in iptables' words. */
export function parseRule(words: readonly string[]): Rule {
  return new RuleReader(words).read();
}

class RuleReader {
  readonly #words: readonly string[];
  readonly #rule: Mutable = { target: { kind: 'none' } };
  #at = 0;
  #not = false;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  read(): Rule {
    while (this.#at < this.#words.length) this.#option(this.#words[this.#at++] as string);
    // The order of the keys is the order of the matches.
    const { target, ...matches } = this.#rule;
    return { ...matches, target };
  }

  #value(option: string): string {
    if (this.#words[this.#at] === '!') {
      this.#not = true;
      this.#at++;
    }
    const value = this.#words[this.#at++];
    if (value === undefined) throw new IptablesError(`option "${option}" requires an argument`);
    return value;
  }

  #option(option: string): void {
    const rule = this.#rule;
    if (option === '!') {
      this.#not = true;
      return;
    }
    switch (option) {
      case '-s': case '--source': case '--src': {
        const value = address(this.#value(option));
        if (this.#not) rule.notSource = value;
        else rule.source = value;
        break;
      }
      case '-d': case '--destination': case '--dst': {
        const value = address(this.#value(option));
        if (this.#not) rule.notDestination = value;
        else rule.destination = value;
        break;
      }
      case '-p': case '--protocol': {
        const text = this.#value(option);
        if (text === 'all' || text === '0') break;
        const protocol = PROTOCOLS[text];
        if (protocol === undefined) throw new IptablesError(`unknown protocol "${text}" specified`);
        rule.protocol = protocol;
        break;
      }
      case '-i': case '--in-interface': {
        const value = this.#value(option);
        if (this.#not) rule.notInInterface = value;
        else rule.inInterface = value;
        break;
      }
      case '-o': case '--out-interface': {
        const value = this.#value(option);
        if (this.#not) rule.notOutInterface = value;
        else rule.outInterface = value;
        break;
      }
      case '-m': case '--match':
        this.#match(this.#value(option));
        break;
      case '-j': case '--jump':
        rule.target = this.#target(this.#value(option));
        break;
      case '-g': case '--goto':
        rule.target = { kind: 'goto', chain: this.#value(option) };
        break;
      default:
        this.#matchOption(option);
    }
    this.#not = false;
  }

  #match(module: string): void {
    const known = ['comment', 'tcp', 'udp', 'sctp', 'conntrack', 'state', 'addrtype', 'mark', 'statistic', 'recent', 'nfacct', 'set', 'multiport'];
    if (!known.includes(module)) throw new IptablesError(`Couldn't load match \`${module}':No such file or directory`);
    // `-m tcp` holds its place among the matches.
    if (module === 'tcp' || module === 'udp' || module === 'sctp') this.#rule.protocolModule = true;
  }

  #matchOption(option: string): void {
    const rule = this.#rule;
    switch (option) {
      case '--comment': {
        const comment = this.#value(option);
        // A second one makes a list of them.
        if (rule.comments !== undefined) rule.comments = [...rule.comments, comment];
        else if (rule.comment === undefined) rule.comment = comment;
        else {
          rule.comments = [rule.comment, comment];
          delete rule.comment;
        }
        break;
      }
      case '--match-set': {
        const [name, not] = [this.#value(option), this.#not];
        const flags = this.#value(option);
        rule.sets = [...(rule.sets ?? []), not ? { name, flags, not } : { name, flags }];
        break;
      }
      case '--dports': case '--destination-ports':
        this.#needsProtocol(option);
        rule.destinationPorts = this.#value(option).split(',').map((part) => {
          const [first = '', last] = part.split(':');
          return last === undefined ? port(first) : ([port(first), port(last)] as const);
        });
        break;
      case '--dport': case '--destination-port':
        this.#needsProtocol(option);
        rule.destinationPort = port(this.#value(option));
        break;
      case '--sport': case '--source-port':
        this.#needsProtocol(option);
        rule.sourcePort = port(this.#value(option));
        break;
      case '--ctstate': case '--state': {
        const states = this.#value(option).split(',') as NonNullable<Rule['ctState']>[number][];
        if (this.#not) rule.notCtState = states;
        else rule.ctState = states;
        break;
      }
      case '--ctstatus':
        this.#value(option);
        rule.ctStatus = 'DNAT';
        break;
      case '--dst-type':
        this.#local(this.#value(option));
        if (this.#not) rule.notDestinationType = 'LOCAL';
        else rule.destinationType = 'LOCAL';
        break;
      case '--src-type':
        this.#local(this.#value(option));
        if (this.#not) rule.notSourceType = 'LOCAL';
        else rule.sourceType = 'LOCAL';
        break;
      case '--mark': {
        const mark = hexMask(this.#value(option));
        rule.mark = this.#not ? { ...mark, not: true } : mark;
        break;
      }
      case '--mode':
        this.#value(option);
        break;
      case '--probability':
        rule.probability = Number(this.#value(option));
        break;
      case '--nfacct-name':
        rule.nfacct = this.#value(option);
        break;
      case '--set':
        rule.recent = { ...(rule.recent ?? { name: 'DEFAULT' }), action: 'set' };
        break;
      case '--rcheck':
        rule.recent = { ...(rule.recent ?? { name: 'DEFAULT' }), action: 'check' };
        break;
      case '--name':
        rule.recent = { ...(rule.recent ?? { action: 'check' }), name: this.#value(option) };
        break;
      case '--seconds':
        rule.recent = { ...(rule.recent ?? { action: 'check', name: 'DEFAULT' }), seconds: Number(this.#value(option)) };
        break;
      case '--reap': case '--rsource':
        break;
      case '--mask':
        this.#value(option);
        break;
      default:
        throw new IptablesError(option.startsWith('-') ? `unknown option "${option}"` : `Bad argument \`${option}'`);
    }
  }

  #needsProtocol(option: string): void {
    const { protocol } = this.#rule;
    // iptables finds the protocol wherever it stands.
    if (protocol === undefined && !this.#words.includes('-p') && !this.#words.includes('--protocol')) throw new IptablesError(`unknown option "${option}"`);
  }

  #local(type: string): void {
    if (type !== 'LOCAL') throw new IptablesError(`addrtype: bad type \`${type}'`);
  }

  #target(name: string): Target {
    const next = (...options: readonly string[]): string | undefined => {
      const at = this.#words.findIndex((word, i) => i >= this.#at && options.includes(word));
      if (at < 0) return undefined;
      return this.#words[at + 1];
    };
    const has = (option: string): boolean => this.#words.indexOf(option, this.#at) >= 0;
    const rest = (target: Target): Target => {
      this.#at = this.#words.length;
      return target;
    };
    switch (name) {
      case 'ACCEPT':
        return { kind: 'accept' };
      case 'DROP':
        return { kind: 'drop' };
      case 'RETURN':
        return { kind: 'return' };
      case 'REJECT': {
        const kind = next('--reject-with');
        return rest(kind === undefined || kind === 'icmp-port-unreachable' ? { kind: 'reject' } : { kind: 'reject', with: kind as 'tcp-reset' });
      }
      case 'MASQUERADE':
        return rest(has('--random-fully') ? { kind: 'masquerade', randomFully: true } : { kind: 'masquerade' });
      case 'SNAT': {
        const source = next('--to-source') ?? '';
        return rest(has('--random-fully') ? { kind: 'snat', address: source, randomFully: true } : { kind: 'snat', address: source });
      }
      case 'DNAT': {
        const [to = '', number] = (next('--to-destination') ?? '').split(':');
        return rest({ kind: 'dnat', address: to, port: number === undefined ? null : port(number) });
      }
      case 'MARK':
        return rest(this.#mark(next));
      default:
        return { kind: 'jump', chain: name };
    }
  }

  #mark(next: (...options: readonly string[]) => string | undefined): Target {
    const or = next('--or-mark');
    if (or !== undefined) return { kind: 'mark', value: Number(or), mask: Number(or) };
    const xor = next('--xor-mark');
    if (xor !== undefined) return { kind: 'mark', value: Number(xor), mask: 0 };
    return { kind: 'mark', ...hexMask(next('--set-xmark', '--set-mark') ?? '0') };
  }
}
