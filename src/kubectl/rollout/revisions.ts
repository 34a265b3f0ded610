// The history of a workload: the ReplicaSets of a Deployment, the ControllerRevisions of a DaemonSet or StatefulSet
// (kubectl/pkg/polymorphichelpers/history.go).

import type { ControllerRevision, PodTemplateSpec, ReplicaSet } from '../../cluster/api/generated/types.ts';
import { selectorOf, selectorText } from '../../cluster/api/selector.ts';
import { applyStrategicPatch } from '../../cluster/api/patch/strategic.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../print/error.ts';
import type { Info } from '../resource/builder.ts';
import type { Mapping } from '../resource/discovery.ts';
import type { LiveObject } from '../rest.ts';

export const REVISION = 'deployment.kubernetes.io/revision';

/** `Deployment.apps`, `Pod`. */
export const groupKind = ({ group, kind }: Mapping): string => (group === '' ? kind : `${kind}.${group}`);

export interface Workload extends LiveObject {
  readonly spec: { readonly template: PodTemplateSpec; readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }; readonly paused?: boolean };
}

export interface Revision {
  readonly number: number;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** What the pods are made from. */
  readonly template: PodTemplateSpec;
  /** As -o prints it: the ReplicaSet, or the workload as it was. */
  readonly object: LiveObject;
  /** What brings the workload back to it; ReplicaSets have none. */
  readonly patch?: unknown;
}

export interface History {
  readonly workload: Workload;
  /** In no order. */
  readonly revisions: readonly Revision[];
}

/** Kinds whose rollout upstream knows of, though it can do nothing about it. */
const VISITED = ['Job.batch', 'Pod', 'ReplicaSet.apps', 'ReplicaSet.extensions', 'ReplicationController', 'CronJob.batch'];

const LABELS: Readonly<Record<string, string>> = { 'Deployment.apps': 'deployment', 'DaemonSet.apps': 'DaemonSet', 'StatefulSet.apps': 'Statefulset' };

/** Throws CommandError for a kind without history; `what` is a `history viewer` or a `rollbacker`. */
export function mustHaveHistory(mapping: Mapping, what: string): void {
  const kind = groupKind(mapping);
  if (LABELS[kind] !== undefined) return;
  if (VISITED.includes(kind)) throw new CommandError(`no ${what} has been implemented for ${JSON.stringify(kind)}`);
  throw new CommandError(`error retrieving ${what === 'rollbacker' ? what : 'history'} for ${JSON.stringify(kind)}, no visitor method exists for {${mapping.group} ${mapping.kind}}`);
}

/** The workload as it is now and its revisions. Throws CommandError. */
export function* historyOf(context: Context, info: Info): Op<History> {
  const kind = groupKind(info.mapping);
  const label = LABELS[kind] ?? kind;
  let workload: Workload;
  try {
    const live = yield* context.rest.get({ mapping: info.mapping, namespace: info.namespace, name: info.name });
    workload = { ...live, apiVersion: info.mapping.apiVersion, kind: info.mapping.kind } as Workload;
  } catch (error) {
    throw error instanceof ApiError ? new CommandError(`failed to retrieve ${label} ${info.name}: ${error.message}`) : error;
  }
  const deployment = kind === 'Deployment.apps';
  const owned = yield* ownedBy(context, info, workload, deployment ? 'replicasets' : 'controllerrevisions');
  const revisions = owned.map((object) => (deployment ? ofReplicaSet(object as ReplicaSet & LiveObject) : ofControllerRevision(workload, object as ControllerRevision & LiveObject)));
  return { workload, revisions };
}

function* ownedBy(context: Context, info: Info, workload: Workload, resource: string): Op<LiveObject[]> {
  const mapping = yield* context.mapper.byArgument(`${resource}.apps`);
  const labelSelector = selectorText(selectorOf(workload.spec.selector));
  const all = yield* context.rest.list({ mapping, namespace: info.namespace, name: '' }, labelSelector === '' ? {} : { labelSelector });
  return all.filter((object) => {
    const { ownerReferences = [] } = (object.metadata ?? {}) as { readonly ownerReferences?: readonly { readonly controller?: boolean; readonly uid: string }[] };
    return ownerReferences.some((owner) => owner.controller === true && owner.uid === workload.metadata?.uid);
  });
}

const ofReplicaSet = (object: ReplicaSet & LiveObject): Revision => ({
  number: Number(object.metadata.annotations?.[REVISION] ?? 0),
  name: object.metadata.name,
  annotations: object.metadata.annotations ?? {},
  template: object.spec.template as PodTemplateSpec,
  object,
});

function ofControllerRevision(workload: Workload, object: ControllerRevision & LiveObject): Revision {
  const before = applyStrategicPatch(workload.kind ?? '', workload, object.data) as object as Workload;
  return { number: object.revision, name: object.metadata.name, annotations: object.metadata.annotations ?? {}, template: before.spec.template, object: before, patch: object.data };
}
