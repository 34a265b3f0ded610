// InterPodAffinity's filter and hints against upstream's tables.

import { describe } from 'vitest';
import type { Node, Pod } from '../../api/generated/types.ts';
import { podInfoOf } from '../podinfo.ts';
import { cluster, node, pod, table, verdicts } from '../testing/objects.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';

type Labels = Readonly<Record<string, string>>;
type Expression = readonly [key: string, operator: string, ...values: string[]];
const HARD = 'requiredDuringSchedulingIgnoredDuringExecution';
const term = (topologyKey: string, ...expressions: readonly Expression[]): object => ({
  labelSelector: { matchExpressions: expressions.map(([key, operator, ...values]) => ({ key, operator, ...(values.length ? { values } : {}) })) },
  topologyKey,
});
const near = (...terms: readonly object[]): object => ({ podAffinity: { [HARD]: terms } });
const away = (...terms: readonly object[]): object => ({ podAntiAffinity: { [HARD]: terms } });

const AFFINITY = "node(s) didn't match pod affinity rules";
const ANTI = "node(s) didn't match pod anti-affinity rules";
const EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules";

const SERVICE = { service: 'securityscan' };
const SECURITY = { security: 'S1' };
const scan: Expression = ['service', 'In', 'securityscan', 'value2'];
const virus: Expression = ['service', 'In', 'antivirusscan', 'value2'];

interface Case {
  readonly name: string;
  readonly labels?: Labels;
  readonly namespace?: string;
  readonly affinity?: object;
  readonly running: readonly Pod[];
  /** One machine with region, zone and node when absent. */
  readonly nodes?: readonly Node[];
  readonly wanted: string | readonly string[];
}

const MACHINE = node('machine1', { labels: { region: 'r1', zone: 'z11', node: 'machine1' } });
const on = (name: string, labels: Labels, affinity?: object, namespace = ''): Pod => pod({ node: name, labels, namespace, spec: affinity ? { affinity } : {} });
const plugin = interPodAffinity((namespace) => (namespace === 'ns1' ? { team: 'one' } : {}));

const check = (c: Case): readonly [unknown, unknown] => {
  const cache = cluster(c.nodes ?? [MACHINE], c.running);
  const wanted = pod({ namespace: c.namespace ?? '', labels: c.labels ?? {}, spec: c.affinity ? { affinity: c.affinity } : {} });
  const got = verdicts(plugin, wanted, cache);
  const values = typeof got === 'string' ? got : Object.values(got);
  return [values, typeof c.wanted === 'string' ? (c.wanted === 'skip' ? 'skip' : [c.wanted]) : c.wanted];
};

describe('InterPodAffinity, Filter', () => {
  table<Case>('one machine', 'TestRequiredAffinitySingleNode', [
    { name: 'no rules and nobody there', running: [], wanted: 'skip' },
    { name: 'near, In', labels: SECURITY, affinity: near(term('region', scan)), running: [on('machine1', SERVICE)], wanted: '' },
    { name: 'near, NotIn', labels: SECURITY, affinity: near(term('region', ['service', 'NotIn', 'securityscan3', 'value3'])), running: [on('machine1', SERVICE)], wanted: '' },
    { name: 'near, in another namespace', labels: SECURITY, affinity: near({ ...term('region', scan), namespaces: ['DiffNameSpace'] }), running: [on('machine1', SERVICE, undefined, 'ns')], wanted: AFFINITY },
    { name: 'near somebody who is not there', labels: SERVICE, affinity: near(term('region', virus)), running: [on('machine1', SERVICE)], wanted: AFFINITY },
    { name: 'near, several terms and operators', labels: SECURITY, affinity: near(term('region', ['service', 'Exists'], ['wrongkey', 'DoesNotExist']), term('region', ['service', 'In', 'securityscan'], ['service', 'NotIn', 'WrongValue'])), running: [on('machine1', SERVICE)], wanted: '' },
    { name: 'near, one of the terms is not met', labels: SECURITY, affinity: near(term('region', ['service', 'Exists'], ['wrongkey', 'DoesNotExist']), term('region', ['service', 'In', 'securityscan2'], ['service', 'NotIn', 'WrongValue'])), running: [on('machine1', SERVICE)], wanted: AFFINITY },
    { name: 'near one and away from another', labels: SECURITY, affinity: { ...near(term('region', scan)), ...away(term('node', virus)) }, running: [on('machine1', SERVICE)], wanted: '' },
    { name: 'the same of both sides', labels: SECURITY, affinity: { ...near(term('region', scan)), ...away(term('node', virus)) }, running: [on('machine1', SERVICE, away(term('node', virus)))], wanted: '' },
    { name: 'near and away from the same', labels: SECURITY, affinity: { ...near(term('region', scan)), ...away(term('zone', scan)) }, running: [on('machine1', SERVICE)], wanted: ANTI },
    { name: 'the one that runs objects', labels: SERVICE, affinity: { ...near(term('region', scan)), ...away(term('node', virus)) }, running: [on('machine1', SERVICE, away(term('zone', scan)))], wanted: EXISTING },
    { name: 'its own labels do not count when they do not match', labels: SERVICE, affinity: near(term('region', ['service', 'NotIn', 'securityscan', 'value2'])), running: [on('machine2', SERVICE)], wanted: AFFINITY },
    { name: 'the one that runs objects to a Pod without rules', labels: SERVICE, running: [on('machine1', SERVICE, away(term('zone', scan)))], wanted: EXISTING },
    { name: 'the one that runs objects to others', labels: SERVICE, running: [on('machine1', SERVICE, away(term('zone', ['service', 'NotIn', 'securityscan', 'value2'])))], wanted: 'skip' },
    { name: 'one of two terms is enough to be away', labels: SERVICE, affinity: away(term('region', ['service', 'Exists']), term('region', ['security', 'Exists'])), running: [on('machine1', SECURITY, away(term('zone', ['security', 'Exists'])))], wanted: ANTI },
    { name: 'both object, a1', labels: SERVICE, affinity: away(term('zone', ['service', 'Exists']), term('zone', ['security', 'Exists'])), running: [on('machine1', SECURITY, away(term('zone', ['security', 'Exists'])))], wanted: ANTI },
    { name: 'both object, a2', labels: SECURITY, affinity: away(term('zone', ['security', 'Exists'])), running: [on('machine1', SERVICE, away(term('zone', ['service', 'Exists']), term('zone', ['security', 'Exists'])))], wanted: EXISTING },
    // The newer order of the checks: the Pod's own rules first.
    { name: 'both object, b1', labels: { abc: '', xyz: '' }, affinity: away(term('zone', ['abc', 'Exists']), term('zone', ['def', 'Exists'])), running: [on('machine1', { def: '', xyz: '' }, away(term('zone', ['abc', 'Exists']), term('zone', ['def', 'Exists'])))], wanted: ANTI },
    { name: 'both object, b2', labels: { def: '', xyz: '' }, affinity: away(term('zone', ['abc', 'Exists']), term('zone', ['def', 'Exists'])), running: [on('machine1', { abc: '', xyz: '' }, away(term('zone', ['abc', 'Exists']), term('zone', ['def', 'Exists'])))], wanted: ANTI },
    { name: 'near, by the labels of the namespace', labels: SECURITY, affinity: near({ ...term('region', scan), namespaceSelector: { matchLabels: { team: 'one' } } }), running: [on('machine1', SERVICE, undefined, 'ns1')], wanted: '' },
    { name: 'near, by other labels of the namespace', labels: SECURITY, affinity: near({ ...term('region', scan), namespaceSelector: { matchLabels: { team: 'two' } } }), running: [on('machine1', SERVICE, undefined, 'ns1')], wanted: AFFINITY },
    { name: 'near, in all namespaces', labels: SECURITY, affinity: near({ ...term('region', scan), namespaceSelector: {} }), running: [on('machine1', SERVICE, undefined, 'ns2')], wanted: '' },
  ], check);

  const CHINA = { region: 'China' };
  const three = [node('machine1', { labels: CHINA }), node('machine2', { labels: { ...CHINA, az: 'az1' } }), node('machine3', { labels: { region: 'India' } })];
  const two = (a: Labels, b: Labels): readonly Node[] => [node('nodeA', { labels: { ...a, hostname: 'nodeA' } }), node('nodeB', { labels: { ...b, hostname: 'nodeB' } })];
  const bar: Expression = ['foo', 'In', 'bar'];
  const abc: Expression = ['foo', 'In', 'abc'];
  const R1 = { region: 'r1' };
  const ABC = [node('nodeA', { labels: CHINA }), node('nodeB', { labels: { ...CHINA, az: 'az1' } }), node('nodeC', { labels: { region: 'India' } })];
  table<Case>('several machines', 'TestRequiredAffinityMultipleNodes', [
    { name: 'near: all machines of the domain', affinity: near(term('region', bar)), running: [on('machine1', { foo: 'bar' })], nodes: three, wanted: ['', '', AFFINITY] },
    { name: 'the first of a group may go anywhere', labels: { foo: 'bar', ...SERVICE }, affinity: near(term('zone', bar), term('zone', ['service', 'In', 'securityscan'])), running: [on('nodeA', { foo: 'bar' })], nodes: two({ zone: 'az1' }, { zone: 'az2' }), wanted: ['', ''] },
    { name: 'away: all machines of the domain', affinity: away(term('region', abc)), running: [on('nodeA', { foo: 'abc' })], nodes: two(R1, R1), wanted: [ANTI, ANTI] },
    { name: 'away: one term is enough', affinity: away(term('region', abc), term('zone', ['service', 'In', 'securityscan'])), running: [on('nodeA', { foo: 'abc', ...SERVICE })], nodes: two({ ...R1, zone: 'z1' }, { ...R1, zone: 'z2' }), wanted: [ANTI, ANTI] },
    { name: 'away: another domain is fine', affinity: away(term('region', abc)), running: [on('nodeA', { foo: 'abc' })], nodes: ABC, wanted: [ANTI, ANTI, ''] },
    { name: 'an objection from another namespace does not count', namespace: 'NS1', labels: { foo: '123' }, affinity: away(term('region', bar)), running: [on('nodeA', { foo: 'bar' }, undefined, 'NS1'), on('nodeC', {}, away(term('region', ['foo', 'In', '123'])), 'NS2')], nodes: ABC, wanted: [ANTI, ANTI, ''] },
    { name: 'an objection about a domain that no machine is in', labels: { foo: '' }, running: [on('nodeA', {}, away(term('invalid-node-label', ['foo', 'Exists'])))], nodes: two({ ...R1, zone: 'z1' }, { ...R1, zone: 'z1' }), wanted: 'skip' },
    { name: 'away in a domain that no machine is in', affinity: away(term('invalid-node-label', ['foo', 'Exists'])), running: [on('nodeA', { foo: '' })], nodes: two({ ...R1, zone: 'z1' }, { ...R1, zone: 'z1' }), wanted: ['', ''] },
    { name: 'two that run object in different domains', labels: { foo: '', bar: '' }, running: [on('nodeA', {}, away(term('zone', ['foo', 'Exists']))), on('nodeA', {}, away(term('region', ['bar', 'Exists'])))], nodes: two({ ...R1, zone: 'z1' }, { ...R1, zone: 'z2' }), wanted: [EXISTING, EXISTING] },
    { name: 'away from two in different domains', affinity: away(term('zone', ['foo', 'Exists']), term('region', ['bar', 'Exists'])), running: [on('nodeA', { foo: '', bar: '' })], nodes: two({ ...R1, zone: 'z1' }, { ...R1, zone: 'z2' }), wanted: [ANTI, ANTI] },
    { name: 'near by two domains that differ', affinity: near(term('region', ['foo', 'Exists']), term('zone', ['bar', 'Exists'])), running: [on('nodeA', { foo: '', bar: '' })], nodes: two({ ...R1, zone: 'z1' }, { ...R1, zone: 'z2' }), wanted: ['', AFFINITY] },
    { name: 'near two: one Pod must satisfy both', affinity: near(term('region', ['foo', 'Exists']), term('zone', ['bar', 'Exists'])), running: [on('nodeA', { foo: '' }), on('nodeB', { bar: '' })], nodes: two({ ...R1, zone: 'z1' }, { ...R1, zone: 'z2' }), wanted: [AFFINITY, AFFINITY] },
  ], check);
});

describe('InterPodAffinity, hints', () => {
  const hint = (event: string) => plugin.events?.find((e) => e.event === event)?.worthTrying;
  const waits = (affinity: object) => podInfoOf(pod({ name: 'waiting', spec: { affinity } }));
  const foo: Expression = ['foo', 'In', 'bar'];
  const [nearFoo, awayFoo] = [waits(near(term('zone', foo))), waits(away(term('zone', foo)))];
  table('when a Pod comes, changes or goes', '~Test_isSchedulableAfterPodChange', [
    { name: 'one came that is wanted near', event: 'AssignedPodAdd', wanted: nearFoo, before: null, after: on('n', { foo: 'bar' }), worth: true },
    { name: 'one came that is not', event: 'AssignedPodAdd', wanted: nearFoo, before: null, after: on('n', { foo: 'baz' }), worth: false },
    { name: 'one came that is to be avoided', event: 'AssignedPodAdd', wanted: awayFoo, before: null, after: on('n', { foo: 'bar' }), worth: false },
    { name: 'one became what is wanted', event: 'AssignedPodLabel', wanted: nearFoo, before: on('n', {}), after: on('n', { foo: 'bar' }), worth: true },
    { name: 'one was it before', event: 'AssignedPodLabel', wanted: nearFoo, before: on('n', { foo: 'bar' }), after: on('n', { foo: 'bar', more: '' }), worth: false },
    { name: 'one is no longer to be avoided', event: 'AssignedPodLabel', wanted: awayFoo, before: on('n', { foo: 'bar' }), after: on('n', {}), worth: true },
    { name: 'one is to be avoided now', event: 'AssignedPodLabel', wanted: awayFoo, before: on('n', {}), after: on('n', { foo: 'bar' }), worth: false },
    { name: 'one went that was to be avoided', event: 'AssignedPodDelete', wanted: awayFoo, before: on('n', { foo: 'bar' }), after: null, worth: true },
    { name: 'one went that was not', event: 'AssignedPodDelete', wanted: awayFoo, before: on('n', {}), after: null, worth: false },
    { name: 'one went that was wanted near', event: 'AssignedPodDelete', wanted: nearFoo, before: on('n', { foo: 'bar' }), after: null, worth: false },
  ], ({ event, wanted, before, after, worth }) => [hint(event)?.(wanted, before, after), worth]);
  table('when a node comes or changes', '~Test_isSchedulableAfterNodeChange', [
    { name: 'one came in the domain', wanted: nearFoo, after: node('n', { labels: { zone: 'z1' } }), worth: true },
    { name: 'one came outside of it', wanted: nearFoo, after: node('n', { labels: { region: 'r1' } }), worth: false },
    { name: 'one came in the domain to avoid others in', wanted: awayFoo, after: node('n', { labels: { zone: 'z1' } }), worth: true },
    { name: 'one came outside of that', wanted: awayFoo, after: node('n'), worth: false },
  ], ({ wanted, after, worth }) => [hint('NodeAdd')?.(wanted, null, after), worth]);
});
