// What a Pod asks of a machine and its quality-of-service class (component-helpers resource, v1 qos). Pure.

import type { Container, Pod } from '../api/generated/types.ts';
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

/** Guaranteed when every container's cpu and memory limits equal its requests; BestEffort when there are none. */
export function qosClass(pod: Pod): QosClass {
  const spec = pod.spec;
  if (!spec || asksForNothing(spec)) return 'BestEffort';
  return computeQos([...(spec.initContainers ?? []), ...spec.containers], spec.resources);
}

function computeQos(containers: readonly Container[], podLevel: Container['resources']): QosClass {
  const holders = podLevel?.requests || podLevel?.limits ? [{ resources: podLevel }] : containers;
  let any = false;
  let guaranteed = true;
  for (const { resources } of holders) {
    for (const name of ['cpu', 'memory'] as const) {
      const limit = amount(resources?.limits, name);
      const request = resources?.requests?.[name] === undefined ? limit : amount(resources.requests, name);
      if (limit > 0 || request > 0) any = true;
      if (limit === 0 || limit !== request) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
