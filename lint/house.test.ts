import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const FOLDER = mkdtempSync(join(tmpdir(), 'house-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const config = join(FOLDER, 'oxlint.json');
writeFileSync(
  config,
  JSON.stringify({
    jsPlugins: [join(ROOT, 'lint', 'house.mjs')],
    categories: { correctness: 'off' },
    rules: { 'house/rooms': 'error', 'house/determinism': 'error', 'house/catalogued': 'error' },
  }),
);

/** Lints one file that stands at `path` in a project; returns the rules that complained, with the line of each. */
function complaints(path: string, text: string): string[] {
  const file = join(FOLDER, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  const { stdout } = spawnSync(join(ROOT, 'node_modules', '.bin', 'oxlint'), ['-c', config, '-f', 'json', file], { encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; labels: { span: { line: number } }[] }[] };
  return diagnostics.map((d) => `${/\((.*)\)/.exec(d.code)?.[1] ?? d.code}:${d.labels[0]?.span.line}`).toSorted();
}

describe('house rules', () => {
  it('lets a room import only what stands below it', () => {
    expect(complaints('src/cluster/etcd/a.ts', "import '../network/http.ts';\nimport '../sim/time.ts';\nimport './b.ts';\n")).toEqual([]);
    expect(complaints('src/cluster/etcd/a.ts', "import '../apiserver/a.ts';\nexport * from '../kubelet/a.ts';\n")).toEqual(['rooms:1', 'rooms:2']);
    expect(complaints('src/cluster/controllers/a.ts', "import '../scheduler/a.ts';\n")).toEqual(['rooms:1']);
    expect(complaints('src/ui/map/a.ts', "import type { Row } from '../../session/protocol.ts';\n")).toEqual([]);
    expect(complaints('src/ui/map/a.ts', "import '../../session/session.ts';\nimport '../../cluster/sim/time.ts';\n")).toEqual(['rooms:1', 'rooms:2']);
  });

  it('knows no clock, chance or promise inside the cluster', () => {
    const text = 'const a = Date.now();\nconst b = Math.random();\nsetTimeout(a, b);\nasync function f() {}\nexport const c = [a].toSorted((x, y) => x.localeCompare(y)), d = f;\n';
    expect(complaints('src/cluster/sim/a.ts', text)).toEqual(['determinism:1', 'determinism:2', 'determinism:3', 'determinism:4', 'determinism:5']);
    expect(complaints('src/session/a.ts', text)).toEqual([]);
    expect(complaints('src/cluster/sim/b.ts', 'export const x = { Date: 1 }.Date;\nexport const f = (process: number) => process;\n')).toEqual([]);
  });

  it('keeps every visible text in the catalogues', () => {
    const text = 'export const A = () => <p title="Hello there">\n  Hello <b>{"world"}</b>\n</p>;\n';
    expect(complaints('src/ui/a.tsx', text)).toEqual(['catalogued:1', 'catalogued:1', 'catalogued:2']);
    expect(complaints('src/ui/a.tsx', 'export const A = (p: { t: string }) => <p title={p.t}>{p.t} · 3/4</p>;\n')).toEqual([]);
  });
});
