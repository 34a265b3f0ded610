// The plug-in chain of one CoreDNS server block: cache, kubernetes, forward, loadbalance; what a question is answered with.

import { dnsQuery } from '../../network/dns.ts';
import type { DnsQuery, DnsQuestion, DnsRecord, DnsReply } from '../../network/dns.ts';
import type { Os } from '../../machine/process.ts';
import type { Random } from '../../sim/random.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import type { Directive, ServerBlock } from './corefile.ts';
import { type Answer, answerInZone, answerReverse, type Records, type ZoneOptions } from './kubernetes.ts';

const DEFAULT_TTL = 5;
const FORWARD_TIMEOUT: Micros = 2 * SECOND;
const FORWARD_TRIES = 2;
const CACHE_LIMIT = 10_000;

interface Cached {
  readonly reply: DnsReply;
  readonly until: Micros;
}

export class DnsServer {
  readonly #os: Os;
  readonly #records: Records;
  readonly #zone: ZoneOptions | null;
  readonly #upstreams: readonly string[];
  readonly #cacheTime: Micros;
  readonly #balances: boolean;
  readonly #logs: boolean;
  readonly #cache = new Map<string, Cached>();
  readonly #random: Random;

  constructor(os: Os, block: ServerBlock, records: Records) {
    const plugin = (name: string): Directive | undefined => block.plugins.find((p) => p.name === name);
    this.#os = os;
    this.#records = records;
    this.#zone = zoneOf(plugin('kubernetes'));
    this.#upstreams = upstreamsOf(os, plugin('forward'));
    const cache = plugin('cache');
    this.#cacheTime = cache ? Number(cache.args[0] ?? 3600) * SECOND : 0;
    this.#balances = plugin('loadbalance') !== undefined;
    this.#logs = plugin('log') !== undefined;
    this.#random = os.sim.random(`coredns/${os.place}`);
  }

  /** Answers one query; `client` is `ip:port`, for the log. */
  *answer(query: DnsQuery, client: string, protocol: 'udp' | 'tcp'): Op<DnsReply> {
    const started = this.#os.sim.now;
    const question: DnsQuestion = { name: query.question.name.toLowerCase(), type: query.question.type };
    const reply = yield* this.#resolve({ ...query, question });
    if (this.#logs) {
      const { type, name } = question;
      const seconds = ((this.#os.sim.now - started) / SECOND).toFixed(6);
      this.#os.log(
        `[INFO] ${client} - ${query.id} "${type} IN ${name}. ${protocol} 40 false 512" ${reply.code} qr,aa,rd ${40 + 16 * reply.answers.length} ${seconds}s`,
      );
    }
    return reply;
  }

  *#resolve(query: DnsQuery): Op<DnsReply> {
    const zone = this.#zone;
    if (zone) {
      const answer = answerInZone(query.question, zone, this.#records) ?? answerReverse(query.question, zone, this.#records);
      if (answer) return this.#authoritative(query, answer, zone);
    }
    return yield* this.#forward(query);
  }

  #authoritative(query: DnsQuery, answer: Answer, zone: ZoneOptions): DnsReply {
    const authority = answer.answers.length === 0 ? [this.#startOfAuthority(zone)] : [];
    return { ...query, ...answer, answers: this.#balance(answer.answers), authoritative: true, authority };
  }

  #startOfAuthority({ domain, ttl }: ZoneOptions): DnsRecord {
    const serial = Math.floor((this.#os.sim.epoch + this.#os.sim.now) / SECOND);
    return { name: domain, type: 'SOA', ttl, data: `ns.dns.${domain}. hostmaster.${domain}. ${serial} 7200 1800 86400 ${ttl}` };
  }

  /** Shuffles addresses; aliases stay in front. */
  #balance(answers: readonly DnsRecord[]): readonly DnsRecord[] {
    if (!this.#balances || answers.length < 2) return answers;
    const addresses = answers.filter((r) => r.type === 'A');
    for (let i = addresses.length - 1; i > 0; i--) {
      const j = this.#random.int(i + 1);
      [addresses[i], addresses[j]] = [addresses[j] as DnsRecord, addresses[i] as DnsRecord];
    }
    return [...answers.filter((r) => r.type !== 'A'), ...addresses];
  }

  *#forward(query: DnsQuery): Op<DnsReply> {
    const { sim } = this.#os;
    const key = `${query.question.type} ${query.question.name}`;
    const cached = this.#cache.get(key);
    if (cached && cached.until > sim.now) return { ...cached.reply, id: query.id };
    for (let i = 0; i < FORWARD_TRIES && this.#upstreams.length > 0; i++) {
      const upstream = this.#upstreams[this.#random.int(this.#upstreams.length)] as string;
      const reply = yield* dnsQuery(this.#os, upstream, query, FORWARD_TIMEOUT);
      if (reply === undefined) continue;
      this.#remember(key, reply);
      return { ...reply, id: query.id };
    }
    if (this.#upstreams.length > 0) {
      this.#os.log(
        `[ERROR] plugin/errors: 2 ${query.question.name}. ${query.question.type}: read udp ${this.#upstreams[0]}:53: i/o timeout`,
      );
    }
    const code = this.#upstreams.length > 0 ? 'SERVFAIL' : 'REFUSED';
    return { ...query, code, authoritative: false, answers: [], authority: [], additional: [] };
  }

  #remember(key: string, reply: DnsReply): void {
    if (this.#cacheTime === 0 || reply.code === 'SERVFAIL') return;
    if (this.#cache.size >= CACHE_LIMIT) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.delete(key);
    this.#cache.set(key, { reply, until: this.#os.sim.now + this.#cacheTime });
  }
}

function zoneOf(plugin: Directive | undefined): ZoneOptions | null {
  if (!plugin) return null;
  const property = (name: string): string | undefined => plugin.block.find((d) => d.name === name)?.args[0];
  const domain = plugin.args.find((zone) => !zone.endsWith('.arpa')) ?? 'cluster.local';
  return { domain, ttl: Number(property('ttl') ?? DEFAULT_TTL), podNames: property('pods') === 'insecure' };
}

/** `forward . /etc/resolv.conf`, or addresses. */
function upstreamsOf(os: Os, plugin: Directive | undefined): readonly string[] {
  return (plugin?.args.slice(1) ?? []).flatMap((to) => {
    if (!to.startsWith('/')) return [to];
    if (!os.files.exists(to)) return [];
    const lines = os.files.read(to).split('\n');
    return lines.flatMap((line) => (line.startsWith('nameserver ') ? [line.slice(11).trim()] : []));
  });
}
