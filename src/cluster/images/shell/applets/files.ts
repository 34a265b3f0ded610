// Commands about files: cat ls touch rm mkdir rmdir cp mv ln stat chmod find du df mktemp basename dirname readlink pwd.

import { Disk } from '../../../machine/disk.ts';
import { formatTime } from '../../../sim/time.ts';
import type { Op } from '../../../sim/simulation.ts';
import { type Applet, type AppletContext, AppletError, parseFlags } from '../applet.ts';
import { matchesPattern } from '../pattern.ts';
import { resolvePath } from '../shell.ts';
import { readAll, reasonOf } from '../streams.ts';

const at = (c: AppletContext, path: string): string => resolvePath(c.cwd, path);

/** The text of a file, `-` and /dev/stdin being standard input. Throws AppletError. */
export function* readInput(c: AppletContext, path: string): Op<string> {
  if (path === '-' || path === '/dev/stdin') return yield* readAll(c.stdin);
  if (path === '/dev/null') return '';
  try {
    return c.os.files.read(at(c, path));
  } catch (error) {
    if (reasonOf(error) === 'Is a directory') throw new AppletError(`read error: Is a directory`);
    throw new AppletError(`can't open '${path}': ${reasonOf(error)}`);
  }
}

/** Runs `body` for each path; one that fails is complained about and makes the exit code 1. */
function* forEach(c: AppletContext, paths: readonly string[], body: (path: string) => Op<void>): Op<number> {
  let code = 0;
  for (const path of paths) {
    try {
      yield* body(path);
    } catch (error) {
      if (!(error instanceof AppletError) && !(error instanceof Error && error.name === 'FileError')) throw error;
      code = 1;
      yield* c.stderr.write(`${c.name}: ${error instanceof AppletError ? error.message : `${path}: ${reasonOf(error)}`}\n`);
    }
  }
  return code;
}

const cat: Applet = function* (c) {
  const flags = parseFlags(c.args, 'nbsvetuAE');
  let n = 0;
  return yield* forEach(c, flags.rest.length === 0 ? ['-'] : flags.rest, function* (path) {
    if (path === '-' && !flags.has('n')) {
      for (let more = yield* c.stdin.read(); more !== undefined; more = yield* c.stdin.read()) yield* c.stdout.write(more);
      return;
    }
    const text = yield* readInput(c, path);
    yield* c.stdout.write(flags.has('n') ? text.replace(/^.*\n?/gm, (line) => (line === '' ? '' : `${String(++n).padStart(6)}  ${line}`)) : text);
  });
};

const ls: Applet = function* (c) {
  const flags = parseFlags(c.args, '1aAlhdRtrSCFnpsi');
  const { files } = c.os;
  const long = flags.has('l') || flags.has('n');
  const line = (full: string, name: string): string => (long ? longLine(c, full, name) : name);
  const paths = flags.rest.length === 0 ? ['.'] : flags.rest;
  let first = true;
  return yield* forEach(c, paths, function* (path) {
    const full = at(c, path);
    if (!files.exists(full)) throw new AppletError(`${path}: No such file or directory`);
    if (!files.isDirectory(full) || flags.has('d')) {
      yield* c.stdout.write(`${line(full, path)}\n`);
      return;
    }
    if (paths.length > 1) yield* c.stdout.write(`${first ? '' : '\n'}${path}:\n`);
    first = false;
    let names = files.list(full).filter((name) => flags.has('a') || flags.has('A') || !name.startsWith('.'));
    if (flags.has('a')) names = ['.', '..', ...names];
    if (flags.has('t')) names = [...names].sort((a, b) => files.stat(`${full}/${b}`).modified - files.stat(`${full}/${a}`).modified);
    if (flags.has('r')) names = names.reverse();
    if (long) yield* c.stdout.write(`total ${names.length * 4}\n`);
    for (const name of names) yield* c.stdout.write(`${line(resolvePath(full, name), name)}\n`);
  });
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function longLine(c: AppletContext, full: string, name: string): string {
  const stat = c.os.files.stat(full, false);
  const time = formatTime(c.os.sim.epoch + stat.modified);
  const date = `${MONTHS[Number(time.slice(5, 7)) - 1] ?? ''} ${String(Number(time.slice(8, 10))).padStart(2)} ${time.slice(11, 16)}`;
  const size = stat.kind === 'directory' ? 4096 : stat.size;
  const target = stat.kind === 'symlink' ? ` -> ${c.os.files.readlink(full)}` : '';
  return `${modeText(stat.kind, stat.mode)} ${String(stat.kind === 'directory' ? 2 : 1).padStart(4)} root     root     ${String(size).padStart(9)} ${date} ${name}${target}`;
}

export function modeText(kind: string, mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => ((mode >> (8 - i)) & 1 ? letter : '-')).join('');
  return (kind === 'directory' ? 'd' : kind === 'symlink' ? 'l' : '-') + bits;
}

const touch: Applet = function* (c) {
  const flags = parseFlags(c.args, 'acmd:r:t:');
  return yield* forEach(c, flags.rest, function* (path) {
    const full = at(c, path);
    if (c.os.files.isDirectory(full)) return;
    if (c.os.files.exists(full)) c.os.files.append(full, '');
    else if (!flags.has('c')) {
      needParent(c, full, path);
      c.os.files.write(full, '');
    }
    yield* c.os.sleep(0);
  });
};

function needParent(c: AppletContext, full: string, path: string): void {
  if (!c.os.files.isDirectory(full.slice(0, full.lastIndexOf('/')) || '/')) throw new AppletError(`${path}: No such file or directory`);
}

const rm: Applet = function* (c) {
  const flags = parseFlags(c.args, 'rRfiv');
  const deep = flags.has('r') || flags.has('R');
  return yield* forEach(c, flags.rest, function* (path) {
    const full = at(c, path);
    if (!c.os.files.exists(full)) {
      if (flags.has('f')) return;
      throw new AppletError(`can't remove '${path}': No such file or directory`);
    }
    if (c.os.files.isDirectory(full) && !deep) throw new AppletError(`'${path}' is a directory`);
    c.os.files.remove(full);
    yield* c.os.sleep(0);
  });
};

const mkdir: Applet = function* (c) {
  const flags = parseFlags(c.args, 'pm:v');
  return yield* forEach(c, flags.rest, function* (path) {
    const full = at(c, path);
    if (c.os.files.exists(full)) {
      if (flags.has('p') && c.os.files.isDirectory(full)) return;
      throw new AppletError(`can't create directory '${path}': File exists`);
    }
    if (!flags.has('p') && !c.os.files.isDirectory(full.slice(0, full.lastIndexOf('/')) || '/')) {
      throw new AppletError(`can't create directory '${path}': No such file or directory`);
    }
    c.os.files.mkdir(full);
    yield* c.os.sleep(0);
  });
};

const rmdir: Applet = function* (c) {
  return yield* forEach(c, parseFlags(c.args, 'p').rest, function* (path) {
    const full = at(c, path);
    if (!c.os.files.isDirectory(full)) throw new AppletError(`'${path}': No such file or directory`);
    if (c.os.files.list(full).length > 0) throw new AppletError(`'${path}': Directory not empty`);
    c.os.files.remove(full);
    yield* c.os.sleep(0);
  });
};

function copyTree(c: AppletContext, from: string, to: string): void {
  const { files } = c.os;
  if (!files.isDirectory(from)) {
    files.write(to, files.read(from), files.stat(from).mode);
    return;
  }
  files.mkdir(to);
  for (const name of files.list(from)) copyTree(c, `${from}/${name}`, `${to}/${name}`);
}

const copy: Applet = function* (c) {
  const flags = parseFlags(c.args, 'rRapfinLdvuTP');
  const target = flags.rest.at(-1);
  if (target === undefined || flags.rest.length < 2) throw new AppletError('missing file operand');
  const into = c.os.files.isDirectory(at(c, target));
  return yield* forEach(c, flags.rest.slice(0, -1), function* (path) {
    const from = at(c, path);
    if (!c.os.files.exists(from)) throw new AppletError(`can't ${c.name === 'mv' ? 'rename' : 'stat'} '${path}': No such file or directory`);
    const recursive = c.name === 'mv' || flags.has('r') || flags.has('R') || flags.has('a');
    if (c.os.files.isDirectory(from) && !recursive) throw new AppletError(`omitting directory '${path}'`);
    const to = into ? resolvePath(at(c, target), from.slice(from.lastIndexOf('/') + 1)) : at(c, target);
    needParent(c, to, target);
    copyTree(c, from, to);
    if (c.name === 'mv') c.os.files.remove(from);
    yield* c.os.sleep(0);
  });
};

const link: Applet = function* (c) {
  const flags = parseFlags(c.args, 'sfnTv');
  const [target = '', name = target.slice(target.lastIndexOf('/') + 1)] = flags.rest;
  let full = at(c, name);
  if (c.os.files.isDirectory(full) && !flags.has('n')) full = resolvePath(full, target.slice(target.lastIndexOf('/') + 1));
  if (c.os.files.exists(full)) {
    if (!flags.has('f')) throw new AppletError(`${name}: File exists`);
    c.os.files.remove(full);
  }
  if (flags.has('s')) c.os.files.symlink(target, full);
  else c.os.files.write(full, c.os.files.read(at(c, target)));
  yield* c.os.sleep(0);
  return 0;
};

const stat: Applet = function* (c) {
  const flags = parseFlags(c.args, 'c:tLf');
  return yield* forEach(c, flags.rest, function* (path) {
    const full = at(c, path);
    if (!c.os.files.exists(full)) throw new AppletError(`can't stat '${path}': No such file or directory`);
    const s = c.os.files.stat(full);
    const octal = s.mode.toString(8);
    const format = flags.value('c');
    if (format === undefined) {
      const kind = s.kind === 'directory' ? 'directory' : s.size === 0 ? 'regular empty file' : 'regular file';
      yield* c.stdout.write(
        `  File: ${path}\n  Size: ${s.size}\t\tBlocks: 8          IO Block: 4096   ${kind}\nAccess: (0${octal}/${modeText(s.kind, s.mode)})  Uid: (    0/    root)   Gid: (    0/    root)\nModify: ${formatTime(c.os.sim.epoch + s.modified).replace('T', ' ').replace('Z', '.000000000 +0000')}\n`,
      );
      return;
    }
    const values: Readonly<Record<string, string>> = { n: path, s: String(s.size), a: octal, A: modeText(s.kind, s.mode), u: '0', g: '0', U: 'root', G: 'root', F: s.kind };
    yield* c.stdout.write(`${format.replace(/%(\w)/g, (all, letter: string) => values[letter] ?? all)}\n`);
  });
};

const chmod: Applet = function* (c) {
  const rest = c.args.filter((arg) => arg !== '-R' && arg !== '-v');
  const mode = rest[0] ?? '';
  return yield* forEach(c, rest.slice(1), function* (path) {
    const full = at(c, path);
    if (!c.os.files.exists(full)) throw new AppletError(`${path}: No such file or directory`);
    c.os.files.chmod(full, newMode(c.os.files.stat(full).mode, mode));
    yield* c.os.sleep(0);
  });
};

function newMode(old: number, text: string): number {
  if (/^[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  let mode = old;
  for (const clause of text.split(',')) {
    const m = /^([ugoa]*)([-+=])([rwxX]*)$/.exec(clause);
    if (!m) throw new AppletError(`invalid mode '${text}'`);
    const who = m[1] === '' || m[1]?.includes('a') ? 'ugo' : (m[1] as string);
    let bits = 0;
    for (const [letter, bit] of [['r', 4], ['w', 2], ['x', 1]] as const) if (m[3]?.toLowerCase().includes(letter)) bits |= bit;
    for (const [letter, shift] of [['u', 6], ['g', 3], ['o', 0]] as const) {
      if (!who.includes(letter)) continue;
      if (m[2] === '+') mode |= bits << shift;
      else if (m[2] === '-') mode &= ~(bits << shift);
      else mode = (mode & ~(7 << shift)) | (bits << shift);
    }
  }
  return mode;
}

const find: Applet = function* (c) {
  const starts: string[] = [];
  let i = 0;
  while (c.args[i] !== undefined && !/^[-!(]/.test(c.args[i] as string)) starts.push(c.args[i++] as string);
  const option = (name: string): string | undefined => {
    const index = c.args.indexOf(name, i);
    return index < 0 ? undefined : c.args[index + 1];
  };
  const [name, type, depth] = [option('-name'), option('-type'), Number(option('-maxdepth') ?? Infinity)];
  const out: string[] = [];
  const visit = (path: string, level: number): void => {
    const full = at(c, path);
    const kind = c.os.files.stat(full, false).kind;
    const base = path.slice(path.lastIndexOf('/') + 1);
    const typed = type === undefined || kind.startsWith(type === 'l' ? 's' : type);
    if (typed && (name === undefined || matchesPattern(name, base))) out.push(path);
    if (kind !== 'directory' || level >= depth) return;
    for (const entry of c.os.files.list(full)) visit(path === '/' ? `/${entry}` : `${path}/${entry}`, level + 1);
  };
  return yield* forEach(c, starts.length === 0 ? ['.'] : starts, function* (path) {
    if (!c.os.files.exists(at(c, path))) throw new AppletError(`${path}: No such file or directory`);
    out.length = 0;
    visit(path, 0);
    for (const found of out) yield* c.stdout.write(`${found}\n`);
  });
};

const mktemp: Applet = function* (c) {
  const flags = parseFlags(c.args, 'dqup:t');
  const template = flags.rest[0] ?? `${flags.value('p') ?? '/tmp'}/tmp.XXXXXX`;
  const random = c.os.sim.random(`mktemp/${c.os.place}/${c.os.process.pid}/${c.os.sim.now}`);
  const path = template.replace(/X{6,}$/, (xs) => random.string('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', xs.length));
  if (flags.has('d')) c.os.files.mkdir(at(c, path));
  else c.os.files.write(at(c, path), '', 0o600);
  yield* c.stdout.write(`${path}\n`);
  return 0;
};

const basename: Applet = function* (c) {
  const [path = '', suffix = ''] = c.args;
  const base = path.replace(/\/+$/, '').split('/').pop() ?? '';
  yield* c.stdout.write(`${(suffix !== '' && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base) || '/'}\n`);
  return 0;
};

const dirname: Applet = function* (c) {
  const path = (c.args[0] ?? '').replace(/\/+$/, '');
  const slash = path.lastIndexOf('/');
  yield* c.stdout.write(`${slash < 0 ? '.' : path.slice(0, slash) || '/'}\n`);
  return 0;
};

const readlink: Applet = function* (c) {
  const flags = parseFlags(c.args, 'fnev');
  const path = flags.rest[0] ?? '';
  const full = at(c, path);
  if (!c.os.files.exists(full)) return 1;
  const isLink = c.os.files.stat(full, false).kind === 'symlink';
  if (!isLink && !flags.has('f')) return 1;
  const target = isLink ? c.os.files.readlink(full) : full;
  yield* c.stdout.write(`${flags.has('f') ? resolvePath(full.slice(0, full.lastIndexOf('/')), target) : target}\n`);
  return 0;
};

/** The file systems that are mounted, or those of the paths that are named. */
const df: Applet = function* (c) {
  const human = c.args.some((arg) => /^-\w*h/.test(arg));
  const named = c.args.filter((arg) => !arg.startsWith('-'));
  const { files, machine } = c.os;
  const wide = human ? 9 : 10;
  const size = (bytes: number): string => (human ? `${(bytes / 1024 ** 3).toFixed(1)}G` : String(Math.floor(bytes / 1024))).padStart(wide);
  const points = ['/', ...files.mountPoints()];
  const holding = (path: string): string => points.filter((p) => p === '/' || path === p || path.startsWith(`${p}/`)).reduce((a, b) => (b.length > a.length ? b : a), '/');
  const heads = [human ? 'Size' : '1K-blocks', 'Used', 'Available'].map((head) => head.padStart(wide)).join(' ');
  yield* c.stdout.write(`${'Filesystem'.padEnd(19)} ${heads} Use% Mounted on\n`);
  for (const path of named.length === 0 ? points : named.map((arg) => holding(at(c, arg)))) {
    const own = files.diskAt(path);
    const disk = own instanceof Disk ? own : machine.disk;
    const { capacityBytes, usedBytes, availableBytes } = disk;
    const device = disk !== machine.disk ? '/dev/vdb' : path === '/' && files !== machine.files ? 'overlay' : '/dev/vda1';
    const numbers = `${size(capacityBytes)} ${size(usedBytes)} ${size(availableBytes)} ${`${Math.ceil((usedBytes * 100) / capacityBytes)}%`.padStart(4)}`;
    yield* c.stdout.write(`${device.padEnd(19)} ${numbers} ${path}\n`);
  }
  return 0;
};

const du: Applet = function* (c) {
  const flags = parseFlags(c.args, 'shkacd:');
  const size = (full: string): number =>
    c.os.files.isDirectory(full) ? c.os.files.list(full).reduce((sum, name) => sum + size(`${full}/${name}`), 4) : Math.ceil(c.os.files.stat(full).size / 4096) * 4;
  return yield* forEach(c, flags.rest.length === 0 ? ['.'] : flags.rest, function* (path) {
    if (!c.os.files.exists(at(c, path))) throw new AppletError(`${path}: No such file or directory`);
    const kib = size(at(c, path));
    yield* c.stdout.write(`${flags.has('h') ? `${kib}.0K` : kib}\t${path}\n`);
  });
};

export const FILE_APPLETS: Readonly<Record<string, Applet>> = {
  cat, ls, touch, rm, mkdir, rmdir, cp: copy, mv: copy, ln: link, stat, chmod, chown: succeed, chgrp: succeed, find, mktemp, basename, dirname, readlink, df, du, sync: succeed,
};

function* succeed(c: AppletContext): Op<number> {
  yield* c.os.sleep(0);
  return 0;
}
