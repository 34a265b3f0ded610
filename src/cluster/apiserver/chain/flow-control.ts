// API priority and fairness, in its outline: a flow schema puts each request into a priority level; a level has seats;
// who finds none waits in the level's queue, or is turned away when that is full. Seats follow upstream's shares.

import { tooManyRequests } from '../../api/status.ts';
import { Deferred, TIMED_OUT } from '../../sim/channel.ts';
import type { Op, Simulation } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { RequestContext } from '../request.ts';

/** --max-requests-inflight + --max-mutating-requests-inflight. */
const TOTAL_SEATS = 600;
/** A request may wait at most a quarter of its 60 s. */
const MAX_WAIT = 15 * SECOND;

interface LevelSpec {
  readonly shares: number;
  readonly queueLength: number;
}

/** Nominal concurrency shares and queue room of the suggested and mandatory configuration; exempt has no limit. */
const LEVELS: Readonly<Record<string, LevelSpec>> = {
  system: { shares: 30, queueLength: 64 * 50 },
  'node-high': { shares: 40, queueLength: 64 * 50 },
  'leader-election': { shares: 10, queueLength: 16 * 50 },
  'workload-high': { shares: 40, queueLength: 128 * 50 },
  'workload-low': { shares: 100, queueLength: 128 * 50 },
  'global-default': { shares: 20, queueLength: 128 * 50 },
  'catch-all': { shares: 5, queueLength: 0 },
};

export interface Classification {
  readonly flowSchema: string;
  readonly priorityLevel: string;
}

const classes = new Map<string, Classification>();

function into(flowSchema: string, priorityLevel: string): Classification {
  let known = classes.get(flowSchema);
  if (!known) {
    known = Object.freeze({ flowSchema, priorityLevel });
    classes.set(flowSchema, known);
  }
  return known;
}

const LEADERS = new Set(['system:kube-controller-manager', 'system:kube-scheduler']);

/** The first flow schema that matches, in the order of their precedence. */
export function classify(context: RequestContext): Classification {
  const { user, info } = context;
  const { groups } = user;
  if (groups.includes('system:masters')) return into('exempt', 'exempt');
  if (!info.isResource && (info.path === '/healthz' || info.path === '/livez' || info.path === '/readyz')) return into('probes', 'exempt');
  const node = groups.includes('system:nodes');
  if (node && (info.resource === 'nodes' || info.resource === 'leases')) return into('system-node-high', 'node-high');
  if (node) return into('system-nodes', 'system');
  if (info.resource === 'leases' && LEADERS.has(user.name)) return into('system-leader-election', 'leader-election');
  if (info.resource === 'endpoints' || info.resource === 'leases') {
    if (user.name.startsWith('system:serviceaccount:kube-system:')) return into('workload-leader-election', 'leader-election');
  }
  if (user.name === 'system:kube-controller-manager') return into('kube-controller-manager', 'workload-high');
  if (user.name === 'system:kube-scheduler') return into('kube-scheduler', 'workload-high');
  if (groups.includes('system:serviceaccounts:kube-system')) return into('kube-system-service-accounts', 'workload-high');
  if (groups.includes('system:serviceaccounts')) return into('service-accounts', 'workload-low');
  if (groups.includes('system:authenticated') || groups.includes('system:unauthenticated')) return into('global-default', 'global-default');
  return into('catch-all', 'catch-all');
}

class Level {
  readonly seats: number;
  readonly queueLength: number;
  inUse = 0;
  readonly queue: Deferred<void>[] = [];

  constructor(seats: number, queueLength: number) {
    this.seats = seats;
    this.queueLength = queueLength;
  }
}

export class FlowControl {
  readonly #sim: Simulation;
  readonly #levels = new Map<string, Level>();

  constructor(sim: Simulation) {
    this.#sim = sim;
    const shares = Object.values(LEVELS).reduce((sum, level) => sum + level.shares, 0);
    for (const [name, spec] of Object.entries(LEVELS)) {
      this.#levels.set(name, new Level(Math.ceil((TOTAL_SEATS * spec.shares) / shares), spec.queueLength));
    }
  }

  /** Takes a seat at once if one is free: the common case. */
  tryAcquire(c: Classification): boolean {
    const level = this.#levels.get(c.priorityLevel);
    if (!level) return true;
    if (level.inUse >= level.seats) return false;
    level.inUse++;
    return true;
  }

  /** Waits for a seat. @throws ApiError 429 */
  *wait(c: Classification): Op<void> {
    const level = this.#levels.get(c.priorityLevel) as Level;
    if (level.queue.length >= level.queueLength) throw turnedAway();
    const turn = new Deferred<void>(this.#sim);
    level.queue.push(turn);
    const cause = this.#sim.cause;
    const result = yield* turn.waitWithin(MAX_WAIT);
    this.#sim.cause = cause;
    if (result !== TIMED_OUT) return;
    level.queue.splice(level.queue.indexOf(turn), 1);
    throw turnedAway();
  }

  /** Gives the seat back; the next in the queue takes it over. */
  release(c: Classification): void {
    const level = this.#levels.get(c.priorityLevel);
    if (!level) return;
    const next = level.queue.shift();
    if (next) next.resolve();
    else level.inUse--;
  }
}

const turnedAway = () => tooManyRequests('too many requests, please try again later', 1);
