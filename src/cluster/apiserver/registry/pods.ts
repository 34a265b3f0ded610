// Subresources of Pods that are no plain writes: binding and eviction (pkg/registry/core/pod/storage).

import { decodeAs } from '../../api/decode.ts';
import type { Binding, Pod, PodCondition, PodDisruptionBudget } from '../../api/generated/types.ts';
import { mustResource, type ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, conditionOf, isDeleting } from '../../api/meta.ts';
import { matchLabels, selectorOf } from '../../api/selector.ts';
import { ApiError, badRequest, conflict, internalError, invalid } from '../../api/status.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Exchange, stage } from '../server.ts';
import { withTopology } from '../admission/topology-labels.ts';
import { deleteObject } from './delete.ts';
import type { DeleteOptions } from './options.ts';
import { reply, success } from './responses.ts';
import { addressOf } from './update.ts';
import { admitSubresource } from './write.ts';

const COST = 60;

/** POST pods/<name>/binding: the Pod belongs to a node from now on. */
export function* bind(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const binding = decodeAs<Binding>('Binding', x.http.body);
  // The old way to bind names the Pod in the body alone: POST bindings.
  const at = x.info.name === '' ? { ...addressOf(x, kind), name: binding.metadata.name } : addressOf(x, kind);
  const node = binding.target?.name ?? '';
  if (node === '')
    throw invalid({ group: '', kind: 'Binding' }, at.name, [
      { type: 'FieldValueRequired', field: 'target.name', message: 'Required value' },
    ]);
  stage(x, 'bind', COST, () => ({ node }));
  if (x.server.admission.asksOthers) yield* admitSubresource(x, kind, at.name, binding as unknown as ApiObject);
  yield* x.meter.settle();
  yield* x.server.store.update(at, function* (current): Op<ApiObject> {
    const pod = current as unknown as Pod;
    const { uid } = binding.metadata ?? {};
    if (uid && uid !== pod.metadata.uid)
      throw conflict(kind, at.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ''}`);
    if (isDeleting(pod)) throw conflict(kind, at.name, `pod ${at.name} is being deleted, cannot be assigned to a host`);
    if (pod.spec.nodeName) throw conflict(kind, at.name, `pod ${at.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
    if (pod.spec.schedulingGates?.length) throw conflict(kind, at.name, `pod ${at.name} has non-empty .spec.schedulingGates`);
    return boundTo(x, pod, node, binding, x.server.sim.time());
  });
  return reply(x, 201, success());
}

function boundTo({ server }: Exchange, pod: Pod, node: string, binding: Binding, now: string): Pod {
  const annotations = { ...pod.metadata.annotations, ...binding.metadata?.annotations };
  const { labels: own } = pod.metadata;
  const labels = withTopology(server, node, own);
  const annotated = Object.keys(annotations).length === 0 ? pod.metadata : { ...pod.metadata, annotations };
  const metadata = labels === own || labels === undefined ? annotated : { ...annotated, labels };
  const scheduled: PodCondition = {
    type: 'PodScheduled',
    status: 'True',
    lastTransitionTime: now,
    observedGeneration: pod.metadata.generation ?? 0,
  } as PodCondition;
  const others = (pod.status.conditions ?? []).filter((c) => c.type !== 'PodScheduled');
  const before = conditionOf(pod.status.conditions, 'PodScheduled');
  const conditions = [...others, before?.status === 'True' ? before : scheduled];
  // The nomination has done its part.
  const { nominatedNodeName: _, ...status } = pod.status;
  return { ...pod, metadata, spec: { ...pod.spec, nodeName: node }, status: { ...status, conditions } };
}

interface Eviction {
  readonly deleteOptions?: DeleteOptions;
}

/** POST pods/<name>/eviction: a delete that asks the disruption budgets first. */
export function* evict(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const { deleteOptions = {} } = decodeAs<Eviction>('Eviction', x.http.body);
  const at = addressOf(x, kind);
  yield* admitSubresource(x, kind, at.name, x.http.body as ApiObject);
  const pod = (yield* x.server.store.get(at)) as unknown as Pod;
  if (!isDeleting(pod) && !isTerminal(pod) && pod.status?.phase !== 'Pending') yield* spendBudget(x, pod);
  if (!x.dryRun && !isDeleting(pod)) yield* markDisrupted(x, pod);
  yield* deleteObject(x, at, deleteOptions);
  return reply(x, 201, success());
}

const isTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Takes one disruption from the budget that covers the Pod. @throws ApiError 429, 500 */
function* spendBudget(x: Exchange, pod: Pod): Op<void> {
  const kind = mustResource('poddisruptionbudgets.policy');
  const budgets: PodDisruptionBudget[] = [];
  const scope = { namespace: pod.metadata.namespace ?? '', name: '', nodeName: '', matches: null };
  x.server.store.cache.of(kind)?.select(scope, '', (object) => {
    const budget = object as unknown as PodDisruptionBudget;
    if (matchLabels(selectorOf(budget.spec.selector), pod.metadata.labels)) budgets.push(budget);
  });
  const budget = budgets[0];
  if (!budget) return;
  if (budgets.length > 1)
    throw internalError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  if (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' && conditionOf(pod.status.conditions, 'Ready')?.status !== 'True') return;
  const at = { kind, namespace: scope.namespace, name: budget.metadata.name };
  yield* x.server.store.update(at, function* (current): Op<ApiObject> {
    const now = current as unknown as PodDisruptionBudget;
    checkBudget(now);
    if (x.dryRun) return current;
    const disruptedPods = { ...now.status.disruptedPods, [pod.metadata.name]: x.server.sim.time() };
    return { ...now, status: { ...now.status, disruptionsAllowed: (now.status.disruptionsAllowed ?? 0) - 1, disruptedPods } } as ApiObject;
  });
}

function checkBudget({ metadata, status }: PodDisruptionBudget): void {
  const { name, generation = 0 } = metadata;
  if ((status.observedGeneration ?? 0) < generation)
    throw refused(`The disruption budget ${name} is still being processed by the server.`, 10);
  if ((status.disruptionsAllowed ?? 0) > 0) return;
  throw refused(`The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`, 0);
}

function refused(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    reason: 'TooManyRequests',
    details: { causes: [{ reason: 'DisruptionBudget', message }], ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) },
    code: 429,
  });
}

/** The Pod learns why it goes: condition DisruptionTarget. */
function* markDisrupted(x: Exchange, pod: Pod): Op<void> {
  const at = { kind: mustResource('pods'), namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
  yield* x.server.store.update(at, function* (current): Op<ApiObject> {
    const now = current as unknown as Pod;
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
      lastTransitionTime: x.server.sim.time(),
    } as PodCondition;
    const others = (now.status.conditions ?? []).filter((c) => c.type !== condition.type);
    return { ...now, status: { ...now.status, conditions: [...others, condition] } } as ApiObject;
  });
}

/** What a Pod subresource that needs a running container answers while this server has no way to its kubelet. */
export function unsupported(kind: ResourceKind, subresource: string): ApiError {
  return badRequest(`${kind.plural}/${subresource} is not served`);
}
