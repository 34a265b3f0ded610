// kuberuntime_manager.go: brings a Pod's sandbox and containers to what the Pod asks for, and takes them down again.

import type { Container, Pod } from '../api/generated/types.ts';
import { type ContainerStatus, CriError } from '../runtime/cri.ts';
import type { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import { DETAIL } from '../sim/trace.ts';
import { computePodActions, containerHash, isSidecar, type ContainerToKill } from './actions.ts';
import { Backoff, BACKOFF_INITIAL } from './backoff.ts';
import { containerConfig, sandboxConfig } from './container-config.ts';
import type { StartFailure } from './container-status.ts';
import { type Context, goDuration, podSubject, podText, podUid, step } from './context.ts';
import { ConfigError, type EnvironmentSources } from './environment.ts';
import { runHook } from './hooks.ts';
import type { ImageManager } from './image-manager.ts';
import { findContainer } from './pod-cache.ts';
import type { Prober } from './prober.ts';
import { SyncError } from './sync-error.ts';
import type { Volumes } from './volumes.ts';

/** How a sync went: `error` wants a retry soon; `until` is when the first back-off is over. */
export interface SyncResult {
  readonly error?: string;
  readonly until?: Micros;
}

/** What a Pod worker tells the sync that it runs. */
export interface SyncControl {
  /** Closed when the Pod is to go. */
  readonly cancelled: Channel<null>;
}

const MIN_GRACE: Micros = 2 * SECOND;

export class RuntimeManager {
  readonly #context: Context;
  readonly #images: ImageManager;
  readonly #volumes: Volumes;
  readonly #prober: Prober;
  readonly #sources: (pod: Pod, podIp: string) => EnvironmentSources;
  readonly #backoff: Backoff;
  /** Why containers could not be started, by Pod UID and container name. */
  readonly #failures = new Map<string, Map<string, StartFailure>>();

  constructor(context: Context, images: ImageManager, volumes: Volumes, prober: Prober, sources: (pod: Pod, podIp: string) => EnvironmentSources) {
    this.#context = context;
    this.#images = images;
    this.#volumes = volumes;
    this.#prober = prober;
    this.#sources = sources;
    this.#backoff = new Backoff(BACKOFF_INITIAL, context.config.maxContainerRestartPeriod);
  }

  failure(uid: string, container: string): StartFailure | undefined {
    return this.#failures.get(uid)?.get(container);
  }

  forget(uid: string): void {
    this.#failures.delete(uid);
  }

  /** One round: kill what must not run, make the sandbox, start what is missing. */
  *syncPod(pod: Pod, control: SyncControl): Op<SyncResult> {
    const { os, cache, events } = this.#context;
    const uid = podUid(pod);
    const subject = podSubject(pod);
    const cause = os.sim.cause;
    const runtime = cache.get(uid);
    const actions = computePodActions(pod, runtime, this.#prober);
    step(os, 'computePodActions', subject, actions, DETAIL);
    os.sim.cause = cause;

    if (actions.killPod) {
      if (actions.createSandbox && actions.sandboxId !== '') events.pod(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      if (runtime.sandboxes.length > 0) yield* this.killPod(pod, undefined, false);
    } else if (actions.containersToKill.length > 0) {
      yield* this.#killAll(pod, actions.containersToKill, undefined);
    }

    let sandboxId = actions.sandboxId;
    if (actions.createSandbox) {
      try {
        sandboxId = yield* this.#createSandbox(pod, actions.attempt);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        events.pod(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${error.text}`);
        return { error: error.text };
      }
    }
    if (sandboxId === '') return {};

    const results: SyncResult[] = [];
    const spec = pod.spec;
    // Before the init containers, so that they can be looked into when they fail. Each is started once.
    for (const container of (spec?.ephemeralContainers ?? []) as readonly Container[]) {
      if (control.cancelled.closed) break;
      if (findContainer(runtime, container.name) === undefined) results.push(yield* this.#start(pod, container, sandboxId, control));
    }
    for (const index of actions.initContainersToStart) {
      const container = spec?.initContainers?.[index];
      if (!container || control.cancelled.closed) break;
      const result = yield* this.#start(pod, container, sandboxId, control);
      results.push(result);
      // A failing init container holds up the next ones; a sidecar does not.
      if ((result.error !== undefined || result.until !== undefined) && !isSidecar(container)) break;
    }
    for (const index of actions.containersToStart) {
      const container = spec?.containers[index];
      if (!container || control.cancelled.closed) break;
      results.push(yield* this.#start(pod, container, sandboxId, control));
    }
    return results.length === 1 ? (results[0] as SyncResult) : combine(results);
  }

  /** Stops all containers, sidecars last, then the sandboxes. `grace` in seconds overrides the Pod's own. */
  *killPod(pod: Pod, grace: number | undefined, tearDown = true): Op<void> {
    const { cache, runtime, os } = this.#context;
    const uid = podUid(pod);
    const running = cache.get(uid).containers.filter((c) => c.state === 'RUNNING');
    const specs = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    const toKill = running.flatMap((status): ContainerToKill[] => {
      const container = specs.find((c) => c.name === status.name) ?? { name: status.name };
      return [{ id: status.id, name: status.name, container, message: '', reason: '' }];
    });
    const mains = toKill.filter((k) => !isSidecar(k.container) || !pod.spec?.initContainers?.includes(k.container));
    const sidecars = toKill.filter((k) => !mains.includes(k)).toReversed();
    const total = (grace ?? graceOf(pod)) * SECOND;
    const begun = os.sim.now;
    yield* this.#killAll(pod, mains, grace);
    for (const sidecar of sidecars) {
      const left = Math.max(MIN_GRACE, total - (os.sim.now - begun));
      yield* this.#killContainer(pod, sidecar, Math.ceil(left / SECOND));
    }
    for (const sandbox of cache.get(uid).sandboxes) {
      if (!tearDown && sandbox.state !== 'READY' && sandbox.hostNetwork) continue;
      try {
        yield* runtime.stopPodSandbox(sandbox.id, podSubject(pod));
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        os.logError(`"StopPodSandbox from runtime service failed" err="${error.text}" podSandboxID="${sandbox.id}"`);
      }
    }
  }

  /** Stops what still runs within `grace` seconds, beside the killing that is under way. */
  *hurry(uid: string, grace: number): Op<void> {
    const { cache, runtime } = this.#context;
    for (const status of cache.get(uid).containers.filter((c) => c.state === 'RUNNING')) {
      try {
        yield* runtime.stopContainer(status.id, Math.max(grace * SECOND, MIN_GRACE));
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
    }
  }

  /** Removes the Pod's containers and sandboxes from the runtime. */
  *removePod(uid: string): Op<void> {
    const { cache, runtime } = this.#context;
    for (const sandbox of cache.get(uid).sandboxes) {
      try {
        yield* runtime.removePodSandbox(sandbox.id);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
      cache.forgetSandbox(uid, sandbox.id);
    }
    cache.delete(uid);
    this.#failures.delete(uid);
  }

  *#createSandbox(pod: Pod, attempt: number): Op<string> {
    const { os, runtime } = this.#context;
    const cause = os.sim.cause;
    const subject = podSubject(pod);
    step(os, 'createSandbox', subject, { attempt });
    try {
      const id = yield* runtime.runPodSandbox(sandboxConfig(this.#context, pod, attempt), subject);
      yield* runtime.podSandboxStatus(id, subject);
      return id;
    } finally {
      os.sim.cause = cause;
    }
  }

  *#start(pod: Pod, container: Container, sandboxId: string, control: SyncControl): Op<SyncResult> {
    const { os } = this.#context;
    const uid = podUid(pod);
    const cause = os.sim.cause;
    let failures = this.#failures.get(uid);
    try {
      this.#checkBackoff(pod, container);
      step(os, 'startContainer', podSubject(pod), { container: container.name, image: container.image });
      yield* this.#startContainer(pod, container, sandboxId, control);
      failures?.delete(container.name);
      return {};
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      if (!failures) this.#failures.set(uid, (failures = new Map()));
      failures.set(container.name, { reason: error.reason, message: error.message });
      return error.until === undefined ? { error: error.message } : { until: error.until };
    } finally {
      os.sim.cause = cause;
    }
  }

  #checkBackoff(pod: Pod, container: Container): void {
    const { cache, events, os } = this.#context;
    const exited = findContainer(cache.get(podUid(pod)), container.name);
    if (!exited || exited.state !== 'EXITED') return;
    const key = `${podText(pod)}_${container.name}_${containerHash(container)}`;
    const until = this.#backoff.inBackoffSince(key, exited.finishedAt, os.sim.now);
    if (until !== undefined) {
      events.container(pod, container, 'Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${podText(pod)}`);
      const delay = goDuration(this.#backoff.get(key));
      throw new SyncError('CrashLoopBackOff', `back-off ${delay} restarting failed container=${container.name} pod=${podText(pod)}`, until);
    }
    this.#backoff.next(key, exited.finishedAt, os.sim.now);
  }

  *#startContainer(pod: Pod, container: Container, sandboxId: string, control: SyncControl): Op<void> {
    const { cache, events, runtime } = this.#context;
    const uid = podUid(pod);
    const subject = podSubject(pod);
    const fail = (error: unknown, reason: string): never => {
      const text = error instanceof CriError || error instanceof ConfigError || error instanceof SyncError ? error.message : undefined;
      if (text === undefined) throw error;
      events.container(pod, container, 'Warning', 'Failed', `Error: ${error instanceof SyncError ? error.reason : text}`);
      throw error instanceof SyncError ? error : new SyncError(reason, text);
    };
    let id = '';
    try {
      const imageRef = yield* this.#images.ensure(pod, container, control.cancelled);
      const image = pod.spec?.securityContext?.runAsNonRoot || container.securityContext?.runAsNonRoot ? yield* runtime.imageStatus(imageRef) : undefined;
      const known = cache.get(uid);
      const latest = findContainer(known, container.name);
      const sandbox = known.sandboxes.find((s) => s.id === sandboxId);
      const podIp = sandbox?.hostNetwork ? this.#context.nodeIp : (sandbox?.ip ?? '');
      const restartCount = latest ? latest.attempt + 1 : 0;
      const config = containerConfig(this.#context, this.#volumes, {
        pod, container, restartCount, podIp, imageRef, image, sources: this.#sources(pod, podIp),
      });
      id = yield* runtime.createContainer(sandboxId, config, subject);
    } catch (error) {
      fail(error, error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError');
    }
    events.container(pod, container, 'Normal', 'Created', 'Container created');
    try {
      yield* runtime.startContainer(id, subject);
    } catch (error) {
      fail(error, 'RunContainerError');
    }
    events.container(pod, container, 'Normal', 'Started', 'Container started');
    this.#prober.trigger(uid);
    if (container.lifecycle?.postStart) {
      const problem = yield* runHook(this.#context, pod, container, id, container.lifecycle.postStart);
      if (problem !== undefined) {
        events.container(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
        yield* this.#killContainer(pod, { id, name: container.name, container, message: 'FailedPostStartHook', reason: '' }, undefined);
        throw new SyncError('PostStartHookError', problem);
      }
    }
    yield* this.#removeOld(uid, container.name);
  }

  /** Of a container's dead instances the kubelet keeps one. */
  *#removeOld(uid: string, name: string): Op<void> {
    const { cache, runtime } = this.#context;
    const dead = cache.get(uid).containers.filter((c: ContainerStatus) => c.name === name && c.state === 'EXITED');
    for (const old of dead.slice(1)) {
      try {
        yield* runtime.removeContainer(old.id);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
    }
  }

  /** Kills several containers at once and waits for all. */
  *#killAll(pod: Pod, list: readonly ContainerToKill[], grace: number | undefined): Op<void> {
    if (list.length === 1) {
      yield* this.#killContainer(pod, list[0] as ContainerToKill, grace);
      return;
    }
    const tasks = list.map((kill) => this.#context.os.go(`kill ${kill.name}`, () => this.#killContainer(pod, kill, grace)));
    for (const task of tasks) yield* task.join();
  }

  *#killContainer(pod: Pod, kill: ContainerToKill, override: number | undefined): Op<void> {
    const { events, os, runtime } = this.#context;
    const { container, id, name } = kill;
    const ofProbe = kill.reason === 'LivenessProbe' ? container.livenessProbe : kill.reason === 'StartupProbe' ? container.startupProbe : undefined;
    const seconds = override ?? ofProbe?.terminationGracePeriodSeconds ?? graceOf(pod);
    events.container(pod, container, 'Normal', 'Killing', kill.message === '' ? `Stopping container ${name}` : kill.message);
    let grace = seconds * SECOND;
    const hook = container.lifecycle?.preStop;
    if (hook && seconds > 0) {
      const begun = os.sim.now;
      const task = os.go(`preStop ${name}`, () => runHook(this.#context, pod, container, id, hook));
      os.sim.after(grace, () => task.kill());
      const problem = yield* task.join();
      if (typeof problem === 'string') events.container(pod, container, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      grace -= os.sim.now - begun;
    }
    grace = Math.max(grace, MIN_GRACE);
    try {
      yield* runtime.stopContainer(id, grace, podSubject(pod));
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      os.logError(`"StopContainer from runtime service failed" err="${error.text}" containerID="${id}"`);
    }
  }
}

function graceOf(pod: Pod): number {
  return pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
}

function combine(results: readonly SyncResult[]): SyncResult {
  const error = results.find((r) => r.error !== undefined)?.error;
  const ends = results.flatMap((r) => (r.until === undefined ? [] : [r.until]));
  return { ...(error === undefined ? {} : { error }), ...(ends.length === 0 ? {} : { until: Math.min(...ends) }) };
}
