// Who watches which keys. Watchers are found by the prefix they watch, so an event costs the same for one or many of them.

import type { KeyRange, WatchEvent } from '../messages.ts';
import { prefixEnd } from './ordered.ts';

export interface Watcher {
  readonly range: KeyRange;
  /** All events of one revision that fall into the range. */
  deliver(revision: number, events: readonly WatchEvent[]): void;
  /** What it waits for was compacted away; nothing more will come. */
  cancel(compactRevision: number): void;
}

/** Watchers of one key, of a prefix, of everything; any other range is looked at one by one, as they do not occur. */
export class WatcherIndex {
  readonly #everything = new Set<Watcher>();
  readonly #exact = new Map<string, Set<Watcher>>();
  readonly #prefixes = new Map<string, Set<Watcher>>();
  readonly #ranges = new Set<Watcher>();
  #lengths: number[] = [];

  get size(): number {
    let n = this.#everything.size + this.#ranges.size;
    for (const set of this.#exact.values()) n += set.size;
    for (const set of this.#prefixes.values()) n += set.size;
    return n;
  }

  add(watcher: Watcher): void {
    const { key, rangeEnd } = watcher.range;
    if (rangeEnd === '\0' && (key === '\0' || key === '')) this.#everything.add(watcher);
    else if (rangeEnd === undefined) bucket(this.#exact, key).add(watcher);
    else if (key !== '' && rangeEnd === prefixEnd(key)) {
      bucket(this.#prefixes, key).add(watcher);
      if (!this.#lengths.includes(key.length)) this.#lengths = [...this.#lengths, key.length].sort((a, b) => a - b);
    } else this.#ranges.add(watcher);
  }

  remove(watcher: Watcher): void {
    this.#everything.delete(watcher);
    this.#ranges.delete(watcher);
    const { key } = watcher.range;
    for (const index of [this.#exact, this.#prefixes]) {
      const set = index.get(key);
      if (set?.delete(watcher) && set.size === 0) index.delete(key);
    }
  }

  cancelAll(compactRevision: number): void {
    const all = [this.#everything, this.#ranges, ...this.#exact.values(), ...this.#prefixes.values()].flatMap((set) => [...set]);
    for (const watcher of all) {
      this.remove(watcher);
      watcher.cancel(compactRevision);
    }
  }

  /** Delivers the events of one revision to everybody concerned, one delivery per watcher. */
  notify(revision: number, events: readonly WatchEvent[]): void {
    for (const watcher of this.#everything) watcher.deliver(revision, events);
    if (this.#exact.size + this.#prefixes.size + this.#ranges.size === 0) return;
    const first = events[0];
    if (events.length === 1 && first) {
      for (const watcher of this.#matching(first.kv.key)) watcher.deliver(revision, events);
      return;
    }
    const perWatcher = new Map<Watcher, WatchEvent[]>();
    for (const event of events) {
      for (const watcher of this.#matching(event.kv.key)) {
        const list = perWatcher.get(watcher);
        if (list) list.push(event);
        else perWatcher.set(watcher, [event]);
      }
    }
    for (const [watcher, list] of perWatcher) watcher.deliver(revision, list);
  }

  *#matching(key: string): Iterable<Watcher> {
    const exact = this.#exact.get(key);
    if (exact) yield* exact;
    for (const length of this.#lengths) {
      if (length > key.length) break;
      const set = this.#prefixes.get(key.slice(0, length));
      if (set) yield* set;
    }
    for (const watcher of this.#ranges) if (inRange(watcher.range, key)) yield watcher;
  }
}

/** Whether `key` lies in the range. */
export function inRange(range: KeyRange, key: string): boolean {
  if (range.rangeEnd === undefined) return key === range.key;
  return key >= range.key && (range.rangeEnd === '\0' || key < range.rangeEnd);
}

function bucket(index: Map<string, Set<Watcher>>, key: string): Set<Watcher> {
  let set = index.get(key);
  if (!set) {
    set = new Set();
    index.set(key, set);
  }
  return set;
}
