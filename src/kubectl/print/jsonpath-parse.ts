// The parser of JSONPath templates (client-go util/jsonpath/parser.go): text, fields, slices, unions, filters, ranges.

export interface Param {
  readonly known: boolean;
  readonly value: number;
  readonly derived: boolean;
}

export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'literal'; readonly value: number | boolean }
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'identifier'; readonly name: string }
  | { readonly type: 'recursive' | 'wildcard' }
  | { readonly type: 'array'; readonly params: readonly [Param, Param, Param] }
  | { readonly type: 'union'; readonly lists: readonly List[] }
  | { readonly type: 'filter'; readonly left: List; readonly right: List; readonly operator: string }
  | List;

export interface List {
  readonly type: 'list';
  readonly nodes: Node[];
}

const list = (): List => ({ type: 'list', nodes: [] });

const isTerminator = (c: string | undefined): boolean => c === undefined || ' \t\n\r.,[]$@{}'.includes(c);
const isAlphaNumeric = (c: string | undefined): boolean => c !== undefined && (c === '_' || /[\p{L}\p{Nd}]/u.test(c));
const DICT_KEY = /^'([^']*)'$/;
const SLICE = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/;
const COMPARISON = /^([^!<>=]+)([!<>=]+)(.+?)$/;

/** One action, without its braces. */
function action(text: string): List {
  const [first] = parseTemplate(`{${text}}`).nodes;
  return first?.type === 'list' ? first : list();
}

const codeOf = (c: string): string => `U+${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')} '${c}'`;

class Parser {
  readonly root = list();
  readonly #input: string;
  #start = 0;
  #pos = 0;

  constructor(input: string) {
    this.#input = input;
  }

  /** Text up to the next action. */
  text(): void {
    for (;;) {
      const open = this.#input.indexOf('{', this.#pos);
      const end = open < 0 ? this.#input.length : open;
      if (end > this.#pos) this.root.nodes.push({ type: 'text', text: this.#input.slice(this.#pos, end) });
      if (open < 0) return;
      this.#start = this.#pos = open + 1;
      const made = list();
      this.root.nodes.push(made);
      while (this.#step(made));
    }
  }

  #next(): string | undefined {
    return this.#input[this.#pos++];
  }

  #take(): string {
    const text = this.#input.slice(this.#start, this.#pos);
    this.#start = this.#pos;
    return text;
  }

  /** One thing inside an action; false at its end. */
  #step(cur: List): boolean {
    const { nodes } = cur;
    if (this.#input.startsWith('}', this.#pos)) {
      this.#pos++;
      this.#start = this.#pos;
      return false;
    }
    if (this.#input.startsWith('[?(', this.#pos)) this.#filter(cur);
    else if (this.#input.startsWith('..', this.#pos)) {
      if (nodes.at(-1)?.type === 'recursive') throw new Error('invalid multiple recursive descent');
      this.#start = this.#pos += 2;
      nodes.push({ type: 'recursive' });
      if (isAlphaNumeric(this.#input[this.#pos])) this.#field(cur);
    } else {
      const c = this.#next();
      if (c === undefined || c === '\n' || c === '\r') throw new Error('unclosed action');
      if (c === ' ' || c === '@' || c === '$') this.#take();
      else if (c === '[') this.#array(cur);
      else if (c === '"' || c === "'") this.#quote(cur, c);
      else if (c === '.') {
        this.#take();
        this.#field(cur);
      } else if (c === '+' || c === '-' || (c >= '0' && c <= '9')) this.#number(cur);
      else if (isAlphaNumeric(c)) this.#identifier(cur);
      else throw new Error(`unrecognized character in action: ${codeOf(c)}`);
    }
    return true;
  }

  #identifier({ nodes }: List): void {
    while (!isTerminator(this.#input[this.#pos])) this.#pos++;
    const name = this.#take();
    nodes.push(name === 'true' || name === 'false' ? { type: 'literal', value: name === 'true' } : { type: 'identifier', name });
  }

  #number({ nodes }: List): void {
    while (/[\d.]/.test(this.#input[this.#pos] ?? '')) this.#pos++;
    const text = this.#take();
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) throw new Error(`cannot parse number ${text}`);
    nodes.push({ type: 'literal', value: Number(text) });
  }

  #field({ nodes }: List): void {
    while (!isTerminator(this.#input[this.#pos])) this.#pos += this.#input[this.#pos] === '\\' ? 2 : 1;
    const name = this.#take();
    nodes.push(name === '*' ? { type: 'wildcard' } : { type: 'field', name: name.replaceAll('\\', '') });
  }

  #quote({ nodes }: List, quote: string): void {
    for (;;) {
      const c = this.#next();
      if (c === undefined || c === '\n') throw new Error('unterminated quoted string');
      if (c === quote && this.#input[this.#pos - 2] !== '\\') break;
    }
    nodes.push({ type: 'text', text: unquote(this.#take()) });
  }

  #filter({ nodes }: List): void {
    this.#start = this.#pos += 3;
    let quote = '';
    let closed = false;
    for (;;) {
      const c = this.#next();
      if (c === undefined || c === '\n') throw new Error('unterminated filter');
      if (c === '"' || c === "'") {
        if (quote === '') quote = c;
        else if (this.#input[this.#pos - 2] !== '\\' && c === quote) closed = true;
      } else if (c === ')' && (quote !== '') === closed) break;
    }
    if (this.#next() !== ']') throw new Error('unclosed array expect ]');
    const text = this.#take().slice(0, -2);
    const m = COMPARISON.exec(text);
    if (!m) nodes.push({ type: 'filter', left: action(text), right: list(), operator: 'exists' });
    else nodes.push({ type: 'filter', left: action(m[1] as string), right: action(m[3] as string), operator: m[2] as string });
  }

  #array({ nodes }: List): void {
    for (let c = this.#next(); c !== ']'; c = this.#next()) if (c === undefined || c === '\n') throw new Error('unterminated array');
    const inside = this.#take().slice(1, -1);
    const text = inside === '*' ? ':' : inside;
    const parts = text.split(',');
    if (parts.length > 1) {
      nodes.push({ type: 'union', lists: parts.map((part) => action(`[${part.trim()}]`)) });
      return;
    }
    const key = DICT_KEY.exec(text)?.[1];
    if (key !== undefined) {
      nodes.push(...action(`.${key}`).nodes);
      return;
    }
    const m = SLICE.exec(text);
    if (!m) throw new Error(`invalid array index ${text}`);
    const first = paramOf(m[1]);
    const second = m[2] === undefined ? { known: true, value: first.value + 1, derived: true } : paramOf(m[2].slice(1));
    nodes.push({ type: 'array', params: [first, second, paramOf(m[3]?.slice(1))] });
  }
}

function paramOf(text: string | undefined): Param {
  if (text === undefined || text === '') return { known: false, value: 0, derived: false };
  if (!/^-?\d+$/.test(text)) throw new Error(`array index ${text} is not a number`);
  return { known: true, value: Number(text), derived: false };
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', "'": "'", '"': '"' };

export function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|.)/gs, (whole, code: string) => {
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
    const known = ESCAPES[code];
    if (known === undefined) throw new Error(`unquote string ${quoted} error invalid syntax`);
    return known ?? whole;
  });
}

/** The top: texts, and a list for each action. Throws Error in client-go's words. */
export function parseTemplate(template: string): List {
  const parser = new Parser(template);
  parser.text();
  return parser.root;
}
