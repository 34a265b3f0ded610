// x-kubernetes-validations: CEL rules of a schema, each about its own value (apiserver/schema/cel/validation.go).

import {
  type CelEnvironment,
  type CelProgram,
  type CelType,
  CelError,
  celToJson,
  compileCel,
  REQUEST_COST_LIMIT,
} from '../../api/cel/cel.ts';
import type { ValidationRule } from '../../api/generated/types.ts';
import { jsonEqual } from '../../api/meta.ts';
import type { FieldError } from '../../api/status.ts';
import { duplicate, forbiddenField, invalidValue, required } from '../../api/validation/errors.ts';
import { listCorrelation } from './correlate.ts';
import { additionalOf, isPlain, type Schema } from './schema.ts';

/** A rule, or why it does not compile. */
interface Rule {
  readonly rule: ValidationRule;
  readonly program: CelProgram | CelError;
  readonly message: CelProgram | CelError | null;
  readonly usesOld: boolean;
}

const OLD = /\boldSelf\b/;
/** How an optional oldSelf is said with plain variables. */
const OPTIONAL_OLD = '(__hasOld ? optional.of(__old) : optional.none())';

/** The rules of one version of a kind, compiled when they are first needed. */
export class Rules {
  readonly #schema: Schema;
  readonly #compiled = new Map<Schema, readonly Rule[]>();
  readonly #any: boolean;

  constructor(schema: Schema) {
    this.#schema = schema;
    this.#any = hasRules(schema);
  }

  /** What the rules say of the object. `old` undefined: it is new. */
  check(object: unknown, old: unknown): readonly FieldError[] {
    if (!this.#any) return [];
    const errors: FieldError[] = [];
    this.#walk(object, old, this.#schema, '', errors, { remaining: REQUEST_COST_LIMIT }, true);
    return errors;
  }

  #walk(
    value: unknown,
    old: unknown,
    schema: Schema,
    path: string,
    errors: FieldError[],
    budget: { remaining: number },
    root = false,
  ): void {
    if (value === null || value === undefined) return;
    if (schema['x-kubernetes-validations']) this.#apply(value, old, schema, path, errors, budget, root);
    if (Array.isArray(value)) {
      const { items } = schema;
      if (!items) return;
      const before = listCorrelation(schema, old);
      value.forEach((item, i) => this.#walk(item, before(item), items, `${path}[${i}]`, errors, budget));
    } else if (isPlain(value)) {
      const additional = additionalOf(schema);
      for (const key in value) {
        const property = schema.properties?.[key];
        const before = isPlain(old) ? old[key] : undefined;
        if (property) this.#walk(value[key], before, property, path === '' ? key : `${path}.${key}`, errors, budget);
        else if (additional) this.#walk(value[key], before, additional, `${path}[${key}]`, errors, budget);
      }
    }
  }

  #apply(
    value: unknown,
    old: unknown,
    schema: Schema,
    path: string,
    errors: FieldError[],
    budget: { remaining: number },
    root: boolean,
  ): void {
    let rules = this.#compiled.get(schema);
    if (!rules) this.#compiled.set(schema, (rules = compileRules(schema, root)));
    const field = path === '' ? '<nil>' : path;
    const typed = schema.type ?? '';
    for (const { rule, program, message, usesOld } of rules) {
      const has = old !== undefined && old !== null;
      if (usesOld && !has && rule.optionalOldSelf !== true) continue;
      if (program instanceof CelError) {
        errors.push(invalidValue(field, typed, `rule compile error: ${program.message}`));
        continue;
      }
      const variables = { self: value, oldSelf: has ? old : value, __old: has ? old : value, __hasOld: has };
      const result = program.evaluate(variables, budget);
      if (result instanceof CelError) {
        errors.push(invalidValue(field, typed, evaluationError(result.message, rule)));
        if (budget.remaining <= 0) return;
        continue;
      }
      if (celToJson(result) === true) continue;
      // Ratcheting: what has not changed may stay as it is.
      if (!usesOld && has && jsonEqual(value, old)) continue;
      const told = message && !(message instanceof CelError) ? message.evaluate(variables, budget) : null;
      const text = told === null || told instanceof CelError ? '' : String(celToJson(told)).trim();
      const detail = text !== '' && !text.includes('\n') ? text : messageOf(rule);
      errors.push(errorFor(rule, joinField(path, rule.fieldPath), value, schema, detail));
    }
  }
}

/** Whether there is any rule in the schema. */
function hasRules(schema: Schema): boolean {
  if (schema['x-kubernetes-validations']?.length) return true;
  const additional = additionalOf(schema);
  if (schema.items && hasRules(schema.items)) return true;
  if (additional && hasRules(additional)) return true;
  for (const key in schema.properties) if (hasRules(schema.properties[key] as Schema)) return true;
  return false;
}

export function compileRules(schema: Schema, root: boolean): Rule[] {
  const self = typeOf(schema, root);
  const variables = { self, oldSelf: self, __old: self, __hasOld: 'bool' as const };
  const environment: CelEnvironment = { variables };
  return (schema['x-kubernetes-validations'] ?? []).map((rule) => {
    const source = rule.optionalOldSelf === true ? rule.rule.replaceAll(/\boldSelf\b/g, OPTIONAL_OLD) : rule.rule;
    const compiled = compileCel(source, environment);
    const program =
      compiled instanceof CelError || compiled.type === 'bool' || compiled.type === 'dyn'
        ? compiled
        : new CelError('cel expression must evaluate to a bool');
    const message = rule.messageExpression ? compileCel(rule.messageExpression, environment) : null;
    return { rule, program, message, usesOld: OLD.test(rule.rule) };
  });
}

const FORMATS: Readonly<Record<string, CelType>> = {
  byte: 'bytes',
  duration: 'duration',
  date: 'timestamp',
  'date-time': 'timestamp',
};

/** The CEL type of a schema (apiserver/pkg/cel/common SchemaDeclType). */
export function typeOf(schema: Schema, root: boolean): CelType {
  if (schema['x-kubernetes-int-or-string'] === true) return 'dyn';
  switch (schema.type) {
    case 'array':
      return { list: schema.items ? typeOf(schema.items, false) : 'dyn' };
    case 'object': {
      const additional = additionalOf(schema);
      if (!schema.properties && additional !== undefined) return { map: additional ? typeOf(additional, false) : 'dyn' };
      const fields: Record<string, CelType> = {};
      for (const key in schema.properties) fields[key] = typeOf(schema.properties[key] as Schema, false);
      if (root || schema['x-kubernetes-embedded-resource'] === true) {
        fields['apiVersion'] = 'string';
        fields['kind'] = 'string';
        fields['metadata'] = { object: 'metadata', fields: { name: 'string', generateName: 'string' } };
      }
      return { object: 'object', fields };
    }
    case 'string':
      return FORMATS[schema.format ?? ''] ?? 'string';
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    default:
      return 'dyn';
  }
}

function evaluationError(message: string, rule: ValidationRule): string {
  const source = rule.rule.trim();
  if (message.startsWith('no such overload')) {
    return `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${source}`;
  }
  if (message.includes('cost limit'))
    return `'${message}': no further validation rules will be run due to call cost exceeds limit for rule: ${source}`;
  return `${message} evaluating rule: ${source}`;
}

const messageOf = (rule: ValidationRule): string => (rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`);

/** `.foo.bar` and `['a key']` behind a path. */
function joinField(path: string, more: string | undefined): string {
  if (!more) return path === '' ? '<nil>' : path;
  const tail = more.replaceAll(/\['((?:\\.|[^'\\])*)'\]/g, '[$1]').replace(/^\./, '');
  return path === '' ? tail : tail.startsWith('[') ? `${path}${tail}` : `${path}.${tail}`;
}

function errorFor(rule: ValidationRule, field: string, value: unknown, schema: Schema, detail: string): FieldError {
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return duplicate(field, value);
    default:
      if (schema.type !== 'object' && schema.type !== 'array') return invalidValue(field, value, detail);
      return { type: 'FieldValueInvalid', field, message: `Invalid value: ${detail}` };
  }
}
