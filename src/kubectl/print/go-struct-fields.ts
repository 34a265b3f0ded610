// In which order Go writes the fields of the types that kubectl's typed clients print (k8s.io/api v0.36.0, types.go): one definition
// a line, longer ones go on behind two spaces. `!` = written even when empty (a struct, a number, a text), `~` = then as null.
// Types that are not here have their fields in alphabetical order.

export const FIELD_ORDER = `
AppArmorProfile type! localhostProfile
BoundObjectReference kind apiVersion name uid
CSIVolumeSource driver! readOnly fsType volumeAttributes nodePublishSecretRef
ClusterRole kind apiVersion metadata! rules~ aggregationRule
ClusterRoleBinding kind apiVersion metadata! subjects roleRef!
ClusterTrustBundleProjection name signerName labelSelector optional path!
ConfigMap kind apiVersion metadata! immutable data binaryData
ConfigMapKeySelector name key! optional
ConfigMapProjection name items optional
ConfigMapVolumeSource name items defaultMode optional
Container name! image command args workingDir ports envFrom env resources! resizePolicy restartPolicy restartPolicyRules volumeMounts
  volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy
  securityContext stdin stdinOnce tty
ContainerExtendedResourceRequest containerName! resourceName! requestName!
ContainerPort name hostPort containerPort! protocol hostIP
ContainerResizePolicy resourceName! restartPolicy!
ContainerResourceMetricSource name! target! container!
ContainerResourceMetricStatus name! current! container!
ContainerState waiting running terminated
ContainerStateTerminated exitCode! signal reason message startedAt finishedAt containerID
ContainerStateWaiting reason message
ContainerStatus name! state! lastState! ready! restartCount! image! imageID! containerID started allocatedResources resources volumeMounts
  user allocatedResourcesStatus stopSignal
ControllerRevision kind apiVersion metadata! data revision!
CronJob kind apiVersion metadata! spec! status!
CronJobSpec schedule! timeZone startingDeadlineSeconds concurrencyPolicy suspend jobTemplate! successfulJobsHistoryLimit
  failedJobsHistoryLimit
CrossVersionObjectReference kind! name! apiVersion
DaemonSet kind apiVersion metadata! spec! status!
DaemonSetCondition type! status! lastTransitionTime reason message
DaemonSetSpec selector~ template! updateStrategy! minReadySeconds revisionHistoryLimit
DaemonSetStatus currentNumberScheduled! numberMisscheduled! desiredNumberScheduled! numberReady! observedGeneration updatedNumberScheduled
  numberAvailable numberUnavailable collisionCount conditions
DaemonSetUpdateStrategy type rollingUpdate
Deployment kind apiVersion metadata! spec! status!
DeploymentCondition type! status! lastUpdateTime lastTransitionTime reason message
DeploymentSpec replicas selector~ template! strategy! minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds
DeploymentStatus observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas terminatingReplicas
  conditions collisionCount
DeploymentStrategy type rollingUpdate
DownwardAPIVolumeFile path! fieldRef resourceFieldRef mode
DownwardAPIVolumeSource items defaultMode
EnvFromSource prefix configMapRef secretRef
EnvVar name! value valueFrom
EnvVarSource fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef
EphemeralContainer name! image command args workingDir ports envFrom env resources! resizePolicy restartPolicy restartPolicyRules
  volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy
  imagePullPolicy securityContext stdin stdinOnce tty targetContainerName
ExternalMetricSource metric! target!
ExternalMetricStatus metric! current!
FileKeySelector volumeName! path! key! optional
GRPCAction port! service~
HPAScalingPolicy type! value! periodSeconds!
HPAScalingRules stabilizationWindowSeconds selectPolicy policies tolerance
HTTPGetAction path port! host scheme httpHeaders
HTTPHeader name! value!
HTTPIngressPath path pathType~ backend!
HorizontalPodAutoscaler kind apiVersion metadata! spec! status!
HorizontalPodAutoscalerBehavior scaleUp scaleDown
HorizontalPodAutoscalerCondition type! status! lastTransitionTime reason message
HorizontalPodAutoscalerSpec scaleTargetRef! minReplicas maxReplicas! metrics behavior
HorizontalPodAutoscalerStatus observedGeneration lastScaleTime currentReplicas desiredReplicas! currentMetrics~ conditions
HostAlias ip! hostnames
HostPathVolumeSource path! type
ImageVolumeSource reference pullPolicy
Ingress kind apiVersion metadata! spec! status!
IngressBackend service resource
IngressLoadBalancerIngress ip hostname ports
IngressPortStatus port! protocol! error
IngressServiceBackend name! port!
IngressSpec ingressClassName defaultBackend tls rules
IngressStatus loadBalancer!
Job kind apiVersion metadata! spec! status!
JobCondition type! status! lastProbeTime lastTransitionTime reason message
JobSpec parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit backoffLimitPerIndex maxFailedIndexes
  selector manualSelector template! ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy
JobStatus conditions startTime completionTime active succeeded failed terminating completedIndexes failedIndexes uncountedTerminatedPods
  ready
JobTemplateSpec metadata! spec!
KeyToPath key! path! mode
LabelSelector matchLabels matchExpressions
LabelSelectorRequirement key! operator! values
LifecycleHandler exec httpGet tcpSocket sleep
LinuxContainerUser uid! gid! supplementalGroups
LoadBalancerIngress ip hostname ipMode ports
ManagedFieldsEntry manager operation apiVersion time fieldsType fieldsV1 subresource
MetricIdentifier name! selector
MetricSpec type! object pods resource containerResource external
MetricStatus type! object pods resource containerResource external
MetricTarget type! value averageValue averageUtilization
MetricValueStatus value averageValue averageUtilization
ModifyVolumeStatus targetVolumeAttributesClassName status!
NFSVolumeSource server! path! readOnly
Namespace kind apiVersion metadata! spec! status!
NamespaceCondition type! status! lastTransitionTime reason message
NamespaceStatus phase conditions
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
NodeAllocatableResourceClaimStatus resourceClaimName! containers resources~
NodeSelectorRequirement key! operator! values
ObjectFieldSelector apiVersion fieldPath!
ObjectMeta name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp
  deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields
ObjectMetricSource describedObject! target! metric!
ObjectMetricStatus metric! current! describedObject!
ObjectReference kind namespace name uid apiVersion resourceVersion fieldPath
OwnerReference apiVersion! kind! name! uid! controller blockOwnerDeletion
PersistentVolumeClaim kind apiVersion metadata! spec! status!
PersistentVolumeClaimCondition type! status! lastProbeTime lastTransitionTime reason message
PersistentVolumeClaimSpec accessModes selector resources! volumeName storageClassName volumeMode dataSource dataSourceRef
  volumeAttributesClassName
PersistentVolumeClaimStatus phase accessModes capacity conditions allocatedResources allocatedResourceStatuses
  currentVolumeAttributesClassName modifyVolumeStatus
PersistentVolumeClaimTemplate metadata! spec!
PersistentVolumeClaimVolumeSource claimName! readOnly
Pod kind apiVersion metadata! spec! status!
PodAffinity requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
PodAffinityTerm labelSelector namespaces topologyKey! namespaceSelector matchLabelKeys mismatchLabelKeys
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
PodCertificateProjection signerName keyType maxExpirationSeconds credentialBundlePath keyPath certificateChainPath userAnnotations
PodCondition type! observedGeneration status! lastProbeTime lastTransitionTime reason message
PodDNSConfig nameservers searches options
PodDisruptionBudget kind apiVersion metadata! spec! status!
PodDisruptionBudgetSpec minAvailable selector maxUnavailable unhealthyPodEvictionPolicy
PodDisruptionBudgetStatus observedGeneration disruptedPods disruptionsAllowed! currentHealthy! desiredHealthy! expectedPods! conditions
PodExtendedResourceClaimStatus requestMappings~ resourceClaimName!
PodFailurePolicyOnExitCodesRequirement containerName operator! values~
PodFailurePolicyOnPodConditionsPattern type! status!
PodFailurePolicyRule action! onExitCodes onPodConditions
PodResourceClaim name! resourceClaimName resourceClaimTemplateName
PodResourceClaimStatus name! resourceClaimName
PodSecurityContext seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup
  sysctls fsGroupChangePolicy seccompProfile appArmorProfile seLinuxChangePolicy
PodSpec volumes initContainers containers~ ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy
  nodeSelector serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork hostPID hostIPC shareProcessNamespace
  securityContext imagePullSecrets hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig
  readinessGates runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN os hostUsers
  schedulingGates resourceClaims resources hostnameOverride schedulingGroup
PodStatus observedGeneration phase conditions message reason nominatedNodeName hostIP hostIPs podIP podIPs startTime initContainerStatuses
  containerStatuses qosClass ephemeralContainerStatuses resize resourceClaimStatuses extendedResourceClaimStatus allocatedResources
  resources nodeAllocatableResourceClaimStatuses
PodTemplateSpec metadata! spec!
PodsMetricSource metric! target!
PodsMetricStatus metric! current!
PolicyRule verbs~ apiGroups resources resourceNames nonResourceURLs
PortStatus port! protocol! error
PreferredSchedulingTerm weight! preference!
PriorityClass kind apiVersion metadata! value! globalDefault description preemptionPolicy
Probe exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold
  terminationGracePeriodSeconds
ProjectedVolumeSource sources~ defaultMode
ReplicaSet kind apiVersion metadata! spec! status!
ReplicaSetCondition type! status! lastTransitionTime reason message
ReplicaSetSpec replicas minReadySeconds selector~ template!
ReplicaSetStatus replicas! fullyLabeledReplicas readyReplicas availableReplicas terminatingReplicas observedGeneration conditions
ReplicationController kind apiVersion metadata! spec! status!
ReplicationControllerCondition type! status! lastTransitionTime reason message
ReplicationControllerSpec replicas minReadySeconds selector template
ReplicationControllerStatus replicas! fullyLabeledReplicas readyReplicas availableReplicas observedGeneration conditions
ResourceClaim name! request
ResourceFieldSelector containerName resource! divisor
ResourceHealth resourceID! health message
ResourceMetricSource name! target!
ResourceMetricStatus name! current!
ResourceQuota kind apiVersion metadata! spec! status!
ResourceQuotaSpec hard scopes scopeSelector
ResourceRequirements limits requests claims
ResourceStatus name! resources
Role kind apiVersion metadata! rules~
RoleBinding kind apiVersion metadata! subjects roleRef!
RoleRef apiGroup! kind! name!
RollingUpdateDaemonSet maxUnavailable maxSurge
RollingUpdateDeployment maxUnavailable maxSurge
RollingUpdateStatefulSetStrategy partition maxUnavailable
SELinuxOptions user role type level
ScopedResourceSelectorRequirement scopeName! operator! values
SeccompProfile type! localhostProfile
Secret kind apiVersion metadata! immutable data stringData type
SecretKeySelector name key! optional
SecretProjection name items optional
SecretVolumeSource secretName items defaultMode optional
SecurityContext capabilities privileged seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem
  allowPrivilegeEscalation procMount seccompProfile appArmorProfile
Service kind apiVersion metadata! spec! status!
ServiceAccount kind apiVersion metadata! secrets imagePullSecrets automountServiceAccountToken
ServiceAccountTokenProjection audience expirationSeconds path!
ServicePort name protocol appProtocol port! targetPort nodePort
ServiceSpec ports selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP loadBalancerSourceRanges externalName
  externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig ipFamilies ipFamilyPolicy
  allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution
ServiceStatus loadBalancer! conditions
StatefulSet kind apiVersion metadata! spec! status!
StatefulSetCondition type! status! lastTransitionTime reason message
StatefulSetSpec replicas selector~ template! volumeClaimTemplates serviceName! podManagementPolicy updateStrategy! revisionHistoryLimit
  minReadySeconds persistentVolumeClaimRetentionPolicy ordinals
StatefulSetStatus observedGeneration replicas! readyReplicas currentReplicas updatedReplicas currentRevision updateRevision collisionCount
  conditions availableReplicas!
StatefulSetUpdateStrategy type rollingUpdate
Subject kind! apiGroup name! namespace
SuccessPolicyRule succeededIndexes succeededCount
Sysctl name! value!
TCPSocketAction port! host
TokenRequest kind apiVersion metadata! spec! status!
TokenRequestSpec audiences~ expirationSeconds~ boundObjectRef~
TokenRequestStatus token! expirationTimestamp!
Toleration key operator value effect tolerationSeconds
TopologySpreadConstraint maxSkew! topologyKey! whenUnsatisfiable! labelSelector minDomains nodeAffinityPolicy nodeTaintsPolicy
  matchLabelKeys
TypedLocalObjectReference apiGroup~ kind! name!
TypedObjectReference apiGroup~ kind! name! namespace
UncountedTerminatedPods succeeded failed
Volume name! hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs persistentVolumeClaim rbd
  flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume quobyte azureDisk photonPersistentDisk projected
  portworxVolume scaleIO storageos csi ephemeral image
VolumeDevice name! devicePath!
VolumeMount name! readOnly recursiveReadOnly mountPath! subPath mountPropagation subPathExpr
VolumeMountStatus name! mountPath! readOnly recursiveReadOnly volumeStatus
VolumeProjection secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate
VsphereVirtualDiskVolumeSource volumePath! fsType storagePolicyName storagePolicyID
WeightedPodAffinityTerm weight! podAffinityTerm!
WindowsSecurityContextOptions gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess
`;
