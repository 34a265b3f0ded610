// How fast an HPA may go where it wants (pkg/controller/podautoscaler/horizontal.go): stabilization windows and scaling
// policies of its behaviour, or without one the old limits. Pure but for the memory that is handed in.

import type { HorizontalPodAutoscaler, HPAScalingRules } from '../api/generated/types.ts';
import { quantityMilli } from '../api/quantity.ts';
import { type Micros, MINUTE, SECOND } from '../sim/time.ts';
import type { Tolerances } from './horizontal-replicas.ts';

const TOLERANCE = 0.1;
const CALM: Micros = 5 * MINUTE;

interface Recommendation {
  readonly replicas: number;
  readonly time: Micros;
}

interface ScaleEvent {
  readonly change: number;
  readonly time: Micros;
}

/** What is remembered of one HPA. */
export interface Memory {
  recommendations: Recommendation[];
  ups: ScaleEvent[];
  downs: ScaleEvent[];
}

export const newMemory = (): Memory => ({ recommendations: [], ups: [], downs: [] });

export interface Said {
  readonly type: 'AbleToScale' | 'ScalingLimited';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface Limited {
  readonly replicas: number;
  readonly conditions: readonly Said[];
}

const READY: Said = { type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const DOWN_CALMED: Said = { type: 'AbleToScale', status: 'True', reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' };
const UP_CALMED: Said = { type: 'AbleToScale', status: 'True', reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' };
const limited = (status: 'True' | 'False', reason: string, message: string): Said => ({ type: 'ScalingLimited', status, reason, message });
const IN_RANGE = limited('False', 'DesiredWithinRange', 'the desired count is within the acceptable range');
const TOO_MANY = limited('True', 'TooManyReplicas', 'the desired replica count is more than the maximum replica count');
const TOO_FEW = limited('True', 'TooFewReplicas', 'the desired replica count is less than the minimum replica count');
const UP_LIMITED = limited('True', 'ScaleUpLimit', 'the desired replica count is increasing faster than the maximum scale rate');
const DOWN_LIMITED = limited('True', 'ScaleDownLimit', 'the desired replica count is decreasing faster than the maximum scale rate');

export function tolerancesOf({ spec }: HorizontalPodAutoscaler): Tolerances {
  const of = (rules: HPAScalingRules | undefined): number => (rules?.tolerance === undefined ? TOLERANCE : quantityMilli(rules.tolerance) / 1000);
  return { up: of(spec.behavior?.scaleUp), down: of(spec.behavior?.scaleDown) };
}

/** The desired count within what calm and rate allow. */
export function limit(hpa: HorizontalPodAutoscaler, memory: Memory, current: number, desired: number, now: Micros): Limited {
  const { minReplicas = 1, maxReplicas, behavior } = hpa.spec;
  if (!behavior) return limitPlainly(memory, current, desired, minReplicas, maxReplicas, now);
  const { scaleUp = {}, scaleDown = {} } = behavior;
  const windowOf = (rules: HPAScalingRules, fallback: Micros): Micros => (rules.stabilizationWindowSeconds === undefined ? fallback : rules.stabilizationWindowSeconds * SECOND);
  const calm = stabilize(memory, current, desired, windowOf(scaleUp, 0), windowOf(scaleDown, CALM), now);
  const rated = byRate(memory, scaleUp, scaleDown, current, calm.replicas, minReplicas, maxReplicas, now);
  return { replicas: rated.replicas, conditions: [calm.said, ...rated.conditions] };
}

function stabilize(memory: Memory, current: number, desired: number, upWindow: Micros, downWindow: Micros, now: Micros): { replicas: number; said: Said } {
  let [up, down] = [desired, desired];
  for (const { replicas, time } of memory.recommendations) {
    if (time > now - upWindow) up = Math.min(up, replicas);
    if (time > now - downWindow) down = Math.max(down, replicas);
  }
  const longest = Math.max(upWindow, downWindow);
  memory.recommendations = [...memory.recommendations.filter(({ time }) => time > now - longest), { replicas: desired, time: now }];
  // At least the lowest of the one window, at most the highest of the other; between them, stay.
  let replicas = current;
  if (replicas < up) replicas = up;
  if (replicas > down) replicas = down;
  const said = replicas === desired ? READY : desired < current ? DOWN_CALMED : UP_CALMED;
  return { replicas, said };
}

function limitPlainly(memory: Memory, current: number, desired: number, min: number, max: number, now: Micros): Limited {
  let highest = desired;
  for (const { replicas, time } of memory.recommendations) if (time > now - CALM) highest = Math.max(highest, replicas);
  memory.recommendations = [...memory.recommendations.filter(({ time }) => time > now - CALM), { replicas: desired, time: now }];
  const calm = { replicas: highest, said: highest === desired ? READY : DOWN_CALMED };
  const fastest = Math.max(2 * current, 4);
  const most = Math.min(max, fastest);
  const wanted = calm.replicas;
  const conditions = [calm.said];
  if (wanted < min) return { replicas: min, conditions: [...conditions, TOO_FEW] };
  if (wanted > most) return { replicas: most, conditions: [...conditions, max > fastest ? UP_LIMITED : TOO_MANY] };
  return { replicas: wanted, conditions: [...conditions, IN_RANGE] };
}

function byRate(memory: Memory, up: HPAScalingRules, down: HPAScalingRules, current: number, desired: number, min: number, max: number, now: Micros): Limited {
  if (desired > current) {
    const reachable = Math.max(current, upLimit(memory, current, up, now));
    const most = Math.min(max, reachable);
    if (desired > most) return { replicas: most, conditions: [max > reachable ? UP_LIMITED : TOO_MANY] };
  } else if (desired < current) {
    const reachable = Math.min(current, downLimit(memory, current, down, now));
    const least = Math.max(min, reachable);
    if (desired < least) return { replicas: least, conditions: [min < reachable ? DOWN_LIMITED : TOO_FEW] };
  }
  return { replicas: desired, conditions: [IN_RANGE] };
}

const changed = (events: readonly ScaleEvent[], seconds: number, now: Micros): number =>
  events.reduce((sum, { change, time }) => (time > now - seconds * SECOND ? sum + change : sum), 0);

function upLimit(memory: Memory, current: number, { selectPolicy, policies = [] }: HPAScalingRules, now: Micros): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current - changed(memory.ups, periodSeconds, now) + changed(memory.downs, periodSeconds, now);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downLimit(memory: Memory, current: number, { selectPolicy, policies = [] }: HPAScalingRules, now: Micros): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current + changed(memory.downs, periodSeconds, now) - changed(memory.ups, periodSeconds, now);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** A rescale that was done counts for the rates that follow. */
export function noteRescale(hpa: HorizontalPodAutoscaler, memory: Memory, from: number, to: number, now: Micros): void {
  const { behavior } = hpa.spec;
  if (!behavior || from === to) return;
  const longest = (rules: HPAScalingRules | undefined): Micros => Math.max(0, ...(rules?.policies ?? []).map((p) => p.periodSeconds)) * SECOND;
  const oldest = now - Math.max(longest(behavior.scaleUp), longest(behavior.scaleDown));
  memory.ups = memory.ups.filter(({ time }) => time > oldest);
  memory.downs = memory.downs.filter(({ time }) => time > oldest);
  (to > from ? memory.ups : memory.downs).push({ change: Math.abs(to - from), time: now });
}
