// The part of kube-proxy that all modes share: watches Services, EndpointSlices and its Node, and has the changed Services
// written into the node's tables (pkg/proxy/config, pkg/proxy/*/proxier.go).

import type { EndpointSlice, Node, Service } from '../../api/generated/types.ts';
import type { Client } from '../../client/client.ts';
import { type Informer, InformerFactory } from '../../client/informer.ts';
import type { Os } from '../../machine/process.ts';
import type { Netns } from '../../network/netns.ts';
import type { Op } from '../../sim/simulation.ts';
import { HOUR, MICROSECOND, MILLISECOND, type Micros } from '../../sim/time.ts';
import { BoundedRunner } from './bounded-runner.ts';
import type { ProxyConfiguration } from './configuration.ts';
import type { MakeMode, ProxyMode } from './mode.ts';
import { forgetStaleFlows, mayBeStale, type ServedPort } from './stale-conntrack.ts';
import { localDetector } from './local-detector.ts';
import type { PortContext } from './port-rules.ts';
import { ServiceHealth } from './service-health.ts';
import { endpointsOf, servicePorts } from './service-ports.ts';

/** proxyutil.FullSyncPeriod. */
const FULL_SYNC_PERIOD: Micros = HOUR;
const SERVICE_NAME = 'kubernetes.io/service-name';
const ZONE = 'topology.kubernetes.io/zone';
const NONE: readonly ServedPort[] = [];
/** What an iptables-restore takes: once, and for each rule. */
const RESTORE: Micros = 4 * MILLISECOND;
const RESTORE_RULE: Micros = 4 * MICROSECOND;

export interface ProxierOptions {
  readonly os: Os;
  readonly client: Client;
  readonly nodeName: string;
  readonly config: ProxyConfiguration;
  readonly mode: MakeMode;
}

export class Proxier {
  readonly #os: Os;
  readonly #netns: Netns;
  readonly #config: ProxyConfiguration;
  readonly #makeMode: MakeMode;
  readonly #runner: BoundedRunner;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #nodes: Informer<Node>;
  readonly #factory: InformerFactory;
  readonly #health: ServiceHealth;
  readonly #dirty = new Set<string>();
  /** UDP ports as they were written, by Service. */
  readonly #udp = new Map<string, readonly ServedPort[]>();
  #context: PortContext;
  #mode: ProxyMode | null = null;
  #lastFull = Number.NEGATIVE_INFINITY;
  /** When something waits to be written since. */
  #queued: Micros | null = null;
  #lastUpdated: Micros = 0;

  constructor({ os, client, nodeName, config, mode }: ProxierOptions) {
    this.#os = os;
    this.#netns = os.process.netns as Netns;
    this.#config = config;
    this.#makeMode = mode;
    const { masqueradeAll, localhostNodePorts, clusterCidr, detectLocalMode } = config;
    this.#context = {
      nodeName,
      zone: '',
      nodeIP: '',
      local: localDetector(config, undefined),
      masqueradeAll,
      localhostNodePorts,
      key: `${config.mode} ${detectLocalMode} ${clusterCidr} ${masqueradeAll} ${localhostNodePorts}`,
    };
    this.#factory = new InformerFactory(os, client);
    // As upstream: headless Services and those of another proxy are not even watched.
    const labelSelector = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name';
    this.#services = this.#factory.informer('services', { labelSelector: '!service.kubernetes.io/service-proxy-name' });
    this.#slices = this.#factory.informer('endpointslices.discovery.k8s.io', { labelSelector });
    this.#nodes = this.#factory.informer('nodes', { fieldSelector: `metadata.name=${nodeName}` });
    this.#slices.addIndex('service', serviceOf);
    this.#health = new ServiceHealth(os, () => this.isHealthy());
    this.#runner = new BoundedRunner(os, {
      name: 'sync-runner',
      minInterval: config.minSyncPeriod,
      retryInterval: config.syncPeriod,
      maxInterval: FULL_SYNC_PERIOD,
      run: () => this.#sync(),
    });
  }

  /** Whether changes have not waited longer than twice the sync period. */
  isHealthy(): boolean {
    return this.#queued === null || this.#os.sim.now - this.#queued < 2 * this.#config.syncPeriod;
  }

  get lastUpdated(): Micros {
    return this.#lastUpdated;
  }

  /** The Node is neither being deleted nor about to be (healthcheck.ProxyHealthServer). */
  isNodeEligible(): boolean {
    const node = this.#nodes.get('', this.#context.nodeName);
    if (node === undefined) return true;
    return node.metadata.deletionTimestamp === undefined && !node.spec?.taints?.some((taint) => taint.key === 'ToBeDeletedByClusterAutoscaler');
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
    this.#nodes.addHandler({
      update: (before, after) => {
        if (before.metadata.labels !== after.metadata.labels) this.#placeChanged(after);
      },
    });
    this.#factory.start();
    this.#os.go('proxier', () => this.#begin());
  }

  *#begin(): Op<void> {
    yield* this.#factory.waitForSync();
    const node = this.#nodes.get('', this.#context.nodeName);
    const nodeIP = node?.status?.addresses?.find((a) => a.type === 'InternalIP')?.address ?? '';
    const local = localDetector(this.#config, node?.spec?.podCIDR);
    const key = this.#config.detectLocalMode === 'NodeCIDR' ? `${this.#context.key} ${node?.spec?.podCIDR ?? ''}` : this.#context.key;
    this.#context = { ...this.#context, nodeIP, local, key, zone: zoneOf(node) };
    const { context, mode } = { context: this.#context, mode: this.#makeMode };
    this.#mode = mode({ os: this.#os, netns: this.#netns, config: this.#config, context });
    this.#runner.start();
    this.#runner.ask();
  }

  /** OnTopologyChange. */
  #placeChanged(node: Node): void {
    const zone = zoneOf(node);
    if (zone === this.#context.zone || this.#mode === null) return;
    this.#context = { ...this.#context, zone };
    this.#mode.setContext(this.#context);
    for (const service of this.#services.list()) this.#dirty.add(`${service.metadata.namespace}/${service.metadata.name}`);
    this.#lastFull = Number.NEGATIVE_INFINITY;
    this.#runner.ask();
  }

  /** syncProxyRules: all chains at first and once an hour, else those of changed Services. */
  *#sync(): Op<boolean> {
    const { sim } = this.#os;
    const mode = this.#mode as ProxyMode;
    const start = sim.now;
    const full = start - this.#lastFull >= FULL_SYNC_PERIOD;
    const keys = [...this.#dirty];
    this.#dirty.clear();
    this.#queued = null;
    const pending = mode.take(keys, (key) => ({ service: this.#services.getByKey(key), slices: this.#slices.index('service', key) }));
    const stale = this.#staleFlows(keys);
    if (full || !pending.nothing) {
      yield* this.#os.sleep(RESTORE + RESTORE_RULE * (full ? mode.count : pending.size));
      const first = this.#lastFull === Number.NEGATIVE_INFINITY;
      if (first) mode.cleanUp();
      const before = this.#netns.rules.revision;
      pending.write(full);
      if (first) mode.onLost?.(() => this.#lost());
      if (full) this.#lastFull = start;
      sim.trace.emit(sim.cause, {
        kind: 'dataplane',
        verb: 'sync',
        from: this.#os.place,
        start,
        end: sim.now,
        detail: { full, services: keys, written: pending.size },
        change: {
          key: `rules/${this.#os.machine.name}/nat`,
          before: { revision: before },
          after: { revision: this.#netns.rules.revision, count: mode.count },
        },
      });
    }
    this.#lastUpdated = sim.now;
    if (stale.length > 0) forgetStaleFlows(this.#netns, stale);
    return true;
  }

  /** Takes note of UDP ports and of health checks; says which UDP ports lost an endpoint. */
  #staleFlows(keys: readonly string[]): readonly ServedPort[] {
    const stale: ServedPort[] = [];
    for (const key of keys) {
      const service = this.#services.getByKey(key);
      const ports = service ? servicePorts(service) : [];
      const before = this.#udp.get(key) ?? NONE;
      if (before.length > 0 || ports.some((port) => port.protocol === 'udp')) {
        const after = ports.filter((port) => port.protocol === 'udp').map((port) => ({ port, endpoints: endpointsOf(this.#slices.index('service', key), port) }));
        for (const served of after) {
          const old = before.find((b) => b.port.name === served.port.name);
          if (mayBeStale(old?.endpoints ?? [], served.endpoints)) stale.push(served);
        }
        if (after.length === 0) this.#udp.delete(key);
        else this.#udp.set(key, after);
      }
      const check = ports.find((port) => port.healthCheckNodePort !== 0);
      if (check === undefined) this.#health.set(key, 0, 0);
      else {
        const own = endpointsOf(this.#slices.index('service', key), check).filter((e) => e.ready && e.nodeName === this.#context.nodeName);
        this.#health.set(key, check.healthCheckNodePort, new Set(own.map((e) => e.ip)).size);
      }
    }
    return stale;
  }

  /** iptables.Monitor: looks for the canary once in a sync period, and writes everything anew when it is gone. */
  #lost(): void {
    const { sim } = this.#os;
    const { syncPeriod } = this.#config;
    sim.after(syncPeriod - (sim.now % syncPeriod), () => {
      if (this.#os.process.status !== null || this.#mode === null || this.#mode.isIntact) return;
      this.#os.logError(`"iptables canary deleted" table="mangle" chain="KUBE-PROXY-CANARY"`);
      this.#lastFull = Number.NEGATIVE_INFINITY;
      this.#runner.ask();
    });
  }
}

const serviceOf = (slice: EndpointSlice): string => `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`;
const zoneOf = (node: Node | undefined): string => node?.metadata.labels?.[ZONE] ?? '';
