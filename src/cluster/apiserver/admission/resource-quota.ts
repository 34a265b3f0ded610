// ResourceQuota: what is asked for must fit into each quota of the namespace, and is charged to it before the object is
// written (apiserver/pkg/admission/plugin/resourcequota/controller.go). Requests of one namespace are served one by one.

import type { Pod, ResourceQuota } from '../../api/generated/types.ts';
import { mustResource } from '../../api/kinds.ts';
import { type ApiObject, isDeleting } from '../../api/meta.ts';
import {
  addLists,
  exceeding,
  isEmpty,
  mask,
  negative,
  NONE,
  printList,
  type ResourceList,
  subtractNonNegative,
  withoutZeros,
} from '../../api/quota/lists.ts';
import { namesFor } from '../../api/quota/scopes.ts';
import { missing, usageOf } from '../../api/quota/usage.ts';
import { type ApiError, forbidden } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import { Deferred } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';

/** Reviews, bindings and events are never counted. */
const IGNORED = new Set([
  'bindings',
  'componentstatuses',
  'events',
  'events.events.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
]);

const quotasFor = ({ server, namespace }: AdmissionRequest): readonly VersionedObject[] => server.admission.watched.quotas.in(namespace);

export const resourceQuota: AdmissionPlugin = {
  name: 'ResourceQuota',

  handles(request) {
    const { namespace, operation, kind } = request;
    if (namespace === '' || quotasFor(request).length === 0 || operation === 'DELETE' || operation === 'CONNECT') return false;
    return !request.x.dryRun && !IGNORED.has(kind.key) && isCharged(request);
  },

  validateAsking: (request) => inTurn(request, request.server.admission.quotas),
};

function isCharged({ kind, operation, subresource, object, old }: AdmissionRequest): boolean {
  switch (kind.key) {
    case 'pods':
      return subresource === '' ? operation === 'CREATE' : subresource === 'resize' && operation === 'UPDATE';
    case 'services':
      return subresource === '';
    case 'persistentvolumeclaims':
      return subresource === '' || (subresource === 'status' && allocated(object) !== allocated(old));
    default:
      return subresource === '' && operation === 'CREATE';
  }
}

const allocated = (object: ApiObject | null): string | undefined =>
  (object as { status?: { allocatedResources?: ResourceList } } | null)?.status?.allocatedResources?.['storage'];

/** Who is being served in each namespace, who waits, and what was written last: newer than the cache for a moment. */
export class QuotaState {
  readonly waiting = new Map<string, Deferred<void>[]>();
  readonly written = new Map<string, VersionedObject>();
}

function* inTurn(request: AdmissionRequest, state: QuotaState): Op<void> {
  const { namespace, server } = request;
  const queue = state.waiting.get(namespace);
  if (queue) {
    const turn = new Deferred<void>(server.sim);
    const { cause } = server.sim;
    queue.push(turn);
    yield* turn.wait();
    server.sim.cause = cause;
  } else state.waiting.set(namespace, []);
  try {
    yield* charge(request, state);
  } finally {
    const next = state.waiting.get(namespace)?.shift();
    if (next) next.resolve();
    else state.waiting.delete(namespace);
  }
}

function* charge(request: AdmissionRequest, state: QuotaState): Op<void> {
  const quotas = quotasFor(request).map((cached) => newest(cached, state));
  const due = quotas.filter((quota) => afterRequest(request, quota as unknown as ResourceQuota) !== null);
  for (const quota of due) {
    const { namespace = '', name } = quota.metadata;
    const at = { kind: mustResource('resourcequotas'), namespace, name };
    const change = function* (current: VersionedObject): Op<ApiObject> {
      const now = current as unknown as ResourceQuota;
      const used = afterRequest(request, now);
      return used ? ({ ...now, status: { ...now.status, used } } as unknown as ApiObject) : current;
    };
    const written = yield* request.server.store.update(at, change, { known: quota });
    state.written.set(`${namespace}/${name}`, written);
  }
}

function newest(cached: VersionedObject, state: QuotaState): VersionedObject {
  const { namespace = '', name, resourceVersion } = cached.metadata;
  const key = `${namespace}/${name}`;
  const written = state.written.get(key);
  if (!written) return cached;
  if (written.metadata.uid === cached.metadata.uid && Number(written.metadata.resourceVersion) > Number(resourceVersion)) return written;
  state.written.delete(key);
  return cached;
}

/** What the quota will have used; null when the request is nothing to it. @throws ApiError 403 when that is too much */
function afterRequest(request: AdmissionRequest, quota: ResourceQuota): ResourceList | null {
  const { kind, operation, subresource } = request;
  const object = request.object as ApiObject;
  const { hard = NONE, used = NONE } = quota.status ?? {};
  const { name } = quota.metadata;
  const names = namesFor(kind, quota.spec, Object.keys(hard), object);
  if (names.length === 0) return null;
  if (kind.key === 'pods') {
    const lacking = missing(object as unknown as Pod, names);
    if (lacking !== '') throw refused(request, `failed quota: ${name}: must specify ${lacking}`);
  }
  if (names.some((n) => !(n in used)))
    throw refused(request, `status unknown for quota: ${name}, resources: ${[...names].sort().join(',')}`);
  const isOver = (pod: Pod): boolean => isDeleting(pod) && pod.metadata.deletionGracePeriodSeconds === 0;
  const asked = usageOf(kind, object, isOver);
  const below = negative(asked);
  if (below.length > 0) throw refused(request, `quota usage is negative for resource(s): ${[...below].sort().join(',')}`);
  let delta = asked;
  if (operation === 'UPDATE' && request.old && namesFor(kind, quota.spec, Object.keys(hard), request.old).length > 0) {
    delta = subtractNonNegative(asked, usageOf(kind, request.old, isOver));
  }
  const requested = mask(withoutZeros(delta), Object.keys(hard));
  if (isEmpty(requested)) return null;
  const after = addLists(used, requested);
  const over = exceeding(mask(after, Object.keys(requested)), hard);
  if (over.length > 0 && subresource !== 'status') {
    const [what, has, limit] = [requested, used, hard].map((list) => printList(mask(list, over))) as [string, string, string];
    throw refused(request, `exceeded quota: ${name}, requested: ${what}, used: ${has}, limited: ${limit}`);
  }
  return after;
}

const refused = ({ kind, name }: AdmissionRequest, why: string): ApiError => forbidden(kind, name, why);
