// The kubelet's centre (pkg/kubelet/kubelet.go): hears of Pods from the API and from files, of containers from the runtime,
// of probes; and takes each Pod through SyncPod, SyncTerminatingPod and SyncTerminatedPod.

import { decodeObject } from '../api/decode.ts';
import { applyDefaults } from '../api/defaults.ts';
import { mustResource } from '../api/kinds.ts';
import type { Node, Pod, PodStatus, Service } from '../api/generated/types.ts';
import { ApiError } from '../api/status.ts';
import { Informer, InformerFactory } from '../client/informer.ts';
import { type ContainerEvent, type ContainerStatus, CriError, type RuntimeCondition } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { MINUTE, parseTime, SECOND, type Micros } from '../sim/time.ts';
import { DETAIL } from '../sim/trace.ts';
import { Admission } from './admission.ts';
import { logDirectory, podCgroup, terminationLogPath } from './container-config.ts';
import { type Context, isMirrorPod, isStaticPod, podKey, podSubject, podText, podUid, step } from './context.ts';
import { ConfigError, type EnvironmentSources } from './environment.ts';
import { ImageManager } from './image-manager.ts';
import { keepLease } from './lease.ts';
import { Mirrors } from './mirror.ts';
import { NodeStatusManager } from './node-status.ts';
import { configMapNames, ObjectWatch, secretNames } from './object-watch.ts';
import { generatePodStatus } from './pod-status.ts';
import { type PodSyncer, type PodWork, PodWorkers, type SyncOutcome } from './pod-worker.ts';
import { Prober } from './prober.ts';
import { baseUnits } from './resources.ts';
import { RuntimeManager } from './runtime-manager.ts';
import { serveKubelet } from './server.ts';
import { StaticSource } from './static-source.ts';
import { StatusManager } from './status-manager.ts';
import { TokenManager } from './token-manager.ts';
import { decodeData, MountError, Volumes } from './volumes.ts';

const RUNTIME_CHECK: Micros = 5 * SECOND;
const ERROR_RETRY: Micros = 10 * SECOND;
const NETWORK_RETRY: Micros = SECOND;
const MOUNT_RETRY_FIRST: Micros = SECOND / 2;
const MOUNT_RETRY_MAX: Micros = 2 * MINUTE + 2 * SECOND;

export class Kubelet implements PodSyncer {
  readonly #context: Context;
  readonly #workers: PodWorkers;
  readonly #statuses: StatusManager;
  readonly #mirrors: Mirrors;
  readonly #prober: Prober;
  readonly #images: ImageManager;
  readonly #volumes: Volumes;
  readonly #manager: RuntimeManager;
  readonly #node: NodeStatusManager;
  readonly #admission = new Admission();
  readonly #tokens: TokenManager;
  readonly #configMaps: ObjectWatch<'configmaps'> | null;
  readonly #secrets: ObjectWatch<'secrets'> | null;
  readonly #services: Informer<Service> | null;
  #runtimeProblem = 'container runtime status check may not have completed yet';
  #networkProblem = '';
  /** Delay of the next try of a Pod's volumes, by UID. */
  readonly #mountRetry = new Map<string, Micros>();
  /** Pods that were turned away, with why. */
  readonly #rejected = new Set<string>();

  constructor(context: Context) {
    this.#context = context;
    const { os, client } = context;
    this.#mirrors = new Mirrors(context);
    this.#statuses = new StatusManager(context, (pod) => this.#mirrors.of(pod));
    this.#workers = new PodWorkers(context, this);
    this.#prober = new Prober(context, (uid) => this.#onProbe(uid));
    this.#images = new ImageManager(context);
    const refresh = (users: readonly string[]): void => users.forEach((uid) => this.#refreshVolumes(uid));
    this.#configMaps = client ? new ObjectWatch(os, client, 'configmaps', refresh) : null;
    this.#secrets = client ? new ObjectWatch(os, client, 'secrets', refresh) : null;
    this.#services = client ? new Informer<Service>(os, client, 'services') : null;
    const forget = (): void => {
      this.#serviceCache = null;
    };
    this.#services?.addHandler({ add: forget, update: forget, delete: forget });
    this.#tokens = new TokenManager(context, (uid) => this.#refreshVolumes(uid));
    this.#node = new NodeStatusManager(context, { errors: () => this.#runtimeErrors() });
    this.#volumes = new Volumes(context, {
      configMap: (namespace, name) => this.#configMaps?.get(namespace, name),
      secret: (namespace, name) => this.#secrets?.get(namespace, name),
      token: (pod, audience, seconds) => this.#tokens.get(pod, audience, seconds),
      podIp: (pod) => this.podIp(pod),
      allocatable: this.#allocatable,
    });
    this.#manager = new RuntimeManager(context, this.#images, this.#volumes, this.#prober, (pod, podIp) => this.#environment(pod, podIp));
  }

  get pods(): readonly Pod[] {
    return this.#workers.pods();
  }

  /** The status that a Pod of this node shows. */
  statusOf(pod: Pod): PodStatus {
    return this.#statuses.get(podUid(pod)) ?? pod.status ?? {};
  }

  podIp(pod: Pod): string {
    const sandbox = this.#context.cache.get(podUid(pod)).sandboxes[0];
    return sandbox?.hostNetwork ? this.#context.nodeIp : (sandbox?.ip ?? '');
  }

  *run(): Op<void> {
    const { os, config, client, events } = this.#context;
    events.node('Normal', 'Starting', 'Starting kubelet.');
    os.go('container events', () => this.#followRuntime());
    os.go('images', () => this.#images.run());
    os.go('runtime status', () => this.#checkRuntime());
    serveKubelet(this.#context, this);
    if (config.staticPodPath !== '') {
      const handler = { add: (pod: Pod) => this.#onStaticPod(pod), remove: (pod: Pod) => this.#onStaticGone(pod) };
      os.go('file source', () => new StaticSource(os, config.staticPodPath, config.nodeName, decodePod, handler).run());
    }
    if (!client) return;
    os.go('status manager', () => this.#statuses.run());
    os.go('node status', () => this.#node.run(() => this.#onRegistered()));
    os.go('node lease', () => keepLease(this.#context, () => this.#node.node));
    const factory = new InformerFactory(os, client);
    const nodes = factory.informer('nodes', { fieldSelector: `metadata.name=${config.nodeName}` });
    nodes.addHandler({ add: (n) => this.#node.observe(n as Node), update: (_, n) => this.#node.observe(n as Node) });
    const pods = factory.informer('pods', { fieldSelector: `spec.nodeName=${config.nodeName}` });
    pods.addHandler({ add: (p) => this.#onApiPod(p as Pod), update: (_, p) => this.#onApiPod(p as Pod), delete: (p) => this.#onApiGone(p as Pod) });
    this.#services?.start();
    nodes.start();
    // Pods are not started from the API before the node is known (nodeHasSynced).
    yield* nodes.waitForSync();
    pods.start();
    yield* pods.waitForSync();
    this.#killStrangers();
  }

  // ---- what comes in

  #onApiPod(pod: Pod): void {
    const { os } = this.#context;
    if (isMirrorPod(pod)) {
      this.#mirrors.observe(pod);
      for (const known of this.#workers.pods()) {
        if (podKey(known) !== podKey(pod)) continue;
        this.#statuses.resync(podUid(known));
        if (pod.metadata.deletionTimestamp !== undefined) this.#workers.sync(podUid(known));
      }
      return;
    }
    const known = this.#workers.get(podUid(pod));
    // The kubelet's own status writes come back as updates: they change nothing for it.
    if (known && sameButStatus(known.pod, pod)) {
      known.pod = pod;
      return;
    }
    const cause = os.sim.cause;
    step(os, 'observe', podSubject(pod), { source: 'api', deleting: pod.metadata.deletionTimestamp !== undefined });
    if (!known && !this.#admit(pod)) {
      os.sim.cause = cause;
      return;
    }
    this.#workers.update(pod);
    os.sim.cause = cause;
  }

  #onApiGone(pod: Pod): void {
    const { os } = this.#context;
    if (isMirrorPod(pod)) {
      this.#mirrors.forget(pod);
      for (const known of this.#workers.pods()) if (isStaticPod(known) && podKey(known) === podKey(pod)) this.#workers.sync(podUid(known));
      return;
    }
    const cause = os.sim.cause;
    step(os, 'observe', podSubject(pod), { source: 'api', deleted: true });
    const uid = podUid(pod);
    if (this.#rejected.delete(uid)) this.#statuses.forget(uid);
    this.#workers.remove(pod);
    os.sim.cause = cause;
  }

  #onStaticPod(pod: Pod): void {
    const { os } = this.#context;
    step(os, 'observe', podSubject(pod), { source: 'file' });
    if (this.#admit(pod)) this.#workers.update(pod);
  }

  #onStaticGone(pod: Pod): void {
    step(this.#context.os, 'observe', podSubject(pod), { source: 'file', deleted: true });
    this.#workers.remove(pod);
  }

  #onProbe(uid: string): void {
    this.#workers.sync(uid);
  }

  #onRegistered(): void {
    for (const pod of this.#workers.pods()) if (isStaticPod(pod)) this.#workers.sync(podUid(pod));
  }

  /** False: turned away for good; its status says Failed. */
  #admit(pod: Pod): boolean {
    const { os, events } = this.#context;
    const uid = podUid(pod);
    if (this.#rejected.has(uid)) return false;
    if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return true;
    const rejection = this.#admission.admit(uid, pod, this.#node.node, this.#node.allocatable);
    step(os, 'admit', podSubject(pod), rejection ?? { admitted: true }, DETAIL);
    if (!rejection) return true;
    this.#rejected.add(uid);
    events.pod(pod, 'Warning', rejection.reason, rejection.message);
    this.#statuses.set(pod, { phase: 'Failed', reason: rejection.reason, message: `Pod was rejected: ${rejection.message}` });
    return false;
  }

  // ---- the runtime

  /** Evented PLEG: the runtime's events keep the cache; on (re)connecting everything is listed once. */
  *#followRuntime(): Op<void> {
    const { os, runtime } = this.#context;
    for (;;) {
      os.sim.cause = null;
      try {
        const channel = yield* runtime.containerEvents();
        yield* this.#relist();
        for (let event = yield* channel.receive(); event; event = yield* channel.receive()) this.#onContainerEvent(event);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
      os.sim.cause = null;
      yield* os.sleep(SECOND);
    }
  }

  *#relist(): Op<void> {
    const { cache, runtime } = this.#context;
    const sandboxes = yield* runtime.listPodSandbox();
    const containers = yield* runtime.listContainers();
    for (const sandbox of sandboxes) {
      cache.update({ sandbox, containers: containers.filter((c) => c.sandboxId === sandbox.id).map((c) => this.#withMessage(c, sandbox.uid)) });
      this.#workers.sync(sandbox.uid);
    }
  }

  #onContainerEvent(event: ContainerEvent): void {
    const { cache } = this.#context;
    const { uid } = event.sandbox;
    if (event.type === 'DELETED' && event.containerId === event.sandbox.id) {
      cache.forgetSandbox(uid, event.containerId);
      return;
    }
    cache.update({ sandbox: event.sandbox, containers: event.containers.map((c) => this.#withMessage(c, uid)) });
    if (event.type === 'CREATED' || event.type === 'DELETED') return;
    if (event.type === 'STARTED') this.#prober.trigger(uid);
    this.#workers.sync(uid);
  }

  /** An ended container's last words, from its termination message file or the end of its log. */
  #withMessage(status: ContainerStatus, uid: string): ContainerStatus {
    if (status.state !== 'EXITED' || status.message !== '') return status;
    const { files } = this.#context.os.machine;
    const path = terminationLogPath(uid, status.name, status.attempt);
    const text = files.exists(path) ? files.read(path).slice(0, 4096) : '';
    if (text !== '') return { ...status, message: text };
    const fallback = status.annotations['io.kubernetes.container.terminationMessagePolicy'] === 'FallbackToLogsOnError';
    if (!fallback || status.exitCode === 0 || !files.exists(status.logPath)) return status;
    const lines = files.read(status.logPath).trimEnd().split('\n').slice(-80).map((l) => l.split(' ').slice(3).join(' '));
    return { ...status, message: lines.join('\n').slice(-2048) };
  }

  /** updateRuntimeUp: is the runtime there, and its network? */
  *#checkRuntime(): Op<void> {
    const { os, runtime } = this.#context;
    for (;;) {
      os.sim.cause = null;
      const before = this.#runtimeErrors().join();
      const networkBefore = this.#networkProblem;
      try {
        const conditions = yield* runtime.status();
        this.#runtimeProblem = '';
        this.#networkProblem = networkText(conditions.find((c) => c.type === 'NetworkReady'));
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        this.#runtimeProblem = 'container runtime is down';
      }
      if (this.#runtimeErrors().join() !== before) this.#node.poke();
      if (networkBefore !== '' && this.#networkProblem === '') for (const pod of this.pods) this.#workers.sync(podUid(pod));
      yield* os.sleep(RUNTIME_CHECK);
    }
  }

  #runtimeErrors(): readonly string[] {
    return [this.#runtimeProblem, this.#networkProblem === '' ? '' : `container runtime network not ready: ${this.#networkProblem}`].filter((e) => e !== '');
  }

  /** Pods that run here and that neither API nor files know: left over from before this kubelet's time. */
  #killStrangers(): void {
    const { cache, os } = this.#context;
    for (const uid of cache.uids()) {
      if (this.#workers.get(uid)) continue;
      const sandbox = cache.get(uid).sandboxes[0];
      if (!sandbox) continue;
      const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: sandbox.name, namespace: sandbox.namespace, uid }, spec: { containers: [] }, status: {} };
      os.go(`orphan ${sandbox.namespace}/${sandbox.name}`, () => this.#removeStranger(pod));
    }
  }

  *#removeStranger(pod: Pod): Op<void> {
    yield* this.#manager.killPod(pod, 1);
    yield* this.#manager.removePod(podUid(pod));
    this.#volumes.unmount(pod);
  }

  // ---- PodSyncer

  *sync(pod: Pod, work: PodWork): Op<SyncOutcome> {
    const { os, events } = this.#context;
    const uid = podUid(pod);
    step(os, 'syncPod', podSubject(pod), { type: 'sync' });
    const cause = os.sim.cause;
    const status = this.#setStatus(pod, false);
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return { terminal: true };
    if (this.#networkProblem !== '' && pod.spec?.hostNetwork !== true) {
      events.pod(pod, 'Warning', 'NetworkNotReady', `network is not ready: container runtime network not ready: ${this.#networkProblem}`);
      return { terminal: false, retryIn: NETWORK_RETRY };
    }
    const namespace = pod.metadata.namespace ?? '';
    this.#configMaps?.register(uid, namespace, configMapNames(pod));
    this.#secrets?.register(uid, namespace, secretNames(pod));
    if (isStaticPod(pod)) yield* this.#mirrors.ensure(pod, this.#node.node);
    else if (this.#services && !this.#services.hasSynced) yield* this.#services.waitForSync();
    if (this.#configMaps) yield* this.#configMaps.ready(uid);
    if (this.#secrets) yield* this.#secrets.ready(uid);
    os.sim.cause = cause;

    const failed = yield* this.#mount(pod);
    if (failed !== undefined) return { terminal: false, retryIn: failed };
    os.sim.cause = cause;
    this.#prober.addPod(pod);
    const result = yield* this.#manager.syncPod(pod, work);
    os.sim.cause = cause;
    // What could not be started is shown at once, not only at the next sync.
    if ((result.error !== undefined || result.until !== undefined) && work.state === 'syncing') this.#setStatus(pod, false);
    const deadline = this.#deadline(pod);
    if (result.error !== undefined) return { terminal: false, retryIn: jitter(this.#context, ERROR_RETRY) };
    if (result.until !== undefined) return { terminal: false, retryIn: result.until - os.sim.now };
    return deadline === undefined ? { terminal: false } : { terminal: false, retryIn: deadline };
  }

  *terminate(pod: Pod, work: PodWork): Op<void> {
    const { os } = this.#context;
    const uid = podUid(pod);
    step(os, 'syncPod', podSubject(pod), { type: 'terminating' });
    const cause = os.sim.cause;
    const over = work.termination?.status;
    this.#setStatus(pod, false, over);
    this.#prober.stopLivenessAndStartup(uid);
    // Deleted by force: the object is gone, and so is its grace.
    const forced = work.removed && pod.metadata.deletionTimestamp === undefined && !isStaticPod(pod) ? 1 : undefined;
    const grace = work.termination?.grace ?? pod.metadata.deletionGracePeriodSeconds ?? forced;
    yield* this.#manager.killPod(pod, grace);
    this.#prober.removePod(uid);
    os.sim.cause = cause;
    this.#setStatus(pod, true, over);
  }

  hurry(pod: Pod, grace: number): void {
    this.#context.os.go(`hurry ${podText(pod)}`, () => this.#manager.hurry(podUid(pod), grace));
  }

  *finish(pod: Pod, work: PodWork): Op<void> {
    const { os } = this.#context;
    const uid = podUid(pod);
    const cause = os.sim.cause;
    step(os, 'syncPod', podSubject(pod), { type: 'terminated' }, DETAIL);
    this.#setStatus(pod, true, work.termination?.status);
    this.#volumes.unmount(pod);
    this.#configMaps?.unregister(uid);
    this.#secrets?.unregister(uid);
    this.#tokens.forget(uid);
    this.#mountRetry.delete(uid);
    this.#admission.release(uid);
    os.sim.cause = cause;
    this.#statuses.terminate(pod);
    if (isStaticPod(pod) && work.removed) yield* this.#mirrors.remove(pod);
  }

  *cleanUp(pod: Pod): Op<void> {
    const uid = podUid(pod);
    if (isStaticPod(pod)) yield* this.#mirrors.remove(pod);
    this.#statuses.forget(uid);
    yield* this.#manager.removePod(uid);
    const { files, cgroups } = this.#context.os.machine;
    cgroups.remove(podCgroup(pod));
    if (files.exists(logDirectory(pod))) files.remove(logDirectory(pod));
  }

  // ---- parts of a sync

  #setStatus(pod: Pod, terminal: boolean, over?: { readonly phase: string; readonly reason: string; readonly message: string }): PodStatus {
    const { os, cache, nodeIp } = this.#context;
    const uid = podUid(pod);
    const runtime = cache.get(uid);
    const old = this.#statuses.get(uid) ?? pod.status ?? {};
    const status = generatePodStatus(pod, runtime, old, {
      hostIp: nodeIp,
      terminal,
      time: (at) => os.sim.time(at),
      failure: (id, container) => this.#manager.failure(id, container),
      ready: (_, container, c) => this.#prober.isReady(container, c),
      started: (_, container, c) => this.#prober.isStarted(container, c),
    });
    const shown = over ? { ...status, ...over } : status;
    this.#statuses.set(pod, shown);
    return shown;
  }

  /** Undefined when all volumes are there, else when to try again. */
  *#mount(pod: Pod): Op<Micros | undefined> {
    const { os, events } = this.#context;
    const uid = podUid(pod);
    const cause = os.sim.cause;
    if ((pod.spec?.volumes?.length ?? 0) === 0) return undefined;
    try {
      step(os, 'mountVolumes', podSubject(pod), { volumes: pod.spec?.volumes?.map((v) => v.name) }, DETAIL);
      yield* this.#volumes.mount(pod);
      this.#mountRetry.delete(uid);
      return undefined;
    } catch (error) {
      if (!(error instanceof MountError) && !(error instanceof ConfigError)) throw error;
      const volume = error instanceof MountError ? error.volume : '';
      events.pod(pod, 'Warning', 'FailedMount', `MountVolume.SetUp failed for volume "${volume}" : ${error.message}`);
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
    this.#workers.kill(podUid(pod), { status: { phase: 'Failed', reason: 'DeadlineExceeded', message } });
    return undefined;
  }

  #refreshVolumes(uid: string): void {
    const work = this.#workers.get(uid);
    if (!work) return;
    const { os } = this.#context;
    // Pods that wait for this object try again at once; running ones get the new content.
    if (this.#mountRetry.has(uid)) this.#workers.sync(uid);
    else os.go(`refresh ${podText(work.pod)}`, () => this.#volumes.refresh(work.pod));
  }

  get #allocatable(): { readonly cpu: number; readonly memory: number } {
    const list = this.#node.allocatable;
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
      services: () => this.#serviceList(),
      hostIp: this.#context.nodeIp,
      podIp,
      allocatable: this.#allocatable,
    };
  }

  #serviceCache: readonly Service[] | null = null;

  /** All Services as one array that stays the same until one of them changes. */
  #serviceList(): readonly Service[] {
    return (this.#serviceCache ??= this.#services?.list() ?? []);
  }
}

const jitter = (context: Context, base: Micros): Micros => Math.round(base * (1 + 0.5 * context.random.float()));

function startOf({ os }: Context, time: string): Micros {
  return (parseTime(time) ?? os.sim.epoch) - os.sim.epoch;
}

function networkText(condition: RuntimeCondition | undefined): string {
  if (!condition || condition.status) return '';
  return `NetworkReady=false reason:${condition.reason} message:${condition.message}`;
}

/** Whether an update changed nothing that the kubelet acts on. */
function sameButStatus(before: Pod, after: Pod): boolean {
  const a = before.metadata;
  const b = after.metadata;
  return (
    before.spec === after.spec &&
    a.deletionTimestamp === b.deletionTimestamp &&
    a.deletionGracePeriodSeconds === b.deletionGracePeriodSeconds &&
    a.labels === b.labels &&
    a.annotations === b.annotations &&
    (after.status?.phase === before.status?.phase || (after.status?.phase !== 'Failed' && after.status?.phase !== 'Succeeded'))
  );
}

/** As the API server would take it: decoded strictly enough, defaulted. Throws with the API's words. */
function decodePod(value: unknown): Pod {
  const kind = mustResource('pods');
  try {
    return applyDefaults(kind, decodeObject<Pod>(kind, value, 'Ignore').object);
  } catch (error) {
    if (error instanceof ApiError) throw new Error(error.message);
    throw error;
  }
}
