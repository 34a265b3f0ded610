// The parts of one running API server, handed to every stage, and the record that a stage leaves in the trace.

import type { Os } from '../machine/process.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import { DETAIL, type Place } from '../sim/trace.ts';
import type { Random } from '../sim/random.ts';
import type { Admission } from './admission/chain.ts';
import type { Audit, AuditRecord } from './audit/audit.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import type { Rbac } from './authorization/rbac.ts';
import type { Authenticator } from './chain/authenticate.ts';
import type { Classification, FlowControl } from './flowcontrol/flow-control.ts';
import type { Flags } from './flags.ts';
import type { Metrics } from './metrics.ts';
import type { ServiceIps } from './registry/cluster-ips.ts';
import type { Aggregator } from './aggregator/aggregator.ts';
import type { ServerKinds } from './kinds.ts';
import type { NodePorts } from './registry/node-ports.ts';
import type { RequestContext } from './request.ts';
import type { Store } from './storage/store.ts';

export interface Server {
  readonly os: Os;
  readonly sim: Simulation;
  readonly place: Place;
  readonly flags: Flags;
  readonly store: Store;
  /** What it serves now, custom resources included. */
  readonly kinds: ServerKinds;
  /** The way to group versions that other servers serve. */
  readonly aggregator: Aggregator;
  readonly rbac: Rbac;
  readonly authorizer: Authorizer;
  readonly authenticator: Authenticator;
  readonly flowControl: FlowControl;
  readonly metrics: Metrics;
  /** Null when nothing is written down. */
  readonly audit: Audit | null;
  readonly admission: Admission;
  readonly serviceIps: ServiceIps;
  readonly nodePorts: NodePorts;
  /** Draws uids. */
  readonly uids: Random;
  /** Draws generated names, ports, addresses. */
  readonly random: Random;
  /** Key that signs ServiceAccount tokens, and the one that they are checked with. */
  readonly signingKey: string;
  readonly serviceAccountKey: string;
  /** True once the caches are filled and the post-start hooks are through. */
  ready: boolean;
}

/** The processor time that the request has used since it arrived; paid before something leaves the process. */
export class Meter {
  readonly #sim: Simulation;
  #at: Micros;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#at = sim.now;
  }

  /** Uses `cost`; returns when that work has ended. */
  use(cost: Micros): Micros {
    this.#at = (this.#at > this.#sim.now ? this.#at : this.#sim.now) + cost;
    return this.#at;
  }

  /** Lets the time used pass. */
  settle(): Op<void> {
    return this.#at > this.#sim.now ? this.#sim.sleep(this.#at - this.#sim.now) : NOTHING;
  }
}

/** An operation that is over: waiting for it is not to wait. */
const NOTHING: Op<void> = (function* (): Op<void> {})();
NOTHING.next();

/** A context with its meter. */
export interface Exchange extends RequestContext {
  readonly server: Server;
  readonly meter: Meter;
  /** How priority and fairness sees it, once it does. */
  classified: Classification | null;
  /** Its record in the audit log. */
  audited: AuditRecord | null;
}

/** Charges a stage of the chain and, when somebody looks, records it. `detail` is only built then. */
export function stage(x: Exchange, verb: string, cost: Micros, detail: () => unknown): void {
  const end = x.meter.use(cost);
  if (!x.traced) return;
  const start = end - cost;
  const { sim, place } = x.server;
  sim.trace.emit(sim.cause, { level: DETAIL, kind: 'apiserver', verb, from: place, start, end, subject: x.subject, detail: detail() });
}
