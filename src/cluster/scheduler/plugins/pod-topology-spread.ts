// PodTopologySpread: even numbers of like Pods over domains. DoNotSchedule constraints filter, ScheduleAnyway ones score;
// Pods without constraints get the built-in ones (zone, hostname) over the Pods of their Service and controller.

import type { Node, Pod, TopologySpreadConstraint } from '../../api/generated/types.ts';
import { sameTaints } from '../events.ts';
import { MAX_NODE_SCORE, type Plugin, type PreFilterResult, type PreScoreResult, SKIP, type Snapshot, unresolvable, unschedulable } from '../framework/types.ts';
import { compileLabelSelector, type Matcher } from '../matcher.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';
import { requiredNodeAffinity } from './node-affinity.ts';
import { untolerated } from './tolerations.ts';

const MISMATCH = unschedulable("node(s) didn't match pod topology spread constraints");
const NO_LABEL = unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
const HOSTNAME = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

/** A selector with a name: equal keys mean equal selectors. */
export interface NamedSelector {
  readonly key: string;
  readonly matches: Matcher;
}

interface Constraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly minDomains: number;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
  /** Counter key and predicate for `NodeInfo.countMatching`. */
  readonly counterKey: string;
  readonly counts: (pod: PodInfo) => boolean;
  /** The selector alone. */
  readonly selects: Matcher;
  readonly selfMatch: 0 | 1;
}

interface FilterState {
  readonly constraints: readonly Constraint[];
  /** For each constraint: matching Pods by domain. */
  readonly counts: readonly ReadonlyMap<string, number>[];
  readonly minimums: readonly number[];
}

interface ScoreState {
  readonly constraints: readonly Constraint[];
  readonly counts: readonly ReadonlyMap<string, number>[];
  readonly weights: readonly number[];
  readonly ignored: ReadonlySet<NodeInfo>;
}

export interface PodTopologySpreadArgs {
  /** For Pods that bring none themselves; without a selector: the Pods of the same Services and controller count. */
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
  /** 'System': the built-in constraints; 'List': those above. */
  readonly defaultingType?: 'System' | 'List';
}

/** `defaultSelector`: the Pods that belong with this one by Service and controller; null when nothing claims it. */
export function podTopologySpread(
  defaultSelector: (pod: Pod) => NamedSelector | null,
  { defaultConstraints = [], defaultingType = 'System' }: PodTopologySpreadArgs = {},
): Plugin {
  const system = defaultingType === 'System';
  const ownConstraints = (pod: PodInfo): boolean => (pod.pod.spec.topologySpreadConstraints?.length ?? 0) > 0;
  const listed = (pod: PodInfo, action: string): readonly Constraint[] => {
    const wanted = defaultConstraints.filter((c) => c.whenUnsatisfiable === action);
    const selector = wanted.length === 0 ? null : defaultSelector(pod.pod);
    return selector === null ? [] : wanted.map((c) => ({ ...shapeOf(c), ...countersFor(pod, selector) }));
  };
  const hard = (pod: PodInfo): readonly Constraint[] => {
    if (ownConstraints(pod)) return constraintsOf(pod, 'DoNotSchedule');
    return system ? NO_CONSTRAINTS : listed(pod, 'DoNotSchedule');
  };
  const soft = (pod: PodInfo): readonly Constraint[] => {
    if (ownConstraints(pod)) return constraintsOf(pod, 'ScheduleAnyway');
    return system ? systemDefaults(pod, defaultSelector(pod.pod)) : listed(pod, 'ScheduleAnyway');
  };
  const podChange = (pod: PodInfo, before: unknown, after: unknown): boolean => podMatters(pod, hard(pod), before as Pod | null, after as Pod | null);
  const nodeChange = (pod: PodInfo, before: unknown, after: unknown): boolean => nodeMatters(hard(pod), before as Node | null, after as Node | null);
  return {
    name: 'PodTopologySpread',
    events: [
      { event: 'AssignedPodAdd', worthTrying: podChange },
      { event: 'AssignedPodLabel', worthTrying: podChange },
      { event: 'AssignedPodDelete', worthTrying: podChange },
      { event: 'NodeAdd', worthTrying: nodeChange },
      { event: 'NodeDelete', worthTrying: nodeChange },
      { event: 'NodeLabel', worthTrying: nodeChange },
      { event: 'NodeTaint', worthTrying: nodeChange },
      { event: 'PodLabel', worthTrying: podChange },
      { event: 'PodTolerations', worthTrying: (pod) => hard(pod).some((c) => c.honorTaints) },
    ],
    preFilter(pod, snapshot): PreFilterResult {
      const constraints = hard(pod);
      if (constraints.length === 0) return { status: SKIP };
      const counts = countDomains(pod, constraints, snapshot.nodes, true);
      return { status: null, state: withMinimums(constraints, counts) };
    },
    filter(state: FilterState, _, node) {
      for (let i = 0; i < state.constraints.length; i++) {
        const c = state.constraints[i] as Constraint;
        const domain = node.labels[c.topologyKey];
        if (domain === undefined) return NO_LABEL;
        const here = state.counts[i]?.get(domain) ?? 0;
        if (here + c.selfMatch - (state.minimums[i] as number) > c.maxSkew) return MISMATCH;
      }
      return null;
    },
    addPod: (state: FilterState, pod, other, node) => shifted(state, pod, other, node, 1),
    removePod: (state: FilterState, pod, other, node) => shifted(state, pod, other, node, -1),
    preScore(pod, nodes, snapshot): PreScoreResult {
      const constraints = soft(pod);
      if (constraints.length === 0) return { status: SKIP };
      // A cluster without zones is still spread by host.
      return { status: null, state: scoreState(pod, constraints, nodes, snapshot, !system || ownConstraints(pod)) };
    },
    score(state: ScoreState, _, node) {
      if (state.ignored.has(node)) return 0;
      let score = 0;
      for (let i = 0; i < state.constraints.length; i++) {
        const c = state.constraints[i] as Constraint;
        const domain = node.labels[c.topologyKey];
        if (domain === undefined) continue;
        const count = c.topologyKey === HOSTNAME ? node.countMatching(c.counterKey, c.counts) : (state.counts[i]?.get(domain) ?? 0);
        score += count * (state.weights[i] as number) + (c.maxSkew - 1);
      }
      return Math.round(score);
    },
    normalizeScore(state: ScoreState, _, scores, nodes) {
      let min = Number.POSITIVE_INFINITY;
      let max = 0;
      for (let i = 0; i < nodes.length; i++) {
        const node = nodes[i] as NodeInfo;
        if (state.ignored.has(node)) continue;
        min = Math.min(min, scores[i] as number);
        max = Math.max(max, scores[i] as number);
      }
      for (let i = 0; i < nodes.length; i++) {
        const node = nodes[i] as NodeInfo;
        if (state.ignored.has(node)) scores[i] = 0;
        else scores[i] = max === 0 ? MAX_NODE_SCORE : Math.trunc((MAX_NODE_SCORE * (max + min - (scores[i] as number))) / max);
      }
    },
  };
}

const NO_CONSTRAINTS: readonly Constraint[] = [];

/** A Pod of the namespace came, went or changed so that other Pods count than before. */
function podMatters(pod: PodInfo, constraints: readonly Constraint[], before: Pod | null, after: Pod | null): boolean {
  const labelsOf = (other: Pod): Readonly<Record<string, string>> => other.metadata.labels ?? {};
  if ((after ?? before)?.metadata.namespace !== pod.namespace) return false;
  if (before !== null && after !== null) return constraints.some((c) => c.selects(labelsOf(before)) !== c.selects(labelsOf(after)));
  const one = after ?? before;
  return one !== null && constraints.every((c) => c.selects(labelsOf(one)));
}

/** A node came, went or changed so that there are other domains, or other nodes in them. */
function nodeMatters(constraints: readonly Constraint[], before: Node | null, after: Node | null): boolean {
  const inDomains = (node: Node | null): boolean => node !== null && constraints.every((c) => node.metadata.labels?.[c.topologyKey] !== undefined);
  if (before === null || after === null) return inDomains(after ?? before);
  if (inDomains(before) !== inDomains(after)) return true;
  if (!inDomains(after)) return false;
  return constraints.some((c) => before.metadata.labels?.[c.topologyKey] !== after.metadata.labels?.[c.topologyKey]) || !sameTaints(before.spec.taints, after.spec.taints);
}

function constraintsOf(pod: PodInfo, action: string): readonly Constraint[] {
  const constraints: Constraint[] = [];
  for (const c of pod.pod.spec.topologySpreadConstraints ?? []) {
    if (c.whenUnsatisfiable === action) constraints.push({ ...shapeOf(c), ...countersFor(pod, selectorOf(pod, c)) });
  }
  return constraints;
}

const shapeOf = (c: TopologySpreadConstraint): Pick<Constraint, 'maxSkew' | 'topologyKey' | 'minDomains' | 'honorAffinity' | 'honorTaints'> => ({
  maxSkew: c.maxSkew,
  topologyKey: c.topologyKey,
  minDomains: c.minDomains ?? 1,
  honorAffinity: c.nodeAffinityPolicy !== 'Ignore',
  honorTaints: c.nodeTaintsPolicy === 'Honor',
});

function selectorOf(pod: PodInfo, c: TopologySpreadConstraint): NamedSelector {
  const present = new Set((c.labelSelector?.matchExpressions ?? []).map((r) => `${r.key}/${r.operator}`));
  const extra: { key: string; operator: string; values: string[] }[] = [];
  for (const key of c.matchLabelKeys ?? []) {
    const value = pod.labels[key];
    if (value !== undefined && !present.has(`${key}/In`)) extra.push({ key, operator: 'In', values: [value] });
  }
  const selector =
    extra.length === 0
      ? c.labelSelector
      : { ...c.labelSelector, matchExpressions: [...(c.labelSelector?.matchExpressions ?? []), ...extra] };
  return { key: JSON.stringify(selector ?? null), matches: compileLabelSelector(selector) };
}

const EMPTY_SELECTORS = new Set(['{}', 'null']);

function countersFor(pod: PodInfo, selector: NamedSelector): Pick<Constraint, 'counterKey' | 'counts' | 'selects' | 'selfMatch'> {
  const { namespace } = pod;
  const never = EMPTY_SELECTORS.has(selector.key);
  return {
    counterKey: `${namespace}|${selector.key}`,
    counts: never
      ? () => false
      : (other) => other.namespace === namespace && other.pod.metadata.deletionTimestamp === undefined && selector.matches(other.labels),
    selects: selector.matches,
    selfMatch: selector.matches(pod.labels) ? 1 : 0,
  };
}

function systemDefaults(pod: PodInfo, selector: NamedSelector | null): readonly Constraint[] {
  if (selector === null) return [];
  const shared = { minDomains: 1, honorAffinity: true, honorTaints: false, ...countersFor(pod, selector) };
  return [
    { ...shared, topologyKey: HOSTNAME, maxSkew: 3 },
    { ...shared, topologyKey: ZONE, maxSkew: 5 },
  ];
}

function hasAllKeys(node: NodeInfo, constraints: readonly Constraint[]): boolean {
  for (const c of constraints) if (node.labels[c.topologyKey] === undefined) return false;
  return true;
}

function counted(pod: PodInfo, c: Constraint, node: NodeInfo): boolean {
  if (c.honorAffinity && !requiredNodeAffinity(pod.pod)(node.labels, node.name)) return false;
  return !c.honorTaints || untolerated(node.taints, pod.tolerations) === undefined;
}

function countDomains(
  pod: PodInfo,
  constraints: readonly Constraint[],
  nodes: readonly NodeInfo[],
  requireAll: boolean,
): Map<string, number>[] {
  const counts = constraints.map(() => new Map<string, number>());
  for (const node of nodes) {
    if (requireAll && !hasAllKeys(node, constraints)) continue;
    for (let i = 0; i < constraints.length; i++) {
      const c = constraints[i] as Constraint;
      const domain = node.labels[c.topologyKey];
      if (domain === undefined || !counted(pod, c, node)) continue;
      const map = counts[i] as Map<string, number>;
      map.set(domain, (map.get(domain) ?? 0) + node.countMatching(c.counterKey, c.counts));
    }
  }
  return counts;
}

function withMinimums(constraints: readonly Constraint[], counts: readonly ReadonlyMap<string, number>[]): FilterState {
  const minimums = constraints.map((c, i) => {
    const domains = counts[i] as ReadonlyMap<string, number>;
    if (domains.size < c.minDomains) return 0;
    let min = Number.MAX_SAFE_INTEGER;
    for (const count of domains.values()) if (count < min) min = count;
    return min;
  });
  return { constraints, counts, minimums };
}

function shifted(state: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): FilterState {
  if (!hasAllKeys(node, state.constraints)) return state;
  let changed = false;
  const counts = state.counts.map((map, i) => {
    const c = state.constraints[i] as Constraint;
    if (!c.counts(other) || !counted(pod, c, node)) return map;
    changed = true;
    const domain = node.labels[c.topologyKey] as string;
    return new Map(map).set(domain, (map.get(domain) ?? 0) + by);
  });
  return changed ? withMinimums(state.constraints, counts) : state;
}

function scoreState(pod: PodInfo, constraints: readonly Constraint[], nodes: readonly NodeInfo[], snapshot: Snapshot, requireAll: boolean): ScoreState {
  const ignored = new Set<NodeInfo>();
  const domains = constraints.map(() => new Map<string, number>());
  /** Nodes in no domain are one more when the weight is worked out; nobody asks how many Pods they have. */
  const outside = constraints.map(() => 0);
  for (const node of nodes) {
    if (requireAll && !hasAllKeys(node, constraints)) {
      ignored.add(node);
      continue;
    }
    for (let i = 0; i < constraints.length; i++) {
      const c = constraints[i] as Constraint;
      const domain = node.labels[c.topologyKey];
      if (c.topologyKey === HOSTNAME) continue;
      if (domain === undefined) outside[i] = 1;
      else (domains[i] as Map<string, number>).set(domain, 0);
    }
  }
  const weights = constraints.map((c, i) => {
    const size = c.topologyKey === HOSTNAME ? nodes.length - ignored.size : (domains[i]?.size ?? 0) + (outside[i] as number);
    return Math.log(size + 2);
  });
  const zonal = domains.some((map) => map.size > 0);
  if (zonal) {
    for (const node of snapshot.nodes) {
      if (requireAll && !hasAllKeys(node, constraints)) continue;
      for (let i = 0; i < constraints.length; i++) {
        const c = constraints[i] as Constraint;
        const domain = node.labels[c.topologyKey];
        const map = domains[i] as Map<string, number>;
        const before = domain === undefined ? undefined : map.get(domain);
        if (domain === undefined || before === undefined || !counted(pod, c, node)) continue;
        map.set(domain, before + node.countMatching(c.counterKey, c.counts));
      }
    }
  }
  return { constraints, counts: domains, weights, ignored };
}
