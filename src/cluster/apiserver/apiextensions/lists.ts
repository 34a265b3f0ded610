// Lists of type set and map hold nothing twice (apiserver/schema/listtype).

import type { FieldError } from '../../api/status.ts';
import { duplicate, invalidValue } from '../../api/validation/errors.ts';
import { additionalOf, isPlain, type Schema } from './schema.ts';

export function checkLists(value: unknown, schema: Schema, path = ''): FieldError[] {
  const errors: FieldError[] = [];
  walk(value, schema, path, errors);
  return errors;
}

function walk(value: unknown, schema: Schema, path: string, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    const type = schema['x-kubernetes-list-type'];
    if (type === 'set') for (const i of repeated(value)) errors.push(duplicate(`${path}[${i}]`, value[i]));
    else if (type === 'map') checkMap(value, schema['x-kubernetes-list-map-keys'] ?? [], path, errors);
    const { items } = schema;
    if (items) value.forEach((item, i) => walk(item, items, `${path}[${i}]`, errors));
    return;
  }
  if (!isPlain(value)) return;
  const additional = additionalOf(schema);
  for (const key in value) {
    const property = schema.properties?.[key];
    if (property) walk(value[key], property, path === '' ? key : `${path}.${key}`, errors);
    else if (additional) walk(value[key], additional, `${path}[${key}]`, errors);
  }
}

function checkMap(list: readonly unknown[], keys: readonly string[], path: string, errors: FieldError[]): void {
  const wrong = list.findIndex((item) => item !== null && !isPlain(item));
  if (wrong >= 0) {
    errors.push(invalidValue(`${path}[${wrong}]`, list[wrong], 'must be an object for an array of list-type map'));
    return;
  }
  const identities = list.map((item) => {
    const identity: Record<string, unknown> = {};
    if (isPlain(item)) for (const key of keys) if (item[key] !== undefined) identity[key] = item[key];
    return identity;
  });
  for (const i of repeated(identities)) errors.push(duplicate(`${path}[${i}]`, identities[i]));
}

/** Where values stand for the second time. */
function repeated(list: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  const out: number[] = [];
  list.forEach((item, i) => {
    const key = JSON.stringify(item);
    const times = seen.get(key) ?? 0;
    if (times === 1) out.push(i);
    seen.set(key, times + 1);
  });
  return out;
}
