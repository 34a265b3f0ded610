// NodeResourcesBalancedAllocation: rather where CPU and memory would be used in equal measure.

import { MAX_NODE_SCORE, type Plugin, SKIP } from '../framework/types.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';

export const nodeResourcesBalancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  // Best-effort Pods would all go to one node otherwise.
  preScore: (pod) => ({ status: pod.requests.milliCpu === 0 && pod.requests.memory === 0 ? SKIP : null }),
  score: (_, pod, node) => balanced(pod, node),
};

/** (1 − standard deviation of the used fractions) × 100, truncated. */
export function balanced(pod: PodInfo, node: NodeInfo): number {
  const { allocatable } = node;
  if (allocatable.milliCpu === 0 || allocatable.memory === 0) return MAX_NODE_SCORE;
  const cpu = Math.min(1, (node.milliCpu + pod.requests.milliCpu) / allocatable.milliCpu);
  const memory = Math.min(1, (node.memory + pod.requests.memory) / allocatable.memory);
  return Math.trunc((1 - Math.abs(cpu - memory) / 2) * MAX_NODE_SCORE);
}
