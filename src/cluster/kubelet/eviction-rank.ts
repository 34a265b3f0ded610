// Who is evicted first and what is said about it (pkg/kubelet/eviction/helpers.go rank…, evictionMessage). Pure.

import type { Pod } from '../api/generated/types.ts';
import { formatQuantity } from '../api/quantity.ts';
import { type Observations, SIGNALS, type Signal, type Threshold, thresholdAmount } from './eviction-thresholds.ts';
import type { PodStats } from './pod-stats.ts';
import { baseUnits, podRequests } from './resources.ts';

export type StatsOf = (pod: Pod) => PodStats | undefined;

type Compare = (a: Pod, b: Pod) => number;

/** True before false. */
const byFlag = (a: boolean, b: boolean): number => Number(b) - Number(a);

const priorityOf = (pod: Pod): number => pod.spec.priority ?? 0;
const byPriority: Compare = (a, b) => priorityOf(a) - priorityOf(b);

/** Pods without figures go first. */
const withStats = (stats: StatsOf, compare: (a: PodStats, b: PodStats, pods: readonly [Pod, Pod]) => number): Compare => (a, b) => {
  const [one, two] = [stats(a), stats(b)];
  if (one === undefined || two === undefined) return byFlag(one === undefined, two === undefined);
  return compare(one, two, [a, b]);
};

function sorted(pods: readonly Pod[], ...order: readonly Compare[]): Pod[] {
  return [...pods].sort((a, b) => {
    for (const compare of order) {
      const result = compare(a, b);
      if (result !== 0) return result;
    }
    return 0;
  });
}

type Use = (stats: PodStats) => number;
type Ask = (pod: Pod) => number;

const overRequest = (stats: StatsOf, use: Use, ask: Ask): Compare =>
  withStats(stats, (a, b, [one, two]) => byFlag(use(a) > ask(one), use(b) > ask(two)));
const byExcess = (stats: StatsOf, use: Use, ask: Ask): Compare => withStats(stats, (a, b, [one, two]) => use(b) - ask(two) - (use(a) - ask(one)));

/** Those above their request, then by priority, then by how far they are above it. */
export const rankForMemory = (pods: readonly Pod[], stats: StatsOf): Pod[] => rankBy(pods, stats, (s) => s.memory, (pod) => podRequests(pod).memory);

/** As for memory; images share the disk with everything else. */
export const rankForDisk = (pods: readonly Pod[], stats: StatsOf): Pod[] => rankBy(pods, stats, diskOf, (pod) => podRequests(pod).ephemeralStorage);

const rankBy = (pods: readonly Pod[], stats: StatsOf, use: Use, ask: Ask): Pod[] =>
  sorted(pods, overRequest(stats, use, ask), byPriority, byExcess(stats, use, ask));

export const rankForPids = (pods: readonly Pod[], stats: StatsOf): Pod[] =>
  sorted(pods, byPriority, withStats(stats, (a, b) => b.processes - a.processes));

/** Logs, writable layers and local volumes. */
export function diskOf(stats: PodStats): number {
  let sum = 0;
  for (const { rootfs, logs } of stats.containers) sum += rootfs + logs;
  for (const volume of stats.volumes) if (volume.local) sum += volume.used;
  return sum;
}

export function rankFor(signal: Signal, pods: readonly Pod[], stats: StatsOf): Pod[] {
  switch (SIGNALS[signal].resource) {
    case 'memory': return rankForMemory(pods, stats);
    case 'pids': return rankForPids(pods, stats);
    default: return rankForDisk(pods, stats);
  }
}

const binary = (bytes: number): string => formatQuantity(bytes, 'BinarySI');

/** `The node was low on resource: memory. Threshold quantity: 100Mi, available: 98852Ki. Container … `. */
export function evictionMessage(signal: Signal, pod: Pod, stats: StatsOf, met: readonly Threshold[], observed: Observations): string {
  const { resource } = SIGNALS[signal];
  let message = `The node was low on resource: ${resource}. `;
  const threshold = met.find((t) => SIGNALS[t.signal].resource === resource && observed[t.signal] !== undefined);
  const observation = threshold === undefined ? undefined : observed[threshold.signal];
  if (threshold !== undefined && observation !== undefined) {
    const amount = 'quantity' in threshold.value ? threshold.value.quantity : binary(thresholdAmount(threshold.value, observation.capacity));
    message += `Threshold quantity: ${amount}, available: ${binary(observation.available)}. `;
  }
  const own = stats(pod);
  if (own === undefined) return message;
  const podRequest = pod.spec.resources?.requests?.['memory'];
  if (resource === 'memory' && podRequest !== undefined) {
    message += `Pod ${pod.metadata.name} was using ${binary(own.memory)}, request is ${podRequest}, has larger consumption of ${resource}. `;
  }
  for (const used of own.containers) {
    const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === used.name);
    if (container === undefined || (resource !== 'memory' && resource !== 'ephemeral-storage')) continue;
    const request = container.resources?.requests?.[resource];
    const usage = resource === 'memory' ? used.memory : used.rootfs + used.logs;
    if (usage <= (request === undefined ? 0 : baseUnits(request))) continue;
    message += `Container ${container.name} was using ${binary(usage)}, request is ${request ?? '0'}, has larger consumption of ${resource}. `;
  }
  return message;
}

/** Why a Pod must go for what it has written, or undefined (localStorageEviction). */
export function localStorageExcess(pod: Pod, stats: PodStats): string | undefined {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined || baseUnits(limit) <= 0) continue;
    const used = stats.volumes.find((v) => v.name === name)?.used ?? 0;
    if (used > baseUnits(limit)) return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit)}. `;
  }
  const limits = pod.spec.containers.map((c) => c.resources?.limits?.['ephemeral-storage']);
  const total = limits.reduce((sum, limit) => sum + (limit === undefined ? 0 : baseUnits(limit)), 0);
  if (total > 0 && diskOf(stats) > total) {
    const text = limits.filter((l) => l !== undefined).length === 1 ? (limits.find((l) => l !== undefined) as string) : binary(total);
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${text}. `;
  }
  for (const container of pod.spec.containers) {
    const limit = container.resources?.limits?.['ephemeral-storage'];
    const used = stats.containers.find((c) => c.name === container.name);
    if (limit === undefined || used === undefined || baseUnits(limit) === 0) continue;
    if (used.rootfs + used.logs > baseUnits(limit)) return `Container ${container.name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `;
  }
  return undefined;
}
