// Semantic equality of API values: field by field, whatever the order of fields; absent and undefined are the same. And zeroes,
// which Go does not write.

export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!equal(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}

/** Leaves out counts that are zero, as Go's `omitempty` does. */
export function nonZero<K extends string>(counts: Readonly<Record<K, number | undefined>>): { readonly [P in K]?: number } {
  const kept: { [P in K]?: number } = {};
  for (const name in counts) if (counts[name]) kept[name] = counts[name] as number;
  return kept;
}
