// The syntax of the little Python: statements by indentation, expressions by precedence.

export type Value = string | number | boolean | null | readonly unknown[];

export type Expression =
  | { readonly type: 'literal'; readonly value: Value }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'path'; readonly path: string }
  | { readonly type: 'format'; readonly parts: readonly (string | Expression)[] }
  | { readonly type: 'list'; readonly items: readonly Expression[] }
  | { readonly type: 'not'; readonly value: Expression }
  | { readonly type: 'logic'; readonly operator: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'index'; readonly target: Expression; readonly index: Expression }
  | { readonly type: 'call'; readonly path: string; readonly target: Expression | null; readonly args: readonly Expression[]; readonly named: ReadonlyMap<string, Expression> };

interface At {
  readonly line: number;
}

export type Statement =
  | (At & { readonly type: 'import'; readonly names: readonly string[] })
  | (At & { readonly type: 'assign'; readonly name: string; readonly operator: string; readonly value: Expression })
  | (At & { readonly type: 'if'; readonly branches: readonly { readonly condition: Expression | null; readonly body: readonly Statement[] }[] })
  | (At & { readonly type: 'while'; readonly condition: Expression; readonly body: readonly Statement[] })
  | (At & { readonly type: 'for'; readonly name: string; readonly items: Expression; readonly body: readonly Statement[] })
  | (At & { readonly type: 'expression'; readonly value: Expression })
  | (At & { readonly type: 'break' | 'continue' | 'pass' });

/** `raised`: the program's own error, in Python's words; `unknown`: what is not modelled. */
export class PythonError extends Error {
  readonly kind: 'raised' | 'unknown';
  readonly line: number;

  constructor(kind: 'raised' | 'unknown', line: number, message: string) {
    super(message);
    this.kind = kind;
    this.line = line;
  }
}

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly line: number;
}

/** Throws PythonError. */
export function parseProgram(source: string): readonly Statement[] {
  const lines: Line[] = [];
  for (const [i, raw] of source.split('\n').entries()) {
    const text = raw.replace(/^((?:[^'"#]|'[^']*'|"[^"]*")*)#.*$/, '$1').trimEnd();
    if (text.trim() === '') continue;
    const indent = text.length - text.trimStart().length;
    for (const part of splitStatements(text.trim())) lines.push({ indent, text: part, line: i + 1 });
  }
  return new Blocks(lines).block(lines[0]?.indent ?? 0);
}

/** `a; b` outside of strings. */
function splitStatements(text: string): readonly string[] {
  const parts: string[] = [''];
  for (const token of text.match(/'[^']*'|"[^"]*"|./g) ?? []) {
    if (token === ';') parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

class Blocks {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  block(indent: number): Statement[] {
    const out: Statement[] = [];
    for (let line = this.#lines[this.#at]; line !== undefined && line.indent >= indent; line = this.#lines[this.#at]) {
      if (line.indent > indent) throw new PythonError('raised', line.line, 'IndentationError: unexpected indent');
      this.#at++;
      out.push(this.#statement(line));
    }
    return out;
  }

  #body(line: Line, rest: string): readonly Statement[] {
    if (rest !== '') return [this.#statement({ ...line, text: rest })];
    const next = this.#lines[this.#at];
    if (next === undefined || next.indent <= line.indent) throw new PythonError('raised', line.line, 'IndentationError: expected an indented block');
    return this.block(next.indent);
  }

  #statement(line: Line): Statement {
    const { text } = line;
    const at = { line: line.line };
    let m = /^import\s+(.+)$/.exec(text);
    if (m) return { ...at, type: 'import', names: (m[1] as string).split(',').map((name) => name.trim().split(/\s+as\s+/)[0] as string) };
    if (text === 'pass' || text === 'break' || text === 'continue') return { ...at, type: text };
    m = /^if\s+(.+?):\s*(.*)$/.exec(text);
    if (m) return this.#conditional(line, m[1] as string, m[2] as string);
    m = /^while\s+(.+?):\s*(.*)$/.exec(text);
    if (m) return { ...at, type: 'while', condition: parse(m[1] as string, line.line), body: this.#body(line, m[2] as string) };
    m = /^for\s+(\w+)\s+in\s+(.+?):\s*(.*)$/.exec(text);
    if (m) return { ...at, type: 'for', name: m[1] as string, items: parse(m[2] as string, line.line), body: this.#body(line, m[3] as string) };
    m = /^(\w+)\s*(\*\*|\/\/|[-+*/%])?=(?!=)\s*(.+)$/.exec(text);
    if (m) return { ...at, type: 'assign', name: m[1] as string, operator: m[2] ?? '', value: parse(m[3] as string, line.line) };
    m = /^raise\s+(.+)$/.exec(text);
    if (m) return { ...at, type: 'expression', value: { type: 'call', path: 'raise', target: null, args: [parse(m[1] as string, line.line)], named: new Map() } };
    if (/^(def|class|try|with|from|async|del|global|return|lambda|assert|@)/.test(text)) throw new PythonError('unknown', line.line, text);
    return { ...at, type: 'expression', value: parse(text, line.line) };
  }

  #conditional(line: Line, condition: string, rest: string): Statement {
    const branches: { condition: Expression | null; body: readonly Statement[] }[] = [{ condition: parse(condition, line.line), body: this.#body(line, rest) }];
    for (let next = this.#lines[this.#at]; next !== undefined && next.indent === line.indent; next = this.#lines[this.#at]) {
      const elif = /^elif\s+(.+?):\s*(.*)$/.exec(next.text);
      const otherwise = /^else\s*:\s*(.*)$/.exec(next.text);
      if (!elif && !otherwise) break;
      this.#at++;
      branches.push({ condition: elif ? parse(elif[1] as string, next.line) : null, body: this.#body(next, (elif?.[2] ?? otherwise?.[1]) as string) });
      if (otherwise) break;
    }
    return { line: line.line, type: 'if', branches };
  }
}

const TOKEN = /\s*(?:(f?"(?:[^"\\]|\\.)*"|f?'(?:[^'\\]|\\.)*')|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(\*\*|\/\/|==|!=|<=|>=|[-+*/%()[\],.<>=:]))/y;

function parse(text: string, line: number): Expression {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const m = TOKEN.exec(text);
    if (!m) throw new PythonError('unknown', line, text.slice(from));
    tokens.push(m[0].trim());
  }
  return new Expressions(tokens, line).whole();
}

const LEVELS: readonly (readonly string[])[] = [['==', '!=', '<', '>', '<=', '>=', 'in', 'is'], ['+', '-'], ['*', '/', '//', '%'], ['**']];

class Expressions {
  readonly #tokens: readonly string[];
  readonly #line: number;
  #at = 0;

  constructor(tokens: readonly string[], line: number) {
    this.#tokens = tokens;
    this.#line = line;
  }

  whole(): Expression {
    const found = this.#or();
    if (this.#at < this.#tokens.length) throw new PythonError('unknown', this.#line, this.#tokens.slice(this.#at).join(' '));
    return found;
  }

  #peek = (): string => this.#tokens[this.#at] ?? '';
  #take = (token: string): boolean => {
    if (this.#peek() !== token) return false;
    this.#at++;
    return true;
  };

  #expect(token: string): void {
    if (!this.#take(token)) throw new PythonError('unknown', this.#line, this.#peek());
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#take('or')) left = { type: 'logic', operator: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#take('and')) left = { type: 'logic', operator: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    return this.#take('not') ? { type: 'not', value: this.#not() } : this.#level(0);
  }

  #level(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#level(level + 1);
    for (;;) {
      let operator = this.#peek();
      if (level === 0 && operator === 'not' && this.#tokens[this.#at + 1] === 'in') {
        this.#at += 2;
        operator = 'not in';
      } else if (operators.includes(operator)) {
        this.#at++;
        if (operator === 'is' && this.#take('not')) operator = 'is not';
      } else return left;
      left = { type: 'binary', operator, left, right: this.#level(level + 1) };
    }
  }

  #unary(): Expression {
    if (this.#take('-')) return { type: 'binary', operator: '-', left: { type: 'literal', value: 0 }, right: this.#unary() };
    return this.#postfix();
  }

  #postfix(): Expression {
    let value = this.#atom();
    for (;;) {
      if (this.#take('[')) {
        const index = this.#or();
        this.#expect(']');
        value = { type: 'index', target: value, index };
      } else if (this.#take('.')) {
        const name = this.#tokens[this.#at++] ?? '';
        this.#expect('(');
        value = { type: 'call', path: name, target: value, ...this.#arguments() };
      } else return value;
    }
  }

  #atom(): Expression {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new PythonError('unknown', this.#line, 'end');
    if (token === '(') {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (token === '[') {
      const items: Expression[] = [];
      while (!this.#take(']')) {
        items.push(this.#or());
        this.#take(',');
      }
      return { type: 'list', items };
    }
    if (/^f?['"]/.test(token)) return this.#text(token);
    if (/^\d/.test(token)) return { type: 'literal', value: Number(token) };
    if (!/^[A-Za-z_]/.test(token)) throw new PythonError('unknown', this.#line, token);
    if (token === 'True' || token === 'False') return { type: 'literal', value: token === 'True' };
    if (token === 'None') return { type: 'literal', value: null };
    let path = token;
    while (['os', 'sys', 'time', 'random', 'socket', 'datetime', 'logging', 'math'].includes(token) && this.#take('.')) path += `.${this.#tokens[this.#at++] ?? ''}`;
    if (this.#take('(')) return { type: 'call', path, target: null, ...this.#arguments() };
    return path === token ? { type: 'name', name: token } : { type: 'path', path };
  }

  #arguments(): { readonly args: readonly Expression[]; readonly named: ReadonlyMap<string, Expression> } {
    const args: Expression[] = [];
    const named = new Map<string, Expression>();
    while (!this.#take(')')) {
      const name = this.#tokens[this.#at + 1] === '=' ? this.#tokens[this.#at] : undefined;
      if (name !== undefined) this.#at += 2;
      const value = this.#or();
      if (name === undefined) args.push(value);
      else named.set(name, value);
      if (!this.#take(',') && this.#peek() !== ')') throw new PythonError('unknown', this.#line, this.#peek());
    }
    return { args, named };
  }

  #text(token: string): Expression {
    const formatted = token.startsWith('f');
    const inner = unescaped(token.slice(formatted ? 2 : 1, -1));
    if (!formatted) return { type: 'literal', value: inner };
    const parts = inner.split(/(\{[^{}]+\})/).map((part) => (part.startsWith('{') ? parse(part.slice(1, -1), this.#line) : part));
    return { type: 'format', parts };
  }
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c === 't' ? '\t' : c));
