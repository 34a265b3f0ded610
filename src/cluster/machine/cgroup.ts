// Control groups (cgroup v2): a tree of accounts for memory and CPU time, with limits. A group over its memory.max makes the
// kernel kill the process with the highest badness below it, or that one's whole group (mm/oom_kill.c, memory.oom.group).

import type { Process } from './process.ts';

/** What the kernel's log says of an out-of-memory kill. */
export interface OomKill {
  /** Whose limit was hit: `/` is the machine's own memory. */
  readonly constraint: string;
  readonly victim: Process;
}

/** cpu.stat of a group with a limit; times in microseconds. */
export interface Throttling {
  periods: number;
  throttled: number;
  throttledMicros: number;
}

/** The length of a period of cpu.max. */
export const CPU_PERIOD = 100_000;
const NEVER_KILLED = -1000;

export class Cgroup {
  readonly path: string;
  readonly parent: Cgroup | null;
  readonly tree: CgroupTree;
  readonly children = new Set<Cgroup>();
  readonly processes = new Set<Process>();
  /** memory.current: this group and those below. */
  memoryBytes = 0;
  /** memory.peak. */
  memoryPeak = 0;
  /** memory.max; null is "max". */
  memoryLimit: number | null = null;
  /** memory.oom.group: who is killed takes the whole group along. */
  oomGroup = false;
  /** cpu.max as a number of CPUs; null is "max". Tell the machine's `cpu` when it changes while something runs. */
  cpuLimit: number | null = null;
  /** cpu.weight (100 is the kernel's default). */
  cpuWeight = 100;
  /** The weight is that of the sum of what the groups below ask for, as the kubelet keeps it for kubepods-burstable.slice. */
  sharesOfChildren = false;
  /** cpu.shares as the Container Runtime Interface tells them; 0 is unset. */
  cpuShares = 0;
  /** memory.events oom_kill: this group and those below. */
  oomKills = 0;
  throttling: Throttling | null = null;
  /** Above so much memory `onAlarm` is called, once. */
  alarmAt = Number.POSITIVE_INFINITY;
  onAlarm: (() => void) | null = null;
  /** CPU time of processes and groups that have gone. */
  #past = 0;

  constructor(tree: CgroupTree, path: string, parent: Cgroup | null) {
    this.tree = tree;
    this.path = path;
    this.parent = parent;
    parent?.children.add(this);
  }

  /** The last part of the path. */
  get name(): string {
    return this.path.slice(this.path.lastIndexOf('/') + 1);
  }

  /** CPU time used by this group and those below, microseconds of one CPU. */
  get cpuMicros(): number {
    this.tree.settle();
    return this.#used();
  }

  #used(): number {
    let sum = this.#past;
    for (const process of this.processes) sum += process.cpuSoFar;
    for (const child of this.children) sum += child.#used();
    return sum;
  }

  /** Keeps the CPU time of something that goes. */
  bury(micros: number): void {
    this.#past += micros;
  }

  /** For CgroupTree: it has been removed. */
  leave(): void {
    this.parent?.bury(this.#past);
    this.parent?.children.delete(this);
  }

  /** Adds `bytes` (may be negative) here and above, then enforces the limits. */
  charge(bytes: number): void {
    let over: Cgroup | null = null;
    let alarms: (() => void)[] | null = null;
    for (let g: Cgroup | null = this; g !== null; g = g.parent) {
      g.memoryBytes += bytes;
      if (g.memoryBytes > g.memoryPeak) g.memoryPeak = g.memoryBytes;
      if (over === null && bytes > 0 && g.memoryLimit !== null && g.memoryBytes > g.memoryLimit) over = g;
      if (g.memoryBytes > g.alarmAt && g.onAlarm !== null) {
        g.alarmAt = Number.POSITIVE_INFINITY;
        (alarms ??= []).push(g.onAlarm);
      }
    }
    over?.reclaim();
    if (alarms !== null) for (const alarm of alarms) alarm();
  }

  /** Kills until the group is below its limit, or nobody is left to kill. */
  reclaim(): void {
    while (this.memoryLimit !== null && this.memoryBytes > this.memoryLimit) {
      const victim = this.#victim(this.memoryLimit);
      if (victim === null) return;
      const together = this.#groupOf(victim);
      const victims = together === null ? [victim] : [...together.everyProcess()];
      for (let g: Cgroup | null = together ?? victim.group; g !== null; g = g.parent) g.oomKills += victims.length;
      this.tree.onOom?.({ constraint: this.path, victim });
      for (const process of victims) process.kill('SIGKILL', 'OOMKilled');
    }
  }

  /** All processes of this group and those below, in order of creation of the groups. */
  *everyProcess(): Generator<Process> {
    yield* this.processes;
    for (const child of this.children) yield* child.everyProcess();
  }

  #victim(total: number): Process | null {
    let victim: Process | null = null;
    let worst = 0;
    for (const process of this.everyProcess()) {
      if (process.oomScoreAdj <= NEVER_KILLED || process.pid === 1 || process.memoryBytes === 0) continue;
      const badness = process.memoryBytes + (process.oomScoreAdj * total) / 1000;
      if (victim !== null && badness <= worst) continue;
      victim = process;
      worst = badness;
    }
    return victim;
  }

  /** The highest group between this one and the victim's that dies as a whole. */
  #groupOf(victim: Process): Cgroup | null {
    let found: Cgroup | null = null;
    for (let g: Cgroup | null = victim.group; g !== null; g = g.parent) {
      if (g.oomGroup) found = g;
      if (g === this) break;
    }
    return found;
  }
}

/** A machine's cgroup tree. */
export class CgroupTree {
  readonly root: Cgroup = new Cgroup(this, '/', null);
  readonly #byPath = new Map<string, Cgroup>([['/', this.root]]);
  /** Brings the accounts of running processes up to now. */
  settle: () => void = () => undefined;
  /** Hears of each out-of-memory kill before it happens: the kernel's log. */
  onOom: ((kill: OomKill) => void) | null = null;

  /** The group at `path`, made with its parents when it is not there. */
  of(path: string): Cgroup {
    const found = this.#byPath.get(path);
    if (found !== undefined) return found;
    const cut = path.lastIndexOf('/');
    const made = new Cgroup(this, path, this.of(cut <= 0 ? '/' : path.slice(0, cut)));
    this.#byPath.set(path, made);
    return made;
  }

  /** The group at `path`, if it is there. */
  find(path: string): Cgroup | undefined {
    return this.#byPath.get(path);
  }

  /** Removes an empty group (rmdir); false when something is still in it. */
  remove(path: string): boolean {
    const group = this.#byPath.get(path);
    if (group === undefined || group.parent === null || group.processes.size > 0 || group.children.size > 0) return false;
    group.leave();
    this.#byPath.delete(path);
    return true;
  }
}

/** cpu.weight for cpu.shares, as runc 1.3.2 and the kubelet convert them: 2 → 1, 1024 → 100, 262144 → 10000. */
export function weightOfShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}
