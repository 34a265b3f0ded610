// Corefile: server blocks of directives (Caddyfile syntax as CoreDNS reads it: quotes, comments, snippets, import, {$ENV}),
// with Caddy's words for what is wrong in it.

export interface Token {
  readonly line: number;
  readonly text: string;
}

/** A directive, or a property in the block of one. */
export interface Directive {
  readonly name: string;
  readonly line: number;
  readonly args: readonly string[];
  readonly block: readonly Directive[];
}

export interface ServerBlock {
  /** `.:53`, `example.org`. */
  readonly keys: readonly string[];
  readonly directives: readonly Directive[];
  /** What each directive was written with, by name, several uses one after another. */
  readonly tokens: ReadonlyMap<string, readonly Token[]>;
}

/** What is wrong with a Corefile; the message says where. */
export class CorefileError extends Error {}

export interface CorefileSource {
  readonly path: string;
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined when there is no such file. */
  readonly include: (path: string) => string | undefined;
}

export const parsingError = (path: string, line: number, what: string): CorefileError => new CorefileError(`${path}:${line} - Error during parsing: ${what}`);

/** Caddy's lexer: words, "quoted texts", comments from # on at the beginning of a word. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let i = 0; i < text.length; ) {
    const char = text[i] as string;
    if (char === '\n') line++;
    if (/\s/.test(char)) i++;
    else if (char === '#') while (i < text.length && text[i] !== '\n') i++;
    else if (char === '"') {
      const start = line;
      let word = '';
      for (i++; i < text.length && text[i] !== '"'; i++) {
        if (text[i] === '\\' && text[i + 1] === '"') i++;
        if (text[i] === '\n') line++;
        word += text[i];
      }
      i++;
      tokens.push({ line: start, text: word });
    } else {
      const from = i;
      while (i < text.length && !/\s/.test(text[i] as string)) i++;
      tokens.push({ line, text: text.slice(from, i) });
    }
  }
  return tokens;
}

/** Throws CorefileError. `known` are the directives that there are; null: whatever there is. */
export function parseCorefile(source: CorefileSource, known: ReadonlySet<string> | null): readonly ServerBlock[] {
  const { path, env } = source;
  const tokens = tokensOf(source.text).map((t) => ({ ...t, text: t.text.replace(/\{\$([^}]+)\}|\{%([^%]+)%\}/g, (_, a: string, b: string) => env[a ?? b] ?? '') }));
  const snippets = new Map<string, readonly Token[]>();
  const blocks: ServerBlock[] = [];
  let at = 0;
  let imports = 0;
  const newLine = (i: number): boolean => i === 0 || tokens[i - 1]?.line !== tokens[i]?.line;
  const fail = (what: string, i = at): CorefileError => parsingError(path, tokens[Math.min(i, tokens.length - 1)]?.line ?? 0, what);

  /** `import NAME` is replaced by what it stands for. */
  const include = (): void => {
    const name = tokens[at + 1];
    if (name === undefined || name.line !== tokens[at]?.line) throw fail("Wrong argument count or unexpected line ending after 'import'");
    if (++imports > 1000) throw fail('maximum snippet import depth (1000) exceeded');
    let body = snippets.get(name.text);
    if (body === undefined) {
      const text = source.include(name.text.startsWith('/') ? name.text : path.slice(0, path.lastIndexOf('/') + 1) + name.text);
      if (text === undefined && !/[*?]/.test(name.text)) throw fail(`File to import not found: ${name.text}`);
      body = text === undefined ? [] : tokensOf(text);
    }
    // Lines of their own, apart from those around them.
    const apart = body.map((t) => ({ ...t, line: t.line + imports * 100_000 }));
    tokens.splice(at, 2, ...apart);
  };

  while (at < tokens.length) {
    const keys: string[] = [];
    let more = true;
    while (at < tokens.length) {
      const { text } = tokens[at] as Token;
      if (text === 'import' && newLine(at)) {
        include();
        continue;
      }
      if (text === '{') {
        if (more && keys.length > 0) throw fail("Expected another address but had '{' - check for extra comma");
        break;
      }
      more = text.endsWith(',');
      if (text !== '') keys.push(more ? text.slice(0, -1) : text);
      at++;
      if (at >= tokens.length) {
        if (more) throw fail('Unexpected EOF');
        break;
      }
      if (!more && newLine(at)) break;
    }
    if (at >= tokens.length) {
      if (keys.length > 0) blocks.push({ keys, directives: [], tokens: new Map() });
      break;
    }
    const braced = tokens[at]?.text === '{';
    if (braced) at++;
    const snippet = keys.length === 1 ? /^\((.*)\)$/.exec(keys[0] as string)?.[1] : undefined;
    if (snippet !== undefined) {
      const from = at;
      for (let depth = 1; depth > 0; at++) {
        if (at >= tokens.length) throw fail("Syntax error: Unexpected token '', expecting '}'");
        depth += tokens[at]?.text === '{' ? 1 : tokens[at]?.text === '}' ? -1 : 0;
      }
      snippets.set(snippet, tokens.slice(from, at - 1));
      continue;
    }
    const written = new Map<string, Token[]>();
    const directives: Directive[] = [];
    let closed = false;
    while (at < tokens.length) {
      const { text } = tokens[at] as Token;
      if (text === '}') {
        closed = true;
        at++;
        break;
      }
      if (text === 'import') {
        include();
        continue;
      }
      if (known !== null && !known.has(text)) throw fail(`Unknown directive '${text}'`);
      const own: Token[] = [tokens[at] as Token];
      let depth = 0;
      for (at++; at < tokens.length; at++) {
        const next = tokens[at] as Token;
        if (next.text === '{') depth++;
        else if (newLine(at) && depth === 0) break;
        else if (next.text === '}' && depth > 0) depth--;
        else if (next.text === '}') throw fail("Unexpected '}' because no matching opening brace");
        own.push(next);
      }
      if (depth > 0) throw fail('Unexpected EOF');
      const all = written.get(text);
      if (all === undefined) written.set(text, own);
      else all.push(...own);
      directives.push(...directivesOf(own));
    }
    if (braced && !closed) throw fail(`Syntax error: Unexpected token '${tokens[tokens.length - 1]?.text ?? ''}', expecting '}'`);
    blocks.push({ keys, directives, tokens: written });
  }
  return blocks;
}

/** Lines as directives, with the lines between braces below them. */
function directivesOf(tokens: readonly Token[]): Directive[] {
  let at = 0;
  const read = (): Directive[] => {
    const found: Directive[] = [];
    while (at < tokens.length) {
      const head = tokens[at++] as Token;
      if (head.text === '}') return found;
      const args: string[] = [];
      let block: Directive[] = [];
      while (at < tokens.length && tokens[at]?.line === head.line) {
        const { text } = tokens[at] as Token;
        if (text === '}') break;
        at++;
        if (text === '{') {
          block = read();
          break;
        }
        args.push(text);
      }
      found.push({ name: head.text, line: head.line, args, block });
    }
    return found;
  };
  return read();
}

/** What the plug-in reload hashes: the blocks as JSON, as Go writes them. */
export function blocksAsJson(blocks: readonly ServerBlock[]): string {
  return JSON.stringify(
    blocks.map(({ keys, tokens }) => ({
      Keys: keys,
      Tokens: Object.fromEntries(
        [...tokens].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, all]) => [name, all.map(({ line, text }) => ({ File: '', Line: line, Text: text }))]),
      ),
    })),
  );
}
