// The shell's own commands (POSIX 2.14 and busybox ash's extensions).

import { receiveAny, Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { Process, Signal } from '../../machine/process.ts';
import { MORE_BUILTINS } from './builtins-more.ts';
import { formatPrintf, unescape } from './format.ts';
import type { Interpreter } from './interpreter.ts';
import { Exit, LoopJump, Return, type Shell, ShellError, type Streams } from './shell.ts';
import { testExpression } from './test-expression.ts';
import { reasonOf } from './streams.ts';

export interface BuiltinContext {
  readonly interpreter: Interpreter;
  readonly shell: Shell;
  readonly name: string;
  readonly args: readonly string[];
  readonly streams: Streams;
}

export type Builtin = (context: BuiltinContext) => Op<number>;

/** Those before which assignments stay. */
export const SPECIAL_BUILTINS: ReadonlySet<string> = new Set([
  'break', ':', 'continue', '.', 'eval', 'exec', 'exit', 'export', 'readonly', 'return', 'set', 'shift', 'times', 'trap', 'unset',
]);

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', constant(0)],
  ['true', constant(0)],
  ['false', constant(1)],
  ['ulimit', constant(0)],
  ['hash', constant(0)],
  ['echo', echo],
  ['printf', printf],
  ['test', test],
  ['[', test],
  ['cd', cd],
  ['pwd', ({ shell, streams }) => say(streams, shell.cwd)],
  ['export', exportVariables],
  ['readonly', exportVariables],
  ['local', local],
  ['unset', unset],
  ['exit', exit],
  ['return', exit],
  ['break', jump],
  ['continue', jump],
  ['shift', shift],
  ['set', set],
  ['eval', evaluate],
  ['.', source],
  ['source', source],
  ['trap', trap],
  ['wait', wait],
  ['kill', kill],
  ['sleep', sleep],
  ['umask', ({ args, streams }) => (args.length === 0 ? say(streams, '0022') : constant(0)())],
  ['type', type],
  ['command', command],
  ...MORE_BUILTINS,
]);

function constant(code: number): () => Op<number> {
  return function* () {
    return code;
  };
}

function* say(streams: Streams, line: string, code = 0): Op<number> {
  yield* streams.stdout.write(`${line}\n`);
  return code;
}

function* fail({ interpreter, name, streams }: BuiltinContext, message: string, code = 1): Op<number> {
  yield* interpreter.complain(streams, `${name}: ${message}`);
  return code;
}

function* echo({ shell, args, streams }: BuiltinContext): Op<number> {
  let newline = true;
  let escapes = shell.toolbox.dialect.name === 'dash';
  let i = 0;
  for (; /^-[neE]+$/.test(args[i] ?? ''); i++) {
    const flags = args[i] as string;
    if (flags.includes('n')) newline = false;
    if (flags.includes('e')) escapes = true;
    if (flags.includes('E')) escapes = false;
  }
  let text = args.slice(i).join(' ');
  if (escapes) {
    const cut = /(^|[^\\])(\\\\)*\\c/.exec(text);
    if (cut) {
      text = text.slice(0, cut.index + cut[0].length - 2);
      newline = false;
    }
    text = unescape(text);
  }
  yield* streams.stdout.write(newline ? `${text}\n` : text);
  return 0;
}

function* printf({ args, streams, ...context }: BuiltinContext): Op<number> {
  const format = args[0];
  if (format === undefined) return yield* fail({ args, streams, ...context }, 'usage: printf FORMAT [ARG]...', 2);
  yield* streams.stdout.write(formatPrintf(format, args.slice(1)));
  return 0;
}

function* test(context: BuiltinContext): Op<number> {
  const { shell, name } = context;
  let args = context.args;
  if (name === '[') {
    if (args.at(-1) !== ']') return yield* fail(context, 'missing ]', 2);
    args = args.slice(0, -1);
  }
  try {
    return testExpression(args, shell.os.files, (path) => shell.path(path)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    return yield* fail(context, error.message, 2);
  }
}

function* cd(context: BuiltinContext): Op<number> {
  const { shell, args, streams } = context;
  const wanted = args[0] === '-' ? (shell.get('OLDPWD') ?? shell.cwd) : (args[0] ?? shell.get('HOME') ?? '/root');
  const path = shell.path(wanted);
  // Of an image that nobody described, the directories are assumed to be there.
  if (shell.toolbox.assumed !== undefined && !shell.os.files.exists(path)) shell.os.files.mkdir(path);
  if (!shell.os.files.isDirectory(path) && path !== '/root') {
    const why = shell.os.files.exists(path) ? 'Not a directory' : 'No such file or directory';
    yield* context.interpreter.complain(streams, shell.toolbox.dialect.name === 'bash' ? `cd: ${wanted}: ${why}` : `cd: can't cd to ${wanted}: ${why}`);
    return shell.toolbox.dialect.name === 'dash' ? 2 : 1;
  }
  shell.set('OLDPWD', shell.cwd);
  shell.cwd = path;
  shell.set('PWD', path);
  if (args[0] === '-') yield* streams.stdout.write(`${path}\n`);
  return 0;
}

function* exportVariables({ shell, name, args, streams }: BuiltinContext): Op<number> {
  if (args.length === 0 || args[0] === '-p') {
    for (const [key, variable] of [...shell.variables].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (name === 'export' ? variable.exported : variable.readonly) yield* streams.stdout.write(`${name} ${key}='${variable.value}'\n`);
    }
    return 0;
  }
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const key = equals < 0 ? arg : arg.slice(0, equals);
    if (!/^[A-Za-z_]\w*$/.test(key)) throw new ShellError(`${name}: ${key}: bad variable name`);
    if (equals >= 0) shell.set(key, arg.slice(equals + 1));
    const old = shell.variables.get(key) ?? { value: '', exported: false, readonly: false };
    shell.variables.set(key, name === 'export' ? { ...old, exported: true } : { ...old, readonly: true });
  }
  return 0;
}
function* local({ shell, args }: BuiltinContext): Op<number> {
  const scope = shell.scopes.at(-1);
  if (!scope) throw new ShellError('local: not in a function');
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const key = equals < 0 ? arg : arg.slice(0, equals);
    if (!scope.has(key)) scope.set(key, shell.variables.get(key));
    if (equals >= 0) shell.set(key, arg.slice(equals + 1));
    else shell.variables.delete(key);
  }
  return 0;
}
function* unset({ shell, args }: BuiltinContext): Op<number> {
  const functions = args[0] === '-f';
  for (const key of args.filter((arg) => !arg.startsWith('-'))) {
    if (functions) shell.functions.delete(key);
    else if (shell.variables.get(key)?.readonly) throw new ShellError(`unset: ${key}: is read only`);
    else shell.variables.delete(key);
  }
  return 0;
}

function* exit({ shell, name, args }: BuiltinContext): Op<number> {
  const code = args[0] === undefined ? shell.status : Number(args[0]);
  if (!Number.isInteger(code)) throw new ShellError(`Illegal number: ${args[0] ?? ''}`);
  throw name === 'exit' ? new Exit(code & 255) : new Return(code & 255);
}
function* jump({ shell, name, args }: BuiltinContext): Op<number> {
  const levels = Math.min(shell.loops, Number(args[0] ?? '1'));
  if (levels < 1) return 0;
  throw new LoopJump(name as 'break' | 'continue', levels);
}
function* shift({ shell, args }: BuiltinContext): Op<number> {
  const n = Number(args[0] ?? '1');
  if (n > shell.parameters.length) throw new ShellError("shift: can't shift that many");
  shell.parameters = shell.parameters.slice(n);
  return 0;
}

function* set({ shell, args, streams }: BuiltinContext): Op<number> {
  if (args.length === 0) {
    for (const [key, { value }] of [...shell.variables].sort(([a], [b]) => (a < b ? -1 : 1))) yield* streams.stdout.write(`${key}='${value}'\n`);
    return 0;
  }
  const named: Readonly<Record<string, string>> = { errexit: 'e', nounset: 'u', xtrace: 'x', noglob: 'f', allexport: 'a', pipefail: 'P' };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      shell.parameters = args.slice(i + 1);
      return 0;
    }
    if (!/^[-+]./.test(arg)) {
      shell.parameters = args.slice(i);
      return 0;
    }
    const letters = arg.slice(1) === 'o' ? [named[args[++i] ?? ''] ?? ''] : arg.slice(1);
    for (const letter of letters) {
      if (arg.startsWith('-')) shell.options.add(letter);
      else shell.options.delete(letter);
    }
  }
  return 0;
}

function* evaluate({ interpreter, shell, args, streams }: BuiltinContext): Op<number> {
  shell.status = 0;
  yield* interpreter.script(args.join(' '), streams);
  return shell.status;
}

function* source({ interpreter, shell, args, streams }: BuiltinContext): Op<number> {
  const path = args[0] ?? '';
  let text: string;
  try {
    text = shell.os.files.read(shell.path(path));
  } catch (error) {
    throw new ShellError(`.: can't open '${path}': ${reasonOf(error)}`);
  }
  shell.status = 0;
  yield* interpreter.script(text, streams);
  return shell.status;
}

const SIGNALS: Readonly<Record<string, string>> = { 0: 'EXIT', 1: 'HUP', 2: 'INT', 3: 'QUIT', 9: 'KILL', 15: 'TERM' };
const signalName = (text: string): string => SIGNALS[text] ?? text.toUpperCase().replace(/^SIG/, '');

function* trap({ shell, args, streams }: BuiltinContext): Op<number> {
  if (args.length === 0) {
    for (const [signal, action] of shell.traps) yield* streams.stdout.write(`trap -- '${action}' ${signal}\n`);
    return 0;
  }
  const rest = args[0] === '--' ? args.slice(1) : args;
  const reset = rest[0] === '-' || rest.length === 1;
  for (const signal of rest.length === 1 ? rest : rest.slice(1)) {
    const name = signalName(signal);
    if (reset) shell.traps.delete(name);
    else shell.traps.set(name, rest[0] as string);
    if (name !== 'EXIT' && !shell.trapsArmed) {
      shell.trapsArmed = true;
      shell.os.signals();
    }
  }
  return 0;
}

/** Waits for background jobs; a signal with a trap ends the wait at once. */
function* wait({ interpreter, shell, args, streams }: BuiltinContext): Op<number> {
  const pids = args.filter((arg) => !arg.startsWith('-')).map(Number);
  const jobs = pids.length === 0 ? [...shell.jobs.values()] : pids.flatMap((pid) => shell.jobs.get(pid) ?? []);
  if (pids.length > 0 && jobs.length === 0) return 127;
  let code = 0;
  for (const job of jobs) {
    const interrupted = yield* waitFor(shell, job);
    if (interrupted !== null) {
      yield* interpreter.trapped(interrupted, streams);
      return 143;
    }
    shell.jobs.delete(job.pid);
    code = job.status?.code ?? 0;
  }
  return pids.length === 0 ? 0 : code;
}

/** The signal that came before the job ended, or null. */
function* waitFor(shell: Shell, job: Process): Op<Signal | null> {
  if (!job.alive) return null;
  if (!shell.trapsArmed) {
    yield* job.wait();
    return null;
  }
  const ended = new Channel<Signal | null>(shell.os.sim);
  job.onExit(() => ended.send(null));
  const got = yield* receiveAny<Signal | null>(shell.os.sim, [shell.os.signals(), ended]);
  return typeof got === 'symbol' ? null : (got.value ?? null);
}

function* kill(context: BuiltinContext): Op<number> {
  const { shell, args, streams } = context;
  let signal = 'TERM';
  let targets = args;
  const first = args[0] ?? '';
  if (first === '-l') return yield* say(streams, 'HUP INT QUIT KILL TERM');
  if (first === '-s') {
    signal = signalName(args[1] ?? '');
    targets = args.slice(2);
  } else if (first.startsWith('-')) {
    signal = first === '-0' ? '0' : signalName(first.slice(1));
    targets = args.slice(1);
  }
  if (targets.length === 0) return yield* fail(context, 'you need to specify whom to kill');
  let code = 0;
  for (const text of targets) {
    const process = findProcess(shell, Number(text));
    if (!process) {
      code = yield* fail(context, `can't kill pid ${text}: No such process`);
      continue;
    }
    // The init of a container cannot be killed from inside it.
    if (signal === '0' || (process.isolatePids && signal === 'KILL')) continue;
    process.kill(`SIG${signal}` as Signal);
  }
  return code;
}

function findProcess(shell: Shell, pid: number): Process | undefined {
  const { os } = shell;
  if (pid === 1) {
    for (let p: Process | null = os.process; p; p = p.parent) if (p.isolatePids) return p;
  }
  const found = os.machine.processes.get(pid);
  // Other containers' processes are out of sight; from the machine itself all are seen.
  const own = initOf(os.process);
  return found !== undefined && (own === null || initOf(found) === own) ? found : undefined;
}

/** The first process of the PID namespace; null on the machine itself. */
function initOf(process: Process): Process | null {
  for (let p: Process | null = process; p !== null; p = p.parent) if (p.isolatePids) return p;
  return null;
}

function* sleep(context: BuiltinContext): Op<number> {
  const { shell, args } = context;
  let seconds = 0;
  if (args.length === 0) return yield* fail(context, 'missing operand');
  const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };
  for (const arg of args) {
    if (arg === 'infinity' || arg === 'inf') {
      seconds = 3600 * 24 * 365 * 100;
      continue;
    }
    const m = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(arg);
    if (!m) return yield* fail(context, `invalid number '${arg}'`);
    seconds += Number(m[1]) * (units[m[2] as string] as number);
  }
  yield* shell.os.sleep(Math.round(seconds * SECOND));
  return 0;
}

function* type({ shell, args, streams }: BuiltinContext): Op<number> {
  let code = 0;
  for (const name of args) {
    let what = `${name}: not found`;
    if (shell.functions.has(name)) what = `${name} is a shell function`;
    else if (BUILTINS.has(name)) what = `${name} is a shell builtin`;
    else if (shell.toolbox.applet(name)) what = `${name} is /bin/${name}`;
    else code = 127;
    yield* streams.stdout.write(`${what}\n`);
  }
  return code;
}

function* command({ interpreter, shell, args, streams }: BuiltinContext): Op<number> {
  if (args[0] !== '-v' && args[0] !== '-V') return args.length === 0 ? 0 : yield* interpreter.run(args, streams);
  const name = args[1] ?? '';
  if (shell.functions.has(name) || BUILTINS.has(name)) return yield* say(streams, name);
  if (shell.toolbox.applet(name)) return yield* say(streams, `/bin/${name}`);
  return 127;
}
