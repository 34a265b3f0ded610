// Where a DaemonSet's Pods should be, which of them to replace in an update, and its status
// (pkg/controller/daemon: daemon_controller.go, update.go, util). Pure.

import type { DaemonSet, DaemonSetStatus, Node, Pod, PodSpec, PodTemplateSpec, Taint, Toleration } from '../api/generated/types.ts';
import { scaledValue } from '../api/intstr.ts';
import { isDeleting } from '../api/meta.ts';
import type { Micros } from '../sim/time.ts';
import { nonZero } from './nonzero.ts';
import { allowsNode } from './nodeaffinity.ts';
import { isPodAvailable, isPodReady } from './pods.ts';
import { NOT_READY, tolerates, UNREACHABLE } from './taints.ts';

export const REVISION_HASH = 'controller-revision-hash';
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** What daemons bear that other Pods do not. */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: NOT_READY, operator: 'Exists', effect: 'NoExecute' },
  { key: UNREACHABLE, operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const HOST_NETWORK_TOLERATION: Toleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' };

const sameToleration = (a: Toleration, b: Toleration): boolean => a.key === b.key && a.operator === b.operator && a.effect === b.effect;

function tolerationsOf(spec: PodSpec): readonly Toleration[] {
  const added = spec.hostNetwork ? [...DAEMON_TOLERATIONS, HOST_NETWORK_TOLERATION] : DAEMON_TOLERATIONS;
  const given = spec.tolerations ?? [];
  return [...given, ...added.filter((toleration) => !given.some((g) => sameToleration(g, toleration)))];
}

/** The template with what makes its Pods daemons of that revision. */
export function daemonTemplate(set: DaemonSet, hash: string): PodTemplateSpec {
  const { template } = set.spec;
  const generation = set.metadata.annotations?.[TEMPLATE_GENERATION];
  const labels = {
    ...template.metadata?.labels,
    ...(generation === undefined ? {} : { 'pod-template-generation': generation }),
    [REVISION_HASH]: hash,
  };
  const spec = template.spec as PodSpec;
  return { metadata: { ...template.metadata, labels } as DaemonSet['metadata'], spec: { ...spec, tolerations: tolerationsOf(spec) } };
}

/** Ties a Pod to a node in a way that leaves the placing to the scheduler. */
export function pinnedTo(spec: PodSpec, node: string): PodSpec {
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] };
  const nodeAffinity = { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } };
  return { ...spec, affinity: { ...spec.affinity, nodeAffinity } };
}

/** The node that a daemon Pod is on or meant for. */
export function targetNode(pod: Pod): string {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const term of terms) {
    const field = term.matchFields?.find((f) => f.key === 'metadata.name' && f.operator === 'In' && f.values?.length === 1);
    if (field) return field.values?.[0] ?? '';
  }
  return '';
}

/** Whether a daemon belongs on the node, and whether one that is there may stay. */
export function belongs(set: DaemonSet, node: Node): { readonly run: boolean; readonly stay: boolean } {
  const spec = set.spec.template.spec as PodSpec;
  if ((spec.nodeName && spec.nodeName !== node.metadata.name) || !allowsNode(spec, node)) return { run: false, stay: false };
  const tolerations = tolerationsOf(spec);
  const borne = (effect: string): boolean =>
    (node.spec.taints ?? []).every((taint: Taint) => taint.effect !== effect || tolerations.some((t) => tolerates(t, taint)));
  const stay = borne('NoExecute');
  return { run: stay && borne('NoSchedule'), stay };
}

export type PodsByNode = ReadonlyMap<string, readonly Pod[]>;

/** Older first. */
export function byAge(a: Pod, b: Pod): number {
  const left = a.metadata.creationTimestamp ?? '';
  const right = b.metadata.creationTimestamp ?? '';
  return left < right ? -1 : left > right ? 1 : 0;
}

export const isCurrent = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[REVISION_HASH] === hash;

/** How many daemons may be missing, or doubled, during an update. */
export function updateLimits(set: DaemonSet, desired: number): { readonly surge: number; readonly unavailable: number } {
  if (set.spec.updateStrategy?.type === 'OnDelete') return { surge: 0, unavailable: 0 };
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, true) ?? 0;
  const unavailable = scaledValue(maxUnavailable, desired, true) ?? 0;
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export interface Replacement {
  readonly remove: Pod[];
  /** Nodes that get a new Pod beside the old one. */
  readonly surge: string[];
}

/** The next step of a rolling update. `now` is since 1970. */
export function replacements(set: DaemonSet, nodes: readonly Node[], pods: PodsByNode, hash: string, now: Micros): Replacement {
  const desired = nodes.filter((node) => belongs(set, node).run).length;
  const { surge, unavailable } = updateLimits(set, desired);
  const minReady = set.spec.minReadySeconds ?? 0;
  const available = (pod: Pod): boolean => isPodAvailable(pod, minReady, now);
  const urgent: Pod[] = [];
  const candidates: Pod[] = [];
  let missing = 0;
  let doubled = 0;
  const remove: Pod[] = [];
  const urgentNodes: string[] = [];
  const candidateNodes: string[] = [];
  for (const [node, here] of pods) {
    const live = here.filter((pod) => !isDeleting(pod));
    const fresh = live.find((pod) => isCurrent(pod, hash));
    const old = live.find((pod) => !isCurrent(pod, hash));
    if (surge > 0) {
      if (!old) continue;
      if (!fresh) (available(old) ? candidateNodes : urgentNodes).push(node);
      else if (available(fresh)) remove.push(old);
      else doubled++;
    } else if (fresh) {
      if (!available(fresh)) missing++;
    } else if (!old) missing++;
    else if (available(old)) candidates.push(old);
    else urgent.push(old);
  }
  if (surge > 0) return { remove, surge: [...urgentNodes, ...candidateNodes.slice(0, Math.max(0, surge - doubled))] };
  // Pods that do not work anyway may be replaced whatever the limit.
  return { remove: [...urgent, ...candidates.slice(0, Math.max(0, unavailable - missing - urgent.length))], surge: [] };
}

export function daemonSetStatus(set: DaemonSet, nodes: readonly Node[], pods: PodsByNode, hash: string, now: Micros): DaemonSetStatus {
  let desired = 0;
  let current = 0;
  let misscheduled = 0;
  let ready = 0;
  let updated = 0;
  let available = 0;
  for (const node of nodes) {
    const [pod] = [...(pods.get(node.metadata.name) ?? [])].sort(byAge);
    if (!belongs(set, node).run) {
      if (pod) misscheduled++;
      continue;
    }
    desired++;
    if (!pod) continue;
    current++;
    if (isPodReady(pod)) ready++;
    if (isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)) available++;
    if (isCurrent(pod, hash)) updated++;
  }
  return {
    ...(set.status.collisionCount === undefined ? {} : { collisionCount: set.status.collisionCount }),
    ...(set.status.conditions === undefined ? {} : { conditions: set.status.conditions }),
    currentNumberScheduled: current,
    desiredNumberScheduled: desired,
    numberMisscheduled: misscheduled,
    numberReady: ready,
    ...nonZero({
      numberAvailable: available,
      numberUnavailable: desired - available,
      observedGeneration: set.metadata.generation,
      updatedNumberScheduled: updated,
    }),
  };
}
