// A container's control group as runc makes it with the systemd driver: its scope below the Pod's slice, and the limits in it.

import { type Cgroup, type CgroupTree, weightOfShares } from '../machine/cgroup.ts';
import type { Machine } from '../machine/machine.ts';

/** LinuxContainerResources of the Container Runtime Interface. */
export interface LinuxResources {
  /** 0: none said. */
  readonly cpuShares: number;
  /** CPUs that the quota allows; 0: any. */
  readonly cpuLimit: number;
  /** Bytes; 0: any. */
  readonly memoryLimit: number;
}

export const scopePath = (parent: string, prefix: string, id: string): string => `${parent}/${prefix}-${id}.scope`;

/** Writes the limits; whoever is over a smaller one at once is killed for it. */
export function applyResources(machine: Machine, group: Cgroup, { cpuShares, cpuLimit, memoryLimit }: LinuxResources): void {
  group.cpuShares = cpuShares;
  if (cpuShares > 0) group.cpuWeight = weightOfShares(cpuShares);
  group.cpuLimit = cpuLimit > 0 ? cpuLimit : null;
  group.memoryLimit = memoryLimit > 0 ? memoryLimit : null;
  machine.cpu.changed();
  group.reclaim();
}

/** The group of a container or sandbox below its Pod's, whatever runtime made it. */
export function findScope(tree: CgroupTree, parent: string, id: string): Cgroup | undefined {
  const end = `-${id}.scope`;
  for (const child of tree.find(parent)?.children ?? []) if (child.path.endsWith(end)) return child;
  return undefined;
}
