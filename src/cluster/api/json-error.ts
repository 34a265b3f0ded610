// What Go says of text that is no JSON (encoding/json scanner.go), so that it is the same in every engine.

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const END = 'unexpected end of JSON input';
const MAX_DEPTH = 2_000;

class Wrong extends Error {}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): void {
    this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
  }

  #fail(context: string): never {
    const c = this.#text[this.#at];
    if (c === undefined) throw new Wrong(END);
    const shown = c === "'" ? "'\\''" : c === '"' ? "'\"'" : `'${JSON.stringify(c).slice(1, -1)}'`;
    throw new Wrong(`invalid character ${shown} ${context}`);
  }

  #space(): string | undefined {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
    return this.#text[this.#at];
  }

  #value(depth: number): void {
    if (depth > MAX_DEPTH) throw new Wrong('exceeded max depth');
    const c = this.#space();
    if (c === '{') this.#object(depth);
    else if (c === '[') this.#array(depth);
    else if (c === '"') this.#string();
    else if (c === 't') this.#literal('true');
    else if (c === 'f') this.#literal('false');
    else if (c === 'n') this.#literal('null');
    else this.#number();
  }

  #object(depth: number): void {
    this.#at++;
    if (this.#space() === '}') return void this.#at++;
    for (;;) {
      if (this.#space() !== '"') this.#fail('looking for beginning of object key string');
      this.#string();
      if (this.#space() !== ':') this.#fail('after object key');
      this.#at++;
      this.#value(depth + 1);
      const c = this.#space();
      if (c !== ',' && c !== '}') this.#fail('after object key:value pair');
      this.#at++;
      if (c === '}') return;
    }
  }

  #array(depth: number): void {
    this.#at++;
    if (this.#space() === ']') return void this.#at++;
    for (;;) {
      this.#value(depth + 1);
      const c = this.#space();
      if (c !== ',' && c !== ']') this.#fail('after array element');
      this.#at++;
      if (c === ']') return;
    }
  }

  #string(): void {
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) {
      const c = this.#text[this.#at];
      if (c === undefined || c < ' ') this.#fail('in string literal');
      if (c !== '\\') continue;
      this.#at++;
      if (!'"\\/bfnrtu'.includes(this.#text[this.#at] ?? ' ')) this.#fail('in string escape code');
      if (this.#text[this.#at] !== 'u') continue;
      for (let i = 0; i < 4; i++) {
        this.#at++;
        if (!/[\da-fA-F]/.test(this.#text[this.#at] ?? ' ')) this.#fail('in \\u hexadecimal character escape');
      }
    }
    this.#at++;
  }

  #literal(word: string): void {
    for (const c of word) {
      if (this.#text[this.#at] !== c) this.#fail(`in literal ${word} (expecting '${c}')`);
      this.#at++;
    }
  }

  #number(): void {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text);
    if (found) this.#at += found[0].length;
    else if (this.#text[this.#at] === '-') {
      this.#at++;
      this.#fail('in numeric literal');
    } else this.#fail('looking for beginning of value');
  }
}

/** Go's words for what is wrong with the text, or null when it is JSON. */
export function jsonError(text: string): string | null {
  try {
    new Scanner(text).whole();
    return null;
  } catch (error) {
    if (error instanceof Wrong) return error.message;
    throw error;
  }
}
