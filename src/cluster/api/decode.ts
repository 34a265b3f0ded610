// Structural decoding of JSON as Go's typed decoder does it (sigs.k8s.io/json with apiserver's transformDecodeError):
// types are checked with Go's words, unknown fields reported and dropped, null dropped, times and quantities written
// canonically, fields that Go always writes filled in. What has been decoded once is frozen and recognised at once.

import { formatMicroTime, formatTime, parseTime } from '../sim/time.ts';
import { goTypeOf } from './go-types.ts';
import type { ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import { canonicalQuantity } from './quantity.ts';
import { type Definition, type FieldSchema, parseType, type TypeSchema } from './schema.ts';
import { badRequest } from './status.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface Decoded<T> {
  /** Frozen all the way down. */
  readonly object: T;
  /** `unknown field "spec.foo"`, one for each; empty unless the mode is Warn. */
  readonly warnings: readonly string[];
}

/** Deeper nesting is refused: it has no honest use and would overflow the stack. */
const MAX_DEPTH = 500;
/** Like the original, at most so many unknown fields are named. */
const MAX_UNKNOWN = 100;

/** The type each frozen value has been decoded as. */
const decodedAs = new WeakMap<object, TypeSchema | 'raw'>();

/** Times of whole seconds that need no change: objects made together share them. */
const canonicalTimes = new Set<string>();
const KNOWN_TIMES = 1_000;

/** Raised where Go's decoder stops at once. */
class DecodeStop extends Error {}

interface Walk {
  readonly path: (string | number)[];
  readonly root: string;
  depth: number;
  /** The first wrong type: reported at the end, as Go does. */
  wrong: string | null;
  unknown: string[];
}

/**
 * Decodes the body of a request as an object of that kind. Missing apiVersion and kind are filled in.
 * Throws ApiError BadRequest with upstream's words.
 */
export function decodeObject<T extends ApiObject = ApiObject>(kind: ResourceKind, body: unknown, mode: FieldValidation): Decoded<T> {
  const given = body as { apiVersion?: unknown; kind?: unknown } | null;
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) checkKind(kind, given);
  if (kind.schema === '') return { object: decodeLoose(kind, body) as T, warnings: [] };
  const walk: Walk = { path: [], root: kind.schema, depth: 0, wrong: null, unknown: [] };
  let value: unknown;
  try {
    value = isObject(body) ? walkValue(walk, parseType(kind.schema), null, kind.schema, body) : fail(rootTypeError(kind, body));
  } catch (error) {
    if (!(error instanceof DecodeStop)) throw error;
    throw cannotHandle(kind, error.message);
  }
  if (walk.wrong !== null) throw cannotHandle(kind, walk.wrong);
  if (walk.unknown.length > 0 && mode === 'Strict') {
    throw cannotHandle(kind, `strict decoding error: ${walk.unknown.join(', ')}`);
  }
  return { object: complete(kind, value as ApiObject) as T, warnings: mode === 'Warn' ? walk.unknown : [] };
}

/** Decodes a value that is no object of its own (`DeleteOptions`, a template, …) as the definition of that name. */
export function decodeAs<T>(name: string, body: unknown): T {
  const walk: Walk = { path: [], root: name, depth: 0, wrong: null, unknown: [] };
  try {
    const value = walkValue(walk, parseType(name), null, name, body);
    if (walk.wrong === null) return value as T;
  } catch (error) {
    if (!(error instanceof DecodeStop)) throw error;
    throw badRequest(error.message);
  }
  throw badRequest(walk.wrong);
}

const cannotHandle = (kind: ResourceKind, why: string) =>
  badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);

function checkKind(kind: ResourceKind, given: { apiVersion?: unknown; kind?: unknown }): void {
  const theirKind = typeof given.kind === 'string' && given.kind !== '' ? given.kind : kind.kind;
  const theirVersion = typeof given.apiVersion === 'string' && given.apiVersion !== '' ? given.apiVersion : kind.apiVersion;
  if (theirKind !== kind.kind) {
    const version = theirVersion.slice(theirVersion.indexOf('/') + 1);
    throw badRequest(
      `${theirKind} in version "${version}" cannot be handled as a ${kind.kind}: no kind "${theirKind}" is registered for version "${theirVersion}"`,
    );
  }
  if (theirVersion !== kind.apiVersion) {
    throw badRequest(`the API version in the data (${theirVersion}) does not match the expected API version (${kind.apiVersion})`);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const fail = (message: string): never => {
  throw new DecodeStop(message);
};

const rootTypeError = (kind: ResourceKind, body: unknown): string =>
  `json: cannot unmarshal ${jsonType(body)} into Go value of type ${kind.version}.${kind.kind}`;

/** Kinds without a schema (made at run time): any object with sane metadata. */
function decodeLoose(kind: ResourceKind, body: unknown): ApiObject {
  if (!isObject(body)) throw cannotHandle(kind, rootTypeError(kind, body));
  freezeRaw(body, 0);
  const metadata = decodeAs<ApiObject['metadata']>('ObjectMeta', body.metadata ?? {});
  return complete(kind, body.metadata === metadata ? (body as unknown as ApiObject) : ({ ...body, metadata } as ApiObject));
}

/** apiVersion, kind and metadata.name are there whatever the client left out. */
function complete(kind: ResourceKind, object: ApiObject): ApiObject {
  let whole = object;
  if (object.metadata !== undefined && object.metadata.name === undefined) {
    const metadata = Object.freeze({ ...object.metadata, name: '' });
    decodedAs.set(metadata, parseType('ObjectMeta'));
    whole = { ...whole, metadata };
  }
  if (whole.kind !== kind.kind || whole.apiVersion !== kind.apiVersion) {
    whole = { ...whole, apiVersion: kind.apiVersion, kind: kind.kind };
  }
  if (whole === object) return object;
  Object.freeze(whole);
  if (kind.schema !== '') decodedAs.set(whole, parseType(kind.schema));
  return whole;
}

/** `owner` is the definition whose field is being read, `field` that field; null at the root. */
function walkValue(walk: Walk, type: TypeSchema, field: FieldSchema | null, owner: string, value: unknown): unknown {
  if (type.form === 'scalar') {
    if (type.scalar === 's' && typeof value === 'string') return value;
    return type.scalar === 'x' ? freezeRaw(value, walk.depth) : walkScalar(walk, type.scalar, field, owner, value);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== (type.form === 'list')) {
    return wrongType(walk, type, field, owner, value);
  }
  const remember = isWorthRemembering(type, value);
  if (remember && decodedAs.get(value) === type) return value;
  if (++walk.depth > MAX_DEPTH) fail('exceeded max depth');
  const result =
    type.form === 'object'
      ? walkObject(walk, type.definition, value as Record<string, unknown>)
      : type.form === 'list'
        ? walkList(walk, type.element, field, owner, value as readonly unknown[])
        : walkMap(walk, type.element, field, owner, value as Record<string, unknown>);
  walk.depth--;
  if (walk.wrong !== null) return result;
  Object.freeze(result);
  if (remember) decodedAs.set(result, type);
  return result;
}

/** Remembering costs more than reading a small value again. */
function isWorthRemembering(type: TypeSchema, value: object): boolean {
  if (type.form === 'object') return type.definition.fields.size >= 5;
  return Array.isArray(value) && value.length > 8;
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
      break;
  }
  return wrongType(walk, parseType(scalar), field, owner, value);
}

function quantity(value: unknown): string {
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

function time(value: unknown, scalar: 't' | 'm'): string {
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
function emptyOf(type: TypeSchema): unknown {
  const known = empties.get(type);
  if (known !== undefined) return known;
  const made = makeEmpty(type);
  empties.set(type, made);
  return made;
}

function makeEmpty(type: TypeSchema): unknown {
  if (type.form === 'list') return Object.freeze([]);
  if (type.form === 'map') return Object.freeze({});
  if (type.form === 'object') return decodeAs(type.name, {});
  if ('ilfo'.includes(type.scalar)) return 0;
  if (type.scalar === 'b') return false;
  return type.scalar === 'q' ? '0' : '';
}

function freezeRaw(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || decodedAs.has(value)) return value;
  if (depth > MAX_DEPTH) return fail('exceeded max depth');
  for (const key of Object.keys(value)) freezeRaw((value as Record<string, unknown>)[key], depth + 1);
  Object.freeze(value);
  decodedAs.set(value, 'raw');
  return value;
}

function report(walk: Walk, key: string): void {
  if (walk.unknown.length >= MAX_UNKNOWN) return;
  let path = '';
  for (const part of walk.path) path += typeof part === 'number' ? `[${part}]` : path === '' ? part : `.${part}`;
  walk.unknown.push(`unknown field "${path === '' ? key : `${path}.${key}`}"`);
}

function jsonType(value: unknown): string {
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
