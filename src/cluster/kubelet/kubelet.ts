// The kubelet's centre (pkg/kubelet/kubelet.go): hears of Pods from the API and from files, of containers from the runtime, of
// probes, and gives each Pod's worker something to do.

import { decodeObject } from '../api/decode.ts';
import { applyDefaults } from '../api/defaults.ts';
import { mustResource } from '../api/kinds.ts';
import type { Node, Pod, PodStatus } from '../api/generated/types.ts';
import { ApiError } from '../api/status.ts';
import { InformerFactory } from '../client/informer.ts';
import { CriError, type RuntimeCondition } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import { DETAIL } from '../sim/trace.ts';
import { Admission } from './admission.ts';
import type { KubeletConfig } from './config.ts';
import { type Context, isMirrorPod, isStaticPod, podKey, podSubject, podUid, step } from './context.ts';
import { EvictionManager } from './eviction-manager.ts';
import { setUpIptables } from './iptables.ts';
import { keepLease } from './lease.ts';
import { Mirrors } from './mirror.ts';
import { NodeShutdown } from './node-shutdown.ts';
import { NodeStatusManager } from './node-status.ts';
import { Pleg } from './pleg.ts';
import { setUpNodeCgroups } from './pod-cgroup.ts';
import { PodSync } from './pod-sync.ts';
import { PodWorkers } from './pod-worker.ts';
import { Prober } from './prober.ts';
import { Resizes } from './resize.ts';
import { baseUnits } from './resources.ts';
import { serveKubelet } from './server.ts';
import { StaticSource } from './static-source.ts';
import { StatusManager } from './status-manager.ts';
import { Storage } from './storage-volumes.ts';

const RUNTIME_CHECK: Micros = 5 * SECOND;
/** maxWaitForContainerRuntime: so long a runtime may be silent before it is down. */
const RUNTIME_PATIENCE: Micros = 30 * SECOND;

export class Kubelet {
  readonly #context: Context;
  readonly #workers: PodWorkers;
  readonly #pleg: Pleg;
  readonly #statuses: StatusManager;
  readonly #mirrors: Mirrors;
  readonly #prober: Prober;
  readonly #sync: PodSync;
  readonly #node: NodeStatusManager;
  readonly #admission = new Admission();
  readonly #storage: Storage;
  readonly #shutdown: NodeShutdown;
  readonly #eviction: EvictionManager;
  readonly #resizes: Resizes;
  #runtimeProblem = 'container runtime status check may not have completed yet';
  #networkProblem = '';
  /** When it was last well; -1: never yet. */
  #runtimeSeen: Micros = -1;
  /** Pods that were turned away, with why. */
  readonly #rejected = new Set<string>();

  constructor(context: Context) {
    this.#context = context;
    this.#mirrors = new Mirrors(context);
    this.#statuses = new StatusManager(context, (pod) => this.#mirrors.of(pod));
    this.#prober = new Prober(context, (uid) => this.#workers.sync(uid));
    this.#node = new NodeStatusManager(context, { errors: () => this.#runtimeErrors(), pressures: () => this.#eviction.pressures, storage: () => this.#storage });
    this.#storage = new Storage({
      context,
      node: () => this.#node.node,
      sync: (uid) => this.#workers.sync(uid),
      poke: () => this.#node.poke(),
    });
    this.#resizes = new Resizes(context, this.#admission, () => this.#node.allocatable);
    this.#sync = new PodSync({
      context,
      statuses: this.#statuses,
      mirrors: this.#mirrors,
      prober: this.#prober,
      node: this.#node,
      storage: this.#storage,
      admission: this.#admission,
      resizes: this.#resizes,
      released: () => this.#retryResizes(),
      workers: () => this.#workers,
      networkProblem: () => this.#networkProblem,
    });
    this.#workers = new PodWorkers(context, this.#sync);
    this.#pleg = new Pleg(context, {
      busy: (uid) => this.#workers.isBusy(uid),
      sync: (uid) => this.#workers.sync(uid),
      started: (uid) => this.#prober.trigger(uid),
    });
    this.#eviction = new EvictionManager({
      context,
      activePods: () => this.#workers.active(),
      kill: (uid, termination) => this.#workers.kill(uid, termination),
      isGone: (uid) => (this.#workers.get(uid)?.state ?? 'finished') === 'finished',
      reclaimDisk: () => this.#reclaimDisk(),
    });
    this.#shutdown = new NodeShutdown(context, () => this.#workers, () => this.#node.poke());
  }

  get pods(): readonly Pod[] {
    return this.#workers.pods();
  }

  /** The status that a Pod of this node shows. */
  statusOf(pod: Pod): PodStatus {
    return this.#statuses.get(podUid(pod)) ?? pod.status ?? {};
  }

  *run(): Op<void> {
    const { os, config, client, events } = this.#context;
    events.node('Normal', 'Starting', 'Starting kubelet.');
    setUpIptables(os);
    os.go('pleg', () => this.#pleg.run());
    os.go('images', () => this.#sync.images.run());
    os.go('runtime status', () => this.#checkRuntime());
    serveKubelet(this.#context, this);
    this.#shutdown.start();
    setUpNodeCgroups(os.machine, this.#node.allocatable, reservedMemory(config));
    os.go('eviction manager', () => this.#eviction.run());
    if (config.staticPodPath !== '') {
      const handler = { add: (pod: Pod) => this.#onStaticPod(pod), remove: (pod: Pod) => this.#onStaticGone(pod) };
      os.go('file source', () => new StaticSource(os, config.staticPodPath, config.nodeName, decodePod, handler).run());
    }
    if (!client) return;
    os.go('status manager', () => this.#statuses.run());
    os.go('node status', () => this.#node.run(() => this.#onRegistered()));
    os.go('plugin watcher', () => this.#storage.watchPlugins());
    os.go('node lease', () => keepLease(this.#context, () => this.#node.node));
    const factory = new InformerFactory(os, client);
    const nodes = factory.informer('nodes', { fieldSelector: `metadata.name=${config.nodeName}` });
    const observe = (node: Node): void => {
      this.#node.observe(node);
      this.#storage.observe(node);
    };
    nodes.addHandler({ add: (n) => observe(n as Node), update: (_, n) => observe(n as Node) });
    const pods = factory.informer('pods', { fieldSelector: `spec.nodeName=${config.nodeName}` });
    pods.addHandler({ add: (p) => this.#onApiPod(p as Pod), update: (_, p) => this.#onApiPod(p as Pod), delete: (p) => this.#onApiGone(p as Pod) });
    this.#sync.start();
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
      const gated = pod.spec?.readinessGates?.length && known.pod.status?.conditions !== pod.status?.conditions;
      known.pod = pod;
      if (gated) this.#workers.sync(known.uid);
      return;
    }
    const cause = os.sim.cause;
    step(os, 'observe', podSubject(pod), { source: 'api', deleting: pod.metadata.deletionTimestamp !== undefined });
    if (!known && !this.#admit(pod)) {
      os.sim.cause = cause;
      return;
    }
    this.#workers.update(known ? this.#resizes.settle(pod) : pod);
    os.sim.cause = cause;
  }

  /** Something has become free: resizes that wait for it are looked at again. */
  #retryResizes(): void {
    for (const pod of this.#resizes.deferred()) this.#workers.update(this.#resizes.settle(pod));
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
    // Its successor of the same name needs its host ports, and only starts when it has ended.
    this.#admission.release(podUid(pod));
    this.#workers.remove(pod);
  }

  #onRegistered(): void {
    this.#context.os.go('csi node', () => this.#storage.ensureCsiNode());
    for (const pod of this.#workers.pods()) if (isStaticPod(pod)) this.#workers.sync(podUid(pod));
  }

  /** False: turned away for good; its status says Failed. */
  #admit(pod: Pod): boolean {
    const { os, events } = this.#context;
    const uid = podUid(pod);
    if (this.#rejected.has(uid)) return false;
    if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return true;
    const rejection = this.#shutdown.rejection ?? this.#eviction.admit(pod) ?? this.#admission.admit(uid, pod, this.#node.node, this.#node.allocatable);
    step(os, 'admit', podSubject(pod), rejection ?? { admitted: true }, DETAIL);
    if (!rejection) {
      this.#eviction.add(pod);
      return true;
    }
    this.#rejected.add(uid);
    events.pod(pod, 'Warning', rejection.reason, rejection.message);
    this.#statuses.set(pod, { phase: 'Failed', reason: rejection.reason, message: `Pod was rejected: ${rejection.message}` });
    return false;
  }

  // ---- the runtime

  /** updateRuntimeUp: is the runtime there, and its network? */
  *#checkRuntime(): Op<void> {
    const { os, runtime } = this.#context;
    for (;;) {
      os.sim.cause = null;
      const runtimeBefore = this.#runtimeProblem;
      const networkBefore = this.#networkProblem;
      try {
        const conditions = yield* runtime.status();
        const ready = conditions.find((c) => c.type === 'RuntimeReady');
        this.#runtimeProblem = ready?.status === false ? `container runtime not ready: ${conditionText(ready)}` : '';
        if (ready?.status !== false) this.#runtimeSeen = os.sim.now;
        this.#networkProblem = networkText(conditions.find((c) => c.type === 'NetworkReady'));
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        os.logError(`"Container runtime sanity check failed" err=${JSON.stringify(error.text)}`);
        if (this.#runtimeSeen >= 0 && os.sim.now - this.#runtimeSeen >= RUNTIME_PATIENCE) this.#runtimeProblem = 'container runtime is down';
      }
      if (this.#runtimeProblem !== runtimeBefore || this.#networkProblem !== networkBefore) this.#node.poke();
      if (networkBefore !== '' && this.#networkProblem === '') for (const pod of this.pods) this.#workers.sync(podUid(pod));
      yield* os.sleep(RUNTIME_CHECK);
    }
  }

  /** Under disk pressure: containers that have ended, then images that no container uses. */
  *#reclaimDisk(): Op<void> {
    for (const uid of this.#context.cache.uids()) yield* this.#sync.manager.removeContainers(uid, () => true);
    yield* this.#sync.images.gc.freeSpace(Number.MAX_SAFE_INTEGER);
  }

  #runtimeErrors(): readonly string[] {
    return [this.#runtimeProblem, this.#networkProblem === '' ? '' : `container runtime network not ready: ${this.#networkProblem}`, this.#shutdown.problem].filter((e) => e !== '');
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
    yield* this.#sync.manager.killPod(pod, 1);
    yield* this.#sync.manager.removePod(podUid(pod));
    this.#sync.volumes.unmount(pod);
  }
}

const reservedMemory = ({ systemReserved, kubeReserved }: KubeletConfig): number =>
  baseUnits(systemReserved['memory'] ?? '0') + baseUnits(kubeReserved['memory'] ?? '0');

function networkText(condition: RuntimeCondition | undefined): string {
  if (!condition || condition.status) return '';
  return conditionText(condition);
}

const conditionText = ({ type, status, reason, message }: RuntimeCondition): string => `${type}=${status} reason:${reason} message:${message}`;

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
