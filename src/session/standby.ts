// Replicas that wait in the session's past, so that going back there need not begin with an empty cluster: one where the cluster
// had booted, one half-way through what was done, one just before the latest input. They are made in idle time, and only ever save
// it: a session replayed from a standby is the same, record for record, as one replayed from its log.

import { jsonEqual } from '../cluster/api/meta.ts';
import type { Micros } from '../cluster/sim/time.ts';
import type { Input, SessionLog } from './protocol.ts';
import { Replica } from './replica.ts';

/** A session with a longer memory than this keeps no second copy of it. */
const RECORDS = 100_000;

export class Standbys {
  /** One for each stop, in order; null where none has begun. */
  readonly #replicas: (Replica | null)[] = [];
  /** What the replicas were made for; another cluster needs others. */
  #origin: Pick<SessionLog, 'seed' | 'topology' | 'epoch'> | null = null;

  /**
   * Goes on preparing for a session, of which `live` is the replica, until there is nothing to prepare or `pause` says so.
   * @returns true when all is prepared
   */
  prepare(log: SessionLog, live: Replica, pause: () => boolean): boolean {
    this.#settleOrigin(log);
    const { inputs } = log;
    const [first, last] = [inputs[0], inputs.at(-1)];
    const booted = (this.#replicas[0] ??= new Replica({ ...log, inputs: [] }, live.tools));
    if (!booted.boot(first ? first.at - 1 : live.now, pause)) return false;
    // While a part of the log lies ahead, what waits there may still be wanted.
    if (first === undefined || last === undefined || last.at > live.now) return true;
    const stops = live.cluster.sim.trace.records.length > RECORDS ? [] : stopsOf(inputs, first, last);
    this.#replicas.length = 1 + stops.length;
    for (const [i, stop] of stops.entries()) {
      let replica = this.#replicas[i + 1] ?? null;
      if (replica === null || !isPast(replica, inputs, stop)) replica = new Replica({ ...log, inputs: [] }, live.tools);
      this.#replicas[i + 1] = replica;
      replica.plan(inputs.slice(replica.performed.length));
      if (!replica.runUntil(stop, pause)) return false;
    }
    return true;
  }

  /** The replica of the log that is furthest on its way to `log.until`, now the caller's; null when none has begun. */
  take(log: SessionLog): Replica | null {
    this.#settleOrigin(log);
    const at = this.#replicas.findLastIndex((replica) => replica && isPast(replica, log.inputs, log.until));
    const taken = this.#replicas[at] ?? null;
    if (taken === null) return null;
    this.#replicas[at] = null;
    taken.plan(log.inputs.slice(taken.performed.length));
    return taken;
  }

  #settleOrigin({ seed, topology, epoch }: SessionLog): void {
    const origin = this.#origin;
    if (origin !== null && origin.seed === seed && origin.topology === topology && origin.epoch === epoch) return;
    this.#origin = { seed, topology, ...(epoch === undefined ? {} : { epoch }) };
    this.#replicas.length = 0;
  }
}

/** Where standbys wait beside the one that has just booted: before the input half-way between the first and the latest, and before the latest. */
function stopsOf(inputs: readonly Input[], first: Input, last: Input): Micros[] {
  const middle = inputs.find(({ at }) => 2 * at >= first.at + last.at) ?? last;
  return [middle, last].map(({ at }) => at - 1).filter((stop, i, stops) => stop >= first.at && stop !== stops[i - 1]);
}

/** The replica has done nothing but what these inputs say, and not come beyond `time`. */
function isPast(replica: Replica, inputs: readonly Input[], time: Micros): boolean {
  const { performed } = replica;
  if (replica.now > time || performed.length > inputs.length) return false;
  const next = inputs[performed.length];
  return performed.every((input, i) => same(input, inputs[i] as Input)) && (next === undefined || next.at >= replica.now);
}

const same = (a: Input, b: Input): boolean => a.at === b.at && (a.action === b.action || jsonEqual(a.action, b.action));
