// A keyed hash that stands in for signatures. It is deterministic and tells honest from altered text; it is not cryptography.

import { hash32 } from '../sim/random.ts';

const BASES = [0x811c9dc5, 0x01234567, 0x89abcdef, 0xdeadbeef, 0x0badcafe, 0x13579bdf, 0x2468ace0, 0x7f4a7c15];

/** 256 bits of hash over a key and a text, in hexadecimal. */
export function sign(key: string, text: string): string {
  const whole = `${key}\u0000${text}\u0000${key}`;
  let chained = 0;
  let out = '';
  for (const base of BASES) {
    chained = hash32(whole, (base ^ chained) >>> 0);
    out += chained.toString(16).padStart(8, '0');
  }
  return out;
}
