// Commands about text: grep head tail seq wc sort uniq cut tr sed awk tee xargs yes rev nl base64 md5sum.

import { bytesOf, textOf } from '../../../api/bytes.ts';
import { fromBase64, toBase64 } from '../../../api/base64.ts';
import { hexOf } from '../../../runtime/registry.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError, parseFlags } from '../applet.ts';
import { unescape } from '../format.ts';
import { resolvePath } from '../shell.ts';
import { LineReader, readAll, TextReader } from '../streams.ts';
import { readInput } from './files.ts';

/** The lines of files, or of standard input as they come. */
function* eachLine(c: AppletContext, paths: readonly string[], body: (line: string, path: string) => Op<boolean | void>): Op<void> {
  for (const path of paths.length === 0 ? ['-'] : paths) {
    const reader = path === '-' ? c.stdin : new LineReader(new TextReader(yield* readInput(c, path)));
    for (let line = yield* reader.line(); line !== undefined; line = yield* reader.line()) {
      if ((yield* body(line, path)) === false) return;
    }
  }
}

/** A POSIX regular expression as JavaScript's. Throws AppletError. */
export function expression(pattern: string, extended: boolean, flags = ''): RegExp {
  let source = '';
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    if (inClass) {
      if (pattern.startsWith('[:', i)) {
        const end = pattern.indexOf(':]', i);
        source += CLASSES[pattern.slice(i + 2, end)] ?? '';
        i = end + 1;
      } else {
        if (c === ']') inClass = false;
        source += c === '\\' || c === '[' ? `\\${c}` : c;
      }
    } else if (c === '[') {
      inClass = true;
      source += '[';
      if (pattern[i + 1] === '^') source += pattern[++i];
      if (pattern[i + 1] === ']') source += `\\${pattern[++i] as string}`;
    } else if (c === '\\') {
      const next = pattern[++i] ?? '';
      source += !extended && '(){}+?|'.includes(next) ? next : next === '<' || next === '>' ? '\\b' : `\\${next}`;
    } else if (!extended && '(){}+?|'.includes(c)) source += `\\${c}`;
    else if (!extended && c === '*' && (source === '' || source.endsWith('('))) source += '\\*';
    else source += c;
  }
  try {
    return new RegExp(source, flags);
  } catch {
    throw new AppletError(`bad regex '${pattern}': Invalid regexp`, 2);
  }
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', upper: 'A-Z', lower: 'a-z', space: '\\s', blank: ' \\t', punct: '!-\\/:-@\\[-`{-~', xdigit: '0-9A-Fa-f',
};

const grep: Applet = function* (c) {
  const flags = parseFlags(c.args, 'EFivnclqoe:hHsrRwxm:A:B:C:', ['color', 'line-buffered']);
  const patterns = flags.has('e') ? flags.all('e').join('\n') : flags.rest[0];
  if (patterns === undefined) throw new AppletError('no pattern', 2);
  const files = flags.has('e') ? flags.rest : flags.rest.slice(1);
  const fixed = flags.has('F') || c.name === 'fgrep';
  const tests = patterns.split('\n').map((text) => {
    let source = fixed ? expression(text.replace(/[\\^$.*[\]]/g, '\\$&'), false).source : expression(text, flags.has('E') || c.name === 'egrep').source;
    if (flags.has('w')) source = `\\b(?:${source})\\b`;
    if (flags.has('x')) source = `^(?:${source})$`;
    return new RegExp(source, flags.has('i') ? 'gi' : 'g');
  });
  const limit = Number(flags.value('m') ?? Infinity);
  const around = Number(flags.value('C') ?? 0);
  const [before, after] = [Number(flags.value('B') ?? around), Number(flags.value('A') ?? around)];
  /** Lines that may still stand before a hit; lines still to be printed after one; the last one that was printed. */
  let held: { readonly n: number; readonly text: string }[] = [];
  let owed = 0;
  let printed = 0;
  const named = (files.length > 1 || flags.has('H') || flags.has('r')) && !flags.has('h');
  let [count, n] = [0, 0];
  let listed = '';
  yield* eachLine(c, files, function* (line, path): Op<boolean> {
    n++;
    const hits = tests.flatMap((test) => line.match(test) ?? []);
    if (hits.length > 0 === flags.has('v')) {
      const text = `${named ? `${path}-` : ''}${flags.has('n') ? `${n}-` : ''}${line}\n`;
      if (owed > 0 && !flags.has('c') && !flags.has('l')) {
        yield* c.stdout.write(text);
        printed = n;
        if (--owed === 0 && count >= limit) return false;
      } else if (before > 0) held = [...held, { n, text }].slice(-before);
      return true;
    }
    if (count >= limit) return false;
    count++;
    if (flags.has('q')) return false;
    if (flags.has('c')) return true;
    if (flags.has('l')) {
      if (listed !== path) yield* c.stdout.write(`${path}\n`);
      listed = path;
      return true;
    }
    const prefix = `${named ? `${path}:` : ''}${flags.has('n') ? `${n}:` : ''}`;
    if (before + after > 0 && printed > 0 && (held[0]?.n ?? n) > printed + 1) yield* c.stdout.write('--\n');
    for (const { text } of held) yield* c.stdout.write(text);
    held = [];
    for (const text of flags.has('o') ? hits : [line]) yield* c.stdout.write(`${prefix}${text}\n`);
    printed = n;
    owed = after;
    return count < limit || owed > 0;
  });
  if (flags.has('c')) yield* c.stdout.write(`${count}\n`);
  return count > 0 ? 0 : 1;
};

/** `-5` as `-n 5`. */
const oldCount = (args: readonly string[]): readonly string[] => args.flatMap((arg) => (/^-\d+$/.test(arg) ? ['-n', arg.slice(1)] : [arg]));

/** Of a file, or of a device that has no end. */
function* firstBytes(c: AppletContext, path: string, count: number): Op<string> {
  if (path === '/dev/zero') return '\0'.repeat(count);
  if (path === '/dev/urandom' || path === '/dev/random') {
    const random = c.os.sim.random(`urandom/${c.os.machine.name}/${c.os.process.pid}`);
    return textOf(Uint8Array.from({ length: count }, () => random.int(256)));
  }
  return textOf(bytesOf(yield* readInput(c, path)).subarray(0, count));
}

const head: Applet = function* (c) {
  const flags = parseFlags(oldCount(c.args), 'n:c:qv');
  const bytes = flags.value('c');
  if (bytes !== undefined) {
    const count = Number(bytes.replace(/k$/i, '')) * (/k$/i.test(bytes) ? 1024 : 1);
    yield* c.stdout.write(yield* firstBytes(c, flags.rest[0] ?? '-', count));
    return 0;
  }
  let left = Number(flags.value('n') ?? 10);
  if (left === 0) return 0;
  yield* eachLine(c, flags.rest, function* (line): Op<boolean> {
    yield* c.stdout.write(`${line}\n`);
    return --left > 0;
  });
  return 0;
};

const tail: Applet = function* (c) {
  const flags = parseFlags(oldCount(c.args), 'n:c:fFqvs:');
  const path = flags.rest[0] ?? '-';
  const follow = flags.has('f') || flags.has('F');
  const from = flags.value('n') ?? '10';
  if (follow && path === '/dev/null') {
    for (;;) yield* c.os.sleep(3600 * SECOND);
  }
  if (follow && flags.has('F')) while (!c.os.files.exists(resolvePath(c.cwd, path))) yield* c.os.sleep(SECOND);
  const text = yield* readInput(c, path);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const kept = from.startsWith('+') ? lines.slice(Number(from) - 1) : Number(from) === 0 ? [] : lines.slice(-Math.abs(Number(from)));
  for (const line of kept) yield* c.stdout.write(`${line}\n`);
  if (!follow || path === '-') return 0;
  const full = resolvePath(c.cwd, path);
  const changes = c.os.files.watch(full);
  let seen = text.length;
  for (;;) {
    const change = yield* changes.receive();
    if (change === undefined) return 0;
    if (!c.os.files.exists(full)) continue;
    const now = c.os.files.read(full);
    if (now.length < seen) seen = 0;
    if (now.length > seen) yield* c.stdout.write(now.slice(seen));
    seen = now.length;
  }
};

const seq: Applet = function* (c) {
  const args = c.args.filter((arg) => !/^-[sw]/.test(arg)).map(Number);
  const [first, step, last] = args.length === 1 ? [1, 1, args[0]] : args.length === 2 ? [args[0], 1, args[1]] : args;
  if (first === undefined || step === undefined || last === undefined || step === 0) throw new AppletError('missing operand');
  let out = '';
  for (let i = 0; ; i++) {
    const value = first + i * step;
    if (step > 0 ? value > last : value < last) break;
    out += `${Number(value.toFixed(10))}\n`;
    if (out.length < 4096) continue;
    yield* c.stdout.write(out);
    yield* c.os.sleep(50);
    out = '';
  }
  yield* c.stdout.write(out);
  return 0;
};

const wc: Applet = function* (c) {
  const flags = parseFlags(c.args, 'lwcmL');
  const all = !flags.has('l') && !flags.has('w') && !flags.has('c') && !flags.has('m');
  for (const path of flags.rest.length === 0 ? ['-'] : flags.rest) {
    const text = yield* readInput(c, path);
    const counts: number[] = [];
    if (all || flags.has('l')) counts.push(text.split('\n').length - 1);
    if (all || flags.has('w')) counts.push(text.split(/\s+/).filter((word) => word !== '').length);
    if (all || flags.has('c')) counts.push(bytesOf(text).length);
    if (flags.has('m')) counts.push([...text].length);
    const columns = counts.length === 1 ? String(counts[0]) : counts.map((n) => String(n).padStart(9)).join(' ');
    yield* c.stdout.write(path === '-' ? `${columns}\n` : `${columns} ${path}\n`);
  }
  return 0;
};

function* linesOf(c: AppletContext, paths: readonly string[]): Op<string[]> {
  const lines: string[] = [];
  yield* eachLine(c, paths, function* (line): Op<void> {
    lines.push(line);
    if (lines.length % 1000 === 0) yield* c.os.sleep(100);
  });
  return lines;
}

const sort: Applet = function* (c) {
  const flags = parseFlags(c.args, 'nruk:t:fhVbs');
  const lines = yield* linesOf(c, flags.rest);
  const field = flags.value('k');
  const separator = flags.value('t');
  const key = (line: string): string => {
    if (field === undefined) return line;
    const parts = separator === undefined ? line.trim().split(/\s+/) : line.split(separator);
    return parts.slice(Number.parseInt(field, 10) - 1).join(' ');
  };
  const numeric = flags.has('n') || flags.has('h') || /n/.test(field ?? '');
  const order = (a: string, b: string): number => {
    const [x, y] = [key(a), key(b)];
    if (numeric) return (Number.parseFloat(x) || 0) - (Number.parseFloat(y) || 0) || (a < b ? -1 : a > b ? 1 : 0);
    return x < y ? -1 : x > y ? 1 : 0;
  };
  let sorted = [...lines].sort(order);
  if (flags.has('r') || /r/.test(field ?? '')) sorted.reverse();
  if (flags.has('u')) sorted = sorted.filter((line, i) => i === 0 || key(line) !== key(sorted[i - 1] as string));
  for (const line of sorted) yield* c.stdout.write(`${line}\n`);
  return 0;
};

const uniq: Applet = function* (c) {
  const flags = parseFlags(c.args, 'cdui');
  const lines = yield* linesOf(c, flags.rest);
  for (let i = 0; i < lines.length; ) {
    let end = i + 1;
    while (lines[end] === lines[i]) end++;
    const times = end - i;
    if ((!flags.has('d') || times > 1) && (!flags.has('u') || times === 1)) {
      yield* c.stdout.write(`${flags.has('c') ? `${String(times).padStart(7)} ` : ''}${lines[i] as string}\n`);
    }
    i = end;
  }
  return 0;
};

const cut: Applet = function* (c) {
  const flags = parseFlags(c.args, 'd:f:c:b:s');
  const list = flags.value('f') ?? flags.value('c') ?? flags.value('b');
  if (list === undefined) throw new AppletError('expected a list of bytes, characters, or fields');
  const ranges = list.split(',').map((part) => {
    const [from, to] = part.split('-');
    return [Number(from === '' ? 1 : from), to === undefined ? Number(from) : Number(to === '' ? Infinity : to)] as const;
  });
  const chosen = (n: number): boolean => ranges.some(([from, to]) => n >= from && n <= to);
  const delimiter = flags.value('d') ?? '\t';
  yield* eachLine(c, flags.rest, function* (line): Op<void> {
    if (!flags.has('f')) yield* c.stdout.write(`${[...line].filter((_, i) => chosen(i + 1)).join('')}\n`);
    else if (line.includes(delimiter)) yield* c.stdout.write(`${line.split(delimiter).filter((_, i) => chosen(i + 1)).join(delimiter)}\n`);
    else if (!flags.has('s')) yield* c.stdout.write(`${line}\n`);
  });
  return 0;
};

function characters(set: string): string[] {
  const names: Readonly<Record<string, string>> = { upper: 'A-Z', lower: 'a-z', digit: '0-9', alpha: 'A-Za-z', alnum: 'A-Za-z0-9', space: ' \\t\\n\\r' };
  const plain = unescape(set.replace(/\[:(\w+):\]/g, (_, name: string) => names[name] ?? ''));
  const out: string[] = [];
  for (let i = 0; i < plain.length; i++) {
    if (plain[i + 1] === '-' && plain[i + 2] !== undefined) {
      for (let code = plain.charCodeAt(i); code <= plain.charCodeAt(i + 2); code++) out.push(String.fromCharCode(code));
      i += 2;
    } else out.push(plain[i] as string);
  }
  return out;
}

const tr: Applet = function* (c) {
  const flags = parseFlags(c.args, 'cCdst');
  const from = characters(flags.rest[0] ?? '');
  const to = characters(flags.rest[1] ?? '');
  const inSet = (ch: string): boolean => from.includes(ch) !== (flags.has('c') || flags.has('C'));
  for (let text = yield* c.stdin.read(); text !== undefined; text = yield* c.stdin.read()) {
    let out = '';
    for (const ch of text) {
      if (!inSet(ch)) out += ch;
      else if (!flags.has('d')) {
        const mapped = to.length === 0 ? ch : (to[Math.min(Math.max(0, from.indexOf(ch)), to.length - 1)] as string);
        if (!flags.has('s') || !out.endsWith(mapped)) out += mapped;
      }
    }
    yield* c.stdout.write(out);
  }
  return 0;
};

const tee: Applet = function* (c) {
  const flags = parseFlags(c.args, 'ai');
  for (const path of flags.rest) if (!flags.has('a') || !c.os.files.exists(resolvePath(c.cwd, path))) c.os.files.write(resolvePath(c.cwd, path), '');
  for (let text = yield* c.stdin.read(); text !== undefined; text = yield* c.stdin.read()) {
    for (const path of flags.rest) c.os.files.append(resolvePath(c.cwd, path), text);
    yield* c.stdout.write(text);
  }
  return 0;
};

const xargs: Applet = function* (c) {
  const flags: string[] = [];
  let [max, replace, i] = [Infinity, '', 0];
  for (; c.args[i]?.startsWith('-'); i++) {
    const arg = c.args[i] as string;
    if (arg.startsWith('-n')) max = Number(arg.slice(2) || c.args[++i]);
    else if (arg.startsWith('-I')) replace = arg.slice(2) || (c.args[++i] ?? '{}');
    else if (arg.startsWith('-P') && arg.length === 2) i++;
    else flags.push(arg);
  }
  const command = c.args.length > i ? c.args.slice(i) : ['echo'];
  const input = yield* readAll(c.stdin);
  const items = (replace === '' ? input.split(/\s+/) : input.split('\n')).filter((item) => item !== '');
  if (items.length === 0 && flags.includes('-r')) return 0;
  let code = 0;
  const size = replace === '' ? max : 1;
  for (let from = 0; from === 0 || from < items.length; from += size === Infinity ? items.length || 1 : size) {
    const some = items.slice(from, size === Infinity ? undefined : from + size);
    const argv = replace === '' ? [...command, ...some] : command.map((part) => part.replaceAll(replace, some[0] ?? ''));
    if ((yield* c.run(argv, new LineReader(new TextReader('')), c.stdout)) !== 0) code = 123;
  }
  return code;
};

const yes: Applet = function* (c) {
  const line = `${c.args.length === 0 ? 'y' : c.args.join(' ')}\n`;
  const block = line.repeat(Math.max(1, Math.floor(4096 / line.length)));
  for (;;) {
    yield* c.stdout.write(block);
    yield* c.os.process.compute(10 * MILLISECOND);
  }
};

const rev: Applet = function* (c) {
  yield* eachLine(c, c.args, function* (line): Op<void> {
    yield* c.stdout.write(`${[...line].reverse().join('')}\n`);
  });
  return 0;
};

const base64: Applet = function* (c) {
  const flags = parseFlags(c.args, 'dw:', ['decode']);
  const text = yield* readInput(c, flags.rest[0] ?? '-');
  if (flags.has('d') || flags.has('decode')) {
    const decoded = fromBase64(text.replace(/\s/g, ''));
    if (decoded === undefined) throw new AppletError('truncated input');
    yield* c.stdout.write(decoded);
    return 0;
  }
  const encoded = toBase64(text);
  const width = Number(flags.value('w') ?? 76);
  yield* c.stdout.write(width === 0 ? encoded : `${(encoded.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join('\n')}\n`);
  return 0;
};

/** Digests are stand-ins: different texts, different digits. */
const digest: Applet = function* (c) {
  const length = c.name === 'md5sum' ? 32 : c.name === 'sha1sum' ? 40 : 64;
  for (const path of c.args.length === 0 ? ['-'] : c.args) {
    const text = yield* readInput(c, path);
    yield* c.stdout.write(`${hexOf(`${c.name}\0${text}`).slice(0, length)}  ${path}\n`);
  }
  return 0;
};

export const TEXT_APPLETS: Readonly<Record<string, Applet>> = {
  grep, egrep: grep, fgrep: grep, head, tail, seq, wc, sort, uniq, cut, tr, tee, xargs, yes, rev, base64, md5sum: digest, sha1sum: digest, sha256sum: digest,
};
