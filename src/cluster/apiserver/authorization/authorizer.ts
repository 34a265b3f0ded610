// The authorizers one after the other (--authorization-mode), the first to allow something decides; system:masters may do everything.
// Models apiserver/pkg/authorization/union, and the texts of endpoints/handlers/responsewriters/errors.go.

import { ApiError } from '../../api/status.ts';
import { ALLOWED, type Attributes, type Decision, noOpinion } from './attributes.ts';

export interface AuthorizationModule {
  decide(a: Attributes): Decision;
}

const MASTERS = 'system:masters';

export class Authorizer {
  readonly #modules: readonly AuthorizationModule[];

  constructor(modules: readonly AuthorizationModule[]) {
    this.#modules = modules;
  }

  decide(a: Attributes): Decision {
    if (a.user.groups.includes(MASTERS)) return ALLOWED;
    let reason = '';
    for (const module of this.#modules) {
      const decision = module.decide(a);
      if (decision.allowed) return decision;
      if (decision.reason !== '') reason = reason === '' ? decision.reason : `${reason}\n${decision.reason}`;
    }
    return noOpinion(reason);
  }
}

/** Nobody is refused anything (--authorization-mode=AlwaysAllow). */
export const ALWAYS_ALLOW: AuthorizationModule = { decide: () => ALLOWED };
export const ALWAYS_DENY: AuthorizationModule = { decide: () => noOpinion('Everything is forbidden.') };

/** Errors must not look like HTML. */
const harmless = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function forbiddenMessage(a: Attributes): string {
  const user = `User ${JSON.stringify(a.user.name)}`;
  if (!a.isResource) return `${user} cannot ${a.verb} path ${JSON.stringify(a.path)}`;
  const resource = a.subresource === '' ? a.resource : `${a.resource}/${a.subresource}`;
  const where = a.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(a.namespace)}`;
  return `${user} cannot ${a.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(a.group)} ${where}`;
}

/** 403 as whoever was refused sees it. */
export function forbiddenBy(a: Attributes, reason: string): ApiError {
  const what = harmless(forbiddenMessage(a));
  const why = reason === '' ? what : `${what}: ${reason}`;
  const { name, group, resource } = a;
  const full = group === '' ? resource : `${resource}.${group}`;
  const about = full === '' ? 'forbidden' : name === '' ? `${full} is forbidden` : `${full} ${JSON.stringify(name)} is forbidden`;
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${about}: ${why}`,
    reason: 'Forbidden',
    details: {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      ...(resource === '' ? {} : { kind: resource }),
    },
    code: 403,
  });
}
