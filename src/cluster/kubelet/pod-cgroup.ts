// The control groups that the kubelet itself keeps (pkg/kubelet/cm, kuberuntime_container_linux.go): kubepods.slice, one slice a quality
// of service, one a Pod, and what it asks the runtime to write into a container's.

import type { Container, Pod } from '../api/generated/types.ts';
import { weightOfShares } from '../machine/cgroup.ts';
import type { Machine } from '../machine/machine.ts';
import type { LinuxResources } from '../runtime/container-cgroup.ts';
import { baseUnits, podLimit, podRequests, qosClass } from './resources.ts';

export const KUBEPODS = '/kubepods.slice';
const MIN_SHARES = 2;
/** Priorities from here on are of Pods that a node cannot do without. */
const SYSTEM_CRITICAL = 2_000_000_000;
const NODE_CRITICAL = 2_000_001_000;

/** kubepods.slice, below it burstable or besteffort, then the Pod. */
export function podCgroup(pod: Pod): string {
  const uid = (pod.metadata.uid ?? '').replaceAll('-', '_');
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return `${KUBEPODS}/kubepods-pod${uid}.slice`;
  const name = qos === 'Burstable' ? 'kubepods-burstable' : 'kubepods-besteffort';
  return `${KUBEPODS}/${name}.slice/${name}-pod${uid}.slice`;
}

const sharesOf = (cores: number): number => (cores <= 0 ? 0 : Math.max(MIN_SHARES, Math.floor(cores * 1024)));

/** When the kubelet starts: what all Pods together may take, and who of them goes first. */
export function setUpNodeCgroups(machine: Machine, allocatable: Readonly<Record<string, string>>, reservedMemory: number): void {
  const { cgroups } = machine;
  const all = cgroups.of(KUBEPODS);
  all.cpuWeight = weightOfShares(sharesOf(baseUnits(allocatable['cpu'] ?? '0')));
  all.memoryLimit = machine.memoryTotal - reservedMemory;
  cgroups.of(`${KUBEPODS}/kubepods-burstable.slice`).sharesOfChildren = true;
  cgroups.of(`${KUBEPODS}/kubepods-besteffort.slice`).cpuWeight = 1;
}

/** Makes a Pod's group with its limits, or brings them up to date. */
export function setPodCgroup(machine: Machine, pod: Pod): void {
  const group = machine.cgroups.of(podCgroup(pod));
  const limits = podLimits(pod);
  const shares = Math.max(MIN_SHARES, sharesOf(podRequests(pod).cpu));
  group.cpuShares = shares;
  group.cpuWeight = weightOfShares(shares);
  group.cpuLimit = limits.cpu;
  group.memoryLimit = limits.memory;
  machine.cpu.changed();
}

/** The Pod's own limits, or the sum of its containers' when all have one. */
function podLimits(pod: Pod): { readonly cpu: number | null; readonly memory: number | null } {
  return { cpu: podLimit(pod, 'cpu'), memory: podLimit(pod, 'memory') };
}

const amount = (container: Container, kind: 'requests' | 'limits', name: string): number => {
  const text = container.resources?.[kind]?.[name];
  return text === undefined ? 0 : baseUnits(text);
};

/** A container without a limit of its own has its Pod's. */
const limitOf = (pod: Pod, container: Container, name: string): number => {
  const own = amount(container, 'limits', name);
  const ofPod = pod.spec.resources?.limits?.[name];
  return own > 0 || ofPod === undefined ? own : baseUnits(ofPod);
};

/** What the runtime is to write for a container. */
export function linuxResources(pod: Pod, container: Container): LinuxResources {
  const request = amount(container, 'requests', 'cpu');
  const cpuLimit = limitOf(pod, container, 'cpu');
  const asked = container.resources?.requests?.['cpu'] === undefined && cpuLimit > 0 ? cpuLimit : request;
  return { cpuShares: Math.max(MIN_SHARES, sharesOf(asked)), cpuLimit, memoryLimit: limitOf(pod, container, 'memory') };
}

/** oom_score_adj (kubelet/qos/policy.go): who asked for more memory is killed later. */
export function oomScoreAdj(pod: Pod, container: Container, capacity: number): number {
  const priority = pod.spec.priority ?? 0;
  if (priority >= NODE_CRITICAL) return -997;
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const adj = 1000 - Math.floor((1000 * memoryShare(pod, container)) / capacity);
  return Math.min(999, Math.max(3, adj));
}

/** The container's request, with its part of what the Pod asks for beyond its containers. */
function memoryShare(pod: Pod, container: Container): number {
  const own = amount(container, 'requests', 'memory');
  const ofPod = pod.spec.resources?.requests?.['memory'];
  if (ofPod === undefined) return own;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')];
  const sum = containers.reduce((total, c) => total + amount(c, 'requests', 'memory'), 0);
  return own + Math.max(0, baseUnits(ofPod) - sum) / containers.length;
}

/** Static Pods, mirrors and those of the system's priorities: never evicted for a resource. */
export function isCriticalPod(pod: Pod): boolean {
  const annotations = pod.metadata.annotations ?? {};
  const source = annotations['kubernetes.io/config.source'];
  if (source !== undefined && source !== 'api') return true;
  return annotations['kubernetes.io/config.mirror'] !== undefined || (pod.spec.priority ?? 0) >= SYSTEM_CRITICAL;
}
