// Installs what the project needs when it is missing or the lock file has changed since. Works on a bare machine with Node.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const STAMP = join(ROOT, 'node_modules', '.installed');

/** Runs a command in the project's folder with its output shown; ends this process with its status if it fails. */
export function must(command, args, env = process.env) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env, shell: process.platform === 'win32' });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** The path of a program of an installed package. */
export const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

export function install() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Orrery needs Node.js 20.19 or later; this is ${process.version}.`);
    process.exit(1);
  }
  const lock = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex');
  if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== lock) {
    console.log('Installing packages …');
    must('npm', ['ci', '--no-audit', '--no-fund']);
    mkdirSync(dirname(STAMP), { recursive: true });
    writeFileSync(STAMP, lock);
  }
  must(process.execPath, [join(ROOT, 'scripts', 'generate.mjs')]);
}
