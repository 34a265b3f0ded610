// The runtime's unix socket on a machine: who listens, and calls over it with a trace record for each request and
// response. Stands for gRPC over /run/containerd/containerd.sock; arguments travel by reference.

import type { Os } from '../machine/process.ts';
import { type Channel, Deferred } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { MICROSECOND, type Micros } from '../sim/time.ts';
import { CALL, DETAIL, type Level, type Subject } from '../sim/trace.ts';
import {
  type ContainerConfig,
  type ContainerEvent,
  type ContainerStatus,
  CriError,
  type ExecResult,
  type ImageService,
  type ImageStatus,
  type RuntimeCondition,
  type RuntimeService,
  type SandboxConfig,
  type SandboxStatus,
} from './cri.ts';

/** One way over the socket. */
export const SOCKET_LATENCY: Micros = 40 * MICROSECOND;

export type Runtime = RuntimeService & ImageService;

/** What lies behind the socket file. */
class Endpoint {
  readonly os: Os;
  readonly runtime: Runtime;
  /** Callers that wait for an answer. */
  readonly waiting = new Set<Deferred<unknown>>();

  constructor(os: Os, runtime: Runtime) {
    this.os = os;
    this.runtime = runtime;
  }
}

/** Listens on `path` of the process's machine until the process ends; callers then get Unavailable. */
export function serveRuntime(os: Os, path: string, runtime: Runtime): void {
  const endpoint = new Endpoint(os, runtime);
  os.files.attach(path, endpoint, 0o660);
  os.process.onExit(() => {
    for (const reply of endpoint.waiting) reply.reject(new CriError('Unavailable', 'error reading from server: EOF'));
  });
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
    return this.#call('Version', null, null, DETAIL, (r) => r.version());
  }

  status(): Op<readonly RuntimeCondition[]> {
    return this.#call('Status', null, null, DETAIL, (r) => r.status());
  }

  runPodSandbox(config: SandboxConfig, subject: Subject | null = null): Op<string> {
    return this.#call('RunPodSandbox', subject, config, CALL, (r) => r.runPodSandbox(config, subject));
  }

  stopPodSandbox(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('StopPodSandbox', subject, { id }, CALL, (r) => r.stopPodSandbox(id, subject));
  }

  removePodSandbox(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('RemovePodSandbox', subject, { id }, CALL, (r) => r.removePodSandbox(id, subject));
  }

  podSandboxStatus(id: string, subject: Subject | null = null): Op<SandboxStatus> {
    return this.#call('PodSandboxStatus', subject, { id }, DETAIL, (r) => r.podSandboxStatus(id, subject));
  }

  listPodSandbox(): Op<readonly SandboxStatus[]> {
    return this.#call('ListPodSandbox', null, null, DETAIL, (r) => r.listPodSandbox());
  }

  createContainer(sandboxId: string, config: ContainerConfig, subject: Subject | null = null): Op<string> {
    return this.#call('CreateContainer', subject, config, CALL, (r) => r.createContainer(sandboxId, config, subject));
  }

  startContainer(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('StartContainer', subject, { id }, CALL, (r) => r.startContainer(id, subject));
  }

  stopContainer(id: string, timeout: Micros, subject: Subject | null = null): Op<void> {
    return this.#call('StopContainer', subject, { id, timeout }, CALL, (r) => r.stopContainer(id, timeout, subject));
  }

  removeContainer(id: string, subject: Subject | null = null): Op<void> {
    return this.#call('RemoveContainer', subject, { id }, CALL, (r) => r.removeContainer(id, subject));
  }

  containerStatus(id: string, subject: Subject | null = null): Op<ContainerStatus> {
    return this.#call('ContainerStatus', subject, { id }, DETAIL, (r) => r.containerStatus(id, subject));
  }

  listContainers(): Op<readonly ContainerStatus[]> {
    return this.#call('ListContainers', null, null, DETAIL, (r) => r.listContainers());
  }

  execSync(id: string, command: readonly string[], timeout: Micros, subject: Subject | null = null): Op<ExecResult> {
    return this.#call('ExecSync', subject, { id, command, timeout }, CALL, (r) => r.execSync(id, command, timeout, subject));
  }

  containerEvents(): Op<Channel<ContainerEvent>> {
    return this.#call('GetContainerEvents', null, null, DETAIL, (r) => r.containerEvents());
  }

  imageStatus(reference: string, subject: Subject | null = null): Op<ImageStatus | undefined> {
    return this.#call('ImageStatus', subject, { image: reference }, DETAIL, (r) => r.imageStatus(reference, subject));
  }

  listImages(): Op<readonly ImageStatus[]> {
    return this.#call('ListImages', null, null, DETAIL, (r) => r.listImages());
  }

  pullImage(reference: string, subject: Subject | null = null): Op<string> {
    return this.#call('PullImage', subject, { image: reference }, CALL, (r) => r.pullImage(reference, subject));
  }

  removeImage(reference: string): Op<void> {
    return this.#call('RemoveImage', null, { image: reference }, CALL, (r) => r.removeImage(reference));
  }

  *#call<T>(verb: string, subject: Subject | null, detail: unknown, level: Level, body: (runtime: Runtime) => Op<T>): Op<T> {
    const { sim, place } = this.#os;
    const server = this.#os.files.attached(this.#path);
    if (!(server instanceof Endpoint) || !server.os.process.alive) {
      const reason = server === undefined ? 'no such file or directory' : 'connection refused';
      const why = `connection error: desc = "transport: Error while dialing: dial unix ${this.#path}: connect: ${reason}"`;
      throw new CriError('Unavailable', why);
    }
    const cause = sim.cause;
    const traced = sim.trace.wants(level, cause);
    const exchange = { kind: 'cri', verb, subject, level } as const;
    const request = traced
      ? sim.trace.emit(cause, { ...exchange, detail, start: sim.now, end: sim.now + SOCKET_LATENCY, from: place, to: server.os.place })
      : cause;
    sim.cause = request;
    const reply = new Deferred<T>(sim);
    server.waiting.add(reply as Deferred<unknown>);
    sim.after(SOCKET_LATENCY, () => {
      if (!server.os.process.alive) return;
      server.os.go(verb, function* () {
        let result: T | undefined;
        let error: CriError | undefined;
        try {
          result = yield* body(server.runtime);
        } catch (caught) {
          if (!(caught instanceof CriError)) throw caught;
          error = caught;
        }
        if (traced) {
          const answer = error ? { error: error.text } : typeof result === 'string' ? { id: result } : (result ?? null);
          sim.trace.emit(request, {
            ...exchange, verb: `${verb}Response`, detail: answer,
            start: sim.now, end: sim.now + SOCKET_LATENCY, from: server.os.place, to: place,
          });
        }
        sim.after(SOCKET_LATENCY, () => (error ? reply.reject(error) : reply.resolve(result as T)));
      });
    });
    try {
      return yield* reply.wait();
    } finally {
      server.waiting.delete(reply as Deferred<unknown>);
      sim.cause = cause;
    }
  }
}
