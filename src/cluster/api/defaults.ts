// The defaults of each kind, as the API server fills them in after decoding.

import {
  defaultBinding,
  defaultEndpointSlice,
  defaultEndpoints,
  defaultEvent,
  defaultLimitRange,
  defaultNamespace,
  defaultNetworkPolicy,
  defaultNode,
  defaultPriorityClass,
  defaultSecret,
  defaultService,
} from './defaults/core.ts';
import { defaultDefinition } from './defaults/definition.ts';
import { change } from './defaults/fill.ts';
import { defaultPod, defaultTemplate } from './defaults/pod.ts';
import * as policy from './defaults/policy.ts';
import { defaultClaim, defaultCSIDriver, defaultStorageClass, defaultVolume } from './defaults/storage.ts';
import {
  defaultAutoscaler,
  defaultCronJob,
  defaultDaemonSet,
  defaultDeployment,
  defaultJob,
  defaultReplicaSet,
  defaultReplicationController,
  defaultStatefulSet,
} from './defaults/workloads.ts';
import type { PodTemplate, ResourceTypes } from './generated/types.ts';
import type { ResourceKind } from './kinds.ts';
import { type ApiObject, deepFreeze } from './meta.ts';

type Defaulters = { readonly [K in keyof ResourceTypes]?: (object: ResourceTypes[K], old: ResourceTypes[K] | null) => ResourceTypes[K] };

const DEFAULTERS: Defaulters = {
  pods: defaultPod,
  podtemplates: (t: PodTemplate) => change(t, 'template', defaultTemplate),
  services: defaultService,
  secrets: defaultSecret,
  namespaces: defaultNamespace,
  nodes: defaultNode,
  endpoints: defaultEndpoints,
  events: defaultEvent,
  limitranges: defaultLimitRange,
  persistentvolumes: defaultVolume,
  persistentvolumeclaims: defaultClaim,
  replicationcontrollers: defaultReplicationController,
  'deployments.apps': defaultDeployment,
  'replicasets.apps': defaultReplicaSet,
  'daemonsets.apps': defaultDaemonSet,
  'statefulsets.apps': defaultStatefulSet,
  'jobs.batch': defaultJob,
  'cronjobs.batch': defaultCronJob,
  'horizontalpodautoscalers.autoscaling': defaultAutoscaler,
  'rolebindings.rbac.authorization.k8s.io': defaultBinding,
  'clusterrolebindings.rbac.authorization.k8s.io': defaultBinding,
  'priorityclasses.scheduling.k8s.io': defaultPriorityClass,
  'endpointslices.discovery.k8s.io': defaultEndpointSlice,
  'networkpolicies.networking.k8s.io': defaultNetworkPolicy,
  'storageclasses.storage.k8s.io': defaultStorageClass,
  'csidrivers.storage.k8s.io': defaultCSIDriver,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': policy.defaultValidatingWebhooks,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': policy.defaultMutatingWebhooks,
  'validatingadmissionpolicies.admissionregistration.k8s.io': policy.defaultValidatingPolicy,
  'mutatingadmissionpolicies.admissionregistration.k8s.io': policy.defaultMutatingPolicy,
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': policy.defaultValidatingBinding,
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': policy.defaultMutatingBinding,
  'flowschemas.flowcontrol.apiserver.k8s.io': policy.defaultFlowSchema,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': policy.defaultPriorityLevel,
  'apiservices.apiregistration.k8s.io': policy.defaultApiService,
  'ingressclasses.networking.k8s.io': policy.defaultIngressClass,
  'resourceclaims.resource.k8s.io': policy.defaultResourceClaim,
  'resourceclaimtemplates.resource.k8s.io': policy.defaultResourceClaimTemplate,
  'customresourcedefinitions.apiextensions.k8s.io': defaultDefinition,
};

/**
 * The object, which decodeObject has returned, with its kind's defaults; frozen. The same object where nothing was missing.
 * Parts that it shares with `old`, the stored object that it replaces, have theirs already.
 */
export function applyDefaults<T extends ApiObject>(kind: ResourceKind, object: T, old: ApiObject | null = null): T {
  if (kind.apiVersion === 'autoscaling/v1') return object;
  const defaulter = (DEFAULTERS as Readonly<Record<string, ((o: T, old: T | null) => T) | undefined>>)[kind.key];
  return defaulter === undefined ? object : deepFreeze(defaulter(object, old as T | null));
}
