// The text that the yaml library writes for plain configuration (maps, lists, words), many times faster; the library itself
// writes single values that need thought and whole documents that are out of the ordinary.

import { stringify } from 'yaml';

export const WHOLE_LINES = { lineWidth: 0 } as const;

/** Words, paths, Base64, flags, addresses, durations and sizes: never quoted, unless they are one of RESERVED. */
const PLAIN = /^(?:[A-Za-z/]|--[a-z])(?:[\w./=+,@-]|=\*|:(?=[\w/]))*$|^\d+(?:\.\d+){3}(?:[/:]\d+)?$|^\d+(?:[hms]|ms|m\d+s|h\d+m\d+s|[KMGT]i?)$|^\d+\.\d+\.\d+(?:-\d+)?$/;
/** What would read as a number is quoted. */
const INTEGER = /^\d+$/;
const KEY = /^[A-Za-z][\w./-]*\w$|^[A-Za-z]$/;
const RESERVED = /^(?:true|false|null)$/i;

class Unusual {}
const UNUSUAL = new Unusual();

/** Block style, two spaces; undefined for what only the library can write (shared objects become anchors, lists of lists, …). */
export function plainYaml(value: object): string | undefined {
  const text = Array.isArray(value) ? UNUSUAL : mapText(value, '', new Set());
  return text instanceof Unusual || text === '' ? undefined : text;
}

/** The lines of a map; the first without its indentation. */
function mapText(map: object, indent: string, seen: Set<object>): string | Unusual {
  if (seen.has(map)) return UNUSUAL;
  seen.add(map);
  let out = '';
  for (const key of Object.keys(map)) {
    const value: unknown = (map as Record<string, unknown>)[key];
    if (value === undefined) continue;
    if (!KEY.test(key) || RESERVED.test(key)) return UNUSUAL;
    if (out !== '') out += indent;
    if (typeof value !== 'object' || value === null || isEmpty(value)) {
      const text = scalarText(value, seen);
      if (text instanceof Unusual) return text;
      out += `${key}: ${text}\n`;
      continue;
    }
    const inner = `${indent}  `;
    const text = Array.isArray(value) ? listText(value, inner, seen) : mapText(value, inner, seen);
    if (text instanceof Unusual) return text;
    out += `${key}:\n${inner}${text}`;
  }
  return out;
}

function listText(list: readonly unknown[], indent: string, seen: Set<object>): string | Unusual {
  if (seen.has(list)) return UNUSUAL;
  seen.add(list);
  let out = '';
  for (const item of list) {
    if (Array.isArray(item) && item.length > 0) return UNUSUAL;
    const nested = typeof item === 'object' && item !== null && !isEmpty(item);
    const text = nested ? mapText(item, `${indent}  `, seen) : scalarText(item, seen);
    if (text instanceof Unusual) return text;
    if (out !== '') out += indent;
    out += nested ? `- ${text}` : `- ${text}\n`;
  }
  return out;
}

/** A value on one line. */
function scalarText(value: unknown, seen: Set<object>): string | Unusual {
  switch (typeof value) {
    case 'string':
      if (value === '') return '""';
      if (INTEGER.test(value)) return `"${value}"`;
      if (PLAIN.test(value) && !RESERVED.test(value)) return value;
      return value.includes('\n') ? UNUSUAL : stringify({ k: value }, WHOLE_LINES).slice(3, -1);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : UNUSUAL;
    case 'object':
      if (value === null) return 'null';
      if (seen.has(value)) return UNUSUAL;
      seen.add(value);
      return Array.isArray(value) ? '[]' : '{}';
    default:
      return UNUSUAL;
  }
}

/** Nothing in it, or nothing but undefined. */
function isEmpty(value: object): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const key in value) if ((value as Record<string, unknown>)[key] !== undefined) return false;
  return true;
}
