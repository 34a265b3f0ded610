// YAML as `kubectl -o yaml` prints it: keys in alphabetical order, two spaces, lists not indented below their key.

import { stringify } from 'yaml';

/** Byte order of keys, as Go's encoder sorts a map. */
const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);

/** The value with the keys of every object in order. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(byKey)
      .map(([k, v]) => [k, sorted(v)]),
  );
}

/** What `kubectl get -o yaml` prints of one object, without the final line break. managedFields are left out, as kubectl does. */
export function printYaml(object: unknown): string {
  return stringify(sorted(withoutManagedFields(object)), { version: '1.1', lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false }).trimEnd();
}

/** What `kubectl get -o json` prints: four spaces. */
export const printJson = (object: unknown): string => JSON.stringify(sorted(withoutManagedFields(object)), null, 4);

export function withoutManagedFields(object: unknown): unknown {
  const { metadata } = (object ?? {}) as { metadata?: Record<string, unknown> };
  if (!metadata?.['managedFields']) return object;
  const { managedFields: _managedFields, ...rest } = metadata;
  return { ...(object as object), metadata: rest };
}
