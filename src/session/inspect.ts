// What the inspector shows of one object at the view: YAML, its events, what it wants against what is, its family.

import type { DaemonSet, Deployment, EndpointSlice, Event as CoreEvent, Namespace, Node, Pod, ReplicaSet, Service } from '../cluster/api/generated/types.ts';
import { printYaml } from '../kubectl/print/yaml.ts';
import type { History } from './history.ts';
import type { EventRow, ObjectView } from './protocol.ts';
import type { ApiObject } from './rows.ts';
import type { Scene } from './scene.ts';

type Pair = ObjectView['desired'][number];

const pair = (field: string, desired: unknown, observed: unknown): Pair => {
  const [a, b] = [String(desired ?? ''), String(observed ?? '')];
  return { field, desired: a, observed: b, met: a === b };
};

const condition = (object: { status?: { conditions?: readonly { type: string; status: string }[] } }, type: string): string =>
  object.status?.conditions?.find((c) => c.type === type)?.status ?? '';

/** Pairs of what the spec asks for and what the status reports. */
function desiredAgainstObserved(resource: string, object: ApiObject, history: History): Pair[] {
  switch (resource) {
    case 'deployments.apps': {
      const { spec, status, metadata } = object as Deployment;
      const replicas = spec?.replicas ?? 1;
      return [
        pair('metadata.generation', metadata?.generation, status?.observedGeneration),
        pair('spec.replicas → status.updatedReplicas', replicas, status?.updatedReplicas ?? 0),
        pair('spec.replicas → status.readyReplicas', replicas, status?.readyReplicas ?? 0),
        pair('spec.replicas → status.availableReplicas', replicas, status?.availableReplicas ?? 0),
      ];
    }
    case 'replicasets.apps': {
      const { spec, status } = object as ReplicaSet;
      const replicas = spec?.replicas ?? 1;
      return [
        pair('spec.replicas → status.replicas', replicas, status?.replicas ?? 0),
        pair('spec.replicas → status.readyReplicas', replicas, status?.readyReplicas ?? 0),
      ];
    }
    case 'daemonsets.apps': {
      const { status } = object as DaemonSet;
      return [
        pair('status.desiredNumberScheduled → status.currentNumberScheduled', status?.desiredNumberScheduled, status?.currentNumberScheduled),
        pair('status.desiredNumberScheduled → status.numberReady', status?.desiredNumberScheduled, status?.numberReady),
      ];
    }
    case 'pods': {
      const pod = object as Pod;
      const statuses = new Map((pod.status?.containerStatuses ?? []).map((s) => [s.name, s]));
      return [
        pair('spec.nodeName → status.conditions[PodScheduled]', 'True', condition(pod, 'PodScheduled')),
        ...(pod.spec?.containers ?? []).map((c) => {
          const seen = statuses.get(c.name);
          const state = seen?.state?.running ? 'running' : (seen?.state?.waiting?.reason ?? seen?.state?.terminated?.reason ?? '');
          return pair(`spec.containers[${c.name}] → status.containerStatuses[${c.name}].state`, 'running', state);
        }),
        pair('status.conditions[Ready]', 'True', condition(pod, 'Ready')),
      ];
    }
    case 'nodes':
      return [pair('status.conditions[Ready]', 'True', condition(object as Node, 'Ready'))];
    case 'namespaces':
      return [pair('status.phase', 'Active', (object as Namespace).status?.phase)];
    case 'services':
      return serviceAgainstEndpoints(object as Service, history);
    default:
      return [];
  }
}

/** A Service wants every Pod it selects to be a ready endpoint. */
function serviceAgainstEndpoints(service: Service, history: History): Pair[] {
  const selector = Object.entries(service.spec?.selector ?? {});
  if (selector.length === 0) return [];
  const namespace = service.metadata?.namespace ?? '';
  let selected = 0;
  let ready = 0;
  for (const [key, value] of history.entries()) {
    if (key.startsWith(`object/pods/${namespace}/`)) {
      const labels = (value as Pod).metadata?.labels ?? {};
      if (selector.every(([k, v]) => labels[k] === v)) selected++;
    } else if (key.startsWith(`object/endpointslices.discovery.k8s.io/${namespace}/`)) {
      const slice = value as EndpointSlice;
      if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== service.metadata?.name) continue;
      ready += (slice.endpoints ?? []).filter((e) => e.conditions?.ready !== false).length;
    }
  }
  return [pair('spec.selector → endpoints', selected, ready)];
}

/** Everything about the object whose row id (= change key) is `id`. */
export function describeObject(id: string, history: History, scene: Scene): ObjectView {
  const [, resource = '', namespace = '', name = ''] = id.split('/');
  const object = (history.value(id) ?? null) as ApiObject | null;
  if (object === null) return { id, yaml: '', object: null, events: [], desired: [], owner: '', owned: [] };
  const uid = object.metadata?.uid ?? '';
  const ownerUid = object.metadata?.ownerReferences?.find((r) => r.controller)?.uid ?? '';
  const events: EventRow[] = [];
  const owned: string[] = [];
  let owner = '';
  for (const [key, value] of history.entries()) {
    if (!key.startsWith('object/')) continue;
    if (key.startsWith('object/events/')) {
      const involved = (value as CoreEvent).involvedObject;
      const about = involved?.uid === uid || (involved?.kind === object.kind && involved?.name === name && (involved?.namespace ?? '') === namespace);
      const row = about ? scene.row(key) : undefined;
      if (row?.type === 'event') events.push(row);
      continue;
    }
    const meta = (value as ApiObject).metadata;
    if (ownerUid !== '' && meta?.uid === ownerUid) owner = key;
    if (meta?.ownerReferences?.some((r) => r.uid === uid)) owned.push(key);
  }
  events.sort((a, b) => a.lastAt - b.lastAt);
  return { id, yaml: printYaml(object), object, events, desired: desiredAgainstObserved(resource, object, history), owner, owned };
}
