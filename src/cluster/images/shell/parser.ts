// A recursive-descent parser of shell scripts. It reads characters, because what a word means depends on where it stands.

import type { AndOr, Assignment, Command, Compound, List, Pipeline, Redirect, Test, Word, WordPart } from './ast.ts';
import { NAME, SyntaxError, WordReader } from './words.ts';

const MAX_DEPTH = 200;

/** Parses a whole script. Throws SyntaxError. */
export function parseScript(text: string): List {
  const parser = new Parser(text);
  const list = parser.list([]);
  parser.expectEnd();
  return list;
}

class Parser extends WordReader {
  depth = 0;

  protected another(text: string): Parser {
    return new Parser(text);
  }

  protected script(text: string): List {
    return parseScript(text);
  }

  expectEnd(): void {
    this.skipNewlines();
    if (this.at < this.text.length) throw this.unexpected();
  }

  /** Commands up to the end or to one of the reserved words or brackets in `ends`, which is not read. */
  list(ends: readonly string[]): List {
    if (++this.depth > MAX_DEPTH) throw new SyntaxError('syntax error: nested too deeply');
    const items: { andOr: AndOr; background: boolean }[] = [];
    for (;;) {
      this.skipNewlines();
      if (this.at >= this.text.length || this.endsHere(ends)) break;
      const andOr = this.andOr();
      this.skipBlanks();
      const background = this.peek() === '&' && this.peek(1) !== '&';
      if (background) this.at++;
      else if (this.peek() === ';' && this.peek(1) !== ';') this.at++;
      else if (this.peek() !== '\n' && this.at < this.text.length && !this.endsHere(ends)) throw this.unexpected();
      items.push({ andOr, background });
    }
    this.depth--;
    return { items };
  }

  andOr(): AndOr {
    const first = this.pipeline();
    const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = [];
    for (;;) {
      this.skipBlanks();
      const operator = this.text.startsWith('&&', this.at) ? '&&' : this.text.startsWith('||', this.at) ? '||' : null;
      if (operator === null) return { first, rest };
      this.at += 2;
      this.skipNewlines();
      rest.push({ operator, pipeline: this.pipeline() });
    }
  }

  pipeline(): Pipeline {
    let negated = false;
    this.skipBlanks();
    while (this.reserved() === '!') {
      this.at++;
      negated = !negated;
      this.skipBlanks();
    }
    const commands = [this.command()];
    for (;;) {
      this.skipBlanks();
      if (this.peek() !== '|' || this.peek(1) === '|') return { negated, commands };
      this.at++;
      if (this.peek() === '&') {
        // bash's |& takes stderr along.
        this.at++;
        const last = commands.pop() as Command;
        const both: Redirect = { fd: 2, operator: '>&', word: [{ type: 'text', text: '1', quoted: false }] };
        commands.push(last.type === 'function' ? last : { ...last, redirects: [...last.redirects, both] });
      }
      this.skipNewlines();
      commands.push(this.command());
    }
  }

  command(): Command {
    this.skipBlanks();
    if (this.text.startsWith('((', this.at)) {
      const end = this.matchArithmetic(this.at + 2);
      if (end >= 0) {
        const expression = this.another(this.text.slice(this.at + 2, end)).wholeQuoted();
        this.at = end + 2;
        return this.withRedirects({ type: 'arithmetic', expression });
      }
    }
    if (this.peek() === '(') {
      this.at++;
      const body = this.list([')']);
      this.expect(')');
      return this.withRedirects({ type: 'subshell', body });
    }
    const word = this.reserved();
    switch (word) {
      case '{': {
        this.at++;
        const body = this.list(['}']);
        this.expect('}');
        return this.withRedirects({ type: 'group', body });
      }
      case 'if':
        return this.withRedirects(this.if());
      case 'while':
      case 'until': {
        this.take(word);
        const condition = this.list(['do']);
        return this.withRedirects({ type: 'while', until: word === 'until', condition, body: this.doGroup() });
      }
      case 'for':
        return this.withRedirects(this.for());
      case 'case':
        return this.withRedirects(this.case());
      case null:
        if (/^\[\[\s/.test(this.text.slice(this.at, this.at + 3))) return this.withRedirects(this.conditional());
        return this.function() ?? this.simple();
      default:
        throw this.unexpected();
    }
  }

  if(): Compound {
    this.take('if');
    const branches = [this.branch()];
    for (;;) {
      const word = this.reserved();
      if (word === 'elif') {
        this.take('elif');
        branches.push(this.branch());
        continue;
      }
      let otherwise: List | null = null;
      if (word === 'else') {
        this.take('else');
        otherwise = this.list(['fi']);
      }
      this.take('fi');
      return { type: 'if', branches, otherwise };
    }
  }

  branch(): { condition: List; body: List } {
    const condition = this.list(['then']);
    this.take('then');
    return { condition, body: this.list(['elif', 'else', 'fi']) };
  }

  doGroup(): List {
    this.skipNewlines();
    this.take('do');
    const body = this.list(['done']);
    this.take('done');
    return body;
  }

  /** `[[ … ]]` */
  conditional(): Compound {
    this.at += 2;
    const test = this.testOr();
    this.skipNewlines();
    if (!this.text.startsWith(']]', this.at)) throw this.unexpected(']]');
    this.at += 2;
    return { type: 'conditional', test };
  }

  testOr(): Test {
    let left = this.testAnd();
    for (this.skipNewlines(); this.text.startsWith('||', this.at); this.skipNewlines()) {
      this.at += 2;
      left = { type: 'or', left, right: this.testAnd() };
    }
    return left;
  }

  testAnd(): Test {
    let left = this.testOne();
    for (this.skipNewlines(); this.text.startsWith('&&', this.at); this.skipNewlines()) {
      this.at += 2;
      left = { type: 'and', left, right: this.testOne() };
    }
    return left;
  }

  testOne(): Test {
    this.skipNewlines();
    if (/^!\s/.test(this.text.slice(this.at, this.at + 2))) {
      this.at++;
      return { type: 'not', test: this.testOne() };
    }
    if (this.peek() === '(') {
      this.at++;
      const test = this.testOr();
      this.expect(')');
      return test;
    }
    const unary = /^-[a-zA-Z]\s/.exec(this.text.slice(this.at, this.at + 3));
    if (unary) {
      this.at += 2;
      this.skipBlanks();
      return { type: 'unary', operator: unary[0].trim(), word: this.word() };
    }
    const left = this.word();
    this.skipBlanks();
    const operator = /^(==|=~|!=|=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))(?=\s|$)/.exec(this.text.slice(this.at, this.at + 4))?.[1];
    if (operator === undefined) return { type: 'unary', operator: '-n', word: left };
    this.at += operator.length;
    this.skipBlanks();
    return { type: 'binary', operator, left, right: operator === '=~' ? this.expression() : this.word() };
  }

  /** A regular expression may hold brackets and bars: it goes on to the next blank outside of them. */
  expression(): Word {
    const parts: WordPart[] = [];
    for (let depth = 0; this.at < this.text.length; ) {
      const c = this.peek();
      if (depth === 0 && /\s/.test(c)) break;
      if (c === '(') depth++;
      if (c === ')') depth--;
      if ('$"\''.includes(c) && !(c === '$' && !/[A-Za-z_{(]/.test(this.peek(1)))) parts.push(...this.oneQuoted());
      else {
        parts.push({ type: 'text', text: c, quoted: false });
        this.at++;
      }
    }
    return parts;
  }

  /** `for ((i = 0; i < n; i++))` */
  counting(): Compound {
    const end = this.matchArithmetic(this.at + 2);
    const parts = this.text.slice(this.at + 2, end).split(';');
    if (end < 0 || parts.length !== 3) throw this.unexpected();
    this.at = end + 2;
    const [start, condition, step] = parts.map((part) => this.another(part).wholeQuoted()) as [Word, Word, Word];
    this.separator();
    return { type: 'counting', start, condition, step, body: this.doGroup() };
  }

  for(): Compound {
    this.take('for');
    this.skipBlanks();
    if (this.text.startsWith('((', this.at)) return this.counting();
    const name = NAME.exec(this.text.slice(this.at, this.at + 256))?.[0];
    if (name === undefined) throw new SyntaxError('syntax error: bad for loop variable');
    this.at += name.length;
    this.skipNewlines();
    let words: Word[] | null = null;
    if (this.reserved() === 'in') {
      this.take('in');
      words = [];
      for (this.skipBlanks(); !this.atSeparator(); this.skipBlanks()) words.push(this.word());
      this.separator();
    } else if (this.peek() === ';') this.at++;
    return { type: 'for', name, words, body: this.doGroup() };
  }

  case(): Compound {
    this.take('case');
    this.skipBlanks();
    const word = this.word();
    this.skipNewlines();
    this.take('in');
    const cases: { patterns: Word[]; body: List }[] = [];
    for (;;) {
      this.skipNewlines();
      if (this.reserved() === 'esac') break;
      if (this.peek() === '(') this.at++;
      const patterns: Word[] = [];
      for (;;) {
        this.skipBlanks();
        patterns.push(this.word());
        this.skipBlanks();
        if (this.peek() !== '|') break;
        this.at++;
      }
      this.expect(')');
      const body = this.list(['esac', ';;']);
      cases.push({ patterns, body });
      this.skipNewlines();
      if (!this.text.startsWith(';;', this.at)) break;
      this.at += 2;
    }
    this.take('esac');
    return { type: 'case', word, cases };
  }

  /** `name() command`, or null. */
  function(): Command | null {
    const keyword = /^function\s+([A-Za-z_][\w-]*)\s*(?:\(\s*\))?\s*(?=[{(\n])/.exec(this.text.slice(this.at, this.at + 256));
    if (keyword) {
      this.at += keyword[0].length;
      this.skipNewlines();
      return { type: 'function', name: keyword[1] as string, body: this.command() };
    }
    const name = NAME.exec(this.text.slice(this.at, this.at + 256))?.[0];
    if (name === undefined) return null;
    let at = this.at + name.length;
    while (this.text[at] === ' ') at++;
    if (this.text[at] !== '(') return null;
    at++;
    while (this.text[at] === ' ') at++;
    if (this.text[at] !== ')') return null;
    this.at = at + 1;
    this.skipNewlines();
    return { type: 'function', name, body: this.command() };
  }

  simple(): Command {
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      this.skipBlanks();
      const redirect = this.redirect();
      if (redirect) {
        redirects.push(redirect);
        continue;
      }
      if (this.atSeparator()) break;
      if (words.length === 0) {
        const name = NAME.exec(this.text.slice(this.at, this.at + 256))?.[0];
        const given = name === undefined ? null : /^(?:\[([^\]\s]*)\])?(\+?)=/.exec(this.text.slice(this.at + name.length, this.at + name.length + 128));
        if (name !== undefined && given) {
          this.at += name.length + given[0].length;
          const append = given[2] === '+' ? { append: true } : {};
          const index = given[1] === undefined ? {} : { index: this.another(given[1]).wholeQuoted() };
          if (this.peek() === '(' && given[1] === undefined) assignments.push({ name, value: [], elements: this.elements(), ...append });
          else assignments.push({ name, value: this.atSeparator() || /\s/.test(this.peek()) ? [] : this.word(), ...index, ...append });
          continue;
        }
      }
      words.push(this.word());
    }
    if (assignments.length + words.length + redirects.length === 0) throw this.unexpected();
    return { type: 'simple', assignments, words, redirects };
  }

  /** `(a b c)` */
  elements(): Word[] {
    this.at++;
    const out: Word[] = [];
    for (this.skipNewlines(); this.peek() !== ')'; this.skipNewlines()) {
      if (this.at >= this.text.length) throw this.unexpected(')');
      out.push(this.word());
    }
    this.at++;
    return out;
  }

  withRedirects(compound: Compound): Command {
    const redirects: Redirect[] = [];
    for (;;) {
      this.skipBlanks();
      const redirect = this.redirect();
      if (!redirect) return { ...compound, redirects };
      redirects.push(redirect);
    }
  }

  redirect(): Redirect | null {
    const m = /^(\d*)(<<<|<<-?|>>|>&|<&|>\||<>|<|>)/.exec(this.text.slice(this.at, this.at + 16)) ?? /^()(&>>|&>)/.exec(this.text.slice(this.at, this.at + 3));
    if (!m) return null;
    this.at += m[0].length;
    const operator = m[2] as string;
    const fd = m[1] ? Number(m[1]) : operator.startsWith('<') ? 0 : 1;
    this.skipBlanks();
    if (operator === '<<<') return { fd, operator: '<<', word: [...this.word(), { type: 'text', text: '\n', quoted: true }] };
    if (operator === '<<' || operator === '<<-') {
      const word = this.word();
      const into: WordPart[] = [];
      const quoted = word.some((part) => part.quoted);
      this.pending.push({ delimiter: word.map((part) => (part.type === 'text' ? part.text : '')).join(''), quoted, stripTabs: operator === '<<-', into });
      return { fd, operator: '<<', word: into };
    }
    if (this.atSeparator()) throw this.unexpected();
    return { fd, operator: operator as Redirect['operator'], word: this.word() };
  }
}
