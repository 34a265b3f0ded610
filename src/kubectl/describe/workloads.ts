// What keeps Pods running: ReplicationController, ReplicaSet, Deployment, StatefulSet, DaemonSet (kubectl/pkg/describe).

import type { DaemonSet, Deployment, LabelSelector, ObjectMeta, Pod, PodTemplateSpec, ReplicaSet, ReplicationController, StatefulSet } from '../../cluster/api/generated/types.ts';
import { selectorOf, selectorText } from '../../cluster/api/selector.ts';
import { ApiError } from '../../cluster/api/status.ts';
import { labelSelectorText, labelsText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { goJson } from '../print/json.ts';
import { claimTemplates } from './claims.ts';
import { byText, controlledBy, controllerOf, head, labelsAndAnnotations, row } from './metadata.ts';
import { type Page, typeOf } from './page.ts';
import { podTemplate } from './pods.ts';
import { dateText, type Writer } from './writer.ts';

const REPLICA_SETS = typeOf('apps/v1', 'ReplicaSet', 'replicasets', true);
const PHASES = ['Running', 'Pending', 'Succeeded', 'Failed'];

const textOf = (selector: LabelSelector | undefined): string => selectorText(selectorOf(selector));

const statusText = (pods: readonly Pod[], { uid }: ObjectMeta): string => {
  const own = pods.filter((pod) => controllerOf(pod.metadata)?.uid === uid);
  const [running, pending, succeeded, failed] = PHASES.map((phase) => own.filter((pod) => pod.status.phase === phase).length);
  return `${running} Running / ${pending} Waiting / ${succeeded} Succeeded / ${failed} Failed`;
};

/** How the Pods of a controller are doing. */
function* podsStatus(page: Page, metadata: ObjectMeta, selector: string): Op<string> {
  return statusText(yield* page.pods(metadata.namespace ?? '', { labelSelector: selector }), metadata);
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

function conditions(w: Writer, list: readonly Condition[] | undefined): void {
  if (!list?.length) return;
  w.write(0, 'Conditions:\n  Type\tStatus\tReason\n');
  w.write(1, '----\t------\t------\n');
  for (const c of list) w.write(1, row(`${c.type} `, c.status, c.reason));
}

export function* describeReplicationController(page: Page, controller: ReplicationController): Op<void> {
  const { metadata, spec, status } = controller;
  const pods = yield* podsStatus(page, metadata, spec.selector ? labelsText(spec.selector) : '');
  head(page, metadata);
  page.write(0, `Selector:\t${labelsText(spec.selector)}\n`);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Replicas:\t${status.replicas} current / ${spec.replicas ?? 1} desired\n`);
  page.write(0, `Pods Status:\t${pods}\n`);
  podTemplate(page, spec.template);
  conditions(page, status.conditions);
  yield* page.events(controller);
}

export function* describeReplicaSet(page: Page, set: ReplicaSet): Op<void> {
  const { metadata, spec, status } = set;
  let pods: string;
  try {
    pods = yield* podsStatus(page, metadata, textOf(spec.selector));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    pods = `error in fetching pods: ${error.message}`;
  }
  head(page, metadata);
  page.write(0, `Selector:\t${labelSelectorText(spec.selector)}\n`);
  labelsAndAnnotations(page, metadata);
  controlledBy(page, metadata);
  page.write(0, `Replicas:\t${status.replicas} current / ${spec.replicas ?? 1} desired\n`);
  page.write(0, `Pods Status:\t${pods}\n`);
  podTemplate(page, spec.template);
  conditions(page, status.conditions);
  yield* page.events(set);
}

/** A template without the label that tells ReplicaSets apart. */
function comparable(template: PodTemplateSpec | undefined): string {
  const { 'pod-template-hash': _, ...labels } = template?.metadata.labels ?? {};
  return goJson({ ...template, metadata: { ...template?.metadata, creationTimestamp: undefined, labels } });
}

/** The ReplicaSets of a Deployment: the one of its template, and all others. */
function* replicaSets(page: Page, { metadata, spec }: Deployment): Op<{ old: ReplicaSet[]; new: ReplicaSet[] }> {
  let all: ReplicaSet[] = [];
  try {
    all = yield* page.list<ReplicaSet>(REPLICA_SETS, metadata.namespace ?? '', { labelSelector: textOf(spec.selector) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  const own = all
    .filter((set) => controllerOf(set.metadata)?.uid === metadata.uid)
    .sort((a, b) => byText(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') || byText(a.metadata.name, b.metadata.name));
  const wanted = comparable(spec.template);
  const current = own.find((set) => comparable(set.spec.template) === wanted);
  return { old: own.filter((set) => set !== current), new: current ? [current] : [] };
}

const setsText = (sets: readonly ReplicaSet[]): string =>
  sets.map((set) => `${set.metadata.name} (${set.status.replicas}/${set.spec.replicas ?? 1} replicas created)`).join(', ') || '<none>';

export function* describeDeployment(page: Page, deployment: Deployment): Op<void> {
  const { metadata, spec, status } = deployment;
  const sets = yield* replicaSets(page, deployment);
  head(page, metadata);
  page.write(0, `CreationTimestamp:\t${dateText(metadata.creationTimestamp)}\n`);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Selector:\t${textOf(spec.selector)}\n`);
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status;
  page.write(0, `Replicas:\t${spec.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailableReplicas} unavailable\n`);
  page.write(0, `StrategyType:\t${spec.strategy?.type ?? ''}\n`);
  page.write(0, `MinReadySeconds:\t${spec.minReadySeconds ?? 0}\n`);
  const rolling = spec.strategy?.rollingUpdate;
  if (rolling) page.write(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable ?? '<nil>'} max unavailable, ${rolling.maxSurge ?? '<nil>'} max surge\n`);
  podTemplate(page, spec.template);
  conditions(page, status.conditions);
  if (sets.old.length + sets.new.length > 0) {
    page.write(0, `OldReplicaSets:\t${setsText(sets.old)}\n`);
    page.write(0, `NewReplicaSet:\t${setsText(sets.new)}\n`);
  }
  yield* page.events(deployment);
}

export function* describeStatefulSet(page: Page, set: StatefulSet): Op<void> {
  const { metadata, spec, status } = set;
  const selector = textOf(spec.selector);
  const pods = yield* podsStatus(page, metadata, selector);
  head(page, metadata);
  page.write(0, `CreationTimestamp:\t${dateText(metadata.creationTimestamp)}\n`);
  page.write(0, `Selector:\t${selector}\n`);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Replicas:\t${spec.replicas ?? 1} desired | ${status.replicas} total\n`);
  page.write(0, `Update Strategy:\t${spec.updateStrategy?.type ?? ''}\n`);
  const rolling = spec.updateStrategy?.rollingUpdate;
  if (rolling?.partition !== undefined) {
    page.write(1, `Partition:\t${rolling.partition}\n`);
    if (rolling.maxUnavailable !== undefined) page.write(1, `MaxUnavailable:\t${rolling.maxUnavailable}\n`);
  }
  page.write(0, `Pods Status:\t${pods}\n`);
  podTemplate(page, spec.template);
  claimTemplates(page, spec.volumeClaimTemplates);
  yield* page.events(set);
}

export function* describeDaemonSet(page: Page, set: DaemonSet): Op<void> {
  const { metadata, spec, status } = set;
  const selector = textOf(spec.selector);
  const pods = yield* podsStatus(page, metadata, selector);
  head(page, metadata);
  page.write(0, `Selector:\t${selector}\n`);
  page.write(0, `Node-Selector:\t${labelsText(spec.template.spec.nodeSelector)}\n`);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Desired Number of Nodes Scheduled: ${status.desiredNumberScheduled}\n`);
  page.write(0, `Current Number of Nodes Scheduled: ${status.currentNumberScheduled}\n`);
  page.write(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status.updatedNumberScheduled ?? 0}\n`);
  page.write(0, `Number of Nodes Scheduled with Available Pods: ${status.numberAvailable ?? 0}\n`);
  page.write(0, `Number of Nodes Misscheduled: ${status.numberMisscheduled}\n`);
  page.write(0, `Pods Status:\t${pods}\n`);
  podTemplate(page, spec.template);
  yield* page.events(set);
}
