// For each Service, the Pods that have changed since its endpoints were last written: so that one Pod more costs the same
// for a Service of ten Pods and for one of ten thousand.

import type { Pod } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';

export class ChangedPods {
  readonly #byService = new Map<string, Set<string>>();

  note(service: string, pod: string | Pod): void {
    const key = typeof pod === 'string' ? pod : keyOf(pod);
    const pods = this.#byService.get(service);
    if (pods) pods.add(key);
    else this.#byService.set(service, new Set([key]));
  }

  /** The keys of the Pods that changed, to be looked at now; give them back when that fails. */
  take(service: string): ReadonlySet<string> {
    const pods = this.#byService.get(service);
    this.#byService.delete(service);
    return pods ?? NONE;
  }

  giveBack(service: string, pods: ReadonlySet<string>): void {
    for (const pod of pods) this.note(service, pod);
  }
}

const NONE: ReadonlySet<string> = new Set();
