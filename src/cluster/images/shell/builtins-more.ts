// More builtins: read, getopts, let, declare, mapfile, and those of an interactive shell that have nothing to do here.

import type { Op } from '../../sim/simulation.ts';
import type { Builtin, BuiltinContext } from './builtins.ts';
import { calculate } from './expand.ts';
import { ShellError } from './shell.ts';

/** POSIX getopts: the next option of the parameters in `$name`, its argument in OPTARG. */
function* getopts({ shell, args, streams }: BuiltinContext): Op<number> {
  const [spec = '', name = 'opt', ...given] = args;
  const words = given.length > 0 ? given : shell.parameters;
  const place = shell.get('OPTIND') ?? '1';
  let index = Number(place);
  let inside = Number(shell.get('_OPTPLACE') ?? '1');
  const silent = spec.startsWith(':');
  const word = words[index - 1];
  const end = (): number => {
    shell.set(name, '?');
    return 1;
  };
  if (word === undefined || !word.startsWith('-') || word === '-') return end();
  if (word === '--') {
    shell.set('OPTIND', String(index + 1));
    return end();
  }
  const letter = word[inside] ?? '?';
  const at = letter === ':' ? -1 : spec.indexOf(letter);
  const takes = at >= 0 && spec[at + 1] === ':';
  inside++;
  shell.variables.delete('OPTARG');
  let option = letter;
  if (at < 0) {
    option = '?';
    if (silent) shell.set('OPTARG', letter);
    else yield* streams.stderr.write(`Illegal option -${letter}\n`);
  } else if (takes) {
    const rest = word.slice(inside);
    const value = rest !== '' ? rest : words[index];
    if (rest === '') index++;
    inside = word.length;
    if (value === undefined) {
      option = silent ? ':' : '?';
      if (silent) shell.set('OPTARG', letter);
      else yield* streams.stderr.write(`No arg for -${letter} option\n`);
    } else shell.set('OPTARG', value);
  }
  if (inside >= word.length) {
    index++;
    inside = 1;
  }
  shell.set('OPTIND', String(index));
  shell.set('_OPTPLACE', String(inside));
  shell.set(name, option);
  return 0;
}

function* let_({ shell, args }: BuiltinContext): Op<number> {
  let value = 0;
  for (const text of args) value = calculate(shell, text);
  return value === 0 ? 1 : 0;
}

/** declare, typeset: `-x` exports, `-r` protects, `-a` makes an array, `-i` calculates. */
function* declare({ shell, args, streams }: BuiltinContext): Op<number> {
  const flags = args.filter((arg) => /^[-+]/.test(arg)).join('');
  const names = args.filter((arg) => !/^[-+]/.test(arg));
  if (names.length === 0) {
    for (const [key, { value }] of [...shell.variables].sort(([a], [b]) => (a < b ? -1 : 1))) yield* streams.stdout.write(`declare -- ${key}="${value}"\n`);
    return 0;
  }
  for (const text of names) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const scope = shell.scopes.at(-1);
    if (scope !== undefined && !scope.has(name)) scope.set(name, shell.variables.get(name));
    if (flags.includes('a') || flags.includes('A')) {
      if (!shell.arrays.has(name)) shell.arrays.set(name, []);
      continue;
    }
    const value = equals < 0 ? (shell.get(name) ?? '') : text.slice(equals + 1);
    shell.set(name, flags.includes('i') ? String(calculate(shell, value)) : value);
    const now = shell.variables.get(name);
    if (now !== undefined) shell.variables.set(name, { ...now, exported: now.exported || flags.includes('x'), readonly: flags.includes('r') });
  }
  return 0;
}

/** mapfile, readarray: the lines of standard input as an array. */
function* mapfile({ shell, args, streams }: BuiltinContext): Op<number> {
  const trims = args.some((arg) => /^-\w*t/.test(arg));
  const lines: string[] = [];
  for (let line = yield* streams.stdin.line(); line !== undefined; line = yield* streams.stdin.line()) lines.push(trims ? line : `${line}\n`);
  shell.arrays.set(args.filter((arg) => !arg.startsWith('-')).at(-1) ?? 'MAPFILE', lines);
  return 0;
}

function* jobs({ shell, streams }: BuiltinContext): Op<number> {
  let n = 0;
  for (const job of shell.jobs.values()) if (job.alive) yield* streams.stdout.write(`[${++n}]+  Running                 ${job.argv.join(' ')} &\n`);
  return 0;
}

/** The last job that still runs is waited for. */
function* foreground({ shell }: BuiltinContext): Op<number> {
  const last = [...shell.jobs.values()].filter((job) => job.alive).at(-1);
  if (last === undefined) throw new ShellError('fg: no current job');
  return (yield* last.wait()).code;
}

function* read({ shell, args, streams }: BuiltinContext): Op<number> {
  const names = args.filter((arg, i) => !arg.startsWith('-') && args[i - 1] !== '-p' && args[i - 1] !== '-t');
  const array = args.some((arg) => /^-\w*a$/.test(arg));
  const raw = args.some((arg) => /^-\w*r/.test(arg));
  const prompt = args[args.indexOf('-p') + 1];
  if (args.includes('-p') && prompt !== undefined) yield* streams.stderr.write(prompt);
  let line = yield* streams.stdin.line();
  const ended = line === undefined || streams.stdin.unfinished;
  while (!raw && line?.endsWith('\\')) line = line.slice(0, -1) + ((yield* streams.stdin.line()) ?? '');
  const ifs = shell.get('IFS') ?? ' \t\n';
  let rest = trim(line ?? '', ifs);
  if (array) {
    shell.arrays.set(names[0] ?? 'REPLY', rest.split(new RegExp(`[${ifs.replace(/[\\\]^-]/g, '\\$&')}]+`)).filter((word) => word !== ''));
    return ended ? 1 : 0;
  }
  for (const [i, name] of (names.length === 0 ? ['REPLY'] : names).entries()) {
    const last = i >= names.length - 1;
    let end = 0;
    while (end < rest.length && !ifs.includes(rest[end] as string)) end++;
    shell.set(name, last ? rest : rest.slice(0, end));
    rest = last ? '' : trim(rest.slice(end + 1), ifs);
  }
  return ended ? 1 : 0;
}

function trim(text: string, ifs: string): string {
  const white = (c: string | undefined): boolean => c !== undefined && ' \t\n'.includes(c) && ifs.includes(c);
  let [from, to] = [0, text.length];
  while (from < to && white(text[from])) from++;
  while (to > from && white(text[to - 1])) to--;
  return text.slice(from, to);
}

function* nothing(): Op<number> {
  return 0;
}

export const MORE_BUILTINS: readonly (readonly [string, Builtin])[] = [
  ['read', read],
  ['getopts', getopts],
  ['let', let_],
  ['declare', declare],
  ['typeset', declare],
  ['mapfile', mapfile],
  ['readarray', mapfile],
  ['jobs', jobs],
  ['fg', foreground],
  ['bg', nothing],
  ['disown', nothing],
  ['shopt', nothing],
  ['enable', nothing],
  ['times', nothing],
  ['history', nothing],
  ['alias', nothing],
  ['unalias', nothing],
];
