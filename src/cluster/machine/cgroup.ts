// Control groups (cgroup v2): a tree of accounts for memory and CPU time, with limits. A group over its memory.max makes the
// kernel kill the largest process below it (mm/oom_kill.c).

import type { Process } from './process.ts';

export class Cgroup {
  readonly path: string;
  readonly parent: Cgroup | null;
  readonly children = new Set<Cgroup>();
  readonly processes = new Set<Process>();
  /** memory.current: this group and those below. */
  memoryBytes = 0;
  /** memory.max; null is "max". */
  memoryLimit: number | null = null;
  /** CPU time used by this group and those below, microseconds of one CPU. */
  cpuMicros = 0;
  /** cpu.max as a number of CPUs; null is "max". */
  cpuLimit: number | null = null;
  /** cpu.weight (100 is the kernel's default). */
  cpuWeight = 100;
  /** memory.events oom_kill. */
  oomKills = 0;

  constructor(path: string, parent: Cgroup | null) {
    this.path = path;
    this.parent = parent;
    parent?.children.add(this);
  }

  /** Adds `bytes` (may be negative) here and above, then enforces the limits. */
  charge(bytes: number): void {
    let over: Cgroup | null = null;
    for (let g: Cgroup | null = this; g !== null; g = g.parent) {
      g.memoryBytes += bytes;
      if (over === null && bytes > 0 && g.memoryLimit !== null && g.memoryBytes > g.memoryLimit) over = g;
    }
    if (over !== null) over.#reclaim();
  }

  useCpu(micros: number): void {
    for (let g: Cgroup | null = this; g !== null; g = g.parent) g.cpuMicros += micros;
  }

  /** All processes of this group and those below, in order of creation of the groups. */
  *everyProcess(): Generator<Process> {
    yield* this.processes;
    for (const child of this.children) yield* child.everyProcess();
  }

  #reclaim(): void {
    let victim: Process | null = null;
    for (const p of this.everyProcess()) if (victim === null || p.memoryBytes > victim.memoryBytes) victim = p;
    if (victim === null) return;
    this.oomKills++;
    victim.kill('SIGKILL', 'OOMKilled');
  }
}

/** A machine's cgroup tree. */
export class CgroupTree {
  readonly root = new Cgroup('/', null);
  readonly #byPath = new Map<string, Cgroup>([['/', this.root]]);

  /** The group at `path`, made with its parents when it is not there. */
  of(path: string): Cgroup {
    const found = this.#byPath.get(path);
    if (found !== undefined) return found;
    const cut = path.lastIndexOf('/');
    const made = new Cgroup(path, this.of(cut <= 0 ? '/' : path.slice(0, cut)));
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
    group.parent.children.delete(group);
    this.#byPath.delete(path);
    return true;
  }
}
