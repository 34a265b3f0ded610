// tar: create, extract and list ustar archives, on files or standard input and output (what kubectl cp relies on).

import { bytesOf, textOf } from '../../../api/bytes.ts';
import type { Files } from '../../../machine/files.ts';
import type { Os } from '../../../machine/process.ts';
import { SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { readAll, reasonOf } from '../streams.ts';

const BLOCK = 512;
/** An archive is filled up to whole records of twenty blocks. */
const RECORD = 20 * BLOCK;
const FILE = '0';
const LINK = '2';
const DIRECTORY = '5';

interface Options {
  mode: 'c' | 'x' | 't' | '';
  file: string;
  directory: string;
  verbose: boolean;
  toStdout: boolean;
  readonly paths: string[];
}

function readOptions(args: readonly string[]): Options {
  const options: Options = { mode: '', file: '-', directory: '', verbose: false, toStdout: false, paths: [] };
  const rest = [...args];
  const letters = (text: string): void => {
    for (const letter of text) {
      if (letter === 'c' || letter === 'x' || letter === 't') options.mode = letter;
      else if (letter === 'f') options.file = rest.shift() ?? '-';
      else if (letter === 'C') options.directory = rest.shift() ?? '';
      else if (letter === 'v') options.verbose = true;
      else if (letter === 'O') options.toStdout = true;
      else if (!'mpzohkj'.includes(letter)) throw new AppletError(`invalid option -- '${letter}'`);
    }
  };
  for (let first = true; rest.length > 0; first = false) {
    const arg = rest.shift() as string;
    if (arg === '--') {
      options.paths.push(...rest.splice(0));
    } else if (arg.startsWith('--')) longOption(options, arg, rest);
    else if (arg.startsWith('-') && arg !== '-') letters(arg.slice(1));
    else if (first) letters(arg);
    else options.paths.push(arg);
  }
  if (options.mode === '') throw new AppletError('must specify one of -c, -x, -t');
  return options;
}

function longOption(options: Options, arg: string, rest: string[]): void {
  const [name = '', value] = arg.slice(2).split('=', 2);
  if (name === 'create') options.mode = 'c';
  else if (name === 'extract') options.mode = 'x';
  else if (name === 'list') options.mode = 't';
  else if (name === 'file') options.file = value ?? rest.shift() ?? '-';
  else if (name === 'directory') options.directory = value ?? rest.shift() ?? '';
}

export const tar: Applet = function* (c) {
  const options = readOptions(c.args);
  const { files } = c.os;
  const base = resolvePath(c.cwd, options.directory === '' ? '.' : options.directory);
  if (options.directory !== '' && !files.isDirectory(base)) throw new AppletError(`can't change directory to '${options.directory}': No such file or directory`);
  if (options.mode === 'c') return yield* create(c, options, base);
  const text = options.file === '-' ? yield* readAll(c.stdin) : readArchive(files, resolvePath(c.cwd, options.file), options.file);
  const bytes = bytesOf(text);
  for (const entry of entriesOf(bytes)) {
    if (options.paths.length > 0 && !options.paths.some((path) => entry.name === path || entry.name.startsWith(`${path.replace(/\/$/, '')}/`))) continue;
    if (options.mode === 't' || options.verbose) yield* c.stdout.write(`${entry.name}\n`);
    if (options.mode === 't') continue;
    if (options.toStdout) yield* c.stdout.write(textOf(entry.content));
    else extract(files, base, entry);
  }
  return 0;
};

function readArchive(files: Files, path: string, shown: string): string {
  try {
    return files.read(path);
  } catch (error) {
    throw new AppletError(`can't open '${shown}': ${reasonOf(error)}`);
  }
}

// ---- reading

export interface Entry {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly link: string;
  readonly content: Uint8Array;
}

/** What an archive holds. Throws AppletError. */
export function* entriesOf(bytes: Uint8Array): Generator<Entry> {
  let longName: string | null = null;
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const head = bytes.subarray(at, at + BLOCK);
    const field = (from: number, length: number): string => textOf(head.subarray(from, from + length)).replace(/\0.*$/s, '');
    if (field(0, 1) === '') {
      at += BLOCK;
      continue;
    }
    if (field(257, 5) !== 'ustar') throw new AppletError('invalid tar magic');
    const size = Number.parseInt(field(124, 12).trim() || '0', 8);
    const type = field(156, 1) || FILE;
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) throw new AppletError('short read');
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'x') longName = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(textOf(content))?.[1] ?? longName;
    else if (type === 'L') longName = textOf(content).replace(/\0.*$/s, '');
    else if (type !== 'g') {
      const prefix = field(345, 155);
      const name = longName ?? (prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`);
      longName = null;
      yield { name, type, mode: Number.parseInt(field(100, 8).trim() || '644', 8), link: field(157, 100), content };
    }
  }
}

function extract(files: Files, base: string, entry: Entry): void {
  const path = resolvePath(base, `./${entry.name}`);
  try {
    const above = path.slice(0, path.lastIndexOf('/'));
    if (above !== '' && !files.exists(above)) files.mkdir(above);
    if (entry.type === DIRECTORY) {
      if (!files.exists(path)) files.mkdir(path);
    } else if (entry.type === LINK) {
      if (files.exists(path)) files.remove(path);
      files.symlink(entry.link, path);
    } else files.write(path, textOf(entry.content), entry.mode & 0o7777);
  } catch (error) {
    throw new AppletError(`can't open '${entry.name}': ${reasonOf(error)}`);
  }
}

// ---- writing

function* create(c: AppletContext, options: Options, base: string): Generator<undefined, number, unknown> {
  const parts: Uint8Array[] = [];
  const shown: string[] = [];
  let code = 0;
  for (const path of options.paths) {
    const full = resolvePath(base, path);
    if (!c.os.files.exists(full)) {
      yield* c.stderr.write(`tar: ${path}: No such file or directory\n`);
      code = 1;
      continue;
    }
    if (path.startsWith('/')) yield* c.stderr.write("tar: removing leading '/' from member names\n");
    add(c, full, path.replace(/^\/+/, '').replace(/\/$/, '') || '.', parts, shown);
  }
  if (code !== 0) yield* c.stderr.write('tar: error exit delayed from previous errors\n');
  const bytes = joined(parts);
  if (options.file === '-') yield* c.stdout.write(textOf(bytes));
  else c.os.files.write(resolvePath(c.cwd, options.file), textOf(bytes));
  if (options.verbose) yield* (options.file === '-' ? c.stderr : c.stdout).write(shown.map((name) => `${name}\n`).join(''));
  return code;
}

/** The parts of an archive with its end. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 2 * BLOCK);
  const bytes = new Uint8Array(Math.ceil(size / RECORD) * RECORD);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An archive of one file or folder under another name, as text. */
export function archive(os: Os, path: string, name: string): string {
  const parts: Uint8Array[] = [];
  add({ os }, path, name, parts, []);
  return textOf(joined(parts));
}

function add(c: Pick<AppletContext, 'os'>, full: string, name: string, parts: Uint8Array[], shown: string[]): void {
  const { files, sim } = c.os;
  const stat = files.stat(full);
  const seconds = Math.floor((sim.epoch + stat.modified) / SECOND);
  const directory = files.isDirectory(full);
  const content = directory ? new Uint8Array(0) : bytesOf(files.read(full));
  const shownName = directory ? `${name}/` : name;
  shown.push(shownName);
  if (bytesOf(shownName).length > 100) {
    const long = bytesOf(`${shownName}\0`);
    parts.push(header('././@LongLink', 0, long.length, 0, 'L'), padded(long));
  }
  parts.push(header(shownName, stat.mode & 0o7777, content.length, seconds, directory ? DIRECTORY : FILE), padded(content));
  if (directory) for (const entry of files.list(full)) add(c, `${full === '/' ? '' : full}/${entry}`, name === '.' ? `./${entry}` : `${name}/${entry}`, parts, shown);
}

function padded(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(content.length / BLOCK) * BLOCK);
  bytes.set(content);
  return bytes;
}

function header(name: string, mode: number, size: number, seconds: number, type: string): Uint8Array {
  const bytes = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => bytes.set(bytesOf(text).subarray(0, 100), at);
  const octal = (at: number, value: number, digits: number): void => put(at, `${value.toString(8).padStart(digits, '0')}\0`);
  put(0, name);
  octal(100, mode, 7);
  octal(108, 0, 7);
  octal(116, 0, 7);
  octal(124, size, 11);
  octal(136, seconds, 11);
  put(148, '        ');
  put(156, type);
  put(257, 'ustar  \0');
  put(265, 'root');
  put(297, 'root');
  octal(148, bytes.reduce((sum, byte) => sum + byte, 0), 6);
  bytes[155] = 0x20;
  return bytes;
}
