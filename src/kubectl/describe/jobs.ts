// Jobs and CronJobs (kubectl/pkg/describe describeJob, describeCronJob).

import type { CronJob, Job, JobTemplateSpec, LabelSelector } from '../../cluster/api/generated/types.ts';
import { selectorOf, selectorText } from '../../cluster/api/selector.ts';
import { booleanText } from '../../cluster/api/table/format.ts';
import { parseTime } from '../../cluster/sim/time.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { humanDuration } from '../duration.ts';
import { controlledBy, head, labelsAndAnnotations } from './metadata.ts';
import type { Page } from './page.ts';
import { podTemplate } from './pods.ts';
import { dateText, type Writer } from './writer.ts';

const INDEXES_SHOWN = 50;

const textOf = (selector: LabelSelector | undefined): string => selectorText(selectorOf(selector));

/** A line for a value that is there. */
function given(w: Writer, title: string, value: string | number | boolean | undefined): void {
  if (value !== undefined) w.write(0, `${title}:\t${value}\n`);
}

const orUnset = (w: Writer, title: string, value: string | number | undefined): void => w.write(0, `${title}:\t${value ?? '<unset>'}\n`);

export function* describeJob(page: Page, job: Job): Op<void> {
  const { metadata, spec, status } = job;
  const { startTime, completionTime, active = 0, succeeded = 0, failed = 0, ready } = status;
  head(page, metadata);
  page.write(0, `Selector:\t${textOf(spec.selector)}\n`);
  labelsAndAnnotations(page, metadata);
  controlledBy(page, metadata);
  given(page, 'Parallelism', spec.parallelism);
  orUnset(page, 'Completions', spec.completions);
  given(page, 'Completion Mode', spec.completionMode);
  given(page, 'Suspend', spec.suspend);
  given(page, 'Backoff Limit', spec.backoffLimit);
  given(page, 'TTL Seconds After Finished', spec.ttlSecondsAfterFinished);
  if (startTime) page.write(0, `Start Time:\t${dateText(startTime)}\n`);
  if (completionTime) page.write(0, `Completed At:\t${dateText(completionTime)}\n`);
  if (startTime && completionTime) page.write(0, `Duration:\t${humanDuration(((parseTime(completionTime) ?? 0) - (parseTime(startTime) ?? 0)) / 1e6)}\n`);
  if (spec.activeDeadlineSeconds !== undefined) page.write(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s\n`);
  page.write(0, `Pods Statuses:\t${active} Active${ready === undefined ? '' : ` (${ready} Ready)`} / ${succeeded} Succeeded / ${failed} Failed\n`);
  if (spec.completionMode === 'Indexed') page.write(0, `Completed Indexes:\t${indexesText(status.completedIndexes ?? '')}\n`);
  podTemplate(page, spec.template);
  yield* page.events(job);
}

/** Long lists end at the first comma after fifty characters. */
function indexesText(indexes: string): string {
  if (indexes === '') return '<none>';
  const comma = indexes.indexOf(',', INDEXES_SHOWN);
  return comma < 0 ? indexes : `${indexes.slice(0, comma + 1)}...`;
}

export function* describeCronJob(page: Page, cronJob: CronJob): Op<void> {
  const { metadata, spec, status } = cronJob;
  head(page, metadata);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Schedule:\t${spec.schedule}\n`);
  page.write(0, `Concurrency Policy:\t${spec.concurrencyPolicy ?? ''}\n`);
  page.write(0, `Suspend:\t${booleanText(spec.suspend)}\n`);
  orUnset(page, 'Time Zone', spec.timeZone);
  orUnset(page, 'Successful Job History Limit', spec.successfulJobsHistoryLimit);
  orUnset(page, 'Failed Job History Limit', spec.failedJobsHistoryLimit);
  orUnset(page, 'Starting Deadline Seconds', spec.startingDeadlineSeconds === undefined ? undefined : `${spec.startingDeadlineSeconds}s`);
  jobTemplate(page, spec.jobTemplate);
  orUnset(page, 'Last Schedule Time', status.lastScheduleTime ? dateText(status.lastScheduleTime) : undefined);
  page.write(0, `Active Jobs:\t${(status.active ?? []).map((job) => job.name ?? '').join(', ') || '<none>'}\n`);
  yield* page.events(cronJob);
}

function jobTemplate(w: Writer, { spec }: JobTemplateSpec): void {
  orUnset(w, 'Selector', spec.selector ? textOf(spec.selector) : undefined);
  orUnset(w, 'Parallelism', spec.parallelism);
  orUnset(w, 'Completions', spec.completions);
  if (spec.activeDeadlineSeconds !== undefined) w.write(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s\n`);
  podTemplate(w, spec.template);
}
