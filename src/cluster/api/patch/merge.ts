// JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces.

import { badRequest } from '../status.ts';

/** Patches nested deeper than this are refused. */
export const MAX_PATCH_DEPTH = 500;

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The target with the patch merged in; what the patch leaves alone is shared, an idle patch returns the target itself. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  return merge(target, patch, 0);
}

function merge(target: unknown, patch: unknown, depth: number): unknown {
  if (depth > MAX_PATCH_DEPTH) throw badRequest('the patch is nested too deeply');
  if (!isJsonObject(patch)) return Array.isArray(patch) ? withoutNulls(patch, depth) : patch;
  const base: JsonObject = isJsonObject(target) ? target : {};
  let entries: Map<string, unknown> | null = null;
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    const there = entries === null ? Object.hasOwn(base, key) : entries.has(key);
    if (value === null) {
      if (there) (entries ??= new Map(Object.entries(base))).delete(key);
      continue;
    }
    const before = !there ? undefined : entries === null ? base[key] : entries.get(key);
    const after = merge(before, value, depth + 1);
    if (after === before && there) continue;
    (entries ??= new Map(Object.entries(base))).set(key, after);
  }
  return entries === null ? base : Object.fromEntries(entries);
}

/** A list replaces, but nothing in the objects that it holds is null (evanphx/json-patch, pruneNils). */
function withoutNulls(list: readonly unknown[], depth: number): readonly unknown[] {
  const pruned = list.map((item) => (isJsonObject(item) || Array.isArray(item) ? merge(undefined, item, depth + 1) : item));
  return pruned.some((item, i) => item !== list[i]) ? pruned : list;
}
