// Bytes that pass through the model as text. What is UTF-8 becomes that text; a byte that is not becomes the lone surrogate
// U+DC80…U+DCFF (Python's surrogateescape), so that any file survives the way in and out.

const ESCAPE = 0xdc00;

/** A piece of input or output; a string stands for its UTF-8 bytes. */
export type Chunk = string | Uint8Array;

/** Turns the pieces of one byte stream into text; a character cut in two waits for its rest. */
export class TextDecoding {
  #rest: number[] = [];

  decode(piece: Chunk): string {
    if (typeof piece === 'string') return this.#rest.length === 0 ? piece : this.end() + piece;
    const bytes = this.#rest.length === 0 ? piece : Uint8Array.from([...this.#rest, ...piece]);
    const whole = wholeLength(bytes);
    this.#rest = [...bytes.subarray(whole)];
    return textOf(whole === bytes.length ? bytes : bytes.subarray(0, whole));
  }

  /** What is left at the end of the stream. */
  end(): string {
    const rest = this.#rest;
    this.#rest = [];
    return textOf(Uint8Array.from(rest));
  }
}

/** How many bytes there are before a character that is cut off at the end. */
function wholeLength(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return back < lengthOf(byte) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

const lengthOf = (lead: number): number => (lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0);

/** The text of bytes. */
export function textOf(bytes: Chunk): string {
  if (typeof bytes === 'string') return bytes;
  const parts: string[] = [];
  let units: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] as number;
    const length = lengthOf(lead);
    let code = length === 1 ? lead : lead & (0xff >> (length + 1));
    let good = length > 0 && i + length <= bytes.length;
    for (let j = 1; good && j < length; j++) {
      const next = bytes[i + j] as number;
      good = (next & 0xc0) === 0x80;
      code = (code << 6) | (next & 0x3f);
    }
    if (good && length === 3) good = code >= 0x800 && (code < 0xd800 || code > 0xdfff);
    if (good && length === 4) good = code >= 0x10000 && code <= 0x10ffff;
    if (!good) units.push(ESCAPE + lead);
    else if (code > 0xffff) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
    else units.push(code);
    i += good ? length : 1;
    if (units.length > 4_000) {
      parts.push(String.fromCharCode(...units));
      units = [];
    }
  }
  parts.push(String.fromCharCode(...units));
  return parts.join('');
}

/** The bytes of a text that came from `textOf`, or of any text as UTF-8. */
export function bytesOf(text: Chunk): Uint8Array {
  if (typeof text !== 'string') return text;
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xdc00) {
      const low = text.charCodeAt(i + 1);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i++;
      }
    } else if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) {
      bytes[at++] = code - ESCAPE;
      continue;
    }
    if (code < 0x800) bytes[at++] = 0xc0 | (code >> 6);
    else {
      if (code < 0x10000) bytes[at++] = 0xe0 | (code >> 12);
      else bytes.set([0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f)], (at += 2) - 2);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[at++] = 0x80 | (code & 0x3f);
  }
  return bytes.subarray(0, at);
}
