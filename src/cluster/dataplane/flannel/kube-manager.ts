// flannel's kube subnet manager (pkg/subnet/kube): the node's Pod range is its Node's, annotations publish how to reach it.

import type { Node } from '../../api/generated/types.ts';
import { Client } from '../../client/client.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import { type Informer, InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os } from '../../machine/process.ts';
import { contains, parseCidr } from '../../network/ip.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import { annotationsOf, BACKEND_DATA, type Lease, leaseOf, macOf, PUBLIC_IP, PUBLIC_IP_OVERWRITE, sameLease } from './lease.ts';
import type { Log } from './log.ts';
import { type Attributes, type LeaseEvent, type NetworkConfig, networkConfig, type SubnetManager } from './manager.ts';
import type { FlannelOptions } from './options.ts';

/** What an absent network is shown as. */
const NO_NETWORK = '0.0.0.0/0';
const RETRY: Micros = 3 * SECOND;
const LIMIT: Micros = 30 * SECOND;

/** Throws Error in flannel's words. */
export function* kubeSubnetManager(os: Os, log: Log, options: FlannelOptions): Op<SubnetManager> {
  const client = new Client(os, inClusterConfig(os));
  const nodeName = yield* nodeNameOf(os, client);
  if (!os.files.exists(options.netConfPath)) throw new Error(`failed to read net conf: open ${options.netConfPath}: no such file or directory`);
  const config = readConfig(os.files.read(options.netConfPath));
  const manager = new KubeSubnetManager(os, log, options, client, nodeName, config);
  yield* manager.sync();
  return manager;
}

function* nodeNameOf({ env }: Os, client: Client): Op<string> {
  if (env['NODE_NAME']) return env['NODE_NAME'];
  const [name, namespace] = [env['POD_NAME'], env['POD_NAMESPACE']];
  if (!name || !namespace) throw new Error('env variables POD_NAME and POD_NAMESPACE must be set');
  try {
    return (yield* client.get('pods', namespace, name)).spec?.nodeName ?? '';
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    throw new Error(`error retrieving pod spec for '${namespace}/${name}': ${messageOf(error)}`);
  }
}

/** JSON in the words of its reader. */
function readConfig(text: string): NetworkConfig {
  try {
    return networkConfig(JSON.parse(text) as object);
  } catch {
    throw new Error('error parsing subnet config: invalid character in net-conf.json');
  }
}

class KubeSubnetManager implements SubnetManager {
  readonly name: string;
  readonly #os: Os;
  readonly #log: Log;
  readonly #client: Client;
  readonly #nodeName: string;
  readonly #config: NetworkConfig;
  readonly #options: FlannelOptions;
  readonly #factory: InformerFactory;
  readonly #nodes: Informer<Node>;
  readonly #events: Channel<LeaseEvent>;

  constructor(os: Os, log: Log, options: FlannelOptions, client: Client, nodeName: string, config: NetworkConfig) {
    this.#os = os;
    this.#log = log;
    this.#client = client;
    this.#nodeName = nodeName;
    this.#config = config;
    this.#options = options;
    this.name = `Kubernetes Subnet Manager - ${nodeName}`;
    this.#factory = new InformerFactory(os, client);
    this.#nodes = this.#factory.informer('nodes');
    this.#events = new Channel(os.sim);
    this.#nodes.addHandler({
      add: (node) => this.#tell('added', node),
      update: (before, after) => {
        if (before.metadata.annotations !== after.metadata.annotations && !sameLease(leaseOf(before), leaseOf(after))) this.#tell('added', after);
      },
      delete: (node) => this.#tell('removed', node),
    });
  }

  *sync(): Op<void> {
    this.#log('I', 'kube.go:139', 'Waiting 10m0s for node controller to sync');
    this.#log('I', 'kube.go:537', 'Starting kube subnet manager');
    this.#factory.start();
    yield* this.#factory.waitForSync();
    this.#log('I', 'kube.go:163', 'Node controller sync successful');
  }

  #tell(type: LeaseEvent['type'], node: Node): void {
    const { name } = node.metadata;
    const lease = name === this.#nodeName ? undefined : leaseOf(node);
    if (lease !== undefined) this.#events.send({ type, lease, node: name });
  }

  *config(): Op<NetworkConfig> {
    return this.#config;
  }

  storedMac(): string | undefined {
    return macOf(this.#annotation(BACKEND_DATA));
  }

  storedPublicIp(): string | undefined {
    return this.#annotation(PUBLIC_IP_OVERWRITE) ?? this.#annotation(PUBLIC_IP);
  }

  #annotation(name: string): string | undefined {
    return this.#nodes.get('', this.#nodeName)?.metadata.annotations?.[name];
  }

  *acquire(attributes: Attributes): Op<Lease> {
    const { sim } = this.#os;
    const name = this.#nodeName;
    const deadline = sim.now + LIMIT;
    const late = (why: string): Error => new Error(`timeout contacting kube-api, failed to patch node "${name}". Error: ${why}`);
    let node = this.#nodes.get('', name);
    for (; node === undefined; node = this.#nodes.get('', name)) {
      if (sim.now >= deadline) throw late('context deadline exceeded');
      yield* this.#os.sleep(RETRY);
    }
    const subnet = node.spec?.podCIDR;
    if (!subnet) throw new Error(`node "${name}" pod cidr not assigned`);
    const Network = this.#config.Network ?? NO_NETWORK;
    const lease: Lease = { subnet, ...attributes, publicIp: node.metadata.annotations?.[PUBLIC_IP_OVERWRITE] ?? attributes.publicIp };
    if (!sameLease(leaseOf(node), lease)) yield* this.#publish(lease, deadline, late);
    const [network, range] = [parseCidr(Network), parseCidr(subnet)];
    if (Network === NO_NETWORK || !contains(network, range.int) || range.prefix < network.prefix) {
      throw new Error(`subnet "${Network}" specified in the flannel net config doesn't contain "${subnet}" PodCIDR of the "${name}" node`);
    }
    return lease;
  }

  *#publish(lease: Lease, deadline: Micros, late: (why: string) => Error): Op<void> {
    const annotations = annotationsOf(lease, this.#config.Backend?.VNI ?? 1);
    for (;;) {
      try {
        yield* this.#client.patch('nodes', '', this.#nodeName, { metadata: { annotations } }, 'strategic', 'status');
        return;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        if (this.#os.sim.now >= deadline) throw late(messageOf(error));
        yield* this.#os.sleep(RETRY);
      }
    }
  }

  *watch(): Op<Channel<LeaseEvent>> {
    return this.#events;
  }

  *complete(): Op<string | null> {
    if (!this.#options.setNetworkUnavailable) return null;
    const now = this.#os.sim.time();
    const condition = {
      type: 'NetworkUnavailable',
      status: 'False',
      reason: 'FlannelIsUp',
      message: 'Flannel is running on this node',
      lastTransitionTime: now,
      lastHeartbeatTime: now,
    };
    yield* this.#client.patch('nodes', '', this.#nodeName, { status: { conditions: [condition] } }, 'strategic', 'status');
    return null;
  }
}
