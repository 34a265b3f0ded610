// npm test: installs what is missing (a browser included), then lint, types, unit and transcript tests, browser tests.
// Every stage runs even when an earlier one failed. The last line counts: `N passed, M failed`.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser } from './browser.mjs';
import { bin, install, ROOT } from './install.mjs';

install();

const RESULTS = join(ROOT, '.cache', 'results');
rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });
let passed = 0;
let failed = 0;

function stage(name, command, args, env = {}) {
  const begun = Date.now();
  console.log(`\n── ${name}`);
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
  console.log(`── ${name}: ${status === 0 ? 'ok' : `failed (exit ${status})`} in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  return status === 0;
}

/** A stage that is one check. */
function check(name, command, args) {
  if (stage(name, command, args)) passed++;
  else failed++;
}

/** Adds the counts that a test runner wrote; a runner that failed without failing a test counts as one failure. */
function count(ok, file, read) {
  let counts = { passed: 0, failed: 0 };
  try {
    counts = read(JSON.parse(readFileSync(join(RESULTS, file), 'utf8')));
  } catch (error) {
    console.log(`no results of ${file}: ${error.message}`);
  }
  passed += counts.passed;
  failed += ok || counts.failed > 0 ? counts.failed : 1;
}

/** Shows what a stage printed and adds the counts of its last line. */
function countLines({ stdout, status }) {
  console.log(stdout.trimEnd());
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(stdout);
  passed += Number(counts?.[1] ?? 0);
  failed += counts ? Number(counts[2]) : status === 0 ? 0 : 1;
}

check('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']);
check('types of the page and tools', bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']);
check('types of the cluster', bin('tsc'), ['--noEmit', '-p', 'tsconfig.cluster.json']);
count(
  stage('unit and transcript tests', bin('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${join(RESULTS, 'unit.json')}`]),
  'unit.json',
  (r) => ({ passed: r.numPassedTests, failed: r.numFailedTests }),
);
console.log('\n── real kubectls (../shared/acceptance)');
countLines(spawnSync(process.execPath, [join(ROOT, 'scripts', 'acceptance.mjs')], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
check('build', bin('vite'), ['build', '--logLevel', 'warn']);

const browser = await findBrowser();
if (browser) {
  count(
    stage('browser tests', bin('playwright'), ['test'], { CHROMIUM_PATH: browser, PLAYWRIGHT_JSON_OUTPUT_NAME: join(RESULTS, 'browser.json') }),
    'browser.json',
    (r) => ({ passed: r.stats.expected + r.stats.flaky, failed: r.stats.unexpected }),
  );
} else failed++;

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
