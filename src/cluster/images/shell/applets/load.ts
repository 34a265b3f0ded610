// Commands that people use to make load: dd and fallocate fill disks; what reads /dev/zero or /dev/urandom for ever burns a CPU,
// and `tail /dev/zero` eats memory until somebody stops it.

import { FileError } from '../../../machine/files.ts';
import { SECOND } from '../../../sim/time.ts';
import { type Applet, AppletError } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { NULL_WRITER, readAll, reasonOf } from '../streams.ts';
import { bytesOf } from './stress.ts';

const ENDLESS: ReadonlySet<string> = new Set(['/dev/zero', '/dev/urandom', '/dev/random']);
/** Bytes a second. */
const TO_DISK = 900_000_000;
const COPY = 6_000_000_000;

/** What dd prints for an amount: `1073741824 bytes (1.0GB) copied, 1.193046 seconds, 858.3MB/s`. */
function human(bytes: number): string {
  const units = ['', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(1)}${units[unit] as string}`;
}

const dd: Applet = function* (c) {
  const operands = new Map<string, string>();
  for (const arg of c.args) {
    const equals = arg.indexOf('=');
    if (equals <= 0) throw new AppletError(`unrecognized operand '${arg}'`);
    operands.set(arg.slice(0, equals), arg.slice(equals + 1));
  }
  const size = (name: string): number => bytesOf((operands.get(name) ?? '512').replace(/B$/, ''), 0);
  const block = operands.has('bs') ? size('bs') : operands.has('ibs') ? size('ibs') : 512;
  const count = operands.get('count') === undefined ? null : bytesOf(operands.get('count') as string, 0);
  const [from, to] = [operands.get('if'), operands.get('of')];
  const { files, process, sim } = c.os;
  const begun = sim.now;
  const endless = from !== undefined && ENDLESS.has(from);
  const nowhere = to === '/dev/null';
  if (endless && count === null && nowhere) yield* process.burn();
  const path = to === undefined ? undefined : resolvePath(c.cwd, to);
  let text = '';
  let bytes = 0;
  if (endless) bytes = count === null ? Number.POSITIVE_INFINITY : count * block;
  else {
    text = from === undefined ? yield* readAll(c.stdin) : files.read(resolvePath(c.cwd, from));
    if (count !== null) text = text.slice(0, count * block);
    bytes = text.length;
  }
  const report = function* (done: number): ReturnType<Applet> {
    const took = Math.max(1, sim.now - begun) / SECOND;
    const full = Math.floor(done / block);
    const records = `${full}+${done % block > 0 ? 1 : 0}`;
    yield* c.stderr.write(`${records} records in\n${records} records out\n`);
    yield* c.stderr.write(`${done} bytes (${human(done)}) copied, ${took.toFixed(6)} seconds, ${human(Math.round(done / took))}/s\n`);
    return 0;
  };
  if (nowhere || path === undefined) {
    yield* process.compute((bytes / COPY) * SECOND);
    if (path === undefined) yield* c.stdout.write(text);
    return yield* report(bytes);
  }
  if (operands.get('conv')?.includes('notrunc') !== true || !files.exists(path)) files.write(path, '');
  if (!endless) files.append(path, text);
  // In pieces, so that a disk that fills up is seen filling up; at its end in smaller and smaller ones.
  let piece = Math.max(block, 64 * 1024 ** 2);
  for (let done = 0; endless && done < bytes; ) {
    const now = Math.min(piece, bytes - done);
    try {
      files.grow(path, now);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (error.code === 'ENOSPC' && piece > block) {
        piece = Math.max(block, Math.ceil(piece / 2 / block) * block);
        continue;
      }
      yield* c.stderr.write(`dd: error writing '${to}': ${reasonOf(error)}\n`);
      yield* report(done);
      return 1;
    }
    yield* process.compute((now / COPY) * SECOND);
    yield* c.os.sleep(Math.round((now / TO_DISK) * SECOND));
    done += now;
  }
  return yield* report(bytes);
};

const fallocate: Applet = function* (c) {
  const at = c.args.findIndex((arg) => arg.startsWith('-l') || arg.startsWith('--length'));
  const option = c.args[at] ?? '';
  const length = /^(?:-l|--length=)(.+)$/.exec(option)?.[1] ?? c.args[at + 1] ?? '';
  const path = c.args.filter((arg, i) => !arg.startsWith('-') && !(i === at + 1 && /^(-l|--length)$/.test(option))).at(-1);
  if (at < 0 || path === undefined) throw new AppletError('no length argument specified');
  const full = resolvePath(c.cwd, path);
  const bytes = bytesOf(length.replace(/iB$/, ''), 0);
  const { files } = c.os;
  const size = files.exists(full) ? files.stat(full).size : 0;
  try {
    if (bytes > size) files.grow(full, bytes - size);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new AppletError(`fallocate failed: ${reasonOf(error)}`);
  }
  yield* c.os.sleep(1000);
  return 0;
};

const truncate: Applet = function* (c) {
  const at = c.args.findIndex((arg) => arg.startsWith('-s') || arg.startsWith('--size'));
  const option = c.args[at] ?? '';
  const length = /^(?:-s|--size=)(.+)$/.exec(option)?.[1] ?? c.args[at + 1] ?? '';
  const path = c.args.filter((arg, i) => !arg.startsWith('-') && !(i === at + 1 && /^(-s|--size)$/.test(option))).at(-1);
  if (at < 0 || path === undefined) throw new AppletError("you must specify either '--size' or '--reference'");
  const full = resolvePath(c.cwd, path);
  const text = c.os.files.exists(full) ? c.os.files.read(full) : '';
  // A hole takes no room on the disk.
  c.os.files.write(full, text.slice(0, bytesOf(length, 0)));
  return 0;
};

/** Bytes a second that a program without a plan for its memory can swallow. */
const SWALLOWED = 400_000_000;

/** Lines without an end: all of them are kept. */
const swallow: Applet = function* (c) {
  for (let bytes = 0; ; bytes += SWALLOWED / 8) {
    c.os.process.setMemory(bytes);
    yield* c.os.process.compute(SECOND / 8);
  }
};

/** The commands with what they do when they are given input without end. */
export function withEndlessInput(commands: Readonly<Record<string, Applet>>): Readonly<Record<string, Applet>> {
  const made: Record<string, Applet> = {};
  for (const name of ['md5sum', 'sha1sum', 'sha256sum', 'cat', 'wc', 'gzip', 'tail', 'sort', 'head']) {
    const plain = commands[name];
    if (plain === undefined) continue;
    made[name] = function* (c) {
      if (!c.args.some((arg) => ENDLESS.has(arg))) return yield* plain(c);
      if (name === 'head') return yield* headOfEndless(c);
      if (name === 'tail' || name === 'sort') return yield* swallow(c);
      yield* c.os.process.burn();
      return 0;
    };
  }
  const { yes } = commands;
  // Into nothing, line upon line: only the CPU notices.
  if (yes !== undefined) made['yes'] = (c) => (c.stdout === NULL_WRITER ? burning(c) : yes(c));
  return made;
}

const burning: Applet = function* (c) {
  yield* c.os.process.burn();
  return 0;
};

/** `head -c 100M /dev/zero`: that many bytes, or rather a sign of them. */
const headOfEndless: Applet = function* (c) {
  const at = c.args.findIndex((arg) => arg.startsWith('-c'));
  const option = c.args[at] ?? '';
  const bytes = at < 0 ? 0 : bytesOf(option.slice(2) || (c.args[at + 1] ?? '0'), 0);
  if (bytes === 0) return yield* swallow(c);
  yield* c.os.process.compute((bytes / COPY) * SECOND);
  yield* c.stdout.write('\0'.repeat(Math.min(bytes, MOST_TEXT)));
  return 0;
};

const MOST_TEXT = 4 * 1024 ** 2;

export const LOAD_APPLETS: Readonly<Record<string, Applet>> = { dd, fallocate, truncate };
