// What a client is told when its patch makes something of an object that cannot be decoded
// (apiserver/pkg/endpoints/handlers/patch.go; the words of runtime.DefaultUnstructuredConverter for strategic merges).

import type { ResourceKind } from '../../api/kinds.ts';
import { ApiError, invalid } from '../../api/status.ts';

/** The error of decoding a patched object, as an error of the patch. */
export function asPatchError(error: unknown, kind: ResourceKind, patch: unknown, patched: unknown, strategic: boolean): unknown {
  if (!(error instanceof ApiError) || error.code !== 400) return error;
  const head = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: `;
  const { message } = error;
  if (!message.startsWith(head)) return error;
  const why = message.slice(head.length);
  const shown = strategic ? goValue(patch) : JSON.stringify(inOrder(patched));
  const text = `Invalid value: ${JSON.stringify(shown)}: ${strategic ? converterWords(why) : why}`;
  return invalid({ group: '', kind: '' }, '', [{ type: 'FieldValueInvalid', field: 'patch', message: text }]);
}

function converterWords(why: string): string {
  const found = /cannot unmarshal (\S+)(?: \S+)? into .* of type (\S+)$/.exec(why);
  if (!found) return why;
  const [, given = '', wanted = ''] = found;
  if (wanted.startsWith('[]')) return `cannot restore slice from ${GO_KINDS[given] ?? given}`;
  if (wanted.startsWith('map[')) return `cannot restore map from ${GO_KINDS[given] ?? given}`;
  if (/^(u?int|float|string|bool)/.test(wanted)) return `unrecognized type: ${wanted}`;
  return `cannot restore struct from: ${GO_KINDS[given] ?? given}`;
}

const GO_KINDS: Readonly<Record<string, string>> = { object: 'map', array: 'slice', number: 'int64' };

/** With the keys of its objects in order, as what has been merged is written. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const object = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, inOrder(object[key])]),
  );
}

/** As Go's %+v shows it. */
function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  const object = value as Readonly<Record<string, unknown>>;
  const parts = Object.keys(object)
    .sort()
    .map((key) => `${key}:${goValue(object[key])}`);
  return `map[${parts.join(' ')}]`;
}
