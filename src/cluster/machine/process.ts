// A process of a machine: its threads are tasks on the virtual clock, its exit releases what it holds (sockets, locks),
// signals follow signal(7): the default action kills, a handler receives, and the init of a PID namespace ignores.

import { type Chunk, textOf } from '../api/bytes.ts';
import { Channel, Deferred } from '../sim/channel.ts';
import type { Op, Simulation, Task } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Cause, Place } from '../sim/trace.ts';
import type { Cgroup } from './cgroup.ts';
import type { Files } from './files.ts';
import type { Machine } from './machine.ts';
import type { ExitStatus, LogSink, NamespaceRef, Os, Program, Resource, Signal, SpawnOptions } from './os.ts';
import type { Tty } from './tty.ts';

export type { Chunk } from '../api/bytes.ts';
export type { ExitStatus, LogSink, NamespaceRef, Os, Program, Resource, Signal, SpawnOptions } from './os.ts';

const SIGNAL_NUMBER: Readonly<Record<Signal, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

export const NO_LOGS: LogSink = { write: () => undefined };

const NO_GROUPS: readonly number[] = [];
const NO_CHILDREN: ReadonlySet<Process> = new Set();

export class Process {
  readonly sim: Simulation;
  readonly machine: Machine;
  readonly pid: number;
  ppid: number;
  comm: string;
  argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: Files;
  readonly place: Place;
  readonly netns: NamespaceRef;
  readonly cgroup: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly started: Micros;
  readonly logs: LogSink;
  readonly stdin: Channel<Chunk> | null;
  readonly tty: Tty | null;
  readonly isolatePids: boolean;
  readonly exit: Deferred<ExitStatus>;
  alive = true;
  /** Set once it has ended. */
  status: ExitStatus | null = null;
  /** /proc/<pid>/oom_score_adj: from -1000 (never killed for memory) to 1000. */
  readonly oomScoreAdj: number;
  #cpuMicros = 0;
  /** CPUs that it uses while it only waits for work, and since when. */
  #idleCores = 0;
  #idleSince: Micros = 0;
  #memoryBytes = 0;
  /** What it was started for, when it works in the background. */
  #origin: Cause | null = null;
  readonly #background: boolean;
  readonly #group: Cgroup;
  readonly #threads = new Set<Task>();
  #resources: Set<Resource> | null = null;
  #children: Set<Process> | null = null;
  #parent: Process | null;
  #signals: Channel<Signal> | null = null;
  /** Lines that were begun by `write`. */
  #begun: { stdout: string; stderr: string } | null = null;

  /** Use Machine.spawn or Os.spawn. */
  constructor(machine: Machine, pid: number, parent: Process | null, options: SpawnOptions) {
    const sim = machine.sim;
    this.sim = sim;
    this.machine = machine;
    this.pid = pid;
    this.ppid = parent === null ? 0 : parent.pid;
    this.#parent = parent;
    this.argv = options.argv;
    this.comm = options.comm ?? commOf(options.argv[0] ?? '?');
    this.env = options.env ?? parent?.env ?? {};
    this.files = options.files ?? parent?.files ?? machine.files;
    this.place = options.place ?? (parent === null || parent.pid === 1 ? `${machine.place}/${this.comm}` : parent.place);
    this.netns = options.netns ?? parent?.netns ?? machine.hostNetns;
    this.#group = options.cgroup === undefined && parent !== null ? parent.group : machine.cgroups.of(options.cgroup ?? '/');
    this.cgroup = this.#group.path;
    this.uid = options.uid ?? parent?.uid ?? 0;
    this.gid = options.gid ?? parent?.gid ?? 0;
    this.groups = options.groups ?? parent?.groups ?? NO_GROUPS;
    this.oomScoreAdj = options.oomScoreAdj ?? parent?.oomScoreAdj ?? 0;
    this.started = sim.now;
    this.logs = options.logs ?? parent?.logs ?? NO_LOGS;
    this.stdin = options.stdin ?? null;
    this.tty = options.tty ?? null;
    this.isolatePids = options.isolatePids ?? false;
    this.#background = options.background ?? this.isolatePids;
    this.exit = new Deferred(sim);
    this.#group.processes.add(this);
    if (parent !== null) parent.#addChild(this);
  }

  /** The cgroup it is accounted to. */
  get group(): Cgroup {
    return this.#group;
  }

  get children(): ReadonlySet<Process> {
    return this.#children ?? NO_CHILDREN;
  }

  get parent(): Process | null {
    return this.#parent;
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Sets the resident memory. Going over a limit of the cgroup makes the kernel kill the largest process in it. */
  setMemory(bytes: number): void {
    if (!this.alive) return;
    const delta = bytes - this.#memoryBytes;
    this.#memoryBytes = bytes;
    this.#group.charge(delta);
  }

  /** CPU time used so far, microseconds of one CPU. */
  get cpuMicros(): number {
    this.machine.cpu.settle();
    return this.cpuSoFar;
  }

  /** The same as far as it has been added up. */
  get cpuSoFar(): number {
    return this.#cpuMicros + this.#idleCores * (this.sim.now - this.#idleSince);
  }

  /** Accounts CPU time, microseconds of one CPU, that has been used already: work too small to compete for a CPU. */
  useCpu(micros: number): void {
    this.#cpuMicros += micros;
  }

  /** Works: takes `micros` of CPU time, and as long as the machine and the limits of its cgroup make that last. */
  compute(micros: number, threads = 1): Op<void> {
    return this.machine.cpu.work(this, micros, threads);
  }

  /** Keeps `threads` CPUs busy for ever. */
  burn(threads = 1): Op<void> {
    return this.machine.cpu.work(this, Number.POSITIVE_INFINITY, threads);
  }

  /** What it takes while it waits for work: resident memory, and CPUs for its housekeeping. */
  footprint(memoryBytes: number, idleCores: number): void {
    if (!this.alive) return;
    this.#cpuMicros = this.cpuSoFar;
    this.machine.cpu.idleCores += idleCores - this.#idleCores;
    this.#idleCores = idleCores;
    this.#idleSince = this.sim.now;
    this.setMemory(memoryBytes);
  }

  /** For Machine: begins to run. */
  run(program: Program): void {
    const { sim } = this;
    const { cause } = sim;
    if (this.#background) {
      this.#origin = cause;
      sim.cause = null;
    }
    this.thread(this.comm, () => program(new Calls(this)), (task) => {
      if (!this.alive) return;
      if (task.error !== undefined) this.crash(task.error);
      else this.end({ code: typeof task.result === 'number' ? task.result : 0, signal: null });
    });
    sim.cause = cause;
  }

  /** Starts a thread. `onEnd` hears how it ended (see Os.go for one whose error crashes the process). */
  thread(name: string, body: () => Op<unknown>, onEnd: (task: Task) => void): Task {
    const threads = this.#threads;
    const task = this.sim.spawn(name, body, (ended) => {
      threads.delete(ended);
      onEnd(ended);
    });
    if (this.alive) threads.add(task);
    else task.kill();
    return task;
  }

  /** See Os.signals. */
  signals(): Channel<Signal> {
    this.#signals ??= new Channel<Signal>(this.sim);
    return this.#signals;
  }

  /** As execve: the same process goes on as another program. What it was called when it began stays in the trace. */
  exec(argv: readonly string[], comm: string = commOf(argv[0] ?? '?')): void {
    this.argv = argv;
    this.comm = comm;
  }

  /** Sends a signal. No effect on a process that has ended. */
  kill(signal: Signal, reason?: string): void {
    if (!this.alive) return;
    if (signal !== 'SIGKILL') {
      if (this.#signals !== null) {
        this.#signals.send(signal);
        return;
      }
      if (this.isolatePids) return;
    }
    const code = 128 + SIGNAL_NUMBER[signal];
    this.end(reason === undefined ? { code, signal } : { code, signal, reason });
  }

  /** See Os.write. */
  write(stream: 'stdout' | 'stderr', chunk: Chunk): void {
    const text = textOf(chunk);
    if (this.logs.raw !== undefined) {
      this.logs.raw(stream, text);
      return;
    }
    this.#begun ??= { stdout: '', stderr: '' };
    const lines = (this.#begun[stream] + text).split('\n');
    this.#begun[stream] = lines.pop() as string;
    for (const line of lines) this.logs.write(stream, line);
  }

  /** Waits for the end. */
  wait(): Op<ExitStatus> {
    return this.exit.wait();
  }

  /** Calls `fn` when the process ends. */
  onExit(fn: (status: ExitStatus) => void): void {
    this.hold({ release: () => fn(this.status as ExitStatus) });
  }

  /** The process holds `resource` until `letGo` or its end. */
  hold(resource: Resource): void {
    if (this.alive) (this.#resources ??= new Set()).add(resource);
    else resource.release();
  }

  letGo(resource: Resource): void {
    this.#resources?.delete(resource);
  }

  /** Ends it as a Go program ends on a panic. */
  crash(error: unknown): void {
    this.logs.write('stderr', `panic: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    this.end({ code: 2, signal: null });
  }

  /** Ends it: threads stop, resources are released, waiters hear. */
  end(status: ExitStatus): void {
    if (!this.alive) return;
    if (this.#begun !== null) {
      if (this.#begun.stdout !== '') this.write('stdout', '\n');
      if (this.#begun.stderr !== '') this.write('stderr', '\n');
    }
    this.alive = false;
    this.status = status;
    const { sim } = this;
    const { cause } = sim;
    if (this.#origin !== null && (cause === null || cause.flow === 0)) sim.cause = this.#origin;
    for (const task of [...this.#threads]) task.kill();
    this.#threads.clear();
    const resources = this.#resources;
    this.#resources = null;
    if (resources !== null) for (const resource of resources) resource.release();
    this.#signals?.close();
    if (this.#memoryBytes > 0) this.#group.charge(-this.#memoryBytes);
    this.#group.bury(this.cpuSoFar);
    this.machine.cpu.idleCores -= this.#idleCores;
    this.#cpuMicros = this.cpuSoFar;
    this.#idleCores = 0;
    this.#group.processes.delete(this);
    if (this.#parent !== null) this.#parent.#children?.delete(this);
    for (const child of this.#children ?? NO_CHILDREN) {
      if (this.isolatePids) child.kill('SIGKILL');
      else child.#adopt();
    }
    this.machine.forget(this, status);
    this.exit.resolve(status);
    sim.cause = cause;
  }

  #addChild(child: Process): void {
    (this.#children ??= new Set()).add(child);
  }

  /** Its parent has ended: init takes it. */
  #adopt(): void {
    const init = this.machine.processes.get(1);
    this.ppid = 1;
    this.#parent = init ?? null;
    if (init !== undefined) init.#addChild(this);
  }
}

/** The system calls of one process. */
class Calls implements Os {
  readonly sim: Simulation;
  readonly machine: Machine;
  readonly process: Process;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: Files;
  readonly place: Place;
  readonly stdin: Channel<Chunk> | null;
  readonly tty: Tty | null;

  constructor(process: Process) {
    this.sim = process.sim;
    this.machine = process.machine;
    this.process = process;
    this.argv = process.argv;
    this.env = process.env;
    this.files = process.files;
    this.place = process.place;
    this.stdin = process.stdin;
    this.tty = process.tty;
  }

  sleep(d: Micros): Op<void> {
    return this.sim.sleep(d);
  }

  go(name: string, body: () => Op<unknown>): Task {
    const process = this.process;
    return process.thread(name, body, (task) => {
      if (task.error !== undefined && process.alive) process.crash(task.error);
    });
  }

  spawn(program: Program, options: SpawnOptions): Process {
    return this.machine.spawn(program, options.parent === undefined ? { ...options, parent: this.process } : options);
  }

  log(line: string): void {
    this.process.logs.write('stdout', line);
  }

  logError(line: string): void {
    this.process.logs.write('stderr', line);
  }

  write(chunk: Chunk): void {
    this.process.write('stdout', chunk);
  }

  writeError(chunk: Chunk): void {
    this.process.write('stderr', chunk);
  }

  *exit(code: number): Op<never> {
    this.process.end({ code, signal: null });
    yield;
    throw new Error('a process that has exited went on');
  }

  signals(): Channel<Signal> {
    return this.process.signals();
  }
}

function commOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).slice(0, 15);
}
