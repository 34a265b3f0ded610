// Telling errors apart beyond what api/status.ts offers, as apimachinery's api/errors and Go's panics do.

import { ApiError } from '../api/status.ts';

/** Forbidden because the namespace is going away. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');
}

/** A bug of the program, not a state of the world: it must end the process as a panic does, not be retried. */
export function isProgrammingError(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

/** The text of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
