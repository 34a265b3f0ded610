// Whether a schema is structural (apiserver/schema/validation.go): its shape is said outside of allOf, anyOf, oneOf and not.

import type { CustomResourceDefinition } from '../../api/generated/types.ts';
import { jsonEqual } from '../../api/meta.ts';
import type { FieldError } from '../../api/status.ts';
import { forbiddenField, invalidValue, required } from '../../api/validation/errors.ts';
import { compilePattern } from './pattern.ts';
import { asSchema, isPlain, preserves, type Schema } from './schema.ts';

type Level = 'root' | 'item' | 'field';

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

/** Everything against the schema being structural, sorted by text. */
export function checkStructural(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  invariants(errors, schema, 'root', path);
  completeness(errors, schema, schema, path);
  return errors.sort((a, b) => (`${a.field}: ${a.message}` < `${b.field}: ${b.message}` ? -1 : 1));
}

/** The message of the NonStructuralSchema condition; null when all schemas are structural. */
export function structuralProblem(crd: CustomResourceDefinition): string | null {
  const errors = crd.spec.versions.flatMap((version, i) => {
    const schema = version.schema?.openAPIV3Schema;
    return schema ? checkStructural(asSchema(schema), `spec.versions[${i}].schema.openAPIV3Schema`) : [];
  });
  if (errors.length === 0) return null;
  const lines = errors.map((e) => `${e.field}: ${e.message}`);
  return lines.length === 1 ? (lines[0] as string) : `[${lines.join(', ')}]`;
}

function invariants(errors: FieldError[], s: Schema, level: Level, path: string): void {
  const { type = '', items, properties, additionalProperties } = s;
  const embedded = s['x-kubernetes-embedded-resource'] === true;
  const intOrString = s['x-kubernetes-int-or-string'] === true;
  if (type === 'array' && !items) errors.push(required(`${path}.items`, 'must be specified'));
  if (items) invariants(errors, items, 'item', `${path}.items`);
  for (const key in properties) invariants(errors, properties[key] as Schema, 'field', `${path}.properties[${key}]`);
  if (additionalProperties !== undefined) {
    if (level === 'root') errors.push(forbiddenField(`${path}.additionalProperties`, 'must not be used at the root'));
    if (isPlain(additionalProperties)) invariants(errors, additionalProperties as Schema, 'field', `${path}.additionalProperties`);
  }
  const exclusive = 'must be false if x-kubernetes-int-or-string is true';
  if (intOrString && preserves(s)) errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, true, exclusive));
  if (intOrString && embedded) errors.push(invalidValue(`${path}.x-kubernetes-embedded-resource`, true, exclusive));
  valueValidation(errors, s, level, path);
  if (embedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(`${path}.type`, detail) : invalidValue(`${path}.type`, type, detail));
  } else if (type === '' && !intOrString && !preserves(s)) errors.push(required(`${path}.type`, EMPTY_TYPE[level]));
  if (embedded && additionalProperties !== undefined) {
    errors.push(forbiddenField(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'));
  }
  if (level === 'root' && type !== '' && type !== 'object') errors.push(invalidValue(`${path}.type`, type, 'must be object at the root'));
  metadataInvariants(errors, s, level, path, level === 'root' || embedded);
  if (embedded && !preserves(s) && Object.keys(properties ?? {}).length === 0) {
    const detail = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(`${path}.properties`, detail));
  }
}

function metadataInvariants(errors: FieldError[], s: Schema, level: Level, path: string, isResource: boolean): void {
  for (const key of ['kind', 'apiVersion']) {
    const property = s.properties?.[key];
    if (property && isResource && property.type !== 'string') {
      errors.push(invalidValue(`${path}.properties[${key}].type`, property.type ?? '', 'must be string'));
    }
  }
  const metadata = s.properties?.['metadata'];
  if (!metadata) return;
  const at = `${path}.properties[metadata]`;
  if (isResource && metadata.type !== 'object') errors.push(invalidValue(`${at}.type`, metadata.type ?? '', 'must be object'));
  if (level !== 'root') return;
  const { type: _t, default: _d, properties, description: _e, ...rest } = metadata;
  const names = Object.keys(properties ?? {});
  const known = names.every((name) => name === 'name' || name === 'generateName');
  if (!known || Object.keys(rest).length > 0) {
    errors.push(forbiddenField(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
  }
}

function valueValidation(errors: FieldError[], s: Schema, level: Level, path: string): void {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = s;
  if (!jsonEqual(anyOf, INT_OR_STRING)) anyOf.forEach((part, i) => nested(errors, part, level, `${path}.anyOf[${i}]`));
  allOf.forEach((part, i) => nested(errors, part, level, `${path}.allOf[${i}]`, i === 0 && jsonEqual(part.anyOf, INT_OR_STRING)));
  oneOf.forEach((part, i) => nested(errors, part, level, `${path}.oneOf[${i}]`));
  if (not) nested(errors, not, level, `${path}.not`);
  if (pattern && compilePattern(pattern) === null) {
    errors.push(invalidValue(`${path}.pattern`, pattern, "must be a valid regular expression, but isn't: error parsing regexp"));
  }
}

const MUST_BE_EMPTY: readonly (readonly [keyof Schema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['externalDocs', 'must be undefined to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

/** `pattern`: this part holds the anyOf of an int-or-string, which may name types. */
function nested(errors: FieldError[], s: Schema, level: Level, path: string, pattern = false): void {
  valueValidation(errors, pattern ? { ...s, anyOf: [] } : s, level, path);
  if (s.items) nested(errors, s.items, level, `${path}.items`);
  for (const key in s.properties) nested(errors, s.properties[key] as Schema, 'field', `${path}.properties[${key}]`);
  for (const [key, detail] of MUST_BE_EMPTY) {
    const value = s[key];
    if (value !== undefined && value !== '' && value !== false) errors.push(forbiddenField(`${path}.${key}`, detail));
  }
  if (s.properties?.['metadata']) errors.push(forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
}

/** What a junctor talks about must be there outside of it. */
function completeness(errors: FieldError[], s: Schema, structure: Schema | undefined, path: string): void {
  const { anyOf = [], allOf = [], oneOf = [], not } = s;
  const parts: [Schema, string][] = [
    ...anyOf.map((p, i): [Schema, string] => [p, `${path}.anyOf[${i}]`]),
    ...allOf.map((p, i): [Schema, string] => [p, `${path}.allOf[${i}]`]),
    ...oneOf.map((p, i): [Schema, string] => [p, `${path}.oneOf[${i}]`]),
    ...(not ? [[not, `${path}.not`] as [Schema, string]] : []),
  ];
  for (const [part, at] of parts) within(errors, part, structure, at, path);
  if (s !== structure) return;
  if (s.items) completeness(errors, s.items, s.items, `${path}.items`);
  for (const key in s.properties) completeness(errors, s.properties[key] as Schema, s.properties[key], `${path}.properties[${key}]`);
  if (isPlain(s.additionalProperties))
    completeness(errors, s.additionalProperties as Schema, s.additionalProperties as Schema, `${path}.additionalProperties`);
}

function within(errors: FieldError[], part: Schema, structure: Schema | undefined, at: string, path: string): void {
  completeness(errors, part, structure, at);
  if (part.items) {
    if (!structure?.items) errors.push(required(`${path}.items`, `because it is defined in ${at}.items`));
    else within(errors, part.items, structure.items, `${at}.items`, `${path}.items`);
  }
  for (const key in part.properties) {
    const below = structure?.properties?.[key];
    if (!below) errors.push(required(`${path}.properties[${key}]`, `because it is defined in ${at}.properties[${key}]`));
    else within(errors, part.properties[key] as Schema, below, `${at}.properties[${key}]`, `${path}.properties[${key}]`);
  }
}
