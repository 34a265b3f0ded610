// A shell that reads its commands from standard input, one complete command at a time, as they come: piped scripts, and with a
// terminal the interactive shell with its prompts, where ^C ends the running command and not the shell.

import type { Process } from '../../machine/process.ts';
import { Deferred } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import type { List } from './ast.ts';
import type { Interpreter } from './interpreter.ts';
import { parseScript } from './parser.ts';
import { Exit, type Shell, ShellError, type Streams } from './shell.ts';
import { SyntaxError } from './words.ts';

const INTERRUPTED = 130;

/** Runs what standard input says; returns the exit code. */
export function runFromInput(interpreter: Interpreter, streams: Streams, interactive: boolean): Op<number> {
  return interpreter.whole(streams, () => loop(interpreter, streams, interactive));
}

function* loop(interpreter: Interpreter, streams: Streams, interactive: boolean): Op<void> {
  const { shell } = interpreter;
  const prompt = interactive ? streams.stderr : null;
  let text = '';
  const tty = interactive ? shell.os.tty : null;
  if (tty !== null) {
    tty.onSignal = () => {
      text = '';
      tty.write(`\n${promptOf(shell)}`);
    };
  }
  for (;;) {
    if (prompt !== null) yield* prompt.write(text === '' ? promptOf(shell) : (shell.get('PS2') ?? '> '));
    const line = yield* streams.stdin.line();
    if (line === undefined) {
      if (text !== '') yield* complainAbout(interpreter, text, streams);
      if (tty !== null) tty.write('\n');
      return;
    }
    text += `${line}\n`;
    if (isOpen(text)) continue;
    let list: List;
    try {
      list = parseScript(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (isUnfinished(error)) continue;
      text = '';
      if (!interactive) throw error;
      yield* interpreter.complain(streams, error.message);
      shell.status = 2;
      continue;
    }
    text = '';
    if (interactive) yield* runInterruptibly(interpreter, list, streams);
    else yield* interpreter.list(list, streams);
  }
}

const isUnfinished = (error: SyntaxError): boolean => /unexpected end of file|unterminated quoted string|EOF in backquote/.test(error.message);

/** A line goes on, or a here-document has not come to its end. */
function isOpen(text: string): boolean {
  if (text.endsWith('\\\n')) return true;
  for (const [, tab, word] of text.matchAll(/<<(-?)\s*['"]?([A-Za-z_][A-Za-z0-9_]*)/g)) {
    if (!text.split('\n').some((line) => (tab === '-' ? line.replace(/^\t+/, '') : line) === word)) return true;
  }
  return false;
}

/** The input ended in the middle of a command. */
function* complainAbout(interpreter: Interpreter, text: string, streams: Streams): Op<void> {
  try {
    yield* interpreter.list(parseScript(text), streams);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    yield* interpreter.complain(streams, error.message);
    interpreter.shell.status = 2;
  }
}

/** In a thread of its own, so that ^C can end it. */
function* runInterruptibly(interpreter: Interpreter, list: List, streams: Streams): Op<void> {
  const { shell } = interpreter;
  const { process, sim, tty } = shell.os;
  const done = new Deferred<unknown>(sim);
  const task = process.thread('command', () => interpreter.list(list, streams), (ended) => done.resolve(ended.error));
  const idle = tty?.onSignal ?? null;
  if (tty !== null) {
    tty.onSignal = () => {
      for (const child of process.children) if (!shell.jobs.has(child.pid)) interrupt(child);
      task.kill();
      shell.status = INTERRUPTED;
      shell.loops = 0;
      shell.guarded = 0;
      tty.write('\n');
    };
  }
  const error = yield* done.wait();
  if (tty !== null) tty.onSignal = idle;
  if (error === undefined) return;
  if (error instanceof Exit || !(error instanceof ShellError || error instanceof SyntaxError)) throw error;
  yield* interpreter.complain(streams, error.message);
  shell.status = 2;
}

function interrupt(process: Process): void {
  for (const child of process.children) interrupt(child);
  process.kill('SIGINT');
}

/** PS1, or what the shell shows without one. */
function promptOf(shell: Shell): string {
  const { os, toolbox, cwd } = shell;
  const sign = os.process.uid === 0 ? '#' : '$';
  const home = shell.get('HOME') ?? '/root';
  const short = home !== '/' && cwd === home ? '~' : home !== '/' && cwd.startsWith(`${home}/`) ? `~${cwd.slice(home.length)}` : cwd;
  const user = os.process.uid === 0 ? 'root' : String(os.process.uid);
  const host = os.env['HOSTNAME'] ?? os.machine.name;
  const given = shell.get('PS1') ?? DEFAULT_PROMPTS[toolbox.dialect.name];
  return given.replace(/\\([whu$])/g, (_all, letter: string) => (letter === 'w' ? short : letter === 'h' ? host : letter === 'u' ? user : sign));
}

const DEFAULT_PROMPTS = { busybox: '\\w \\$ ', dash: '\\$ ', bash: '\\u@\\h:\\w\\$ ' } as const;
