// A scheduling decision in the trace: which nodes were left, why the others were not, what each plugin gave to each node.
// The tables are made when somebody reads them; the record keeps what they are made of.

import type { Os } from '../machine/process.ts';
import type { Micros } from '../sim/time.ts';
import { DETAIL, type Subject } from '../sim/trace.ts';
import type { NotPlaced, Placed } from './algorithm.ts';
import type { PodInfo } from './podinfo.ts';

type Decision = Placed | NotPlaced;
/** By node, then by plugin; `total` is the sum. */
export type ScoreTable = Readonly<Record<string, Readonly<Record<string, number>>>>;
type Rejections = Readonly<Record<string, readonly string[]>>;

/** Records the decision and makes it the cause of what follows. */
export function recordDecision({ sim, place }: Os, pod: PodInfo, profile: string, decision: Decision, end: Micros): void {
  const subject = subjectOf(pod);
  const common = { start: sim.now, end, from: place, kind: 'scheduler', subject } as const;
  const feasible = decision.node === null ? 0 : decision.feasible.length;
  const { evaluated, node: chosen } = decision;
  if (!sim.trace.wants(DETAIL, sim.cause)) {
    sim.cause = sim.trace.emit(sim.cause, { ...common, verb: 'schedule', detail: { feasible, evaluated, chosen } });
    return;
  }
  const message = decision.node === null ? decision.message : '';
  const rejected = once(() => rejectedOf(decision));
  const scores = once(() => scoresOf(decision));
  // Own getters: whoever copies or prints the record sees plain tables.
  const detail = {
    feasible,
    evaluated,
    chosen,
    profile,
    message,
    get scores(): ScoreTable {
      return scores();
    },
    get rejected(): Rejections {
      return rejected();
    },
  };
  const record = sim.trace.emit(sim.cause, { ...common, verb: 'schedule', detail });
  sim.cause = record;
  const filtered = {
    get feasible(): readonly string[] {
      return decision.node === null ? [] : decision.feasible.map((n) => n.name);
    },
    get rejected(): Rejections {
      return rejected();
    },
  };
  sim.trace.emit(record, { ...common, level: DETAIL, verb: 'filter', detail: filtered });
  if (decision.node === null) {
    const { nominatedNode = '', victims } = decision;
    sim.trace.emit(record, { ...common, level: DETAIL, verb: 'postfilter', detail: { nominatedNode, victims: victims.map((victim) => victim.key), message } });
    return;
  }
  if (decision.scored === null) return;
  const scored = {
    get scores(): ScoreTable {
      return scores();
    },
  };
  sim.trace.emit(record, { ...common, level: DETAIL, verb: 'score', detail: scored });
}

/** A later step of the same Pod's way. */
export function recordStep({ sim, place }: Os, verb: string, pod: PodInfo, detail: Readonly<Record<string, unknown>>): void {
  if (!sim.trace.wants(DETAIL, sim.cause)) return;
  sim.trace.emit(sim.cause, { level: DETAIL, start: sim.now, from: place, kind: 'scheduler', verb, subject: subjectOf(pod), detail });
}

const subjectOf = (pod: PodInfo): Subject => ({ group: '', resource: 'pods', kind: 'Pod', namespace: pod.namespace, name: pod.name });

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function scoresOf(decision: Decision): ScoreTable {
  const scores: Record<string, Record<string, number>> = {};
  if (decision.node === null || decision.scored === null) return scores;
  for (const [i, node] of decision.feasible.entries()) {
    const of: Record<string, number> = {};
    for (const plugin of decision.scored.byPlugin) of[plugin.name] = plugin.scores[i] as number;
    of['total'] = decision.scored.totals[i] as number;
    scores[node.name] = of;
  }
  return scores;
}

function rejectedOf(decision: Decision): Rejections {
  const rejected: Record<string, readonly string[]> = {};
  for (const [node, status] of decision.verdicts) rejected[node] = status.reasons;
  return rejected;
}
