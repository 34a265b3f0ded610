// Errors as kubectl prints them on stderr, and the exit code they give (kubectl/pkg/cmd/util/helpers.go).

import { ApiError } from '../../cluster/api/status.ts';
import { messageOf } from '../../cluster/client/errors.ts';

/** An error of kubectl itself; the text stands behind `error: `. */
export class CommandError extends Error {}

/** Several errors of one command; each is told, the exit code is 1. */
export class ManyErrors extends Error {
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    super(`[${errors.map(messageOf).join(', ')}]`);
    this.errors = errors;
  }
}

/** Ends the command with a code; what there was to say has been said (cmdutil.ErrExit), or is `text`. */
export class Exit extends Error {
  readonly code: number;

  constructor(code: number, text = '') {
    super(text);
    this.code = code;
  }
}

/** A discovery that did not get through, or any request before a Status: told without `error: `. */
export class PlainError extends Error {}

/** Throws what there is to throw: nothing, the one error, or all. */
export function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ManyErrors(errors);
}

/** `See 'kubectl get -h' for help and examples`. */
export const usageError = (commandPath: string, message: string): CommandError => new CommandError(`${message}\nSee '${commandPath} -h' for help and examples`);

/** A Status with other words before its message. */
export const withMessage = (error: ApiError, message: string): ApiError => new ApiError({ ...error.status, message });

/** A Status (or other error) with the place of the manifest put before its message, as AddSourceToErr does. */
export function withSource(error: unknown, doing: string, source: string): unknown {
  if (source === '') return error;
  const message = `error when ${doing} "${source}": ${messageOf(error)}`;
  if (error instanceof ApiError) return withMessage(error, message);
  return error instanceof CommandError ? new CommandError(message) : error;
}

function invalid(error: ApiError): string {
  const { details, message = '' } = error.status;
  if (!details) return message === '' ? 'The request is invalid' : `The request is invalid: ${message}`;
  const causes = [...new Set((details.causes ?? []).map((c) => `${c.field ?? ''}: ${c.message ?? ''}`))];
  const head = details.kind || details.name ? `The ${details.kind ?? ''} ${JSON.stringify(details.name ?? '')} is invalid` : causes.length === 0 && message !== '' ? `The request is invalid: ${message}` : 'The request is invalid';
  if (causes.length === 0) return head;
  return causes.length === 1 ? `${head}: ${causes[0]}` : [`${head}: `, ...causes.map((cause) => `* ${cause}`)].join('\n');
}

/** What both a single error and one of many say; undefined for errors without words of their own. */
function standard(error: unknown, server: string): string | undefined {
  if (error instanceof ApiError) {
    if (error.reason === 'Unauthorized') return `error: You must be logged in to the server (${error.message})`;
    return error.reason === '' ? `Error from server: ${error.message}` : `Error from server (${error.reason}): ${error.message}`;
  }
  const code = (error as { code?: string } | null)?.code;
  if (code === 'ECONNREFUSED') return `The connection to the server ${server} was refused - did you specify the right host or port?`;
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ETLS' || code === 'EOF') {
    return `Unable to connect to the server: ${code === 'ETIMEDOUT' ? `dial tcp ${server}: i/o timeout` : messageOf(error)}`;
  }
  return undefined;
}

/** One of several errors: plain ones have no `error: `. */
export const messageForError = (error: unknown, server = ''): string => standard(error, server) ?? messageOf(error);

/** The text for stderr (without the last line break; '' = nothing) and the exit code. */
export function report(error: unknown, server: string): { readonly text: string; readonly code: number } {
  let one = error;
  while (one instanceof ManyErrors && one.errors.length === 1) one = one.errors[0];
  if (one instanceof Exit) return { text: one.message, code: one.code };
  if (one instanceof ManyErrors) return { text: one.errors.map((e) => messageForError(e, server)).join('\n'), code: 1 };
  if (one instanceof ApiError && one.reason === 'Invalid') return { text: invalid(one), code: 1 };
  if (one instanceof PlainError) return { text: one.message, code: 1 };
  const text = standard(one, server);
  if (text !== undefined) return { text, code: 1 };
  const message = messageOf(one);
  return { text: message.startsWith('error: ') ? message : `error: ${message}`, code: 1 };
}
