// kuberuntime_manager.go: brings a Pod's sandbox and containers to what the Pod asks for, and takes them down again.

import type { Container, Pod } from '../api/generated/types.ts';
import { type ContainerStatus, CriError } from '../runtime/cri.ts';
import type { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import { DETAIL } from '../sim/trace.ts';
import { computePodActions, containerHash, isSidecar, mustRestartAll, type ContainerToKill, type PodActions } from './actions.ts';
import { Backoff, BACKOFF_INITIAL } from './backoff.ts';
import { ContainerKiller } from './container-killer.ts';
import { containerConfig, logDirectory, sandboxConfig } from './container-config.ts';
import type { StartFailure } from './container-status.ts';
import { type Context, goDuration, podSubject, podText, podUid, step } from './context.ts';
import { ConfigError, type EnvironmentSources } from './environment.ts';
import { runHook } from './hooks.ts';
import type { ImageManager } from './image-manager.ts';
import { findContainer, type RuntimePod } from './pod-cache.ts';
import { removeLog, rotateLog } from './log-rotation.ts';
import { setPodCgroup } from './pod-cgroup.ts';
import type { Prober } from './prober.ts';
import { type ImageAnnotations, tellAssumed } from './simulated.ts';
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

export class RuntimeManager {
  readonly #context: Context;
  readonly #killer: ContainerKiller;
  readonly #images: ImageManager;
  readonly #volumes: Volumes;
  readonly #prober: Prober;
  readonly #sources: (pod: Pod, podIp: string) => EnvironmentSources;
  readonly #sandboxReady: (pod: Pod) => void;
  readonly #backoff: Backoff;
  /** Why containers could not be started, by Pod UID and container name. */
  readonly #failures = new Map<string, Map<string, StartFailure>>();

  constructor(
    context: Context,
    images: ImageManager,
    volumes: Volumes,
    prober: Prober,
    sources: (pod: Pod, podIp: string) => EnvironmentSources,
    sandboxReady: (pod: Pod) => void,
  ) {
    this.#context = context;
    this.#killer = new ContainerKiller(context);
    this.#images = images;
    this.#volumes = volumes;
    this.#prober = prober;
    this.#sources = sources;
    this.#sandboxReady = sandboxReady;
    this.#backoff = new Backoff(BACKOFF_INITIAL, context.config.maxContainerRestartPeriod);
  }

  failure(uid: string, container: string): StartFailure | undefined {
    return this.#failures.get(uid)?.get(container);
  }

  forget(uid: string): void {
    this.#failures.delete(uid);
  }

  /** One round: kill what must not run, make the sandbox, start what is missing. */
  *syncPod(pod: Pod, control: SyncControl, restarts: readonly ContainerToKill[] = []): Op<SyncResult> {
    const { os, cache, events } = this.#context;
    const uid = podUid(pod);
    const subject = podSubject(pod);
    const cause = os.sim.cause;
    if (mustRestartAll(pod, cache.get(uid))) yield* this.#resetContainers(pod);
    const runtime = cache.get(uid);
    const actions = withRestarts(pod, computePodActions(pod, runtime, this.#prober), restarts);
    step(os, 'computePodActions', subject, actions, DETAIL);
    os.sim.cause = cause;

    if (actions.killPod) {
      if (actions.createSandbox && actions.sandboxId !== '') events.pod(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      if (runtime.sandboxes.length > 0) yield* this.#killer.killPod(pod, undefined, false);
    } else if (actions.containersToKill.length > 0) {
      yield* this.#killer.killAll(pod, actions.containersToKill, undefined);
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

  /** RestartAllContainers: everything ends without its preStop hook and is removed, so that the Pod begins with its init containers. */
  *#resetContainers(pod: Pod): Op<void> {
    const { cache, runtime } = this.#context;
    const uid = podUid(pod);
    const specs = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    const running = cache.get(uid).containers.filter((c) => c.state === 'RUNNING');
    const toKill = running.map(({ id, name }): ContainerToKill => {
      const { lifecycle: _, ...container } = specs.find((c) => c.name === name) ?? { name };
      return { id, name, container, message: `Stopping container ${name}`, reason: '' };
    });
    yield* this.#killer.killAll(pod, toKill, undefined);
    for (const { id } of cache.get(uid).containers) {
      try {
        yield* runtime.removeContainer(id);
        cache.forgetContainer(uid, id);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
    }
  }

  /** See ContainerKiller. */
  killPod(pod: Pod, grace: number | undefined): Op<void> {
    return this.#killer.killPod(pod, grace);
  }

  /** Stops what still runs within `grace` seconds, beside the killing that is under way. */
  hurry(uid: string, grace: number): Op<void> {
    return this.#killer.hurry(uid, grace);
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
    const { cache, os, runtime } = this.#context;
    const cause = os.sim.cause;
    const subject = podSubject(pod);
    step(os, 'createSandbox', subject, { attempt });
    setPodCgroup(os.machine, pod);
    try {
      const id = yield* runtime.runPodSandbox(sandboxConfig(this.#context, pod, attempt), subject);
      cache.noteSandbox(yield* runtime.podSandboxStatus(id, subject));
      this.#sandboxReady(pod);
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
    let assumed: ImageAnnotations;
    try {
      if (pod.spec?.volumes?.some((v) => v.image !== undefined)) yield* this.#pullImageVolumes(pod, container, control);
      const imageRef = yield* this.#images.ensure(pod, container, control.cancelled);
      const image = pod.spec?.securityContext?.runAsNonRoot || container.securityContext?.runAsNonRoot ? yield* runtime.imageStatus(imageRef) : undefined;
      assumed = this.#images.annotationsOf(imageRef);
      const known = cache.get(uid);
      const latest = findContainer(known, container.name);
      const sandbox = known.sandboxes.find((s) => s.id === sandboxId);
      const podIp = sandbox?.hostNetwork ? this.#context.nodeIp : (sandbox?.ip ?? '');
      const restartCount = latest ? latest.attempt + 1 : this.#countByLogs(pod, container);
      const config = containerConfig(this.#context, this.#volumes, {
        pod, container, restartCount, podIp, imageRef, image, imageAnnotations: assumed, targetId: targetOf(known, container), sources: this.#sources(pod, podIp),
      });
      id = yield* runtime.createContainer(sandboxId, config, subject);
    } catch (error) {
      fail(error, error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError');
    }
    events.container(pod, container, 'Normal', 'Created', 'Container created');
    try {
      yield* runtime.startContainer(id, subject);
    } catch (error) {
      yield* this.#see(uid, id);
      fail(error, 'RunContainerError');
    }
    yield* this.#see(uid, id);
    events.container(pod, container, 'Normal', 'Started', 'Container started');
    const started = cache.get(uid).containers.find((c) => c.id === id);
    if (started) rotateLog(this.#context, started);
    if (assumed !== undefined) tellAssumed(events, pod, container, assumed);
    this.#prober.trigger(uid);
    if (container.lifecycle?.postStart) {
      const problem = yield* runHook(this.#context, pod, container, id, container.lifecycle.postStart);
      if (problem !== undefined) {
        events.container(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
        yield* this.#killer.killContainer(pod, { id, name: container.name, container, message: 'FailedPostStartHook', reason: '' }, undefined);
        throw new SyncError('PostStartHookError', problem);
      }
    }
    yield* this.#removeOld(uid, container.name);
  }

  /** The images that the container mounts as volumes. */
  *#pullImageVolumes(pod: Pod, { volumeMounts }: Container, control: SyncControl): Op<void> {
    for (const { name, image } of pod.spec?.volumes ?? []) {
      if (image === undefined || !volumeMounts?.some((mount) => mount.name === name)) continue;
      const { reference, pullPolicy } = image;
      const asked = { name: '', ...(reference === undefined ? {} : { image: reference }), ...(pullPolicy === undefined ? {} : { imagePullPolicy: pullPolicy }) };
      yield* this.#images.ensure(pod, asked, control.cancelled);
    }
  }

  /** The runtime knows of no instance: the log files tell how many there have been. */
  #countByLogs(pod: Pod, { name }: Container): number {
    const { files } = this.#context.os.machine;
    const directory = `${logDirectory(pod)}/${name}`;
    if (!files.exists(directory)) return 0;
    const numbers = files.list(directory).map((file) => Number.parseInt(file, 10));
    return Math.max(-1, ...numbers.filter((n) => Number.isInteger(n))) + 1;
  }

  /** What follows counts on the cache knowing of the start; the runtime's event usually says it before its answer does. */
  *#see(uid: string, id: string): Op<void> {
    const { cache, runtime } = this.#context;
    if (cache.get(uid).containers.some((c) => c.id === id && c.state !== 'CREATED')) return;
    try {
      cache.note(uid, yield* runtime.containerStatus(id));
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
    }
  }

  /** Removes those of a Pod's dead containers that `unwanted` names, with what they wrote. */
  *removeContainers(uid: string, unwanted: (status: ContainerStatus) => boolean): Op<void> {
    const { cache, runtime } = this.#context;
    for (const status of cache.get(uid).containers) {
      if (status.state !== 'EXITED' || !unwanted(status)) continue;
      try {
        yield* runtime.removeContainer(status.id);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
    }
  }

  /** Of a container's dead instances the kubelet keeps one. */
  *#removeOld(uid: string, name: string): Op<void> {
    const { cache, runtime } = this.#context;
    const dead = cache.get(uid).containers.filter((c: ContainerStatus) => c.name === name && c.state === 'EXITED');
    for (const old of dead.slice(1)) {
      try {
        yield* runtime.removeContainer(old.id);
        removeLog(this.#context, old);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
    }
  }

}

/** An ephemeral container may name a container whose processes it wants to see. */
function targetOf(runtime: RuntimePod, container: Container): string {
  const name = (container as { readonly targetContainerName?: string }).targetContainerName;
  return name === undefined || name === '' ? '' : (findContainer(runtime, name)?.id ?? '');
}

function combine(results: readonly SyncResult[]): SyncResult {
  const error = results.find((r) => r.error !== undefined)?.error;
  const ends = results.flatMap((r) => (r.until === undefined ? [] : [r.until]));
  return { ...(error === undefined ? {} : { error }), ...(ends.length === 0 ? {} : { until: Math.min(...ends) }) };
}

/** Containers that a resize restarts are stopped and started beside the rest. */
function withRestarts(pod: Pod, actions: PodActions, restarts: readonly ContainerToKill[]): PodActions {
  const more = restarts.filter((r) => !actions.containersToKill.some((k) => k.id === r.id));
  if (more.length === 0 || actions.killPod || actions.createSandbox) return actions;
  const starts = more.map((r) => pod.spec.containers.findIndex((c) => c.name === r.name));
  return { ...actions, containersToKill: [...actions.containersToKill, ...more], containersToStart: [...actions.containersToStart, ...starts].sort((a, b) => a - b) };
}
