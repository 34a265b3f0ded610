// Time-outs of requests and connection attempts. Nearly all of them are overtaken by an answer, so they are not timers of their
// own: those of one length wait in line, with one timer for the first that is still waited for.

import { TIMED_OUT } from '../sim/channel.ts';
import type { Simulation, Task, Timer } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Cause } from '../sim/trace.ts';

interface Entry {
  readonly at: Micros;
  readonly task: Task;
  readonly park: number;
  readonly cause: Cause | null;
}

/** Entries of one length, by instant. */
interface Line {
  entries: Entry[];
  first: number;
  timer: Timer | null;
  due: Micros;
}

const COMPACT_FROM = 256;
const lines = new WeakMap<Simulation, Deadlines>();

const isOver = (e: Entry): boolean => e.task.park !== e.park || e.task.ended;

export class Deadlines {
  readonly #sim: Simulation;
  readonly #lines = new Map<Micros, Line>();

  /** Use Deadlines.of. */
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  static of(sim: Simulation): Deadlines {
    let made = lines.get(sim);
    if (made === undefined) lines.set(sim, (made = new Deadlines(sim)));
    return made;
  }

  /** The wait that `task` is about to begin ends with TIMED_OUT at `at`. Deadlines of the same `length` come nearly in order. */
  add(length: Micros, at: Micros, task: Task): void {
    const sim = this.#sim;
    let line = this.#lines.get(length);
    if (line === undefined) this.#lines.set(length, (line = { entries: [], first: 0, timer: null, due: 0 }));
    this.#advance(line);
    const { entries } = line;
    let i = entries.push({ at, task, park: task.park, cause: sim.cause }) - 1;
    for (; i > line.first && (entries[i - 1] as Entry).at > at; i--) {
      const earlier = entries[i - 1] as Entry;
      entries[i - 1] = entries[i] as Entry;
      entries[i] = earlier;
    }
    if (line.timer === null || at < line.due) this.#arm(line, at);
  }

  #arm(line: Line, at: Micros): void {
    const sim = this.#sim;
    if (line.timer !== null) sim.cancel(line.timer);
    line.due = at;
    line.timer = sim.after(at - sim.now, () => {
      line.timer = null;
      this.#expire(line);
    });
  }

  #expire(line: Line): void {
    const sim = this.#sim;
    for (;;) {
      this.#advance(line);
      const next = line.entries[line.first];
      if (next === undefined) return;
      if (next.at > sim.now) {
        this.#arm(line, next.at);
        return;
      }
      sim.wake(next.task, next.park, TIMED_OUT, next.cause);
    }
  }

  /** Steps over those that nobody waits for any more. */
  #advance(line: Line): void {
    const { entries } = line;
    let { first } = line;
    while (first < entries.length && isOver(entries[first] as Entry)) first++;
    if (first === entries.length) {
      entries.length = 0;
      first = 0;
    } else if (first > COMPACT_FROM && first * 2 > entries.length) {
      entries.splice(0, first);
      first = 0;
    }
    line.first = first;
  }
}
