// Volumes from elsewhere (kubelet/volumemanager with the plug-ins csi, local-volume, nfs, host-path for PersistentVolumes, and what
// became of the others), for a host to provide once its cluster runs.

import type { Node, PersistentVolume, PersistentVolumeSpec, Pod, Volume } from '../api/generated/types.ts';
import { isProgrammingError } from '../client/errors.ts';
import { csiVolumeOf } from '../api/storage/attachment.ts';
import { hash32 } from '../sim/random.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../sim/time.ts';
import { Claims } from './claims.ts';
import { podUid } from './context.ts';
import { CsiMounts, type CsiMounted } from './csi-mounts.ts';
import { CsiPlugins } from './csi-plugins.ts';
import { checkHostPath } from './host-path.ts';
import { MountError } from './mount-error.ts';
import { mountNfs } from './nfs-mount.ts';
import type { StorageHooks, StorageVolumes } from './storage-volumes.ts';
import { podDirectory } from './volumes.ts';

/** A volume of a Pod as its plug-in sees it. */
export interface Spec {
  /** What messages call it: the PersistentVolume's name, else the Pod's own for it. */
  readonly name: string;
  readonly source: PersistentVolumeSpec | Volume;
  readonly volume: PersistentVolume | null;
  readonly readOnly: boolean;
}

interface Mounted {
  readonly spec: Spec;
  readonly path: string;
  readonly csi: CsiMounted | null;
  /** Something is mounted at the path. */
  readonly mounted: boolean;
}

interface Operation {
  task: Task | null;
  done: boolean;
  error: MountError | null;
}

/** podAttachAndMountTimeout: so long a Pod's sync waits for its volumes before it begins anew. */
export const WAIT: Micros = 123 * SECOND;
const RETRY_UNMOUNT: Micros = 2 * SECOND;
const WORK: Micros = 20 * MILLISECOND;
/** Pods are looked at again after 60 to 90 seconds. */
const RESYNC: Micros = 60 * SECOND;

export const storageVolumes = (hooks: StorageHooks): StorageVolumes => new StorageManager(hooks);

class StorageManager implements StorageVolumes {
  readonly #hooks: StorageHooks;
  readonly #claims: Claims;
  readonly #plugins: CsiPlugins;
  readonly #csi: CsiMounts;
  /** By Pod UID and volume. */
  readonly #mounted = new Map<string, Map<string, Mounted>>();
  readonly #watching = new Map<string, Task>();
  /** By Pod UID and what is mounted. */
  readonly #operations = new Map<string, Operation>();

  constructor(hooks: StorageHooks) {
    this.#hooks = hooks;
    this.#claims = new Claims(hooks.context);
    this.#plugins = new CsiPlugins(hooks);
    this.#csi = new CsiMounts(hooks, this.#plugins);
  }

  get inUse(): readonly string[] {
    return this.#csi.inUse;
  }

  reported(inUse: readonly string[]): void {
    this.#csi.reported(inUse);
  }

  observe(node: Node): void {
    this.#csi.observe(node);
  }

  onSocket(path: string, there: boolean): void {
    this.#plugins.onSocket(path, there);
  }

  pathOf(pod: Pod, volume: Volume): string {
    return this.#mounted.get(podUid(pod))?.get(volume.name)?.path ?? '';
  }

  isReadOnly(pod: Pod, volume: Volume): boolean {
    return this.#mounted.get(podUid(pod))?.get(volume.name)?.spec.readOnly ?? false;
  }

  *setUp(pod: Pod, volume: Volume): Op<void> {
    const uid = podUid(pod);
    const spec = yield* this.#claims.resolve(pod, volume);
    const mounted = yield* this.#mount(pod, volume, spec);
    let ofPod = this.#mounted.get(uid);
    if (!ofPod) this.#mounted.set(uid, (ofPod = new Map()));
    ofPod.set(volume.name, mounted);
    if (mounted.csi && spec.volume) this.#watchGrowth(pod);
  }

  *#mount(pod: Pod, volume: Volume, spec: Spec): Op<Mounted> {
    const { source, name } = spec;
    const { os } = this.#hooks.context;
    const { files } = os.machine;
    if (spec.volume && !allowsNode(spec.volume, this.#hooks.node())) {
      throw new MountError(name, 'no matching NodeSelectorTerms', { event: `MountVolume.NodeAffinity check failed for volume "${name}" : no matching NodeSelectorTerms` });
    }
    const failed = (stage: string, why: string): MountError => new MountError(name, why, { event: `MountVolume.${stage} failed for volume "${name}" : ${why}` });
    const directory = (plugin: string): string => `${podDirectory(podUid(pod))}/volumes/kubernetes.io~${plugin}/${name}`;
    if (source.hostPath) {
      checkHostPath(files, { name, hostPath: source.hostPath });
      return { spec, path: source.hostPath.path, csi: null, mounted: false };
    }
    if ('local' in source && source.local) {
      const { path } = source.local;
      if (!files.exists(path)) throw failed('NewMounter initialization', `path "${path}" does not exist`);
      const target = directory('local-volume');
      if (!files.mountPoints().includes(target)) files.mount(target, files, path);
      yield* os.sleep(WORK);
      return { spec, path: target, csi: null, mounted: true };
    }
    if (source.nfs) {
      const target = directory('nfs');
      const { nfs } = source;
      this.#inBackground(pod, name, () => mountNfs(os, spec, nfs, target));
      return { spec, path: target, csi: null, mounted: true };
    }
    if ('csi' in source && source.csi && !spec.volume) {
      const csi = yield* this.#csi.publishInline(pod, volume);
      return { spec, path: csi.path, csi, mounted: false };
    }
    const csi = csiVolumeOf(source as PersistentVolumeSpec);
    if (csi) {
      const made = yield* this.#csi.publish(pod, spec, csi);
      return { spec, path: made.path, csi: made, mounted: false };
    }
    if (source.iscsi) {
      const why = `failed to get any path for iscsi disk, last err seen:\niscsi: failed to sendtargets to portal ${source.iscsi.targetPortal} output: , err exec: "iscsiadm": executable file not found in $PATH`;
      throw failed('WaitForAttach', why);
    }
    if (source.fc) throw failed('WaitForAttach', 'no fc disk found');
    if ('gitRepo' in source && source.gitRepo) {
      throw failed('NewMounter initialization', 'git-repo volume plugin has been disabled; if necessary, it may be re-enabled by enabling the feature-gate `GitRepoVolumeDriver`');
    }
    throw this.#claims.unprocessed(pod, volume, `failed to get Plugin from volumeSpec for volume "${name}" err=no volume plugin matched`);
  }

  /** An operation that may take long and must not hold the Pod up. Throws MountError while it runs and when it has failed. */
  #inBackground(pod: Pod, name: string, body: () => Op<void>): void {
    const { os } = this.#hooks.context;
    const uid = podUid(pod);
    const key = `${uid}/${name}`;
    let operation = this.#operations.get(key);
    if (!operation) {
      const started: Operation = { task: null, done: false, error: null };
      operation = started;
      this.#operations.set(key, started);
      const hooks = this.#hooks;
      started.task = os.go(`mount ${key}`, function* () {
        try {
          yield* body();
        } catch (error) {
          if (!(error instanceof MountError)) throw error;
          started.error = error;
        }
        started.done = true;
        hooks.sync(uid);
      });
    }
    if (!operation.done) throw new MountError(name, 'mounting', { event: null, retry: WAIT });
    this.#operations.delete(key);
    if (operation.error) throw operation.error;
  }

  // ---- growth

  /** A Pod with claims is looked at again every minute or so: its volumes may have been made larger. */
  #watchGrowth(pod: Pod): void {
    const uid = podUid(pod);
    if (this.#watching.has(uid)) return;
    const { os } = this.#hooks.context;
    this.#watching.set(uid, os.go(`volume growth ${uid}`, () => this.#follow(pod, uid)));
  }

  *#follow(pod: Pod, uid: string): Op<void> {
    const { os } = this.#hooks.context;
    for (let round = 0; ; round++) {
      os.sim.cause = null;
      yield* os.sleep(Math.round(RESYNC * (1 + hash32(uid, round) / 2 ** 33)));
      for (const [name, mounted] of this.#mounted.get(uid) ?? []) {
        const volume = pod.spec.volumes?.find((v) => v.name === name);
        if (!volume || !mounted.csi || !mounted.spec.volume) continue;
        try {
          yield* this.#csi.grow(pod, volume, mounted.csi);
        } catch (error) {
          // The API server is away.
          if (isProgrammingError(error)) throw error;
        }
      }
    }
  }

  // ---- the end

  *release(pod: Pod): Op<void> {
    const { os } = this.#hooks.context;
    const uid = podUid(pod);
    this.#watching.get(uid)?.kill();
    this.#watching.delete(uid);
    for (const [key, { task }] of this.#operations) {
      if (!key.startsWith(`${uid}/`)) continue;
      task?.kill();
      this.#operations.delete(key);
    }
    const ofPod = this.#mounted.get(uid);
    if (!ofPod) {
      this.#csi.forget(pod);
      return;
    }
    for (const [name, mounted] of ofPod) {
      for (let wait = RETRY_UNMOUNT; ; wait = Math.min(wait * 2, 122 * SECOND)) {
        if (yield* this.#unmount(pod, mounted)) break;
        yield* os.sleep(wait);
      }
      ofPod.delete(name);
    }
    this.#mounted.delete(uid);
    this.#csi.forget(pod);
  }

  *#unmount(pod: Pod, { path, csi, mounted }: Mounted): Op<boolean> {
    const { files } = this.#hooks.context.os.machine;
    if (csi) return yield* this.#csi.unpublish(pod, csi);
    if (mounted && files.mountPoints().includes(path)) files.unmount(path);
    return true;
  }
}

/** The volume's node affinity, as the kubelet checks it once more. */
function allowsNode({ spec }: PersistentVolume, node: Node | undefined): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  if (terms === undefined || node === undefined) return true;
  const labels = node.metadata.labels ?? {};
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    const holds = (operator: string, values: readonly string[], value: string | undefined): boolean => {
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      if (operator === 'In') return value !== undefined && values.includes(value);
      return value !== undefined && (operator === 'Gt' ? Number(value) > Number(values[0]) : Number(value) < Number(values[0]));
    };
    return (
      matchExpressions.every((r) => holds(r.operator, r.values ?? [], labels[r.key])) &&
      matchFields.every((r) => holds(r.operator, r.values ?? [], r.key === 'metadata.name' ? node.metadata.name : undefined))
    );
  });
}
