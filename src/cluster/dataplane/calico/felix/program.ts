// Felix, Calico's agent on a node (felix/daemon): watches Pods, namespaces, policies and pools, calculates what this node's tables must
// hold, and writes them; what others have changed in them it mends when it looks again.

import type { Namespace, NetworkPolicy, Node, Pod, ServiceAccount } from '../../../api/generated/types.ts';
import type { ApiObject } from '../../../api/meta.ts';
import { Client } from '../../../client/client.ts';
import { inClusterConfig } from '../../../client/kubeconfig.ts';
import { Informer } from '../../../client/informer.ts';
import type { Os, Program } from '../../../machine/process.ts';
import { serveHttp } from '../../../network/http.ts';
import type { Netns } from '../../../network/netns.ts';
import { addRoute } from '../../../network/route.ts';
import { netnsOf } from '../../../network/socket.ts';
import { Channel } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../../sim/time.ts';
import { CALICO_VERSION, log } from '../log.ts';
import { VXLAN_ADDRESS } from '../node/annotations.ts';
import { type CalicoPolicy, fromCalico, fromKubernetes, type Policy } from '../policy.ts';
import { CALICO_KINDS, type Custom, type IpamBlock, type IpPool, resourceOf } from '../resources.ts';
import { SelectorError } from '../selector.ts';
import { Calculation, type NetworkSet, type Tables } from './calculation.ts';
import { writeTables } from './kernel.ts';
import type { StaticOptions } from './static-chains.ts';
import { MTU_FILE, programVxlan, usesVxlan } from './vxlan.ts';
import { type Workload, workloadOf } from './workloads.ts';

export const FELIX_HEALTH_PORT = 9099;
/** Events that come together are calculated together; then iptables-restore takes its time. */
const COLLECT: Micros = 10 * MILLISECOND;
const WRITE: Micros = 15 * MILLISECOND;
/** IptablesRefreshInterval, RouteRefreshInterval. */
const REFRESH: Micros = 90 * SECOND;

type NetworkSetResource = Custom<{ readonly nets?: readonly string[] }>;
type FelixConfiguration = Custom<{ readonly defaultEndpointToHostAction?: string }>;

export const felixProgram: Program = function* (os: Os): Op<number> {
  const felix = new Felix(os);
  yield* felix.run();
  return 0;
};

class Felix {
  readonly #os: Os;
  readonly #netns: Netns;
  readonly #node: string;
  readonly #client: Client;
  readonly #dirty: Channel<true>;
  readonly #calculation = new Calculation();
  readonly #workloads = new Map<string, Workload>();
  readonly #policies = new Map<string, Policy>();
  readonly #pods: Informer<Pod>;
  readonly #namespaces: Informer<Namespace>;
  readonly #accounts: Informer<ServiceAccount>;
  readonly #nodes: Informer<Node>;
  readonly #pools: Informer<IpPool>;
  readonly #sets: readonly Informer<NetworkSetResource>[];
  readonly #settings: Informer<FelixConfiguration>;
  readonly #others: Informer<ApiObject>[] = [];
  /** Watched while some pool is carried by VXLAN. */
  #blocks: Informer<IpamBlock> | null = null;
  #pending = false;
  #inSync = false;
  #ready = false;

  constructor(os: Os) {
    this.#os = os;
    this.#netns = netnsOf(os);
    this.#node = os.env['NODENAME'] ?? os.machine.name;
    this.#client = new Client(os, { ...inClusterConfig(os), userAgent: `calico-node/${CALICO_VERSION} (linux/amd64) felix` });
    this.#dirty = new Channel(os.sim);
    const informer = <T extends ApiObject>(kind: 'pods' | 'namespaces' | 'serviceaccounts' | 'nodes' | keyof typeof CALICO_KINDS): Informer<T> =>
      new Informer<T>(os, this.#client, kind in CALICO_KINDS ? resourceOf(CALICO_KINDS[kind as keyof typeof CALICO_KINDS]) : (kind as 'pods'));
    this.#pods = informer('pods');
    this.#namespaces = informer('namespaces');
    this.#accounts = informer('serviceaccounts');
    this.#nodes = informer('nodes');
    this.#pools = informer('ipPool');
    this.#sets = [informer('globalNetworkSet'), informer('networkSet')];
    this.#settings = informer('felixConfiguration');
  }

  *run(): Op<void> {
    const os = this.#os;
    log(os, 'INFO', 'felix/daemon.go 404', `Successfully loaded configuration. builddate="" gitcommit="" version="${CALICO_VERSION}"`);
    serveHttp(os, { port: FELIX_HEALTH_PORT, address: '127.0.0.1' }, (request) => this.#health(request.path));
    this.#watch();
    const all: Informer<ApiObject>[] = [this.#pods, this.#namespaces, this.#accounts, this.#nodes, this.#pools, this.#settings, ...this.#sets, ...this.#others] as unknown as Informer<ApiObject>[];
    for (const one of all) one.start();
    for (const one of all) yield* one.waitForSync();
    log(os, 'INFO', 'felix/async_calc_graph.go 166', 'First time we\'ve been in sync');
    this.#inSync = true;
    os.go('refresh', () => this.#refresh());
    for (;;) {
      this.#pending = false;
      yield* this.#apply();
      yield* this.#dirty.receive();
      yield* os.sleep(COLLECT);
    }
  }

  *#health(path: string): Op<{ readonly status: number; readonly headers: Readonly<Record<string, string>> }> {
    yield* this.#os.sleep(MILLISECOND);
    return { status: path === '/readiness' && !this.#ready ? 503 : 204, headers: {} };
  }

  #changed(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#dirty.send(true);
  }

  #watch(): void {
    const changed = (): void => this.#changed();
    this.#pods.addHandler({
      add: (pod) => this.#noteWorkload(pod),
      update: (_, pod) => this.#noteWorkload(pod),
      delete: (pod) => {
        if (this.#workloads.delete(keyOf(pod))) changed();
      },
    });
    const labelsOf = (o: ApiObject): unknown => o.metadata.labels;
    const relabel = (namespace: string): void => {
      for (const pod of this.#pods.list(namespace)) this.#noteWorkload(pod);
    };
    this.#namespaces.addHandler({ add: (ns) => relabel(ns.metadata.name ?? ''), update: (before, ns) => labelsOf(before) !== labelsOf(ns) && relabel(ns.metadata.name ?? '') });
    this.#accounts.addHandler({ add: (sa) => labelsOf(sa) !== undefined && relabel(sa.metadata.namespace ?? ''), update: (before, sa) => labelsOf(before) !== labelsOf(sa) && relabel(sa.metadata.namespace ?? '') });
    this.#nodes.addHandler({
      add: changed,
      delete: changed,
      update: (before, after) => before.metadata.annotations?.[VXLAN_ADDRESS] === after.metadata.annotations?.[VXLAN_ADDRESS] || changed(),
    });
    for (const informer of [this.#pools, this.#settings, ...this.#sets]) (informer as unknown as Informer<ApiObject>).addHandler({ add: changed, update: changed, delete: changed });
    this.#watchPolicies<NetworkPolicy>(new Informer<NetworkPolicy>(this.#os, this.#client, 'networkpolicies.networking.k8s.io'), 'knp', fromKubernetes);
    for (const [kind, plural] of [['NetworkPolicy', 'networkPolicy'], ['GlobalNetworkPolicy', 'globalNetworkPolicy']] as const) {
      this.#watchPolicies<CalicoPolicy>(new Informer<CalicoPolicy>(this.#os, this.#client, resourceOf(CALICO_KINDS[plural])), kind, (policy) => fromCalico(policy, kind));
    }
  }

  #watchPolicies<T extends ApiObject>(informer: Informer<T>, kind: string, convert: (policy: T) => Policy): void {
    const note = (policy: T): void => {
      const key = `${kind}/${keyOf(policy)}`;
      try {
        this.#policies.set(key, convert(policy));
      } catch (error) {
        if (!(error instanceof SelectorError)) throw error;
        log(this.#os, 'ERROR', 'felix/syncer.go 210', `Failed to parse policy; ignoring it. policy=${key} error=${error.message}`);
        this.#policies.delete(key);
      }
      this.#changed();
    };
    informer.addHandler({
      add: note,
      update: (before, after) => before.metadata.generation === after.metadata.generation && before.metadata.generation !== undefined || note(after),
      delete: (policy) => {
        this.#policies.delete(`${kind}/${keyOf(policy)}`);
        this.#changed();
      },
    });
    this.#others.push(informer as unknown as Informer<ApiObject>);
  }

  #noteWorkload(pod: Pod): void {
    const { namespace = '' } = pod.metadata;
    const workload = workloadOf(pod, this.#namespaces.get('', namespace), this.#accounts.get(namespace, pod.spec?.serviceAccountName ?? ''));
    const key = keyOf(pod);
    const old = this.#workloads.get(key);
    if (workload === null) {
      if (!this.#workloads.delete(key)) return;
    } else {
      if (old !== undefined && sameWorkload(old, workload)) return;
      this.#workloads.set(key, workload);
    }
    this.#changed();
  }

  *#apply(): Op<void> {
    const os = this.#os;
    const tables = this.#calculate();
    yield* os.sleep(WRITE);
    const wrote = writeTables(this.#netns, tables, os.place);
    this.#route(tables);
    yield* this.#tunnel();
    const { sim } = os;
    if (wrote) sim.trace.emit(sim.cause, { kind: 'dataplane', verb: 'policy', from: os.place, start: sim.now - WRITE, end: sim.now, detail: { chains: tables.chains.filter.length, sets: tables.sets.size, endpoints: [...tables.local.keys()] } });
    if (!this.#ready) log(os, 'INFO', 'felix/int_dataplane.go 2110', 'Completed first update to dataplane.');
    this.#ready = true;
  }

  #calculate(): Tables {
    const endpointToHost = actionOf(this.#os.env['FELIX_DEFAULTENDPOINTTOHOSTACTION'] ?? this.#settings.get('', 'default')?.spec.defaultEndpointToHostAction);
    const hostAddresses = [...this.#netns.localAddresses().keys()];
    const nodeAddresses = this.#nodes.list().flatMap((n) => (n.status?.addresses ?? []).filter((a) => a.type === 'InternalIP').map((a) => a.address));
    const networkSets: NetworkSet[] = this.#sets.flatMap((sets) => sets.list()).map((set) => ({ labels: new Map([...Object.entries(set.metadata.labels ?? {}), ...(set.metadata.namespace === undefined ? [] : [['projectcalico.org/namespace', set.metadata.namespace] as const])]), nets: set.spec.nets ?? [] }));
    const pools = this.#pools.list().filter((p) => !p.spec.cidr.includes(':')).map(({ spec }) => ({ cidr: spec.cidr, natOutgoing: spec.natOutgoing === true, vxlan: (spec.vxlanMode ?? 'Never') !== 'Never' }));
    return this.#calculation.run({ node: this.#node, workloads: this.#workloads.values(), policies: this.#policies.values(), networkSets, pools, hostAddresses, nodeAddresses, endpointToHost: endpointToHost });
  }

  /** VXLAN, where pools ask for it. */
  *#tunnel(): Op<void> {
    const pools = this.#pools.list();
    const wanted = usesVxlan(pools);
    if (!wanted && this.#blocks === null) return;
    if (this.#blocks === null) {
      this.#blocks = new Informer<IpamBlock>(this.#os, this.#client, resourceOf(CALICO_KINDS.ipamBlock));
      const changed = (): void => this.#changed();
      this.#blocks.addHandler({ add: changed, delete: changed, update: (before, after) => before.spec.affinity === after.spec.affinity || changed() });
      this.#blocks.start();
      yield* this.#blocks.waitForSync();
    }
    const device = this.#netns.routes.find((r) => r.destination.prefix === 0)?.device;
    this.#os.files.write(MTU_FILE, String((device?.mtu ?? 1500) - (wanted ? 50 : 0)));
    programVxlan(this.#netns, { node: this.#node, nodes: this.#nodes.list(), pools, blocks: this.#blocks.list() }, this.#os.place);
  }

  /** The routes to this node's Pods, which the CNI plug-in has set already. */
  #route(tables: Tables): void {
    for (const [name, { address }] of tables.local) {
      const device = this.#netns.interfaces.get(name);
      if (device === undefined || address === null) continue;
      device.proxyArp = true;
      if (this.#netns.routes.some((r) => r.device === device && r.destination.address === address)) continue;
      addRoute(this.#netns, { destination: `${address}/32`, device }, this.#os.place);
    }
  }

  *#refresh(): Op<never> {
    for (;;) {
      yield* this.#os.sleep(REFRESH);
      if (this.#inSync) this.#changed();
    }
  }
}

const keyOf = ({ metadata }: ApiObject): string => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

const actionOf = (text: string | undefined): StaticOptions['endpointToHost'] => (/^accept$/i.test(text ?? '') ? 'Accept' : /^return$/i.test(text ?? '') ? 'Return' : 'Drop');

function sameWorkload(a: Workload, b: Workload): boolean {
  if (a.address !== b.address || a.node !== b.node || a.labels.size !== b.labels.size || a.ports.length !== b.ports.length || a.profiles.join() !== b.profiles.join()) return false;
  for (const [key, value] of a.labels) if (b.labels.get(key) !== value) return false;
  return a.ports.every((p, i) => p.name === b.ports[i]?.name && p.port === b.ports[i]?.port && p.protocol === b.ports[i]?.protocol);
}
