// Paths taken apart: `/a//b/../c` is a, c.

import { FileError } from './file-error.ts';

const splitPaths = new Map<string, readonly string[]>();
const MAX_SPLIT = 4_096;

/** The parts of a path; the same array for the same path. */
export function split(path: string): readonly string[] {
  const known = splitPaths.get(path);
  if (known !== undefined) return known;
  if (!path.startsWith('/')) throw new FileError('EINVAL', 'open', path);
  if (splitPaths.size >= MAX_SPLIT) splitPaths.clear();
  const parts = isClean(path) ? path.slice(1).split('/') : simplify(path.split('/'), path.endsWith('/.'));
  splitPaths.set(path, parts);
  return parts;
}

/** True when no part is empty, `.` or `..` (or begins with a dot: those are looked at closely). */
function isClean(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    if (path.charCodeAt(i) !== 47) continue;
    const next = path.charCodeAt(i + 1);
    if (next === 47 || next === 46 || i + 1 === path.length) return false;
  }
  return true;
}

/** Takes out empty parts, `.` and `..`; `keepDot` leaves a final `.` (it says: this is a directory). */
export function simplify(parts: readonly string[], keepDot = false): string[] {
  const out: string[] = [];
  for (const part of parts) {
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  }
  if (keepDot) out.push('.');
  return out;
}

/** The path with nothing superfluous in it. */
export function normalize(path: string): string {
  return isClean(path) ? path : `/${simplify(path.split('/')).join('/')}`;
}
