// DefaultPreemption: when a Pod fits nowhere, find the node where evicting less important Pods would help most cheaply.

import type { PodDisruptionBudget } from '../../api/generated/types.ts';
import type { Random } from '../../sim/random.ts';
import { fitErrorText } from '../fiterror.ts';
import { type FailedAttempt, type Plugin, type PostFilterResult, type Status, unresolvable, unschedulable } from '../framework/types.ts';
import { compileLabelSelector } from '../matcher.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';

const NO_VICTIMS = unresolvable('No preemption victims found for incoming pod');
const NOT_HELPFUL = unresolvable('Preemption is not helpful for scheduling');

export interface PreemptionArgs {
  /** So many nodes are tried at least, in percent … */
  readonly minCandidateNodesPercentage?: number;
  /** … and in number. */
  readonly minCandidateNodesAbsolute?: number;
}

interface Candidate {
  readonly node: NodeInfo;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

type Budgets = (namespace: string) => readonly PodDisruptionBudget[];

/** `budgets` lists a namespace's PodDisruptionBudgets; `random` chooses where the search begins. */
export function defaultPreemption(budgets: Budgets, random: Random, args: PreemptionArgs = {}): Plugin {
  return {
    name: 'DefaultPreemption',
    postFilter(attempt): PostFilterResult {
      const ineligible = whyNotEligible(attempt);
      if (ineligible !== '') return { status: unschedulable(`preemption: ${ineligible}`) };
      const { candidates, verdicts } = search(attempt, budgets, random, args);
      const best = pick(candidates);
      if (best === undefined) {
        const text = fitErrorText(attempt.snapshot.nodes.length, { verdicts, absent: NOT_HELPFUL, preFilterMessage: '', postFilterMessage: '' });
        return { status: unschedulable(`preemption: ${text}`), nominatedNode: '' };
      }
      return { status: null, nominatedNode: best.node.name, victims: best.victims };
    },
  };
}

function whyNotEligible({ pod, snapshot, verdicts }: FailedAttempt): string {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = pod.pod.status.nominatedNodeName;
  if (!nominated || verdicts.get(nominated)?.code === 'UnschedulableAndUnresolvable') return '';
  for (const other of snapshot.byName.get(nominated)?.pods.values() ?? []) {
    if (other.pod.metadata.deletionTimestamp !== undefined && other.priority < pod.priority && wasPreempted(other)) {
      return 'not eligible due to a terminating pod on the nominated node.';
    }
  }
  return '';
}

const wasPreempted = ({ pod }: PodInfo): boolean =>
  (pod.status.conditions ?? []).some((c) => c.type === 'DisruptionTarget' && c.status === 'True' && c.reason === 'PreemptionByScheduler');

function search(
  attempt: FailedAttempt,
  budgets: Budgets,
  random: Random,
  args: PreemptionArgs,
): { candidates: readonly Candidate[]; verdicts: ReadonlyMap<string, Status> } {
  const { snapshot, verdicts, absent } = attempt;
  const nodes = snapshot.nodes.filter((node) => (verdicts.get(node.name) ?? absent)?.code === 'Unschedulable');
  const failed = new Map<string, Status>();
  const candidates: Candidate[] = [];
  if (nodes.length === 0) return { candidates, verdicts: failed };
  const enough = enoughCandidates(nodes.length, args);
  const offset = random.int(nodes.length);
  let harmless = 0;
  // More are only sought while every one found so far breaks a budget.
  for (let i = 0; i < nodes.length && (candidates.length < enough || harmless === 0); i++) {
    const node = nodes[(offset + i) % nodes.length] as NodeInfo;
    const found = selectVictims(attempt, node, budgets);
    if ('code' in found) failed.set(node.name, found);
    else {
      candidates.push(found);
      if (found.violations === 0) harmless++;
    }
  }
  return { candidates, verdicts: failed };
}

export function enoughCandidates(nodes: number, { minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 }: PreemptionArgs): number {
  return Math.min(nodes, Math.max(minCandidateNodesAbsolute, Math.trunc((nodes * minCandidateNodesPercentage) / 100)));
}

/** The smallest set of less important Pods whose removal lets the Pod fit: all go, then as many as possible come back. */
function selectVictims(attempt: FailedAttempt, node: NodeInfo, budgets: Budgets): Candidate | Status {
  const lower = [...node.pods.values()].filter((other) => other.priority < attempt.pod.priority);
  if (lower.length === 0) return NO_VICTIMS;
  const trial = attempt.whatIf(node);
  for (const other of lower) trial.remove(other);
  const verdict = trial.verdict();
  if (verdict !== null) return verdict;
  lower.sort(byImportance);
  const { violating, fine } = splitByBudget(lower, budgets);
  const victims: PodInfo[] = [];
  let violations = 0;
  for (const other of [...violating, ...fine]) {
    trial.add(other);
    if (trial.verdict() === null) continue;
    trial.remove(other);
    victims.push(other);
    if (violating.includes(other)) violations++;
  }
  victims.sort(byImportance);
  return { node, victims, violations };
}

const startOf = ({ pod }: PodInfo): string => pod.status.startTime ?? '9999';

/** Higher priority first, then whoever has run longer. */
const byImportance = (a: PodInfo, b: PodInfo): number =>
  b.priority - a.priority || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0);

function splitByBudget(pods: readonly PodInfo[], budgets: Budgets): { violating: readonly PodInfo[]; fine: readonly PodInfo[] } {
  const allowed = new Map<PodDisruptionBudget, number>();
  const violating: PodInfo[] = [];
  const fine: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const budget of budgets(pod.namespace)) {
      const selector = budget.spec?.selector;
      if (Object.keys(pod.labels).length === 0 || selector === undefined || isEmpty(selector) || !compileLabelSelector(selector)(pod.labels)) continue;
      if (budget.status?.disruptedPods?.[pod.name] !== undefined) continue;
      const left = (allowed.get(budget) ?? budget.status?.disruptionsAllowed ?? 0) - 1;
      allowed.set(budget, left);
      if (left < 0) violates = true;
    }
    (violates ? violating : fine).push(pod);
  }
  return { violating, fine };
}

const isEmpty = (s: { readonly matchLabels?: object; readonly matchExpressions?: readonly unknown[] }): boolean =>
  Object.keys(s.matchLabels ?? {}).length === 0 && (s.matchExpressions?.length ?? 0) === 0;

/** Priorities are shifted so that many negative ones do not weigh less than few. */
const PRIORITY_OFFSET = 2_147_483_648;

/** Fewest broken budgets, least important victims, lowest sum of priorities, fewest victims, youngest of the most important. */
function pick(candidates: readonly Candidate[]): Candidate | undefined {
  const rules: ((c: Candidate) => number | string)[] = [
    (c) => -c.violations,
    (c) => -(c.victims[0]?.priority ?? 0),
    (c) => -c.victims.reduce((sum, victim) => sum + victim.priority + PRIORITY_OFFSET, 0),
    (c) => -c.victims.length,
    (c) => earliestStart(c.victims),
  ];
  let best = candidates;
  for (const rule of rules) {
    if (best.length < 2) break;
    const values = best.map(rule);
    let max = values[0] as number | string;
    for (const value of values) if (value > max) max = value;
    best = best.filter((_, i) => values[i] === max);
  }
  return best[0];
}

function earliestStart(victims: readonly PodInfo[]): string {
  const highest = victims[0]?.priority;
  let earliest = '9999';
  for (const victim of victims) if (victim.priority === highest && startOf(victim) < earliest) earliest = startOf(victim);
  return earliest;
}
