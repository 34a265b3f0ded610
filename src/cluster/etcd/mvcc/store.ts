// etcd's multi-version store (server/storage/mvcc): every write makes a new revision, old versions stay readable until
// compaction, and the log of events lets a watcher start in the past. A pure structure: no time, no I/O.

import {
  type Compare,
  type DeleteRangeRequest,
  errCompacted,
  errFutureRevision,
  KeyValue,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type ResponseOp,
  type TxnRequest,
  type WatchEvent,
} from '../messages.ts';
import { OrderedMap } from './ordered.ts';

export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

export interface TxnResult {
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
  readonly events: readonly WatchEvent[];
}

/** All events of one revision. */
export interface RevisionEvents {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

/** The versions of one key since the last compaction, oldest first; the last may be a tombstone. */
interface KeyHistory {
  readonly key: string;
  versions: KeyValue[];
}

export class MvccStore {
  /** The newest revision; etcd begins at 1. */
  revision = 1;
  /** Revisions below this can no longer be read or watched. */
  compactRevision = 0;
  readonly #keys = new OrderedMap<KeyHistory>();
  /** Revisions ≥ compactRevision that changed something, ascending; #log[#logStart] is the first that counts. */
  #log: RevisionEvents[] = [];
  #logStart = 0;
  #live = 0;

  /** Number of keys that exist now. */
  get size(): number {
    return this.#live;
  }

  /** The current version of a key, or undefined. */
  get(key: string): KeyValue | undefined {
    const versions = this.#keys.get(key)?.versions;
    const current = versions?.[versions.length - 1];
    return current && current.value !== null ? current : undefined;
  }

  /** @throws EtcdError when the revision is compacted or not there yet. */
  range(request: RangeRequest): RangeResult {
    const at = request.revision ?? 0;
    if (at > this.revision) throw errFutureRevision();
    if (at > 0 && at < this.compactRevision) throw errCompacted();
    if (request.rangeEnd === undefined) {
      const kv = at === 0 ? this.get(request.key) : versionAt(this.#keys.get(request.key), at);
      return { kvs: kv && !request.countOnly ? [kv] : [], more: false, count: kv ? 1 : 0 };
    }
    const limit = request.limit && request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
    const kvs: KeyValue[] = [];
    let count = 0;
    this.#keys.walk(request.key, request.rangeEnd === '\0' ? null : request.rangeEnd, (history) => {
      const kv = at === 0 ? history.versions[history.versions.length - 1] : versionAt(history, at);
      if (!kv || kv.value === null) return;
      count++;
      if (!request.countOnly && kvs.length < limit) kvs.push(kv);
    });
    return { kvs, more: count > limit, count };
  }

  /** Evaluates the comparisons and applies one branch as one revision. Events are empty when nothing was written. */
  txn(request: TxnRequest, leaseOf?: (lease: number) => void): TxnResult {
    let succeeded = true;
    for (const compare of request.compare) {
      if (!this.#holds(compare)) {
        succeeded = false;
        break;
      }
    }
    const events: WatchEvent[] = [];
    const ops = succeeded ? request.success : request.failure;
    for (const op of ops) if ('requestPut' in op && op.requestPut.lease) leaseOf?.(op.requestPut.lease);
    const revision = this.revision + 1;
    const responses: ResponseOp[] = [];
    for (const op of ops) responses.push(this.#apply(op, revision, events));
    this.#record(revision, events);
    return { succeeded, responses, events };
  }

  /** Deletes single keys as one revision: what the end of a lease does. */
  deleteKeys(keys: Iterable<string>): readonly WatchEvent[] {
    const events: WatchEvent[] = [];
    for (const key of keys) this.#delete({ key }, this.revision + 1, events);
    this.#record(this.revision + 1, events);
    return events;
  }

  /**
   * What happened at and after `start`, oldest first.
   * @throws EtcdError when `start` was compacted.
   */
  *since(start: number): Iterable<RevisionEvents> {
    if (start < this.compactRevision) throw errCompacted();
    let low = this.#logStart;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#log[middle] as RevisionEvents).revision < start) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.#log.length; i++) yield this.#log[i] as RevisionEvents;
  }

  /** Forgets all versions that a read at `revision` or later cannot see. @throws EtcdError */
  compact(revision: number): void {
    if (revision <= this.compactRevision) throw errCompacted();
    if (revision > this.revision) throw errFutureRevision();
    this.compactRevision = revision;
    let at = this.#logStart;
    for (; at < this.#log.length; at++) {
      const entry = this.#log[at] as RevisionEvents;
      if (entry.revision > revision) break;
      for (const event of entry.events) this.#prune(event.kv.key, revision);
      if (entry.revision === revision) break;
    }
    this.#logStart = at;
    if (this.#logStart > 1024 && this.#logStart * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#logStart);
      this.#logStart = 0;
    }
  }

  /** An independent copy (values are shared: they are immutable). What a Raft snapshot carries. */
  clone(): MvccStore {
    const copy = new MvccStore();
    copy.revision = this.revision;
    copy.compactRevision = this.compactRevision;
    copy.#live = this.#live;
    copy.#log = this.#log.slice(this.#logStart);
    this.#keys.walk('', null, (history) => copy.#keys.set(history.key, { key: history.key, versions: [...history.versions] }));
    return copy;
  }

  #holds(compare: Compare): boolean {
    const kv = this.get(compare.key);
    const actual = !kv ? 0 : compare.target === 'MOD' ? kv.modRevision : compare.target === 'CREATE' ? kv.createRevision : kv.version;
    switch (compare.result) {
      case 'EQUAL':
        return actual === compare.revision;
      case 'NOT_EQUAL':
        return actual !== compare.revision;
      case 'GREATER':
        return actual > compare.revision;
      case 'LESS':
        return actual < compare.revision;
    }
  }

  #apply(op: RequestOp, revision: number, events: WatchEvent[]): ResponseOp {
    if ('requestPut' in op) return { responsePut: this.#put(op.requestPut, revision, events) };
    if ('requestDeleteRange' in op) {
      const prevKvs = this.#delete(op.requestDeleteRange, revision, events);
      return { responseDeleteRange: { deleted: prevKvs.length, prevKvs } };
    }
    return { responseRange: this.range(op.requestRange) };
  }

  #put(request: PutRequest, revision: number, events: WatchEvent[]): { kv: KeyValue; prevKv: KeyValue | null } {
    let history = this.#keys.get(request.key);
    if (!history) {
      history = { key: request.key, versions: [] };
      this.#keys.set(request.key, history);
    }
    const last = history.versions[history.versions.length - 1];
    const prevKv = last && last.value !== null ? last : null;
    const created = prevKv ? prevKv.createRevision : revision;
    const kv = new KeyValue(request.key, request.value, created, revision, prevKv ? prevKv.version + 1 : 1, request.lease ?? 0);
    history.versions.push(kv);
    if (!prevKv) this.#live++;
    events.push({ type: 'PUT', kv, prevKv });
    return { kv, prevKv };
  }

  #delete(request: DeleteRangeRequest, revision: number, events: WatchEvent[]): readonly KeyValue[] {
    const { kvs } = this.range(request);
    for (const prevKv of kvs) {
      const kv = new KeyValue(prevKv.key, null, 0, revision, 0, 0);
      (this.#keys.get(prevKv.key) as KeyHistory).versions.push(kv);
      this.#live--;
      events.push({ type: 'DELETE', kv, prevKv });
    }
    return kvs;
  }

  #record(revision: number, events: readonly WatchEvent[]): void {
    if (events.length === 0) return;
    this.revision = revision;
    this.#log.push({ revision, events });
  }

  /** Keeps the newest version ≤ `revision` and all later ones; a tombstone ≤ `revision` goes, too. */
  #prune(key: string, revision: number): void {
    const history = this.#keys.get(key);
    if (!history) return;
    const versions = history.versions;
    let keep = 0;
    while (keep + 1 < versions.length && (versions[keep + 1] as KeyValue).modRevision <= revision) keep++;
    const first = versions[keep] as KeyValue;
    if (first.value === null && first.modRevision <= revision) keep++;
    if (keep === 0) return;
    history.versions = versions.slice(keep);
    if (history.versions.length === 0) this.#keys.delete(key);
  }
}

function versionAt(history: KeyHistory | undefined, revision: number): KeyValue | undefined {
  if (!history) return undefined;
  for (let i = history.versions.length - 1; i >= 0; i--) {
    const kv = history.versions[i] as KeyValue;
    if (kv.modRevision <= revision) return kv.value === null ? undefined : kv;
  }
  return undefined;
}
