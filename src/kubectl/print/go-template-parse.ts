// The parser of Go templates (text/template/parse): text and actions into a tree; errors in Go's words.

export interface Pos {
  readonly line: number;
  readonly column: number;
}

export type Operand =
  | { readonly type: 'dot' | 'nil' }
  | { readonly type: 'field'; readonly path: readonly string[]; readonly pos: Pos }
  | { readonly type: 'variable'; readonly name: string; readonly path: readonly string[]; readonly pos: Pos }
  | { readonly type: 'string' | 'char'; readonly value: string; readonly text: string }
  | { readonly type: 'int' | 'float'; readonly value: number; readonly text: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'function'; readonly name: string }
  | { readonly type: 'pipe'; readonly pipe: Pipe; readonly path: readonly string[] };

export interface Command {
  readonly operands: readonly Operand[];
  readonly pos: Pos;
}

export interface Pipe {
  readonly declare: readonly string[];
  readonly assign: boolean;
  readonly commands: readonly Command[];
  readonly pos: Pos;
}

export type Statement =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'action'; readonly pipe: Pipe }
  | { readonly type: 'if' | 'with' | 'range'; readonly pipe: Pipe; readonly body: readonly Statement[]; readonly otherwise: readonly Statement[] }
  | { readonly type: 'template'; readonly name: string; readonly pipe: Pipe | null; readonly pos: Pos }
  | { readonly type: 'break' | 'continue' };

interface Token {
  readonly type: 'text' | 'open' | 'close' | 'word' | 'field' | 'variable' | 'string' | 'raw' | 'char' | 'number' | 'symbol' | 'space';
  readonly text: string;
  readonly pos: Pos;
}

export class TemplateError extends Error {}

const codeOf = (c: string): string => `U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')} '${c}'`;

const TOKEN = /(\s+)|(\$[\w]*)|(\.[A-Za-z_\p{L}][\w\p{L}]*)|([A-Za-z_\p{L}][\w\p{L}]*)|("(?:[^"\\\n]|\\.)*")|(`[^`]*`)|('(?:[^'\\\n]|\\.)+')|([+-]?(?:0[xX][\da-fA-F]+|\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+))|(:=|[=|(),.])/uy;
const KINDS: readonly Token['type'][] = ['space', 'variable', 'field', 'word', 'string', 'raw', 'char', 'number', 'symbol'];

const unquote = (text: string): string => JSON.parse(text.replace(/\\x([\da-fA-F]{2})/g, '\\u00$1').replace(/\\'/g, "'").replace(/\\a/g, '\\u0007').replace(/\\v/g, '\\u000b')) as string;

export class Parser {
  readonly #name: string;
  readonly #tokens: Token[] = [];
  readonly #functions: ReadonlySet<string>;
  readonly templates = new Map<string, readonly Statement[]>();
  #at = 0;
  #depth = 0;
  #variables: string[] = ['$'];

  constructor(name: string, text: string, functions: ReadonlySet<string>) {
    this.#name = name;
    this.#functions = functions;
    this.#scan(text);
    const { body, end } = this.#list([]);
    if (end !== '') throw this.#error(`unexpected {{${end}}}`);
    this.templates.set(name, body);
  }

  #error(message: string, line = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]?.pos.line ?? 1): TemplateError {
    return new TemplateError(`template: ${this.#name}:${line}: ${message}`);
  }

  #scan(text: string): void {
    let line = 1;
    let start = 0;
    const posAt = (i: number): Pos => ({ line, column: i - start });
    const advance = (from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        if (text[i] !== '\n') continue;
        line++;
        start = i + 1;
      }
    };
    let trim = false;
    for (let i = 0; i < text.length; ) {
      const open = text.indexOf('{{', i);
      let plain = text.slice(i, open < 0 ? undefined : open);
      if (trim) plain = plain.trimStart();
      const trimBefore = open >= 0 && /^\{\{-\s/.test(text.slice(open, open + 4));
      if (trimBefore) plain = plain.trimEnd();
      if (plain !== '') this.#tokens.push({ type: 'text', text: plain, pos: posAt(i) });
      if (open < 0) return;
      advance(i, open);
      let at = open + (trimBefore ? 3 : 2);
      const comment = /^\s*\/\*/.exec(text.slice(at));
      if (comment) {
        const end = text.indexOf('*/', at);
        const close = end < 0 ? null : /^\*\/(\s-)?\}\}/.exec(text.slice(end));
        if (!close) throw new TemplateError(`template: ${this.#name}:${line}: ${end < 0 ? 'unclosed comment' : 'comment ends before closing delimiter'}`);
        trim = close[1] !== undefined;
        i = end + close[0].length;
        advance(open, i);
        continue;
      }
      this.#tokens.push({ type: 'open', text: '{{', pos: posAt(open) });
      trim = false;
      for (;;) {
        if (/^\s-\}\}/.test(text.slice(at, at + 4))) {
          trim = true;
          at += 4;
          break;
        }
        if (text.startsWith('}}', at)) {
          at += 2;
          break;
        }
        TOKEN.lastIndex = at;
        const m = at < text.length ? TOKEN.exec(text) : null;
        if (!m) throw new TemplateError(`template: ${this.#name}:${line}: ${this.#scanError(text, at)}`);
        const kind = KINDS[m.slice(1).findIndex((g) => g !== undefined)] as Token['type'];
        const after = text[TOKEN.lastIndex];
        if ((kind === 'field' || kind === 'variable' || kind === 'word') && after !== undefined && !/[\s.,|:()=]/.test(after) && !text.startsWith('}}', TOKEN.lastIndex)) {
          throw new TemplateError(`template: ${this.#name}:${line}: bad character ${codeOf(after)}`);
        }
        this.#tokens.push({ type: kind, text: m[0], pos: posAt(at) });
        advance(at, TOKEN.lastIndex);
        at = TOKEN.lastIndex;
      }
      this.#tokens.push({ type: 'close', text: '}}', pos: posAt(at) });
      i = at;
    }
  }

  #scanError(text: string, at: number): string {
    const c = text[at];
    if (c === undefined) return 'unclosed action';
    if (c === '"') return 'unterminated quoted string';
    if (c === "'") return 'unterminated character constant';
    if (c === '`') return 'unterminated raw quoted string';
    return `unrecognized character in action: ${codeOf(c)}`;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #skipSpace(): Token {
    while (this.#peek()?.type === 'space') this.#at++;
    const token = this.#peek();
    if (!token) throw this.#error('unexpected EOF');
    return token;
  }

  #close(where: string): void {
    const token = this.#skipSpace();
    if (token.type !== 'close') throw this.#error(`unexpected <${token.text}> in ${where}`.replace(/[<>]/g, (c) => (c === '<' ? '<' : '>')));
    this.#at++;
  }

  #list(ends: readonly string[]): { body: Statement[]; end: string } {
    const body: Statement[] = [];
    for (;;) {
      const token = this.#peek();
      if (!token) {
        if (ends.length > 0) throw this.#error('unexpected EOF');
        return { body, end: '' };
      }
      this.#at++;
      if (token.type === 'text') {
        body.push({ type: 'text', text: token.text });
        continue;
      }
      const first = this.#skipSpace();
      const keyword = first.type === 'word' ? first.text : '';
      if (keyword === 'end' || keyword === 'else') {
        if (!ends.includes(keyword)) throw this.#error(`unexpected {{${keyword}}}`);
        this.#at++;
        return { body, end: keyword };
      }
      const made = this.#statement(keyword);
      if (made) body.push(made);
    }
  }

  #statement(keyword: string): Statement | null {
    const { pos } = this.#skipSpace();
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        this.#at++;
        return this.#control(keyword);
      case 'define':
      case 'block': {
        this.#at++;
        const name = this.#templateName(keyword);
        const pipe = keyword === 'block' ? this.#pipe('block clause') : null;
        if (!pipe) this.#close(keyword);
        const outer = this.#variables;
        this.#variables = ['$'];
        const { body } = this.#list(['end']);
        this.#close('end');
        this.#variables = outer;
        this.templates.set(name, body);
        return pipe ? { type: 'template', name, pipe, pos } : null;
      }
      case 'template': {
        this.#at++;
        const name = this.#templateName('template clause');
        const empty = this.#skipSpace().type === 'close';
        if (empty) this.#at++;
        return { type: 'template', name, pipe: empty ? null : this.#pipe('template clause'), pos };
      }
      case 'break':
      case 'continue':
        this.#at++;
        this.#close(`{{${keyword}}}`);
        if (this.#depth === 0) throw this.#error(`{{${keyword}}} outside {{range}}`);
        return { type: keyword };
      default:
        return { type: 'action', pipe: this.#pipe('command') };
    }
  }

  #templateName(where: string): string {
    const token = this.#skipSpace();
    if (token.type !== 'string' && token.type !== 'raw') throw this.#error(`unexpected ${JSON.stringify(token.text)} in ${where}`);
    this.#at++;
    return token.type === 'raw' ? token.text.slice(1, -1) : unquote(token.text);
  }

  #control(type: 'if' | 'with' | 'range'): Statement {
    const known = this.#variables.length;
    const pipe = this.#pipe(type);
    if (type === 'range') this.#depth++;
    const { body, end } = this.#list(['end', 'else']);
    if (type === 'range') this.#depth--;
    let otherwise: readonly Statement[] = [];
    if (end === 'else') {
      const next = this.#skipSpace();
      if (next.type === 'word' && next.text === type && type !== 'range') {
        this.#at++;
        otherwise = [this.#control(type)];
        this.#variables.length = known;
        return { type, pipe, body, otherwise };
      }
      this.#close('else');
      otherwise = this.#list(['end']).body;
    }
    this.#close('end');
    this.#variables.length = known;
    return { type, pipe, body, otherwise };
  }

  #pipe(where: string, closer: 'close' | ')' = 'close'): Pipe {
    const { pos } = this.#skipSpace();
    const begin = this.#at;
    const declare: string[] = [];
    let assign = false;
    for (;;) {
      const token = this.#skipSpace();
      if (token.type !== 'variable') break;
      this.#at++;
      const next = this.#skipSpace();
      if (next.text === ':=' || next.text === '=') {
        this.#at++;
        declare.push(token.text);
        assign = next.text === '=';
        if (!assign) this.#variables.push(...declare);
        break;
      }
      if (next.text === ',' && where === 'range') {
        this.#at++;
        declare.push(token.text);
        continue;
      }
      this.#at = begin;
      declare.length = 0;
      break;
    }
    const commands: Command[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (closer === 'close' ? token.type === 'close' : token.text === ')') {
        if (commands.length === 0) throw this.#error(`missing value for ${where}`);
        this.#at++;
        break;
      }
      if (token.type === 'close') throw this.#error('unclosed left paren');
      commands.push(this.#command(where));
    }
    return { declare, assign, commands, pos };
  }

  #command(where: string): Command {
    const { pos } = this.#skipSpace();
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.type === 'close' || token.text === ')') break;
      if (token.text === '|' && token.type === 'symbol') {
        this.#at++;
        const next = this.#skipSpace();
        if (next.type === 'close' || next.text === '|') throw this.#error(`missing value for ${where}`);
        break;
      }
      operands.push(this.#operand(where));
    }
    if (operands.length === 0) throw this.#error('empty command');
    return { operands, pos };
  }

  #path(): string[] {
    const path: string[] = [];
    while (this.#peek()?.type === 'field') path.push((this.#tokens[this.#at++] as Token).text.slice(1));
    return path;
  }

  #chainPos(first: Token, next: number): Pos {
    const token = this.#tokens[next];
    return token?.type === 'field' ? token.pos : first.pos;
  }

  #operand(where: string): Operand {
    const token = this.#skipSpace();
    this.#at++;
    switch (token.type) {
      case 'field':
        // A chain stands where its second part does.
        return { type: 'field', pos: this.#chainPos(token, this.#at), path: [token.text.slice(1), ...this.#path()] };
      case 'variable':
        if (!this.#variables.includes(token.text)) throw this.#error(`undefined variable ${JSON.stringify(token.text)}`);
        return { type: 'variable', name: token.text, pos: this.#chainPos(token, this.#at), path: this.#path() };
      case 'string':
        return { type: 'string', value: unquote(token.text), text: token.text };
      case 'raw':
        return { type: 'string', value: token.text.slice(1, -1), text: token.text };
      case 'char':
        return { type: 'int', value: unquote(`"${token.text.slice(1, -1)}"`).codePointAt(0) ?? 0, text: token.text };
      case 'number': {
        const value = Number(token.text.replaceAll('_', ''));
        return { type: /[.eE]/.test(token.text) && !/^[+-]?0[xX]/.test(token.text) ? 'float' : 'int', value, text: token.text };
      }
      case 'word':
        if (token.text === 'true' || token.text === 'false') return { type: 'bool', value: token.text === 'true' };
        if (token.text === 'nil') return { type: 'nil' };
        if (!this.#functions.has(token.text)) throw this.#error(`function ${JSON.stringify(token.text)} not defined`);
        return { type: 'function', name: token.text };
      case 'symbol':
        if (token.text === '.') return { type: 'dot' };
        if (token.text === '(') {
          const pipe = this.#pipe('parenthesized pipeline', ')');
          return { type: 'pipe', pipe, path: this.#path() };
        }
    }
    throw this.#error(`unexpected ${JSON.stringify(token.text)} in ${where === 'command' ? 'operand' : where}`);
  }
}
