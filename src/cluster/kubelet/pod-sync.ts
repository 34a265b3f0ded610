// The three rounds of a Pod's life on a node (kubelet.go SyncPod, SyncTerminatingPod, SyncTerminatedPod), with all they need:
// volumes, images, ConfigMaps, Secrets, Services, tokens.

import type { Pod, PodCondition, PodStatus, Secret, Service } from '../api/generated/types.ts';
import { Informer } from '../client/informer.ts';
import { CriError } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { MINUTE, parseTime, SECOND, type Micros } from '../sim/time.ts';
import { DETAIL } from '../sim/trace.ts';
import type { Admission } from './admission.ts';
import { logDirectory } from './container-config.ts';
import { type Context, isStaticPod, podSubject, podText, podUid, step } from './context.ts';
import { ConfigError, type EnvironmentSources, parseEnvFile } from './environment.ts';
import { ImageManager } from './image-manager.ts';
import type { Mirrors } from './mirror.ts';
import type { NodeStatusManager } from './node-status.ts';
import { configMapNames, ObjectWatch, secretNames } from './object-watch.ts';
import { generatePodStatus } from './pod-status.ts';
import { podCgroup } from './pod-cgroup.ts';
import type { PodSyncer, PodWork, PodWorkers, SyncOutcome, Termination } from './pod-worker.ts';
import type { Prober } from './prober.ts';
import { baseUnits } from './resources.ts';
import type { Resizes } from './resize.ts';
import { RuntimeManager } from './runtime-manager.ts';
import type { Storage } from './storage-volumes.ts';
import type { StatusManager } from './status-manager.ts';
import { TokenManager } from './token-manager.ts';
import { decodeData } from './api-volumes.ts';
import { MountError } from './mount-error.ts';
import { Volumes } from './volumes.ts';

const ERROR_RETRY: Micros = 10 * SECOND;
const NETWORK_RETRY: Micros = SECOND;
const MOUNT_RETRY_FIRST: Micros = SECOND / 2;
const MOUNT_RETRY_MAX: Micros = 2 * MINUTE + 2 * SECOND;

/** The other parts of the kubelet that a sync speaks to. */
export interface PodSyncParts {
  readonly context: Context;
  readonly statuses: StatusManager;
  readonly mirrors: Mirrors;
  readonly prober: Prober;
  readonly node: NodeStatusManager;
  readonly storage: Storage;
  readonly admission: Admission;
  readonly resizes: Resizes;
  workers(): PodWorkers;
  /** A Pod has ended: what it held is free. */
  released(): void;
  /** Why the Pod network is not ready; '' when it is. */
  networkProblem(): string;
}

export class PodSync implements PodSyncer {
  readonly images: ImageManager;
  readonly volumes: Volumes;
  readonly manager: RuntimeManager;
  readonly #parts: PodSyncParts;
  readonly #context: Context;
  readonly #statuses: StatusManager;
  readonly #mirrors: Mirrors;
  readonly #prober: Prober;
  readonly #tokens: TokenManager;
  readonly #configMaps: ObjectWatch<'configmaps'> | null;
  readonly #secrets: ObjectWatch<'secrets'> | null;
  readonly #services: Informer<Service> | null;
  #serviceCache: readonly Service[] | null = null;
  /** Delay of the next try of a Pod's volumes, by UID. */
  readonly #mountRetry = new Map<string, Micros>();

  constructor(parts: PodSyncParts) {
    const { context } = parts;
    const { os, client } = context;
    this.#parts = parts;
    this.#context = context;
    this.#statuses = parts.statuses;
    this.#mirrors = parts.mirrors;
    this.#prober = parts.prober;
    this.images = new ImageManager(context, (pod) => this.#pullSecrets(pod));
    const refresh = (users: readonly string[]): void => users.forEach((uid) => this.#refreshVolumes(uid));
    this.#configMaps = client ? new ObjectWatch(os, client, 'configmaps', refresh) : null;
    this.#secrets = client ? new ObjectWatch(os, client, 'secrets', refresh) : null;
    this.#services = client ? new Informer<Service>(os, client, 'services') : null;
    const forget = (): void => {
      this.#serviceCache = null;
    };
    this.#services?.addHandler({ add: forget, update: forget, delete: forget });
    this.#tokens = new TokenManager(context, (uid) => this.#refreshVolumes(uid));
    this.volumes = new Volumes(context, {
      configMap: (namespace, name) => this.#configMaps?.get(namespace, name),
      secret: (namespace, name) => this.#secrets?.get(namespace, name),
      token: (pod, audience, seconds) => this.#tokens.get(pod, audience, seconds),
      podIp: (pod) => this.#podIp(pod),
      allocatable: this.#allocatable,
    }, parts.storage);
    this.manager = new RuntimeManager(context, this.images, this.volumes, this.#prober, (pod, podIp) => this.#environment(pod, podIp), (pod) => this.#sandboxReady(pod));
  }

  /** Begins to watch what all Pods need. */
  start(): void {
    this.#services?.start();
  }

  #podIp(pod: Pod): string {
    const sandbox = this.#context.cache.get(podUid(pod)).sandboxes[0];
    return sandbox?.hostNetwork ? this.#context.nodeIp : (sandbox?.ip ?? '');
  }

  *sync(pod: Pod, work: PodWork): Op<SyncOutcome> {
    const { os, events } = this.#context;
    const uid = podUid(pod);
    step(os, 'syncPod', podSubject(pod), { type: 'sync' });
    const cause = os.sim.cause;
    const status = this.#setStatus(pod, false);
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return { terminal: true };
    const networkProblem = this.#parts.networkProblem();
    if (networkProblem !== '' && pod.spec?.hostNetwork !== true) {
      events.pod(pod, 'Warning', 'NetworkNotReady', `network is not ready: container runtime network not ready: ${networkProblem}`);
      return { terminal: false, retryIn: NETWORK_RETRY };
    }
    const namespace = pod.metadata.namespace ?? '';
    this.#configMaps?.register(uid, namespace, configMapNames(pod));
    this.#secrets?.register(uid, namespace, secretNames(pod));
    if (isStaticPod(pod)) yield* this.#mirrors.ensure(pod, this.#parts.node.node);
    else if (this.#services && !this.#services.hasSynced) yield* this.#services.waitForSync();
    if (this.#configMaps) yield* this.#configMaps.ready(uid);
    if (this.#secrets) yield* this.#secrets.ready(uid);
    os.sim.cause = cause;

    const failed = yield* this.#mount(pod);
    if (failed !== undefined) return { terminal: false, retryIn: failed };
    if (this.volumes.isStale(pod)) yield* this.volumes.refresh(pod);
    os.sim.cause = cause;
    if (pod.spec?.imagePullSecrets?.length) this.#tellMissingPullSecrets(pod);
    this.#prober.addPod(pod);
    const { resizes } = this.#parts;
    const resizing = resizes.inProgress(uid);
    const restarts = resizing ? resizes.restarts(pod) : undefined;
    const result = yield* this.manager.syncPod(pod, work, restarts);
    if (restarts !== undefined) resizes.noteRestarted(pod, restarts.map((r) => r.name));
    os.sim.cause = cause;
    if (resizing && work.state === 'syncing') {
      const problem = yield* this.#resize(pod);
      os.sim.cause = cause;
      if (problem !== undefined) return { terminal: false, retryIn: ERROR_RETRY };
    }
    // What could not be started is shown at once, not only at the next sync.
    if ((result.error !== undefined || result.until !== undefined) && work.state === 'syncing') this.#setStatus(pod, false);
    const deadline = this.#deadline(pod);
    if (result.error !== undefined) return { terminal: false, retryIn: jitter(this.#context, ERROR_RETRY) };
    if (result.until !== undefined) return { terminal: false, retryIn: result.until - os.sim.now };
    return deadline === undefined ? { terminal: false } : { terminal: false, retryIn: deadline };
  }

  /** Brings running containers to what was allocated. */
  *#resize(pod: Pod): Op<string | undefined> {
    const { resizes } = this.#parts;
    try {
      const problem = yield* resizes.actuate(pod);
      if (problem === undefined) this.#parts.released();
      return problem;
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      return error.message;
    } finally {
      this.#setStatus(pod, false);
    }
  }

  *terminate(pod: Pod, work: PodWork): Op<void> {
    const { os } = this.#context;
    const uid = podUid(pod);
    step(os, 'syncPod', podSubject(pod), { type: 'terminating' });
    const cause = os.sim.cause;
    const over = work.termination ?? undefined;
    this.#setStatus(pod, false, over);
    this.#prober.stopLivenessAndStartup(uid);
    // Deleted by force: the object is gone, and so is its grace.
    const forced = work.removed && pod.metadata.deletionTimestamp === undefined && !isStaticPod(pod) ? 1 : undefined;
    const grace = work.termination?.grace ?? pod.metadata.deletionGracePeriodSeconds ?? forced;
    yield* this.manager.killPod(pod, grace);
    this.#prober.removePod(uid);
    os.sim.cause = cause;
    this.#setStatus(pod, true, over);
  }

  hurry(pod: Pod, grace: number): void {
    this.#context.os.go(`hurry ${podText(pod)}`, () => this.manager.hurry(podUid(pod), grace));
  }

  *finish(pod: Pod, work: PodWork): Op<void> {
    const { os } = this.#context;
    const uid = podUid(pod);
    const cause = os.sim.cause;
    step(os, 'syncPod', podSubject(pod), { type: 'terminated' }, DETAIL);
    this.#setStatus(pod, true, work.termination ?? undefined);
    // What an evicted Pod has written goes with its containers, so that its room is free.
    if (work.termination?.status?.reason === 'Evicted') yield* this.manager.removeContainers(uid, () => true);
    yield* this.volumes.release(pod);
    this.volumes.unmount(pod);
    this.#configMaps?.unregister(uid);
    this.#secrets?.unregister(uid);
    this.#tokens.forget(uid);
    this.#mountRetry.delete(uid);
    this.#parts.admission.release(uid);
    this.#parts.resizes.forget(uid);
    this.#parts.released();
    os.sim.cause = cause;
    this.#statuses.terminate(pod);
    if (isStaticPod(pod) && work.removed) yield* this.#mirrors.remove(pod);
  }

  *cleanUp(pod: Pod): Op<void> {
    const uid = podUid(pod);
    if (isStaticPod(pod)) yield* this.#mirrors.remove(pod);
    this.#statuses.forget(uid);
    yield* this.manager.removePod(uid);
    const { files, cgroups } = this.#context.os.machine;
    cgroups.remove(podCgroup(pod));
    if (files.exists(logDirectory(pod))) files.remove(logDirectory(pod));
  }

  // ---- parts of a sync

  /** OnPodSandboxReady (1.36): said before images are pulled; the rest of the status waits until the next sync. */
  #sandboxReady(pod: Pod): void {
    const status = this.#statuses.get(podUid(pod)) ?? pod.status ?? {};
    const { generation } = pod.metadata;
    const ready: PodCondition = { type: 'PodReadyToStartContainers', status: 'True', ...(generation === undefined ? {} : { observedGeneration: generation }) };
    const conditions = (status.conditions ?? []).map((c) => (c.type === ready.type ? ready : c));
    this.#statuses.set(pod, { ...status, conditions });
  }

  #setStatus(pod: Pod, terminal: boolean, over?: Termination): PodStatus {
    const { os, cache, nodeIp, runtimeName } = this.#context;
    const uid = podUid(pod);
    const runtime = cache.get(uid);
    const old = this.#statuses.get(uid) ?? pod.status ?? {};
    const status = generatePodStatus(pod, runtime, old, {
      hostIp: nodeIp,
      terminal,
      containerId: (id) => `${runtimeName}://${id}`,
      time: (at) => os.sim.time(at),
      failure: (id, container) => this.manager.failure(id, container),
      ready: (p, container, c) => this.#prober.isReady(p, container, c),
      started: (p, container, c) => this.#prober.isStarted(p, container, c),
      resize: this.#parts.resizes.conditions(uid),
    });
    // While containers still run the Pod has not ended.
    const shown = over !== undefined && terminal ? withTermination(status, over) : status;
    this.#statuses.set(pod, shown);
    return shown;
  }

  #pullSecrets(pod: Pod): readonly Secret[] {
    const namespace = pod.metadata.namespace ?? '';
    return (pod.spec?.imagePullSecrets ?? []).flatMap(({ name = '' }) => this.#secrets?.get(namespace, name) ?? []);
  }

  #tellMissingPullSecrets(pod: Pod): void {
    const namespace = pod.metadata.namespace ?? '';
    const missing = (pod.spec?.imagePullSecrets ?? []).flatMap(({ name = '' }) => (name === '' || this.#secrets?.get(namespace, name) ? [] : [name]));
    if (missing.length === 0) return;
    this.#context.events.pod(
      pod, 'Warning', 'FailedToRetrieveImagePullSecret',
      `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
    );
  }

  /** Undefined when all volumes are there, else when to try again. */
  *#mount(pod: Pod): Op<Micros | undefined> {
    const { os, events } = this.#context;
    const uid = podUid(pod);
    const cause = os.sim.cause;
    if (this.volumes.isMounted(pod)) return undefined;
    try {
      step(os, 'mountVolumes', podSubject(pod), { volumes: pod.spec?.volumes?.map((v) => v.name) }, DETAIL);
      yield* this.volumes.mount(pod);
      this.#mountRetry.delete(uid);
      return undefined;
    } catch (error) {
      if (!(error instanceof MountError) && !(error instanceof ConfigError)) throw error;
      const said = error instanceof MountError ? error.event : `MountVolume.SetUp failed for volume "" : ${error.message}`;
      if (said !== null) events.pod(pod, 'Warning', 'FailedMount', said);
      for (const { event } of error instanceof MountError ? error.others : []) if (event !== null) events.pod(pod, 'Warning', 'FailedMount', event);
      if (error instanceof MountError && error.retry !== undefined) return error.retry;
      const wait = this.#mountRetry.get(uid) ?? MOUNT_RETRY_FIRST;
      this.#mountRetry.set(uid, Math.min(wait * 2, MOUNT_RETRY_MAX));
      return wait;
    } finally {
      os.sim.cause = cause;
    }
  }

  /** activeDeadlineSeconds: ends the Pod when it is over, else says how long it has. */
  #deadline(pod: Pod): Micros | undefined {
    const { os, events } = this.#context;
    const seconds = pod.spec?.activeDeadlineSeconds;
    const start = this.#statuses.get(podUid(pod))?.startTime;
    if (seconds === undefined || start === undefined) return undefined;
    const since = os.sim.now - startOf(this.#context, start);
    if (since < seconds * SECOND) return seconds * SECOND - since;
    const message = 'Pod was active on the node longer than the specified deadline';
    events.pod(pod, 'Normal', 'DeadlineExceeded', message);
    this.#parts.workers().kill(podUid(pod), { status: { phase: 'Failed', reason: 'DeadlineExceeded', message } });
    return undefined;
  }

  /** Running Pods get the new content with their next sync; those that wait for an object try again in their own time. */
  #refreshVolumes(uid: string): void {
    const { sim } = this.#context.os;
    const workers = this.#parts.workers();
    const due = workers.nextResync(uid);
    if (due === undefined || this.#mountRetry.has(uid)) return;
    this.volumes.markStale(uid);
    sim.after(due - sim.now, () => {
      const work = workers.get(uid);
      if (work !== undefined && this.volumes.isStale(work.pod)) workers.sync(uid);
    });
  }

  get #allocatable(): { readonly cpu: number; readonly memory: number } {
    const list = this.#parts.node.allocatable;
    return { cpu: baseUnits(list['cpu'] ?? '0'), memory: baseUnits(list['memory'] ?? '0') };
  }

  #environment(pod: Pod, podIp: string): EnvironmentSources {
    const namespace = pod.metadata.namespace ?? '';
    return {
      configMap: (name, optional) => {
        const object = this.#configMaps?.get(namespace, name);
        if (!object && !optional) throw new ConfigError(`configmap "${name}" not found`);
        return object?.data ?? undefined;
      },
      secret: (name, optional) => {
        const object = this.#secrets?.get(namespace, name);
        if (!object && !optional) throw new ConfigError(`secret "${name}" not found`);
        return object ? decodeData(object) : undefined;
      },
      envFile: (volume, path) => {
        const text = this.volumes.readFile(pod, volume, path);
        return text === undefined ? undefined : parseEnvFile(text);
      },
      services: () => this.#serviceList(),
      hostIp: this.#context.nodeIp,
      podIp,
      allocatable: this.#allocatable,
    };
  }

  /** All Services as one array that stays the same until one of them changes. */
  #serviceList(): readonly Service[] {
    return (this.#serviceCache ??= this.#services?.list() ?? []);
  }
}

function withTermination(status: PodStatus, { status: over, condition }: Termination): PodStatus {
  const conditions = (status.conditions ?? []).filter((c) => c.type !== condition?.type);
  return { ...status, ...over, ...(condition === undefined ? {} : { conditions: [...conditions, condition] }) };
}

const jitter = (context: Context, base: Micros): Micros => Math.round(base * (1 + 0.5 * context.random.float()));

function startOf({ os }: Context, time: string): Micros {
  return (parseTime(time) ?? os.sim.epoch) - os.sim.epoch;
}
