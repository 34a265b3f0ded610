// Where in the person's text something is wrong: from the text alone, and from what kubectl printed.

import { decodeObject } from '../cluster/api/decode.ts';
import { kindOf } from '../cluster/api/kinds.ts';
import { ApiError } from '../cluster/api/status.ts';
import { type ManifestDocument, type Manifests, parseManifests, type Span } from '../kubectl/manifest.ts';
import type { TextProblem } from './protocol.ts';

const problem = (span: Span, message: string, field: string, code: string, severity: TextProblem['severity'] = 'error'): TextProblem => ({
  ...span,
  message,
  field,
  severity,
  code,
});

/** Which plain sentence belongs to a message; the codes are keys of the page's catalogue (`problem.<code>`). */
const CODES: readonly (readonly [RegExp, string])[] = [
  [/unknown field/, 'unknownField'],
  [/cannot unmarshal/, 'wrongType'],
  [/quantities must match|parse quantity/, 'quantity'],
  [/illegal base64/, 'base64'],
  [/field is immutable/, 'immutable'],
  [/RFC 1123|a valid label must|must be no more than|regex used for validation/, 'name'],
  [/Required value/, 'required'],
  [/Unsupported value/, 'unsupported'],
  [/Duplicate value/, 'duplicate'],
  [/Not found:/, 'reference'],
  [/no matches for kind/, 'unknownKind'],
  [/namespaces? .* not found/, 'namespaceMissing'],
  [/(apiVersion|kind) not set/, 'typeMissing'],
  [/invalid map key/, 'template'],
  [/tab character/, 'tab'],
  [/excessive aliasing|max depth/, 'tooDeep'],
  [/yaml: /, 'yaml'],
  [/Conflict|has been modified/, 'conflict'],
  [/Forbidden|is forbidden/, 'forbidden'],
  [/refused|Unable to connect/, 'unreachable'],
  [/Invalid value/, 'invalid'],
];

const codeOf = (message: string): string => CODES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other';

/** Field paths as the API server writes them: `spec.containers[0].image`, `metadata.labels`, `spec.template.spec`. */
const FIELD_PATH = /(?:^|[\s"[(*])((?:metadata|spec|data|stringData|status|rules|subjects|roleRef|webhooks|type|kind|apiVersion|parameters|provisioner)(?:\.[A-Za-z][\w-]*|\[[^\]]*\])*)/;
const GO_FIELD = /Go struct field \w+\.([\w.]+) of type/;

function fieldOf(message: string): string {
  const unknown = /unknown field "([^"]+)"/.exec(message);
  if (unknown) return unknown[1] as string;
  const go = GO_FIELD.exec(message);
  if (go) return go[1] as string;
  return FIELD_PATH.exec(message)?.[1] ?? '';
}

interface Named {
  readonly kind?: unknown;
  readonly apiVersion?: unknown;
  readonly metadata?: { readonly name?: unknown } | null;
}

/** The document that a message is about: by kind and name, else by kind, else the only one there is. */
function documentOf(message: string, documents: readonly ManifestDocument[]): ManifestDocument | undefined {
  const named = documents.filter((d) => {
    const { kind, metadata } = (d.object ?? {}) as Named;
    const name = metadata?.name;
    return typeof kind === 'string' && typeof name === 'string' && name !== '' && message.includes(`"${name}"`) && message.toLowerCase().includes(kind.toLowerCase());
  });
  if (named[0]) return named[0];
  const byName = documents.filter((d) => {
    const name = ((d.object ?? {}) as Named).metadata?.name;
    return typeof name === 'string' && name !== '' && message.includes(`"${name}"`);
  });
  if (byName[0]) return byName[0];
  const byKind = documents.filter((d) => {
    const { kind } = (d.object ?? {}) as Named;
    return typeof kind === 'string' && new RegExp(`\\b${kind.replace(/\W/g, '')}\\b`).test(message);
  });
  return byKind[0] ?? documents[0];
}

const WHOLE: Span = { line: 1, column: 1, endLine: 1, endColumn: Number.MAX_SAFE_INTEGER };

/** A Go field path has no indexes (`spec.containers.env.value`): find the first place in the document that has the wrong type's name. */
function spanOf(document: ManifestDocument | undefined, field: string): Span {
  if (!document) return WHOLE;
  if (field === '') return document.spanOfPath('');
  const exact = document.spanOfPath(field);
  const throughLists = indexed(document.object, field.split('.'));
  return throughLists === null ? exact : document.spanOfPath(throughLists);
}

/** The path with the list indexes put in, where every list has what the path goes on with. */
function indexed(value: unknown, parts: readonly string[], path = ''): string | null {
  const [first, ...rest] = parts;
  if (Array.isArray(value)) {
    for (const [i, element] of value.entries()) {
      const found = indexed(element, parts, `${path}[${i}]`);
      if (found !== null && typeof element === 'object') return found;
    }
    return null;
  }
  if (first === undefined) return path;
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, first)) return null;
  return indexed((value as Record<string, unknown>)[first], rest, path === '' ? first : `${path}.${first}`);
}

const CONTINUATION = /^(\* |Resource: |Name: |to:|for: |\{|ensure CRDs|from server for)/;

/** What kubectl's stderr says is wrong, each at its line of `text`. */
export function problemsOf(text: string, output: readonly { readonly stream: 'stdout' | 'stderr'; readonly line: string }[]): readonly TextProblem[] {
  const lines = output.filter((o) => o.stream === 'stderr').map((o) => o.line);
  if (lines.length === 0) return [];
  const manifests = parseManifests(text);
  const found: TextProblem[] = [];
  let head = '';
  for (const line of lines) {
    const cause = /^\* (.*)$/.exec(line);
    if (cause && head !== '') {
      const message = `${head} ${cause[1]}`;
      found.push(at(manifests, message, cause[1] as string));
      continue;
    }
    if (CONTINUATION.test(line)) continue;
    head = line;
    if (/is invalid: ?$/.test(line)) continue;
    found.push(at(manifests, line, line));
  }
  return found;
}

function at(manifests: Manifests, message: string, about: string): TextProblem {
  const severity = message.startsWith('Warning: ') ? 'warning' : 'error';
  const code = codeOf(message);
  if (manifests.error && message.includes(manifests.error.message)) return problem(manifests.error.span, message, '', code, severity);
  const field = fieldOf(about.replace(/^The \w* ".*?" is invalid: /, ''));
  return problem(spanOf(documentOf(message, manifests.documents), field), message, field, code, severity);
}

/** What can be told without asking the cluster: YAML, missing or unknown kind, unknown fields, wrong types. */
export function checkText(text: string): readonly TextProblem[] {
  const manifests = parseManifests(text);
  const found: TextProblem[] = [];
  for (const document of manifests.documents) found.push(...checkDocument(document));
  if (manifests.error) found.push(problem(manifests.error.span, manifests.error.message, '', codeOf(manifests.error.message)));
  return found;
}

function checkDocument(document: ManifestDocument): readonly TextProblem[] {
  const { apiVersion, kind } = (document.object ?? {}) as Named;
  const start = document.spanOfPath('');
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    const missing = [...(typeof apiVersion === 'string' ? [] : ['apiVersion']), ...(typeof kind === 'string' ? [] : ['kind'])];
    return missing.map((name) => problem(start, `${name} not set`, name, 'typeMissing'));
  }
  const resource = kindOf(apiVersion, kind);
  if (!resource) return [problem(document.spanOfPath('kind'), `no matches for kind "${kind}" in version "${apiVersion}"`, 'kind', 'unknownKind')];
  try {
    decodeObject(resource, document.object, 'Strict');
    return [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const unknown = [...error.message.matchAll(/(?:unknown|duplicate) field "([^"]+)"/g)];
    if (unknown.length > 0) return unknown.map((m) => problem(spanOf(document, m[1] as string), m[0], m[1] as string, 'unknownField'));
    const field = fieldOf(error.message);
    return [problem(spanOf(document, field), error.message, field, codeOf(error.message))];
  }
}
