// The resolver in every program's C library (resolv.conf(5), musl and glibc alike as far as it matters here): search domains,
// ndots, servers in turn.

import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { type DnsCode, dnsQuery, type DnsReply, type DnsType } from './dns.ts';
import { parseIp } from './ip.ts';

export interface ResolverConfig {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
}

export interface Resolution {
  readonly code: DnsCode | 'TIMEOUT';
  /** The name that was answered: `name`, or `name` with a search domain. */
  readonly name: string;
  readonly server: string;
  readonly reply: DnsReply | null;
}

const TIMEOUT: Micros = 5 * SECOND;
const ATTEMPTS = 2;

/** Reads /etc/resolv.conf; without one, nobody is asked. */
export function resolverConfig(os: Os): ResolverConfig {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  const text = os.files.exists('/etc/resolv.conf') ? os.files.read('/etc/resolv.conf') : '';
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) servers.push(rest[0]);
    else if (word === 'search') search = rest;
    else if (word === 'options') for (const o of rest) if (o.startsWith('ndots:')) ndots = Number(o.slice(6));
  }
  return { servers, search, ndots };
}

/** The names to try for `name`, in order. */
export function candidates(name: string, config: Pick<ResolverConfig, 'search' | 'ndots'>): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const searched = config.search.map((domain) => `${name}.${domain}`);
  return dots >= config.ndots ? [name, ...searched] : [...searched, name];
}

/** Looks a name up through the search list; the last answer counts when none is good. */
export function* resolve(os: Os, name: string, type: DnsType = 'A', config = resolverConfig(os)): Op<Resolution> {
  let last: Resolution = { code: 'TIMEOUT', name, server: config.servers[0] ?? '', reply: null };
  for (const candidate of candidates(name, config)) {
    last = yield* ask(os, candidate, type, config);
    if (last.code === 'NOERROR' && (last.reply?.answers.length ?? 0) > 0) return last;
    if (last.code === 'TIMEOUT') return last;
  }
  return last;
}

function* ask(os: Os, name: string, type: DnsType, { servers }: ResolverConfig): Op<Resolution> {
  const id = os.sim.random(`dns/${os.place}/${os.sim.now}/${name}`).int(0x1_0000);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    for (const server of servers) {
      const reply = yield* dnsQuery(os, server, { id, question: { name, type } }, TIMEOUT);
      if (reply) return { code: reply.code, name, server, reply };
    }
  }
  return { code: 'TIMEOUT', name, server: servers[0] ?? '', reply: null };
}

/**
 * getaddrinfo for IPv4: an address as it is, a name from /etc/hosts, else from DNS (following CNAMEs that the server has not).
 * Empty when the name has no address; undefined when no server answered.
 */
export function* lookupHost(os: Os, host: string): Op<readonly string[] | undefined> {
  if (parseIp(host) >= 0) return [host];
  const fixed = fromHosts(os, host);
  if (fixed.length > 0) return fixed;
  const config = resolverConfig(os);
  const found = yield* resolve(os, host, 'A', config);
  if (found.code === 'TIMEOUT') return undefined;
  const answers = found.reply?.answers ?? [];
  const addresses = answers.flatMap((r) => (r.type === 'A' ? [r.data] : []));
  const alias = answers.find((r) => r.type === 'CNAME');
  if (addresses.length > 0 || !alias) return addresses;
  const followed = yield* resolve(os, `${alias.data}.`, 'A', config);
  return followed.reply?.answers.flatMap((r) => (r.type === 'A' ? [r.data] : []));
}

function fromHosts(os: Os, host: string): readonly string[] {
  if (!os.files.exists('/etc/hosts')) return [];
  const found: string[] = [];
  for (const line of os.files.read('/etc/hosts').split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address !== undefined && parseIp(address) >= 0 && names.includes(host)) found.push(address);
  }
  return found;
}
