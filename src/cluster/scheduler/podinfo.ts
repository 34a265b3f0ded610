// A Pod with everything that scheduling asks of it worked out once (upstream framework.PodInfo).

import type { Pod, PodSpec, Toleration } from '../api/generated/types.ts';
import { type AffinityTerm, type WeightedAffinityTerm, affinityTermsOf, weightedTermsOf } from './affinity.ts';
import { sameStrings } from './events.ts';
import { type Resources, podRequests } from './resources.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  /** namespace/name */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly tolerations: readonly Toleration[];
  readonly requests: Resources;
  /** CPU and memory with the defaults for containers that ask for nothing (100m, 200Mi): what spreads best-effort Pods. */
  readonly nonZero: { readonly milliCpu: number; readonly memory: number };
  /** An in-place resize is under way: `requests` depends on the status, too. */
  readonly resizing: boolean;
  readonly hostPorts: readonly HostPort[];
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** `former`: what was made of the same Pod before; what the Pod's change does not touch is taken from there. */
export function podInfoOf(pod: Pod, former?: PodInfo): PodInfo {
  if (former === undefined || former.resizing || !asksForTheSame(former.pod.spec, pod.spec)) return makePodInfo(pod);
  return withPod(former, pod, sameLabels(former.labels, pod.metadata.labels ?? NONE));
}

function asksForTheSame(a: PodSpec, b: PodSpec): boolean {
  return (
    a === b ||
    (a.containers === b.containers &&
      a.initContainers === b.initContainers &&
      a.affinity === b.affinity &&
      a.tolerations === b.tolerations &&
      a.priority === b.priority &&
      a.resources === b.resources &&
      a.overhead === b.overhead)
  );
}

function sameLabels(former: PodInfo['labels'], labels: PodInfo['labels']): PodInfo['labels'] {
  return former === labels || sameStrings(former, labels) ? former : labels;
}

/** The same Pod as if bound to `node` (upstream `assume`). */
export function assumedOn(info: PodInfo, node: string): PodInfo {
  return withPod(info, { ...info.pod, spec: { ...info.pod.spec, nodeName: node } }, info.labels);
}

/** Field by field: that is much faster than a spread that replaces some. */
const withPod = (info: PodInfo, pod: Pod, labels: PodInfo['labels']): PodInfo => ({
  pod,
  uid: info.uid,
  key: info.key,
  namespace: info.namespace,
  name: info.name,
  labels,
  priority: info.priority,
  tolerations: info.tolerations,
  requests: info.requests,
  nonZero: info.nonZero,
  resizing: info.resizing,
  hostPorts: info.hostPorts,
  requiredAffinity: info.requiredAffinity,
  requiredAntiAffinity: info.requiredAntiAffinity,
  preferredAffinity: info.preferredAffinity,
  preferredAntiAffinity: info.preferredAntiAffinity,
});

function makePodInfo(pod: Pod): PodInfo {
  const { name, namespace = '', uid = '', labels = NONE } = pod.metadata;
  const affinity = pod.spec.affinity;
  const { requests, nonZero, resizing } = podRequests(pod);
  return {
    pod,
    uid,
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels,
    priority: pod.spec.priority ?? 0,
    tolerations: pod.spec.tolerations ?? [],
    requests,
    nonZero,
    resizing,
    hostPorts: hostPortsOf(pod),
    requiredAffinity: affinityTermsOf(pod, affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: affinityTermsOf(pod, affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: weightedTermsOf(pod, affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: weightedTermsOf(pod, affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

const NO_PORTS: readonly HostPort[] = [];

/** Host ports of containers and of restartable init containers (sidecars). */
function hostPortsOf(pod: Pod): readonly HostPort[] {
  let ports: HostPort[] | null = null;
  const collect = (container: NonNullable<Pod['spec']>['containers'][number]): void => {
    for (const p of container.ports ?? []) {
      if (!p.hostPort) continue;
      (ports ??= []).push({ ip: p.hostIP ? p.hostIP : '0.0.0.0', protocol: p.protocol ?? 'TCP', port: p.hostPort });
    }
  };
  for (const c of pod.spec.initContainers ?? []) if (c.restartPolicy === 'Always') collect(c);
  for (const c of pod.spec.containers ?? []) collect(c);
  return ports ?? NO_PORTS;
}
