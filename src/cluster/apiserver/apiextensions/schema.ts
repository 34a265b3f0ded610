// The schema of a custom resource as the structural-schema packages of apiextensions-apiserver see it, and the small
// operations on values that pruning, defaulting and validation share. Values are never changed in place: parts are shared.

import type { JSONSchemaProps, ValidationRule } from '../../api/generated/types.ts';

/** JSONSchemaProps with the fields that may be several things told apart. */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly uniqueItems?: boolean;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly title?: string;
  readonly description?: string;
  readonly externalDocs?: unknown;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

export type Plain = Readonly<Record<string, unknown>>;

export const asSchema = (props: JSONSchemaProps): Schema => props as unknown as Schema;

export const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value);

export const preserves = (schema: Schema): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;

/** The schema of the values that no property names; null when there is none, undefined when such values are not allowed. */
export function additionalOf(schema: Schema): Schema | null | undefined {
  const { additionalProperties } = schema;
  if (additionalProperties === undefined || additionalProperties === false) return undefined;
  return additionalProperties === true ? null : additionalProperties;
}

/** The object with some fields replaced; those that are undefined go. The same object when nothing changes. */
export function withFields(object: Plain, changes: ReadonlyMap<string, unknown>): Plain {
  if (changes.size === 0) return object;
  const out: Record<string, unknown> = {};
  for (const key in object) {
    if (!changes.has(key)) out[key] = object[key];
    else if (changes.get(key) !== undefined) out[key] = changes.get(key);
  }
  for (const [key, value] of changes) if (value !== undefined && !(key in object)) out[key] = value;
  return out;
}

/** The list with each item passed through `change`; the same list when nothing changes. */
export function mapList(list: readonly unknown[], change: (item: unknown, index: number) => unknown): readonly unknown[] {
  let out: unknown[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const after = change(list[i], i);
    if (after === list[i]) continue;
    out ??= list.slice();
    out[i] = after;
  }
  return out ?? list;
}

/** What lies at a path such as `.spec.replicas`, split; undefined when something on the way is missing. */
export function valueAt(object: unknown, path: readonly string[]): unknown {
  let value = object;
  for (const key of path) {
    if (!isPlain(value)) return undefined;
    value = value[key];
  }
  return value;
}

export const splitPath = (path: string): readonly string[] => path.replace(/^\./, '').split('.');

/** The object with `value` at the path; objects on the way are made. */
export function withValueAt(object: Plain, path: readonly string[], value: unknown): Plain {
  const [key, ...rest] = path as [string, ...string[]];
  const inner = rest.length === 0 ? value : withValueAt(isPlain(object[key]) ? (object[key] as Plain) : {}, rest, value);
  return { ...object, [key]: inner };
}
