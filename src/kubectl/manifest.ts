// Reads manifests as kubectl does: YAML 1.1 or JSON, several documents, with go-yaml's words for what does not parse.
// Remembers where each field stands, so that an error about a field path finds its line.

import { type Document, isAlias, isCollection, isMap, isPair, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseAllDocuments, type Tags, type YAMLError, type YAMLMap } from 'yaml';

/** Lines and columns count from 1; the end is exclusive. */
export interface Span {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface ManifestDocument {
  /** The decoded value, plain JSON. */
  readonly object: unknown;
  readonly startLine: number;
  readonly endLine: number;
  /** Where the field at a path such as `spec.containers[0].image` stands, or its nearest parent that exists. */
  spanOfPath(path: string): Span;
}

export interface ManifestError {
  /** go-yaml's words, e.g. `yaml: line 8: mapping values are not allowed in this context`. */
  readonly message: string;
  readonly span: Span;
}

export interface Manifests {
  readonly documents: readonly ManifestDocument[];
  /** The first document that does not parse ends the reading, as in kubectl. */
  readonly error: ManifestError | null;
}

/** Aliases that expand to more than this many nodes are an attack, not a manifest. */
const MAX_ALIASES = 100;

const WORDS: readonly (readonly [code: YAMLError['code'], message: RegExp, words: string])[] = [
  ['TAB_AS_INDENT', /./, 'found a tab character that violates indentation'],
  ['BAD_SCALAR_START', /./, 'found character that cannot start any token'],
  ['BLOCK_AS_IMPLICIT_KEY', /./, 'mapping values are not allowed in this context'],
  ['MULTILINE_IMPLICIT_KEY', /./, 'could not find expected \':\''],
  ['MISSING_CHAR', /Missing closing/, 'found unexpected end of stream'],
  ['MISSING_CHAR', /Flow (map|sequence)/, "did not find expected ',' or ']'"],
  ['MISSING_CHAR', /./, "could not find expected ':'"],
  ['BAD_INDENT', /Flow sequence/, "did not find expected ',' or ']'"],
  ['BAD_INDENT', /Flow map/, "did not find expected ',' or '}'"],
  ['BAD_ALIAS', /./, 'did not find expected alphabetic or numeric character'],
  ['BAD_DQ_ESCAPE', /./, 'found unknown escape character'],
];

/** Errors that libyaml's scanner reports one line above the place where the offending token stands. */
const REPORTED_ABOVE = new Set<YAMLError['code']>(['BAD_INDENT', 'UNEXPECTED_TOKEN']);

function goYamlError(error: YAMLError, lines: LineCounter, firstLine: number): ManifestError {
  const { line, col } = lines.linePos(error.pos[0]);
  const words = WORDS.find(([code, message]) => code === error.code && message.test(error.message))?.[2] ?? 'did not find expected key';
  const reported = line - firstLine + (REPORTED_ABOVE.has(error.code) && line > firstLine ? 0 : 1);
  return { message: `yaml: line ${reported}: ${words}`, span: { line, column: col, endLine: line, endColumn: Number.MAX_SAFE_INTEGER } };
}

/** A mapping whose key is a mapping: an unrendered template such as `{{ .Values.image }}`. */
function complexKey(node: unknown): YAMLMap | null {
  const queue: unknown[] = [node];
  for (let n = queue.pop(); n !== undefined; n = queue.pop()) {
    if (isPair(n)) {
      if (isMap(n.key)) return n.key as YAMLMap;
      queue.push(n.value);
    } else if (isCollection(n)) queue.push(...n.items.toReversed());
  }
  return null;
}

const goMap = (map: YAMLMap): string => {
  const items = map.items.map((pair) => `${JSON.stringify(String(isScalar(pair.key) ? pair.key.value : pair.key))}:interface {}(nil)`);
  return `map[interface {}]interface {}{${items.join(', ')}}`;
};

/** Splits a field path into keys and indexes; `metadata.labels[app.kubernetes.io/name]` has a key in brackets. */
export function splitPath(path: string): (string | number)[] {
  const parts: (string | number)[] = [];
  const pattern = /([^.[\]]+)|\[([^\]]*)\]/g;
  for (let m = pattern.exec(path); m; m = pattern.exec(path)) {
    if (m[1] !== undefined) parts.push(m[1]);
    else if (m[2] !== undefined) parts.push(/^\d+$/.test(m[2]) ? Number(m[2]) : m[2]);
  }
  return parts;
}

class ParsedDocument implements ManifestDocument {
  readonly object: unknown;
  readonly startLine: number;
  readonly endLine: number;
  readonly #root: Node | null;
  readonly #lines: LineCounter;

  constructor(object: unknown, root: Node | null, lines: LineCounter, startLine: number, endLine: number) {
    this.object = object;
    this.#root = root;
    this.#lines = lines;
    this.startLine = startLine;
    this.endLine = endLine;
  }

  spanOfPath(path: string): Span {
    let node: unknown = this.#root;
    let best: Span | null = null;
    for (const part of splitPath(path)) {
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
        if (!pair) break;
        best = this.#span(pair.key, pair.value) ?? best;
        node = pair.value;
      } else if (isSeq(node) && typeof part === 'number') {
        const item = node.items[part];
        if (item === undefined) break;
        best = this.#span(item, item) ?? best;
        node = item;
      } else break;
    }
    return best ?? { line: this.startLine, column: 1, endLine: this.startLine, endColumn: Number.MAX_SAFE_INTEGER };
  }

  /** From the start of one node to the end of the line on which the other begins. */
  #span(from: unknown, to: unknown): Span | null {
    const start = (from as Node | null)?.range?.[0];
    if (start === undefined) return null;
    const a = this.#lines.linePos(start);
    const value = to as Node | null;
    const end = isScalar(value) && value.range ? this.#lines.linePos(value.range[1]) : null;
    return end && end.line === a.line
      ? { line: a.line, column: a.col, endLine: end.line, endColumn: end.col }
      : { line: a.line, column: a.col, endLine: a.line, endColumn: Number.MAX_SAFE_INTEGER };
  }
}

const isNothing = (doc: Document.Parsed): boolean => doc.contents === null || (isScalar(doc.contents) && doc.contents.value === null);

/** go-yaml leaves times and base-60 numbers the strings that they are. */
const goTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')));

/** go-yaml reads `\'` in double quotes as an apostrophe; the back-slashes at these places are left out. */
const withoutEscapes = (text: string, at: ReadonlySet<number>): string => text.split('').filter((_, i) => !at.has(i)).join('');

/** Reads all documents of a text. Never throws; what does not parse is told in `error`. */
export function parseManifests(text: string): Manifests {
  const lines = new LineCounter();
  const documents: ManifestDocument[] = [];
  let parsed: ReturnType<typeof parseAllDocuments<ParsedNode>>;
  try {
    parsed = parseAllDocuments(text, { version: '1.1', merge: true, uniqueKeys: false, lineCounter: lines, customTags: goTags });
  } catch (thrown) {
    // The parser recurses: only a text nested absurdly deep gets here.
    if (!(thrown instanceof RangeError)) throw thrown;
    return { documents, error: { message: 'yaml: exceeded max depth of 10000', span: { line: 1, column: 1, endLine: 1, endColumn: Number.MAX_SAFE_INTEGER } } };
  }
  if (!Array.isArray(parsed)) return { documents, error: null };
  const apostrophes = parsed.flatMap((doc) => doc.errors.filter((e) => e.code === 'BAD_DQ_ESCAPE' && text.startsWith("\\'", e.pos[0])).map((e) => e.pos[0]));
  if (apostrophes.length > 0) return parseManifests(withoutEscapes(text, new Set(apostrophes)));
  for (const doc of parsed) {
    const firstLine = lines.linePos(doc.range[0]).line;
    const startLine = doc.contents?.range ? lines.linePos(doc.contents.range[0]).line : firstLine;
    const at: Span = { line: startLine, column: 1, endLine: startLine, endColumn: Number.MAX_SAFE_INTEGER };
    const error = doc.errors[0];
    // Each document is a text of its own to kubectl: its lines count from the line after `---`.
    const documentLine = text.startsWith('---', doc.range[0]) ? firstLine + 1 : firstLine;
    if (error) return { documents, error: goYamlError(error, lines, documentLine) };
    if (isNothing(doc)) continue;
    const template = complexKey(doc.contents);
    if (template) {
      const start = template.range ? lines.linePos(template.range[0]) : { line: startLine, col: 1 };
      const span = { line: start.line, column: start.col, endLine: start.line, endColumn: Number.MAX_SAFE_INTEGER };
      return { documents, error: { message: `yaml: invalid map key: ${goMap(template)}`, span } };
    }
    const endLine = lines.linePos(Math.max(doc.range[0], doc.range[1] - 1)).line;
    try {
      documents.push(new ParsedDocument(doc.toJS({ maxAliasCount: MAX_ALIASES }), doc.contents as Node | null, lines, startLine, endLine));
    } catch (thrown) {
      const words = aliasError(doc, thrown);
      return { documents, error: { message: `yaml: ${words}`, span: at } };
    }
  }
  return { documents, error: null };
}

function aliasError(doc: Document.Parsed, thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const unresolved = /Unresolved alias.*: (\S+)/.exec(message);
  if (unresolved) return `unknown anchor '${unresolved[1]}' referenced`;
  return isAlias(doc.contents) ? message : 'document contains excessive aliasing';
}
