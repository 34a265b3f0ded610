// client-go util/flowcontrol Backoff: a doubling delay per key that is forgotten after being good for twice the maximum.

import { MINUTE, SECOND, type Micros } from '../sim/time.ts';

interface Entry {
  backoff: Micros;
  lastUpdate: Micros;
}

export const BACKOFF_INITIAL: Micros = 10 * SECOND;
export const BACKOFF_MAX: Micros = 5 * MINUTE;

export class Backoff {
  readonly #initial: Micros;
  readonly #max: Micros;
  readonly #entries = new Map<string, Entry>();

  constructor(initial: Micros = BACKOFF_INITIAL, max: Micros = BACKOFF_MAX) {
    this.#initial = initial;
    this.#max = max;
  }

  /** The present delay of a key; 0 when it has none. */
  get(key: string): Micros {
    return this.#entries.get(key)?.backoff ?? 0;
  }

  /** Notes another failure that happened at `eventTime`: the delay starts, doubles, or starts afresh. */
  next(key: string, eventTime: Micros, now: Micros): void {
    const entry = this.#entries.get(key);
    if (!entry || this.#hasExpired(eventTime, entry)) this.#entries.set(key, { backoff: this.#initial, lastUpdate: now });
    else this.#entries.set(key, { backoff: Math.min(entry.backoff * 2, this.#max), lastUpdate: now });
  }

  /** When the delay that counts from `eventTime` is over; undefined when it is over at `now`. */
  inBackoffSince(key: string, eventTime: Micros, now: Micros): Micros | undefined {
    const entry = this.#entries.get(key);
    if (!entry || this.#hasExpired(eventTime, entry)) return undefined;
    return now - eventTime < entry.backoff ? eventTime + entry.backoff : undefined;
  }

  /** When the delay that counts from the key's last failure is over; undefined when it is over at `now`. */
  inBackoffSinceUpdate(key: string, now: Micros): Micros | undefined {
    const entry = this.#entries.get(key);
    if (!entry || this.#hasExpired(now, entry)) return undefined;
    return now - entry.lastUpdate < entry.backoff ? entry.lastUpdate + entry.backoff : undefined;
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  #hasExpired(eventTime: Micros, entry: Entry): boolean {
    return eventTime - entry.lastUpdate > 2 * this.#max;
  }
}
