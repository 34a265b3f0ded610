// The Pods of a Job as they are to be created: with the finalizer that tracks them, and of an Indexed Job with their index
// (pkg/controller/job/indexed_job_utils.go). Pure.

import type { Container, Job, Pod, PodTemplateSpec } from '../api/generated/types.ts';
import type { Draft } from '../client/client.ts';
import type { Micros } from '../sim/time.ts';
import { COMPLETION_INDEX, firstPending, hasIndexLimit, INDEX_FAILURES, INDEX_IGNORED, indexFailures, indexIgnored, indexOf } from './job-indexes.ts';
import { backoffLeft, counts, indexBackoff, lastFailures, replacesFailedOnly, type Survey, TRACKING } from './job-plan.ts';
import { isPodActive, isPodTerminating } from './pods.ts';

const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';

export function trackedTemplate(template: PodTemplateSpec): PodTemplateSpec {
  const finalizers = [...(template.metadata?.finalizers ?? []).filter((f) => f !== TRACKING), TRACKING];
  return { ...template, metadata: { ...template.metadata, finalizers } };
}

export interface NextIndexes {
  readonly indexes: readonly number[];
  /** Until a failed index may be tried again. */
  readonly wait: Micros;
  /** The failed Pods that new ones take the place of, by index. */
  readonly replaced: ReadonlyMap<number, Pod>;
}

/**
 * The indexes to start now: the lowest that are neither done nor held by a Pod. With a limit for each index each also waits for
 * itself, and those that wait keep their places.
 */
export function nextIndexes(job: Job, s: Survey, pods: readonly Pod[], count: number, now: Micros): NextIndexes {
  const held = new Set<number>();
  for (const pod of pods) if (isPodActive(pod) || (replacesFailedOnly(job) && isPodTerminating(pod))) held.add(indexOf(pod));
  const pending = firstPending(job.spec.completions ?? 0, count, (index) => s.succeededIndexes.has(index) || s.failedIndexes.has(index) || held.has(index));
  if (!hasIndexLimit(job)) return { indexes: pending, wait: 0, replaced: new Map() };
  const replaced = lastFailures(job, pods);
  const indexes: number[] = [];
  let shortest = Number.POSITIVE_INFINITY;
  for (const index of pending) {
    const failed = replaced.get(index);
    const wait = failed === undefined ? 0 : backoffLeft(indexBackoff(failed, now), now);
    if (wait === 0) indexes.push(index);
    else shortest = Math.min(shortest, wait);
  }
  return { indexes, wait: indexes.length > 0 || pending.length === 0 ? 0 : shortest, replaced };
}

const MAX_GENERATE_NAME = 58;

/** Cut so that the index is never lost. */
export function podNamePrefix(job: string, index: number): string {
  const end = `-${index}-`;
  return job.slice(0, MAX_GENERATE_NAME - end.length) + end;
}

export function indexedDraft(job: Job, draft: Draft<Pod>, index: number, replaced: Pod | undefined): Draft<Pod> {
  const { name } = job.metadata;
  const { spec } = draft;
  const failures = hasIndexLimit(job) ? failureAnnotations(job, replaced) : {};
  const named = (container: Container): Container => withIndex(container);
  return {
    ...draft,
    metadata: {
      ...draft.metadata,
      generateName: podNamePrefix(name, index),
      labels: { ...draft.metadata.labels, [COMPLETION_INDEX]: String(index) },
      annotations: { ...draft.metadata.annotations, [COMPLETION_INDEX]: String(index), ...failures },
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      containers: spec.containers.map(named),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(named) }),
    },
  };
}

function failureAnnotations(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (!replaced) return { [INDEX_FAILURES]: '0' };
  const counted = counts(job, replaced);
  const ignored = indexIgnored(replaced) + (counted ? 0 : 1);
  return {
    [INDEX_FAILURES]: String(indexFailures(replaced) + (counted ? 1 : 0)),
    ...(ignored > 0 ? { [INDEX_IGNORED]: String(ignored) } : {}),
  };
}

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldPath = `metadata.labels['${COMPLETION_INDEX}']`;
  return { ...container, env: [...(container.env ?? []), { name: INDEX_VARIABLE, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } }] };
}
