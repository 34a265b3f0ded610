// The admission plug-ins in the order of AllOrderedPlugins (pkg/kubeapiserver/options/plugins.go), and which of them wait to be asked for.

import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import type { AdmissionPlugin } from './chain.ts';
import { defaultIngressClass, defaultStorageClass } from './default-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { limitRanger } from './limit-ranger.ts';
import { mutatingAdmissionPolicy } from './mutating-policy.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { policyCheck } from './policy-check.ts';
import { ON_REQUEST } from './on-request.ts';
import { podSecurity } from './pod-security.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { persistentVolumeClaimResize, storageObjectInUseProtection } from './storage-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';
import { validatingAdmissionPolicy } from './validating-policy.ts';
import { mutatingAdmissionWebhook, validatingAdmissionWebhook } from './webhooks.ts';

export const PLUGINS: readonly AdmissionPlugin[] = [
  ON_REQUEST.namespaceAutoProvision,
  namespaceLifecycle,
  ON_REQUEST.namespaceExists,
  ON_REQUEST.limitPodHardAntiAffinityTopology,
  limitRanger,
  serviceAccount,
  nodeRestriction,
  taintNodesByCondition,
  ON_REQUEST.alwaysPullImages,
  podSecurity,
  priority,
  defaultTolerationSeconds,
  ON_REQUEST.extendedResourceToleration,
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  runtimeClass,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  defaultIngressClass,
  ON_REQUEST.denyServiceExternalIps,
  mutatingAdmissionPolicy,
  mutatingAdmissionWebhook,
  policyCheck,
  validatingAdmissionPolicy,
  validatingAdmissionWebhook,
  resourceQuota,
  ON_REQUEST.alwaysDeny,
];

/** Off unless --enable-admission-plugins names them. */
export const OFF_BY_DEFAULT: ReadonlySet<string> = new Set(['NodeRestriction', ...Object.values(ON_REQUEST).map((plugin) => plugin.name)]);

/** Upstream's plug-ins that are not there; naming them is no mistake. */
const NAMED_ONLY = [
  'AlwaysAdmit',
  'ClusterTrustBundleAttest',
  'EventRateLimit',
  'ImagePolicyWebhook',
  'NodeDeclaredFeatureValidator',
  'OwnerReferencesPermissionEnforcement',
  'PodNodeSelector',
  'PodTolerationRestriction',
  'PodTopologyLabels',
];

/** What is wrong with the two flags; '' when nothing (AdmissionOptions.Validate). */
export function flagProblem(enabled: readonly string[], disabled: readonly string[]): string {
  const known = new Set([...PLUGINS.map((plugin) => plugin.name), ...NAMED_ONLY]);
  const both = enabled.filter((name) => disabled.includes(name));
  const problems = [
    ...(both.length > 0 ? [`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`] : []),
    ...enabled.filter((name) => !known.has(name)).map((name) => `enable-admission-plugins plugin ${JSON.stringify(name)} is unknown`),
    ...disabled.filter((name) => !known.has(name)).map((name) => `disable-admission-plugins plugin ${JSON.stringify(name)} is unknown`),
  ];
  return problems.length > 1 ? `[${problems.join(', ')}]` : problems.join('');
}
