// InterPodAffinity's scores against upstream's tables: what the new Pod prefers, and what those that run think of it.

import { describe } from 'vitest';
import { cluster, node, pod, scores, table } from '../testing/objects.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';

type Expression = readonly [key: string, operator: string, ...values: string[]];
const selector = (...expressions: readonly Expression[]): object => ({ matchExpressions: expressions.map(([key, operator, ...values]) => ({ key, operator, ...(values.length ? { values } : {}) })) });
const term = (topologyKey: string, expressions: readonly Expression[], more: object = {}): object => ({ labelSelector: selector(...expressions), topologyKey, ...more });
const soft = (weight: number, podAffinityTerm: object): object => ({ weight, podAffinityTerm });
const SOFT = 'preferredDuringSchedulingIgnoredDuringExecution';
const near = (...terms: readonly object[]): object => ({ podAffinity: { [SOFT]: terms } });
const away = (...terms: readonly object[]): object => ({ podAntiAffinity: { [SOFT]: terms } });

const s = (value: string): readonly Expression[] => [['security', 'In', value]];
const withS1 = near(soft(5, term('region', s('S1'))));
const withS2 = near(soft(6, term('region', s('S2'))));
const manyWords = near(soft(8, term('region', [['security', 'NotIn', 'S1'], ['security', 'In', 'S2']])), soft(2, term('region', [['security', 'Exists'], ['wrongkey', 'DoesNotExist']])));
const hard = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('region', [['security', 'In', 'S1', 'value2']]), term('region', [['security', 'Exists'], ['wrongkey', 'DoesNotExist']])] } };
const notS1 = away(soft(5, term('az', s('S1'))));
const notS2 = away(soft(5, term('az', s('S2'))));
const withS1NotS2 = { ...near(soft(8, term('region', s('S1')))), ...away(soft(5, term('az', s('S2')))) };
const inTeam1 = { namespaces: ['subteam2.team2'], namespaceSelector: selector(['team', 'In', 'team1']) };
const nearTeam = near(soft(5, term('region', s('S1'), inTeam1)));
const awayFromTeam = away(soft(5, term('region', s('S1'), inTeam1)));

const CHINA = { region: 'China' };
const INDIA = { region: 'India' };
const AZ1 = { az: 'az1' };
const AZ2 = { az: 'az2' };
const CHINA_AZ1 = { ...CHINA, ...AZ1 };
const S1 = { security: 'S1' };
const S2 = { security: 'S2' };
const TEAMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'subteam1.team1': { team: 'team1' },
  'subteam2.team1': { team: 'team1' },
  'subteam1.team2': { team: 'team2' },
  'subteam2.team2': { team: 'team2' },
};

type Labels = Readonly<Record<string, string>>;
type Running = readonly [at: number, labels: Labels, affinity?: object | null, namespace?: string];

interface Case {
  readonly name: string;
  readonly labels?: Labels;
  readonly namespace?: string;
  readonly affinity?: object;
  readonly running?: readonly Running[];
  readonly nodes: readonly Labels[];
  readonly ignore?: boolean;
  readonly hardWeight?: number;
  readonly wanted: readonly number[] | 'skip';
}

const check = (c: Case): readonly [unknown, unknown] => {
  const running = (c.running ?? []).map(([at, labels, affinity, namespace]) =>
    pod({ node: `node${at}`, labels, ...(namespace ? { namespace } : {}), spec: affinity ? { affinity } : {} }),
  );
  const cache = cluster(c.nodes.map((labels, i) => node(`node${i + 1}`, { labels })), running);
  const plugin = interPodAffinity((namespace) => TEAMS[namespace] ?? {}, {
    ...(c.ignore ? { ignorePreferredTermsOfExistingPods: true } : {}),
    ...(c.hardWeight === undefined ? {} : { hardPodAffinityWeight: c.hardWeight }),
  });
  const wanted = pod({ labels: c.labels ?? {}, ...(c.namespace ? { namespace: c.namespace } : {}), spec: c.affinity ? { affinity: c.affinity } : {} });
  return [scores(plugin, wanted, cache), c.wanted];
};

describe('InterPodAffinity, Score', () => {
  table<Case>('preferences', 'TestPreferredAffinity', [
    { name: 'nobody prefers anything', labels: S1, nodes: [CHINA, INDIA, AZ1], wanted: 'skip' },
    { name: 'near: only where the domain is known', labels: S1, affinity: withS1, running: [[1, S1], [2, S2], [3, S1]], nodes: [CHINA, INDIA, AZ1], wanted: [100, 0, 0] },
    { name: 'near: all machines of the domain', affinity: withS1, running: [[1, S1]], nodes: [CHINA, CHINA_AZ1, INDIA], wanted: [100, 100, 0] },
    { name: 'near: the domain with more of them', labels: S1, affinity: withS2, running: [[1, S2], [1, S2], [2, S2], [3, S2], [4, S2], [5, S2]], nodes: [CHINA, INDIA, CHINA, CHINA, INDIA], wanted: [100, 0, 100, 100, 0] },
    { name: 'near: several operators', labels: S1, affinity: manyWords, running: [[1, S1], [2, S2], [3, S1]], nodes: [CHINA, INDIA, AZ1], wanted: [20, 100, 0] },
    { name: 'those that run prefer it near', labels: S2, running: [[1, S1, withS1], [2, S2, withS2]], nodes: [CHINA, INDIA, AZ1], wanted: [0, 100, 0] },
    { name: 'those that run prefer its namespace near', labels: S1, namespace: 'subteam1.team1', running: [[1, S1, nearTeam], [2, S2, withS2]], nodes: [CHINA, INDIA, AZ1], wanted: [100, 0, 0] },
    { name: 'those that run prefer its namespace away', labels: S1, namespace: 'subteam1.team1', running: [[1, S1, awayFromTeam], [2, S2, withS2]], nodes: [CHINA, INDIA, AZ1], wanted: [0, 100, 100] },
    { name: 'those that run require it', labels: S1, running: [[1, S1, hard], [2, S2, hard]], nodes: [CHINA, INDIA, AZ1], wanted: [100, 100, 0] },
    { name: 'away: where there are others', labels: S1, affinity: notS1, running: [[1, S1], [2, S2]], nodes: [AZ1, CHINA], wanted: [0, 100] },
    { name: 'away: where the domain is not known', labels: S1, affinity: notS1, running: [[1, S1], [2, S1]], nodes: [AZ1, CHINA], wanted: [0, 100] },
    { name: 'away: where there are fewer', labels: S1, affinity: notS1, running: [[1, S1], [1, S1], [2, S2]], nodes: [AZ1, INDIA], wanted: [0, 100] },
    { name: 'those that run prefer it away', labels: S2, running: [[1, S1, notS2], [2, S2, notS1]], nodes: [AZ1, AZ2], wanted: [0, 100] },
    { name: 'near some and away from others', labels: S1, affinity: withS1NotS2, running: [[1, S1], [2, S1]], nodes: [CHINA, AZ1], wanted: [100, 0] },
    { name: 'the same among siblings', labels: S1, affinity: withS1NotS2, running: [[1, S1], [1, S1], [2, S1], [3, S1], [3, S1], [4, S1], [5, S1]], nodes: [CHINA_AZ1, INDIA, CHINA, CHINA, INDIA], wanted: [100, 0, 100, 100, 0] },
    { name: 'all four at once', labels: S1, affinity: withS1NotS2, running: [[1, S1], [2, S2], [3, {}, withS1NotS2], [4, {}, notS1]], nodes: [CHINA, AZ1, INDIA, AZ2], wanted: [100, 0, 100, 0] },
    { name: 'all machines alike', labels: S1, running: [[1, S1], [2, {}, withS1NotS2]], nodes: [CHINA, CHINA], wanted: [0, 0] },
    { name: 'by the labels of namespaces', labels: S1, namespace: 'subteam1.team1', affinity: nearTeam, running: [[1, S1, null, 'subteam1.team1'], [1, S1, null, 'subteam1.team1'], [1, S1, null, 'subteam1.team2'], [2, S1, null, 'subteam2.team1']], nodes: [CHINA, INDIA], wanted: [100, 0] },
    { name: 'by names and labels of namespaces', labels: S1, namespace: 'subteam1.team1', affinity: nearTeam, running: [[1, S1, null, 'subteam1.team1'], [1, S1, null, 'subteam1.team1'], [1, S1, null, 'subteam2.team2'], [2, S1, null, 'subteam2.team1']], nodes: [CHINA, INDIA], wanted: [100, 0] },
    { name: 'away, by the labels of namespaces', labels: S1, namespace: 'subteam1.team1', affinity: awayFromTeam, running: [[1, S1, null, 'subteam1.team1'], [1, S1, null, 'subteam1.team1'], [1, S1, null, 'subteam1.team2'], [2, S1, null, 'subteam2.team1']], nodes: [CHINA, INDIA], wanted: [0, 100] },
    { name: "preferences of those that run are ignored", labels: S1, running: [[1, {}, withS1], [2, {}, null]], nodes: [CHINA, INDIA], ignore: true, wanted: 'skip' },
  ], check);

  const both = near(soft(1, term('region', s('S1'))));
  table<Case>('requirements of those that run', '~TestPreferredAffinityWithHardPodAffinitySymmetricWeight', [
    { name: 'count with the weight', labels: { service: 'S1' }, running: [[1, {}, requires('S1')], [2, {}, requires('S1')]], nodes: [CHINA, INDIA, AZ1], hardWeight: 1, wanted: [100, 100, 0] },
    { name: 'count nothing with weight 0', labels: { service: 'S1' }, running: [[1, {}, requires('S1')], [2, {}, requires('S1')]], nodes: [CHINA, INDIA, AZ1], hardWeight: 0, wanted: 'skip' },
    { name: 'weigh against a preference', labels: S1, affinity: both, running: [[1, S1], [2, {}, hardFor('S1')]], nodes: [CHINA, INDIA], hardWeight: 2, wanted: [0, 100] },
  ], check);
});

function requires(service: string): object {
  return { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('region', [['service', 'In', service]])] } };
}

function hardFor(security: string): object {
  return { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('region', s(security))] } };
}
