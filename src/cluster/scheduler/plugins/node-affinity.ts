// NodeAffinity: nodeSelector and required node affinity filter, preferred node affinity scores.

import type { Node, NodeAffinity, NodeSelectorTerm, Pod } from '../../api/generated/types.ts';
import { defaultNormalize, type Plugin, type PreFilterResult, SKIP, unresolvable } from '../framework/types.ts';
import { compileLabels, compileNodeTerm, type Labels, type NodeMatcher } from '../matcher.ts';

const REJECTED = unresolvable("node(s) didn't match Pod's node affinity/selector");
const REJECTED_BY_PROFILE = unresolvable("node(s) didn't match scheduler-enforced node affinity");
const CONFLICT = unresolvable('pod affinity terms conflict');

export interface NodeAffinityArgs {
  /** What every Pod of the profile wants besides its own. */
  readonly addedAffinity?: NodeAffinity;
}

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
  const byTerms = anyOf(terms);
  return (labels, name) => bySelector(labels) && byTerms(labels, name);
}

function anyOf(terms: readonly NodeSelectorTerm[]): NodeMatcher {
  const alternatives = terms.map(compileNodeTerm);
  return (labels, name) => alternatives.some((matches) => matches(labels, name));
}

const preferredOf = (affinity: NodeAffinity | undefined): readonly Preferred[] =>
  (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => ({ matches: compileNodeTerm(term.preference), weight: term.weight }));

export function nodeAffinity({ addedAffinity }: NodeAffinityArgs = {}): Plugin {
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const addedMatcher = added === undefined ? null : anyOf(added);
  const addedPreferred = preferredOf(addedAffinity);
  const suits = (pod: Pod, node: unknown): boolean => {
    const { labels = {}, name } = (node as Node).metadata;
    return (addedMatcher === null || addedMatcher(labels, name)) && requiredNodeAffinity(pod)(labels, name);
  };
  /** The node suits, and is new or did not suit before. */
  const worthTrying = ({ pod }: { readonly pod: Pod }, before: unknown, after: unknown): boolean =>
    suits(pod, after) && (before === null || !suits(pod, before));
  return {
    name: 'NodeAffinity',
    events: [{ event: 'NodeAdd', worthTrying }, { event: 'NodeLabel', worthTrying }],
    preFilter({ pod }): PreFilterResult {
      const terms = termsOf(pod);
      if (terms === undefined && pod.spec.nodeSelector === undefined && addedMatcher === null) return { status: SKIP };
      const state = requiredNodeAffinity(pod);
      const nodes = terms === undefined || terms.length === 0 ? undefined : namedNodes(terms);
      if (nodes === undefined) return { status: null, state };
      return nodes.size === 0 ? { status: CONFLICT, state } : { status: null, state, nodes };
    },
    filter(state: NodeMatcher, _, node) {
      if (addedMatcher !== null && !addedMatcher(node.labels, node.name)) return REJECTED_BY_PROFILE;
      return state(node.labels, node.name) ? null : REJECTED;
    },
    preScore({ pod }) {
      const own = affinityOf(pod)?.preferredDuringSchedulingIgnoredDuringExecution;
      if ((own === undefined || own.length === 0) && addedPreferred.length === 0) return { status: SKIP };
      return { status: null, state: [...addedPreferred, ...preferredOf(affinityOf(pod))] };
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
}

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
