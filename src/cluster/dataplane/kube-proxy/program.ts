// kube-proxy in iptables mode (cmd/kube-proxy, pkg/proxy/iptables): watches Services, EndpointSlices and its Node, and
// keeps the node's tables so that connections to a Service reach one of its endpoints.

import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import { parseYaml } from '../../api/yaml.ts';
import { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { type Informer, InformerFactory } from '../../client/informer.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import { type HttpRequest, type HttpResponse, serveHttp } from '../../network/http.ts';
import { ensureChain, ensureRule, type TableName, type TableUpdate } from '../../network/netfilter.ts';
import type { Netns } from '../../network/netns.ts';
import type { Op } from '../../sim/simulation.ts';
import { HOUR, MICROSECOND, MILLISECOND, type Micros, SECOND } from '../../sim/time.ts';
import { BoundedRunner } from './bounded-runner.ts';
import { RuleBook } from './rule-book.ts';
import { FILTER_CHAINS, JUMPS, NAT_CHAINS } from './static-rules.ts';

const HEALTHZ_PORT = 10_256;
/** minSyncPeriod and syncPeriod of the iptables mode; proxyutil.FullSyncPeriod. */
const MIN_SYNC_PERIOD: Micros = SECOND;
const SYNC_PERIOD: Micros = 30 * SECOND;
const FULL_SYNC_PERIOD: Micros = HOUR;
const SERVICE_NAME = 'kubernetes.io/service-name';
/** What an iptables-restore takes: once, and for each rule. */
const RESTORE: Micros = 4 * MILLISECOND;
const RESTORE_RULE: Micros = 4 * MICROSECOND;

interface ProxyConfiguration {
  readonly clientConnection?: { readonly kubeconfig?: string };
  readonly clusterCIDR?: string;
}

/** `kube-proxy --config=FILE --hostname-override=NAME`. */
export const kubeProxyProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const config = parseYaml(os.files.read(flag(os.argv, 'config') ?? '/var/lib/kube-proxy/config.conf')) as ProxyConfiguration;
  const nodeName = flag(os.argv, 'hostname-override') ?? os.machine.name;
  const client = new Client(os, loadKubeconfig(os, config.clientConnection?.kubeconfig ?? '/var/lib/kube-proxy/kubeconfig.conf'));
  os.logError(`"Successfully retrieved node IP(s)" node="${nodeName}"`);
  os.logError('"Using iptables Proxier"');
  const proxier = new Proxier(os, client, nodeName, config.clusterCIDR ?? '');
  proxier.start();
  new EventRecorder(os, client, { component: 'kube-proxy', host: nodeName }).event(
    { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, namespace: '', uid: nodeName } },
    'Normal',
    'Starting',
    '',
  );
  yield* stop.receive();
  return 0;
};

class Proxier {
  readonly #os: Os;
  readonly #netns: Netns;
  readonly #book: RuleBook;
  readonly #runner: BoundedRunner;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #factory: InformerFactory;
  readonly #dirty = new Set<string>();
  #lastFull = Number.NEGATIVE_INFINITY;
  /** When something waits to be written since. */
  #queued: Micros | null = null;
  #lastUpdated: Micros = 0;

  constructor(os: Os, client: Client, nodeName: string, clusterCidr: string) {
    this.#os = os;
    this.#netns = os.process.netns as Netns;
    this.#book = new RuleBook(os.sim, { clusterCidr, nodeName });
    this.#factory = new InformerFactory(os, client);
    // As upstream: headless Services and those of another proxy are not even watched.
    const labelSelector = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name';
    this.#services = this.#factory.informer('services', { labelSelector: '!service.kubernetes.io/service-proxy-name' });
    this.#slices = this.#factory.informer('endpointslices.discovery.k8s.io', { labelSelector });
    this.#factory.informer('nodes', { fieldSelector: `metadata.name=${nodeName}` });
    this.#slices.addIndex('service', serviceOf);
    this.#runner = new BoundedRunner(os, {
      name: 'sync-runner',
      minInterval: MIN_SYNC_PERIOD,
      retryInterval: SYNC_PERIOD,
      maxInterval: FULL_SYNC_PERIOD,
      run: () => this.#sync(),
    });
  }

  start(): void {
    const changed = (key: string): void => {
      this.#dirty.add(key);
      this.#queued ??= this.#os.sim.now;
      if (this.#services.hasSynced && this.#slices.hasSynced) this.#runner.ask();
    };
    const keyOf = (o: { metadata: { namespace?: string; name?: string } }): string => `${o.metadata.namespace}/${o.metadata.name}`;
    this.#services.addHandler({
      add: (service) => changed(keyOf(service)),
      update: (before, after) => {
        if (before.spec !== after.spec || before.status !== after.status || before.metadata.labels !== after.metadata.labels)
          changed(keyOf(after));
      },
      delete: (service) => changed(keyOf(service)),
    });
    this.#slices.addHandler({
      add: (slice) => changed(serviceOf(slice)),
      update: (before, after) => {
        if (before.endpoints !== after.endpoints || before.ports !== after.ports) changed(serviceOf(after));
      },
      delete: (slice) => changed(serviceOf(slice)),
    });
    this.#factory.start();
    this.#os.go('proxier', () => this.#begin());
  }

  *#begin(): Op<void> {
    this.#serveHealth();
    yield* this.#factory.waitForSync();
    this.#runner.start();
    this.#runner.ask();
  }

  /** syncProxyRules: all chains at first and once an hour, else those of changed Services. */
  *#sync(): Op<boolean> {
    const { sim } = this.#os;
    const start = sim.now;
    const full = start - this.#lastFull >= FULL_SYNC_PERIOD;
    const keys = [...this.#dirty];
    this.#dirty.clear();
    this.#queued = null;
    const update = this.#book.sync(keys, (key) => ({ service: this.#services.getByKey(key), slices: this.#slices.index('service', key) }));
    if (
      !full &&
      update.written === 0 &&
      update.nat.chains.length === 0 &&
      (update.nat.remove?.length ?? 0) === 0 &&
      update.filter === null
    ) {
      this.#lastUpdated = start;
      return true;
    }
    yield* this.#os.sleep(RESTORE + RESTORE_RULE * (full ? this.#book.count : update.written));
    if (full) this.#writeStatic();
    const before = this.#netns.rules.revision;
    const lists = full ? this.#book.lists() : null;
    this.#restore('filter', lists ? { chains: lists.filter } : update.filter);
    this.#restore('nat', lists ? { chains: [...update.nat.chains, ...lists.nat] } : update.nat);
    if (full) this.#lastFull = start;
    this.#lastUpdated = sim.now;
    sim.trace.emit(sim.cause, {
      kind: 'dataplane',
      verb: 'sync',
      from: this.#os.place,
      start,
      end: sim.now,
      detail: { full, services: keys, written: update.written },
      change: {
        key: `rules/${this.#os.machine.name}/nat`,
        before: { revision: before },
        after: { revision: this.#netns.rules.revision, count: this.#book.count },
      },
    });
    return true;
  }

  #restore(table: TableName, update: TableUpdate | null): void {
    if (update === null || (update.chains.length === 0 && (update.remove?.length ?? 0) === 0)) return;
    this.#netns.rules.restore(table, update);
    this.#netns.rulesChanged(table);
  }

  /** The chains that do not depend on Services, and the jumps into them. */
  #writeStatic(): void {
    const chains: Record<TableName, Set<string>> = { nat: new Set(), filter: new Set(), mangle: new Set() };
    for (const { table, rule } of JUMPS) if (rule.target.kind === 'jump') chains[table].add(rule.target.chain);
    for (const table of ['filter', 'nat'] as const) {
      for (const name of chains[table]) ensureChain(this.#netns, table, name, this.#os.place);
    }
    for (const { table, from, rule } of JUMPS) ensureRule(this.#netns, table, from, rule, 'prepend', this.#os.place);
    this.#restore('nat', { chains: NAT_CHAINS });
    this.#restore('filter', { chains: FILTER_CHAINS });
  }

  #serveHealth(): void {
    serveHttp(this.#os, { port: HEALTHZ_PORT }, (request) => this.#health(request));
  }

  /** /healthz: fails when changes have waited longer than twice the sync period. */
  *#health({ path }: HttpRequest): Op<HttpResponse> {
    if (path !== '/healthz' && path !== '/livez') return { status: 404, headers: {}, body: '404 page not found' };
    const { sim } = this.#os;
    const healthy = this.#queued === null || sim.now - this.#queued < 2 * SYNC_PERIOD;
    const body = { lastUpdated: sim.time(this.#lastUpdated), currentTime: sim.time(), nodeEligible: true };
    return { status: healthy ? 200 : 503, headers: { 'content-type': 'application/json' }, body };
  }
}

const serviceOf = (slice: EndpointSlice): string => `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`;

/** `--name=value` or `--name value`. */
function flag(argv: readonly string[], name: string): string | undefined {
  const prefix = `--${name}=`;
  for (const [i, arg] of argv.entries()) {
    if (arg.startsWith(prefix)) return arg.slice(prefix.length);
    if (arg === `--${name}`) return argv[i + 1];
  }
  return undefined;
}
