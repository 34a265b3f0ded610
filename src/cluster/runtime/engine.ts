// What a runtime does to a machine: pause processes, containers, images. containerd and CRI-O do it in the process that speaks
// CRI; cri-dockerd asks dockerd for it, which has such an engine of its own (docker.ts).

import type { Os } from '../machine/process.ts';
import { Deferred } from '../sim/channel.ts';
import type { Random } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../sim/time.ts';
import type { Subject } from '../sim/trace.ts';
import { applyResources, type LinuxResources, scopePath } from './container-cgroup.ts';
import { type ContainerConfig, type ContainerStatus, CriError, type ExecResult } from './cri.ts';
import { type Flavour, longId } from './flavour.ts';
import { pullImage, type StoredImage } from './images.ts';
import { type Image, parseReference, type RegistryAuth } from './registry.ts';
import type { ContainerRecord, RuntimeState, SandboxRecord } from './runtime-state.ts';
import { commandOf, resolveUser, runInContainer, startFault, startPause, startProcess } from './task.ts';

export const between = (random: Random, low: Micros, high: Micros): Micros => low + random.int(high - low);

/** All methods may throw CriError. */
export interface Engine {
  /** Throws when what does the work cannot be reached. */
  check(): void;
  /** The sandbox image, pulled when it is not there. */
  sandboxImage(subject: Subject | null): Op<Image>;
  /** From here on the sandbox is known; its pause process runs, if the runtime has one. */
  startSandbox(sandbox: SandboxRecord, image: Image, subject: Subject | null): Op<void>;
  stopSandbox(sandbox: SandboxRecord, subject: Subject | null): Op<void>;
  removeSandbox(sandbox: SandboxRecord): Op<void>;
  create(sandbox: SandboxRecord, config: ContainerConfig, subject: Subject | null): Op<string>;
  start(record: ContainerRecord, subject: Subject | null): Op<void>;
  stop(record: ContainerRecord, timeout: Micros, subject: Subject | null): Op<void>;
  remove(record: ContainerRecord, subject: Subject | null): Op<void>;
  update(record: ContainerRecord, resources: LinuxResources, subject: Subject | null): Op<void>;
  exec(record: ContainerRecord, command: readonly string[], timeout: Micros, subject: Subject | null): Op<ExecResult>;
  pull(reference: string, subject: Subject | null, auth?: RegistryAuth): Op<string>;
  removeImage(reference: string): Op<void>;
}

export class LocalEngine implements Engine {
  readonly #os: Os;
  readonly #state: RuntimeState;
  readonly #flavour: Flavour;
  readonly #random: Random;
  /** The process below which containers run, asked before each is touched: Docker's containerd. */
  readonly #tasks: ((verb: string, subject: Subject | null) => Op<Os>) | null;
  #pausePull: Deferred<void> | null = null;

  constructor(os: Os, state: RuntimeState, flavour: Flavour, random: Random, tasks: ((verb: string, subject: Subject | null) => Op<Os>) | null = null) {
    this.#os = os;
    this.#state = state;
    this.#flavour = flavour;
    this.#random = random;
    this.#tasks = tasks;
    state.images.spelling = flavour;
    state.scopePrefix = flavour.scopePrefix;
  }

  get state(): RuntimeState {
    return this.#state;
  }

  check(): void {
    // It is this process.
  }

  /** Those who want the sandbox image at the same time wait for one pull. */
  *sandboxImage(subject: Subject | null): Op<Image> {
    const { sandboxImage, words } = this.#flavour;
    if (this.#pausePull) {
      yield* this.#pausePull.wait();
      const stored = this.#state.images.find(sandboxImage);
      if (stored) return stored.image;
    }
    const done = new Deferred<void>(this.#os.sim);
    this.#pausePull = done;
    try {
      return (yield* this.#pull(sandboxImage, subject)).image;
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      throw words.sandboxImage(sandboxImage, error);
    } finally {
      done.resolve(undefined);
    }
  }

  *startSandbox(sandbox: SandboxRecord, image: Image, subject: Subject | null): Op<void> {
    yield* this.#os.sleep(between(this.#random, 40 * MILLISECOND, 75 * MILLISECOND));
    const os = this.#tasks === null ? this.#os : yield* this.#tasks('StartTask', subject);
    this.#state.sandboxes.set(sandbox.status.id, sandbox);
    if (this.#flavour.pauses || sandbox.config.sharePids) sandbox.pause = startPause(os, this.#state, sandbox, image);
  }

  *stopSandbox(sandbox: SandboxRecord, subject: Subject | null): Op<void> {
    if (sandbox.stoppedAt === 0) sandbox.stoppedAt = this.#os.sim.now;
    if (sandbox.pause?.alive) {
      if (this.#tasks !== null) yield* this.#tasks('KillTask', subject);
      sandbox.pause.kill('SIGKILL');
      yield* sandbox.pause.wait();
    } else if (sandbox.status.state === 'READY') {
      sandbox.status = { ...sandbox.status, state: 'NOTREADY' };
      this.#state.onChange?.('STOPPED', sandbox, sandbox.status.id);
    }
  }

  *removeSandbox(sandbox: SandboxRecord): Op<void> {
    const { id } = sandbox.status;
    this.#state.sandboxes.delete(id);
    this.#os.machine.cgroups.remove(scopePath(sandbox.config.cgroupParent, this.#state.scopePrefix, id));
  }

  *create(sandbox: SandboxRecord, config: ContainerConfig, _subject: Subject | null): Op<string> {
    const { sim, machine } = this.#os;
    const flavour = this.#flavour;
    const stored = this.#state.images.find(config.imageRef);
    if (!stored) throw new CriError('NotFound', `failed to resolve image "${config.imageRef}": not found`);
    if (commandOf(config, stored.image).length === 0) {
      throw new CriError('Unknown', 'failed to generate container spec: failed to generate spec: no command specified');
    }
    yield* this.#os.sleep(between(this.#random, 25 * MILLISECOND, 40 * MILLISECOND));
    const id = longId(this.#random);
    const user = resolveUser(config, stored.status);
    const status: ContainerStatus = {
      id, sandboxId: sandbox.status.id, name: config.name, attempt: config.attempt, state: 'CREATED', createdAt: sim.now, startedAt: 0, finishedAt: 0,
      exitCode: 0, reason: '', message: '', image: flavour.imageName(parseReference(config.image)?.text ?? config.image), imageId: stored.status.id,
      imageRef: stored.status.repoDigests[0] === undefined ? stored.status.id : flavour.imageRef(stored.status.repoDigests[0]),
      logPath: `${sandbox.config.logDirectory}/${config.logPath}`,
      pid: 0, uid: user.uid, gid: user.gid, labels: config.labels, annotations: config.annotations,
    };
    const record: ContainerRecord = { config, sandbox, image: stored, status, process: null, log: null, files: null, stopping: false };
    if (flavour.looksAtCreation) {
      const fault = startFault(this.#os, record);
      if (fault !== undefined) throw flavour.words.start(id, fault).error;
    }
    sandbox.containers.set(id, record);
    this.#state.containers.set(id, record);
    const own = flavour.ownLog(id);
    if (own !== null) linkLog(machine.files, own, status.logPath);
    this.#state.onChange?.('CREATED', sandbox, id);
    return id;
  }

  *start(record: ContainerRecord, subject: Subject | null): Op<void> {
    const { id, state } = record.status;
    if (state !== 'CREATED') throw new CriError('FailedPrecondition', `container is in ${state} state`);
    yield* this.#os.sleep(between(this.#random, 30 * MILLISECOND, 50 * MILLISECOND));
    const os = this.#tasks === null ? this.#os : yield* this.#tasks('StartTask', subject);
    const fault = record.files === null ? startFault(os, record) : undefined;
    if (fault !== undefined) {
      const { now } = this.#os.sim;
      const { error, exitCode, reason, message } = this.#flavour.words.start(id, fault);
      record.status = { ...record.status, state: 'EXITED', startedAt: reason === 'StartError' ? 0 : now, finishedAt: now, exitCode, reason, message };
      this.#state.onChange?.('STOPPED', record.sandbox, id);
      throw error;
    }
    startProcess(os, this.#state, record, this.#flavour);
    this.#state.onChange?.('STARTED', record.sandbox, id);
  }

  *stop(record: ContainerRecord, timeout: Micros, subject: Subject | null): Op<void> {
    const { process } = record;
    if (!process?.alive) return;
    if (this.#tasks !== null) yield* this.#tasks('KillTask', subject);
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

  *remove(record: ContainerRecord, subject: Subject | null): Op<void> {
    const { id, state } = record.status;
    if (state === 'RUNNING') yield* this.stop(record, 0, subject);
    this.#state.containers.delete(id);
    record.sandbox.containers.delete(id);
    this.#os.machine.cgroups.remove(scopePath(record.config.cgroupParent, this.#state.scopePrefix, id));
    record.files?.discard();
    const own = this.#flavour.ownLog(id);
    const { files } = this.#os.machine;
    if (own !== null && files.exists(own)) files.remove(own.slice(0, own.lastIndexOf('/')));
    this.#state.onChange?.('DELETED', record.sandbox, id);
  }

  *update(record: ContainerRecord, resources: LinuxResources, subject: Subject | null): Op<void> {
    if (this.#tasks !== null) yield* this.#tasks('UpdateTask', subject);
    yield* this.#os.sleep(between(this.#random, 5 * MILLISECOND, 10 * MILLISECOND));
    if (record.process?.alive) applyResources(this.#os.machine, record.process.group, resources);
  }

  *exec(record: ContainerRecord, command: readonly string[], timeout: Micros, subject: Subject | null): Op<ExecResult> {
    if (this.#tasks !== null) yield* this.#tasks('ExecTask', subject);
    return yield* runInContainer(this.#os, record, command, timeout, this.#flavour, this.#random);
  }

  *pull(reference: string, subject: Subject | null, auth?: RegistryAuth): Op<string> {
    const { status } = yield* this.#pull(reference, subject, auth);
    return status.repoDigests[0] ?? status.id;
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

  #pull(reference: string, subject: Subject | null, auth?: RegistryAuth): Op<StoredImage> {
    return pullImage(this.#os, this.#random, this.#state.images, reference, subject, this.#flavour.words, auth);
  }
}

/** The kubelet's path leads to where the runtime keeps the log. */
function linkLog(files: Os['files'], own: string, path: string): void {
  files.mkdir(path.slice(0, path.lastIndexOf('/')));
  files.write(own, '');
  if (!files.exists(path)) files.symlink(own, path);
}
