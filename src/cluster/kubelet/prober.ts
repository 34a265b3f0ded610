// prober.Manager: a worker for each probe of each container. Liveness and startup failures make the Pod worker restart the
// container, readiness goes into the Pod's status. A worker's timer runs only while its container does.

import type { Container, Pod, Probe } from '../api/generated/types.ts';
import type { ContainerStatus } from '../runtime/cri.ts';
import { Channel, TIMED_OUT } from '../sim/channel.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import type { ProbeVerdicts } from './actions.ts';
import { type Context, podSubject, podUid } from './context.ts';
import { findContainer } from './pod-cache.ts';
import { ProbeResults, type ProbeType, type ProbeVerdict } from './probe-results.ts';
import { runProbe } from './probe-run.ts';

interface Worker {
  readonly type: ProbeType;
  readonly container: Container;
  readonly probe: Probe;
  readonly wake: Channel<null>;
  task: Task | null;
}

const MAX_RETRIES = 3;
const TITLE: Readonly<Record<ProbeType, string>> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };

const probesOf = (c: Container): readonly (readonly [ProbeType, Probe | undefined])[] => [
  ['startup', c.startupProbe],
  ['readiness', c.readinessProbe],
  ['liveness', c.livenessProbe],
];

const hasProbes = (c: Container): boolean => c.startupProbe !== undefined || c.readinessProbe !== undefined || c.livenessProbe !== undefined;

export class Prober implements ProbeVerdicts {
  readonly #context: Context;
  readonly #results: Readonly<Record<ProbeType, ProbeResults>> = {
    liveness: new ProbeResults(), readiness: new ProbeResults(), startup: new ProbeResults(),
  };
  readonly #workers = new Map<string, Worker[]>();
  /** A verdict changed: the Pod must be looked at. */
  readonly #onChange: (uid: string, type: ProbeType, verdict: ProbeVerdict) => void;
  readonly #started: Micros;

  constructor(context: Context, onChange: (uid: string, type: ProbeType, verdict: ProbeVerdict) => void) {
    this.#context = context;
    this.#onChange = onChange;
    this.#started = context.os.sim.now;
  }

  liveness(containerId: string): ProbeVerdict | undefined {
    return this.#results.liveness.get(containerId);
  }

  startup(containerId: string): ProbeVerdict | undefined {
    return this.#results.startup.get(containerId);
  }

  /** Whether a running container has passed its startup probe, or has none. */
  isStarted(pod: Pod, container: Container, status: ContainerStatus): boolean {
    return !container.startupProbe || this.#verdict('startup', pod, container, status) === 'success';
  }

  isReady(pod: Pod, container: Container, status: ContainerStatus): boolean {
    return !container.readinessProbe || this.#verdict('readiness', pod, container, status) === 'success';
  }

  #verdict(type: ProbeType, pod: Pod, container: Container, { id }: ContainerStatus): ProbeVerdict {
    return this.#results[type].get(id) ?? initialVerdict(pod, type, container, id);
  }

  /** Starts workers for the probes of a Pod that have none yet. */
  addPod(pod: Pod): void {
    const uid = podUid(pod);
    if (this.#workers.has(uid)) return;
    const sidecars = (pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
    const containers = [...(pod.spec?.containers ?? []), ...sidecars].filter(hasProbes);
    if (containers.length === 0) return;
    const workers: Worker[] = [];
    this.#workers.set(uid, workers);
    for (const container of containers) {
      for (const [type, probe] of probesOf(container)) {
        if (!probe) continue;
        const worker: Worker = { type, container, probe, wake: new Channel(this.#context.os.sim), task: null };
        workers.push(worker);
        worker.task = this.#context.os.go(`${type} ${pod.metadata?.name}/${container.name}`, () => this.#work(pod, uid, worker));
      }
    }
  }

  /** A container of the Pod began to run, or passed its startup probe: probes are tried at once. */
  trigger(uid: string): void {
    for (const worker of this.#workers.get(uid) ?? []) if (worker.wake.length === 0) worker.wake.send(null);
  }

  /** While a Pod terminates only readiness is still probed. */
  stopLivenessAndStartup(uid: string): void {
    const workers = this.#workers.get(uid);
    if (!workers) return;
    for (const worker of workers) if (worker.type !== 'readiness') worker.task?.kill();
    this.#workers.set(uid, workers.filter((w) => w.type === 'readiness'));
  }

  removePod(uid: string): void {
    for (const worker of this.#workers.get(uid) ?? []) worker.task?.kill();
    this.#workers.delete(uid);
    for (const { id } of this.#context.cache.get(uid).containers) {
      for (const results of Object.values(this.#results)) results.remove(id);
    }
  }

  *#work(pod: Pod, uid: string, worker: Worker): Op<void> {
    const { os, random } = this.#context;
    const { sim } = os;
    const period = (worker.probe.periodSeconds ?? 10) * SECOND;
    // After a restart of the kubelet not all probes at once.
    if (sim.now - this.#started < period) yield* os.sleep(random.float() * period);
    const first = sim.now;
    const state: ProbeState = { containerId: '', verdict: 'unknown', run: 0, held: false };
    const results = this.#results[worker.type];
    for (;;) {
      sim.cause = null;
      const status = findContainer(this.#context.cache.get(uid), worker.container.name);
      const running = status?.state === 'RUNNING';
      if (running && status.id !== state.containerId) {
        results.remove(state.containerId);
        Object.assign(state, { containerId: status.id, verdict: 'unknown', run: 0, held: false });
        results.set(status.id, initialVerdict(pod, worker.type, worker.container, status.id));
      }
      if (!running && state.containerId !== '' && worker.type !== 'liveness') results.set(state.containerId, 'failure');
      if (!running || state.held || !this.#applies(pod, worker, status)) {
        yield* worker.wake.receive();
        // Readiness and startup are asked for at once, liveness keeps to its own clock.
        if (worker.type === 'liveness') yield* os.sleep(nextTick(first, period, sim.now) - sim.now);
        continue;
      }
      const opens = status.startedAt + (worker.probe.initialDelaySeconds ?? 0) * SECOND;
      if (sim.now >= opens) yield* this.#once(pod, uid, worker, status, state);
      // The next tick of the worker's own clock at which the initial delay is over.
      yield* this.#waitForTick(uid, worker, state, nextTick(first, period, Math.max(sim.now, opens - 1)));
    }
  }

  /** Another container in the place of this one ends the wait, unless it is liveness that is asked for. */
  *#waitForTick(uid: string, worker: Worker, state: ProbeState, next: Micros): Op<void> {
    const { sim } = this.#context.os;
    while (sim.now < next) {
      if ((yield* worker.wake.receiveWithin(next - sim.now)) === TIMED_OUT || worker.type === 'liveness') continue;
      if (findContainer(this.#context.cache.get(uid), worker.container.name)?.id !== state.containerId) return;
    }
  }

  /** The startup probe rules until it succeeded, the others after. */
  #applies(pod: Pod, worker: Worker, status: ContainerStatus): boolean {
    const started = this.isStarted(pod, worker.container, status);
    return worker.type === 'startup' ? !started : started;
  }

  *#once(pod: Pod, uid: string, worker: Worker, status: ContainerStatus, state: ProbeState): Op<void> {
    const { os, cache } = this.#context;
    const { sim } = os;
    const sandbox = cache.get(uid).sandboxes[0];
    const ip = sandbox?.hostNetwork ? this.#context.nodeIp : (sandbox?.ip ?? '');
    const { container, probe, type } = worker;
    const begun = sim.now;
    let outcome = yield* runProbe(this.#context, pod, container, status, probe, ip);
    for (let i = 1; i < MAX_RETRIES && outcome.verdict === 'unknown'; i++) outcome = yield* runProbe(this.#context, pod, container, status, probe, ip);
    sim.cause = sim.trace.emit(null, {
      kind: 'probe', verb: type, start: begun, end: sim.now, from: os.place, subject: podSubject(pod),
      detail: { container: container.name, verdict: outcome.verdict, output: outcome.output },
    });
    if (outcome.verdict !== 'success') this.#report(pod, container, type, outcome.verdict, outcome.output);
    if (outcome.verdict === 'unknown') return;
    if (outcome.verdict === state.verdict) state.run++;
    else {
      state.verdict = outcome.verdict;
      state.run = 1;
    }
    const threshold = outcome.verdict === 'failure' ? (probe.failureThreshold ?? 3) : (probe.successThreshold ?? 1);
    if (state.run < threshold) return;
    // The container may have been replaced while the probe ran.
    if (findContainer(cache.get(uid), container.name)?.id !== status.id) return;
    const changed = this.#results[type].set(status.id, outcome.verdict);
    if (type !== 'readiness' && outcome.verdict === 'failure') {
      state.held = true;
      state.run = 0;
    }
    if (type === 'startup' && outcome.verdict === 'success') this.trigger(uid);
    if (changed) this.#onChange(uid, type, outcome.verdict);
  }

  #report(pod: Pod, container: Container, type: ProbeType, verdict: ProbeVerdict, output: string): void {
    const text = output.length > 1024 ? output.slice(0, 1024) : output;
    if (verdict === 'failure') this.#context.events.container(pod, container, 'Warning', 'Unhealthy', `${TITLE[type]} probe failed: ${text}`);
    else this.#context.events.container(pod, container, 'Warning', 'Unhealthy', `${TITLE[type]} probe errored and resulted in unknown state: ${text}`);
  }
}

/** The worker's clock ticks from its beginning. */
const nextTick = (first: Micros, period: Micros, after: Micros): Micros => first + (Math.floor((after - first) / period) + 1) * period;

interface ProbeState {
  containerId: string;
  verdict: ProbeVerdict;
  run: number;
  /** Failed: nothing more until the container is replaced. */
  held: boolean;
}

/** A container that was ready or started before this kubelet began is so until a probe says otherwise. */
function initialVerdict(pod: Pod, type: ProbeType, container: Container, id: string): ProbeVerdict {
  const known = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find((s) => s.name === container.name);
  if (!known?.containerID?.endsWith(`://${id}`)) return INITIAL[type];
  if (type === 'readiness' && known.ready) return 'success';
  if (type === 'startup' && known.started === true) return 'success';
  return INITIAL[type];
}

const INITIAL: Readonly<Record<ProbeType, ProbeVerdict>> = { liveness: 'success', readiness: 'failure', startup: 'unknown' };
