// Volumes of a Pod as directories below /var/lib/kubelet/pods/<uid>/volumes (kubelet/volumemanager with the in-tree
// plug-ins emptyDir, hostPath, configMap, secret, projected, downwardAPI, image).

import type { Container, Pod, Volume, VolumeMount } from '../api/generated/types.ts';
import { Tmpfs } from '../machine/disk.ts';
import { Files } from '../machine/files.ts';
import type { MountSpec } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../sim/time.ts';
import { hasApiData, showsMetadata, volumeContents, type VolumeSources } from './api-volumes.ts';
import { type Payload, writeAtomically } from './atomic-writer.ts';
import { type Context, podUid } from './context.ts';
import { ConfigError, expand } from './environment.ts';
import { checkHostPath } from './host-path.ts';
import { MountError } from './mount-error.ts';
import { podCgroup } from './pod-cgroup.ts';
import { baseUnits, podLimit } from './resources.ts';
import { hasStorage, isStorage, type Storage } from './storage-volumes.ts';

const SETUP: Micros = 6 * MILLISECOND;
const ROOT = '/var/lib/kubelet/pods';

export const podDirectory = (uid: string): string => `${ROOT}/${uid}`;

const plugin = (volume: Volume): string => {
  if (volume.emptyDir) return 'empty-dir';
  if (volume.configMap) return 'configmap';
  if (volume.secret) return 'secret';
  if (volume.projected) return 'projected';
  if (volume.downwardAPI) return 'downward-api';
  return 'unsupported';
};

const pathOf = (pod: Pod, volume: Volume): string =>
  volume.hostPath ? volume.hostPath.path : `${podDirectory(podUid(pod))}/volumes/kubernetes.io~${plugin(volume)}/${volume.name}`;

export class Volumes {
  readonly #context: Context;
  readonly #sources: VolumeSources;
  readonly #storage: Storage;
  /** Volumes that are set up, by Pod UID. */
  readonly #mounted = new Map<string, Set<string>>();
  /** What was last written into volumes of API data, by Pod UID and volume. */
  readonly #written = new Map<string, Map<string, Payload>>();
  /** Pods whose sources have changed since their volumes were written. */
  readonly #stale = new Set<string>();
  /** The metadata that volumes show, by Pod UID; only of Pods with such volumes. */
  readonly #shown = new Map<string, Pod['metadata']>();

  /** File systems in memory, by their directories. */
  readonly #tmpfs = new Map<string, Files>();

  constructor(context: Context, sources: VolumeSources, storage: Storage) {
    this.#context = context;
    this.#sources = sources;
    this.#storage = storage;
  }

  /** Whether all volumes of the Pod are set up. */
  isMounted(pod: Pod): boolean {
    const count = pod.spec?.volumes?.length ?? 0;
    return count === 0 || this.#mounted.get(podUid(pod))?.size === count;
  }

  /** Sets up what is not set up yet. Throws MountError when a volume cannot be; its `others` are those that cannot be either. */
  *mount(pod: Pod): Op<readonly string[]> {
    const volumes = pod.spec?.volumes ?? [];
    const uid = podUid(pod);
    let done = this.#mounted.get(uid);
    if (!done) this.#mounted.set(uid, (done = new Set()));
    const fresh: string[] = [];
    const failed: MountError[] = [];
    for (const volume of volumes) {
      if (done.has(volume.name)) continue;
      try {
        yield* this.#setUp(pod, volume);
      } catch (error) {
        // Each volume is set up for itself.
        if (!(error instanceof MountError)) throw error;
        failed.push(error);
        continue;
      }
      done.add(volume.name);
      fresh.push(volume.name);
      if (showsMetadata(volume)) this.#shown.set(uid, pod.metadata);
    }
    if (fresh.length > 0) yield* this.#context.os.sleep(SETUP * fresh.length);
    const [first, ...others] = failed;
    if (first !== undefined) {
      first.others = others;
      throw first;
    }
    return fresh;
  }

  /** An object or token that the Pod's volumes are made from has changed: its next sync writes them anew. */
  markStale(uid: string): void {
    if (this.#mounted.has(uid)) this.#stale.add(uid);
  }

  /** Whether the Pod's sync has volumes to write anew. */
  isStale(pod: Pod): boolean {
    const uid = podUid(pod);
    if (this.#stale.has(uid)) return true;
    if (this.#shown.size === 0) return false;
    const shown = this.#shown.get(uid);
    return shown !== undefined && (shown.labels !== pod.metadata.labels || shown.annotations !== pod.metadata.annotations);
  }

  /** Rewrites configMap, secret, projected and downwardAPI volumes whose sources changed. */
  *refresh(pod: Pod): Op<void> {
    const uid = podUid(pod);
    const done = this.#mounted.get(uid);
    this.#stale.delete(uid);
    if (this.#shown.has(uid)) this.#shown.set(uid, pod.metadata);
    if (!done) return;
    for (const volume of pod.spec?.volumes ?? []) {
      if (!done.has(volume.name) || !hasApiData(volume)) continue;
      try {
        yield* this.#setUp(pod, volume);
      } catch (error) {
        // What is mounted stays as it is while its source is away.
        if (!(error instanceof MountError)) throw error;
        this.#context.events.pod(pod, 'Warning', 'FailedMount', `MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
      }
    }
  }

  /** Gives back what came from elsewhere: before the Pod's directory goes. */
  *release(pod: Pod): Op<void> {
    if (hasStorage(pod)) yield* this.#storage.volumes?.release(pod) ?? [];
  }

  /** Takes the Pod's volumes and directory away. */
  unmount(pod: Pod): void {
    const uid = podUid(pod);
    this.#mounted.delete(uid);
    this.#written.delete(uid);
    this.#stale.delete(uid);
    this.#shown.delete(uid);
    const { files } = this.#context.os.machine;
    for (const volume of pod.spec?.volumes ?? []) {
      if (volume.emptyDir?.medium === 'Memory' && files.mountPoints().includes(pathOf(pod, volume))) {
        files.unmount(pathOf(pod, volume));
        this.#tmpfs.get(pathOf(pod, volume))?.discard();
        this.#tmpfs.delete(pathOf(pod, volume));
      }
    }
    // What a former kubelet has mounted for a Pod that this one does not know.
    for (const point of files.mountPoints()) if (point.startsWith(`${podDirectory(uid)}/`)) files.unmount(point);
    if (files.exists(podDirectory(uid))) files.remove(podDirectory(uid));
  }

  /** The text of a file in one of the Pod's volumes. */
  readFile(pod: Pod, name: string, path: string): string | undefined {
    const { files } = this.#context.os.machine;
    const volume = pod.spec?.volumes?.find((v) => v.name === name);
    const full = volume === undefined ? '' : `${pathOf(pod, volume)}/${path}`;
    return full !== '' && files.exists(full) && !files.isDirectory(full) ? files.read(full) : undefined;
  }

  /** The container's mounts of these volumes. Throws ConfigError. */
  mountsOf(pod: Pod, container: Container, env: Readonly<Record<string, string>>): readonly MountSpec[] {
    const specs: MountSpec[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const volume = pod.spec?.volumes?.find((v) => v.name === mount.name);
      if (!volume) throw new ConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
      specs.push(this.#mountOf(pod, container, volume, mount, env));
    }
    for (const { name, devicePath } of container.volumeDevices ?? []) {
      const volume = pod.spec?.volumes?.find((v) => v.name === name);
      const storage = this.#storage.volumes;
      if (!volume || !storage) throw new ConfigError(`cannot find volume "${name}" to pass into container "${container.name}"`);
      specs.push({ containerPath: devicePath, hostPath: storage.pathOf(pod, volume), readOnly: storage.isReadOnly(pod, volume) });
    }
    return specs;
  }

  #mountOf(pod: Pod, container: Container, volume: Volume, mount: VolumeMount, env: Readonly<Record<string, string>>): MountSpec {
    const { files } = this.#context.os.machine;
    const storage = isStorage(volume) ? this.#storage.volumes : null;
    const readOnly = mount.readOnly === true || hasApiData(volume) || storage?.isReadOnly(pod, volume) === true;
    const sub = mount.subPathExpr ? expandStrictly(mount.subPathExpr, env) : (mount.subPath ?? '');
    if (volume.image) return { containerPath: mount.mountPath, hostPath: `/${sub}`, image: volume.image.reference ?? '', readOnly: true };
    const volumePath = storage?.pathOf(pod, volume) ?? pathOf(pod, volume);
    if (sub === '') return { containerPath: mount.mountPath, hostPath: volumePath, readOnly };
    const hostPath = `${volumePath}/${sub}`;
    if (sub.startsWith('/') || sub.split('/').includes('..')) {
      throw new ConfigError(`failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`);
    }
    if (!files.exists(hostPath)) files.mkdir(hostPath);
    return { containerPath: mount.mountPath, hostPath, readOnly };
  }

  /** Memory of the Pod's control group, as large as its limit allows (SizeMemoryBackedVolumes). */
  #mountTmpfs(pod: Pod, { emptyDir }: Volume, directory: string): void {
    const { machine } = this.#context.os;
    const most = podLimit(pod, 'memory') ?? machine.memoryTotal;
    const size = emptyDir?.sizeLimit === undefined ? most : Math.min(most, baseUnits(emptyDir.sizeLimit));
    const tmpfs = new Files(machine.sim, new Tmpfs(machine.cgroups.of(podCgroup(pod)), size));
    this.#tmpfs.set(directory, tmpfs);
    machine.files.mount(directory, tmpfs, '/');
  }

  *#setUp(pod: Pod, volume: Volume): Op<void> {
    const { files, sim } = this.#context.os.machine;
    const directory = pathOf(pod, volume);
    if (isStorage(volume)) {
      if (this.#storage.volumes === null) throw new MountError(volume.name, 'no volume plugin matched');
      yield* this.#storage.volumes.setUp(pod, volume);
    } else if (volume.hostPath) checkHostPath(files, volume);
    else if (volume.emptyDir) {
      files.mkdir(directory);
      if (volume.emptyDir.medium === 'Memory' && !files.mountPoints().includes(directory)) this.#mountTmpfs(pod, volume, directory);
    } else if (hasApiData(volume)) {
      const contents = yield* volumeContents(this.#context, this.#sources, pod, volume);
      const uid = podUid(pod);
      let written = this.#written.get(uid);
      if (!written) this.#written.set(uid, (written = new Map()));
      written.set(volume.name, writeAtomically(files, directory, contents, written.get(volume.name), sim.epoch + sim.now));
    }
  }
}

/** subPathExpr may only name variables that are there. Throws ConfigError. */
function expandStrictly(text: string, env: Readonly<Record<string, string>>): string {
  return expand(text, (name) => {
    const value = env[name];
    if (value === undefined) throw new ConfigError(`missing value for "${name}"`);
    return value;
  });
}

/** How long before a token's end it is asked for anew: at 80 % of its life. */
export const tokenRefresh = (seconds: number): Micros => Math.min(Math.round(seconds * 0.8), 24 * 3600) * SECOND;
