// Eviction by the facts of upstream's tables (pkg/kubelet/eviction/helpers_test.go).

import { describe, expect, test } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { quantityValue } from '../api/quantity.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { parseDuration } from './config.ts';
import { evictionMessage, localStorageExcess, rankForDisk, rankForMemory, rankForPids } from './eviction-rank.ts';
import {
  type EvictionSettings, firstObserved, lastObserved, mergeThresholds, type Observations, observedSince, parseThresholds, pastGrace, type Pressure, pressuresOf,
  type Signal, type Threshold, type ThresholdValue, thresholdsMet,
} from './eviction-thresholds.ts';
import type { PodStats } from './pod-stats.ts';

const NOTHING: EvictionSettings = { hard: {}, soft: {}, softGrace: {}, minReclaim: {}, allocatable: false };
const duration = (text: string): number | undefined => (/^\d/.test(text) ? parseDuration(text, 0) : undefined);
const parse = (settings: Partial<EvictionSettings>): Threshold[] => parseThresholds({ ...NOTHING, ...settings }, duration);
const part = (value: number): number => Math.fround(value);

const hard = (signal: Signal, value: ThresholdValue, minReclaim?: ThresholdValue): Threshold => ({ signal, value, grace: 0, ...(minReclaim ? { minReclaim } : {}) });
const soft = (signal: Signal, value: ThresholdValue, minReclaim?: ThresholdValue): Threshold => ({ ...hard(signal, value, minReclaim), grace: 30 * SECOND });
const q = (quantity: string): ThresholdValue => ({ quantity });
const p = (percentage: number): ThresholdValue => ({ percentage: part(percentage) });

const PARSED: readonly (readonly [string, Partial<EvictionSettings>, readonly Threshold[]])[] = [
  ['nothing', {}, []],
  [
    'amounts',
    { hard: { 'memory.available': '150Mi' }, soft: { 'memory.available': '300Mi' }, softGrace: { 'memory.available': '30s' }, minReclaim: { 'memory.available': '0' } },
    [hard('memory.available', q('150Mi'), q('0')), soft('memory.available', q('300Mi'), q('0'))],
  ],
  [
    'parts',
    { hard: { 'memory.available': '10%' }, soft: { 'memory.available': '30%' }, softGrace: { 'memory.available': '30s' }, minReclaim: { 'memory.available': '5%' } },
    [hard('memory.available', p(0.1), p(0.05)), soft('memory.available', p(0.3), p(0.05))],
  ],
  [
    'disks',
    {
      hard: { 'imagefs.available': '150Mi', 'nodefs.available': '100Mi' }, soft: { 'imagefs.available': '300Mi', 'nodefs.available': '200Mi' },
      softGrace: { 'imagefs.available': '30s', 'nodefs.available': '30s' }, minReclaim: { 'imagefs.available': '2Gi', 'nodefs.available': '1Gi' },
    },
    [
      hard('imagefs.available', q('150Mi'), q('2Gi')), hard('nodefs.available', q('100Mi'), q('1Gi')),
      soft('imagefs.available', q('300Mi'), q('2Gi')), soft('nodefs.available', q('200Mi'), q('1Gi')),
    ],
  ],
  [
    'parts of disks',
    { hard: { 'imagefs.available': '15%', 'nodefs.available': '10.5%' }, minReclaim: { 'imagefs.available': '10%', 'nodefs.available': '5%' } },
    [hard('imagefs.available', p(0.15), p(0.1)), hard('nodefs.available', p(0.105), p(0.05))],
  ],
  [
    'inodes',
    { hard: { 'imagefs.inodesFree': '150Mi', 'nodefs.inodesFree': '100Mi' }, minReclaim: { 'imagefs.inodesFree': '2Gi', 'nodefs.inodesFree': '1Gi' } },
    [hard('imagefs.inodesFree', q('150Mi'), q('2Gi')), hard('nodefs.inodesFree', q('100Mi'), q('1Gi'))],
  ],
  ['0% and 100% switch off', { hard: { 'memory.available': '0%', 'nodefs.available': '100%' } }, []],
  [
    'memory of all Pods',
    { hard: { 'memory.available': '150Mi' }, soft: { 'memory.available': '300Mi' }, softGrace: { 'memory.available': '30s' }, allocatable: true },
    [hard('memory.available', q('150Mi')), soft('memory.available', q('300Mi')), hard('allocatableMemory.available', q('150Mi'))],
  ],
];

const REFUSED: readonly (readonly [string, Partial<EvictionSettings>])[] = [
  ['a signal that there is not', { hard: { 'mem.available': '150Mi' } }],
  ['less than nothing', { hard: { 'memory.available': '-150Mi' } }],
  ['a negative part', { hard: { 'memory.available': '-15%' } }],
  ['a soft one less than nothing', { soft: { 'memory.available': '-150Mi' }, softGrace: { 'memory.available': '30s' } }],
  ['one good, one unknown', { hard: { 'memory.available': '150Mi', 'invalid.foo': '150Mi' } }],
  ['soft without grace', { soft: { 'memory.available': '150Mi' } }],
  ['negative grace', { soft: { 'memory.available': '150Mi' }, softGrace: { 'memory.available': '-30s' } }],
  ['negative reclaim', { minReclaim: { 'memory.available': '-300Mi' } }],
  ['words for a part', { hard: { 'memory.available': 'foo%' } }],
  ['a part in the middle', { hard: { 'memory.available': '12%345' } }],
  ['more than all', { hard: { 'memory.available': '101%' } }],
];

test(`thresholds from the configuration: ${PARSED.length + REFUSED.length} cases of upstream's TestParseThresholdConfig and TestParsePercentage`, () => {
  for (const [name, settings, expected] of PARSED) expect([name, parse(settings)]).toEqual([name, expected]);
  for (const [, settings] of REFUSED) expect(() => parse(settings)).toThrow(/eviction|grace period|invalid syntax|quantities/);
});

const seen = (list: Readonly<Record<string, readonly [string, string]>>): Observations =>
  Object.fromEntries(Object.entries(list).map(([signal, [available, capacity]]) => [signal, { available: quantityValue(available), capacity: quantityValue(capacity) }]));
const ONE = hard('memory.available', q('1Gi'), q('500Mi'));
const TWO = [hard('memory.available', p(0.2), p(0.05)), hard('nodefs.available', p(0.3))];

const MET: readonly (readonly [string, readonly Threshold[], Observations, boolean, readonly Threshold[]])[] = [
  ['nothing', [], {}, false, []],
  ['below', [ONE], seen({ 'memory.available': ['500Mi', '4Gi'] }), false, [ONE]],
  ['above', [ONE], seen({ 'memory.available': ['2Gi', '4Gi'] }), false, []],
  ['not yet won back', [ONE], seen({ 'memory.available': ['1.05Gi', '4Gi'] }), true, [ONE]],
  ['won back', [ONE], seen({ 'memory.available': ['2Gi', '4Gi'] }), true, []],
  ['both parts', TWO, seen({ 'memory.available': ['100Mi', '1000Mi'], 'nodefs.available': ['100Gi', '1000Gi'] }), false, TWO],
  ['no part', TWO, seen({ 'memory.available': ['300Mi', '1000Mi'], 'nodefs.available': ['400Gi', '1000Gi'] }), false, []],
  ['part of the disk', TWO, seen({ 'memory.available': ['300Mi', '1000Mi'], 'nodefs.available': ['100Gi', '1000Gi'] }), false, [TWO[1] as Threshold]],
  ['part of memory', TWO, seen({ 'memory.available': ['100Mi', '1000Mi'], 'nodefs.available': ['400Gi', '1000Gi'] }), false, [TWO[0] as Threshold]],
  ['part with reclaim', TWO, seen({ 'memory.available': ['225Mi', '1000Mi'] }), true, [TWO[0] as Threshold]],
  ['part won back', TWO, seen({ 'memory.available': ['300Mi', '1000Mi'] }), true, []],
];

test(`thresholds that are met: ${MET.length} cases of upstream's TestThresholdsMet and TestPercentageThresholdsMet`, () => {
  for (const [name, thresholds, observed, reclaim, expected] of MET) expect([name, thresholdsMet(thresholds, observed, reclaim)]).toEqual([name, expected]);
});

describe('over time', () => {
  const gi = hard('memory.available', q('1Gi'));
  const late = { ...hard('memory.available', q('2Gi')), grace: MINUTE };
  const now = 10 * MINUTE;
  test("when a threshold was first met, and for long enough: 7 cases of upstream's TestThresholdsFirstObservedAt and TestThresholdsMetGracePeriod", () => {
    expect([...firstObserved([], new Map(), now)]).toEqual([]);
    expect([...firstObserved([gi], new Map(), now)]).toEqual([[gi, now]]);
    expect([...firstObserved([gi], new Map([[gi, now - MINUTE]]), now)]).toEqual([[gi, now - MINUTE]]);
    expect(pastGrace(new Map(), now)).toEqual([]);
    expect(pastGrace(new Map([[gi, now]]), now)).toEqual([gi]);
    expect(pastGrace(new Map([[late, now]]), now)).toEqual([]);
    expect(pastGrace(new Map([[late, now - 2 * MINUTE]]), now)).toEqual([late]);
  });
  test("pressures: 7 cases of upstream's TestNodeConditions, …LastObservedAt and …ObservedSince", () => {
    const memory: Pressure = 'MemoryPressure';
    expect(pressuresOf([])).toEqual([]);
    expect(pressuresOf([gi, late])).toEqual([memory]);
    expect([...lastObserved([memory], new Map(), now)]).toEqual([[memory, now]]);
    expect([...lastObserved([memory], new Map([[memory, now - MINUTE]]), now)]).toEqual([[memory, now]]);
    expect([...lastObserved([], new Map([[memory, now - MINUTE]]), now)]).toEqual([[memory, now - MINUTE]]);
    expect(observedSince(new Map([[memory, now - MINUTE]]), 2 * MINUTE, now)).toEqual([memory]);
    expect(observedSince(new Map([[memory, now - MINUTE]]), 30 * SECOND, now)).toEqual([]);
  });
  test("the same threshold twice: 5 cases of upstream's TestCompareThresholdValue", () => {
    const same = (a: ThresholdValue, b: ThresholdValue): boolean => mergeThresholds([hard('memory.available', a)], [hard('memory.available', b)]).length === 1;
    expect([same(q('123'), q('123')), same(q('123'), q('456')), same(q('123'), p(0.1)), same(p(0.1), p(0.1)), same(p(0.2), p(0.1))]).toEqual([true, false, false, true, false]);
  });
});

const pod = (name: string, requests: Readonly<Record<string, string>>, limits: Readonly<Record<string, string>> = {}, priority = 0): Pod =>
  ({ metadata: { name, uid: name }, spec: { priority, containers: [{ name: 'c', resources: { requests, limits } }], volumes: [{ name: 'v', emptyDir: {} }] }, status: {} }) as unknown as Pod;
const statsOf = (memory: string, [rootfs, logs, volume]: readonly [string, string, string] = ['0', '0', '0'], processes = 0): PodStats => ({
  memory: quantityValue(memory), memoryLimit: null, cpuMicros: 0, processes,
  containers: [{ name: 'c', startedAt: 0, memory: quantityValue(memory), memoryLimit: null, cpuMicros: 0, rootfs: quantityValue(rootfs), logs: quantityValue(logs) }],
  volumes: [{ name: 'v', used: quantityValue(volume), local: true }],
});
const SOME = { cpu: '100m', memory: '100Mi' };
const ALL = { cpu: '100m', memory: '1Gi' };
const six = ['best-high', 'best-low', 'burst-high', 'burst-low', 'sure-high', 'sure-low'];
const pods = [pod('best-high', {}), pod('best-low', {}), pod('burst-high', SOME, ALL), pod('burst-low', SOME, ALL), pod('sure-high', ALL, ALL), pod('sure-low', ALL, ALL)];

function order(rank: typeof rankForMemory, list: readonly Pod[], stats: readonly PodStats[]): string[] {
  const known = new Map(list.map((one, i) => [one, stats[i]]));
  return rank(list, (one) => known.get(one)).map((one) => one.metadata.name);
}

describe('who goes first', () => {
  const [B1, B2, U1, U2, G1, G2] = six;
  test("by memory: 1 case of upstream's TestOrderedByMemory, 3 of our own", () => {
    const uses = ['500Mi', '300Mi', '800Mi', '300Mi', '800Mi', '200Mi'].map((m) => statsOf(m));
    expect(order(rankForMemory, pods, uses)).toEqual([U1, B1, B2, U2, G1, G2]);
    const less = ['500Mi', '50Mi', '50Mi', '300Mi', '800Mi', '200Mi'].map((m) => statsOf(m));
    expect(order(rankForMemory, pods, less)).toEqual([B1, U2, B2, U1, G1, G2]);
    const ranked = pods.map((one, i) => pod(one.metadata.name, one.spec.containers[0]?.resources?.requests ?? {}, {}, i % 2 === 0 ? 100 : -100));
    expect(order(rankForMemory, ranked, uses)).toEqual([B2, U2, U1, B1, G2, G1]);
    // Nothing known of one: it goes first.
    expect(order(rankForMemory, pods.slice(0, 2), [statsOf('500Mi')])).toEqual([B2, B1]);
  });
  test("by disk: 1 case of upstream's TestOrderedbyDisk, 1 of our own", () => {
    const sizes = ([['50Mi', '100Mi'], ['100Mi', '150Mi'], ['200Mi', '150Mi'], ['300Mi', '100Mi'], ['400Mi', '100Mi'], ['500Mi', '100Mi']] as const).map(([r, l]) => statsOf('0', [r, l, '50Mi']));
    expect(order(rankForDisk, pods, sizes)).toEqual([G2, G1, U2, U1, B2, B1]);
    const ranked = pods.map((one, i) => pod(one.metadata.name, {}, {}, i < 3 ? 100 : 0));
    expect(order(rankForDisk, ranked, sizes)).toEqual([G2, G1, U2, U1, B2, B1]);
  });
  test('by processes', () => {
    const list = [pod('low', {}, {}, -100), pod('high', {}, {}, 100), pod('low-many', {}, {}, -100)];
    expect(order(rankForPids, list, [statsOf('0', undefined, 20), statsOf('0', undefined, 90), statsOf('0', undefined, 30)])).toEqual(['low-many', 'low', 'high']);
  });
});

describe('what is said', () => {
  const observed = seen({ 'memory.available': ['1500Mi', '3Gi'], 'nodefs.available': ['16Gi', '200Gi'] });
  test('of memory and disk', () => {
    const one = pod('p', SOME);
    const stats = () => statsOf('150Mi', ['1Gi', '1Gi', '0']);
    expect(evictionMessage('memory.available', one, stats, [hard('memory.available', q('2Gi'))], observed)).toBe(
      'The node was low on resource: memory. Threshold quantity: 2Gi, available: 1500Mi. Container c was using 150Mi, request is 100Mi, has larger consumption of memory. ',
    );
    expect(evictionMessage('nodefs.available', one, stats, [hard('nodefs.available', p(0.1))], observed)).toBe(
      'The node was low on resource: ephemeral-storage. Threshold quantity: 21474836800, available: 16Gi. Container c was using 2Gi, request is 0, has larger consumption of ephemeral-storage. ',
    );
    expect(evictionMessage('memory.available', one, () => undefined, [hard('memory.available', q('2Gi'))], observed)).toBe(
      'The node was low on resource: memory. Threshold quantity: 2Gi, available: 1500Mi. ',
    );
  });
  test('of what a Pod writes', () => {
    const limited = { ...pod('p', {}, { 'ephemeral-storage': '1Gi' }), spec: { ...pod('p', {}, { 'ephemeral-storage': '1Gi' }).spec, volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }] } } as Pod;
    expect(localStorageExcess(limited, statsOf('0', ['0', '0', '1Gi']))).toBeUndefined();
    expect(localStorageExcess(limited, statsOf('0', ['0', '0', '1025Mi']))).toBe('Usage of EmptyDir volume "v" exceeds the limit "1Gi". ');
    expect(localStorageExcess(limited, statsOf('0', ['600Mi', '0', '600Mi']))).toBe('Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ');
  });
});
