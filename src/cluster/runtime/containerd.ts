// containerd as a host process: the CRI plug-in (sandboxes, containers, images) over the machine's kernel.
// Containers are processes of the machine, held by shims: they go on when containerd is restarted.

import type { Os, Program } from '../machine/process.ts';
import { Channel, Deferred } from '../sim/channel.ts';
import type { Random } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../sim/time.ts';
import { CALL, DETAIL, type Subject } from '../sim/trace.ts';
import { CniNetwork } from './cni/network.ts';
import { containerdStateOf, type ContainerRecord, type ContainerdState, type SandboxRecord } from './containerd-state.ts';
import {
  CONTAINERD_SOCKET,
  type ContainerConfig,
  type ContainerEvent,
  type ContainerEventType,
  type ContainerStatus,
  CriError,
  type ExecResult,
  type ImageStatus,
  type RuntimeCondition,
  type SandboxConfig,
  type SandboxStatus,
  type StreamOptions,
} from './cri.ts';
import { pullImage } from './images.ts';
import { type Image, parseReference } from './registry.ts';
import { createNetns, deleteNetns } from '../network/device.ts';
import { type Runtime, serveRuntime, SOCKET_LATENCY } from './socket.ts';
import { StreamingServer } from './streaming.ts';
import { commandOf, resolveUser, runInContainer, startError, startPause, startProcess } from './task.ts';

export const CONTAINERD_VERSION = '2.2.1';
export const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10.1';

const STARTUP: Micros = 150 * MILLISECOND;
const between = (random: Random, low: Micros, high: Micros): Micros => low + random.int(high - low);

/** The `containerd` program; `--config` is read for nothing but its sandbox image. */
export const containerdProgram: Program = function* (os: Os): Op<void> {
  const stop = os.signals();
  yield* os.sleep(STARTUP);
  const containerd = new Containerd(os);
  containerd.recover();
  serveRuntime(os, CONTAINERD_SOCKET, containerd);
  os.log(`time="${os.sim.time()}" level=info msg="containerd successfully booted"`);
  yield* stop.receive();
};

class Containerd implements Runtime {
  readonly #os: Os;
  readonly #state: ContainerdState;
  readonly #network: CniNetwork;
  readonly #random: Random;
  #listeners: Channel<ContainerEvent>[] = [];
  #pausePull: Deferred<void> | null = null;
  #streams: StreamingServer | null = null;

  constructor(os: Os) {
    this.#os = os;
    this.#state = containerdStateOf(os.machine);
    this.#random = os.sim.random(`containerd/${os.machine.name}/${os.process.pid}`);
    this.#network = new CniNetwork(os, this.#random);
    this.#state.onChange = (type, sandbox, id) => this.#tell(type, sandbox, id);
    os.process.onExit(() => {
      this.#state.onChange = null;
      for (const listener of this.#listeners) listener.close();
    });
  }

  /** After a start: whatever ended meanwhile, or with the machine, is known to have ended. */
  recover(): void {
    const { now } = this.#os.sim;
    for (const sandbox of this.#state.sandboxes.values()) {
      if (sandbox.status.state === 'READY' && !sandbox.pause?.alive) sandbox.status = { ...sandbox.status, state: 'NOTREADY' };
      for (const container of sandbox.containers.values()) {
        if (container.status.state !== 'RUNNING' || container.process?.alive) continue;
        container.status = { ...container.status, state: 'EXITED', exitCode: 255, reason: 'Unknown', finishedAt: now, pid: 0 };
      }
    }
  }

  *version(): Op<{ readonly runtimeName: string; readonly runtimeVersion: string }> {
    return { runtimeName: 'containerd', runtimeVersion: `v${CONTAINERD_VERSION}` };
  }

  *status(): Op<readonly RuntimeCondition[]> {
    const ready = this.#network.ready;
    return [
      { type: 'RuntimeReady', status: true, reason: '', message: '' },
      ready
        ? { type: 'NetworkReady', status: true, reason: '', message: '' }
        : {
            type: 'NetworkReady',
            status: false,
            reason: 'NetworkPluginNotReady',
            message: 'Network plugin returns error: cni plugin not initialized',
          },
    ];
  }

  *runPodSandbox(config: SandboxConfig, subject: Subject | null = null): Op<string> {
    const { sim, machine } = this.#os;
    const id = this.#newId();
    const pauseImage = this.#state.images.find(PAUSE_IMAGE) ?? (yield* this.#pullPause(subject));
    yield* this.#os.sleep(between(this.#random, 10 * MILLISECOND, 20 * MILLISECOND));
    const podNetns = config.hostNetwork ? null : createNetns(machine, `cni-${this.#random.uuid()}`);
    const sandbox: SandboxRecord = {
      config,
      netns: podNetns ?? machine.hostNetns,
      podNetns,
      pause: null,
      attachment: null,
      containers: new Map(),
      status: {
        id, name: config.name, namespace: config.namespace, uid: config.uid, attempt: config.attempt, state: 'READY',
        createdAt: sim.now, hostNetwork: config.hostNetwork, ip: '', labels: config.labels,
      },
    };
    if (podNetns) {
      try {
        sandbox.attachment = yield* this.#network.attach(podNetns, id, config, subject);
      } catch (error) {
        deleteNetns(podNetns);
        throw error;
      }
    }
    yield* this.#os.sleep(between(this.#random, 40 * MILLISECOND, 75 * MILLISECOND));
    const ip = sandbox.attachment?.ip ?? '';
    sandbox.status = { ...sandbox.status, ip };
    this.#state.sandboxes.set(id, sandbox);
    sandbox.pause = startPause(this.#os, this.#state, sandbox, pauseImage.image);
    this.#tell('STARTED', sandbox, id);
    return id;
  }

  *stopPodSandbox(id: string, subject: Subject | null = null): Op<void> {
    const sandbox = this.#state.sandboxes.get(id);
    if (!sandbox) return;
    for (const container of sandbox.containers.values()) {
      if (container.status.state === 'RUNNING') yield* this.stopContainer(container.status.id, 0);
    }
    yield* this.#os.sleep(between(this.#random, 10 * MILLISECOND, 20 * MILLISECOND));
    if (sandbox.attachment && sandbox.podNetns) {
      yield* this.#network.detach(sandbox.podNetns, id, sandbox.config, sandbox.attachment, subject);
      sandbox.attachment = null;
    }
    if (sandbox.pause?.alive) {
      sandbox.pause.kill('SIGKILL');
      yield* sandbox.pause.wait();
    } else if (sandbox.status.state === 'READY') {
      sandbox.status = { ...sandbox.status, state: 'NOTREADY' };
      this.#tell('STOPPED', sandbox, id);
    }
    if (sandbox.podNetns) deleteNetns(sandbox.podNetns);
  }

  *removePodSandbox(id: string): Op<void> {
    const sandbox = this.#state.sandboxes.get(id);
    if (!sandbox) return;
    yield* this.stopPodSandbox(id);
    for (const container of sandbox.containers.values()) yield* this.removeContainer(container.status.id);
    this.#state.sandboxes.delete(id);
    this.#os.machine.cgroups.remove(`${sandbox.config.cgroupParent}/${id}`);
    this.#tell('DELETED', sandbox, id);
  }

  *podSandboxStatus(id: string): Op<SandboxStatus> {
    return this.#sandbox(id).status;
  }

  *listPodSandbox(): Op<readonly SandboxStatus[]> {
    return [...this.#state.sandboxes.values()].map((s) => s.status);
  }

  *createContainer(sandboxId: string, config: ContainerConfig): Op<string> {
    const { sim } = this.#os;
    const sandbox = this.#sandbox(sandboxId);
    if (sandbox.status.state !== 'READY') throw new CriError('Unknown', `sandbox container "${sandboxId}" is not running`);
    const stored = this.#state.images.find(config.imageRef);
    if (!stored) throw new CriError('NotFound', `failed to resolve image "${config.imageRef}": not found`);
    if (commandOf(config, stored.image).length === 0) {
      throw new CriError('Unknown', 'failed to generate container spec: failed to generate spec: no command specified');
    }
    yield* this.#os.sleep(between(this.#random, 25 * MILLISECOND, 40 * MILLISECOND));
    const id = this.#newId();
    const user = resolveUser(config, stored.status);
    const status: ContainerStatus = {
      id, sandboxId, name: config.name, attempt: config.attempt, state: 'CREATED', createdAt: sim.now, startedAt: 0, finishedAt: 0,
      exitCode: 0, reason: '', message: '', image: parseReference(config.image)?.text ?? config.image, imageId: stored.id,
      imageRef: stored.status.repoDigests[0] ?? stored.id, logPath: `${sandbox.config.logDirectory}/${config.logPath}`,
      pid: 0, uid: user.uid, gid: user.gid, labels: config.labels, annotations: config.annotations,
    };
    const record: ContainerRecord = { config, sandbox, image: stored, status, process: null, log: null, files: null, stopping: false };
    sandbox.containers.set(id, record);
    this.#state.containers.set(id, record);
    this.#tell('CREATED', sandbox, id);
    return id;
  }

  *startContainer(id: string): Op<void> {
    const record = this.#container(id);
    if (record.status.state !== 'CREATED') throw new CriError('FailedPrecondition', `container is in ${record.status.state} state`);
    yield* this.#os.sleep(between(this.#random, 30 * MILLISECOND, 50 * MILLISECOND));
    const problem = startError(record);
    if (problem !== undefined) {
      const { now } = this.#os.sim;
      record.status = { ...record.status, state: 'EXITED', startedAt: 0, finishedAt: now, exitCode: 128, reason: 'StartError', message: problem };
      this.#tell('STOPPED', record.sandbox, id);
      throw new CriError('Unknown', problem);
    }
    startProcess(this.#os, this.#state, record);
    this.#tell('STARTED', record.sandbox, id);
  }

  *stopContainer(id: string, timeout: Micros): Op<void> {
    const record = this.#state.containers.get(id);
    const process = record?.process;
    if (!record || !process?.alive) return;
    record.stopping = true;
    if (timeout > 0) {
      process.kill(record.config.stopSignal ?? record.image.image.stopSignal ?? 'SIGTERM');
      if (process.alive) yield* process.exit.waitWithin(timeout);
    }
    if (process.alive) {
      process.kill('SIGKILL');
      yield* process.wait();
    }
  }

  *removeContainer(id: string): Op<void> {
    const record = this.#state.containers.get(id);
    if (!record) return;
    if (record.status.state === 'RUNNING') yield* this.stopContainer(id, 0);
    this.#state.containers.delete(id);
    record.sandbox.containers.delete(id);
    this.#os.machine.cgroups.remove(`${record.config.cgroupParent}/${id}`);
    this.#tell('DELETED', record.sandbox, id);
  }

  *containerStatus(id: string): Op<ContainerStatus> {
    return this.#container(id).status;
  }

  *listContainers(): Op<readonly ContainerStatus[]> {
    return [...this.#state.containers.values()].map((c) => c.status);
  }

  *execSync(id: string, command: readonly string[], timeout: Micros): Op<ExecResult> {
    return yield* runInContainer(this.#os, this.#running(id), command, timeout);
  }

  *exec(id: string, command: readonly string[], options: StreamOptions): Op<string> {
    return this.#streaming().exec(this.#running(id), command, options);
  }

  *attach(id: string, options: StreamOptions): Op<string> {
    return this.#streaming().attach(this.#running(id), options);
  }

  *portForward(sandboxId: string): Op<string> {
    const sandbox = this.#sandbox(sandboxId);
    if (sandbox.status.state !== 'READY') throw new CriError('Unknown', `sandbox container "${sandboxId}" is not running`);
    return this.#streaming().portForward(sandbox);
  }

  *containerEvents(): Op<Channel<ContainerEvent>> {
    const channel = new Channel<ContainerEvent>(this.#os.sim);
    this.#listeners = [...this.#listeners.filter((l) => !l.closed), channel];
    return channel;
  }

  *imageStatus(reference: string): Op<ImageStatus | undefined> {
    return this.#state.images.find(reference)?.status;
  }

  *listImages(): Op<readonly ImageStatus[]> {
    return this.#state.images.list().map((i) => i.status);
  }

  *pullImage(reference: string, subject: Subject | null = null): Op<string> {
    const stored = yield* pullImage(this.#os, this.#random, this.#state.images, reference, subject);
    return stored.status.repoDigests[0] ?? stored.id;
  }

  *removeImage(reference: string): Op<void> {
    const { sim, place, machine } = this.#os;
    const gone = this.#state.images.remove(reference);
    if (!gone) return;
    const before = Object.freeze({ reference, digest: gone.image.digest, id: gone.id, sizeBytes: gone.image.sizeBytes });
    sim.trace.emit(sim.cause, {
      kind: 'image', verb: 'remove', start: sim.now, from: place,
      change: { key: `image/${machine.name}/${reference}`, before, after: null },
    });
  }

  /** The sandbox image; those who want it at the same time wait for one pull. */
  *#pullPause(subject: Subject | null): Op<{ readonly image: Image }> {
    if (this.#pausePull) {
      yield* this.#pausePull.wait();
      const stored = this.#state.images.find(PAUSE_IMAGE);
      if (stored) return stored;
    }
    const done = new Deferred<void>(this.#os.sim);
    this.#pausePull = done;
    try {
      return yield* pullImage(this.#os, this.#random, this.#state.images, PAUSE_IMAGE, subject);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      throw new CriError(error.code, `failed to start sandbox: failed to get sandbox image "${PAUSE_IMAGE}": ${error.message}`);
    } finally {
      done.resolve(undefined);
    }
  }

  #sandbox(id: string): SandboxRecord {
    const sandbox = this.#state.sandboxes.get(id);
    if (!sandbox) throw new CriError('NotFound', `an error occurred when try to find sandbox "${id}": not found`);
    return sandbox;
  }

  #container(id: string): ContainerRecord {
    const container = this.#state.containers.get(id);
    if (!container) throw new CriError('NotFound', `an error occurred when try to find container "${id}": not found`);
    return container;
  }

  #running(id: string): ContainerRecord {
    const record = this.#container(id);
    if (record.status.state !== 'RUNNING') throw new CriError('Unknown', `container is in CONTAINER_${record.status.state} state`);
    return record;
  }

  /** The streaming server, started when it is first needed. */
  #streaming(): StreamingServer {
    this.#streams ??= new StreamingServer(this.#os, this.#random);
    return this.#streams;
  }

  #newId(): string {
    let id = '';
    for (let i = 0; i < 8; i++) id += this.#random.uint32().toString(16).padStart(8, '0');
    return id;
  }

  /** Sends an event with the sandbox's whole state to those who asked for events. */
  #tell(type: ContainerEventType, sandbox: SandboxRecord, id: string): void {
    if (this.#listeners.length === 0) return;
    const { sim, place } = this.#os;
    const event: ContainerEvent = {
      containerId: id, type, createdAt: sim.now, sandbox: sandbox.status, containers: [...sandbox.containers.values()].map((c) => c.status),
    };
    const level = type === 'STARTED' || type === 'STOPPED' ? CALL : DETAIL;
    const cause = sim.cause;
    if (sim.trace.wants(level, cause)) {
      const { name, namespace } = sandbox.config;
      sim.cause = sim.trace.emit(cause, {
        kind: 'cri', verb: 'ContainerEvent', level, start: sim.now, end: sim.now + SOCKET_LATENCY, from: place,
        to: `machine/${this.#os.machine.name}/kubelet`, subject: { group: '', resource: 'pods', kind: 'Pod', namespace, name },
        detail: { type, containerId: id, container: sandbox.containers.get(id)?.config.name ?? '' },
      });
    }
    for (const listener of this.#listeners) sim.after(SOCKET_LATENCY, () => listener.send(event));
    sim.cause = cause;
  }
}
