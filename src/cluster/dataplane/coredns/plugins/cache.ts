// The plug-in cache (plugin/cache): answers are kept as long as their TTL and the configured most say; denials by the SOA.

import type { DnsQuestion, DnsRecord, DnsReply } from '../../../network/dns.ts';
import type { Op } from '../../../sim/simulation.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import { CorefileError } from '../corefile.ts';
import { duration, fqdn, normalZone, number, type Result, type Setup, unknownProperty, wrongArguments, zoneOf } from '../plugin.ts';

const SHORTEST = 5;

interface Kind {
  capacity: number;
  /** Seconds. */
  most: number;
  least: number;
  /** Zones that are not kept. */
  except: readonly string[];
  readonly items: Map<string, Item>;
}

interface Item {
  readonly reply: DnsReply;
  readonly stored: Micros;
  /** Seconds. */
  readonly ttl: number;
}

const kind = (most: number): Kind => ({ capacity: 9984, most, least: SHORTEST, except: [], items: new Map() });

export const cache: Setup = ({ directives, zones, port }, { path, os, metrics }) => {
  const [directive, second] = directives;
  if (directive === undefined || second !== undefined) throw new CorefileError('this plugin can only be used once per Server Block');
  const positive = kind(3600);
  const negative = kind(1800);
  let failures = SHORTEST;
  let stale = 0;
  let keepTtl = false;
  const args = [...directive.args];
  if (/^-?\d+$/.test(args[0] ?? '')) {
    const ttl = number(args.shift());
    if (ttl <= 0) throw new CorefileError(`cache TTL can not be zero or negative: ${ttl}`);
    positive.most = negative.most = ttl;
  }
  const own = args.length > 0 ? args.map(normalZone) : zones;
  for (const property of directive.block) {
    const [first, ttl, least] = property.args;
    if (property.name === 'success' || property.name === 'denial') {
      if (first === undefined) throw wrongArguments(path, property);
      const which = property.name === 'success' ? positive : negative;
      which.capacity = number(first);
      if (ttl !== undefined && (which.most = number(ttl)) <= 0) throw new CorefileError(`cache TTL can not be zero or negative: ${ttl}`);
      if (least !== undefined && (which.least = number(least)) < 0) throw new CorefileError(`cache min TTL can not be negative: ${least}`);
    } else if (property.name === 'disable') {
      if (first !== 'success' && first !== 'denial') throw first === undefined ? wrongArguments(path, property) : new CorefileError(`cache type for disable must be "success" or "denial"`);
      (first === 'success' ? positive : negative).except = property.args.length > 1 ? property.args.slice(1).map(normalZone) : ['.'];
    } else if (property.name === 'servfail') {
      if (first === undefined) throw wrongArguments(path, property);
      failures = duration(first) / SECOND;
      if (failures > 300) throw new CorefileError('caching SERVFAIL responses over 5 minutes is not permitted');
    } else if (property.name === 'serve_stale') stale = first === undefined ? 3600 : duration(first) / SECOND;
    else if (property.name === 'keepttl') keepTtl = true;
    else if (property.name !== 'prefetch' && property.name !== 'serve_stale_policy') throw unknownProperty(path, property);
  }
  const labels = (type?: string): string => `server="dns://:${port}"${type === undefined ? '' : `,type="${type}"`},view="",zones="${fqdn(own[0] ?? '.')}"`;
  const keyOf = ({ type, name }: DnsQuestion): string => `${type} ${name}`;
  const isLive = (item: Item | undefined): item is Item => item !== undefined && left(item, os.sim.now) > -stale;

  const known = (question: DnsQuestion): Item | undefined => {
    metrics.add(`coredns_cache_requests_total{${labels()}}`);
    const key = keyOf(question);
    for (const [which, type] of [[negative, 'denial'], [positive, 'success']] as const) {
      const item = which.items.get(key);
      if (!isLive(item)) continue;
      metrics.add(`coredns_cache_hits_total{${labels(type)}}`);
      return item;
    }
    metrics.add(`coredns_cache_misses_total{${labels()}}`);
    return undefined;
  };

  const keep = (which: Kind, type: string, question: DnsQuestion, reply: DnsReply, ttl: number): void => {
    if (ttl <= 0 || which.capacity <= 0 || zoneOf(question.name, which.except) !== undefined) return;
    const { items } = which;
    const key = keyOf(question);
    items.delete(key);
    if (items.size >= which.capacity) items.delete(items.keys().next().value as string);
    items.set(key, { reply, stored: os.sim.now, ttl });
    metrics.gauges.set(`coredns_cache_entries{${labels(type)}}`, items.size);
  };

  return function* (request, next): Op<Result> {
    const { question } = request.query;
    if (zoneOf(question.name, own) === undefined) return yield* next(request);
    const item = known(question);
    if (item !== undefined) {
      const ttl = keepTtl ? item.ttl : Math.max(0, left(item, os.sim.now));
      const { id, recursion, edns } = request.query;
      const reply: DnsReply = { ...withTtl(item.reply, () => ttl), id, question, authoritative: true };
      return { reply: { ...reply, ...(recursion === undefined ? {} : { recursion }), ...(edns === undefined ? {} : { edns }) }, plugin: 'cache' };
    }
    const result = yield* next(request);
    const { reply } = result;
    if (reply.truncated || result.error !== undefined) return result;
    const denial = reply.code === 'NXDOMAIN' || (reply.code === 'NOERROR' && reply.answers.length === 0 && reply.authority.some((r) => r.type === 'SOA'));
    if (reply.code === 'SERVFAIL' || reply.code === 'NOTIMP') keep(negative, 'denial', question, reply, failures);
    else if (denial || reply.code === 'NOERROR') {
      const which = denial ? negative : positive;
      const ttl = Math.min(Math.max(leastOf(reply, which.most), which.least), which.most);
      const capped = withTtl(reply, (own_) => Math.min(own_, ttl));
      keep(which, denial ? 'denial' : 'success', question, capped, ttl);
      return { ...result, reply: capped };
    }
    return result;
  };
};

/** Seconds that an item still counts. */
const left = ({ ttl, stored }: Item, now: Micros): number => ttl - Math.floor((now - stored) / SECOND);

/** The lowest TTL in a reply, at most `most`. */
function leastOf({ answers, authority, additional }: DnsReply, most: number): number {
  if (answers.length + authority.length + additional.length === 0) return SHORTEST;
  return [...answers, ...authority, ...additional].reduce((least, r) => Math.min(least, r.ttl), most);
}

function withTtl(reply: DnsReply, ttlOf: (own: number) => number): DnsReply {
  const set = (records: readonly DnsRecord[]): readonly DnsRecord[] => records.map((r) => ({ ...r, ttl: ttlOf(r.ttl) }));
  return { ...reply, answers: set(reply.answers), authority: set(reply.authority), additional: set(reply.additional) };
}
