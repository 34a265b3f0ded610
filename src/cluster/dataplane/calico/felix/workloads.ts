// Pods as Felix sees them: workload endpoints with labels (their own, and those that their namespace and service account lend them),
// addresses and named ports (conversion/workload_endpoint_default.go).

import type { Namespace, Pod, ServiceAccount } from '../../../api/generated/types.ts';
import { vethName } from '../names.ts';
import type { Labels } from '../selector.ts';

export interface Workload {
  /** `namespace/name`. */
  readonly key: string;
  readonly node: string;
  readonly interface: string;
  /** None for a Pod that has none yet or no longer. */
  readonly address: string | null;
  readonly labels: Labels;
  readonly profiles: readonly string[];
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

export const POD_IP = 'cni.projectcalico.org/podIP';
export const POD_IPS = 'cni.projectcalico.org/podIPs';
export const CONTAINER_ID = 'cni.projectcalico.org/containerID';

/** Null for a Pod of the host's network. */
export function workloadOf(pod: Pod, namespace: Namespace | undefined, account: ServiceAccount | undefined): Workload | null {
  const { spec, metadata, status } = pod;
  if (spec === undefined || spec.hostNetwork === true || !spec.nodeName) return null;
  const { name, namespace: where = '' } = metadata;
  const accountName = spec.serviceAccountName ?? '';
  const finished = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  // The kubelet tells the address late; the CNI plug-in notes it on the Pod at once.
  const address = finished ? undefined : (status?.podIP ?? metadata.annotations?.[POD_IP]?.replace(/\/.*/, ''));
  const ports = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap((c) =>
    (c.ports ?? []).flatMap((p) => (p.name === undefined ? [] : [{ name: p.name, protocol: (p.protocol ?? 'TCP').toLowerCase(), port: p.containerPort }])),
  );
  return {
    key: `${where}/${name}`,
    node: spec.nodeName,
    interface: vethName(where, name),
    address: address ? address : null,
    labels: labelsOf(pod, namespace, account),
    profiles: [`kns.${where}`, ...(accountName === '' ? [] : [`ksa.${where}.${accountName}`])],
    ports,
  };
}

function labelsOf({ metadata, spec }: Pod, namespace: Namespace | undefined, account: ServiceAccount | undefined): Labels {
  const labels = new Map(Object.entries(metadata.labels ?? {}));
  const where = metadata.namespace ?? '';
  lend(labels, namespace?.metadata.labels, 'pcns.');
  labels.set('pcns.projectcalico.org/name', where);
  if (spec?.serviceAccountName) {
    lend(labels, account?.metadata.labels, 'pcsa.');
    labels.set('pcsa.projectcalico.org/name', spec.serviceAccountName);
    labels.set('projectcalico.org/serviceaccount', spec.serviceAccountName);
  }
  labels.set('projectcalico.org/namespace', where);
  labels.set('projectcalico.org/orchestrator', 'k8s');
  return labels;
}

function lend(labels: Map<string, string>, more: Readonly<Record<string, string>> | undefined, prefix: string): void {
  for (const [key, value] of Object.entries(more ?? {})) labels.set(prefix + key, value);
}
