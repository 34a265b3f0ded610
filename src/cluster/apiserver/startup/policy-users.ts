// The roles for people: view, edit, admin. What each may do to the resources of a namespace.

const CORE_READ =
  'configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status';
const CORE_STATUS =
  'bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status,namespaces';
const CORE_WRITE =
  'configmaps,endpoints,events,persistentvolumeclaims,pods,pods/attach,pods/exec,pods/portforward,pods/proxy,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy';
const APPS =
  'controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status';
const APPS_WRITE =
  'daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale';
const BATCH = 'cronjobs,cronjobs/status,jobs,jobs/status';
const POLICY = 'poddisruptionbudgets,poddisruptionbudgets/status';
const NETWORK = 'ingresses,ingresses/status,networkpolicies';

export const view = (read: string): readonly string[] => [
  `${read} | core | ${CORE_READ}`,
  `${read} | core | ${CORE_STATUS}`,
  `${read} | discovery.k8s.io | endpointslices`,
  `${read} | apps | ${APPS}`,
  `${read} | autoscaling | horizontalpodautoscalers,horizontalpodautoscalers/status`,
  `${read} | batch | ${BATCH}`,
  `${read} | policy | ${POLICY}`,
  `${read} | networking.k8s.io | ${NETWORK}`,
];

export const edit = (read: string, write: string): readonly string[] => [
  `${read} | core | pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy`,
  'impersonate | core | serviceaccounts',
  `${write} | core | ${CORE_WRITE}`,
  'create | core | pods/eviction,serviceaccounts/token',
  `${write} | apps | ${APPS_WRITE}`,
  `${write} | autoscaling | horizontalpodautoscalers`,
  `${write} | batch | cronjobs,jobs`,
  `${write} | policy | poddisruptionbudgets`,
  `${write} | networking.k8s.io | ingresses,networkpolicies`,
  `${write},${read} | coordination.k8s.io | leases`,
  ...view(read),
];

export const admin = (read: string, write: string): readonly string[] => [
  'create | authorization.k8s.io | localsubjectaccessreviews',
  `${write},${read} | rbac.authorization.k8s.io | rolebindings,roles`,
  ...edit(read, write),
];
