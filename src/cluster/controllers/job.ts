// The Job controller (pkg/controller/job): runs Pods until enough of them have succeeded, or too many have failed.

import type { Job, JobStatus, Pod, PodTemplateSpec } from '../api/generated/types.ts';
import { conditionOf, controllerOf, isDeleting, keyOf } from '../api/meta.ts';
import { matchLabels, selectorOf } from '../api/selector.ts';
import { isNotFound } from '../api/status.ts';
import type { Client, Draft } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { parallel, slowStartBatch } from './batch.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { nonZero } from './nonzero.ts';
import { Expectations } from './expectations.ts';
import { BY_CONTROLLER, indexByController, orphansOf } from './indexes.ts';
import { isIndexed } from './job-indexes.ts';
import { type Backoff, completed, deadlineIn, type Finish, isFinished, isSuspended, nextBackoff, nextStep, survey, type Survey, TRACKING, wantedActive, withCondition } from './job-plan.ts';
import { indexedDraft, nextIndexes, trackedTemplate } from './job-pods.ts';
import { JobTracking, releasePod } from './job-tracking.ts';
import { PodControl, podFromTemplate } from './podcontrol.ts';
import { claim } from './refmanager.ts';

const NAME = 'job-controller';
/** What Pods do is gathered for so long. */
const GATHERING: Micros = SECOND;
const MANAGER = 'kubernetes.io/job-controller';
const ORPHAN = 'orphan:';

export class JobController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #podControl: PodControl;
  readonly #tracking: JobTracking;
  readonly #backoffs = new Map<string, Backoff>();

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#expectations = new Expectations(os.sim);
    this.#podControl = new PodControl(this.#client, this.#recorder);
    this.#tracking = new JobTracking(os, this.#client);
    this.#jobs = informers.informer('jobs.batch');
    this.#pods = informers.informer('pods');
    indexByController(this.#pods);
    this.#jobs.addHandler({
      add: (job) => this.#queue.add(keyOf(job)),
      update: (before, job) => {
        if (before.metadata.generation === job.metadata.generation && !isDeleting(job)) this.#queue.addAfter(keyOf(job), GATHERING);
        else this.#queue.add(keyOf(job));
      },
      delete: (job) => this.#jobDeleted(job),
    });
    this.#pods.addHandler({
      add: (pod) => this.#podAdded(pod),
      update: (before, pod) => this.#podUpdated(before, pod),
      delete: (pod) => this.#podDeleted(pod, true),
    });
  }

  run(): void {
    const subject = subjectsOf('jobs.batch');
    const podSubject = subjectsOf('pods');
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 5,
      subject: (key) => (key.startsWith(ORPHAN) ? podSubject(key.slice(ORPHAN.length)) : subject(key)),
      sync: (key, sync) => (key.startsWith(ORPHAN) ? this.#releaseOrphan(key.slice(ORPHAN.length)) : this.#sync(key, sync)),
    });
  }

  #jobDeleted(job: Job): void {
    this.#queue.add(keyOf(job));
    for (const pod of this.#pods.index(BY_CONTROLLER, job.metadata.uid ?? '')) this.#orphaned(pod);
  }

  #podAdded(pod: Pod): void {
    if (isDeleting(pod)) {
      this.#podDeleted(pod, false);
      return;
    }
    const job = this.#ownerOf(pod);
    if (job) {
      this.#expectations.creationObserved(keyOf(job));
      this.#queue.addAfter(keyOf(job), GATHERING);
    } else this.#unowned(pod);
  }

  #podUpdated(before: Pod, pod: Pod): void {
    const job = this.#ownerOf(pod);
    if (!job) {
      this.#unowned(pod);
      return;
    }
    if (!pod.metadata.finalizers?.includes(TRACKING)) this.#tracking.seen(keyOf(job), pod);
    if (isDeleting(pod)) this.#expectations.deletionObserved(keyOf(job), pod.metadata.uid ?? '');
    if (before !== pod) this.#queue.addAfter(keyOf(job), GATHERING);
  }

  #podDeleted(pod: Pod, gone: boolean): void {
    const job = this.#ownerOf(pod);
    if (!job) {
      if (!gone) this.#unowned(pod);
      return;
    }
    if (gone) this.#tracking.seen(keyOf(job), pod);
    this.#expectations.deletionObserved(keyOf(job), pod.metadata.uid ?? '');
    this.#queue.addAfter(keyOf(job), GATHERING);
  }

  /** A Pod without a Job: a Job may want it, or its Job has gone and it must be let go. */
  #unowned(pod: Pod): void {
    const ref = controllerOf(pod);
    if (ref?.kind === 'Job') this.#orphaned(pod);
    if (ref) return;
    for (const job of this.#jobs.list(pod.metadata.namespace)) {
      if (matchLabels(selectorOf(job.spec.selector), pod.metadata.labels)) this.#queue.addAfter(keyOf(job), GATHERING);
    }
  }

  #orphaned(pod: Pod): void {
    if (pod.metadata.finalizers?.includes(TRACKING)) this.#queue.addAfter(ORPHAN + keyOf(pod), GATHERING);
  }

  *#releaseOrphan(key: string): Op<void> {
    const pod = this.#pods.getByKey(key);
    if (!pod?.metadata.finalizers?.includes(TRACKING) || this.#ownerOf(pod)) return;
    yield* releasePod(this.#client, pod);
  }

  #ownerOf(pod: Pod): Job | undefined {
    const ref = controllerOf(pod);
    if (ref?.kind !== 'Job') return undefined;
    const job = this.#jobs.get(pod.metadata.namespace ?? '', ref.name);
    return job?.metadata.uid === ref.uid ? job : undefined;
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const job = this.#jobs.getByKey(key);
    if (!job) {
      this.#forget(key);
      return;
    }
    if (job.spec.managedBy !== undefined && job.spec.managedBy !== MANAGER) return;
    if (isFinished(job)) {
      this.#backoffs.delete(key);
      return;
    }
    const mayAct = this.#expectations.satisfied(key);
    const pods = yield* this.#claimPods(job);
    let status: JobStatus = job.status;
    if (status.startTime === undefined && !isSuspended(job)) status = { ...status, startTime: this.#os.sim.time() };
    const started = status === job.status ? job : { ...job, status };
    const s = survey(started, pods, (pod) => this.#tracking.isTracked(pod, key), this.#now());
    const backoff = nextBackoff(this.#backoffs.get(key), s, this.#now());
    const deadline = deadlineIn(started, this.#now());
    if (deadline !== undefined && deadline > 0) this.#queue.addAfter(key, deadline);

    let { finish } = s;
    let failure: unknown;
    let { length: active } = s.active;
    let { terminating } = s;
    if (finish) {
      const deleted = yield* this.#deletePods(job, s.active, sync);
      failure = deleted.failure;
      active -= deleted.count;
      terminating += deleted.count;
      if (active > 0 || !mayAct) finish = undefined;
    } else if (mayAct && !isDeleting(job)) {
      const outcome = yield* this.#manage(job, s, pods, backoff, sync);
      ({ failure, active } = outcome);
      terminating += outcome.deleted;
      finish = failure === undefined ? completed(job, s.succeeded, active) : undefined;
      status = this.#suspension(job, status);
    }
    status = { ...without(status, 'active'), ...nonZero({ active }), ready: s.ready, terminating };
    const after = yield* this.#tracking.settle({ job, pods, survey: s, finish, status });
    if (backoff) this.#backoffs.set(key, backoff);
    else this.#backoffs.delete(key);
    if (after !== job) sync.decide({ status: after.status });
    if (isFinished(after) && finish) this.#recordEnd(job, finish);
    if (failure !== undefined) throw failure;
  }

  #recordEnd(job: Job, finish: Finish): void {
    if (finish.type === 'SuccessCriteriaMet') this.#recorder.event(job, 'Normal', 'Completed', 'Job completed');
    else this.#recorder.event(job, 'Warning', finish.reason, finish.message);
  }

  /** The condition Suspended follows spec.suspend; a Job that is resumed starts its clock anew. */
  #suspension(job: Job, status: JobStatus): JobStatus {
    const time = this.#os.sim.time();
    const before = conditionOf(status.conditions, 'Suspended');
    if (isSuspended(job)) {
      if (before?.status === 'True') return status;
      this.#recorder.event(job, 'Normal', 'Suspended', 'Job suspended');
      return { ...status, conditions: withCondition(status.conditions, 'Suspended', 'True', 'JobSuspended', 'Job suspended', time) };
    }
    if (before?.status !== 'True') return status;
    this.#recorder.event(job, 'Normal', 'Resumed', 'Job resumed');
    return { ...status, conditions: withCondition(status.conditions, 'Suspended', 'False', 'JobResumed', 'Job resumed', time), startTime: time };
  }

  *#claimPods(job: Job): Op<Pod[]> {
    const namespace = job.metadata.namespace ?? '';
    const owned = this.#pods.index(BY_CONTROLLER, job.metadata.uid ?? '');
    const orphans = this.#pods.index(BY_CONTROLLER, orphansOf(namespace));
    return yield* claim(
      {
        client: this.#client,
        resource: 'pods',
        owner: job,
        selector: selectorOf(job.spec.selector),
        readOwner: () => this.#client.get('jobs.batch', namespace, job.metadata.name),
      },
      orphans.length === 0 ? owned : [...owned, ...orphans],
    );
  }

  /** Makes as many Pods active as should be; how many then are. */
  *#manage(job: Job, s: Survey, pods: readonly Pod[], backoff: Backoff | undefined, sync: Sync): Op<{ active: number; deleted: number; failure: unknown }> {
    const active = s.active.length;
    const key = keyOf(job);
    const { remove, create, wait } = nextStep(job, s, backoff, this.#now());
    if (wait > 0) this.#queue.addAfter(key, wait);
    if (remove.length > 0) {
      const { count, failure } = yield* this.#deletePods(job, remove, sync);
      return { active: active - count, deleted: count, failure };
    }
    if (create === 0) return { active, deleted: 0, failure: undefined };
    const { drafts, wait: waitOfIndexes } = this.#drafts(job, s, pods, create);
    if (waitOfIndexes > 0) this.#queue.addAfter(key, waitOfIndexes);
    if (drafts.length === 0) return { active, deleted: 0, failure: undefined };
    sync.decide({ wanted: wantedActive(job, s), active, create: drafts.length });
    this.#expectations.expect(key, drafts.length, []);
    const { successes, error } = yield* slowStartBatch(this.#os, drafts.length, (i) => this.#podControl.createUnlessTerminating(drafts[i] as Draft<Pod>, job));
    for (let skipped = drafts.length - successes; skipped > 0; skipped--) this.#expectations.creationObserved(key);
    return { active: active + successes, deleted: 0, failure: error };
  }

  #drafts(job: Job, s: Survey, pods: readonly Pod[], count: number): { drafts: Draft<Pod>[]; wait: Micros } {
    const draft = podFromTemplate(trackedTemplate(job.spec.template as PodTemplateSpec), job);
    if (!isIndexed(job)) return { drafts: Array.from({ length: count }, () => draft), wait: 0 };
    const { indexes, wait, replaced } = nextIndexes(job, s, pods, count, this.#now());
    return { drafts: indexes.map((index) => indexedDraft(job, draft, index, replaced.get(index))), wait };
  }

  *#deletePods(job: Job, victims: readonly Pod[], sync: Sync): Op<{ count: number; failure: unknown }> {
    if (victims.length === 0) return { count: 0, failure: undefined };
    const key = keyOf(job);
    sync.decide({ delete: victims.length, pods: victims.map((pod) => pod.metadata.name) });
    this.#expectations.expect(key, 0, victims.map((pod) => pod.metadata.uid ?? ''));
    const errors = yield* parallel(this.#os, victims.length, (i) => this.#deletePod(job, victims[i] as Pod));
    return { count: victims.length - errors.length, failure: errors[0] };
  }

  *#deletePod(job: Job, pod: Pod): Op<void> {
    try {
      yield* this.#podControl.delete(pod, job);
    } catch (error) {
      this.#expectations.deletionObserved(keyOf(job), pod.metadata.uid ?? '');
      if (!isNotFound(error)) throw error;
    }
  }

  #forget(key: string): void {
    this.#expectations.forget(key);
    this.#tracking.forget(key);
    this.#backoffs.delete(key);
  }

  #now(): Micros {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}

function without(status: JobStatus, field: 'active'): JobStatus {
  const { [field]: _, ...rest } = status;
  return rest;
}
