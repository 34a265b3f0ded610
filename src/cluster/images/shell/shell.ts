// The state of one shell process and its children's, and what its parts may throw to leave a construct.

import type { Os, Process } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../../sim/time.ts';
import type { Applet } from './applet.ts';
import type { Command } from './ast.ts';
import type { LineReader, Reader, Writer } from './streams.ts';

/** Which shell it is: its name and how it words its complaints. */
export interface Dialect {
  readonly name: 'busybox' | 'dash' | 'bash';
  /** e.g. `foo: not found`. */
  notFound(command: string): string;
  /** What stands before a message: `sh: `, `sh: 1: `, `bash: line 1: `. */
  prefix(shell: string): string;
}

export const BUSYBOX: Dialect = { name: 'busybox', notFound: (command) => `${command}: not found`, prefix: (shell) => `${shell}: ` };
export const DASH: Dialect = { name: 'dash', notFound: (command) => `${command}: not found`, prefix: (shell) => `${shell}: 1: ` };
export const BASH: Dialect = { name: 'bash', notFound: (command) => `${command}: command not found`, prefix: (shell) => `${shell}: line 1: ` };

/** What of the image a shell needs to know. */
export interface Toolbox {
  readonly dialect: Dialect;
  /** By name, e.g. `wget`. */
  applet(name: string): Applet | undefined;
  /** Commands that a package manager brings: they are there once `/usr/bin/<name>` is. */
  readonly installable?: ReadonlyMap<string, Applet>;
  /** In an image of which nothing is known: what a command stands for that is not among its commands. `main`: what the container was started for. */
  assumed?(name: string, main: boolean): Applet;
}

export interface Variable {
  readonly value: string;
  readonly exported: boolean;
  readonly readonly: boolean;
}

export interface Streams {
  readonly stdin: LineReader;
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** Descriptors from 3 on. */
  readonly others: ReadonlyMap<number, Reader | Writer>;
}

export class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super('exit');
    this.code = code;
  }
}

export class Return extends Exit {}

/** break (or continue) of `levels` loops. */
export class LoopJump extends Error {
  readonly kind: 'break' | 'continue';
  readonly levels: number;

  constructor(kind: 'break' | 'continue', levels: number) {
    super(kind);
    this.kind = kind;
    this.levels = levels;
  }
}

/** An error that ends a non-interactive shell: a bad substitution, a readonly variable. */
export class ShellError extends Error {}

/** What a builtin command costs, and how much is owed before the process really uses the CPU. */
const STEP: Micros = 20;
const FIRST_QUANTUM: Micros = MILLISECOND;
const LAST_QUANTUM: Micros = 100 * MILLISECOND;

export class Shell {
  readonly os: Os;
  readonly toolbox: Toolbox;
  /** $0. */
  readonly name: string;
  readonly variables: Map<string, Variable>;
  /** bash's arrays; they are never exported. */
  readonly arrays: Map<string, readonly string[]>;
  readonly functions: Map<string, Command>;
  readonly traps: Map<string, string>;
  parameters: readonly string[];
  cwd: string;
  status = 0;
  /** $!; the pids of background jobs that nobody has waited for. */
  lastBackground = 0;
  /** What `exec` without a command has made of the streams, for the rest of the shell. */
  lasting: Map<Streams, Streams> | null = null;
  readonly jobs = new Map<number, Process>();
  readonly options: Set<string>;
  loops = 0;
  /** For each function that runs: what `local` replaced. */
  readonly scopes: Map<string, Variable | undefined>[] = [];
  /** $$: the pid of the outermost shell. */
  readonly pid: number;
  /** The commands that the container was started for: the last of its script. */
  main: readonly Command[] | null;
  /** In the condition of an if, while, && …: `set -e` does not apply. */
  guarded = 0;
  #owed: Micros = 0;
  #quantum: Micros = FIRST_QUANTUM;
  #lastWait: Micros;
  trapsArmed = false;

  constructor(os: Os, toolbox: Toolbox, name: string, from?: Shell) {
    this.os = os;
    this.toolbox = toolbox;
    this.name = name;
    this.variables = new Map(from?.variables);
    this.arrays = new Map(from?.arrays);
    this.functions = new Map(from?.functions);
    this.traps = new Map();
    this.parameters = from?.parameters ?? [];
    this.cwd = from?.cwd ?? workingDirectory(os);
    this.status = from?.status ?? 0;
    this.options = new Set(from?.options);
    this.pid = from?.pid ?? pidSeenInside(os);
    this.main = from?.main ?? null;
    this.#lastWait = os.sim.now;
    if (!from) {
      for (const [key, value] of Object.entries(os.env)) this.variables.set(key, { value, exported: true, readonly: false });
      this.variables.set('PWD', { value: this.cwd, exported: true, readonly: false });
    }
  }

  get(name: string): string | undefined {
    return this.variables.get(name)?.value;
  }

  set(name: string, value: string): void {
    const old = this.variables.get(name);
    if (old?.readonly) throw new ShellError(`${name}: is read only`);
    this.variables.set(name, { value, exported: old?.exported ?? this.options.has('a'), readonly: false });
  }

  /** What children get. */
  environment(): Readonly<Record<string, string>> {
    const env: Record<string, string> = {};
    for (const [name, { value, exported }] of this.variables) if (exported) env[name] = value;
    return env;
  }

  /** An absolute path. */
  path(path: string): string {
    return resolvePath(this.cwd, path);
  }

  /** Takes CPU time for one step; a busy loop so lets virtual time pass. */
  *spend(): Op<void> {
    this.#owed += Math.max(STEP, this.#quantum / 500);
    if (this.#owed < this.#quantum) return;
    const { os } = this;
    // A loop that never waits is charged in larger and larger pieces, and more a step: a second of it costs few events.
    if (os.sim.now - this.#lastWait > 2 * this.#owed) this.#quantum = FIRST_QUANTUM;
    else this.#quantum = Math.min(LAST_QUANTUM, this.#quantum * 2);
    yield* os.process.compute(this.#owed);
    this.#owed = 0;
    this.#lastWait = os.sim.now;
  }
}

const workingDirectory = (os: Os): string => {
  const pwd = os.env['PWD'];
  return pwd !== undefined && pwd.startsWith('/') && os.files.isDirectory(pwd) ? pwd : '/';
};

/** The init of a container sees itself as pid 1. */
export const pidSeenInside = (os: Os): number => (os.process.isolatePids ? 1 : os.process.pid);

export function resolvePath(cwd: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
