// NamespaceLifecycle: nothing is made in a namespace that does not exist or is going away; the three namespaces that the
// system lives in cannot be deleted.

import { ApiError, forbidden } from '../../api/status.ts';
import { mustResource } from '../../api/kinds.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Address } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);
const REVIEWS = new Set(['localsubjectaccessreviews']);

interface NamespaceLike {
  readonly metadata: { readonly deletionTimestamp?: unknown };
  readonly status?: { readonly phase?: string };
}

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',

  handles: ({ operation, kind, namespace }) => (operation === 'DELETE' ? kind.key === 'namespaces' : namespace !== '' && kind.namespaced),

  prepare(request: AdmissionRequest): Op<void> | null {
    const { operation, kind, name, namespace, server } = request;
    if (operation === 'DELETE') {
      if (IMMORTAL.has(name)) throw forbidden(kind, name, 'this namespace may not be deleted');
      return null;
    }
    if (operation !== 'CREATE' || REVIEWS.has(kind.plural)) return null;
    const at = { kind: mustResource('namespaces'), namespace: '', name: namespace };
    const known = server.store.cached(at);
    if (!known) return lookUp(request, at);
    mustBeAlive(request, known as unknown as NamespaceLike);
    return null;
  },
};

/** The cache may be behind: a namespace that it does not know is asked for in etcd. */
function* lookUp(request: AdmissionRequest, at: Address): Op<void> {
  const found = yield* request.server.store.get(at);
  mustBeAlive(request, found as unknown as NamespaceLike);
}

function mustBeAlive(request: AdmissionRequest, { metadata, status }: NamespaceLike): void {
  if (metadata.deletionTimestamp !== undefined || status?.phase === 'Terminating') throw terminating(request);
}

function terminating({ kind, name, namespace }: AdmissionRequest): ApiError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden(kind, name, why);
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
  return new ApiError({ ...status, details: { ...status.details, causes: [cause] } });
}
