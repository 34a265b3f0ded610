// Where the kernel's files come from: the host brings kernel-files.ts when it has loaded it; nobody looks into them while a cluster boots.

import type { KernelFiles } from './files.ts';
import type { Machine } from './machine.ts';
import type { Process } from './process.ts';

type Maker = (machine: Machine, init: Process | null) => KernelFiles;

let maker: Maker | null = null;

/** To be called by the host once, with kernel-files.ts's `kernelFiles`. */
export function provideKernelFiles(given: Maker): void {
  maker = given;
}

/** /sys and /proc as a machine (`init` null) or the container of `init` sees them. */
export class LazyKernelFiles implements KernelFiles {
  readonly #machine: Machine;
  readonly #init: Process | null;

  constructor(machine: Machine, init: Process | null) {
    this.#machine = machine;
    this.#init = init;
  }

  at(path: string): string | readonly string[] | undefined {
    return maker?.(this.#machine, this.#init).at(path);
  }
}
