// One configuration of CoreDNS at work: its server blocks as chains of plug-ins, one server a port, and what comes and goes with it.

import { type DnsQuery, type DnsReply, serveDns } from '../../network/dns.ts';
import { dnsSize } from '../../network/dns-size.ts';
import type { SocketAddress } from '../../network/connection.ts';
import type { Op } from '../../sim/simulation.ts';
import { CorefileError, parseCorefile, type ServerBlock } from './corefile.ts';
import { DIRECTIVES, KNOWN } from './directives.ts';
import { providedExtras } from './extras.ts';
import { type Block, type Context, fqdn, type Handler, normalZone, plainFailure, type Request, type Result, type Serve, type Setup, zoneOf } from './plugin.ts';
import { cache } from './plugins/cache.ts';
import { forward } from './plugins/forward.ts';
import { kubernetes } from './plugins/kubernetes.ts';
import { loop } from './plugins/loop.ts';
import { reload } from './plugins/reload.ts';
import { errors, health, loadbalance, prometheus, ready } from './plugins/serving.ts';

const DNS_PORT = 53;
/** What UDP carries without EDNS. */
const PLAIN_SIZE = 512;

/** Time that a query takes at least, and what comes on top. */
const LEAST_WORK = 60;
const MORE_WORK = 180;

/** The plug-ins that the Corefile of kubeadm names; the others come later. */
const PLUGINS: Readonly<Record<string, Setup>> = { errors, health, ready, kubernetes, prometheus, forward, cache, loop, reload, loadbalance };

type Process = Pick<Context, 'os' | 'path' | 'metrics' | 'log' | 'fatal' | 'records' | 'restart'>;

interface Zone {
  readonly zone: string;
  readonly serve: Serve;
}

export class Instance {
  readonly text: string;
  readonly lameduck = { duration: '' };
  readonly #process: Process;
  readonly #blocks: readonly ServerBlock[];
  /** By port. */
  readonly #servers = new Map<number, Zone[]>();
  readonly #listen: (() => void)[] = [];
  readonly #startup: (() => Op<void>)[] = [];
  readonly #serving: (() => void)[] = [];
  readonly #started: ((blocks: readonly ServerBlock[]) => void)[] = [];
  readonly #stop: (() => void)[] = [];
  readonly #readiness = new Map<string, () => boolean>();

  /** Reads the Corefile and sets its plug-ins up. Throws CorefileError. */
  constructor(process: Process, text: string) {
    this.text = text;
    this.#process = process;
    const { os, path } = process;
    const include = (file: string): string | undefined => (os.files.exists(file) ? os.files.read(file) : undefined);
    this.#blocks = parseCorefile({ path, text, env: os.env, include }, KNOWN);
    const blocks = this.#blocks.map((block) => blockOf(block));
    const chains = blocks.map((): { readonly name: string; readonly handler: Handler }[] => []);
    for (const name of DIRECTIVES) {
      for (const [i, { directives }] of this.#blocks.entries()) {
        const own = directives.filter((d) => d.name === name);
        if (own.length === 0) continue;
        const setup = PLUGINS[name] ?? providedExtras()?.plugins[name];
        const block = blocks[i] as Zones;
        const handler = setup === undefined ? null : this.#setUp(name, setup, { zones: block.zones, port: block.port, directives: own });
        if (handler !== null) chains[i]?.push({ name, handler });
      }
    }
    const taken = new Set<string>();
    for (const [i, { zones, port, keys }] of blocks.entries()) {
      const chain = chains[i] ?? [];
      const server = this.#servers.get(port) ?? [];
      for (const [k, zone] of zones.entries()) {
        if (taken.has(`${zone}:${port}`)) throw new CorefileError(`cannot serve dns://${keys[k]} - it is already defined`);
        taken.add(`${zone}:${port}`);
        server.push({ zone, serve: chained(chain) });
      }
      this.#servers.set(port, server);
    }
  }

  #setUp(name: string, setup: Setup, block: Block): Handler | null {
    const process = this.#process;
    const context: Context = {
      ...process,
      lameduck: this.lameduck,
      onListen: (open) => this.#listen.push(open),
      onStartup: (start) => this.#startup.push(start),
      onServing: (run) => this.#serving.push(run),
      onStarted: (run) => this.#started.push(run),
      onStop: (stop) => this.#stop.push(stop),
      readiness: (plugin, isReady) => this.#readiness.set(plugin, isReady),
      notReady: () => [...this.#readiness].flatMap(([plugin, isReady]) => (isReady() ? [] : [plugin])).sort(),
      lookup: (request) => this.#resolve(request, block.port),
    };
    try {
      return setup(block, context);
    } catch (error) {
      if (error instanceof CorefileError) throw new CorefileError(`plugin/${name}: ${error.message}`);
      throw error;
    }
  }

  /** Runs it. `before` is the instance in whose place it comes, which works until this one can. */
  *start(before: Instance | null): Op<void> {
    if (before === null) for (const open of this.#listen) open();
    for (const begin of this.#startup) yield* begin();
    if (before !== null) {
      before.stop();
      for (const open of this.#listen) open();
    }
    for (const [port, zones] of this.#servers) {
      const close = serveDns(this.#process.os, port, (query, from, protocol) => this.#answer(query, from, protocol, port));
      this.#stop.push(close);
      if (before !== null) continue;
      for (const { zone } of zones.toSorted((a, b) => (a.zone < b.zone ? -1 : 1))) this.#process.os.log(`${fqdn(zone)}:${port}`);
    }
    for (const run of this.#serving) run();
  }

  /** It is in force. */
  announce(): void {
    for (const run of this.#started) run(this.#blocks);
  }

  stop(): void {
    for (const stop of this.#stop.splice(0)) stop();
  }

  *#answer(query: DnsQuery, client: SocketAddress, protocol: 'udp' | 'tcp', port: number): Op<DnsReply> {
    const question = { name: query.question.name.toLowerCase(), type: query.question.type };
    const { os } = this.#process;
    const arrived = os.sim.now;
    yield* os.sleep(LEAST_WORK + (query.id % MORE_WORK));
    const request: Request = { query: { ...query, question }, arrived, client, protocol, server: `dns://:${port}`, zone: '.' };
    const { reply } = yield* this.#resolve(request, port);
    return fitting(question.name === query.question.name ? reply : asWritten(reply, query.question.name), protocol === 'tcp' ? 65_535 : Math.max(PLAIN_SIZE, query.edns?.size ?? PLAIN_SIZE));
  }

  *#resolve(request: Request, port: number): Op<Result> {
    const server = this.#servers.get(port) ?? [];
    const zone = zoneOf(request.query.question.name, server.map((z) => z.zone));
    const found = server.find((z) => z.zone === zone);
    if (found === undefined) return { reply: plainFailure(request.query, 'REFUSED'), plugin: '' };
    return yield* found.serve({ ...request, zone: fqdn(found.zone) });
  }
}

/** The name as the client wrote it, capitals and all. */
const asWritten = (reply: DnsReply, name: string): DnsReply => ({
  ...reply,
  question: { ...reply.question, name },
  answers: reply.answers.map((r) => (r.name === reply.question.name ? { ...r, name } : r)),
});

interface Zones {
  readonly keys: readonly string[];
  readonly zones: readonly string[];
  readonly port: number;
}

/** `.:53`, `dns://example.org:1053`, `10.0.0.0/24`. */
function blockOf({ keys }: ServerBlock): Zones {
  let port = DNS_PORT;
  const zones = keys.map((key) => {
    const text = key.replace(/^dns:\/\//, '');
    const colon = /:(\d+)$/.exec(text);
    if (colon) port = Number(colon[1]);
    return normalZone(colon ? text.slice(0, colon.index) : text);
  });
  return { keys: zones.map((zone) => `${fqdn(zone)}:${port}`), zones, port };
}

/** The plug-ins one behind another. */
function chained(chain: readonly { readonly name: string; readonly handler: Handler }[]): Serve {
  return chain.reduceRight<Serve>(
    (next, { handler }) => (request) => handler(request, next),
    function* ({ query }) {
      const last = chain.at(-1)?.name;
      if (last === undefined) return { reply: plainFailure(query, 'REFUSED'), plugin: '' };
      return { reply: plainFailure(query, 'SERVFAIL'), plugin: '', error: `plugin/${last}: no next plugin found` };
    },
  );
}

/** A reply that is too large is compressed, then loses records, and says so. */
function fitting(reply: DnsReply, size: number): DnsReply {
  if (dnsSize(reply) <= size) return reply;
  let small: DnsReply = { ...reply, compressed: true };
  while (dnsSize(small) > size && small.additional.length > 0) small = { ...small, truncated: true, additional: small.additional.slice(0, -1) };
  while (dnsSize(small) > size && small.answers.length > 0) small = { ...small, truncated: true, answers: small.answers.slice(0, -1) };
  return small;
}
