// The plug-in kubernetes in the chain (plugin/kubernetes, plugin/backend_lookup.go): makes records of what its look-up finds.

import type { DnsQuery, DnsRecord, DnsReply, DnsType } from '../../../network/dns.ts';
import { netnsOf } from '../../../network/socket.ts';
import { sourceAddress } from '../../../network/walk.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../../sim/time.ts';
import { CorefileError, parsingError } from '../corefile.ts';
import { addressOfReverse, type Finding, type Found, isAddress, isIPv6, isReverse, Lookup, type ZoneOptions } from '../kubernetes.ts';
import { type Block, type Context, duration, fallsThrough, fallZones, isBelow, normalZone, number, once, replyTo, type Request, type Result, type Setup, unknownProperty, wrongArguments, zoneOf } from '../plugin.ts';

const CHAIN_LIMIT = 10;
/** How long CoreDNS waits for the API before it serves with what it has. */
const STARTUP_TIMEOUT: Micros = 5 * SECOND;

/** An address far away: the way there tells our own. */
const ELSEWHERE = '192.0.2.1';

interface Stanza extends ZoneOptions {
  readonly fall: readonly string[] | null;
  readonly patience: Micros;
}

/** Reads the stanza. Throws CorefileError. */
export function readStanza(block: Block, path: string): Stanza {
  const directive = once(block);
  const zones = directive.args.length > 0 ? directive.args.map(normalZone) : block.zones;
  if (zones.every(isReverse)) throw new CorefileError('non-reverse zone name must be used');
  const stanza = { zones, ttl: 5, pods: 'disabled' as ZoneOptions['pods'], namespaces: new Set<string>(), endpointPodNames: false, endpoints: true, ignoreEmptyService: false, fall: null as readonly string[] | null, patience: STARTUP_TIMEOUT };
  for (const property of directive.block) {
    const { name, args, line } = property;
    const [first] = args;
    switch (name) {
      case 'pods':
        if (args.length !== 1) throw wrongArguments(path, property);
        if (first !== 'disabled' && first !== 'insecure' && first !== 'verified') throw new CorefileError(`wrong value for pods: ${first},  must be one of: disabled, verified, insecure`);
        stanza.pods = first;
        break;
      case 'namespaces':
        if (first === undefined) throw wrongArguments(path, property);
        for (const namespace of args) stanza.namespaces.add(namespace);
        break;
      case 'fallthrough':
        stanza.fall = fallZones(property);
        break;
      case 'ttl':
        if (first === undefined) throw wrongArguments(path, property);
        stanza.ttl = number(first);
        if (stanza.ttl < 0 || stanza.ttl > 3600) throw parsingError(path, line, `ttl must be in range [0, 3600]: ${stanza.ttl}`);
        break;
      case 'endpoint_pod_names':
        if (first !== undefined) throw wrongArguments(path, property);
        stanza.endpointPodNames = true;
        break;
      case 'noendpoints':
        if (first !== undefined) throw wrongArguments(path, property);
        stanza.endpoints = false;
        break;
      case 'ignore':
        if (first !== undefined && first !== 'empty_service') throw new CorefileError(`unable to parse ignore value: '${first}'`);
        stanza.ignoreEmptyService = first !== undefined;
        break;
      case 'startup_timeout':
        if (first === undefined) throw wrongArguments(path, property);
        stanza.patience = duration(first);
        break;
      case 'endpoint':
      case 'tls':
      case 'labels':
      case 'namespace_labels':
      case 'kubeconfig':
      case 'multicluster':
      case 'apiserver_qps':
      case 'apiserver_burst':
      case 'apiserver_max_inflight':
        break;
      default:
        throw unknownProperty(path, property);
    }
  }
  return stanza;
}

export const kubernetes: Setup = (block, context) => {
  const stanza = readStanza(block, context.path);
  const { records, synced } = context.records(stanza.pods === 'verified');
  const { os } = context;
  const backend = new Backend(new Lookup(stanza, records), context, () => sourceAddress(netnsOf(os), ELSEWHERE));
  context.readiness('kubernetes', synced);
  context.onStartup(() => awaitApi(context, synced, stanza.patience));
  return function* (request, next): Op<Result> {
    const { name } = request.query.question;
    const zone = zoneOf(name, stanza.zones);
    if (zone === undefined) return yield* next(request);
    const reply = yield* backend.answer(request, zone);
    if (reply.code === 'NXDOMAIN') {
      if (fallsThrough(stanza.fall, name)) return yield* next(request);
      if (!synced()) return { reply: { ...reply, code: 'SERVFAIL' }, plugin: 'kubernetes' };
    }
    return { reply, plugin: 'kubernetes' };
  };
};

function* awaitApi({ os, log }: Context, synced: () => boolean, patience: Micros): Op<void> {
  const begun = os.sim.now;
  while (os.sim.now - begun < patience) {
    yield* os.sleep(100 * MILLISECOND);
    if (synced()) return;
    if ((os.sim.now - begun) % (500 * MILLISECOND) === 0) log('INFO', 'plugin/kubernetes: waiting for Kubernetes API before starting server');
  }
  log('WARNING', 'plugin/kubernetes: starting server with unsynced Kubernetes API');
}

interface Upstream {
  readonly os: { readonly sim: { readonly now: Micros; readonly epoch: Micros } };
  lookup(request: Request): Op<Result>;
}

/** Answers for a zone. */
export class Backend {
  readonly #lookup: Lookup;
  readonly #context: Upstream;
  readonly #local: () => string | null;

  /** `local` tells the address that this CoreDNS has itself. */
  constructor(lookup: Lookup, context: Upstream, local: () => string | null) {
    this.#lookup = lookup;
    this.#context = context;
    this.#local = local;
  }

  *answer(request: Request, zone: string): Op<DnsReply> {
    const { query } = request;
    const { name, type } = query.question;
    let answers: readonly DnsRecord[] | null;
    const additional: DnsRecord[] = [];
    switch (type) {
      case 'A':
      case 'AAAA':
        answers = yield* this.#addresses(request, name, type, zone, []);
        break;
      case 'SRV':
        answers = this.#locations(name, this.#find(name, zone), additional);
        break;
      case 'CNAME': {
        const [first] = this.#find(name, zone) ?? [null];
        answers = first === null ? null : first === undefined || isAddress(first.host) ? [] : [this.#record(name, 'CNAME', first.host)];
        break;
      }
      case 'PTR': {
        const ip = addressOfReverse(name);
        const found = ip === '' ? this.#find(name, zone) && [] : this.#lookup.findAddress(ip);
        answers = found?.map((f) => this.#record(name, 'PTR', f.host)) ?? null;
        break;
      }
      case 'TXT':
        if (name === `dns-version.${zone}`) answers = [{ name, type, ttl: 28_800, data: '"1.1.0"' }];
        else answers = this.#find(name, zone)?.length ? [] : null;
        break;
      case 'SOA':
        answers = name === zone ? [this.#startOfAuthority(zone)] : [];
        break;
      case 'NS':
        answers = name === zone ? this.#nameServers(name, zone, additional) : this.#find(name, zone) && [];
        break;
      default:
        answers = this.#find(name, zone) && [];
    }
    if (answers !== null && answers.length > 0) return replyTo(query, 'NOERROR', answers, [], additional);
    return replyTo(query, answers === null ? 'NXDOMAIN' : 'NOERROR', [], [this.#startOfAuthority(zone)]);
  }

  #find(name: string, zone: string): Finding {
    if (name !== zone && name !== `ns.dns.${zone}`) return this.#lookup.find(name, zone);
    return name === zone ? [] : this.#ownAddresses().map((host) => ({ host, port: 0, name }));
  }

  #record(name: string, type: DnsType, data: string): DnsRecord {
    return { name, type, ttl: this.#lookup.options.ttl, data };
  }

  *#addresses(request: Request, name: string, type: 'A' | 'AAAA', zone: string, before: readonly DnsRecord[]): Op<readonly DnsRecord[] | null> {
    const found = this.#find(name, zone);
    if (found === null) return null;
    const answers: DnsRecord[] = [];
    const seen = new Set<string>();
    for (const { host } of found) {
      if (isAddress(host)) {
        if (isIPv6(host) !== (type === 'AAAA') || seen.has(host)) continue;
        seen.add(host);
        answers.push(this.#record(name, type, host));
        continue;
      }
      const alias = this.#record(name, 'CNAME', host);
      if (host === name || before.length > CHAIN_LIMIT || before.some((r) => r.name === alias.name && r.data === alias.data)) continue;
      if (isBelow(host, zone)) {
        const rest = yield* this.#addresses(request, host, type, zone, [...before, alias]);
        if (rest !== null && rest.length > 0) answers.push(alias, ...rest);
        continue;
      }
      const query: DnsQuery = { ...request.query, question: { name: host, type } };
      const { reply } = yield* this.#context.lookup({ ...request, query });
      answers.push(alias, ...reply.answers);
    }
    return answers;
  }

  #locations(name: string, found: Finding, additional: DnsRecord[]): readonly DnsRecord[] | null {
    if (found === null) return null;
    const internal = found.filter((f) => isAddress(f.host));
    const weight = Math.max(1, Math.floor(100 / Math.max(1, internal.length)));
    const seen = new Set<string>();
    const answers: DnsRecord[] = [];
    for (const { host, port, name: target } of internal) {
      if (port === -1) continue;
      if (!seen.has(`${target} ${port}`)) answers.push(this.#record(name, 'SRV', `0 ${weight} ${port} ${target}`));
      if (!seen.has(`${target} ${host}`)) additional.push(this.#record(target, isIPv6(host) ? 'AAAA' : 'A', host));
      seen.add(`${target} ${port}`).add(`${target} ${host}`);
    }
    return answers;
  }

  #nameServers(name: string, zone: string, additional: DnsRecord[]): readonly DnsRecord[] {
    const target = `ns.dns.${zone}`;
    const found: readonly Found[] = this.#ownServers(zone) ?? this.#localAddresses().map((host) => ({ host, port: 0, name: target }));
    for (const { host, name: at } of found) additional.push(this.#record(at, isIPv6(host) ? 'AAAA' : 'A', host));
    return [...new Set(found.map((f) => f.name))].map((at) => this.#record(name, 'NS', at));
  }

  /** The Service that this CoreDNS is behind, with its addresses. */
  #ownServers(zone: string): readonly Found[] | null {
    const { records } = this.#lookup;
    for (const ip of this.#localAddresses()) {
      for (const slice of records.slicesByIp(ip)) {
        const service = records.service(slice.metadata.namespace ?? '', slice.metadata.labels?.['kubernetes.io/service-name'] ?? '');
        const name = `${service?.metadata.name}.${service?.metadata.namespace}.svc.${zone}`;
        if (service !== undefined) return (service.spec?.clusterIPs ?? []).filter(isAddress).map((host) => ({ host, port: 0, name }));
      }
    }
    return null;
  }

  #ownAddresses(): readonly string[] {
    return this.#ownServers(this.#lookup.primary)?.map((f) => f.host) ?? this.#localAddresses();
  }

  #localAddresses(): readonly string[] {
    const ip = this.#local();
    return ip === null ? [] : [ip];
  }

  #startOfAuthority(zone: string): DnsRecord {
    const { sim } = this.#context.os;
    const { ttl } = this.#lookup.options;
    const serial = Math.floor((sim.epoch + sim.now) / SECOND);
    return { name: zone, type: 'SOA', ttl: Math.min(ttl, 300), data: `ns.dns.${zone}. hostmaster.${zone}. ${serial} 7200 1800 86400 ${ttl}` };
  }
}
