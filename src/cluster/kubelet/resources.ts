// What a Pod asks of a machine and its quality-of-service class (component-helpers resource, v1 qos). Pure, memoised.

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

const requestsOf = new WeakMap<object, PodRequests>();
const classOf = new WeakMap<object, QosClass>();

const amount = (list: Readonly<Record<string, string>> | undefined, name: string): number => {
  const text = list?.[name];
  return text === undefined ? 0 : baseUnits(text);
};

const sum = (containers: readonly Container[], name: string): number =>
  containers.reduce((total, c) => total + amount(c.resources?.requests, name), 0);

/** Effective requests: the larger of the main containers (with sidecars) and each init container, plus overhead. */
export function podRequests(pod: Pod): PodRequests {
  const spec = pod.spec;
  if (!spec) return { cpu: 0, memory: 0, ephemeralStorage: 0 };
  let made = requestsOf.get(spec);
  if (!made) {
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
    made = { cpu: total('cpu'), memory: total('memory'), ephemeralStorage: total('ephemeral-storage') };
    requestsOf.set(spec, made);
  }
  return made;
}

/** Guaranteed when every container's cpu and memory limits equal its requests; BestEffort when there are none. */
export function qosClass(pod: Pod): QosClass {
  const spec = pod.spec;
  if (!spec) return 'BestEffort';
  let made = classOf.get(spec);
  if (!made) {
    made = computeQos([...(spec.initContainers ?? []), ...spec.containers], spec.resources);
    classOf.set(spec, made);
  }
  return made;
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
