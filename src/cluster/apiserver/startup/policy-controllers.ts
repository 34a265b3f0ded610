// What each controller may do with its own ServiceAccount (bootstrappolicy/controller_policy.go).

/** Rules by controller; each may write events besides. */
export function controllerRules(read: string): Readonly<Record<string, readonly string[]>> {
  const pods = `${read},create,update,patch,delete | core | pods`;
  return {
    'attachdetach-controller': ['list,watch | core | persistentvolumeclaims,persistentvolumes', `${read} | core | nodes`, 'patch,update | core | nodes/status', 'list,watch | core | pods', `create,delete,${read} | storage.k8s.io | volumeattachments`, `${read} | storage.k8s.io | csidrivers,csinodes`],
    'certificate-controller': [`delete,${read} | certificates.k8s.io | certificatesigningrequests`, 'update | certificates.k8s.io | certificatesigningrequests/approval,certificatesigningrequests/status', 'approve,sign | certificates.k8s.io | signers', 'create | authorization.k8s.io | subjectaccessreviews'],
    'clusterrole-aggregation-controller': ['escalate,get,list,patch,update,watch | rbac.authorization.k8s.io | clusterroles'],
    'cronjob-controller': ['get,list,update,watch | batch | cronjobs', 'create,delete,get,list,patch,update,watch | batch | jobs', 'update | batch | cronjobs/finalizers,cronjobs/status', 'delete,list | core | pods'],
    'daemon-set-controller': [`${read} | apps | daemonsets`, 'update | apps | daemonsets/finalizers,daemonsets/status', 'list,watch | core | nodes', `create,delete,patch,${read} | core | pods`, 'create | core | pods/binding', `create,delete,patch,update,${read} | apps | controllerrevisions`],
    'deployment-controller': [`update,${read} | apps | deployments`, 'update | apps | deployments/finalizers,deployments/status', `create,delete,patch,update,${read} | apps | replicasets`, `update,${read} | core | pods`],
    'disruption-controller': [`${read} | apps | deployments,replicasets,statefulsets`, `${read} | core | pods,replicationcontrollers`, `${read} | policy | poddisruptionbudgets`, 'update | policy | poddisruptionbudgets/status', 'patch,update | core | pods/status', 'get | * | */scale'],
    'endpoint-controller': [`${read} | core | pods,services`, `create,delete,update,${read} | core | endpoints`, 'create | core | endpoints/restricted'],
    'endpointslice-controller': [`${read} | core | nodes,pods,services`, 'update | core | services/finalizers', `create,delete,update,${read} | discovery.k8s.io | endpointslices`],
    'endpointslicemirroring-controller': [`${read} | core | endpoints,services`, 'update | core | endpoints/finalizers,services/finalizers', `create,delete,update,${read} | discovery.k8s.io | endpointslices`],
    'ephemeral-volume-controller': [`${read} | core | pods`, 'update | core | pods/finalizers', `create,${read} | core | persistentvolumeclaims`],
    'expand-controller': [`get,list,patch,update,watch | core | persistentvolumes`, 'patch,update | core | persistentvolumeclaims/status', `${read} | core | persistentvolumeclaims`, `${read} | storage.k8s.io | storageclasses`],
    'generic-garbage-collector': ['delete,get,list,patch,update,watch | * | *'],
    'horizontal-pod-autoscaler': [`${read} | autoscaling | horizontalpodautoscalers`, 'update | autoscaling | horizontalpodautoscalers/status', 'get,update | * | */scale', 'list | core | pods', 'list | metrics.k8s.io | pods', 'get,list | custom.metrics.k8s.io,external.metrics.k8s.io | *'],
    'job-controller': [`patch,update,${read} | batch | jobs`, 'update | batch | jobs/finalizers,jobs/status', `create,delete,patch,${read} | core | pods`],
    'legacy-service-account-token-cleaner': ['get | core | configmaps', 'delete,patch | core | secrets'],
    'namespace-controller': [`delete,${read} | core | namespaces`, 'update | core | namespaces/finalize,namespaces/status', 'delete,deletecollection,get,list | * | *'],
    'node-controller': [`delete,patch,update,${read} | core | nodes`, 'patch,update | core | nodes/status', 'patch,update | core | pods/status', `delete,${read} | core | pods`, `${read} | coordination.k8s.io | leases`],
    'persistent-volume-binder': [`create,delete,update,patch,${read} | core | persistentvolumes`, 'update | core | persistentvolumeclaims/status,persistentvolumes/status', `update,patch,${read} | core | persistentvolumeclaims`, `create,delete,${read} | core | pods`, `${read} | storage.k8s.io | storageclasses`, 'get,list | core | nodes'],
    'pod-garbage-collector': [`delete,${read} | core | pods`, `${read} | core | nodes`, 'patch,update | core | pods/status'],
    'pv-protection-controller': [`update,${read} | core | persistentvolumes`],
    'pvc-protection-controller': [`update,${read} | core | persistentvolumeclaims`, `${read} | core | pods`],
    'replicaset-controller': [`update,${read} | apps | replicasets`, 'update | apps | replicasets/finalizers,replicasets/status', pods],
    'replication-controller': [`update,${read} | core | replicationcontrollers`, 'update | core | replicationcontrollers/finalizers,replicationcontrollers/status', pods],
    'resourceclaim-controller': [`${read},create,delete | resource.k8s.io | resourceclaims`, 'update,patch | resource.k8s.io | resourceclaims/status', `${read} | core | pods`, 'patch,update | core | pods/status'],
    'resourcequota-controller': ['list,watch | * | *', 'update | core | resourcequotas/status'],
    'root-ca-cert-publisher': [`create,update,${read} | core | configmaps`, `${read} | core | namespaces`],
    'route-controller': ['list,watch | core | nodes', 'patch | core | nodes/status'],
    'service-account-controller': ['create | core | serviceaccounts', `${read} | core | namespaces,serviceaccounts`],
    'service-cidrs-controller': [`${read},patch,update | networking.k8s.io | servicecidrs`, 'patch,update | networking.k8s.io | servicecidrs/finalizers,servicecidrs/status', `${read} | networking.k8s.io | ipaddresses`],
    'service-controller': [`${read} | core | services`, 'patch,update | core | services/status', 'list,watch | core | nodes'],
    'statefulset-controller': [`${read} | apps | statefulsets`, 'update | apps | statefulsets/finalizers,statefulsets/status', pods, `create,delete,patch,update,${read} | apps | controllerrevisions`, `${read},create,update,delete | core | persistentvolumeclaims`],
    'taint-eviction-controller': [`delete,${read} | core | pods`, `${read} | core | nodes`, 'patch,update | core | pods/status'],
    'ttl-after-finished-controller': [`delete,${read} | batch | jobs`],
    'ttl-controller': [`${read},patch,update | core | nodes`],
    'validatingadmissionpolicy-status-controller': [`${read} | admissionregistration.k8s.io | validatingadmissionpolicies`, 'get,patch,update | admissionregistration.k8s.io | validatingadmissionpolicies/status'],
  };
}
