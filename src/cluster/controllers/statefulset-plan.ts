// What the Pods of a StatefulSet are and should be: ordinals and names, the claims of each, health, and the counts of the
// status (pkg/controller/statefulset/stateful_set_utils.go). Pure.

import type { ControllerRevision, PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, StatefulSetStatus, Volume } from '../api/generated/types.ts';
import { controllerReference, isDeleting } from '../api/meta.ts';
import type { Draft } from '../client/client.ts';
import type { Micros } from '../sim/time.ts';
import { nonZero } from './nonzero.ts';
import { isPodAvailable, isPodReady } from './pods.ts';

export const POD_NAME = 'statefulset.kubernetes.io/pod-name';
export const POD_INDEX = 'apps.kubernetes.io/pod-index';
export const REVISION_HASH = 'controller-revision-hash';

const ORDINAL = /^(.*)-(\d+)$/;

/** -1 when the Pod's name is none of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number {
  const m = ORDINAL.exec(pod.metadata.name);
  return m && m[1] === set.metadata.name ? Number(m[2]) : -1;
}

export const replicasOf = (set: StatefulSet): number => set.spec.replicas ?? 1;
export const startOf = (set: StatefulSet): number => set.spec.ordinals?.start ?? 0;
export const inRange = (set: StatefulSet, ordinal: number): boolean => ordinal >= startOf(set) && ordinal < startOf(set) + replicasOf(set);
export const isParallel = (set: StatefulSet): boolean => set.spec.podManagementPolicy === 'Parallel';
export const revisionOf = (pod: Pod): string => pod.metadata.labels?.[REVISION_HASH] ?? '';

export const isRunningAndReady = (pod: Pod): boolean => pod.status.phase === 'Running' && isPodReady(pod);
export const isAvailable = (set: StatefulSet, pod: Pod, now: Micros): boolean =>
  isRunningAndReady(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);
export const isHealthy = (set: StatefulSet, pod: Pod, now: Micros): boolean => isAvailable(set, pod, now) && !isDeleting(pod);

/** One ordinal of the set: the Pod that is there, or null. */
export interface Replica {
  readonly ordinal: number;
  readonly pod: Pod | null;
}

export interface Lineup {
  /** From the first ordinal to the last. */
  readonly replicas: readonly Replica[];
  /** Pods beyond the range, highest ordinal first. */
  readonly condemned: readonly Pod[];
  /** The first that is not available, replicas before condemned ones; a missing one counts. */
  readonly firstUnhealthy: Pod | null | undefined;
}

export function lineUp(set: StatefulSet, pods: readonly Pod[], now: Micros): Lineup {
  const byOrdinal = new Map<number, Pod>();
  const condemned: Pod[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal < 0) continue;
    if (inRange(set, ordinal)) byOrdinal.set(ordinal, pod);
    else condemned.push(pod);
  }
  condemned.sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
  const replicas: Replica[] = [];
  for (let i = 0; i < replicasOf(set); i++) {
    const ordinal = startOf(set) + i;
    replicas.push({ ordinal, pod: byOrdinal.get(ordinal) ?? null });
  }
  const unhealthy = replicas.find(({ pod }) => pod === null || !isHealthy(set, pod, now));
  const firstUnhealthy = unhealthy ? unhealthy.pod : [...condemned].reverse().find((pod) => !isHealthy(set, pod, now));
  return { replicas, condemned, firstUnhealthy };
}

/** Which Pod to delete next for a rolling update; undefined when none is due. From the highest ordinal down, one at a time. */
export function nextToUpdate(set: StatefulSet, replicas: readonly Replica[], revision: string, now: Micros): Pod | undefined {
  if (set.spec.updateStrategy?.type === 'OnDelete') return undefined;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (let i = replicas.length - 1; i >= partition; i--) {
    const pod = replicas[i]?.pod;
    if (!pod) return undefined;
    if (revisionOf(pod) !== revision && !isDeleting(pod)) return pod;
    if (!isHealthy(set, pod, now)) return undefined;
  }
  return undefined;
}

/** Whether a new Pod of that ordinal is made from the revision before the update. */
export function wantsCurrent(set: StatefulSet, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return false;
  if (rollingUpdate === undefined) return ordinal < startOf(set) + (set.status.currentReplicas ?? 0);
  return ordinal < startOf(set) + (rollingUpdate.partition ?? 0);
}

export const podNameOf = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;
export const claimNameOf = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string => `${template.metadata.name}-${podNameOf(set, ordinal)}`;

/** The claims of one ordinal, as they are to be created. */
export function claimsOf(set: StatefulSet, ordinal: number): Draft<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { labels, annotations } = template.metadata;
    const merged = { ...labels, ...set.spec.selector.matchLabels };
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: claimNameOf(set, template, ordinal),
        namespace: set.metadata.namespace ?? '',
        ...(Object.keys(merged).length === 0 ? {} : { labels: merged }),
        ...(annotations === undefined ? {} : { annotations }),
      },
      spec: template.spec,
    };
  });
}

/** The Pod of an ordinal with its own identity and storage. */
export function podOf(set: StatefulSet, template: PodTemplateSpec, ordinal: number, revision: string): Draft<Pod> {
  const name = podNameOf(set, ordinal);
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { serviceName } = set.spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace ?? '',
      labels: { ...labels, [POD_INDEX]: String(ordinal), [REVISION_HASH]: revision, [POD_NAME]: name },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(set)],
    },
    spec: { ...(template.spec as Pod['spec']), hostname: name, ...(serviceName ? { subdomain: serviceName } : {}), ...volumesOf(set, template.spec?.volumes, ordinal) },
  };
}

/** A claim takes the place of a volume of the template with its name. */
function volumesOf(set: StatefulSet, given: readonly Volume[] | undefined, ordinal: number): { volumes?: readonly Volume[] } {
  const templates = set.spec.volumeClaimTemplates ?? [];
  if (templates.length === 0) return given === undefined ? {} : { volumes: given };
  const claimed = templates.map((t): Volume => ({ name: t.metadata.name, persistentVolumeClaim: { claimName: claimNameOf(set, t, ordinal) } }));
  const names = new Set(claimed.map((volume) => volume.name));
  return { volumes: [...claimed, ...(given ?? []).filter((volume) => !names.has(volume.name))] };
}

/** What must be put right on a Pod's labels; undefined when its identity is as it should be. */
export function identityFix(set: StatefulSet, pod: Pod): Readonly<Record<string, string>> | undefined {
  const ordinal = ordinalOf(set, pod);
  const { labels } = pod.metadata;
  if (labels?.[POD_NAME] === pod.metadata.name && labels[POD_INDEX] === String(ordinal)) return undefined;
  return { [POD_NAME]: pod.metadata.name, [POD_INDEX]: String(ordinal) };
}

/** The status, but for what completes an update. */
export function countStatus(set: StatefulSet, pods: readonly Pod[], current: ControllerRevision, update: ControllerRevision, now: Micros): StatefulSetStatus {
  let [ready, available, ofCurrent, ofUpdate] = [0, 0, 0, 0];
  for (const pod of pods) {
    if (isRunningAndReady(pod)) {
      ready++;
      if (isAvailable(set, pod, now)) available++;
    }
    if (isDeleting(pod)) continue;
    if (revisionOf(pod) === current.metadata.name) ofCurrent++;
    if (revisionOf(pod) === update.metadata.name) ofUpdate++;
  }
  return {
    ...nonZero({ observedGeneration: set.metadata.generation }),
    replicas: pods.length,
    ...nonZero({ readyReplicas: ready, currentReplicas: ofCurrent, updatedReplicas: ofUpdate }),
    currentRevision: current.metadata.name,
    updateRevision: update.metadata.name,
    collisionCount: set.status.collisionCount ?? 0,
    availableReplicas: available,
  };
}

/** When all Pods are updated and ready, the update revision becomes the current one. */
export function completeUpdate(set: StatefulSet, status: StatefulSetStatus): StatefulSetStatus {
  const { updatedReplicas = 0, readyReplicas = 0, replicas } = status;
  const wanted = replicasOf(set);
  if (set.spec.updateStrategy?.type !== 'RollingUpdate' || updatedReplicas !== wanted || readyReplicas !== wanted || replicas !== wanted) return status;
  const { currentReplicas: _, ...rest } = status;
  return { ...rest, ...nonZero({ currentReplicas: updatedReplicas }), ...(status.updateRevision ? { currentRevision: status.updateRevision } : {}) };
}
