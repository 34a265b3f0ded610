// DELETE of one object or of a collection: preconditions, graceful deletion of Pods, finalizers for the garbage collector
// (registry/rest/delete.go and the generic registry's store.go).

import type { ObjectMeta, Pod } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, isDeleting } from '../../api/meta.ts';
import { conflict, isNotFound, methodNotSupported } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { parseTime, SECOND } from '../../sim/time.ts';
import { DEFINITIONS, markDefinition } from '../apiextensions/definitions.ts';
import { type Exchange, stage } from '../server.ts';
import type { Address, Preconditions } from '../storage/store.ts';
import { type DeleteOptions, deleteOptions, scopeOf } from './options.ts';
import { reply, replyList, replyObject, success } from './responses.ts';
import { releaseService } from './services.ts';
import { addressOf } from './update.ts';
import { present } from './versions.ts';
import { admissionRequest } from './write.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';
const ADMIT_COST = 60;
const ANSWER_COST = 50;
const DEFAULT_GRACE_SECONDS = 30;

/** Kinds whose deletion is answered with the object, not with a Status (ReturnDeletedObject of their stores). */
const ANSWERED_WITH_THEMSELVES = new Set([
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'services',
  'deviceclasses.resource.k8s.io',
  'resourceclaims.resource.k8s.io',
  'resourceclaimtemplates.resource.k8s.io',
  'resourceslices.resource.k8s.io',
  'devicetaintrules.resource.k8s.io',
  'resourcepoolstatusrequests.resource.k8s.io',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'storageclasses.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'volumeattributesclasses.storage.k8s.io',
]);

/** Kinds whose dependents stay when the client does not say what shall become of them: a promise of their first version. */
const ORPHANS_BY_DEFAULT = new Set(['replicationcontrollers', 'jobs.batch']);
const JOB_WARNING =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

export function* remove(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const at = addressOf(x, kind);
  const options = deleteOptions(x.http.body, x.query);
  const { gone, object } = yield* deleteObject(x, at, options);
  const status = !gone && options.orphanDependents === false ? 202 : 200;
  stage(x, 'respond', ANSWER_COST, () => ({ status }));
  yield* x.meter.settle();
  if (gone && !ANSWERED_WITH_THEMSELVES.has(kind.key)) return reply(x, 200, success(kind, object));
  return replyObject(x, status, kind, present(kind, object));
}

export function* removeCollection(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  if (!kind.verbs.includes('deletecollection')) throw methodNotSupported(kind, 'deletecollection');
  const options = deleteOptions(x.http.body, x.query);
  const scope = scopeOf(kind, x.info, x.query);
  const items: VersionedObject[] = [];
  x.server.store.cache.of(kind)?.select(scope, '', (object) => void items.push(object));
  for (const { metadata } of items) {
    try {
      yield* deleteObject(x, { kind, namespace: metadata.namespace ?? '', name: metadata.name }, options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return replyList(
    x,
    kind,
    items.map((o) => present(kind, o)),
    { resourceVersion: String(x.server.store.cache.revision) },
  );
}

/** Deletes the object, or begins to. `gone` says which. @throws ApiError */
export function* deleteObject(
  x: Exchange,
  at: Address,
  options: DeleteOptions,
): Op<{ readonly gone: boolean; readonly object: VersionedObject }> {
  const { store, admission, sim } = x.server;
  const preconditions = options.preconditions ?? {};
  let verdict: Verdict = 'unchanged';
  const decide = function* (current: VersionedObject): Op<ApiObject> {
    checkRecord(at, current, preconditions);
    const request = admissionRequest(x, at.kind, 'DELETE', at.name, null, current);
    yield* admission.admit(x, request);
    const checked = admission.validate(x, request);
    if (checked) yield* checked;
    x.meter.use(ADMIT_COST);
    yield* x.meter.settle();
    const decision = beginDeletion(x, at.kind, current, options, (delay) => sim.time(sim.now + delay));
    verdict = decision.verdict;
    return decision.object;
  };
  if (options.propagationPolicy === undefined && options.orphanDependents === undefined && at.kind.key === 'jobs.batch')
    x.warnings.push(JOB_WARNING);
  if (x.dryRun) {
    const current = yield* store.get(at);
    yield* decide(current);
    return { gone: (verdict as Verdict) === 'remove', object: current };
  }
  const known = store.cached(at);
  if (known) {
    yield* decide(known);
    if ((verdict as Verdict) === 'remove') {
      const again = function* (object: VersionedObject): Op<void> {
        if (object === known) return;
        yield* decide(object);
        // Somebody gave it something to wait for meanwhile.
        if (verdict !== 'remove') throw conflict(at.kind, at.name);
      };
      const removed = yield* removeNow(x, at, preconditions, again);
      return { gone: true, object: removed };
    }
  }
  const object = yield* store.update(at, decide);
  if ((verdict as Verdict) !== 'remove') return { gone: false, object };
  return { gone: true, object: yield* removeNow(x, at, { uid: object.metadata.uid ?? '' }) };
}

/** What rest.BeforeDelete says of preconditions, before the store checks them once more. @throws ApiError 409 */
function checkRecord({ kind, name }: Address, object: VersionedObject, want: Preconditions): void {
  const { uid, resourceVersion } = object.metadata;
  const what = { group: kind.group, plural: kind.kind };
  if (want.uid !== undefined && want.uid !== uid) {
    const why = `the UID in the precondition (${want.uid}) does not match the UID in record (${uid ?? ''}). The object might have been deleted and then recreated`;
    throw conflict(what, name, why);
  }
  if (want.resourceVersion !== undefined && want.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${want.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion})`;
    throw conflict(what, name, `${why}. The object might have been modified`);
  }
}

type Verdict = 'remove' | 'update' | 'unchanged';

/** What a delete makes of the object: nothing more to wait for, or marked and waiting for its kubelet or finalizers. */
function beginDeletion(
  x: Exchange,
  kind: ResourceKind,
  current: VersionedObject,
  options: DeleteOptions,
  timeIn: (delay: number) => string,
): { readonly verdict: Verdict; readonly object: ApiObject } {
  const { metadata } = current;
  const finalizers = finalizersFor(kind, metadata, options);
  const grace = gracePeriod(kind, current, options);
  if (kind.key === 'namespaces') return deleteNamespace(current, finalizers, timeIn);
  if (kind.key === DEFINITIONS && !isDeleting(current)) return { verdict: 'update', object: markDefinition(current, timeIn(0)) };
  if (isDeleting(current)) {
    const shorter = kind.key === 'pods' && options.gracePeriodSeconds !== undefined && grace < (metadata.deletionGracePeriodSeconds ?? 0);
    if (grace === 0 && finalizers.length === 0 && (kind.key !== 'pods' || shorter || (metadata.deletionGracePeriodSeconds ?? 0) === 0)) {
      return { verdict: 'remove', object: current };
    }
    if (!shorter && sameList(finalizers, metadata.finalizers ?? [])) return { verdict: 'unchanged', object: current };
    const times = shorter ? sooner(metadata, grace, timeIn) : {};
    return { verdict: 'update', object: { ...current, metadata: { ...withFinalizers(metadata, finalizers), ...times } } };
  }
  if (grace === 0 && finalizers.length === 0) return { verdict: 'remove', object: current };
  return {
    verdict: 'update',
    object: {
      ...current,
      metadata: {
        ...withFinalizers(metadata, finalizers),
        ...(metadata.generation ? { generation: metadata.generation + 1 } : {}),
        deletionTimestamp: timeIn(grace * SECOND),
        deletionGracePeriodSeconds: grace,
      },
    },
  };
}

/** A shorter grace counts from when the deletion began, too; when that is over, what remains is the shortest grace there is. */
function sooner(metadata: ObjectMeta, grace: number, timeIn: (delay: number) => string): Partial<ObjectMeta> {
  const end = parseTime(metadata.deletionTimestamp as string) ?? 0;
  const now = parseTime(timeIn(0)) ?? 0;
  const next = end + (grace - (metadata.deletionGracePeriodSeconds ?? 0)) * SECOND;
  if (next < now) return { deletionTimestamp: timeIn(0), deletionGracePeriodSeconds: grace === 0 ? 0 : 1 };
  return { deletionTimestamp: timeIn(next - now), deletionGracePeriodSeconds: grace };
}

/** Namespaces wait for their content: the namespace controller takes 'kubernetes' out of spec.finalizers. */
function deleteNamespace(
  current: VersionedObject,
  finalizers: readonly string[],
  timeIn: (delay: number) => string,
): { verdict: Verdict; object: ApiObject } {
  const { spec, status } = current as unknown as { spec?: { finalizers?: readonly string[] }; status?: object };
  const pending = (spec?.finalizers?.length ?? 0) > 0 || finalizers.length > 0;
  if (!pending) return { verdict: 'remove', object: current };
  if (isDeleting(current)) return { verdict: 'unchanged', object: current };
  const metadata: ObjectMeta = { ...withFinalizers(current.metadata, finalizers), deletionTimestamp: timeIn(0) };
  return { verdict: 'update', object: { ...current, metadata, status: { ...status, phase: 'Terminating' } } as ApiObject };
}

/** Seconds that a Pod's containers get; other kinds get none. */
function gracePeriod(kind: ResourceKind, object: VersionedObject, options: DeleteOptions): number {
  if (kind.key !== 'pods') return 0;
  const { spec, status } = object as unknown as Pod;
  if (!spec.nodeName) return 0;
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0;
  const wanted = options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  return wanted < 0 ? 1 : wanted;
}

/** The finalizers with those that the garbage collector works on, as the propagation policy asks. */
function finalizersFor(kind: ResourceKind, metadata: ObjectMeta, options: DeleteOptions): readonly string[] {
  const has = metadata.finalizers ?? [];
  const policy =
    options.propagationPolicy ?? (options.orphanDependents === undefined ? undefined : options.orphanDependents ? 'Orphan' : 'Background');
  const orphan =
    policy === 'Orphan' ||
    (policy === undefined && (has.includes(ORPHAN) || (ORPHANS_BY_DEFAULT.has(kind.key) && !has.includes(FOREGROUND))));
  const foreground = policy === 'Foreground' || (policy === undefined && has.includes(FOREGROUND));
  if (orphan === has.includes(ORPHAN) && foreground === has.includes(FOREGROUND)) return has;
  const others = has.filter((f) => f !== ORPHAN && f !== FOREGROUND);
  return [...others, ...(orphan ? [ORPHAN] : []), ...(foreground ? [FOREGROUND] : [])];
}

function withFinalizers(metadata: ObjectMeta, finalizers: readonly string[]): ObjectMeta {
  if (finalizers === metadata.finalizers) return metadata;
  const { finalizers: _, ...rest } = metadata;
  return finalizers.length === 0 ? rest : { ...rest, finalizers };
}

const sameList = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((v, i) => v === b[i]);

/** Takes the object out of the store, and gives back what it held. @throws ApiError 404, 409 */
export function* removeNow(
  x: Exchange,
  at: Address,
  preconditions: Preconditions,
  validate?: (object: VersionedObject) => Op<void>,
): Op<VersionedObject> {
  const removed = yield* x.server.store.delete(at, preconditions, validate);
  if (at.kind.key === 'services') yield* releaseService(x, removed);
  return removed;
}
