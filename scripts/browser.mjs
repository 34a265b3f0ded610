// Finds a Chromium for the browser tests, or installs one by the first way that works on this machine:
// CHROMIUM_PATH or an installed browser, Debian's package (as root), Playwright's own download, a build from the npm registry.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = join(ROOT, '.cache', 'browser');
const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe'];
const SPARTICUZ = '@sparticuz/chromium@143.0.4';

const run = (command, args, options = {}) => spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options }).status === 0;

function installed() {
  const fromEnvironment = process.env.CHROMIUM_PATH;
  if (fromEnvironment && existsSync(fromEnvironment)) return fromEnvironment;
  return INSTALLED.find((path) => existsSync(path));
}

function fromDebian() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  console.log('Installing Chromium with apt-get …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-noto-cjk', 'fonts-dejavu-core'], { env });
  return installed();
}

async function fromPlaywright() {
  console.log("Trying Playwright's own download …");
  const env = { ...process.env, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '8000' };
  run(process.execPath, [join(ROOT, 'node_modules', '@playwright', 'test', 'cli.js'), 'install', 'chromium'], { env });
  const { chromium } = await import('playwright-core');
  return existsSync(chromium.executablePath()) ? chromium.executablePath() : undefined;
}

async function fromNpm() {
  if (process.platform !== 'linux') return undefined;
  console.log('Trying a Chromium from the npm registry …');
  mkdirSync(CACHE, { recursive: true });
  if (!run('npm', ['install', '--prefix', CACHE, '--no-save', '--no-audit', '--no-fund', SPARTICUZ])) return undefined;
  process.env.TMPDIR = CACHE;
  const entry = join(CACHE, 'node_modules', '@sparticuz', 'chromium', 'build', 'esm', 'index.js');
  const module = await import(pathToFileURL(existsSync(entry) ? entry : join(CACHE, 'node_modules', '@sparticuz', 'chromium', 'build', 'index.js')).href);
  return module.default.executablePath();
}

/** The path of a Chromium that starts, or undefined with the reason printed. */
export async function findBrowser() {
  for (const way of [installed, fromDebian, fromPlaywright, fromNpm]) {
    const path = await way();
    if (!path) continue;
    try {
      const version = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
      console.log(`Browser: ${version}`);
      return path;
    } catch (error) {
      console.log(`${path} does not start: ${error.message}`);
    }
  }
  console.log('No Chromium could be found or installed. Set CHROMIUM_PATH to one.');
  return undefined;
}
