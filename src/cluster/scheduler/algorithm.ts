// One scheduling decision (upstream schedulePod): which nodes can take the Pod, which of them is best.
// Pure in the snapshot, but for the place where the search begins and the stream that breaks ties.

import type { Random } from '../sim/random.ts';
import { type Diagnosis, fitErrorText, NO_NODES } from './fiterror.ts';
import type { Cycle, Framework, Scored } from './framework/framework.ts';
import type { FailedAttempt, Snapshot, Status, WhatIf } from './framework/types.ts';
import type { NodeInfo } from './nodeinfo.ts';
import type { PodInfo } from './podinfo.ts';

const MIN_FEASIBLE_NODES = 100;
const MIN_FEASIBLE_PERCENT = 5;

export interface Placed {
  readonly node: string;
  readonly feasible: readonly NodeInfo[];
  readonly evaluated: number;
  readonly verdicts: ReadonlyMap<string, Status>;
  /** null when there was nothing to choose. */
  readonly scored: Scored | null;
}

export interface NotPlaced {
  readonly node: null;
  readonly evaluated: number;
  readonly verdicts: ReadonlyMap<string, Status>;
  readonly plugins: ReadonlySet<string>;
  /** The text of the event and of the condition. */
  readonly message: string;
  readonly nominatedNode?: string;
  readonly victims: readonly PodInfo[];
}

/** How many feasible nodes are enough: all below 100, then `percent`, or (0) 50 % falling to 5 % of large clusters. */
export function enoughNodes(all: number, percent = 0): number {
  if (all < MIN_FEASIBLE_NODES) return all;
  const share = percent === 0 ? Math.max(MIN_FEASIBLE_PERCENT, 50 - Math.trunc(all / 125)) : percent;
  return Math.max(MIN_FEASIBLE_NODES, Math.trunc((all * share) / 100));
}

export class Algorithm {
  readonly #random: Random;
  readonly #nominatedOn: (node: string) => readonly PodInfo[];
  #start = 0;

  /** `random` breaks ties. */
  constructor(random: Random, nominatedOn: (node: string) => readonly PodInfo[]) {
    this.#random = random;
    this.#nominatedOn = nominatedOn;
  }

  schedule(framework: Framework, pod: PodInfo, snapshot: Snapshot): Placed | NotPlaced {
    if (snapshot.nodes.length === 0) {
      return { node: null, evaluated: 0, verdicts: new Map(), plugins: NOBODY, message: NO_NODES, victims: [], nominatedNode: '' };
    }
    const pre = framework.preFilter(pod, snapshot);
    if (pre.status) {
      const diagnosis = { verdicts: new Map(), absent: pre.status, preFilterMessage: pre.status.reasons.join(', '), plugins: new Set([pre.status.plugin ?? '']) };
      return this.#giveUp(framework, pod, snapshot, pre.cycle, diagnosis);
    }
    const verdicts = new Map<string, Status>();
    const feasible = this.#tryNominated(framework, pre.cycle, pod, snapshot) ?? this.#findFeasible(framework, pre.cycle, pod, snapshot, pre.nodes, verdicts);
    if (feasible.length === 0) {
      const plugins = new Set<string>(pre.restrictedBy);
      for (const status of verdicts.values()) if (status.plugin) plugins.add(status.plugin);
      const absent: Status | null =
        pre.nodes === null
          ? null
          : { code: 'UnschedulableAndUnresolvable', reasons: [`node(s) didn't satisfy plugin(s) [${pre.restrictedBy.join(' ')}]`] };
      return this.#giveUp(framework, pod, snapshot, pre.cycle, { verdicts, absent, preFilterMessage: '', plugins });
    }
    const evaluated = feasible.length + verdicts.size;
    if (feasible.length === 1) return { node: (feasible[0] as NodeInfo).name, feasible, evaluated, verdicts, scored: null };
    const scored = framework.score(pod, feasible, snapshot);
    const best = this.#best(scored.totals);
    return { node: (feasible[best] as NodeInfo).name, feasible, evaluated, verdicts, scored };
  }

  /** Room was made for the Pod on a node: try that one first. */
  #tryNominated(framework: Framework, cycle: Cycle, pod: PodInfo, snapshot: Snapshot): readonly NodeInfo[] | undefined {
    const nominated = pod.pod.status.nominatedNodeName;
    const node = nominated ? snapshot.byName.get(nominated) : undefined;
    return node && this.#fits(framework, cycle, pod, node) === null ? [node] : undefined;
  }

  /** Nodes are tried from where the last search ended, so that all get their turn. */
  #findFeasible(
    framework: Framework,
    cycle: Cycle,
    pod: PodInfo,
    snapshot: Snapshot,
    only: ReadonlySet<string> | null,
    verdicts: Map<string, Status>,
  ): readonly NodeInfo[] {
    let nodes = snapshot.nodes;
    if (only) nodes = [...only].flatMap((name) => snapshot.byName.get(name) ?? []);
    const enough = enoughNodes(nodes.length, framework.percentageOfNodesToScore);
    const feasible: NodeInfo[] = [];
    for (let i = 0; i < nodes.length && feasible.length < enough; i++) {
      const node = nodes[(this.#start + i) % nodes.length] as NodeInfo;
      const verdict = this.#fits(framework, cycle, pod, node);
      if (verdict === null) feasible.push(node);
      else verdicts.set(node.name, verdict);
    }
    this.#start = (this.#start + feasible.length + verdicts.size) % snapshot.nodes.length;
    return feasible;
  }

  /** Filter; where more important Pods are nominated, with them and without them. */
  #fits(framework: Framework, cycle: Cycle, pod: PodInfo, node: NodeInfo): Status | null {
    const nominated = this.#nominatedOn(node.name);
    if (nominated.length === 0) return framework.filter(cycle, pod, node);
    const others = nominated.filter((other) => other.priority >= pod.priority && other.uid !== pod.uid);
    if (others.length === 0) return framework.filter(cycle, pod, node);
    const crowded = node.clone();
    let shifted = cycle;
    for (const other of others) {
      crowded.addPod(other);
      shifted = framework.shift(shifted, pod, other, crowded, 'add');
    }
    return framework.filter(shifted, pod, crowded) ?? framework.filter(cycle, pod, node);
  }

  /** Of the highest totals one at random, each as likely (reservoir sampling). */
  #best(totals: readonly number[]): number {
    let best = 0;
    let ties = 1;
    for (let i = 1; i < totals.length; i++) {
      if ((totals[i] as number) > (totals[best] as number)) {
        best = i;
        ties = 1;
      } else if (totals[i] === totals[best]) {
        ties++;
        if (this.#random.int(ties) === 0) best = i;
      }
    }
    return best;
  }

  #giveUp(framework: Framework, pod: PodInfo, snapshot: Snapshot, cycle: Cycle, diagnosis: Omit<Diagnosis, 'postFilterMessage'>): NotPlaced {
    const { verdicts, absent, plugins } = diagnosis;
    const attempt: FailedAttempt = { pod, snapshot, verdicts, absent, asked: cycle.asked, whatIf: (node) => this.#whatIf(framework, cycle, pod, node) };
    const post = framework.hasPostFilter ? framework.postFilter(attempt) : { status: null, message: '' };
    const message = fitErrorText(snapshot.nodes.length, { ...diagnosis, postFilterMessage: post.message });
    const result = { node: null, evaluated: verdicts.size, verdicts, plugins, message, victims: post.victims ?? [] } as const;
    return post.nominatedNode === undefined ? result : { ...result, nominatedNode: post.nominatedNode };
  }

  #whatIf(framework: Framework, cycle: Cycle, pod: PodInfo, node: NodeInfo): WhatIf {
    const copy = node.clone();
    let states = cycle;
    return {
      remove: (other) => {
        copy.removePod(other.uid);
        states = framework.shift(states, pod, other, copy, 'remove');
      },
      add: (other) => {
        copy.addPod(other);
        states = framework.shift(states, pod, other, copy, 'add');
      },
      verdict: () => this.#fits(framework, states, pod, copy),
    };
  }
}

const NOBODY: ReadonlySet<string> = new Set();
