// The resolver in every program's C library (resolv.conf(5), getaddrinfo(3) of glibc): search domains, ndots, servers in turn,
// attempts and timeouts; A and AAAA asked side by side.

import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { type DnsCode, dnsExchange, dnsQueryOverTcp, type DnsRecord, type DnsReply, type DnsType } from './dns.ts';
import { parseIp } from './ip.ts';

export interface ResolverConfig {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
  /** How long one server is waited for, and how often all are asked. */
  readonly timeout: Micros;
  readonly attempts: number;
  /** Begin with another server each time. */
  readonly rotate: boolean;
  /** AAAA only after A was answered. */
  readonly oneByOne: boolean;
  /** Always over TCP (use-vc). */
  readonly overTcp: boolean;
}

export interface Resolution {
  readonly code: DnsCode | 'TIMEOUT';
  /** The name that was answered: `name`, or `name` with a search domain. */
  readonly name: string;
  readonly server: string;
  readonly replies: readonly DnsReply[];
}

const MOST_SERVERS = 3;

/** Reads /etc/resolv.conf; without one, nobody is asked. */
export function resolverConfig(os: Os): ResolverConfig {
  const servers: string[] = [];
  let search: readonly string[] = [];
  const options = new Map<string, string>();
  const text = os.files.exists('/etc/resolv.conf') ? os.files.read('/etc/resolv.conf') : '';
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined && servers.length < MOST_SERVERS) servers.push(rest[0]);
    else if (word === 'search') search = rest;
    else if (word === 'domain') search = rest.slice(0, 1);
    else if (word === 'options') {
      for (const option of rest) {
        const colon = option.indexOf(':');
        options.set(colon < 0 ? option : option.slice(0, colon), colon < 0 ? '' : option.slice(colon + 1));
      }
    }
  }
  const number = (name: string, standard: number, most: number): number => {
    const value = Number.parseInt(options.get(name) ?? '', 10);
    return Number.isNaN(value) ? standard : Math.min(value, most);
  };
  return {
    servers,
    search,
    ndots: number('ndots', 1, 15),
    timeout: Math.max(1, number('timeout', 5, 30)) * SECOND,
    attempts: Math.max(1, number('attempts', 2, 5)),
    rotate: options.has('rotate'),
    oneByOne: options.has('single-request') || options.has('single-request-reopen'),
    overTcp: options.has('use-vc'),
  };
}

/** The names to try for `name`, in order. */
export function candidates(name: string, config: Pick<ResolverConfig, 'search' | 'ndots'>): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const searched = config.search.map((domain) => (domain === '.' ? name : `${name}.${domain}`));
  return dots >= config.ndots ? [name, ...searched] : [...searched, name];
}

const answered = ({ code, replies }: Resolution): boolean => code === 'NOERROR' && replies.some((r) => r.answers.length > 0);

/** Looks a name up through the search list, all `types` for each name; the last answer counts when none is good. */
export function* resolve(os: Os, name: string, types: readonly DnsType[], config = resolverConfig(os)): Op<Resolution> {
  let last: Resolution = { code: 'TIMEOUT', name, server: config.servers[0] ?? '', replies: [] };
  for (const candidate of candidates(name, config)) {
    last = yield* ask(os, candidate, types, config);
    if (answered(last) || last.code === 'TIMEOUT') return last;
  }
  return last;
}

/** One name, as it is: the servers one after another, `attempts` times over. */
function* ask(os: Os, name: string, types: readonly DnsType[], config: ResolverConfig): Op<Resolution> {
  const random = os.sim.random(`dns/${os.place}/${os.sim.now}/${name}`);
  const queries = types.map((type) => ({ id: random.int(0x1_0000), question: { name, type } }));
  const { servers, timeout } = config;
  const first = config.rotate && servers.length > 1 ? random.int(servers.length) : 0;
  let failed: Resolution | null = null;
  for (let attempt = 0; attempt < config.attempts; attempt++) {
    for (let i = 0; i < servers.length; i++) {
      const server = servers[(first + i) % servers.length] as string;
      const replies: DnsReply[] = [];
      for (const batch of config.oneByOne || config.overTcp ? queries.map((q) => [q]) : [queries]) {
        const got = config.overTcp ? undefined : yield* dnsExchange(os, server, batch, timeout);
        for (const [at, query] of batch.entries()) {
          const reply = got?.replies[at];
          const whole = got === undefined || reply?.truncated ? yield* dnsQueryOverTcp(os, server, query, timeout) : reply;
          if (whole !== undefined) replies.push(whole);
        }
      }
      if (replies.length < queries.length) continue;
      const code = replies.find((r) => r.code === 'NOERROR')?.code ?? replies[0]?.code ?? 'SERVFAIL';
      const resolution: Resolution = { code, name, server, replies };
      if (code === 'NOERROR' || code === 'NXDOMAIN') return resolution;
      // A server that cannot: the next one may.
      failed = resolution;
    }
  }
  return failed ?? { code: 'TIMEOUT', name, server: servers[0] ?? '', replies: [] };
}

const PAIR: readonly DnsType[] = ['A', 'AAAA'];

/** The addresses in the answers, IPv4 first. */
export const addressesIn = ({ replies }: Resolution): readonly string[] => replies.flatMap((r) => r.answers.flatMap((a: DnsRecord) => (a.type === 'A' || a.type === 'AAAA' ? [a.data] : [])));

/**
 * getaddrinfo: an address as it is, a name from /etc/hosts, else from DNS. Empty when the name has no address; undefined when no server answered.
 */
export function* lookupHost(os: Os, host: string): Op<readonly string[] | undefined> {
  if (parseIp(host) >= 0) return [host];
  const fixed = fromHosts(os, host);
  if (fixed.length > 0) return fixed;
  const found = yield* resolve(os, host, PAIR);
  return found.code === 'TIMEOUT' ? undefined : addressesIn(found);
}

/** What /etc/hosts has for a name. */
export function fromHosts(os: Os, host: string): readonly string[] {
  if (!os.files.exists('/etc/hosts')) return [];
  const wanted = host.endsWith('.') ? host.slice(0, -1) : host;
  const found: string[] = [];
  for (const line of os.files.read('/etc/hosts').split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address !== undefined && parseIp(address) >= 0 && names.includes(wanted)) found.push(address);
  }
  return found;
}
