// From API objects and machine facts to the rows that the page draws. Pure.

import type {
  CronJob, Deployment, Event as CoreEvent, HorizontalPodAutoscaler, Node, ObjectMeta, PersistentVolume, PersistentVolumeClaim, Pod, PodDisruptionBudget, ReplicaSet, Service, Volume,
} from '../cluster/api/generated/types.ts';
import { summarise } from '../cluster/api/table/pods.ts';
import { parseTime, type Micros } from '../cluster/sim/time.ts';
import type { ContainerRow, NetworkKind, RuntimeKind, EventRow, Health, InterfaceRow, MachineRow, ObjectRow, PodRow, ProcessRow, VolumeRow } from './protocol.ts';

/** Any object as it comes out of etcd. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** Session time of a metav1.Time; 0 when absent or unreadable. */
export function sessionTime(text: string | undefined | null, epoch: Micros): Micros {
  const at = text ? parseTime(text) : undefined;
  return at === undefined ? 0 : at - epoch;
}

function ownerOf(meta: ObjectMeta | undefined): string {
  const owner = meta?.ownerReferences?.find((reference) => reference.controller) ?? meta?.ownerReferences?.[0];
  return owner ? `${owner.kind}/${owner.name}` : '';
}

function containerRows(pod: Pod): ContainerRow[] {
  const rows: ContainerRow[] = [];
  const status = pod.status;
  const groups = [
    [pod.spec?.initContainers, status?.initContainerStatuses, 'init'],
    [pod.spec?.containers, status?.containerStatuses, 'main'],
    [pod.spec?.ephemeralContainers, status?.ephemeralContainerStatuses, 'ephemeral'],
  ] as const;
  for (const [containers, statuses, kind] of groups) {
    const byName = new Map((statuses ?? []).map((s) => [s.name, s]));
    for (const container of containers ?? []) {
      const seen = byName.get(container.name);
      const state = seen?.state;
      const restartable = kind === 'init' && 'restartPolicy' in container && container.restartPolicy === 'Always';
      rows.push({
        name: container.name,
        image: container.image ?? '',
        kind: restartable ? 'sidecar' : kind,
        state: state?.running ? 'running' : state?.terminated ? 'terminated' : state?.waiting ? 'waiting' : 'unknown',
        reason: state?.waiting?.reason ?? state?.terminated?.reason ?? '',
        ready: seen?.ready ?? false,
        restarts: seen?.restartCount ?? 0,
      });
    }
  }
  return rows;
}

const NO_VOLUMES: readonly VolumeRow[] = Object.freeze([]);

function volumeRows(pod: Pod): readonly VolumeRow[] {
  const all = pod.spec?.volumes ?? NO_VOLUMES;
  const rows = all.flatMap(({ name, ...of }): VolumeRow[] => {
    const kind = Object.keys(of)[0] ?? '';
    if (kind === 'projected' && name.startsWith('kube-api-access-')) return [];
    const { configMap, secret, persistentVolumeClaim, hostPath, nfs, csi } = of as Volume;
    const source = configMap?.name ?? secret?.secretName ?? persistentVolumeClaim?.claimName ?? hostPath?.path ?? nfs?.path ?? csi?.driver ?? '';
    return [{ name, kind, source }];
  });
  return rows.length === 0 ? NO_VOLUMES : rows;
}

const HOLDING = new Set(['', 'ContainerCreating', 'PodInitializing', 'Completed']);

function podHealth(pod: Pod, status: string, ready: boolean, containers: readonly ContainerRow[]): Health {
  const phase = pod.status?.phase;
  if (phase === 'Failed') return 'failed';
  if (phase === 'Succeeded') return 'idle';
  if (containers.some((c) => c.state === 'waiting' && !HOLDING.has(c.reason))) return 'failed';
  if (containers.some((c) => c.kind === 'main' && c.state === 'terminated' && c.reason !== 'Completed')) return 'failed';
  if (status === 'Terminating') return 'progressing';
  return ready ? 'ok' : 'progressing';
}

export function podRow(id: string, pod: Pod, epoch: Micros): PodRow {
  const containers = containerRows(pod);
  const status = summarise(pod).reason;
  const ready = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
  const counted = containers.filter((c) => c.kind === 'main' || c.kind === 'sidecar');
  return {
    type: 'pod',
    id,
    namespace: pod.metadata?.namespace ?? '',
    name: pod.metadata?.name ?? '',
    machine: pod.spec?.nodeName ?? '',
    phase: pod.status?.phase ?? '',
    status,
    health: podHealth(pod, status, ready, containers),
    ready,
    readyText: `${counted.filter((c) => c.ready).length}/${counted.length}`,
    restarts: counted.reduce((sum, c) => sum + c.restarts, 0),
    terminating: Boolean(pod.metadata?.deletionTimestamp),
    ip: pod.status?.podIP ?? '',
    hostNetwork: pod.spec?.hostNetwork ?? false,
    owner: ownerOf(pod.metadata),
    containers,
    volumes: volumeRows(pod),
    labels: pod.metadata?.labels ?? {},
    createdAt: sessionTime(pod.metadata?.creationTimestamp, epoch),
  };
}

interface Counted {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
    readonly phase?: string;
    readonly succeeded?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** A short fact beside the name, and how the object is doing. */
function summariseObject(resource: string, object: ApiObject): { summary: string; health: Health } {
  const { spec, status } = object as Counted;
  switch (resource) {
    case 'deployments.apps':
    case 'replicasets.apps':
    case 'statefulsets.apps':
    case 'replicationcontrollers': {
      const wanted = spec?.replicas ?? 1;
      const ready = status?.readyReplicas ?? 0;
      const failed = (object as Deployment | ReplicaSet).status?.conditions?.some(
        (c) => (c.type === 'ReplicaFailure' && c.status === 'True') || (c.type === 'Progressing' && c.status === 'False'),
      );
      if (wanted === 0 && (status?.replicas ?? 0) === 0) return { summary: '0/0', health: 'idle' };
      return { summary: `${ready}/${wanted}`, health: failed ? 'failed' : ready === wanted ? 'ok' : 'progressing' };
    }
    case 'daemonsets.apps': {
      const wanted = status?.desiredNumberScheduled ?? 0;
      const ready = status?.numberReady ?? 0;
      return { summary: `${ready}/${wanted}`, health: ready === wanted ? 'ok' : 'progressing' };
    }
    case 'services': {
      const service = object as Service;
      return { summary: service.spec?.type === 'ExternalName' ? (service.spec.externalName ?? '') : (service.spec?.clusterIP ?? ''), health: 'ok' };
    }
    case 'nodes': {
      const ready = (object as Node).status?.conditions?.find((c) => c.type === 'Ready')?.status;
      return { summary: '', health: ready === 'True' ? 'ok' : ready === undefined ? 'progressing' : 'failed' };
    }
    case 'namespaces':
      return { summary: status?.phase ?? '', health: status?.phase === 'Terminating' ? 'progressing' : 'ok' };
    case 'jobs.batch': {
      const done = status?.conditions?.find((c) => c.status === 'True' && (c.type === 'Complete' || c.type === 'Failed'))?.type;
      return { summary: String(status?.succeeded ?? 0), health: done === 'Complete' ? 'idle' : done === 'Failed' ? 'failed' : 'progressing' };
    }
    case 'cronjobs.batch': {
      const { schedule, suspend } = (object as CronJob).spec;
      return { summary: schedule, health: suspend ? 'idle' : 'ok' };
    }
    case 'persistentvolumeclaims': {
      const phase = status?.phase ?? '';
      const volume = (object as PersistentVolumeClaim).spec?.volumeName;
      return { summary: volume ? `${phase} ${volume}` : phase, health: phase === 'Bound' ? 'ok' : phase === 'Lost' ? 'failed' : 'progressing' };
    }
    case 'persistentvolumes': {
      const claim = (object as PersistentVolume).spec?.claimRef;
      const phase = status?.phase ?? '';
      const summary = claim ? `${phase} ${claim.namespace}/${claim.name}` : phase;
      return { summary, health: phase === 'Failed' ? 'failed' : phase === 'Bound' ? 'ok' : 'idle' };
    }
    case 'horizontalpodautoscalers.autoscaling': {
      const { currentReplicas = 0, desiredReplicas, conditions } = (object as HorizontalPodAutoscaler).status ?? { desiredReplicas: 0 };
      const summary = desiredReplicas === currentReplicas ? String(currentReplicas) : `${currentReplicas} → ${desiredReplicas}`;
      return { summary, health: conditions?.some((c) => c.type === 'ScalingActive' && c.status === 'False') ? 'failed' : 'ok' };
    }
    case 'poddisruptionbudgets.policy': {
      const { currentHealthy = 0, desiredHealthy = 0 } = (object as PodDisruptionBudget).status ?? {};
      return { summary: `${currentHealthy}/${desiredHealthy}`, health: currentHealthy >= desiredHealthy ? 'ok' : 'failed' };
    }
    default:
      return { summary: '', health: 'ok' };
  }
}

export function objectRow(id: string, resource: string, object: ApiObject, epoch: Micros): ObjectRow {
  return {
    type: 'object',
    id,
    resource,
    kind: object.kind ?? '',
    namespace: object.metadata?.namespace ?? '',
    name: object.metadata?.name ?? '',
    ...summariseObject(resource, object),
    owner: ownerOf(object.metadata),
    createdAt: sessionTime(object.metadata?.creationTimestamp, epoch),
  };
}

export function eventRow(id: string, event: CoreEvent, epoch: Micros): EventRow {
  const involved = event.involvedObject;
  return {
    type: 'event',
    id,
    namespace: event.metadata?.namespace ?? '',
    eventType: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: event.reason ?? '',
    message: event.message ?? '',
    object: `${involved?.kind ?? ''}/${involved?.name ?? ''}`,
    objectNamespace: involved?.namespace ?? '',
    source: event.source?.component || event.reportingComponent || '',
    count: event.series?.count ?? event.count ?? 1,
    lastAt: sessionTime(event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata?.creationTimestamp, epoch),
  };
}

/** What the machine and network rooms say of a machine in their changes. */
export interface MachineFacts {
  readonly name: string;
  readonly role: MachineRow['role'];
  readonly address: string;
  readonly powered: boolean;
  readonly runtime: RuntimeKind;
  /** Absent: flannel. */
  readonly network?: NetworkKind;
}

export function machineRow(
  facts: MachineFacts,
  link: { readonly up: boolean; readonly fault?: string },
  node: Node | undefined,
  tables: MachineRow['tables'],
  images: readonly string[],
): MachineRow {
  const ready = node?.status?.conditions?.find((c) => c.type === 'Ready');
  return {
    type: 'machine',
    id: `machine/${facts.name}`,
    name: facts.name,
    role: facts.role,
    address: facts.address,
    powered: facts.powered,
    runtime: facts.runtime,
    ...(facts.network === undefined ? {} : { network: facts.network }),
    linkUp: link.up,
    ...(link.fault === undefined ? {} : { linkFault: link.fault }),
    ready: node === undefined ? 'Absent' : ready?.status === 'True' ? 'True' : ready?.status === 'False' ? 'False' : 'Unknown',
    readyReason: ready?.reason ?? '',
    unschedulable: node?.spec?.unschedulable ?? false,
    podCidr: node?.spec?.podCIDR ?? '',
    version: node?.status?.nodeInfo?.kubeletVersion ?? '',
    taints: (node?.spec?.taints ?? []).map((t) => `${t.key}${t.value ? `=${t.value}` : ''}:${t.effect}`),
    tables,
    images,
  };
}

export function processRow(id: string, machine: string, value: { pid: number; comm: string; place: string }): ProcessRow {
  return { type: 'process', id, machine, pid: value.pid, comm: value.comm, place: value.place };
}

export function interfaceRow(
  id: string,
  machine: string,
  netns: string,
  name: string,
  value: { kind: string; addresses: readonly string[]; up: boolean },
): InterfaceRow {
  return { type: 'interface', id, machine, netns, name, kind: value.kind, addresses: value.addresses, up: value.up };
}
