// Plugins with one simple rule against upstream's tables: taints, host ports, images, names, cordons, gates, normalisation.

import { describe } from 'vitest';
import type { ContainerPort, Taint, Toleration } from '../../api/generated/types.ts';
import { defaultNormalize } from '../framework/types.ts';
import { podInfoOf } from '../podinfo.ts';
import { cluster, node, pod, scores, table, verdicts } from '../testing/objects.ts';
import { imageLocality } from './image-locality.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';

describe('normalisation', () => {
  table('to 0 … 100', 'TestDefaultNormalizeScore', [
    { name: 'quarters', reverse: false, given: [1, 2, 3, 4], wanted: [25, 50, 75, 100] },
    { name: 'quarters, reversed', reverse: true, given: [1, 2, 3, 4], wanted: [75, 50, 25, 0] },
    { name: 'far apart', reverse: false, given: [1000, 10, 20, 30], wanted: [100, 1, 2, 3] },
    { name: 'far apart, reversed', reverse: true, given: [1000, 10, 20, 30], wanted: [0, 99, 98, 97] },
    { name: 'equal', reverse: false, given: [1, 1, 1, 1], wanted: [100, 100, 100, 100] },
    { name: 'too small to see', reverse: false, given: [1000, 1, 1, 1], wanted: [100, 0, 0, 0] },
    { name: 'nothing against one, reversed', reverse: true, given: [0, 1, 1, 1], wanted: [100, 0, 0, 0] },
  ], ({ reverse, given, wanted }) => {
    const values = [...given];
    defaultNormalize(values, reverse);
    return [values, wanted];
  });
});

const t = (key: string, value: string, effect: string): Taint => ({ key, value, effect });
const tol = (key: string, operator: string, value: string, effect?: string): Toleration => ({ key, operator, value, ...(effect ? { effect } : {}) }) as Toleration;
const PREFER = 'PreferNoSchedule';

describe('TaintToleration', () => {
  const arm = t('cpu-type', 'arm64', PREFER);
  const ssd = t('disk-type', 'ssd', PREFER);
  const sla = 'node.kubernetes.io/sla';
  table('Score', 'TestTaintTolerationScore', [
    { name: 'tolerable above intolerable', tolerations: [tol('foo', 'Equal', 'bar', PREFER)], nodes: [[t('foo', 'bar', PREFER)], [t('foo', 'blah', PREFER)]], wanted: [100, 0] },
    { name: 'the number of tolerable ones says nothing', tolerations: [tol('cpu-type', 'Equal', 'arm64', PREFER), tol('disk-type', 'Equal', 'ssd', PREFER)], nodes: [[], [arm], [arm, ssd]], wanted: [100, 100, 100] },
    { name: 'the number of intolerable ones does', tolerations: [tol('foo', 'Equal', 'bar', PREFER)], nodes: [[], [arm], [arm, ssd]], wanted: [100, 50, 0] },
    { name: 'only PreferNoSchedule counts', tolerations: [tol('cpu-type', 'Equal', 'arm64', 'NoSchedule'), tol('disk-type', 'Equal', 'ssd', 'NoSchedule')], nodes: [[], [t('cpu-type', 'arm64', 'NoSchedule')], [arm, ssd]], wanted: [100, 100, 0] },
    { name: 'no tolerations', tolerations: [], nodes: [[], [arm]], wanted: [100, 0] },
    { name: 'Gt', tolerations: [tol(sla, 'Gt', '950', PREFER)], nodes: [[t(sla, '800', PREFER)], [t(sla, '999', PREFER)]], wanted: [0, 100] },
    { name: 'Lt', tolerations: [tol(sla, 'Lt', '800', PREFER)], nodes: [[t(sla, '950', PREFER)], [t(sla, '700', PREFER)]], wanted: [0, 100] },
    { name: 'Gt with what is no number', tolerations: [tol(sla, 'Gt', '950', PREFER)], nodes: [[], [t(sla, 'high', PREFER)]], wanted: [100, 0] },
  ], ({ tolerations, nodes, wanted }: { name: string; tolerations: readonly Toleration[]; nodes: readonly (readonly Taint[])[]; wanted: readonly number[] }) => {
    const cache = cluster(nodes.map((taints, i) => node(`n${i}`, { taints })));
    return [scores(taintToleration, pod({ spec: { tolerations } }), cache), wanted];
  });

  const level = 'node.example.com/priority-level';
  const user1 = t('dedicated', 'user1', 'NoSchedule');
  const foo = t('foo', 'bar', 'NoSchedule');
  table('Filter', 'TestTaintTolerationFilter', [
    { name: 'no tolerations', tolerations: [], taints: [user1], fits: false },
    { name: 'the same without an operator', tolerations: [{ key: 'dedicated', value: 'user1', effect: 'NoSchedule' }], taints: [user1], fits: true },
    { name: 'another value', tolerations: [tol('dedicated', 'Equal', 'user2', 'NoSchedule')], taints: [user1], fits: false },
    { name: 'Exists', tolerations: [{ key: 'foo', operator: 'Exists', effect: 'NoSchedule' }], taints: [foo], fits: true },
    { name: 'two for two', tolerations: [tol('dedicated', 'Equal', 'user2', 'NoSchedule'), { key: 'foo', operator: 'Exists', effect: 'NoSchedule' }], taints: [t('dedicated', 'user2', 'NoSchedule'), foo], fits: true },
    { name: 'another effect', tolerations: [tol('foo', 'Equal', 'bar', PREFER)], taints: [foo], fits: false },
    { name: 'any effect', tolerations: [tol('foo', 'Equal', 'bar')], taints: [foo], fits: true },
    { name: 'an intolerable preference', tolerations: [tol('dedicated', 'Equal', 'user2', 'NoSchedule')], taints: [t('dedicated', 'user1', PREFER)], fits: true },
    { name: 'a preference and no tolerations', tolerations: [], taints: [t('dedicated', 'user1', PREFER)], fits: true },
    { name: 'Gt, too low', tolerations: [tol(level, 'Gt', '950', 'NoSchedule')], taints: [t(level, '800', 'NoSchedule')], fits: false },
    { name: 'Gt, high enough', tolerations: [tol(sla, 'Gt', '750', 'NoSchedule')], taints: [t(sla, '950', 'NoSchedule')], fits: true },
    { name: 'Lt, too high', tolerations: [tol(level, 'Lt', '800', 'NoSchedule')], taints: [t(level, '950', 'NoSchedule')], fits: false },
  ], ({ tolerations, taints, fits }: { name: string; tolerations: readonly Toleration[]; taints: readonly Taint[]; fits: boolean }) => {
    return [verdicts(taintToleration, pod({ spec: { tolerations } }), cluster([node('n', { taints })])), { n: fits ? '' : 'node(s) had untolerated taint(s)' }];
  });
});

const ports = (...infos: readonly string[]): readonly ContainerPort[] =>
  infos.map((info) => {
    const [protocol, hostIP, hostPort] = info.split('/');
    return { protocol, hostIP, hostPort: Number(hostPort), containerPort: Number(hostPort) } as ContainerPort;
  });

describe('NodePorts', () => {
  const TAKEN = "node(s) didn't have free ports for the requested pod ports";
  const sidecar = (restartPolicy?: string): object => ({ containers: [], initContainers: [{ name: 'i', ports: [{ containerPort: 8001, hostPort: 8001, protocol: 'TCP' }], ...(restartPolicy ? { restartPolicy } : {}) }] });
  table('Filter', 'TestNodePorts and TestFits', [
    { name: 'none wanted', wanted: [], taken: [], verdict: 'skip' },
    { name: 'another port', wanted: ['UDP/127.0.0.1/8080'], taken: ['UDP/127.0.0.1/9090'], verdict: '' },
    { name: 'the same, UDP', wanted: ['UDP/127.0.0.1/8080'], taken: ['UDP/127.0.0.1/8080'], verdict: TAKEN },
    { name: 'the same, TCP', wanted: ['TCP/127.0.0.1/8080'], taken: ['TCP/127.0.0.1/8080'], verdict: TAKEN },
    { name: 'another address', wanted: ['TCP/127.0.0.1/8080'], taken: ['TCP/127.0.0.2/8080'], verdict: '' },
    { name: 'another protocol', wanted: ['UDP/127.0.0.1/8080'], taken: ['TCP/127.0.0.1/8080'], verdict: '' },
    { name: 'the second of two', wanted: ['UDP/127.0.0.1/8000', 'UDP/127.0.0.1/8080'], taken: ['UDP/127.0.0.1/8080'], verdict: TAKEN },
    { name: 'the first of two', wanted: ['TCP/127.0.0.1/8001', 'UDP/127.0.0.1/8080'], taken: ['TCP/127.0.0.1/8001', 'UDP/127.0.0.1/8081'], verdict: TAKEN },
    { name: 'all addresses wanted', wanted: ['TCP/0.0.0.0/8001'], taken: ['TCP/127.0.0.1/8001'], verdict: TAKEN },
    { name: 'one and all wanted', wanted: ['TCP/10.0.10.10/8001', 'TCP/0.0.0.0/8001'], taken: ['TCP/127.0.0.1/8001'], verdict: TAKEN },
    { name: 'all addresses taken', wanted: ['TCP/127.0.0.1/8001'], taken: ['TCP/0.0.0.0/8001'], verdict: TAKEN },
    { name: 'all taken by another protocol', wanted: ['UDP/127.0.0.1/8001'], taken: ['TCP/0.0.0.0/8001'], verdict: '' },
    { name: 'all taken by both', wanted: ['UDP/127.0.0.1/8001'], taken: ['TCP/0.0.0.0/8001', 'UDP/0.0.0.0/8001'], verdict: TAKEN },
    { name: 'of an init container', wanted: [], taken: ['TCP/0.0.0.0/8001'], spec: sidecar(), verdict: 'skip' },
    { name: 'of a sidecar', wanted: [], taken: ['TCP/0.0.0.0/8001'], spec: sidecar('Always'), verdict: TAKEN },
    { name: 'many that are free', wanted: ['TCP/127.0.0.1/80', 'TCP/127.0.1.1/80', 'TCP/127.0.1.1/90', 'TCP/127.0.1.1/100'], taken: ['TCP/127.0.0.1/9090', 'TCP/127.0.0.1/9191', 'TCP/127.0.1.1/8080'], verdict: '' },
    { name: 'many, one of which is not', wanted: ['TCP/127.0.0.1/80', 'TCP/127.0.1.1/80', 'TCP/127.0.1.1/90', 'TCP/127.0.1.1/100'], taken: ['TCP/127.0.0.1/9090', 'TCP/127.0.1.1/90', 'TCP/127.0.1.1/8080'], verdict: TAKEN },
  ], ({ wanted, taken, spec, verdict }: { name: string; wanted: readonly string[]; taken: readonly string[]; spec?: object; verdict: string }) => {
    const cache = cluster([node('n')], [pod({ node: 'n', ports: ports(...taken) })]);
    const got = verdicts(nodePorts, pod({ ports: ports(...wanted), ...(spec ? { spec } : {}) }), cache);
    return [got, verdict === 'skip' ? 'skip' : { n: verdict }];
  });

  const hint = nodePorts.events?.find((e) => e.event === 'AssignedPodDelete')?.worthTrying;
  table('hint when a Pod goes', 'Test_isSchedulableAfterAssignedPodDeleted', [
    { name: 'no host port', taken: [], worth: false },
    { name: 'another host port', taken: ['TCP/0.0.0.0/8081'], worth: false },
    { name: 'the one that is wanted', taken: ['TCP/0.0.0.0/8080'], worth: true },
  ], ({ taken, worth }) => [hint?.(podInfoOf(pod({ ports: ports('TCP/0.0.0.0/8080') })), pod({ node: 'fake', ports: ports(...taken) }), null), worth]);
});

describe('ImageLocality', () => {
  const MB = 1024 * 1024;
  const image = (mb: number, ...tags: readonly string[]) => ({ names: ['latest', ...tags].map((tag) => `gcr.io/${mb}:${tag}`), sizeBytes: mb * MB });
  const large = node('machine1', { images: [image(40, 'v1'), image(300, 'v1'), image(2000)] });
  const small = node('machine2', { images: [image(250), image(10, 'v1')] });
  const none = node('machine3');
  const of = (...images: readonly string[]): object => ({ containers: images.map((name, i) => ({ name: `c${i}`, image: `gcr.io/${name}` })) });
  // With several containers the scale grows with their number (upstream since 1.19).
  table('Score', 'TestImageLocalityPriority', [
    { name: 'two images on two machines: the larger one', spec: of('40', '250'), nodes: [large, small], wanted: [0, 5] },
    { name: 'two images on one machine', spec: of('40', '300'), nodes: [large, small], wanted: [7, 0] },
    { name: 'a very large one', spec: of('10', '2000'), nodes: [large, small], wanted: [49, 0] },
    { name: 'a very large one on one machine of three', spec: of('10', '2000'), nodes: [large, small, none], wanted: [32, 0, 0] },
  ], ({ spec, nodes, wanted }) => [scores(imageLocality, pod({ spec }), cluster(nodes)), wanted]);
});

describe('NodeName, NodeUnschedulable, SchedulingGates', () => {
  table('NodeName', 'TestNodeName', [
    { name: 'none wanted', wanted: undefined, verdict: '' },
    { name: 'the one', wanted: 'foo', verdict: '' },
    { name: 'another', wanted: 'bar', verdict: "node(s) didn't match the requested node name" },
  ], ({ wanted, verdict }: { name: string; wanted: string | undefined; verdict: string }) => [verdicts(nodeName, pod(wanted === undefined ? {} : { node: wanted }), cluster([node('foo')])), { foo: verdict }]);

  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as Toleration;
  table('NodeUnschedulable', 'TestNodeUnschedulable', [
    { name: 'cordoned', unschedulable: true, tolerations: [], verdict: 'node(s) were unschedulable' },
    { name: 'not cordoned', unschedulable: false, tolerations: [], verdict: '' },
    { name: 'cordoned and tolerated', unschedulable: true, tolerations: [cordon], verdict: '' },
  ], ({ unschedulable, tolerations, verdict }: { name: string; unschedulable: boolean; tolerations: readonly Toleration[]; verdict: string }) => [verdicts(nodeUnschedulable, pod({ spec: { tolerations } }), cluster([node('n', { unschedulable })])), { n: verdict }]);

  const hint = nodeUnschedulable.events?.find((e) => e.event === 'NodeTaint')?.worthTrying;
  table('NodeUnschedulable, hint', 'TestIsSchedulableAfterNodeChange', [
    { name: 'a cordoned one came', before: null, after: true, worth: false },
    { name: 'an open one came', before: null, after: false, worth: true },
    { name: 'still open', before: false, after: false, worth: false },
    { name: 'cordoned', before: false, after: true, worth: false },
    { name: 'uncordoned', before: true, after: false, worth: true },
  ], ({ before, after, worth }: { name: string; before: boolean | null; after: boolean; worth: boolean }) => {
    const of = (unschedulable: boolean) => node('n', { unschedulable });
    return [hint?.(podInfoOf(pod()), before === null ? null : of(before), of(after)), worth];
  });

  table('SchedulingGates, PreEnqueue', 'TestPreEnqueue', [
    { name: 'none', gates: [], verdict: '' },
    { name: 'two', gates: ['foo', 'bar'], verdict: 'waiting for scheduling gates: [foo bar]' },
  ], ({ gates, verdict }: { name: string; gates: readonly string[]; verdict: string }) => [schedulingGates.preEnqueue?.(podInfoOf(pod({ spec: { schedulingGates: gates.map((name) => ({ name })) } })))?.reasons[0] ?? '', verdict]);
});
