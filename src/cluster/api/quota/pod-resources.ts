// What a whole Pod requests and is limited to (component-helpers/resource: PodRequests, PodLimits): containers and sidecars
// together, or the hungriest init container; Pod-level resources win; overhead on top.

import type { Container, Pod } from '../generated/types.ts';
import { conditionOf } from '../meta.ts';
import { addQuantity, parseQuantity } from '../quantity.ts';
import { addLists, maxLists, NONE, type ResourceList } from './lists.ts';

type Part = 'requests' | 'limits';

/** While a Pod is resized in place a container counts with the most of what it asks for, was promised and has. */
function partOf(pod: Pod, container: Container, part: Part): ResourceList {
  const asked = container.resources?.[part] ?? NONE;
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container.name) ?? pod.status?.initContainerStatuses?.find(({ name }) => name === container.name);
  const has = status?.resources?.[part];
  const promised = part === 'requests' ? status?.allocatedResources : undefined;
  if (has === undefined && promised === undefined) return asked;
  return maxLists(isInfeasible(pod) ? NONE : asked, maxLists(has ?? NONE, promised ?? NONE));
}

/** What is asked for can never be had here: it does not count. */
const isInfeasible = ({ status }: Pod): boolean => conditionOf(status?.conditions, 'PodResizePending')?.reason === 'Infeasible';

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

function podTotal(pod: Pod, part: Part): ResourceList {
  const { spec } = pod;
  let total: ResourceList = NONE;
  for (const container of spec.containers) total = addLists(total, partOf(pod, container, part));
  let sidecars: ResourceList = NONE;
  let starting: ResourceList = NONE;
  for (const container of spec.initContainers ?? []) {
    const own = partOf(pod, container, part);
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
