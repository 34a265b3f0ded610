// Which types describe has a page for, and the version that it reads them in (kubectl/pkg/describe describerMap).

import type { Op } from '../../cluster/sim/simulation.ts';
import { describeAutoscaler } from './autoscaling.ts';
import { describeSigningRequest } from './certificates.ts';
import { describeClaim } from './claims.ts';
import { describeIngress, describeIngressClass, describeIpAddress, describeServiceCidr } from './ingress.ts';
import { describeCronJob, describeJob } from './jobs.ts';
import { describeLimitRange, describeNamespace, describeResourceQuota } from './namespaces.ts';
import { describeNetworkPolicy } from './network-policies.ts';
import { describeNode } from './nodes.ts';
import type { Page } from './page.ts';
import { describePod } from './pods.ts';
import { describeBinding, describeRole } from './rbac.ts';
import { describeEndpoints, describeEndpointSlice, describeService } from './services.ts';
import { describeConfigMap, describeDisruptionBudget, describePriorityClass, describeSecret, describeServiceAccount } from './settings.ts';
import { describeAttributesClass, describeCsiNode, describePersistentVolume, describeStorageClass } from './storage.ts';
import { describeDaemonSet, describeDeployment, describeReplicaSet, describeReplicationController, describeStatefulSet } from './workloads.ts';

export interface Describer {
  readonly version: string;
  readonly describe: (page: Page, object: object) => Op<void>;
}

/** The object has the type that the server gives to the kind: the table below puts the two together. */
const of = <T extends object>(version: string, describe: (page: Page, object: T) => Op<void>): Describer => ({ version, describe: describe as Describer['describe'] });

const DESCRIBERS: Readonly<Record<string, Describer>> = {
  Pod: of('v1', describePod),
  ReplicationController: of('v1', describeReplicationController),
  Secret: of('v1', describeSecret),
  Service: of('v1', describeService),
  ServiceAccount: of('v1', describeServiceAccount),
  Node: of('v1', describeNode),
  LimitRange: of('v1', describeLimitRange),
  ResourceQuota: of('v1', describeResourceQuota),
  PersistentVolume: of('v1', describePersistentVolume),
  PersistentVolumeClaim: of('v1', describeClaim),
  Namespace: of('v1', describeNamespace),
  Endpoints: of('v1', describeEndpoints),
  ConfigMap: of('v1', describeConfigMap),
  'EndpointSlice.discovery.k8s.io': of('v1', describeEndpointSlice),
  'HorizontalPodAutoscaler.autoscaling': of('v2', describeAutoscaler),
  'Ingress.networking.k8s.io': of('v1', describeIngress),
  'IngressClass.networking.k8s.io': of('v1', describeIngressClass),
  'ServiceCIDR.networking.k8s.io': of('v1', describeServiceCidr),
  'IPAddress.networking.k8s.io': of('v1', describeIpAddress),
  'NetworkPolicy.networking.k8s.io': of('v1', describeNetworkPolicy),
  'Job.batch': of('v1', describeJob),
  'CronJob.batch': of('v1', describeCronJob),
  'StatefulSet.apps': of('v1', describeStatefulSet),
  'Deployment.apps': of('v1', describeDeployment),
  'DaemonSet.apps': of('v1', describeDaemonSet),
  'ReplicaSet.apps': of('v1', describeReplicaSet),
  'CertificateSigningRequest.certificates.k8s.io': of('v1', describeSigningRequest),
  'StorageClass.storage.k8s.io': of('v1', describeStorageClass),
  'CSINode.storage.k8s.io': of('v1', describeCsiNode),
  'VolumeAttributesClass.storage.k8s.io': of('v1', describeAttributesClass),
  'PodDisruptionBudget.policy': of('v1', describeDisruptionBudget),
  'Role.rbac.authorization.k8s.io': of('v1', describeRole),
  'ClusterRole.rbac.authorization.k8s.io': of('v1', describeRole),
  'RoleBinding.rbac.authorization.k8s.io': of('v1', describeBinding),
  'ClusterRoleBinding.rbac.authorization.k8s.io': of('v1', describeBinding),
  'PriorityClass.scheduling.k8s.io': of('v1', describePriorityClass),
};

export const describerOf = (group: string, kind: string): Describer | undefined => DESCRIBERS[group === '' ? kind : `${kind}.${group}`];
