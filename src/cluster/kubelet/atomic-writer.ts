// The atomic writer of volumes with API data (pkg/volume/util/atomic_writer.go): the files lie in a directory with a time for its
// name, `..data` points to it and is moved in one step, and what people see are links through `..data`.

import type { Files } from '../machine/files.ts';
import { formatTime, type Micros } from '../sim/time.ts';

export interface FileContent {
  readonly path: string;
  readonly text: string;
  readonly mode: number | undefined;
}

/** What was written last. */
export interface Payload {
  /** `..2026_05_04_01_00_29.123456789` */
  readonly directory: string;
  readonly contents: readonly FileContent[];
}

const DATA = '..data';

/** Writes `contents` below `directory`, all at once; the very `before` when nothing changed. `now` is microseconds since 1970. */
export function writeAtomically(files: Files, directory: string, contents: readonly FileContent[], before: Payload | undefined, now: Micros): Payload {
  if (before !== undefined && sameContents(before.contents, contents)) return before;
  const name = stampOf(now);
  const root = `${directory}/${name}`;
  const names = topNames(contents);
  if (before === undefined && files.exists(directory)) clear(files, directory);
  writeAll(files, root, contents);
  if (before === undefined) {
    files.populate(directory, [], [[DATA, name], ...[...names].map((top) => [top, `${DATA}/${top}`] as const)]);
    return { directory: name, contents };
  }
  const old = topNames(before.contents);
  files.symlink(name, `${directory}/..data_tmp`);
  files.rename(`${directory}/..data_tmp`, `${directory}/${DATA}`);
  for (const top of names) if (!old.has(top)) files.symlink(`${DATA}/${top}`, `${directory}/${top}`);
  for (const top of old) if (!names.has(top)) files.remove(`${directory}/${top}`);
  files.remove(`${directory}/${before.directory}`);
  return { directory: name, contents };
}

/** Takes away what a kubelet before this one has written. */
function clear(files: Files, directory: string): void {
  for (const name of files.list(directory)) files.remove(`${directory}/${name}`);
}

function writeAll(files: Files, root: string, contents: readonly FileContent[]): void {
  const flat = contents.filter(({ path }) => !path.includes('/'));
  files.populate(root, flat, []);
  if (flat.length === contents.length) return;
  for (const { path, text, mode } of contents) if (path.includes('/')) files.write(`${root}/${path}`, text, mode);
}

function topNames(contents: readonly FileContent[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { path } of contents) {
    const slash = path.indexOf('/');
    names.add(slash < 0 ? path : path.slice(0, slash));
  }
  return names;
}

function sameContents(a: readonly FileContent[], b: readonly FileContent[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as FileContent;
    const y = b[i] as FileContent;
    if (x.path !== y.path || x.text !== y.text || x.mode !== y.mode) return false;
  }
  return true;
}

/** Go's layout `..2006_01_02_15_04_05.` and nine digits. */
function stampOf(now: Micros): string {
  const iso = formatTime(now);
  const digits = String(now % 1_000_000).padStart(6, '0');
  return `..${iso.slice(0, 19).replaceAll('-', '_').replaceAll(':', '_').replace('T', '_')}.${digits}000`;
}
