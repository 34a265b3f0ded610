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
  Secret,
  Service,
} from './generated/types.ts';
import type { ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import type { FieldSelector } from './selector.ts';
import { badRequest } from './status.ts';

export type Fields = Readonly<Record<string, string>>;

type Extract = (object: ApiObject) => Fields;

const EXTRACTS: Readonly<Record<string, Extract>> = {
  pods: (o) => {
    const { spec, status } = o as Pod;
    return {
      'spec.nodeName': spec.nodeName ?? '',
      'spec.restartPolicy': spec.restartPolicy ?? '',
      'spec.schedulerName': spec.schedulerName ?? '',
      'spec.serviceAccountName': spec.serviceAccountName ?? '',
      'spec.hostNetwork': String(spec.hostNetwork === true),
      'status.phase': status.phase ?? '',
      'status.podIP': status.podIP ?? '',
      'status.podIPs': status.podIP ?? '',
      'status.nominatedNodeName': status.nominatedNodeName ?? '',
    };
  },
  nodes: (o) => ({ 'spec.unschedulable': String((o as Node).spec.unschedulable === true) }),
  namespaces: (o) => ({ 'status.phase': (o as Namespace).status.phase ?? '', name: o.metadata.name }),
  secrets: (o) => ({ type: (o as Secret).type ?? '' }),
  services: (o) => ({ 'spec.clusterIP': (o as Service).spec.clusterIP ?? '', 'spec.type': (o as Service).spec.type ?? '' }),
  replicationcontrollers: (o) => ({ 'status.replicas': String((o as ReplicationController).status.replicas ?? 0) }),
  'replicasets.apps': (o) => ({ 'status.replicas': String((o as ReplicaSet).status.replicas ?? 0) }),
  'jobs.batch': (o) => ({ 'status.successful': String((o as Job).status.succeeded ?? 0) }),
  'certificatesigningrequests.certificates.k8s.io': (o) => ({ 'spec.signerName': (o as CertificateSigningRequest).spec.signerName }),
  events: (o) => {
    const e = o as Event;
    const about = e.involvedObject;
    return {
      'involvedObject.kind': about.kind ?? '',
      'involvedObject.namespace': about.namespace ?? '',
      'involvedObject.name': about.name ?? '',
      'involvedObject.uid': about.uid ?? '',
      'involvedObject.apiVersion': about.apiVersion ?? '',
      'involvedObject.resourceVersion': about.resourceVersion ?? '',
      'involvedObject.fieldPath': about.fieldPath ?? '',
      reason: e.reason ?? '',
      reportingComponent: e.reportingComponent || (e.source?.component ?? ''),
      source: e.source?.component ?? e.reportingComponent ?? '',
      type: e.type ?? '',
    };
  },
};

const remembered = new WeakMap<object, Fields>();

/** The selectable fields of an object. Remembered for frozen objects. */
export function fieldsOf(kind: ResourceKind, object: ApiObject): Fields {
  const known = remembered.get(object);
  if (known) return known;
  const fields = {
    'metadata.name': object.metadata.name,
    ...(kind.namespaced ? { 'metadata.namespace': object.metadata.namespace ?? '' } : {}),
    ...EXTRACTS[kind.key]?.(object),
  };
  remembered.set(object, fields);
  return fields;
}

const SUPPORTED: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  nodes: ['spec.unschedulable'],
  namespaces: ['status.phase', 'name'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
  replicationcontrollers: ['status.replicas'],
  'replicasets.apps': ['status.replicas'],
  'jobs.batch': ['status.successful'],
  'certificatesigningrequests.certificates.k8s.io': ['spec.signerName'],
  events: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
};

/** Throws ApiError BadRequest when the selector names a field that the kind does not offer. */
export function checkFieldSelector(kind: ResourceKind, selector: FieldSelector): void {
  for (const { field } of selector) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && kind.namespaced)) continue;
    if (!SUPPORTED[kind.key]?.includes(field)) throw badRequest(`field label not supported: ${field}`);
  }
}
