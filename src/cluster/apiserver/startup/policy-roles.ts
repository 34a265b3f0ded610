// The cluster roles and bindings that are not a controller's (bootstrappolicy/policy.go), and the roles inside kube-system and
// kube-public (namespace_policy.go).

import { EVENTS } from './policy-rules.ts';
import { AGGREGATE_TO_ADMIN, AGGREGATE_TO_EDIT, AGGREGATE_TO_VIEW } from './policy-users.ts';

/** What the Node authorizer allows every node. The role of the same content is bound to nobody. */
export const NODE_RULES: readonly string[] = [
  'create | authentication.k8s.io | tokenreviews',
  'create | authorization.k8s.io | subjectaccessreviews,localsubjectaccessreviews',
  'read | core | services',
  'create,read | core | nodes',
  'update,patch | core | nodes/status',
  'update,patch | core | nodes',
  'create,update,patch | core | events',
  'read | core | pods',
  'create,delete | core | pods',
  'update,patch | core | pods/status',
  'create | core | pods/eviction',
  'read | core | secrets,configmaps',
  'get | core | persistentvolumeclaims,persistentvolumes',
  'get | core | endpoints',
  'create,read | certificates.k8s.io | certificatesigningrequests',
  'get,create,update,patch,delete | coordination.k8s.io | leases',
  'get | storage.k8s.io | volumeattachments',
  'get,update,patch | core | persistentvolumeclaims/status',
  'create | core | serviceaccounts/token',
  'get | core | serviceaccounts',
  'read | storage.k8s.io | csidrivers',
  'get,create,update,patch,delete | storage.k8s.io | csinodes',
  'read | node.k8s.io | runtimeclasses',
  'get | resource.k8s.io | resourceclaims',
  'read,create,update,patch,delete,deletecollection | resource.k8s.io | resourceslices',
];

const SCHEDULER_RULES = [
  EVENTS,
  'create | coordination.k8s.io | leases',
  'get,update | coordination.k8s.io | leases | kube-scheduler',
  'read | core | nodes',
  'read,delete | core | pods',
  'create | core | pods/binding,bindings',
  'patch,update | core | pods/status',
  'read | core | services,replicationcontrollers',
  'read | apps,extensions | replicasets',
  'read | apps | statefulsets',
  'read | policy | poddisruptionbudgets',
  'read | core | persistentvolumeclaims,persistentvolumes',
  'create | authentication.k8s.io | tokenreviews',
  'create | authorization.k8s.io | subjectaccessreviews',
  'read | storage.k8s.io | csinodes',
  'read | core | namespaces',
  'read | storage.k8s.io | csidrivers',
  'read | storage.k8s.io | csistoragecapacities',
  'read | storage.k8s.io | volumeattachments',
  'read | resource.k8s.io | deviceclasses,resourceslices',
  'read,update,patch | resource.k8s.io | resourceclaims',
  'update,patch | resource.k8s.io | resourceclaims/status',
];

const CONTROLLER_MANAGER_RULES = [
  EVENTS,
  'create | coordination.k8s.io | leases',
  'get,update | coordination.k8s.io | leases | kube-controller-manager',
  'create | core | secrets,serviceaccounts',
  'delete | core | secrets',
  'get | core | namespaces,secrets,serviceaccounts,configmaps',
  'update | core | secrets,serviceaccounts',
  'create | authentication.k8s.io | tokenreviews',
  'create | authorization.k8s.io | subjectaccessreviews',
  'list,watch | * | *',
  'create | core | serviceaccounts/token',
];

const APPROVE = 'approve | certificates.k8s.io | signers | kubernetes.io/';

export interface RoleLine {
  readonly name: string;
  readonly rules?: readonly string[];
  /** Which of the aggregated roles takes it in. */
  readonly into?: 'admin' | 'edit' | 'view';
  /** It is aggregated from the roles with that label. */
  readonly from?: 'admin' | 'edit' | 'view';
}

export const CLUSTER_ROLES: readonly RoleLine[] = [
  { name: 'cluster-admin', rules: ['* | * | *', '* | *'] },
  {
    name: 'system:discovery',
    rules: ['get | /livez,/readyz,/healthz,/version,/version/,/openapi,/openapi/*,/api,/api/*,/apis,/apis/*'],
  },
  {
    name: 'system:monitoring',
    rules: ['get | /metrics,/metrics/slis,/livez,/readyz,/healthz,/livez/*,/readyz/*,/healthz/*'],
  },
  {
    name: 'system:basic-user',
    rules: [
      'create | authorization.k8s.io | selfsubjectaccessreviews,selfsubjectrulesreviews',
      'create | authentication.k8s.io | selfsubjectreviews',
    ],
  },
  { name: 'system:public-info-viewer', rules: ['get | /livez,/readyz,/healthz,/version,/version/'] },
  { name: 'admin', from: 'admin' },
  { name: 'edit', from: 'edit', into: 'admin' },
  { name: 'view', from: 'view', into: 'edit' },
  { name: 'system:aggregate-to-admin', into: 'admin', rules: AGGREGATE_TO_ADMIN },
  { name: 'system:aggregate-to-edit', into: 'edit', rules: AGGREGATE_TO_EDIT },
  { name: 'system:aggregate-to-view', into: 'view', rules: AGGREGATE_TO_VIEW },
  { name: 'system:heapster', rules: ['read | core | events,pods,nodes,namespaces', 'read | extensions | deployments'] },
  { name: 'system:node', rules: NODE_RULES },
  { name: 'system:node-problem-detector', rules: ['get | core | nodes', 'patch | core | nodes/status', EVENTS] },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      'read | core | nodes',
      'proxy | core | nodes',
      '* | core | nodes/proxy,nodes/metrics,nodes/stats,nodes/log,nodes/configz,nodes/healthz,nodes/pods',
    ],
  },
  { name: 'system:node-bootstrapper', rules: ['create,read | certificates.k8s.io | certificatesigningrequests'] },
  {
    name: 'system:auth-delegator',
    rules: ['create | authentication.k8s.io | tokenreviews', 'create | authorization.k8s.io | subjectaccessreviews'],
  },
  { name: 'system:kube-aggregator', rules: ['read | core | services,endpoints'] },
  { name: 'system:kube-controller-manager', rules: CONTROLLER_MANAGER_RULES },
  { name: 'system:kube-dns', rules: ['list,watch | core | endpoints,services'] },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      'read,create,delete | core | persistentvolumes',
      'read,update | core | persistentvolumeclaims',
      'read | storage.k8s.io | storageclasses',
      'watch | core | events',
      EVENTS,
    ],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    rules: ['create | certificates.k8s.io | certificatesigningrequests/nodeclient'],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    rules: ['create | certificates.k8s.io | certificatesigningrequests/selfnodeclient'],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      'read,update,patch | core | persistentvolumes',
      'read | storage.k8s.io | storageclasses',
      'read,update,patch | core | persistentvolumeclaims',
    ],
  },
  { name: 'system:certificates.k8s.io:legacy-unknown-approver', rules: [`${APPROVE}legacy-unknown`] },
  { name: 'system:certificates.k8s.io:kubelet-serving-approver', rules: [`${APPROVE}kubelet-serving`] },
  { name: 'system:certificates.k8s.io:kube-apiserver-client-approver', rules: [`${APPROVE}kube-apiserver-client`] },
  { name: 'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver', rules: [`${APPROVE}kube-apiserver-client-kubelet`] },
  {
    name: 'system:service-account-issuer-discovery',
    rules: ['get | /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/'],
  },
  {
    name: 'system:node-proxier',
    rules: [
      'list,watch | core | services,endpoints',
      'read | core | nodes',
      EVENTS,
      'list,watch | discovery.k8s.io | endpointslices',
      'list,watch | networking.k8s.io | servicecidrs',
    ],
  },
  { name: 'system:kube-scheduler', rules: SCHEDULER_RULES },
];

/** Name, role, subjects (`Group x`, `User x`, `ServiceAccount <namespace>/<name>`). */
export type BindingLine = readonly [name: string, role: string, ...subjects: string[]];

const MANAGER = 'User system:kube-controller-manager';
const SCHEDULER = 'User system:kube-scheduler';

export const CLUSTER_BINDINGS: readonly BindingLine[] = [
  ['cluster-admin', 'cluster-admin', 'Group system:masters'],
  ['system:monitoring', 'system:monitoring', 'Group system:monitoring'],
  ['system:discovery', 'system:discovery', 'Group system:authenticated'],
  ['system:basic-user', 'system:basic-user', 'Group system:authenticated'],
  ['system:public-info-viewer', 'system:public-info-viewer', 'Group system:authenticated', 'Group system:unauthenticated'],
  ['system:node-proxier', 'system:node-proxier', 'User system:kube-proxy'],
  ['system:kube-controller-manager', 'system:kube-controller-manager', MANAGER],
  ['system:kube-dns', 'system:kube-dns', 'ServiceAccount kube-system/kube-dns'],
  ['system:kube-scheduler', 'system:kube-scheduler', SCHEDULER],
  ['system:volume-scheduler', 'system:volume-scheduler', SCHEDULER],
  ['system:node', 'system:node'],
  ['system:service-account-issuer-discovery', 'system:service-account-issuer-discovery', 'Group system:serviceaccounts'],
];

export const NAMESPACED_ROLES: readonly (readonly [namespace: string, name: string, rules: readonly string[]])[] = [
  ['kube-system', 'extension-apiserver-authentication-reader', ['read | core | configmaps | extension-apiserver-authentication']],
  ['kube-system', 'system:controller:bootstrap-signer', ['read | core | secrets']],
  ['kube-system', 'system:controller:cloud-provider', ['create,read | core | configmaps']],
  ['kube-system', 'system:controller:token-cleaner', ['read,delete | core | secrets', EVENTS]],
  [
    'kube-system',
    'system::leader-locking-kube-controller-manager',
    ['watch | core | configmaps', 'get,update | core | configmaps | kube-controller-manager'],
  ],
  [
    'kube-system',
    'system::leader-locking-kube-scheduler',
    ['watch | core | configmaps', 'get,update | core | configmaps | kube-scheduler'],
  ],
  [
    'kube-public',
    'system:controller:bootstrap-signer',
    ['read | core | configmaps', 'update | core | configmaps | cluster-info', EVENTS],
  ],
];

const LOCKING = 'system::leader-locking-kube-';

export const NAMESPACED_BINDINGS: readonly (readonly [namespace: string, binding: BindingLine])[] = [
  [
    'kube-system',
    ['system::extension-apiserver-authentication-reader', 'extension-apiserver-authentication-reader', MANAGER, SCHEDULER],
  ],
  [
    'kube-system',
    [`${LOCKING}controller-manager`, `${LOCKING}controller-manager`, MANAGER, 'ServiceAccount kube-system/kube-controller-manager'],
  ],
  ['kube-system', [`${LOCKING}scheduler`, `${LOCKING}scheduler`, SCHEDULER, 'ServiceAccount kube-system/kube-scheduler']],
  ...(['kube-system/bootstrap-signer', 'kube-system/cloud-provider', 'kube-system/token-cleaner', 'kube-public/bootstrap-signer'] as const).map(
    (where): readonly [string, BindingLine] => {
      const [namespace = '', account = ''] = where.split('/');
      const role = `system:controller:${account}`;
      return [namespace, [role, role, `ServiceAccount kube-system/${account}`]];
    },
  ),
];
