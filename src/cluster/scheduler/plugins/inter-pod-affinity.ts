// InterPodAffinity: near some Pods, away from others, in both directions: what the new Pod wants of those that run, and
// what those that run want of the new one.

import type { Node, Pod } from '../../api/generated/types.ts';
import { type AffinityTerm, termMatches } from '../affinity.ts';
import { MAX_NODE_SCORE, type Plugin, type PreFilterResult, type PreScoreResult, SKIP, unresolvable, unschedulable } from '../framework/types.ts';
import type { Labels } from '../matcher.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import { type PodInfo, podInfoOf } from '../podinfo.ts';

const AFFINITY = unresolvable("node(s) didn't match pod affinity rules");
const ANTI_AFFINITY = unschedulable("node(s) didn't match pod anti-affinity rules");
const EXISTING = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

export interface InterPodAffinityArgs {
  /** Points of a required affinity of a running Pod towards the new one. */
  readonly hardPodAffinityWeight?: number;
  /** What running Pods prefer counts only for Pods that prefer something themselves. */
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** `topologyKey\0value` → how many. */
type Counts = ReadonlyMap<string, number>;
const at = (key: string, value: string): string => `${key}\0${value}`;

interface FilterState {
  /** Running Pods that do not want the new one in a domain. */
  readonly existing: Counts;
  /** Running Pods that all affinity terms of the new one mean. */
  readonly affinity: Counts;
  readonly antiAffinity: Counts;
}

/** The node is in some domain that the Pod asks about. */
const hasDomain = (pod: PodInfo, _: unknown, after: unknown): boolean => {
  const labels = (after as Node).metadata.labels ?? {};
  return [...pod.requiredAffinity, ...pod.requiredAntiAffinity].some((term) => labels[term.topologyKey] !== undefined);
};

export function interPodAffinity(
  namespaceLabels: (namespace: string) => Labels,
  { hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false }: InterPodAffinityArgs = {},
): Plugin {
  const matches = (term: AffinityTerm, pod: PodInfo): boolean => termMatches(term, pod.namespace, pod.labels, namespaceLabels);
  const matchesAll = (terms: readonly AffinityTerm[], pod: PodInfo): boolean => terms.length > 0 && terms.every((term) => matches(term, pod));

  const bump = (counts: Map<string, number>, term: AffinityTerm, node: NodeInfo, by: number): void => {
    const value = node.labels[term.topologyKey];
    if (value === undefined) return;
    const key = at(term.topologyKey, value);
    const sum = (counts.get(key) ?? 0) + by;
    if (sum === 0) counts.delete(key);
    else counts.set(key, sum);
  };

  /** Adds what one running Pod means for the new one. */
  const account = (into: { [K in keyof FilterState]: Map<string, number> }, pod: PodInfo, other: PodInfo, node: NodeInfo, by: number): void => {
    for (const term of other.requiredAntiAffinity) if (matches(term, pod)) bump(into.existing, term, node, by);
    if (matchesAll(pod.requiredAffinity, other)) for (const term of pod.requiredAffinity) bump(into.affinity, term, node, by);
    for (const term of pod.requiredAntiAffinity) if (matches(term, other)) bump(into.antiAffinity, term, node, by);
  };

  const shifted = (state: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): FilterState => {
    const copy = { existing: new Map(state.existing), affinity: new Map(state.affinity), antiAffinity: new Map(state.antiAffinity) };
    account(copy, pod, other, node, by);
    return copy;
  };

  /** A running Pod came to be wanted near, or is no longer to be avoided. */
  const relabelled = (pod: PodInfo, before: PodInfo, after: PodInfo): boolean =>
    (!matchesAll(pod.requiredAffinity, before) && matchesAll(pod.requiredAffinity, after)) ||
    (matchesAll(pod.requiredAntiAffinity, before) && !matchesAll(pod.requiredAntiAffinity, after)) ||
    (objected(pod, before) && !objected(pod, after));
  /** `other` is to be avoided by the Pod, or avoids it itself. */
  const objected = (pod: PodInfo, other: PodInfo): boolean =>
    matchesAll(pod.requiredAntiAffinity, other) || other.requiredAntiAffinity.some((term) => matches(term, pod));

  return {
    name: 'InterPodAffinity',
    events: [
      { event: 'AssignedPodAdd', worthTrying: (pod, _, after) => matchesAll(pod.requiredAffinity, podInfoOf(after as Pod)) },
      { event: 'AssignedPodLabel', worthTrying: (pod, before, after) => relabelled(pod, podInfoOf(before as Pod), podInfoOf(after as Pod)) },
      { event: 'AssignedPodDelete', worthTrying: (pod, before) => objected(pod, podInfoOf(before as Pod)) },
      { event: 'NodeAdd', worthTrying: hasDomain },
      { event: 'NodeLabel', worthTrying: hasDomain },
      { event: 'PodLabel' },
      { event: 'NamespaceLabel' },
    ],
    preFilter(pod, snapshot): PreFilterResult {
      const state = { existing: new Map<string, number>(), affinity: new Map<string, number>(), antiAffinity: new Map<string, number>() };
      const own = pod.requiredAffinity.length > 0 || pod.requiredAntiAffinity.length > 0;
      if (own) {
        for (const node of snapshot.nodes) for (const other of node.pods.values()) account(state, pod, other, node, 1);
      } else {
        for (const node of snapshot.withRequiredAntiAffinity) {
          for (const other of node.podsWithRequiredAntiAffinity) account(state, pod, other, node, 1);
        }
        if (state.existing.size === 0) return { status: SKIP };
      }
      return { status: null, state };
    },
    filter(state: FilterState, pod, node) {
      if (!nearEnough(state, pod, node)) return AFFINITY;
      for (const term of pod.requiredAntiAffinity) {
        const value = node.labels[term.topologyKey];
        if (value !== undefined && (state.antiAffinity.get(at(term.topologyKey, value)) ?? 0) > 0) return ANTI_AFFINITY;
      }
      if (state.existing.size > 0) {
        for (const key in node.labels) if ((state.existing.get(at(key, node.labels[key] as string)) ?? 0) > 0) return EXISTING;
      }
      return null;
    },
    addPod: (state: FilterState, pod, other, node) => shifted(state, pod, other, node, 1),
    removePod: (state: FilterState, pod, other, node) => shifted(state, pod, other, node, -1),
    preScore(pod, _, snapshot): PreScoreResult {
      const own = pod.preferredAffinity.length > 0 || pod.preferredAntiAffinity.length > 0;
      if (!own && (ignorePreferredTermsOfExistingPods || snapshot.withAffinity.size === 0)) return { status: SKIP };
      const points = new Map<string, number>();
      for (const node of own ? snapshot.nodes : snapshot.withAffinity) {
        for (const other of own ? node.pods.values() : node.podsWithAffinity) {
          for (const term of pod.preferredAffinity) if (matches(term, other)) bump(points, term, node, term.weight);
          for (const term of pod.preferredAntiAffinity) if (matches(term, other)) bump(points, term, node, -term.weight);
          if (hardPodAffinityWeight > 0) for (const term of other.requiredAffinity) if (matches(term, pod)) bump(points, term, node, hardPodAffinityWeight);
          for (const term of other.preferredAffinity) if (matches(term, pod)) bump(points, term, node, term.weight);
          for (const term of other.preferredAntiAffinity) if (matches(term, pod)) bump(points, term, node, -term.weight);
        }
      }
      return points.size === 0 ? { status: SKIP } : { status: null, state: points };
    },
    score(points: Counts, _, node) {
      let sum = 0;
      for (const key in node.labels) sum += points.get(at(key, node.labels[key] as string)) ?? 0;
      return sum;
    },
    normalizeScore(_, __, scores) {
      const min = Math.min(...scores);
      const range = Math.max(...scores) - min;
      for (let i = 0; i < scores.length; i++) {
        scores[i] = range > 0 ? Math.trunc(MAX_NODE_SCORE * (((scores[i] as number) - min) / range)) : 0;
      }
    },
  };

  function nearEnough(state: FilterState, pod: PodInfo, node: NodeInfo): boolean {
    let found = true;
    for (const term of pod.requiredAffinity) {
      const value = node.labels[term.topologyKey];
      if (value === undefined) return false;
      if ((state.affinity.get(at(term.topologyKey, value)) ?? 0) <= 0) found = false;
    }
    // The first Pod of a group that wants to be near itself may go anywhere.
    return found || (state.affinity.size === 0 && matchesAll(pod.requiredAffinity, pod));
  }
}
