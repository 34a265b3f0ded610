// The disruption controller (pkg/controller/disruption): says in the status of each PodDisruptionBudget how many Pods may be
// evicted now, which the eviction API spends. And takes the mark DisruptionTarget from Pods that were not deleted after all.

import type { Deployment, Pod, PodDisruptionBudget, ReplicaSet, ReplicationController, Scale, StatefulSet } from '../api/generated/types.ts';
import { kindOf } from '../api/kinds.ts';
import { type ApiObject, conditionOf, controllerOf, isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, selectorOf, selectorText } from '../api/selector.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, MINUTE, parseTime } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { budgetStatus, countHealthy, disruptedPods, needOf, needsScale, withAllowed } from './disruption-plan.ts';
import { isPodTerminal } from './pods.ts';

const NAME = 'disruption-controller';
const STALE = 'pod:';
/** A Pod marked for disruption that long ago is not being disrupted. */
const STALE_AFTER: Micros = 2 * MINUTE;
const UNMANAGED =
  'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.';

interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

export class DisruptionController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #deployments: Informer<Deployment>;
  readonly #statefulSets: Informer<StatefulSet>;
  readonly #replicationControllers: Informer<ReplicationController>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder('controllermanager', this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#budgets = informers.informer('poddisruptionbudgets.policy');
    this.#pods = informers.informer('pods');
    this.#replicaSets = informers.informer('replicasets.apps');
    this.#deployments = informers.informer('deployments.apps');
    this.#statefulSets = informers.informer('statefulsets.apps');
    this.#replicationControllers = informers.informer('replicationcontrollers');
    const enqueue = (budget: PodDisruptionBudget): void => this.#queue.add(keyOf(budget));
    this.#budgets.addHandler({ add: enqueue, update: (_, budget) => enqueue(budget), delete: enqueue });
    this.#pods.addHandler({
      add: (pod) => this.#podChanged(pod),
      update: (before, pod) => {
        if (this.#budgets.size > 0 && before.metadata.labels !== pod.metadata.labels) this.#podChanged(before);
        this.#podChanged(pod);
      },
      delete: (pod) => this.#podChanged(pod),
    });
  }

  run(): void {
    const [budget, pod] = [subjectsOf('poddisruptionbudgets.policy'), subjectsOf('pods')];
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 1,
      subject: (key) => (key.startsWith(STALE) ? pod(key.slice(STALE.length)) : budget(key)),
      sync: (key, sync) => (key.startsWith(STALE) ? this.#unmark(key.slice(STALE.length), sync) : this.#sync(key, sync)),
    });
  }

  #podChanged(pod: Pod): void {
    const mark = conditionOf(pod.status.conditions, 'DisruptionTarget');
    if (mark?.status === 'True' && !isDeleting(pod) && !isPodTerminal(pod)) {
      const since = parseTime(mark.lastTransitionTime ?? '') ?? this.#now();
      this.#queue.addAfter(STALE + keyOf(pod), since + STALE_AFTER - this.#now());
    }
    if (this.#budgets.size === 0) return;
    for (const budget of this.#budgets.list(pod.metadata.namespace)) {
      if (matchLabels(selectorOf(budget.spec.selector), pod.metadata.labels)) this.#queue.add(keyOf(budget));
    }
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const budget = this.#budgets.getByKey(key);
    if (!budget) return;
    try {
      yield* this.#trySync(budget, sync);
    } catch (error) {
      if (isProgrammingError(error) || isNotFound(error)) throw error;
      const status = { ...budget.status, disruptionsAllowed: 0, conditions: withAllowed(budget, false, 'SyncFailed', messageOf(error), this.#os.sim.time()) };
      if (!jsonEqual(budget.status, status)) yield* this.#client.updateStatus('poddisruptionbudgets.policy', { ...budget, status });
      throw error;
    }
  }

  *#trySync(budget: PodDisruptionBudget, sync: Sync): Op<void> {
    const pods = this.#podsOf(budget);
    if (pods.length === 0) this.#recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    let scale = 0;
    if (needsScale(budget)) {
      try {
        scale = yield* this.#scaleOf(budget, pods);
      } catch (error) {
        if (!isProgrammingError(error)) {
          const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
          this.#recorder.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
        }
        throw error;
      }
    }
    const { pods: disrupted, overdue, recheckIn } = disruptedPods(budget, pods, this.#now());
    for (const pod of overdue) {
      this.#recorder.event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${keyOf(budget)} to be deleted but it wasn't`);
    }
    const status = budgetStatus(budget, countHealthy(pods, disrupted), needOf(budget, pods.length, scale), disrupted, this.#os.sim.time());
    if (recheckIn !== undefined) this.#queue.addAfter(keyOf(budget), recheckIn);
    if (jsonEqual(budget.status, status)) return;
    sync.decide({ status });
    yield* this.#client.updateStatus('poddisruptionbudgets.policy', { ...budget, status });
  }

  #podsOf(budget: PodDisruptionBudget): Pod[] {
    const selector = selectorOf(budget.spec.selector);
    return this.#pods.list(budget.metadata.namespace).filter((pod) => matchLabels(selector, pod.metadata.labels));
  }

  /** The sum of what the Pods' controllers want, each counted once. */
  *#scaleOf(budget: PodDisruptionBudget, pods: readonly Pod[]): Op<number> {
    const scales = new Map<string, number>();
    const seen = new Set<string>();
    const unmanaged: string[] = [];
    for (const pod of pods) {
      const ref = controllerOf(pod);
      if (!ref) {
        unmanaged.push(pod.metadata.name);
        continue;
      }
      if (seen.has(ref.uid)) continue;
      seen.add(ref.uid);
      const found = yield* this.#controllerScale(pod);
      if (!found) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
      scales.set(found.uid, found.replicas);
    }
    if (unmanaged.length > 0) {
      const selector = selectorText(selectorOf(budget.spec.selector));
      this.#recorder.event(budget, 'Warning', 'UnmanagedPods', `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. ${UNMANAGED}`);
    }
    let sum = 0;
    for (const replicas of scales.values()) sum += replicas;
    return sum;
  }

  *#controllerScale(pod: Pod): Op<Scaled | undefined> {
    const ref = controllerOf(pod);
    if (!ref) return undefined;
    const namespace = pod.metadata.namespace ?? '';
    const of = (found: (ApiObject & { readonly spec: { readonly replicas?: number } }) | undefined): Scaled | undefined =>
      found?.metadata.uid === ref.uid ? { uid: ref.uid, replicas: found?.spec.replicas ?? 1 } : undefined;
    switch (`${ref.apiVersion.split('/')[0]}/${ref.kind}`) {
      case 'v1/ReplicationController':
        return of(this.#replicationControllers.get(namespace, ref.name));
      case 'apps/StatefulSet':
        return of(this.#statefulSets.get(namespace, ref.name));
      case 'apps/ReplicaSet': {
        const set = this.#replicaSets.get(namespace, ref.name);
        const owner = set && controllerOf(set);
        if (owner?.kind !== 'Deployment') return of(set);
        const deployment = this.#deployments.get(namespace, owner.name);
        return deployment?.metadata.uid === owner.uid ? { uid: owner.uid, replicas: deployment?.spec.replicas ?? 1 } : undefined;
      }
    }
    return yield* this.#subresourceScale(ref.apiVersion, ref.kind, namespace, ref.name, ref.uid);
  }

  *#subresourceScale(apiVersion: string, kind: string, namespace: string, name: string, uid: string): Op<Scaled | undefined> {
    const known = kindOf(apiVersion, kind);
    const plural = known?.plural ?? `${kind.toLowerCase()}s`;
    try {
      const { body } = yield* this.#client.raw({ method: 'GET', path: `/apis/${apiVersion}/namespaces/${namespace}/${plural}/${name}/scale` });
      return { uid, replicas: (body as Scale).spec.replicas ?? 0 };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new Error(`${plural}.${apiVersion.split('/')[0]} does not implement the scale subresource`);
    }
  }

  *#unmark(key: string, sync: Sync): Op<void> {
    const pod = this.#pods.getByKey(key);
    const mark = pod && conditionOf(pod.status.conditions, 'DisruptionTarget');
    if (!pod || mark?.status !== 'True' || isDeleting(pod) || isPodTerminal(pod)) return;
    const left = (parseTime(mark.lastTransitionTime ?? '') ?? 0) + STALE_AFTER - this.#now();
    if (left > 0) {
      this.#queue.addAfter(STALE + key, left);
      return;
    }
    sync.decide({ unmark: pod.metadata.name });
    const condition = { type: 'DisruptionTarget', status: 'False', lastTransitionTime: this.#os.sim.time(), reason: null, message: null };
    try {
      yield* this.#client.patch('pods', pod.metadata.namespace ?? '', pod.metadata.name, { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }, 'strategic', 'status');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #now(): Micros {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}
