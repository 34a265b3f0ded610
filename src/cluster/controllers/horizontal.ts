// The HorizontalPodAutoscaler controller (pkg/controller/podautoscaler): every 15 s looks at what the Pods of a workload use and
// sets its replicas.

import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, MetricStatus, Pod, Scale } from '../api/generated/types.ts';
import { kindOf } from '../api/kinds.ts';
import { conditionOf, jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, parseLabelSelector } from '../api/selector.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { limit, type Memory, newMemory, noteRescale } from './horizontal-behavior.ts';
import { HorizontalMetrics, type MetricContext, MetricError } from './horizontal-metrics.ts';

const NAME = 'horizontal-pod-autoscaler';
const PERIOD: Micros = 15 * SECOND;

/** What a run has found so far. */
class Run {
  readonly hpa: HorizontalPodAutoscaler;
  conditions: readonly HorizontalPodAutoscalerCondition[];
  current: number;
  desired: number;
  metrics: readonly MetricStatus[] | undefined;
  scaled: string | undefined;
  readonly #time: string;

  constructor(hpa: HorizontalPodAutoscaler, time: string) {
    this.hpa = hpa;
    this.#time = time;
    this.conditions = hpa.status.conditions ?? [];
    this.current = hpa.status.currentReplicas ?? 0;
    this.desired = hpa.status.desiredReplicas ?? 0;
    this.metrics = hpa.status.currentMetrics;
    this.scaled = hpa.status.lastScaleTime;
  }

  say(type: string, status: 'True' | 'False', reason: string, message: string): void {
    const before = conditionOf(this.conditions, type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? this.#time) : this.#time;
    const condition = { type, status, lastTransitionTime, reason, message };
    this.conditions = before ? this.conditions.map((c) => (c === before ? condition : c)) : [...this.conditions, condition];
  }

  status(): HorizontalPodAutoscaler['status'] {
    const { generation } = this.hpa.metadata;
    return {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      ...(this.scaled === undefined ? {} : { lastScaleTime: this.scaled }),
      ...(this.current === 0 ? {} : { currentReplicas: this.current }),
      desiredReplicas: this.desired,
      ...(this.metrics === undefined || this.metrics.length === 0 ? {} : { currentMetrics: this.metrics }),
      conditions: this.conditions,
    };
  }
}

export class HorizontalController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #autoscalers: Informer<HorizontalPodAutoscaler>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #metrics: HorizontalMetrics;
  readonly #memories = new Map<string, Memory>();

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#metrics = new HorizontalMetrics(this.#client);
    this.#autoscalers = informers.informer('horizontalpodautoscalers.autoscaling');
    this.#pods = informers.informer('pods');
    // Even the first look comes a period late.
    const enqueue = (hpa: HorizontalPodAutoscaler): void => this.#queue.addAfter(keyOf(hpa), PERIOD);
    this.#autoscalers.addHandler({ add: enqueue, update: (_, hpa) => enqueue(hpa), delete: (hpa) => this.#memories.delete(keyOf(hpa)) });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 5,
      subject: subjectsOf('horizontalpodautoscalers.autoscaling'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const hpa = this.#autoscalers.getByKey(key);
    if (!hpa) return;
    this.#queue.addAfter(key, PERIOD);
    const run = new Run(hpa, this.#os.sim.time());
    try {
      yield* this.#reconcile(run, sync);
    } finally {
      const status = run.status();
      if (!jsonEqual(hpa.status, status)) yield* this.#client.updateStatus('horizontalpodautoscalers.autoscaling', { ...hpa, status });
    }
  }

  *#reconcile(run: Run, sync: Sync): Op<void> {
    const { hpa } = run;
    const { minReplicas: min = 1, maxReplicas: max } = hpa.spec;
    const target = yield* this.#scale(run);
    if (!target) return;
    const { scale, path } = target;
    run.say('AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
    const wanted = scale.spec.replicas ?? 0;
    run.current = scale.status?.replicas ?? 0;
    if (!this.#memories.has(keyOf(hpa))) this.#memories.set(keyOf(hpa), { ...newMemory(), recommendations: [{ replicas: wanted, time: this.#now() }] });
    const memory = this.#memories.get(keyOf(hpa)) as Memory;
    let desired = wanted;
    let why = '';
    if (wanted === 0 && min !== 0) {
      desired = 0;
      run.say('ScalingActive', 'False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero');
    } else if (wanted > max) [desired, why] = [max, 'Current number of replicas above Spec.MaxReplicas'];
    else if (wanted < min) [desired, why] = [min, 'Current number of replicas below Spec.MinReplicas'];
    else {
      const proposal = yield* this.#propose(run, scale, wanted);
      if (!proposal) return;
      if (proposal.replicas > wanted) why = `${proposal.name} above target`;
      else if (proposal.replicas < wanted) why = 'All metrics below target';
      const { replicas, conditions } = limit(hpa, memory, wanted, proposal.replicas, this.#now());
      for (const { type, status, reason, message } of conditions) run.say(type, status, reason, message);
      desired = replicas;
    }
    run.desired = desired;
    if (desired === wanted) return;
    sync.decide({ from: wanted, to: desired, because: why });
    yield* this.#rescale(run, path, scale, desired, why);
    noteRescale(hpa, memory, wanted, desired, this.#now());
  }

  *#scale(run: Run): Op<{ scale: Scale; path: string } | undefined> {
    const { scaleTargetRef: ref } = run.hpa.spec;
    const version = ref.apiVersion ?? 'v1';
    const known = kindOf(version, ref.kind);
    const base = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
    const path = `${base}/namespaces/${run.hpa.metadata.namespace}/${known?.plural ?? `${ref.kind.toLowerCase()}s`}/${ref.name}/scale`;
    try {
      const { body } = yield* this.#client.raw({ method: 'GET', path });
      return { scale: body as Scale, path };
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
      const why = known ? messageOf(error) : `no matches for kind "${ref.kind}" in group "${group}"`;
      this.#recorder.event(run.hpa, 'Warning', 'FailedGetScale', why);
      run.say('AbleToScale', 'False', 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${why}`);
      return undefined;
    }
  }

  /** The highest of what the metrics ask for; undefined when they cannot say. */
  *#propose(run: Run, scale: Scale, current: number): Op<{ replicas: number; name: string } | undefined> {
    const { hpa } = run;
    const selector = scale.status?.selector ?? '';
    if (selector === '') {
      this.#recorder.event(hpa, 'Warning', 'SelectorRequired', 'selector is required');
      run.say('ScalingActive', 'False', 'InvalidSelector', "the HPA target's scale is missing a selector");
      return undefined;
    }
    const parsed = parseLabelSelector(selector);
    const pods = this.#pods.list(hpa.metadata.namespace).filter((pod) => matchLabels(parsed, pod.metadata.labels));
    const context: MetricContext = { hpa, current, pods, selector, now: this.#now() };
    let best: { replicas: number; name: string } | undefined;
    const statuses: MetricStatus[] = [];
    const failures: MetricError[] = [];
    const specs = hpa.spec.metrics ?? [];
    for (const spec of specs) {
      try {
        const { replicas, name, status } = yield* this.#metrics.evaluate(context, spec);
        statuses.push(status);
        if (!best || replicas > best.replicas) best = { replicas, name };
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        failures.push(error);
        this.#recorder.event(hpa, 'Warning', error.reason, error.message);
      }
    }
    run.metrics = statuses;
    const [first] = failures;
    // Part of the truth is enough to go up, not to go down.
    if (first && (!best || best.replicas < current)) {
      run.say('ScalingActive', 'False', first.reason, `the HPA was unable to compute the replica count: ${first.message}`);
      const summary = `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: failed to get ${first.kind}: ${first.message}`;
      this.#recorder.event(hpa, 'Warning', 'FailedComputeMetricsReplicas', summary);
      return undefined;
    }
    if (best) run.say('ScalingActive', 'True', 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${best.name}`);
    return best;
  }

  *#rescale(run: Run, path: string, scale: Scale, desired: number, why: string): Op<void> {
    try {
      yield* this.#client.raw({ method: 'PUT', path, body: { ...scale, spec: { ...scale.spec, replicas: desired } }, headers: { 'content-type': 'application/json' } });
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#recorder.event(run.hpa, 'Warning', 'FailedRescale', `New size: ${desired}; reason: ${why}; error: ${messageOf(error)}`);
      run.say('AbleToScale', 'False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${messageOf(error)}`);
      throw error;
    }
    run.say('AbleToScale', 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${desired}`);
    this.#recorder.event(run.hpa, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${why}`);
    run.scaled = this.#os.sim.time();
  }

  #now(): Micros {
    return this.#os.sim.epoch + this.#os.sim.now;
  }
}
