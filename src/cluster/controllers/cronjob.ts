// The CronJob controller (pkg/controller/cronjob/cronjob_controllerv2.go): makes a Job whenever the schedule says so.

import type { CronJob, CronJobStatus, Job, ObjectReference } from '../api/generated/types.ts';
import { controllerOf, controllerReference, isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { isKnownZone, zoneOffset } from '../api/timezones.ts';
import { isAlreadyExists, isNotFound } from '../api/status.ts';
import type { Client, Draft } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isNamespaceTerminating, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { formatTime, type Micros, MINUTE, SECOND } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { type Due, latestDue, parseSchedule, rfc1123, type Schedule, untilNext } from './cronjob-schedule.ts';
import { BY_CONTROLLER, indexByController } from './indexes.ts';

const NAME = 'cronjob-controller';
const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

type Ending = 'Complete' | 'Failed';

export function endingOf(job: Job): Ending | undefined {
  const end = job.status.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
  return end?.type as Ending | undefined;
}

export class CronJobController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #crons: Informer<CronJob>;
  readonly #jobs: Informer<Job>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#crons = informers.informer('cronjobs.batch');
    this.#jobs = informers.informer('jobs.batch');
    indexByController(this.#jobs);
    const enqueue = (cron: CronJob): void => this.#queue.add(keyOf(cron));
    this.#crons.addHandler({ add: enqueue, update: (_, cron) => enqueue(cron), delete: enqueue });
    const owner = (job: Job): void => {
      const ref = controllerOf(job);
      if (ref?.kind === 'CronJob') this.#queue.add(`${job.metadata.namespace}/${ref.name}`);
    };
    this.#jobs.addHandler({ add: owner, update: (_, job) => owner(job), delete: owner });
  }

  run(): void {
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 5, subject: subjectsOf('cronjobs.batch'), sync: (key, sync) => this.#sync(key, sync) });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const cron = this.#crons.getByKey(key);
    if (!cron) return;
    const jobs = this.#jobs.index(BY_CONTROLLER, cron.metadata.uid ?? '');
    let status = yield* this.#observe(cron, jobs);
    yield* this.#removeFinished(cron, jobs);
    try {
      if (!isDeleting(cron) && cron.spec.suspend !== true) status = yield* this.#schedule(cron, status, sync);
    } finally {
      if (!jsonEqual(cron.status, status)) yield* this.#client.updateStatus('cronjobs.batch', { ...cron, status });
    }
  }

  /** What has become of the Jobs that were started. */
  *#observe(cron: CronJob, jobs: readonly Job[]): Op<CronJobStatus> {
    let active = [...(cron.status.active ?? [])];
    let lastSuccess = cron.status.lastSuccessfulTime;
    for (const job of jobs) {
      const ending = endingOf(job);
      const listed = active.some((ref) => ref.uid === job.metadata.uid);
      if (ending === undefined && !listed) {
        // The cache may not show yet what was written when the Job was made.
        const noted = (yield* this.#client.get('cronjobs.batch', cron.metadata.namespace ?? '', cron.metadata.name)).status.active?.find((ref) => ref.uid === job.metadata.uid);
        if (noted) active.push(noted);
        else this.#recorder.event(cron, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`);
      } else if (ending !== undefined && listed) {
        active = active.filter((ref) => ref.uid !== job.metadata.uid);
        this.#recorder.event(cron, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${ending}`);
      }
      const { completionTime } = job.status;
      if (ending === 'Complete' && completionTime !== undefined && (lastSuccess === undefined || completionTime > lastSuccess)) lastSuccess = completionTime;
    }
    for (const ref of [...active]) {
      if (jobs.some((job) => job.metadata.uid === ref.uid) || (yield* this.#exists(ref))) continue;
      this.#recorder.event(cron, 'Normal', 'MissingJob', `Active job went missing: ${ref.name}`);
      active = active.filter((other) => other !== ref);
    }
    return withStatus(cron.status, { active, lastSuccessfulTime: lastSuccess });
  }

  *#exists({ namespace = '', name = '', uid }: ObjectReference): Op<boolean> {
    try {
      return (yield* this.#client.get('jobs.batch', namespace, name)).metadata.uid === uid;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  *#removeFinished(cron: CronJob, jobs: readonly Job[]): Op<void> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cron.spec;
    for (const [ending, limit] of [['Complete', successfulJobsHistoryLimit], ['Failed', failedJobsHistoryLimit]] as const) {
      if (limit === undefined) continue;
      const ended = jobs.filter((job) => endingOf(job) === ending && !isDeleting(job)).sort(byStart);
      for (const job of ended.slice(0, Math.max(0, ended.length - limit))) yield* this.#delete(cron, job.metadata.namespace ?? '', job.metadata.name);
    }
  }

  *#delete(cron: CronJob, namespace: string, name: string): Op<void> {
    try {
      yield* this.#client.delete('jobs.batch', namespace, name, { propagationPolicy: 'Background' });
    } catch (error) {
      if (isNotFound(error)) return;
      this.#recorder.event(cron, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
      throw error;
    }
    this.#recorder.event(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
  }

  /** Starts what is due and sets the alarm for the next time. */
  *#schedule(cron: CronJob, status: CronJobStatus, sync: Sync): Op<CronJobStatus> {
    const { schedule: text, timeZone } = cron.spec;
    if (timeZone !== undefined && !isKnownZone(timeZone)) {
      this.#recorder.event(cron, 'Warning', 'UnknownTimeZone', `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`);
      return status;
    }
    let schedule: Schedule;
    try {
      schedule = parseSchedule(text, timeZone);
    } catch (error) {
      this.#recorder.event(cron, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${text}" : ${messageOf(error)}`);
      return status;
    }
    const now = this.#now();
    let due: Due;
    try {
      due = latestDue(cron, schedule, now, true);
    } catch (error) {
      this.#recorder.event(cron, 'Warning', 'InvalidSchedule', `invalid schedule: ${text} : ${messageOf(error)}`);
      return status;
    }
    const after = yield* this.#startWhenDue(cron, status, due, now, sync);
    const wait = untilNext({ ...cron, status: after }, schedule, now);
    if (wait !== undefined) this.#queue.addAfter(keyOf(cron), wait);
    return after;
  }

  *#startWhenDue(cron: CronJob, status: CronJobStatus, { latest, missed }: Due, now: Micros, sync: Sync): Op<CronJobStatus> {
    if (latest === undefined) return status;
    if (missed === 'many') {
      this.#recorder.event(cron, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew');
    }
    const deadline = cron.spec.startingDeadlineSeconds;
    if (deadline !== undefined && latest + deadline * SECOND < now) {
      this.#recorder.event(cron, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${rfc1123(latest)}`);
      return status;
    }
    return yield* this.#start(cron, status, latest, sync);
  }

  *#start(cron: CronJob, before: CronJobStatus, time: Micros, sync: Sync): Op<CronJobStatus> {
    let status = before;
    const name = jobNameOf(cron, time);
    const running = status.active ?? [];
    if (running.some((ref) => ref.name === name) || status.lastScheduleTime === formatTime(time)) return status;
    if (cron.spec.concurrencyPolicy === 'Forbid' && running.length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      this.#recorder.event(cron, 'Normal', 'JobAlreadyActive', message);
      return status;
    }
    if (cron.spec.concurrencyPolicy === 'Replace') {
      for (const ref of running) yield* this.#delete(cron, ref.namespace ?? '', ref.name ?? '');
      status = withStatus(status, { active: [], lastSuccessfulTime: status.lastSuccessfulTime });
    }
    let job: Job;
    try {
      sync.decide({ create: name, scheduled: formatTime(time) });
      job = yield* this.#client.create('jobs.batch', jobOf(cron, time));
      this.#recorder.event(cron, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
    } catch (error) {
      if (!isAlreadyExists(error)) {
        if (!isNamespaceTerminating(error)) this.#recorder.event(cron, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
        throw error;
      }
      job = yield* this.#client.get('jobs.batch', cron.metadata.namespace ?? '', name);
      if (controllerOf(job)?.uid !== cron.metadata.uid || endingOf(job) !== undefined) return { ...status, lastScheduleTime: formatTime(time) };
    }
    const { namespace = '', uid = '', resourceVersion = '' } = job.metadata;
    const reference = { kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion };
    return { ...withStatus(status, { active: [...(status.active ?? []), reference], lastSuccessfulTime: status.lastSuccessfulTime }), lastScheduleTime: formatTime(time) };
  }

  #now(): Micros {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}

function withStatus(before: CronJobStatus, { active, lastSuccessfulTime }: { readonly active: readonly ObjectReference[]; readonly lastSuccessfulTime: string | undefined }): CronJobStatus {
  const { active: _, ...rest } = before;
  return { ...rest, ...(active.length > 0 ? { active } : {}), ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }) };
}

function byStart(a: Job, b: Job): number {
  const [x, y] = [a.status.startTime ?? '~', b.status.startTime ?? '~'];
  return x < y ? -1 : x > y ? 1 : a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The minutes since 1970 tell the Jobs of a CronJob apart. */
export const jobNameOf = (cron: CronJob, time: Micros): string => `${cron.metadata.name}-${Math.floor(time / MINUTE)}`;

function jobOf(cron: CronJob, time: Micros): Draft<Job> {
  const { metadata, spec } = cron.spec.jobTemplate;
  const zone = cron.spec.timeZone ?? '';
  const offset = zoneOffset(zone, time);
  const stamp = offset === 0 ? formatTime(time) : formatTime(time + offset).replace('Z', offsetText(offset));
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobNameOf(cron, time),
      namespace: cron.metadata.namespace ?? '',
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [SCHEDULED]: stamp },
      ownerReferences: [controllerReference(cron)],
    },
    spec,
  };
}

function offsetText(offset: Micros): string {
  const minutes = Math.abs(offset) / MINUTE;
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
