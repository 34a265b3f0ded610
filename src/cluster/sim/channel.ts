// How tasks hand things to each other: a Channel of values and a Deferred for one value.
// Both carry the giver's cause to the taker.

import type { Op, Simulation, Task } from './simulation.ts';
import type { Micros } from './time.ts';
import type { Cause } from './trace.ts';

/** What `receiveWithin` and `receiveAny` give when time is up. */
export const TIMED_OUT: unique symbol = Symbol('timed out');

interface Waiter {
  readonly task: Task;
  readonly park: number;
  /** Which of several channels woke the taker; see receiveAny. */
  readonly index: number;
}

interface Received<T> {
  readonly index: number;
  readonly value: T | undefined;
}

/** An unbounded first-in-first-out queue. `send` never waits. After `close`, takers drain it and then get undefined. */
export class Channel<T> {
  readonly sim: Simulation;
  #items: { value: T; cause: Cause | null }[] = [];
  #first = 0;
  #waiters: Waiter[] = [];
  #closed = false;

  constructor(sim: Simulation) {
    this.sim = sim;
  }

  get length(): number {
    return this.#items.length - this.#first;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Adds a value; ignored when closed (a message to somebody who has left). */
  send(value: T): void {
    if (this.#closed) return;
    for (let w = this.#waiters.shift(); w; w = this.#waiters.shift()) {
      if (this.sim.wake(w.task, w.park, { index: w.index, value })) return;
    }
    this.#items.push({ value, cause: this.sim.cause });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const w of waiters) this.sim.wake(w.task, w.park, { index: w.index, value: undefined });
  }

  /** The next value if there is one; takes over the sender's cause. */
  tryReceive(): T | undefined {
    if (this.#first === this.#items.length) return undefined;
    const item = this.#items[this.#first] as { value: T; cause: Cause | null };
    this.#first++;
    if (this.#first === this.#items.length) {
      this.#items = [];
      this.#first = 0;
    } else if (this.#first > 1024 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    this.sim.cause = item.cause;
    return item.value;
  }

  /** Waits for a value; undefined once closed and empty. */
  *receive(): Op<T | undefined> {
    if (this.length > 0) return this.tryReceive();
    if (this.#closed) return undefined;
    this.wait(0);
    return ((yield) as Received<T>).value;
  }

  /** As `receive`, but gives TIMED_OUT after `limit`. */
  *receiveWithin(limit: Micros): Op<T | undefined | typeof TIMED_OUT> {
    const got = yield* receiveAny(this.sim, [this], limit);
    return got === TIMED_OUT ? TIMED_OUT : got.value;
  }

  /** For receiveAny: registers the running task. */
  wait(index: number): void {
    const task = this.sim.current as Task;
    // Leftovers of waits that ended otherwise (timeouts) must not pile up.
    if (this.#waiters.length > 16) this.#waiters = this.#waiters.filter((w) => w.task.park === w.park && !w.task.ended);
    this.#waiters.push({ task, park: task.park, index });
  }
}

/**
 * Waits on several channels: the first that has a value (lowest index first) or is closed wins.
 * With `limit`, gives TIMED_OUT when nothing came in that time.
 */
export function* receiveAny<T>(
  sim: Simulation,
  channels: readonly Channel<T>[],
  limit?: Micros,
): Op<{ readonly index: number; readonly value: T | undefined } | typeof TIMED_OUT> {
  for (const [index, channel] of channels.entries()) {
    if (channel.length > 0) return { index, value: channel.tryReceive() };
    if (channel.closed) return { index, value: undefined };
  }
  const task = sim.current as Task;
  for (const [index, channel] of channels.entries()) channel.wait(index);
  if (limit !== undefined) sim.wakeAt(task, task.park, sim.now + Math.max(0, Math.round(limit)), TIMED_OUT);
  const got = (yield) as Received<T> | typeof TIMED_OUT;
  if (limit !== undefined && got !== TIMED_OUT) sim.noteOvertaken();
  return got;
}

/** A value that will be there once. */
export class Deferred<T> {
  readonly sim: Simulation;
  #state: 'pending' | 'resolved' | 'rejected' = 'pending';
  #value: unknown = undefined;
  #waiters: { task: Task; park: number }[] = [];

  constructor(sim: Simulation) {
    this.sim = sim;
  }

  get settled(): boolean {
    return this.#state !== 'pending';
  }

  resolve(value: T): void {
    this.#settle('resolved', value);
  }

  reject(error: unknown): void {
    this.#settle('rejected', error);
  }

  /** Waits for the value, or throws what it was rejected with. */
  *wait(): Op<T> {
    if (this.#state === 'pending') {
      const task = this.sim.current as Task;
      this.#waiters.push({ task, park: task.park });
      yield;
    }
    if (this.#state === 'rejected') throw this.#value;
    return this.#value as T;
  }

  /** As `wait`, but gives TIMED_OUT after `limit`. */
  *waitWithin(limit: Micros): Op<T | typeof TIMED_OUT> {
    if (this.#state === 'pending') {
      const task = this.sim.current as Task;
      this.#waiters.push({ task, park: task.park });
      this.sim.wakeAt(task, task.park, this.sim.now + Math.max(0, Math.round(limit)), TIMED_OUT);
      if ((yield) === TIMED_OUT) return TIMED_OUT;
      this.sim.noteOvertaken();
    }
    return yield* this.wait();
  }

  #settle(state: 'resolved' | 'rejected', value: unknown): void {
    if (this.#state !== 'pending') return;
    this.#state = state;
    this.#value = value;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const w of waiters) this.sim.wake(w.task, w.park, undefined);
  }
}
