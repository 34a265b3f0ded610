// Counts as Go's `omitempty` writes them.

/** Leaves out counts that are zero. */
export function nonZero<K extends string>(counts: Readonly<Record<K, number | undefined>>): { readonly [P in K]?: number } {
  const kept: { [P in K]?: number } = {};
  for (const name in counts) if (counts[name]) kept[name] = counts[name] as number;
  return kept;
}
