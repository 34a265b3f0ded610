// What differs between two structs, in the manner of go-cmp, as messages about forbidden updates end with it.
// Simplification: values stand as JSON, go-cmp would spell out Go's structs.

import { jsonEqual } from '../meta.ts';

/** `typeName` is Go's name of the struct, such as `core.PodSpec`. */
export function goDifference(typeName: string, before: object, now: object): string {
  const [a, b] = [before as Readonly<Record<string, unknown>>, now as Readonly<Record<string, unknown>>];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  const lines = keys.flatMap((key) => {
    if (jsonEqual(a[key], b[key])) return [];
    const name = `${key.charAt(0).toUpperCase()}${key.slice(1)}`;
    return [`- \t${name}: ${JSON.stringify(a[key]) ?? 'nil'},`, `+ \t${name}: ${JSON.stringify(b[key]) ?? 'nil'},`];
  });
  return `  ${typeName}{\n${lines.join('\n')}\n  \t... // identical fields\n  }\n`;
}
