// Job, CronJob, HorizontalPodAutoscaler, PodDisruptionBudget (pkg/apis/batch, autoscaling, policy validation).

import type { CronJob, HorizontalPodAutoscaler, Job, JobSpec, PodDisruptionBudget } from '../generated/types.ts';
import { semanticEqual } from '../meta.ts';
import { matchLabels, selectorOf } from '../selector.ts';
import { isKnownZone } from '../timezones.ts';
import { type Errors, IMMUTABLE, invalidValue, notSupported, required } from './errors.ts';
import { checkLabelSelector } from './meta.ts';
import { checkTemplate } from './pod.ts';
import { checkIntOrPercent, notAbove100Percent } from './workloads.ts';

function checkJobSpec(errors: Errors, at: string, spec: JobSpec): void {
  for (const key of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
  ] as const) {
    errors.nonNegative(`${at}.${key}`, spec[key]);
  }
  if (spec.completionMode !== undefined && !['NonIndexed', 'Indexed'].includes(spec.completionMode)) {
    errors.add(notSupported(`${at}.completionMode`, spec.completionMode, ['Indexed', 'NonIndexed']));
  }
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    errors.add(required(`${at}.completions`, 'when completion mode is Indexed'));
  }
  checkTemplate(errors, `${at}.template`, spec.template);
  const policy = spec.template.spec.restartPolicy;
  if (policy === 'Always') errors.add(required(`${at}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
}

export function checkJob(errors: Errors, job: Job): void {
  const { spec } = job;
  if (spec.selector === undefined) errors.add(required('spec.selector'));
  else {
    checkLabelSelector(errors, 'spec.selector', spec.selector);
    const { labels } = spec.template.metadata;
    if (!matchLabels(selectorOf(spec.selector), labels)) {
      errors.add(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
    }
  }
  checkJobSpec(errors, 'spec', spec);
}

export function checkJobUpdate(errors: Errors, job: Job, old: Job): void {
  if (job.spec === old.spec) return;
  const elastic = job.spec.completionMode === 'Indexed';
  if (!elastic && job.spec.completions !== old.spec.completions)
    errors.add(invalidValue('spec.completions', job.spec.completions, IMMUTABLE));
  if (!semanticEqual(job.spec.selector, old.spec.selector)) errors.add(invalidValue('spec.selector', job.spec.selector, IMMUTABLE));
  const mutable = old.spec.suspend === true && old.status.startTime === undefined;
  if (!mutable && !semanticEqual(job.spec.template, old.spec.template))
    errors.add(invalidValue('spec.template', job.spec.template, IMMUTABLE));
  if (job.spec.completionMode !== old.spec.completionMode)
    errors.add(invalidValue('spec.completionMode', job.spec.completionMode, IMMUTABLE));
}

const RANGES: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
];
const MACROS = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \d.*)$/;
const WORDS = [
  'sun',
  'mon',
  'tue',
  'wed',
  'thu',
  'fri',
  'sat',
  'jan',
  'feb',
  'mar',
  'apr',
  'may',
  'jun',
  'jul',
  'aug',
  'sep',
  'oct',
  'nov',
  'dec',
];

/** What robfig/cron finds wrong with a schedule; null when it is fine. */
export function scheduleError(schedule: string): string | null {
  if (schedule.startsWith('@')) return MACROS.test(schedule) ? null : `unrecognized descriptor: ${schedule}`;
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (let i = 0; i < 5; i++) {
    const [low, high] = RANGES[i] as readonly [number, number];
    for (const part of (fields[i] as string).split(',')) {
      const wrong = partError(part, low, high);
      if (wrong !== null) return wrong;
    }
  }
  return null;
}

function partError(part: string, low: number, high: number): string | null {
  const [range, step, ...more] = part.split('/') as [string, string | undefined, ...string[]];
  if (more.length > 0) return `too many slashes: ${part}`;
  if (step !== undefined && !/^\d+$/.test(step)) return `failed to parse int from ${step}: strconv.Atoi: parsing "${step}": invalid syntax`;
  if (step !== undefined && Number(step) === 0) return `step of range should be a positive number: ${part}`;
  if (range === '*' || range === '?') return null;
  const ends = range.split('-');
  if (ends.length > 2) return `too many hyphens: ${part}`;
  const numbers: number[] = [];
  for (const end of ends) {
    const word = WORDS.indexOf(end.toLowerCase());
    if (word < 0 && !/^\d+$/.test(end)) return `failed to parse int from ${end}: strconv.Atoi: parsing "${end}": invalid syntax`;
    numbers.push(word < 0 ? Number(end) : word < 7 ? word : word - 6);
  }
  const [start, end = start] = numbers as [number, number | undefined];
  if (start < low) return `beginning of range (${start}) below minimum (${low}): ${part}`;
  if (end > high) return `end of range (${end}) above maximum (${high}): ${part}`;
  return start > end ? `beginning of range (${start}) beyond end of range (${end}): ${part}` : null;
}

/** Only names of the zone database; that of the machine's own zone is not one of them. */
function timeZoneError(zone: string): string | null {
  if (zone === '') return 'timeZone must be nil or non-empty string';
  if (zone.toLowerCase() === 'local') return 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
  return isKnownZone(zone) ? null : `unknown time zone ${zone}`;
}

export function checkCronJob(errors: Errors, c: CronJob): void {
  const { spec } = c;
  if (c.metadata.name.length > 52) errors.add(invalidValue('metadata.name', c.metadata.name, 'must be no more than 52 characters'));
  if (errors.needed('spec.schedule', spec.schedule)) {
    const wrong = scheduleError(spec.schedule);
    if (wrong !== null) errors.add(invalidValue('spec.schedule', spec.schedule, wrong));
    if (/^(CRON_)?TZ=/.test(spec.schedule)) {
      errors.add(invalidValue('spec.schedule', spec.schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
    }
  }
  if (spec.timeZone !== undefined) {
    const wrong = timeZoneError(spec.timeZone);
    if (wrong !== null) errors.add(invalidValue('spec.timeZone', spec.timeZone, wrong));
  }
  errors.nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
  errors.oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
  checkJobSpec(errors, 'spec.jobTemplate.spec', spec.jobTemplate.spec);
  errors.nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
  errors.nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
}

export function checkAutoscaler(errors: Errors, { spec }: HorizontalPodAutoscaler): void {
  if (spec.minReplicas !== undefined && spec.minReplicas < 1) {
    errors.add(invalidValue('spec.minReplicas', spec.minReplicas, 'must be greater than or equal to 1'));
  }
  if (spec.maxReplicas < 1) errors.add(invalidValue('spec.maxReplicas', spec.maxReplicas, 'must be greater than 0'));
  if (spec.minReplicas !== undefined && spec.maxReplicas < spec.minReplicas) {
    errors.add(invalidValue('spec.maxReplicas', spec.maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  errors.needed('spec.scaleTargetRef.kind', spec.scaleTargetRef.kind);
  errors.needed('spec.scaleTargetRef.name', spec.scaleTargetRef.name);
  const metrics = spec.metrics ?? [];
  for (let i = 0; i < metrics.length; i++) {
    const at = `spec.metrics[${i}]`;
    errors.oneOf(`${at}.type`, metrics[i]?.type, ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']);
    const resource = metrics[i]?.resource;
    if (metrics[i]?.type === 'Resource' && resource === undefined) {
      errors.add(required(`${at}.resource`, 'must populate information for the given metric source'));
    }
    if (resource !== undefined) errors.needed(`${at}.resource.name`, resource.name, 'must specify a resource name');
  }
}

export function checkDisruptionBudget(errors: Errors, { spec }: PodDisruptionBudget): void {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    errors.add(invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const key of ['minAvailable', 'maxUnavailable'] as const) {
    checkIntOrPercent(errors, `spec.${key}`, spec[key]);
    notAbove100Percent(errors, `spec.${key}`, spec[key]);
  }
  checkLabelSelector(errors, 'spec.selector', spec.selector);
}
