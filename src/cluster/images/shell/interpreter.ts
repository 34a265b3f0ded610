// Runs shell scripts on virtual time: each external command is a process, pipelines run side by side, signals are noticed
// between commands as ash notices them.

import type { Os, Process, SpawnOptions } from '../../machine/process.ts';
import { belongsToInit } from '../../runtime/container-hints.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Applet } from './applet.ts';
import type { AndOr, Command, List, Pipeline, Word } from './ast.ts';
import { assignedText } from './bash-words.ts';
import { runCompound } from './compound.ts';
import { BUILTINS, SPECIAL_BUILTINS } from './builtins.ts';
import { expandWords, type Substitute } from './expand.ts';
import { parseScript } from './parser.ts';
import { redirected } from './redirects.ts';
import { findCommand, runApplet } from './run.ts';
import { Exit, LoopJump, Return, Shell, ShellError, type Streams, type Variable } from './shell.ts';
import { BrokenPipe, InputReader, LineReader, Pipe, TextReader, TextWriter } from './streams.ts';
import { SyntaxError } from './words.ts';

const EMPTY = new TextReader('');

export class Interpreter {
  readonly shell: Shell;
  /** This process was forked for one simple command: run it here, as exec would. */
  #inPlace = false;
  /** The command that runs is the one that the container was started for. */
  #main = false;

  constructor(shell: Shell) {
    this.shell = shell;
  }

  /** A whole script; its `exit`, its errors and its EXIT trap included. */
  *top(script: string, streams: Streams): Op<number> {
    const { shell } = this;
    return yield* this.#ending(streams, () => {
      const list = parseScript(script);
      if (shell.toolbox.assumed !== undefined && belongsToInit(shell.os.process)) shell.main = lastCommands(list);
      return this.list(list, streams);
    });
  }

  /** A body as the whole of a shell, as `top` runs a script. */
  whole(streams: Streams, body: () => Op<void>): Op<number> {
    return this.#ending(streams, body);
  }

  /** Parses and runs text in this shell: `eval`, `.`, traps. */
  *script(text: string, streams: Streams): Op<void> {
    yield* this.list(parseScript(text), streams);
  }

  *list(list: List, streams: Streams): Op<void> {
    for (const { andOr, background } of list.items) {
      const now = this.#current(streams);
      yield* this.#signals(now);
      if (background) yield* this.#background(andOr, now);
      else yield* this.#andOr(andOr, now);
    }
  }

  /** Streams as `exec` has left them. */
  #current(streams: Streams): Streams {
    const { lasting } = this.shell;
    let now = streams;
    for (let next = lasting?.get(now); next !== undefined; next = lasting?.get(now)) now = next;
    return now;
  }

  /** Runs a body as the whole of a shell: what it throws becomes an exit code. */
  *#ending(streams: Streams, body: () => Op<void>): Op<number> {
    const { shell } = this;
    let code: number;
    try {
      yield* body();
      code = shell.status;
    } catch (error) {
      code = yield* this.#codeOf(error, streams);
    }
    const trap = shell.traps.get('EXIT');
    if (trap !== undefined && trap !== '') {
      shell.traps.delete('EXIT');
      shell.status = code;
      try {
        yield* this.script(trap, streams);
      } catch (error) {
        code = yield* this.#codeOf(error, streams);
      }
    }
    streams.stdout.flush();
    streams.stderr.flush();
    return code;
  }

  *#codeOf(error: unknown, streams: Streams): Op<number> {
    if (error instanceof Exit) return error.code;
    if (error instanceof BrokenPipe) return 141;
    if (error instanceof LoopJump) return this.shell.status;
    if (!(error instanceof SyntaxError) && !(error instanceof ShellError)) throw error;
    yield* this.complain(streams, error.message);
    return 2;
  }

  *complain(streams: Streams, message: string): Op<void> {
    const { dialect } = this.shell.toolbox;
    yield* streams.stderr.write(`${dialect.prefix(this.shell.name)}${message}\n`);
  }

  *#andOr({ first, rest }: AndOr, streams: Streams): Op<void> {
    const { shell } = this;
    yield* this.#pipeline(first, streams, rest.length > 0);
    for (const [i, { operator, pipeline }] of rest.entries()) {
      if ((operator === '&&') !== (shell.status === 0)) continue;
      yield* this.#pipeline(pipeline, streams, i < rest.length - 1);
    }
  }

  *#pipeline(pipeline: Pipeline, streams: Streams, guarded: boolean): Op<void> {
    const { shell } = this;
    const { commands, negated } = pipeline;
    if (guarded || negated) shell.guarded++;
    try {
      if (commands.length === 1) yield* this.command(commands[0] as Command, streams);
      else yield* this.#piped(commands, streams);
    } finally {
      if (guarded || negated) shell.guarded--;
    }
    if (negated) shell.status = shell.status === 0 ? 1 : 0;
    else if (shell.status !== 0 && !guarded && shell.guarded === 0 && shell.options.has('e')) throw new Exit(shell.status);
  }

  /** Every part in a process of its own. */
  *#piped(commands: readonly Command[], streams: Streams): Op<void> {
    const { shell } = this;
    const children: Process[] = [];
    let input = streams.stdin;
    for (const [i, command] of commands.entries()) {
      const last = i === commands.length - 1;
      const pipe = last ? null : new Pipe(shell.os.sim);
      const previous = input;
      const own: Streams = { ...streams, stdin: previous, stdout: pipe ?? streams.stdout };
      children.push(
        this.#fork(own, command, (inner) => inner.command(command, own), () => {
          pipe?.closeWriter();
          const source = sources.get(previous);
          source?.closeReader();
        }),
      );
      if (pipe) {
        input = new LineReader(pipe);
        sources.set(input, pipe);
      }
    }
    for (const child of children) shell.status = (yield* child.wait()).code;
  }

  /** A copy of this shell in a process of its own. */
  #fork(streams: Streams, only: Command | null, body: (inner: Interpreter) => Op<void>, onEnd?: () => void): Process {
    const { shell } = this;
    const name = only?.type === 'simple' ? literal(only.words[0]) : null;
    const child = shell.os.spawn(
      (os) => {
        const inner = new Interpreter(new Shell(os, shell.toolbox, shell.name, shell));
        inner.#inPlace = only?.type === 'simple';
        return inner.#ending(streams, () => body(inner));
      },
      { argv: shell.os.argv, comm: name ?? shell.os.process.comm, env: shell.environment() },
    );
    if (onEnd) child.onExit(onEnd);
    return child;
  }

  *#background(andOr: AndOr, streams: Streams): Op<void> {
    const { shell } = this;
    const own: Streams = { ...streams, stdin: new LineReader(EMPTY) };
    const only = andOr.rest.length === 0 && andOr.first.commands.length === 1 ? (andOr.first.commands[0] as Command) : null;
    const child = this.#fork(own, only, (inner) => inner.#andOr(andOr, own));
    shell.lastBackground = child.pid;
    shell.jobs.set(child.pid, child);
    shell.status = 0;
    yield* shell.spend();
  }

  *command(command: Command, streams: Streams): Op<void> {
    const { shell } = this;
    if (command.type === 'function') {
      shell.functions.set(command.name, command.body);
      shell.status = 0;
      return;
    }
    if (command.type === 'simple') {
      yield* this.#simple(command, streams);
      return;
    }
    const inner = command.redirects.length === 0 ? streams : yield* redirected(shell, command.redirects, streams, this.substitute(streams));
    if (inner === null) return;
    try {
      yield* runCompound(this, command, inner);
    } finally {
      if (inner !== streams) this.#flush(inner, streams);
    }
  }

  *#simple(command: Extract<Command, { type: 'simple' }>, streams: Streams): Op<void> {
    const { shell } = this;
    const substitute = this.substitute(streams);
    let substituted = false;
    const noting: Substitute = function* (list) {
      substituted = true;
      return yield* substitute(list);
    };
    const argv = yield* expandWords(shell, command.words, noting);
    const assigned: [string, string][] = [];
    for (const assignment of command.assignments) {
      const value = yield* assignedText(shell, assignment, noting);
      if (value !== null) assigned.push([assignment.name, value]);
    }
    const inner = command.redirects.length === 0 ? streams : yield* redirected(shell, command.redirects, streams, this.substitute(streams));
    if (inner === null) return;
    if (shell.options.has('x') && argv.length > 0) yield* streams.stderr.write(`+ ${argv.join(' ')}\n`);
    const name = argv[0];
    if (name === undefined) {
      for (const [key, value] of assigned) shell.set(key, value);
      if (!substituted) shell.status = 0;
      return;
    }
    if (name === 'exec') {
      yield* this.#exec(argv.slice(1), inner, streams);
      return;
    }
    const saved = assigned.map(([key]) => [key, shell.variables.get(key)] as const);
    for (const [key, value] of assigned) {
      shell.set(key, value);
      shell.variables.set(key, { value, exported: true, readonly: false });
    }
    this.#main = shell.main?.includes(command) ?? false;
    try {
      shell.status = yield* this.#invoke(name, argv, inner);
    } finally {
      if (inner !== streams) this.#flush(inner, streams);
      if (!SPECIAL_BUILTINS.has(name)) {
        for (const [key, old] of saved) {
          if (old) shell.variables.set(key, old);
          else shell.variables.delete(key);
        }
      }
    }
  }

  *#invoke(name: string, argv: readonly string[], streams: Streams): Op<number> {
    const { shell } = this;
    const body = shell.functions.get(name);
    if (body) return yield* this.#callFunction(body, argv.slice(1), streams);
    const builtin = BUILTINS.get(name);
    if (builtin) {
      yield* shell.spend();
      return yield* builtin({ interpreter: this, shell, name, args: argv.slice(1), streams });
    }
    const target = findCommand(shell, name, this.#main);
    if (typeof target === 'string') {
      yield* this.complain(streams, target);
      return target.endsWith('not found') ? 127 : 126;
    }
    if (this.#inPlace) return yield* runApplet(shell.os, shell.toolbox, target, argv, streams, shell.cwd, shell.environment());
    return yield* this.#runProcess(target, argv, streams);
  }

  *#callFunction(body: Command, args: readonly string[], streams: Streams): Op<number> {
    const { shell } = this;
    const outer = shell.parameters;
    shell.parameters = args;
    const scope = new Map<string, Variable | undefined>();
    shell.scopes.push(scope);
    try {
      yield* this.command(body, streams);
      return shell.status;
    } catch (error) {
      if (error instanceof Return) return error.code;
      throw error;
    } finally {
      shell.parameters = outer;
      shell.scopes.pop();
      for (const [name, old] of scope) {
        if (old) shell.variables.set(name, old);
        else shell.variables.delete(name);
      }
    }
  }

  *#runProcess(applet: Applet, argv: readonly string[], streams: Streams): Op<number> {
    const { shell } = this;
    const { cwd, toolbox } = shell;
    const child = shell.os.spawn((os) => runApplet(os, toolbox, applet, argv, streams, cwd), {
      argv,
      comm: (argv[0] ?? '').split('/').pop() ?? '',
      env: { ...shell.environment(), PWD: cwd },
      ...terminalOf(shell.os, streams.stdin),
    });
    const { code, signal } = yield* child.wait();
    if (signal === 'SIGKILL') yield* streams.stderr.write('Killed\n');
    else if (signal === 'SIGTERM') yield* streams.stderr.write('Terminated\n');
    return code;
  }

  /** Runs a command by name, as `xargs` and `timeout` do. */
  *run(argv: readonly string[], streams: Streams): Op<number> {
    return yield* this.#invoke(argv[0] ?? '', argv, streams);
  }

  /** Replaces the shell by the command; without one, its redirections stay. */
  *#exec(argv: readonly string[], streams: Streams, before: Streams): Op<void> {
    const { shell } = this;
    const name = argv[0];
    if (name === undefined) {
      if (streams !== before) (shell.lasting ??= new Map()).set(before, streams);
      shell.status = 0;
      return;
    }
    const target = findCommand(shell, name, shell.main !== null);
    if (typeof target === 'string') {
      yield* this.complain(streams, target);
      throw new Exit(target.endsWith('not found') ? 127 : 126);
    }
    shell.traps.clear();
    throw new Exit(yield* runApplet(shell.os, shell.toolbox, target, argv, streams, shell.cwd, shell.environment()));
  }

  /** `( … )`: a copy of the shell in a process of its own; returns its status. */
  *subshell(body: List, streams: Streams): Op<number> {
    return (yield* this.#fork(streams, null, (inner) => inner.list(body, streams)).wait()).code;
  }

  /** `$(…)`: a copy of the shell whose output is kept. */
  substitute(streams: Streams): Substitute {
    const { shell } = this;
    return (list) => {
      const output = new TextWriter();
      const copy = new Interpreter(new Shell(shell.os, shell.toolbox, shell.name, shell));
      const run = copy.#ending({ ...streams, stdout: output }, () => copy.list(list, { ...streams, stdout: output }));
      return (function* (): Op<string> {
        shell.status = yield* run;
        return output.text;
      })();
    };
  }

  #flush(inner: Streams, outer: Streams): void {
    if (inner.stdout !== outer.stdout) inner.stdout.flush();
    if (inner.stderr !== outer.stderr) inner.stderr.flush();
  }

  /** Signals that have come since the last command. */
  *#signals(streams: Streams): Op<void> {
    const { shell } = this;
    if (!shell.trapsArmed) return;
    for (let signal = shell.os.signals().tryReceive(); signal !== undefined; signal = shell.os.signals().tryReceive()) {
      yield* this.trapped(signal, streams);
    }
  }

  /** What a signal does to a shell that has traps. */
  *trapped(signal: string, streams: Streams): Op<void> {
    const { shell } = this;
    const trap = shell.traps.get(signal.replace('SIG', ''));
    if (trap === undefined) {
      // The default action of a signal without a trap; the init of a container has none.
      if (!shell.os.process.isolatePids) throw new Exit(signal === 'SIGINT' ? 130 : 143);
      return;
    }
    const { status } = shell;
    if (trap !== '') yield* this.script(trap, streams);
    shell.status = status;
  }
}

/** The commands of a script's last pipeline. */
function lastCommands(list: List): readonly Command[] {
  const last = list.items.at(-1)?.andOr;
  const pipeline = last?.rest.at(-1)?.pipeline ?? last?.first;
  return pipeline?.commands ?? [];
}

function literal(word: Word | undefined): string | null {
  const part = word?.length === 1 ? word[0] : undefined;
  return part?.type === 'text' ? part.text : null;
}

/** Which pipe a reader reads, so that it can be closed with its process. */
const sources = new WeakMap<LineReader, Pipe>();

/** A command whose input is the shell's terminal gets the terminal itself. */
function terminalOf({ tty }: Os, stdin: LineReader): Pick<SpawnOptions, 'tty' | 'stdin'> {
  return tty !== null && stdin.source instanceof InputReader && stdin.source.input === tty.input ? { tty, stdin: tty.input } : {};
}
