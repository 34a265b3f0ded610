// Security contexts of Pods and containers, gates (pkg/apis/core/validation: ValidatePodSecurityContext,
// ValidateSecurityContext, validateReadinessGates, validateSchedulingGates).

import type { Container, PodSpec, SeccompProfile } from '../generated/types.ts';
import { duplicate, type Errors, forbiddenField, invalidValue, notSupported, required } from './errors.ts';
import { labelKeyErrors } from './names.ts';

const ID_RANGE = 'must be between 0 and 2147483647, inclusive';
const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function checkId(errors: Errors, field: string, id: number | undefined): void {
  if (id !== undefined && (id < 0 || id > 2_147_483_647)) errors.add(invalidValue(field, id, ID_RANGE));
}

function checkProfile(errors: Errors, at: string, profile: SeccompProfile | undefined, kind: 'seccomp' | 'AppArmor'): void {
  if (profile === undefined) return;
  const { type, localhostProfile } = profile;
  if (type === undefined || type === '')
    errors.add(required(`${at}.type`, kind === 'seccomp' ? 'type is required when seccompProfile is set' : ''));
  else if (!PROFILES.includes(type)) errors.add(notSupported(`${at}.type`, type, PROFILES));
  if (type === 'Localhost' && localhostProfile === undefined) {
    errors.add(required(`${at}.localhostProfile`, `must be set when ${kind} type is Localhost`));
  } else if (type !== 'Localhost' && localhostProfile !== undefined) {
    errors.add(invalidValue(`${at}.localhostProfile`, localhostProfile, `can only be set when ${kind} type is Localhost`));
  }
}

export function checkPodSecurity(errors: Errors, at: string, spec: PodSpec): void {
  const s = spec.securityContext;
  if (s === undefined) return;
  checkId(errors, `${at}.fsGroup`, s.fsGroup);
  checkId(errors, `${at}.runAsUser`, s.runAsUser);
  checkId(errors, `${at}.runAsGroup`, s.runAsGroup);
  (s.supplementalGroups ?? []).forEach((id, i) => checkId(errors, `${at}.supplementalGroups[${i}]`, id));
  errors.oneOfIfSet(`${at}.fsGroupChangePolicy`, s.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  errors.oneOfIfSet(`${at}.supplementalGroupsPolicy`, s.supplementalGroupsPolicy, ['Merge', 'Strict']);
  checkProfile(errors, `${at}.seccompProfile`, s.seccompProfile, 'seccomp');
  checkProfile(errors, `${at}.appArmorProfile`, s.appArmorProfile, 'AppArmor');
}

export function checkContainerSecurity(errors: Errors, at: string, { securityContext: s }: Container): void {
  if (s === undefined) return;
  checkId(errors, `${at}.runAsUser`, s.runAsUser);
  checkId(errors, `${at}.runAsGroup`, s.runAsGroup);
  errors.oneOfIfSet(`${at}.procMount`, s.procMount, ['Default', 'Unmasked']);
  checkProfile(errors, `${at}.seccompProfile`, s.seccompProfile, 'seccomp');
  checkProfile(errors, `${at}.appArmorProfile`, s.appArmorProfile, 'AppArmor');
  if (s.allowPrivilegeEscalation !== false) return;
  if (s.privileged === true) {
    errors.add(invalidValue(at, s, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  }
  if ((s.capabilities?.add ?? []).includes('CAP_SYS_ADMIN')) {
    errors.add(invalidValue(at, s, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
  }
}

export function checkGates(errors: Errors, at: string, spec: PodSpec): void {
  (spec.readinessGates ?? []).forEach(({ conditionType }, i) => {
    errors.rule(`${at}.readinessGates[${i}].conditionType`, conditionType, labelKeyErrors(conditionType));
  });
  const seen = new Set<string>();
  (spec.schedulingGates ?? []).forEach(({ name }, i) => {
    errors.rule(`${at}.schedulingGates[${i}]`, name, labelKeyErrors(name));
    if (seen.has(name)) errors.add(duplicate(`${at}.schedulingGates[${i}]`, name));
    seen.add(name);
  });
  if ((spec.schedulingGates ?? []).length > 0 && (spec.nodeName ?? '') !== '') {
    errors.add(forbiddenField(`${at}.nodeName`, 'cannot be set until all schedulingGates have been cleared'));
  }
}
