// Small things about texts that several libraries need: bytes, code points, regular expressions of RE2 in JavaScript's.

import { base64ToBytes } from '../../base64.ts';
import { fault } from './opaque.ts';

export const bytesOf = (base64: string): Uint8Array => Uint8Array.from(base64ToBytes(base64) ?? []);

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: '0-9A-Za-z',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  word: '\\w',
};

const known = new Map<string, RegExp>();
const LIMIT = 1_000;

/** The JavaScript expression for one of RE2. */
export function regexOf(pattern: string): RegExp {
  const before = known.get(pattern);
  if (before) return before;
  let source = pattern;
  let flags = 'u';
  const inline = /^\(\?([ims]+)\)/.exec(source);
  if (inline) {
    source = source.slice(inline[0].length);
    flags += inline[1] as string;
  }
  source = source
    .replace(/\(\?P</g, '(?<')
    .replace(/\\z/g, '$')
    .replace(/\\A/g, '^')
    .replace(/\[:(\w+):\]/g, (all, name: string) => CLASSES[name] ?? all);
  let made: RegExp;
  try {
    made = new RegExp(source, flags);
  } catch {
    try {
      // Without the strictness of Unicode mode: RE2 lets more be escaped.
      made = new RegExp(source, flags.replace('u', ''));
    } catch {
      throw fault(`error parsing regexp: invalid regular expression: \`${pattern}\``);
    }
  }
  if (known.size >= LIMIT) known.clear();
  known.set(pattern, made);
  return made;
}
