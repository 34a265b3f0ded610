// Rows of what makes and guards Pods (pkg/printers/internalversion).

import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  MetricSpec,
  MetricStatus,
  PodDisruptionBudget,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  Scale,
  StatefulSet,
} from '../generated/types.ts';
import { conditionOf, controllerOf } from '../meta.ts';
import {
  age,
  booleanText,
  containerImages,
  containerNames,
  humanDuration,
  labelSelectorText,
  labelsText,
  NONE,
  secondsBetween,
  shortList,
  UNKNOWN,
  UNSET,
} from './format.ts';
import { columns, type Printer } from './printer.ts';

const REPLICAS = columns('Name', 'Desired#', 'Current#', 'Ready#', 'Age', 'Containers*', 'Images*', 'Selector*');

export const deploymentPrinter: Printer<Deployment> = {
  columns: columns('Name', 'Ready', 'Up-to-date', 'Available', 'Age', 'Containers*', 'Images*', 'Selector*'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    status.updatedReplicas ?? 0,
    status.availableReplicas ?? 0,
    age(metadata.creationTimestamp, now),
    containerNames(spec.template.spec.containers),
    containerImages(spec.template.spec.containers),
    labelSelectorText(spec.selector),
  ],
};

export const replicaSetPrinter: Printer<ReplicaSet> = {
  columns: REPLICAS,
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.replicas ?? 0,
    status.replicas ?? 0,
    status.readyReplicas ?? 0,
    age(metadata.creationTimestamp, now),
    containerNames(spec.template?.spec.containers),
    containerImages(spec.template?.spec.containers),
    labelSelectorText(spec.selector),
  ],
};

export const replicationControllerPrinter: Printer<ReplicationController> = {
  columns: REPLICAS,
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.replicas ?? 0,
    status.replicas ?? 0,
    status.readyReplicas ?? 0,
    age(metadata.creationTimestamp, now),
    containerNames(spec.template?.spec.containers),
    containerImages(spec.template?.spec.containers),
    labelsText(spec.selector),
  ],
};

export const statefulSetPrinter: Printer<StatefulSet> = {
  columns: columns('Name', 'Ready', 'Age', 'Containers*', 'Images*'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    age(metadata.creationTimestamp, now),
    containerNames(spec.template.spec.containers),
    containerImages(spec.template.spec.containers),
  ],
};

export const daemonSetPrinter: Printer<DaemonSet> = {
  columns: columns(
    'Name',
    'Desired#',
    'Current#',
    'Ready#',
    'Up-to-date#',
    'Available#',
    'Node Selector',
    'Age',
    'Containers*',
    'Images*',
    'Selector*',
  ),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    status.desiredNumberScheduled ?? 0,
    status.currentNumberScheduled ?? 0,
    status.numberReady ?? 0,
    status.updatedNumberScheduled ?? 0,
    status.numberAvailable ?? 0,
    labelsText(spec.template.spec.nodeSelector),
    age(metadata.creationTimestamp, now),
    containerNames(spec.template.spec.containers),
    containerImages(spec.template.spec.containers),
    labelSelectorText(spec.selector),
  ],
};

function jobStatus(job: Job): string {
  const holds = (type: string): boolean => conditionOf(job.status.conditions, type)?.status === 'True';
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(holds) ?? 'Running';
}

function completions({ spec, status }: Job): string {
  const done = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

export const jobPrinter: Printer<Job> = {
  columns: columns('Name', 'Status', 'Completions', 'Duration', 'Age', 'Containers*', 'Images*', 'Selector*'),
  cells: (job, now) => [
    job.metadata.name,
    jobStatus(job),
    completions(job),
    job.status.startTime === undefined ? '' : humanDuration(secondsBetween(job.status.startTime, job.status.completionTime, now)),
    age(job.metadata.creationTimestamp, now),
    containerNames(job.spec.template.spec.containers),
    containerImages(job.spec.template.spec.containers),
    labelSelectorText(job.spec.selector),
  ],
};

export const cronJobPrinter: Printer<CronJob> = {
  columns: columns('Name', 'Schedule', 'Timezone', 'Suspend?', 'Active#', 'Last Schedule', 'Age', 'Containers*', 'Images*', 'Selector*'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.schedule,
    spec.timeZone ?? NONE,
    booleanText(spec.suspend),
    (status.active ?? []).length,
    status.lastScheduleTime === undefined ? NONE : age(status.lastScheduleTime, now),
    age(metadata.creationTimestamp, now),
    containerNames(spec.jobTemplate.spec.template.spec.containers),
    containerImages(spec.jobTemplate.spec.template.spec.containers),
    labelSelectorText(spec.jobTemplate.spec.selector),
  ],
};

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const named = { Resource: spec.resource?.name, ContainerResource: spec.containerResource?.name }[spec.type];
  const target = (spec.resource ?? spec.containerResource ?? spec.pods ?? spec.object ?? spec.external)?.target;
  const current = (status?.resource ?? status?.containerResource ?? status?.pods ?? status?.object ?? status?.external)?.current;
  const prefix = named === undefined ? '' : `${named}: `;
  if (target?.averageUtilization !== undefined) {
    return `${prefix}${current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}%`}/${target.averageUtilization}%`;
  }
  if (target?.averageValue !== undefined) {
    return `${prefix}${current?.averageValue ?? UNKNOWN}/${target.averageValue}${spec.type === 'External' || spec.type === 'Object' ? ' (avg)' : ''}`;
  }
  return `${prefix}${current?.value ?? UNKNOWN}/${target?.value ?? '<auto>'}`;
}

export const autoscalerPrinter: Printer<HorizontalPodAutoscaler> = {
  columns: columns('Name', 'Reference', 'Targets', 'MinPods', 'MaxPods', 'Replicas', 'Age'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
    shortList(
      (spec.metrics ?? []).map((m, i) => metricText(m, status.currentMetrics?.[i])),
      2,
      NONE,
      ', ',
    ),
    spec.minReplicas === undefined ? UNSET : String(spec.minReplicas),
    spec.maxReplicas,
    status.currentReplicas ?? 0,
    age(metadata.creationTimestamp, now),
  ],
};

export const disruptionBudgetPrinter: Printer<PodDisruptionBudget> = {
  columns: columns('Name', 'Min Available', 'Max Unavailable', 'Allowed Disruptions#', 'Age'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    String(spec.minAvailable ?? 'N/A'),
    String(spec.maxUnavailable ?? 'N/A'),
    status.disruptionsAllowed ?? 0,
    age(metadata.creationTimestamp, now),
  ],
};

export const controllerRevisionPrinter: Printer<ControllerRevision> = {
  columns: columns('Name', 'Controller', 'Revision', 'Age'),
  cells: (r, now) => {
    const owner = controllerOf(r);
    const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    return [
      r.metadata.name,
      owner === undefined ? NONE : `${owner.kind.toLowerCase()}${group}/${owner.name}`,
      r.revision,
      age(r.metadata.creationTimestamp, now),
    ];
  },
};

export const podTemplatePrinter: Printer<PodTemplate> = {
  columns: columns('Name', 'Containers', 'Images', 'Pod Labels'),
  cells: ({ metadata, template }) => [
    metadata.name,
    containerNames(template?.spec.containers),
    containerImages(template?.spec.containers),
    labelsText(template?.metadata.labels),
  ],
};

export const scalePrinter: Printer<Scale> = {
  columns: columns('Name', 'Desired#', 'Available#', 'Age'),
  cells: ({ metadata, spec, status }, now) => [metadata.name, spec.replicas ?? 0, status.replicas, age(metadata.creationTimestamp, now)],
};
