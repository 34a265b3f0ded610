// What Pods and the node use, as cAdvisor reads it from control groups and directories (pkg/kubelet/stats): for evictions and
// for /stats/summary.

import type { Pod } from '../api/generated/types.ts';
import { findScope } from '../runtime/container-cgroup.ts';
import { runtimeStateOf } from '../runtime/runtime-state.ts';
import type { Machine } from '../machine/machine.ts';
import { type Context, podUid } from './context.ts';
import type { Observations } from './eviction-thresholds.ts';
import { KUBEPODS, podCgroup } from './pod-cgroup.ts';

export interface ContainerUse {
  readonly name: string;
  readonly startedAt: number;
  /** Bytes in pages. */
  readonly memory: number;
  readonly memoryLimit: number | null;
  readonly cpuMicros: number;
  /** The writable layer. */
  readonly rootfs: number;
  readonly logs: number;
}

export interface VolumeUse {
  readonly name: string;
  readonly used: number;
  /** It takes of the node's disk: emptyDir (not in memory), hostPath, API data. */
  readonly local: boolean;
}

export interface PodStats {
  readonly memory: number;
  readonly memoryLimit: number | null;
  readonly cpuMicros: number;
  readonly processes: number;
  readonly containers: readonly ContainerUse[];
  readonly volumes: readonly VolumeUse[];
}

const PAGE = 4096;
export const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;
const KERNEL_MAX_PID = 32_768;

/** Undefined for a Pod that nothing runs of. */
export function podStats({ os, cache }: Context, pod: Pod): PodStats | undefined {
  const { machine } = os;
  const path = podCgroup(pod);
  const group = machine.cgroups.find(path);
  if (group === undefined) return undefined;
  const state = runtimeStateOf(machine);
  const containers: ContainerUse[] = [];
  for (const status of cache.get(podUid(pod)).containers) {
    if (status.state !== 'RUNNING') continue;
    const own = findScope(machine.cgroups, path, status.id);
    if (own === undefined) continue;
    const { files } = machine;
    containers.push({
      name: status.name,
      startedAt: status.startedAt,
      memory: pages(own.memoryBytes),
      memoryLimit: own.memoryLimit,
      cpuMicros: Math.round(own.cpuMicros),
      rootfs: state.containers.get(status.id)?.files?.bytes ?? 0,
      logs: files.usage(status.logPath.slice(0, status.logPath.lastIndexOf('/'))),
    });
  }
  let processes = 0;
  for (const _ of group.everyProcess()) processes++;
  return { memory: pages(group.memoryBytes), memoryLimit: group.memoryLimit, cpuMicros: Math.round(group.cpuMicros), processes, containers, volumes: volumesOf(machine, pod) };
}

function volumesOf({ files }: Machine, pod: Pod): VolumeUse[] {
  const volumes: VolumeUse[] = [];
  for (const { name, emptyDir, hostPath } of pod.spec.volumes ?? []) {
    if (emptyDir === undefined && hostPath === undefined) continue;
    const path = hostPath?.path ?? `/var/lib/kubelet/pods/${podUid(pod)}/volumes/kubernetes.io~empty-dir/${name}`;
    if (files.exists(path)) volumes.push({ name, used: files.usage(path), local: emptyDir?.medium !== 'Memory' });
  }
  return volumes;
}

export interface NodeUse {
  readonly memoryTotal: number;
  readonly memoryUsed: number;
  readonly diskCapacity: number;
  readonly diskAvailable: number;
  /** Of images alone. */
  readonly imageBytes: number;
  readonly cpuMicros: number;
}

export function nodeStats(machine: Machine): NodeUse {
  const { root } = machine.cgroups;
  const { disk } = machine;
  let imageBytes = 0;
  for (const { status } of runtimeStateOf(machine).images.list()) imageBytes += status.sizeBytes;
  return {
    memoryTotal: machine.memoryTotal,
    memoryUsed: pages(root.memoryBytes),
    diskCapacity: disk.capacityBytes,
    diskAvailable: disk.availableBytes,
    imageBytes,
    cpuMicros: Math.round(root.cpuMicros),
  };
}

/** makeSignalObservations. */
export function observe(machine: Machine): Observations {
  const node = nodeStats(machine);
  const all = machine.cgroups.find(KUBEPODS);
  const limit = all?.memoryLimit ?? node.memoryTotal;
  const disk = { available: node.diskAvailable, capacity: node.diskCapacity };
  return {
    'memory.available': { available: node.memoryTotal - node.memoryUsed, capacity: node.memoryTotal },
    'allocatableMemory.available': { available: limit - pages(all?.memoryBytes ?? 0), capacity: limit },
    'nodefs.available': disk,
    'imagefs.available': disk,
    'containerfs.available': disk,
    'pid.available': { available: KERNEL_MAX_PID - machine.processes.size, capacity: KERNEL_MAX_PID },
  };
}
