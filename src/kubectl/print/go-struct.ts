// An object as a typed client has it: fields in the order of the Go struct, and those that Go always writes filled in
// (`status: {}`). For JSON that kubectl prints of objects that it made or decoded itself, and for --save-config.

import { kindOf } from '../../cluster/api/kinds.ts';
import { definition, isDefined, type TypeSchema } from '../../cluster/api/schema.ts';
import type { LiveObject } from '../rest.ts';
import { FIELD_ORDER } from './go-struct-fields.ts';

type Json = Readonly<Record<string, unknown>>;

interface Field {
  readonly name: string;
  readonly always: 'zero' | 'null' | null;
}

let orders: ReadonlyMap<string, readonly Field[]> | null = null;

function orderOf(name: string): readonly Field[] {
  orders ??= new Map(
    FIELD_ORDER.trim()
      .replaceAll(/\n +/g, ' ')
      .split('\n')
      .map((line) => {
        const [type = '', ...fields] = line.split(' ');
        return [type, fields.map((f): Field => ({ name: f.replace(/[!~]$/, ''), always: f.endsWith('!') ? 'zero' : f.endsWith('~') ? 'null' : null }))] as const;
      }),
  );
  return orders.get(name) ?? [];
}

/** The object as its Go struct; one of no built-in kind stays as it is. */
export function asStruct(object: LiveObject): LiveObject {
  const schema = kindOf(object.apiVersion ?? '', object.kind ?? '')?.schema;
  return schema === undefined || !isDefined(schema) ? object : (structOf(schema, object as Json) as LiveObject);
}

function structOf(name: string, value: Json): Json {
  const def = definition(name);
  const out: Record<string, unknown> = {};
  const put = (field: string, always: Field['always']): void => {
    const type = def.fields.get(field)?.type;
    const given = value[field];
    if (given !== undefined && given !== null) out[field] = type === undefined ? given : convert(type, given);
    else if (always !== null && type !== undefined) out[field] = always === 'null' ? null : zero(type);
  };
  const ordered = orderOf(name);
  for (const { name: field, always } of ordered) put(field, always);
  const known = new Set(ordered.map((f) => f.name));
  for (const field of Object.keys(value).sort()) if (!known.has(field)) put(field, null);
  return out;
}

function convert(type: TypeSchema, value: unknown): unknown {
  if (type.form === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value) ? structOf(type.name, value as Json) : value;
  if (type.form === 'list') return Array.isArray(value) ? value.map((item) => convert(type.element, item)) : value;
  if (type.form === 'map' && typeof value === 'object' && value !== null) {
    const entries = value as Json;
    return Object.fromEntries(Object.keys(entries).sort().map((key) => [key, convert(type.element, entries[key])]));
  }
  return value;
}

function zero(type: TypeSchema): unknown {
  if (type.form === 'object') return structOf(type.name, {});
  if (type.form !== 'scalar') return null;
  if (type.scalar === 'b') return false;
  return 'ilf'.includes(type.scalar) ? 0 : type.scalar === 't' || type.scalar === 'm' || type.scalar === 'x' || type.scalar === 'y' ? null : '';
}
