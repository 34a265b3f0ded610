// The text of a vi session and its keys: command, insert and command-line mode, as far as people use them to change a file.

type Mode = 'command' | 'insert' | 'line';

interface Kept {
  readonly lines: readonly string[];
  readonly row: number;
  readonly column: number;
}

const DEEPEST_UNDO = 100;
const WORD = /[A-Za-z0-9_]/;
const kindOf = (c: string | undefined): number => (c === undefined || /\s/.test(c) ? 0 : WORD.test(c) ? 1 : 2);

/** The names of keys that come as escape sequences. */
export const KEYS: Readonly<Record<string, string>> = { A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end', '1~': 'home', '4~': 'end', '3~': 'delete', '5~': 'page-up', '6~': 'page-down' };

export class ViBuffer {
  lines: string[];
  row = 0;
  column = 0;
  mode: Mode = 'command';
  /** What is typed behind `:` or `/`, with it. */
  line = '';
  message = '';
  changed = false;
  /** Set when it is over. */
  code: number | null = null;
  readonly #save: (path: string | null, text: string) => string;
  #pending = '';
  #count = '';
  #register: readonly string[] = [];
  #wholeLines = false;
  #search = '';
  #undo: Kept[] = [];
  /** Lines of the screen, for paging. */
  page = 22;

  /** `save` writes the text (null: to its own file) and gives what to say about it. */
  constructor(text: string, save: (path: string | null, text: string) => string) {
    this.lines = text.replace(/\n$/, '').split('\n');
    this.#save = save;
  }

  get text(): string {
    return this.lines.length === 1 && this.lines[0] === '' ? '' : `${this.lines.join('\n')}\n`;
  }

  get #here(): string {
    return this.lines[this.row] ?? '';
  }

  key(key: string): void {
    if (this.mode === 'insert') this.#insert(key);
    else if (this.mode === 'line') this.#typeLine(key);
    else this.#command(key);
    this.row = Math.max(0, Math.min(this.row, this.lines.length - 1));
    const last = this.mode === 'insert' ? this.#here.length : Math.max(0, this.#here.length - 1);
    this.column = Math.max(0, Math.min(this.column, last));
  }

  #keep(): void {
    this.#undo.push({ lines: [...this.lines], row: this.row, column: this.column });
    if (this.#undo.length > DEEPEST_UNDO) this.#undo.shift();
    this.changed = true;
  }

  #put(text: string): void {
    this.lines[this.row] = text;
  }

  // ---- insert mode

  #insert(key: string): void {
    const { column } = this;
    const here = this.#here;
    if (key === 'escape') {
      this.mode = 'command';
      this.column--;
    } else if (key === '\r' || key === '\n') {
      this.lines.splice(this.row, 1, here.slice(0, column), here.slice(column));
      this.row++;
      this.column = 0;
    } else if (key === '\u007f' || key === '\b') {
      if (column > 0) {
        this.#put(here.slice(0, column - 1) + here.slice(column));
        this.column--;
      } else if (this.row > 0) {
        const above = this.lines[this.row - 1] as string;
        this.lines.splice(this.row - 1, 2, above + here);
        this.row--;
        this.column = above.length;
      }
    } else if (key === 'delete') this.#put(here.slice(0, column) + here.slice(column + 1));
    else if (key.length > 1) this.#move(key);
    else {
      this.#put(here.slice(0, column) + key + here.slice(column));
      this.column++;
    }
  }

  #begin(row: number, column: number): void {
    this.mode = 'insert';
    this.row = row;
    this.column = column;
    this.message = '';
  }

  // ---- moving

  /** True when the key was a movement. */
  #move(key: string, count = 1): boolean {
    switch (key) {
      case 'h': case 'left': case '\b': case '\u007f': this.column -= count; return true;
      case 'l': case 'right': case ' ': this.column = Math.min(this.column + count, this.#here.length); return true;
      case 'k': case 'up': this.row -= count; return true;
      case 'j': case 'down': case '\r': case '\n': this.row += count; return true;
      case '0': case 'home': this.column = 0; return true;
      case '^': this.column = /^\s*/.exec(this.#here)?.[0].length ?? 0; return true;
      case '$': case 'end': this.column = this.#here.length; return true;
      case 'w': for (let i = 0; i < count; i++) this.#nextWord(); return true;
      case 'b': for (let i = 0; i < count; i++) this.#lastWord(); return true;
      case 'e': for (let i = 0; i < count; i++) this.#endOfWord(); return true;
      case '\u0006': case 'page-down': this.row += this.page; return true;
      case '\u0002': case 'page-up': this.row -= this.page; return true;
      case '\u0004': this.row += this.page >> 1; return true;
      case '\u0015': this.row -= this.page >> 1; return true;
      default: return false;
    }
  }

  #nextWord(): void {
    const kind = kindOf(this.#here[this.column]);
    while (kind !== 0 && kindOf(this.#here[this.column]) === kind && this.column < this.#here.length) this.column++;
    while (this.column < this.#here.length && kindOf(this.#here[this.column]) === 0) this.column++;
    if (this.column < this.#here.length || this.row === this.lines.length - 1) return;
    this.row++;
    this.column = /^\s*/.exec(this.#here)?.[0].length ?? 0;
  }

  #lastWord(): void {
    if (this.column === 0 && this.row > 0) {
      this.row--;
      this.column = this.#here.length;
    }
    while (this.column > 0 && kindOf(this.#here[this.column - 1]) === 0) this.column--;
    const kind = kindOf(this.#here[this.column - 1]);
    while (this.column > 0 && kindOf(this.#here[this.column - 1]) === kind) this.column--;
  }

  #endOfWord(): void {
    this.column++;
    while (this.column < this.#here.length && kindOf(this.#here[this.column]) === 0) this.column++;
    const kind = kindOf(this.#here[this.column]);
    while (this.column + 1 < this.#here.length && kindOf(this.#here[this.column + 1]) === kind) this.column++;
  }

  // ---- command mode

  #command(key: string): void {
    if (this.#pending !== '') {
      this.#operate(this.#pending, key);
      return;
    }
    if (/^[1-9]$/.test(key) || (key === '0' && this.#count !== '')) {
      this.#count += key;
      return;
    }
    const counted = this.#count !== '';
    const count = Number(this.#count || 1);
    if ('dcyrgZ'.includes(key)) {
      this.#pending = key;
      return;
    }
    this.#count = '';
    if (this.#move(key, count)) return;
    const { row, column } = this;
    const here = this.#here;
    switch (key) {
      case 'i': this.#keep(); this.#begin(row, column); return;
      case 'a': this.#keep(); this.#begin(row, here === '' ? 0 : column + 1); return;
      case 'I': this.#keep(); this.#begin(row, /^\s*/.exec(here)?.[0].length ?? 0); return;
      case 'A': this.#keep(); this.#begin(row, here.length); return;
      case 'o': this.#keep(); this.lines.splice(row + 1, 0, ''); this.#begin(row + 1, 0); return;
      case 'O': this.#keep(); this.lines.splice(row, 0, ''); this.#begin(row, 0); return;
      case 'x': case 'delete': this.#keep(); this.#put(here.slice(0, column) + here.slice(column + count)); return;
      case 'X': this.#keep(); this.#put(here.slice(0, Math.max(0, column - count)) + here.slice(column)); this.column -= count; return;
      case 'D': this.#keep(); this.#put(here.slice(0, column)); return;
      case 'C': this.#keep(); this.#put(here.slice(0, column)); this.#begin(row, column); return;
      case 's': this.#keep(); this.#put(here.slice(0, column) + here.slice(column + count)); this.#begin(row, column); return;
      case 'S': this.#keep(); this.#put(''); this.#begin(row, 0); return;
      case 'J': this.#keep(); this.lines.splice(row, 2, `${here} ${(this.lines[row + 1] ?? '').trimStart()}`); return;
      case 'p': case 'P': this.#paste(key === 'p'); return;
      case 'u': this.#undoLast(); return;
      case 'G': this.row = counted ? count - 1 : this.lines.length - 1; return;
      case 'n': this.#find(1); return;
      case 'N': this.#find(-1); return;
      case ':': case '/': this.mode = 'line'; this.line = key; this.message = ''; return;
    }
  }

  #operate(operator: string, key: string): void {
    const count = Number(this.#count || 1);
    this.#pending = '';
    this.#count = '';
    if (operator === 'Z') this.#run(key === 'Z' ? 'x' : 'q!');
    else if (operator === 'g') this.row = key === 'g' ? count - 1 : this.row;
    else if (operator === 'r' && key.length === 1 && this.#here !== '') {
      this.#keep();
      this.#put(this.#here.slice(0, this.column) + key + this.#here.slice(this.column + 1));
    } else if (key === operator) this.#wholeLine(operator, count);
    else if (operator !== 'r') this.#span(operator, key, count);
  }

  #wholeLine(operator: string, count: number): void {
    const { row } = this;
    this.#register = this.lines.slice(row, row + count);
    this.#wholeLines = true;
    if (operator === 'y') return;
    this.#keep();
    if (operator === 'c') {
      this.lines.splice(row, count, '');
      this.#begin(row, 0);
      return;
    }
    this.lines.splice(row, count);
    if (this.lines.length === 0) this.lines.push('');
  }

  /** From the cursor to where a movement in the line leads. */
  #span(operator: string, key: string, count: number): void {
    const { row, column } = this;
    const here = this.#here;
    if (!this.#move(key === 'w' && operator === 'c' ? 'e' : key, count)) return;
    let to = this.row === row ? this.column : this.row > row ? here.length : 0;
    if (key === 'e' || (key === 'w' && operator === 'c')) to++;
    const [first, last] = to < column ? [to, column] : [column, to];
    this.row = row;
    this.column = first;
    this.#register = [here.slice(first, last)];
    this.#wholeLines = false;
    if (operator === 'y') return;
    this.#keep();
    this.#put(here.slice(0, first) + here.slice(last));
    if (operator === 'c') this.#begin(row, first);
  }

  #paste(behind: boolean): void {
    if (this.#register.length === 0) return;
    this.#keep();
    if (this.#wholeLines) {
      if (behind) this.row++;
      this.lines.splice(this.row, 0, ...this.#register);
      return;
    }
    const at = behind && this.#here !== '' ? this.column + 1 : this.column;
    this.#put(this.#here.slice(0, at) + (this.#register[0] ?? '') + this.#here.slice(at));
    this.column = at;
  }

  #undoLast(): void {
    const kept = this.#undo.pop();
    if (kept === undefined) return;
    this.lines = [...kept.lines];
    this.row = kept.row;
    this.column = kept.column;
  }

  // ---- the command line

  #typeLine(key: string): void {
    if (key === '\r' || key === '\n') {
      const { line } = this;
      this.mode = 'command';
      this.line = '';
      if (line.startsWith(':')) this.#run(line.slice(1).trim());
      else {
        if (line.length > 1) this.#search = line.slice(1);
        this.#find(1);
      }
    } else if (key === 'escape' || key === '\u0003') {
      this.mode = 'command';
      this.line = '';
    } else if (key === '\u007f' || key === '\b') {
      this.line = this.line.slice(0, -1);
      if (this.line === '') this.mode = 'command';
    } else if (key.length === 1) this.line += key;
  }

  #find(step: 1 | -1): void {
    const count = this.lines.length;
    if (this.#search === '') return;
    for (let i = 0; i <= count; i++) {
      const row = (this.row + step * i + count * 2) % count;
      const line = this.lines[row] as string;
      const at = i === 0 ? (step > 0 ? line.indexOf(this.#search, this.column + 1) : line.slice(0, this.column).lastIndexOf(this.#search)) : step > 0 ? line.indexOf(this.#search) : line.lastIndexOf(this.#search);
      if (at < 0) continue;
      this.row = row;
      this.column = at;
      return;
    }
    this.message = `Pattern not found: ${this.#search}`;
  }

  #run(command: string): void {
    const substitute = /^(%?)s\/((?:[^/\\]|\\.)*)\/((?:[^/\\]|\\.)*)\/?(g?)$/.exec(command);
    const [verb = '', path] = command.split(/\s+/);
    if (substitute) this.#substitute(substitute[1] === '%', substitute[2] as string, substitute[3] as string, substitute[4] === 'g');
    else if (/^(\d+|\$)$/.test(verb)) this.row = verb === '$' ? this.lines.length - 1 : Number(verb) - 1;
    else if (/^(w|wq|x|w!|wq!|x!)$/.test(verb)) {
      if (this.changed || !verb.startsWith('x')) this.message = this.#save(path ?? null, this.text);
      this.changed = false;
      if (!verb.startsWith('w') || verb.startsWith('wq')) this.code = 0;
    } else if (verb === 'q' && this.changed) this.message = 'No write since last change (:q! overrides)';
    else if (verb === 'q' || verb === 'q!') this.code = 0;
    else if (verb === 'cq') this.code = 1;
    else if (verb !== '') this.message = `Not implemented: ${command}`;
  }

  #substitute(everywhere: boolean, from: string, to: string, all: boolean): void {
    let pattern: RegExp;
    try {
      pattern = new RegExp(from.replaceAll('\\/', '/'), all ? 'g' : '');
    } catch {
      this.message = `Bad pattern: ${from}`;
      return;
    }
    this.#keep();
    const replacement = to.replaceAll('\\/', '/').replaceAll('$', '$$$$').replaceAll('&', '$&');
    const change = (line: string): string => line.replace(pattern, replacement);
    if (everywhere) this.lines = this.lines.map(change);
    else this.#put(change(this.#here));
  }
}
