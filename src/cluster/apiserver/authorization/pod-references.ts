// The names of the objects that a Pod refers to (pkg/api/v1/pod VisitPodSecretNames, VisitPodConfigmapNames and their like).

import type { Container, Pod } from '../../api/generated/types.ts';

function* containersOf({ spec }: Pod): Iterable<Pick<Container, 'env' | 'envFrom'>> {
  yield* spec?.initContainers ?? [];
  yield* spec?.containers ?? [];
  yield* spec?.ephemeralContainers ?? [];
}

export function* secretsOf(pod: Pod): Iterable<string> {
  for (const { name } of pod.spec?.imagePullSecrets ?? []) if (name) yield name;
  for (const { env, envFrom } of containersOf(pod)) {
    for (const from of envFrom ?? []) if (from.secretRef?.name) yield from.secretRef.name;
    for (const { valueFrom } of env ?? []) if (valueFrom?.secretKeyRef?.name) yield valueFrom.secretKeyRef.name;
  }
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.secret?.secretName) yield volume.secret.secretName;
    for (const source of volume.projected?.sources ?? []) if (source.secret?.name) yield source.secret.name;
    if (volume.csi?.nodePublishSecretRef?.name) yield volume.csi.nodePublishSecretRef.name;
    const others = [volume.cephfs, volume.flexVolume, volume.iscsi, volume.rbd, volume.scaleIO, volume.storageos];
    for (const other of others) if (other?.secretRef?.name) yield other.secretRef.name;
    if (volume.azureFile?.secretName) yield volume.azureFile.secretName;
  }
}

export function* configMapsOf(pod: Pod): Iterable<string> {
  for (const { env, envFrom } of containersOf(pod)) {
    for (const from of envFrom ?? []) if (from.configMapRef?.name) yield from.configMapRef.name;
    for (const { valueFrom } of env ?? []) if (valueFrom?.configMapKeyRef?.name) yield valueFrom.configMapKeyRef.name;
  }
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.configMap?.name) yield volume.configMap.name;
    for (const source of volume.projected?.sources ?? []) if (source.configMap?.name) yield source.configMap.name;
  }
}

export function* claimsOf(pod: Pod): Iterable<string> {
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.persistentVolumeClaim) yield volume.persistentVolumeClaim.claimName;
    else if (volume.ephemeral) yield `${pod.metadata.name}-${volume.name}`;
  }
}

export function* resourceClaimsOf(pod: Pod): Iterable<string> {
  for (const { resourceClaimName } of pod.spec?.resourceClaims ?? []) if (resourceClaimName) yield resourceClaimName;
  for (const { resourceClaimName } of pod.status?.resourceClaimStatuses ?? []) if (resourceClaimName) yield resourceClaimName;
}
