// Runs the plugins of one profile at their extension points (upstream framework/runtime).

import type { Pod } from '../../api/generated/types.ts';
import type { Op } from '../../sim/simulation.ts';
import type { ClusterEvent } from '../events.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';
import type { QueuedPod } from '../queue.ts';
import type { FailedAttempt, Plugin, PostFilterResult, Snapshot, Status } from './types.ts';

/** A plugin and how much its scores count. */
export interface Enabled {
  readonly plugin: Plugin;
  readonly weight?: number;
}

/** What PreFilter plugins worked out for one Pod: a state for each Filter plugin, or null where it has nothing to say. */
export interface Cycle {
  readonly states: readonly { readonly plugin: Plugin; readonly state: unknown }[];
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

export class Framework {
  /** QueueSort. */
  readonly less: (a: QueuedPod, b: QueuedPod) => boolean;
  readonly #plugins: readonly Plugin[];
  readonly #filters: readonly Has<'filter'>[];
  readonly #scorers: readonly { readonly plugin: Has<'score'>; readonly weight: number }[];
  readonly #postFilters: readonly Has<'postFilter'>[];
  readonly #preEnqueues: readonly Has<'preEnqueue'>[];
  readonly #reservers: readonly Plugin[];
  readonly #permits: readonly Has<'permit'>[];
  readonly #preBinds: readonly Has<'preBind'>[];
  readonly #binds: readonly Has<'bind'>[];
  readonly #postBinds: readonly Has<'postBind'>[];

  constructor(enabled: readonly Enabled[]) {
    const plugins = enabled.map((e) => e.plugin);
    this.#plugins = plugins;
    const sort = having(plugins, 'less')[0];
    if (!sort) throw new Error('a profile needs a QueueSort plugin');
    this.less = (a, b) => sort.less(a, b);
    this.#filters = having(plugins, 'filter');
    this.#scorers = having(plugins, 'score').map((plugin) => ({
      plugin,
      weight: enabled.find((e) => e.plugin === plugin)?.weight ?? 1,
    }));
    this.#postFilters = having(plugins, 'postFilter');
    this.#preEnqueues = having(plugins, 'preEnqueue');
    this.#reservers = plugins.filter((plugin) => plugin.reserve !== undefined || plugin.unreserve !== undefined);
    this.#permits = having(plugins, 'permit');
    this.#preBinds = having(plugins, 'preBind');
    this.#binds = having(plugins, 'bind');
    this.#postBinds = having(plugins, 'postBind');
  }

  preEnqueue(pod: PodInfo): Status | null {
    for (const plugin of this.#preEnqueues) {
      const status = plugin.preEnqueue(pod);
      if (status) return { ...status, plugin: plugin.name };
    }
    return null;
  }

  preFilter(pod: PodInfo, snapshot: Snapshot): PreFiltered {
    const states: { plugin: Plugin; state: unknown }[] = [];
    let nodes: ReadonlySet<string> | null = null as ReadonlySet<string> | null;
    const restrictedBy: string[] = [];
    for (const plugin of this.#filters) {
      if (!plugin.preFilter) {
        states.push({ plugin, state: undefined });
        continue;
      }
      const result = plugin.preFilter(pod, snapshot);
      if (result.status?.code === 'Skip') continue;
      if (result.status) return { cycle: { states }, status: { ...result.status, plugin: plugin.name }, nodes, restrictedBy };
      states.push({ plugin, state: result.state });
      if (!result.nodes) continue;
      restrictedBy.push(plugin.name);
      const wanted = result.nodes;
      nodes = nodes === null ? wanted : new Set([...nodes].filter((name) => wanted.has(name)));
      if (nodes.size > 0) continue;
      const text = `node(s) didn't satisfy plugin(s) [${restrictedBy.join(' ')}]${restrictedBy.length > 1 ? ' simultaneously' : ''}`;
      const status: Status = { code: 'UnschedulableAndUnresolvable', reasons: [text], plugin: plugin.name };
      return { cycle: { states }, status, nodes, restrictedBy };
    }
    return { cycle: { states }, status: null, nodes, restrictedBy: restrictedBy.sort() };
  }

  /** The first objection to this node, or null. */
  filter(cycle: Cycle, pod: PodInfo, node: NodeInfo): Status | null {
    for (const { plugin, state } of cycle.states) {
      const status = (plugin as Has<'filter'>).filter(state, pod, node);
      if (status !== null) return status.plugin === undefined ? { ...status, plugin: plugin.name } : status;
    }
    return null;
  }

  /** The cycle as if `other` ran on `node` too (or no longer). */
  shift(cycle: Cycle, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 'add' | 'remove'): Cycle {
    return {
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
    for (const { plugin, weight } of this.#scorers) {
      let state: unknown;
      if (plugin.preScore) {
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

  *preBind(pod: Pod, node: string): Op<Status | null> {
    for (const plugin of this.#preBinds) {
      const status = yield* plugin.preBind(pod, node);
      if (status) return { ...status, plugin: plugin.name };
    }
    return null;
  }

  *bind(pod: Pod, node: string): Op<Status | null> {
    for (const plugin of this.#binds) {
      const status = yield* plugin.bind(pod, node);
      if (status?.code === 'Skip') continue;
      return status ? { ...status, plugin: plugin.name } : null;
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
