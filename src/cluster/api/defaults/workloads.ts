// Defaults of what makes Pods (pkg/apis/apps/v1, batch/v1, autoscaling/v2 defaults.go).

import type {
  CronJob,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  JobSpec,
  PersistentVolumeClaim,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../generated/types.ts';
import { change, each, fill, put } from './fill.ts';
import { defaultTemplate } from './pod.ts';
import { scalingBehavior } from './policy.ts';
import { defaultClaim } from './storage.ts';

const EMPTY = Object.freeze({});

/** apps/v1: 25 % of either kind, 10 old ReplicaSets, 600 s. */
export const defaultDeployment = (d: Deployment): Deployment =>
  change(d, 'spec', (given) => {
    let spec = fill(given, { replicas: 1, strategy: EMPTY, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    spec = change(spec, 'strategy', (s) => {
      const typed = s.type === undefined || s.type === '' ? { ...s, type: 'RollingUpdate' } : s;
      if (typed.type !== 'RollingUpdate') return typed;
      return put(typed, 'rollingUpdate', fill(typed.rollingUpdate ?? EMPTY, { maxUnavailable: '25%', maxSurge: '25%' }));
    });
    return change(spec, 'template', defaultTemplate);
  });

export const defaultReplicaSet = (r: ReplicaSet): ReplicaSet =>
  change(r, 'spec', (given) => change(fill(given, { replicas: 1 }), 'template', defaultTemplate));

export const defaultDaemonSet = (d: DaemonSet): DaemonSet =>
  change(d, 'spec', (given) => {
    let spec = fill(given, { updateStrategy: EMPTY, revisionHistoryLimit: 10 });
    spec = change(spec, 'updateStrategy', (s) => {
      const typed = s.type === undefined || s.type === '' ? { ...s, type: 'RollingUpdate' } : s;
      if (typed.type !== 'RollingUpdate') return typed;
      return put(typed, 'rollingUpdate', fill(typed.rollingUpdate ?? EMPTY, { maxUnavailable: 1, maxSurge: 0 }));
    });
    return change(spec, 'template', defaultTemplate);
  });

export const defaultStatefulSet = (s: StatefulSet): StatefulSet =>
  change(s, 'spec', (given) => {
    let spec = fill(given, {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: EMPTY,
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: EMPTY,
    });
    spec = change(spec, 'persistentVolumeClaimRetentionPolicy', (p) => fill(p, { whenDeleted: 'Retain', whenScaled: 'Retain' }));
    spec = change(spec, 'updateStrategy', (u) => {
      const typed = u.type === undefined || u.type === '' ? { ...u, type: 'RollingUpdate' } : u;
      if (typed.type !== 'RollingUpdate') return typed;
      return put(typed, 'rollingUpdate', fill(typed.rollingUpdate ?? EMPTY, { partition: 0 }));
    });
    spec = change(spec, 'volumeClaimTemplates', (list) =>
      each(list, (claim) => fill(defaultClaim(claim), { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }) as PersistentVolumeClaim),
    );
    return change(spec, 'template', defaultTemplate);
  });

export function defaultReplicationController(rc: ReplicationController): ReplicationController {
  const labels = rc.spec.template?.metadata.labels;
  let out = change(rc, 'spec', (given) => {
    let spec = fill(given, { replicas: 1 });
    if (labels !== undefined && Object.keys(spec.selector ?? EMPTY).length === 0) spec = { ...spec, selector: labels };
    return change(spec, 'template', defaultTemplate);
  });
  if (labels !== undefined && Object.keys(out.metadata.labels ?? EMPTY).length === 0) {
    out = { ...out, metadata: { ...out.metadata, labels } };
  }
  return out;
}

function jobSpec(given: JobSpec): JobSpec {
  const spec =
    given.completions === undefined && given.parallelism === undefined
      ? { ...given, completions: 1, parallelism: 1 }
      : fill(given, { parallelism: 1 });
  const filled = fill(spec, {
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
  });
  return change(filled, 'template', defaultTemplate);
}

export function defaultJob(job: Job): Job {
  const out = change(job, 'spec', jobSpec);
  const labels = out.spec.template.metadata.labels;
  if (labels === undefined || Object.keys(out.metadata.labels ?? EMPTY).length > 0) return out;
  return { ...out, metadata: { ...out.metadata, labels } };
}

export const defaultCronJob = (c: CronJob): CronJob =>
  change(c, 'spec', (given) => {
    const spec = fill(given, {
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    return change(spec, 'jobTemplate', (t) => change(t, 'spec', (s) => change(s, 'template', defaultTemplate)));
  });

export const defaultAutoscaler = (h: HorizontalPodAutoscaler): HorizontalPodAutoscaler =>
  change(h, 'spec', (given) => {
    const metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }];
    const spec = fill(given, { minReplicas: 1 });
    return change((spec.metrics ?? []).length === 0 ? { ...spec, metrics } : spec, 'behavior', scalingBehavior);
  });
