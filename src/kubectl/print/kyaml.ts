// KYAML (-o kyaml): YAML in flow style with quoted strings and braces, as sigs.k8s.io/yaml/kyaml writes it.

import { sorted } from './json.ts';

const AMBIGUOUS = /^(?:[yn]|yes|no|on|off|true|false|null|~|nan|inf|\.nan|[-+]?\.inf|[-+.]?\d.*)$/i;

const key = (text: string): string => (/^[A-Za-z_][\w./-]*$/.test(text) && !AMBIGUOUS.test(text) ? text : JSON.stringify(text));

function value(of: unknown, indent: string): string {
  if (Array.isArray(of)) {
    if (of.length === 0) return '[]';
    const allObjects = of.every((v) => typeof v === 'object' && v !== null);
    if (allObjects) return `[${of.map((v) => value(v, indent)).join(', ')}]`;
    return `[\n${of.map((v) => `${indent}  ${value(v, `${indent}  `)},\n`).join('')}${indent}]`;
  }
  if (typeof of === 'object' && of !== null) {
    const keys = Object.keys(of);
    if (keys.length === 0) return '{}';
    return `{\n${keys.map((k) => `${indent}  ${key(k)}: ${value((of as Record<string, unknown>)[k], `${indent}  `)},\n`).join('')}${indent}}`;
  }
  return typeof of === 'string' ? JSON.stringify(of) : String(of);
}

/** A document with its separator. */
export const kyaml = (object: unknown): string => `---\n${value(sorted(object), '')}\n`;
