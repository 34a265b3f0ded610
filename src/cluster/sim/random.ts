// Seeded random streams. Every component draws from a stream of its own name, so that one component
// drawing more does not change what another one sees.

/** 32-bit FNV-1a of a string's UTF-16 units; also used to tell streams apart. */
export function hash32(text: string, basis = 0x811c9dc5): number {
  let h = basis;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

const BYTES = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

const hex16 = (n: number): string => (BYTES[n >>> 8] as string) + (BYTES[n & 0xff] as string);

/** A deterministic stream of numbers (the sfc32 generator). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: string) {
    this.#a = seed | 0;
    this.#b = hash32(stream) | 0;
    this.#c = hash32(stream, seed >>> 0) | 0;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** 0 … 2^32 - 1. */
  uint32(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }

  /** 0 ≤ x < 1. */
  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number 0 ≤ x < bound. */
  int(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** `length` characters of `alphabet`. */
  string(alphabet: string, length: number): string {
    let out = '';
    for (let i = 0; i < length; i++) out += alphabet[this.int(alphabet.length)];
    return out;
  }

  /** An RFC 4122 version 4 UUID. */
  uuid(): string {
    const a = this.uint32();
    const b = this.uint32();
    const c = this.uint32();
    const d = this.uint32();
    return `${hex16(a >>> 16)}${hex16(a & 0xffff)}-${hex16(b >>> 16)}-${hex16(0x4000 | (b & 0xfff))}-${hex16(0x8000 | ((c >>> 16) & 0x3fff))}-${hex16(c & 0xffff)}${hex16(d >>> 16)}${hex16(d & 0xffff)}`;
  }
}
