// PodTopologySpread's filter and hints against upstream's tables.

import { describe } from 'vitest';
import type { Node, Pod, Taint, TopologySpreadConstraint } from '../../api/generated/types.ts';
import { compileLabels } from '../matcher.ts';
import { podInfoOf } from '../podinfo.ts';
import { cluster, node, pod, table, verdicts } from '../testing/objects.ts';
import { podTopologySpread } from './pod-topology-spread.ts';

type Labels = Readonly<Record<string, string>>;
const has = (key: string): object => ({ matchExpressions: [{ key, operator: 'Exists' }] });
const hard = (maxSkew: number, topologyKey: string, key?: string, more: object = {}): TopologySpreadConstraint =>
  ({ maxSkew, topologyKey, whenUnsatisfiable: 'DoNotSchedule', ...(key === undefined ? {} : { labelSelector: has(key) }), ...more }) as TopologySpreadConstraint;
const labels = (text: string): Labels => Object.fromEntries(text.split(',').filter(Boolean).map((l) => [l, '']));

/** Of each machine: fits, is too full, or is in no domain. */
type Verdict = 'ok' | 'full' | 'out';
const WORDS: Readonly<Record<string, Verdict>> = {
  '': 'ok',
  "node(s) didn't match pod topology spread constraints": 'full',
  "node(s) didn't match pod topology spread constraints (missing required label)": 'out',
};

/** `a a b`: Pods with foo; `a:foo,bar` with those labels; `a!` is going away; `ns/a` in another namespace. */
const running = (text: string): readonly Pod[] =>
  text.split(' ').filter(Boolean).map((word) => {
    const [, namespace, on, going, own = 'foo'] = /^(?:(\w+)\/)?(\w+)(!?)(?::(.*))?$/.exec(word) as unknown as [string, string?, string?, string?, string?];
    return pod({ node: on as string, labels: labels(own), ...(namespace ? { namespace } : {}), deleted: going === '!' });
  });

interface Case {
  readonly name: string;
  readonly labels?: string;
  readonly constraints: readonly TopologySpreadConstraint[];
  readonly spec?: object;
  readonly nodes?: readonly (readonly [string, Labels, (readonly Taint[])?])[];
  readonly running?: string;
  /** In the order of the machines. */
  readonly wanted: string;
}

const machine = (name: string, zone: string): readonly [string, Labels] => [name, { zone, node: name }];
const FOUR = [machine('a', 'zone1'), machine('b', 'zone1'), machine('x', 'zone2'), machine('y', 'zone2')];
const onNodes = (...values: readonly string[]): object => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'node', operator: 'In', values }] }] } } },
});

const check = (c: Case): readonly [unknown, unknown] => {
  const cache = cluster((c.nodes ?? FOUR).map(([name, own, taints]) => node(name, { labels: own, ...(taints ? { taints } : {}) })), running(c.running ?? ''));
  const wanted = pod({ labels: labels(c.labels ?? 'foo'), spec: { topologySpreadConstraints: c.constraints, ...c.spec } });
  const got = verdicts(podTopologySpread(() => null), wanted, cache);
  return [typeof got === 'string' ? got : (c.nodes ?? FOUR).map(([name]) => WORDS[got[name] as string]).join(' '), c.wanted];
};

const TAINTS = [{ key: 'foo', value: 'bar', effect: 'NoSchedule' } as Taint];
const AB = [['a', { node: 'a' }], ['b', { node: 'b' }]] as const;
const ABC = [...AB, ['c', { node: 'c' }]] as const;

describe('PodTopologySpread, Filter', () => {
  table<Case>('one constraint', 'TestSingleConstraint', [
    { name: 'nobody there', constraints: [hard(1, 'zone', 'foo')], wanted: 'ok ok ok ok' },
    { name: 'nobody there, and the Pod itself does not count', constraints: [hard(1, 'zone', 'bar')], wanted: 'ok ok ok ok' },
    { name: 'other namespaces do not count', constraints: [hard(1, 'zone', 'foo')], running: 'ns1/a ns2/a x y', wanted: 'ok ok full full' },
    { name: 'zones 3/3', constraints: [hard(1, 'zone', 'foo')], running: 'a a b y y y', wanted: 'ok ok ok ok' },
    { name: 'zones 1/2, b in no zone', constraints: [hard(1, 'zone', 'foo')], nodes: [machine('a', 'zone1'), ['b', { zon: 'zone1', node: 'b' }], machine('x', 'zone2'), machine('y', 'zone2')], running: 'a b x y', wanted: 'ok out full full' },
    { name: 'no machine has the label', constraints: [hard(1, 'rack', 'foo')], nodes: [machine('a', 'zone1'), machine('x', 'zone2')], wanted: 'out out' },
    { name: 'machines 2/1/0/3', constraints: [hard(1, 'node', 'foo')], running: 'a a b y y y', wanted: 'full full ok full' },
    { name: 'machines 2/1/0/3, a skew of two', constraints: [hard(2, 'node', 'foo')], running: 'a a b y y y', wanted: 'full ok ok full' },
    { name: 'machines 2/1/0/3, the Pod itself does not count', labels: 'bar', constraints: [hard(1, 'node', 'foo')], running: 'a a b y y y', wanted: 'full ok ok full' },
    { name: 'only a and y come into question', spec: onNodes('a', 'y'), constraints: [hard(1, 'node', 'foo')], running: 'a a b y y y', wanted: 'ok ok ok full' },
    { name: 'Pods that go away do not count', constraints: [hard(1, 'node', 'foo')], nodes: AB, running: 'a! b', wanted: 'ok full' },
    { name: 'minDomains met', constraints: [hard(1, 'node', 'foo', { minDomains: 2 })], nodes: ABC, running: 'a b c', wanted: 'ok ok ok' },
    { name: 'minDomains not met', constraints: [hard(2, 'node', 'foo', { minDomains: 4 })], nodes: ABC, running: 'a a b b c', wanted: 'full full ok' },
    { name: 'minDomains of zones met', constraints: [hard(1, 'zone', 'foo', { minDomains: 2 })], running: 'a a b x x y', wanted: 'ok ok ok ok' },
    { name: 'minDomains of zones not met', constraints: [hard(2, 'zone', 'foo', { minDomains: 3 })], running: 'a b x', wanted: 'full full ok ok' },
    { name: 'machines that a nodeSelector excludes do not count', spec: { nodeSelector: { foo: '' } }, constraints: [hard(1, 'node', 'foo')], nodes: [['a', { node: 'a', foo: '' }], ['b', { node: 'b', foo: '' }], ['c', { node: 'c' }]], running: 'a b', wanted: 'ok ok ok' },
    { name: 'or do', spec: { nodeSelector: { foo: '' } }, constraints: [hard(1, 'node', 'foo', { nodeAffinityPolicy: 'Ignore' })], nodes: [['a', { node: 'a', foo: '' }], ['b', { node: 'b', foo: '' }], ['c', { node: 'c' }]], running: 'a b', wanted: 'full full ok' },
    { name: 'tainted machines do not count', constraints: [hard(1, 'node', 'foo', { nodeTaintsPolicy: 'Honor' })], nodes: [...AB, ['c', { node: 'c' }, TAINTS]], running: 'a b', wanted: 'ok ok ok' },
    { name: 'or do, as usual', constraints: [hard(1, 'node', 'foo')], nodes: [...AB, ['c', { node: 'c' }, TAINTS]], running: 'a b', wanted: 'full full ok' },
    { name: 'tolerated taints', spec: { tolerations: [{ key: 'foo', operator: 'Exists' }] }, constraints: [hard(1, 'node', 'foo', { nodeTaintsPolicy: 'Honor' })], nodes: [...AB, ['c', { node: 'c' }, TAINTS]], running: 'a b', wanted: 'full full ok' },
    { name: 'matchLabelKeys', labels: 'foo,bar', constraints: [hard(1, 'zone', 'foo', { matchLabelKeys: ['bar'] })], running: 'a:foo a:foo b:foo,bar y:foo y:foo,bar', wanted: 'ok ok ok ok' },
    { name: 'matchLabelKeys that find more in one zone', labels: 'foo,bar', constraints: [hard(1, 'zone', 'foo', { matchLabelKeys: ['bar'] })], running: 'a:foo,bar b:foo,bar y:foo y:foo,bar', wanted: 'full full ok ok' },
    { name: 'no selector', constraints: [hard(1, 'node')], running: 'a a b y y y', wanted: 'ok ok ok ok' },
  ], check);

  table<Case>('two constraints', 'TestMultipleConstraints', [
    { name: 'zones 3/3, machines 2/1/0/3', constraints: [hard(1, 'zone', 'foo'), hard(1, 'node', 'foo')], running: 'a a b y y y', wanted: 'full full ok full' },
    { name: 'zones 3/4, machines 2/1/0/4', constraints: [hard(1, 'zone', 'foo'), hard(1, 'node', 'foo')], running: 'a a b y y y y', wanted: 'full full full full' },
    { name: 'two selectors: 1/0 and 0/0/0/1', labels: 'foo,bar', constraints: [hard(1, 'zone', 'foo'), hard(1, 'node', 'bar')], running: 'a y:bar', wanted: 'full full ok full' },
    { name: 'two selectors: 1/0 and 0/0/1/1', labels: 'foo,bar', constraints: [hard(1, 'zone', 'foo'), hard(1, 'node', 'bar')], running: 'a x:bar y:bar', wanted: 'full full full full' },
    { name: 'two selectors: 2/3 and 1/0/0/1', labels: 'foo,bar', constraints: [hard(1, 'zone', 'foo'), hard(1, 'node', 'bar')], running: 'a a:foo,bar y y:foo,bar y', wanted: 'full ok full full' },
    { name: 'the Pod itself does not count for zones', labels: 'bar', constraints: [hard(1, 'zone', 'foo'), hard(1, 'node', 'bar')], running: 'a x:bar y:bar', wanted: 'ok ok full full' },
    { name: 'x has not both labels', constraints: [hard(1, 'zone', 'foo'), hard(1, 'node', 'foo')], nodes: [machine('a', 'zone1'), machine('b', 'zone1'), ['x', { zone: 'zone2' }], machine('y', 'zone2')], running: 'a y', wanted: 'full ok out full' },
  ], check);

  const listed = podTopologySpread((p) => (p.metadata.labels?.['foo'] === undefined ? null : { key: 'foo', matches: compileLabels({ foo: '' }) }), {
    defaultingType: 'List',
    defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' } as TopologySpreadConstraint, { maxSkew: 1, topologyKey: 'node', whenUnsatisfiable: 'ScheduleAnyway' } as TopologySpreadConstraint],
  });
  table("the profile's constraints", 'TestPreFilterState', [
    { name: 'for a Pod of a Service', own: labels('foo'), spec: {}, wanted: ['full', 'full', 'ok', 'ok'] },
    { name: 'not for one that nobody claims', own: labels('bar'), spec: {}, wanted: 'skip' },
    { name: 'not for one with constraints of its own', own: labels('foo'), spec: { topologySpreadConstraints: [hard(5, 'zone', 'foo')] }, wanted: ['ok', 'ok', 'ok', 'ok'] },
  ], ({ own, spec, wanted }: { name: string; own: Labels; spec: object; wanted: readonly string[] | string }) => {
    const got = verdicts(listed, pod({ labels: own, spec }), cluster(FOUR.map(([name, l]) => node(name, { labels: l })), running('a b')));
    return [typeof got === 'string' ? got : FOUR.map(([name]) => WORDS[got[name] as string]), wanted];
  });
});

describe('PodTopologySpread, hints', () => {
  const plugin = podTopologySpread(() => null);
  const hint = (event: string) => plugin.events?.find((e) => e.event === event)?.worthTrying;
  const waits = (...constraints: readonly TopologySpreadConstraint[]) => podInfoOf(pod({ name: 'waiting', labels: labels('foo'), spec: { topologySpreadConstraints: constraints } }));
  const byZone = waits(hard(1, 'zone', 'foo'));
  const byBoth = waits(hard(1, 'zone', 'foo'), hard(1, 'node', 'bar'));
  const on = (own: string, namespace = ''): Pod => pod({ node: 'a', namespace, labels: labels(own) });
  table('when a Pod comes, changes or goes', '~Test_isSchedulableAfterPodChange', [
    { name: 'one came that counts', event: 'AssignedPodAdd', wanted: byZone, before: null, after: on('foo'), worth: true },
    { name: 'one came that does not', event: 'AssignedPodAdd', wanted: byZone, before: null, after: on('bar'), worth: false },
    { name: 'one came in another namespace', event: 'AssignedPodAdd', wanted: byZone, before: null, after: on('foo', 'ns'), worth: false },
    { name: 'one came that counts for one of two', event: 'AssignedPodAdd', wanted: byBoth, before: null, after: on('foo'), worth: false },
    { name: 'one came that counts for both', event: 'AssignedPodAdd', wanted: byBoth, before: null, after: on('foo,bar'), worth: true },
    { name: 'one does not count any more', event: 'AssignedPodLabel', wanted: byZone, before: on('foo'), after: on('bar'), worth: true },
    { name: 'one counts as before', event: 'AssignedPodLabel', wanted: byZone, before: on('foo'), after: on('foo,more'), worth: false },
    { name: 'one went that counted', event: 'AssignedPodDelete', wanted: byZone, before: on('foo'), after: null, worth: true },
    { name: 'one went that did not', event: 'AssignedPodDelete', wanted: byZone, before: on('bar'), after: null, worth: false },
  ], ({ event, wanted, before, after, worth }) => [hint(event)?.(wanted, before, after), worth]);

  const zone = (name: string, value?: string, more: Labels = {}): Node => node(name, { labels: { ...(value ? { zone: value } : {}), ...more } });
  table('when a node comes, changes or goes', '~Test_isSchedulableAfterNodeChange', [
    { name: 'one came with the label', event: 'NodeAdd', wanted: byZone, before: null, after: zone('n', 'z1'), worth: true },
    { name: 'one came without', event: 'NodeAdd', wanted: byZone, before: null, after: zone('n'), worth: false },
    { name: 'one came with one of two', event: 'NodeAdd', wanted: byBoth, before: null, after: zone('n', 'z1'), worth: false },
    { name: 'one came with both', event: 'NodeAdd', wanted: byBoth, before: null, after: zone('n', 'z1', { node: 'n' }), worth: true },
    { name: 'one got the label', event: 'NodeLabel', wanted: byZone, before: zone('n'), after: zone('n', 'z1'), worth: true },
    { name: 'one lost it', event: 'NodeLabel', wanted: byZone, before: zone('n', 'z1'), after: zone('n'), worth: true },
    { name: 'one got another value', event: 'NodeLabel', wanted: byZone, before: zone('n', 'z1'), after: zone('n', 'z2'), worth: true },
    { name: 'one got another label', event: 'NodeLabel', wanted: byZone, before: zone('n', 'z1'), after: zone('n', 'z1', { x: 'y' }), worth: false },
    { name: 'one got a taint', event: 'NodeTaint', wanted: byZone, before: zone('n', 'z1'), after: node('n', { labels: { zone: 'z1' }, taints: TAINTS }), worth: true },
    { name: 'one went with the label', event: 'NodeDelete', wanted: byZone, before: zone('n', 'z1'), after: null, worth: true },
    { name: 'one went without', event: 'NodeDelete', wanted: byZone, before: zone('n'), after: null, worth: false },
  ], ({ event, wanted, before, after, worth }) => [hint(event)?.(wanted, before, after), worth]);
});
