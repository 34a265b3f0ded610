// A member's data directory. Files hold text only, so the write-ahead log's file carries a token, and the token leads to
// the real content: delete the file (or lose the disk) and the data is gone; keep it and a restarted process finds all.

import type { Files } from '../machine/files.ts';
import type { Simulation } from '../sim/simulation.ts';
import { EMPTY_SNAPSHOT, type StableLog } from './raft/log.ts';
import type { Entry, HardState, Snapshot } from './raft/messages.ts';
import { EtcdState } from './state.ts';

export class Disk {
  /** The database (bbolt): all that was applied. */
  state = new EtcdState();
  hardState: HardState | undefined = undefined;
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  #entries: Entry[] = [];

  /** The persisted log, for Raft at start. */
  log(): StableLog {
    return { snapshot: this.#snapshot, entries: this.#entries };
  }

  /** Appends to the write-ahead log; entries that follow a replaced one are cut off. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (!first) return;
    this.#entries.length = Math.min(this.#entries.length, first.index - this.#snapshot.index - 1);
    for (const entry of entries) this.#entries.push(entry);
  }

  /** Replaces everything by a snapshot from the leader. */
  install(snapshot: Snapshot): void {
    this.state = (snapshot.data as EtcdState).clone();
    this.#snapshot = { index: snapshot.index, term: snapshot.term, data: null };
    this.#entries = [];
  }

  /** Drops log entries up to `index`, which the database holds. */
  release(index: number): void {
    const last = this.#entries[index - this.#snapshot.index - 1];
    if (!last) return;
    this.#entries = this.#entries.slice(index - this.#snapshot.index);
    this.#snapshot = { index, term: last.term, data: null };
  }
}

const disks = new WeakMap<Simulation, Map<string, Disk>>();

const WAL = 'member/wal/0000000000000000-0000000000000000.wal';
const DB = 'member/snap/db';

/** The disk under `dataDir`, made new when the directory holds none. */
export function openDisk(sim: Simulation, files: Files, dataDir: string): Disk {
  let known = disks.get(sim);
  if (!known) {
    known = new Map();
    disks.set(sim, known);
  }
  const path = `${dataDir}/${WAL}`;
  const found = files.exists(path) ? known.get(files.read(path)) : undefined;
  if (found) return found;
  const token = `etcd write-ahead log ${known.size + 1}\n`;
  const disk = new Disk();
  known.set(token, disk);
  files.write(path, token);
  files.write(`${dataDir}/${DB}`, token);
  return disk;
}
