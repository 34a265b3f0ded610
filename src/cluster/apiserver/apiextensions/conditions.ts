// Conditions of a CustomResourceDefinition (apiextensions-apiserver/pkg/apihelpers).

import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../api/generated/types.ts';
import { isDeleting } from '../../api/meta.ts';

export type ConditionSays = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>;

export const findCondition = (crd: CustomResourceDefinition, type: string): CustomResourceDefinitionCondition | undefined =>
  crd.status?.conditions?.find((c) => c.type === type);

export const isConditionTrue = (crd: CustomResourceDefinition, type: string): boolean => findCondition(crd, type)?.status === 'True';

export const isTerminating = (crd: CustomResourceDefinition): boolean => isDeleting(crd) || isConditionTrue(crd, 'Terminating');

/** The definition with that condition; the same one when it says so already. */
export function withCondition(crd: CustomResourceDefinition, says: ConditionSays, now: string): CustomResourceDefinition {
  const before = findCondition(crd, says.type);
  if (before && before.status === says.status && before.reason === says.reason && before.message === says.message) return crd;
  const lastTransitionTime = before?.status === says.status ? (before.lastTransitionTime ?? now) : now;
  const condition = {
    lastTransitionTime,
    message: says.message,
    reason: says.reason,
    status: says.status,
    type: says.type,
  } as CustomResourceDefinitionCondition;
  const list = crd.status?.conditions ?? [];
  const conditions = before ? list.map((c) => (c === before ? condition : c)) : [...list, condition];
  return { ...crd, status: { ...crd.status, conditions } };
}

export function withoutCondition(crd: CustomResourceDefinition, type: string): CustomResourceDefinition {
  if (!findCondition(crd, type)) return crd;
  return { ...crd, status: { ...crd.status, conditions: (crd.status.conditions ?? []).filter((c) => c.type !== type) } };
}
