// When a node is short of something (pkg/kubelet/eviction/helpers.go): thresholds from the configuration, which of them are met by what
// is observed, and since when. Pure.

import { parseQuantity, tryQuantity } from '../api/quantity.ts';
import type { Micros } from '../sim/time.ts';

export type Signal =
  | 'memory.available'
  | 'allocatableMemory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'containerfs.available'
  | 'containerfs.inodesFree'
  | 'pid.available';

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

/** An amount, or a part of the capacity. */
export type ThresholdValue = { readonly quantity: string } | { readonly percentage: number };

export interface Threshold {
  readonly signal: Signal;
  readonly value: ThresholdValue;
  /** How long it must hold; 0 is a hard threshold. */
  readonly grace: Micros;
  readonly minReclaim?: ThresholdValue;
}

/** In base units: bytes, inodes, processes. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = Partial<Readonly<Record<Signal, Observation>>>;

interface SignalFacts {
  readonly pressure: Pressure;
  /** What messages call it. */
  readonly resource: 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';
}

export const SIGNALS: Readonly<Record<Signal, SignalFacts>> = {
  'memory.available': { pressure: 'MemoryPressure', resource: 'memory' },
  'allocatableMemory.available': { pressure: 'MemoryPressure', resource: 'memory' },
  'nodefs.available': { pressure: 'DiskPressure', resource: 'ephemeral-storage' },
  'nodefs.inodesFree': { pressure: 'DiskPressure', resource: 'inodes' },
  'imagefs.available': { pressure: 'DiskPressure', resource: 'ephemeral-storage' },
  'imagefs.inodesFree': { pressure: 'DiskPressure', resource: 'inodes' },
  'containerfs.available': { pressure: 'DiskPressure', resource: 'ephemeral-storage' },
  'containerfs.inodesFree': { pressure: 'DiskPressure', resource: 'inodes' },
  'pid.available': { pressure: 'PIDPressure', resource: 'pids' },
};

/** evictionHard where the configuration says nothing. */
export const DEFAULT_HARD: Readonly<Record<string, string>> = {
  'memory.available': '100Mi', 'nodefs.available': '10%', 'nodefs.inodesFree': '5%', 'imagefs.available': '15%', 'imagefs.inodesFree': '5%',
};

type Statements = Readonly<Record<string, string>>;

export interface EvictionSettings {
  readonly hard: Statements;
  readonly soft: Statements;
  readonly softGrace: Statements;
  readonly minReclaim: Statements;
  /** enforceNodeAllocatable has `pods`: the memory of all Pods together is watched as well. */
  readonly allocatable: boolean;
}

/** Throws Error in upstream's words; the kubelet then does not start. `duration` reads Go's durations. */
export function parseThresholds(settings: EvictionSettings, duration: (text: string) => Micros | undefined): Threshold[] {
  const thresholds = parseStatements(settings.hard).map((t): Threshold => ({ ...t, grace: 0 }));
  const soft = parseStatements(settings.soft);
  const periods = new Map<string, Micros>();
  for (const [signal, text] of Object.entries(settings.softGrace)) {
    known(signal);
    if (text.startsWith('-')) throw new Error(`invalid eviction grace period specified: ${text}, must be a positive value`);
    const period = duration(text);
    if (period === undefined) throw new Error(`time: invalid duration "${text}"`);
    periods.set(signal, period);
  }
  const reclaims = new Map<string, ThresholdValue>();
  for (const [signal, text] of Object.entries(settings.minReclaim)) {
    known(signal);
    reclaims.set(signal, reclaimOf(signal, text));
  }
  for (const t of soft) {
    const grace = periods.get(t.signal);
    if (grace === undefined) throw new Error(`grace period must be specified for the soft eviction threshold ${t.signal}`);
    thresholds.push({ ...t, grace });
  }
  const all = thresholds.map((t): Threshold => {
    const minReclaim = reclaims.get(t.signal);
    return minReclaim === undefined ? t : { ...t, minReclaim };
  });
  if (!settings.allocatable) return all;
  return [...all, ...all.filter((t) => t.signal === 'memory.available' && t.grace === 0).map((t): Threshold => ({ ...t, signal: 'allocatableMemory.available' }))];
}

function known(signal: string): Signal {
  if (!Object.hasOwn(SIGNALS, signal)) throw new Error(`unsupported eviction signal ${signal}`);
  return signal as Signal;
}

function parseStatements(statements: Statements): { readonly signal: Signal; readonly value: ThresholdValue }[] {
  const parsed: { signal: Signal; value: ThresholdValue }[] = [];
  for (const [name, text] of Object.entries(statements)) {
    const signal = known(name);
    if (text === '0%' || text === '100%') continue;
    if (text.endsWith('%')) {
      const percentage = percentageOf(text);
      if (percentage < 0) throw new Error(`eviction percentage threshold ${signal} must be >= 0%: ${text}`);
      if (percentage > 1) throw new Error(`eviction percentage threshold ${signal} must be <= 100%: ${text}`);
      parsed.push({ signal, value: { percentage } });
      continue;
    }
    if (tryQuantity(text) === undefined) throw new Error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    if (parseQuantity(text).value <= 0) throw new Error(`eviction threshold ${signal} must be positive: ${text}`);
    parsed.push({ signal, value: { quantity: text } });
  }
  return parsed;
}

function reclaimOf(signal: string, text: string): ThresholdValue {
  if (text.endsWith('%')) {
    const percentage = percentageOf(text);
    if (percentage <= 0) throw new Error(`eviction percentage minimum reclaim ${signal} must be positive: ${text}`);
    return { percentage };
  }
  if (tryQuantity(text) === undefined) throw new Error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  if (parseQuantity(text).value < 0) throw new Error(`negative eviction minimum reclaim specified for ${signal}`);
  return { quantity: text };
}

/** A single-precision number upstream, which shows in messages. */
function percentageOf(text: string): number {
  const number = text.slice(0, -1);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(number)) throw new Error(`strconv.ParseFloat: parsing "${number}": invalid syntax`);
  return Math.fround(Math.fround(Number(number)) / 100);
}

/** In base units. */
export const thresholdAmount = (value: ThresholdValue, capacity: number): number =>
  'quantity' in value ? parseQuantity(value.quantity).value : Math.floor(capacity * value.percentage);

/** Those that what is observed falls short of; `reclaim`: with what is to be won back on top. */
export function thresholdsMet(thresholds: readonly Threshold[], observed: Observations, reclaim: boolean): Threshold[] {
  return thresholds.filter(({ signal, value, minReclaim }) => {
    const observation = observed[signal];
    if (observation === undefined) return false;
    const { available, capacity } = observation;
    const more = reclaim && minReclaim !== undefined ? thresholdAmount(minReclaim, capacity) : 0;
    return thresholdAmount(value, capacity) + more > available;
  });
}

const sameValue = (a: ThresholdValue, b: ThresholdValue): boolean => {
  if ('quantity' in a) return 'quantity' in b && parseQuantity(a.quantity).value === parseQuantity(b.quantity).value;
  return 'percentage' in b && a.percentage === b.percentage;
};

const sameThreshold = (a: Threshold, b: Threshold): boolean => a.signal === b.signal && a.grace === b.grace && sameValue(a.value, b.value);

export const mergeThresholds = (a: readonly Threshold[], b: readonly Threshold[]): Threshold[] => [
  ...a,
  ...b.filter((threshold) => !a.some((other) => sameThreshold(other, threshold))),
];

/** Since when each has been met. */
export type FirstObserved = ReadonlyMap<Threshold, Micros>;

export const firstObserved = (thresholds: readonly Threshold[], before: FirstObserved, now: Micros): FirstObserved =>
  new Map(thresholds.map((threshold) => [threshold, before.get(threshold) ?? now]));

/** Those that have been met for their grace period. */
export const pastGrace = (observed: FirstObserved, now: Micros): Threshold[] =>
  [...observed].filter(([threshold, since]) => now - since >= threshold.grace).map(([threshold]) => threshold);

export const pressuresOf = (thresholds: readonly Threshold[]): Pressure[] => [...new Set(thresholds.map((t) => SIGNALS[t.signal].pressure))];

/** When each pressure was last seen. */
export const lastObserved = (now: readonly Pressure[], before: ReadonlyMap<Pressure, Micros>, at: Micros): ReadonlyMap<Pressure, Micros> =>
  new Map([...before, ...now.map((pressure) => [pressure, at] as const)]);

/** The pressures that were seen within the transition period. */
export const observedSince = (seen: ReadonlyMap<Pressure, Micros>, period: Micros, now: Micros): Pressure[] =>
  [...seen].filter(([, at]) => now - at < period).map(([pressure]) => pressure);

/** Memory first. */
export const byPriority = (thresholds: readonly Threshold[]): Threshold[] =>
  [...thresholds].sort((a, b) => Number(SIGNALS[b.signal].resource === 'memory') - Number(SIGNALS[a.signal].resource === 'memory'));
