// The replica calculator of the HPA (pkg/controller/podautoscaler/{replica_calculator,metrics/utilization}.go): from what Pods
// use and ask for to how many there should be. Pure.

import type { Pod } from '../api/generated/types.ts';
import { quantityMilli } from '../api/quantity.ts';
import { isDeleting } from '../api/meta.ts';
import { type Micros, MINUTE, parseTime, SECOND } from '../sim/time.ts';
import { isPodReady, readyCondition } from './pods.ts';

/** While a Pod starts, its CPU says little. */
const CPU_INITIALIZATION: Micros = 5 * MINUTE;
const INITIAL_READINESS: Micros = 30 * SECOND;

export interface Sample {
  /** Thousandths. */
  readonly value: number;
  /** Since 1970. */
  readonly time: Micros;
  readonly window: Micros;
}

/** By the Pod's name. */
export type Samples = ReadonlyMap<string, Sample>;

export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

const within = (tolerances: Tolerances, ratio: number): boolean => 1 - tolerances.down <= ratio && ratio <= 1 + tolerances.up;

interface Groups {
  readonly ready: number;
  readonly unready: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
}

export function groupPods(pods: readonly Pod[], samples: Samples, resource: string, now: Micros): Groups {
  let ready = 0;
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const pod of pods) {
    const { name } = pod.metadata;
    if (isDeleting(pod) || pod.status.phase === 'Failed') ignored.add(name);
    else if (pod.status.phase === 'Pending') unready.add(name);
    else {
      const sample = samples.get(name);
      if (!sample) missing.add(name);
      else if (resource === 'cpu' && isStarting(pod, sample, now)) unready.add(name);
      else ready++;
    }
  }
  return { ready, unready, missing, ignored };
}

function isStarting(pod: Pod, sample: Sample, now: Micros): boolean {
  const condition = readyCondition(pod);
  const start = pod.status.startTime === undefined ? undefined : parseTime(pod.status.startTime);
  if (!condition || start === undefined) return true;
  const since = parseTime(condition.lastTransitionTime ?? '') ?? start;
  if (start + CPU_INITIALIZATION > now) return condition.status === 'False' || sample.time < since + sample.window;
  return condition.status === 'False' && start + INITIAL_READINESS > since;
}

/** What each Pod (or one container of each) asks for, in thousandths. Throws Error when one asks for nothing. */
export function requestsOf(pods: readonly Pod[], resource: string, container = ''): Map<string, number> {
  const requests = new Map<string, number>();
  for (const pod of pods) {
    let sum = 0;
    const sidecars = (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
    for (const c of [...pod.spec.containers, ...sidecars]) {
      if (container !== '' && c.name !== container) continue;
      const request = c.resources?.requests?.[resource];
      if (request === undefined) throw new Error(`missing request for ${resource} in container ${c.name} of Pod ${pod.metadata.name}`);
      sum += quantityMilli(request);
    }
    requests.set(pod.metadata.name, sum);
  }
  return requests;
}

export interface Proposal {
  readonly replicas: number;
  /** Percent; of a plain value: undefined. */
  readonly utilization?: number;
  /** The average of a Pod, in thousandths. */
  readonly average: number;
}

interface Usage {
  readonly ratio: number;
  readonly utilization?: number;
  readonly average: number;
}

function usageRatio(samples: Samples, target: number, requests: ReadonlyMap<string, number> | null): Usage {
  let [used, asked, count] = [0, 0, 0];
  for (const [name, sample] of samples) {
    const request = requests === null ? 0 : requests.get(name);
    if (request === undefined) continue;
    used += sample.value;
    asked += request;
    count++;
  }
  if (requests === null) return { ratio: used / count / target, average: Math.trunc(used / count) };
  if (asked === 0) throw new Error('no metrics returned matched known pods');
  const utilization = Math.trunc((used * 100) / asked);
  return { ratio: utilization / target, utilization, average: Math.trunc(used / count) };
}

export interface ReplicaInput {
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly samples: Samples;
  /** '' for metrics of other kinds. */
  readonly resource: string;
  /** Percent of the requests, or thousandths a Pod when `requests` is null. */
  readonly target: number;
  readonly requests: ReadonlyMap<string, number> | null;
  readonly tolerances: Tolerances;
  readonly now: Micros;
}

/** Throws Error with upstream's words when nothing can be said. */
export function proposeReplicas(input: ReplicaInput): Proposal {
  const { current, pods, target, requests, tolerances } = input;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { ready, unready, missing, ignored } = groupPods(pods, input.samples, input.resource, input.now);
  const samples = new Map([...input.samples].filter(([name]) => !unready.has(name) && !ignored.has(name)));
  if (samples.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const usage = usageRatio(samples, target, requests);
  const { ratio, average } = usage;
  const measured = { ...(usage.utilization === undefined ? {} : { utilization: usage.utilization }), average };
  const upWithUnready = unready.size > 0 && ratio > 1;
  if (!upWithUnready && missing.size === 0) {
    return { ...measured, replicas: within(tolerances, ratio) ? current : Math.ceil(ratio * ready) };
  }
  // What is not known must not drive the count further: full use when going down, none when going up.
  const assumed = (name: string): number => {
    if (ratio >= 1) return 0;
    return requests === null ? target : Math.trunc(((requests.get(name) ?? 0) * Math.max(100, target)) / 100);
  };
  // Exactly on target, Pods that are not measured say nothing of utilization.
  if (requests === null || ratio !== 1) for (const name of missing) samples.set(name, { value: assumed(name), time: input.now, window: 0 });
  if (upWithUnready) for (const name of unready) samples.set(name, { value: 0, time: input.now, window: 0 });
  const next = usageRatio(samples, target, requests).ratio;
  if (within(tolerances, next) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return { ...measured, replicas: current };
  const replicas = Math.ceil(next * samples.size);
  if ((next < 1 && replicas > current) || (next > 1 && replicas < current)) return { ...measured, replicas: current };
  return { ...measured, replicas };
}

/** How much more or less than now a value that is not of the Pods asks for: by the ready Pods, as the others add nothing to it. */
export function proposeByValue(value: number, target: number, current: number, pods: readonly Pod[], tolerances: Tolerances): number {
  const ratio = value / target;
  if (current === 0) return Math.ceil(ratio);
  if (within(tolerances, ratio)) return current;
  return Math.ceil(ratio * pods.filter((pod) => pod.status.phase === 'Running' && isPodReady(pod)).length);
}

/** So many that each has `target` of the value; also what each of the present ones has. */
export function proposeByShare(value: number, target: number, current: number, tolerances: Tolerances): { readonly replicas: number; readonly average: number } {
  const ratio = value / (target * current);
  return { replicas: within(tolerances, ratio) ? current : Math.ceil(value / target), average: Math.ceil(value / current) };
}
