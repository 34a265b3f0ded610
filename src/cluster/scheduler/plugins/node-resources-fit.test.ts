// NodeResourcesFit's filter and hints against upstream's tables.

import { describe } from 'vitest';
import type { Node, Pod } from '../../api/generated/types.ts';
import { podInfoOf } from '../podinfo.ts';
import { cluster, node, pod, type Quantities, table, verdicts } from '../testing/objects.ts';
import { type FitArgs, nodeResourcesFit } from './node-resources-fit.ts';

const [A, B, KUBERNETES, SUBDOMAIN, HUGE] = ['example.com/aaa', 'example.com/bbb', 'kubernetes.io/something', 'subdomain.kubernetes.io/something', 'hugepages-2Mi'] as const;
const ALLOCATABLE: Quantities = { cpu: '10m', memory: '20', pods: '32', [A]: '5', 'ephemeral-storage': '20', [HUGE]: '5' };
const r = (cpu: number, memory: number, more: Quantities = {}): Quantities => ({ cpu: `${cpu}m`, memory: `${memory}`, ...more });
const no = (...names: readonly string[]): string => names.map((name) => `Insufficient ${name}`).join(', ');

interface Case {
  readonly name: string;
  readonly requests?: readonly Quantities[];
  readonly inits?: readonly Quantities[];
  readonly overhead?: Quantities;
  readonly used?: readonly Quantities[];
  readonly allocatable?: Quantities;
  readonly args?: FitArgs;
  readonly verdict?: string;
  /** Eviction would not help. */
  readonly hopeless?: boolean;
}

const podOf = ({ requests = [], inits = [], overhead }: Pick<Case, 'requests' | 'inits' | 'overhead'>): Pod =>
  pod({ requests, spec: { ...(inits.length > 0 ? { initContainers: inits.map((own, i) => ({ name: `i${i}`, resources: { requests: own } })) } : {}), ...(overhead ? { overhead } : {}) } });

const check = (c: Case): readonly [unknown, unknown] => {
  const cache = cluster([node('n', { allocatable: c.allocatable ?? ALLOCATABLE })], [pod({ node: 'n', requests: c.used ?? [] })]);
  const plugin = nodeResourcesFit(c.args);
  const status = plugin.filter?.(undefined, podInfoOf(podOf(c)), cache.nodes[0] as never);
  return [[verdicts(plugin, podOf(c), cache), status?.code ?? ''], [{ n: c.verdict ?? '' }, c.verdict ? (c.hopeless ? 'UnschedulableAndUnresolvable' : 'Unschedulable') : '']];
};

describe('NodeResourcesFit, Filter', () => {
  table<Case>('is there enough', 'TestEnoughRequests', [
    { name: 'nothing asked for', used: [r(10, 20)] },
    { name: 'nothing left', requests: [r(1, 1)], used: [r(10, 20)], verdict: no('cpu', 'memory') },
    { name: 'CPU for an init container', requests: [r(1, 1)], inits: [r(3, 1)], used: [r(8, 19)], verdict: no('cpu') },
    { name: 'CPU for the largest init container', requests: [r(1, 1)], inits: [r(3, 1), r(2, 1)], used: [r(8, 19)], verdict: no('cpu') },
    { name: 'memory for an init container', requests: [r(1, 1)], inits: [r(1, 3)], used: [r(9, 19)], verdict: no('memory') },
    { name: 'memory for the largest init container', requests: [r(1, 1)], inits: [r(1, 3), r(1, 2)], used: [r(9, 19)], verdict: no('memory') },
    { name: 'the larger of init and other containers', requests: [r(1, 1)], inits: [r(1, 1)], used: [r(9, 19)] },
    { name: 'the larger, not the sum', requests: [r(1, 1)], inits: [r(1, 1), r(1, 1)], used: [r(9, 19)] },
    { name: 'enough of both', requests: [r(1, 1)], used: [r(5, 5)] },
    { name: 'enough memory only', requests: [r(2, 1)], used: [r(9, 5)], verdict: no('cpu') },
    { name: 'enough CPU only', requests: [r(1, 2)], used: [r(5, 19)], verdict: no('memory') },
    { name: 'just enough', requests: [r(5, 1)], used: [r(5, 19)] },
    { name: 'just enough for an init container', requests: [r(4, 1)], inits: [r(5, 1)], used: [r(5, 19)] },
    { name: 'an extended resource', requests: [{ [A]: '1' }] },
    { name: 'an extended resource for an init container', inits: [{ [A]: '1' }] },
    { name: 'more than the machine has', requests: [r(1, 1, { [A]: '10' })], verdict: no(A), hopeless: true },
    { name: 'more than the machine has, for an init container', inits: [r(1, 1, { [A]: '10' })], verdict: no(A), hopeless: true },
    { name: 'more than is left', requests: [r(1, 1, { [A]: '1' })], used: [{ [A]: '5' }], verdict: no(A) },
    { name: 'more than is left, for an init container', inits: [r(1, 1, { [A]: '1' })], used: [{ [A]: '5' }], verdict: no(A) },
    { name: 'containers add up', requests: [r(1, 1, { [A]: '3' }), r(1, 1, { [A]: '3' })], used: [{ [A]: '2' }], verdict: no(A), hopeless: true },
    { name: 'init containers do not', inits: [r(1, 1, { [A]: '3' }), r(1, 1, { [A]: '3' })], used: [{ [A]: '2' }] },
    { name: 'the largest of them counts', inits: [r(1, 1, { [A]: '6' }), r(1, 1, { [A]: '3' })], used: [{ [A]: '2' }], verdict: no(A), hopeless: true },
    { name: 'a resource that the machine has not', requests: [r(1, 1, { [B]: '1' })], verdict: no(B), hopeless: true },
    { name: 'the same for an init container', inits: [r(1, 1, { [B]: '1' })], verdict: no(B), hopeless: true },
    { name: "one of Kubernetes' own names", requests: [r(1, 1, { [KUBERNETES]: '10' })], verdict: no(KUBERNETES), hopeless: true },
    { name: 'one below it', requests: [r(1, 1, { [SUBDOMAIN]: '10' })], verdict: no(SUBDOMAIN), hopeless: true },
    { name: 'huge pages, more than the machine has', requests: [r(1, 1, { [HUGE]: '10' })], verdict: no(HUGE), hopeless: true },
    { name: 'huge pages, more than is left', requests: [r(1, 1, { [HUGE]: '1' })], used: [{ [HUGE]: '5' }], verdict: no(HUGE) },
    { name: 'huge pages of several containers', requests: [r(1, 1, { [HUGE]: '3' }), r(1, 1, { [HUGE]: '3' })], used: [{ [HUGE]: '2' }], verdict: no(HUGE), hopeless: true },
    { name: 'an ignored resource', requests: [r(1, 1, { [B]: '1' })], args: { ignoredResources: [B] } },
    { name: 'an ignored group', requests: [r(1, 1, { [B]: '1' })], args: { ignoredResourceGroups: ['example.com'] } },
    { name: 'overhead fits', requests: [r(1, 1)], overhead: r(3, 13), used: [r(5, 5)] },
    { name: 'overhead does not', requests: [r(1, 1)], overhead: r(1, 15), used: [r(5, 5)], verdict: no('memory') },
    { name: 'none of a resource that is used up', requests: [r(1, 1, { [A]: '0' })], used: [{ [A]: '6' }] },
  ], check);

  const ONE_POD = { ...ALLOCATABLE, pods: '1' };
  table<Case>('places for Pods', 'TestNotEnoughRequests', [
    { name: 'nothing asked for', used: [r(10, 20)], allocatable: ONE_POD, verdict: 'Too many pods' },
    { name: 'enough of both', requests: [r(1, 1)], used: [r(5, 5)], allocatable: ONE_POD, verdict: 'Too many pods' },
    { name: 'just enough', requests: [r(5, 1)], used: [r(5, 19)], allocatable: ONE_POD, verdict: 'Too many pods' },
    { name: 'just enough for an init container', requests: [r(5, 1)], inits: [r(5, 1)], used: [r(5, 19)], allocatable: ONE_POD, verdict: 'Too many pods' },
  ], check);

  table<Case>('ephemeral storage', 'TestStorageRequests', [
    { name: 'no CPU left', requests: [r(1, 1)], used: [r(10, 10)], verdict: no('cpu') },
    { name: 'fits', requests: [r(1, 1)], used: [r(2, 10)] },
    { name: 'more than the machine has', requests: [{ 'ephemeral-storage': '25' }], used: [r(2, 2)], verdict: no('ephemeral-storage'), hopeless: true },
    { name: 'enough', requests: [{ 'ephemeral-storage': '10' }], used: [r(2, 2)] },
    { name: 'none asked for', requests: [r(1, 1)], used: [r(2, 2)] },
  ], check);

  const sidecar = (always: boolean, cpu: number): object => ({ name: `s${cpu}`, resources: { requests: r(cpu, 1) }, ...(always ? { restartPolicy: 'Always' } : {}) });
  table('sidecars', '~TestRestartableInitContainers and TestPodRequests', [
    { name: 'no init containers', inits: [], cpu: 1 },
    { name: 'beside the containers', inits: [sidecar(true, 2)], cpu: 3 },
    { name: 'an init container before', inits: [sidecar(false, 2), sidecar(true, 2)], cpu: 3 },
    { name: 'an init container after', inits: [sidecar(true, 2), sidecar(false, 3)], cpu: 5 },
    { name: 'two, and init containers between', inits: [sidecar(true, 1), sidecar(false, 4), sidecar(true, 3), sidecar(false, 1)], cpu: 5 },
  ], ({ inits, cpu }) => [podInfoOf(pod({ requests: [r(1, 1)], spec: { initContainers: inits } })).requests.milliCpu, cpu]);
});

describe('NodeResourcesFit, hints', () => {
  const plugin = nodeResourcesFit();
  const hint = (event: string) => plugin.events?.find((e) => e.event === event)?.worthTrying;
  const wants = (...requests: readonly Quantities[]) => podInfoOf(pod({ requests }));
  table('when a node changes', '~Test_isSchedulableAfterNodeChange', [
    { name: 'a node came that is too small', wanted: wants({ memory: '2' }), before: null, after: { memory: '1', pods: '5' }, worth: false },
    { name: 'a node came that is large enough', wanted: wants({ memory: '2' }), before: null, after: { memory: '4', pods: '5' }, worth: true },
    { name: 'more of something else', wanted: wants({ memory: '2' }), before: { memory: '4', cpu: '1', pods: '5' }, after: { memory: '4', cpu: '2', pods: '5' }, worth: false },
    { name: 'more of it, and enough', wanted: wants({ memory: '2' }), before: { memory: '1', pods: '5' }, after: { memory: '4', pods: '5' }, worth: true },
    { name: 'more of it, and too little', wanted: wants({ memory: '4' }), before: { memory: '1', pods: '5' }, after: { memory: '2', pods: '5' }, worth: false },
    { name: 'more places for Pods', wanted: wants({ memory: '2' }), before: { memory: '4', pods: '1' }, after: { memory: '4', pods: '5' }, worth: true },
    { name: 'more of an extended resource', wanted: wants({ [A]: '1' }), before: { [A]: '1', pods: '5' }, after: { [A]: '2', pods: '5' }, worth: true },
    { name: 'as much as before', wanted: wants({ memory: '2' }), before: { memory: '4', pods: '5' }, after: { memory: '4', pods: '5' }, worth: false },
  ], ({ wanted, before, after, worth }: { name: string; wanted: ReturnType<typeof wants>; before: Quantities | null; after: Quantities; worth: boolean }) => {
    const of = (allocatable: Quantities): Node => node('n', { allocatable });
    return [hint(before === null ? 'NodeAdd' : 'NodeAllocatable')?.(wanted, before === null ? null : of(before), of(after)), worth];
  });

  const on = (cpu: string, memory: string): Pod => pod({ name: 'other', node: 'n', requests: [{ cpu, memory }] });
  table('when a running Pod is resized', '~Test_isSchedulableAfterPodEvent', [
    { name: 'to less of what is wanted', wanted: wants({ cpu: '1' }), before: on('2', '2'), after: on('1', '2'), worth: true },
    { name: 'to less of something else', wanted: wants({ cpu: '1' }), before: on('2', '2'), after: on('2', '1'), worth: false },
    { name: 'to more', wanted: wants({ cpu: '1' }), before: on('1', '2'), after: on('2', '2'), worth: false },
  ], ({ wanted, before, after, worth }) => [hint('AssignedPodScaleDown')?.(wanted, before, after), worth]);
});
