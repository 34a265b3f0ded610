// CSI drivers of this node as the kubelet knows them (pluginmanager, pkg/volume/csi RegisterPlugin): a registrar's socket in the
// registration folder leads to the driver's own; the node's CSINode and annotation then name the driver.

import type { CSIDriver, CSINode, CSINodeDriver } from '../api/generated/types.ts';
import { isNotFound } from '../api/status.ts';
import type { NodeInfo, PluginInfo } from '../api/storage/csi.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import { callGrpc, RpcError } from '../network/grpc.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../sim/time.ts';
import { csiNodeOf, type StorageHooks } from './storage-volumes.ts';

/** The reconciler of the plug-in manager looks once a second. */
const NOTICED: Micros = SECOND;
const RETRY_FIRST: Micros = 500 * MILLISECOND;
const MAX_RETRY: Micros = 122 * SECOND;
const NODE_IDS = 'csi.volume.kubernetes.io/nodeid';

export class CsiPlugins {
  readonly #hooks: StorageHooks;
  /** The sockets of drivers by their names. */
  readonly #endpoints = new Map<string, string>();
  /** The names of drivers by their registration sockets. */
  readonly #names = new Map<string, string>();

  constructor(hooks: StorageHooks) {
    this.#hooks = hooks;
  }

  /** The driver's socket, while it is registered. */
  endpoint(driver: string): string | undefined {
    return this.#endpoints.get(driver);
  }

  onSocket(path: string, there: boolean): void {
    const { os } = this.#hooks.context;
    if (!there) {
      const name = this.#names.get(path);
      this.#names.delete(path);
      if (name === undefined) return;
      this.#endpoints.delete(name);
      os.go(`unregister ${name}`, () => this.#unregister(name));
    } else if (!this.#names.has(path)) os.go(`register ${path}`, () => this.#register(path));
  }

  *#register(path: string): Op<void> {
    const { os } = this.#hooks.context;
    yield* os.sleep(NOTICED);
    for (let wait = RETRY_FIRST; os.files.exists(path) && !this.#names.has(path); wait = Math.min(wait * 2, MAX_RETRY)) {
      try {
        const info = yield* callGrpc<PluginInfo>(os, path, 'GetInfo', {});
        const node = yield* callGrpc<NodeInfo>(os, info.endpoint, 'NodeGetInfo', {});
        yield* this.#publish(info.name, node);
        this.#names.set(path, info.name);
        this.#endpoints.set(info.name, info.endpoint);
        yield* callGrpc(os, path, 'NotifyRegistrationStatus', { pluginRegistered: true, error: '' });
        return;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        os.logError(`"Registration failed" err="${messageOf(error)}" path="${path}"`);
        if (error instanceof RpcError && error.message.includes('connection refused')) return;
      }
      yield* os.sleep(wait);
    }
  }

  /** In the CSINode and in the Node's annotation and labels. */
  *#publish(name: string, { nodeId, maxVolumesPerNode, accessibleTopology }: NodeInfo): Op<void> {
    const { client, nodeName } = this.#hooks.context;
    if (!client) return;
    const node = this.#hooks.node();
    const ids = { ...(JSON.parse(node?.metadata.annotations?.[NODE_IDS] ?? '{}') as Record<string, string>), [name]: nodeId };
    const labels = accessibleTopology === null ? {} : { labels: accessibleTopology };
    yield* client.patch('nodes', '', nodeName, { metadata: { annotations: { [NODE_IDS]: JSON.stringify(ids) }, ...labels } }, 'strategic');
    const driver: CSINodeDriver = {
      name,
      nodeID: nodeId,
      ...(accessibleTopology === null ? { topologyKeys: [] } : { topologyKeys: Object.keys(accessibleTopology) }),
      ...(maxVolumesPerNode > 0 ? { allocatable: { count: maxVolumesPerNode } } : {}),
    };
    yield* this.#change((drivers) => [...drivers.filter((d) => d.name !== name), driver]);
  }

  *#unregister(name: string): Op<void> {
    try {
      yield* this.#change((drivers) => drivers.filter((d) => d.name !== name));
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#hooks.context.os.logError(`"Error uninstalling CSI driver" err="${messageOf(error)}" driver="${name}"`);
    }
  }

  *#change(change: (drivers: readonly CSINodeDriver[]) => readonly CSINodeDriver[]): Op<void> {
    const { client, nodeName } = this.#hooks.context;
    const node = this.#hooks.node();
    if (!client || !node) return;
    let present: CSINode;
    try {
      present = yield* client.get('csinodes.storage.k8s.io', '', nodeName);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      present = yield* client.create('csinodes.storage.k8s.io', csiNodeOf(node));
    }
    yield* client.update('csinodes.storage.k8s.io', { ...present, spec: { ...present.spec, drivers: change(present.spec.drivers) } });
  }

  /** What the driver says of itself to the cluster; undefined when it has said nothing. */
  *driverObject(name: string): Op<CSIDriver | undefined> {
    const { client } = this.#hooks.context;
    if (!client) return undefined;
    try {
      return yield* client.get('csidrivers.storage.k8s.io', '', name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  }
}
