// npm run bench: the benchmarks as one bundle, as the page runs the model, and not module by module through a loader that renames
// functions on the way.

import { join } from 'node:path';
import { build } from 'vite';

const root = join(import.meta.dirname, '..');
const outDir = join(root, '.cache', 'bench');
await build({
  root,
  configFile: false,
  logLevel: 'error',
  publicDir: false,
  build: { ssr: 'src/bench/run.ts', outDir, emptyOutDir: true, target: 'node20', minify: false, rolldownOptions: { output: { entryFileNames: 'run.mjs', codeSplitting: false } } },
});
await import(join(outDir, 'run.mjs'));
