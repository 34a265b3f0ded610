// Word expansion (POSIX 2.6): parameters, commands and arithmetic, then field splitting, then path names, then quotes go.

import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { ArithmeticError, evaluate } from './arithmetic.ts';
import type { List, Word, WordPart } from './ast.ts';
import { escapePattern, hasPattern, matchesPattern, replacePattern, trimPattern, unescapePattern } from './pattern.ts';
import { type Shell, ShellError } from './shell.ts';

/** Runs a command substitution and gives its output. */
export type Substitute = (list: List) => Op<string>;

/** A field while it grows: a pattern in which what was quoted is escaped. `real` once anything but an empty expansion made it. */
interface Field {
  pattern: string;
  real: boolean;
}

/** All fields that the words become. */
export function* expandWords(shell: Shell, words: readonly Word[], substitute: Substitute): Op<string[]> {
  const out: string[] = [];
  for (const word of shell.toolbox.dialect.name === 'bash' ? words.flatMap(braces) : words) {
    const only = word.length === 1 ? word[0] : undefined;
    if (only?.type === 'text' && (only.quoted || !/[*?[~]/.test(only.text))) {
      out.push(only.text);
      continue;
    }
    for (const field of yield* expandFields(shell, word, substitute)) {
      const names = shell.options.has('f') || !hasPattern(field.pattern) ? [] : glob(shell, field.pattern);
      if (names.length > 0) out.push(...names);
      else out.push(unescapePattern(field.pattern));
    }
  }
  return out;
}

const BRACES = /\{([^{}\s]*,[^{}\s]*|-?\d+\.\.-?\d+(?:\.\.-?\d+)?|[A-Za-z]\.\.[A-Za-z])\}/;

/** bash's `{a,b}` and `{1..5}`: the words that one word stands for. */
function braces(word: Word): readonly Word[] {
  for (const [i, part] of word.entries()) {
    const m = part.type === 'text' && !part.quoted && part.text.includes('{') ? BRACES.exec(part.text) : null;
    if (m === null || part.type !== 'text') continue;
    return alternatives(m[1] as string).flatMap((text) =>
      braces([...word.slice(0, i), { ...part, text: part.text.slice(0, m.index) + text + part.text.slice(m.index + m[0].length) }, ...word.slice(i + 1)]),
    );
  }
  return [word];
}

function alternatives(inside: string): readonly string[] {
  const range = /^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?$/.exec(inside);
  if (!range) return inside.split(',');
  const letters = /[A-Za-z]/.test(range[1] as string);
  const [from, to] = letters ? [(range[1] as string).charCodeAt(0), (range[2] as string).charCodeAt(0)] : [Number(range[1]), Number(range[2])];
  const step = Math.max(1, Math.abs(Number(range[3] ?? 1)));
  const width = /^-?0\d/.test(range[1] as string) ? (range[1] as string).length : 0;
  const out: string[] = [];
  for (let n = from; out.length < 10_000 && (from <= to ? n <= to : n >= to); n += from <= to ? step : -step) out.push(letters ? String.fromCharCode(n) : String(n).padStart(width, '0'));
  return out;
}

/** One string: assignments, redirections, here-documents, `case` words. */
export function* expandText(shell: Shell, word: Word, substitute: Substitute): Op<string> {
  return unescapePattern(yield* expandPattern(shell, word, substitute));
}

/** One pattern, in which quoted characters are escaped. */
export function* expandPattern(shell: Shell, word: Word, substitute: Substitute): Op<string> {
  let out = '';
  for (const [i, part] of word.entries()) {
    if (part.type === 'text') out += part.quoted ? escapePattern(part.text) : i === 0 ? tilde(shell, part.text) : part.text;
    else {
      const values = yield* expandPart(shell, part, substitute);
      const text = values.join(' ');
      out += part.quoted ? escapePattern(text) : text.replace(/\\/g, '\\\\');
    }
  }
  return out;
}

function* expandFields(shell: Shell, word: Word, substitute: Substitute): Op<Field[]> {
  const fields: Field[] = [];
  let current: Field = { pattern: '', real: false };
  const finish = (): void => {
    if (current.real) fields.push(current);
    current = { pattern: '', real: false };
  };
  for (const [i, part] of word.entries()) {
    if (part.type === 'text') {
      current.pattern += part.quoted ? escapePattern(part.text) : i === 0 ? tilde(shell, part.text) : part.text;
      current.real = true;
      continue;
    }
    const values = yield* expandPart(shell, part, substitute);
    if (part.quoted) {
      const each = part.type === 'parameter' && (part.name === '@' || part.index === '@');
      for (const [n, value] of (each ? values : [values.join(separator(shell))]).entries()) {
        if (n > 0) finish();
        current.pattern += escapePattern(value);
        current.real = true;
      }
      continue;
    }
    for (const [n, value] of values.entries()) {
      if (n > 0) finish();
      split(value, shell.get('IFS') ?? ' \t\n', (piece, ends) => {
        if (piece !== '') {
          current.pattern += piece.replace(/\\/g, '\\\\');
          current.real = true;
        }
        if (ends) {
          if (piece === '' && ends === 'hard') current.real = true;
          finish();
        }
      });
    }
  }
  finish();
  return fields;
}

/** Calls `take` for each piece of `text`, saying whether a separator ends it ('hard': not white space). */
function split(text: string, ifs: string, take: (piece: string, ends: '' | 'soft' | 'hard') => void): void {
  if (ifs === '') {
    take(text, '');
    return;
  }
  let piece = '';
  let started = false;
  for (const c of text) {
    if (!ifs.includes(c)) {
      piece += c;
      started = true;
      continue;
    }
    const white = c === ' ' || c === '\t' || c === '\n';
    if (white && !started) {
      take('', 'soft');
      continue;
    }
    take(piece, white ? 'soft' : 'hard');
    piece = '';
    started = false;
  }
  if (started) take(piece, '');
}

const separator = (shell: Shell): string => (shell.get('IFS') ?? ' ').slice(0, 1);

function tilde(shell: Shell, text: string): string {
  return text === '~' || text.startsWith('~/') ? `${shell.get('HOME') ?? '/root'}${text.slice(1)}` : text;
}

/** The values of one expansion: several only for `$@` and `$*`. */
function* expandPart(shell: Shell, part: Exclude<WordPart, { type: 'text' }>, substitute: Substitute): Op<readonly string[]> {
  switch (part.type) {
    case 'length':
      if (part.index === '@' || part.index === '*') return [String(elementsOf(shell, part.name).length)];
      if (part.index !== undefined) return [String((yield* element(shell, part.name, part.index, substitute))?.length ?? 0)];
      return [String(part.name === '@' || part.name === '*' ? shell.parameters.length : (parameter(shell, part.name)?.join(' ').length ?? 0))];
    case 'command':
      return [(yield* substitute(part.list)).replace(/\n+$/, '')];
    case 'arithmetic': {
      const text = yield* expandText(shell, part.expression, substitute);
      return [String(calculate(shell, text))];
    }
    case 'parameter':
      return yield* expandParameter(shell, part, substitute);
  }
}

function* expandParameter(shell: Shell, part: Extract<WordPart, { type: 'parameter' }>, substitute: Substitute): Op<readonly string[]> {
  const { name, operator, word, index } = part;
  const values = index === undefined ? parameter(shell, name) : index === '@' || index === '*' ? elementsOf(shell, name) : asList(yield* element(shell, name, index, substitute));
  if (operator === '' || word === null) {
    if (values === undefined && shell.options.has('u')) throw new ShellError(`${name}: parameter not set`);
    return values ?? [''];
  }
  if (operator.startsWith('/')) {
    const pattern = yield* expandPattern(shell, word, substitute);
    const replacement = part.replacement ? yield* expandText(shell, part.replacement, substitute) : '';
    return (values ?? ['']).map((value) => replacePattern(value, pattern, replacement, operator));
  }
  if (operator === ':') {
    const [from = 0, count] = (yield* expandText(shell, word, substitute)).split(':').map((text) => calculate(shell, text));
    if (index === '@' || name === '@') return (values ?? []).slice(name === '@' ? from - 1 : from, count === undefined ? undefined : from + count - (name === '@' ? 1 : 0));
    return (values ?? ['']).map((value) => value.slice(from < 0 ? Math.max(0, value.length + from) : from, count === undefined ? undefined : count < 0 ? count : (from < 0 ? Math.max(0, value.length + from) : from) + count));
  }
  if (/^[\^,]/.test(operator)) {
    const cased = (text: string): string => (operator.startsWith('^') ? text.toUpperCase() : text.toLowerCase());
    return (values ?? ['']).map((value) => (operator.length === 2 ? cased(value) : cased(value.slice(0, 1)) + value.slice(1)));
  }
  if (operator.startsWith('#') || operator.startsWith('%')) {
    const pattern = yield* expandPattern(shell, word, substitute);
    return (values ?? ['']).map((value) => trimPattern(value, pattern, operator));
  }
  const missing = values === undefined || (operator.startsWith(':') && values.join('') === '');
  switch (operator.slice(-1)) {
    case '+':
      return missing ? [''] : [yield* expandText(shell, word, substitute)];
    case '=': {
      if (!missing) return values;
      const text = yield* expandText(shell, word, substitute);
      shell.set(name, text);
      return [text];
    }
    case '?': {
      if (!missing) return values;
      const text = yield* expandText(shell, word, substitute);
      throw new ShellError(`${name}: ${text === '' ? 'parameter not set' : text}`);
    }
    default:
      return missing ? [yield* expandText(shell, word, substitute)] : values;
  }
}

/** Throws ShellError. */
export function calculate(shell: Shell, text: string): number {
  try {
    return evaluate(text, { get: (name) => shell.get(name) ?? shell.arrays.get(name)?.[0], set: (name, value) => shell.set(name, value) });
  } catch (error) {
    if (error instanceof ArithmeticError) throw new ShellError(error.message);
    throw error;
  }
}

const elementsOf = (shell: Shell, name: string): readonly string[] => shell.arrays.get(name) ?? asList(shell.get(name)) ?? [];
const asList = (value: string | undefined): readonly string[] | undefined => (value === undefined ? undefined : [value]);

function* element(shell: Shell, name: string, index: Word, substitute: Substitute): Op<string | undefined> {
  const at = calculate(shell, yield* expandText(shell, index, substitute));
  const elements = elementsOf(shell, name);
  return elements[at < 0 ? elements.length + at : at];
}

/** undefined when not set. */
function parameter(shell: Shell, name: string): readonly string[] | undefined {
  switch (name) {
    case '@':
    case '*':
      return shell.parameters;
    case '#':
      return [String(shell.parameters.length)];
    case '?':
      return [String(shell.status)];
    case '$':
      return [String(shell.pid)];
    case '!':
      return shell.lastBackground === 0 ? undefined : [String(shell.lastBackground)];
    case '-':
      return [[...shell.options].join('')];
    case '0':
      return [shell.name];
    case 'SECONDS':
      return [String(Math.floor((shell.os.sim.now - shell.os.process.started) / SECOND))];
    case 'RANDOM':
      return [String(shell.os.sim.random(`shell/${shell.os.place}/${shell.os.process.pid}/${shell.os.sim.now}`).int(32_768))];
    default: {
      if (/^\d+$/.test(name)) {
        const value = shell.parameters[Number(name) - 1];
        return value === undefined ? undefined : [value];
      }
      return asList(shell.get(name) ?? shell.arrays.get(name)?.[0]);
    }
  }
}

/** The existing paths that match, sorted. */
function glob(shell: Shell, pattern: string): string[] {
  const absolute = pattern.startsWith('/');
  let found: string[] = [absolute ? '/' : ''];
  for (const segment of pattern.split('/').filter((s) => s !== '')) {
    const next: string[] = [];
    for (const base of found) {
      const directory = shell.path(base === '' ? '.' : base);
      const join = (name: string): string => (base === '' || base.endsWith('/') ? `${base}${name}` : `${base}/${name}`);
      if (!hasPattern(segment)) {
        const name = unescapePattern(segment);
        if (shell.os.files.exists(shell.path(join(name)))) next.push(join(name));
      } else if (shell.os.files.isDirectory(directory)) {
        for (const name of shell.os.files.list(directory)) {
          if ((!name.startsWith('.') || segment.startsWith('.')) && matchesPattern(segment, name)) next.push(join(name));
        }
      }
    }
    found = next;
  }
  return found.sort();
}
