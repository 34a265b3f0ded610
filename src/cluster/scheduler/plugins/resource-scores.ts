// How full a node would be, as a score (upstream noderesources/{least,most}_allocated.go, requested_to_capacity_ratio.go,
// balanced_allocation.go, resource_allocation.go). All integer arithmetic, as in Go.

import { MAX_NODE_SCORE } from '../framework/types.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';
import type { Resources } from '../resources.ts';

/** A resource and how much it counts. */
export interface ResourceSpec {
  readonly name: string;
  readonly weight: number;
}

export interface UtilizationShapePoint {
  /** Percent. */
  readonly utilization: number;
  /** 0 … 10. */
  readonly score: number;
}

/** What would be in use and what there is, of one resource on one node. */
export interface Usage {
  readonly requested: number;
  readonly allocatable: number;
  readonly weight: number;
}

const FULL = 100;
const MAX_CUSTOM_SCORE = 10;

export const CPU_AND_MEMORY: readonly ResourceSpec[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** `plain`: as requested; otherwise with the defaults for containers that ask for nothing. Resources that the node has not are left out. */
export function usagesOf(pod: PodInfo, node: NodeInfo, resources: readonly ResourceSpec[], plain: boolean): readonly Usage[] {
  const usages: Usage[] = [];
  for (const { name, weight } of resources) {
    const allocatable = amountOf(node.allocatable, name);
    if (allocatable === 0) continue;
    const wanted = amountOf(pod.requests, name);
    let requested: number;
    if (name === 'cpu') requested = plain ? node.milliCpu + wanted : node.nonZeroMilliCpu + pod.nonZero.milliCpu;
    else if (name === 'memory') requested = plain ? node.memory + wanted : node.nonZeroMemory + pod.nonZero.memory;
    else if (name === 'ephemeral-storage') requested = node.ephemeralStorage + wanted;
    // An extended resource that the Pod does not ask for says nothing about it.
    else if (wanted === 0) continue;
    else requested = (node.scalars.get(name) ?? 0) + wanted;
    usages.push({ requested, allocatable, weight });
  }
  return usages;
}

export function amountOf(resources: Resources, name: string): number {
  if (name === 'cpu') return resources.milliCpu;
  if (name === 'memory') return resources.memory;
  if (name === 'ephemeral-storage') return resources.ephemeralStorage;
  return resources.scalars.get(name) ?? 0;
}

/** Weighted mean of the shares that would be left. */
export function leastAllocatedScore(usages: readonly Usage[]): number {
  return weightedMean(usages, ({ requested, allocatable }) =>
    requested > allocatable ? 0 : Math.trunc(((allocatable - requested) * MAX_NODE_SCORE) / allocatable),
  );
}

/** Weighted mean of the shares that would be in use: bin packing. */
export function mostAllocatedScore(usages: readonly Usage[]): number {
  return weightedMean(usages, ({ requested, allocatable }) => Math.trunc((Math.min(requested, allocatable) * MAX_NODE_SCORE) / allocatable));
}

function weightedMean(usages: readonly Usage[], score: (usage: Usage) => number): number {
  let sum = 0;
  let weights = 0;
  for (const usage of usages) {
    sum += score(usage) * usage.weight;
    weights += usage.weight;
  }
  return weights === 0 ? 0 : Math.trunc(sum / weights);
}

/** The score that `shape` gives to the shares in use; resources with score 0 do not count. */
export function requestedToCapacityRatio(shape: readonly UtilizationShapePoint[]): (usages: readonly Usage[]) => number {
  const points = shape.map(({ utilization, score }) => ({ utilization, score: score * (MAX_NODE_SCORE / MAX_CUSTOM_SCORE) }));
  const curve = brokenLinear(points);
  return (usages) => {
    let sum = 0;
    let weights = 0;
    for (const { requested, allocatable, weight } of usages) {
      const score = curve(requested > allocatable ? FULL : Math.trunc((requested * FULL) / allocatable));
      if (score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.round(sum / weights);
  };
}

/** Straight lines between the points, level outside them. */
export function brokenLinear(points: readonly UtilizationShapePoint[]): (percent: number) => number {
  return (percent) => {
    let before: UtilizationShapePoint | undefined;
    for (const point of points) {
      if (percent <= point.utilization) {
        if (before === undefined) return point.score;
        const rise = (point.score - before.score) * (percent - before.utilization);
        return before.score + Math.trunc(rise / (point.utilization - before.utilization));
      }
      before = point;
    }
    return before?.score ?? 0;
  };
}

/** (1 − standard deviation of the shares in use) × 100, truncated. */
export function balancedScore(usages: readonly Usage[]): number {
  const shares = usages.map(({ requested, allocatable }) => Math.min(1, requested / allocatable));
  let deviation = 0;
  if (shares.length === 2) deviation = Math.abs(((shares[0] as number) - (shares[1] as number)) / 2);
  else if (shares.length > 2) {
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) * (share - mean), 0) / shares.length);
  }
  return Math.trunc((1 - deviation) * MAX_NODE_SCORE);
}
