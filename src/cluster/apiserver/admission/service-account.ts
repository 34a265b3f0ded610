// ServiceAccount: every Pod runs as one; its token, the cluster's CA and the namespace are mounted into each container.

import type { Container, Pod, PodSpec, ServiceAccount, Volume, VolumeMount } from '../../api/generated/types.ts';
import { mustResource } from '../../api/kinds.ts';
import { forbidden } from '../../api/status.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import type { Address, Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { refusedEarly } from './refusal.ts';

const DEFAULT = 'default';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const MIRROR = 'kubernetes.io/config.mirror';
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
/** The controller makes `default` a moment after the namespace; meanwhile Pods wait. */
const DEFAULT_ATTEMPTS = 10;
const RETRY_MIN = 100 * MILLISECOND;

/** The projected sources of every kube-api-access volume, and the volume around them but for its name. */
const PROJECTED = Object.freeze({
  defaultMode: 420,
  sources: Object.freeze([
    Object.freeze({ serviceAccountToken: Object.freeze({ expirationSeconds: 3_607, path: 'token' }) }),
    Object.freeze({
      configMap: Object.freeze({ name: 'kube-root-ca.crt', items: Object.freeze([Object.freeze({ key: 'ca.crt', path: 'ca.crt' })]) }),
    }),
    Object.freeze({
      downwardAPI: Object.freeze({
        items: Object.freeze([
          Object.freeze({ path: 'namespace', fieldRef: Object.freeze({ apiVersion: 'v1', fieldPath: 'metadata.namespace' }) }),
        ]),
      }),
    }),
  ]),
});

export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  resources: ['pods'],

  handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',

  prepare(request): Op<void> | null {
    if (isMirror(request.object)) return null;
    const name = accountName(request.object);
    const at = { kind: mustResource('serviceaccounts'), namespace: request.namespace, name };
    return request.server.store.cached(at) ? null : awaitAccount(request, at);
  },

  admit(request, object) {
    const pod = object as unknown as Pod;
    if (isMirror(object)) {
      if (!pod.spec?.serviceAccountName) return object;
      throw forbidden(request.kind, request.name, 'a mirror pod may not reference service accounts');
    }
    const name = accountName(object);
    const account = request.server.store.cached({ kind: mustResource('serviceaccounts'), namespace: request.namespace, name }) as unknown as
      | ServiceAccount
      | undefined;
    let spec: PodSpec = { ...(pod.spec as PodSpec), serviceAccountName: name, serviceAccount: name };
    if (spec.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true) spec = mountToken(request, spec);
    const secrets = account?.imagePullSecrets;
    if (secrets && secrets.length > 0 && !spec.imagePullSecrets?.length) spec = { ...spec, imagePullSecrets: secrets };
    return { ...object, spec } as unknown as Unsaved;
  },
};

function* awaitAccount(request: AdmissionRequest, at: Address): Op<void> {
  const { store, sim, random } = request.server;
  const { name } = at;
  for (let attempt = 1; !store.cached(at); attempt++) {
    if (attempt >= (name === DEFAULT ? DEFAULT_ATTEMPTS : 2)) {
      throw refusedEarly(request, `error looking up service account ${request.namespace}/${name}: serviceaccount "${name}" not found`);
    }
    const cause = sim.cause;
    yield* sim.sleep(RETRY_MIN + random.int(RETRY_MIN));
    sim.cause = cause;
  }
}

const isMirror = (object: Unsaved | null): boolean => (object as unknown as Pod).metadata.annotations?.[MIRROR] !== undefined;

const accountName = (object: Unsaved | null): string => (object as unknown as Pod).spec?.serviceAccountName || DEFAULT;

function mountToken({ server }: AdmissionRequest, spec: PodSpec): PodSpec {
  const existing = spec.volumes?.find((v) => v.name.startsWith('kube-api-access-'));
  const volumeName = existing?.name ?? `kube-api-access-${server.random.string(NAME_ALPHABET, 5)}`;
  const mount: VolumeMount = Object.freeze({ name: volumeName, readOnly: true, mountPath: MOUNT_PATH });
  const containers = mountAll(spec.containers, mount);
  const initContainers = spec.initContainers && mountAll(spec.initContainers, mount);
  if (containers === spec.containers && initContainers === spec.initContainers) return spec;
  const volume = { name: volumeName, projected: PROJECTED } as unknown as Volume;
  return {
    ...spec,
    volumes: existing ? (spec.volumes as readonly Volume[]) : [...(spec.volumes ?? []), volume],
    containers,
    ...(initContainers ? { initContainers } : {}),
  };
}

/** The containers with the mount; those that mount something else there keep it. */
function mountAll(containers: readonly Container[], mount: VolumeMount): readonly Container[] {
  if (containers.every((c) => hasMount(c))) return containers;
  return containers.map((c) => (hasMount(c) ? c : { ...c, volumeMounts: [...(c.volumeMounts ?? []), mount] }));
}

const hasMount = (container: Container): boolean => container.volumeMounts?.some((m) => m.mountPath === MOUNT_PATH) ?? false;
