// One version's schema: what it may say, list and map types, defaults that fit, rules that compile
// (ValidateCustomResourceDefinitionOpenAPISchema and schema/defaulting/validation.go).

import { CelError } from '../../api/cel/cel.ts';
import type { FieldError } from '../../api/status.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../api/validation/errors.ts';
import { prune } from './prune.ts';
import { compileRules } from './rules.ts';
import { isPlain, type Schema } from './schema.ts';
import { checkStructural } from './structural.ts';
import { validateValue } from './validate.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const AT_ROOT = [
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Enum',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
];
const NOT_AT_ROOT: readonly (keyof Schema)[] = [
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'additionalProperties',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
  'nullable',
  'default',
];
const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];

export function checkVersionSchema(schema: Schema, path: string, withStatus: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (withStatus) {
    if (schema.type !== undefined && schema.type !== '' && schema.type !== 'object') {
      errors.push(
        invalidValue(
          `${path}.type`,
          schema.type,
          'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        ),
      );
    } else if (NOT_AT_ROOT.some((key) => schema[key] !== undefined)) {
      errors.push(
        invalidValue(
          path,
          schema,
          `only [${AT_ROOT.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`,
        ),
      );
    }
  }
  if (schema.nullable === true) errors.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'));
  const structural = checkStructural(schema, path);
  errors.push(...structural);
  if (structural.length === 0) checkDefaults(errors, schema, path);
  checkNode(errors, schema, path, true, structural.length === 0);
  return errors;
}

function checkNode(errors: FieldError[], s: Schema, path: string, root: boolean, rules: boolean): void {
  const { type = '' } = s;
  const loose = s as Readonly<Record<string, unknown>>;
  if (type === 'null') errors.push(forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  else if (type !== '' && !TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, TYPES));
  for (const key of UNSUPPORTED) if (loose[key] !== undefined) errors.push(forbiddenField(`${path}.${key}`, `${key} is not supported`));
  if (Array.isArray(s.items)) errors.push(forbiddenField(`${path}.items`, 'items must be a schema object and not an array'));
  if (s.uniqueItems === true) {
    errors.push(forbiddenField(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  }
  if (s.additionalProperties !== undefined && s.additionalProperties !== true && Object.keys(s.properties ?? {}).length > 0) {
    errors.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  if (s['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  checkMapType(errors, s, path);
  checkListType(errors, s, path);
  if (rules) checkRules(errors, s, path, root);
  if (isPlain(s.additionalProperties)) checkNode(errors, s.additionalProperties as Schema, `${path}.additionalProperties`, false, rules);
  for (const key in s.properties) checkNode(errors, s.properties[key] as Schema, `${path}.properties[${key}]`, false, rules);
  if (isPlain(s.items)) checkNode(errors, s.items, `${path}.items`, false, rules);
}

function checkMapType(errors: FieldError[], s: Schema, path: string): void {
  const mapType = s['x-kubernetes-map-type'];
  if (mapType === undefined) return;
  mustBe(errors, s, path, 'object', 'must be object if x-kubernetes-map-type is specified');
  if (mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
}

function mustBe(errors: FieldError[], s: Schema, path: string, type: string, detail: string): void {
  if (s.type === type) return;
  errors.push(s.type ? invalidValue(`${path}.type`, s.type, detail) : required(`${path}.type`, detail));
}

function checkListType(errors: FieldError[], s: Schema, path: string): void {
  const listType = s['x-kubernetes-list-type'];
  const keys = s['x-kubernetes-list-map-keys'] ?? [];
  if (listType !== undefined) {
    mustBe(errors, s, path, 'array', 'must be array if x-kubernetes-list-type is specified');
    if (!['atomic', 'set', 'map'].includes(listType))
      errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  }
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(
      listType === undefined
        ? required(`${path}.x-kubernetes-list-type`, detail)
        : invalidValue(`${path}.x-kubernetes-list-type`, listType, detail),
    );
  }
  if (listType === 'set') checkSetItems(errors, s, path);
  if (listType === 'map') checkMapItems(errors, s, keys, path);
}

function checkSetItems(errors: FieldError[], { items }: Schema, path: string): void {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  if (items?.type === 'array' && items['x-kubernetes-list-type'] !== 'atomic') {
    errors.push(invalidValue(`${path}.items.x-kubernetes-list-type`, items['x-kubernetes-list-type'] ?? null, detail));
  }
  if (items?.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    errors.push(invalidValue(`${path}.items.x-kubernetes-map-type`, items['x-kubernetes-list-type'] ?? null, detail));
  }
  if (items?.nullable === true)
    errors.push(forbiddenField(`${path}.items.nullable`, 'cannot be nullable when x-kubernetes-list-type is set'));
}

function checkMapItems(errors: FieldError[], { items }: Schema, keys: readonly string[], path: string): void {
  if (keys.length === 0) errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  if (!items) return void errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
  if (items.type !== 'object')
    errors.push(invalidValue(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"));
  if (items.nullable === true)
    errors.push(forbiddenField(`${path}.items.nullable`, 'cannot be nullable when x-kubernetes-list-type is map'));
  keys.forEach((key, i) => {
    const property = items.properties?.[key];
    const at = `${path}.items.properties[${key}]`;
    if (keys.indexOf(key) !== i)
      errors.push(invalidValue(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'));
    if (!property)
      return void errors.push(invalidValue(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'));
    if (property.type === 'array' || property.type === 'object') {
      errors.push(invalidValue(`${at}.type`, items.type ?? '', "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (property.default === undefined && !items.required?.includes(key)) {
      errors.push(
        required(`${at}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'),
      );
    }
    if (property.nullable === true)
      errors.push(forbiddenField(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
  });
}

function checkRules(errors: FieldError[], s: Schema, path: string, root: boolean): void {
  const given = s['x-kubernetes-validations'];
  if (!given || given.length === 0) return;
  const compiled = compileRules(s, root);
  given.forEach((rule, i) => {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    const { message, fieldPath, reason } = rule;
    if (!rule.rule || rule.rule.trim() === '') return void errors.push(required(`${at}.rule`, 'rule is not specified'));
    if (message !== undefined && message !== '' && message.trim() === '')
      errors.push(invalidValue(`${at}.message`, message, 'must be non-empty if specified'));
    else if (message?.trim().includes('\n')) errors.push(invalidValue(`${at}.message`, message, 'must not contain line breaks'));
    else if (!message && rule.rule.trim().includes('\n') && !rule.messageExpression) {
      errors.push(required(`${at}.message`, 'message must be specified if rule contains line breaks'));
    }
    if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${at}.reason`, reason, REASONS));
    if (fieldPath?.includes('\n')) errors.push(invalidValue(`${at}.fieldPath`, fieldPath, 'must not contain line breaks'));
    const { program, message: expression, usesOld } = compiled[i] as (typeof compiled)[number];
    if (program instanceof CelError) errors.push(invalidValue(`${at}.rule`, rule, `compilation failed: ${program.message}`));
    if (expression instanceof CelError)
      errors.push(invalidValue(`${at}.messageExpression`, rule, `messageExpression compilation failed: ${expression.message}`));
    if (rule.optionalOldSelf !== undefined && !usesOld) {
      errors.push(invalidValue(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
    }
  });
}

/** Defaults hold nothing unknown and are valid themselves. */
function checkDefaults(errors: FieldError[], s: Schema, path: string): void {
  if (s.default !== undefined && s.default !== null) {
    const unknown: string[] = [];
    if (isPlain(s.default)) prune({ value: s.default }, { type: 'object', properties: { value: s } }, unknown);
    if (unknown.length > 0) errors.push(invalidValue(`${path}.default`, s.default, 'must not have unknown fields'));
    errors.push(...validateValue(s.default, s, `${path}.default`, undefined, 'default'));
  }
  for (const key in s.properties) checkDefaults(errors, s.properties[key] as Schema, `${path}.properties[${key}]`);
  if (isPlain(s.additionalProperties)) checkDefaults(errors, s.additionalProperties as Schema, `${path}.additionalProperties`);
  if (isPlain(s.items)) checkDefaults(errors, s.items, `${path}.items`);
}
