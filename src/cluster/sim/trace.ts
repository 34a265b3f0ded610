// What really happened: one record for each message between processes and each step inside one.
// Records form trees: `cause` is the record that this one follows from, `flow` the user action at the root.
// Text is never stored; the page turns a record into a sentence.

import { hash32 } from './random.ts';
import type { Micros } from './time.ts';

/** A stable path such as `machine/worker-1/kubelet` or `machine/worker-1/pod/default/web-x/container/nginx`. */
export type Place = string;

export type TraceKind =
  | 'input' // a person's action: the root of a flow
  | 'http' // a request or a response between two processes
  | 'watch' // one event on a watch stream
  | 'apiserver' // a stage of the API server's request chain
  | 'etcd' // a gRPC request or response of etcd
  | 'raft' // a proposal, an append, a commit
  | 'controller' // one sync of one controller
  | 'scheduler' // filter, score, bind …
  | 'kubelet' // a decision of the kubelet
  | 'cri' // kubelet ↔ container runtime
  | 'cni' // runtime ↔ CNI plug-in
  | 'image' // registry ↔ runtime
  | 'process' // a process starts or ends on a machine
  | 'network' // an interface, a route, a neighbour, a rule table changes
  | 'packet' // a packet's walk
  | 'dns'
  | 'probe'
  | 'dataplane' // kube-proxy, flannel writing their tables
  | 'file';

/** How deep a viewer must look to see the record: a call between components, or a step inside one. */
export const CALL = 1;
export const DETAIL = 2;
export type Level = typeof CALL | typeof DETAIL;

export interface Subject {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One value of the visible state replaced by another. The fold of all changes is what the map shows. */
export interface Change {
  /** e.g. `object/pods/default/web`, `process/worker-1/4711`, `interface/worker-1/<netns>/eth0`. */
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface TraceRecord {
  readonly id: number;
  /** Id of the `input` record at the root; 0 for what no user action caused (leases, probes, boot). */
  readonly flow: number;
  /** Id of the record this one follows from; 0 for a root. */
  readonly cause: number;
  readonly level: Level;
  /** Sent or begun. */
  readonly start: Micros;
  /** Arrives or is finished. */
  readonly end: Micros;
  readonly from: Place;
  readonly to: Place;
  readonly kind: TraceKind;
  readonly verb: string;
  readonly subject: Subject | null;
  /** Plain frozen data, or null: payload, object, headers, scores. */
  readonly detail: unknown;
  readonly change: Change | null;
}

/** What a task carries along to say what it works for; a TraceRecord is one. */
export type Cause = Pick<TraceRecord, 'id' | 'flow'>;

export type Emission = {
  level?: Level;
  start: Micros;
  end?: Micros;
  from: Place;
  to?: Place;
  kind: TraceKind;
  verb: string;
  subject?: Subject | null;
  detail?: unknown;
  change?: Change | null;
};

/** A bounded memory of records. When full, the oldest tenth is given to `onDrop` and forgotten. */
export class Trace {
  #records: TraceRecord[] = [];
  #nextId = 1;
  readonly #capacity: number;
  /** Called with each record as it is emitted. */
  onEmit: ((record: TraceRecord) => void) | null = null;
  /** Called with records as they leave the memory. */
  onDrop: ((records: readonly TraceRecord[]) => void) | null = null;

  constructor(capacity = 200_000) {
    this.#capacity = capacity;
  }

  /** The records in memory, in the order in which they were emitted (ids ascend without gaps). */
  get records(): readonly TraceRecord[] {
    return this.#records;
  }

  get lastId(): number {
    return this.#nextId - 1;
  }

  /** The record, or undefined once it was forgotten. */
  get(id: number): TraceRecord | undefined {
    const first = this.#records[0];
    return first ? this.#records[id - first.id] : undefined;
  }

  /**
   * True when a DETAIL record under this cause would be kept. Background work is recorded at CALL level only;
   * ask before building an expensive detail.
   */
  wants(level: Level, cause: Cause | null): boolean {
    return level === CALL || (cause !== null && cause.flow !== 0);
  }

  /** Adds a record below `cause` and returns it; its own id becomes the flow when it is an `input`. */
  emit(cause: Cause | null, e: Emission): TraceRecord {
    const id = this.#nextId++;
    const record: TraceRecord = {
      id,
      flow: e.kind === 'input' ? id : cause === null ? 0 : cause.flow,
      cause: cause === null ? 0 : cause.id,
      level: e.level ?? CALL,
      start: e.start,
      end: e.end ?? e.start,
      from: e.from,
      to: e.to ?? e.from,
      kind: e.kind,
      verb: e.verb,
      subject: e.subject ?? null,
      detail: e.detail ?? null,
      change: e.change ?? null,
    };
    this.#records.push(record);
    this.onEmit?.(record);
    if (this.#records.length > this.#capacity) {
      const dropped = this.#records.splice(0, Math.ceil(this.#capacity / 10));
      this.onDrop?.(dropped);
    }
    return record;
  }
}

/** A 64-bit hash (hex) of records, the same for the same session on every engine. */
export function hashRecords(records: Iterable<TraceRecord>): string {
  let a = 0x811c9dc5;
  let b = 0x01234567;
  for (const record of records) {
    const text = JSON.stringify(record);
    a = hash32(text, a);
    b = hash32(text, b);
  }
  return a.toString(16).padStart(8, '0') + b.toString(16).padStart(8, '0');
}
