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

const CONTROLLER_MANAGER = /kube-controller-manager/;
/** Writes by which a controller decides anew, even when a report made it look. */
const DECIDING_VERBS = new Set(['POST', 'DELETE', 'create', 'delete']);
const DECIDED_RESOURCES = new Set(['pods', 'replicasets', 'daemonsets', 'statefulsets', 'jobs', 'deployments']);
const REPORTED_RESOURCES = new Set(['endpointslices', 'endpoints']);

/** The phase of a record, given the phase of the record that it follows from. */
function phaseIndexOf(record: TraceRecord, cause: PhaseIndex): PhaseIndex {
  const resource = record.subject?.resource ?? '';
  switch (record.kind) {
    case 'input':
      return INTENT;
    case 'controller':
      if (REPORTED_RESOURCES.has(resource) || /endpoint/.test(record.from)) return REPORT;
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
      return REPORT;
    case 'http':
      if (record.verb === 'response') return cause;
      if (resource === 'events') return cause;
      if (REPORTED_RESOURCES.has(resource)) return REPORT;
      if (record.from.endsWith('/kubelet') && resource === 'pods' && record.verb !== 'GET') return REPORT;
      if (CONTROLLER_MANAGER.test(record.from) && DECIDING_VERBS.has(record.verb) && DECIDED_RESOURCES.has(resource)) return DECIDE;
      return cause;
    default:
      return cause;
  }
}

/** One flow as it grows: its records' ids in order, and its steps at each level. */
export class Flow {
  readonly id: number;
  readonly at: Micros;
  readonly action: Action;
  readonly all: number[] = [];
  readonly call: number[] = [];
  /** For each phase the id of its first record, or 0. */
  readonly #firstOf: [number, number, number, number] = [0, 0, 0, 0];
  readonly #lastOf: [number, number, number, number] = [0, 0, 0, 0];
  /** When its newest record was emitted. */
  lastAt: Micros;

  constructor(id: number, at: Micros, action: Action) {
    this.id = id;
    this.at = at;
    this.action = action;
    this.lastAt = at;
  }

  add(record: TraceRecord, phase: PhaseIndex, now: Micros): void {
    this.all.push(record.id);
    if (isCallStep(record)) this.call.push(record.id);
    if (this.#firstOf[phase] === 0) this.#firstOf[phase] = record.id;
    this.#lastOf[phase] = record.id;
    this.lastAt = now;
  }

  /**
   * The step ids at a level. A phase's step is its last record before the next phase begins, so that stepping by
   * phases shows the cluster as each phase left it for the next one.
   */
  steps(level: StepLevel): readonly number[] {
    if (level === 'all') return this.all;
    if (level === 'call') return this.call;
    const begun = [INTENT, DECIDE, REALISE, REPORT]
      .filter((p) => this.#firstOf[p as PhaseIndex] !== 0)
      .sort((a, b) => this.#firstOf[a as PhaseIndex] - this.#firstOf[b as PhaseIndex]);
    return begun.map((p, i) => {
      const next = begun[i + 1];
      if (next === undefined) return this.#lastOf[p as PhaseIndex];
      const limit = this.#firstOf[next as PhaseIndex];
      return this.#lastBefore(limit);
    });
  }

  #lastBefore(id: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((this.all[mid] as number) < id) low = mid + 1;
      else high = mid;
    }
    return this.all[Math.max(0, low - 1)] as number;
  }
}

/** At the call level a viewer sees calls and decisions; the writing of Event objects is for the level below. */
function isCallStep(record: TraceRecord): boolean {
  return record.level === CALL && record.subject?.resource !== 'events' && record.subject?.resource !== 'leases';
}

/** All flows of a session. Feed it every record in order. */
export class Flows {
  readonly #flows = new Map<number, Flow>();
  readonly #phases = new Map<number, PhaseIndex>();
  #action: Action | null = null;

  /** The action whose `input` record comes next. */
  announce(action: Action): void {
    this.#action = action;
  }

  add(record: TraceRecord, now: Micros): void {
    if (record.flow === 0) return;
    if (record.kind === 'input' && this.#action !== null) {
      this.#flows.set(record.id, new Flow(record.id, record.start, this.#action));
      this.#action = null;
    }
    const flow = this.#flows.get(record.flow);
    if (!flow) return;
    const phase = phaseIndexOf(record, this.#phases.get(record.cause) ?? INTENT);
    this.#phases.set(record.id, phase);
    flow.add(record, phase, now);
  }

  /** Forgets records that left the trace's memory; a flow that lost its root is gone. */
  drop(records: readonly TraceRecord[]): void {
    for (const record of records) {
      this.#phases.delete(record.id);
      this.#flows.delete(record.id);
    }
  }

  get(id: number): Flow | undefined {
    return this.#flows.get(id);
  }

  list(): readonly Flow[] {
    return [...this.#flows.values()];
  }

  phaseOf(recordId: number): Phase {
    return PHASES[this.#phases.get(recordId) ?? INTENT] as Phase;
  }
}
