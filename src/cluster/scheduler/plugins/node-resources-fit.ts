// NodeResourcesFit with the LeastAllocated strategy: enough of everything, and rather where much is left.

import type { Node } from '../../api/generated/types.ts';
import { MAX_NODE_SCORE, type Plugin, type Status } from '../framework/types.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';
import { type Resources, resourcesOf } from '../resources.ts';

/** What of `pod` does not fit what `node` has left; [] when it fits. */
export function insufficient(pod: PodInfo, node: NodeInfo): { readonly reasons: readonly string[]; readonly unresolvable: boolean } {
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
  for (const [name, wanted] of requests.scalars) check(name, wanted, node.scalars.get(name) ?? 0, allocatable.scalars.get(name) ?? 0);
  return { reasons, unresolvable };
}

/** The common case without garbage: does everything fit? */
function fits(pod: PodInfo, node: NodeInfo): boolean {
  const { requests } = pod;
  const { allocatable } = node;
  return (
    node.pods.size < node.allowedPods &&
    (requests.milliCpu === 0 || requests.milliCpu <= allocatable.milliCpu - node.milliCpu) &&
    (requests.memory === 0 || requests.memory <= allocatable.memory - node.memory) &&
    (requests.ephemeralStorage === 0 || requests.ephemeralStorage <= allocatable.ephemeralStorage - node.ephemeralStorage) &&
    requests.scalars.size === 0
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

export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',
  events: [
    { event: 'AssignedPodDelete' },
    { event: 'NodeAdd', worthTrying: (pod, _, after) => fitsEmpty(pod, after as Node) },
    { event: 'NodeAllocatable', worthTrying: (pod, before, after) => fitsEmpty(pod, after as Node) && grew(before as Node, after as Node) },
  ],
  filter(_, pod, node): Status | null {
    if (fits(pod, node)) return null;
    const { reasons, unresolvable } = insufficient(pod, node);
    if (reasons.length === 0) return null;
    return { code: unresolvable ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons };
  },
  score: (_, pod, node) => leastAllocated(pod, node),
};

function grew(before: Node, after: Node): boolean {
  const [a, b] = [resourcesOf(before.status?.allocatable), resourcesOf(after.status?.allocatable)];
  if (b.milliCpu > a.milliCpu || b.memory > a.memory || b.ephemeralStorage > a.ephemeralStorage || b.pods > a.pods) return true;
  for (const [name, amount] of b.scalars) if (amount > (a.scalars.get(name) ?? 0)) return true;
  return false;
}

/** Mean over CPU and memory of the share that would be left, 0 … 100, with defaults for Pods that ask for nothing. */
export function leastAllocated(pod: PodInfo, node: NodeInfo): number {
  let sum = 0;
  let count = 0;
  const { allocatable } = node;
  if (allocatable.milliCpu > 0) {
    sum += share(node.nonZeroMilliCpu + pod.nonZero.milliCpu, allocatable.milliCpu);
    count++;
  }
  if (allocatable.memory > 0) {
    sum += share(node.nonZeroMemory + pod.nonZero.memory, allocatable.memory);
    count++;
  }
  return count === 0 ? 0 : Math.trunc(sum / count);
}

function share(requested: number, capacity: number): number {
  return requested > capacity ? 0 : Math.trunc(((capacity - requested) * MAX_NODE_SCORE) / capacity);
}
