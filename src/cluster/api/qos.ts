// The quality-of-service class of a Pod (component-helpers/resource, qos.ComputePodQOS).

import type { Container, PodSpec } from './generated/types.ts';
import { parseQuantity } from './quantity.ts';
import { Recent } from './recent.ts';

const COMPUTE = ['cpu', 'memory'] as const;

const classes = new Recent<string>();

/** `Guaranteed`, `Burstable` or `BestEffort`. */
export function qosClass(spec: PodSpec): string {
  const known = classes.get(spec);
  if (known !== undefined) return known;
  const made = compute(spec);
  classes.set(spec, made);
  return made;
}

function compute(spec: PodSpec): string {
  const pod = spec.resources;
  const lists = pod?.requests !== undefined || pod?.limits !== undefined ? [pod] : all(spec).map((c) => c.resources ?? {});
  let some = false;
  let guaranteed = true;
  for (const { requests, limits } of lists) {
    for (const name of COMPUTE) {
      const [request, limit] = [positive(requests?.[name]), positive(limits?.[name])];
      if (request !== undefined || limit !== undefined) some = true;
      if (limit === undefined || (requests?.[name] !== undefined && request !== limit)) guaranteed = false;
    }
  }
  if (!some) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

const all = (spec: PodSpec): readonly Container[] =>
  spec.initContainers === undefined ? spec.containers : [...spec.containers, ...spec.initContainers];

function positive(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const { nanos } = parseQuantity(text);
  return nanos > 0n ? nanos : undefined;
}
