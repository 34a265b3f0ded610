// The kernel of the model: a virtual clock, an event queue with a total order, and processes written as generators.
//
// A process function returns an Op. It may only wait through the kernel (`yield* sim.sleep(…)`, a Channel, a Deferred …),
// so between two waits nothing else runs, and the same seed and inputs give the same run to the last byte.

import { EventQueue, type QueueEntry } from './queue.ts';
import { Random } from './random.ts';
import { formatMicroTime, formatTime, type Micros, SECOND } from './time.ts';
import { type Cause, Trace } from './trace.ts';

/** What a process function returns: run it with `yield*` inside another, or with `spawn`. */
export type Op<T> = Generator<undefined, T, unknown>;

/** A pending callback; cancel it with `sim.cancel`. */
export type Timer = QueueEntry;

export interface SimulationOptions {
  readonly seed?: number;
  /** The wall-clock instant at which virtual time starts, in microseconds since 1970. */
  readonly epoch?: number;
  readonly trace?: Trace;
}

/** 2026-05-04T01:00:00Z: a Monday morning after the release of the modelled version. */
export const DEFAULT_EPOCH = 1_777_856_400 * SECOND;

export class Simulation {
  readonly seed: number;
  readonly epoch: number;
  readonly trace: Trace;
  /** The current instant. */
  now: Micros = 0;
  /** The task that is running, if any. */
  current: Task | null = null;
  /** What the running code works for. Set on every resume; code may narrow it with the record it just emitted. */
  cause: Cause | null = null;
  /** How many times a task or a timer was resumed. */
  resumes = 0;
  readonly #queue = new EventQueue();

  constructor(options: SimulationOptions = {}) {
    this.seed = options.seed ?? 1;
    this.epoch = options.epoch ?? DEFAULT_EPOCH;
    this.trace = options.trace ?? new Trace();
  }

  /** A random stream that belongs to `name` alone. */
  random(name: string): Random {
    return new Random(this.seed, name);
  }

  /** `now` as metav1.Time. */
  time(at: Micros = this.now): string {
    return formatTime(this.epoch + at);
  }

  /** `now` as metav1.MicroTime. */
  microTime(at: Micros = this.now): string {
    return formatMicroTime(this.epoch + at);
  }

  /**
   * Starts a task. It first runs in its turn, not before `spawn` returns; it inherits the current cause.
   * `onEnd` hears how it ended; without it an uncaught error stops the simulation (a bug in the model).
   */
  spawn(name: string, body: () => Op<unknown>, onEnd?: (task: Task) => void): Task {
    const task = new Task(this, name, body(), onEnd);
    this.#queue.pushNow({ time: this.now, task, park: task.park, value: undefined, failed: false, cause: this.cause, action: null });
    return task;
  }

  /** Calls `action` after `delay` (≥ 0), with the current cause, unless cancelled first. */
  after(delay: Micros, action: () => void): Timer {
    const timer: Timer = { time: this.now + Math.max(0, Math.round(delay)), task: null, park: 0, value: undefined, failed: false, cause: this.cause, action };
    if (timer.time === this.now) this.#queue.pushNow(timer);
    else this.#queue.push(timer);
    return timer;
  }

  cancel(timer: Timer): void {
    timer.action = null;
    this.#queue.noteOvertaken();
  }

  /** Waits `delay`. */
  *sleep(delay: Micros): Op<void> {
    const task = this.current as Task;
    this.wakeAt(task, task.park, this.now + Math.max(0, Math.round(delay)), undefined);
    yield;
  }

  /** Low level: resume `task`, parked under `park`, with `value`. False when it has been woken or has ended already. */
  wake(task: Task, park: number, value: unknown, cause: Cause | null = this.cause): boolean {
    if (task.park !== park || task.ended) return false;
    task.park++;
    this.#queue.pushNow({ time: this.now, task, park: task.park, value, failed: false, cause, action: null });
    return true;
  }

  /** Low level: as `wake`, but the task's wait throws `error`. */
  fail(task: Task, park: number, error: unknown): boolean {
    if (task.park !== park || task.ended) return false;
    task.park++;
    this.#queue.pushNow({ time: this.now, task, park: task.park, value: error, failed: true, cause: this.cause, action: null });
    return true;
  }

  /** Low level: resume `task` with `value` at `time` unless it was woken before. */
  wakeAt(task: Task, park: number, time: Micros, value: unknown): void {
    const entry: QueueEntry = { time, task, park, value, failed: false, cause: this.cause, action: null };
    if (time <= this.now) this.#queue.pushNow(entry);
    else this.#queue.push(entry);
  }

  /** Says that a `wakeAt` was overtaken by another wake, so that the queue can forget it in time. */
  noteOvertaken(): void {
    this.#queue.noteOvertaken();
  }

  /** The instant of the next event, or undefined when nothing is left to do. */
  nextEventAt(): Micros | undefined {
    return this.#queue.nextTime(this.now);
  }

  /** Runs one event; false when there is none at or before `limit`. */
  step(limit: Micros = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const entry = this.#queue.pop(this.now, limit);
      if (!entry) return false;
      if (this.#dispatch(entry)) return true;
    }
  }

  /** Runs every event up to and including `time`, then sets the clock to it. */
  runUntil(time: Micros): void {
    while (this.step(time)) {
      // each step is one event
    }
    if (time > this.now && time !== Number.POSITIVE_INFINITY) this.now = time;
  }

  #dispatch(entry: QueueEntry): boolean {
    const task = entry.task;
    if (task === null) {
      if (entry.action === null) return false;
      if (entry.time > this.now) this.now = entry.time;
      this.resumes++;
      this.cause = entry.cause;
      const action = entry.action;
      entry.action = null;
      action();
      this.cause = null;
      return true;
    }
    if (task.park !== entry.park || task.ended) return false;
    if (entry.time > this.now) this.now = entry.time;
    this.resumes++;
    task.park++;
    this.cause = entry.cause;
    this.current = task;
    task.resume(entry.value, entry.failed);
    this.current = null;
    this.cause = null;
    return true;
  }
}

type Resume = (this: Op<unknown>, value: unknown) => IteratorResult<undefined, unknown>;

/** What all generators inherit: each generator function makes objects of a shape of its own, on which to look them up costs an engine more. */
const { next, throw: throwInto } = Object.getPrototypeOf(function* () {}).prototype as { readonly next: Resume; readonly throw: Resume };

/** A running generator. `park` changes at each resume, so a stale wake-up finds nobody. */
export class Task {
  readonly sim: Simulation;
  readonly name: string;
  park = 0;
  ended = false;
  /** What the body returned, once ended. */
  result: unknown = undefined;
  /** What the body threw, once ended. */
  error: unknown = undefined;
  #killed = false;
  readonly #body: Op<unknown>;
  readonly #onEnd: ((task: Task) => void) | undefined;
  #joiners: { task: Task; park: number }[] | null = null;

  constructor(sim: Simulation, name: string, body: Op<unknown>, onEnd: ((task: Task) => void) | undefined) {
    this.sim = sim;
    this.name = name;
    this.#body = body;
    this.#onEnd = onEnd;
  }

  get killed(): boolean {
    return this.#killed;
  }

  /** For the kernel: run to the next wait or to the end. */
  resume(value: unknown, failed: boolean): void {
    let step: IteratorResult<undefined, unknown>;
    try {
      step = failed ? throwInto.call(this.#body, value) : next.call(this.#body, value);
    } catch (error) {
      this.#end(undefined, error);
      return;
    }
    if (step.done) this.#end(step.value, undefined);
    else if (this.#killed) this.#unwind();
  }

  /** Ends the task where it waits; its `finally` blocks run now. A task that kills itself ends at its next wait. */
  kill(): void {
    if (this.ended || this.#killed) return;
    this.#killed = true;
    if (this.sim.current !== this) this.#unwind();
  }

  /** Waits for the end; returns the body's result or throws its error. A killed task gives undefined. */
  *join(): Op<unknown> {
    if (!this.ended) {
      const me = this.sim.current as Task;
      (this.#joiners ??= []).push({ task: me, park: me.park });
      yield;
    }
    if (this.error !== undefined) throw this.error;
    return this.result;
  }

  #unwind(): void {
    this.park++;
    const outer = this.sim.current;
    this.sim.current = this;
    try {
      // A `finally` block must not wait: a killed process gets no more time. Whatever it waits for is abandoned.
      for (let step = this.#body.return(undefined); !step.done; ) step = this.#body.return(undefined);
      this.#end(undefined, undefined);
    } catch (error) {
      this.#end(undefined, error);
    } finally {
      this.sim.current = outer;
    }
  }

  #end(result: unknown, error: unknown): void {
    this.ended = true;
    this.result = result;
    this.error = error;
    const joiners = this.#joiners;
    this.#joiners = null;
    if (joiners) for (const { task, park } of joiners) this.sim.wake(task, park, undefined);
    if (this.#onEnd) this.#onEnd(this);
    else if (error !== undefined && !joiners) throw error;
  }
}
