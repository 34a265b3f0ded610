// The Container Runtime Interface as every runtime serves it: sandboxes with their network by CNI, and containers in them.
// Containers are processes of the machine, held by shims: they go on when the runtime is restarted.

import { createNetns, deleteNetns } from '../network/device.ts';
import type { Os } from '../machine/process.ts';
import { Channel } from '../sim/channel.ts';
import type { Random } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../sim/time.ts';
import { CALL, DETAIL, type Subject } from '../sim/trace.ts';
import { CniNetwork } from './cni/network.ts';
import { type LinuxResources, scopePath } from './container-cgroup.ts';
import {
  type ContainerConfig, type ContainerEvent, type ContainerEventType, type ContainerInfo, type ContainerStats, type ContainerStatus, CriError, type ExecResult, type ImageStatus, type RuntimeCondition,
  type SandboxConfig, type SandboxInfo, type SandboxStatus, type StreamOptions,
} from './cri.ts';
import { between, type Engine, LocalEngine } from './engine.ts';
import { type Flavour, longId } from './flavour.ts';
import { type ContainerRecord, runtimeStateOf, type RuntimeState, type SandboxRecord } from './runtime-state.ts';
import type { RegistryAuth } from './registry.ts';
import { type Runtime, SOCKET_LATENCY } from './socket.ts';
import { StreamingServer } from './streaming.ts';
import { commandOf } from './task.ts';

export class CriService implements Runtime {
  readonly #os: Os;
  readonly #flavour: Flavour;
  readonly #state: RuntimeState;
  readonly #network: CniNetwork;
  readonly #random: Random;
  readonly #engine: Engine;
  #listeners: Channel<ContainerEvent>[] = [];
  #streams: StreamingServer | null = null;

  /** `engine`: who does the work; this process itself when it is left out. */
  constructor(os: Os, flavour: Flavour, engine?: Engine) {
    this.#os = os;
    os.process.footprint(44_000_000, 0.007);
    this.#flavour = flavour;
    this.#state = runtimeStateOf(os.machine);
    this.#random = os.sim.random(`${flavour.stream}/${os.machine.name}/${os.process.pid}`);
    this.#network = new CniNetwork(os, this.#random, flavour.words);
    this.#engine = engine ?? new LocalEngine(os, this.#state, flavour, this.#random);
    this.#state.onChange = (type, sandbox, id) => this.#tell(type, sandbox, id);
    os.process.onExit(() => {
      this.#state.downSince = os.sim.now;
      this.#state.onChange = null;
      for (const listener of this.#listeners) listener.close();
    });
  }

  /** After a start: whatever ended meanwhile, or with the machine, is known to have ended. */
  recover(): void {
    const { sim, machine } = this.#os;
    for (const sandbox of this.#state.sandboxes.values()) {
      const alive = sandbox.pause === null ? sandbox.bootId === machine.bootId : sandbox.pause.alive;
      if (sandbox.status.state === 'READY' && !alive) sandbox.status = { ...sandbox.status, state: 'NOTREADY' };
      for (const container of sandbox.containers.values()) {
        if (container.process?.alive || container.status.state === 'CREATED') continue;
        // With the machine went the shim that knew how it ended.
        const untold = container.status.state === 'EXITED' && sandbox.bootId !== machine.bootId && container.status.finishedAt >= this.#state.downSince;
        if (container.status.state !== 'RUNNING' && !untold) continue;
        container.status = { ...container.status, state: 'EXITED', exitCode: 255, reason: 'Unknown', finishedAt: sim.now, pid: 0 };
      }
    }
  }

  *version(): Op<{ readonly runtimeName: string; readonly runtimeVersion: string }> {
    this.#engine.check();
    return this.#flavour;
  }

  *status(): Op<readonly RuntimeCondition[]> {
    let runtime: RuntimeCondition = { type: 'RuntimeReady', status: true, reason: '', message: '' };
    try {
      this.#engine.check();
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      runtime = { type: 'RuntimeReady', status: false, ...this.#flavour.words.engineDown(error) };
    }
    return [
      runtime,
      this.#network.ready
        ? { type: 'NetworkReady', status: true, reason: '', message: '' }
        : { type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message: this.#flavour.words.networkNotReady },
    ];
  }

  *runPodSandbox(config: SandboxConfig, subject: Subject | null = null): Op<string> {
    const { sim, machine } = this.#os;
    const { sandboxImage, pauseFirst } = this.#flavour;
    const id = longId(this.#random);
    const image = this.#state.images.find(sandboxImage)?.image ?? (yield* this.#engine.sandboxImage(subject));
    yield* this.#os.sleep(between(this.#random, 10 * MILLISECOND, 20 * MILLISECOND));
    const podNetns = config.hostNetwork ? null : createNetns(machine, this.#flavour.netnsName(this.#random));
    const sandbox: SandboxRecord = {
      config,
      netns: podNetns ?? machine.hostNetns,
      podNetns,
      pause: null,
      attachment: null,
      containers: new Map(),
      bootId: machine.bootId,
      stoppedAt: 0,
      status: {
        id, name: config.name, namespace: config.namespace, uid: config.uid, attempt: config.attempt, state: 'READY',
        createdAt: sim.now, hostNetwork: config.hostNetwork, ip: '', labels: config.labels,
      },
    };
    if (pauseFirst) yield* this.#engine.startSandbox(sandbox, image, subject);
    if (podNetns) {
      try {
        sandbox.attachment = yield* this.#network.attach(podNetns, id, config, subject);
      } catch (error) {
        if (pauseFirst) yield* this.#engine.stopSandbox(sandbox, subject);
        deleteNetns(podNetns);
        throw error;
      }
    }
    sandbox.status = { ...sandbox.status, ip: sandbox.attachment?.ip ?? '' };
    if (!pauseFirst) yield* this.#engine.startSandbox(sandbox, image, subject);
    this.#tell('STARTED', sandbox, id);
    return id;
  }

  *stopPodSandbox(id: string, subject: Subject | null = null): Op<void> {
    const sandbox = this.#findSandbox(id);
    if (!sandbox) return;
    for (const container of sandbox.containers.values()) {
      if (container.status.state === 'RUNNING') yield* this.#engine.stop(container, 0, subject);
    }
    yield* this.#os.sleep(between(this.#random, 10 * MILLISECOND, 20 * MILLISECOND));
    if (sandbox.attachment && sandbox.podNetns) {
      yield* this.#network.detach(sandbox.podNetns, sandbox.status.id, sandbox.config, sandbox.attachment, subject);
      sandbox.attachment = null;
    }
    yield* this.#engine.stopSandbox(sandbox, subject);
    if (sandbox.podNetns) deleteNetns(sandbox.podNetns);
  }

  *removePodSandbox(id: string, subject: Subject | null = null): Op<void> {
    const sandbox = this.#findSandbox(id);
    if (!sandbox) return;
    yield* this.stopPodSandbox(id, subject);
    for (const container of sandbox.containers.values()) yield* this.#engine.remove(container, subject);
    yield* this.#engine.removeSandbox(sandbox);
    this.#tell('DELETED', sandbox, sandbox.status.id);
  }

  *podSandboxStatus(id: string): Op<SandboxStatus> {
    this.#engine.check();
    return this.#sandbox(id).status;
  }

  *listPodSandbox(): Op<readonly SandboxStatus[]> {
    this.#engine.check();
    return [...this.#state.sandboxes.values()].map((s) => s.status);
  }

  *createContainer(sandboxId: string, config: ContainerConfig, subject: Subject | null = null): Op<string> {
    const sandbox = this.#sandbox(sandboxId);
    if (sandbox.status.state !== 'READY') throw this.#flavour.words.sandboxNotRunning(sandboxId);
    return yield* this.#engine.create(sandbox, config, subject);
  }

  *startContainer(id: string, subject: Subject | null = null): Op<void> {
    yield* this.#engine.start(this.#container(id), subject);
  }

  *stopContainer(id: string, timeout: Micros, subject: Subject | null = null): Op<void> {
    const record = this.#findContainer(id);
    if (record) yield* this.#engine.stop(record, timeout, subject);
  }

  *removeContainer(id: string, subject: Subject | null = null): Op<void> {
    const record = this.#findContainer(id);
    if (record) yield* this.#engine.remove(record, subject);
  }

  *updateContainerResources(id: string, resources: LinuxResources, subject: Subject | null = null): Op<void> {
    yield* this.#engine.update(this.#running(id), resources, subject);
  }

  *containerStatus(id: string): Op<ContainerStatus> {
    this.#engine.check();
    return this.#container(id).status;
  }

  *listContainers(): Op<readonly ContainerStatus[]> {
    this.#engine.check();
    return [...this.#state.containers.values()].map((c) => c.status);
  }

  *execSync(id: string, command: readonly string[], timeout: Micros, subject: Subject | null = null): Op<ExecResult> {
    return yield* this.#engine.exec(this.#running(id), command, timeout, subject);
  }

  *exec(id: string, command: readonly string[], options: StreamOptions): Op<string> {
    this.#engine.check();
    return this.#streaming().exec(this.#running(id), command, options);
  }

  *attach(id: string, options: StreamOptions): Op<string> {
    this.#engine.check();
    return this.#streaming().attach(this.#running(id), options);
  }

  *portForward(sandboxId: string): Op<string> {
    const sandbox = this.#sandbox(sandboxId);
    if (sandbox.status.state !== 'READY') throw this.#flavour.words.sandboxNotRunning(sandboxId);
    return this.#streaming().portForward(sandbox);
  }

  *containerInfo(id: string): Op<ContainerInfo> {
    const { config, image, process, sandbox, status } = this.#container(id);
    return {
      config, pid: process?.alive ? process.pid : 0, argv: process?.argv ?? commandOf(config, image.image), env: process?.env ?? config.env,
      cgroup: scopePath(config.cgroupParent, this.#flavour.scopePrefix, status.id), netns: sandbox.podNetns?.name ?? '',
    };
  }

  *podSandboxInfo(id: string): Op<SandboxInfo> {
    const { config, pause, podNetns, status } = this.#sandbox(id);
    const { sandboxImage, scopePrefix } = this.#flavour;
    return { config, image: sandboxImage, pid: pause?.alive ? pause.pid : 0, cgroup: scopePath(config.cgroupParent, scopePrefix, status.id), netns: podNetns?.name ?? '' };
  }

  *listContainerStats(): Op<readonly ContainerStats[]> {
    this.#engine.check();
    return [...this.#state.containers.values()].flatMap(({ process, files, status }): ContainerStats[] =>
      process?.alive ? [{ status, cpuMicros: process.group.cpuMicros, memoryBytes: process.group.memoryBytes, diskBytes: files?.bytes ?? 0 }] : [],
    );
  }

  *containerEvents(): Op<Channel<ContainerEvent>> {
    const channel = new Channel<ContainerEvent>(this.#os.sim);
    this.#listeners = [...this.#listeners.filter((l) => !l.closed), channel];
    return channel;
  }

  *imageStatus(reference: string): Op<ImageStatus | undefined> {
    this.#engine.check();
    return this.#state.images.find(reference)?.status;
  }

  *listImages(): Op<readonly ImageStatus[]> {
    this.#engine.check();
    return this.#state.images.list().map((i) => i.status);
  }

  pullImage(reference: string, subject: Subject | null = null, auth?: RegistryAuth): Op<string> {
    return this.#engine.pull(reference, subject, auth);
  }

  removeImage(reference: string): Op<void> {
    return this.#engine.removeImage(reference);
  }

  /** Ids may be cut short as long as they are of one only. */
  #findSandbox(id: string): SandboxRecord | undefined {
    return byPrefix(this.#state.sandboxes, id);
  }

  #findContainer(id: string): ContainerRecord | undefined {
    return byPrefix(this.#state.containers, id);
  }

  #sandbox(id: string): SandboxRecord {
    const sandbox = this.#findSandbox(id);
    if (!sandbox) throw this.#flavour.words.noSandbox(id);
    return sandbox;
  }

  #container(id: string): ContainerRecord {
    const container = this.#findContainer(id);
    if (!container) throw this.#flavour.words.noContainer(id);
    return container;
  }

  #running(id: string): ContainerRecord {
    const record = this.#container(id);
    if (record.status.state !== 'RUNNING') throw this.#flavour.words.notRunning(record.status.id, record.status.state);
    return record;
  }

  /** The streaming server, started when it is first needed. */
  #streaming(): StreamingServer {
    this.#streams ??= new StreamingServer(this.#os, this.#random, this.#flavour);
    return this.#streams;
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

/** The shortest id that can be meant. */
const SHORTEST = 3;

export function byPrefix<T>(records: ReadonlyMap<string, T>, id: string): T | undefined {
  const found = records.get(id);
  if (found !== undefined || id.length < SHORTEST || id.length >= 64) return found;
  const matching = [...records.keys()].filter((known) => known.startsWith(id));
  return matching.length === 1 ? records.get(matching[0] as string) : undefined;
}
