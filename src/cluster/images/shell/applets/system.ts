// Commands about the system and its processes: date env printenv hostname id whoami uname ps uptime nproc free timeout nohup.

import type { Process } from '../../../machine/process.ts';
import type { Op } from '../../../sim/simulation.ts';
import { formatTime, parseTime, SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError, parseFlags } from '../applet.ts';

const DAYS = ['Thursday', 'Friday', 'Saturday', 'Sunday', 'Monday', 'Tuesday', 'Wednesday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

const LETTER = /%-?([A-Za-z%])/g;

let lastFormat = '';
let lastUnix = -1;
let lastText = '';

/** strftime in UTC. `unix` in microseconds since 1970. */
export function strftime(format: string, unix: number): string {
  if (format === lastFormat && unix === lastUnix) return lastText;
  const iso = formatTime(unix);
  const text = format.replace(LETTER, (all, letter: string) => timePart(letter, iso, unix) ?? all);
  lastFormat = format;
  lastUnix = unix;
  lastText = text;
  return text;
}

/** What one letter of a format stands for; `iso` is the instant as RFC 3339. */
function timePart(letter: string, iso: string, unix: number): string | undefined {
  const [year, month, day, hour] = [iso.slice(0, 4), iso.slice(5, 7), iso.slice(8, 10), iso.slice(11, 13)];
  const days = Math.floor(unix / SECOND / 86_400);
  const weekday = (): string => DAYS[days % 7] as string;
  const monthName = (): string => MONTHS[Number(month) - 1] as string;
  switch (letter) {
    case 'Y': return year;
    case 'y': return year.slice(2);
    case 'm': return month;
    case 'd': return day;
    case 'e': return String(Number(day)).padStart(2);
    case 'H': return hour;
    case 'M': return iso.slice(14, 16);
    case 'S': return iso.slice(17, 19);
    case 'I': return String(((Number(hour) + 11) % 12) + 1).padStart(2, '0');
    case 'p': return Number(hour) < 12 ? 'AM' : 'PM';
    case 'F': return iso.slice(0, 10);
    case 'T': return iso.slice(11, 19);
    case 'R': return iso.slice(11, 16);
    case 'D': return `${month}/${day}/${year.slice(2)}`;
    case 's': return String(Math.floor(unix / SECOND));
    case 'N': return `${String(unix % SECOND).padStart(6, '0')}000`;
    case 'Z': return 'UTC';
    case 'z': return '+0000';
    case 'a': return weekday().slice(0, 3);
    case 'A': return weekday();
    case 'b':
    case 'h': return monthName().slice(0, 3);
    case 'B': return monthName();
    case 'u': return String(((days + 3) % 7) + 1);
    case 'j': {
      const startOfYear = parseTime(`${year}-01-01T00:00:00Z`) ?? 0;
      return String(Math.floor((unix - startOfYear) / SECOND / 86_400) + 1).padStart(3, '0');
    }
    case 'n': return '\n';
    case 't': return '\t';
    case '%': return '%';
    case 'c': return `${weekday().slice(0, 3)} ${monthName().slice(0, 3)} ${String(Number(day)).padStart(2)} ${iso.slice(11, 19)} ${year}`;
    default: return undefined;
  }
}

const date: Applet = function* (c) {
  const format = c.args.find((arg) => arg.startsWith('+'))?.slice(1);
  const unix = c.os.sim.epoch + c.os.sim.now;
  const flags = c.args.join(' ');
  const style = format ?? (/-I(seconds|s)|--iso-8601=s/.test(flags) ? '%FT%T+00:00' : flags.includes('-I') ? '%F' : flags.includes('-R') ? '%a, %d %b %Y %T +0000' : '%a %b %e %T UTC %Y');
  yield* c.stdout.write(`${strftime(style, unix)}\n`);
  return 0;
};

const env: Applet = function* (c) {
  const extra: Record<string, string> = {};
  let i = 0;
  let base: Readonly<Record<string, string>> = c.env;
  for (; i < c.args.length; i++) {
    const arg = c.args[i] as string;
    if (arg === '-i' || arg === '-') base = {};
    else if (/^[A-Za-z_]\w*=/.test(arg)) extra[arg.slice(0, arg.indexOf('='))] = arg.slice(arg.indexOf('=') + 1);
    else break;
  }
  if (i < c.args.length) return yield* c.run(c.args.slice(i), c.stdin, c.stdout);
  for (const [key, value] of Object.entries({ ...base, ...extra })) yield* c.stdout.write(`${key}=${value}\n`);
  return 0;
};

const printenv: Applet = function* (c) {
  if (c.args.length === 0) return yield* env(c);
  let code = 0;
  for (const name of c.args) {
    const value = c.env[name];
    if (value === undefined) code = 1;
    else yield* c.stdout.write(`${value}\n`);
  }
  return code;
};

function hostNameOf(c: AppletContext): string {
  if (c.os.files.exists('/etc/hostname')) return c.os.files.read('/etc/hostname').trim();
  return c.os.env['HOSTNAME'] ?? c.os.machine.name;
}

/** The words of the line of /etc/hosts that has our name. */
function ownHostsLine(c: AppletContext): readonly string[] {
  const hosts = c.os.files.exists('/etc/hosts') ? c.os.files.read('/etc/hosts') : '';
  const name = hostNameOf(c);
  return hosts.split('\n').map((line) => line.split(/\s+/)).find((words) => words.slice(1).includes(name)) ?? [];
}

const hostname: Applet = function* (c) {
  const [flag] = c.args;
  const [address = '127.0.0.1', full = hostNameOf(c)] = flag?.startsWith('-') ? ownHostsLine(c) : [];
  const text = flag === '-i' || flag === '-I' ? address : flag === '-f' || flag === '--fqdn' ? full : flag === '-d' ? full.split('.').slice(1).join('.') : flag === '-s' ? (hostNameOf(c).split('.')[0] ?? '') : hostNameOf(c);
  yield* c.stdout.write(`${text}\n`);
  return 0;
};

const USERS: ReadonlyMap<number, string> = new Map([[0, 'root'], [101, 'nginx'], [65534, 'nobody']]);

const GROUPS: ReadonlyMap<number, string> = new Map([[0, 'root'], [10, 'wheel'], [101, 'nginx'], [65534, 'nogroup']]);

const id: Applet = function* (c) {
  const flags = parseFlags(c.args, 'ugnG');
  const { uid, gid } = c.os.process;
  const groups = [...new Set([gid, ...c.os.process.groups, ...(uid === 0 ? [10] : [])])].sort((a, b) => a - b);
  const named = (n: number, names: ReadonlyMap<number, string>): string => (names.has(n) ? `${n}(${names.get(n)})` : String(n));
  const bare = (n: number, names: ReadonlyMap<number, string>): string => (flags.has('n') ? (names.get(n) ?? String(n)) : String(n));
  if (flags.has('u')) yield* c.stdout.write(`${bare(uid, USERS)}\n`);
  else if (flags.has('g')) yield* c.stdout.write(`${bare(gid, GROUPS)}\n`);
  else if (flags.has('G')) yield* c.stdout.write(`${groups.map((n) => bare(n, GROUPS)).join(' ')}\n`);
  else yield* c.stdout.write(`uid=${named(uid, USERS)} gid=${named(gid, GROUPS)} groups=${groups.map((n) => named(n, GROUPS)).join(',')}\n`);
  return 0;
};

const whoami: Applet = function* (c) {
  const name = USERS.get(c.os.process.uid);
  if (name === undefined) throw new AppletError(`unknown uid ${c.os.process.uid}`);
  yield* c.stdout.write(`${name}\n`);
  return 0;
};

const uname: Applet = function* (c) {
  const flags = parseFlags(c.args, 'amnrspiov');
  const parts: readonly (readonly [string, string])[] = [
    ['s', 'Linux'], ['n', hostNameOf(c)], ['r', '6.12.57+deb13-amd64'], ['v', '#1 SMP PREEMPT_DYNAMIC'], ['m', 'x86_64'], ['o', 'GNU/Linux'],
  ];
  const chosen = parts.filter(([letter]) => flags.has('a') || flags.has(letter));
  yield* c.stdout.write(`${(chosen.length === 0 ? [parts[0] as readonly [string, string]] : chosen).map(([, text]) => text).join(' ')}\n`);
  return 0;
};

/** The processes of this container: those below the init of its PID namespace. */
function visibleProcesses(c: AppletContext): readonly Process[] {
  let init: Process = c.os.process;
  while (!init.isolatePids && init.parent !== null && init.parent.pid !== 1) init = init.parent;
  // A container with the machine's PID namespace sees everybody.
  if (!init.isolatePids && c.os.process.cgroup.startsWith('/kubepods')) return [...c.os.machine.processes.values()];
  const out: Process[] = [];
  const visit = (p: Process): void => {
    out.push(p);
    for (const child of p.children) visit(child);
  };
  visit(init);
  return out.sort((a, b) => a.pid - b.pid);
}

const PS_COLUMNS: Readonly<Record<string, (p: Process) => string>> = {
  pid: (p) => String(p.isolatePids ? 1 : p.pid),
  ppid: (p) => String(p.isolatePids ? 0 : (p.parent?.isolatePids ?? false) ? 1 : p.ppid),
  user: (p) => USERS.get(p.uid) ?? String(p.uid),
  comm: (p) => p.comm,
  args: (p) => p.argv.join(' '),
};

/** `ps -o pid,args` */
function* psColumns(c: AppletContext, text: string): Op<number> {
  const names = text.split(',');
  const unknown = names.find((name) => PS_COLUMNS[name] === undefined);
  if (unknown !== undefined) throw new AppletError(`bad -o argument '${unknown}', supported arguments: user,comm,args,pid,ppid`);
  const heads: Readonly<Record<string, string>> = { args: 'COMMAND', comm: 'COMMAND' };
  const rows = [names.map((name) => heads[name] ?? name.toUpperCase())];
  for (const p of visibleProcesses(c)) rows.push(names.map((name) => (PS_COLUMNS[name] as (p: Process) => string)(p)));
  const widths = names.map((_, i) => Math.max(...rows.map((row) => (row[i] as string).length)));
  for (const row of rows) yield* c.stdout.write(`${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] as number))).join(' ')}\n`);
  return 0;
}

/** All of the PID namespace: of a container, or of the machine. */
function everyProcess(c: AppletContext): readonly Process[] {
  const visible = visibleProcesses(c);
  return visible[0]?.isolatePids === true ? visible : [...c.os.machine.processes.values()];
}

/** Processes by the name of their program. */
function named(c: AppletContext, pattern: string, whole: boolean): readonly Process[] {
  const wanted = new RegExp(pattern);
  return everyProcess(c).filter((p) => p !== c.os.process && wanted.test(whole ? p.argv.join(' ') : p.comm));
}

/** Inside its container the init of a PID namespace is 1. */
const pidText = (c: AppletContext, p: Process): string => String(p.isolatePids && everyProcess(c)[0] === p ? 1 : p.pid);

const pidof: Applet = function* (c) {
  const found = c.args.flatMap((name) => everyProcess(c).filter((p) => p.comm === name));
  if (found.length > 0) yield* c.stdout.write(`${found.map((p) => pidText(c, p)).reverse().join(' ')}\n`);
  return found.length > 0 ? 0 : 1;
};

const pgrep: Applet = function* (c) {
  const flags = parseFlags(c.args, 'flxo');
  const found = named(c, flags.rest[0] ?? '', flags.has('f'));
  for (const p of found) yield* c.stdout.write(`${pidText(c, p)}${flags.has('l') ? ` ${p.argv.join(' ')}` : ''}\n`);
  return found.length > 0 ? 0 : 1;
};

const ps: Applet = function* (c) {
  const at = c.args.findIndex((arg) => arg.startsWith('-o'));
  if (at >= 0) return yield* psColumns(c, (c.args[at] as string).slice(2) || (c.args[at + 1] ?? ''));
  yield* c.stdout.write('PID   USER     TIME  COMMAND\n');
  for (const p of visibleProcesses(c)) {
    const pid = p.isolatePids ? 1 : p.pid;
    const used = Math.floor(p.cpuMicros / SECOND);
    const time = `${Math.floor(used / 60)}:${String(used % 60).padStart(2, '0')}`;
    yield* c.stdout.write(`${String(pid).padStart(5)} ${(USERS.get(p.uid) ?? String(p.uid)).padEnd(8)} ${time.padStart(5)} ${p.argv.join(' ')}\n`);
  }
  return 0;
};

const uptime: Applet = function* (c) {
  const minutes = Math.floor(c.os.sim.now / SECOND / 60);
  yield* c.stdout.write(` ${strftime('%T', c.os.sim.epoch + c.os.sim.now)} up ${minutes} min,  0 users,  load average: 0.08, 0.03, 0.01\n`);
  return 0;
};

const nproc: Applet = function* (c) {
  yield* c.stdout.write(`${c.os.machine.cpus}\n`);
  return 0;
};

const timeout: Applet = function* (c) {
  const rest = c.args.filter((arg, i) => !arg.startsWith('-') || i > 1);
  const m = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(rest[0] ?? '');
  if (!m || rest.length < 2) throw new AppletError(`invalid number '${rest[0] ?? ''}'`);
  const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };
  const limit = Math.round(Number(m[1]) * (units[m[2] as string] as number) * SECOND);
  const child = c.os.spawn(() => c.run(rest.slice(1), c.stdin, c.stdout), { argv: rest.slice(1) });
  yield* child.exit.waitWithin(limit);
  if (child.alive) {
    child.kill('SIGTERM');
    return 143;
  }
  return child.status?.code ?? 0;
};

const nohup: Applet = function* (c) {
  return yield* c.run(c.args, c.stdin, c.stdout);
};

const FREE_UNITS: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

const free: Applet = function* (c) {
  const flag = c.args.find((arg) => /^-[bkmgh]$/.test(arg))?.slice(1) ?? 'k';
  const { cgroups, memoryTotal } = c.os.machine;
  const used = Math.min(memoryTotal, cgroups.root.memoryBytes);
  const amount = (bytes: number): string => {
    if (flag !== 'h') return String(Math.floor(bytes / (FREE_UNITS[flag] as number)));
    const unit = bytes >= 1024 ** 3 ? 'g' : bytes >= 1024 ** 2 ? 'm' : 'k';
    return bytes === 0 ? '0' : `${(bytes / (FREE_UNITS[unit] as number)).toFixed(1)}${unit.toUpperCase()}`;
  };
  const row = (name: string, cells: readonly number[]): string => name.padEnd(7) + cells.map((n) => amount(n).padStart(12)).join('') + '\n';
  const left = memoryTotal - used;
  yield* c.stdout.write(`              total        used        free      shared  buff/cache   available\n${row('Mem:', [memoryTotal, used, left, 0, 0, left])}${row('Swap:', [0, 0, 0])}`);
  return 0;
};
export const SYSTEM_APPLETS: Readonly<Record<string, Applet>> = {
  date, env, printenv, hostname, id, whoami, uname, ps, pidof, pgrep, uptime, nproc, timeout, nohup, free,
};
