// Containers as processes (what shims and OCI runtimes do): what is run with which files and user, and what becomes of its end.

import { FileError, Files } from '../machine/files.ts';
import { LazyKernelFiles } from '../machine/kernel-files-provider.ts';
import type { ExitStatus, Os, Process, SpawnOptions } from '../machine/process.ts';
import { Tty } from '../machine/tty.ts';
import { Channel } from '../sim/channel.ts';
import type { Random } from '../sim/random.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import type { Place } from '../sim/trace.ts';
import { ContainerLog } from './container-log.ts';
import { type RuntimeState, type ContainerRecord, runtimeStateOf, type SandboxRecord } from './runtime-state.ts';
import { type ContainerConfig, CriError, type ExecResult, type ImageStatus, type MountSpec } from './cri.ts';
import { applyResources, scopePath } from './container-cgroup.ts';
import { programOf } from './container-behavior.ts';
import { describeContainer } from './container-hints.ts';
import type { Flavour } from './flavour.ts';
import type { Image } from './registry.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const PAUSE_MEMORY = 250_000;
/** A shell, or any small program, before it says what it takes. */
const FIRST_MEMORY = 620_000;

const podPlace = (os: Os, sandbox: SandboxRecord): Place => `${os.machine.place}/pod/${sandbox.config.namespace}/${sandbox.config.name}`;

/** The command line: a Pod's command replaces entrypoint and cmd, its args replace cmd. */
export function commandOf(config: ContainerConfig, image: Image): readonly string[] {
  if (config.command.length > 0) return config.args.length > 0 ? [...config.command, ...config.args] : config.command;
  const args = config.args.length > 0 ? config.args : image.cmd;
  return args.length > 0 ? [...image.entrypoint, ...args] : image.entrypoint;
}

/** Who the container runs as: the Pod's word, else the image's. */
export function resolveUser(config: ContainerConfig, image: ImageStatus): { readonly uid: number; readonly gid: number } {
  const uid = config.runAsUser ?? image.uid ?? 1000;
  return { uid, gid: config.runAsGroup ?? (config.runAsUser === null && image.uid === null ? uid : 0) };
}

/** Why a container cannot be started: a mount that cannot be made, or a program that it does not have. */
export type StartFault = { readonly mount: string } | { readonly executable: string; readonly denied?: boolean };

/** Undefined when it can be started; then its files are there. */
export function startFault(os: Os, record: ContainerRecord): StartFault | undefined {
  const image = record.image.image;
  try {
    record.files = containerFiles(os, record);
  } catch (error) {
    if (!(error instanceof UnmountableError)) throw error;
    return { mount: error.message };
  }
  // runc makes the working directory where there is none.
  const directory = record.config.workingDir || (image.workingDir ?? '');
  if (directory !== '' && !record.files.exists(directory)) record.files.mkdir(directory);
  if (record.config.readOnlyRoot) record.files.readOnly = true;
  const command = commandOf(record.config, image);
  const executable = missingExecutable(record, command);
  if (executable !== undefined) return { executable };
  const name = command[0] as string;
  // A script that was mounted, without the bit that makes it one.
  if (name.startsWith('/') && image.hasExecutable?.(name) === false && (record.files.stat(name).mode & 0o111) === 0) return { executable: name, denied: true };
  return undefined;
}

/** The program that neither the image has nor a mount; undefined when there is one. */
export function missingExecutable({ image: { image }, files }: Pick<ContainerRecord, 'image' | 'files'>, command: readonly string[]): string | undefined {
  const name = command[0] ?? '';
  if (image.hasExecutable === undefined || image.hasExecutable(name)) return undefined;
  return name.startsWith('/') && files?.exists(name) === true && !files.isDirectory(name) ? undefined : name;
}

/** Starts the pause process, which holds the sandbox's namespaces; its end makes the sandbox not ready. */
export function startPause(os: Os, state: RuntimeState, sandbox: SandboxRecord, image: Image): Process {
  const process = os.machine.spawn(image.program, {
    // The shim that stands between them is not modelled; a container outlives its containerd all the same.
    parent: os.process,
    argv: ['/pause'],
    comm: 'pause',
    env: {},
    place: `${podPlace(os, sandbox)}/pause`,
    netns: sandbox.netns,
    cgroup: scopePath(sandbox.config.cgroupParent, state.scopePrefix, sandbox.status.id),
    isolatePids: true,
    uid: 65535,
    oomScoreAdj: -998,
  });
  process.setMemory(PAUSE_MEMORY);
  process.onExit(() => {
    sandbox.status = { ...sandbox.status, state: 'NOTREADY' };
    state.onChange?.('STOPPED', sandbox, sandbox.status.id);
  });
  return process;
}

/** Starts the container's first process and follows it to its end. */
export function startProcess(os: Os, state: RuntimeState, record: ContainerRecord, flavour: Flavour): void {
  const { config, sandbox, image, status } = record;
  const files = record.files ?? containerFiles(os, record);
  const log = new ContainerLog(os.sim, flavour.printLine, config.stdin || config.tty);
  os.machine.files.attach(flavour.ownLog(status.id) ?? status.logPath, log, 0o640);
  record.log = log;
  const tty = config.tty ? new Tty(os.sim, (text) => log.raw?.('stdout', text)) : null;
  record.files = files;
  record.status = { ...status, state: 'RUNNING', startedAt: os.sim.now };
  const { parent, isolated } = pidNamespace(os, state, record);
  const process = os.machine.spawn(programOf(image.image.program, config.annotations), {
    parent,
    argv: commandOf(config, image.image),
    env: environmentOf(record),
    files,
    place: `${podPlace(os, sandbox)}/container/${config.name}`,
    netns: sandbox.netns,
    cgroup: scopePath(config.cgroupParent, state.scopePrefix, status.id),
    oomScoreAdj: config.oomScoreAdj ?? 0,
    logs: tty === null ? log : { write: (_stream, line) => tty.write(`${line}\n`), raw: (_stream, text) => tty.write(text) },
    ...(tty === null ? {} : { tty }),
    ...(config.stdin ? { stdin: tty === null ? new Channel<string>(os.sim) : tty.input } : {}),
    isolatePids: isolated,
    background: true,
    uid: status.uid,
    gid: status.gid,
    groups: config.supplementalGroups,
  });
  tty?.control((signal) => process.kill(signal));
  process.group.oomGroup = true;
  files.kernel = new LazyKernelFiles(os.machine, process);
  const { cpuShares = 0, cpuLimit = 0, memoryLimit } = config;
  if (cpuShares > 0 || cpuLimit > 0 || memoryLimit > 0) applyResources(os.machine, process.group, { cpuShares, cpuLimit, memoryLimit });
  describeContainer(process, config.annotations);
  record.process = process;
  record.status = { ...record.status, pid: process.pid };
  process.onExit((exit) => {
    // In a namespace of its own they die with it; in a shared one the runtime ends what is left in the cgroup.
    if (!isolated) for (const child of process.children) child.kill('SIGKILL');
    log.end();
    record.status = { ...record.status, state: 'EXITED', finishedAt: os.sim.now, exitCode: exit.code, reason: reasonOf(exit), pid: 0 };
    state.onChange?.('STOPPED', sandbox, status.id);
  });
  process.setMemory(FIRST_MEMORY);
}

/** Whose processes the container's are: its own, its Pod's (below pause), another container's, the machine's. */
function pidNamespace(os: Os, state: RuntimeState, { config, sandbox }: ContainerRecord): { readonly parent: Process; readonly isolated: boolean } {
  const target = config.targetId === '' ? undefined : state.containers.get(config.targetId)?.process;
  if (target?.alive) return { parent: target, isolated: false };
  if (sandbox.config.hostPid) return { parent: os.process, isolated: false };
  if (sandbox.config.sharePids && sandbox.pause?.alive) return { parent: sandbox.pause, isolated: false };
  return { parent: os.process, isolated: true };
}

const reasonOf = (exit: ExitStatus): string => exit.reason ?? (exit.code === 0 ? 'Completed' : 'Error');

function environmentOf(record: ContainerRecord): Readonly<Record<string, string>> {
  const { config, sandbox, image } = record;
  const directory = config.workingDir || image.image.workingDir;
  return {
    PATH: DEFAULT_PATH,
    HOSTNAME: sandbox.config.hostname,
    ...(config.tty ? { TERM: 'xterm' } : {}),
    ...image.image.env,
    ...config.env,
    HOME: config.env['HOME'] ?? image.image.env['HOME'] ?? (record.status.uid === 0 ? '/root' : '/'),
    ...(directory ? { PWD: directory } : {}),
  };
}

/** The container's root: the image below, its own layer above, the mounts on top. */
export function containerFiles(os: Os, record: ContainerRecord): Files {
  const { mounts } = record.config;
  const root = imageRoot(os, record.image.image);
  // Containers with the same mount points share the directories and files that runc makes for them.
  let places = '';
  for (const mount of mounts) places += `${mount.containerPath}\n`;
  const prepared = root.prepared.get(places);
  if (prepared !== undefined) {
    try {
      return mounted(os, Files.overlay(prepared, os.machine.disk), mounts);
    } catch (error) {
      if (!(error instanceof UnmountableError)) throw error;
    }
  }
  const files = mounted(os, Files.overlay(root.files, os.machine.disk), mounts);
  if (prepared === undefined && root.prepared.size < MAX_PREPARED) root.prepared.set(places, Files.overlay(files));
  return files;
}

const MAX_PREPARED = 64;

/** runc could not put a mount in its place. */
class UnmountableError extends Error {}

function mounted(os: Os, files: Files, mounts: readonly MountSpec[]): Files {
  for (const mount of mounts) {
    try {
      files.mount(mount.containerPath, mount.source ?? sourceOf(os, mount), mount.hostPath, mount.readOnly);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const { hostPath, containerPath } = mount;
      const why = error.code === 'ENOENT' ? 'no such file or directory' : error.code === 'EROFS' ? 'read-only file system' : 'not a directory';
      throw new UnmountableError(
        `error mounting "${hostPath}" to rootfs at "${containerPath}": mount src=${hostPath}, dst=${containerPath}, dstFd=/proc/thread-self/fd/11, flags=MS_BIND|MS_REC: ${why}`,
      );
    }
  }
  return files;
}

/** The tree that the mount's path is in: the machine's, or that of an image. */
function sourceOf(os: Os, { image }: MountSpec): Files {
  if (image === undefined) return os.machine.files;
  const stored = runtimeStateOf(os.machine).images.find(image);
  if (stored === undefined) throw new FileError('ENOENT', 'mount', image);
  return imageRoot(os, stored.image).files;
}

interface ImageRoot {
  readonly files: Files;
  /** The same with mount points, by their paths. */
  readonly prepared: Map<string, Files>;
}

const roots = new WeakMap<Simulation, WeakMap<Image, ImageRoot>>();

function imageRoot({ sim }: Os, image: Image): ImageRoot {
  let table = roots.get(sim);
  if (!table) roots.set(sim, (table = new WeakMap()));
  let root = table.get(image);
  if (!root) {
    const files = new Files(sim);
    for (const [path, text] of Object.entries(image.files ?? {})) files.write(path, text);
    root = { files, prepared: new Map() };
    table.set(image, root);
  }
  return root;
}

/** Starts a command inside a running container: in its namespaces, with its files, environment and user. */
export function spawnInContainer(os: Os, record: ContainerRecord, command: readonly string[], streams: Pick<SpawnOptions, 'logs' | 'stdin' | 'tty'>): Process {
  const { config, sandbox, image, status, process: init } = record;
  return os.machine.spawn(image.image.program, {
    argv: command,
    env: environmentOf(record),
    ...(record.files ? { files: record.files } : {}),
    place: `${podPlace(os, sandbox)}/container/${config.name}`,
    netns: sandbox.netns,
    ...(init ? { cgroup: init.cgroup, oomScoreAdj: init.oomScoreAdj } : {}),
    uid: status.uid,
    gid: status.gid,
    groups: config.supplementalGroups,
    ...(init ? { parent: init } : {}),
    ...streams,
  });
}

/** Runs a command inside a running container. Throws CriError on time-out, or when there is no such program and the runtime makes that an error. */
export function* runInContainer(
  os: Os,
  record: ContainerRecord,
  command: readonly string[],
  timeout: Micros,
  flavour: Flavour,
  random: Random,
): Op<ExecResult> {
  const missing = missingExecutable(record, command);
  if (missing !== undefined) {
    const problem = flavour.words.exec(random, missing, false);
    if ('error' in problem) throw new CriError('Unknown', problem.error);
    return problem;
  }
  const out: string[] = [];
  const errors: string[] = [];
  const process = spawnInContainer(os, record, command, {
    logs: { write: (stream, line) => void (stream === 'stdout' ? out : errors).push(line) },
  });
  if (timeout > 0) {
    yield* process.exit.waitWithin(timeout);
    if (process.alive) {
      process.kill('SIGKILL');
      const limit = `${Math.round(timeout / SECOND)}s`;
      throw new CriError('DeadlineExceeded', `failed to exec in container: timeout ${limit} exceeded: context deadline exceeded`);
    }
  }
  const exit = yield* process.wait();
  return { exitCode: exit.code, stdout: out.join('\n'), stderr: errors.join('\n') };
}
