// What the page knows of the cluster at the instant shown: a plain mutable map of rows with listeners per id and per
// group. No React inside. A batch is applied at once and each touched listener is called once.

import type { Batch, Row } from '../../session/protocol.ts';
import { SlotBook } from '../map/slots.ts';

/** `machines`, `pods`, `pods@<machine>` ('' = not scheduled), `processes@<machine>`, `interfaces@<machine>`, `objects`, `events`. */
export type Group = string;

function groupsOf(row: Row): readonly Group[] {
  switch (row.type) {
    case 'machine':
      return ['machines'];
    case 'pod':
      return ['pods', `pods@${row.machine}`];
    case 'process':
      return [`processes@${row.machine}`];
    case 'interface':
      return [`interfaces@${row.machine}`];
    case 'object':
      return ['objects'];
    case 'event':
      return ['events'];
  }
}

const byAge = (a: Row, b: Row): number => {
  const at = (row: Row): number => ('createdAt' in row ? row.createdAt : 0);
  return at(a) - at(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
};

const NONE: readonly string[] = Object.freeze([]);

export class SceneModel {
  readonly slots = new SlotBook();
  readonly #rows = new Map<string, Row>();
  readonly #members = new Map<Group, Set<string>>();
  /** Cached member lists, dropped when the group changes, so that snapshots are stable between changes. */
  readonly #lists = new Map<Group, readonly string[]>();
  readonly #listeners = new Map<string, Set<() => void>>();

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** The ids of a group; the same array until the membership changes. */
  list(group: Group): readonly string[] {
    const cached = this.#lists.get(group);
    if (cached) return cached;
    const members = this.#members.get(group);
    const list = members && members.size > 0 ? [...members] : NONE;
    this.#lists.set(group, list);
    return list;
  }

  size(group: Group): number {
    return this.#members.get(group)?.size ?? 0;
  }

  /** Calls `listener` after a change of the row with this id, or of the group's membership. Returns the way to stop. */
  subscribe(key: string, listener: () => void): () => void {
    let set = this.#listeners.get(key);
    if (!set) this.#listeners.set(key, (set = new Set()));
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0) this.#listeners.delete(key);
    };
  }

  apply(batch: Pick<Batch, 'reset' | 'upserts' | 'deletes'>): void {
    const dirty = new Set<string>();
    if (batch.reset) this.#clear(dirty, new Set(batch.upserts.map((row) => row.id)));
    for (const id of batch.deletes) this.#remove(id, dirty);
    const rows = batch.upserts.length > 1 ? batch.upserts.toSorted(byAge) : batch.upserts;
    for (const row of rows) this.#put(row, dirty);
    const called = new Set<() => void>();
    for (const key of dirty) {
      for (const listener of this.#listeners.get(key) ?? []) {
        if (called.has(listener)) continue;
        called.add(listener);
        listener();
      }
    }
  }

  #clear(dirty: Set<string>, kept: ReadonlySet<string>): void {
    for (const id of this.#rows.keys()) if (!kept.has(id)) this.#remove(id, dirty);
  }

  #put(row: Row, dirty: Set<string>): void {
    const before = this.#rows.get(row.id);
    this.#rows.set(row.id, row);
    dirty.add(row.id);
    if (before === undefined || (before.type === 'pod' && row.type === 'pod' && before.machine !== row.machine)) {
      if (before) this.#leave(before, dirty);
      this.#join(row, dirty);
    } else if (row.type === 'event') this.#touch('events', dirty);
  }

  #remove(id: string, dirty: Set<string>): void {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#rows.delete(id);
    dirty.add(id);
    this.#leave(row, dirty);
  }

  #join(row: Row, dirty: Set<string>): void {
    for (const group of groupsOf(row)) {
      let members = this.#members.get(group);
      if (!members) this.#members.set(group, (members = new Set()));
      members.add(row.id);
      this.#touch(group, dirty);
    }
    if (row.type === 'pod' && row.machine !== '') this.slots.add(row.machine, row.id, row.name);
  }

  #leave(row: Row, dirty: Set<string>): void {
    for (const group of groupsOf(row)) {
      this.#members.get(group)?.delete(row.id);
      this.#touch(group, dirty);
    }
    if (row.type === 'pod' && row.machine !== '') this.slots.remove(row.machine, row.id);
  }

  #touch(group: Group, dirty: Set<string>): void {
    this.#lists.delete(group);
    dirty.add(group);
  }
}
