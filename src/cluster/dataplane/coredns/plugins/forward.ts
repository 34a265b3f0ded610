// The plug-in forward (plugin/forward): questions go to other servers; one that does not answer is probed until it is there again.

import { dnsExchange, dnsQueryOverTcp, type DnsQuery, type DnsReply } from '../../../network/dns.ts';
import { parseIp } from '../../../network/ip.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../../sim/time.ts';
import { CorefileError } from '../corefile.ts';
import { TIME_BUCKETS } from '../metrics.ts';
import { type Context, type Directive, duration, isBelow, normalZone, number, plainFailure, type Serve, type Setup, unknownProperty, wrongArguments, type Request, type Result, zoneOf } from '../plugin.ts';

const READ_TIMEOUT: Micros = 2 * SECOND;
const DEADLINE: Micros = 5 * SECOND;
const PROBE_TIMEOUT: Micros = SECOND;
const MOST_UPSTREAMS = 15;

interface Upstream {
  readonly address: string;
  readonly port: number;
  fails: number;
  probed: boolean;
}

export const forward: Setup = ({ directives }, context) => {
  const handlers = directives.map((directive) => new Forward(directive, context));
  return function* (request, next): Op<Result> {
    const serve = (at: number): Serve =>
      function* (asked) {
        const handler = handlers[at];
        if (handler === undefined) return yield* next(asked);
        return handler.takes(asked.query.question.name) ? yield* handler.answer(asked) : yield* serve(at + 1)(asked);
      };
    return yield* serve(0)(request);
  };
};

class Forward {
  readonly #context: Context;
  readonly #from: string;
  readonly #upstreams: readonly Upstream[];
  #except: readonly string[] = [];
  #policy: string = 'random';
  #maxFails = 2;
  #interval: Micros = 500 * MILLISECOND;
  #overTcp = false;
  #readTimeout: Micros = READ_TIMEOUT;
  #maxConcurrent = 0;
  #concurrent = 0;
  #turn = 0;
  #stopped = false;

  constructor(directive: Directive, context: Context) {
    this.#context = context;
    const { path } = context;
    const [from, ...to] = directive.args;
    if (from === undefined || to.length === 0) throw wrongArguments(path, directive);
    this.#from = normalZone(from);
    for (const property of directive.block) this.#read(property, path);
    this.#upstreams = to.flatMap((word) => upstreamsOf(context, word));
    if (this.#upstreams.length > MOST_UPSTREAMS) throw new CorefileError(`more than ${MOST_UPSTREAMS} TOs configured: ${this.#upstreams.length}`);
    context.onStop(() => (this.#stopped = true));
  }

  #read(property: Directive, path: string): void {
    const { name, args } = property;
    const [first] = args;
    if (first === undefined && !['force_tcp', 'prefer_udp'].includes(name)) throw name === 'tls' || KNOWN.has(name) ? wrongArguments(path, property) : unknownProperty(path, property);
    if (name === 'except') this.#except = args.map(normalZone);
    else if (name === 'policy') {
      if (!['random', 'round_robin', 'sequential'].includes(first as string)) throw new CorefileError(`unknown policy '${first}'`);
      this.#policy = first as string;
    } else if (name === 'max_fails') this.#maxFails = number(first);
    else if (name === 'health_check') this.#interval = duration(first as string);
    else if (name === 'read_timeout') this.#readTimeout = duration(first as string);
    else if (name === 'max_concurrent') this.#maxConcurrent = number(first);
    else if (name === 'force_tcp') this.#overTcp = true;
    else if (!KNOWN.has(name)) throw unknownProperty(path, property);
  }

  takes(name: string): boolean {
    return isBelow(name, this.#from) && zoneOf(name, this.#except) === undefined;
  }

  *answer(request: Request): Op<Result> {
    if (this.#maxConcurrent > 0 && this.#concurrent >= this.#maxConcurrent) {
      this.#context.metrics.add('coredns_forward_max_concurrent_rejects_total');
      return { reply: plainFailure(request.query, 'REFUSED'), plugin: '', error: `concurrent queries exceeded maximum ${this.#maxConcurrent}` };
    }
    this.#concurrent++;
    try {
      return yield* this.#ask(request);
    } finally {
      this.#concurrent--;
    }
  }

  *#ask({ query, protocol }: Request): Op<Result> {
    const { os, metrics } = this.#context;
    const list = this.#inOrder();
    const begun = os.sim.now;
    let error = 'no healthy proxies';
    let tries = 0;
    for (let i = 0; os.sim.now - begun < DEADLINE && tries < 2 * list.length; i++) {
      let upstream = list[i % list.length] as Upstream;
      if (this.#isDown(upstream)) {
        if (list.some((u) => !this.#isDown(u))) continue;
        metrics.add('coredns_forward_healthcheck_broken_total');
        upstream = list[os.sim.random(`coredns/${os.place}/broken/${os.sim.now}`).int(list.length)] as Upstream;
      }
      tries++;
      const asked = os.sim.now;
      const { reply, failure, from } = yield* this.#exchange(upstream, query, protocol);
      const to = `${upstream.address}:${upstream.port}`;
      if (reply !== undefined) {
        metrics.observe(`coredns_proxy_request_duration_seconds{proxy_name="forward",rcode="${reply.code}",to="${to}"}`, (os.sim.now - asked) / SECOND, TIME_BUCKETS);
        const { compressed: _, ...plain } = reply;
        return { reply: { ...plain, id: query.id, question: query.question, ...(query.edns === undefined ? {} : { edns: query.edns }) }, plugin: 'forward' };
      }
      error = `read udp ${from}->${to}: ${failure === 'refused' ? 'read: connection refused' : failure === 'unreachable' ? 'connect: network is unreachable' : 'i/o timeout'}`;
      if (this.#maxFails !== 0) this.#probe(upstream);
    }
    return { reply: plainFailure(query, 'SERVFAIL'), plugin: '', error };
  }

  *#exchange({ address, port }: Upstream, query: DnsQuery, protocol: 'udp' | 'tcp'): Op<{ readonly reply: DnsReply | undefined; readonly failure: string | undefined; readonly from: string }> {
    const { os } = this.#context;
    const id = os.sim.random(`coredns/${os.place}/forward/${os.sim.now}/${query.id}`).int(0x1_0000);
    const { edns: _, ...plain } = query;
    if (this.#overTcp || protocol === 'tcp') {
      const reply = yield* dnsQueryOverTcp(os, address, { ...plain, id }, this.#readTimeout, port);
      return { reply, failure: 'timeout', from: '' };
    }
    const { replies, failure, from } = yield* dnsExchange(os, address, [{ ...plain, id }], this.#readTimeout, port);
    return { reply: replies[0], failure, from };
  }

  #inOrder(): readonly Upstream[] {
    const list = this.#upstreams;
    if (list.length < 2 || this.#policy === 'sequential') return list;
    const { os } = this.#context;
    const first = this.#policy === 'round_robin' ? this.#turn++ % list.length : os.sim.random(`coredns/${os.place}/policy/${os.sim.now}`).int(list.length);
    return [...list.slice(first), ...list.slice(0, first)];
  }

  #isDown({ fails }: Upstream): boolean {
    return this.#maxFails > 0 && fails > this.#maxFails;
  }

  /** Asks `. IN NS` until something comes back. */
  #probe(upstream: Upstream): void {
    if (upstream.probed) return;
    upstream.probed = true;
    const { os, metrics } = this.#context;
    os.go('healthcheck', () => this.#probing(upstream, os, metrics));
  }

  *#probing(upstream: Upstream, os: Context['os'], metrics: Context['metrics']): Op<void> {
    const random = os.sim.random(`coredns/${os.place}/probe/${os.sim.now}/${upstream.address}`);
    while (!this.#stopped) {
      const { replies } = yield* dnsExchange(os, upstream.address, [{ id: random.int(0x1_0000), question: { name: '', type: 'NS' } }], PROBE_TIMEOUT, upstream.port);
      if (replies[0] !== undefined) break;
      upstream.fails++;
      metrics.add(`coredns_proxy_healthcheck_failures_total{proxy_name="forward",to="${upstream.address}:${upstream.port}"}`);
      yield* os.sleep(this.#interval);
    }
    upstream.fails = 0;
    upstream.probed = false;
  }
}

const KNOWN = new Set(['except', 'policy', 'max_fails', 'health_check', 'read_timeout', 'max_concurrent', 'force_tcp', 'prefer_udp', 'tls', 'tls_servername', 'expire', 'max_age', 'max_idle_conns', 'max_connect_attempts', 'next', 'failfast_all_unhealthy_upstreams', 'failover', 'doh_method', 'resolver', 'source_address']);

/** An address with or without a port, or the servers of a resolv.conf. */
function upstreamsOf({ os }: Context, word: string): readonly Upstream[] {
  const upstream = (text: string): Upstream => {
    const [, address = '', port = '53'] = /^(?:dns:\/\/)?([\d.]+)(?::(\d+))?$/.exec(text) ?? [];
    if (parseIp(address) < 0) throw new CorefileError(`not an IP address or file: "${word}"`);
    return { address, port: Number(port), fails: 0, probed: false };
  };
  if (!word.startsWith('/')) return [upstream(word)];
  if (!os.files.exists(word)) throw new CorefileError(`not an IP address or file: "${word}"`);
  const servers = os.files.read(word).split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  if (servers.length === 0) throw new CorefileError(`no nameservers found in ${word}`);
  return servers.map(upstream);
}
