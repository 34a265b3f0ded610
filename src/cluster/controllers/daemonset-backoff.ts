// How soon a daemon Pod that failed is replaced (client-go flowcontrol.Backoff as the DaemonSet controller uses it): at once the
// first time, then after a second, doubling to 15 minutes, so that it does not fight with a kubelet that refuses the Pod.

import { type Micros, MINUTE, SECOND } from '../sim/time.ts';

const FIRST: Micros = SECOND;
const LONGEST: Micros = 15 * MINUTE;

export class FailedPodBackoff {
  readonly #entries = new Map<string, { wait: Micros; since: Micros }>();

  /** How long it is still to wait; 0: it may go now, and the next one waits longer. */
  next(key: string, now: Micros): Micros {
    const entry = this.#entries.get(key);
    if (!entry || now - entry.since > 2 * LONGEST) {
      this.#entries.set(key, { wait: FIRST, since: now });
      return 0;
    }
    if (now - entry.since < entry.wait) return entry.wait;
    entry.wait = Math.min(2 * entry.wait, LONGEST);
    entry.since = now;
    return 0;
  }

  /** Of a set that has gone. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}
