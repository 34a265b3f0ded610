// The words of a shell script and the characters between them: quotes, expansions, here-documents, reserved words.

import type { List, Word, WordPart } from './ast.ts';
import { unescape } from './format.ts';

/** `message` as the shell prints it after its own name. */
export class SyntaxError extends Error {}

const RESERVED = new Set(['if', 'then', 'else', 'elif', 'fi', 'do', 'done', 'case', 'esac', 'while', 'until', 'for', '{', '}', '!', 'in']);
export const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const SPECIAL = '@*#?-$!0123456789';

interface HereDocument {
  readonly delimiter: string;
  readonly quoted: boolean;
  readonly stripTabs: boolean;
  readonly into: WordPart[];
}

/** Reads words; a parser of commands builds on it, because words may hold commands. */
export abstract class WordReader {
  readonly text: string;
  at = 0;
  pending: HereDocument[] = [];

  constructor(text: string) {
    this.text = text;
  }

  /** Commands up to one of `ends`. */
  abstract list(ends: readonly string[]): List;
  protected abstract another(text: string): WordReader;
  protected abstract script(text: string): List;

  word(): Word {
    const parts: WordPart[] = [];
    let text = '';
    const flush = (): void => {
      if (text !== '') parts.push({ type: 'text', text, quoted: false });
      text = '';
    };
    while (this.at < this.text.length) {
      const c = this.text[this.at] as string;
      if (' \t\n;&|<>()'.includes(c)) break;
      if (c === "'") {
        flush();
        const end = this.text.indexOf("'", this.at + 1);
        if (end < 0) throw new SyntaxError('syntax error: unterminated quoted string');
        parts.push({ type: 'text', text: this.text.slice(this.at + 1, end), quoted: true });
        this.at = end + 1;
      } else if (c === '"') {
        flush();
        this.at++;
        parts.push(...this.doubleQuoted('"'));
        this.at++;
      } else if (c === '\\') {
        flush();
        const next = this.text[this.at + 1];
        if (next !== undefined && next !== '\n') parts.push({ type: 'text', text: next, quoted: true });
        this.at += 2;
      } else if (c === '$' || c === '`') {
        const part = this.expansion(false);
        if (part) {
          flush();
          parts.push(part);
        } else text += c;
      } else {
        text += c;
        this.at++;
      }
    }
    flush();
    if (parts.length === 0) throw this.unexpected();
    return parts;
  }

  /** Up to `end`, which is not read. Inside, `$`, back-quote and some back-slashes are special. */
  doubleQuoted(end: string): WordPart[] {
    const parts: WordPart[] = [];
    let text = '';
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) throw new SyntaxError('syntax error: unterminated quoted string');
      if (c === end) break;
      if (c === '\\' && '$`"\\\n'.includes(this.text[this.at + 1] ?? ' ')) {
        if (this.text[this.at + 1] !== '\n') text += this.text[this.at + 1];
        this.at += 2;
      } else if (c === '$' || c === '`') {
        const part = this.expansion(true);
        if (!part) {
          text += c;
          continue;
        }
        if (text !== '') parts.push({ type: 'text', text, quoted: true });
        text = '';
        parts.push(part);
      } else {
        text += c;
        this.at++;
      }
    }
    if (text !== '' || parts.length === 0) parts.push({ type: 'text', text, quoted: true });
    return parts;
  }

  /** At `$` or a back-quote. Null when it is a plain dollar sign (then it is passed). */
  expansion(quoted: boolean): WordPart | null {
    if (this.text[this.at] === '`') return this.backQuoted(quoted);
    const next = this.text[this.at + 1] ?? '';
    if (this.text.startsWith('$((', this.at)) {
      const end = this.matchArithmetic(this.at + 3);
      if (end >= 0) {
        const inner = this.another(this.text.slice(this.at + 3, end));
        this.at = end + 2;
        return { type: 'arithmetic', expression: inner.wholeQuoted(), quoted };
      }
    }
    if (next === '(') {
      this.at += 2;
      const file = /^\s*<\s*([^\s()|&;<>]+)\s*\)/.exec(this.text.slice(this.at, this.at + 512));
      if (file) {
        // bash's $(<file)
        this.at += file[0].length;
        return { type: 'command', list: this.script(`cat ${file[1] as string}`), quoted };
      }
      const list = this.list([')']);
      this.expect(')');
      return { type: 'command', list, quoted };
    }
    if (next === '{') return this.braced(quoted);
    if (next === "'" && !quoted) {
      const literal = /^\$'((?:[^'\\]|\\[^])*)'/.exec(this.text.slice(this.at));
      if (literal) {
        this.at += literal[0].length;
        return { type: 'text', text: unescape((literal[1] as string).replaceAll("\\'", "'")), quoted: true };
      }
    }
    const name = NAME.exec(this.text.slice(this.at + 1, this.at + 257))?.[0] ?? (next !== '' && SPECIAL.includes(next) ? next : null);
    this.at++;
    if (name === null) return null;
    this.at += name.length;
    return { type: 'parameter', name, operator: '', word: null, quoted };
  }

  braced(quoted: boolean): WordPart {
    this.at += 2;
    const length = this.peek() === '#' && this.peek(1) !== '}';
    if (length) this.at++;
    const rest = this.text.slice(this.at, this.at + 257);
    const name = NAME.exec(rest)?.[0] ?? /^\d+/.exec(rest)?.[0] ?? (SPECIAL.includes(rest[0] ?? ' ') ? (rest[0] as string) : null);
    if (name === null) throw new SyntaxError('syntax error: bad substitution');
    this.at += name.length;
    if (length) {
      const index = this.index();
      this.expect('}');
      return { type: 'length', name, ...(index === null ? {} : { index }), quoted };
    }
    const index = this.index();
    const operator = /^(:[-=?+]|[-=?+]|##?|%%?|\/[/#%]?|\^\^?|,,?|:)/.exec(this.text.slice(this.at, this.at + 2))?.[0] ?? '';
    this.at += operator.length;
    if (operator === '' && this.peek() !== '}') throw new SyntaxError('syntax error: bad substitution');
    const of = { type: 'parameter', name, ...(index === null ? {} : { index }), operator, quoted } as const;
    if (operator.startsWith('/')) {
      const word = this.partsUntil('/}');
      const replacement = this.peek() === '/' ? (this.at++, this.partsUntil('}')) : null;
      this.expect('}');
      return { ...of, word, replacement };
    }
    const word = operator === '' ? null : operator === ':' || /^[\^,#%]/.test(operator) ? this.partsUntil('}') : this.untilBrace(quoted);
    this.expect('}');
    return { ...of, word };
  }

  /** `[index]`, or null. */
  index(): Word | '@' | '*' | null {
    if (this.peek() !== '[') return null;
    const end = this.text.indexOf(']', this.at);
    if (end < 0) throw new SyntaxError('syntax error: bad substitution');
    const text = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return text === '@' || text === '*' ? text : this.another(text).wholeQuoted();
  }

  /** Parts up to one of `stops`, which is not read; quotes and expansions count. */
  partsUntil(stops: string): Word {
    const parts: WordPart[] = [];
    while (this.at < this.text.length && !stops.includes(this.peek())) {
      const c = this.peek();
      if ('$`"\'\\'.includes(c)) parts.push(...this.oneQuoted());
      else {
        parts.push({ type: 'text', text: c, quoted: false });
        this.at++;
      }
    }
    return parts;
  }

  /** The word of `${name:-word}`. */
  untilBrace(quoted: boolean): Word {
    if (quoted) return this.doubleQuoted('}');
    const parts: WordPart[] = [];
    while (this.at < this.text.length && this.peek() !== '}') {
      const c = this.peek();
      if (" \t\n;&|<>()".includes(c)) {
        parts.push({ type: 'text', text: c, quoted: false });
        this.at++;
        continue;
      }
      const end = this.text.indexOf('}', this.at);
      if (end < 0) break;
      if (c === '$' || c === '`' || c === '"' || c === "'" || c === '\\') {
        parts.push(...this.oneQuoted());
        continue;
      }
      parts.push({ type: 'text', text: c, quoted: false });
      this.at++;
    }
    return parts;
  }

  oneQuoted(): readonly WordPart[] {
    const c = this.peek();
    if (c === '$' || c === '`') {
      const part = this.expansion(false);
      return [part ?? { type: 'text', text: '$', quoted: false }];
    }
    if (c === '\\') {
      this.at += 2;
      return [{ type: 'text', text: this.text[this.at - 1] ?? '', quoted: true }];
    }
    if (c === "'") {
      const end = this.text.indexOf("'", this.at + 1);
      if (end < 0) throw new SyntaxError('syntax error: unterminated quoted string');
      const text = this.text.slice(this.at + 1, end);
      this.at = end + 1;
      return [{ type: 'text', text, quoted: true }];
    }
    this.at++;
    const parts = this.doubleQuoted('"');
    this.at++;
    return parts;
  }

  backQuoted(quoted: boolean): WordPart {
    let end = this.at + 1;
    let inner = '';
    for (; this.text[end] !== '`'; end++) {
      if (end >= this.text.length) throw new SyntaxError('syntax error: EOF in backquote substitution');
      if (this.text[end] === '\\' && '`$\\'.includes(this.text[end + 1] ?? ' ')) end++;
      inner += this.text[end];
    }
    this.at = end + 1;
    return { type: 'command', list: this.script(inner), quoted };
  }

  /** The `))` that ends an arithmetic expansion, or -1. */
  matchArithmetic(from: number): number {
    let depth = 0;
    for (let i = from; i < this.text.length; i++) {
      if (this.text[i] === '(') depth++;
      else if (this.text[i] === ')') {
        if (depth === 0) return this.text[i + 1] === ')' ? i : -1;
        depth--;
      }
    }
    return -1;
  }

  /** The whole text as if in double quotes. */
  wholeQuoted(): Word {
    const parts: WordPart[] = [];
    while (this.at < this.text.length) {
      const c = this.peek();
      if (c === '$' || c === '`') {
        const part = this.expansion(true);
        parts.push(part ?? { type: 'text', text: '$', quoted: true });
      } else if (c === '\\' && '$`\\'.includes(this.peek(1) || ' ')) {
        parts.push({ type: 'text', text: this.peek(1), quoted: true });
        this.at += 2;
      } else {
        const end = nextSpecial(this.text, this.at);
        parts.push({ type: 'text', text: this.text.slice(this.at, end), quoted: true });
        this.at = end;
      }
    }
    return parts;
  }

  // ── characters ─────────────────────────────────────────────────────────────────────────────────────────────────

  peek(ahead = 0): string {
    return this.text[this.at + ahead] ?? '';
  }

  skipBlanks(): void {
    for (;;) {
      const c = this.text[this.at];
      if (c === ' ' || c === '\t' || c === '\r') this.at++;
      else if (c === '\\' && this.text[this.at + 1] === '\n') this.at += 2;
      else if (c === '#') while (this.at < this.text.length && this.text[this.at] !== '\n') this.at++;
      else return;
    }
  }

  skipNewlines(): void {
    for (;;) {
      this.skipBlanks();
      if (this.peek() !== '\n') return;
      this.at++;
      this.hereDocuments();
    }
  }

  hereDocuments(): void {
    const pending = this.pending;
    this.pending = [];
    for (const here of pending) {
      let text = '';
      for (;;) {
        if (this.at >= this.text.length) break;
        const end = this.text.indexOf('\n', this.at);
        let line = this.text.slice(this.at, end < 0 ? this.text.length : end);
        this.at = end < 0 ? this.text.length : end + 1;
        if (here.stripTabs) line = line.replace(/^\t+/, '');
        if (line === here.delimiter) break;
        text += `${line}\n`;
      }
      if (here.quoted) here.into.push({ type: 'text', text, quoted: true });
      else here.into.push(...this.another(text).wholeQuoted());
    }
  }

  atSeparator(): boolean {
    return this.at >= this.text.length || '\n;&|()'.includes(this.text[this.at] as string);
  }

  separator(): void {
    this.skipBlanks();
    if (this.peek() === ';') this.at++;
    this.skipNewlines();
  }

  /** The reserved word that stands here, or null. */
  reserved(): string | null {
    this.skipBlanks();
    const m = /^(!|[{}]|[a-z]+)(?=[\s;&|()<>]|$)/.exec(this.text.slice(this.at, this.at + 12));
    return m && RESERVED.has(m[1] as string) ? (m[1] as string) : null;
  }

  take(word: string): void {
    this.skipNewlines();
    if (this.reserved() !== word) throw this.unexpected(word);
    this.at += word.length;
  }

  expect(character: string): void {
    this.skipNewlines();
    if (this.peek() !== character) throw this.unexpected(character);
    this.at++;
  }

  endsHere(ends: readonly string[]): boolean {
    if (ends.length === 0) return false;
    const word = this.reserved();
    if (word !== null) return ends.includes(word);
    return (ends.includes(')') && this.peek() === ')') || (ends.includes(';;') && this.text.startsWith(';;', this.at));
  }

  unexpected(wanted?: string): SyntaxError {
    this.skipBlanks();
    const suffix = wanted === undefined ? '' : ` (expecting "${wanted}")`;
    if (this.at >= this.text.length) return new SyntaxError(`syntax error: unexpected end of file${suffix}`);
    if (this.peek() === '\n') return new SyntaxError(`syntax error: unexpected newline${suffix}`);
    const token = /^(&&|\|\||;;|[;&|()<>]|[^\s;&|()<>]+)/.exec(this.text.slice(this.at, this.at + 64))?.[0] ?? this.peek();
    return new SyntaxError(`syntax error: unexpected "${token}"${suffix}`);
  }
}

function nextSpecial(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) if (text[i] === '$' || text[i] === '`' || text[i] === '\\') return i;
  return text.length;
}
