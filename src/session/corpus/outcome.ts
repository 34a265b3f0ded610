// How a workload of the corpus has ended in our cluster, as a person would say it from `kubectl get` and the events.

import type { ContainerStatus, Event, Deployment, Pod } from '../../cluster/api/generated/types.ts';
import type { ApiObject } from '../../cluster/api/meta.ts';

/** What of the API is read once for all workloads of a cluster. */
export interface Snapshot {
  readonly objects: readonly ApiObject[];
  readonly events: readonly Event[];
}

export type End = 'Ready' | 'Complete' | 'Fails' | 'Stuck' | 'Rejected' | 'Missing';

export interface Outcome {
  readonly end: End;
  /** Why it is stuck or fails, in one word: ErrImagePull, FailedScheduling, FailedMount … */
  readonly reason: string;
  /** The words of the status or the event that says so; '' = nothing says it. */
  readonly message: string;
}

interface Counts {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly desiredNumberScheduled?: number;
  readonly numberReady?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[];
}

/** `rejected` is what the API server said to the workload's creation, if not yes. */
export function outcomeOf(snapshot: Snapshot, kind: string, namespace: string, name: string, rejected: string | undefined): Outcome {
  if (rejected !== undefined) return { end: 'Rejected', reason: 'Rejected', message: rejected };
  const object = snapshot.objects.find((o) => o.kind === kind && o.metadata.namespace === namespace && o.metadata.name === name);
  if (object === undefined) {
    // A Job with ttlSecondsAfterFinished is gone when it has done its work; its events are not.
    const completed = snapshot.events.some((e) => e.involvedObject.kind === kind && e.involvedObject.namespace === namespace && e.involvedObject.name === name && e.reason === 'Completed');
    return completed ? good('Complete') : { end: 'Missing', reason: 'Missing', message: '' };
  }
  const below = descendants(snapshot.objects, object);
  const pods = below.filter((o): o is Pod & ApiObject => o.kind === 'Pod');
  const status = ((object as { readonly status?: Counts }).status ?? {}) as Counts;
  const yes = (type: string): boolean => status.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
  if (kind === 'Job') {
    if (yes('Complete')) return good('Complete');
    if (yes('Failed')) return { end: 'Fails', reason: 'JobFailed', message: status.conditions?.find((c) => c.type === 'Failed')?.message ?? '' };
  } else if (kind === 'CronJob') {
    const jobs = below.filter((o) => o.kind === 'Job') as readonly { readonly status?: Counts }[];
    if (jobs.some((j) => j.status?.conditions?.some((c) => c.type === 'Complete'))) return good('Complete');
  } else if (kind === 'Pod') {
    if (pods[0]?.status?.phase === 'Succeeded') return good('Complete');
    if (pods[0]?.status?.phase === 'Failed') return failure(pods);
    if (isReady(pods[0])) return good('Ready');
    const containers = pods[0]?.status?.containerStatuses ?? [];
    if (pods[0]?.status?.phase === 'Running' && pods[0].spec?.restartPolicy !== 'Always' && containers.every((c) => c.ready || c.state?.terminated?.exitCode === 0)) return { end: 'Ready', reason: 'Completed', message: 'a container has done its work' };
  } else if (kind === 'DaemonSet') {
    if ((status.numberReady ?? 0) > 0 && status.numberReady === status.desiredNumberScheduled) return good('Ready');
    if (status.desiredNumberScheduled === 0) return { end: 'Stuck', reason: 'NoNode', message: 'no node takes its Pods' };
  } else {
    const wanted = (object as Deployment).spec?.replicas ?? 1;
    if ((status.readyReplicas ?? 0) >= wanted) return good('Ready');
  }
  return worst(snapshot, [object, ...below], pods);
}

const good = (end: 'Ready' | 'Complete'): Outcome => ({ end, reason: '', message: '' });

const isReady = (pod: Pod | undefined): boolean => pod?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** The object and all that its controllers made. */
function descendants(objects: readonly ApiObject[], root: ApiObject): readonly ApiObject[] {
  const out: ApiObject[] = [root];
  for (let i = 0; i < out.length; i++) {
    const uid = (out[i] as ApiObject).metadata.uid;
    for (const o of objects) if (o.metadata.ownerReferences?.some((r) => r.uid === uid)) out.push(o);
  }
  return out;
}

const statusesOf = (pod: Pod): readonly ContainerStatus[] => [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];

function failure(pods: readonly Pod[]): Outcome {
  for (const pod of pods) {
    for (const { name, state, lastState } of statusesOf(pod)) {
      const ended = state?.terminated ?? lastState?.terminated;
      if (ended && (ended.exitCode !== 0 || state?.waiting?.reason === 'CrashLoopBackOff')) {
        return { end: 'Fails', reason: ended.reason ?? 'Error', message: `${name} exits ${ended.exitCode}${ended.message ? ` (${ended.message})` : ''}` };
      }
    }
  }
  return { end: 'Fails', reason: pods[0]?.status?.reason ?? 'Failed', message: pods[0]?.status?.message ?? '' };
}

/** Why it has not come to a good end. */
function worst(snapshot: Snapshot, family: readonly ApiObject[], pods: readonly Pod[]): Outcome {
  const uids = new Set(family.map((o) => o.metadata.uid));
  const events = snapshot.events.filter((e) => e.type === 'Warning' && uids.has(e.involvedObject.uid));
  for (const pod of pods) {
    if (isReady(pod)) continue;
    for (const { state } of statusesOf(pod)) {
      const waiting = state?.waiting;
      if (waiting && !['ContainerCreating', 'PodInitializing', 'CrashLoopBackOff'].includes(waiting.reason ?? '')) {
        return { end: 'Stuck', reason: (waiting.reason ?? '').replace('ImagePullBackOff', 'ErrImagePull'), message: waiting.message ?? '' };
      }
    }
    const unscheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'False');
    if (unscheduled) return { end: 'Stuck', reason: unscheduled.reason ?? 'Unschedulable', message: unscheduled.message ?? '' };
  }
  const restarted = pods.filter((pod) => !isReady(pod) && statusesOf(pod).some((c) => c.restartCount > 0 || c.state?.terminated));
  if (restarted.some((pod) => statusesOf(pod).some((c) => (c.state?.terminated ?? c.lastState?.terminated) !== undefined))) {
    const unhealthy = events.findLast((e) => e.reason === 'Unhealthy');
    const found = failure(restarted);
    return unhealthy && found.reason !== 'OOMKilled' ? { ...found, message: `${found.message}; ${unhealthy.message ?? ''}` } : found;
  }
  const last = events.findLast((e) => e.reason !== 'DNSConfigForming') ?? events.at(-1);
  if (last) return { end: 'Stuck', reason: last.reason ?? '', message: last.message ?? '' };
  const phase = pods.map((p) => `${p.status?.phase ?? ''} ${statusesOf(p).map((c) => `${c.name}:${Object.keys(c.state ?? {}).join()}`).join(' ')}`).join('; ');
  return { end: 'Stuck', reason: 'Silent', message: `${pods.length} Pods ${phase}` };
}
