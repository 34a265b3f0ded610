// YAML documents that many processes read: nodes have the same configuration files, so the last texts are remembered.

import { parse } from 'yaml';
import { deepFreeze } from './meta.ts';

const REMEMBERED = 64;
const known = new Map<string, unknown>();

/** The value of a YAML (or JSON) document, frozen. Throws YAMLParseError. */
export function parseYaml(text: string): unknown {
  if (known.has(text)) return known.get(text);
  const value: unknown = parse(text);
  if (typeof value === 'object' && value !== null) deepFreeze(value);
  if (known.size >= REMEMBERED) known.delete(known.keys().next().value as string);
  known.set(text, value);
  return value;
}
