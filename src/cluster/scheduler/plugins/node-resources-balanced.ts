// NodeResourcesBalancedAllocation: rather where CPU and memory would be used in equal measure.

import { MAX_NODE_SCORE, type Plugin, SKIP } from '../framework/types.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';
import { amountOf, balancedScore, CPU_AND_MEMORY, type ResourceSpec, usagesOf } from './resource-scores.ts';

export interface BalancedAllocationArgs {
  readonly resources?: readonly ResourceSpec[];
}

export function nodeResourcesBalancedAllocation({ resources = CPU_AND_MEMORY }: BalancedAllocationArgs = {}): Plugin {
  return {
    name: 'NodeResourcesBalancedAllocation',
    // Best-effort Pods would all go to one node otherwise.
    preScore: ({ requests }) => ({ status: resources.every(({ name }) => amountOf(requests, name) === 0) ? SKIP : null }),
    score: resources === CPU_AND_MEMORY ? (_, pod, node) => balanced(pod, node) : (_, pod, node) => balancedScore(usagesOf(pod, node, resources, true)),
  };
}

/** The common case, CPU and memory. */
export function balanced({ requests }: PodInfo, node: NodeInfo): number {
  if (node.allMilliCpu === 0 || node.allMemory === 0) return MAX_NODE_SCORE;
  const cpu = Math.min(1, (node.milliCpu + requests.milliCpu) / node.allMilliCpu);
  const memory = Math.min(1, (node.memory + requests.memory) / node.allMemory);
  return Math.trunc((1 - Math.abs((cpu - memory) / 2)) * MAX_NODE_SCORE);
}
