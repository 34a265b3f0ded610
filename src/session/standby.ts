// Replicas that wait in the session's past, so that going back there need not begin with an empty cluster: one where the cluster
// had booted, one just before the latest input. They are made in idle time, and only ever save it: a session replayed from a
// standby is the same, record for record, as one replayed from its log.

import { jsonEqual } from '../cluster/api/meta.ts';
import type { Micros } from '../cluster/sim/time.ts';
import type { Input, SessionLog } from './protocol.ts';
import { Replica } from './replica.ts';

/** A session with a longer memory than this keeps no second copy of it. */
const RECORDS = 100_000;

export class Standbys {
  #booted: Replica | null = null;
  #latest: Replica | null = null;
  /** What the replicas were made for; another cluster needs others. */
  #origin: Pick<SessionLog, 'seed' | 'topology' | 'epoch'> | null = null;

  /**
   * Goes on preparing for a session, of which `live` is the replica, until there is nothing to prepare or `pause` says so.
   * @returns true when all is prepared
   */
  prepare(log: SessionLog, live: Replica, pause: () => boolean): boolean {
    this.#settleOrigin(log);
    const first = log.inputs[0];
    this.#booted ??= new Replica({ ...log, inputs: [] }, live.tools);
    if (!this.#booted.boot(first ? first.at - 1 : live.now, pause)) return false;
    const last = log.inputs.at(-1);
    if (last === undefined || last === first || last.at > live.now) return true;
    const tooLong = live.cluster.sim.trace.records.length > RECORDS;
    if (this.#latest !== null && (tooLong || !isPast(this.#latest, log.inputs, last.at - 1))) this.#latest = null;
    if (tooLong) return true;
    this.#latest ??= new Replica({ ...log, inputs: [] }, live.tools);
    this.#latest.plan(log.inputs.slice(this.#latest.performed.length));
    return this.#latest.runUntil(last.at - 1, pause);
  }

  /** The replica of the log that is furthest on its way to `log.until`, now the caller's; null when none has begun. */
  take(log: SessionLog): Replica | null {
    this.#settleOrigin(log);
    const latest = this.#latest !== null && isPast(this.#latest, log.inputs, log.until) ? this.#latest : null;
    const taken = latest ?? (this.#booted !== null && isPast(this.#booted, log.inputs, log.until) ? this.#booted : null);
    if (taken === null) return null;
    if (taken === latest) this.#latest = null;
    else this.#booted = null;
    taken.plan(log.inputs.slice(taken.performed.length));
    return taken;
  }

  #settleOrigin({ seed, topology, epoch }: SessionLog): void {
    const origin = this.#origin;
    if (origin !== null && origin.seed === seed && origin.topology === topology && origin.epoch === epoch) return;
    this.#origin = { seed, topology, ...(epoch === undefined ? {} : { epoch }) };
    this.#booted = null;
    this.#latest = null;
  }
}

/** The replica has done nothing but what these inputs say, and not come beyond `time`. */
function isPast(replica: Replica, inputs: readonly Input[], time: Micros): boolean {
  const { performed } = replica;
  if (replica.now > time || performed.length > inputs.length) return false;
  const next = inputs[performed.length];
  return performed.every((input, i) => same(input, inputs[i] as Input)) && (next === undefined || next.at >= replica.now);
}

const same = (a: Input, b: Input): boolean => a.at === b.at && (a.action === b.action || jsonEqual(a.action, b.action));
