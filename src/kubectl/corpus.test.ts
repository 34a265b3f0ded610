// Every manifest of the shared corpus as kubectl reads it: what our reading yields must be what a real kubectl has read
// (../shared/corpus/kubectl-parse.ndjson.gz). Skipped where the corpus is not at hand; CORPUS=1 prints the exceptions.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readText } from './resource/files.ts';

const CORPUS = fileURLToPath(new URL('../../../shared/corpus/', import.meta.url));
const THERE = existsSync(`${CORPUS}kubectl-parse.ndjson.gz`);

interface Reading {
  readonly file: string;
  readonly docs?: readonly unknown[];
  readonly error?: string;
}

if (!THERE) process.stderr.write(`corpus: skipped, ${CORPUS} is not there\n`);

describe.skipIf(!THERE)('the corpus', () => {
  it('is read as kubectl reads it', { timeout: 60_000 }, () => {
    const readings = gunzipSync(readFileSync(`${CORPUS}kubectl-parse.ndjson.gz`))
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Reading);
    const exceptions: string[] = [];
    for (const { file, docs = [], error } of readings) {
      const read = readText(readFileSync(`${CORPUS}${file}`, 'utf8'), `/tmp/corpus/${file}`, false);
      const theirs = JSON.stringify(sorted(error === undefined ? docs : [error]));
      const ours = JSON.stringify(sorted(read.map((r) => ('error' in r ? `error: ${(r.error as Error).message}` : r.object))));
      if (ours !== theirs) exceptions.push(`${file}: ${EXCEPTIONS[file] ?? 'UNEXPLAINED'}: ${firstDifference(ours, theirs)}`);
    }
    if (process.env['CORPUS']) process.stdout.write(`${readings.length - exceptions.length} of ${readings.length} read alike\n${exceptions.join('\n')}\n`);
    expect(readings.length).toBe(1_418);
    expect(exceptions.filter((e) => e.includes('UNEXPLAINED'))).toEqual([]);
    expect(exceptions.length / readings.length).toBeLessThan(0.002);
  });
});

/** Where we read otherwise, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'manifests/kelseyhightower__kubernetes-the-hard-way/configs/kube-apiserver-to-kubelet.yaml':
    'the builder, not the reader, drops the namespace of what has none (FilterNamespace)',
};

/** With the keys of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function firstDifference(ours: string, theirs: string): string {
  let at = 0;
  while (ours[at] === theirs[at]) at++;
  const from = Math.max(0, at - 60);
  return `…${ours.slice(from, at + 40)}… instead of …${theirs.slice(from, at + 40)}…`;
}
