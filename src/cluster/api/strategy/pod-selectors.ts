// matchLabelKeys and mismatchLabelKeys of a new Pod become part of the label selectors beside them (pkg/registry/core/pod
// applyMatchLabelKeysAndMismatchLabelKeys): what its labels say at creation holds for its life.

import type { LabelSelector, Pod, PodAffinity, PodAffinityTerm, PodAntiAffinity, TopologySpreadConstraint } from '../generated/types.ts';

type Labels = Readonly<Record<string, string>>;

interface Keys {
  readonly labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/** The same Pod when there is nothing to merge. */
export function withMergedLabelKeys(pod: Pod): Pod {
  const { affinity, topologySpreadConstraints: spread } = pod.spec;
  const labels = pod.metadata.labels ?? {};
  const constraints = spread?.some(hasKeys) ? spread.map((c): TopologySpreadConstraint => merged(c, labels)) : spread;
  const near = affinity?.podAffinity && ofAffinity(affinity.podAffinity, labels);
  const away = affinity?.podAntiAffinity && ofAffinity(affinity.podAntiAffinity, labels);
  if (constraints === spread && near === affinity?.podAffinity && away === affinity?.podAntiAffinity) return pod;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(affinity ? { affinity: { ...affinity, ...(near ? { podAffinity: near } : {}), ...(away ? { podAntiAffinity: away } : {}) } } : {}),
      ...(constraints ? { topologySpreadConstraints: constraints } : {}),
    },
  };
}

function ofAffinity<A extends PodAffinity | PodAntiAffinity>(affinity: A, labels: Labels): A {
  const { requiredDuringSchedulingIgnoredDuringExecution: hard, preferredDuringSchedulingIgnoredDuringExecution: soft } = affinity;
  if (!hard?.some(hasKeys) && !soft?.some(({ podAffinityTerm }) => hasKeys(podAffinityTerm))) return affinity;
  return {
    ...affinity,
    ...(hard ? { requiredDuringSchedulingIgnoredDuringExecution: hard.map((term): PodAffinityTerm => merged(term, labels)) } : {}),
    ...(soft
      ? { preferredDuringSchedulingIgnoredDuringExecution: soft.map((s) => ({ ...s, podAffinityTerm: merged(s.podAffinityTerm, labels) })) }
      : {}),
  };
}

const hasKeys = ({ matchLabelKeys = [], mismatchLabelKeys = [] }: Keys): boolean => matchLabelKeys.length + mismatchLabelKeys.length > 0;

function merged<T extends Keys>(term: T, labels: Labels): T {
  const selector = term.labelSelector;
  if (selector === undefined || !hasKeys(term)) return term;
  const expressions = [...(selector.matchExpressions ?? [])];
  const add = (keys: readonly string[] | undefined, operator: 'In' | 'NotIn'): void => {
    for (const key of keys ?? []) {
      const value = labels[key];
      if (value !== undefined) expressions.push({ key, operator, values: [value] });
    }
  };
  add(term.matchLabelKeys, 'In');
  add(term.mismatchLabelKeys, 'NotIn');
  return { ...term, labelSelector: { ...selector, matchExpressions: expressions } };
}
