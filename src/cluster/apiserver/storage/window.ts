// The recent events of one resource, so that a watch may start a little in the past: the cyclic buffer of
// apiserver/pkg/storage/cacher/watch_cache.go, which grows while its oldest event is younger than 75 s.

import { type Micros, SECOND } from '../../sim/time.ts';
import type { CacheEvent } from './events.ts';

const LOWER_CAPACITY = 100;
const UPPER_CAPACITY = 100 * 1024;
const FRESH: Micros = 75 * SECOND;

export class EventWindow {
  #events: CacheEvent[] = [];
  #first = 0;
  #capacity = LOWER_CAPACITY;
  /** Watches may start at this revision or later. */
  start: number;

  constructor(start: number) {
    this.start = start;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    while (this.#events.length - this.#first > this.#capacity) this.#makeRoom(event.at);
  }

  /** Events after `revision`, oldest first. Undefined when it is too old. */
  after(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.start) return undefined;
    let low = this.#first;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as CacheEvent).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  #makeRoom(now: Micros): void {
    const oldest = this.#events[this.#first] as CacheEvent;
    if (now - oldest.at < FRESH && this.#capacity < UPPER_CAPACITY) {
      this.#capacity = Math.min(UPPER_CAPACITY, this.#capacity * 2);
      return;
    }
    this.#first++;
    this.start = oldest.revision;
    if (this.#first > 64 && this.#first * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
      const quarter = this.#events[this.#events.length >> 2];
      if (quarter && now - quarter.at >= FRESH) this.#capacity = Math.max(LOWER_CAPACITY, this.#capacity >> 1);
    }
  }
}
