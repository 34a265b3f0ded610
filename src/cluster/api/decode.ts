// Structural decoding of JSON as Go's typed decoder does it (sigs.k8s.io/json with apiserver's transformDecodeError):
// types are checked with Go's words, unknown fields reported and dropped, null dropped, times and quantities written
// canonically, fields that Go always writes filled in. What has been decoded is frozen, and frozen parts are not read again.

import { DecodeStop, emptyOf, fail, freezeRaw, jsonType, MAX_DEPTH, quantity, time, walkBody } from './decode-walk.ts';
import type { ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import { type Definition, definition, type Scalar, type TypeSchema } from './schema.ts';
import { badRequest } from './status.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface Decoded<T> {
  /** Frozen all the way down. */
  readonly object: T;
  /** `unknown field "spec.foo"`, one for each; empty unless the mode is Warn. */
  readonly warnings: readonly string[];
}

const NO_WARNINGS: readonly string[] = Object.freeze([]);

/**
 * Decodes the body of a request as an object of that kind. Missing apiVersion and kind are filled in. Parts that it shares
 * with `old`, the object that it replaces, need no reading. Throws ApiError BadRequest with upstream's words.
 */
export function decodeObject<T extends ApiObject = ApiObject>(
  kind: ResourceKind,
  body: unknown,
  mode: FieldValidation,
  old: ApiObject | null = null,
): Decoded<T> {
  const given = body as { apiVersion?: unknown; kind?: unknown } | null;
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) checkKind(kind, given);
  if (kind.custom !== null) return kind.custom.decode(body, mode, old) as Decoded<T>;
  if (kind.schema === '') return { object: decodeLoose(kind, body) as T, warnings: NO_WARNINGS };
  if (isObject(body)) {
    unusual = false;
    const object = readObject(definition(kind.schema), body, 0, kind, old as Record<string, unknown> | null);
    if (!unusual) return { object: object as T, warnings: NO_WARNINGS };
  }
  return decodeCarefully<T>(kind, body, mode);
}

function decodeCarefully<T extends ApiObject>(kind: ResourceKind, body: unknown, mode: FieldValidation): Decoded<T> {
  try {
    if (!isObject(body)) return fail(rootTypeError(kind, body));
    const { value, walk } = walkBody(kind.schema, body);
    if (walk.wrong !== null) fail(walk.wrong);
    if (walk.unknown.length > 0 && mode === 'Strict') fail(`strict decoding error: ${walk.unknown.join(', ')}`);
    return { object: complete(kind, value as ApiObject) as T, warnings: mode === 'Warn' ? walk.unknown : NO_WARNINGS };
  } catch (error) {
    if (!(error instanceof DecodeStop)) throw error;
    throw cannotHandle(kind, error.message);
  }
}

/** Decodes a value that is no object of its own (`DeleteOptions`, a template, …) as the definition of that name. */
export function decodeAs<T>(name: string, body: unknown): T {
  if (isObject(body)) {
    unusual = false;
    const object = readObject(definition(name), body, 0, null, null);
    if (!unusual) return object as T;
  }
  try {
    const { value, walk } = walkBody(name, body);
    if (walk.wrong === null) return value as T;
    return fail(walk.wrong);
  } catch (error) {
    if (!(error instanceof DecodeStop)) throw error;
    throw badRequest(error.message);
  }
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
    whole = { ...whole, metadata: Object.freeze({ ...object.metadata, name: '' }) };
  }
  if (whole.kind !== kind.kind || whole.apiVersion !== kind.apiVersion) {
    whole = { ...whole, apiVersion: kind.apiVersion, kind: kind.kind };
  }
  return whole === object ? object : Object.freeze(whole);
}

/** Set where the quick reading meets what it leaves to the careful one: a wrong type, an unknown field, deep nesting. */
let unusual = false;

type Plain = Record<string, unknown>;

/**
 * Reads one object; the same object, frozen, when nothing was to change. Below the parts of the root (metadata, spec,
 * status) what is frozen was decoded before. With `root`, apiVersion, kind and metadata.name are filled in.
 */
function readObject(def: Definition, value: Plain, depth: number, root: ResourceKind | null, old: Plain | null): object {
  if (depth > 1 && Object.isFrozen(value)) return value;
  const { fields, always } = def;
  const isMeta = def.name === 'ObjectMeta';
  let out: Plain | null = null;
  let drops = false;
  let there = 0;
  for (const key in value) {
    const before = value[key];
    const field = fields.get(key);
    if (field === undefined || depth > MAX_DEPTH) {
      unusual = true;
      return value;
    }
    if (before === null || before === undefined || (isMeta && before === '')) {
      drops = true;
      continue;
    }
    if (field.always) there++;
    if (old !== null && old[key] === before) continue;
    const after = read(field.type, before, depth + 1);
    if (unusual) return value;
    if (after === before) continue;
    out ??= { ...value };
    out[key] = after;
  }
  if (drops) out = compact(out ?? value, isMeta);
  if (there < always.length) {
    out ??= { ...value };
    for (const field of always) if (out[field.name] === undefined) out[field.name] = emptyOf(field.type);
  }
  if (root !== null) out = completed(root, out, value);
  return Object.freeze(out ?? value);
}

/** As `complete`, for an object that is still being made. */
function completed(kind: ResourceKind, made: Plain | null, value: Plain): Plain | null {
  let out = made;
  const metadata = (out ?? value)['metadata'] as ApiObject['metadata'] | undefined;
  if (metadata !== undefined && metadata.name === undefined) {
    out ??= { ...value };
    out['metadata'] = Object.freeze({ ...metadata, name: '' });
  }
  const { apiVersion, kind: name } = (out ?? value) as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (name !== kind.kind || apiVersion !== kind.apiVersion) {
    out ??= { ...value };
    out['apiVersion'] = kind.apiVersion;
    out['kind'] = kind.kind;
  }
  return out;
}

/** Without the fields that say nothing. */
function compact(object: Plain, isMeta: boolean): Plain {
  const out: Plain = {};
  for (const key in object) {
    const value = object[key];
    if (value !== null && value !== undefined && !(isMeta && value === '')) out[key] = value;
  }
  return out;
}

function read(type: TypeSchema, value: unknown, depth: number): unknown {
  if (type.form === 'scalar') return type.scalar === 's' && typeof value === 'string' ? value : readScalar(type.scalar, value, depth);
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== (type.form === 'list')) {
    unusual = true;
    return value;
  }
  if (type.form === 'object') return readObject(type.definition, value as Plain, depth, null, null);
  if (depth > 1 && Object.isFrozen(value)) return value;
  return type.form === 'list' ? readList(type.element, value as readonly unknown[], depth) : readMap(type.element, value as Plain, depth);
}

function readList(element: TypeSchema, value: readonly unknown[], depth: number): readonly unknown[] {
  let out: unknown[] | null = null;
  for (let i = 0; i < value.length; i++) {
    const before = value[i];
    const after = before === null || before === undefined ? emptyOf(element) : read(element, before, depth + 1);
    if (unusual) return value;
    if (after === before) continue;
    out ??= value.slice();
    out[i] = after;
  }
  return Object.freeze(out ?? value);
}

function readMap(element: TypeSchema, value: Plain, depth: number): object {
  let out: Plain | null = null;
  for (const key in value) {
    const before = value[key];
    const after = before === null || before === undefined ? emptyOf(element) : read(element, before, depth + 1);
    // Assigning to that name would set something else.
    if (key === '__proto__') unusual = true;
    if (unusual) return value;
    if (after === before) continue;
    out ??= { ...value };
    out[key] = after;
  }
  return Object.freeze(out ?? value);
}

const INT32 = 2_147_483_648;

function readScalar(scalar: Scalar, value: unknown, depth: number): unknown {
  switch (scalar) {
    case 'b':
      if (typeof value === 'boolean') return value;
      break;
    case 'i':
      if (typeof value === 'number' && Number.isInteger(value) && value >= -INT32 && value < INT32) return value;
      break;
    case 'l':
      if (Number.isSafeInteger(value)) return value;
      break;
    case 'f':
      if (typeof value === 'number') return value;
      break;
    case 'o':
      if (typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))) return value;
      break;
    case 't':
    case 'm':
      if (typeof value === 'string') return isCanonicalTime(value, scalar === 'm') ? value : careful(() => time(value, scalar));
      break;
    case 'q':
      return careful(() => quantity(value));
    case 'x':
      return careful(() => freezeRaw(value, depth));
  }
  unusual = true;
  return value;
}

/** What the careful reading makes of a value; where that stops, it shall say so itself. */
function careful(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof DecodeStop)) throw error;
    unusual = true;
    return undefined;
  }
}

/** Two decimal digits at `at`, or 99. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : 99;
}

let lastTime = '';

/** Whether a time stands exactly as it would be written. No is not certain: the careful reading decides. */
function isCanonicalTime(text: string, micro: boolean): boolean {
  if (text === lastTime) return !micro;
  if (text.length !== (micro ? 27 : 20) || text[4] !== '-' || text[7] !== '-' || text[10] !== 'T') return false;
  if (text[13] !== ':' || text[16] !== ':' || text[text.length - 1] !== 'Z') return false;
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (twoDigits(text, 0) > 98 || twoDigits(text, 2) > 98 || month === 0 || month > 12 || day === 0 || day > 28) return false;
  if (twoDigits(text, 11) > 23 || twoDigits(text, 14) > 59 || twoDigits(text, 17) > 59) return false;
  if (micro) return text[19] === '.' && twoDigits(text, 20) < 99 && twoDigits(text, 22) < 99 && twoDigits(text, 24) < 99;
  lastTime = text;
  return true;
}
