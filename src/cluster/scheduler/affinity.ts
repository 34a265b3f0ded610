// Inter-Pod affinity terms made ready to match (upstream framework.AffinityTerm): which Pods, in which namespaces, in which domain.

import type { LabelSelector, Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../api/generated/types.ts';
import { type Matcher, compileLabelSelector, NOTHING } from './matcher.ts';

export interface AffinityTerm {
  readonly topologyKey: string;
  readonly selector: Matcher;
  /** Named namespaces; the Pod's own when the term names none and selects none. */
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: Matcher;
}

export interface WeightedAffinityTerm extends AffinityTerm {
  readonly weight: number;
}

const NO_TERMS: readonly AffinityTerm[] = [];
const NO_WEIGHTED: readonly WeightedAffinityTerm[] = [];

export function affinityTermsOf(pod: Pod, terms: readonly PodAffinityTerm[] | undefined): readonly AffinityTerm[] {
  return terms === undefined || terms.length === 0 ? NO_TERMS : terms.map((term) => termOf(pod, term));
}

export function weightedTermsOf(pod: Pod, terms: readonly WeightedPodAffinityTerm[] | undefined): readonly WeightedAffinityTerm[] {
  if (terms === undefined || terms.length === 0) return NO_WEIGHTED;
  return terms.map((term) => ({ ...termOf(pod, term.podAffinityTerm), weight: term.weight }));
}

function termOf(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const named = term.namespaces ?? [];
  const own = named.length === 0 && term.namespaceSelector === undefined ? [pod.metadata.namespace ?? ''] : named;
  return {
    topologyKey: term.topologyKey,
    selector: term.labelSelector === undefined ? NOTHING : compileLabelSelector(withLabelKeys(pod, term)),
    namespaces: new Set(own),
    namespaceSelector: term.namespaceSelector === undefined ? NOTHING : compileLabelSelector(term.namespaceSelector),
  };
}

/** matchLabelKeys and mismatchLabelKeys: the server merges them into the selector at creation; older objects may not have it. */
function withLabelKeys(pod: Pod, term: PodAffinityTerm): LabelSelector {
  const labels = pod.metadata.labels ?? {};
  const extra: { key: string; operator: string; values: string[] }[] = [];
  const present = new Set((term.labelSelector?.matchExpressions ?? []).map((r) => `${r.key}/${r.operator}`));
  for (const key of term.matchLabelKeys ?? []) {
    const value = labels[key];
    if (value !== undefined && !present.has(`${key}/In`)) extra.push({ key, operator: 'In', values: [value] });
  }
  for (const key of term.mismatchLabelKeys ?? []) {
    const value = labels[key];
    if (value !== undefined && !present.has(`${key}/NotIn`)) extra.push({ key, operator: 'NotIn', values: [value] });
  }
  const selector = term.labelSelector ?? {};
  return extra.length === 0 ? selector : { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...extra] };
}

/** Does `term` mean this Pod? `namespaceLabels` are those of the Pod's namespace. */
export function termMatches(
  term: AffinityTerm,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  namespaceLabels: (namespace: string) => Readonly<Record<string, string>>,
): boolean {
  if (!term.namespaces.has(namespace) && (term.namespaceSelector === NOTHING || !term.namespaceSelector(namespaceLabels(namespace)))) return false;
  return term.selector(labels);
}
