// Dropping what the schema does not know (schema/pruning/algorithm.go), and the nulls and defaults of fields
// (schema/defaulting): both leave a value without surprises for those who read it.

import { additionalOf, isPlain, mapList, type Plain, preserves, type Schema, withFields } from './schema.ts';

const META = new Set(['apiVersion', 'kind', 'metadata']);

/** The object without unknown fields; their paths, sorted, are added to `unknown`. `schema` is the root's. */
export function prune(object: Plain, schema: Schema, unknown: string[]): Plain {
  const root = schema['x-kubernetes-embedded-resource'] === true ? schema : { ...schema, 'x-kubernetes-embedded-resource': true };
  const pruned = pruneValue(object, root, '', unknown) as Plain;
  unknown.sort();
  return pruned;
}

function pruneValue(value: unknown, schema: Schema | null | undefined, path: string, unknown: string[]): unknown {
  if (schema && preserves(schema)) return skip(value, schema, path, unknown);
  if (Array.isArray(value)) return mapList(value, (item, i) => pruneValue(item, schema?.items, `${path}[${i}]`, unknown));
  if (!isPlain(value)) return value;
  const changes = new Map<string, unknown>();
  const additional = schema ? additionalOf(schema) : undefined;
  for (const key in value) {
    if (schema?.['x-kubernetes-embedded-resource'] === true && META.has(key)) continue;
    const property = schema?.properties?.[key] ?? additional;
    const at = path === '' ? key : `${path}.${key}`;
    if (property === undefined) {
      if (!META.has(key) || path !== '') unknown.push(at);
      changes.set(key, undefined);
      continue;
    }
    const after = pruneValue(value[key], property, at, unknown);
    if (after !== value[key]) changes.set(key, after);
  }
  return withFields(value, changes);
}

/** Below preserve-unknown-fields only what the schema names is pruned. */
function skip(value: unknown, schema: Schema | undefined, path: string, unknown: string[]): unknown {
  if (!schema) return value;
  if (Array.isArray(value)) return mapList(value, (item, i) => skip(item, schema.items, `${path}[${i}]`, unknown));
  if (!isPlain(value)) return value;
  const changes = new Map<string, unknown>();
  const additional = additionalOf(schema);
  for (const key in value) {
    if (schema['x-kubernetes-embedded-resource'] === true && META.has(key)) continue;
    const property = schema.properties?.[key] ?? additional;
    if (property === undefined) continue;
    const after = pruneValue(value[key], property, path === '' ? key : `${path}.${key}`, unknown);
    if (after !== value[key]) changes.set(key, after);
  }
  return withFields(value, changes);
}

const isUnwantedNull = (value: unknown, schema: Schema | null | undefined): boolean =>
  value === null && schema !== null && schema !== undefined && schema.nullable !== true;

/** The value without nulls where the schema allows none, and with its defaults. */
export function fillDefaults(value: unknown, schema: Schema | null | undefined): unknown {
  if (!schema) return value;
  if (Array.isArray(value)) {
    return mapList(value, (item) => {
      const { items } = schema;
      return fillDefaults(isUnwantedNull(item, items) && items?.default !== undefined ? items.default : item, items);
    });
  }
  if (!isPlain(value)) return value;
  const changes = new Map<string, unknown>();
  const additional = additionalOf(schema);
  for (const key in value) {
    const property = schema.properties?.[key] ?? additional;
    if (!property) continue;
    const before = value[key];
    const after = isUnwantedNull(before, property) ? property.default : before;
    const filled = fillDefaults(after, property);
    if (filled !== before) changes.set(key, filled);
  }
  for (const key in schema.properties) {
    const property = schema.properties[key] as Schema;
    if (property.default === undefined || property.default === null || value[key] !== undefined) continue;
    changes.set(key, fillDefaults(property.default, property));
  }
  return withFields(value, changes);
}
