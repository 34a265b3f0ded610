// NodeRestriction: a kubelet writes its own Node, Lease and CSINode and the Pods bound to it, nothing else
// (plugin/pkg/admission/noderestriction).

import type { CSINode, Node, Pod, ServiceAccount } from '../../api/generated/types.ts';
import { jsonEqual } from '../../api/meta.ts';
import type { ApiError } from '../../api/status.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { modifiedLabels } from './node-labels.ts';
import { refused } from './refusal.ts';

const PREFIX = 'system:node:';
const MIRROR = 'kubernetes.io/config.mirror';
const LEASES = 'kube-node-lease';

const isNode = ({ user }: AdmissionRequest): boolean => user.name.startsWith(PREFIX) && user.groups.includes('system:nodes');

type Verdict = string | null;

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  resources: [
    'pods',
    'nodes',
    'persistentvolumeclaims',
    'serviceaccounts',
    'leases.coordination.k8s.io',
    'csinodes.storage.k8s.io',
    'resourceslices.resource.k8s.io',
  ],

  handles: (request) => isNode(request),

  prepare(request): null {
    const me = request.user.name.slice(PREFIX.length);
    if (me === '') throw refused(request, `could not determine node from user ${JSON.stringify(request.user.name)}`);
    const why = verdict(request, me);
    if (why !== null) throw refusedAs(request, why);
    return null;
  },
};

const refusedAs = (request: AdmissionRequest, why: string): ApiError => refused(request, why);

function verdict(request: AdmissionRequest, me: string): Verdict {
  const { kind, name, namespace, object, old } = request;
  switch (kind.key) {
    case 'nodes':
      return nodeVerdict(request, me);
    case 'leases.coordination.k8s.io':
      if (namespace !== LEASES) return `can only access leases in the ${JSON.stringify(LEASES)} system namespace`;
      return name === me ? null : 'can only access node lease with the same name as the requesting node';
    case 'csinodes.storage.k8s.io':
      return ((object as unknown as CSINode | null)?.metadata.name ?? name) === me
        ? null
        : 'can only access CSINode with the same name as the requesting node';
    case 'pods':
      return podVerdict(request, me);
    case 'persistentvolumeclaims':
      return request.subresource === 'status' ? null : 'may only update PVC status';
    case 'serviceaccounts':
      return tokenVerdict(request, me);
    default: {
      const owner = ((object ?? old) as unknown as { spec?: { nodeName?: string } } | null)?.spec?.nodeName;
      return owner === me ? null : 'can only create ResourceSlice with the same NodeName as the requesting node';
    }
  }
}

/** What is wrong stands after the node's name. Written so that texts are only made when something is. */
const node = (me: string, what: string): string => `node ${JSON.stringify(me)} ${what}`;

function podVerdict(request: AdmissionRequest, me: string): Verdict {
  const { subresource, operation } = request;
  const [pod, old] = [request.object, request.old] as unknown as [Pod | null, Pod | null];
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return mirrorVerdict(request, pod as Pod, me);
      if (operation !== 'DELETE') return `unexpected operation ${JSON.stringify(operation)}`;
      return old?.spec.nodeName === me ? null : node(me, 'can only delete pods with spec.nodeName set to itself');
    case 'status':
      return old && pod ? statusVerdict(pod, old, me) : null;
    case 'eviction':
      return isElsewhere(request, me) ? `node ${me} can only evict pods with spec.nodeName set to itself` : null;
    default:
      return `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`;
  }
}

function statusVerdict({ metadata, status }: Pod, old: Pod, me: string): Verdict {
  if (old.spec.nodeName !== me) return node(me, 'can only update pod status for pods with spec.nodeName set to itself');
  if (differs(metadata.labels, old.metadata.labels)) return node(me, 'cannot update labels through pod status');
  if (differs(status?.resourceClaimStatuses, old.status?.resourceClaimStatuses)) return node(me, 'cannot update resource claim statuses');
  return null;
}

const differs = (a: unknown, b: unknown): boolean => a !== b && !jsonEqual(a, b);

function isElsewhere({ server, namespace, name }: AdmissionRequest, me: string): boolean {
  const pod = server.store.cache.ofKey('pods').get(`${namespace}/${name}`) as unknown as Pod | undefined;
  return pod !== undefined && pod.spec.nodeName !== me;
}

function mirrorVerdict({ server }: AdmissionRequest, { metadata, spec }: Pod, me: string): Verdict {
  if (metadata.annotations?.[MIRROR] === undefined) {
    return `pod does not have ${JSON.stringify(MIRROR)} annotation, ${node(me, 'can only create mirror pods')}`;
  }
  if (spec.nodeName !== me) return node(me, 'can only create pods with spec.nodeName set to itself');
  const owners = metadata.ownerReferences ?? [];
  if (owners.length > 1) return node(me, 'can only create pods with a single owner reference set to itself');
  const [owner] = owners;
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== me) {
    return node(me, 'can only create pods with an owner reference set to itself');
  }
  if (owner.controller !== true) return node(me, 'can only create pods with a controller owner reference set to itself');
  if (owner.blockOwnerDeletion === true) return node(me, 'must not set blockOwnerDeletion on an owner reference');
  const uid = server.store.cache.ofKey('nodes').get(me)?.metadata.uid;
  if (uid !== undefined && uid !== owner.uid) return node(me, `UID mismatch: expected ${uid} got ${owner.uid}`);
  if (spec.serviceAccountName) return node(me, 'can not create pods that reference a service account');
  const referenced = references(spec);
  return referenced === '' ? null : node(me, `can not create pods that reference ${referenced}`);
}

/** The first kind of API object that the Pod refers to. */
function references({ volumes = [], containers }: Pod['spec']): string {
  for (const volume of volumes) {
    if (volume.secret) return 'secrets';
    if (volume.configMap) return 'configmaps';
    if (volume.persistentVolumeClaim) return 'persistentvolumeclaims';
    for (const source of volume.projected?.sources ?? []) {
      if (source.secret) return 'secrets';
      if (source.configMap) return 'configmaps';
      if (source.serviceAccountToken) return 'serviceaccounts (via projected tokens)';
    }
  }
  for (const { env = [], envFrom = [] } of containers) {
    if (envFrom.some((e) => e.secretRef) || env.some((e) => e.valueFrom?.secretKeyRef)) return 'secrets';
    if (envFrom.some((e) => e.configMapRef) || env.some((e) => e.valueFrom?.configMapKeyRef)) return 'configmaps';
  }
  return '';
}

function nodeVerdict({ name, operation, object, old }: AdmissionRequest, me: string): Verdict {
  if (name !== me) return node(me, `is not allowed to modify node ${JSON.stringify(name)}`);
  const now = object as unknown as Node | null;
  const before = old as unknown as Node | null;
  if (operation === 'CREATE' && now) {
    const labels = modifiedLabels(now.metadata.labels, undefined);
    return labels.length === 0 ? null : node(me, `is not allowed to set the following labels: ${labels.join(', ')}`);
  }
  if (operation !== 'UPDATE' || !now || !before) return null;
  if (differs(now.spec?.taints, before.spec?.taints)) return node(me, 'is not allowed to modify taints');
  if (now.metadata.labels !== before.metadata.labels) {
    const labels = modifiedLabels(now.metadata.labels, before.metadata.labels);
    if (labels.length > 0) return node(me, `is not allowed to modify labels: ${labels.join(', ')}`);
  }
  return differs(now.metadata.ownerReferences, before.metadata.ownerReferences)
    ? node(me, 'is not allowed to modify ownerReferences')
    : null;
}

interface TokenRequest {
  readonly spec?: {
    readonly boundObjectRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string; readonly uid?: string };
  };
}

function tokenVerdict({ operation, subresource, object, server, namespace, name }: AdmissionRequest, me: string): Verdict {
  if (operation !== 'CREATE' || subresource !== 'token') return null;
  const ref = (object as unknown as TokenRequest | null)?.spec?.boundObjectRef;
  if (!ref || ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) return 'node requested token not bound to a pod';
  if (!ref.uid) return 'node requested token with a pod binding without a uid';
  const pod = server.store.cache.ofKey('pods').get(`${namespace}/${ref.name}`) as unknown as Pod | undefined;
  if (!pod) return 'pod not found';
  if (ref.uid !== pod.metadata.uid) {
    return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  if (pod.spec.nodeName !== me) return 'node requested token bound to a pod scheduled on a different node';
  const account: ServiceAccount['metadata']['name'] = pod.spec.serviceAccountName ?? 'default';
  return account === name ? null : `node requested token bound to a pod that does not use the service account ${JSON.stringify(name)}`;
}
