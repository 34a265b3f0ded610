// Field errors as apimachinery/pkg/util/validation/field words them. `field` is a path such as `spec.containers[0].name`.

import type { FieldError } from '../status.ts';

/** A value as it stands in a message: text in quotes, everything else as JSON. */
function text(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

export const required = (field: string, detail: string = ''): FieldError => ({
  type: 'FieldValueRequired',
  field,
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
});

export const invalidValue = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${text(value)}${detail === '' ? '' : `: ${detail}`}`,
});

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${text(value)}: supported values: ${supported.map(text).join(', ')}`,
});

export const duplicate = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${text(value)}`,
});

export const missing = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueNotFound',
  field,
  message: `Not found: ${text(value)}`,
});

export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${detail}`,
});

export const tooLongField = (field: string, limit: number): FieldError => ({
  type: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${limit} bytes`,
});

export const tooMany = (field: string, count: number, limit: number): FieldError => ({
  type: 'FieldValueTooMany',
  field,
  message: `Too many: ${count}: must have at most ${limit} items`,
});

export const IMMUTABLE = 'field is immutable';

/** Collects what is wrong. */
export class Errors {
  readonly list: FieldError[] = [];

  add(error: FieldError): void {
    this.list.push(error);
  }

  /** One Invalid for each thing that a rule has found wrong with a value. */
  rule(field: string, value: unknown, wrong: readonly string[]): void {
    for (const detail of wrong) this.add(invalidValue(field, value, detail));
  }

  /** Numbers that may not be negative; absent is fine. */
  nonNegative(field: string, value: number | undefined): void {
    if (value !== undefined && value < 0) this.add(invalidValue(field, value, 'must be greater than or equal to 0'));
  }

  /** Required, and one of the supported. */
  oneOf(field: string, value: string | undefined, supported: readonly string[]): void {
    if (value === undefined || value === '') this.add(required(field));
    else if (!supported.includes(value)) this.add(notSupported(field, value, supported));
  }

  /** Absent, or one of the supported. */
  oneOfIfSet(field: string, value: string | undefined, supported: readonly string[]): void {
    if (value !== undefined && value !== '' && !supported.includes(value)) this.add(notSupported(field, value, supported));
  }

  /** Text that must not be empty. */
  needed(field: string, value: string | undefined, detail: string = ''): boolean {
    if (value !== undefined && value !== '') return true;
    this.add(required(field, detail));
    return false;
  }
}
