// Which fields of each kind a field selector may name, and their values (ToSelectableFields of the registries).

import type {
  CertificateSigningRequest,
  Event,
  Job,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  ReplicationController,
  ResourceSlice,
  Secret,
  Service,
} from './generated/types.ts';
import type { ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import type { FieldSelector } from './selector.ts';
import { badRequest } from './status.ts';

type Read<T> = Readonly<Record<string, (object: T) => string>>;

const PODS: Read<Pod> = {
  'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
  'spec.host': ({ spec }) => spec.nodeName ?? '',
  'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
  'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
  'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
  'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork === true),
  'status.phase': ({ status }) => status.phase ?? '',
  'status.podIP': ({ status }) => status.podIP ?? '',
  'status.podIPs': ({ status }) => status.podIP ?? '',
  'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
};

const EVENTS: Read<Event> = {
  'involvedObject.kind': (e) => e.involvedObject.kind ?? '',
  'involvedObject.namespace': (e) => e.involvedObject.namespace ?? '',
  'involvedObject.name': (e) => e.involvedObject.name ?? '',
  'involvedObject.uid': (e) => e.involvedObject.uid ?? '',
  'involvedObject.apiVersion': (e) => e.involvedObject.apiVersion ?? '',
  'involvedObject.resourceVersion': (e) => e.involvedObject.resourceVersion ?? '',
  'involvedObject.fieldPath': (e) => e.involvedObject.fieldPath ?? '',
  reason: (e) => e.reason ?? '',
  reportingComponent: (e) => e.reportingComponent || (e.source?.component ?? ''),
  source: (e) => e.source?.component ?? e.reportingComponent ?? '',
  type: (e) => e.type ?? '',
};

const readers = <T>(fields: Read<T>): ReadonlyMap<string, (object: ApiObject) => string> =>
  new Map(Object.entries(fields as unknown as Read<ApiObject>));

const FIELDS: Readonly<Record<string, ReadonlyMap<string, (object: ApiObject) => string>>> = {
  pods: readers(PODS),
  nodes: readers<Node>({ 'spec.unschedulable': (n) => String(n.spec.unschedulable === true) }),
  namespaces: readers<Namespace>({ 'status.phase': (n) => n.status.phase ?? '', name: (n) => n.metadata.name }),
  secrets: readers<Secret>({ type: (s) => s.type ?? '' }),
  services: readers<Service>({ 'spec.clusterIP': (s) => s.spec.clusterIP ?? '', 'spec.type': (s) => s.spec.type ?? '' }),
  replicationcontrollers: readers<ReplicationController>({ 'status.replicas': (r) => String(r.status.replicas ?? 0) }),
  'replicasets.apps': readers<ReplicaSet>({ 'status.replicas': (r) => String(r.status.replicas ?? 0) }),
  'jobs.batch': readers<Job>({ 'status.successful': (j) => String(j.status.succeeded ?? 0) }),
  'certificatesigningrequests.certificates.k8s.io': readers<CertificateSigningRequest>({ 'spec.signerName': (c) => c.spec.signerName }),
  events: readers(EVENTS),
  'statefulsets.apps': readers<ApiObject>({ 'status.successful': () => '' }),
  'resourceslices.resource.k8s.io': readers<ResourceSlice>({
    'spec.nodeName': (r) => r.spec.nodeName ?? '',
    'spec.driver': (r) => r.spec.driver,
  }),
};

/** Whether the object's fields satisfy the selector; a field that the kind does not offer counts as empty. */
export function fieldsMatch(selector: FieldSelector, kind: ResourceKind, object: ApiObject): boolean {
  for (const { field, equal, value } of selector) {
    if ((fieldOf(kind, object, field) === value) !== equal) return false;
  }
  return true;
}

function fieldOf(kind: ResourceKind, object: ApiObject, field: string): string {
  const custom = kind.custom?.field(object, field);
  if (custom !== undefined) return custom;
  const read = FIELDS[kind.key]?.get(field);
  if (read) return read(object);
  if (field === 'metadata.name') return object.metadata.name;
  return field === 'metadata.namespace' && kind.namespaced ? (object.metadata.namespace ?? '') : '';
}

/** Throws ApiError BadRequest when the selector names a field that the kind does not offer. */
export function checkFieldSelector(kind: ResourceKind, selector: FieldSelector): void {
  for (const { field } of selector) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && kind.namespaced)) continue;
    if (kind.custom?.offersField(field) === true) continue;
    const offered = FIELDS[kind.key];
    if (offered?.has(field)) continue;
    if (offered === undefined && kind.custom === null) {
      if (field === 'metadata.namespace') continue;
      throw badRequest(`${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
    }
    throw badRequest(`field label not supported: ${field}`);
  }
}
