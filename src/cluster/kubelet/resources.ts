// What a Pod asks of a machine and its quality-of-service class (component-helpers resource, v1 qos). Pure.

import type { Container, Pod } from '../api/generated/types.ts';
import { qosClass as classOf } from '../api/qos.ts';
import { quantityMilli } from '../api/quantity.ts';

export interface PodRequests {
  /** Cores. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
  readonly ephemeralStorage: number;
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** A quantity in base units (cores, bytes). */
export const baseUnits = (text: string): number => quantityMilli(text) / 1000;

const amount = (list: Readonly<Record<string, string>> | undefined, name: string): number => {
  const text = list?.[name];
  return text === undefined ? 0 : baseUnits(text);
};

const sum = (containers: readonly Container[], name: string): number =>
  containers.reduce((total, c) => total + amount(c.resources?.requests, name), 0);

const NOTHING: PodRequests = { cpu: 0, memory: 0, ephemeralStorage: 0 };

/** Effective requests: the larger of the main containers (with sidecars) and each init container, plus overhead. */
export function podRequests(pod: Pod): PodRequests {
  const spec = pod.spec;
  if (!spec || asksForNothing(spec)) return NOTHING;
  const total = (name: string): number => {
    let sidecars = 0;
    let peak = 0;
    for (const c of spec.initContainers ?? []) {
      const own = amount(c.resources?.requests, name);
      if (c.restartPolicy === 'Always') {
        sidecars += own;
        peak = Math.max(peak, sidecars);
      } else peak = Math.max(peak, sidecars + own);
    }
    const podLevel = spec.resources?.requests?.[name];
    const need = podLevel === undefined ? Math.max(sum(spec.containers, name) + sidecars, peak) : baseUnits(podLevel);
    return need + amount(spec.overhead, name);
  };
  return { cpu: total('cpu'), memory: total('memory'), ephemeralStorage: total('ephemeral-storage') };
}

const isEmpty = (resources: Container['resources']): boolean => resources === undefined || (resources.requests === undefined && resources.limits === undefined);

/** The common case: no container has a request or a limit. */
function asksForNothing(spec: NonNullable<Pod['spec']>): boolean {
  if (spec.overhead !== undefined || !isEmpty(spec.resources)) return false;
  for (const c of spec.containers) if (!isEmpty(c.resources)) return false;
  for (const c of spec.initContainers ?? []) if (!isEmpty(c.resources)) return false;
  return true;
}

/** The Pod's limit of a resource: its own, or the sum of its containers' when each has one. null: none. */
export function podLimit(pod: Pod, name: string): number | null {
  const spec = pod.spec;
  const podLevel = spec.resources?.limits?.[name];
  if (podLevel !== undefined) return baseUnits(podLevel) + amount(spec.overhead, name);
  let total = 0;
  for (const c of spec.containers) {
    const own = amount(c.resources?.limits, name);
    if (own === 0) return null;
    total += own;
  }
  let sidecars = 0;
  let peak = 0;
  for (const c of spec.initContainers ?? []) {
    const own = amount(c.resources?.limits, name);
    if (own === 0) return null;
    if (c.restartPolicy === 'Always') {
      sidecars += own;
      peak = Math.max(peak, sidecars);
    } else peak = Math.max(peak, sidecars + own);
  }
  return Math.max(total + sidecars, peak) + amount(spec.overhead, name);
}

/** Guaranteed when every container's cpu and memory limits equal its requests; BestEffort when there are none. */
export const qosClass = ({ spec }: Pod): QosClass => (spec === undefined || asksForNothing(spec) ? 'BestEffort' : (classOf(spec) as QosClass));
