// What volumes of API data hold: configMap, secret, projected, downwardAPI (pkg/volume/{configmap,secret,projected,downwardapi}).

import { fromBase64 } from '../api/base64.ts';
import { ApiError } from '../api/status.ts';
import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, Volume, VolumeProjection } from '../api/generated/types.ts';
import type { Op } from '../sim/simulation.ts';
import type { FileContent } from './atomic-writer.ts';
import type { Context } from './context.ts';
import { fieldValue, resourceValue } from './environment.ts';
import { MountError } from './mount-error.ts';

export interface VolumeSources {
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  /** Asks the API server for a token bound to the Pod; throws ApiError. */
  token(pod: Pod, audience: string, seconds: number): Op<string>;
  podIp(pod: Pod): string;
  readonly allocatable: { readonly cpu: number; readonly memory: number };
}

/** Whether the volume's files are made from objects of the API. */
export const hasApiData = ({ configMap, secret, projected, downwardAPI }: Volume): boolean =>
  configMap !== undefined || secret !== undefined || projected !== undefined || downwardAPI !== undefined;

/** Whether the volume shows the Pod's own labels or annotations. */
export const showsMetadata = ({ downwardAPI, projected }: Volume): boolean =>
  downwardAPI !== undefined || (projected?.sources ?? []).some((source) => source.downwardAPI !== undefined);

/** The files of `volume`. Throws MountError when a source is not there. */
export function* volumeContents(context: Context, sources: VolumeSources, pod: Pod, volume: Volume): Op<readonly FileContent[]> {
  if (volume.configMap) {
    const { name = '', optional = false, items, defaultMode } = volume.configMap;
    return fromConfigMap(sources, pod, volume.name, name, optional, items, defaultMode);
  }
  if (volume.secret) {
    const { secretName = '', optional = false, items, defaultMode } = volume.secret;
    return fromSecret(sources, pod, volume.name, secretName, optional, items, defaultMode);
  }
  if (volume.downwardAPI) return fromDownward(context, sources, pod, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode);
  const all: FileContent[] = [];
  for (const source of volume.projected?.sources ?? []) {
    all.push(...(yield* fromProjection(context, sources, pod, volume.name, source, volume.projected?.defaultMode)));
  }
  return all;
}

function* fromProjection(context: Context, sources: VolumeSources, pod: Pod, volume: string, source: VolumeProjection, mode: number | undefined): Op<readonly FileContent[]> {
  if (source.configMap) {
    const { name = '', optional = false, items } = source.configMap;
    return fromConfigMap(sources, pod, volume, name, optional, items, mode);
  }
  if (source.secret) {
    const { name = '', optional = false, items } = source.secret;
    return fromSecret(sources, pod, volume, name, optional, items, mode);
  }
  if (source.downwardAPI) return fromDownward(context, sources, pod, source.downwardAPI.items ?? [], mode);
  if (!source.serviceAccountToken) return [];
  const { audience = '', expirationSeconds = 3600, path } = source.serviceAccountToken;
  try {
    const text = yield* sources.token(pod, audience, expirationSeconds);
    return [{ path, text, mode: ownsFiles(pod) ? 0o600 : mode }];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new MountError(volume, `failed to fetch token: ${error.message}`);
  }
}

/** With a user or group of its own the Pod alone may read its tokens. */
function ownsFiles({ spec }: Pod): boolean {
  if (spec?.securityContext?.fsGroup !== undefined || spec?.securityContext?.runAsUser !== undefined) return true;
  const first = spec?.containers[0]?.securityContext?.runAsUser;
  return first !== undefined && spec?.containers.every((c) => c.securityContext?.runAsUser === first) === true;
}

function fromConfigMap(
  sources: VolumeSources, pod: Pod, volume: string, name: string, optional: boolean, items: readonly KeyToPath[] | undefined, mode: number | undefined,
): readonly FileContent[] {
  const object = sources.configMap(pod.metadata.namespace ?? '', name);
  if (!object) {
    if (optional) return [];
    throw new MountError(volume, `configmap "${name}" not found`);
  }
  return select(configMapData(object), items, mode, optional, volume, 'configmap references non-existent config key');
}

function fromSecret(
  sources: VolumeSources, pod: Pod, volume: string, name: string, optional: boolean, items: readonly KeyToPath[] | undefined, mode: number | undefined,
): readonly FileContent[] {
  const object = sources.secret(pod.metadata.namespace ?? '', name);
  if (!object) {
    if (optional) return [];
    throw new MountError(volume, `secret "${name}" not found`);
  }
  return select(decodeData(object), items, mode, optional, volume, 'references non-existent secret key');
}

function fromDownward(context: Context, sources: VolumeSources, pod: Pod, items: readonly DownwardAPIVolumeFile[], mode: number | undefined): readonly FileContent[] {
  const node = { hostIp: context.nodeIp, podIp: sources.podIp(pod) };
  return items.map((item) => {
    let text = '';
    if (item.fieldRef) text = fieldValue(pod, item.fieldRef.fieldPath, node);
    else if (item.resourceFieldRef) {
      const { containerName, resource, divisor } = item.resourceFieldRef;
      const container = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find((c) => c.name === containerName);
      if (container) text = resourceValue(container, resource, divisor, sources.allocatable);
    }
    return { path: item.path, text, mode: item.mode ?? mode };
  });
}

function select(
  data: Readonly<Record<string, string>>,
  items: readonly KeyToPath[] | undefined,
  mode: number | undefined,
  optional: boolean,
  volume: string,
  absent: string,
): readonly FileContent[] {
  if (!items || items.length === 0) return Object.keys(data).sort().map((key) => ({ path: key, text: data[key] as string, mode }));
  const contents: FileContent[] = [];
  for (const item of items) {
    const text = data[item.key];
    if (text !== undefined) contents.push({ path: item.path, text, mode: item.mode ?? mode });
    else if (!optional) throw new MountError(volume, `${absent}: ${item.key}`);
  }
  return contents;
}

type Data = Readonly<Record<string, string>>;

const NOTHING: Data = {};
const decoded = new WeakMap<Secret | ConfigMap, Data>();

const textOf = (data: Data | undefined): Data =>
  data === undefined ? NOTHING : Object.fromEntries(Object.entries(data).map(([key, value]) => [key, fromBase64(value) ?? '']));

/** A Secret's data as text (base64 taken off). */
export function decodeData(secret: Secret): Data {
  let made = decoded.get(secret);
  if (!made) decoded.set(secret, (made = textOf(secret.data)));
  return made;
}

function configMapData(object: ConfigMap): Data {
  if (object.binaryData === undefined) return object.data ?? NOTHING;
  let made = decoded.get(object);
  if (!made) decoded.set(object, (made = { ...object.data, ...textOf(object.binaryData) }));
  return made;
}
