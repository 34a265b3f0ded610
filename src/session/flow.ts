// A flow is the tree of trace records below one user action. This file says which phase a record belongs to and
// which records are the steps of a flow at each level.

import { CALL, type TraceRecord } from '../cluster/sim/trace.ts';
import type { Micros } from '../cluster/sim/time.ts';
import { type Action, type Phase, PHASES, type StepLevel } from './protocol.ts';

const INTENT = 0;
const DECIDE = 1;
const REALISE = 2;
const REPORT = 3;
type PhaseIndex = 0 | 1 | 2 | 3;
/** Beside a phase: nothing has followed from the record yet, and once something does, it is a step. */
const UNFOLLOWED = 4;

const CONTROLLER_MANAGER = 'kube-controller-manager';
/** Writes by which a controller decides anew, even when a report made it look. */
const DECIDING_VERBS = new Set(['create', 'delete']);
const DECIDED_RESOURCES = new Set(['pods', 'replicasets', 'daemonsets', 'statefulsets', 'jobs', 'deployments']);

/** The phase of a record, given the phase of the record that it follows from. */
function phaseIndexOf(record: TraceRecord, cause: PhaseIndex): PhaseIndex {
  const resource = record.subject?.resource ?? '';
  switch (record.kind) {
    case 'input':
      return INTENT;
    case 'controller':
      return cause === INTENT ? DECIDE : cause === REALISE ? REPORT : cause;
    case 'scheduler':
      return DECIDE;
    case 'kubelet':
      return record.verb === 'updateStatus' ? REPORT : cause === REPORT ? REPORT : REALISE;
    case 'cri':
    case 'cni':
    case 'image':
    case 'probe':
      return cause === REPORT ? REPORT : REALISE;
    case 'dataplane':
      return cause === REPORT ? REPORT : REALISE;
    case 'http':
      if (record.verb === 'response' || resource === 'events') return cause;
      if (record.from.endsWith('/kubelet') && resource === 'pods') return REPORT;
      if (DECIDING_VERBS.has(record.verb) && record.from.includes(CONTROLLER_MANAGER) && DECIDED_RESOURCES.has(resource)) return DECIDE;
      return cause;
    default:
      return cause;
  }
}

/**
 * Whether a record is a step at the call level: the calls that write, the decisions, and what reaches a machine. An
 * event on a watch is one only if somebody did something about it; reads, answers and the writing of Events are for the
 * level below.
 */
function callStep(record: TraceRecord): 'yes' | 'no' | 'when followed' {
  const resource = record.subject?.resource;
  if (record.level !== CALL || resource === 'events' || resource === 'leases') return 'no';
  const { kind, verb } = record;
  switch (kind) {
    case 'network':
    case 'packet':
      return 'no';
    case 'watch':
      return 'when followed';
    case 'http':
      if (record.from.startsWith(OPERATOR) || record.to.startsWith(OPERATOR)) return 'yes';
      return READS.has(verb) ? 'no' : 'yes';
    case 'etcd':
      return verb === 'txn' ? 'yes' : verb === 'watch' ? 'when followed' : 'no';
    case 'raft':
      return verb === 'commit' ? 'yes' : 'no';
    case 'cri':
      if (verb === 'ContainerEvent') return 'when followed';
      return verb.endsWith('Response') || verb.endsWith('Status') ? 'no' : 'yes';
    default:
      return 'yes';
  }
}

const OPERATOR = 'machine/operator/';
const READS = new Set(['response', 'get', 'list', 'watch', 'GET']);

/** One flow as it grows: its records' ids in order, and its steps at each level. */
export class Flow {
  readonly id: number;
  readonly at: Micros;
  readonly action: Action;
  readonly all: number[] = [];
  readonly call: number[] = [];
  /** For each phase the id of its last record, or 0. */
  readonly #lastOf: [number, number, number, number] = [0, 0, 0, 0];
  /** When its newest record was emitted. */
  lastAt: Micros;

  constructor(id: number, at: Micros, action: Action) {
    this.id = id;
    this.at = at;
    this.action = action;
    this.lastAt = at;
  }

  /** Returns whether the record becomes a step of the call level once something follows from it: see `follow`. */
  add(record: TraceRecord, phase: PhaseIndex, now: Micros): boolean {
    this.all.push(record.id);
    const step = callStep(record);
    if (step === 'yes') this.call.push(record.id);
    this.#lastOf[phase] = record.id;
    this.lastAt = now;
    return step === 'when followed';
  }

  /** The step ids at a level. The step of a phase is its last record: the cluster as the phase left it. */
  steps(level: StepLevel): readonly number[] {
    if (level === 'all') return this.all;
    if (level === 'call') return this.call;
    const steps: number[] = [];
    for (const last of this.#lastOf) if (last > (steps.at(-1) ?? 0)) steps.push(last);
    return steps;
  }

  /** An earlier record becomes a step of the call level; its place is never far from the end. */
  follow(id: number): void {
    let i = this.call.length;
    while (i > 0 && (this.call[i - 1] as number) > id) i--;
    this.call.splice(i, 0, id);
  }
}

/** All flows of a session. Feed it every record in order. */
export class Flows {
  readonly #flows = new Map<number, Flow>();
  /** Phase of each record in memory, in order, with UNFOLLOWED; the first belongs to record `#first`. */
  #phases: number[] = [];
  #first = 1;
  #action: Action | null = null;

  /** The action whose `input` record comes next; null takes it back. */
  announce(action: Action | null): void {
    this.#action = action;
  }

  add(record: TraceRecord, now: Micros): void {
    if (this.#phases.length === 0) this.#first = record.id;
    if (record.flow === 0) {
      this.#phases.push(INTENT);
      return;
    }
    if (record.kind === 'input' && this.#action !== null) {
      this.#flows.set(record.id, new Flow(record.id, record.start, this.#action));
      this.#action = null;
    }
    const at = record.cause - this.#first;
    const mark = this.#phases[at] ?? INTENT;
    const causePhase = (mark & ~UNFOLLOWED) as PhaseIndex;
    const phase = phaseIndexOf(record, causePhase);
    const flow = this.#flows.get(record.flow);
    if (mark !== causePhase && record.id !== record.flow) {
      this.#phases[at] = causePhase;
      flow?.follow(record.cause);
    }
    this.#phases.push(flow !== undefined && flow.add(record, phase, now) ? phase | UNFOLLOWED : phase);
  }

  /** Forgets records that left the trace's memory; a flow that lost its root is gone. */
  drop(records: readonly TraceRecord[]): void {
    this.#phases = this.#phases.slice(records.length);
    this.#first += records.length;
    for (const record of records) if (record.id === record.flow) this.#flows.delete(record.id);
  }

  get(id: number): Flow | undefined {
    return this.#flows.get(id);
  }

  list(): readonly Flow[] {
    return [...this.#flows.values()];
  }

  phaseOf(recordId: number): Phase {
    return PHASES[(this.#phases[recordId - this.#first] ?? INTENT) & ~UNFOLLOWED] as Phase;
  }
}
