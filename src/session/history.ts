// What happened, kept so that the view can go back and forth: the trace's records, when each was emitted, and the
// fold of their changes at the view. Going back applies `before`, going forward `after`; nothing is copied, since
// every value in a change is frozen.

import type { Trace, TraceRecord } from '../cluster/sim/trace.ts';
import type { Micros } from '../cluster/sim/time.ts';

export type OnChange = (key: string, before: unknown, after: unknown) => void;

export class History {
  readonly #trace: Trace;
  readonly #onChange: OnChange;
  /** Emission time of trace.records[i]. */
  #times: Micros[] = [];
  /** Values at the view, by change key. */
  readonly #state = new Map<string, unknown>();
  /** Id of the last record that the view includes. */
  #view = 0;

  constructor(trace: Trace, onChange: OnChange) {
    this.#trace = trace;
    this.#onChange = onChange;
  }

  /** Must be called with every record, at the instant it is emitted. */
  record(at: Micros): void {
    this.#times.push(at);
  }

  /** Must be called with the records that leave the memory: the view cannot stay before them. */
  drop(records: readonly TraceRecord[]): void {
    const last = records.at(-1);
    if (!last) return;
    // The trace has already forgotten them, so fold those that the view has not reached by hand.
    for (const record of records) if (record.id > this.#view) this.#apply(record, 'after');
    if (last.id > this.#view) this.#view = last.id;
    this.#times = this.#times.slice(records.length);
  }

  get viewId(): number {
    return this.#view;
  }

  get lastId(): number {
    return this.#trace.lastId;
  }

  get earliest(): Micros {
    return this.#times[0] ?? 0;
  }

  value(key: string): unknown {
    return this.#state.get(key);
  }

  entries(): IterableIterator<[string, unknown]> {
    return this.#state.entries();
  }

  /** When a record was emitted. */
  timeOf(id: number): Micros {
    const first = this.#trace.records[0];
    return first ? (this.#times[id - first.id] ?? this.earliest) : 0;
  }

  /** The last record emitted at or before `time`; 0 before the first. */
  idAt(time: Micros): number {
    const first = this.#trace.records[0];
    if (!first) return 0;
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((this.#times[mid] as Micros) <= time) low = mid + 1;
      else high = mid;
    }
    return first.id + low - 1;
  }

  /** Moves the view so that it includes exactly the records up to `id`. */
  moveTo(id: number): void {
    const records = this.#trace.records;
    const first = records[0];
    if (!first) return;
    const target = Math.min(Math.max(id, first.id - 1), this.#trace.lastId);
    while (this.#view < target) {
      this.#view++;
      this.#apply(records[this.#view - first.id] as TraceRecord, 'after');
    }
    while (this.#view > target) {
      this.#apply(records[this.#view - first.id] as TraceRecord, 'before');
      this.#view--;
    }
  }

  #apply(record: TraceRecord, side: 'before' | 'after'): void {
    const change = record.change;
    if (change === null) return;
    const previous = this.#state.get(change.key) ?? null;
    const value = change[side] ?? null;
    if (value === null) this.#state.delete(change.key);
    else this.#state.set(change.key, value);
    this.#onChange(change.key, previous, value);
  }
}
