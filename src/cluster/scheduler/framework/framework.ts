// Runs the plugins of one profile at their extension points (upstream framework/runtime).

import type { Pod } from '../../api/generated/types.ts';
import type { Op } from '../../sim/simulation.ts';
import type { ClusterEvent } from '../events.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';
import type { QueuedPod } from '../queue.ts';
import type { ExtensionPoint, FailedAttempt, Plugin, PostFilterResult, Snapshot, Status } from './types.ts';

/** A plugin and how much its scores count. */
export interface Enabled {
  readonly plugin: Plugin;
  readonly weight?: number;
}

/** The plugins of some extension points where those are not the profile's plugins in their order. */
export type EnabledByPoint = Partial<Record<ExtensionPoint, readonly Enabled[]>>;

/** What PreFilter plugins worked out for one Pod: a state for each Filter plugin, or null where it has nothing to say. */
export interface Cycle {
  readonly states: readonly FilterStep[];
  /** Whose PreFilter was asked: all, unless an earlier one ended the cycle. */
  readonly asked: ReadonlySet<string>;
}

interface FilterStep {
  readonly plugin: Plugin;
  readonly state: unknown;
}

export interface PreFiltered {
  readonly cycle: Cycle;
  readonly status: Status | null;
  /** The only nodes worth trying, and who says so. */
  readonly nodes: ReadonlySet<string> | null;
  readonly restrictedBy: readonly string[];
}

export interface Scored {
  readonly totals: readonly number[];
  /** Weighted, by plugin. */
  readonly byPlugin: readonly { readonly name: string; readonly scores: readonly number[] }[];
}

type Has<K extends keyof Plugin> = Plugin & { readonly [P in K]-?: NonNullable<Plugin[P]> };
const having = <K extends keyof Plugin>(plugins: readonly Plugin[], point: K): readonly Has<K>[] =>
  plugins.filter((plugin) => plugin[point] !== undefined) as readonly Plugin[] as readonly Has<K>[];

const METHODS: Readonly<Record<ExtensionPoint, readonly (keyof Plugin)[]>> = {
  preEnqueue: ['preEnqueue'],
  queueSort: ['less'],
  preFilter: ['preFilter'],
  filter: ['filter'],
  postFilter: ['postFilter'],
  preScore: ['preScore'],
  score: ['score'],
  reserve: ['reserve', 'unreserve'],
  permit: ['permit'],
  preBind: ['preBind'],
  bind: ['bind'],
  postBind: ['postBind'],
};

export const EXTENSION_POINTS = Object.keys(METHODS) as readonly ExtensionPoint[];

export const implementsPoint = (plugin: Plugin, point: ExtensionPoint): boolean => METHODS[point].some((method) => plugin[method] !== undefined);

/** A failure says where it happened, a refusal speaks for itself. */
const failed = (point: string, plugin: Plugin, { code, reasons }: Status): Status => ({
  code,
  reasons: code === 'Error' ? [`running ${point} plugin "${plugin.name}": ${reasons.join(', ')}`] : reasons,
  plugin: plugin.name,
});

const SKIPPED = Symbol('skipped');

const intersection = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> => new Set([...a].filter((name) => b.has(name)));

interface Scorer {
  readonly plugin: Has<'score'>;
  readonly weight: number;
  /** Its PreScore runs. */
  readonly prepared: boolean;
}

export interface FrameworkOptions {
  /** The profile's schedulerName. */
  readonly name?: string;
  /** 0: by the size of the cluster. */
  readonly percentageOfNodesToScore?: number;
}

export class Framework {
  readonly name: string;
  readonly percentageOfNodesToScore: number;
  /** QueueSort. */
  readonly less: (a: QueuedPod, b: QueuedPod) => boolean;
  readonly #plugins: readonly Plugin[];
  readonly #preFilters: readonly Has<'preFilter'>[];
  readonly #filters: readonly (FilterStep & { readonly prepared: number })[];
  readonly #scorers: readonly Scorer[];
  readonly #postFilters: readonly Has<'postFilter'>[];
  readonly #preEnqueues: readonly Has<'preEnqueue'>[];
  readonly #reservers: readonly Plugin[];
  readonly #permits: readonly Has<'permit'>[];
  readonly #preBinds: readonly Has<'preBind'>[];
  readonly #binds: readonly Has<'bind'>[];
  readonly #postBinds: readonly Has<'postBind'>[];
  readonly #everybody: ReadonlySet<string>;
  readonly #common = new Map<number, readonly FilterStep[]>();

  /** `enabled` serves at every extension point that it implements, but where `byPoint` says otherwise. */
  constructor(enabled: readonly Enabled[], byPoint: EnabledByPoint = {}, { name = 'default-scheduler', percentageOfNodesToScore = 0 }: FrameworkOptions = {}) {
    this.name = name;
    this.percentageOfNodesToScore = percentageOfNodesToScore;
    const at = (point: ExtensionPoint): readonly Enabled[] => byPoint[point] ?? enabled;
    const plugins = (point: ExtensionPoint): readonly Plugin[] => at(point).map((e) => e.plugin);
    const used = EXTENSION_POINTS.flatMap((point) => plugins(point).filter((plugin) => implementsPoint(plugin, point)));
    this.#plugins = [...new Set([...enabled.map((e) => e.plugin).filter((plugin) => used.includes(plugin)), ...used])];
    const sort = having(plugins('queueSort'), 'less')[0];
    if (!sort) throw new Error('at least one queue sort plugin must be enabled');
    this.less = (a, b) => sort.less(a, b);
    this.#preFilters = having(plugins('preFilter'), 'preFilter');
    this.#everybody = new Set(this.#preFilters.map((plugin) => plugin.name));
    const preFilters = this.#preFilters as readonly Plugin[];
    this.#filters = having(plugins('filter'), 'filter').map((plugin) => ({ plugin, state: undefined, prepared: preFilters.indexOf(plugin) }));
    const preScorers = new Set(having(plugins('preScore'), 'preScore') as readonly Plugin[]);
    this.#scorers = at('score').flatMap(({ plugin, weight }) =>
      plugin.score === undefined ? [] : [{ plugin: plugin as Has<'score'>, weight: weight || 1, prepared: preScorers.has(plugin) }],
    );
    this.#postFilters = having(plugins('postFilter'), 'postFilter');
    this.#preEnqueues = having(plugins('preEnqueue'), 'preEnqueue');
    this.#reservers = plugins('reserve').filter((plugin) => implementsPoint(plugin, 'reserve'));
    this.#permits = having(plugins('permit'), 'permit');
    this.#preBinds = having(plugins('preBind'), 'preBind');
    this.#binds = having(plugins('bind'), 'bind');
    this.#postBinds = having(plugins('postBind'), 'postBind');
  }

  /** Lets plugins tell of events that only they know of. */
  follow(move: (event: ClusterEvent) => void): void {
    for (const plugin of this.#plugins) plugin.follow?.(move);
  }

  preEnqueue(pod: PodInfo): Status | null {
    for (const plugin of this.#preEnqueues) {
      const status = plugin.preEnqueue(pod);
      if (status) return { ...status, plugin: plugin.name };
    }
    return null;
  }

  preFilter(pod: PodInfo, snapshot: Snapshot): PreFiltered {
    const plugins = this.#preFilters;
    /** By plugin: SKIPPED, or its state. */
    const made: unknown[] = [];
    let skips = 0;
    let stateless = true;
    let nodes: ReadonlySet<string> | null = null;
    const restrictedBy: string[] = [];
    for (const plugin of plugins) {
      const result = plugin.preFilter(pod, snapshot);
      if (result.status?.code === 'Skip') {
        skips |= 1 << made.length;
        made.push(SKIPPED);
        continue;
      }
      made.push(result.state);
      stateless &&= result.state === undefined;
      if (result.status) return this.#ended(made, { ...result.status, plugin: plugin.name }, nodes, restrictedBy);
      if (!result.nodes) continue;
      restrictedBy.push(plugin.name);
      nodes = nodes === null ? result.nodes : intersection(nodes, result.nodes);
      if (nodes.size > 0) continue;
      const text = `node(s) didn't satisfy plugin(s) [${restrictedBy.join(' ')}]${restrictedBy.length > 1 ? ' simultaneously' : ''}`;
      return this.#ended(made, { code: 'UnschedulableAndUnresolvable', reasons: [text], plugin: plugin.name }, nodes, restrictedBy);
    }
    const states = stateless ? this.#statelessSteps(made, skips) : this.#steps(made);
    return { cycle: { states, asked: this.#everybody }, status: null, nodes, restrictedBy: restrictedBy.sort() };
  }

  /** Most Pods have the same few plugins skipped, and no state. `skips`: a bit for each PreFilter plugin. */
  #statelessSteps(made: readonly unknown[], skips: number): readonly FilterStep[] {
    let steps = this.#common.get(skips);
    if (steps === undefined) this.#common.set(skips, (steps = this.#steps(made)));
    return steps;
  }

  #ended(made: readonly unknown[], status: Status, nodes: ReadonlySet<string> | null, restrictedBy: readonly string[]): PreFiltered {
    const asked = new Set(this.#preFilters.slice(0, made.length).map((plugin) => plugin.name));
    return { cycle: { states: this.#steps(made), asked }, status, nodes, restrictedBy };
  }

  /** The Filter plugins that have something to say, each with the state that its PreFilter made. */
  #steps(made: readonly unknown[]): readonly FilterStep[] {
    const steps: FilterStep[] = [];
    for (const step of this.#filters) {
      const state = step.prepared < 0 ? undefined : made[step.prepared];
      if (state === undefined) steps.push(step);
      else if (state !== SKIPPED) steps.push({ plugin: step.plugin, state });
    }
    return steps;
  }

  /** The first objection to this node, or null. */
  filter(cycle: Cycle, pod: PodInfo, node: NodeInfo): Status | null {
    const { states } = cycle;
    for (let i = 0; i < states.length; i++) {
      const { plugin, state } = states[i] as FilterStep;
      const status = (plugin as Has<'filter'>).filter(state, pod, node);
      if (status !== null) return status.plugin === undefined ? { ...status, plugin: plugin.name } : status;
    }
    return null;
  }

  /** The cycle as if `other` ran on `node` too (or no longer). */
  shift(cycle: Cycle, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 'add' | 'remove'): Cycle {
    return {
      asked: cycle.asked,
      states: cycle.states.map(({ plugin, state }) => {
        if (by === 'add') return { plugin, state: plugin.addPod ? plugin.addPod(state, pod, other, node) : state };
        return { plugin, state: plugin.removePod ? plugin.removePod(state, pod, other, node) : state };
      }),
    };
  }

  /** Asks PostFilter plugins in turn until one makes room; otherwise what all of them said. */
  postFilter(attempt: FailedAttempt): PostFilterResult & { readonly message: string } {
    const reasons: string[] = [];
    let nominatedNode: string | undefined;
    for (const plugin of this.#postFilters) {
      const result = plugin.postFilter(attempt);
      if (result.status === null) return { ...result, message: '' };
      if (result.status.code === 'Error') return { status: result.status, message: result.status.reasons.join(', ') };
      reasons.push(...result.status.reasons);
      if (result.nominatedNode !== undefined) nominatedNode = result.nominatedNode;
    }
    const status: Status = { code: 'Unschedulable', reasons };
    return { status, message: reasons.join(', '), ...(nominatedNode === undefined ? {} : { nominatedNode }) };
  }

  get hasPostFilter(): boolean {
    return this.#postFilters.length > 0;
  }

  /** PreScore, Score, NormalizeScore and the weighted sum. */
  score(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): Scored {
    const totals: number[] = new Array(nodes.length).fill(0);
    const byPlugin: { name: string; scores: number[] }[] = [];
    for (const { plugin, weight, prepared } of this.#scorers) {
      let state: unknown;
      if (prepared && plugin.preScore) {
        const result = plugin.preScore(pod, nodes, snapshot);
        if (result.status?.code === 'Skip') continue;
        state = result.state;
      }
      const scores: number[] = new Array(nodes.length);
      for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score(state, pod, nodes[i] as NodeInfo);
      plugin.normalizeScore?.(state, pod, scores, nodes);
      for (let i = 0; i < nodes.length; i++) {
        const weighted = (scores[i] as number) * weight;
        scores[i] = weighted;
        totals[i] = (totals[i] as number) + weighted;
      }
      byPlugin.push({ name: plugin.name, scores });
    }
    return { totals, byPlugin };
  }

  reserve(pod: Pod, node: string): Status | null {
    for (const plugin of this.#reservers) {
      const status = plugin.reserve?.(pod, node) ?? null;
      if (status) return { ...status, plugin: plugin.name };
    }
    return null;
  }

  /** In reverse order, also for plugins that did not reserve. */
  unreserve(pod: Pod, node: string): void {
    for (let i = this.#reservers.length - 1; i >= 0; i--) this.#reservers[i]?.unreserve?.(pod, node);
  }

  /** 'Wait' when some plugin wants to wait; `timeout` is the shortest that one asks for. */
  permit(pod: Pod, node: string): { readonly status: Status | null; readonly timeout: number } {
    let waiting: Status | null = null;
    let timeout = Number.POSITIVE_INFINITY;
    for (const plugin of this.#permits) {
      const result = plugin.permit(pod, node);
      if (result.status === null) continue;
      const status = { ...result.status, plugin: plugin.name };
      if (status.code !== 'Wait') return { status, timeout: 0 };
      waiting ??= status;
      timeout = Math.min(timeout, result.timeout ?? Number.POSITIVE_INFINITY);
    }
    return { status: waiting, timeout };
  }

  /** Will PreBind take its time? */
  willPreBind(pod: Pod, node: string): boolean {
    return this.#preBinds.some((plugin) => plugin.willPreBind?.(pod, node) ?? true);
  }

  *preBind(pod: Pod, node: string): Op<Status | null> {
    for (const plugin of this.#preBinds) {
      if (plugin.willPreBind?.(pod, node) === false) continue;
      const status = yield* plugin.preBind(pod, node);
      if (status) return failed('PreBind', plugin, status);
    }
    return null;
  }

  *bind(pod: Pod, node: string): Op<Status | null> {
    for (const plugin of this.#binds) {
      const status = yield* plugin.bind(pod, node);
      if (status?.code === 'Skip') continue;
      return status ? failed('Bind', plugin, status) : null;
    }
    return { code: 'Error', reasons: ['no bind plugin is willing'] };
  }

  postBind(pod: Pod, node: string): void {
    for (const plugin of this.#postBinds) plugin.postBind(pod, node);
  }

  /** Queueing hints (KEP-4247): may `event` help a Pod that `rejectedBy` rejected? */
  worthTrying(pod: PodInfo, rejectedBy: ReadonlySet<string>, event: ClusterEvent): boolean {
    for (const plugin of this.#plugins) {
      if (!rejectedBy.has(plugin.name)) continue;
      if (plugin.events === undefined) return true;
      for (const hint of plugin.events) {
        if (hint.event !== event.kind) continue;
        if (hint.worthTrying === undefined || hint.worthTrying(pod, event.before, event.after)) return true;
      }
    }
    return false;
  }
}
