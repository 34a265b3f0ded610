// What webhooks and policies are told about a request: the fields of an AdmissionReview's request.

import { userInfo } from '../registry/reviews.ts';
import type { AdmissionRequest } from './chain.ts';

const OPTIONS: Readonly<Record<string, string>> = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' };

export function admissionReviewRequest(request: AdmissionRequest, uid: string): Record<string, unknown> {
  const { kind, subresource, name, namespace, operation, user, object, old, x } = request;
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
  const gvr = { group: kind.group, version: kind.version, resource: kind.plural };
  return {
    uid,
    kind: gvk,
    resource: gvr,
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: gvk,
    requestResource: gvr,
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: userInfo(user),
    object,
    oldObject: old,
    dryRun: x.dryRun,
    options: optionsOf(request),
  };
}

function optionsOf({ operation, x }: AdmissionRequest): object | null {
  const kind = x.info.verb === 'patch' ? 'PatchOptions' : OPTIONS[operation];
  if (kind === undefined) return null;
  const { fieldManager, fieldValidation } = x.query;
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(x.dryRun ? { dryRun: ['All'] } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
}
