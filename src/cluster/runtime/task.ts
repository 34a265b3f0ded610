// Containers as processes (containerd's runc shim): what is run with which files and user, and what becomes of its end.

import { FileError, Files } from '../machine/files.ts';
import type { ExitStatus, Os, Process, SpawnOptions } from '../machine/process.ts';
import { Tty } from '../machine/tty.ts';
import { Channel } from '../sim/channel.ts';
import type { Random } from '../sim/random.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import type { Place } from '../sim/trace.ts';
import { ContainerLog } from './container-log.ts';
import type { ContainerdState, ContainerRecord, SandboxRecord } from './containerd-state.ts';
import { type ContainerConfig, CriError, type ExecResult, type ImageStatus, type MountSpec } from './cri.ts';
import { declarePorts } from './declared-ports.ts';
import type { Image } from './registry.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

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

/** Why runc could not start it; undefined when it can. */
export function startError(record: ContainerRecord): string | undefined {
  const image = record.image.image;
  const name = commandOf(record.config, image)[0] ?? '';
  if (image.hasExecutable === undefined || image.hasExecutable(name)) return undefined;
  const why = name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH';
  return `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "${name}": ${why}`;
}

/** Starts the pause process, which holds the sandbox's namespaces; its end makes the sandbox not ready. */
export function startPause(os: Os, state: ContainerdState, sandbox: SandboxRecord, image: Image): Process {
  const process = os.machine.spawn(image.program, {
    // The shim that stands between them is not modelled; a container outlives its containerd all the same.
    parent: os.process,
    argv: ['/pause'],
    comm: 'pause',
    env: {},
    place: `${podPlace(os, sandbox)}/pause`,
    netns: sandbox.netns,
    cgroup: `${sandbox.config.cgroupParent}/${sandbox.status.id}`,
    isolatePids: true,
    uid: 65535,
  });
  process.onExit(() => {
    sandbox.status = { ...sandbox.status, state: 'NOTREADY' };
    state.onChange?.('STOPPED', sandbox, sandbox.status.id);
  });
  return process;
}

/** Starts the container's first process and follows it to its end. */
export function startProcess(os: Os, state: ContainerdState, record: ContainerRecord): void {
  const { config, sandbox, image, status } = record;
  const files = containerFiles(os, record);
  const log = new ContainerLog(os.sim, config.stdin || config.tty);
  os.machine.files.attach(status.logPath, log, 0o640);
  record.log = log;
  const tty = config.tty ? new Tty(os.sim, (text) => log.raw?.('stdout', text)) : null;
  record.files = files;
  record.status = { ...status, state: 'RUNNING', startedAt: os.sim.now };
  const process = os.machine.spawn(image.image.program, {
    parent: os.process,
    argv: commandOf(config, image.image),
    env: environmentOf(record),
    files,
    place: `${podPlace(os, sandbox)}/container/${config.name}`,
    netns: sandbox.netns,
    cgroup: `${config.cgroupParent}/${status.id}`,
    logs: tty === null ? log : { write: (_stream, line) => tty.write(`${line}\n`), raw: (_stream, text) => tty.write(text) },
    ...(tty === null ? {} : { tty }),
    ...(config.stdin ? { stdin: tty === null ? new Channel<string>(os.sim) : tty.input } : {}),
    isolatePids: true,
    uid: status.uid,
  });
  tty?.control((signal) => process.kill(signal));
  if (config.memoryLimit > 0) process.group.memoryLimit = config.memoryLimit;
  declarePorts(process, portsOf(config));
  record.process = process;
  record.status = { ...record.status, pid: process.pid };
  process.onExit((exit) => {
    log.end();
    record.status = { ...record.status, state: 'EXITED', finishedAt: os.sim.now, exitCode: exit.code, reason: reasonOf(exit), pid: 0 };
    state.onChange?.('STOPPED', sandbox, status.id);
  });
}

/** The annotation in which the kubelet tells a container's declared ports. */
function portsOf({ annotations }: ContainerConfig): readonly number[] {
  const text = annotations['io.kubernetes.container.ports'];
  if (text === undefined) return [];
  return (JSON.parse(text) as readonly { readonly containerPort: number }[]).map((port) => port.containerPort);
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
      return mounted(os, Files.overlay(prepared), mounts);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }
  const files = mounted(os, Files.overlay(root.files), mounts);
  if (prepared === undefined && root.prepared.size < MAX_PREPARED) root.prepared.set(places, Files.overlay(files));
  return files;
}

const MAX_PREPARED = 64;

function mounted(os: Os, files: Files, mounts: readonly MountSpec[]): Files {
  for (const mount of mounts) files.mount(mount.containerPath, mount.source ?? os.machine.files, mount.hostPath, mount.readOnly);
  return files;
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

/** Why runc cannot start a command in the container; undefined when it can. */
export function execError({ image }: ContainerRecord, name: string, random: Random): string | undefined {
  if (image.image.hasExecutable?.(name) ?? true) return undefined;
  const why = name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH';
  let id = '';
  for (let i = 0; i < 8; i++) id += random.uint32().toString(16).padStart(8, '0');
  return `failed to start exec "${id}": OCI runtime exec failed: exec failed: unable to start container process: exec: "${name}": ${why}: unknown`;
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
    cgroup: `${config.cgroupParent}/${status.id}`,
    uid: status.uid,
    ...(init ? { parent: init } : {}),
    ...streams,
  });
}

/** Runs a command inside a running container, as `runc exec`. Throws CriError on time-out or when there is no such program. */
export function* runInContainer(os: Os, record: ContainerRecord, command: readonly string[], timeout: Micros): Op<ExecResult> {
  const name = command[0] ?? '';
  const available = record.image.image.hasExecutable?.(name) ?? true;
  if (!available) {
    const why = name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH';
    throw new CriError('Unknown', `failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: "${name}": ${why}`);
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
