// Runtimes other than containerd: the host brings them before it makes a cluster with one, so that a page without starts sooner.

import type { Machine } from '../machine/machine.ts';
import type { RuntimeKind } from './runtime-kind.ts';

/** Puts a runtime's units and files on a machine that is off. */
export type InstallRuntime = (machine: Machine) => void;

const provided = new Map<RuntimeKind, InstallRuntime>();

/** To be called by the host once, with other-runtimes.ts's `otherRuntimes`. */
export function provideRuntimes(runtimes: Readonly<Partial<Record<RuntimeKind, InstallRuntime>>>): void {
  for (const [kind, install] of Object.entries(runtimes)) provided.set(kind as RuntimeKind, install);
}

/** @throws Error when nobody has brought it */
export function installProvided(kind: RuntimeKind, machine: Machine): void {
  const install = provided.get(kind);
  if (install === undefined) throw new Error(`the runtime ${kind} has not been loaded`);
  install(machine);
}
