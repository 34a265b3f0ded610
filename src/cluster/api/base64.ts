// Base64 and UTF-8 without the platform's help: Secret data, PEM bodies, tokens.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_ALPHABET = `${ALPHABET.slice(0, 62)}-_`;
/** By character code, of both alphabets; -1 for what is in neither. */
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;
VALUES['-'.charCodeAt(0)] = 62;
VALUES['_'.charCodeAt(0)] = 63;
const NEW_LINE = 10;
const RETURN = 13;
const EQUALS = 61;

/** UTF-8 bytes of a text. */
export function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes.push(unit);
      continue;
    }
    const code = text.codePointAt(i) as number;
    if (code > 0xffff) i++;
    if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  return bytes;
}

/** The text of UTF-8 bytes; what is no UTF-8 becomes U+FFFD. */
export function fromUtf8(bytes: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] as number;
    const more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : -1;
    let code = more === 0 ? lead : lead & (0x3f >> more);
    let good = more >= 0 && i + more < bytes.length;
    for (let j = 1; good && j <= more; j++) {
      const next = bytes[i + j] as number;
      good = (next & 0xc0) === 0x80;
      code = (code << 6) | (next & 0x3f);
    }
    parts.push(good && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd');
    i += good ? more + 1 : 1;
  }
  return parts.join('');
}

/** Standard padded base64 of a text's UTF-8 bytes. */
export const toBase64 = (text: string): string => encode(utf8(text), ALPHABET, '=');

/** Every two characters that can stand side by side: twelve bits each. */
const pairs = new Map<string, readonly string[]>();

function pairsOf(alphabet: string): readonly string[] {
  let known = pairs.get(alphabet);
  if (!known) pairs.set(alphabet, (known = Array.from({ length: 4_096 }, (_, n) => `${alphabet[n >> 6]}${alphabet[n & 63]}`)));
  return known;
}

function encode(bytes: ArrayLike<number>, alphabet: string, padding: string): string {
  const pair = pairsOf(alphabet);
  const whole = bytes.length - (bytes.length % 3);
  let out = '';
  for (let i = 0; i < whole; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    out += (pair[group >> 12] as string) + (pair[group & 4_095] as string);
  }
  if (whole === bytes.length) return out;
  const group = ((bytes[whole] as number) << 16) | ((bytes[whole + 1] ?? 0) << 8);
  const last = whole + 1 < bytes.length ? (alphabet[(group >> 6) & 63] as string) : padding;
  return `${out}${pair[group >> 12]}${last}${padding}`;
}

/** The text behind base64 (standard or URL alphabet, padded or not, line breaks allowed); undefined for anything else. */
export function fromBase64(text: string): string | undefined {
  const bytes = base64ToBytes(text);
  if (bytes === undefined) return undefined;
  for (const byte of bytes) if (byte >= 0x80) return fromUtf8(bytes);
  return ascii(bytes);
}

/** The bytes behind base64; undefined for anything else. */
export function base64ToBytes(text: string): number[] | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === NEW_LINE || c === RETURN || c === EQUALS) continue;
    const value = c < 128 ? (VALUES[c] as number) : -1;
    if (value < 0) return undefined;
    bits = (bits << 6) | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push((bits >> held) & 0xff);
    bits &= (1 << held) - 1;
  }
  return bytes;
}

/** As fromUtf8 for bytes below 0x80, in pieces that fit an argument list. */
function ascii(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4_096) text += String.fromCharCode(...bytes.slice(i, i + 4_096));
  return text;
}

/** Unpadded base64 in the URL alphabet: the parts of a JWT. */
export const toBase64Url = (text: string): string => encode(utf8(text), URL_ALPHABET, '');

/** Standard padded base64 of bytes. */
export const bytesToBase64 = (bytes: ArrayLike<number>): string => encode(bytes, ALPHABET, '=');

/** Unpadded base64 of bytes in the URL alphabet. */
export const bytesToBase64Url = (bytes: ArrayLike<number>): string => encode(bytes, URL_ALPHABET, '');
