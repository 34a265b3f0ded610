// Every workload of the shared corpus, applied with its directory, against the end that is expected of it
// (../shared/corpus/expected-ends.json, a heuristic; `decided.ts` holds what reading has decided otherwise).
// A sample in normal runs; CORPUS=1 runs all and prints the table, CORPUS_FILES=<expression> those files. Skipped where the corpus is not at hand.

import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compare, type Comparison, tableOf } from './compare.ts';
import { endsOf } from './ends.ts';
import { roundsOf } from './workloads.ts';

const CORPUS = fileURLToPath(new URL('../../../../shared/corpus/', import.meta.url));
const THERE = existsSync(`${CORPUS}expected-ends.json`);
const ALL = Boolean(process.env['CORPUS']);
const BATCH = 50;
const WORKERS = ALL ? 16 : 6;
const MINUTES = 12;

if (!THERE) process.stderr.write(`corpus: skipped, ${CORPUS} is not there\n`);

describe.skipIf(!THERE)('the corpus', () => {
  it('comes to the ends that are expected', { timeout: 3_600_000 }, () => {
    const only = process.env['CORPUS_FILES'];
    const wanted = only ? new RegExp(only) : null;
    const rounds = roundsOf(CORPUS).filter((round, i) => wanted?.test(round.file) ?? (ALL || i % 40 === 3));
    const compared: Comparison[] = [];
    for (let at = 0; at < rounds.length; at += BATCH) {
      const started = performance.now();
      compared.push(...endsOf(rounds.slice(at, at + BATCH), WORKERS, MINUTES).map(compare));
      if (process.env['CORPUS_OUT']) writeFileSync(process.env['CORPUS_OUT'], `${JSON.stringify(compared)}\n`);
      if (ALL) process.stderr.write(`${Math.min(at + BATCH, rounds.length)} of ${rounds.length} files (${Math.round(performance.now() - started)} ms)\n`);
    }
    const table = tableOf(compared);
    if (ALL) process.stdout.write(table);
    expect(compared.length).toBeGreaterThan(0);
    const agree = compared.filter((c) => c.agrees).length / compared.length;
    if (agree < 0.95) process.stdout.write(table);
    expect(agree).toBeGreaterThanOrEqual(0.95);
    expect(compared.filter((c) => c.outcome.end === 'Stuck' && c.outcome.message === '')).toEqual([]);
  });
});
