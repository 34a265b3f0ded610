// The rules of each kind, applied when it is created and when it is updated. Texts, paths and order are upstream's.

import type { ConfigMap, Pod, ResourceTypes } from './generated/types.ts';
import type { ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import type { FieldError } from './status.ts';
import * as batch from './validation/batch.ts';
import * as cluster from './validation/cluster.ts';
import * as core from './validation/core.ts';
import { Errors } from './validation/errors.ts';
import { checkLabelSelector, checkMeta, checkMetaUpdate, type NameRule } from './validation/meta.ts';
import { label1035Errors, label1123Errors, pathSegmentErrors, subdomain1123Errors } from './validation/names.ts';
import * as network from './validation/network.ts';
import { checkPod, checkPodUpdate, checkTemplate } from './validation/pod.ts';
import { checkPodResize } from './validation/pod-resize.ts';
import * as policy from './validation/policy.ts';
import * as storage from './validation/storage.ts';
import * as workloads from './validation/workloads.ts';

interface Rules<T> {
  /** How objects of the kind may be called; a DNS subdomain unless it says otherwise. */
  readonly name?: NameRule;
  /** Everything but metadata. Applied on create, and on update where `update` does not forbid changes outright. */
  readonly check?: (errors: Errors, object: T) => void;
  /** What may not change. */
  readonly update?: (errors: Errors, object: T, old: T) => void;
  /** On update only `update` is asked. */
  readonly checkOnlyOnCreate?: boolean;
}

type AllRules = { readonly [K in keyof ResourceTypes]?: Rules<ResourceTypes[K]> };

const RULES: AllRules = {
  pods: { check: checkPod, update: checkPodUpdate, checkOnlyOnCreate: true },
  podtemplates: { check: (e, t) => (t.template === undefined ? undefined : checkTemplate(e, 'template', t.template)) },
  services: { name: label1035Errors, check: network.checkService, update: network.checkServiceUpdate },
  namespaces: { name: label1123Errors },
  configmaps: { check: core.checkConfigMap, update: (e, c: ConfigMap, old: ConfigMap) => core.checkImmutableData(e, c, old) },
  secrets: { check: core.checkSecret, update: core.checkSecretUpdate },
  nodes: { check: core.checkNode, update: core.checkNodeUpdate, checkOnlyOnCreate: true },
  resourcequotas: { check: core.checkQuota, update: cluster.checkQuotaUpdate },
  limitranges: { check: cluster.checkLimitRange },
  endpoints: { check: cluster.checkEndpoints },
  persistentvolumes: { check: storage.checkVolume, update: storage.checkVolumeUpdate },
  persistentvolumeclaims: { check: storage.checkClaim, update: storage.checkClaimUpdate },
  replicationcontrollers: { check: workloads.checkReplicationController },
  'deployments.apps': {
    check: workloads.checkDeployment,
    update: (e, d, old) => workloads.checkSelectorKept(e, d.spec.selector, old.spec.selector),
  },
  'replicasets.apps': {
    check: workloads.checkReplicaSet,
    update: (e, r, old) => workloads.checkSelectorKept(e, r.spec.selector, old.spec.selector),
  },
  'daemonsets.apps': {
    check: workloads.checkDaemonSet,
    update: (e, d, old) => workloads.checkSelectorKept(e, d.spec.selector, old.spec.selector),
  },
  'statefulsets.apps': { check: workloads.checkStatefulSet, update: workloads.checkStatefulSetUpdate },
  'jobs.batch': { check: batch.checkJob, update: batch.checkJobUpdate },
  'cronjobs.batch': { check: batch.checkCronJob },
  'horizontalpodautoscalers.autoscaling': { check: batch.checkAutoscaler },
  'poddisruptionbudgets.policy': { check: batch.checkDisruptionBudget },
  'ingresses.networking.k8s.io': { check: network.checkIngress },
  'networkpolicies.networking.k8s.io': { check: network.checkNetworkPolicy },
  'endpointslices.discovery.k8s.io': { check: network.checkEndpointSlice, update: network.checkEndpointSliceUpdate },
  'roles.rbac.authorization.k8s.io': { name: pathSegmentErrors, check: core.checkRole },
  'clusterroles.rbac.authorization.k8s.io': {
    name: pathSegmentErrors,
    check: (e, r) => {
      core.checkClusterRole(e, r);
      const selectors = r.aggregationRule?.clusterRoleSelectors ?? [];
      for (let i = 0; i < selectors.length; i++) checkLabelSelector(e, `aggregationRule.clusterRoleSelectors[${i}]`, selectors[i]);
    },
  },
  'rolebindings.rbac.authorization.k8s.io': { name: pathSegmentErrors, check: core.checkBinding, update: core.checkBindingUpdate },
  'clusterrolebindings.rbac.authorization.k8s.io': { name: pathSegmentErrors, check: core.checkBinding, update: core.checkBindingUpdate },
  'certificatesigningrequests.certificates.k8s.io': { name: pathSegmentErrors, check: cluster.checkSigningRequest, checkOnlyOnCreate: true },
  'controllerrevisions.apps': { check: cluster.checkRevision, update: cluster.checkRevisionUpdate },
  'ingressclasses.networking.k8s.io': { check: cluster.checkIngressClass, update: cluster.checkIngressClassUpdate },
  'runtimeclasses.node.k8s.io': { check: cluster.checkRuntimeClass, update: cluster.checkRuntimeClassUpdate },
  'csidrivers.storage.k8s.io': { check: cluster.checkCsiDriver, update: cluster.checkCsiDriverUpdate },
  'csinodes.storage.k8s.io': { check: cluster.checkCsiNode },
  'volumeattachments.storage.k8s.io': { check: cluster.checkAttachment, update: cluster.checkAttachmentUpdate },
  'volumeattributesclasses.storage.k8s.io': { check: cluster.checkAttributesClass, update: cluster.checkAttributesClassUpdate },
  'deviceclasses.resource.k8s.io': { check: cluster.checkDeviceClass },
  'resourceclaims.resource.k8s.io': {
    check: (e, c) => cluster.checkClaimRequests(e, 'spec', c.spec),
    update: (e, c, old) => cluster.keep(e, 'spec', c.spec, old.spec),
    checkOnlyOnCreate: true,
  },
  'resourceclaimtemplates.resource.k8s.io': {
    check: (e, t) => cluster.checkClaimRequests(e, 'spec.spec', t.spec.spec),
    update: (e, t, old) => cluster.keep(e, 'spec', t.spec, old.spec),
    checkOnlyOnCreate: true,
  },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': { check: (e, c) => policy.checkWebhooks(e, c.webhooks) },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { check: (e, c) => policy.checkWebhooks(e, c.webhooks) },
  'validatingadmissionpolicies.admissionregistration.k8s.io': { check: policy.checkValidatingPolicy },
  'mutatingadmissionpolicies.admissionregistration.k8s.io': { check: policy.checkMutatingPolicy },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': { check: policy.checkValidatingBinding },
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': { check: policy.checkPolicyBinding },
  'apiservices.apiregistration.k8s.io': { name: pathSegmentErrors, check: policy.checkApiService },
  'flowschemas.flowcontrol.apiserver.k8s.io': { check: policy.checkFlowSchema },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': { check: policy.checkPriorityLevel },
  'priorityclasses.scheduling.k8s.io': { check: core.checkPriorityClass, update: core.checkPriorityClassUpdate },
  'leases.coordination.k8s.io': { check: core.checkLease },
  'storageclasses.storage.k8s.io': { check: storage.checkStorageClass, update: storage.checkStorageClassUpdate },
  'customresourcedefinitions.apiextensions.k8s.io': { check: core.checkCustomResourceDefinition },
};

const rulesOf = (kind: ResourceKind): Rules<ApiObject> =>
  kind.apiVersion === 'autoscaling/v1' ? {} : ((RULES as Readonly<Record<string, Rules<ApiObject> | undefined>>)[kind.key] ?? {});

const NONE: readonly FieldError[] = Object.freeze([]);

/** What is wrong with a new object that has its defaults; empty when nothing is. */
export function validateCreate(kind: ResourceKind, object: ApiObject): readonly FieldError[] {
  if (kind.custom !== null) return kind.custom.validateCreate(object);
  const { name = subdomain1123Errors, check } = rulesOf(kind);
  const errors = new Errors();
  checkMeta(errors, object.metadata, kind.namespaced, name);
  check?.(errors, object);
  return errors.list.length === 0 ? NONE : errors.list;
}

/**
 * What is wrong with a changed object. `subresource` names the door it comes through ('' = the resource itself):
 * through `status`, `binding` and their like only metadata is looked at, spec having been kept or set by the server.
 */
export function validateUpdate(kind: ResourceKind, object: ApiObject, old: ApiObject, subresource: string = ''): readonly FieldError[] {
  if (kind.custom !== null) return kind.custom.validateUpdate(object, old, subresource);
  const errors = new Errors();
  checkMetaUpdate(errors, object.metadata, old.metadata);
  if (subresource === '' || subresource === 'scale') {
    const { check, update, checkOnlyOnCreate } = rulesOf(kind);
    if (checkOnlyOnCreate !== true && specOf(object) !== specOf(old)) check?.(errors, object);
    update?.(errors, object, old);
  } else if (subresource === 'resize') checkPodResize(errors, object as Pod, old as Pod);
  return errors.list.length === 0 ? NONE : errors.list;
}

/** What the rules look at: the spec, or the whole object of kinds that have none. */
const specOf = (object: ApiObject): unknown => (object as { readonly spec?: unknown }).spec ?? object;
