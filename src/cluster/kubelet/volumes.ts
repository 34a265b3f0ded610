// Volumes of a Pod as directories below /var/lib/kubelet/pods/<uid>/volumes (kubelet/volumemanager with the in-tree
// plug-ins emptyDir, hostPath, configMap, secret, projected, downwardAPI).

import { fromBase64 } from '../api/base64.ts';
import { ApiError } from '../api/status.ts';
import type { ConfigMap, Container, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, Volume, VolumeProjection } from '../api/generated/types.ts';
import type { MountSpec } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../sim/time.ts';
import { type Context, podUid } from './context.ts';
import { ConfigError, expand, fieldValue, resourceValue } from './environment.ts';

/** A volume cannot be set up now; the message is what FailedMount shows after the volume's name. */
export class MountError extends Error {
  readonly volume: string;

  constructor(volume: string, message: string) {
    super(message);
    this.name = 'MountError';
    this.volume = volume;
  }
}

export interface VolumeSources {
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  /** Asks the API server for a token bound to the Pod; throws ApiError. */
  token(pod: Pod, audience: string, seconds: number): Op<string>;
  podIp(pod: Pod): string;
  readonly allocatable: { readonly cpu: number; readonly memory: number };
}

interface Content {
  readonly path: string;
  readonly text: string;
  readonly mode: number | undefined;
}

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
  /** Volumes that are set up, by Pod UID. */
  readonly #mounted = new Map<string, Set<string>>();
  /** Text last written, by file path, so that a change of a source rewrites only what changed. */
  readonly #written = new Map<string, Map<string, string>>();

  constructor(context: Context, sources: VolumeSources) {
    this.#context = context;
    this.#sources = sources;
  }

  /** Whether all volumes of the Pod are set up. */
  isMounted(pod: Pod): boolean {
    const count = pod.spec?.volumes?.length ?? 0;
    return count === 0 || this.#mounted.get(podUid(pod))?.size === count;
  }

  /** Sets up what is not set up yet. Throws MountError for the first volume that cannot be. */
  *mount(pod: Pod): Op<readonly string[]> {
    const volumes = pod.spec?.volumes ?? [];
    const uid = podUid(pod);
    let done = this.#mounted.get(uid);
    if (!done) this.#mounted.set(uid, (done = new Set()));
    const fresh: string[] = [];
    for (const volume of volumes) {
      if (done.has(volume.name)) continue;
      yield* this.#setUp(pod, volume);
      done.add(volume.name);
      fresh.push(volume.name);
    }
    if (fresh.length > 0) yield* this.#context.os.sleep(SETUP * fresh.length);
    return fresh;
  }

  /** Rewrites configMap, secret, projected and downwardAPI volumes whose sources changed. */
  *refresh(pod: Pod): Op<void> {
    const done = this.#mounted.get(podUid(pod));
    if (!done) return;
    for (const volume of pod.spec?.volumes ?? []) {
      if (!done.has(volume.name) || volume.emptyDir || volume.hostPath) continue;
      try {
        yield* this.#setUp(pod, volume);
      } catch (error) {
        // What is mounted stays as it is while its source is away.
        if (!(error instanceof MountError)) throw error;
      }
    }
  }

  /** Takes the Pod's volumes and directory away. */
  unmount(pod: Pod): void {
    const uid = podUid(pod);
    this.#mounted.delete(uid);
    this.#written.delete(uid);
    const { files } = this.#context.os.machine;
    if (files.exists(podDirectory(uid))) files.remove(podDirectory(uid));
  }

  /** The container's mounts of these volumes. Throws ConfigError. */
  mountsOf(pod: Pod, container: Container, env: Readonly<Record<string, string>>): readonly MountSpec[] {
    const { files } = this.#context.os.machine;
    const specs: MountSpec[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const volume = pod.spec?.volumes?.find((v) => v.name === mount.name);
      if (!volume) throw new ConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
      let hostPath = pathOf(pod, volume);
      const sub = mount.subPathExpr ? expand(mount.subPathExpr, (name) => env[name]) : (mount.subPath ?? '');
      if (sub !== '') {
        hostPath = `${hostPath}/${sub}`;
        if (!files.exists(hostPath)) files.mkdir(hostPath);
      }
      const readOnly = mount.readOnly === true || volume.configMap !== undefined || volume.secret !== undefined || volume.projected !== undefined || volume.downwardAPI !== undefined;
      specs.push({ containerPath: mount.mountPath, hostPath, readOnly });
    }
    return specs;
  }

  *#setUp(pod: Pod, volume: Volume): Op<void> {
    const { files } = this.#context.os.machine;
    const dir = pathOf(pod, volume);
    if (volume.hostPath) {
      this.#checkHostPath(volume);
      return;
    }
    if (volume.emptyDir) {
      files.mkdir(dir);
      return;
    }
    if (plugin(volume) === 'unsupported') throw new MountError(volume.name, 'no volume plugin matched');
    const contents = yield* this.#contents(pod, volume);
    const uid = podUid(pod);
    let written = this.#written.get(uid);
    if (!written) this.#written.set(uid, (written = new Map()));
    files.mkdir(dir);
    const prefix = `${dir}/`;
    const now = new Set<string>();
    for (const { path, text, mode } of contents) {
      const full = prefix + path;
      now.add(full);
      if (written.get(full) === text) continue;
      files.write(full, text, mode);
      written.set(full, text);
    }
    for (const path of written.keys()) {
      if (!path.startsWith(prefix) || now.has(path)) continue;
      written.delete(path);
      if (files.exists(path)) files.remove(path);
    }
  }

  #checkHostPath(volume: Volume): void {
    const { files } = this.#context.os.machine;
    const { path, type = '' } = volume.hostPath ?? { path: '' };
    const there = files.exists(path);
    const directory = there && files.isDirectory(path);
    const fail = (what: string): never => {
      throw new MountError(volume.name, `hostPath type check failed: ${path} is not a ${what}`);
    };
    if (type === 'DirectoryOrCreate' || (type === '' && !there)) {
      if (!there) files.mkdir(path);
      else if (type !== '' && !directory) fail('directory');
    } else if (type === 'FileOrCreate') {
      if (!there) files.write(path, '');
      else if (directory) fail('file');
    } else if (type === 'Directory' && !directory) fail('directory');
    else if (type === 'File' && (!there || directory)) fail('file');
    else if (type === 'Socket' && !there) fail('socket file');
  }

  *#contents(pod: Pod, volume: Volume): Op<readonly Content[]> {
    if (volume.configMap) {
      const { name = '', optional = false, items, defaultMode } = volume.configMap;
      return this.#fromConfigMap(pod, volume.name, name, optional, items, defaultMode);
    }
    if (volume.secret) {
      const { secretName = '', optional = false, items, defaultMode } = volume.secret;
      return this.#fromSecret(pod, volume.name, secretName, optional, items, defaultMode);
    }
    if (volume.downwardAPI) return this.#fromDownward(pod, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode);
    const all: Content[] = [];
    for (const source of volume.projected?.sources ?? []) {
      all.push(...(yield* this.#fromProjection(pod, volume.name, source, volume.projected?.defaultMode)));
    }
    return all;
  }

  *#fromProjection(pod: Pod, volume: string, source: VolumeProjection, mode: number | undefined): Op<readonly Content[]> {
    if (source.configMap) {
      const { name = '', optional = false, items } = source.configMap;
      return this.#fromConfigMap(pod, volume, name, optional, items, mode);
    }
    if (source.secret) {
      const { name = '', optional = false, items } = source.secret;
      return this.#fromSecret(pod, volume, name, optional, items, mode);
    }
    if (source.downwardAPI) return this.#fromDownward(pod, source.downwardAPI.items ?? [], mode);
    if (!source.serviceAccountToken) return [];
    const { audience = '', expirationSeconds = 3600, path } = source.serviceAccountToken;
    try {
      const text = yield* this.#sources.token(pod, audience, expirationSeconds);
      return [{ path, text, mode: 0o600 }];
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new MountError(volume, `failed to fetch token: ${error.message}`);
    }
  }

  #fromConfigMap(pod: Pod, volume: string, name: string, optional: boolean, items: readonly KeyToPath[] | undefined, mode: number | undefined): readonly Content[] {
    const namespace = pod.metadata?.namespace ?? '';
    const object = this.#sources.configMap(namespace, name);
    if (!object) {
      if (optional) return [];
      throw new MountError(volume, `configmap "${name}" not found`);
    }
    return select({ ...object.data, ...object.binaryData }, items, mode, optional, volume, `configmap`);
  }

  #fromSecret(pod: Pod, volume: string, name: string, optional: boolean, items: readonly KeyToPath[] | undefined, mode: number | undefined): readonly Content[] {
    const namespace = pod.metadata?.namespace ?? '';
    const object = this.#sources.secret(namespace, name);
    if (!object) {
      if (optional) return [];
      throw new MountError(volume, `secret "${name}" not found`);
    }
    return select(decodeData(object), items, mode, optional, volume, 'secret');
  }

  #fromDownward(pod: Pod, items: readonly DownwardAPIVolumeFile[], mode: number | undefined): readonly Content[] {
    const node = { hostIp: this.#context.nodeIp, podIp: this.#sources.podIp(pod) };
    return items.map((item) => {
      let text = '';
      if (item.fieldRef) text = fieldValue(pod, item.fieldRef.fieldPath, node);
      else if (item.resourceFieldRef) {
        const { containerName, resource, divisor } = item.resourceFieldRef;
        const container = pod.spec?.containers.find((c) => c.name === containerName);
        if (container) text = resourceValue(container, resource, divisor, this.#sources.allocatable);
      }
      return { path: item.path, text, mode: item.mode ?? mode };
    });
  }
}

function select(
  data: Readonly<Record<string, string>>,
  items: readonly KeyToPath[] | undefined,
  mode: number | undefined,
  optional: boolean,
  volume: string,
  kind: string,
): readonly Content[] {
  if (!items || items.length === 0) return Object.keys(data).sort().map((key) => ({ path: key, text: data[key] as string, mode }));
  const contents: Content[] = [];
  for (const item of items) {
    const text = data[item.key];
    if (text !== undefined) contents.push({ path: item.path, text, mode: item.mode ?? mode });
    else if (!optional) throw new MountError(volume, `${kind} references non-existent ${kind === 'secret' ? 'secret' : 'config'} key: ${item.key}`);
  }
  return contents;
}

const decoded = new WeakMap<Secret, Readonly<Record<string, string>>>();

/** A Secret's data as text (base64 taken off). */
export function decodeData(secret: Secret): Readonly<Record<string, string>> {
  let made = decoded.get(secret);
  if (!made) {
    made = Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, fromBase64(value) ?? '']));
    decoded.set(secret, made);
  }
  return made;
}

/** How long before a token's end it is asked for anew: at 80 % of its life. */
export const tokenRefresh = (seconds: number): Micros => Math.round(seconds * 0.8) * SECOND;
