// Every manifest of the shared corpus as the API server of 1.36 takes it: what is marked ok is accepted, what has schema
// errors gets upstream's answer. Skipped where the corpus is not at hand; CORPUS=1 prints the table.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeObject, type FieldValidation } from './decode.ts';
import { applyDefaults } from './defaults.ts';
import { kindOf } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import { ApiError, invalid } from './status.ts';
import { prepareForCreate } from './strategy.ts';
import { validateCreate } from './validation.ts';

const CORPUS = fileURLToPath(new URL('../../../../shared/corpus', import.meta.url));

interface Answer {
  readonly outcome: 'accepted' | 'rejected' | 'no such kind';
  readonly what: string;
  readonly text: string;
}

function answer(doc: ApiObject, mode: FieldValidation): Answer {
  const what = `${doc.kind}/${doc.metadata?.name ?? doc.metadata?.generateName ?? ''}`;
  const kind = kindOf(doc.apiVersion, doc.kind);
  if (!kind) return { outcome: 'no such kind', what, text: `no matches for kind "${doc.kind}" in version "${doc.apiVersion}"` };
  try {
    const metadata = {
      ...doc.metadata,
      ...(kind.namespaced ? { namespace: doc.metadata?.namespace ?? 'default' } : { namespace: undefined }),
    };
    const { object } = decodeObject(kind, { ...doc, metadata }, mode);
    const name =
      object.metadata.name === '' && object.metadata.generateName ? `${object.metadata.generateName}abcde` : object.metadata.name;
    const complete = applyDefaults(kind, { ...object, metadata: { ...object.metadata, name, uid: 'u' } } as ApiObject);
    const prepared = prepareForCreate(kind, complete);
    const errors = validateCreate(kind, prepared);
    if (errors.length > 0) throw invalid(kind, object.metadata.name, errors);
    return { outcome: 'accepted', what, text: '' };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { outcome: 'rejected', what, text: error.message };
  }
}

interface Row {
  readonly file: string;
  readonly status: string;
  readonly schemaErrors: string;
}

const there = existsSync(CORPUS);
if (!there) process.stderr.write(`corpus: skipped, ${CORPUS} is not there\n`);

describe.skipIf(!there)('the corpus', () => {
  const rows: Row[] = there
    ? readFileSync(`${CORPUS}/INDEX.tsv`, 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('\t'))
        .map((cells) => ({ file: cells[0] ?? '', status: cells[11] ?? '', schemaErrors: cells[12] ?? '' }))
    : [];
  const parsed = new Map<string, readonly ApiObject[]>();
  if (there) {
    for (const line of gunzipSync(readFileSync(`${CORPUS}/kubectl-parse.ndjson.gz`))
      .toString('utf8')
      .trim()
      .split('\n')) {
      const { file, docs } = JSON.parse(line) as { file: string; docs?: readonly ApiObject[] };
      parsed.set(
        file,
        (docs ?? []).flatMap((d) => (d.kind === 'List' ? (d as unknown as { items: readonly ApiObject[] }).items : [d])),
      );
    }
  }

  test('is answered as upstream answers it', () => {
    const counts: Record<string, number> = {};
    const exceptions: string[] = [];
    const unexplained: string[] = [];
    const wrong: string[] = [];
    let texts = 0;
    let objects = 0;
    for (const { file, status, schemaErrors } of rows) {
      const docs = parsed.get(file) ?? [];
      objects += docs.length;
      const answers = docs.map((doc) => answer(doc, 'Strict'));
      const bad = answers.filter((a) => a.outcome === 'rejected');
      const foreign = answers.some((a) => a.outcome === 'no such kind');
      const key = `${status}: ${bad.length > 0 ? 'rejected' : foreign ? 'no such kind' : 'accepted'}`;
      counts[key] = (counts[key] ?? 0) + 1;
      if (schemaErrors !== '') {
        const wanted = upstreamTexts(schemaErrors);
        const told = bad.map((a) => a.text).join('\n');
        texts += wanted.length;
        for (const part of wanted) if (!part.test(told)) wrong.push(`${file}: ${schemaErrors}: ${part.source} not in ${told}`);
      }
      if (/schema-errors/.test(status) ? bad.length > 0 : bad.length === 0) continue;
      const said = bad.map((a) => `${a.what}: ${a.text}`);
      const reason = status.includes('partial') ? 'a patch, no whole object' : reasonOf(said);
      exceptions.push(`${file} [${status}] ${schemaErrors} — ${reason ?? 'UNEXPLAINED'}\n${said.map((t) => `    ${t}\n`).join('')}`);
      if (reason === null) unexplained.push(file);
    }
    if (process.env['CORPUS']) {
      process.stdout.write(`${rows.length} files, ${objects} objects, ${texts} texts of schema errors, ${JSON.stringify(counts, null, 1)}\n${exceptions.join('')}`);
    }
    expect(rows.length).toBe(1_418);
    expect(unexplained).toEqual([]);
    expect(wrong).toEqual([]);
    expect(exceptions.length).toBeLessThan(50);
  });
});

/**
 * The corpus names errors of the schema as `unknown:.spec.templates:`; this is how upstream tells them. It tells the first value of
 * a wrong type alone, else all unknown fields, else what validation finds.
 */
function upstreamTexts(schemaErrors: string): readonly RegExp[] {
  const all = schemaErrors.split('; ').map((one) => /^(\w+):\.(.*?):([^:]*)$/.exec(one)?.slice(1) ?? []);
  const of = (kind: string): readonly (readonly string[])[] => all.filter(([k]) => k === kind);
  const path = (text = ''): string => text.replace(/[.$[\]/]/g, '\\$&');
  const types = of('type');
  if (types.length > 0) {
    return types.slice(0, 1).map(([, at = '', what = '']) => {
      const [wanted = '', got = ''] = what.split(' got ');
      // Bytes may also come as a list of numbers: a list of texts is wrong for its items.
      if (at.startsWith('data.') && got === 'array') return /json: cannot unmarshal string into Go struct field Secret\.data of type uint8/;
      const go = { boolean: 'bool', integer: 'number' }[got] ?? got;
      const field = path(at.replace(/\[\d+\]/g, ''));
      return new RegExp(`json: cannot unmarshal ${go} into Go struct field \\w+\\.${field} of type ${wanted === 'integer' ? 'int32' : wanted}`);
    });
  }
  const unknown = of('unknown');
  if (unknown.length > 0) return unknown.map(([, at]) => new RegExp(`unknown field "${path(at)}"`));
  return [
    ...of('required').map(([, at = '']) => OTHER_WORDS.find(([field]) => field.test(at))?.[1] ?? new RegExp(`${path(at)}: Required value`)),
    ...of('enum').map(([, at, value]) => new RegExp(`${path(at)}: Unsupported value: "${value}": supported values: `)),
  ];
}

/** What the schema requires and Go cannot tell from its zero value. */
const OTHER_WORDS: readonly (readonly [RegExp, RegExp])[] = [
  [/^spec\.template$/, /spec\.template\.spec\.containers: Required value/],
  [/^spec\.ports\[\d\]\.port$/, /spec\.ports\[\d\]\.port: Invalid value: 0: must be between 1 and 65535, inclusive/],
  // A sysctl's empty value is none of validation's business.
  [/sysctls\[0\]\.value$/, /spec\.selector: Required value/],
];

/** Why the real server refuses, too, what the schema alone lets pass. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/illegal base64/, 'a placeholder where base64 should be'],
  [/Invalid value: "[^"]*[{}<>$_@ A-Z][^"]*"/, 'a placeholder where a name should be'],
  [/spec\.selector: Required|does not match template `labels`/, 'an overlay or a fixture without selector or labels'],
  [/operator: Unsupported value: "Gt"/, 'the gate TaintTolerationComparisonOperators (alpha) is off'],
  [/restartPolicy: Required|containerPort: Required|image: Required|spec\.ports: Required/, 'a fixture that is wrong on purpose'],
];

function reasonOf(texts: readonly string[]): string | null {
  const found = texts.map((text) => REASONS.find(([pattern]) => pattern.test(text))?.[1]);
  return found.length > 0 && found.every((reason) => reason !== undefined) ? [...new Set(found)].join('; ') : null;
}
