// Completion indexes of an Indexed Job: the interval lists of its status, and which index a Pod has
// (pkg/controller/job/indexed_job_utils.go). Pure.

import type { Job, Pod } from '../api/generated/types.ts';

export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
/** How often this index failed before the Pod was made. */
export const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count';
export const INDEX_IGNORED = 'batch.kubernetes.io/job-index-ignored-failure-count';

export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed';
export const hasIndexLimit = (job: Job): boolean => isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined;

/** `1,3-5` as the indexes below `completions`. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  if (text === undefined || text === '') return indexes;
  for (const part of text.split(',')) {
    const [first, last = first] = part.split('-').map(Number) as [number, number | undefined];
    if (!Number.isInteger(first) || !Number.isInteger(last)) continue;
    for (let i = first; i <= (last as number) && i < completions; i++) indexes.add(i);
  }
  return indexes;
}

/** The shortest list: two neighbours stand apart by a comma, three and more are an interval. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === (sorted[end] as number) + 1) end++;
    const [first, last] = [sorted[i] as number, sorted[end] as number];
    parts.push(end === i ? `${first}` : end === i + 1 ? `${first},${last}` : `${first}-${last}`);
    i = end + 1;
  }
  return parts.join(',');
}

/** -1 when the Pod has none. */
export function indexOf(pod: Pod): number {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX];
  if (text === undefined || !/^\d+$/.test(text)) return -1;
  return Number(text);
}

const countIn = (pod: Pod, annotation: string): number => Number(pod.metadata.annotations?.[annotation] ?? 0) || 0;
export const indexFailures = (pod: Pod): number => countIn(pod, INDEX_FAILURES);
export const indexIgnored = (pod: Pod): number => countIn(pod, INDEX_IGNORED);

/** The lowest indexes, at most `count`, that are not taken. */
export function firstPending(completions: number, count: number, taken: (index: number) => boolean): number[] {
  const free: number[] = [];
  for (let i = 0; i < completions && free.length < count; i++) if (!taken(i)) free.push(i);
  return free;
}
