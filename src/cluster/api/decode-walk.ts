// The careful reading of a request's body, taken when the quick one in decode.ts meets something unusual: it keeps track of
// where it is, so that it can say with Go's words what is wrong, and which fields nobody knows.

import { formatMicroTime, formatTime, parseTime } from '../sim/time.ts';
import { bytesToBase64 } from './base64.ts';
import { goTypeOf } from './go-types.ts';
import { canonicalQuantity } from './quantity.ts';
import { type Definition, type FieldSchema, parseType, type TypeSchema } from './schema.ts';

/** Deeper nesting is refused: it has no honest use and would overflow the stack. */
export const MAX_DEPTH = 500;
/** Like the original, at most so many unknown fields are named. */
const MAX_UNKNOWN = 100;

/** Times of whole seconds that need no change: objects made together share them. */
const canonicalTimes = new Set<string>();
const KNOWN_TIMES = 1_000;

/** Raised where Go's decoder stops at once. */
export class DecodeStop extends Error {}

/** What the careful reading found. */
export interface Walk {
  readonly path: (string | number)[];
  readonly root: string;
  depth: number;
  /** The first wrong type: reported at the end, as Go does. */
  wrong: string | null;
  unknown: string[];
}

/** Reads the body as the definition of that name. Throws DecodeStop. */
export function walkBody(name: string, body: unknown): { readonly value: unknown; readonly walk: Walk } {
  const walk: Walk = { path: [], root: name, depth: 0, wrong: null, unknown: [] };
  const value = walkValue(walk, parseType(name), null, name, body);
  return { value, walk };
}

export const fail = (message: string): never => {
  throw new DecodeStop(message);
};

/** `owner` is the definition whose field is being read, `field` that field; null at the root. */
function walkValue(walk: Walk, type: TypeSchema, field: FieldSchema | null, owner: string, value: unknown): unknown {
  if (type.form === 'scalar') {
    if (type.scalar === 's' && typeof value === 'string') return value;
    return type.scalar === 'x' ? freezeRaw(value, walk.depth) : walkScalar(walk, type.scalar, field, owner, value);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== (type.form === 'list')) {
    return wrongType(walk, type, field, owner, value);
  }
  if (++walk.depth > MAX_DEPTH) fail('exceeded max depth');
  const result =
    type.form === 'object'
      ? walkObject(walk, type.definition, value as Record<string, unknown>)
      : type.form === 'list'
        ? walkList(walk, type.element, field, owner, value as readonly unknown[])
        : walkMap(walk, type.element, field, owner, value as Record<string, unknown>);
  walk.depth--;
  if (walk.wrong !== null) return result;
  return Object.freeze(result);
}

function walkObject(walk: Walk, def: Definition, value: Record<string, unknown>): object {
  let changed: [string, unknown][] | null = null;
  const keys = Object.keys(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const before = value[key];
    const field = def.fields.get(key);
    let after: unknown;
    if (field === undefined) report(walk, key);
    else if (before !== null && before !== undefined && !(before === '' && def.name === 'ObjectMeta')) {
      walk.path.push(key);
      after = walkValue(walk, field.type, field, def.name, before);
      walk.path.pop();
    }
    if (after === before && after !== undefined) {
      changed?.push([key, after]);
      continue;
    }
    if (changed === null) {
      changed = [];
      for (let j = 0; j < i; j++) changed.push([keys[j] as string, value[keys[j] as string]]);
    }
    if (after !== undefined) changed.push([key, after]);
  }
  for (const field of def.always) {
    if (value[field.name] !== undefined && value[field.name] !== null) continue;
    changed ??= keys.map((key) => [key, value[key]]);
    changed.push([field.name, emptyOf(field.type)]);
  }
  return changed === null ? value : Object.fromEntries(changed);
}

function walkList(
  walk: Walk,
  element: TypeSchema,
  field: FieldSchema | null,
  owner: string,
  value: readonly unknown[],
): readonly unknown[] {
  let changed: unknown[] | null = null;
  const depth = walk.path.length;
  for (let i = 0; i < value.length; i++) {
    const before = value[i];
    walk.path[depth] = i;
    const after = before === null || before === undefined ? emptyOf(element) : walkValue(walk, element, field, owner, before);
    if (after !== before && changed === null) changed = value.slice(0, i);
    changed?.push(after);
  }
  walk.path.length = depth;
  return changed ?? value;
}

function walkMap(walk: Walk, element: TypeSchema, field: FieldSchema | null, owner: string, value: Record<string, unknown>): object {
  let changed: [string, unknown][] | null = null;
  const keys = Object.keys(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const before = value[key];
    walk.path.push(key);
    const after = before === null || before === undefined ? emptyOf(element) : walkValue(walk, element, field, owner, before);
    walk.path.pop();
    if (after !== before && changed === null) {
      changed = [];
      for (let j = 0; j < i; j++) changed.push([keys[j] as string, value[keys[j] as string]]);
    }
    changed?.push([key, after]);
  }
  return changed === null ? value : Object.fromEntries(changed);
}

function walkScalar(walk: Walk, scalar: string, field: FieldSchema | null, owner: string, value: unknown): unknown {
  switch (scalar) {
    case 'b':
      if (typeof value === 'boolean') return value;
      break;
    case 'i':
    case 'l':
      if (typeof value === 'number') {
        const limit = scalar === 'i' ? 2_147_483_648 : 9_223_372_036_854_775_808;
        if (Number.isInteger(value) && value >= -limit && value < limit) return value;
        return wrongNumber(walk, field, owner, value, scalar);
      }
      break;
    case 'f':
      if (typeof value === 'number') return value;
      break;
    case 'o':
      if (typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))) return value;
      return fail(`json: cannot unmarshal ${jsonType(value)} into Go value of type int32`);
    case 'q':
      return quantity(value);
    case 't':
    case 'm':
      return time(value, scalar);
    case 'y':
      if (typeof value === 'string') return base64(walk, value);
      if (Array.isArray(value)) return bytesOf(walk, owner, value);
      break;
  }
  return wrongType(walk, parseType(scalar), field, owner, value);
}

export function quantity(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') {
    return fail("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  if (value === '') return '0';
  try {
    return canonicalQuantity(value);
  } catch (error) {
    return fail((error as Error).message);
  }
}

export function time(value: unknown, scalar: 't' | 'm'): string {
  if (typeof value !== 'string') return fail(`json: cannot unmarshal ${jsonType(value)} into Go value of type string`);
  if (scalar === 't' && canonicalTimes.has(value)) return value;
  const micros = parseTime(value);
  const layout = scalar === 't' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
  if (micros === undefined)
    return fail(`parsing time ${JSON.stringify(value)} as "${layout}": cannot parse ${JSON.stringify(value)} as "2006"`);
  const text = scalar === 't' ? formatTime(micros) : formatMicroTime(micros);
  if (text !== value) return text;
  if (canonicalTimes.size >= KNOWN_TIMES) canonicalTimes.clear();
  canonicalTimes.add(value);
  return value;
}

/** Go also takes bytes as a list of numbers. */
function bytesOf(walk: Walk, owner: string, list: readonly unknown[]): string {
  const bytes = list.map((item) => {
    if (typeof item === 'number' && Number.isInteger(item) && item >= 0 && item < 256) return item;
    const shown = typeof item === 'number' ? `number ${item}` : jsonType(item);
    if (item !== null) walk.wrong ??= `json: cannot unmarshal ${shown} into ${where(walk, owner)} of type uint8`;
    return 0;
  });
  return bytesToBase64(bytes);
}

/** The byte at which Go's decoder gives up, or the text without its line breaks. */
function base64(walk: Walk, value: string): string {
  let clean = '';
  const places: number[] = [];
  for (let i = 0; i < value.length; i++) {
    const c = value[i] as string;
    if (c === '\n' || c === '\r') continue;
    clean += c;
    places.push(i);
  }
  const bad = badBase64(clean);
  if (bad < 0) return clean === value ? value : clean;
  walk.wrong ??= `illegal base64 data at input byte ${places[bad] ?? value.length}`;
  return value;
}

const BASE64 = /[^A-Za-z0-9+/]/;

/** Index of the first character that breaks standard padded base64, or -1. */
function badBase64(text: string): number {
  const stop = text.search(BASE64);
  const body = stop < 0 ? text.length : stop;
  const rest = body % 4;
  if (stop < 0) return rest === 0 ? -1 : text.length;
  if (text[stop] !== '=' || rest < 2) return stop;
  if (rest === 3) return text.length === stop + 1 ? -1 : stop + 1;
  if (text[stop + 1] !== '=') return Math.min(stop + 1, text.length);
  return text.length === stop + 2 ? -1 : stop + 2;
}

const empties = new Map<TypeSchema, unknown>();

/** Go's zero value, as JSON. */
export function emptyOf(type: TypeSchema): unknown {
  const known = empties.get(type);
  if (known !== undefined) return known;
  const made = makeEmpty(type);
  empties.set(type, made);
  return made;
}

function makeEmpty(type: TypeSchema): unknown {
  if (type.form === 'list') return Object.freeze([]);
  if (type.form === 'map') return Object.freeze({});
  if (type.form === 'object') return walkBody(type.name, {}).value;
  if ('ilfo'.includes(type.scalar)) return 0;
  if (type.scalar === 'b') return false;
  return type.scalar === 'q' ? '0' : '';
}

export function freezeRaw(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (depth > MAX_DEPTH) return fail('exceeded max depth');
  for (const key of Object.keys(value)) freezeRaw((value as Record<string, unknown>)[key], depth + 1);
  Object.freeze(value);
  return value;
}

function report(walk: Walk, key: string): void {
  if (walk.unknown.length >= MAX_UNKNOWN) return;
  let path = '';
  for (const part of walk.path) path += typeof part === 'number' ? `[${part}]` : path === '' ? part : `.${part}`;
  walk.unknown.push(`unknown field "${path === '' ? key : `${path}.${key}`}"`);
}

export function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;
}

const where = (walk: Walk, owner: string): string =>
  walk.path.length === 0 ? 'Go value' : `Go struct field ${goTypeOf(owner).name}.${fieldPath(walk)}`;

/** Names of the fields only: Go's error knows neither indexes nor the keys of maps. */
function fieldPath(walk: Walk): string {
  const names: string[] = [];
  let type: TypeSchema | undefined = parseType(walk.root);
  for (const part of walk.path) {
    if (type === undefined) break;
    if (type.form === 'object') {
      names.push(String(part));
      type = type.definition.fields.get(String(part))?.type;
    } else if (type.form !== 'scalar') type = type.element;
  }
  return names.join('.');
}

function wrongType(walk: Walk, type: TypeSchema, field: FieldSchema | null, owner: string, value: unknown): unknown {
  walk.wrong ??= `json: cannot unmarshal ${jsonType(value)} into ${where(walk, owner)} of type ${goText(type, field, owner)}`;
  return undefined;
}

function wrongNumber(walk: Walk, field: FieldSchema | null, owner: string, value: number, scalar: 'i' | 'l'): unknown {
  walk.wrong ??= `json: cannot unmarshal number ${value} into ${where(walk, owner)} of type ${goText(parseType(scalar), field, owner)}`;
  return undefined;
}

const goText = (type: TypeSchema, field: FieldSchema | null, owner: string): string =>
  (field !== null && field.type === type ? goTypeOf(`${owner}.${field.name}`).text : undefined) ?? goTypeText(type);

function goTypeText(type: TypeSchema): string {
  if (type.form === 'list') return `[]${goTypeText(type.element)}`;
  if (type.form === 'map') return `map[string]${goTypeText(type.element)}`;
  if (type.form === 'object') return goTypeOf(type.name).text ?? type.name;
  return { s: 'string', b: 'bool', i: 'int32', l: 'int64', f: 'float64', y: '[]uint8' }[type.scalar as string] ?? 'string';
}
