// BIND's tools (bind-tools, dnsutils) in common: how they ask, and dig's master-file columns.

import { dnsExchange, type DnsQuery, type DnsRecord, type DnsReply, type DnsType, dnsQueryOverTcp } from '../../../network/dns.ts';
import { parseIp } from '../../../network/ip.ts';
import { candidates, lookupHost, type ResolverConfig } from '../../../network/resolver.ts';
import type { Op } from '../../../sim/simulation.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import type { AppletContext } from '../applet.ts';

export const DNS_TYPES: ReadonlySet<string> = new Set(['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT', 'NS', 'SOA', 'MX', 'HINFO', 'HTTPS', 'CAA', 'ANY']);

export interface Asking {
  readonly servers: readonly string[];
  readonly port: number;
  readonly tries: number;
  readonly timeout: Micros;
  readonly overTcp: boolean;
  readonly recursion: boolean;
  /** Whether EDNS goes with the question. */
  readonly edns: boolean;
  /** Says nothing but the answer. */
  readonly quiet?: boolean;
}

export interface Asked {
  readonly reply: DnsReply;
  readonly server: string;
  readonly took: Micros;
  readonly overTcp: boolean;
}

function* tell(c: AppletContext, text: string, { quiet }: Asking): Op<void> {
  if (!quiet) yield* c.stdout.write(text);
}

/** Asks until a server answers; tells of each that does not as BIND does. */
export function* askServers(c: AppletContext, name: string, type: DnsType, how: Asking): Op<Asked | undefined> {
  const { os } = c;
  const random = os.sim.random(`bind/${os.place}/${os.process.pid}/${name}/${type}/${os.sim.now}`);
  const cookie = how.edns ? `${random.uint32().toString(16).padStart(8, '0')}${random.uint32().toString(16).padStart(8, '0')}` : undefined;
  const query: DnsQuery = { id: random.int(0x1_0000), question: { name, type }, ...(how.recursion ? {} : { recursion: false }), ...(cookie === undefined ? {} : { edns: { size: 1232, cookie } }) };
  for (let i = 0; i < how.tries; i++) {
    for (const server of how.servers) {
      const begun = os.sim.now;
      const got = how.overTcp ? undefined : yield* dnsExchange(os, server, [query], how.timeout, how.port);
      const first = got?.replies[0];
      const overTcp = how.overTcp || first?.truncated === true;
      const reply = overTcp ? yield* dnsQueryOverTcp(os, server, query, how.timeout, how.port) : first;
      if (reply !== undefined && got !== undefined && overTcp) yield* tell(c, ';; Truncated, retrying in TCP mode.\n', how);
      if (reply !== undefined) return { reply, server, took: os.sim.now - begun, overTcp };
      const why = got?.failure === 'refused' ? 'connection refused' : got?.failure === 'unreachable' ? 'network unreachable' : 'timed out';
      yield* c.stdout.write(`;; communications error to ${server}#${how.port}: ${why}\n`);
    }
  }
  return undefined;
}

/** The names to ask for, with the search list. */
export const searched = (name: string, config: ResolverConfig): readonly string[] => candidates(name, config);

/** The reverse name of an address; null for a name. */
export const reverseName = (text: string): string | null => (parseIp(text) >= 0 ? `${text.split('.').reverse().join('.')}.in-addr.arpa` : null);

/** The address of a server that was named. */
export function* serverAddress(c: AppletContext, name: string): Op<string | undefined> {
  return ((yield* lookupHost(c.os, name)) ?? [])[0];
}

export const plainAsking = (config: ResolverConfig, tries: number): Asking => ({ servers: config.servers, port: 53, tries, timeout: 5 * SECOND, overTcp: false, recursion: true, edns: false });

const dotted = (name: string): string => (name === '' ? '.' : name.endsWith('.') ? name : `${name}.`);

/** Data as BIND prints it: names end with a dot. */
export function dataText({ type, data }: DnsRecord): string {
  const words = data.split(' ');
  if (type === 'CNAME' || type === 'PTR' || type === 'NS') return dotted(data);
  if (type === 'SRV') return [...words.slice(0, 3), dotted(words[3] ?? '')].join(' ');
  if (type === 'MX') return `${words[0] ?? ''} ${dotted(words[1] ?? '')}`;
  if (type === 'SOA') return [dotted(words[0] ?? ''), dotted(words[1] ?? ''), ...words.slice(2)].join(' ');
  return data;
}

export const dottedName = dotted;

/** The name at the end of the aliases: what the next question is about. */
export const canonicalName = ({ question, answers }: DnsReply): string => `${answers.findLast((r) => r.type === 'CNAME')?.data ?? question.name}.`;
