// Editing one command line, as GNU readline does with its default keys. Pure: keys in, what to draw and what was entered out.

export interface Line {
  readonly text: string;
  /** Where the cursor stands: characters (code points) before it. */
  readonly cursor: number;
}

export const EMPTY_LINE: Line = { text: '', cursor: 0 };

export type Edited =
  | { readonly type: 'edit'; readonly line: Line }
  | { readonly type: 'enter'; readonly text: string }
  | { readonly type: 'complete'; readonly line: Line }
  /** ^C, ^D on an empty line: the shell decides. */
  | { readonly type: 'keys'; readonly keys: string }
  | { readonly type: 'clear' };

const ESCAPE = '\u001b';
const KEY = new RegExp(`${ESCAPE}(?:\\[[0-9;]*[A-Za-z~]|O[A-Z]|[\\s\\S])?|[\\s\\S]`, 'gu');

/** Keys as a terminal sends them: each one character, or one escape sequence. */
export const keysOf = (data: string): string[] => data.match(KEY) ?? [];

export class LineEditor {
  #before: string[] = [];
  #after: string[] = [];
  #killed: string[] = [];
  readonly #history: string[] = [];
  /** Which entry is shown; history.length is the line being written. */
  #at = 0;
  #draft = '';

  get line(): Line {
    return { text: this.#before.join('') + this.#after.join(''), cursor: this.#before.length };
  }

  set line({ text, cursor }: Line) {
    const characters = [...text];
    this.#before = characters.slice(0, cursor);
    this.#after = characters.slice(cursor);
  }

  /** Commands that were entered before, oldest first. */
  get history(): readonly string[] {
    return this.#history;
  }

  remember(command: string): void {
    if (command.trim() !== '' && command !== this.#history.at(-1)) this.#history.push(command);
    this.#at = this.#history.length;
  }

  key(key: string): Edited {
    switch (key) {
      case '\r':
      case '\n': {
        const { text } = this.line;
        this.line = EMPTY_LINE;
        this.remember(text);
        return { type: 'enter', text };
      }
      case '\t':
        return { type: 'complete', line: this.line };
      case '\u0003':
        this.line = EMPTY_LINE;
        this.#at = this.#history.length;
        return { type: 'keys', keys: key };
      case '\u0004':
        if (this.line.text === '') return { type: 'keys', keys: key };
        this.#after.shift();
        break;
      case '\f':
        return { type: 'clear' };
      case '\u007f':
      case '\b':
        this.#before.pop();
        break;
      case '\u001b[3~':
        this.#after.shift();
        break;
      case '\u0001':
      case '\u001b[H':
      case '\u001bOH':
      case '\u001b[1~':
        this.#after.unshift(...this.#before.splice(0));
        break;
      case '\u0005':
      case '\u001b[F':
      case '\u001bOF':
      case '\u001b[4~':
        this.#before.push(...this.#after.splice(0));
        break;
      case '\u0002':
      case '\u001b[D':
      case '\u001bOD':
        this.#left(1);
        break;
      case '\u0006':
      case '\u001b[C':
      case '\u001bOC':
        this.#right(1);
        break;
      case '\u001bb':
      case '\u001b[1;5D':
        this.#left(wordLength(this.#before.toReversed()));
        break;
      case '\u001bf':
      case '\u001b[1;5C':
        this.#right(wordLength(this.#after));
        break;
      case '\u000b':
        this.#killed = this.#after.splice(0);
        break;
      case '\u0015':
        this.#killed = this.#before.splice(0);
        break;
      case '\u0017': {
        const length = blankWordLength(this.#before.toReversed());
        this.#killed = this.#before.splice(this.#before.length - length);
        break;
      }
      case '\u0019':
        this.#before.push(...this.#killed);
        break;
      case '\u0010':
      case '\u001b[A':
      case '\u001bOA':
        this.#browse(-1);
        break;
      case '\u000e':
      case '\u001b[B':
      case '\u001bOB':
        this.#browse(1);
        break;
      default:
        if (key >= ' ' && !key.startsWith('\u001b')) this.#before.push(...key);
    }
    return { type: 'edit', line: this.line };
  }

  #left(count: number): void {
    if (count > 0) this.#after.unshift(...this.#before.splice(Math.max(0, this.#before.length - count)));
  }

  #right(count: number): void {
    this.#before.push(...this.#after.splice(0, count));
  }

  #browse(step: 1 | -1): void {
    const next = this.#at + step;
    if (next < 0 || next > this.#history.length) return;
    if (this.#at === this.#history.length) this.#draft = this.line.text;
    this.#at = next;
    const text = this.#history[next] ?? this.#draft;
    this.line = { text, cursor: [...text].length };
  }
}

const isWord = (character: string): boolean => /[\p{L}\p{N}]/u.test(character);

/** To the end of the next word: over what separates, then over letters and digits. */
function wordLength(characters: readonly string[]): number {
  let n = 0;
  while (n < characters.length && !isWord(characters[n] as string)) n++;
  while (n < characters.length && isWord(characters[n] as string)) n++;
  return n;
}

/** A word between blanks. */
function blankWordLength(characters: readonly string[]): number {
  let n = 0;
  while (n < characters.length && characters[n] === ' ') n++;
  while (n < characters.length && characters[n] !== ' ') n++;
  return n;
}

/** How many columns a text takes: wide characters (East Asian, most emoji) take two, marks above others none. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += /\p{Mark}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}

const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
