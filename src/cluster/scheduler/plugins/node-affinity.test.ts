// NodeAffinity against upstream's tables.

import { describe } from 'vitest';
import type { NodeAffinity, NodeSelectorTerm } from '../../api/generated/types.ts';
import { podInfoOf } from '../podinfo.ts';
import { cluster, node, pod, scores, table, verdicts } from '../testing/objects.ts';
import { nodeAffinity } from './node-affinity.ts';

type Expression = readonly [key: string, operator: string, ...values: string[]];
const of = ([key, operator, ...values]: Expression): object => ({ key, operator, ...(values.length > 0 ? { values } : {}) });
const labels = (...expressions: readonly Expression[]): NodeSelectorTerm => ({ matchExpressions: expressions.map(of) }) as NodeSelectorTerm;
const names = (...sets: readonly (readonly string[])[]): NodeSelectorTerm => ({ matchFields: sets.map((values) => of(['metadata.name', 'In', ...values])) }) as NodeSelectorTerm;
const required = (...terms: readonly NodeSelectorTerm[]): NodeAffinity => ({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }) as NodeAffinity;
const preferred = (...terms: readonly (readonly [number, NodeSelectorTerm])[]): NodeAffinity =>
  ({ preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, preference]) => ({ weight, preference })) }) as NodeAffinity;

const NO = "node(s) didn't match Pod's node affinity/selector";
const ENFORCED = "node(s) didn't match scheduler-enforced node affinity";
const GPU = { GPU: 'NVIDIA-GRID-K1' };
const FOO = { foo: 'bar' };

interface Case {
  readonly name: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly affinity?: NodeAffinity | object;
  readonly added?: NodeAffinity;
  readonly on?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** PreFilter's own word. */
  readonly pre?: string;
  readonly only?: readonly string[];
  readonly verdict?: string;
}

const podOf = ({ selector, affinity }: Pick<Case, 'selector' | 'affinity'>) =>
  pod({ spec: { ...(selector ? { nodeSelector: selector } : {}), ...(affinity ? { affinity: { nodeAffinity: affinity } } : {}) } });

describe('NodeAffinity', () => {
  table<Case>('Filter', 'TestNodeAffinity', [
    { name: 'label missing', selector: FOO, verdict: NO },
    { name: 'label there', selector: FOO, labels: FOO },
    { name: 'more labels than asked for', selector: FOO, labels: { ...FOO, baz: 'blah' } },
    { name: 'fewer', selector: { ...FOO, baz: 'blah' }, labels: FOO, verdict: NO },
    { name: 'In', affinity: required(labels(['foo', 'In', 'bar', 'value2'])), labels: FOO },
    { name: 'Gt', affinity: required(labels(['kernel-version', 'Gt', '0204'])), labels: { 'kernel-version': '0206' } },
    { name: 'NotIn', affinity: required(labels(['mem-type', 'NotIn', 'DDR', 'DDR2'])), labels: { 'mem-type': 'DDR3' } },
    { name: 'Exists', affinity: required(labels(['GPU', 'Exists'])), labels: GPU },
    { name: 'In, another value', affinity: required(labels(['foo', 'In', 'value1', 'value2'])), labels: FOO, verdict: NO },
    { name: 'an empty term matches nothing', affinity: required(labels()), labels: FOO, verdict: NO },
    { name: 'no affinity', labels: FOO, pre: 'skip' },
    { name: 'affinity without a required part', affinity: {}, labels: FOO, pre: 'skip' },
    { name: 'all expressions of a term', affinity: required(labels(['GPU', 'Exists'], ['GPU', 'NotIn', 'AMD', 'INTER'])), labels: GPU },
    { name: 'not all of them', affinity: required(labels(['GPU', 'Exists'], ['GPU', 'In', 'AMD', 'INTER'])), labels: GPU, verdict: NO },
    { name: 'one of two terms', affinity: required(labels(['foo', 'In', 'bar', 'value2']), labels(['diffkey', 'In', 'wrong', 'value2'])), labels: FOO },
    { name: 'nodeSelector and affinity', selector: FOO, affinity: required(labels(['foo', 'Exists'])), labels: FOO },
    { name: 'affinity but not the nodeSelector', selector: FOO, affinity: required(labels(['foo', 'Exists'])), labels: { foo: 'barrrrrr' }, verdict: NO },
    { name: 'what no label can be', affinity: required(labels(['foo', 'NotIn', 'invalid value: ___@#$%^'])), labels: FOO, verdict: NO },
    { name: 'by name', affinity: required(names(['node1'])), on: 'node1', only: ['node1'] },
    { name: 'by another name', affinity: required(names(['node1'])), on: 'node2', only: ['node1'], verdict: NO },
    { name: 'two names that exclude each other, or a label', affinity: required(names(['node1'], ['node2']), labels(['foo', 'In', 'bar'])), on: 'node2', labels: FOO },
    { name: 'another name and the label in one term', affinity: required({ ...names(['node1']), ...labels(['foo', 'In', 'bar']) }), on: 'node2', labels: FOO, only: ['node1'], verdict: NO },
    { name: 'the name and the label in one term', affinity: required({ ...names(['node1']), ...labels(['foo', 'In', 'bar']) }), on: 'node1', labels: FOO, only: ['node1'] },
    { name: 'neither of two terms', affinity: required(names(['node1']), labels(['foo', 'In', 'not-match-to-bar'])), on: 'node2', labels: FOO, verdict: NO },
    { name: 'one of two names', affinity: required(names(['node1']), names(['node2'])), on: 'node2', only: ['node1', 'node2'] },
    { name: 'names that exclude each other', affinity: required(names(['node1'], ['node2'])), on: 'node2', labels: FOO, pre: 'pod affinity terms conflict' },
    { name: "the profile's and the Pod's", affinity: required(labels(['zone', 'In', 'foo'])), added: required(names(['node2'])), on: 'node2', labels: { zone: 'foo' } },
    { name: "the profile's only", affinity: required(labels(['zone', 'In', 'bar'])), added: required(names(['node2'])), on: 'node2', labels: { zone: 'foo' }, verdict: NO },
    { name: "not the profile's", added: required(labels(['zone', 'In', 'bar'])), on: 'node2', labels: { zone: 'foo' }, verdict: ENFORCED },
  ], (c) => {
    const plugin = nodeAffinity(c.added ? { addedAffinity: c.added } : {});
    const cache = cluster([node(c.on ?? 'n', { labels: c.labels ?? {} })]);
    const only = plugin.preFilter?.(podInfoOf(podOf(c)), cache).nodes;
    return [[verdicts(plugin, podOf(c), cache), only ? [...only] : []], [c.pre ?? { [c.on ?? 'n']: c.verdict ?? '' }, c.pre ? [] : (c.only ?? [])]];
  });

  const one = preferred([2, labels(['foo', 'In', 'bar'])]);
  const three = preferred([2, labels(['foo', 'In', 'bar'])], [4, labels(['key', 'In', 'value'])], [5, labels(['foo', 'In', 'bar'], ['key', 'In', 'value'], ['az', 'In', 'az1'])]);
  const [l1, l2, l3, l4, l5] = [FOO, { key: 'value' }, { az: 'az1' }, { abc: 'az11', def: 'az22' }, { foo: 'bar', key: 'value', az: 'az1' }] as const;
  table('Score', 'TestNodeAffinityPriority', [
    { name: 'nothing preferred', nodes: [l1, l2, l3], wanted: 'skip' },
    { name: 'nowhere to be had', affinity: one, nodes: [l4, l2, l3], wanted: [0, 0, 0] },
    { name: 'on one machine', affinity: one, nodes: [l1, l2, l3], wanted: [100, 0, 0] },
    { name: 'more or less everywhere', affinity: three, nodes: [l1, l5, l2], wanted: [18, 100, 36] },
    { name: "the profile's", added: one, nodes: [l1, l2], wanted: [100, 0] },
    { name: "the profile's and the Pod's", affinity: one, added: preferred([3, labels(['key', 'In', 'value'])]), nodes: [l1, l2, l5], wanted: [40, 60, 100] },
  ], ({ affinity, added, nodes, wanted }: { name: string; affinity?: NodeAffinity; added?: NodeAffinity; nodes: readonly Readonly<Record<string, string>>[]; wanted: readonly number[] | string }) => {
    const cache = cluster(nodes.map((l, i) => node(`node${i}`, { labels: l })));
    return [scores(nodeAffinity(added ? { addedAffinity: added } : {}), podOf(affinity ? { affinity } : {}), cache), wanted];
  });

  const hint = (added?: NodeAffinity) => nodeAffinity(added ? { addedAffinity: added } : {}).events?.find((e) => e.event === 'NodeLabel')?.worthTrying;
  const wantsBar = { affinity: required(labels(['foo', 'In', 'bar'])) };
  table('hint when a node changes', '~Test_isSchedulableAfterNodeChange', [
    { name: 'a node came that does not suit', pod: wantsBar, before: null, after: { foo: 'bar1' }, worth: false },
    { name: 'a node came that suits', pod: wantsBar, before: null, after: FOO, worth: true },
    { name: 'a change that does not matter', pod: wantsBar, before: FOO, after: { foo: 'bar', other: 'x' }, worth: false },
    { name: 'a change that helps', pod: wantsBar, before: { foo: 'bar1' }, after: FOO, worth: true },
    { name: "a node came that does not suit the profile", pod: {}, added: required(labels(['zone', 'In', 'zone1'])), before: null, after: { zone: 'zone2' }, worth: false },
    { name: "a change that helps, of the profile's", pod: {}, added: required(labels(['zone', 'In', 'zone1'])), before: { zone: 'zone2' }, after: { zone: 'zone1' }, worth: true },
  ], ({ pod: wanted, added, before, after, worth }: { name: string; pod: Pick<Case, 'affinity'>; added?: NodeAffinity; before: Readonly<Record<string, string>> | null; after: Readonly<Record<string, string>>; worth: boolean }) => [
    hint(added)?.(podInfoOf(podOf(wanted)), before === null ? null : node('n', { labels: before }), node('n', { labels: after })),
    worth,
  ]);
});
