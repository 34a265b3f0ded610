// What Calico's service accounts may do (manifests/calico.yaml).

import type { ApiObject } from '../../../api/meta.ts';
import { GROUP } from '../resources.ts';

type Verbs = readonly string[];
const READ: Verbs = ['get', 'list', 'watch'];
const WRITE: Verbs = ['get', 'list', 'create', 'update', 'delete'];

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: Verbs;
  readonly resourceNames?: readonly string[];
}

const core = (resources: readonly string[], verbs: Verbs): Rule => ({ apiGroups: [''], resources, verbs });
const calico = (resources: readonly string[], verbs: Verbs): Rule => ({ apiGroups: ['projectcalico.org', GROUP], resources, verbs });
const IPAM = ['blockaffinities', 'ipamblocks', 'ipamhandles'];

const ROLES: Readonly<Record<string, readonly Rule[]>> = {
  'calico-kube-controllers': [
    core(['nodes', 'pods', 'namespaces'], READ),
    core(['services', 'services/status'], ['get', 'list', 'update', 'watch']),
    calico(['ipreservations'], ['list', 'watch']),
    calico([...IPAM, 'ipamconfigurations', 'ipamconfigs', 'tiers'], [...WRITE, 'watch']),
    calico(['ippools'], ['list', 'watch']),
    calico(['hostendpoints'], [...WRITE, 'watch']),
    calico(['clusterinformations', 'kubecontrollersconfigurations'], ['get', 'list', 'create', 'update', 'watch']),
  ],
  'calico-node': [
    { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: ['calico-cni-plugin'], verbs: ['create'] },
    core(['pods', 'nodes', 'namespaces'], ['get']),
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['watch', 'list'] },
    core(['endpoints', 'services'], ['watch', 'list', 'get']),
    core(['configmaps'], ['get']),
    core(['nodes/status'], ['patch', 'update']),
    { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['watch', 'list'] },
    core(['pods', 'namespaces', 'serviceaccounts'], ['list', 'watch']),
    core(['pods/status'], ['patch']),
    calico(['felixconfigurations', 'bgppeers', 'bgpconfigurations', 'ippools', 'ipreservations', 'ipamblocks', 'globalnetworkpolicies', 'networkpolicies', 'globalnetworksets', 'networksets', 'clusterinformations', 'hostendpoints', 'blockaffinities', 'tiers'], READ),
    calico(['tiers'], ['create']),
    calico(['ippools', 'felixconfigurations', 'bgpconfigurations', 'clusterinformations'], ['create', 'update']),
    core(['nodes'], READ),
    calico(['bgpconfigurations', 'bgppeers'], ['create', 'update']),
    calico(IPAM, WRITE),
    calico(['ipamconfigurations', 'ipamconfigs'], ['get', 'create']),
    calico(['blockaffinities'], ['watch']),
    { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['get'] },
  ],
  'calico-cni-plugin': [
    core(['pods', 'nodes', 'namespaces'], ['get']),
    core(['pods/status'], ['patch']),
    calico([...IPAM, 'clusterinformations', 'ippools', 'ipreservations', 'ipamconfigurations', 'ipamconfigs'], WRITE),
  ],
};

const RBAC = 'rbac.authorization.k8s.io';

export const calicoAccounts = (): ApiObject[] => Object.keys(ROLES).map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'kube-system' } }));

export const calicoRoles = (): ApiObject[] => [
  ...Object.entries(ROLES).map(([name, rules]) => ({ apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules }) as ApiObject),
  ...Object.keys(ROLES).map(
    (name) =>
      ({
        apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name }, subjects: [{ kind: 'ServiceAccount', name, namespace: 'kube-system' }],
      }) as ApiObject,
  ),
];
