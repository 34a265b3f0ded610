// nslookup, of busybox (all questions at once, printed as they are answered) and of BIND; and BIND's host.

import type { DnsQuery, DnsRecord, DnsReply, DnsType } from '../../../network/dns.ts';
import { lookupHost, resolve, type ResolverConfig, resolverConfig } from '../../../network/resolver.ts';
import { type Datagram, udpSocket } from '../../../network/udp.ts';
import { TIMED_OUT } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError } from '../applet.ts';
import { type Asked, type Asking, askServers, canonicalName, dataText, DNS_TYPES, plainAsking, reverseName, searched, serverAddress } from './bind.ts';

const PAIR: readonly DnsType[] = ['A', 'AAAA'];

interface Options {
  readonly name: string;
  readonly server: string | undefined;
  readonly types: readonly DnsType[] | null;
}

function optionsOf(args: readonly string[]): Options {
  const types = args.flatMap((arg) => {
    const type = /^-(?:t|ty|typ|type|query(?:type)?|q)=(\w+)$/i.exec(arg)?.[1]?.toUpperCase();
    return type !== undefined && DNS_TYPES.has(type) ? [type as DnsType] : [];
  });
  const [name = '', server] = args.filter((arg) => !arg.startsWith('-'));
  return { name, server, types: types.length === 0 ? null : types };
}

/** A record in words that both print alike. `dot` is what ends names. */
function recordText(r: DnsRecord, dot: string): string {
  const words = r.data.split(' ');
  switch (r.type) {
    case 'A':
    case 'AAAA':
      return `Name:\t${r.name}\nAddress: ${r.data}\n`;
    case 'CNAME':
      return `${r.name}\tcanonical name = ${r.data}${dot}\n`;
    case 'PTR':
      return `${r.name}\tname = ${r.data}${dot}\n`;
    case 'NS':
      return `${r.name}\tnameserver = ${r.data}${dot}\n`;
    case 'MX':
      return `${r.name}\tmail exchanger = ${words[0]} ${words[1] ?? ''}${dot}\n`;
    case 'TXT':
      return `${r.name}\ttext = ${r.data}\n`;
    case 'SRV':
      return `${r.name}\tservice = ${words.slice(0, 3).join(' ')} ${words[3] ?? ''}${dot}\n`;
    case 'SOA':
      return `${r.name}\n${['origin', 'mail addr', 'serial', 'refresh', 'retry', 'expire', 'minimum'].map((field, i) => `\t${field} = ${(words[i] ?? '').replace(/\.$/, '')}\n`).join('')}`;
    default:
      return '';
  }
}

// ── busybox ──

const WAIT: Micros = 5 * SECOND;
const AGAIN: Micros = 2500 * MILLISECOND;

export const busyboxNslookup: Applet = function* (c) {
  const { name: given, server: named, types } = optionsOf(c.args);
  if (given === '') throw new AppletError('usage');
  const config = resolverConfig(c.os);
  const server = named === undefined ? config.servers[0] : yield* serverAddress(c, named);
  if (server === undefined) throw new AppletError(`bad address '${named ?? ''}'`);
  const reverse = reverseName(given);
  const asked = reverse ?? given;
  const names = reverse !== null || asked.includes('.') || config.search.length === 0 ? [asked] : config.search.map((domain) => `${asked}.${domain}`);
  const random = c.os.sim.random(`nslookup/${c.os.place}/${c.os.process.pid}/${c.os.sim.now}`);
  const wanted = reverse === null ? (types ?? PAIR) : (['PTR'] as const);
  const queries = wanted.flatMap((type) => names.map((name): DnsQuery => ({ id: random.int(0x1_0000), question: { name: name.replace(/\.$/, ''), type } })));
  return yield* askAll(c, server, named ?? server, queries, names);
};

/** One socket that is not connected: nobody tells it that nothing listens there. */
function* askAll(c: AppletContext, server: string, label: string, queries: readonly DnsQuery[], names: readonly string[]): Op<number> {
  const { os } = c;
  const socket = udpSocket(os, 0);
  const cause = os.sim.cause;
  const open = new Map(queries.map((query, i) => [query.id, { query, name: names[i % names.length] as string }]));
  const deadline = os.sim.now + WAIT;
  let again = os.sim.now;
  let code = 0;
  let heard = false;
  try {
    while (open.size > 0 && os.sim.now < deadline) {
      if (os.sim.now >= again) {
        for (const { query } of open.values()) socket.send(server, 53, query, { trace: { kind: 'dns', verb: 'query', detail: query } });
        again += AGAIN;
      }
      const got: Datagram | undefined | typeof TIMED_OUT = yield* socket.receiveWithin(Math.min(again, deadline) - os.sim.now);
      if (got === TIMED_OUT || got === undefined) continue;
      const reply = got.payload as DnsReply;
      const entry = open.get(reply.id);
      if (entry === undefined) continue;
      open.delete(reply.id);
      if (!heard) yield* c.stdout.write(`Server:\t\t${label}\nAddress:\t${server}:53\n\n`);
      heard = true;
      if (reply.code !== 'NOERROR') {
        code = 1;
        yield* c.stdout.write(`** server can't find ${entry.name}: ${reply.code}\n\n`);
      } else yield* c.stdout.write(`${reply.authoritative ? '' : 'Non-authoritative answer:\n'}${reply.answers.map((r) => recordText(r, '')).join('')}\n`);
    }
  } finally {
    os.sim.cause = cause;
    socket.close();
  }
  if (open.size > 0) {
    yield* c.stdout.write(';; connection timed out; no servers could be reached\n\n');
    return 1;
  }
  return code;
}

/** Of busybox up to 1.28, which asks the C library: search list, ndots, and each address' name. */
export const oldNslookup: Applet = function* (c) {
  const { name, server: named } = optionsOf(c.args);
  const { servers } = resolverConfig(c.os);
  const server = named ?? servers[0] ?? '';
  yield* c.stdout.write(`${yield* libraryText(c, 'Server:', server, (yield* lookupHost(c.os, server)) ?? [])}\n`);
  const addresses = (yield* lookupHost(c.os, name)) ?? [];
  if (addresses.length === 0) throw new AppletError(`can't resolve '${name}'`);
  yield* c.stdout.write(yield* libraryText(c, 'Name:', name, addresses));
  return 0;
};

function* libraryText(c: AppletContext, title: string, name: string, addresses: readonly string[]): Op<string> {
  let text = `${title.padEnd(10)} ${name}\n`;
  for (const [i, address] of addresses.entries()) {
    const reverse = reverseName(address);
    const found = reverse === null ? undefined : (yield* resolve(c.os, `${reverse}.`, ['PTR'])).replies[0]?.answers[0]?.data;
    text += `Address ${i + 1}: ${address}${found === undefined ? '' : ` ${found}`}\n`;
  }
  return text;
}

// ── BIND ──

/** Asks along the search list. Undefined when nobody answers. */
function* alongSearchList(c: AppletContext, name: string, type: DnsType, config: ResolverConfig, how: Asking): Op<Asked | undefined> {
  let last: Asked | undefined;
  for (const candidate of searched(name, config)) {
    last = yield* askServers(c, candidate, type, how);
    if (last === undefined || (last.reply.code !== 'NXDOMAIN' && last.reply.code !== 'SERVFAIL')) return last;
  }
  return last;
}

export const bindNslookup: Applet = function* (c) {
  const { name, server: named, types } = optionsOf(c.args);
  const config = resolverConfig(c.os);
  const server = named === undefined ? config.servers[0] : yield* serverAddress(c, named);
  if (server === undefined) {
    yield* c.stdout.write(`nslookup: couldn't get address for '${named ?? ''}': not found\n`);
    return 1;
  }
  const how: Asking = { ...plainAsking(config, 2), servers: named === undefined ? config.servers : [server] };
  const reverse = reverseName(name);
  let told = false;
  const tell = function* (asked: Asked): Op<void> {
    if (!told && reverse === null) yield* c.stdout.write(`Server:\t\t${named ?? asked.server}\nAddress:\t${asked.server}#53\n\n`);
    told = true;
  };
  const wanted: readonly DnsType[] = reverse === null ? (types ?? PAIR) : ['PTR'];
  let spoke = false;
  let full = reverse ?? name;
  for (const type of wanted) {
    const asked = yield* alongSearchList(c, full, type, config, how);
    if (asked === undefined) {
      yield* c.stdout.write(';; no servers could be reached\n\n');
      return 1;
    }
    const { reply } = asked;
    yield* tell(asked);
    if (reply.code !== 'NOERROR') {
      const refused = reply.code === 'NXDOMAIN' ? '' : `;; Got ${reply.code} reply from ${asked.server}\n`;
      yield* c.stdout.write(`${refused}** server can't find ${reply.code === 'NXDOMAIN' && reverse === null ? reply.question.name : (reverse ?? name)}: ${reply.code}\n\n`);
      return 1;
    }
    if (reply.answers.length === 0) {
      if (type !== 'AAAA' || wanted.length === 1) yield* c.stdout.write(`*** Can't find ${name}: No answer\n`);
      spoke = true;
      continue;
    }
    const intro = reply.authoritative || spoke ? '' : 'Non-authoritative answer:\n';
    yield* c.stdout.write(intro + reply.answers.map((r) => recordText(r, '.')).join(''));
    spoke = true;
    // What was found by the search list, or behind the alias, is what the next question is about.
    full = canonicalName(reply);
  }
  yield* c.stdout.write('\n');
  return 0;
};

export const host: Applet = function* (c) {
  const at = c.args.indexOf('-t');
  const type = at >= 0 ? ((c.args[at + 1] ?? 'A').toUpperCase() as DnsType) : null;
  const [name = '', named] = c.args.filter((arg, i) => !arg.startsWith('-') && (at < 0 || i !== at + 1));
  const config = resolverConfig(c.os);
  const how: Asking = { ...plainAsking(config, 2) };
  let servers = config.servers;
  if (named !== undefined) {
    const address = yield* serverAddress(c, named);
    if (address === undefined) {
      yield* c.stdout.write(`host: couldn't get address for '${named}': not found\n`);
      return 1;
    }
    servers = [address];
    yield* c.stdout.write(`Using domain server:\nName: ${named}\nAddress: ${address}#53\nAliases: \n\n`);
  }
  const reverse = reverseName(name);
  let full = reverse ?? name;
  const wanted: readonly DnsType[] = reverse !== null ? ['PTR'] : type !== null ? [type] : ['A', 'AAAA', 'MX'];
  for (const one of wanted) {
    const asked = yield* alongSearchList(c, full, one, config, { ...how, servers });
    if (asked === undefined) {
      yield* c.stdout.write(';; no servers could be reached\n');
      return 1;
    }
    const { code, answers, question } = asked.reply;
    if (code !== 'NOERROR') {
      yield* c.stdout.write(`Host ${reverse === null ? name : `${reverse}.`} not found: ${code === 'NXDOMAIN' ? 3 : code === 'SERVFAIL' ? 2 : 5}(${code})\n`);
      return 1;
    }
    if (answers.length === 0 && wanted.length === 1) yield* c.stdout.write(`${question.name} has no ${one} record\n`);
    yield* c.stdout.write(answers.map(hostText).join(''));
    full = canonicalName(asked.reply);
  }
  return 0;
};

function hostText(r: DnsRecord): string {
  switch (r.type) {
    case 'A':
      return `${r.name} has address ${r.data}\n`;
    case 'AAAA':
      return `${r.name} has IPv6 address ${r.data}\n`;
    case 'CNAME':
      return `${r.name} is an alias for ${dataText(r)}\n`;
    case 'PTR':
      return `${r.name} domain name pointer ${dataText(r)}\n`;
    case 'MX':
      return `${r.name} mail is handled by ${dataText(r)}\n`;
    case 'NS':
      return `${r.name} name server ${dataText(r)}\n`;
    case 'TXT':
      return `${r.name} descriptive text ${r.data}\n`;
    default:
      return `${r.name} has ${r.type} record ${dataText(r)}\n`;
  }
}
