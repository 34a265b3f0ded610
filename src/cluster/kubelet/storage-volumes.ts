// Volumes that come from elsewhere than the Pod's own objects and node: claims, CSI, NFS and the kinds of old. What handles them is
// loaded by the host once its cluster runs (storage.ts); here is what a kubelet needs to know of it before.

import type { CSINode, Node, Pod, Volume } from '../api/generated/types.ts';
import { isAlreadyExists } from '../api/status.ts';
import { isProgrammingError } from '../client/errors.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { Context } from './context.ts';

export interface StorageVolumes {
  /** Makes a volume of the Pod ready. Throws MountError. */
  setUp(pod: Pod, volume: Volume): Op<void>;
  /** Where it is on the machine, once it is ready. */
  pathOf(pod: Pod, volume: Volume): string;
  isReadOnly(pod: Pod, volume: Volume): boolean;
  /** Gives the Pod's volumes back. */
  release(pod: Pod): Op<void>;
  /** node.status.volumesInUse. */
  readonly inUse: readonly string[];
  /** The API server knows these as in use. */
  reported(inUse: readonly string[]): void;
  /** The Node has changed. */
  observe(node: Node): void;
  /** A plug-in's socket has appeared or gone. */
  onSocket(path: string, there: boolean): void;
}

export interface StorageHooks {
  readonly context: Context;
  node(): Node | undefined;
  /** Let the Pod's worker look again. */
  sync(uid: string): void;
  /** Report the node's status soon. */
  poke(): void;
}

type Maker = (hooks: StorageHooks) => StorageVolumes;

let maker: Maker | null = null;

/** To be called by the host once, with storage.ts's `storageVolumes`, before anybody makes a Pod with such a volume. */
export function provideStorageVolumes(provided: Maker): void {
  maker = provided;
}

/** Volumes that are not made of the Pod's own objects or of the node's files. */
export function isStorage(volume: Volume): boolean {
  if (volume.projected || volume.configMap || volume.emptyDir || volume.secret || volume.hostPath || volume.downwardAPI || volume.image) return false;
  return true;
}

export const hasStorage = (pod: Pod): boolean => pod.spec.volumes?.some(isStorage) ?? false;

const REGISTRY = '/var/lib/kubelet/plugins_registry';
const NONE: readonly string[] = [];
const RETRY: Micros = 5 * SECOND;

/** The storage part of one kubelet; made when it is needed. */
export class Storage {
  readonly #hooks: StorageHooks;
  #made: StorageVolumes | null = null;

  constructor(hooks: StorageHooks) {
    this.#hooks = hooks;
  }

  /** Null: nothing was provided. */
  get volumes(): StorageVolumes | null {
    if (this.#made === null && maker !== null) this.#made = maker(this.#hooks);
    return this.#made;
  }

  get inUse(): readonly string[] {
    return this.#made?.inUse ?? NONE;
  }

  reported(): void {
    this.#made?.reported(this.#made.inUse);
  }

  observe(node: Node): void {
    this.#made?.observe(node);
  }

  /** The plug-in watcher: sockets in the registration folder. */
  *watchPlugins(): Op<void> {
    const { files } = this.#hooks.context.os.machine;
    files.mkdir(REGISTRY);
    const events = files.watch(REGISTRY);
    for (const name of files.list(REGISTRY)) this.volumes?.onSocket(`${REGISTRY}/${name}`, true);
    for (let event = yield* events.receive(); event !== undefined; event = yield* events.receive()) {
      if (event.path !== REGISTRY) this.volumes?.onSocket(event.path, event.op !== 'remove');
    }
  }

  /** The node's CSINode, without drivers so far. */
  *ensureCsiNode(): Op<void> {
    const { client, os } = this.#hooks.context;
    if (!client) return;
    for (;;) {
      const node = this.#hooks.node();
      try {
        if (node) {
          yield* client.create('csinodes.storage.k8s.io', csiNodeOf(node));
          return;
        }
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        if (isAlreadyExists(error)) return;
      }
      os.sim.cause = null;
      yield* os.sleep(RETRY);
    }
  }
}

export const MIGRATED_PLUGINS =
  'kubernetes.io/aws-ebs,kubernetes.io/azure-disk,kubernetes.io/azure-file,kubernetes.io/cinder,kubernetes.io/gce-pd,kubernetes.io/portworx-volume,kubernetes.io/vsphere-volume';

export const csiNodeOf = ({ metadata }: Node): CSINode => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  metadata: {
    name: metadata.name,
    annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': MIGRATED_PLUGINS },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: metadata.name, uid: metadata.uid ?? '' }],
  },
  spec: { drivers: [] },
});
