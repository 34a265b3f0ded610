// What controllers ask of Pods (pkg/api/v1/pod, pkg/controller/controller_utils.go): active, ready, available, and which
// one to delete first.

import type { Pod, PodCondition } from '../api/generated/types.ts';
import { conditionOf, isDeleting } from '../api/meta.ts';
import { parseTime, type Micros, SECOND } from '../sim/time.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

export function isPodTerminal(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

/** Neither finished nor on its way out. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isDeleting(pod);
}

/** On its way out, but with containers that may still run. */
export function isPodTerminating(pod: Pod): boolean {
  return !isPodTerminal(pod) && isDeleting(pod);
}

export function readyCondition(pod: Pod): PodCondition | undefined {
  return conditionOf(pod.status.conditions, 'Ready');
}

export function isPodReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** Ready for at least `minReadySeconds`. `now` is since 1970. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, now: Micros): boolean {
  const condition = readyCondition(pod);
  if (condition?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  const since = timeOf(condition.lastTransitionTime);
  return since !== undefined && since + minReadySeconds * SECOND <= now;
}

/** How long until the first ready Pod becomes available; undefined when none is on its way. */
export function nextAvailability(pods: readonly Pod[], minReadySeconds: number, now: Micros): Micros | undefined {
  let next: Micros | undefined;
  for (const pod of pods) {
    if (!isPodReady(pod)) continue;
    const since = timeOf(readyCondition(pod)?.lastTransitionTime);
    const wait = since === undefined ? 0 : since + minReadySeconds * SECOND - now;
    if (wait > 0 && (next === undefined || wait < next)) next = wait;
  }
  return next;
}

/**
 * Orders `pods` by who should go first: unassigned, pending, not ready, cheap to delete, on nodes with many of their kin
 * (`rank`), ready for a shorter time, often restarted, younger. Times count by powers of two. `now` is since 1970.
 */
export function byDeletionPriority(pods: readonly Pod[], rank: (pod: Pod) => number, now: Micros): Pod[] {
  const candidates = pods.map((pod) => describe(pod, rank(pod)));
  return candidates.sort((a, b) => compare(a, b, now)).map((candidate) => candidate.pod);
}

/**
 * Which `count` of the Pods go when there are too many: ranked by how many of `related` (their Deployment's, that is) run on the
 * same node, unless all go anyway.
 */
export function podsToDelete(pods: readonly Pod[], related: Iterable<Pod>, count: number, now: Micros): readonly Pod[] {
  if (count >= pods.length) return pods;
  const perNode = new Map<string, number>();
  for (const pod of related) {
    if (!isPodActive(pod)) continue;
    const node = pod.spec.nodeName ?? '';
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  return byDeletionPriority(pods, (pod) => perNode.get(pod.spec.nodeName ?? '') ?? 0, now).slice(0, count);
}

interface Candidate {
  readonly pod: Pod;
  readonly assigned: number;
  readonly phase: number;
  readonly ready: number;
  readonly cost: number;
  readonly rank: number;
  /** Since 1970; undefined when not ready. */
  readonly readySince: Micros | undefined;
  readonly restarts: readonly [regular: number, sidecar: number];
  readonly created: Micros | undefined;
}

const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function describe(pod: Pod, rank: number): Candidate {
  const ready = isPodReady(pod);
  return {
    pod,
    assigned: pod.spec.nodeName ? 1 : 0,
    phase: PHASES[pod.status.phase ?? ''] ?? 0,
    ready: ready ? 1 : 0,
    cost: deletionCost(pod),
    rank,
    readySince: ready ? timeOf(readyCondition(pod)?.lastTransitionTime) : undefined,
    restarts: maxRestarts(pod),
    created: timeOf(pod.metadata.creationTimestamp),
  };
}

function compare(a: Candidate, b: Candidate, now: Micros): number {
  const plain =
    a.assigned - b.assigned || a.phase - b.phase || a.ready - b.ready || a.cost - b.cost || b.rank - a.rank;
  if (plain !== 0) return plain;
  if (a.ready === 1 && a.readySince !== b.readySince) return compareAges(a, b, a.readySince, b.readySince, now);
  const restarts = b.restarts[0] - a.restarts[0] || b.restarts[1] - a.restarts[1];
  if (restarts !== 0) return restarts;
  if (a.created !== b.created) return compareAges(a, b, a.created, b.created, now);
  return 0;
}

function compareAges(a: Candidate, b: Candidate, aTime: Micros | undefined, bTime: Micros | undefined, now: Micros): number {
  if (aTime === undefined) return -1;
  if (bTime === undefined) return 1;
  const difference = ageBucket(now - aTime) - ageBucket(now - bTime);
  if (difference !== 0) return difference;
  return (a.pod.metadata.uid ?? '') < (b.pod.metadata.uid ?? '') ? -1 : 1;
}

/** The logarithm of an age in nanoseconds, rounded down. */
function ageBucket(age: Micros): number {
  return age > 0 ? Math.floor(Math.log2(age * 1000)) : -1;
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST];
  if (text === undefined || text === '') return 0;
  const cost = Number(text);
  return Number.isInteger(cost) ? cost : 0;
}

function maxRestarts(pod: Pod): readonly [number, number] {
  let regular = 0;
  for (const status of pod.status.containerStatuses ?? []) regular = Math.max(regular, status.restartCount);
  let sidecar = 0;
  for (const container of pod.spec.initContainers ?? []) {
    if (container.restartPolicy !== 'Always') continue;
    const status = pod.status.initContainerStatuses?.find((s) => s.name === container.name);
    sidecar = Math.max(sidecar, status?.restartCount ?? 0);
  }
  return [regular, sidecar];
}

function timeOf(text: string | undefined): Micros | undefined {
  return text === undefined ? undefined : parseTime(text);
}
