// YAML documents that processes write and read: nodes have the same configuration files, and most texts were written here
// before, so that the last ones are remembered with their values.

import { parse, stringify } from 'yaml';
import { deepFreeze } from './meta.ts';
import { plainYaml, WHOLE_LINES } from './yaml-plain.ts';

const REMEMBERED = 256;
const known = new Map<string, unknown>();

/** The value of a YAML (or JSON) document, frozen. Throws YAMLParseError. */
export function parseYaml(text: string): unknown {
  if (known.has(text)) return known.get(text);
  return remember(text, parse(text));
}

/** The text of a value in YAML, with long lines left whole. The value is frozen. */
export function formatYaml(value: object): string {
  const text = plainYaml(value) ?? stringify(value, WHOLE_LINES);
  remember(text, value);
  return text;
}

function remember(text: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) deepFreeze(value);
  if (known.size >= REMEMBERED) known.delete(known.keys().next().value as string);
  known.set(text, value);
  return value;
}
