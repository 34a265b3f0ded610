// Pods and Pod templates (pkg/apis/core/validation, ValidatePodSpec and ValidatePodUpdate).

import type { Container, Pod, PodSpec, PodTemplateSpec, Toleration } from '../generated/types.ts';
import { semanticEqual } from '../meta.ts';
import { Recent } from '../recent.ts';
import { checkContainers, checkInitContainers } from './container.ts';
import { goDifference } from './diff.ts';
import { type Errors, forbiddenField, invalidValue, required } from './errors.ts';
import { checkAnnotations, checkLabels } from './meta.ts';
import { ipErrors, label1123Errors, subdomain1123Errors } from './names.ts';
import { checkAffinity, checkSpread, checkTolerations } from './scheduling.ts';
import { checkGates, checkPodSecurity } from './security.ts';
import { checkVolumes } from './volumes.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const NO_VOLUMES: ReadonlySet<string> = new Set();

const valid = new Recent<true>();

/** Everything about a Pod's spec. What has been found valid is not looked at again. `claims` are further volume names. */
export function checkPodSpec(errors: Errors, at: string, spec: PodSpec, claims: ReadonlySet<string> = NO_VOLUMES): void {
  if (valid.get(spec)) return;
  const before = errors.list.length;
  const volumes = checkVolumes(errors, `${at}.volumes`, spec.volumes);
  const mountable = claims.size === 0 ? volumes : new Set([...volumes, ...claims]);
  const names = new Set<string>();
  if (spec.containers.length === 0) errors.add(required(`${at}.containers`));
  checkContainers(errors, `${at}.containers`, spec.containers, mountable, names);
  if (spec.initContainers !== undefined) checkInitContainers(errors, `${at}.initContainers`, spec.initContainers, mountable, names);
  errors.oneOf(`${at}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES);
  errors.oneOf(`${at}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  checkLabels(errors, `${at}.nodeSelector`, spec.nodeSelector);
  checkHostNetwork(errors, at, spec);
  if (spec.affinity !== undefined) checkAffinity(errors, `${at}.affinity`, spec.affinity);
  checkDns(errors, at, spec);
  if (spec.topologySpreadConstraints !== undefined) checkSpread(errors, `${at}.topologySpreadConstraints`, spec.topologySpreadConstraints);
  checkNames(errors, at, spec);
  checkDeadline(errors, at, spec);
  if (spec.tolerations !== undefined) checkTolerations(errors, `${at}.tolerations`, spec.tolerations);
  checkHostAliases(errors, at, spec);
  checkPodSecurity(errors, `${at}.securityContext`, spec);
  checkGates(errors, at, spec);
  errors.oneOfIfSet(`${at}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  if (errors.list.length === before && claims.size === 0) valid.set(spec, true);
}

function checkHostNetwork(errors: Errors, at: string, spec: PodSpec): void {
  if (spec.hostNetwork !== true) return;
  for (let i = 0; i < spec.containers.length; i++) {
    const ports = spec.containers[i]?.ports ?? [];
    for (let j = 0; j < ports.length; j++) {
      const port = ports[j];
      if (port?.hostPort === port?.containerPort) continue;
      errors.add(
        invalidValue(
          `${at}.containers[${i}].ports[${j}].containerPort`,
          port?.containerPort,
          'must match `hostPort` when `hostNetwork` is true',
        ),
      );
    }
  }
}

function checkDns(errors: Errors, at: string, spec: PodSpec): void {
  if (spec.dnsPolicy === 'None' && (spec.dnsConfig?.nameservers ?? []).length === 0) {
    errors.add(
      required(
        `${at}.dnsConfig${spec.dnsConfig === undefined ? '' : '.nameservers'}`,
        spec.dnsConfig === undefined
          ? 'must provide `dnsConfig` when `dnsPolicy` is None'
          : 'must provide at least one DNS nameserver when `dnsPolicy` is None',
      ),
    );
  }
  const servers = spec.dnsConfig?.nameservers ?? [];
  if (servers.length > 3) errors.add(invalidValue(`${at}.dnsConfig.nameservers`, servers, 'must not have more than 3 nameservers'));
  for (let i = 0; i < servers.length; i++) errors.rule(`${at}.dnsConfig.nameservers[${i}]`, servers[i], ipErrors(servers[i] as string));
}

function checkNames(errors: Errors, at: string, spec: PodSpec): void {
  if (spec.serviceAccountName)
    errors.rule(`${at}.serviceAccountName`, spec.serviceAccountName, subdomain1123Errors(spec.serviceAccountName));
  if (spec.nodeName) errors.rule(`${at}.nodeName`, spec.nodeName, subdomain1123Errors(spec.nodeName));
  if (spec.hostname) errors.rule(`${at}.hostname`, spec.hostname, label1123Errors(spec.hostname));
  if (spec.subdomain) errors.rule(`${at}.subdomain`, spec.subdomain, label1123Errors(spec.subdomain));
  if (spec.priorityClassName) errors.rule(`${at}.priorityClassName`, spec.priorityClassName, subdomain1123Errors(spec.priorityClassName));
  if (spec.runtimeClassName) errors.rule(`${at}.runtimeClassName`, spec.runtimeClassName, subdomain1123Errors(spec.runtimeClassName));
}

function checkDeadline(errors: Errors, at: string, spec: PodSpec): void {
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > 2_147_483_647)) {
    errors.add(invalidValue(`${at}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive'));
  }
}

function checkHostAliases(errors: Errors, at: string, spec: PodSpec): void {
  const aliases = spec.hostAliases ?? [];
  for (let i = 0; i < aliases.length; i++) {
    const alias = aliases[i] as (typeof aliases)[number];
    errors.rule(`${at}.hostAliases[${i}].ip`, alias.ip, ipErrors(alias.ip));
    for (const name of alias.hostnames ?? []) errors.rule(`${at}.hostAliases[${i}].hostnames`, name, subdomain1123Errors(name));
  }
}

/** A new Pod: its spec, and no ephemeral containers yet. */
export function checkPod(errors: Errors, { spec }: Pod): void {
  checkPodSpec(errors, 'spec', spec);
  if ((spec.ephemeralContainers ?? []).length > 0) errors.add(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
}

/** A template: labels, annotations, spec. */
export function checkTemplate(errors: Errors, at: string, template: PodTemplateSpec, claims?: ReadonlySet<string>): void {
  checkLabels(errors, `${at}.labels`, template.metadata.labels);
  checkAnnotations(errors, `${at}.annotations`, template.metadata.annotations);
  checkPodSpec(errors, `${at}.spec`, template.spec, claims);
  if ((template.spec.ephemeralContainers ?? []).length > 0) {
    errors.add(forbiddenField(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
}

const UPDATE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What an update of a Pod may change: images, the deadline, more tolerations. */
export function checkPodUpdate(errors: Errors, pod: Pod, old: Pod): void {
  const [now, before] = [pod.spec, old.spec];
  if (now === before) return;
  if (now.containers.length !== before.containers.length) {
    errors.add(forbiddenField('spec.containers', 'pod updates may not add or remove containers'));
    return;
  }
  if ((now.initContainers ?? []).length !== (before.initContainers ?? []).length) {
    errors.add(forbiddenField('spec.initContainers', 'pod updates may not add or remove containers'));
    return;
  }
  checkPodSpec(errors, 'spec', now);
  checkNewDeadline(errors, now, before);
  const masked: PodSpec = {
    ...now,
    containers: withImages(now.containers, before.containers),
    ...(now.initContainers === undefined ? {} : { initContainers: withImages(now.initContainers, before.initContainers ?? []) }),
    ...(before.activeDeadlineSeconds === undefined
      ? { activeDeadlineSeconds: 0 }
      : { activeDeadlineSeconds: before.activeDeadlineSeconds }),
    ...gracePeriod(now, before),
    ...(onlyAdds(now.tolerations ?? [], before.tolerations ?? []) ? { tolerations: before.tolerations ?? [] } : {}),
    ...(now.schedulingGates === before.schedulingGates ? {} : { schedulingGates: before.schedulingGates ?? [] }),
  };
  // KEP-3521: gates may go one by one, none may come.
  (now.schedulingGates ?? []).forEach(({ name }, i) => {
    if (before.schedulingGates?.some((old) => old.name === name)) return;
    errors.add(forbiddenField(`spec.schedulingGates[${i}]`, `only deletion is allowed, but found new scheduling gate '${name}'`));
  });
  const compared = before.activeDeadlineSeconds === undefined ? { ...before, activeDeadlineSeconds: 0 } : before;
  if (!semanticEqual(masked, compared)) errors.add(forbiddenField('spec', `${UPDATE}\n${goDifference('core.PodSpec', compared, masked)}`));
}

/** A grace period that was negative, which stands for 1, may be written as 1. */
const gracePeriod = (now: PodSpec, before: PodSpec): Partial<PodSpec> =>
  now.terminationGracePeriodSeconds === 1 && (before.terminationGracePeriodSeconds ?? 0) < 0
    ? { terminationGracePeriodSeconds: before.terminationGracePeriodSeconds as number }
    : {};

function checkNewDeadline(errors: Errors, now: PodSpec, before: PodSpec): void {
  const [next, last] = [now.activeDeadlineSeconds, before.activeDeadlineSeconds];
  if (last === undefined || next === last) return;
  if (next === undefined)
    errors.add(invalidValue('spec.activeDeadlineSeconds', next, 'must not update from a positive integer to nil value'));
  else if (next > last) errors.add(invalidValue('spec.activeDeadlineSeconds', next, 'must be less than or equal to previous value'));
}

const withImages = (now: readonly Container[], before: readonly Container[]): readonly Container[] =>
  now.map((c, i) => {
    const image = before[i]?.image;
    return image === undefined ? c : { ...c, image };
  });

const onlyAdds = (now: readonly Toleration[], before: readonly Toleration[]): boolean =>
  before.every((t) => now.some((n) => semanticEqual({ ...n, tolerationSeconds: 0 }, { ...t, tolerationSeconds: 0 })));
