// Static Pods: manifests in a directory become Pods of this node (kubelet/config file source). Their UID is a hash of the
// manifest, their name ends with the node's name.

import type { Pod } from '../api/generated/types.ts';
import { parseYaml } from '../api/yaml.ts';
import { hexOf } from '../runtime/registry.ts';
import { CONFIG_HASH, CONFIG_SEEN, CONFIG_SOURCE } from './context.ts';

export class ManifestError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ManifestError';
  }
}

/** Turns decoded JSON into a defaulted Pod, or throws. */
export type PodDecoder = (value: unknown) => Pod;

/** The Pod of a manifest file. Throws ManifestError when it is not a Pod. `seen` is metav1.Time of now. */
export function parseStaticPod(path: string, text: string, nodeName: string, seen: string, decode: PodDecoder): Pod {
  const fail = (why: string): ManifestError => new ManifestError(`${path}: couldn't parse as pod(${why}), please check config file`);
  let value: { readonly kind?: unknown; readonly metadata?: { readonly name?: unknown } } | null;
  try {
    value = parseYaml(text) as typeof value;
  } catch (caught) {
    throw fail(caught instanceof Error ? caught.message : String(caught));
  }
  if (value === null || typeof value !== 'object') throw fail('Object \'Kind\' is missing');
  if (value.kind !== 'Pod') throw fail(`invalid pod: ${String(value.kind)}`);
  if (typeof value.metadata?.name !== 'string') throw fail('metadata.name: Required value');
  let pod: Pod;
  try {
    pod = decode(value);
  } catch (caught) {
    throw fail(caught instanceof Error ? caught.message : String(caught));
  }
  return asStaticPod(pod, path, text, nodeName, seen);
}

function asStaticPod(pod: Pod, path: string, text: string, nodeName: string, seen: string): Pod {
  const hash = pod.metadata?.uid || hexOf(`${nodeName}\n${path}\n${text}`).slice(0, 32);
  const tolerations = pod.spec?.tolerations ?? [];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name: `${pod.metadata?.name}-${nodeName}`,
      namespace: pod.metadata?.namespace || 'default',
      uid: hash,
      annotations: { ...pod.metadata?.annotations, [CONFIG_HASH]: hash, [CONFIG_SEEN]: seen, [CONFIG_SOURCE]: 'file' },
    },
    spec: {
      ...pod.spec,
      containers: pod.spec?.containers ?? [],
      nodeName,
      // The node lifecycle controller must not evict what only the kubelet can stop.
      tolerations: [...tolerations, { operator: 'Exists', effect: 'NoExecute' }],
    },
    status: pod.status ?? { phase: 'Pending' },
  };
}
