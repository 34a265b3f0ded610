// NodeResourcesFit: enough of everything; and rather where much is left (LeastAllocated, the default), where little is left
// (MostAllocated), or as a curve says (RequestedToCapacityRatio).

import type { Node, Pod } from '../../api/generated/types.ts';
import { MAX_NODE_SCORE, type Plugin, type Status } from '../framework/types.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import { type PodInfo, podInfoOf } from '../podinfo.ts';
import { type Resources, resourcesOf } from '../resources.ts';
import {
  CPU_AND_MEMORY,
  leastAllocatedScore,
  mostAllocatedScore,
  requestedToCapacityRatio,
  type ResourceSpec,
  type Usage,
  usagesOf,
  type UtilizationShapePoint,
} from './resource-scores.ts';

export interface FitArgs {
  /** Extended resources that others look after. */
  readonly ignoredResources?: readonly string[];
  /** The same by what stands before the slash. */
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type?: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
    readonly resources?: readonly ResourceSpec[];
    readonly requestedToCapacityRatio?: { readonly shape: readonly UtilizationShapePoint[] };
  };
}

type Ignores = (resource: string) => boolean;

/** What of `pod` does not fit what `node` has left; [] when it fits. */
export function insufficient(pod: PodInfo, node: NodeInfo, ignores: Ignores): { readonly reasons: readonly string[]; readonly unresolvable: boolean } {
  const reasons: string[] = [];
  let unresolvable = false;
  if (node.pods.size + 1 > node.allowedPods) reasons.push('Too many pods');
  const { requests } = pod;
  const { allocatable } = node;
  const check = (name: string, wanted: number, used: number, total: number): void => {
    if (wanted === 0 || wanted <= total - used) return;
    reasons.push(`Insufficient ${name}`);
    // More than the whole node: no eviction helps.
    if (wanted > total) unresolvable = true;
  };
  check('cpu', requests.milliCpu, node.milliCpu, allocatable.milliCpu);
  check('memory', requests.memory, node.memory, allocatable.memory);
  check('ephemeral-storage', requests.ephemeralStorage, node.ephemeralStorage, allocatable.ephemeralStorage);
  for (const [name, wanted] of requests.scalars) {
    if (!ignores(name)) check(name, wanted, node.scalars.get(name) ?? 0, allocatable.scalars.get(name) ?? 0);
  }
  return { reasons, unresolvable };
}

/** The common case without garbage: does everything fit? */
function fits(pod: PodInfo, node: NodeInfo): boolean {
  const { milliCpu, memory, ephemeralStorage, scalars } = pod.requests;
  return (
    node.podCount < node.allowedPods &&
    (milliCpu === 0 || milliCpu <= node.allMilliCpu - node.milliCpu) &&
    (memory === 0 || memory <= node.allMemory - node.memory) &&
    (ephemeralStorage === 0 || ephemeralStorage <= node.allEphemeralStorage - node.ephemeralStorage) &&
    scalars.size === 0
  );
}

/** An empty node of this size would hold the Pod. */
function fitsEmpty({ requests }: PodInfo, node: Node): boolean {
  const all: Resources = resourcesOf(node.status?.allocatable);
  if (all.pods < 1 || requests.milliCpu > all.milliCpu || requests.memory > all.memory) return false;
  if (requests.ephemeralStorage > all.ephemeralStorage) return false;
  for (const [name, wanted] of requests.scalars) if (wanted > (all.scalars.get(name) ?? 0)) return false;
  return true;
}

export function nodeResourcesFit({ ignoredResources = [], ignoredResourceGroups = [], scoringStrategy = {} }: FitArgs = {}): Plugin {
  const names = new Set(ignoredResources);
  const groups = new Set(ignoredResourceGroups);
  const ignores: Ignores = (name) => name.includes('/') && (names.has(name) || groups.has(name.slice(0, name.indexOf('/'))));
  return {
    name: 'NodeResourcesFit',
    events: [
      { event: 'AssignedPodDelete' },
      { event: 'AssignedPodScaleDown', worthTrying: (pod, before, after) => freesFor(pod, before as Pod, after as Pod) },
      { event: 'PodScaleDown' },
      { event: 'NodeAdd', worthTrying: (pod, _, after) => fitsEmpty(pod, after as Node) },
      { event: 'NodeAllocatable', worthTrying: (pod, before, after) => fitsEmpty(pod, after as Node) && grewFor(pod, before as Node, after as Node) },
    ],
    filter(_, pod, node): Status | null {
      if (fits(pod, node)) return null;
      const { reasons, unresolvable } = insufficient(pod, node, ignores);
      if (reasons.length === 0) return null;
      return { code: unresolvable ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons };
    },
    score: scorerOf(scoringStrategy),
  };
}

function scorerOf({ type = 'LeastAllocated', resources = CPU_AND_MEMORY, requestedToCapacityRatio: curve }: NonNullable<FitArgs['scoringStrategy']>): NonNullable<Plugin['score']> {
  if (type === 'LeastAllocated' && resources === CPU_AND_MEMORY) return (_, pod, node) => leastAllocated(pod, node);
  const of: (usages: readonly Usage[]) => number =
    type === 'MostAllocated' ? mostAllocatedScore : type === 'LeastAllocated' ? leastAllocatedScore : requestedToCapacityRatio(curve?.shape ?? []);
  return (_, pod, node) => of(usagesOf(pod, node, resources, false));
}

/** More of something that the Pod asks for, or of places for Pods. */
function grewFor({ requests }: PodInfo, before: Node, after: Node): boolean {
  const [a, b] = [resourcesOf(before.status?.allocatable), resourcesOf(after.status?.allocatable)];
  return b.pods > a.pods || someLess(requests, a, b);
}

/** A running Pod asks for less than before of something that the waiting one wants. */
function freesFor({ requests }: PodInfo, before: Pod, after: Pod): boolean {
  return someLess(requests, podInfoOf(after).requests, podInfoOf(before).requests);
}

/** Of something that `wanted` names, `a` has less than `b`. */
function someLess(wanted: Resources, a: Resources, b: Resources): boolean {
  if (wanted.milliCpu > 0 && a.milliCpu < b.milliCpu) return true;
  if (wanted.memory > 0 && a.memory < b.memory) return true;
  if (wanted.ephemeralStorage > 0 && a.ephemeralStorage < b.ephemeralStorage) return true;
  for (const [name, amount] of wanted.scalars) if (amount > 0 && (a.scalars.get(name) ?? 0) < (b.scalars.get(name) ?? 0)) return true;
  return false;
}

/** LeastAllocated over CPU and memory, the common case. */
export function leastAllocated(pod: PodInfo, node: NodeInfo): number {
  let sum = 0;
  let count = 0;
  if (node.allMilliCpu > 0) {
    sum += share(node.nonZeroMilliCpu + pod.nonZero.milliCpu, node.allMilliCpu);
    count++;
  }
  if (node.allMemory > 0) {
    sum += share(node.nonZeroMemory + pod.nonZero.memory, node.allMemory);
    count++;
  }
  return count === 0 ? 0 : Math.trunc(sum / count);
}

function share(requested: number, capacity: number): number {
  return requested > capacity ? 0 : Math.trunc(((capacity - requested) * MAX_NODE_SCORE) / capacity);
}
