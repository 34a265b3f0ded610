// Which ReplicaSet belongs to the Deployment's present template, and the annotations that keep its history
// (pkg/controller/deployment/util). Pure.

import type { Deployment, LabelSelector, PodTemplateSpec, ReplicaSet } from '../api/generated/types.ts';
import { podTemplateHash } from '../api/hash.ts';
import { controllerReference, jsonEqual } from '../api/meta.ts';
import type { Draft } from '../client/client.ts';
import { byCreation, DESIRED_REPLICAS, MAX_REPLICAS, maxSurge, REVISION, REVISION_HISTORY, revisionOf, wantedOf } from './deployment-arithmetic.ts';

const TEMPLATE_HASH = 'pod-template-hash';
const MAX_HISTORY_CHARS = 2000;
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

type Annotations = Readonly<Record<string, string>>;

/** The oldest of the sets with the Deployment's template (ties are broken so that a second one is never preferred). */
export function findNewSet(d: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...sets].sort(byCreation).find((set) => sameTemplate(d.spec.template, set.spec.template));
}

const compared = new WeakMap<object, { readonly other: object; readonly same: boolean }>();

/** Equal but for the hash label. Remembered, as both sides are frozen and compared at each sync. */
export function sameTemplate(mine: PodTemplateSpec, theirs: PodTemplateSpec | undefined): boolean {
  if (theirs === undefined) return false;
  const known = compared.get(theirs);
  if (known?.other === mine) return known.same;
  const same = jsonEqual(withoutHash(mine), withoutHash(theirs));
  compared.set(theirs, { other: mine, same });
  return same;
}

function withoutHash(template: PodTemplateSpec): unknown {
  const { [TEMPLATE_HASH]: _, ...labels } = template.metadata?.labels ?? {};
  const { creationTimestamp: __, ...metadata } = template.metadata ?? { name: '' };
  return { spec: template.spec, metadata: { ...metadata, name: metadata.name ?? '', labels } };
}

/** The set for the present template, still without Pods. */
export function draftNewSet(d: Deployment): Draft<ReplicaSet> & { readonly metadata: { readonly name: string } } {
  const hash = podTemplateHash(d.spec.template, d.status.collisionCount);
  const labels = { ...d.spec.template.metadata?.labels, [TEMPLATE_HASH]: hash };
  const selector: LabelSelector = { ...d.spec.selector, matchLabels: { ...d.spec.selector.matchLabels, [TEMPLATE_HASH]: hash } };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${d.metadata.name}-${hash}`,
      ...(d.metadata.namespace === undefined ? {} : { namespace: d.metadata.namespace }),
      labels,
      ownerReferences: [controllerReference(d)],
    },
    spec: {
      replicas: 0,
      ...(d.spec.minReadySeconds ? { minReadySeconds: d.spec.minReadySeconds } : {}),
      selector,
      template: { ...d.spec.template, metadata: { ...d.spec.template.metadata, labels } as ReplicaSet['metadata'] },
    },
  };
}

/** The annotations that the new set should have; the same object when it has them. */
export function newSetAnnotations(d: Deployment, set: ReplicaSet, revision: number, historyChars = MAX_HISTORY_CHARS): Annotations | undefined {
  const current = set.metadata.annotations;
  const next: Record<string, string> = { ...current, ...copiedFrom(d) };
  const former = revisionOf(set);
  if (former < revision) {
    next[REVISION] = String(revision);
    // The set was the new one before, and is again after a rollback: its former revisions are kept.
    if (current?.[REVISION] !== undefined) next[REVISION_HISTORY] = appended(current[REVISION_HISTORY], current[REVISION], historyChars);
  }
  return jsonEqual(current ?? {}, next) ? current : next;
}

/** The annotations of a set that is about to be created. */
export function firstAnnotations(d: Deployment, revision: number): Annotations {
  return { ...copiedFrom(d), [REVISION]: String(revision), ...sizeAnnotations(d) };
}

/** What a set notes of the Deployment's size, for proportional scaling later. */
export function sizeAnnotations(d: Deployment): Annotations {
  return { [DESIRED_REPLICAS]: String(wantedOf(d)), [MAX_REPLICAS]: String(wantedOf(d) + maxSurge(d)) };
}

export function hasSizeAnnotations(d: Deployment, set: ReplicaSet): boolean {
  return Object.entries(sizeAnnotations(d)).every(([name, value]) => set.metadata.annotations?.[name] === value);
}

function copiedFrom(d: Deployment): Annotations {
  const copied: Record<string, string> = {};
  for (const [name, value] of Object.entries(d.metadata.annotations ?? {})) if (!NOT_COPIED.has(name)) copied[name] = value;
  return copied;
}

/** Adds a revision to the list; the oldest leave when the text grows too long. */
function appended(history: string | undefined, revision: string, limit: number): string {
  if (history === undefined || history === '') return revision;
  const revisions = `${history},${revision}`.split(',');
  while (revisions.length > 1 && revisions.join(',').length > limit) revisions.shift();
  return revisions.join(',');
}
