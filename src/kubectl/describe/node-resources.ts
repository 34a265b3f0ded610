// What the Pods of a node request and may use, each and all together, in percent of what can be allocated
// (kubectl/pkg/describe describeNodeResource; component-helpers/resource PodRequests, PodLimits).

import type { Container, ContainerStatus, Node, Pod } from '../../cluster/api/generated/types.ts';
import { quantityMilli, quantityValue } from '../../cluster/api/quantity.ts';
import { addLists, maxLists, NONE, type ResourceList } from '../../cluster/api/quota/lists.ts';
import { podLimits, podRequests } from '../../cluster/api/quota/pod-resources.ts';
import { byText, row } from './metadata.ts';
import type { Writer } from './writer.ts';

const STANDARD = ['cpu', 'memory', 'ephemeral-storage'];

const amount = (name: string, text: string | undefined): number => (name === 'cpu' ? quantityMilli(text) : quantityValue(text));

/** `500m (12%)`; nothing to allocate is no percentage (Go's conversion of what is no number). */
function share(name: string, list: ResourceList, allocatable: ResourceList, guarded: boolean): string {
  const whole = amount(name, allocatable[name]);
  const percent = whole === 0 && guarded ? 0 : Math.trunc((amount(name, list[name]) / whole) * 100);
  return `${list[name] ?? '0'} (${Number.isFinite(percent) ? percent : '-9223372036854775808'}%)`;
}

/** A container with what it has got by now, which a resize may not have caught up with. */
function withStatus(container: Container, statuses: readonly ContainerStatus[] | undefined): Container {
  const status = statuses?.find((s) => s.name === container.name);
  if (!status?.resources && !status?.allocatedResources) return container;
  const { requests = NONE, limits = NONE } = container.resources ?? {};
  return {
    ...container,
    resources: {
      requests: maxLists(maxLists(requests, status.resources?.requests ?? NONE), status.allocatedResources ?? NONE),
      limits: maxLists(limits, status.resources?.limits ?? NONE),
    },
  };
}

function live(pod: Pod): Pod {
  const { spec, status } = pod;
  const containers = spec.containers.map((c) => withStatus(c, status.containerStatuses));
  if (!spec.initContainers) return { ...pod, spec: { ...spec, containers } };
  return { ...pod, spec: { ...spec, containers, initContainers: spec.initContainers.map((c) => withStatus(c, status.initContainerStatuses)) } };
}

export function nodeResources(w: Writer, { status }: Node, pods: readonly Pod[]): void {
  const allocatable = Object.keys(status.allocatable ?? {}).length > 0 ? (status.allocatable ?? {}) : (status.capacity ?? {});
  w.write(0, `Non-terminated Pods:\t(${pods.length} in total)\n`);
  w.write(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n');
  w.write(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n');
  for (const pod of pods) {
    const { metadata } = pod;
    const [requests, limits] = [podRequests(live(pod)), podLimits(live(pod))];
    const shares = ['cpu', 'memory'].flatMap((name) => [share(name, requests, allocatable, false), share(name, limits, allocatable, false)]);
    w.write(1, row(metadata.namespace, metadata.name, '', ...shares, w.age(metadata.creationTimestamp)));
  }
  total(w, allocatable, pods);
}

function total(w: Writer, allocatable: ResourceList, pods: readonly Pod[]): void {
  const requests = pods.reduce<ResourceList>((sum, pod) => addLists(sum, podRequests(pod)), NONE);
  const limits = pods.reduce<ResourceList>((sum, pod) => addLists(sum, podLimits(pod)), NONE);
  w.write(0, 'Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n');
  w.write(1, 'Resource\tRequests\tLimits\n');
  w.write(1, '--------\t--------\t------\n');
  const others = Object.keys(allocatable).filter((name) => !STANDARD.includes(name) && name !== 'pods').sort(byText);
  const isHugePage = (name: string): boolean => name.startsWith('hugepages-');
  for (const name of [...STANDARD, ...others.filter(isHugePage)]) w.write(1, row(name, share(name, requests, allocatable, true), share(name, limits, allocatable, true)));
  for (const name of others) if (!isHugePage(name)) w.write(1, row(name, requests[name] ?? '0', limits[name] ?? '0'));
}
