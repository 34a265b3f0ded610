import { describe, expect, it } from 'vitest';
import { parseManifests, splitPath } from './manifest.ts';

const error = (text: string): string => parseManifests(text).error?.message ?? 'no error';

const POD = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n';

describe('what does not parse is told in the words of kubectl (go-yaml)', () => {
  it.each([
    ['a tab', `${POD}\timage: nginx\n`, 'yaml: line 8: found a tab character that violates indentation'],
    ['one space too many', 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n spec:\n  containers: []\n', 'yaml: line 4: did not find expected key'],
    ['an unquoted colon', `${POD}    image: nginx: 1.25\n`, 'yaml: line 8: mapping values are not allowed in this context'],
    ['a template', `${POD}    image: {{ .Values.image }}\n`, 'yaml: invalid map key: map[interface {}]interface {}{".Values.image":interface {}(nil)}'],
    ['a reserved character', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: @foo\n', 'yaml: line 6: found character that cannot start any token'],
    ['an unknown anchor', 'a: *nobody\n', "yaml: unknown anchor 'nobody' referenced"],
  ])('%s', (_, text, message) => expect(error(text)).toBe(message));

  it('counts lines from the document that has the error, and places it in the whole text', () => {
    const { documents, error: found } = parseManifests(`a: 1\n---\nb: c: d\n`);
    expect(documents.map((d) => d.object)).toEqual([{ a: 1 }]);
    expect(found?.message).toBe('yaml: line 1: mapping values are not allowed in this context');
    expect(found?.span.line).toBe(3);
  });
});

describe('what parses', () => {
  it('is YAML 1.1, several documents, empty ones skipped, the last duplicate key wins', () => {
    const { documents, error: none } = parseManifests('---\n# nothing\n---\na: yes\nb: 0755\nb: 0o7\n---\n{"c": [1]}\n');
    expect(none).toBeNull();
    expect(documents.map((d) => d.object)).toEqual([{ a: true, b: '0o7' }, { c: [1] }]);
    expect(documents.map((d) => d.startLine)).toEqual([4, 8]);
  });

  it('leaves times, base-60 numbers and escaped apostrophes as go-yaml does', () => {
    const [document] = parseManifests('a: 2018-06-25T07:55:16Z\nb: 22:22\nc: "it\\\'s"\nd: 2024-01-01\n').documents;
    expect(document?.object).toEqual({ a: '2018-06-25T07:55:16Z', b: '22:22', c: "it's", d: '2024-01-01' });
  });

  it('knows where a field stands', () => {
    const [document] = parseManifests(`${POD}    image: nginx\n    ports:\n    - {containerPort: 80}\n`).documents;
    const line = (path: string): number | undefined => document?.spanOfPath(path).line;
    expect([line('metadata.name'), line('spec.containers[0].image'), line('spec.containers[0].ports[0].containerPort')]).toEqual([4, 8, 10]);
    expect(line('spec.containers[0].resources.limits'), 'the nearest parent').toBe(7);
    expect(document?.spanOfPath('spec.containers[0].image')).toMatchObject({ column: 5, endLine: 8, endColumn: 17 });
    expect(splitPath('metadata.labels[app.kubernetes.io/name]')).toEqual(['metadata', 'labels', 'app.kubernetes.io/name']);
  });

  it('keeps hostile keys as data', () => {
    const [document] = parseManifests('__proto__: {polluted: 1}\nconstructor: 2\n').documents;
    expect(Object.keys(document?.object as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('attacks', () => {
  it('refuses an alias bomb', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', ...'bcdefghij'.split('').map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(', ')}]`)].join('\n');
    expect(error(bomb)).toBe('yaml: document contains excessive aliasing');
  });

  it('refuses what is nested without end', () => {
    expect(error(`a: ${'['.repeat(200_000)}`)).toMatch(/^yaml: /);
  });
});
