// npm run bench [-- --json] [NAME…]: runs the benchmarks by name and prints a table, or one JSON object a line.
// Each benchmark repeats itself; the median is quoted. Machines differ: compare within one run.

import { benchmarks } from './benchmarks.ts';

interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly target?: string;
  readonly met?: boolean;
}

const argv = process.argv.slice(2);
const json = argv.includes('--json');
const names = argv.filter((a) => !a.startsWith('-'));
const unknown = names.filter((name) => !benchmarks.some((b) => b.name === name));
if (unknown.length > 0) {
  console.error(`unknown benchmark: ${unknown.join(', ')}\nknown: ${benchmarks.map((b) => b.name).join(' ')}`);
  process.exit(2);
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] as number;
const rows: Row[] = [];
for (const benchmark of benchmarks) {
  if (names.length > 0 && !names.includes(benchmark.name)) continue;
  const values = (await benchmark.run()).toSorted((a, b) => a - b);
  const value = median(values);
  const { better, target, unit, name } = benchmark;
  const aim =
    target === undefined ? {} : { target: `${better === 'higher' ? '≥' : '≤'} ${target}`, met: better === 'higher' ? value >= target : value <= target };
  const row: Row = { name, value, unit, min: values[0] as number, max: values.at(-1) as number, ...aim };
  rows.push(row);
  if (json) console.log(JSON.stringify(row));
}

if (!json) {
  const round = (n: number): string => (n >= 100 ? n.toFixed(0) : n.toFixed(2));
  const cells = [
    ['name', 'median', 'unit', 'min', 'max', 'target', ''],
    ...rows.map((r) => [r.name, round(r.value), r.unit, round(r.min), round(r.max), r.target ?? '', r.met === undefined ? '' : r.met ? 'met' : 'MISSED']),
  ];
  const widths = (cells[0] as string[]).map((_, c) => Math.max(...cells.map((row) => (row[c] as string).length)));
  for (const row of cells) console.log(row.map((cell, c) => cell.padEnd(widths[c] as number)).join('  ').trimEnd());
}
