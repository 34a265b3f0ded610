// Errors as kubectl prints them on stderr (kubectl/pkg/cmd/util/helpers.go).

import { ApiError } from '../../cluster/api/status.ts';
import { messageOf } from '../../cluster/client/errors.ts';

/** An error of kubectl itself; the text stands behind `error: `. */
export class CommandError extends Error {}

/** Several errors of one command; each is told, the exit code is 1. */
export class ManyErrors extends Error {
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    super('several errors');
    this.errors = errors;
  }
}

/** A Status with the place of the manifest put before its message, as AddSourceToErr does. */
export function withSource(error: unknown, doing: string, source: string): unknown {
  if (!(error instanceof ApiError)) return error;
  return new ApiError({ ...error.status, message: `error when ${doing} "${source}": ${error.message}` });
}

const causesOf = (error: ApiError): readonly string[] =>
  (error.status.details?.causes ?? []).map((c) => (c.field ? `${c.field}: ${c.message ?? ''}` : (c.message ?? '')));

function invalid(error: ApiError): string[] {
  const { details, message = '' } = error.status;
  const named = details && (details.kind || details.name);
  const causes = causesOf(error);
  const head = named ? `The ${details.kind ?? ''} "${details.name ?? ''}" is invalid` : 'The request is invalid';
  if (causes.length === 0) return [named ? head : `${head}: ${message}`];
  if (causes.length === 1) return [`${head}: ${causes[0]}`];
  return [`${head}: `, ...causes.map((cause) => `* ${cause}`)];
}

/** One error of several (util.messageForError): never broken into its causes. */
function oneOfMany(error: unknown): string {
  if (error instanceof ApiError) return fromServer(error);
  return `error: ${messageOf(error)}`;
}

function fromServer(error: ApiError): string {
  if (error.reason === 'Unauthorized') return `error: You must be logged in to the server (${error.message})`;
  if (error.reason === '') return `Error from server: ${error.message}`;
  return `Error from server (${error.reason}): ${error.message}`;
}

/** The lines that go to stderr. */
export function errorLines(error: unknown, server: string): string[] {
  if (error instanceof ManyErrors) return error.errors.flatMap((e) => oneOfMany(e).split('\n'));
  if (error instanceof ApiError) return error.reason === 'Invalid' ? invalid(error) : fromServer(error).split('\n');
  const code = (error as { code?: string } | null)?.code;
  if (code === 'ECONNREFUSED') {
    return [`The connection to the server ${server} was refused - did you specify the right host or port?`];
  }
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH') return [`Unable to connect to the server: dial tcp ${server}: ${messageOf(error)}`];
  return `error: ${messageOf(error)}`.split('\n');
}
