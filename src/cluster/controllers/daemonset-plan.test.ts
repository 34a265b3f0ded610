// Where daemons belong and how they are replaced, by upstream's pkg/controller/daemon tests; facts only. The updates are our own.

import { describe, expect, it } from 'vitest';
import type { DaemonSet, Node, Pod } from '../api/generated/types.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import { FailedPodBackoff } from './daemonset-backoff.ts';
import { belongs, replacements, updateLimits } from './daemonset-plan.ts';

const LABELS = { name: 'simple-daemon', type: 'production' };
const set = (spec: object, updateStrategy: object = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }): DaemonSet =>
  ({ metadata: { name: 'ds', namespace: 'default' }, spec: { selector: {}, updateStrategy, template: { spec: { containers: [], ...spec } } } }) as unknown as DaemonSet;
const node = (more: object = {}, name = 'test-node'): Node => ({ metadata: { name, labels: LABELS }, spec: more, status: {} }) as unknown as Node;
const inType = (value: string): object => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'type', operator: 'In', values: [value] }] }] } } },
});
const asking = (memory: string): object => ({ containers: [{ name: 'c', resources: { requests: { memory, cpu: '0.5' } } }] });

describe('where a daemon belongs', () => {
  upstreamTable<readonly [string, DaemonSet, run: boolean, stay: boolean, on?: Node]>(
    'by name, labels, affinity and taints of the node',
    'TestNodeShouldRunDaemonPod',
    [
      ['nothing against it', set(asking('50M')), true, true],
      ['more than the node has: the scheduler sees to that', set(asking('200M')), true, true],
      ['another node is named', set({ ...asking('50M'), nodeName: 'other-node' }), false, false],
      ['its host port is taken: likewise', set({ containers: [{ name: 'c', ports: [{ hostPort: 666, containerPort: 666 }] }] }), true, true],
      ['more than is left: likewise', set(asking('100M')), true, true],
      ['beside another Pod', set(asking('50M')), true, true],
      ['another label is asked for', set({ nodeSelector: { ...LABELS, type: 'test' } }), false, false],
      ['its labels are asked for', set({ nodeSelector: LABELS }), true, true],
      ['affinity to others', set(inType('test')), false, false],
      ['affinity to such', set(inType('production')), true, true],
      ['it is cordoned', set(asking('50M')), true, true, node({ unschedulable: true })],
    ],
    ([, daemons, run, stay, on = node()]) => [belongs(daemons, on), { run, stay }],
  );
  const tainted = (key: string, effect: string): Node => node({ taints: [{ key, effect }] });
  it.each<[string, object, Node, boolean, boolean]>([
    ['a NoSchedule taint keeps new ones away', {}, tainted('work', 'NoSchedule'), false, true],
    ['a NoExecute taint drives them off', {}, tainted('work', 'NoExecute'), false, false],
    ['unless it is tolerated', { tolerations: [{ key: 'work', operator: 'Exists' }] }, tainted('work', 'NoExecute'), true, true],
    ['a node that is not ready', {}, tainted('node.kubernetes.io/not-ready', 'NoExecute'), true, true],
    ['a node short of memory', {}, tainted('node.kubernetes.io/memory-pressure', 'NoSchedule'), true, true],
    ['a node short of disk', {}, tainted('node.kubernetes.io/disk-pressure', 'NoSchedule'), true, true],
    ['a node short of processes', {}, tainted('node.kubernetes.io/pid-pressure', 'NoSchedule'), true, true],
    ['a node without network', {}, tainted('node.kubernetes.io/network-unavailable', 'NoSchedule'), false, true],
    ['a node without network, for a daemon on the host', { hostNetwork: true }, tainted('node.kubernetes.io/network-unavailable', 'NoSchedule'), true, true],
  ])('%s', (_, spec, on, run, stay) => expect(belongs(set(spec), on)).toEqual({ run, stay }));
});

describe('a rolling update', () => {
  const NODES = ['a', 'b', 'c', 'd'].map((name) => node({}, name));
  const pod = (on: string, hash: string, ready = true): Pod =>
    ({ metadata: { name: `${on}-${hash}`, labels: { 'controller-revision-hash': hash } }, spec: { nodeName: on }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } }) as unknown as Pod;
  const strategy = (maxUnavailable: number | string, maxSurge: number | string = 0): object => ({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } });
  const step = (daemons: DaemonSet, pods: readonly Pod[]) => {
    const byNode = new Map<string, Pod[]>();
    for (const p of pods) byNode.set(p.spec.nodeName ?? '', [...(byNode.get(p.spec.nodeName ?? '') ?? []), p]);
    const { remove, surge } = replacements(daemons, NODES, byNode, 'new', 0);
    return [remove.map((p) => p.metadata.name), surge];
  };
  const old = ['a', 'b', 'c', 'd'].map((on) => pod(on, 'old'));
  it.each<[string, object, readonly Pod[], string[], string[]]>([
    ['one at a time', strategy(1), old, ['a-old'], []],
    ['two at a time', strategy('50%'), old, ['a-old', 'b-old'], []],
    ['none while one is not ready', strategy(1), [pod('a', 'new', false), ...old.slice(1)], [], []],
    ['what does not work anyway', strategy(1), [pod('a', 'old', false), ...old.slice(1)], ['a-old'], []],
    ['beside the old one', strategy(0, 1), old, [], ['a']],
    ['the old one goes when the new one is ready', strategy(0, 1), [...old, pod('a', 'new')], ['a-old'], ['b']],
    ['and stays while it is not', strategy(0, 1), [...old, pod('a', 'new', false)], [], []],
  ])('%s', (_, updateStrategy, pods, remove, surge) => expect(step(set({}, updateStrategy), pods)).toEqual([remove, surge]));
  it('percents are rounded up', () => {
    expect(updateLimits(set({}, strategy('10%')), 5)).toEqual({ surge: 0, unavailable: 1 });
    expect(updateLimits(set({}, strategy(0, '25%')), 5)).toEqual({ surge: 2, unavailable: 0 });
  });
});

it('a daemon that fails again and again is replaced ever more slowly', () => {
  const backoff = new FailedPodBackoff();
  expect([0, 0.5, 1, 2, 3].map((seconds) => backoff.next('node', seconds * SECOND))).toEqual([0, SECOND, 0, 2 * SECOND, 0]);
  expect(backoff.next('node', 40 * MINUTE)).toBe(0);
});
