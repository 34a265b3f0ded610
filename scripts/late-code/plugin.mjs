// A plug-in for the build: what the worker does not need until its cluster runs becomes a chunk of its own, which is loaded with the
// first chunk that is loaded after the boot. Nothing is listed anywhere: the build boots a cluster and looks which functions ran.
//
// A function, class or method that is late is a stub until then. A stub that is called nevertheless throws and leaves a mark on the
// global object (MISSED); the worker then forgets its cluster, loads everything and boots again (src/session/worker.ts). As the
// worker lets no time pass before everything is there, a session does not depend on when that is.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseAst } from 'vite';
import { COMPILE_WHOLE } from '../first-load.mjs';
import { split } from './split.mjs';

const PROFILE = join(import.meta.dirname, 'profile.mjs');

function profile(folder, name) {
  const output = execFileSync(process.execPath, [PROFILE, join(folder, name)], { maxBuffer: 1 << 28, encoding: 'utf8' });
  return JSON.parse(output);
}

/** Whether anything between two offsets ran. */
function ranBetween(ranges) {
  const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
  const starts = sorted.map(([start]) => start);
  return (start, end) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] < start) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < sorted.length && sorted[i][0] < end; i++) if (sorted[i][1] <= end) return true;
    return false;
  };
}

/** Lets a chunk import from the two what it imported from the one. */
function redirect(chunk, from, parts, names) {
  const program = parseAst(chunk.code);
  const wanted = program.body.filter((s) => s.type === 'ImportDeclaration' && s.source.value === `./${from}`);
  const edits = wanted.map((statement) => {
    const kept = [];
    const late = [];
    for (const { imported, local } of statement.specifiers) {
      const name = parts.localOf(imported.name);
      (parts.isLate(name) ? late : kept).push(name === local.name ? name : `${name} as ${local.name}`);
    }
    const text = `import{${late.join(',')}}from"./${names.late}";import{${kept.join(',')}}from"./${names.kept}";`;
    return { start: statement.start, end: statement.end, text };
  });
  for (const { start, end, text } of edits.toReversed()) chunk.code = chunk.code.slice(0, start) + text + chunk.code.slice(end);
}

/** The names, as exported, that other chunks want of one. */
function wantedOf(chunks, from) {
  const wanted = new Set();
  for (const chunk of chunks) {
    for (const statement of parseAst(chunk.code).body) {
      if (statement.type !== 'ImportDeclaration' || statement.source.value !== `./${from}`) continue;
      for (const { imported } of statement.specifiers) wanted.add(imported.name);
    }
  }
  return wanted;
}

/** @param entry the end of the path of the worker's first module */
export function lateCode(entry) {
  return {
    name: 'late-code',
    apply: 'build',
    generateBundle(_, bundle) {
      const all = Object.values(bundle).filter((output) => output.type === 'chunk');
      const first = all.find((chunk) => chunk.isEntry && chunk.facadeModuleId?.endsWith(entry));
      if (first === undefined) return;
      const others = all.filter((chunk) => chunk !== first);
      const names = { kept: basename(first.fileName), late: '' };
      const folder = mkdtempSync(join(tmpdir(), 'late-code-'));
      try {
        writeFileSync(join(folder, 'whole.mjs'), first.code);
        const whole = profile(folder, 'whole.mjs');
        const wanted = wantedOf(others, names.kept);
        const parts = split(first.code, parseAst(first.code), ranBetween(whole.ran), wanted, names.kept);
        names.late = `late-${createHash('sha256').update(parts.late).digest('base64url').slice(0, 8)}.js`;
        writeFileSync(join(folder, names.kept.replace(/js$/, 'mjs')), parts.kept);
        const kept = profile(folder, names.kept.replace(/js$/, 'mjs'));
        if (kept.missed !== undefined) this.error(`the boot needs code that would come late: ${kept.missed}`);
        if (kept.hash !== whole.hash) this.error('the boot went another way without the code that would come late');
        for (const chunk of others) redirect(chunk, names.kept, parts, names);
        first.code = COMPILE_WHOLE + parts.kept;
        this.emitFile({ type: 'asset', fileName: `${dirname(first.fileName)}/${names.late}`, source: parts.late });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}
