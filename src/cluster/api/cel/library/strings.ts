// Strings beyond the core of the language: cel-go ext/strings.go, version 2 (charAt, replace, format, quote …).

import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import type { Environment } from '@marcbachmann/cel-js';
import { fromUtf8, utf8 } from '../../base64.ts';
import { SYNC } from './lists.ts';
import { fault, Texted } from './opaque.ts';
import { timestampText } from './time.ts';

export function registerStrings(env: Environment): void {
  const method = (signature: string, handler: (...args: never[]) => unknown): void => void env.registerFunction(signature, handler, SYNC);
  method('string.charAt(int): string', (text: string, index: bigint) => {
    const all = [...text];
    if (index < 0n || index > all.length) throw fault(`index out of range: ${index}`);
    return all[Number(index)] ?? '';
  });
  method('string.replace(string, string): string', (text: string, from: string, to: string) => text.split(from).join(to));
  method('string.replace(string, string, int): string', (text: string, from: string, to: string, most: bigint) => {
    if (most < 0n) return text.split(from).join(to);
    const parts = text.split(from);
    const n = Number(most);
    const head = parts.slice(0, n + 1).join(to);
    return parts.length > n + 1 ? `${head}${from}${parts.slice(n + 1).join(from)}` : head;
  });
  method('string.format(list<dyn>): string', (text: string, args: readonly unknown[]) => format(text, args));
  env.registerType('StringsNamespace', Strings);
  env.registerConstant('strings', 'StringsNamespace', new Strings());
  method('StringsNamespace.quote(string): string', (_: Strings, text: string) => JSON.stringify(text));
}

class Strings {}

function format(text: string, args: readonly unknown[]): string {
  let next = 0;
  return text.replace(/%(?:%|(?:\.(\d+))?([a-zA-Z]))/g, (all, precision: string | undefined, verb: string | undefined) => {
    if (all === '%%') return '%';
    if (next >= args.length) throw fault(`index ${next} out of range`);
    return one(verb as string, precision === undefined ? 6 : Number(precision), args[next++]);
  });
}

function one(verb: string, precision: number, value: unknown): string {
  switch (verb) {
    case 's':
      return show(value);
    case 'd':
      if (typeof value === 'bigint' || value instanceof UnsignedInt) return String(value);
      if (typeof value === 'number') return String(Math.trunc(value));
      throw fault('error during formatting: decimal clause can only be used on integers');
    case 'f':
      return number(value).toFixed(precision);
    case 'e':
      return number(value)
        .toExponential(precision)
        .replace(/e([+-])(\d)$/, 'e$10$2');
    case 'x':
      return typeof value === 'string' ? hex(value) : BigInt(value as bigint).toString(16);
    case 'X':
      return (typeof value === 'string' ? hex(value) : BigInt(value as bigint).toString(16)).toUpperCase();
    case 'o':
      return BigInt(value as bigint).toString(8);
    case 'b':
      return typeof value === 'boolean' ? (value ? '1' : '0') : BigInt(value as bigint).toString(2);
    default:
      throw fault(`error during formatting: unrecognized formatting clause "${verb}"`);
  }
}

const hex = (text: string): string =>
  utf8(text)
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');

function number(value: unknown): number {
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  throw fault('error during formatting: fixed-point clause can only be used on doubles');
}

/** As %s prints it. */
export function show(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  const time = timestampText(value);
  if (time !== undefined) return time;
  if (value instanceof Duration || value instanceof UnsignedInt) return value.toString();
  if (value instanceof Texted) return value.text;
  if (value instanceof Uint8Array) return fromUtf8([...value]);
  const entries: [string, unknown][] = value instanceof Map ? [...value].map(([k, v]) => [String(k), v]) : Object.entries(value);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${k}: ${show(v)}`)
    .join(', ')}}`;
}
