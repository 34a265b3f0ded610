// The plug-in hosts (plugin/hosts): addresses from a file like /etc/hosts, which is read again when it changes, and from lines in the Corefile.

import type { DnsRecord } from '../../../network/dns.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import { parsingError } from '../corefile.ts';
import { addressOfReverse, isAddress, isIPv6 } from '../kubernetes.ts';
import { duration, fallsThrough, fallZones, normalZone, once, replyTo, type Setup, unknownProperty, zoneOf } from '../plugin.ts';

export const hosts: Setup = (block, context) => {
  const { path, os, metrics } = context;
  const directive = once(block);
  const [file = '/etc/hosts', ...own] = directive.args;
  const zones = own.length > 0 ? own.map(normalZone) : block.zones;
  let fall: readonly string[] | null = null;
  let ttl = 3600;
  let period: Micros = 5 * SECOND;
  let reverse = true;
  const inline: string[] = [];
  for (const property of directive.block) {
    const { name, args, line } = property;
    if (name === 'fallthrough') fall = fallZones(property);
    else if (name === 'no_reverse') reverse = false;
    else if (name === 'ttl') {
      if (args[0] === undefined) throw parsingError(path, line, 'ttl needs a time in second');
      if (!/^-?\d+$/.test(args[0])) throw parsingError(path, line, 'ttl needs a number of second');
      ttl = Number(args[0]);
      if (ttl <= 0 || ttl > 65_535) throw parsingError(path, line, 'ttl provided is invalid');
    } else if (name === 'reload') {
      if (args.length !== 1) throw parsingError(path, line, 'reload needs a duration (zero seconds to disable)');
      period = duration(args[0] as string);
    } else if (fall === null) inline.push([name, ...args].join(' '));
    else throw unknownProperty(path, property);
  }
  if (directive.args.length > 0 && !os.files.exists(file)) context.log('WARNING', `plugin/hosts: File does not exist: ${file}`);
  const fixed = tableOf(inline.join('\n'));
  let text: string | null = null;
  let read = -period;
  let table = fixed;
  /** The file counts as it was when it was last looked at. */
  const current = (): Table => {
    if (text !== null && (period === 0 || os.sim.now - read < period)) return table;
    read = os.sim.now;
    const now = os.files.exists(file) ? os.files.read(file) : '';
    if (now === text) return table;
    text = now;
    table = merged(tableOf(now), fixed);
    metrics.gauges.set('coredns_hosts_entries', table.size);
    return table;
  };
  return function* (request, next) {
    const { query } = request;
    const { name, type } = query.question;
    const ip = addressOfReverse(name);
    const zone = zoneOf(name, zones);
    if (zone === undefined && !(type === 'PTR' && ip !== '' && reverse)) return yield* next(request);
    const entries = current();
    const record = (data: string): DnsRecord => ({ name, type, ttl, data });
    let answers: readonly DnsRecord[] = [];
    if (type === 'PTR') answers = reverse ? [...entries].flatMap(([host, addresses]) => (addresses.includes(ip) ? [record(host)] : [])) : [];
    else if (type === 'A' || type === 'AAAA') answers = (entries.get(name) ?? []).filter((a) => isIPv6(a) === (type === 'AAAA')).map(record);
    if (answers.length > 0) return { reply: replyTo(query, 'NOERROR', answers), plugin: 'hosts' };
    const exists = entries.has(name);
    if (!exists && fallsThrough(fall, name)) return yield* next(request);
    if (zone === undefined) return yield* next(request);
    return { reply: replyTo(query, exists ? 'NOERROR' : 'NXDOMAIN'), plugin: 'hosts' };
  };
};

type Table = ReadonlyMap<string, readonly string[]>;

function tableOf(text: string): Table {
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || !isAddress(address)) continue;
    for (const name of names) table.set(normalZone(name), [...(table.get(normalZone(name)) ?? []), address]);
  }
  return table;
}

const merged = (a: Table, b: Table): Table => {
  const both = new Map(a);
  for (const [name, addresses] of b) both.set(name, [...(both.get(name) ?? []), ...addresses]);
  return both;
};
