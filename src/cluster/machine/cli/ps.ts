// ps and pgrep of procps on a machine: all of its processes, those of containers too.

import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import type { Os, Process, Program } from '../process.ts';
import { clock } from './journal-text.ts';

const USERS: ReadonlyMap<number, string> = new Map([[0, 'root'], [65_534, 'nobody']]);
const user = (p: Process): string => USERS.get(p.uid) ?? String(p.uid);

const byPid = (os: Os): readonly Process[] => [...os.machine.processes.values()].sort((a, b) => a.pid - b.pid);

const command = (p: Process): string => p.argv.join(' ');

/** `0:00`. */
const minutes = (used: Micros): string => `${Math.floor(used / SECOND / 60)}:${String(Math.floor(used / SECOND) % 60).padStart(2, '0')}`;
/** `00:00:00`. */
const hours = (used: Micros): string => {
  const seconds = Math.floor(used / SECOND);
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((n) => String(n).padStart(2, '0')).join(':');
};

/** `ps` (this session), `ps aux`, `ps -ef`, with `-o` for columns of one's own. */
export const psProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const letters = args.filter((arg) => !arg.includes('=') && !arg.includes(',')).join('').replaceAll('-', '');
  const started = (p: Process): string => clock(os.sim, p.started).slice(11, 16);
  const columns = args.find((arg, i) => args[i - 1] === '-o' || args[i - 1] === '-eo' || args[i - 1] === '-Ao');
  const all = byPid(os);
  if (columns !== undefined) {
    const names = columns.split(',');
    print(os, names.map((name) => name.toUpperCase()), all.map((p) => names.map((name) => field(os, p, name))), names.map((name) => /pid|rss|pcpu|pmem/.test(name)));
  } else if (letters.includes('u') || letters.includes('x')) {
    const rows = all.map((p) => {
      const size = String(Math.round(p.memoryBytes / 1024));
      const share = os.sim.now > p.started ? (p.cpuMicros / (os.sim.now - p.started)) * 100 : 0;
      return [user(p), String(p.pid), share.toFixed(1), ((p.memoryBytes / os.machine.memoryBytes) * 100).toFixed(1), size, size, p.tty === null ? '?' : 'pts/0', p.uid === 0 && p.children.size > 0 ? 'Ss' : 'S', started(p), minutes(p.cpuMicros), command(p)];
    });
    print(os, ['USER', 'PID', '%CPU', '%MEM', 'VSZ', 'RSS', 'TTY', 'STAT', 'START', 'TIME', 'COMMAND'], rows, [false, true, true, true, true, true, false, false, true, true]);
  } else if (letters.includes('f')) {
    print(os, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'], all.map((p) => [user(p), String(p.pid), String(p.ppid), '0', started(p), p.tty === null ? '?' : 'pts/0', hours(p.cpuMicros), command(p)]), [false, true, true, true, false, false, true]);
  } else {
    const mine = letters.includes('e') || letters.includes('A') ? all : all.filter((p) => p.pid === os.process.pid || p.pid === os.process.ppid);
    print(os, ['PID', 'TTY', 'TIME', 'CMD'], mine.map((p) => [String(p.pid), p.tty === null ? '?' : 'pts/0', hours(p.cpuMicros), p.comm]), [true, false, true]);
  }
  return 0;
};

function field(os: Os, p: Process, name: string): string {
  switch (name) {
    case 'pid': return String(p.pid);
    case 'ppid': return String(p.ppid);
    case 'user': return user(p);
    case 'comm': return p.comm;
    case 'args': case 'cmd': case 'command': return command(p);
    case 'rss': return String(Math.round(p.memoryBytes / 1024));
    case 'cgroup': return `0::${p.cgroup}`;
    case 'netns': return p.netns.name;
    case 'time': return hours(p.cpuMicros);
    case 'lstart': return clock(os.sim, p.started);
    default: return '-';
  }
}

/** Columns as wide as they must be; numbers to the right. */
function print(os: Os, head: readonly string[], rows: readonly (readonly string[])[], right: readonly boolean[]): void {
  const lines = [head, ...rows];
  const widths = head.map((_name, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  for (const line of lines) {
    os.log(line.map((cell, i) => (i === line.length - 1 ? cell : right[i] ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number))).join(' '));
  }
}

/** `pgrep [-f] [-l] [-a] PATTERN`. */
export const pgrepProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const flags = args.filter((arg) => arg.startsWith('-')).join('');
  const pattern = new RegExp(args.find((arg) => !arg.startsWith('-')) ?? '');
  const found = byPid(os).filter((p) => p.pid !== os.process.pid && p.pid !== os.process.ppid && pattern.test(flags.includes('f') ? command(p) : p.comm));
  for (const p of found) os.log(flags.includes('a') ? `${p.pid} ${command(p)}` : flags.includes('l') ? `${p.pid} ${p.comm}` : String(p.pid));
  return found.length > 0 ? 0 : 1;
};
