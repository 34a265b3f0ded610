// Groups of the Kubernetes community need an approval (KEP-1111): the annotation api-approved.kubernetes.io.

import type { CustomResourceDefinition } from '../../api/generated/types.ts';
import type { FieldError } from '../../api/status.ts';
import { invalidValue, required } from '../../api/validation/errors.ts';
import type { ConditionSays } from './conditions.ts';

export const APPROVED = 'api-approved.kubernetes.io';
const MORE = 'see https://github.com/kubernetes/enhancements/pull/1111';

const isProtected = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

interface Approval {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

function approvalOf({ spec, metadata }: CustomResourceDefinition): Approval | null {
  if (!isProtected(spec.group)) return null;
  const annotation = metadata.annotations?.[APPROVED];
  if (annotation === undefined || annotation === '') {
    return {
      status: 'False',
      reason: 'MissingAnnotation',
      message: `protected groups must have approval annotation "${APPROVED}", ${MORE}`,
    };
  }
  if (annotation.startsWith('unapproved'))
    return { status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(annotation)}` };
  if (/^[a-z]+:\/\/[^/]+/.test(annotation)) return { status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${annotation}` };
  const message = `protected groups must have approval annotation "${APPROVED}" with either a URL or a reason starting with "unapproved", ${MORE}`;
  return { status: 'False', reason: 'InvalidAnnotation', message };
}

export function conditionOfApproval(crd: CustomResourceDefinition): ConditionSays | null {
  const approval = approvalOf(crd);
  return approval && { type: 'KubernetesAPIApprovalPolicyConformant', ...approval };
}

/** A protected group is refused without the annotation; what was there before stays. */
export function checkApproval(crd: CustomResourceDefinition, old: CustomResourceDefinition | null): FieldError[] {
  const approval = approvalOf(crd);
  if (!approval || (old && approvalOf(old)?.reason === approval.reason)) return [];
  const field = `metadata.annotations[${APPROVED}]`;
  if (approval.reason === 'MissingAnnotation') return [required(field, approval.message)];
  return approval.reason === 'InvalidAnnotation' ? [invalidValue(field, crd.metadata.annotations?.[APPROVED], approval.message)] : [];
}
