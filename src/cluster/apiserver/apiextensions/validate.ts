// A value against its schema, in the order and the words of kube-openapi/pkg/validation (go-openapi's validator), with
// ratcheting (KEP-4008): what an update leaves unchanged is not held against it.

import { jsonEqual } from '../../api/meta.ts';
import type { FieldError } from '../../api/status.ts';
import { invalidValue, notSupported, required, tooLongField, tooMany } from '../../api/validation/errors.ts';
import { type Correlate, listCorrelation } from './correlate.ts';
import { checkFormat, isKnownFormat } from './formats.ts';
import { additionalOf, isPlain, type Plain, type Schema } from './schema.ts';
import { compilePattern } from './pattern.ts';

/** What the validation of one value found: errors, and how many checks went well (it chooses among alternatives). */
interface Result {
  readonly errors: FieldError[];
  matches: number;
}

/** What is wrong with the value at `path` ('' = the object itself). `old`: what it replaces, undefined when it is new. */
export function validateValue(value: unknown, schema: Schema, path: string, old?: unknown, name = path): readonly FieldError[] {
  return validate(value, schema, path, name, old).errors;
}

/** Field errors about a value as a whole have no field: Go prints a nil path. */
const whole = (detail: string): FieldError => invalidValue('<nil>', '', detail);

/** `name` is the path in the texts, `path` that of the field. Both are the same but for the status of a /status write. */
function validate(value: unknown, schema: Schema, path: string, name: string, old: unknown): Result {
  const result: Result = { errors: [], matches: 0 };
  if (old !== undefined && jsonEqual(value, old)) return result;
  const wrongType = checkType(value, schema, path, name);
  if (wrongType) result.errors.push(wrongType);
  else result.matches++;
  if (value === null || value === undefined) {
    checkEnum(result, value, schema, path);
    return result;
  }
  checkJunctors(result, value, schema, path, name, old);
  if (typeof value === 'string') checkString(result, value, schema, path, name);
  if (typeof value === 'number') checkNumber(result, value, schema, path, name);
  if (Array.isArray(value)) checkList(result, value, schema, path, name, old);
  checkEnum(result, value, schema, path);
  if (isPlain(value)) checkObject(result, value, schema, path, name, old);
  return result;
}

const at = (path: string): string => (path === '' ? '<nil>' : path);

function typesOf(schema: Schema): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string'];
  return schema.type === undefined || schema.type === '' ? [] : [schema.type];
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType(value: unknown, schema: Schema, path: string, name: string): FieldError | null {
  const types = typesOf(schema);
  if (types.length === 0) return null;
  if (value === null || value === undefined) return schema.nullable === true ? null : typeError(path, name, types, 'null');
  const given = typeOf(value);
  if (types.includes(given) || (given === 'integer' && types.includes('number'))) return null;
  // A format other than a number's is left to its own check.
  const loose =
    (given === 'string' || given === 'array') && isKnownFormat(schema.format) && !types.includes('number') && !types.includes('integer');
  return loose ? null : typeError(path, name, types, given);
}

function typeError(path: string, name: string, types: readonly string[], given: string): FieldError {
  const message = `${name} in body must be of type ${types.join(',')}: "${given}"`;
  return { type: 'FieldValueTypeInvalid', field: at(path), message: `Invalid value: "${given}": ${message}` };
}

function checkEnum(result: Result, value: unknown, schema: Schema, path: string): void {
  const values = schema.enum;
  if (!values || values.length === 0) return;
  if (values.some((allowed) => jsonEqual(allowed, value ?? null))) result.matches++;
  else
    result.errors.push(
      notSupported(
        at(path),
        value ?? null,
        values.map((v) => (typeof v === 'string' ? v : JSON.stringify(v))),
      ),
    );
}

function checkJunctors(result: Result, value: unknown, schema: Schema, path: string, name: string, old: unknown): void {
  const quoted = JSON.stringify(name);
  if (schema.anyOf && schema.anyOf.length > 0) {
    const tries = schema.anyOf.map((s) => validate(value, s, path, name, old));
    if (!tries.some((r) => r.errors.length === 0)) {
      result.errors.push(whole(`${quoted} must validate at least one schema (anyOf)`));
      result.errors.push(...best(tries).errors);
    }
  }
  if (schema.oneOf && schema.oneOf.length > 0) {
    const tries = schema.oneOf.map((s) => validate(value, s, path, name, old));
    const valid = tries.filter((r) => r.errors.length === 0).length;
    if (valid !== 1) {
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      result.errors.push(whole(`${quoted} must validate one and only one schema (oneOf). ${found}`));
      if (valid === 0) result.errors.push(...best(tries).errors);
    }
  }
  if (schema.allOf && schema.allOf.length > 0) {
    const tries = schema.allOf.map((s) => validate(value, s, path, name, old));
    const valid = tries.filter((r) => r.errors.length === 0).length;
    for (const r of tries) result.errors.push(...r.errors);
    if (valid !== tries.length)
      result.errors.push(whole(`${quoted} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`));
  }
  if (schema.not && validate(value, schema.not, path, name, old).errors.length === 0) {
    result.errors.push(whole(`${quoted} must not validate the schema (not)`));
  }
}

/** The alternative with the most that went well: its errors are told. */
const best = (tries: readonly Result[]): Result => tries.reduce((a, b) => (b.matches > a.matches ? b : a));

const plural = (n: number): string => (n === 1 ? 'byte' : 'bytes');

function checkString(result: Result, value: string, schema: Schema, path: string, name: string): void {
  const { maxLength, minLength, pattern, format } = schema;
  const length = [...value].length;
  if (maxLength !== undefined && length > maxLength) {
    result.errors.push({
      ...tooLongField(at(path), maxLength),
      message: `Too long: may not be more than ${maxLength} ${plural(maxLength)}`,
    });
  } else if (minLength !== undefined && length < minLength) {
    result.errors.push(invalidValue(at(path), value, `${name} in body should be at least ${minLength} chars long`));
  } else if (pattern !== undefined && pattern !== '' && compilePattern(pattern)?.test(value) !== true) {
    result.errors.push(invalidValue(at(path), value, `${name} in body should match '${pattern}'`));
  } else result.matches++;
  if (isKnownFormat(format) && !checkFormat(format as string, value)) {
    const message = `${name} in body must be of type ${format}: ${JSON.stringify(value)}`;
    result.errors.push({ type: 'FieldValueTypeInvalid', field: at(path), message: `Invalid value: ${JSON.stringify(value)}: ${message}` });
  }
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-2_147_483_648, 2_147_483_647],
  int64: [-(2 ** 63), 2 ** 63],
};

function checkNumber(result: Result, value: number, schema: Schema, path: string, name: string): void {
  const { multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum, format, type } = schema;
  const range = type === 'integer' && format !== undefined ? RANGES[format] : undefined;
  if (range && (value < range[0] || value > range[1])) {
    result.errors.push(whole(`Checked value must be of type integer with format ${format} in ${name}`));
  }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    result.errors.push(invalidValue(at(path), value, `${name} in body should be a multiple of ${multipleOf}`));
  }
  if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const words = exclusiveMinimum === true ? 'greater than' : 'greater than or equal to';
    result.errors.push(invalidValue(at(path), value, `${name} in body should be ${words} ${minimum}`));
  }
  if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const words = exclusiveMaximum === true ? 'less than' : 'less than or equal to';
    result.errors.push(invalidValue(at(path), value, `${name} in body should be ${words} ${maximum}`));
  }
  if (result.errors.length === 0) result.matches++;
}

function isMultiple(value: number, of: number): boolean {
  const times = value / of;
  return Math.abs(times - Math.round(times)) < 1e-9;
}

function checkList(result: Result, value: readonly unknown[], schema: Schema, path: string, name: string, old: unknown): void {
  const { items, minItems, maxItems, uniqueItems } = schema;
  if (items) {
    const before: Correlate = listCorrelation(schema, old);
    value.forEach((item, i) => merge(result, validate(item, items, `${path}[${i}]`, `${name}[${i}]`, before(item))));
  }
  if (minItems !== undefined && value.length < minItems) {
    result.errors.push(invalidValue(at(path), value.length, `${name} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && value.length > maxItems) result.errors.push(tooMany(at(path), value.length, maxItems));
  if (uniqueItems === true && value.some((item, i) => value.slice(0, i).some((other) => jsonEqual(item, other)))) {
    result.errors.push(invalidValue(at(path), '', `${name} in body shouldn't contain duplicates`));
  }
}

function merge(into: Result, part: Result): void {
  into.errors.push(...part.errors);
  into.matches += part.matches;
}

function checkObject(result: Result, value: Plain, schema: Schema, path: string, name: string, old: unknown): void {
  const { minProperties, maxProperties, properties } = schema;
  const keys = Object.keys(value);
  const before = isPlain(old) ? old : undefined;
  const below = (key: string, part: Schema): void =>
    merge(result, validate(value[key], part, join(path, key), join(name, key), before?.[key]));
  if (minProperties !== undefined && keys.length < minProperties) {
    result.errors.push(invalidValue(at(path), keys.length, `${name} in body should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && keys.length > maxProperties) result.errors.push(tooMany(at(path), keys.length, maxProperties));
  const additional = additionalOf(schema);
  for (const key of keys) {
    if (properties?.[key] !== undefined) continue;
    if (schema.additionalProperties === false)
      result.errors.push(invalidValue(at(path), key, `${name}.${key} in body is a forbidden property`));
    else if (additional) below(key, additional);
  }
  for (const key in properties) if (value[key] !== undefined) below(key, properties[key] as Schema);
  for (const key of schema.required ?? []) {
    if (value[key] !== undefined) result.matches++;
    else result.errors.push(required(join(path, key)));
  }
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);
