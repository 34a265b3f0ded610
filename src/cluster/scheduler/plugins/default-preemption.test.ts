// DefaultPreemption against upstream's tables: whom to evict where.

import { describe, expect, it } from 'vitest';
import type { Pod, PodDisruptionBudget } from '../../api/generated/types.ts';
import { Random } from '../../sim/random.ts';
import { Algorithm } from '../algorithm.ts';
import { Framework } from '../framework/framework.ts';
import { podInfoOf } from '../podinfo.ts';
import { cluster, node, pod, type Quantities, table } from '../testing/objects.ts';
import { defaultPreemption, enoughCandidates } from './default-preemption.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { prioritySort } from './priority-sort.ts';

const SMALL: Quantities = { cpu: '100m', memory: '100' };
const MEDIUM: Quantities = { cpu: '200m', memory: '200' };
const LARGE: Quantities = { cpu: '300m', memory: '300' };
const HUGE: Quantities = { cpu: '500m', memory: '500' };
const [NEGATIVE, LOW, MID, HIGH, HIGHEST] = [-100, 0, 100, 1000, 10_000];

type Running = readonly [on: number, priority: number, requests: Quantities, started?: number, name?: string];

interface Case {
  readonly name: string;
  readonly wanted: readonly [priority: number, requests: Quantities];
  readonly nodes: number;
  readonly running: readonly Running[];
  readonly node: string;
  readonly victims?: readonly string[];
  readonly budgets?: readonly PodDisruptionBudget[];
}

function attempt(wanted: Pod, nodes: number, running: readonly Running[], budgets: readonly PodDisruptionBudget[] = [], seed = 4) {
  const cache = cluster(
    Array.from({ length: nodes }, (_, i) => node(`node${i + 1}`, { allocatable: { ...HUGE, pods: '32' } })),
    running.map(([on, priority, requests, started = 0, name]) =>
      pod({ node: `node${on}`, priority, requests: [requests], start: `2026-01-01T00:00:0${started}Z`, ...(name ? { name, labels: { app: name } } : {}) }),
    ),
  );
  const framework = new Framework([{ plugin: prioritySort }, { plugin: nodeResourcesFit() }, { plugin: defaultPreemption(() => budgets, new Random(seed, 'preemption')) }]);
  return new Algorithm(new Random(1, 'ties'), () => []).schedule(framework, podInfoOf(wanted), cache);
}

const check = (c: Case): readonly [unknown, unknown] => {
  const [priority, requests] = c.wanted;
  const result = attempt(pod({ name: 'p', priority, requests: [requests] }), c.nodes, c.running, c.budgets);
  if (result.node !== null) return [`fits on ${result.node}`, c.node];
  const names = result.victims.map((victim) => victim.name).sort();
  return [[result.nominatedNode, c.victims ? names : []], [c.node, c.victims ?? []]];
};

describe('DefaultPreemption', () => {
  table<Case>('the best machine', 'TestSelectBestCandidate', [
    { name: 'the least important victims', wanted: [HIGH, HUGE], nodes: 3, running: [[1, MID, MEDIUM], [1, MID, LARGE], [2, MID, MEDIUM], [2, LOW, MEDIUM], [3, LOW, MEDIUM], [3, LOW, MEDIUM]], node: 'node3' },
    { name: 'the least sum of priorities', wanted: [HIGH, HUGE], nodes: 3, running: [[1, MID, MEDIUM], [1, MID, LARGE], [2, MID, LARGE], [2, LOW, MEDIUM], [3, MID, MEDIUM], [3, MID, MEDIUM]], node: 'node2' },
    { name: 'the fewest', wanted: [HIGH, HUGE], nodes: 3, running: [[1, MID, SMALL], [1, NEGATIVE, SMALL], [1, MID, SMALL], [1, NEGATIVE, SMALL], [2, MID, LARGE], [2, NEGATIVE, MEDIUM], [3, MID, MEDIUM], [3, NEGATIVE, SMALL], [3, LOW, SMALL]], node: 'node2' },
    { name: 'negative priorities weigh as well', wanted: [HIGH, HUGE], nodes: 3, running: [[1, MID, SMALL], [1, NEGATIVE, SMALL], [1, NEGATIVE, SMALL], [2, MID, LARGE], [2, NEGATIVE, MEDIUM], [3, MID, MEDIUM], [3, NEGATIVE, SMALL], [3, LOW, SMALL]], node: 'node2' },
    { name: 'one rule after the other', wanted: [HIGHEST, HUGE], nodes: 4, running: [[1, MID, SMALL], [1, LOW, SMALL], [1, LOW, SMALL], [2, HIGH, LARGE], [3, MID, MEDIUM], [3, LOW, SMALL], [3, LOW, SMALL], [3, LOW, MEDIUM], [4, MID, MEDIUM], [4, MID, SMALL], [4, MID, SMALL], [4, NEGATIVE, SMALL]], node: 'node1' },
    { name: 'the youngest', wanted: [HIGH, HUGE], nodes: 3, running: [[1, MID, MEDIUM, 2], [1, MID, MEDIUM, 2], [2, MID, MEDIUM, 3], [2, MID, MEDIUM, 3], [3, MID, MEDIUM, 1], [3, MID, MEDIUM, 1]], node: 'node2' },
    { name: 'the youngest by their oldest', wanted: [HIGH, HUGE], nodes: 3, running: [[1, MID, MEDIUM, 4], [1, MID, MEDIUM, 2], [2, MID, MEDIUM, 5], [2, MID, MEDIUM, 1], [3, MID, MEDIUM, 3], [3, MID, MEDIUM, 6]], node: 'node3' },
    { name: 'the youngest among the most important', wanted: [HIGH, HUGE], nodes: 3, running: [[1, LOW, MEDIUM, 4], [1, MID, MEDIUM, 2], [2, MID, MEDIUM, 6], [2, LOW, MEDIUM, 1], [3, LOW, MEDIUM, 3], [3, MID, MEDIUM, 5]], node: 'node2' },
  ], check);

  const budget = (app: string, disruptionsAllowed: number, more: object = {}): PodDisruptionBudget => ({ metadata: { name: app }, spec: { selector: { matchLabels: { app } } }, status: { disruptionsAllowed, ...more } }) as unknown as PodDisruptionBudget;
  table<Case>('the victims', '~TestDryRunPreemption', [
    { name: 'all, when all must go', wanted: [HIGH, HUGE], nodes: 1, running: [[1, MID, MEDIUM, 0, 'a'], [1, LOW, MEDIUM, 0, 'b']], node: 'node1', victims: ['a', 'b'] },
    { name: 'the less important one', wanted: [HIGH, LARGE], nodes: 1, running: [[1, MID, MEDIUM, 0, 'a'], [1, LOW, LARGE, 0, 'b']], node: 'node1', victims: ['b'] },
    { name: 'the more important one, when nothing else makes room', wanted: [HIGH, LARGE], nodes: 1, running: [[1, MID, LARGE, 0, 'a'], [1, LOW, SMALL, 0, 'b']], node: 'node1', victims: ['a'] },
    { name: 'not those that are as important', wanted: [HIGH, LARGE], nodes: 2, running: [[1, HIGH, LARGE, 0, 'a'], [2, LOW, LARGE, 0, 'b']], node: 'node2', victims: ['b'] },
    { name: 'of equals the younger one', wanted: [HIGH, LARGE], nodes: 1, running: [[1, LOW, MEDIUM, 1, 'old'], [1, LOW, MEDIUM, 5, 'young']], node: 'node1', victims: ['young'] },
    { name: 'whom no budget protects', wanted: [HIGH, MEDIUM], nodes: 1, running: [[1, LOW, MEDIUM, 0, 'guarded'], [1, MID, LARGE, 0, 'free']], budgets: [budget('guarded', 0)], node: 'node1', victims: ['free'] },
    { name: 'whom a budget allows to go', wanted: [HIGH, MEDIUM], nodes: 1, running: [[1, LOW, MEDIUM, 0, 'guarded'], [1, MID, LARGE, 0, 'free']], budgets: [budget('guarded', 1)], node: 'node1', victims: ['guarded'] },
    { name: 'whom the budget has counted already', wanted: [HIGH, MEDIUM], nodes: 1, running: [[1, LOW, MEDIUM, 0, 'guarded'], [1, MID, LARGE, 0, 'free']], budgets: [budget('guarded', 0, { disruptedPods: { guarded: '2026-01-01T00:00:00Z' } })], node: 'node1', victims: ['guarded'] },
    { name: 'the machine where no budget is broken', wanted: [HIGH, LARGE], nodes: 2, running: [[1, LOW, LARGE, 0, 'guarded'], [2, MID, LARGE, 0, 'free']], budgets: [budget('guarded', 0)], node: 'node2', victims: ['free'] },
    { name: 'a budget is broken rather than nothing done', wanted: [HIGH, LARGE], nodes: 1, running: [[1, LOW, LARGE, 0, 'guarded']], budgets: [budget('guarded', 0)], node: 'node1', victims: ['guarded'] },
  ], check);

  const terminating = (reason?: string): Pod =>
    pod({ node: 'node1', priority: LOW, requests: [HUGE], deleted: true, status: reason ? { conditions: [{ type: 'DisruptionTarget', status: 'True', reason }] } : {} });
  table('who may ask', '~TestPodEligibleToPreemptOthers', [
    { name: 'no nominated node', nominated: '', there: terminating(), policy: undefined, may: true },
    { name: 'somebody is just going for it', nominated: 'node1', there: terminating('PreemptionByScheduler'), policy: undefined, may: false },
    { name: 'somebody is going for another reason', nominated: 'node1', there: terminating('EvictionByEvictionAPI'), policy: undefined, may: true },
    { name: 'somebody is going of its own', nominated: 'node1', there: terminating(), policy: undefined, may: true },
    { name: 'preemptionPolicy Never', nominated: '', there: terminating(), policy: 'Never', may: false },
  ], ({ nominated, there, policy, may }: { name: string; nominated: string; there: Pod; policy: string | undefined; may: boolean }) => {
    const cache = cluster([node('node1', { allocatable: { ...HUGE, pods: '32' } })], [there]);
    const framework = new Framework([{ plugin: prioritySort }, { plugin: nodeResourcesFit() }, { plugin: defaultPreemption(() => [], new Random(1, 'p')) }]);
    const wanted = pod({ priority: HIGH, requests: [LARGE], spec: policy ? { preemptionPolicy: policy } : {}, status: nominated ? { nominatedNodeName: nominated } : {} });
    const result = new Algorithm(new Random(1, 't'), () => []).schedule(framework, podInfoOf(wanted), cache);
    return [result.node === null && !result.message.includes('not eligible'), may];
  });

  table('how many machines to try', '~TestGetOffsetAndNumCandidates', [
    { name: 'all of few', nodes: 50, args: {}, wanted: 50 },
    { name: 'at least so many', nodes: 150, args: {}, wanted: 100 },
    { name: 'a tenth of many', nodes: 2000, args: {}, wanted: 200 },
    { name: 'as the arguments say', nodes: 2000, args: { minCandidateNodesPercentage: 50, minCandidateNodesAbsolute: 10 }, wanted: 1000 },
    { name: 'as the arguments say, in number', nodes: 2000, args: { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 10 }, wanted: 10 },
  ], ({ nodes, args, wanted }) => [enoughCandidates(nodes, args), wanted]);

  it('says for each machine why it does not help', () => {
    const result = attempt(pod({ priority: LOW, requests: [LARGE] }), 2, [[1, MID, HUGE], [2, MID, LARGE]]);
    expect(result.node === null && result.message).toBe(
      '0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
    );
  });
});
