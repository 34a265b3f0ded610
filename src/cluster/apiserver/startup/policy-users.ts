// The roles for people: view, edit and admin are aggregated from these by the controller manager, and from any role with their label.

const PODS = 'pods,pods/attach,pods/proxy,pods/exec,pods/portforward';
const WORKLOADS =
  'statefulsets,statefulsets/scale,daemonsets,deployments,deployments/scale,deployments/rollback,replicasets,replicasets/scale';
const EXTENSIONS =
  'daemonsets,deployments,deployments/scale,deployments/rollback,ingresses,replicasets,replicasets/scale,replicationcontrollers/scale,networkpolicies';

export const AGGREGATE_TO_ADMIN: readonly string[] = [
  'create | authorization.k8s.io | localsubjectaccessreviews',
  'read,write | rbac.authorization.k8s.io | roles,rolebindings',
];

export const AGGREGATE_TO_EDIT: readonly string[] = [
  'read | core | pods/attach,pods/proxy,pods/exec,pods/portforward,secrets,services/proxy',
  'impersonate | core | serviceaccounts',
  `write | core | ${PODS}`,
  'create | core | pods/eviction',
  'write | core | replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/proxy,persistentvolumeclaims,configmaps,secrets,events',
  'create | core | serviceaccounts/token',
  `write | apps | ${WORKLOADS}`,
  'write | autoscaling | horizontalpodautoscalers',
  'write | batch | jobs,cronjobs',
  `write | extensions | ${EXTENSIONS}`,
  'write | policy | poddisruptionbudgets',
  'write | networking.k8s.io | networkpolicies,ingresses',
  'read,write | coordination.k8s.io | leases',
  'write | resource.k8s.io | resourceclaims,resourceclaimtemplates',
];

export const AGGREGATE_TO_VIEW: readonly string[] = [
  'read | core | pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,configmaps',
  'read | core | limitranges,resourcequotas,bindings,events,pods/status,resourcequotas/status,namespaces/status,replicationcontrollers/status,pods/log',
  'read | core | namespaces',
  'read | discovery.k8s.io | endpointslices',
  'read | apps | controllerrevisions,statefulsets,statefulsets/status,statefulsets/scale,daemonsets,daemonsets/status,deployments,deployments/status,deployments/scale,replicasets,replicasets/status,replicasets/scale',
  'read | autoscaling | horizontalpodautoscalers,horizontalpodautoscalers/status',
  'read | batch | jobs,cronjobs,cronjobs/status,jobs/status',
  'read | extensions | daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale,networkpolicies',
  'read | policy | poddisruptionbudgets,poddisruptionbudgets/status',
  'read | networking.k8s.io | networkpolicies,ingresses,ingresses/status',
  'read | resource.k8s.io | resourceclaims,resourceclaims/status,resourceclaimtemplates',
];
