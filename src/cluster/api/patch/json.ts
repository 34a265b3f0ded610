// JSON patch (RFC 6902) with the API server's limits and errors. Uses fast-json-patch.

import jsonPatch, { type Operation } from 'fast-json-patch';
import { badRequest, requestTooLarge, unprocessable } from '../status.ts';

const MAX_OPERATIONS = 10_000;
const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
const REJECTED = 'the server rejected our request due to an error in our request';

/** A new object with the operations done. Throws ApiError 400 for a malformed patch, 422 for one that does not fit. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > MAX_OPERATIONS) {
    throw requestTooLarge(`The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`);
  }
  for (const operation of patch as readonly unknown[]) checkOperation(operation);
  try {
    return jsonPatch.applyPatch(target, patch as Operation[], true, false).newDocument;
  } catch {
    throw unprocessable(REJECTED);
  }
}

function checkOperation(operation: unknown): void {
  const { op, path } = (operation ?? {}) as { op?: unknown; path?: unknown };
  if (typeof op !== 'string' || !OPERATIONS.has(op) || typeof path !== 'string') throw unprocessable(REJECTED);
}
