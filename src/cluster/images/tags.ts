// Which tags exist: versions as ranges rather than lists.

/** minor → highest patch. */
export type Patches = ReadonlyMap<string, number>;

export interface VersionedTags {
  /** e.g. `1.27` → 5: 1.27.0 … 1.27.5 exist. */
  readonly patches: Patches;
  /** Words for versions: `latest` → `1.29.8`, `stable` → `1.28.3`. */
  readonly words: Readonly<Record<string, string>>;
  /** Suffixes that may follow, the empty one among them. A word may also be a suffix alone (`alpine` = `latest-alpine`). */
  readonly variants: readonly string[];
}

/** The canonical tag `1.27.5-alpine` for `1.27-alpine`, `1-alpine`, … or null. */
export function versionedTag({ patches, words, variants }: VersionedTags): (tag: string) => string | null {
  return (tag) => {
    for (const variant of [...variants].sort((a, b) => b.length - a.length)) {
      if (variant !== '' && tag === variant.slice(1)) return `${words['latest'] ?? ''}${variant}`;
      if (!tag.endsWith(variant)) continue;
      const version = canonicalVersion(tag.slice(0, tag.length - variant.length), patches, words);
      if (version !== null) return `${version}${variant}`;
    }
    return null;
  };
}

function canonicalVersion(text: string, patches: Patches, words: Readonly<Record<string, string>>): string | null {
  const word = words[text];
  if (word !== undefined) return word;
  const m = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(text);
  if (!m) return null;
  if (m[2] === undefined) {
    const newest = [...patches.keys()].filter((minor) => minor.startsWith(`${m[1] as string}.`)).at(-1);
    return newest === undefined ? null : `${newest}.${patches.get(newest) as number}`;
  }
  const minor = `${m[1] as string}.${m[2]}`;
  const highest = patches.get(minor);
  if (highest === undefined) return null;
  if (m[3] === undefined) return `${minor}.${highest}`;
  return Number(m[3]) <= highest ? `${minor}.${Number(m[3])}` : null;
}
