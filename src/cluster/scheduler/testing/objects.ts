// Pods, nodes and whole clusters in few words, and ways to ask one plugin about them; for the tests of scheduling.

import { expect, it } from 'vitest';
import type { Container, ContainerPort, Node, Pod, Taint } from '../../api/generated/types.ts';
import { Cache } from '../cache.ts';
import type { Plugin } from '../framework/types.ts';
import { type PodInfo, podInfoOf } from '../podinfo.ts';

export type Quantities = Readonly<Record<string, string>>;
type Labels = Readonly<Record<string, string>>;

export interface PodWords {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly node?: string;
  readonly priority?: number;
  /** The requests of each container; absent: no container. */
  readonly requests?: readonly Quantities[];
  readonly ports?: readonly ContainerPort[];
  readonly start?: string;
  readonly deleted?: boolean;
  readonly spec?: object;
  readonly status?: object;
}

let count = 0;

export function pod(o: PodWords = {}): Pod {
  const name = o.name ?? `pod-${++count}`;
  const containers: Container[] = (o.requests ?? []).map((requests, i) => ({ name: `c${i}`, image: 'app', resources: { requests } }));
  if (o.ports !== undefined) containers.push({ name: 'ports', image: 'app', ports: o.ports } as Container);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: o.namespace ?? '',
      uid: name,
      ...(o.labels ? { labels: o.labels } : {}),
      ...(o.deleted ? { deletionTimestamp: '2026-05-04T01:00:00Z' } : {}),
    },
    spec: {
      containers,
      ...(o.node === undefined ? {} : { nodeName: o.node }),
      ...(o.priority === undefined ? {} : { priority: o.priority }),
      ...o.spec,
    },
    status: { ...(o.start === undefined ? {} : { startTime: o.start }), ...o.status },
  } as unknown as Pod;
}

export interface NodeWords {
  readonly labels?: Labels;
  readonly allocatable?: Quantities;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly images?: NonNullable<Node['status']['images']>;
}

export function node(name: string, o: NodeWords = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: o.labels ?? {} },
    spec: { ...(o.taints ? { taints: o.taints } : {}), ...(o.unschedulable ? { unschedulable: true } : {}) },
    status: { allocatable: o.allocatable ?? {}, ...(o.images ? { images: o.images } : {}) },
  } as unknown as Node;
}

export function cluster(nodes: readonly Node[], pods: readonly Pod[] = []): Cache {
  const cache = new Cache();
  for (const n of nodes) cache.setNode(n);
  for (const p of pods) cache.setPod(podInfoOf(p));
  return cache;
}

/** What PreFilter and Filter of one plugin say, node by node: '' when it fits; `skip` or the reasons alone when PreFilter decides. */
export function verdicts(plugin: Plugin, wanted: Pod | PodInfo, cache: Cache): Readonly<Record<string, string>> | string {
  const info = 'uid' in wanted ? wanted : podInfoOf(wanted);
  const pre = plugin.preFilter?.(info, cache);
  if (pre?.status) return pre.status.code === 'Skip' ? 'skip' : pre.status.reasons.join(', ');
  const result: Record<string, string> = {};
  for (const n of cache.nodes) result[n.name] = plugin.filter?.(pre?.state, info, n)?.reasons.join(', ') ?? '';
  return result;
}

/** PreScore, Score and NormalizeScore of one plugin, for `names` (all nodes). */
export function scores(plugin: Plugin, wanted: Pod, cache: Cache, names?: readonly string[]): readonly number[] | 'skip' {
  const info = podInfoOf(wanted);
  const nodes = names === undefined ? cache.nodes : names.flatMap((name) => cache.byName.get(name) ?? []);
  const pre = plugin.preScore?.(info, nodes, cache);
  if (pre?.status?.code === 'Skip') return 'skip';
  const given = nodes.map((n) => plugin.score?.(pre?.state, info, n) ?? Number.NaN);
  plugin.normalizeScore?.(pre?.state, info, given, nodes);
  return given;
}

export interface Row {
  readonly name: string;
}

/**
 * One test for a whole table of upstream's; `check` answers what came out and what is wanted. `upstream` with a ~ before it:
 * most of the cases are our own, in the manner of that table.
 */
export function table<R extends Row>(what: string, upstream: string, rows: readonly R[], check: (row: R) => readonly [got: unknown, wanted: unknown]): void {
  const origin = upstream.startsWith('~') ? `after upstream's ${upstream.slice(1)}` : `of upstream's ${upstream}`;
  it(`${what}: ${rows.length} cases ${origin}`, () => {
    const wrong: Record<string, unknown> = {};
    for (const row of rows) {
      const [got, wanted] = check(row);
      if (JSON.stringify(got) !== JSON.stringify(wanted)) wrong[row.name] = { got, wanted };
    }
    expect(wrong).toEqual({});
  });
}
