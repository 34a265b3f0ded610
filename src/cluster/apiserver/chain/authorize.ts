// May this user do that? The Node authorizer's duty is done by the role system:node (bound to system:nodes here); RBAC decides.

import { ApiError } from '../../api/status.ts';
import type { Attributes, Grant, Rbac } from '../authorization/rbac.ts';
import type { RequestContext } from '../request.ts';

/** Paths that the health checks of the kubelet reach without credentials. */
const ALWAYS_ALLOWED = new Set(['/healthz', '/livez', '/readyz']);
const HEALTH: Grant = Object.freeze({ reason: '', binding: '', role: '' });

export function attributesOf(context: RequestContext): Attributes {
  const { info } = context;
  return {
    user: context.user,
    verb: info.verb,
    isResource: info.isResource,
    group: info.group,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
  };
}

/** The grant. @throws ApiError 403 */
export function authorize(rbac: Rbac, context: RequestContext): Grant {
  const { info } = context;
  if (!info.isResource && ALWAYS_ALLOWED.has(info.path)) return HEALTH;
  const grant = rbac.authorize(attributesOf(context));
  if (!grant) throw denied(context);
  return grant;
}

function denied(context: RequestContext): ApiError {
  const { info } = context;
  const user = `User "${context.user.name}"`;
  if (!info.isResource) return status(`forbidden: ${user} cannot ${info.verb} path "${info.path}"`, {});
  const full = info.group === '' ? info.resource : `${info.resource}.${info.group}`;
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  const where = info.namespace === '' ? 'at the cluster scope' : `in the namespace "${info.namespace}"`;
  const what = `${user} cannot ${info.verb} resource "${resource}" in API group "${info.group}" ${where}`;
  const about = info.name === '' ? full : `${full} "${info.name}"`;
  return status(`${about} is forbidden: ${what}`, {
    ...(info.name === '' ? {} : { name: info.name }),
    ...(info.group === '' ? {} : { group: info.group }),
    kind: info.resource,
  });
}

function status(message: string, details: object): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Forbidden',
    details,
    code: 403,
  });
}
