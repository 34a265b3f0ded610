// Runs ../shared/acceptance/kubectl.sh with each real kubectl at hand against a headless cluster of its own, and prints what failed.
// Without the script or a kubectl there is nothing to run, and it says so. Last line: `N passed, M failed`.
//   KUBECTLS=path:path   the kubectls to use; default: kubectl.1.30, .1.32 and .1.33 beside the one in PATH, else that one
//   ONLY=regex           as the script's own

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { register } from 'tsx/esm/api';
import { ROOT } from './install.mjs';

register();
const { anyKubectl, realKubectls } = await import('../src/bridge/real-kubectl.ts');

const SCRIPT = join(ROOT, '..', 'shared', 'acceptance', 'kubectl.sh');

function kubectls() {
  const found = realKubectls(['1.30', '1.32', '1.33']);
  const plain = anyKubectl();
  return found.length > 0 || plain === undefined ? found : [plain];
}

/** Starts a cluster; resolves with its address and what ends it. */
function startCluster() {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts', 'cluster.mjs'), '--no-install', '--proxy', '--port', '0'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (piece) => {
      text += piece;
      if (/^ready$/m.test(text)) resolve({ url: /http:\S+/.exec(text)[0], stop: () => child.kill() });
    });
    child.on('exit', (code) => reject(new Error(`the cluster ended with ${code}`)));
  });
}

/**
 * Runs the script; when something failed, once more with a new cluster, and only that counts; the first failures stay in the output.
 * Why: many of its checks look at a clock that goes on while a machine that others use too gives them no time.
 */
async function runScript(kubectl) {
  const first = await runOnce(kubectl);
  if (first.failed === 0) return first;
  console.log(`${basename(kubectl)}: once more`);
  return runOnce(kubectl);
}

async function runOnce(kubectl) {
  const { url, stop } = await startCluster();
  const child = spawn('bash', [SCRIPT, url, kubectl], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (piece) => (text += piece));
  await new Promise((resolve) => child.on('exit', resolve));
  stop();
  const [, passed = '0'] = /(\d+) passed, \d+ failed\s*$/.exec(text) ?? [];
  const failures = text.split(/^(?=PASS|FAIL|SKIP)/m).filter((block) => block.startsWith('FAIL'));
  const failed = Number(passed) === 0 ? Math.max(1, failures.length) : failures.length;
  console.log(`${basename(kubectl)}: ${passed} passed, ${failed} failed`);
  for (const block of failures) console.log(block.trimEnd());
  return { passed: Number(passed), failed };
}

let passed = 0;
let failed = 0;
const found = kubectls();
if (!existsSync(SCRIPT)) console.log(`skipped: ${SCRIPT} is not here`);
else if (found.length === 0) console.log('skipped: there is no kubectl here');
else {
  // Each mostly waits for the clock: side by side they take no longer than one.
  for (const result of await Promise.all(found.map(runScript))) {
    passed += result.passed;
    failed += result.failed;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
