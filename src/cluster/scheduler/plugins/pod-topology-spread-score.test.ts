// PodTopologySpread's scores against upstream's table.

import { describe } from 'vitest';
import type { Taint, TopologySpreadConstraint } from '../../api/generated/types.ts';
import { compileLabels } from '../matcher.ts';
import { cluster, node, pod, scores, table } from '../testing/objects.ts';
import { podTopologySpread } from './pod-topology-spread.ts';

type Labels = Readonly<Record<string, string>>;
const HOST = 'kubernetes.io/hostname';
const has = (key: string): object => ({ matchExpressions: [{ key, operator: 'Exists' }] });
const FOO = has('foo');
const BAR = has('bar');
const soft = (maxSkew: number, topologyKey: string, labelSelector?: object, more: object = {}): TopologySpreadConstraint =>
  ({ maxSkew, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', ...(labelSelector ? { labelSelector } : {}), ...more }) as TopologySpreadConstraint;

const host = (name: string, labels: Labels = {}): readonly [string, Labels] => [name, { [HOST]: name, ...labels }];
const zoned = (name: string, zone: string): readonly [string, Labels] => host(name, { zone });
const own = (name: string, labels: Labels = {}, taints?: readonly Taint[]): readonly [string, Labels, (readonly Taint[])?] => (taints ? [name, { node: name, ...labels }, taints] : [name, { node: name, ...labels }]);

/** `a a b`: a Pod with foo on a, another, one on b; `a:foo,bar` with those labels; `a!` is going away; `ns/a` in another namespace. */
const running = (text: string) =>
  text.split(' ').filter(Boolean).map((word) => {
    const [, namespace, on, going, labels = 'foo'] = /^(?:(\w+)\/)?(\w+)(!?)(?::(.*))?$/.exec(word) as unknown as [string, string?, string?, string?, string?];
    return pod({ node: on as string, labels: Object.fromEntries(labels.split(',').map((l) => [l, ''])), ...(namespace ? { namespace } : {}), deleted: going === '!' });
  });

interface Case {
  readonly name: string;
  readonly labels?: string;
  readonly constraints: readonly TopologySpreadConstraint[];
  readonly spec?: object;
  readonly running: string;
  readonly nodes: readonly (readonly [string, Labels, (readonly Taint[])?])[];
  /** Nodes that Filter has refused. */
  readonly failed?: readonly (readonly [string, Labels])[];
  readonly service?: boolean;
  readonly wanted: readonly number[];
}

const ABCD = [host('a'), host('b'), host('c'), host('d')];
const ABX = [host('a'), host('b'), host('x')];
const TWO_ZONES = [zoned('a', 'zone1'), zoned('b', 'zone1'), zoned('x', 'zone2'), zoned('y', 'zone2')];
const ZONES_ABCD = [zoned('a', 'zone1'), zoned('b', 'zone1'), zoned('c', 'zone2'), zoned('d', 'zone2')];
const SELECTED = { nodeSelector: { foo: '' } };
const AFFINE = { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'foo', operator: 'In', values: [''] }] }] } } } };
const PARTLY = [own('a', { foo: '' }), own('b', { foo: '' }), own('c')];
const TAINTED = [own('a'), own('b'), own('c', {}, [{ key: 'foo', value: 'bar', effect: 'NoSchedule' } as Taint])];

describe('PodTopologySpread, Score', () => {
  table<Case>('evenness', 'TestPodTopologySpreadScore', [
    { name: 'as many here as there', constraints: [soft(1, HOST, FOO)], running: 'a b', nodes: [host('a'), host('b')], wanted: [100, 100] },
    { name: 'four hosts', constraints: [soft(1, HOST, FOO)], running: 'a a b d d d', nodes: ABCD, wanted: [20, 60, 100, 0] },
    { name: 'no selector', constraints: [soft(1, HOST)], running: 'a a b d d d', nodes: ABCD, wanted: [100, 100, 100, 100] },
    { name: 'a skew of two', constraints: [soft(2, HOST, FOO)], running: 'a a b d d d', nodes: ABCD, wanted: [33, 66, 100, 16] },
    { name: 'a skew of three', constraints: [soft(3, HOST, FOO)], running: 'a a a a b b b c c d', nodes: ABCD, wanted: [44, 66, 77, 100] },
    { name: 'the built-in constraints without zones', constraints: [], running: 'a a a a b b b c c d', nodes: ABCD, service: true, wanted: [44, 66, 77, 100] },
    { name: 'three of four hosts left', constraints: [soft(1, HOST, FOO)], running: 'a a a a b b x y y y', nodes: ABX, failed: [host('y')], wanted: [33, 83, 100] },
    { name: 'a host without the label', constraints: [soft(1, HOST, FOO)], running: 'a a a a b b x y y y', nodes: [host('a'), ['b', { n: 'b' }], host('x')], failed: [host('y')], wanted: [16, 0, 100] },
    { name: 'zones', constraints: [soft(1, 'zone', FOO)], running: 'a a a a b b x y y y', nodes: TWO_ZONES.slice(0, 3), failed: TWO_ZONES.slice(3), wanted: [75, 75, 100] },
    { name: 'zones and hosts', constraints: [soft(1, 'zone', FOO), soft(1, HOST, FOO)], running: 'a a b x x y y y y', nodes: [zoned('a', 'zone1'), zoned('x', 'zone2')], failed: [zoned('b', 'zone1'), zoned('y', 'zone2')], wanted: [100, 63] },
    { name: 'zones twice', labels: 'foo,bar', constraints: [soft(1, 'zone', FOO), soft(1, 'zone', BAR)], running: 'a:foo,bar a b:foo,bar y y:foo,bar y', nodes: [['a', { zone: 'zone1' }], ['x', { zone: 'zone2' }]], failed: [['b', { zone: 'zone1' }], ['y', { zone: 'zone2' }]], wanted: [85, 100] },
    { name: 'zones for some, hosts for others', labels: 'foo,bar', constraints: [soft(1, 'zone', FOO), soft(1, HOST, BAR)], running: 'a b:foo,bar y y:bar', nodes: TWO_ZONES, wanted: [60, 20, 100, 60] },
    { name: 'the same with empty hosts', labels: 'foo,bar', constraints: [soft(1, 'zone', FOO), soft(1, HOST, BAR)], running: 'b:bar x y:foo,bar', nodes: TWO_ZONES, wanted: [100, 60, 40, 0] },
    { name: 'the same with three of four left', labels: 'foo,bar', constraints: [soft(1, 'zone', FOO), soft(1, HOST, BAR)], running: 'a b:foo,bar y y:bar', nodes: TWO_ZONES.slice(0, 3), failed: TWO_ZONES.slice(3), wanted: [50, 25, 100] },
    { name: 'other namespaces do not count', constraints: [soft(1, HOST, FOO)], running: 'ns1/a a b b', nodes: [host('a'), host('b')], wanted: [100, 33] },
    { name: 'Pods that go away do not count', constraints: [soft(1, HOST, FOO)], running: 'a! b', nodes: [host('a'), host('b')], wanted: [100, 0] },
    { name: 'minDomains says nothing here', constraints: [soft(2, 'node', FOO, { minDomains: 10 })], running: 'a a b b c', nodes: [own('a'), own('b'), own('c')], wanted: [75, 75, 100] },
    { name: 'nodes that a nodeSelector excludes do not count', spec: SELECTED, constraints: [soft(1, 'node', FOO)], running: 'a a b c', nodes: PARTLY, wanted: [0, 33, 100] },
    { name: 'or do', spec: SELECTED, constraints: [soft(1, 'node', FOO, { nodeAffinityPolicy: 'Ignore' })], running: 'a a b c', nodes: PARTLY, wanted: [66, 100, 100] },
    { name: 'nodes that an affinity excludes do not count', spec: AFFINE, constraints: [soft(1, 'node', FOO)], running: 'a a b c', nodes: PARTLY, wanted: [0, 33, 100] },
    { name: 'or do, too', spec: AFFINE, constraints: [soft(1, 'node', FOO, { nodeAffinityPolicy: 'Ignore' })], running: 'a a b c', nodes: PARTLY, wanted: [66, 100, 100] },
    { name: 'tainted nodes do not count', constraints: [soft(1, 'node', FOO, { nodeTaintsPolicy: 'Honor' })], running: 'a a b c', nodes: TAINTED, wanted: [0, 33, 100] },
    { name: 'or do, as usual', constraints: [soft(1, 'node', FOO)], running: 'a a b c', nodes: TAINTED, wanted: [66, 100, 100] },
    { name: 'matchLabelKeys alone', labels: 'foo,bar', constraints: [soft(1, 'zone', {}, { matchLabelKeys: ['foo'] }), soft(1, HOST, {}, { matchLabelKeys: ['bar'] })], running: 'a b:foo,bar c c:bar', nodes: ZONES_ABCD, wanted: [60, 20, 60, 100] },
    { name: 'matchLabelKeys and a selector', labels: 'foo,bar,baz', constraints: [soft(1, 'zone', FOO), soft(1, HOST, BAR, { matchLabelKeys: ['baz'] })], running: 'a b:foo,bar,baz c c:bar c:bar,baz', nodes: ZONES_ABCD, wanted: [60, 20, 60, 100] },
  ], (c) => {
    const all = [...c.nodes, ...(c.failed ?? [])].map(([name, labels, taints]) => node(name, { labels, ...(taints ? { taints } : {}) }));
    const plugin = podTopologySpread(() => (c.service ? { key: 'foo', matches: compileLabels({ foo: '' }) } : null));
    const wanted = pod({ labels: Object.fromEntries((c.labels ?? 'foo').split(',').map((l) => [l, ''])), spec: { ...c.spec, ...(c.constraints.length > 0 ? { topologySpreadConstraints: c.constraints } : {}) } });
    return [scores(plugin, wanted, cluster(all, running(c.running)), c.nodes.map(([name]) => name)), c.wanted];
  });
});
