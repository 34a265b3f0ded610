// What somebody wants to do, and what an authorizer says to it (apiserver/pkg/authorization/authorizer).

import type { User } from '../request.ts';

/** `namespace` '' = cluster scope. */
export interface Attributes {
  readonly user: User;
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** The field selector of a list, watch or deletecollection, as it was sent. */
  readonly fieldSelector?: string | undefined;
}

export interface Decision {
  readonly allowed: boolean;
  /** As the audit annotation authorization.k8s.io/reason says it; '' when there is nothing to say. */
  readonly reason: string;
  /** The RBAC binding and role that decided, if it was RBAC. */
  readonly binding: string;
  readonly role: string;
}

/** A decision in favour. */
export type Grant = Decision & { readonly allowed: true };

export const ALLOWED: Grant = Object.freeze({ allowed: true, reason: '', binding: '', role: '' });
export const NO_OPINION: Decision = Object.freeze({ allowed: false, reason: '', binding: '', role: '' });

export const noOpinion = (reason: string): Decision => ({ allowed: false, reason, binding: '', role: '' });
