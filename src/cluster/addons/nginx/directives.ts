// The syntax of nginx.conf (ngx_conf_file.c): directives that end with a semicolon or open a block, quotes, escapes and comments.

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly block: readonly Directive[] | null;
  readonly line: number;
}

interface Token {
  readonly text: string;
  readonly kind: 'word' | ';' | '{' | '}';
  readonly line: number;
}

const ESCAPED: Readonly<Record<string, string>> = { '"': '"', "'": "'", '\\': '\\', t: '\t', r: '\r', n: '\n' };

/** In quotes a backslash goes before a quote, itself, t, r and n; before anything else it stays: it belongs to a regular expression. */
const unquote = (text: string): string => text.replace(/\\(["'\\trn])/g, (_, c: string) => ESCAPED[c] as string);

const TOKEN = /[ \t\r]+|(\n)|#[^\n]*|("(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*')|([;{}])|((?:\$\{\w+\}|\\[\s\S]|[^\s;{}\\])(?:\$\{\w+\}|\\[\s\S]|[^\s;{}\\])*)/gy;

function* tokensOf(text: string): Generator<Token> {
  let line = 1;
  for (const m of text.matchAll(TOKEN)) {
    if (m[1] !== undefined) line++;
    else if (m[2] !== undefined) {
      yield { text: unquote(m[2].slice(1, -1)), kind: 'word', line };
      for (const c of m[2]) if (c === '\n') line++;
    } else if (m[3] !== undefined) yield { text: m[3], kind: m[3] as ';' | '{' | '}', line };
    else if (m[4] !== undefined) yield { text: m[4], kind: 'word', line };
  }
}

/** The directives of a file, or what `nginx -t` says is wrong with it. */
export function parseDirectives(text: string, file: string): readonly Directive[] | string {
  const root: Directive[] = [];
  const open: Directive[][] = [root];
  let words: Token[] = [];
  let last = 1;
  for (const token of tokensOf(text)) {
    last = token.line;
    if (token.kind === 'word') {
      words.push(token);
      continue;
    }
    const [first, ...args] = words;
    const here = open[open.length - 1] as Directive[];
    if (token.kind === '}') {
      if (first) return `unexpected "}" in ${file}:${token.line}`;
      if (open.length === 1) return `unexpected "}" in ${file}:${token.line}`;
      open.pop();
      continue;
    }
    if (!first) return `unexpected "${token.text}" in ${file}:${token.line}`;
    const block: Directive[] | null = token.kind === '{' ? [] : null;
    here.push({ name: first.text, args: args.map((a) => a.text), block, line: first.line });
    if (block) open.push(block);
    words = [];
  }
  if (words.length > 0) return `unexpected end of file, expecting ";" or "}" in ${file}:${last}`;
  if (open.length > 1) return `unexpected end of file, expecting "}" in ${file}:${last}`;
  return root;
}

/** The arguments of the directives of that name. */
export const argsOf = (block: readonly Directive[], name: string): readonly (readonly string[])[] =>
  block.filter((d) => d.name === name).map((d) => d.args);
