// Smaller commands that scripts lean on: expr which realpath tac nl paste fold shuf od envsubst, su and its kin, sysctl, mount,
// killall, pgrep, top, stty, watch, getent, install.

import { addressesIn, fromHosts, resolve } from '../../../network/resolver.ts';
import { bytesOf } from '../../../api/bytes.ts';
import type { Process } from '../../../machine/process.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError, parseFlags } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { readAll } from '../streams.ts';
import { readInput } from './files.ts';

function* linesOf(c: AppletContext, paths: readonly string[]): Op<string[]> {
  const text: string[] = [];
  for (const path of paths.length === 0 ? ['-'] : paths) text.push(yield* readInput(c, path));
  const lines = text.join('').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function* say(c: AppletContext, lines: readonly string[]): Op<number> {
  if (lines.length > 0) yield* c.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

/** expr: arithmetic, comparison, `text : pattern`, length, substr. */
const expr: Applet = function* (c) {
  const args = [...c.args];
  const primary = (): string => {
    const word = args.shift();
    if (word === undefined) throw new AppletError('syntax error', 2);
    if (word === '(') {
      const value = level(0);
      args.shift();
      return value;
    }
    if (word === 'length') return String(primary().length);
    if (word === 'substr') {
      const [text, from, count] = [primary(), Number(primary()), Number(primary())];
      return text.slice(from - 1, from - 1 + count);
    }
    return word;
  };
  const levels: readonly (readonly string[])[] = [['|'], ['&'], ['=', '==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%'], [':']];
  const level = (n: number): string => {
    const operators = levels[n];
    if (operators === undefined) return primary();
    let left = level(n + 1);
    while (operators.includes(args[0] ?? '')) left = apply(args.shift() as string, left, level(n + 1));
    return left;
  };
  const value = level(0);
  yield* c.stdout.write(`${value}\n`);
  return value === '' || value === '0' ? 1 : 0;
};

function apply(operator: string, a: string, b: string): string {
  const integers = /^-?\d+$/.test(a) && /^-?\d+$/.test(b);
  switch (operator) {
    case '|': return a !== '' && a !== '0' ? a : b;
    case '&': return a !== '' && a !== '0' && b !== '' && b !== '0' ? a : '0';
    case ':': {
      const m = new RegExp(`^${b.replaceAll('\\(', '(').replaceAll('\\)', ')')}`).exec(a);
      return m?.[1] ?? String(m?.[0].length ?? 0);
    }
    case '=':
    case '==': return a === b ? '1' : '0';
    case '!=': return a !== b ? '1' : '0';
    case '<': return (integers ? Number(a) < Number(b) : a < b) ? '1' : '0';
    case '<=': return (integers ? Number(a) <= Number(b) : a <= b) ? '1' : '0';
    case '>': return (integers ? Number(a) > Number(b) : a > b) ? '1' : '0';
    case '>=': return (integers ? Number(a) >= Number(b) : a >= b) ? '1' : '0';
  }
  if (!integers) throw new AppletError('non-integer argument', 2);
  if ((operator === '/' || operator === '%') && Number(b) === 0) throw new AppletError('division by zero', 2);
  const [x, y] = [Number(a), Number(b)];
  return String(operator === '+' ? x + y : operator === '-' ? x - y : operator === '*' ? x * y : operator === '/' ? Math.trunc(x / y) : x % y);
}

/** su, gosu, su-exec, runuser, sudo, setpriv …: the command, as whoever it is. */
const asUser: Applet = function* (c) {
  const { args } = c;
  const command = args.indexOf('-c');
  if (command >= 0) return yield* c.run(['sh', '-c', args[command + 1] ?? ''], c.stdin, c.stdout);
  let i = 0;
  if (c.name === 'sudo') while (args[i]?.startsWith('-')) i += args[i] === '-u' ? 2 : 1;
  else if (c.name === 'gosu' || c.name === 'su-exec') i = 1;
  else while (args[i]?.startsWith('-')) i += /^-[ugG]$/.test(args[i] as string) ? 2 : 1;
  if (c.name === 'su') return 0;
  return i < args.length ? yield* c.run(args.slice(i), c.stdin, c.stdout) : 0;
};

const which: Applet = function* (c) {
  let code = 0;
  for (const name of c.args.filter((arg) => !arg.startsWith('-'))) {
    if ((yield* c.run(['command', '-v', name], c.stdin, c.stdout)) !== 0) code = 1;
  }
  return code;
};

const realpath: Applet = (c) => say(c, c.args.filter((arg) => !arg.startsWith('-')).map((path) => resolvePath(c.cwd, path)));

const tac: Applet = function* (c) {
  return yield* say(c, (yield* linesOf(c, c.args)).reverse());
};

const nl: Applet = function* (c) {
  const lines = yield* linesOf(c, c.args.filter((arg) => !arg.startsWith('-')));
  let n = 0;
  return yield* say(c, lines.map((line) => (line === '' ? '       ' : `${String(++n).padStart(6)}\t${line}`)));
};

const paste: Applet = function* (c) {
  const flags = parseFlags(c.args, 'd:s');
  const between = flags.value('d') ?? '\t';
  if (flags.has('s')) return yield* say(c, [(yield* linesOf(c, flags.rest)).join(between)]);
  const columns: string[][] = [];
  for (const path of flags.rest) columns.push(yield* linesOf(c, [path]));
  const length = Math.max(0, ...columns.map((column) => column.length));
  return yield* say(c, Array.from({ length }, (_, i) => columns.map((column) => column[i] ?? '').join(between)));
};

const fold: Applet = function* (c) {
  const flags = parseFlags(c.args.map((arg) => (/^-\d+$/.test(arg) ? `-w${arg.slice(1)}` : arg)), 'w:s');
  const width = Number(flags.value('w') ?? 80);
  return yield* say(c, (yield* linesOf(c, flags.rest)).flatMap((line) => (line === '' ? [''] : (line.match(new RegExp(`.{1,${width}}`, 'g')) ?? []))));
};

const shuf: Applet = function* (c) {
  const flags = parseFlags(c.args, 'n:i:e');
  const range = /^(\d+)-(\d+)$/.exec(flags.value('i') ?? '');
  const items = range ? Array.from({ length: Number(range[2]) - Number(range[1]) + 1 }, (_, i) => String(Number(range[1]) + i)) : flags.has('e') ? [...flags.rest] : yield* linesOf(c, flags.rest);
  const random = c.os.sim.random(`shuf/${c.os.place}/${c.os.process.pid}/${c.os.sim.now}`);
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [items[i], items[j]] = [items[j] as string, items[i] as string];
  }
  return yield* say(c, items.slice(0, Number(flags.value('n') ?? items.length)));
};

const envsubst: Applet = function* (c) {
  const text = yield* readAll(c.stdin);
  yield* c.stdout.write(text.replace(/\$(?:\{(\w+)\}|([A-Za-z_]\w*))/g, (_, braced?: string, plain?: string) => c.env[(braced ?? plain) as string] ?? ''));
  return 0;
};

const od: Applet = function* (c) {
  const text = yield* readInput(c, c.args.find((arg) => !arg.startsWith('-')) ?? '-');
  const bytes = [...bytesOf(text)];
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) lines.push(`${at.toString(8).padStart(7, '0')} ${bytes.slice(at, at + 16).map((b) => b.toString(16).padStart(2, '0')).join(' ')}`);
  return yield* say(c, [...lines, bytes.length.toString(8).padStart(7, '0')]);
};

/** The machine's settings are not modelled: a change is taken and said, as sysctl says it. */
const sysctl: Applet = function* (c) {
  const settings = c.args.filter((arg) => !arg.startsWith('-'));
  return yield* say(c, settings.map((arg) => `${arg.split('=')[0]?.trim() ?? ''} = ${arg.split('=')[1]?.trim() ?? '0'}`));
};

const mount: Applet = function* (c) {
  if (c.args.length > 0) {
    if (c.os.process.uid !== 0) throw new AppletError('permission denied (are you root?)');
    return 0;
  }
  const { files } = c.os;
  const lines = ['overlay on / type overlay (rw,relatime)', 'proc on /proc type proc (rw,nosuid,nodev,noexec,relatime)', 'tmpfs on /dev type tmpfs (rw,nosuid,size=65536k,mode=755)'];
  for (const path of ['/etc/hosts', '/dev/termination-log', '/etc/hostname', '/etc/resolv.conf']) if (files.exists(path)) lines.push(`/dev/sda1 on ${path} type ext4 (rw,relatime)`);
  if (files.isDirectory('/var/run/secrets/kubernetes.io/serviceaccount')) lines.push('tmpfs on /run/secrets/kubernetes.io/serviceaccount type tmpfs (ro,relatime,size=8388608k)');
  return yield* say(c, lines);
};

function containerProcesses(c: AppletContext): readonly Process[] {
  return [...c.os.machine.processes.values()].filter((p) => p.netns === c.os.process.netns && p.place === c.os.process.place && p !== c.os.process);
}

const killall: Applet = function* (c) {
  const signal = c.args.find((arg) => arg.startsWith('-'))?.slice(1).replace(/^SIG/, '').replace(/^9$/, 'KILL').replace(/^15$/, 'TERM') ?? 'TERM';
  const names = c.args.filter((arg) => !arg.startsWith('-'));
  let code = 0;
  for (const name of names) {
    const found = containerProcesses(c).filter((p) => (c.name === 'pkill' ? p.argv.join(' ').includes(name) : p.comm === name));
    if (found.length === 0) {
      code = 1;
      if (c.name === 'killall') yield* c.stderr.write(`killall: ${name}: no process killed\n`);
    }
    for (const p of found) if (!(p.isolatePids && signal === 'KILL')) p.kill(`SIG${signal}` as 'SIGTERM');
  }
  return code;
};

const pgrep: Applet = function* (c) {
  const name = c.args.filter((arg) => !arg.startsWith('-'))[0] ?? '';
  const full = c.args.includes('-f');
  const found = containerProcesses(c).filter((p) => (full ? p.argv.join(' ') : p.comm).includes(name));
  yield* say(c, found.map((p) => String(p.isolatePids ? 1 : p.pid)));
  return found.length > 0 ? 0 : 1;
};

/** `top -b -n 1`, as busybox prints it. */
const top: Applet = function* (c) {
  const flags = parseFlags(c.args, 'bn:d:p:o:H');
  const rounds = flags.has('n') ? Number(flags.value('n')) : Number.POSITIVE_INFINITY;
  const { machine } = c.os;
  for (let round = 0; round < rounds; round++) {
    if (round > 0) yield* c.os.sleep(Number(flags.value('d') ?? 5) * SECOND);
    const total = Math.floor(machine.memoryBytes / 1024);
    const shown = [c.os.process, ...containerProcesses(c)].sort((a, b) => a.pid - b.pid);
    const used = Math.floor(machine.cgroups.root.memoryBytes / 1024);
    const lines = [`Mem: ${used}K used, ${total - used}K free, 0K shrd, 0K buff, 0K cached`, 'CPU:   1% usr   0% sys   0% nic  98% idle   0% io   0% irq   0% sirq', `Load average: 0.00 0.01 0.00 1/${machine.processes.size} ${c.os.process.pid}`, '  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND'];
    for (const p of shown) {
      const kib = Math.floor(p.memoryBytes / 1024);
      lines.push(`${String(p.isolatePids ? 1 : p.pid).padStart(5)} ${String(p.isolatePids ? 0 : 1).padStart(5)} ${(p.uid === 0 ? 'root' : String(p.uid)).padEnd(8)} S    ${String(kib).padStart(6)} ${String(Math.round((kib * 100) / total)).padStart(3)}%   0   0% ${p.argv.join(' ')}`);
    }
    yield* say(c, lines);
  }
  return 0;
};

/** cmp, diff: whether two files are the same; the lines that are only in one. */
const compare: Applet = function* (c) {
  const [a = '', b = ''] = c.args.filter((arg) => !arg.startsWith('-'));
  const [left, right] = [yield* readInput(c, a), yield* readInput(c, b)];
  if (left === right) return 0;
  if (c.name === 'cmp') return (yield* say(c, [`${a} ${b} differ: char ${[...left].findIndex((ch, i) => ch !== right[i]) + 1}, line 1`])) + 1;
  if (c.args.includes('-q')) return (yield* say(c, [`Files ${a} and ${b} differ`])) + 1;
  const [x, y] = [left.split('\n'), right.split('\n')];
  yield* say(c, [`--- ${a}`, `+++ ${b}`, ...x.filter((line) => !y.includes(line)).map((line) => `-${line}`), ...y.filter((line) => !x.includes(line)).map((line) => `+${line}`)]);
  return 1;
};

const getent: Applet = function* (c) {
  const [database, key = ''] = c.args;
  if (database === 'passwd' || database === 'group') {
    const path = `/etc/${database}`;
    const line = c.os.files.exists(path) ? c.os.files.read(path).split('\n').find((l) => l.startsWith(`${key}:`)) : undefined;
    return line === undefined ? 2 : yield* say(c, [line]);
  }
  if (database !== 'hosts' && !database?.startsWith('ahosts')) return 2;
  const local = fromHosts(c.os, key);
  const found = local.length > 0 ? null : yield* resolve(c.os, key, ['A', 'AAAA']);
  const addresses = found === null ? local : addressesIn(found);
  const name = found === null ? key : (found.replies.flatMap((r) => r.answers).findLast((r) => r.type === 'A' || r.type === 'AAAA')?.name ?? found.name);
  if (addresses.length === 0) return 2;
  // hosts prefers IPv6, as gethostbyname2 of glibc's getent does.
  const six = addresses.filter((a) => a.includes(':'));
  if (database === 'hosts') return yield* say(c, (six.length > 0 ? six : addresses).map((a) => `${a.padEnd(15)} ${name}`));
  return yield* say(c, addresses.flatMap((a) => ['STREAM', 'DGRAM', 'RAW'].map((kind, i) => `${a.padEnd(15)} ${kind}${i === 0 ? ` ${name}` : ''}`.trimEnd())));
};

const watch: Applet = function* (c) {
  const flags = parseFlags(c.args.slice(0, c.args.findIndex((arg, i) => !arg.startsWith('-') && c.args[i - 1] !== '-n')), 'n:td');
  const command = c.args.slice(c.args.findIndex((arg, i) => !arg.startsWith('-') && c.args[i - 1] !== '-n'));
  for (;;) {
    yield* c.run(['sh', '-c', command.join(' ')], c.stdin, c.stdout);
    yield* c.os.sleep(Number(flags.value('n') ?? 2) * SECOND);
  }
};

const install: Applet = (c) => c.run(c.args.includes('-d') ? ['mkdir', '-p', ...c.args.filter((arg, i) => !arg.startsWith('-') && !/^-[mog]$/.test(c.args[i - 1] ?? ''))] : ['cp', ...c.args.filter((arg, i) => !arg.startsWith('-') && !/^-[mog]$/.test(c.args[i - 1] ?? ''))], c.stdin, c.stdout);

function* nothing(): Op<number> {
  return 0;
}

const tty: Applet = function* (c) {
  yield* c.stdout.write(c.os.tty === null ? 'not a tty\n' : '/dev/pts/0\n');
  return c.os.tty === null ? 1 : 0;
};

export const HELPER_APPLETS: Readonly<Record<string, Applet>> = {
  expr, which, realpath, tac, nl, paste, fold, shuf, envsubst, od, hexdump: od, sysctl, mount, umount: nothing, killall, pkill: killall, pgrep, getent, watch, install, tty, stty: nothing, clear: nothing, reset: nothing,
  su: asUser, gosu: asUser, 'su-exec': asUser, runuser: asUser, sudo: asUser, setpriv: asUser, setsid: asUser, nice: asUser, ionice: asUser, stdbuf: asUser, catatonit: asUser, 'dumb-init': asUser, tini: asUser,
  top, cmp: compare, diff: compare,
  ldconfig: nothing, mkfifo: nothing, mknod: nothing, setcap: nothing, useradd: nothing, adduser: nothing, groupadd: nothing, addgroup: nothing, usermod: nothing, modprobe: nothing, logger: nothing,
};
