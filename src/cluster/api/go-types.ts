// Go's names of the API types, as they appear in decoding errors.

/** Fields whose Go type is a named string or map. */
const FIELDS: Readonly<Record<string, string>> = {
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'Container.restartPolicy': 'v1.ContainerRestartPolicy',
  'Container.terminationMessagePolicy': 'v1.TerminationMessagePolicy',
  'ContainerPort.protocol': 'v1.Protocol',
  'CronJobSpec.concurrencyPolicy': 'v1.ConcurrencyPolicy',
  'DaemonSetUpdateStrategy.type': 'v1.DaemonSetUpdateStrategyType',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'EndpointSlice.addressType': 'v1.AddressType',
  'EmptyDirVolumeSource.medium': 'v1.StorageMedium',
  'HTTPGetAction.scheme': 'v1.URIScheme',
  'HTTPIngressPath.pathType': 'v1.PathType',
  'HostPathVolumeSource.type': 'v1.HostPathType',
  'JobSpec.completionMode': 'v1.CompletionMode',
  'LimitRangeItem.default': 'v1.ResourceList',
  'LimitRangeItem.defaultRequest': 'v1.ResourceList',
  'LimitRangeItem.max': 'v1.ResourceList',
  'LimitRangeItem.min': 'v1.ResourceList',
  'LimitRangeItem.type': 'v1.LimitType',
  'NodeStatus.allocatable': 'v1.ResourceList',
  'NodeStatus.capacity': 'v1.ResourceList',
  'ObjectMeta.uid': 'types.UID',
  'PersistentVolumeClaimSpec.accessModes': '[]v1.PersistentVolumeAccessMode',
  'PersistentVolumeClaimSpec.volumeMode': 'v1.PersistentVolumeMode',
  'PersistentVolumeSpec.accessModes': '[]v1.PersistentVolumeAccessMode',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodStatus.phase': 'v1.PodPhase',
  'ResourceQuotaSpec.hard': 'v1.ResourceList',
  'ResourceRequirements.limits': 'v1.ResourceList',
  'ResourceRequirements.requests': 'v1.ResourceList',
  'Secret.type': 'v1.SecretType',
  'ServicePort.protocol': 'v1.Protocol',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.type': 'v1.ServiceType',
  'StatefulSetSpec.podManagementPolicy': 'v1.PodManagementPolicyType',
  'StatefulSetUpdateStrategy.type': 'v1.StatefulSetUpdateStrategyType',
  'Taint.effect': 'v1.TaintEffect',
  'Toleration.effect': 'v1.TaintEffect',
  'Toleration.operator': 'v1.TolerationOperator',
  'VolumeResourceRequirements.limits': 'v1.ResourceList',
  'VolumeResourceRequirements.requests': 'v1.ResourceList',
};

const PREFIX = /^(?:[A-Z][a-z]*)?V\d(?=[A-Z])/;
const V2 =
  /^(HorizontalPodAutoscaler|Metric|HPAScaling|ContainerResourceMetric|ExternalMetric|ObjectMetric|PodsMetric|ResourceMetric|CrossVersionObjectReference)/;

/**
 * For a definition: its bare Go name and its name with the package (`Container`, `v1.Container`).
 * For `Definition.field`: the named type of that field, where it has one.
 */
export function goTypeOf(path: string): { readonly name: string; readonly text: string | undefined } {
  if (path.includes('.')) return { name: path, text: FIELDS[path] };
  const name = path.replace(PREFIX, '');
  return { name, text: `${V2.test(path) ? 'v2' : 'v1'}.${name}` };
}
