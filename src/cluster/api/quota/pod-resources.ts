// What a whole Pod requests and is limited to (component-helpers/resource: PodRequests, PodLimits): containers and sidecars
// together, or the hungriest init container; Pod-level resources win; overhead on top.

import type { Container, Pod } from '../generated/types.ts';
import { addQuantity, parseQuantity } from '../quantity.ts';
import { addLists, maxLists, NONE, type ResourceList } from './lists.ts';

type Part = 'requests' | 'limits';

const partOf = (container: Container, part: Part): ResourceList => container.resources?.[part] ?? NONE;

/** Resources that may be set for the Pod as a whole. */
export const isPodLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

export function podRequests(pod: Pod): ResourceList {
  const total = podTotal(pod, 'requests');
  return pod.spec.overhead ? addLists(total, pod.spec.overhead) : total;
}

export function podLimits(pod: Pod): ResourceList {
  const total = podTotal(pod, 'limits');
  const { overhead } = pod.spec;
  if (!overhead) return total;
  const out: Record<string, string> = { ...total };
  for (const name in overhead) {
    const limit = out[name];
    if (limit !== undefined && parseQuantity(limit).nanos !== 0n) out[name] = addQuantity(limit, overhead[name] as string);
  }
  return out;
}

function podTotal({ spec }: Pod, part: Part): ResourceList {
  let total: ResourceList = NONE;
  for (const container of spec.containers) total = addLists(total, partOf(container, part));
  let sidecars: ResourceList = NONE;
  let starting: ResourceList = NONE;
  for (const container of spec.initContainers ?? []) {
    const own = partOf(container, part);
    if (container.restartPolicy === 'Always') {
      total = addLists(total, own);
      sidecars = addLists(sidecars, own);
      starting = maxLists(starting, sidecars);
    } else starting = maxLists(starting, addLists(own, sidecars));
  }
  total = maxLists(total, starting);
  const whole = spec.resources?.[part];
  if (!whole) return total;
  const out: Record<string, string> = { ...total };
  for (const name in whole) if (isPodLevel(name)) out[name] = whole[name] as string;
  return out;
}
