// Errors of the API as `metav1.Status` values, with the texts of apimachinery/pkg/api/errors.

import type { Status, StatusCause } from './generated/types.ts';
import type { ResourceKind } from './kinds.ts';

/** An answer of the API server other than success. `status` is the body, `status.code` the HTTP status. */
export class ApiError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    // An answer like any other: where in the program it was made is of no interest, and finding that out is expensive.
    const engine = Error as { stackTraceLimit?: number };
    const limit = engine.stackTraceLimit;
    if (limit !== undefined) engine.stackTraceLimit = 0;
    super(status.message ?? status.reason ?? 'unknown');
    if (limit !== undefined) engine.stackTraceLimit = limit;
    this.name = 'ApiError';
    this.status = status;
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** What a not-found error and its like are about: `pods` or `deployments.apps` in texts, split in the details. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

const qualified = (r: ResourceName): string => (r.group === '' ? r.plural : `${r.plural}.${r.group}`);

const details = (r: ResourceName, name: string): Status['details'] => ({
  ...(name === '' ? {} : { name }),
  ...(r.group === '' ? {} : { group: r.group }),
  kind: r.plural,
});

function failure(code: number, reason: string, message: string, about?: Status['details']): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(about === undefined ? {} : { details: about }),
    code,
  });
}

/** 404: the object does not exist. */
export const notFound = (r: ResourceName, name: string): ApiError =>
  failure(404, 'NotFound', `${qualified(r)} "${name}" not found`, details(r, name));

/** 404: no such path. */
export const noSuchPath = (): ApiError => failure(404, 'NotFound', 'the server could not find the requested resource', {});

/** 409: the name is taken. */
export const alreadyExists = (r: ResourceName, name: string): ApiError =>
  failure(409, 'AlreadyExists', `${qualified(r)} "${name}" already exists`, details(r, name));

/** 409: somebody else was faster, or a precondition fails. */
export const conflict = (r: ResourceName, name: string, why: string = MODIFIED): ApiError =>
  failure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(r)} "${name}": ${why}`, details(r, name));

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** 403 of the registry and of admission plug-ins: `pods "x" is forbidden: why`. Without a name: `pods is forbidden: why`. */
export function forbidden(r: ResourceName, name: string, why: string): ApiError {
  const message =
    r.plural === ''
      ? `forbidden: ${why}`
      : name === ''
        ? `${qualified(r)} is forbidden: ${why}`
        : `${qualified(r)} "${name}" is forbidden: ${why}`;
  return failure(403, 'Forbidden', message, details(r, name));
}

/** 401. */
export const unauthorized = (message: string = 'Unauthorized'): ApiError => failure(401, 'Unauthorized', message);

/** 400. */
export const badRequest = (message: string): ApiError => failure(400, 'BadRequest', message);

/** 405. */
export const methodNotSupported = (r: ResourceName, verb: string): ApiError =>
  failure(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${qualified(r)}"`, details(r, ''));

/** 406. */
export const notAcceptable = (message: string): ApiError => failure(406, 'NotAcceptable', message);

/** 415. */
export const unsupportedMediaType = (message: string): ApiError => failure(415, 'UnsupportedMediaType', message);

/** 410 of a watch or a continue token that starts too far back. */
export const expired = (message: string): ApiError => failure(410, 'Expired', message);

/** 410 of an old resource version. */
export const gone = (message: string): ApiError => failure(410, 'Gone', message);

/** 429; `retryAfterSeconds` 0 leaves the hint out, so that clients do not retry by themselves. */
export const tooManyRequests = (message: string, retryAfterSeconds: number): ApiError =>
  failure(429, 'TooManyRequests', message, retryAfterSeconds > 0 ? { retryAfterSeconds } : {});

/** 413. */
export const requestTooLarge = (message: string): ApiError => failure(413, 'RequestEntityTooLarge', message);

/** 500. */
export const internalError = (message: string): ApiError =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });

/** 503. */
export const serviceUnavailable = (message: string): ApiError => failure(503, 'ServiceUnavailable', message);

/** 504. */
export const timeout = (message: string): ApiError => failure(504, 'Timeout', message);

/** 422 of a patch that cannot be applied. */
export const unprocessable = (message: string): ApiError => failure(422, 'Invalid', message, {});

/** One thing wrong with one field, as apimachinery's field.Error. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** What follows the path: `Required value`, `Invalid value: "x": must be …`. */
  readonly message: string;
}

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

/** 422 with every cause; equal causes are named once. */
export function invalid(kind: Pick<ResourceKind, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): ApiError {
  const lines = [...new Set(errors.map((e) => `${e.field}: ${e.message}`))];
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const about = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const causes: StatusCause[] = errors.map((e) => ({ reason: e.type, message: e.message, field: e.field }));
  return failure(422, 'Invalid', errors.length === 0 ? `${about} "${name}" is invalid` : `${about} "${name}" is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    ...(causes.length === 0 ? {} : { causes }),
  });
}

/** Whether the error is an ApiError with that reason (`NotFound`, `Conflict`, …). */
export const hasReason = (error: unknown, reason: string): error is ApiError => error instanceof ApiError && error.status.reason === reason;

export const isNotFound = (error: unknown): error is ApiError => hasReason(error, 'NotFound');
export const isAlreadyExists = (error: unknown): error is ApiError => hasReason(error, 'AlreadyExists');
export const isConflict = (error: unknown): error is ApiError => hasReason(error, 'Conflict');
export const isInvalid = (error: unknown): error is ApiError => hasReason(error, 'Invalid');
export const isForbidden = (error: unknown): error is ApiError => hasReason(error, 'Forbidden');
