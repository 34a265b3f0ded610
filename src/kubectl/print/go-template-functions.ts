// The functions of Go templates (text/template/funcs.go) and kubectl's own: exists, base64decode.

import { fromBase64 } from '../../cluster/api/base64.ts';
import { goPrint } from './json.ts';

/** An integer that a template writes or counts. */
export class Int {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class FunctionError extends Error {}

/** fmt's %v of a float64. */
export function goFloat(value: number): string {
  if (Number.isInteger(value)) return value.toFixed(0);
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const e = Number(exponent);
  return e < -4 || e >= 6 ? `${mantissa}e${e < 0 ? '-' : '+'}${String(Math.abs(e)).padStart(2, '0')}` : String(value);
}

export function show(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (value instanceof Int) return String(value.value);
  if (typeof value === 'number') return goFloat(value);
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object') return `map[${Object.keys(value).sort().map((k) => `${k}:${show((value as Record<string, unknown>)[k])}`).join(' ')}]`;
  return goPrint(value);
}

export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  if (value instanceof Int) return value.value !== 0;
  if (typeof value === 'number') return value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === 'object' ? Object.keys(value).length > 0 : true;
}

export const typeName = (value: unknown): string =>
  value === undefined || value === null ? 'nil' : value instanceof Int ? 'int' : typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64') : typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';

/** One %-verb of printf. */
function formatOne(flags: string, width: string, precision: string | undefined, verb: string, value: unknown): string {
  const number = value instanceof Int ? value.value : typeof value === 'number' ? value : undefined;
  let text: string;
  if (verb === 'v') text = show(value);
  else if (verb === 's') text = typeof value === 'string' ? value : number === undefined ? show(value) : `%!s(${typeName(value)}=${show(value)})`;
  else if (verb === 'q') text = typeof value === 'string' ? JSON.stringify(value) : `%!q(${typeName(value)}=${show(value)})`;
  else if (verb === 'd') text = number !== undefined && Number.isInteger(number) ? String(number) : `%!d(${typeName(value)}=${show(value)})`;
  else if (verb === 't') text = typeof value === 'boolean' ? String(value) : `%!t(${typeName(value)}=${show(value)})`;
  else if (verb === 'T') text = typeName(value);
  else if ('feg'.includes(verb) && typeof value === 'number') text = verb === 'f' ? value.toFixed(precision === undefined ? 6 : Number(precision)) : verb === 'e' ? value.toExponential(precision === undefined ? 6 : Number(precision)).replace(/e([+-])(\d)$/, 'e$10$2') : goFloat(value);
  else if ((verb === 'x' || verb === 'X' || verb === 'o' || verb === 'b') && number !== undefined) {
    text = number.toString(verb === 'o' ? 8 : verb === 'b' ? 2 : 16);
    if (verb === 'X') text = text.toUpperCase();
  } else text = `%!${verb}(${typeName(value)}=${show(value)})`;
  if (precision !== undefined && (verb === 's' || verb === 'v') && typeof value === 'string') text = [...text].slice(0, Number(precision)).join('');
  if (flags.includes('+') && number !== undefined && number >= 0) text = `+${text}`;
  if (width === '') return text;
  if (flags.includes('-')) return text.padEnd(Number(width));
  return flags.includes('0') && number !== undefined ? text.padStart(Number(width), '0') : text.padStart(Number(width));
}

export function printf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const out = format.replace(/%([-+# 0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g, (_, flags: string, width: string, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%';
    if (next >= args.length) return `%!${verb}(MISSING)`;
    return formatOne(flags, width, precision, verb, args[next++]);
  });
  return next < args.length ? `${out}%!(EXTRA ${args.slice(next).map((a) => `${typeName(a)}=${show(a)}`).join(', ')})` : out;
}

/** fmt.Sprint: spaces between operands when neither is a string. */
const print = (args: readonly unknown[]): string => args.map((a, i) => (i > 0 && typeof a !== 'string' && typeof args[i - 1] !== 'string' ? ` ${show(a)}` : show(a))).join('');

const numberOf = (value: unknown): number | undefined => (value instanceof Int ? value.value : typeof value === 'number' ? value : undefined);

const kindOf = (value: unknown): string => (value instanceof Int || (typeof value === 'number' && Number.isInteger(value)) ? 'int' : typeof value === 'number' ? 'float' : typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : value === null || value === undefined ? 'nil' : 'other');

function equal(a: unknown, b: unknown): boolean {
  const [ka, kb] = [kindOf(a), kindOf(b)];
  if (ka === 'nil' || kb === 'nil') return ka === kb;
  if (ka === 'other' || kb === 'other') throw new FunctionError(`non-comparable type ${show(ka === 'other' ? a : b)}: ${typeName(ka === 'other' ? a : b)}`);
  if (ka !== kb) throw new FunctionError('incompatible types for comparison');
  return numberOf(a) === undefined ? a === b : numberOf(a) === numberOf(b);
}

function less(a: unknown, b: unknown): boolean {
  const [ka, kb] = [kindOf(a), kindOf(b)];
  if (ka === 'other' || ka === 'bool' || ka === 'nil') throw new FunctionError('invalid type for comparison');
  if (ka !== kb) throw new FunctionError('incompatible types for comparison');
  return ka === 'string' ? (a as string) < (b as string) : (numberOf(a) as number) < (numberOf(b) as number);
}

function index(item: unknown, keys: readonly unknown[]): unknown {
  let at = item;
  if (at === undefined || at === null) throw new FunctionError('index of untyped nil');
  for (const key of keys) {
    if (Array.isArray(at) || typeof at === 'string') {
      const i = numberOf(key);
      if (i === undefined) throw new FunctionError(`cannot index slice/array with ${key === null || key === undefined ? 'nil' : `type ${typeName(key)}`}`);
      if (i < 0 || i >= at.length) throw new FunctionError(`error calling index: index out of range: ${i}`.replace('error calling index: ', ''));
      at = typeof at === 'string' ? new Int(at.charCodeAt(i)) : (at as unknown[])[i];
    } else if (typeof at === 'object' && at !== null && !(at instanceof Int)) {
      if (typeof key !== 'string') throw new FunctionError(`value has type ${typeName(key)}; should be string`);
      at = Object.hasOwn(at, key) ? (at as Record<string, unknown>)[key] : undefined;
    } else if (at === undefined || at === null) throw new FunctionError('index of nil pointer');
    else throw new FunctionError(`can't index item of type ${typeName(at)}`);
  }
  return at;
}

function slice(item: unknown, bounds: readonly unknown[]): unknown {
  if (typeof item !== 'string' && !Array.isArray(item)) throw new FunctionError(`can't slice item of type ${typeName(item)}`);
  const [from = 0, to = item.length] = bounds.map((b) => numberOf(b) ?? 0);
  if (from < 0 || from > item.length || to > item.length || to < 0) throw new FunctionError(`index out of range: ${to > item.length ? to : from}`);
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  return item.slice(from, to);
}

function length(item: unknown): Int {
  if (item === undefined || item === null) throw new FunctionError('len of nil pointer');
  if (typeof item === 'string') return new Int(new TextLength(item).bytes);
  if (Array.isArray(item)) return new Int(item.length);
  if (typeof item === 'object' && !(item instanceof Int)) return new Int(Object.keys(item).length);
  throw new FunctionError(`len of type ${typeName(item)}`);
}

class TextLength {
  readonly bytes: number;

  constructor(text: string) {
    this.bytes = [...text].reduce((n, c) => n + ((c.codePointAt(0) as number) < 0x80 ? 1 : (c.codePointAt(0) as number) < 0x800 ? 2 : (c.codePointAt(0) as number) < 0x10000 ? 3 : 4), 0);
  }
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };

function decode(text: unknown): string {
  if (typeof text !== 'string') throw new FunctionError('base64 decode failed: not a string');
  const plain = fromBase64(text);
  if (plain === undefined) throw new FunctionError('base64 decode failed: illegal base64 data at input byte 0');
  return plain;
}

const exists = (item: unknown, keys: readonly unknown[]): boolean => {
  try {
    return index(item, keys) !== undefined;
  } catch {
    return false;
  }
};

type Func = (args: readonly unknown[]) => unknown;

export const FUNCTIONS: Readonly<Record<string, Func>> = {
  and: (args) => args.find((a) => !isTrue(a)) ?? args.at(-1),
  or: (args) => args.find((a) => isTrue(a)) ?? args.at(-1),
  not: ([a]) => !isTrue(a),
  len: ([a]) => length(a),
  index: ([item, ...keys]) => index(item, keys),
  slice: ([item, ...bounds]) => slice(item, bounds),
  print,
  printf: ([format, ...args]) => printf(show(format), args),
  println: (args) => `${args.map(show).join(' ')}\n`,
  html: (args) => print(args).replace(/[&<>"']/g, (c) => HTML[c] as string),
  js: (args) => JSON.stringify(print(args)).slice(1, -1).replaceAll("'", "\\'").replaceAll('<', '\\u003C').replaceAll('>', '\\u003E').replaceAll('&', '\\u0026').replaceAll('=', '\\u003D'),
  urlquery: (args) => encodeURIComponent(print(args)).replaceAll('%20', '+'),
  eq: ([a, ...others]) => {
    if (others.length === 0) throw new FunctionError('missing argument for comparison');
    return others.some((b) => equal(a, b));
  },
  ne: ([a, b]) => !equal(a, b),
  lt: ([a, b]) => less(a, b),
  le: ([a, b]) => less(a, b) || equal(a, b),
  gt: ([a, b]) => !less(a, b) && !equal(a, b),
  ge: ([a, b]) => !less(a, b),
  exists: ([item, ...keys]) => exists(item, keys),
  base64decode: ([a]) => decode(a),
};
