// The structure of every built-in type, read from the compact notation that scripts/generate.mjs writes.
// A line is `Name field:type;field:type…`. A type is one letter (s string, b bool, i int32, l int64, f double, t Time,
// m MicroTime, q Quantity, o IntOrString, y bytes, x anything) or a definition's name, behind any number of `[]` and `{}`.
// `!` = always there once decoded. `/key` = strategic merge by that key (`+` retainKeys, `*` merge scalars, `=` replace).
// `%keys` = list map keys of server-side apply (`*` set, `=` atomic).

import { definitions as text } from './generated/schema.ts';

export type Scalar = 's' | 'b' | 'i' | 'l' | 'f' | 't' | 'm' | 'q' | 'o' | 'y' | 'x';

export type TypeSchema =
  | { readonly form: 'scalar'; readonly scalar: Scalar }
  | { readonly form: 'object'; readonly name: string; readonly definition: Definition }
  | { readonly form: 'list'; readonly element: TypeSchema }
  | { readonly form: 'map'; readonly element: TypeSchema };

export interface FieldSchema {
  readonly name: string;
  readonly type: TypeSchema;
  /** Present in every decoded object: Go writes it even when it is empty. */
  readonly always: boolean;
  /** How a strategic merge patch treats the field. `key` null with `merge` = a list of scalars; `replace` = an object is not merged. */
  readonly patch: { readonly merge: boolean; readonly key: string | null; readonly retainKeys: boolean; readonly replace: boolean };
  /** How server-side apply treats the field. */
  readonly topology: 'default' | 'atomic' | 'set' | readonly string[];
}

export interface Definition {
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
  readonly always: readonly FieldSchema[];
}

const NO_PATCH: FieldSchema['patch'] = { merge: false, key: null, retainKeys: false, replace: false };
const REPLACE: FieldSchema['patch'] = { ...NO_PATCH, replace: true };
const lines = new Map<string, string>();
for (const line of text.split('\n')) {
  const space = line.indexOf(' ');
  if (space > 0) lines.set(line.slice(0, space), line.slice(space + 1));
  else if (line !== '') lines.set(line, '');
}
const parsed = new Map<string, Definition>();
const types = new Map<string, TypeSchema>();

/** The definition of that name (`Pod`, `PodSpec`, …); parsed when first asked for. Throws when there is none. */
export function definition(name: string): Definition {
  const known = parsed.get(name);
  if (known) return known;
  const line = lines.get(name);
  if (line === undefined) throw new Error(`no definition ${name}`);
  const fields = new Map<string, FieldSchema>();
  for (const part of line.split(';')) {
    if (part === '') continue;
    const field = parseField(part);
    fields.set(field.name, field);
  }
  const made = { name, fields, always: [...fields.values()].filter((f) => f.always) };
  parsed.set(name, made);
  return made;
}

/** Whether there is a definition of that name. */
export const isDefined = (name: string): boolean => lines.has(name);

function parseField(part: string): FieldSchema {
  const colon = part.indexOf(':');
  const always = part[colon - 1] === '!';
  const name = part.slice(0, always ? colon - 1 : colon);
  const [rest, keys] = part.slice(colon + 1).split('%') as [string, string | undefined];
  const [type, merge] = rest.split('/') as [string, string | undefined];
  return { name, always, type: parseType(type), patch: parsePatch(merge), topology: parseTopology(keys) };
}

function parsePatch(code: string | undefined): FieldSchema['patch'] {
  if (code === undefined) return NO_PATCH;
  if (code === '=') return REPLACE;
  const retainKeys = code.endsWith('+');
  const key = retainKeys ? code.slice(0, -1) : code;
  if (key === '') return { ...NO_PATCH, retainKeys };
  return { merge: true, key: key === '*' ? null : key, retainKeys, replace: false };
}

function parseTopology(code: string | undefined): FieldSchema['topology'] {
  if (code === undefined) return 'default';
  if (code === '*') return 'set';
  return code === '=' ? 'atomic' : code.split(',');
}

/** Equal types are one object, so that they can be compared and remembered by reference. */
export function parseType(code: string): TypeSchema {
  const known = types.get(code);
  if (known) return known;
  const made: TypeSchema = code.startsWith('[]')
    ? { form: 'list', element: parseType(code.slice(2)) }
    : code.startsWith('{}')
      ? { form: 'map', element: parseType(code.slice(2)) }
      : code.length === 1
        ? { form: 'scalar', scalar: code as Scalar }
        : new ObjectType(code);
  types.set(code, made);
  return made;
}

/** Definitions refer to each other in circles, so they are read when first used. */
class ObjectType {
  readonly form = 'object';
  readonly name: string;
  #definition: Definition | null = null;

  constructor(name: string) {
    this.name = name;
  }

  get definition(): Definition {
    this.#definition ??= definition(this.name);
    return this.#definition;
  }
}
