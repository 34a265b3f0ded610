// The runtime's unix socket on a machine: who listens, and calls over it with a trace record for each request and
// response. Stands for gRPC over /run/containerd/containerd.sock; arguments travel by reference.

import type { Os } from '../machine/process.ts';
import type { Channel } from '../sim/channel.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { MICROSECOND, type Micros } from '../sim/time.ts';
import { CALL, DETAIL, type Level, type Subject } from '../sim/trace.ts';
import type { LinuxResources } from './container-cgroup.ts';
import {
  type ContainerConfig,
  type ContainerEvent,
  type ContainerInfo,
  type ContainerStats,
  type ContainerStatus,
  CriError,
  type ExecResult,
  type ImageService,
  type ImageStatus,
  type RuntimeCondition,
  type RuntimeService,
  type SandboxConfig,
  type SandboxInfo,
  type SandboxStatus,
  type StreamOptions,
} from './cri.ts';
import type { RegistryAuth } from './registry.ts';

/** One way over the socket. */
export const SOCKET_LATENCY: Micros = 40 * MICROSECOND;

export type Runtime = RuntimeService & ImageService;

/** A caller that waits for an answer. */
interface Waiting {
  readonly task: Task;
  readonly park: number;
}

/** What lies behind a socket file. */
class Endpoint {
  readonly os: Os;
  readonly service: unknown;
  readonly waiting = new Set<Waiting>();

  constructor(os: Os, service: unknown) {
    this.os = os;
    this.service = service;
  }
}

/** Listens on `path` of the process's machine until the process ends; callers then get Unavailable. */
export function serveRuntime(os: Os, path: string, runtime: Runtime): void {
  serveOn(os, path, runtime);
}

/** The same for any service that is called with `callOver`. */
export function serveOn(os: Os, path: string, service: unknown): void {
  const endpoint = new Endpoint(os, service);
  os.files.attach(path, endpoint, 0o660);
  os.process.onExit(() => {
    for (const { task, park } of endpoint.waiting) os.sim.wake(task, park, new CriError('Unavailable', 'error reading from server: EOF'));
  });
}

/** Why nobody answers on `path`, as connect(2) says it; undefined when somebody does. */
export function unreachable(os: Os, path: string): string | undefined {
  const server = os.files.attached(path);
  if (server instanceof Endpoint && server.os.process.alive) return undefined;
  return server === undefined ? 'no such file or directory' : 'connection refused';
}

/** A client of the runtime that listens on `path`; connects anew with each call. */
export class RuntimeClient implements RuntimeService, ImageService {
  readonly #os: Os;
  readonly #path: string;

  constructor(os: Os, path: string) {
    this.#os = os;
    this.#path = path;
  }

  version(): Op<{ readonly runtimeName: string; readonly runtimeVersion: string }> {
    return this.#call('Version', null, null, DETAIL, AT_ONCE, (r) => r.version());
  }

  status(): Op<readonly RuntimeCondition[]> {
    return this.#call('Status', null, null, DETAIL, AT_ONCE, (r) => r.status());
  }

  runPodSandbox(config: SandboxConfig, subject: Subject | null = null): Op<string> {
    return this.#call('RunPodSandbox', subject, config, CALL, IN_TIME, (r) => r.runPodSandbox(config, subject));
  }

  stopPodSandbox(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('StopPodSandbox', subject, { id }, CALL, IN_TIME, (r) => r.stopPodSandbox(id, subject));
  }

  removePodSandbox(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('RemovePodSandbox', subject, { id }, CALL, IN_TIME, (r) => r.removePodSandbox(id, subject));
  }

  podSandboxStatus(id: string, subject: Subject | null = null): Op<SandboxStatus> {
    return this.#call('PodSandboxStatus', subject, { id }, DETAIL, AT_ONCE, (r) => r.podSandboxStatus(id, subject));
  }

  listPodSandbox(): Op<readonly SandboxStatus[]> {
    return this.#call('ListPodSandbox', null, null, DETAIL, AT_ONCE, (r) => r.listPodSandbox());
  }

  createContainer(sandboxId: string, config: ContainerConfig, subject: Subject | null = null): Op<string> {
    return this.#call('CreateContainer', subject, config, CALL, IN_TIME, (r) => r.createContainer(sandboxId, config, subject));
  }

  startContainer(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('StartContainer', subject, { id }, CALL, IN_TIME, (r) => r.startContainer(id, subject));
  }

  stopContainer(id: string, timeout: Micros, subject: Subject | null = null): Op<void> {
    return this.#call('StopContainer', subject, { id, timeout }, CALL, IN_TIME, (r) => r.stopContainer(id, timeout, subject));
  }

  removeContainer(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('RemoveContainer', subject, { id }, CALL, IN_TIME, (r) => r.removeContainer(id, subject));
  }

  updateContainerResources(id: string, resources: LinuxResources, subject: Subject | null = null): Op<void> {
    return this.#call('UpdateContainerResources', subject, { id, ...resources }, CALL, IN_TIME, (r) => r.updateContainerResources(id, resources, subject));
  }

  containerStatus(id: string, subject: Subject | null = null): Op<ContainerStatus> {
    return this.#call('ContainerStatus', subject, { id }, DETAIL, AT_ONCE, (r) => r.containerStatus(id, subject));
  }

  listContainers(): Op<readonly ContainerStatus[]> {
    return this.#call('ListContainers', null, null, DETAIL, AT_ONCE, (r) => r.listContainers());
  }

  execSync(id: string, command: readonly string[], timeout: Micros, subject: Subject | null = null): Op<ExecResult> {
    return this.#call('ExecSync', subject, { id, command, timeout }, CALL, IN_TIME, (r) => r.execSync(id, command, timeout, subject));
  }

  exec(id: string, command: readonly string[], options: StreamOptions, subject: Subject | null = null): Op<string> {
    return this.#call('Exec', subject, { id, command, ...options }, CALL, IN_TIME, (r) => r.exec(id, command, options, subject));
  }

  attach(id: string, options: StreamOptions, subject: Subject | null = null): Op<string> {
    return this.#call('Attach', subject, { id, ...options }, CALL, IN_TIME, (r) => r.attach(id, options, subject));
  }

  portForward(sandboxId: string, subject: Subject | null = null): Op<string> {
    return this.#call('PortForward', subject, { id: sandboxId }, CALL, IN_TIME, (r) => r.portForward(sandboxId, subject));
  }

  containerInfo(id: string): Op<ContainerInfo> {
    return this.#call('ContainerStatus', null, { id, verbose: true }, DETAIL, AT_ONCE, (r) => r.containerInfo(id));
  }

  podSandboxInfo(id: string): Op<SandboxInfo> {
    return this.#call('PodSandboxStatus', null, { id, verbose: true }, DETAIL, AT_ONCE, (r) => r.podSandboxInfo(id));
  }

  listContainerStats(): Op<readonly ContainerStats[]> {
    return this.#call('ListContainerStats', null, null, DETAIL, AT_ONCE, (r) => r.listContainerStats());
  }

  containerEvents(): Op<Channel<ContainerEvent>> {
    return this.#call('GetContainerEvents', null, null, DETAIL, AT_ONCE, (r) => r.containerEvents());
  }

  imageStatus(reference: string, subject: Subject | null = null): Op<ImageStatus | undefined> {
    return this.#call('ImageStatus', subject, { image: reference }, DETAIL, AT_ONCE, (r) => r.imageStatus(reference, subject));
  }

  listImages(): Op<readonly ImageStatus[]> {
    return this.#call('ListImages', null, null, DETAIL, AT_ONCE, (r) => r.listImages());
  }

  pullImage(reference: string, subject: Subject | null = null, auth?: RegistryAuth): Op<string> {
    return this.#call('PullImage', subject, { image: reference }, CALL, IN_TIME, (r) => r.pullImage(reference, subject, auth));
  }

  removeImage(reference: string): Op<void> {
    return this.#call('RemoveImage', null, { image: reference }, CALL, IN_TIME, (r) => r.removeImage(reference));
  }

  #call<T>(verb: string, subject: Subject | null, detail: unknown, level: Level, pace: Pace, body: (runtime: Runtime) => Op<T>): Op<T> {
    return callOver(this.#os, this.#path, { verb, subject, detail, level, pace }, body);
  }
}

export interface Call {
  readonly verb: string;
  readonly subject: Subject | null;
  readonly detail: unknown;
  readonly level: Level;
  readonly pace: Pace;
}

/** Calls the service that listens on `path`. Throws CriError, Unavailable when there is none. */
export function* callOver<S, T>(os: Os, path: string, { verb, subject, detail, level, pace }: Call, body: (service: S, os: Os) => Op<T>): Op<T> {
  const { sim, place } = os;
  const server = os.files.attached(path);
  if (!(server instanceof Endpoint) || !server.os.process.alive) {
    const why = `connection error: desc = "transport: Error while dialing: dial unix ${path}: connect: ${unreachable(os, path)}"`;
    throw new CriError('Unavailable', why);
  }
  const cause = sim.cause;
  const traced = sim.trace.wants(level, cause);
  const there = server.os.place;
  const request = traced
    ? sim.trace.emit(cause, { level, start: sim.now, end: sim.now + SOCKET_LATENCY, from: place, to: there, kind: 'cri', verb, subject, detail })
    : cause;
  sim.cause = request;
  const task = sim.current as Task;
  const { park } = task;
  const waiting: Waiting = { task, park };
  server.waiting.add(waiting);
  const answer = (result: T | CriError): void => {
    if (traced) {
      const shown = result instanceof CriError ? { error: result.text } : typeof result === 'string' ? { id: result } : (result ?? null);
      sim.trace.emit(request, {
        level, start: sim.now, end: sim.now + SOCKET_LATENCY, from: there, to: place, kind: 'cri', verb: `${verb}Response`, subject, detail: shown,
      });
    }
    // An event that was sent before the answer is read before it.
    if (pace === AT_ONCE) sim.wakeAt(task, park, sim.now + SOCKET_LATENCY, result);
    else sim.after(SOCKET_LATENCY, () => sim.wake(task, park, result));
  };
  sim.after(SOCKET_LATENCY, () => {
    if (!server.os.process.alive) return;
    if (pace === AT_ONCE) answer(atOnce(body(server.service as S, server.os)));
    else server.os.go(verb, () => inTime(body(server.service as S, server.os), answer));
  });
  try {
    const result = (yield) as T | CriError;
    if (result instanceof CriError) throw result;
    return result;
  } finally {
    server.waiting.delete(waiting);
    sim.cause = cause;
  }
}

/** Calls that only look at the runtime's state, and those that take time there. */
export const AT_ONCE = 0;
export const IN_TIME = 1;
type Pace = typeof AT_ONCE | typeof IN_TIME;

/** The outcome of a call that does not wait. */
function atOnce<T>(call: Op<T>): T | CriError {
  try {
    const step = call.next();
    if (step.done) return step.value;
  } catch (error) {
    if (error instanceof CriError) return error;
    throw error;
  }
  throw new Error('a query of the runtime waited');
}

function* inTime<T>(call: Op<T>, answer: (result: T | CriError) => void): Op<void> {
  let result: T | CriError;
  try {
    result = yield* call;
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    result = error;
  }
  answer(result);
}
