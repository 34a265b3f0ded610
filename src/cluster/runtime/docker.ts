// Docker on a node: containerd, which holds the containers; dockerd, which makes them; cri-dockerd, which speaks CRI for it.
// Each asks the next over its unix socket.

import type { Os, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../sim/time.ts';
import { CALL, type Subject } from '../sim/trace.ts';
import type { LinuxResources } from './container-cgroup.ts';
import { type ContainerConfig, CriError, type ExecResult } from './cri.ts';
import { CriService } from './cri-service.ts';
import { DOCKER, DOCKER_VERSION } from './docker-flavour.ts';
import { type Engine, LocalEngine } from './engine.ts';
import type { Image, RegistryAuth } from './registry.ts';
import { CONTAINERD_SOCKET, CRI_DOCKERD_SOCKET, DOCKER_SOCKET } from './runtime-kind.ts';
import { type ContainerRecord, runtimeStateOf, type SandboxRecord } from './runtime-state.ts';
import { AT_ONCE, callOver, IN_TIME, serveOn, serveRuntime, unreachable } from './socket.ts';

const CONTAINERD_STARTUP: Micros = 150 * MILLISECOND;
const DOCKERD_STARTUP: Micros = 450 * MILLISECOND;
const CRI_DOCKERD_STARTUP: Micros = 120 * MILLISECOND;
const RETRY: Micros = 100 * MILLISECOND;
/** What a container gets to end by itself when its daemon stops. */
const STOP_TIMEOUT: Micros = 10 * SECOND;

/** containerd as Docker's packages set it up: its CRI plug-in is disabled, it runs tasks for dockerd. */
export const dockerContainerdProgram: Program = function* (os: Os): Op<void> {
  const stop = os.signals();
  yield* os.sleep(CONTAINERD_STARTUP);
  serveOn(os, CONTAINERD_SOCKET, 'tasks');
  os.log(`time="${os.sim.time()}" level=info msg="containerd successfully booted"`);
  yield* stop.receive();
};

/** A task of containerd's is touched: the process that containers run below. */
const askContainerd =
  (os: Os) =>
  (verb: string, subject: Subject | null): Op<Os> =>
    callOver(os, CONTAINERD_SOCKET, { verb, subject, detail: null, level: CALL, pace: AT_ONCE }, function* (_service, containerd) {
      return containerd;
    });

export const dockerdProgram: Program = function* (os: Os): Op<void> {
  const stop = os.signals();
  yield* os.sleep(DOCKERD_STARTUP);
  while (unreachable(os, CONTAINERD_SOCKET) !== undefined) yield* os.sleep(RETRY);
  const state = runtimeStateOf(os.machine);
  const random = os.sim.random(`dockerd/${os.machine.name}/${os.process.pid}`);
  const engine = new LocalEngine(os, state, DOCKER, random, askContainerd(os));
  serveOn(os, DOCKER_SOCKET, engine);
  os.log(`time="${os.sim.time()}" level=info msg="Docker daemon" version=${DOCKER_VERSION}`);
  os.log(`time="${os.sim.time()}" level=info msg="API listen on /var/run/docker.sock"`);
  yield* stop.receive();
  os.files.remove(DOCKER_SOCKET);
  // Without live-restore the containers end with their daemon.
  const ends = [...state.containers.values()].map((record) => os.go('stop container', () => engine.stop(record, STOP_TIMEOUT, null)));
  for (const end of ends) yield* end.join();
  for (const sandbox of state.sandboxes.values()) yield* engine.stopSandbox(sandbox, null);
};

/** The `cri-dockerd` program. */
export const criDockerdProgram: Program = function* (os: Os): Op<void> {
  const stop = os.signals();
  yield* os.sleep(CRI_DOCKERD_STARTUP);
  while (unreachable(os, DOCKER_SOCKET) !== undefined) yield* os.sleep(RETRY);
  const service = new CriService(os, { ...DOCKER, stream: 'cri-dockerd' }, new DockerClient(os));
  service.recover();
  serveRuntime(os, CRI_DOCKERD_SOCKET, service);
  os.log(`time="${os.sim.time()}" level=info msg="Start docker client with request timeout 0s"`);
  os.log(`time="${os.sim.time()}" level=info msg="Start cri-dockerd grpc backend"`);
  yield* stop.receive();
};

/** Docker's engine API from cri-dockerd's side. */
class DockerClient implements Engine {
  readonly #os: Os;

  constructor(os: Os) {
    this.#os = os;
  }

  check(): void {
    if (unreachable(this.#os, DOCKER_SOCKET) !== undefined) throw daemonIsDown();
  }

  sandboxImage(subject: Subject | null): Op<Image> {
    return this.#call('POST /images/create', subject, { image: DOCKER.sandboxImage }, (engine) => engine.sandboxImage(subject));
  }

  *startSandbox(sandbox: SandboxRecord, image: Image, subject: Subject | null): Op<void> {
    const { id } = sandbox.status;
    yield* this.#call('POST /containers/create', subject, { id }, nothingMore);
    yield* this.#call(`POST /containers/${short(id)}/start`, subject, { id }, (engine) => engine.startSandbox(sandbox, image, subject));
  }

  stopSandbox(sandbox: SandboxRecord, subject: Subject | null): Op<void> {
    const { id } = sandbox.status;
    return this.#call(`POST /containers/${short(id)}/stop`, subject, { id }, (engine) => engine.stopSandbox(sandbox, subject));
  }

  removeSandbox(sandbox: SandboxRecord): Op<void> {
    const { id } = sandbox.status;
    return this.#call(`DELETE /containers/${short(id)}`, null, { id }, (engine) => engine.removeSandbox(sandbox));
  }

  create(sandbox: SandboxRecord, config: ContainerConfig, subject: Subject | null): Op<string> {
    return this.#call('POST /containers/create', subject, config, (engine) => engine.create(sandbox, config, subject));
  }

  start(record: ContainerRecord, subject: Subject | null): Op<void> {
    const { id } = record.status;
    return this.#call(`POST /containers/${short(id)}/start`, subject, { id }, (engine) => engine.start(record, subject));
  }

  stop(record: ContainerRecord, timeout: Micros, subject: Subject | null): Op<void> {
    const { id } = record.status;
    return this.#call(`POST /containers/${short(id)}/stop`, subject, { id, timeout }, (engine) => engine.stop(record, timeout, subject));
  }

  remove(record: ContainerRecord, subject: Subject | null): Op<void> {
    const { id } = record.status;
    return this.#call(`DELETE /containers/${short(id)}`, subject, { id }, (engine) => engine.remove(record, subject));
  }

  update(record: ContainerRecord, resources: LinuxResources, subject: Subject | null): Op<void> {
    const { id } = record.status;
    return this.#call(`POST /containers/${short(id)}/update`, subject, { id, ...resources }, (engine) => engine.update(record, resources, subject));
  }

  exec(record: ContainerRecord, command: readonly string[], timeout: Micros, subject: Subject | null): Op<ExecResult> {
    const { id } = record.status;
    return this.#call(`POST /containers/${short(id)}/exec`, subject, { id, command }, (engine) => engine.exec(record, command, timeout, subject));
  }

  pull(reference: string, subject: Subject | null, auth?: RegistryAuth): Op<string> {
    return this.#call('POST /images/create', subject, { image: reference }, (engine) => engine.pull(reference, subject, auth));
  }

  removeImage(reference: string): Op<void> {
    return this.#call('DELETE /images', null, { image: reference }, (engine) => engine.removeImage(reference));
  }

  *#call<T>(verb: string, subject: Subject | null, detail: unknown, body: (engine: LocalEngine) => Op<T>): Op<T> {
    this.check();
    return yield* callOver(this.#os, DOCKER_SOCKET, { verb, subject, detail, level: CALL, pace: IN_TIME }, body);
  }
}

/** Nothing but the message: what follows does the work. */
function* nothingMore(): Op<void> {}

const short = (id: string): string => id.slice(0, 12);

/** What Docker's clients say. */
export const daemonIsDown = (): CriError => new CriError('Unknown', 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?');
