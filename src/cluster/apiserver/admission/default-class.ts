// DefaultStorageClass and DefaultIngressClass: who names no class gets the one that is marked as default; of several, the newest.

import type { Ingress, PersistentVolumeClaim } from '../../api/generated/types.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';

const STORAGE_MARKS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
const INGRESS_MARKS = ['ingressclass.kubernetes.io/is-default-class'];
const OLD_STORAGE = 'volume.beta.kubernetes.io/storage-class';
const OLD_INGRESS = 'kubernetes.io/ingress.class';

function defaultOf({ server }: AdmissionRequest, resource: string, marks: readonly string[]): string | undefined {
  let best: { name: string; created: string } | undefined;
  server.store.cache.ofKey(resource).objects.walk('', null, ({ metadata }) => {
    const annotations = metadata['annotations'] as Readonly<Record<string, string>> | undefined;
    if (!marks.some((mark) => annotations?.[mark] === 'true')) return;
    const created = String(metadata.creationTimestamp ?? '');
    if (!best || created > best.created) best = { name: metadata.name, created };
  });
  return best?.name;
}

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  resources: ['persistentvolumeclaims'],

  handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',

  admit(request, object) {
    const { metadata, spec } = object as unknown as PersistentVolumeClaim;
    if (spec.storageClassName !== undefined || metadata.annotations?.[OLD_STORAGE] !== undefined) return object;
    const found = defaultOf(request, 'storageclasses.storage.k8s.io', STORAGE_MARKS);
    return found === undefined ? object : ({ ...object, spec: { ...spec, storageClassName: found } } as Unsaved);
  },
};

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  resources: ['ingresses.networking.k8s.io'],

  handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',

  admit(request, object) {
    const { metadata, spec } = object as unknown as Ingress;
    if (spec?.ingressClassName !== undefined || metadata.annotations?.[OLD_INGRESS] !== undefined) return object;
    const found = defaultOf(request, 'ingressclasses.networking.k8s.io', INGRESS_MARKS);
    return found === undefined ? object : ({ ...object, spec: { ...spec, ingressClassName: found } } as Unsaved);
  },
};
