// Scores by resources against the tables of upstream's noderesources tests.

import { describe } from 'vitest';
import { readConfiguration } from '../configuration.ts';
import { cluster, node, pod, type Quantities, scores, table } from '../testing/objects.ts';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { brokenLinear, type ResourceSpec, type UtilizationShapePoint } from './resource-scores.ts';

const EXTENDED = 'abc.com/xyz';
const DEFAULTS: readonly ResourceSpec[] = [{ name: 'cpu', weight: 1 }, { name: 'memory', weight: 1 }];
const WITH_EXTENDED: readonly ResourceSpec[] = [{ name: EXTENDED, weight: 1 }, ...DEFAULTS];
const MEMORY_TWICE: readonly ResourceSpec[] = [{ name: 'memory', weight: 2 }, { name: 'cpu', weight: 1 }];

const r = (cpu: string, memory: string, more: Quantities = {}): Quantities => ({ cpu, memory, ...more });
const TWO = [r('1000', '2000'), r('2000', '3000')] as const;

interface Case {
  readonly name: string;
  readonly requests: readonly Quantities[];
  readonly nodes: readonly (Quantities | null)[];
  /** Node index and requests of its containers. */
  readonly running?: readonly (readonly [number, readonly Quantities[]])[];
  readonly resources?: readonly ResourceSpec[];
  readonly wanted: readonly number[];
}

const check = (strategy: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio', shape?: readonly UtilizationShapePoint[]) => (c: Case) => {
  const plugin = nodeResourcesFit({ scoringStrategy: { type: strategy, resources: c.resources ?? DEFAULTS, ...(shape ? { requestedToCapacityRatio: { shape } } : {}) } });
  const running = (c.running ?? []).map(([at, requests]) => pod({ node: `node${at}`, requests }));
  const cache = cluster(c.nodes.map((allocatable, i) => node(`node${i + 1}`, { allocatable: allocatable ?? {} })), running);
  return [scores(plugin, pod({ requests: c.requests }), cache), c.wanted] as const;
};

describe('NodeResourcesFit, Score', () => {
  table<Case>('LeastAllocated', 'TestLeastAllocatedScoringStrategy', [
    { name: 'empty cluster, nothing asked for', requests: [], nodes: [r('4000', '10000'), r('4000', '10000')], wanted: [100, 100] },
    { name: 'machines of two sizes', requests: TWO, nodes: [r('4000', '10000'), r('6000', '10000')], wanted: [37, 50] },
    { name: 'Pods that ask for nothing', requests: [], nodes: [r('4000', '10000'), r('4000', '10000')], running: [[1, []], [1, []], [2, []], [2, []]], wanted: [100, 100] },
    { name: 'nothing asked for beside Pods that do', requests: [], nodes: [r('10000', '20000'), r('10000', '20000')], running: [[1, [r('3000', '0')]], [1, [r('3000', '0')]], [2, [r('3000', '0')]], [2, [r('3000', '5000')]]], wanted: [70, 57] },
    { name: 'asking beside Pods that do', requests: TWO, nodes: [r('10000', '20000'), r('10000', '20000')], running: [[1, [r('3000', '0')]], [2, [r('3000', '5000')]]], wanted: [57, 45] },
    { name: 'the same with machines of two sizes', requests: TWO, nodes: [r('10000', '20000'), r('10000', '50000')], running: [[1, [r('3000', '0')]], [2, [r('3000', '5000')]]], wanted: [57, 60] },
    { name: 'more than there is', requests: [r('3000', '0')], nodes: [r('4000', '10000'), r('4000', '10000')], running: [[1, [r('3000', '0')]], [2, [r('3000', '5000')]]], wanted: [50, 25] },
    { name: 'machines with nothing', requests: [], nodes: [null, null], running: [[1, [r('3000', '0')]], [2, [r('3000', '5000')]]], wanted: [0, 0] },
    { name: 'memory counts twice', requests: TWO, nodes: [r('4000', '10000'), r('6000', '10000')], resources: MEMORY_TWICE, wanted: [41, 50] },
    { name: 'an extended resource that is not asked for', requests: TWO, nodes: [r('6000', '10000'), r('6000', '10000', { [EXTENDED]: '4' })], resources: WITH_EXTENDED, wanted: [50, 50] },
    { name: 'an extended resource that is', requests: [r('3000', '5000', { [EXTENDED]: '2' })], nodes: [r('6000', '10000', { [EXTENDED]: '4' }), r('6000', '10000', { [EXTENDED]: '10' })], resources: WITH_EXTENDED, wanted: [50, 60] },
    { name: 'a machine without the resource', requests: [r('3000', '4000')], nodes: [r('6000', '10000'), r('6000', '10000', { [EXTENDED]: '4' })], resources: [{ name: EXTENDED, weight: 2 }, ...DEFAULTS], wanted: [55, 55] },
  ], check('LeastAllocated'));

  table<Case>('MostAllocated', 'TestMostAllocatedScoringStrategy', [
    { name: 'empty cluster, nothing asked for', requests: [], nodes: [r('4000', '10000'), r('4000', '10000')], wanted: [0, 0] },
    { name: 'machines of two sizes', requests: TWO, nodes: [r('4000', '10000'), r('6000', '10000')], wanted: [62, 50] },
    { name: 'nothing asked for beside Pods that do', requests: [], nodes: [r('10000', '20000'), r('10000', '20000')], running: [[1, [r('3000', '0')]], [1, [r('3000', '0')]], [2, [r('3000', '0')]], [2, [r('3000', '5000')]]], wanted: [30, 42] },
    { name: 'asking beside Pods that do', requests: TWO, nodes: [r('10000', '20000'), r('10000', '20000')], running: [[1, [r('3000', '0')]], [2, [r('3000', '5000')]]], wanted: [42, 55] },
    { name: 'all there is', requests: [r('2000', '4000'), r('3000', '5000')], nodes: [r('5000', '10000'), r('10000', '9000')], wanted: [95, 75] },
    { name: 'memory counts twice', requests: TWO, nodes: [r('4000', '10000'), r('6000', '10000')], resources: MEMORY_TWICE, wanted: [58, 50] },
    { name: 'containers that ask for nothing count as 100m and 200Mi', requests: [{}], nodes: [r('250m', '1000Mi'), r('250m', '1000Mi')], running: [[1, [{}]], [1, [{}]]], wanted: [80, 30] },
    { name: 'an extended resource that is not asked for', requests: TWO, nodes: [r('6000', '10000'), r('6000', '10000', { [EXTENDED]: '4' })], resources: WITH_EXTENDED, wanted: [50, 50] },
    { name: 'an extended resource that is', requests: [r('3000', '5000', { [EXTENDED]: '2' })], nodes: [r('6000', '10000', { [EXTENDED]: '4' }), r('6000', '10000', { [EXTENDED]: '10' })], resources: WITH_EXTENDED, wanted: [50, 40] },
    { name: 'a machine without the resource', requests: [r('3000', '4000')], nodes: [r('6000', '10000'), r('6000', '10000', { [EXTENDED]: '4' })], resources: [{ name: EXTENDED, weight: 2 }, ...DEFAULTS], wanted: [45, 45] },
  ], check('MostAllocated'));

  const down = [{ utilization: 0, score: 10 }, { utilization: 100, score: 0 }];
  table<Case>('RequestedToCapacityRatio', 'TestRequestedToCapacityRatioScoringStrategy', [
    { name: 'nothing asked for', requests: [], nodes: [r('4000', '10000'), r('4000', '10000')], running: [[1, []], [1, []]], wanted: [100, 100] },
    { name: 'machines of two sizes', requests: TWO, nodes: [r('4000', '10000'), r('6000', '10000')], running: [[1, []], [1, []]], wanted: [38, 50] },
    { name: 'beside Pods that ask', requests: [], nodes: [r('4000', '10000'), r('6000', '10000')], running: [[1, [r('3000', '5000')]], [2, [r('3000', '5000')]]], wanted: [38, 50] },
  ], check('RequestedToCapacityRatio', down));

  const [foo, bar] = ['intel.com/foo', 'intel.com/bar'];
  const up = [{ utilization: 0, score: 0 }, { utilization: 100, score: 1 }];
  const one = [{ name: foo, weight: 1 }];
  const eightAndFour = [r('4', '10000Mi', { [foo]: '8' }), r('4', '10000Mi', { [foo]: '4' })];
  table<Case>('bin packing of one extended resource', 'TestResourceBinPackingSingleExtended', [
    { name: 'nothing asked for', requests: [], nodes: eightAndFour, resources: one, wanted: [0, 0] },
    { name: 'a quarter or a half', requests: [{ [foo]: '2' }], nodes: eightAndFour, running: [], resources: one, wanted: [2, 5] },
    { name: 'beside a Pod that has some', requests: [{ [foo]: '2' }], nodes: eightAndFour, running: [[2, [{ [foo]: '2' }]]], resources: one, wanted: [2, 10] },
    { name: 'a half or all', requests: [{ [foo]: '4' }], nodes: eightAndFour, resources: one, wanted: [5, 10] },
  ], check('RequestedToCapacityRatio', up));

  const both = [{ name: foo, weight: 3 }, { name: bar, weight: 5 }];
  const mixed = [r('4', '10000Mi', { [foo]: '8', [bar]: '4' }), r('4', '10000Mi', { [foo]: '4', [bar]: '8' })];
  table<Case>('bin packing of two', 'TestResourceBinPackingMultipleExtended', [
    { name: 'nothing asked for', requests: [], nodes: mixed, resources: both, wanted: [0, 0] },
    { name: 'little of both', requests: [{ [foo]: '2', [bar]: '2' }], nodes: mixed, resources: both, wanted: [4, 3] },
    { name: 'beside a Pod that has some', requests: [{ [foo]: '2', [bar]: '2' }], nodes: mixed, running: [[2, [{ [foo]: '2', [bar]: '2' }]]], resources: both, wanted: [4, 7] },
    { name: 'more of one', requests: [{ [foo]: '4', [bar]: '2' }], nodes: mixed, resources: both, wanted: [5, 5] },
  ], check('RequestedToCapacityRatio', up));

  const curve = (points: readonly (readonly [number, number])[]): ((p: number) => number) => brokenLinear(points.map(([utilization, score]) => ({ utilization, score })));
  const rising = curve([[10, 1], [90, 9]]);
  const tent = curve([[0, 2], [40, 10], [100, 0]]);
  const level = curve([[0, 2], [40, 2], [100, 2]]);
  const at = (of: (p: number) => number, name: string, pairs: readonly (readonly [number, number])[]) => pairs.map(([x, y]) => ({ name: `${name} at ${x}`, of, x, y }));
  table('the curve between points', 'TestBrokenLinearFunction', [
    ...at(rising, 'rising', [[-10, 1], [0, 1], [9, 1], [10, 1], [15, 1], [19, 1], [20, 2], [89, 8], [90, 9], [99, 9], [100, 9], [110, 9]]),
    ...at(tent, 'tent', [[-10, 2], [0, 2], [20, 6], [30, 8], [40, 10], [70, 5], [100, 0], [110, 0]]),
    ...at(level, 'level', [[-10, 2], [0, 2], [20, 2], [30, 2], [40, 2], [70, 2], [100, 2], [110, 2]]),
  ], ({ of, x, y }) => [of(x), y]);
});

describe('NodeResourcesFit, arguments', () => {
  const complaints = (type: string, resources: unknown, shape?: unknown): string => {
    const args = { scoringStrategy: { type, resources, ...(shape === undefined ? {} : { requestedToCapacityRatio: { shape } }) } };
    try {
      readConfiguration(JSON.stringify({ apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration', profiles: [{ pluginConfig: [{ name: 'NodeResourcesFit', args }] }] }));
      return '';
    } catch (error) {
      return (error as Error).message.replace('profiles[0].pluginConfig[NodeResourcesFit].args.', '');
    }
  };
  const weights = (...pairs: readonly (readonly [string, number])[]): unknown => pairs.map(([name, weight]) => ({ name, weight }));
  table('what is refused', '~wantErrs in the tables above', [
    { name: 'least: negative weight', type: 'LeastAllocated', resources: weights(['memory', -1], ['cpu', 1]), wanted: 'scoringStrategy.resources[0].weight: Invalid value: -1' },
    { name: 'least: too heavy', type: 'LeastAllocated', resources: weights(['memory', 1], ['cpu', 101]), wanted: 'scoringStrategy.resources[1].weight: Invalid value: 101' },
    { name: 'most: negative weight', type: 'MostAllocated', resources: weights(['memory', -1], ['cpu', 1]), wanted: 'scoringStrategy.resources[0].weight: Invalid value: -1' },
    { name: 'most: too heavy', type: 'MostAllocated', resources: weights(['memory', 101]), wanted: 'scoringStrategy.resources[0].weight: Invalid value: 101' },
    { name: 'ratio: no points', type: 'RequestedToCapacityRatio', resources: weights(['cpu', 1]), shape: [], wanted: 'scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point' },
    { name: 'ratio: not ascending', type: 'RequestedToCapacityRatio', resources: weights(['cpu', 1]), shape: [{ utilization: 30, score: 3 }, { utilization: 20, score: 2 }], wanted: 'scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 20: utilization values must be sorted' },
    { name: 'ratio: more than 10 points', type: 'RequestedToCapacityRatio', resources: weights(['cpu', 1]), shape: [{ utilization: 30, score: 11 }], wanted: 'scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11' },
    { name: 'unknown strategy', type: 'Fullest', resources: weights(['cpu', 1]), wanted: 'scoringStrategy.type: Invalid value: "Fullest"' },
  ], ({ type, resources, shape, wanted }: { name: string; type: string; resources: unknown; shape?: unknown; wanted: string }) => [complaints(type, resources, shape).slice(0, wanted.length), wanted]);
});

describe('NodeResourcesBalancedAllocation, Score', () => {
  const gpu = 'nvidia.com/gpu';
  const cpuOnly = [r('1000m', '0'), r('2000m', '0')];
  const cpuAndMemory = [r('1000m', '2000'), r('2000m', '3000')];
  const three: readonly ResourceSpec[] = [...DEFAULTS, { name: gpu, weight: 1 }];
  const m = (cpu: number, memory: number, gpus?: string): Quantities => ({ cpu: `${cpu}m`, memory: `${memory}`, ...(gpus ? { [gpu]: gpus } : {}) });
  table<Omit<Case, 'wanted'> & { wanted: readonly number[] | 'skip' }>('balance', 'TestNodeResourcesBalancedAllocation', [
    { name: 'a Pod that asks for nothing is left out', requests: [], nodes: [m(4000, 10000), m(4000, 10000)], wanted: 'skip' },
    { name: 'machines of two sizes', requests: cpuAndMemory, nodes: [m(4000, 10000), m(6000, 10000)], wanted: [87, 100] },
    { name: 'beside Pods that ask', requests: cpuAndMemory, nodes: [m(10000, 20000), m(10000, 20000)], running: [[1, cpuOnly], [2, cpuAndMemory]], wanted: [82, 95] },
    { name: 'the same with machines of two sizes', requests: cpuAndMemory, nodes: [m(10000, 20000), m(10000, 50000)], running: [[1, cpuOnly], [2, cpuAndMemory]], wanted: [82, 80] },
    { name: 'all there is', requests: cpuOnly, nodes: [m(6000, 10000), m(6000, 10000)], running: [[1, cpuOnly], [2, cpuAndMemory]], wanted: [50, 75] },
    { name: 'a third resource', requests: [{ memory: '0', [gpu]: '1' }], nodes: [m(3500, 40000, '8'), m(3500, 40000, '8')], running: [[2, cpuAndMemory], [1, [r('1000m', '2000'), r('2000m', '3000', { [gpu]: '3' })]]], resources: three, wanted: [70, 65] },
    { name: 'a third resource that is not asked for', requests: cpuAndMemory, nodes: [m(3500, 40000, '8'), m(3500, 40000)], resources: three, wanted: [63, 63] },
  ], (c) => {
    const plugin = nodeResourcesBalancedAllocation(c.resources ? { resources: c.resources } : {});
    const running = (c.running ?? []).map(([at, requests]) => pod({ node: `node${at}`, requests }));
    const cache = cluster(c.nodes.map((allocatable, i) => node(`node${i + 1}`, { allocatable: allocatable ?? {} })), running);
    return [scores(plugin, pod({ requests: c.requests }), cache), c.wanted];
  });
});
