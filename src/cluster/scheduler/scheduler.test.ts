// Scheduling decisions against facts from upstream's own unit-test tables (the case names say which).

import { describe, expect, it } from 'vitest';
import type { Container, Node, Pod } from '../api/generated/types.ts';
import { Random } from '../sim/random.ts';
import { Algorithm, enoughNodes } from './algorithm.ts';
import { Cache } from './cache.ts';
import { Framework } from './framework/framework.ts';
import { imageScore } from './plugins/image-locality.ts';
import { defaultPreemption } from './plugins/default-preemption.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { balanced, nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced.ts';
import { leastAllocated, nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { podTopologySpread } from './plugins/pod-topology-spread.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { taintToleration } from './plugins/taint-toleration.ts';
import { podInfoOf } from './podinfo.ts';
import { podRequests } from './resources.ts';

let count = 0;

interface PodOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly node?: string;
  readonly status?: Partial<Pod['status']>;
  readonly spec?: Partial<Pod['spec']>;
  readonly requests?: readonly Record<string, string>[];
}

function pod(o: PodOptions = {}): Pod {
  const name = o.name ?? `pod-${++count}`;
  const containers: Container[] = (o.requests ?? [{}]).map((requests, i) => ({ name: `c${i}`, image: 'app', resources: { requests } }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: o.namespace ?? 'default', uid: name, ...(o.labels ? { labels: o.labels } : {}) },
    spec: { containers, ...(o.node ? { nodeName: o.node } : {}), ...o.spec },
    status: { ...o.status },
  } as Pod;
}

function node(name: string, o: { allocatable?: Record<string, string>; labels?: Record<string, string>; spec?: Partial<Node['spec']>; images?: NonNullable<Node['status']['images']> } = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...o.labels } },
    spec: { ...o.spec },
    status: { allocatable: { cpu: '2', memory: '4Gi', pods: '110', ...o.allocatable }, ...(o.images ? { images: o.images } : {}) },
  } as Node;
}

function cluster(nodes: readonly Node[], pods: readonly Pod[] = []): Cache {
  const cache = new Cache();
  for (const n of nodes) cache.setNode(n);
  for (const p of pods) cache.setPod(podInfoOf(p));
  return cache;
}

const framework = (): Framework =>
  new Framework([
    { plugin: prioritySort },
    { plugin: nodeUnschedulable },
    { plugin: nodeName },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity, weight: 2 },
    { plugin: nodePorts },
    { plugin: nodeResourcesFit },
    { plugin: podTopologySpread(() => null), weight: 2 },
    { plugin: interPodAffinity(() => ({})), weight: 2 },
    { plugin: dynamicResources },
    { plugin: defaultPreemption(() => [], new Random(1, 'preemption')) },
    { plugin: nodeResourcesBalancedAllocation },
    { plugin: imageLocality },
  ]);

const schedule = (cache: Cache, p: Pod) => new Algorithm(framework(), new Random(1, 'ties'), () => []).schedule(podInfoOf(p), cache);
const messageOf = (cache: Cache, p: Pod): string => {
  const result = schedule(cache, p);
  return result.node === null ? result.message : `placed on ${result.node}`;
};
const rejectionOn = (cache: Cache, p: Pod, name: string): string => schedule(cache, p).verdicts.get(name)?.reasons.join(', ') ?? 'fits';

describe('requests of a Pod', () => {
  it.each([
    ['containers add up', pod({ requests: [{ cpu: '1' }, { cpu: '500m' }] }), 1500],
    ['the largest init container', pod({ requests: [{ cpu: '1' }], spec: { initContainers: [{ name: 'i', resources: { requests: { cpu: '3' } } }] } as never }), 3000],
    ['a sidecar runs beside the containers', pod({ requests: [{ cpu: '1' }], spec: { initContainers: [{ name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } }] } as never }), 2000],
    ['an init container beside an earlier sidecar', pod({ requests: [{ cpu: '1' }], spec: { initContainers: [{ name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } }, { name: 'i', resources: { requests: { cpu: '5' } } }] } as never }), 6000],
    ['overhead', pod({ requests: [{ cpu: '1' }], spec: { overhead: { cpu: '250m' } } }), 1250],
    ['pod-level resources', pod({ requests: [{ cpu: '1' }], spec: { resources: { requests: { cpu: '4' } } } }), 4000],
  ])('%s', (_, p, milliCpu) => expect(podRequests(p).requests.milliCpu).toBe(milliCpu));
});

describe('scores', () => {
  const big = { allocatable: { cpu: '4000m', memory: '10000' } };
  it('LeastAllocated: nothing scheduled, resources requested, differently sized machines', () => {
    const cache = cluster([node('a', big), node('b', { allocatable: { cpu: '6000m', memory: '10000' } })]);
    const p = podInfoOf(pod({ requests: [{ cpu: '1000m', memory: '2000' }, { cpu: '2000m', memory: '3000' }] }));
    expect(cache.nodes.map((n) => leastAllocated(p, n))).toEqual([37, 50]);
  });
  it('LeastAllocated: no resources requested, pods scheduled with resources', () => {
    const cache = cluster(
      [node('a', { allocatable: { cpu: '10000m', memory: '20000' } }), node('b', { allocatable: { cpu: '10000m', memory: '20000' } })],
      [pod({ node: 'a', requests: [{ cpu: '3000m', memory: '0' }] }), pod({ node: 'a', requests: [{ cpu: '3000m', memory: '0' }] }), pod({ node: 'b', requests: [{ cpu: '3000m', memory: '0' }] }), pod({ node: 'b', requests: [{ cpu: '3000m', memory: '5000' }] })],
    );
    const p = podInfoOf(pod({ requests: [{ cpu: '0', memory: '0' }] }));
    expect(cache.nodes.map((n) => leastAllocated(p, n))).toEqual([70, 57]);
  });
  it('BalancedAllocation: nothing scheduled, resources requested, differently sized machines', () => {
    const cache = cluster([node('a', big), node('b', { allocatable: { cpu: '6000m', memory: '10000' } })]);
    const p = podInfoOf(pod({ requests: [{ cpu: '1000m', memory: '2000' }, { cpu: '2000m', memory: '3000' }] }));
    expect(cache.nodes.map((n) => balanced(p, n))).toEqual([87, 100]);
  });
  it('ImageLocality: two images spread on two nodes, prefer the larger image one', () => {
    const MB = 1024 * 1024;
    const cache = cluster([
      node('a', { images: [{ names: ['gcr.io/40:latest'], sizeBytes: 40 * MB }, { names: ['gcr.io/300:latest'], sizeBytes: 300 * MB }] }),
      node('b', { images: [{ names: ['gcr.io/250:latest'], sizeBytes: 250 * MB }] }),
    ]);
    const state = { images: ['gcr.io/40:latest', 'gcr.io/250:latest'], totalNodes: 2 };
    expect(cache.nodes.map((n) => imageScore(state, n))).toEqual([0, 5]);
  });
});

describe('filters', () => {
  const control = node('control-plane-1', { spec: { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] } });
  it('says why in the words of 1.36', () => {
    const cache = cluster([control, node('w1', { allocatable: { cpu: '1' } }), node('w2'), node('w3')], [pod({ node: 'w2', requests: [{ cpu: '1500m' }] }), pod({ node: 'w3', requests: [{ cpu: '1500m' }] })]);
    expect(messageOf(cache, pod({ requests: [{ cpu: '2' }] }))).toBe(
      '0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient cpu. no new claims to deallocate, ' +
        'preemption: 0/4 nodes are available: 2 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    );
    expect(messageOf(new Cache(), pod())).toBe('no nodes available to schedule pods');
    const never = pod({ requests: [{ memory: '1Ti' }], spec: { preemptionPolicy: 'Never' } });
    expect(messageOf(cache, never)).toMatch(/ 3 Insufficient memory\. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never\.$/);
  });
  it.each([
    ['tolerated by key', [{ key: 'dedicated', operator: 'Exists' }], 'fits'],
    ['another value', [{ key: 'dedicated', operator: 'Equal', value: 'x' }], 'node(s) had untolerated taint(s)'],
    ['tolerates everything', [{ operator: 'Exists' }], 'fits'],
    ['another effect', [{ key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoExecute' }], 'node(s) had untolerated taint(s)'],
  ])('taints: %s', (_, tolerations, verdict) => {
    const cache = cluster([node('n', { spec: { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] } })]);
    expect(rejectionOn(cache, pod({ spec: { tolerations } }), 'n')).toBe(verdict);
  });
  it.each([
    ['In', { key: 'foo', operator: 'In', values: ['bar', 'value2'] }, 'fits'],
    ['NotIn', { key: 'mem-type', operator: 'NotIn', values: ['DDR', 'DDR2'] }, 'fits'],
    ['Gt', { key: 'kernel-version', operator: 'Gt', values: ['0204'] }, 'fits'],
    ['Lt', { key: 'kernel-version', operator: 'Lt', values: ['206'] }, "node(s) didn't match Pod's node affinity/selector"],
    ['DoesNotExist', { key: 'foo', operator: 'DoesNotExist' }, "node(s) didn't match Pod's node affinity/selector"],
  ])('node affinity: %s', (_, expression, verdict) => {
    const cache = cluster([node('n', { labels: { foo: 'bar', 'kernel-version': '0206' } })]);
    const required = { nodeSelectorTerms: [{ matchExpressions: [expression] }] };
    const p = pod({ spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } } });
    expect(rejectionOn(cache, p, 'n')).toBe(verdict);
  });
  it('matchFields leaves only the named node to try, as DaemonSet Pods do', () => {
    const cache = cluster([node('a'), node('b')]);
    const required = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] };
    const result = schedule(cache, pod({ spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } } }));
    expect([result.node, result.evaluated]).toEqual(['b', 1]);
  });
  it('host ports clash on the same address or on all', () => {
    const ports = (hostIP: string, hostPort: number): PodOptions => ({ spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, hostIP }] }] } as never });
    const cache = cluster([node('n')], [pod({ node: 'n', ...ports('127.0.0.1', 8080), spec: { ...ports('127.0.0.1', 8080).spec, nodeName: 'n' } as never })]);
    const verdict = "node(s) didn't have free ports for the requested pod ports";
    expect([ports('0.0.0.0', 8080), ports('127.0.0.2', 8080), ports('127.0.0.1', 8081)].map((o) => rejectionOn(cache, pod(o), 'n'))).toEqual([verdict, 'fits', 'fits']);
  });
  it('too many pods', () => {
    const cache = cluster([node('n', { allocatable: { pods: '1' } })], [pod({ node: 'n' })]);
    expect(rejectionOn(cache, pod(), 'n')).toBe('Too many pods');
  });
  it('topology spread: DoNotSchedule over zones', () => {
    const zone = (z: string) => ({ labels: { zone: z } });
    const cache = cluster([node('a', zone('z1')), node('b', zone('z1')), node('x', zone('z2')), node('y', zone('z2')), node('nowhere')], [
      pod({ node: 'a', labels: { foo: '' } }),
      pod({ node: 'b', labels: { foo: '' } }),
      pod({ node: 'x', labels: { foo: '' } }),
    ]);
    const p = pod({ labels: { foo: '' }, spec: { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchExpressions: [{ key: 'foo', operator: 'Exists' }] } }] } });
    const mismatch = "node(s) didn't match pod topology spread constraints";
    expect(['a', 'b', 'x', 'y', 'nowhere'].map((n) => rejectionOn(cache, p, n))).toEqual([mismatch, mismatch, 'fits', 'fits', `${mismatch} (missing required label)`]);
  });
  it('inter-Pod affinity: near, away, and existing Pods that object', () => {
    const term = (value: string) => ({ labelSelector: { matchLabels: { app: value } }, topologyKey: 'kubernetes.io/hostname' });
    const anti = (value: string) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(value)] } } });
    const near = (value: string) => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(value)] } } });
    const cache = cluster([node('a'), node('b')], [pod({ node: 'a', labels: { app: 'db' } }), pod({ node: 'b', labels: { app: 'shy' }, spec: { ...anti('web'), nodeName: 'b', containers: [] } })]);
    expect(rejectionOn(cache, pod({ spec: near('db') }), 'b')).toBe("node(s) didn't match pod affinity rules");
    expect(rejectionOn(cache, pod({ spec: anti('db') }), 'a')).toBe("node(s) didn't match pod anti-affinity rules");
    expect(rejectionOn(cache, pod({ labels: { app: 'web' } }), 'b')).toBe("node(s) didn't satisfy existing pods anti-affinity rules");
    expect(schedule(cache, pod({ labels: { app: 'new' }, spec: near('new') })).node).not.toBeNull();
  });
});

describe('preemption', () => {
  it('evicts the least important Pods of the cheapest node', () => {
    const low = (name: string, n: string, priority: number): Pod => pod({ name, node: n, requests: [{ cpu: '1' }], spec: { priority, nodeName: n } });
    const cache = cluster([node('a'), node('b')], [low('a1', 'a', 10), low('a2', 'a', 5), low('b1', 'b', 10), low('b2', 'b', 10)]);
    const result = schedule(cache, pod({ requests: [{ cpu: '1' }], spec: { priority: 100 } }));
    expect(result.node === null && [result.nominatedNode, result.victims.map((v) => v.name)]).toEqual(['a', ['a2']]);
    expect(result.node === null && result.message).toBe('0/2 nodes are available: 2 Insufficient cpu.');
  });
});

describe('choosing', () => {
  it('stops looking at large clusters early', () => {
    expect([10, 99, 100, 1000, 5000, 6000].map(enoughNodes)).toEqual([10, 99, 100, 420, 500, 300]);
  });
  it('breaks ties evenly', () => {
    const cache = cluster([node('a'), node('b'), node('c')]);
    const algorithm = new Algorithm(framework(), new Random(7, 'ties'), () => []);
    const chosen: Record<string, number> = {};
    for (let i = 0; i < 300; i++) {
      const name = algorithm.schedule(podInfoOf(pod()), cache).node ?? '';
      chosen[name] = (chosen[name] ?? 0) + 1;
    }
    for (const times of Object.values(chosen)) expect(times).toBeGreaterThan(60);
  });
});
