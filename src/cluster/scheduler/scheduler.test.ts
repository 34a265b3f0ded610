// Whole decisions: which machine, in which words not, how much is looked at, how ties are broken.

import { describe, expect, it } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { Random } from '../sim/random.ts';
import { Algorithm, enoughNodes } from './algorithm.ts';
import type { Cache } from './cache.ts';
import { fitErrorText } from './fiterror.ts';
import { Framework } from './framework/framework.ts';
import { type Plugin, type Status, unresolvable, unschedulable } from './framework/types.ts';
import { defaultPreemption } from './plugins/default-preemption.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced.ts';
import { nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { podTopologySpread } from './plugins/pod-topology-spread.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { taintToleration } from './plugins/taint-toleration.ts';
import { podInfoOf } from './podinfo.ts';
import { podRequests } from './resources.ts';
import { cluster, node, pod, type Quantities, table } from './testing/objects.ts';

const claims = { claim: () => undefined, deviceClass: () => undefined, follow: () => {} };
const profile = (): Framework =>
  new Framework([
    { plugin: prioritySort },
    { plugin: nodeUnschedulable },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity(), weight: 2 },
    { plugin: nodeResourcesFit() },
    { plugin: podTopologySpread(() => null), weight: 2 },
    { plugin: interPodAffinity(() => ({})), weight: 2 },
    { plugin: dynamicResources(claims) },
    { plugin: defaultPreemption(() => [], new Random(1, 'preemption')) },
    { plugin: nodeResourcesBalancedAllocation() },
    { plugin: imageLocality },
  ]);

const schedule = (cache: Cache, wanted: Pod, framework = profile()) => new Algorithm(new Random(1, 'ties'), () => []).schedule(framework, podInfoOf(wanted), cache);
const messageOf = (cache: Cache, wanted: Pod, framework?: Framework): string => {
  const result = schedule(cache, wanted, framework);
  return result.node === null ? result.message : `placed on ${result.node}`;
};

const size = (cpu: string, memory = '4Gi'): { allocatable: Quantities } => ({ allocatable: { cpu, memory, pods: '110' } });
const control = node('control-plane-1', { ...size('2'), taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] });

describe('requests of a Pod', () => {
  it.each([
    ['containers add up', pod({ requests: [{ cpu: '1' }, { cpu: '500m' }] }), 1500],
    ['overhead', pod({ requests: [{ cpu: '1' }], spec: { overhead: { cpu: '250m' } } }), 1250],
    ['Pod-level resources', pod({ requests: [{ cpu: '1' }], spec: { resources: { requests: { cpu: '4' } } } }), 4000],
    ['resized, not yet in force', pod({ node: 'n', requests: [{ cpu: '1' }], status: { containerStatuses: [{ name: 'c0', allocatedResources: { cpu: '3' }, resources: { requests: { cpu: '2' } } }] } }), 3000],
    ['resized upwards', pod({ node: 'n', requests: [{ cpu: '4' }], status: { containerStatuses: [{ name: 'c0', allocatedResources: { cpu: '1' }, resources: { requests: { cpu: '1' } } }] } }), 4000],
    ['a resize that cannot be', pod({ node: 'n', requests: [{ cpu: '4' }], status: { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }], containerStatuses: [{ name: 'c0', allocatedResources: { cpu: '1' }, resources: { requests: { cpu: '1' } } }] } }), 1000],
  ])('%s', (_, wanted, milliCpu) => expect(podRequests(wanted).requests.milliCpu).toBe(milliCpu));
});

describe('why not', () => {
  it('says why in the words of 1.36', () => {
    const nodes = [control, node('w1', size('1')), node('w2', size('2')), node('w3', size('2'))];
    const cache = cluster(nodes, [pod({ node: 'w2', requests: [{ cpu: '1500m' }] }), pod({ node: 'w3', requests: [{ cpu: '1500m' }] })]);
    expect(messageOf(cache, pod({ requests: [{ cpu: '2' }] }))).toBe(
      '0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient cpu. no new claims to deallocate, ' +
        'preemption: 0/4 nodes are available: 2 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    );
    expect(messageOf(cluster([]), pod())).toBe('no nodes available to schedule pods');
    const never = pod({ requests: [{ memory: '1Ti' }], spec: { preemptionPolicy: 'Never' } });
    expect(messageOf(cache, never)).toMatch(/ 3 Insufficient memory\. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never\.$/);
  });

  it('ends as upstream when an early PreFilter says no: DynamicResources misses its state', () => {
    const unbound: Plugin = { name: 'VolumeBinding', preFilter: () => ({ status: unresolvable('pod has unbound immediate PersistentVolumeClaims') }), filter: () => null };
    const framework = new Framework([{ plugin: prioritySort }, { plugin: unbound }, { plugin: dynamicResources(claims) }, { plugin: defaultPreemption(() => [], new Random(1, 'p')) }]);
    expect(messageOf(cluster([node('n', size('1'))]), pod(), framework)).toBe('0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found');
  });

  it('names the plugins that left no machine to try', () => {
    const only = (name: string, ...nodes: readonly string[]): Plugin => ({ name, preFilter: () => ({ status: null, nodes: new Set(nodes) }), filter: () => null });
    const framework = (...plugins: readonly Plugin[]) => new Framework([{ plugin: prioritySort }, ...plugins.map((plugin) => ({ plugin }))]);
    const cache = cluster(['n1', 'n2', 'n3'].map((name) => node(name, size('1'))));
    expect(messageOf(cache, pod(), framework(only('A', 'n1'), only('B', 'n2')))).toBe("0/3 nodes are available: node(s) didn't satisfy plugin(s) [A B] simultaneously.");
    expect(messageOf(cache, pod(), framework(only('A')))).toBe("0/3 nodes are available: node(s) didn't satisfy plugin(s) [A].");
    expect(messageOf(cache, pod(), framework(only('A', 'gone')))).toBe("0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [A].");
    expect(messageOf(cache, pod(), framework(only('B', 'n1', 'n2'), only('A', 'n2', 'n3')))).toBe('placed on n2');
  });

  const no = (...reasons: readonly string[]): Status => unschedulable(...reasons);
  table('the sentence', '~TestFitError_Error', [
    { name: 'PreFilter says it for all', all: 3, verdicts: [], pre: 'Node(s) failed PreFilter plugin FalsePreFilter', post: '', wanted: '0/3 nodes are available: Node(s) failed PreFilter plugin FalsePreFilter.' },
    { name: 'PreFilter and PostFilter', all: 3, verdicts: [], pre: 'Node(s) failed PreFilter plugin FalsePreFilter', post: 'Error running PostFilter plugin FailedPostFilter', wanted: '0/3 nodes are available: Node(s) failed PreFilter plugin FalsePreFilter. Error running PostFilter plugin FailedPostFilter' },
    { name: 'one reason for all', all: 3, verdicts: [no('Node(s) failed Filter plugin FalseFilter-1'), no('Node(s) failed Filter plugin FalseFilter-1'), no('Node(s) failed Filter plugin FalseFilter-1')], pre: '', post: '', wanted: '0/3 nodes are available: 3 Node(s) failed Filter plugin FalseFilter-1.' },
    { name: 'one reason for all, and PostFilter', all: 3, verdicts: [no('Node(s) failed Filter plugin FalseFilter-1'), no('Node(s) failed Filter plugin FalseFilter-1'), no('Node(s) failed Filter plugin FalseFilter-1')], pre: '', post: 'Error running PostFilter plugin FailedPostFilter', wanted: '0/3 nodes are available: 3 Node(s) failed Filter plugin FalseFilter-1. Error running PostFilter plugin FailedPostFilter' },
    { name: 'two reasons', all: 3, verdicts: [no('Node(s) failed Filter plugin FalseFilter-1'), no('Node(s) failed Filter plugin FalseFilter-1'), no('Node(s) failed Filter plugin FalseFilter-2')], pre: '', post: '', wanted: '0/3 nodes are available: 1 Node(s) failed Filter plugin FalseFilter-2, 2 Node(s) failed Filter plugin FalseFilter-1.' },
    { name: 'two reasons of one machine', all: 2, verdicts: [no('Insufficient cpu', 'Insufficient memory'), no('Insufficient cpu')], pre: '', post: '', wanted: '0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu.' },
    { name: 'sorted as text', all: 12, verdicts: [...Array.from({ length: 10 }, () => no('b')), no('a'), no('a')], pre: '', post: '', wanted: '0/12 nodes are available: 10 b, 2 a.' },
  ], ({ all, verdicts, pre, post, wanted }) => [fitErrorText(all, { verdicts: new Map(verdicts.map((status, i) => [`n${i}`, status])), absent: null, preFilterMessage: pre, postFilterMessage: post }), wanted]);
});

describe('choosing', () => {
  table('how many machines are enough', 'TestNumFeasibleNodesToFind', [
    { name: 'few', all: 10, percent: 0, wanted: 10 },
    { name: 'few, whatever is set', all: 10, percent: 40, wanted: 10 },
    { name: 'all below 100', all: 99, percent: 0, wanted: 99 },
    { name: 'a hundred at least', all: 100, percent: 0, wanted: 100 },
    { name: 'many', all: 1000, percent: 0, wanted: 420 },
    { name: 'many, set', all: 1000, percent: 40, wanted: 400 },
    { name: 'five per cent at least', all: 6000, percent: 0, wanted: 300 },
    { name: 'very many, set', all: 6000, percent: 40, wanted: 2400 },
    { name: 'the largest cluster', all: 5000, percent: 0, wanted: 500 },
    { name: 'all, when set', all: 5000, percent: 100, wanted: 5000 },
    { name: 'a hundred at least, when set', all: 1000, percent: 1, wanted: 100 },
  ], ({ all, percent, wanted }) => [enoughNodes(all, percent), wanted]);

  it('goes on where the last search ended, so that all get their turn', () => {
    const cache = cluster(Array.from({ length: 500 }, (_, i) => node(`n${i}`, size('2'))));
    const algorithm = new Algorithm(new Random(1, 'ties'), () => []);
    const framework = profile();
    const seen = [0, 1, 2].map(() => {
      const result = algorithm.schedule(framework, podInfoOf(pod()), cache);
      return result.node === null ? [] : result.feasible.map((n) => n.name);
    });
    // 500 nodes: 50 % - 4 % = 46 %, that is 230.
    expect(seen.map((names) => [names.length, names[0], names.at(-1)])).toEqual([[230, 'n0', 'n229'], [230, 'n230', 'n459'], [230, 'n460', 'n189']]);
  });

  it('breaks ties evenly', () => {
    const cache = cluster(['a', 'b', 'c'].map((name) => node(name, size('2'))));
    const algorithm = new Algorithm(new Random(7, 'ties'), () => []);
    const framework = profile();
    const chosen: Record<string, number> = {};
    for (let i = 0; i < 300; i++) {
      const name = algorithm.schedule(framework, podInfoOf(pod()), cache).node ?? '';
      chosen[name] = (chosen[name] ?? 0) + 1;
    }
    for (const times of Object.values(chosen)) expect(times).toBeGreaterThan(60);
  });

  it('matchFields leaves only the named machine to try, as DaemonSet Pods do', () => {
    const required = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] };
    const result = schedule(cluster([node('a', size('2')), node('b', size('2'))]), pod({ spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } } }));
    expect([result.node, result.evaluated]).toEqual(['b', 1]);
  });

  it('leaves room for more important Pods that were promised a machine', () => {
    const cache = cluster([node('a', size('2'))]);
    const promised = podInfoOf(pod({ priority: 100, requests: [{ cpu: '1500m' }] }));
    const algorithm = new Algorithm(new Random(1, 'ties'), () => [promised]);
    const small = (priority: number) => podInfoOf(pod({ priority, requests: [{ cpu: '1' }] }));
    expect(algorithm.schedule(profile(), small(10), cache).node).toBeNull();
    expect(algorithm.schedule(profile(), small(200), cache).node).toBe('a');
  });
});
