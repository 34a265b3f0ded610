// flanneld with the kube subnet manager (flannel v0.27): takes the node's Pod range from its Node, publishes how to reach it,
// and has its backend make every other node reachable.

import type { Node } from '../../api/generated/types.ts';
import { Client } from '../../client/client.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import { type Informer, InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Interface } from '../../network/device.ts';
import type { Netns } from '../../network/netns.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../sim/time.ts';
import { type Backend, type BackendConfig, backendOf } from './backend.ts';
import { annotationsOf, BACKEND_DATA, type Lease, leaseOf, macOf, PUBLIC_IP_OVERWRITE, sameLease } from './lease.ts';
import { areMissing, ensureForward, ensureMasquerade } from './rules.ts';

const NET_CONF = '/etc/kube-flannel/net-conf.json';
const SUBNET_FILE = '/run/flannel/subnet.env';
const IPTABLES_RESYNC: Micros = 5 * SECOND;
const LEASE_RETRY: Micros = 3 * SECOND;
const LEASE_LIMIT: Micros = 30 * SECOND;
const RESTORE: Micros = 5 * MILLISECOND;

interface NetConf {
  readonly Network: string;
  readonly Backend?: BackendConfig;
}

/** `/opt/bin/flanneld --ip-masq --kube-subnet-mgr`. Exits with 1 when it cannot start, as upstream does. */
export const flannelProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  try {
    yield* new Flannel(os).run();
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    os.logError(messageOf(error));
    return 1;
  }
  yield* stop.receive();
  os.logError('shutdownHandler sent cancel signal...');
  return 0;
};

interface LeaseEvent {
  readonly node: string;
  readonly before: Lease | undefined;
  readonly after: Lease | undefined;
}

class Flannel {
  readonly #os: Os;
  readonly #netns: Netns;
  readonly #client: Client;
  readonly #nodes: Informer<Node>;
  readonly #factory: InformerFactory;
  readonly #events: Channel<LeaseEvent>;
  #type = 'vxlan';

  constructor(os: Os) {
    this.#os = os;
    this.#netns = os.process.netns as Netns;
    this.#client = new Client(os, inClusterConfig(os));
    this.#factory = new InformerFactory(os, this.#client);
    this.#nodes = this.#factory.informer('nodes');
    this.#events = new Channel(os.sim);
  }

  /** Starts up; the background threads go on after it returns. */
  *run(): Op<void> {
    const os = this.#os;
    const nodeName = yield* this.#nodeName();
    const conf = JSON.parse(os.files.read(NET_CONF)) as NetConf;
    this.#watchNodes(nodeName);
    os.logError('Waiting 10m0s for node controller to sync');
    yield* this.#factory.waitForSync();
    os.logError(`Created subnet manager: Kubernetes Subnet Manager - ${nodeName}`);
    os.logError(`Found network config - Backend type: ${conf.Backend?.Type ?? 'udp'}`);

    const external = this.#externalInterface();
    const type = conf.Backend?.Type ?? 'udp';
    const stored = macOf(this.#nodes.get('', nodeName)?.metadata.annotations?.[BACKEND_DATA]);
    const backend = backendOf(type)({ os, netns: this.#netns, external, network: conf.Network, config: conf.Backend ?? {}, storedMac: stored });
    this.#type = type;
    const lease = yield* this.#acquireLease(nodeName, external, backend, conf.Backend?.VNI ?? 1);
    backend.own(lease.subnet);

    yield* os.sleep(RESTORE);
    ensureMasquerade(this.#netns, conf.Network, lease.subnet, os.place);
    ensureForward(this.#netns, conf.Network, os.place);
    os.files.write(SUBNET_FILE, subnetEnv(conf.Network, lease.subnet, backend.mtu));
    os.logError(`Wrote subnet file to ${SUBNET_FILE}`);
    os.logError('Running backend.');
    os.go('iptables-resync', () => this.#resync(conf.Network, lease.subnet));
    os.go('lease-events', () => this.#handleEvents(backend));
    yield* this.#completeLease(nodeName);
  }

  *#nodeName(): Op<string> {
    const { env } = this.#os;
    if (env['NODE_NAME']) return env['NODE_NAME'];
    const [name, namespace] = [env['POD_NAME'], env['POD_NAMESPACE']];
    if (!name || !namespace) throw new Error('Failed to create SubnetManager: env variables POD_NAME and POD_NAMESPACE must be set');
    try {
      const pod = yield* this.#client.get('pods', namespace, name);
      return pod.spec?.nodeName ?? '';
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new Error(`Failed to create SubnetManager: error retrieving pod spec for '${namespace}/${name}': ${messageOf(error)}`);
    }
  }

  #watchNodes(own: string): void {
    const changed = (node: string, before: Lease | undefined, after: Lease | undefined): void => {
      if (node !== own && !sameLease(before, after)) this.#events.send({ node, before, after });
    };
    this.#nodes.addHandler({
      add: (node) => changed(node.metadata.name ?? '', undefined, leaseOf(node)),
      update: (before, after) => {
        if (before.metadata.annotations !== after.metadata.annotations || before.spec !== after.spec) {
          changed(after.metadata.name ?? '', leaseOf(before), leaseOf(after));
        }
      },
      delete: (node) => changed(node.metadata.name ?? '', leaseOf(node), undefined),
    });
    this.#factory.start();
  }

  /** The interface of the default route. */
  #externalInterface(): Interface {
    const route = this.#netns.routes.find((r) => r.destination.prefix === 0);
    if (!route || route.device.primary === null)
      throw new Error('Failed to find any valid interface to use: failed to get default interface: unable to find default route');
    this.#os.logError(`Using interface with name ${route.device.name} and address ${route.device.primary}`);
    return route.device;
  }

  *#acquireLease(nodeName: string, external: Interface, backend: Backend, vni: number): Op<Lease> {
    const node = this.#nodes.get('', nodeName);
    const fail = (why: string): Error => new Error(`Error registering network: failed to acquire lease: ${why}`);
    if (!node) throw fail(`node "${nodeName}" not found`);
    const subnet = node.spec?.podCIDR;
    if (!subnet) throw fail(`node "${nodeName}" pod cidr not assigned`);
    const publicIp = node.metadata.annotations?.[PUBLIC_IP_OVERWRITE] ?? external.primary ?? '';
    const lease: Lease = { subnet, publicIp, backend: this.#type, vtepMac: backend.mac };
    if (sameLease(leaseOf(node), lease)) return lease;
    const deadline = this.#os.sim.now + LEASE_LIMIT;
    for (;;) {
      try {
        yield* this.#client.patch('nodes', '', nodeName, { metadata: { annotations: annotationsOf(lease, vni) } }, 'strategic', 'status');
        return lease;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        if (this.#os.sim.now >= deadline)
          throw fail(`timeout contacting kube-api, failed to patch node "${nodeName}". Error: ${messageOf(error)}`);
        yield* this.#os.sleep(LEASE_RETRY);
      }
    }
  }

  /** Says that the node's network works. */
  *#completeLease(nodeName: string): Op<void> {
    const now = this.#os.sim.time();
    const condition = {
      type: 'NetworkUnavailable',
      status: 'False',
      reason: 'FlannelIsUp',
      message: 'Flannel is running on this node',
      lastTransitionTime: now,
      lastHeartbeatTime: now,
    };
    yield* this.#client.patch('nodes', '', nodeName, { status: { conditions: [condition] } }, 'strategic', 'status');
  }

  *#handleEvents(backend: Backend): Op<void> {
    for (;;) {
      const event = yield* this.#events.receive();
      if (event === undefined) return;
      this.#apply(backend, event);
    }
  }

  /** Makes a node reachable, or unreachable when it is gone. */
  #apply(backend: Backend, { node, before, after }: LeaseEvent): void {
    const { sim, place } = this.#os;
    sim.cause = sim.trace.emit(sim.cause, {
      kind: 'dataplane',
      verb: after ? 'route-node' : 'forget-node',
      from: place,
      start: sim.now,
      detail: { node, ...(after ?? before) },
    });
    const ours = (lease: Lease | undefined): Lease | undefined => (lease?.backend === this.#type ? lease : undefined);
    const old = ours(before);
    const next = ours(after);
    if (after && !next) this.#os.logError(`Ignoring non-${this.#type} subnet(${after.subnet}): type=${after.backend}`);
    if (old) backend.remove(old, next);
    if (next) backend.add(next);
  }

  /** Puts the rules back when somebody flushed them. */
  *#resync(network: string, subnet: string): Op<never> {
    for (;;) {
      yield* this.#os.sleep(IPTABLES_RESYNC);
      if (!areMissing(this.#netns)) continue;
      this.#os.logError('Some iptables rules are missing; deleting and recreating rules');
      ensureMasquerade(this.#netns, network, subnet, this.#os.place);
      ensureForward(this.#netns, network, this.#os.place);
    }
  }
}

function subnetEnv(network: string, subnet: string, mtu: number): string {
  const [base = '', length = ''] = subnet.split('/');
  const gateway = base.replace(/\d+$/, (last) => String(Number(last) + 1));
  return `FLANNEL_NETWORK=${network}\nFLANNEL_SUBNET=${gateway}/${length}\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=true\n`;
}
