// The roles and bindings that every cluster has (plugin/pkg/auth/authorizer/rbac/bootstrappolicy). Rules are written as
// "verbs | groups | resources | names"; core is the group ''.

import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../api/generated/types.ts';
import { controllerRules } from './policy-controllers.ts';
import { admin, edit, view } from './policy-users.ts';

const LABELS = Object.freeze({ 'kubernetes.io/bootstrapping': 'rbac-defaults' });
const ANNOTATIONS = Object.freeze({ 'rbac.authorization.kubernetes.io/autoupdate': 'true' });
const GROUP = 'rbac.authorization.k8s.io';

const READ = 'get,list,watch';
const WRITE = 'create,update,patch,delete,deletecollection';

/** One line as a rule; a line that begins with `/` in its second part is about paths. */
export function rule(line: string): PolicyRule {
  const [verbs = '', groups = '', resources = '', names = ''] = line.split('|').map((part) => part.trim());
  const list = (text: string): string[] => text.split(',').map((part) => part.trim());
  if (groups.startsWith('/') || (groups === '*' && resources === '')) return { verbs: list(verbs), nonResourceURLs: list(groups) };
  return {
    verbs: list(verbs),
    apiGroups: list(groups).map((group) => (group === 'core' ? '' : group)),
    resources: list(resources),
    ...(names === '' ? {} : { resourceNames: list(names) }),
  };
}

const EVENTS = 'create,patch,update | core,events.k8s.io | events';

const NODE_RULES = [
  'create | authentication.k8s.io | tokenreviews',
  'create | authorization.k8s.io | subjectaccessreviews,localsubjectaccessreviews',
  `${READ} | core | services`,
  `create,${READ} | core | nodes`,
  'patch,update | core | nodes/status',
  'patch,update | core | nodes',
  EVENTS,
  `${READ} | core | pods`,
  'create,delete | core | pods',
  'patch,update | core | pods/status',
  'create | core | pods/eviction',
  `${READ} | core | configmaps,secrets`,
  'get | core | persistentvolumeclaims,persistentvolumes',
  'get | core | endpoints',
  `create,${READ} | certificates.k8s.io | certificatesigningrequests`,
  'get,create,update,patch,delete | coordination.k8s.io | leases',
  'get | storage.k8s.io | volumeattachments',
  'create | core | serviceaccounts/token',
  'get,patch,update | core | persistentvolumeclaims/status',
  `${READ} | storage.k8s.io | csidrivers`,
  'get,create,update,patch,delete | storage.k8s.io | csinodes',
  `${READ} | node.k8s.io | runtimeclasses`,
  `get | core | serviceaccounts`,
  `${READ},deletecollection | resource.k8s.io | resourceslices`,
];

const SCHEDULER_RULES = [
  EVENTS,
  `create,get,list,watch | coordination.k8s.io | leases`,
  'get,update,patch | coordination.k8s.io | leases | kube-scheduler',
  `${READ} | core | nodes`,
  `delete,${READ} | core | pods`,
  'create | core | bindings,pods/binding',
  'patch,update | core | pods/status',
  `${READ} | core | replicationcontrollers,services`,
  `${READ} | apps,extensions | replicasets`,
  `${READ} | apps | statefulsets`,
  `${READ} | policy | poddisruptionbudgets`,
  `${READ},patch,update | core | persistentvolumeclaims,persistentvolumes`,
  'create | authentication.k8s.io | tokenreviews',
  'create | authorization.k8s.io | subjectaccessreviews',
  `${READ} | storage.k8s.io | csinodes,csidrivers,csistoragecapacities,storageclasses,volumeattachments`,
  `${READ} | resource.k8s.io | deviceclasses,resourceclaims,resourceslices`,
  'update,patch | resource.k8s.io | resourceclaims/status',
  `${READ} | core | namespaces`,
];

const CONTROLLER_MANAGER_RULES = [
  EVENTS,
  `create,get,list,watch | coordination.k8s.io | leases`,
  'get,update,patch | coordination.k8s.io | leases | kube-controller-manager',
  'create | core | secrets,serviceaccounts',
  'delete | core | secrets',
  'get | core | configmaps,namespaces,secrets,serviceaccounts',
  'update | core | secrets,serviceaccounts',
  'create | authentication.k8s.io | tokenreviews',
  'create | authorization.k8s.io | subjectaccessreviews',
  'list,watch | * | *',
  'create | core | serviceaccounts/token',
];

const PROXIER_RULES = [
  `list,watch | core | services,endpoints`,
  'get,list,watch | core | nodes',
  EVENTS,
  'list,watch | discovery.k8s.io | endpointslices',
  'list,watch | networking.k8s.io | servicecidrs',
];

const CLUSTER_ROLES: readonly [string, readonly string[]][] = [
  ['cluster-admin', ['* | * | *', '* | *']],
  ['system:discovery', ['get | /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/']],
  ['system:monitoring', ['get | /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*']],
  [
    'system:basic-user',
    [
      'create | authorization.k8s.io | selfsubjectaccessreviews,selfsubjectrulesreviews',
      'create | authentication.k8s.io | selfsubjectreviews',
    ],
  ],
  ['system:public-info-viewer', ['get | /healthz,/livez,/readyz,/version,/version/']],
  ['system:auth-delegator', ['create | authentication.k8s.io | tokenreviews', 'create | authorization.k8s.io | subjectaccessreviews']],
  ['system:node', NODE_RULES],
  ['system:node-proxier', PROXIER_RULES],
  [
    'system:kubelet-api-admin',
    [`${READ} | core | nodes`, 'proxy | core | nodes', '* | core | nodes/log,nodes/metrics,nodes/proxy,nodes/stats'],
  ],
  ['system:node-bootstrapper', [`create,${READ} | certificates.k8s.io | certificatesigningrequests`]],
  ['system:kube-scheduler', SCHEDULER_RULES],
  [
    'system:volume-scheduler',
    [
      `${READ},patch,update | core | persistentvolumes`,
      `${READ} | storage.k8s.io | storageclasses`,
      `${READ},patch,update | core | persistentvolumeclaims`,
    ],
  ],
  ['system:kube-controller-manager', CONTROLLER_MANAGER_RULES],
  ['system:kube-dns', ['list,watch | core | endpoints,services']],
  ['system:heapster', [`${READ} | core | events,namespaces,nodes,pods`]],
  [
    'system:service-account-issuer-discovery',
    ['get | /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/'],
  ],
  [
    'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    ['create | certificates.k8s.io | certificatesigningrequests/nodeclient'],
  ],
  [
    'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    ['create | certificates.k8s.io | certificatesigningrequests/selfnodeclient'],
  ],
  ['view', view(READ)],
  ['edit', edit(READ, WRITE)],
  ['admin', admin(READ, WRITE)],
];

type BindingLine = readonly [name: string, role: string, ...subjects: string[]];

const CLUSTER_BINDINGS: readonly BindingLine[] = [
  ['cluster-admin', 'cluster-admin', 'Group system:masters'],
  ['system:monitoring', 'system:monitoring', 'Group system:monitoring'],
  ['system:discovery', 'system:discovery', 'Group system:authenticated'],
  ['system:basic-user', 'system:basic-user', 'Group system:authenticated'],
  ['system:public-info-viewer', 'system:public-info-viewer', 'Group system:authenticated', 'Group system:unauthenticated'],
  ['system:node-proxier', 'system:node-proxier', 'User system:kube-proxy'],
  ['system:kube-controller-manager', 'system:kube-controller-manager', 'User system:kube-controller-manager'],
  ['system:kube-dns', 'system:kube-dns', 'ServiceAccount kube-system/kube-dns'],
  ['system:kube-scheduler', 'system:kube-scheduler', 'User system:kube-scheduler'],
  ['system:volume-scheduler', 'system:volume-scheduler', 'User system:kube-scheduler'],
  // The Node authorizer narrows this to what belongs to each node; here the group has the role as a whole.
  ['system:node', 'system:node', 'Group system:nodes'],
  ['system:service-account-issuer-discovery', 'system:service-account-issuer-discovery', 'Group system:serviceaccounts'],
];

const KUBE_SYSTEM_ROLES: readonly [string, readonly string[]][] = [
  ['extension-apiserver-authentication-reader', [`${READ} | core | configmaps | extension-apiserver-authentication`]],
  ['system:controller:bootstrap-signer', [`${READ} | core | secrets`]],
  ['system:controller:cloud-provider', [`create,${READ} | core | configmaps`]],
  ['system:controller:token-cleaner', [`delete,${READ} | core | secrets`, EVENTS]],
  [
    'system::leader-locking-kube-controller-manager',
    ['watch | core | configmaps', 'get,update | core | configmaps | kube-controller-manager'],
  ],
  ['system::leader-locking-kube-scheduler', ['watch | core | configmaps', 'get,update | core | configmaps | kube-scheduler']],
];

const KUBE_SYSTEM_BINDINGS: readonly BindingLine[] = [
  [
    'system::extension-apiserver-authentication-reader',
    'extension-apiserver-authentication-reader',
    'User system:kube-controller-manager',
    'User system:kube-scheduler',
  ],
  ['system:controller:bootstrap-signer', 'system:controller:bootstrap-signer', 'ServiceAccount kube-system/bootstrap-signer'],
  ['system:controller:cloud-provider', 'system:controller:cloud-provider', 'ServiceAccount kube-system/cloud-provider'],
  ['system:controller:token-cleaner', 'system:controller:token-cleaner', 'ServiceAccount kube-system/token-cleaner'],
  [
    'system::leader-locking-kube-controller-manager',
    'system::leader-locking-kube-controller-manager',
    'User system:kube-controller-manager',
    'ServiceAccount kube-system/kube-controller-manager',
  ],
  [
    'system::leader-locking-kube-scheduler',
    'system::leader-locking-kube-scheduler',
    'User system:kube-scheduler',
    'ServiceAccount kube-system/kube-scheduler',
  ],
];

const KUBE_PUBLIC_ROLES: readonly [string, readonly string[]][] = [
  ['system:controller:bootstrap-signer', [`${READ} | core | configmaps`, 'update | core | configmaps | cluster-info', EVENTS]],
];

const KUBE_PUBLIC_BINDINGS: readonly BindingLine[] = [
  ['system:controller:bootstrap-signer', 'system:controller:bootstrap-signer', 'ServiceAccount kube-system/bootstrap-signer'],
];

/** All bootstrap objects, in the order in which they are made. */
export function bootstrapPolicy(): readonly (ClusterRole | ClusterRoleBinding | Role | RoleBinding)[] {
  const controllers = Object.entries(controllerRules(READ));
  return [
    ...CLUSTER_ROLES.map(([name, lines]) => clusterRole(name, lines)),
    ...controllers.map(([name, lines]) => clusterRole(`system:controller:${name}`, [...lines, EVENTS])),
    ...CLUSTER_BINDINGS.map((line) => clusterBinding(line)),
    ...controllers.map(([name]) =>
      clusterBinding([`system:controller:${name}`, `system:controller:${name}`, `ServiceAccount kube-system/${name}`]),
    ),
    ...KUBE_SYSTEM_ROLES.map(([name, lines]) => namespacedRole('kube-system', name, lines)),
    ...KUBE_PUBLIC_ROLES.map(([name, lines]) => namespacedRole('kube-public', name, lines)),
    ...KUBE_SYSTEM_BINDINGS.map((line) => namespacedBinding('kube-system', line)),
    ...KUBE_PUBLIC_BINDINGS.map((line) => namespacedBinding('kube-public', line)),
  ];
}

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  labels: LABELS,
  annotations: ANNOTATIONS,
});

function clusterRole(name: string, lines: readonly string[]): ClusterRole {
  return { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata: metadata(name), rules: lines.map(rule) } as ClusterRole;
}

function clusterBinding([name, role, ...subjects]: BindingLine): ClusterRoleBinding {
  const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: role };
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metadata(name),
    roleRef,
    subjects: subjects.map(subject),
  } as ClusterRoleBinding;
}

function namespacedRole(namespace: string, name: string, lines: readonly string[]): Role {
  return { apiVersion: `${GROUP}/v1`, kind: 'Role', metadata: metadata(name, namespace), rules: lines.map(rule) } as Role;
}

function namespacedBinding(namespace: string, [name, role, ...subjects]: BindingLine): RoleBinding {
  const roleRef = { apiGroup: GROUP, kind: 'Role', name: role };
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'RoleBinding',
    metadata: metadata(name, namespace),
    roleRef,
    subjects: subjects.map(subject),
  } as RoleBinding;
}

function subject(text: string): Subject {
  const space = text.indexOf(' ');
  const kind = text.slice(0, space);
  const who = text.slice(space + 1);
  if (kind !== 'ServiceAccount') return { apiGroup: GROUP, kind, name: who };
  const slash = who.indexOf('/');
  return { kind, name: who.slice(slash + 1), namespace: who.slice(0, slash) };
}
