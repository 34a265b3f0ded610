// The parts of an OpenAPI v3 document that kubectl explain reads.

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly allOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly externalDocs?: { readonly description?: string; readonly url?: string };
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Document {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

const PREFIX = '#/components/schemas/';

export const resolve = (ref: string | undefined, document: Document): Schema | undefined =>
  ref?.startsWith(PREFIX) ? document.components?.schemas?.[ref.slice(PREFIX.length)] : undefined;

/** The schema of map values, if there is one. */
export const valuesOf = (schema: Schema): Schema | undefined => (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);

/** `[]Container`, `map[string]string`, `Object`. */
export function typeGuess(schema: Schema, document: Document): string {
  if (schema.items) return `[]${typeGuess(schema.items, document)}`;
  const values = valuesOf(schema);
  if (values) return `map[string]${typeGuess(values, document)}`;
  const [only] = schema.allOf ?? [];
  if (only && !schema.properties && schema.allOf?.length === 1) return typeGuess(only, document);
  if (schema.$ref !== undefined) {
    const target = resolve(schema.$ref, document);
    if (target?.type !== undefined && target.type !== 'object') return target.type;
    return schema.$ref.split('/').at(-1)?.split('.').at(-1) || 'Object';
  }
  return schema.type === undefined || schema.type === 'object' ? 'Object' : schema.type;
}

/** The descriptions of a schema and of what it is made of, each with a line break. */
export function descriptionOf(schema: Schema, document: Document): string {
  const at = resolve(schema.$ref, document) ?? schema;
  let text = at.description ? `${at.description}\n` : '';
  for (const part of at.allOf ?? []) text += descriptionOf(part, document);
  if (at.items) text += descriptionOf(at.items, document);
  const values = valuesOf(at);
  return values ? text + descriptionOf(values, document) : text;
}
