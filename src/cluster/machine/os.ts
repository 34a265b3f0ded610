// What a process is started with and what a running program sees: the types of a machine's system calls.

import type { Chunk } from '../api/bytes.ts';
import type { Channel } from '../sim/channel.ts';
import type { Op, Simulation, Task } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Place } from '../sim/trace.ts';
import type { Files } from './files.ts';
import type { Machine } from './machine.ts';
import type { Process } from './process.ts';
import type { Tty } from './tty.ts';

export type Signal = 'SIGTERM' | 'SIGKILL' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT';

/** How a process ended. Killed by a signal: code is 128 + the signal's number, as a shell or the container runtime says it. */
export interface ExitStatus {
  readonly code: number;
  readonly signal: Signal | null;
  /** 'OOMKilled' when the kernel killed it for memory. */
  readonly reason?: string;
}

/** The code of a process. It returns the exit code (nothing = 0); throwing is a crash: exit code 2 and the error on stderr. */
export type Program = (os: Os) => Op<number | void>;

/** A network namespace, as far as a process needs to know; the network room's Netns is one. */
export interface NamespaceRef {
  readonly name: string;
}

/** Where a process' output goes. The sink knows the time if it wants to note it. */
export interface LogSink {
  write(stream: 'stdout' | 'stderr', line: string): void;
  /** Takes pieces as they are written, lines or not. Without it, lines are put together from them. */
  raw?(stream: 'stdout' | 'stderr', text: string): void;
}

/** Something that must be given back when its process ends, whatever the way. */
export interface Resource {
  release(): void;
}

export interface SpawnOptions {
  readonly argv: readonly string[];
  /** Default: the parent's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Files;
  /** Default: `<machine's place>/<comm>` for a child of init, else the parent's place. */
  readonly place?: Place;
  readonly netns?: NamespaceRef;
  /** Path such as `/system.slice/kubelet.service`; made when it does not exist. */
  readonly cgroup?: string;
  readonly logs?: LogSink;
  /** Standard input; closed is its end. Default: none, as /dev/null. Children do not inherit it here: who starts them hands it on. */
  readonly stdin?: Channel<Chunk>;
  /** The terminal that stdin and the output belong to. */
  readonly tty?: Tty;
  /** The process' short name. Default: the last part of argv[0]. */
  readonly comm?: string;
  /** Default: init (pid 1). */
  readonly parent?: Process;
  readonly uid?: number;
  readonly gid?: number;
  /** Supplementary groups. */
  readonly groups?: readonly number[];
  /** Default: the parent's. */
  readonly oomScoreAdj?: number;
  /**
   * The process is the init (pid 1) of a PID namespace of its own, as the first process of a container is: signals other
   * than SIGKILL that it has no handler for are ignored, and all its descendants die with it.
   */
  readonly isolatePids?: boolean;
  /**
   * What it does from now on is its own affair, not part of what it was started for (a daemon's chatter must not prolong a user's
   * flow); its end still is. Default: `isolatePids`.
   */
  readonly background?: boolean;
}

/** What a running program sees: its process, and the calls it may make. */
export interface Os {
  readonly sim: Simulation;
  readonly machine: Machine;
  readonly process: Process;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** This process' view of the files (with its mounts). */
  readonly files: Files;
  readonly place: Place;
  /** Null: there is none. */
  readonly stdin: Channel<Chunk> | null;
  readonly tty: Tty | null;
  sleep(d: Micros): Op<void>;
  /** Starts a thread of this process. It dies with the process; an error that it does not catch crashes the process. */
  go(name: string, body: () => Op<unknown>): Task;
  /** Starts a child process; it inherits what the options leave out. */
  spawn(program: Program, options: SpawnOptions): Process;
  /** One line on stdout. */
  log(line: string): void;
  /** One line on stderr. */
  logError(line: string): void;
  /** Text or bytes on stdout, nothing added. */
  write(chunk: Chunk): void;
  /** Text or bytes on stderr, nothing added. */
  writeError(chunk: Chunk): void;
  /** Ends the process, with all its threads. */
  exit(code: number): Op<never>;
  /** Once called, SIGTERM, SIGINT, SIGHUP and SIGQUIT are delivered here instead of killing. */
  signals(): Channel<Signal>;
}
