// The event queue: entries in the total order (time, order of arrival). What is due now goes through a ring buffer,
// what is due later through a four-way heap whose keys lie in typed arrays.

import type { Task } from './simulation.ts';
import type { Micros } from './time.ts';
import type { Cause } from './trace.ts';

export interface QueueEntry {
  readonly time: Micros;
  /** The task to resume, or null for a callback. */
  readonly task: Task | null;
  /** The wait of the task that this entry ends. */
  readonly park: number;
  readonly value: unknown;
  readonly failed: boolean;
  readonly cause: Cause | null;
  /** The callback; null once called or cancelled. */
  action: (() => void) | null;
}

const isDead = (e: QueueEntry): boolean => (e.task === null ? e.action === null : e.task.ended || e.task.park !== e.park);

/** Below this many overtaken entries the heap is not worth rebuilding. */
const REBUILD_AFTER = 1024;

export class EventQueue {
  #times = new Float64Array(256);
  #seqs = new Float64Array(256);
  #entries: QueueEntry[] = [];
  #seq = 0;
  #overtaken = 0;

  #ring: (QueueEntry | undefined)[] = new Array(1024);
  #head = 0;
  #tail = 0;

  /** Adds an entry that is due at the present instant: it runs after everything already due. */
  pushNow(entry: QueueEntry): void {
    const ring = this.#ring;
    ring[this.#tail] = entry;
    this.#tail = (this.#tail + 1) & (ring.length - 1);
    if (this.#tail === this.#head) this.#growRing();
  }

  /** Adds an entry that is due later. */
  push(entry: QueueEntry): void {
    const n = this.#entries.length;
    if (n === this.#times.length) this.#growHeap();
    this.#entries.push(entry);
    this.#siftUp(n, entry.time, this.#seq++, entry);
  }

  /** Counts an entry that will find nobody. When such entries are the larger part, the heap is rebuilt without them. */
  noteOvertaken(): void {
    if (++this.#overtaken < REBUILD_AFTER || this.#overtaken * 2 < this.#entries.length) return;
    this.#overtaken = 0;
    const kept = this.#entries.map((entry, i) => ({ entry, time: this.#times[i] as number, seq: this.#seqs[i] as number })).filter((k) => !isDead(k.entry));
    this.#entries = [];
    for (const { entry, time, seq } of kept) {
      this.#entries.push(entry);
      this.#siftUp(this.#entries.length - 1, time, seq, entry);
    }
  }

  /** When the next entry is due; undefined when there is none. */
  nextTime(now: Micros): Micros | undefined {
    while (this.#entries.length > 0 && isDead(this.#entries[0] as QueueEntry)) this.#popHeap();
    const top = this.#entries.length > 0 ? (this.#times[0] as number) : undefined;
    return this.#head === this.#tail ? top : now;
  }

  /** The next entry in order, unless it is due after `limit`. */
  pop(now: Micros, limit: Micros): QueueEntry | undefined {
    const due = this.#entries.length > 0 ? (this.#times[0] as number) : Number.POSITIVE_INFINITY;
    // A heap entry that is due now was added before the clock reached now, so it precedes the whole ring.
    if (due <= now) return this.#popHeap();
    if (this.#head !== this.#tail) {
      const entry = this.#ring[this.#head];
      this.#ring[this.#head] = undefined;
      this.#head = (this.#head + 1) & (this.#ring.length - 1);
      return entry;
    }
    return due <= limit && due !== Number.POSITIVE_INFINITY ? this.#popHeap() : undefined;
  }

  #siftUp(from: number, time: number, seq: number, entry: QueueEntry): void {
    const times = this.#times;
    const seqs = this.#seqs;
    const entries = this.#entries;
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      const t = times[parent] as number;
      if (t < time || (t === time && (seqs[parent] as number) < seq)) break;
      times[i] = t;
      seqs[i] = seqs[parent] as number;
      entries[i] = entries[parent] as QueueEntry;
      i = parent;
    }
    times[i] = time;
    seqs[i] = seq;
    entries[i] = entry;
  }

  #popHeap(): QueueEntry {
    const times = this.#times;
    const seqs = this.#seqs;
    const entries = this.#entries;
    const top = entries[0] as QueueEntry;
    const last = entries.pop() as QueueEntry;
    const n = entries.length;
    if (n === 0) return top;
    const time = times[n] as number;
    const seq = seqs[n] as number;
    let i = 0;
    for (;;) {
      const first = 4 * i + 1;
      if (first >= n) break;
      let child = first;
      let t = times[first] as number;
      let s = seqs[first] as number;
      const end = Math.min(first + 4, n);
      for (let c = first + 1; c < end; c++) {
        const ct = times[c] as number;
        if (ct < t || (ct === t && (seqs[c] as number) < s)) {
          child = c;
          t = ct;
          s = seqs[c] as number;
        }
      }
      if (time < t || (time === t && seq < s)) break;
      times[i] = t;
      seqs[i] = s;
      entries[i] = entries[child] as QueueEntry;
      i = child;
    }
    times[i] = time;
    seqs[i] = seq;
    entries[i] = last;
    return top;
  }

  #growHeap(): void {
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    this.#times = times;
    const seqs = new Float64Array(this.#seqs.length * 2);
    seqs.set(this.#seqs);
    this.#seqs = seqs;
  }

  #growRing(): void {
    const old = this.#ring;
    const grown: (QueueEntry | undefined)[] = new Array(old.length * 2);
    for (let i = 0; i < old.length; i++) grown[i] = old[(this.#head + i) & (old.length - 1)];
    this.#ring = grown;
    this.#head = 0;
    this.#tail = old.length;
  }
}
