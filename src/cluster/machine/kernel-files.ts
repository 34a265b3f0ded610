// Files that the kernel makes when somebody looks: cgroup v2 below /sys/fs/cgroup, and the parts of /proc that people and
// programs read. In a container /sys/fs/cgroup is its own group (a cgroup namespace of its own).

import { SECOND } from '../sim/time.ts';
import { type Cgroup, CPU_PERIOD } from './cgroup.ts';
import { weightOf } from './cpu.ts';
import type { KernelFiles } from './files.ts';
import type { Machine } from './machine.ts';
import type { Process } from './process.ts';

const CGROUP = '/sys/fs/cgroup';
const PAGE = 4096;

const max = (value: number | null): string => `${value ?? 'max'}\n`;
const table = (rows: Readonly<Record<string, number>>): string => Object.entries(rows).map(([name, value]) => `${name} ${value}\n`).join('');
const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;
const whole = (value: number): number => Math.floor(value + 1e-6);

/** The files of a group; those with limits are not in the root. */
const FILES: Readonly<Record<string, (group: Cgroup) => string>> = {
  'cgroup.controllers': () => 'cpuset cpu io memory hugetlb pids rdma misc\n',
  'cgroup.procs': (group) => [...group.processes].map((p) => `${p.pid}\n`).join(''),
  'cgroup.type': () => 'domain\n',
  'cpu.max': (group) => `${group.cpuLimit === null ? 'max' : Math.round(group.cpuLimit * CPU_PERIOD)} ${CPU_PERIOD}\n`,
  'cpu.stat': cpuStat,
  'cpu.weight': (group) => `${weightOf(group)}\n`,
  'memory.current': (group) => `${pages(group.memoryBytes)}\n`,
  'memory.events': (group) => table({ low: 0, high: 0, max: group.oomKills, oom: group.oomKills, oom_kill: group.oomKills, oom_group_kill: group.oomGroup ? Math.min(1, group.oomKills) : 0 }),
  'memory.high': () => 'max\n',
  'memory.low': () => '0\n',
  'memory.max': (group) => max(group.memoryLimit),
  'memory.min': () => '0\n',
  'memory.oom.group': (group) => `${group.oomGroup ? 1 : 0}\n`,
  'memory.peak': (group) => `${pages(group.memoryPeak)}\n`,
  'memory.stat': (group) => table({ anon: pages(group.memoryBytes), file: 0, kernel: 0, inactive_anon: pages(group.memoryBytes), active_anon: 0, inactive_file: 0, active_file: 0 }),
  'memory.swap.current': () => '0\n',
  'memory.swap.max': () => '0\n',
  'pids.current': (group) => `${[...group.everyProcess()].length}\n`,
  'pids.max': () => 'max\n',
};

const NOT_IN_ROOT = new Set(['cpu.max', 'cpu.weight', 'memory.current', 'memory.events', 'memory.high', 'memory.low', 'memory.max', 'memory.min', 'memory.oom.group', 'memory.peak', 'memory.swap.current', 'memory.swap.max', 'pids.current', 'pids.max', 'cgroup.type']);

function cpuStat(group: Cgroup): string {
  const used = whole(group.cpuMicros);
  const { periods = 0, throttled = 0, throttledMicros = 0 } = group.throttling ?? {};
  return table({
    usage_usec: used, user_usec: whole(used * 0.8), system_usec: used - whole(used * 0.8),
    nr_periods: whole(periods), nr_throttled: whole(throttled), throttled_usec: whole(throttledMicros), nr_bursts: 0, burst_usec: 0,
  });
}

/** `at` names a group's own files and the groups below it. */
function inCgroups(machine: Machine, base: Cgroup, path: string): string | readonly string[] | undefined {
  const under = base.path === '/' ? path : base.path + path;
  const group = path === '' ? base : machine.cgroups.find(under);
  if (group !== undefined) {
    const own = Object.keys(FILES).filter((name) => group.parent !== null || !NOT_IN_ROOT.has(name));
    return [...own, ...[...group.children].map((child) => child.name)].sort();
  }
  const slash = path.lastIndexOf('/');
  const parent = slash <= 0 ? base : machine.cgroups.find(base.path === '/' ? path.slice(0, slash) : base.path + path.slice(0, slash));
  const name = path.slice(slash + 1);
  if (parent === undefined || (parent.parent === null && NOT_IN_ROOT.has(name))) return undefined;
  return FILES[name]?.(parent);
}

const kib = (bytes: number): string => String(Math.floor(bytes / 1024)).padStart(8);

function memInfo(machine: Machine): string {
  const total = machine.memoryTotal;
  const free = Math.max(0, total - machine.cgroups.root.memoryBytes);
  const rows: readonly (readonly [string, number])[] = [['MemTotal', total], ['MemFree', free * 0.7], ['MemAvailable', free], ['Buffers', free * 0.02], ['Cached', free * 0.28], ['SwapTotal', 0], ['SwapFree', 0]];
  return rows.map(([name, bytes]) => `${`${name}:`.padEnd(15)} ${kib(bytes)} kB\n`).join('');
}

function cpuInfo({ cpus }: Machine): string {
  let text = '';
  for (let i = 0; i < cpus; i++) text += `processor\t: ${i}\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Processor\ncpu MHz\t\t: 2400.000\ncpu cores\t: ${cpus}\n\n`;
  return text;
}

function loadAverage(machine: Machine): string {
  const load = machine.cpu.running + machine.cpu.idleCores;
  return `${[load, load, load].map((l) => l.toFixed(2)).join(' ')} ${Math.ceil(load) || 1}/${machine.processes.size} ${Math.max(...machine.processes.keys())}\n`;
}

/** As much of it as probes and scripts read. */
function statusOf(init: Process | null): string {
  const uid = init?.uid ?? 0;
  return `Name:\t${init?.comm ?? 'systemd'}\nState:\tS (sleeping)\nPid:\t1\nPPid:\t0\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nVmRSS:\t${kib(init?.memoryBytes ?? 12_000_000)} kB\nThreads:\t1\n`;
}

/** As `machine` shows them to a container whose first process is `init`, or to itself. */
export function kernelFiles(machine: Machine, init: Process | null): KernelFiles {
  const base = init === null ? machine.cgroups.root : init.group;
  return {
    at(path) {
      if (path === '/sys' || path === '/sys/fs') return path === '/sys' ? ['fs'] : ['cgroup'];
      if (path === CGROUP || path.startsWith(`${CGROUP}/`)) return inCgroups(machine, base, path.slice(CGROUP.length));
      switch (path) {
        case '/proc/meminfo': return memInfo(machine);
        case '/proc/cpuinfo': return cpuInfo(machine);
        case '/proc/loadavg': return loadAverage(machine);
        case '/proc/uptime': return `${(machine.sim.now / SECOND).toFixed(2)} ${((machine.sim.now / SECOND) * machine.cpus * 0.9).toFixed(2)}\n`;
        case '/proc/self/cgroup':
        case '/proc/1/cgroup': return init === null ? '0::/init.scope\n' : '0::/\n';
        case '/proc/version': return 'Linux version 6.12.57+deb13-amd64 (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC\n';
        case '/proc/self/status':
        case '/proc/1/status': return statusOf(init);
        case '/proc/1/cmdline': return init === null ? '/sbin/init\0' : init.argv.map((arg) => `${arg}\0`).join('');
        default: return undefined;
      }
    },
  };
}
