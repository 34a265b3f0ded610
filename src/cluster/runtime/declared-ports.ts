// The ports that a Pod declares for a container, for programs that have no configuration of their own to read them from.
// Whoever starts a container's first process says them (containerd's shim, from the annotation that the kubelet sets).

import type { Process } from '../machine/process.ts';

const ports = new WeakMap<Process, readonly number[]>();

export function declarePorts(process: Process, declared: readonly number[]): void {
  ports.set(process, declared);
}

export const declaredPorts = (process: Process): readonly number[] => ports.get(process) ?? [];
