// Small tools for defaulting immutable objects: what changes nothing returns the very same object.

/** The object with the given fields where it has none. */
export function fill<T extends object>(object: T, defaults: { readonly [K in keyof T]?: T[K] | undefined }): T {
  let filled: T | null = null;
  for (const key in defaults) {
    if (object[key] !== undefined || defaults[key] === undefined) continue;
    filled ??= { ...object };
    (filled as Record<string, unknown>)[key] = defaults[key];
  }
  return filled ?? object;
}

/** The object with one field put through a function; absent fields stay absent. */
export function change<T extends object, K extends keyof T>(object: T, key: K, to: (value: NonNullable<T[K]>) => T[K]): T {
  const before = object[key];
  if (before === undefined || before === null) return object;
  const after = to(before as NonNullable<T[K]>);
  return after === before ? object : { ...object, [key]: after };
}

/** The object with one field set to what a function makes of it, absent or not. */
export function put<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): T {
  return object[key] === value ? object : { ...object, [key]: value };
}

/** The list with each element put through a function. */
export function each<E>(list: readonly E[], to: (element: E) => E): readonly E[] {
  let out: E[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const before = list[i] as E;
    const after = to(before);
    if (after !== before) out ??= list.slice();
    if (out) out[i] = after;
  }
  return out ?? list;
}
