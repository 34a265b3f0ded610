// The filter expressions of tcpdump (pcap-filter(7)): host, net, port, src, dst, protocols, and, or, not, brackets.

import { contains, parseCidr, parseIp } from '../network/ip.ts';
import type { Packet } from '../network/packet.ts';

export type PacketFilter = (packet: Packet) => boolean;

export class FilterError extends Error {}

/** Reads an expression. Throws FilterError. */
export function parseFilter(words: readonly string[]): PacketFilter {
  const tokens = words.join(' ').replace(/([()!])/g, ' $1 ').replaceAll('&&', ' and ').replaceAll('||', ' or ').split(/\s+/).filter((word) => word !== '');
  if (tokens.length === 0) return () => true;
  const parser = new Parser(tokens);
  const filter = parser.either();
  if (!parser.done) throw new FilterError(`can't parse filter expression: syntax error`);
  return filter;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;
  #direction: 'src' | 'dst' | '' = '';
  #kind = 'host';

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  either(): PacketFilter {
    let left = this.#both();
    while (this.#take('or')) {
      const [a, b] = [left, this.#both()];
      left = (p) => a(p) || b(p);
    }
    return left;
  }

  #both(): PacketFilter {
    let left = this.#one();
    while (this.#take('and')) {
      const [a, b] = [left, this.#one()];
      left = (p) => a(p) && b(p);
    }
    return left;
  }

  #take(word: string): boolean {
    if (this.#tokens[this.#at] !== word) return false;
    this.#at++;
    return true;
  }

  #one(): PacketFilter {
    if (this.#take('not') || this.#take('!')) {
      const inner = this.#one();
      return (p) => !inner(p);
    }
    if (this.#take('(')) {
      const inner = this.either();
      if (!this.#take(')')) throw new FilterError("can't parse filter expression: syntax error");
      return inner;
    }
    return this.#primitive();
  }

  #primitive(): PacketFilter {
    const word = this.#tokens[this.#at++];
    if (word === undefined) throw new FilterError("can't parse filter expression: syntax error");
    if (word === 'ip') return () => true;
    if (word === 'arp' || word === 'ip6') return () => false;
    if (word === 'tcp' || word === 'udp' || word === 'icmp') {
      const of: PacketFilter = (p) => p.protocol === word;
      const next = this.#tokens[this.#at];
      if (next !== 'port' && next !== 'src' && next !== 'dst' && next !== 'host') return of;
      const rest = this.#primitive();
      return (p) => of(p) && rest(p);
    }
    if (word === 'src' || word === 'dst') {
      this.#direction = word;
      const next = this.#tokens[this.#at];
      if (next !== 'host' && next !== 'port' && next !== 'net' && next !== 'portrange') return this.#value('host', this.#tokens[this.#at++] ?? '');
      return this.#primitive();
    }
    if (word === 'host' || word === 'port' || word === 'net' || word === 'portrange') return this.#value(word, this.#tokens[this.#at++] ?? '');
    // A value alone repeats what came before: `host a or b`.
    if (/^\d/.test(word)) return this.#value(this.#kind, word);
    throw new FilterError(`can't parse filter expression: syntax error`);
  }

  #value(kind: string, value: string): PacketFilter {
    const direction = this.#direction;
    this.#direction = '';
    this.#kind = kind;
    if (kind === 'port' || kind === 'portrange') {
      const [low = 0, high = low] = value.split('-').map((text) => NAMES[text] ?? Number(text));
      if (!Number.isInteger(low) || !Number.isInteger(high)) throw new FilterError(`unknown port '${value}'`);
      const fits = (port: number): boolean => port >= low && port <= high;
      return (p) => p.protocol !== 'icmp' && ((direction !== 'dst' && fits(p.sport)) || (direction !== 'src' && fits(p.dport)));
    }
    if (kind === 'host' && parseIp(value) < 0) throw new FilterError(`unknown host '${value}'`);
    const cidr = parseCidr(value);
    const fits = (address: string): boolean => contains(cidr, parseIp(address));
    return (p) => (direction !== 'dst' && fits(p.src)) || (direction !== 'src' && fits(p.dst));
  }
}

const NAMES: Readonly<Record<string, number>> = { http: 80, https: 443, domain: 53, ssh: 22 };
