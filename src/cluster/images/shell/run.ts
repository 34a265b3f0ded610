// Starting shells and applets in a process: argument lists, standard streams, what a command name stands for.

import type { Os } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Applet, AppletError } from './applet.ts';
import { runFromInput } from './command-loop.ts';
import { Interpreter } from './interpreter.ts';
import { BASH, Shell, type Streams, type Toolbox } from './shell.ts';
import {
  BrokenPipe, FileWriter, InputReader, LineReader, LogWriter, NULL_WRITER, OutputWriter, type Reader, TextReader, type Writer,
} from './streams.ts';

const EMPTY = new TextReader('');
/** fork and exec of a small program. */
const FORK_COST = 400;

/** The standard streams of a process: its log or whoever takes its output in pieces; its input, if it has one. */
export function processStreams(os: Os): Streams {
  const stdin = new LineReader(os.stdin === null ? EMPTY : new InputReader(os.stdin));
  const raw = os.process.logs.raw !== undefined;
  const output = (stream: 'stdout' | 'stderr'): Writer => (raw ? new OutputWriter(os, stream) : new LogWriter(os, stream));
  return { stdin, stdout: output('stdout'), stderr: output('stderr'), others: new Map() };
}

/** `sh …`: runs `-c script`, a script file, or standard input. Returns the exit code. */
export function* runShell(os: Os, tools: Toolbox, argv: readonly string[], streams: Streams): Op<number> {
  // An image's sh may be another shell than its bash.
  const toolbox = tools.dialect.name !== 'bash' && /(^|\/)bash$/.test(argv[0] ?? '') ? { ...tools, dialect: BASH } : tools;
  let args = argv.slice(1);
  let script: string | null = null;
  const options: string[] = [];
  while (args[0]?.startsWith('-') || args[0]?.startsWith('+')) {
    const flag = args[0];
    args = args.slice(1);
    if (flag === '--') break;
    if (flag === '-o' || flag === '+o') args = args.slice(1);
    else if (flag.startsWith('-') && !flag.startsWith('--')) options.push(...flag.slice(1));
  }
  let name = (argv[0] ?? 'sh').replace(/^-/, '');
  let file: string | null = null;
  if (options.includes('c')) {
    script = args[0] ?? null;
    if (script === null) {
      yield* streams.stderr.write(`${name}: -c requires an argument\n`);
      return 2;
    }
    if (args[1] !== undefined) name = args[1];
    args = args.slice(2);
  } else if (args[0] !== undefined && !options.includes('s')) {
    file = args[0];
    args = args.slice(1);
  }
  const shell = new Shell(os, toolbox, file ?? name);
  shell.parameters = args;
  for (const option of options) if (option !== 'c') shell.options.add(option);
  if (file !== null) {
    try {
      script = os.files.read(shell.path(file));
    } catch {
      yield* streams.stderr.write(`${toolbox.dialect.prefix(name).replace(': 1: ', ': 0: ')}can't open '${file}': No such file or directory\n`);
      return toolbox.dialect.name === 'bash' ? 127 : 2;
    }
  }
  if (script === null) return yield* runFromInput(new Interpreter(shell), streams, options.includes('i') || os.tty !== null);
  return yield* new Interpreter(shell).top(script, streams);
}

/** Runs an applet to its end, in the calling process. */
export function* runApplet(
  os: Os,
  toolbox: Toolbox,
  applet: Applet,
  argv: readonly string[],
  streams: Streams,
  cwd: string,
  env: Readonly<Record<string, string>> = os.env,
): Op<number> {
  const name = (argv[0] ?? '').split('/').pop() ?? '';
  os.process.useCpu(FORK_COST);
  yield* os.sleep(FORK_COST);
  const run = function* (inner: readonly string[], stdin: LineReader, stdout: Writer): Op<number> {
    const interpreter = new Interpreter(new Shell(os, toolbox, name));
    interpreter.shell.cwd = cwd;
    return yield* interpreter.run(inner, { ...streams, stdin, stdout });
  };
  try {
    const { stdin, stdout, stderr } = streams;
    return yield* applet({ os, name, args: argv.slice(1), stdin, stdout, stderr, cwd, env, run });
  } catch (error) {
    if (error instanceof BrokenPipe) return 141;
    if (!(error instanceof AppletError)) throw error;
    yield* streams.stderr.write(`${name}: ${error.message}\n`);
    return error.code;
  } finally {
    streams.stdout.flush();
    streams.stderr.flush();
  }
}

/** What a command name stands for, or why it cannot be run. `main`: it is what the container was started for. */
export function findCommand(shell: Shell, name: string, main = false): Applet | string {
  const { os, toolbox } = shell;
  if (!name.includes('/')) return toolbox.applet(name) ?? installed(shell, name) ?? toolbox.assumed?.(name, main) ?? toolbox.dialect.notFound(name);
  const path = shell.path(name);
  if (os.files.isDirectory(path)) return `${name}: Permission denied`;
  if (os.files.exists(path)) {
    if ((os.files.stat(path).mode & 0o111) === 0) return `${name}: Permission denied`;
    return scriptApplet(toolbox, path);
  }
  const base = path.slice(path.lastIndexOf('/') + 1);
  const known = /^\/(usr\/(local\/)?)?s?bin\/[^/]+$/.test(path) ? toolbox.applet(base) : undefined;
  return known ?? toolbox.assumed?.(name, main) ?? toolbox.dialect.notFound(name);
}

function installed({ os, toolbox }: Shell, name: string): Applet | undefined {
  const applet = toolbox.installable?.get(name);
  return applet !== undefined && os.files.exists(`/usr/bin/${name}`) ? applet : undefined;
}

/** An executable text file: run by a shell, whatever its first line says. */
function scriptApplet(toolbox: Toolbox, path: string): Applet {
  return ({ os, args, stdin, stdout, stderr }) => runShell(os, toolbox, ['sh', path, ...args], { stdin, stdout, stderr, others: new Map() });
}

/** Opens a redirection's file. Throws FileError. */
export function openFile(shell: Shell, text: string, operator: string, streams: Streams): Reader | Writer {
  const path = shell.path(text);
  if (operator === '<') {
    if (path === '/dev/null') return new LineReader(EMPTY);
    if (path === '/dev/stdin' || path === '/proc/self/fd/0') return streams.stdin;
    return new LineReader(new TextReader(shell.os.files.read(path)));
  }
  if (path === '/dev/null') return NULL_WRITER;
  // The log of the container's first process, as images link their log files to it.
  if (path === '/dev/stdout' || path === '/proc/1/fd/1' || path === '/proc/self/fd/1') return streams.stdout;
  if (path === '/dev/stderr' || path === '/proc/1/fd/2' || path === '/proc/self/fd/2') return streams.stderr;
  return new FileWriter(shell.os.files, path, operator === '>>');
}
