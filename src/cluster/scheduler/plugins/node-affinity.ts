// NodeAffinity: nodeSelector and required node affinity filter, preferred node affinity scores.

import type { Node, NodeSelectorTerm, Pod } from '../../api/generated/types.ts';
import { defaultNormalize, type Plugin, type PreFilterResult, SKIP, unresolvable } from '../framework/types.ts';
import { compileLabels, compileNodeTerm, type Labels, type NodeMatcher } from '../matcher.ts';

const REJECTED = unresolvable("node(s) didn't match Pod's node affinity/selector");
const CONFLICT = unresolvable('pod affinity terms conflict');

interface Preferred {
  readonly matches: NodeMatcher;
  readonly weight: number;
}

type PodSpec = NonNullable<Pod['spec']>;
const required = new WeakMap<PodSpec, NodeMatcher>();

const affinityOf = (pod: Pod): NonNullable<PodSpec['affinity']>['nodeAffinity'] => pod.spec.affinity?.nodeAffinity;
const termsOf = (pod: Pod): readonly NodeSelectorTerm[] | undefined =>
  affinityOf(pod)?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;

const ANY: NodeMatcher = () => true;

/** nodeSelector and (any of) the required terms. The DaemonSet controller asks the same. */
export function requiredNodeAffinity(pod: Pod): NodeMatcher {
  const spec = pod.spec;
  if (spec === undefined || (spec.nodeSelector === undefined && spec.affinity?.nodeAffinity === undefined)) return ANY;
  let matcher = required.get(spec);
  if (matcher === undefined) required.set(spec, (matcher = compileRequired(spec.nodeSelector, termsOf(pod))));
  return matcher;
}

function compileRequired(selector: Labels | undefined, terms: readonly NodeSelectorTerm[] | undefined): NodeMatcher {
  const bySelector = compileLabels(selector ?? {});
  if (terms === undefined) return bySelector;
  const alternatives = terms.map(compileNodeTerm);
  return (labels, name) => bySelector(labels) && alternatives.some((matches) => matches(labels, name));
}

const fits = (pod: { readonly pod: Pod }, _: unknown, after: unknown): boolean => {
  const node = after as Node;
  return requiredNodeAffinity(pod.pod)(node.metadata.labels ?? {}, node.metadata.name ?? '');
};

export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  events: [{ event: 'NodeAdd', worthTrying: fits }, { event: 'NodeLabel', worthTrying: fits }],
  preFilter({ pod }): PreFilterResult {
    const terms = termsOf(pod);
    if (terms === undefined && pod.spec.nodeSelector === undefined) return { status: SKIP };
    const state = requiredNodeAffinity(pod);
    const nodes = terms === undefined || terms.length === 0 ? undefined : namedNodes(terms);
    if (nodes === undefined) return { status: null, state };
    return nodes.size === 0 ? { status: CONFLICT, state } : { status: null, state, nodes };
  },
  filter: (state: NodeMatcher, _, node) => (state(node.labels, node.name) ? null : REJECTED),
  preScore({ pod }) {
    const terms = affinityOf(pod)?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (terms.length === 0) return { status: SKIP };
    const state: readonly Preferred[] = terms.map((term) => ({ matches: compileNodeTerm(term.preference), weight: term.weight }));
    return { status: null, state };
  },
  score(state: readonly Preferred[], _, node) {
    let sum = 0;
    for (const term of state) if (term.matches(node.labels, node.name)) sum += term.weight;
    return sum;
  },
  normalizeScore(_, __, scores) {
    defaultNormalize(scores, false);
  },
};

/** The nodes that the terms name by `metadata.name`; undefined when some term names none (then any node may match). */
function namedNodes(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const term of terms) {
    let ofTerm: Set<string> | undefined;
    for (const field of term.matchFields ?? []) {
      if (field.key !== 'metadata.name' || field.operator !== 'In') continue;
      const values = new Set(field.values ?? []);
      ofTerm = ofTerm === undefined ? values : new Set([...ofTerm].filter((name) => values.has(name)));
    }
    if (ofTerm === undefined) return undefined;
    for (const name of ofTerm) names.add(name);
  }
  return names;
}
