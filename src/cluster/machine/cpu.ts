// The CPUs of a machine: who wants to run shares them as the kernel's fair scheduler does, by cpu.weight at each level of the cgroup
// tree and up to cpu.max. Rates are constant between changes, so that nothing ticks: what was used is added up when somebody reads,
// the end of a piece of work is a deadline.

import { Deferred } from '../sim/channel.ts';
import type { Op, Simulation, Timer } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import { type Cgroup, CPU_PERIOD, weightOfShares } from './cgroup.ts';
import type { Process } from './process.ts';

/** Threads of one process that want to run. */
interface Load {
  readonly process: Process;
  /** CPUs that it could use: the number of its threads. */
  readonly demand: number;
  /** What is left to do, microseconds of one CPU. */
  remaining: number;
  /** CPUs that it gets. */
  rate: number;
  timer: Timer | null;
  readonly done: Deferred<void>;
}

/** A group with something to run below it, while rates are computed. */
interface Busy {
  readonly group: Cgroup;
  readonly loads: Load[];
  readonly below: Busy[];
  want: number;
}

/** Who shares the CPUs of a group: a group below or a load. */
interface Sharer {
  readonly weight: number;
  readonly want: number;
  readonly give: (cores: number) => void;
}

/** What the kernel keeps for those outside, whatever the rest asks for. */
const LEAST_CAPACITY = 0.05;
const CLOSE = 1e-9;

export class Cpus {
  readonly count: number;
  /** CPUs that idle daemons use in the background. */
  idleCores = 0;
  readonly #sim: Simulation;
  readonly #root: Cgroup;
  readonly #loads = new Set<Load>();
  /** Groups with a limit that something runs in, with how far they are over it. */
  #limited: { readonly group: Cgroup; readonly over: number }[] = [];
  #settled: Micros = 0;

  constructor(sim: Simulation, root: Cgroup, count: number) {
    this.#sim = sim;
    this.#root = root;
    this.count = count;
    root.tree.settle = () => this.settle();
  }

  /** How many threads run or want to. */
  get running(): number {
    let sum = 0;
    for (const load of this.#loads) sum += load.demand;
    return sum;
  }

  /** Uses `micros` of CPU time with `threads` threads; takes as long as that takes among the others. */
  *work(process: Process, micros: number, threads = 1): Op<void> {
    const load: Load = { process, demand: threads, remaining: micros, rate: 0, timer: null, done: new Deferred(this.#sim) };
    this.settle();
    this.#loads.add(load);
    this.#share();
    try {
      yield* load.done.wait();
    } finally {
      this.#stop(load);
    }
  }

  /** Limits or weights have changed. */
  changed(): void {
    if (this.#loads.size === 0) return;
    this.settle();
    this.#share();
  }

  /** Adds up what has been used since the last time. */
  settle(): void {
    const passed = this.#sim.now - this.#settled;
    if (passed === 0) return;
    this.#settled = this.#sim.now;
    if (this.#loads.size === 0) return;
    for (const load of this.#loads) {
      const used = load.rate * passed;
      load.remaining -= used;
      load.process.useCpu(used);
    }
    for (const { group, over } of this.#limited) {
      const stat = (group.throttling ??= { periods: 0, throttled: 0, throttledMicros: 0 });
      stat.periods += passed / CPU_PERIOD;
      if (over > 0) {
        stat.throttled += passed / CPU_PERIOD;
        stat.throttledMicros += passed * over;
      }
    }
  }

  #stop(load: Load): void {
    this.settle();
    if (!this.#loads.delete(load)) return;
    if (load.timer !== null) this.#sim.cancel(load.timer);
    this.#share();
  }

  /** Gives each load its rate. */
  #share(): void {
    this.#limited = [];
    if (this.#loads.size === 0) return;
    const root = this.#tree();
    const capacity = Math.max(LEAST_CAPACITY, this.count - this.idleCores);
    this.#wants(root);
    this.#give(root, Math.min(capacity, root.want));
  }

  /** The groups that have something to run. */
  #tree(): Busy {
    const busy = new Map<Cgroup, Busy>();
    const root: Busy = { group: this.#root, loads: [], below: [], want: 0 };
    busy.set(this.#root, root);
    const of = (group: Cgroup): Busy => {
      const known = busy.get(group);
      if (known !== undefined) return known;
      const made: Busy = { group, loads: [], below: [], want: 0 };
      busy.set(group, made);
      if (group.parent !== null) of(group.parent).below.push(made);
      return made;
    };
    for (const load of this.#loads) of(load.process.group).loads.push(load);
    return root;
  }

  #wants(busy: Busy): number {
    let want = 0;
    for (const load of busy.loads) want += load.demand;
    for (const below of busy.below) want += this.#wants(below);
    const { cpuLimit } = busy.group;
    want = Math.min(want, this.count);
    if (cpuLimit !== null) {
      const over = want > cpuLimit + CLOSE ? want - cpuLimit : 0;
      this.#limited.push({ group: busy.group, over });
      want = Math.min(want, cpuLimit);
    }
    busy.want = want;
    return want;
  }

  #give(busy: Busy, cores: number): void {
    const sharers: Sharer[] = busy.loads.map((load) => ({ weight: 100, want: load.demand, give: (rate) => this.#run(load, rate) }));
    for (const below of busy.below) sharers.push({ weight: weightOf(below.group), want: below.want, give: (rate) => this.#give(below, rate) });
    share(sharers, cores);
  }

  #run(load: Load, rate: number): void {
    if (Math.abs(rate - load.rate) < CLOSE && (load.timer !== null || load.remaining === Number.POSITIVE_INFINITY)) return;
    load.rate = rate;
    if (load.timer !== null) this.#sim.cancel(load.timer);
    load.timer = null;
    if (load.remaining === Number.POSITIVE_INFINITY || rate <= 0) return;
    load.timer = this.#sim.after(Math.ceil(Math.max(0, load.remaining) / rate), () => load.done.resolve(undefined));
  }
}

/** Nobody gets more than it wants; what is over goes to the others by weight. */
function share(sharers: readonly Sharer[], cores: number): void {
  let open = [...sharers];
  let left = cores;
  while (open.length > 0) {
    let weights = 0;
    for (const sharer of open) weights += sharer.weight;
    const each = left / weights;
    const content = open.filter((s) => s.want <= each * s.weight + CLOSE);
    if (content.length === 0) {
      for (const sharer of open) sharer.give(each * sharer.weight);
      return;
    }
    for (const sharer of content) {
      sharer.give(sharer.want);
      left -= sharer.want;
    }
    open = open.filter((s) => !content.includes(s));
  }
}

/** cpu.weight of a group. */
export function weightOf(group: Cgroup): number {
  if (!group.sharesOfChildren) return group.cpuWeight;
  let shares = 0;
  for (const child of group.children) shares += child.cpuShares;
  return weightOfShares(Math.max(2, shares));
}
