// What happens to an object between decoding and validation on each kind of write: the PrepareForCreate and
// PrepareForUpdate of pkg/registry's strategies and rest.BeforeUpdate. Status and spec are written by different doors.

import { decodeAs } from './decode.ts';
import { withStoredVersion } from './defaults/definition.ts';
import type { CustomResourceDefinition, DaemonSet, Job, Namespace, ObjectMeta, Pod, Service, StatefulSet } from './generated/types.ts';
import { hasSubresource, type ResourceKind } from './kinds.ts';
import { type ApiObject, deepFreeze, semanticEqual } from './meta.ts';
import { qosClass } from './qos.ts';
import { isDefined } from './schema.ts';
import { withMergedLabelKeys } from './strategy/pod-selectors.ts';
import { keepAllocated } from './strategy/service.ts';
import { withoutMaxUnavailable } from './strategy/statefulset.ts';

/** Kinds that count the versions of their spec. */
const GENERATIONS = new Set([
  'pods',
  'podtemplates',
  'replicationcontrollers',
  'deployments.apps',
  'replicasets.apps',
  'daemonsets.apps',
  'statefulsets.apps',
  'jobs.batch',
  'cronjobs.batch',
  'ingresses.networking.k8s.io',
  'ingressclasses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'poddisruptionbudgets.policy',
  'endpointslices.discovery.k8s.io',
  'priorityclasses.scheduling.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
]);

/** Kinds whose status a client may set when it creates the object. */
const STATUS_ON_CREATE = new Set(['nodes', 'persistentvolumes', 'namespaces']);

/** Kinds whose /status door keeps the labels as they were. */
const LABELS_KEPT_ON_STATUS = new Set(['deployments.apps', 'replicasets.apps']);

type Loose = ApiObject & { readonly spec?: unknown; readonly status?: unknown };

/** The object as it enters validation on create: status reset, generation 1. Metadata has its uid already. Frozen. */
export function prepareForCreate<T extends ApiObject>(kind: ResourceKind, object: T): T {
  if (kind.custom !== null) return kind.custom.prepareForCreate(object) as T;
  let out: Loose = object;
  if (hasSubresource(kind, 'status') && !STATUS_ON_CREATE.has(kind.key)) {
    const status = initialStatus(kind, object);
    if (status !== undefined && !semanticEqual(out.status, status)) out = { ...out, status };
  }
  if (GENERATIONS.has(kind.key)) out = withMetadata(out, { generation: 1 });
  else if (object.metadata.generation !== undefined && kind.schema !== '') out = withMetadata(out, { generation: undefined });
  if (kind.key === 'pods') out = withMergedLabelKeys(out as unknown as Pod);
  if (kind.key === 'namespaces') out = prepareNamespace(out as unknown as Namespace);
  if (kind.key === 'jobs.batch') out = selectOwnPods(out as unknown as Job);
  if (kind.key === 'daemonsets.apps') out = withTemplateGeneration(out, 1);
  if (kind.key === 'statefulsets.apps') out = withoutMaxUnavailable(out as unknown as StatefulSet);
  if (kind.key === 'customresourcedefinitions.apiextensions.k8s.io') out = withStoredVersion(out as unknown as CustomResourceDefinition);
  return deepFreeze(out) as unknown as T;
}

const GATED = {
  type: 'PodScheduled',
  status: 'False',
  lastProbeTime: null,
  lastTransitionTime: null,
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
} as const;

function initialStatus(kind: ResourceKind, object: ApiObject): unknown {
  if (kind.key === 'pods') {
    const { spec } = object as Pod;
    return { phase: 'Pending', ...(spec.schedulingGates?.length ? { conditions: [GATED] } : {}), qosClass: qosClass(spec) };
  }
  if (kind.key === 'persistentvolumeclaims') return { phase: 'Pending' };
  if (kind.key === 'services' || kind.key === 'ingresses.networking.k8s.io') return { loadBalancer: {} };
  const definition = `${kind.schema}Status`;
  return isDefined(definition) ? decodeAs(definition, {}) : undefined;
}

function prepareNamespace(n: Namespace): Namespace {
  const finalizers = n.spec.finalizers ?? [];
  if (finalizers.includes('kubernetes') && n.status.phase === 'Active') return n;
  return { ...n, spec: { ...n.spec, finalizers: [...new Set([...finalizers, 'kubernetes'])] }, status: { phase: 'Active' } };
}

/** A Job that does not choose its Pods itself selects them by its own uid. */
function selectOwnPods(job: Job): Job {
  const uid = job.metadata.uid;
  if (job.spec.manualSelector === true || uid === undefined || job.spec.selector !== undefined) return job;
  const own = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': job.metadata.name,
    'controller-uid': uid,
    'job-name': job.metadata.name,
  };
  const { template } = job.spec;
  const metadata = { ...template.metadata, labels: { ...template.metadata.labels, ...own } };
  return {
    ...job,
    spec: {
      ...job.spec,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { ...template, metadata },
    },
  };
}

/** The object as it enters validation on update: old status and system metadata kept, generation counted up. Frozen. */
export function prepareForUpdate<T extends ApiObject>(kind: ResourceKind, object: T, old: T): T {
  if (object === old) return object;
  if (kind.custom !== null) return kind.custom.prepareForUpdate(keepSystemMetadata(object, old), old) as T;
  let out: Loose = keepSystemMetadata(object, old);
  const before = old as Loose;
  if (hasSubresource(kind, 'status') && out.status !== before.status) out = { ...out, status: before.status };
  if (kind.key === 'namespaces') out = { ...out, spec: before.spec };
  if (kind.key === 'services') out = keepAllocated(out as unknown as Service, old as unknown as Service);
  if (kind.key === 'statefulsets.apps') out = withoutMaxUnavailable(out as unknown as StatefulSet, old as unknown as StatefulSet);
  if (kind.key === 'daemonsets.apps') out = countTemplates(out as unknown as DaemonSet, old as unknown as DaemonSet);
  if (kind.key === 'customresourcedefinitions.apiextensions.k8s.io') out = withStoredVersion(out as unknown as CustomResourceDefinition);
  if (GENERATIONS.has(kind.key) && specChanged(kind, out, before)) {
    out = withMetadata(out, { generation: (old.metadata.generation ?? 0) + 1 });
  }
  return deepFreeze(out) as unknown as T;
}

/** The object as it enters validation on a write to /status: only status (and, where allowed, metadata) is new. Frozen. */
export function prepareForStatusUpdate<T extends ApiObject>(kind: ResourceKind, object: T, old: T): T {
  if (object === old) return object;
  if (kind.custom !== null) return kind.custom.prepareForStatusUpdate(object, old) as T;
  const kept = keepSystemMetadata(object, old);
  let metadata = kept.metadata;
  if (kind.key === 'pods')
    metadata = copyFields(metadata, old.metadata, ['ownerReferences', 'deletionTimestamp', 'deletionGracePeriodSeconds']);
  if (LABELS_KEPT_ON_STATUS.has(kind.key)) metadata = copyFields(metadata, old.metadata, ['labels']);
  let status = (kept as Loose).status;
  if (kind.key === 'pods') status = keepQos(status as Pod['status'], (old as unknown as Pod).status);
  return deepFreeze({ ...old, metadata, status });
}

const keepQos = (status: Pod['status'], old: Pod['status']): Pod['status'] =>
  status.qosClass === undefined && old.qosClass !== undefined ? { ...status, qosClass: old.qosClass } : status;

function specChanged(kind: ResourceKind, now: Loose, before: Loose): boolean {
  if (kind.key === 'deployments.apps' && !semanticEqual(now.metadata.annotations, before.metadata.annotations)) return true;
  if ('spec' in before || 'spec' in now) return !semanticEqual(now.spec, before.spec);
  return !semanticEqual({ ...now, metadata: null }, { ...before, metadata: null });
}

const SYSTEM: readonly (keyof ObjectMeta)[] = ['generation', 'deletionTimestamp', 'deletionGracePeriodSeconds'];

/** Clients cannot write generation and deletion; what they leave out of uid and creation time is filled in. */
function keepSystemMetadata<T extends ApiObject>(object: T, old: T): T {
  let metadata = copyFields(object.metadata, old.metadata, SYSTEM);
  if (metadata.uid === undefined) metadata = copyFields(metadata, old.metadata, ['uid']);
  if (metadata.creationTimestamp === undefined) metadata = copyFields(metadata, old.metadata, ['creationTimestamp']);
  return metadata === object.metadata ? object : { ...object, metadata };
}

function copyFields(to: ObjectMeta, from: ObjectMeta, fields: readonly (keyof ObjectMeta)[]): ObjectMeta {
  let same = true;
  for (const f of fields) if (to[f] !== from[f]) same = false;
  if (same) return to;
  const out: Record<string, unknown> = { ...to };
  for (const f of fields) {
    if (from[f] === undefined) delete out[f];
    else out[f] = from[f];
  }
  return out as unknown as ObjectMeta;
}

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** A DaemonSet counts its templates in an annotation: the rest of a field that apps/v1 no longer has. */
function countTemplates(now: DaemonSet, old: DaemonSet): Loose {
  const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 1);
  return withTemplateGeneration(now, semanticEqual(now.spec.template, old.spec.template) ? before : before + 1);
}

function withTemplateGeneration(object: Loose, generation: number): Loose {
  const { annotations } = object.metadata;
  if (annotations?.[TEMPLATE_GENERATION] === String(generation)) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [TEMPLATE_GENERATION]: String(generation) } } };
}

function withMetadata(object: Loose, fields: { readonly generation: number | undefined }): Loose {
  if (object.metadata.generation === fields.generation) return object;
  const metadata: Record<string, unknown> = { ...object.metadata };
  if (fields.generation === undefined) delete metadata.generation;
  else metadata.generation = fields.generation;
  return { ...object, metadata: metadata as unknown as ObjectMeta };
}
