// calico-kube-controllers with the controller `node` (kube-controllers/pkg/controllers/node): when a Node is deleted, its blocks go back
// to the pool, and so do addresses whose Pods are gone without the CNI plug-in having said so.

import type { Node, Pod } from '../../../api/generated/types.ts';
import { isAlreadyExists } from '../../../api/status.ts';
import { Client } from '../../../client/client.ts';
import { isProgrammingError, messageOf } from '../../../client/errors.ts';
import { inClusterConfig } from '../../../client/kubeconfig.ts';
import { Informer } from '../../../client/informer.ts';
import type { Os, Program } from '../../../machine/process.ts';
import { Channel } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MINUTE, SECOND } from '../../../sim/time.ts';
import { Ipam } from '../ipam/ipam.ts';
import { CALICO_VERSION, log } from '../log.ts';
import { CALICO_KINDS, Store } from '../resources.ts';

/** Where it says that it is well. */
const STATUS_FILE = '/status/status.json';
const COLLECT = 5 * SECOND;
/** An address without a Pod is given back when it is still without one at the second look. */
const LOOK_AGAIN = 5 * MINUTE;

export const kubeControllersProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  log(os, 'INFO', 'kube-controllers/main.go 99', `Loaded configuration from environment config=&config.Config{LogLevel:"info", WorkloadEndpointWorkers:1, ProfileWorkers:1, PolicyWorkers:1, NodeWorkers:1, Kubeconfig:"", DatastoreType:"kubernetes"}`);
  const client = new Client(os, { ...inClusterConfig(os), userAgent: `kube-controllers/${CALICO_VERSION} (linux/amd64)` });
  const controller = new NodeController(os, client);
  os.go('node controller', () => controller.run());
  yield* stop.receive();
  return 0;
};

class NodeController {
  readonly #os: Os;
  readonly #client: Client;
  readonly #ipam: Ipam;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #dirty: Channel<true>;
  /** Handles without a Pod at the last look. */
  #suspects = new Set<string>();

  constructor(os: Os, client: Client) {
    this.#os = os;
    this.#client = client;
    this.#ipam = new Ipam(client);
    this.#nodes = new Informer(os, client, 'nodes');
    this.#pods = new Informer(os, client, 'pods');
    this.#dirty = new Channel(os.sim);
  }

  *run(): Op<void> {
    const os = this.#os;
    yield* this.#ensureConfiguration();
    this.#nodes.addHandler({ delete: () => this.#dirty.send(true) });
    // Pods of a Node that is gone are deleted later than it.
    this.#pods.addHandler({ delete: (pod) => this.#nodes.get('', pod.spec?.nodeName ?? '') === undefined && this.#dirty.send(true) });
    this.#nodes.start();
    this.#pods.start();
    yield* this.#nodes.waitForSync();
    yield* this.#pods.waitForSync();
    log(os, 'INFO', 'node/node.go 252', 'Starting Node controller');
    os.files.write(STATUS_FILE, '{"Ready":true}\n');
    os.go('look again', () => this.#lookAgain());
    for (;;) {
      try {
        yield* this.#sync();
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        log(os, 'WARNING', 'ipam.go 350', `Failed to sync IPAM, retrying error=${messageOf(error)}`);
        yield* os.sleep(COLLECT);
        continue;
      }
      yield* this.#dirty.receive();
      yield* os.sleep(COLLECT);
    }
  }

  *#lookAgain(): Op<never> {
    for (;;) {
      yield* this.#os.sleep(LOOK_AGAIN);
      this.#dirty.send(true);
    }
  }

  *#ensureConfiguration(): Op<void> {
    for (;;) {
      try {
        yield* new Store(this.#client, CALICO_KINDS.kubeControllersConfiguration).create({ name: 'default' }, { controllers: { node: { leakGracePeriod: '15m0s', reconcilerPeriod: '5m0s', syncLabels: 'Enabled' } }, etcdV3CompactionPeriod: '10m0s', healthChecks: 'Enabled', logSeverityScreen: 'Info' });
        return;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        if (isAlreadyExists(error)) return;
        log(this.#os, 'WARNING', 'runconfig.go 177', `unable to get KubeControllersConfiguration(default) error=${messageOf(error)}`);
      }
      yield* this.#os.sleep(SECOND);
    }
  }

  *#sync(): Op<void> {
    const exists = (node: string): boolean => this.#nodes.get('', node) !== undefined;
    const blocks = yield* this.#ipam.blocks();
    const suspects = new Set<string>();
    /** Nodes of which some Pod is still known. */
    const inUse = new Set<string>();
    for (const { spec } of blocks) {
      for (const { handle_id: handle, secondary } of spec.attributes) {
        const { node = '', namespace = '', pod = '', type } = secondary;
        // A tunnel's address is the node's as long as there is the node.
        if (type !== undefined && exists(node)) continue;
        const known = this.#pods.get(namespace, pod);
        if (known !== undefined && known.spec?.nodeName === node && known.status?.phase !== 'Succeeded' && known.status?.phase !== 'Failed') {
          inUse.add(node);
          continue;
        }
        if (exists(node) && !this.#suspects.has(handle)) {
          suspects.add(handle);
          continue;
        }
        log(this.#os, 'INFO', 'ipam.go 1035', `Garbage collecting leaked IP address handle="${handle}" node="${node}"`);
        yield* this.#ipam.release(handle);
      }
    }
    this.#suspects = suspects;
    for (const node of new Set(blocks.flatMap(({ spec }) => (spec.affinity?.startsWith('host:') ? [spec.affinity.slice(5)] : [])))) {
      if (exists(node) || inUse.has(node)) continue;
      log(this.#os, 'INFO', 'ipam.go 1187', `Cleaning up affinities for deleted node node="${node}"`);
      yield* this.#ipam.releaseNode(node);
    }
  }
}

/** `/usr/bin/check-status -l|-r`. */
export const checkStatusProgram: Program = function* (os: Os): Op<number> {
  yield* os.sleep(SECOND / 50);
  if (os.files.exists(STATUS_FILE)) return 0;
  if (os.argv.includes('-l')) return 0;
  os.log('Failed to read status file /status/status.json: open /status/status.json: no such file or directory');
  return 1;
};
