// The work queue of client-go (util/workqueue): a key is queued once, is never processed twice at the same time, and
// comes back when it was added again meanwhile. Each key carries the cause of what made it dirty.

import { Channel } from '../sim/channel.ts';
import type { Op, Simulation, Timer } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Cause } from '../sim/trace.ts';
import { DefaultControllerLimiter, type RateLimiter } from './ratelimit.ts';

interface Waiting {
  readonly readyAt: Micros;
  readonly timer: Timer;
}

export class WorkQueue {
  readonly sim: Simulation;
  readonly limiter: RateLimiter;
  readonly #ready: Channel<string>;
  /** Keys that need processing, with why. */
  readonly #dirty = new Map<string, Cause | null>();
  readonly #processing = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(sim: Simulation, limiter: RateLimiter = new DefaultControllerLimiter(sim)) {
    this.sim = sim;
    this.limiter = limiter;
    this.#ready = new Channel(sim);
  }

  /** Keys that wait to be taken. */
  get length(): number {
    return this.#ready.length;
  }

  /** Marks `key` dirty because of the current cause. */
  add(key: string): void {
    const cause = this.sim.cause;
    const known = this.#dirty.get(key);
    if (known !== undefined) {
      // A user's action explains more than background work does.
      if (cause !== null && cause.flow !== 0 && (known === null || known.flow === 0)) this.#dirty.set(key, cause);
      return;
    }
    this.#dirty.set(key, cause);
    if (!this.#processing.has(key)) this.#ready.send(key);
  }

  /** Adds `key` after `delay`; of several such calls the earliest counts. */
  addAfter(key: string, delay: Micros): void {
    if (delay <= 0) {
      this.add(key);
      return;
    }
    const readyAt = this.sim.now + Math.round(delay);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      if (waiting.readyAt <= readyAt) return;
      this.sim.cancel(waiting.timer);
    }
    const timer = this.sim.after(delay, () => {
      this.#waiting.delete(key);
      this.add(key);
    });
    this.#waiting.set(key, { readyAt, timer });
  }

  /** Adds `key` when its rate limiter allows. */
  addRateLimited(key: string): void {
    this.addAfter(key, this.limiter.when(key));
  }

  /** The key went well: its next failure counts as the first. */
  forget(key: string): void {
    this.limiter.forget(key);
  }

  /** How often `key` failed in a row. */
  retries(key: string): number {
    return this.limiter.retries(key);
  }

  /** Takes the next key, under the cause it was added with; undefined once shut down and empty. Follow with `done`. */
  *get(): Op<string | undefined> {
    const key = this.#ready.length > 0 ? this.#ready.tryReceive() : yield* this.#ready.receive();
    if (key === undefined) return undefined;
    this.sim.cause = this.#dirty.get(key) ?? null;
    this.#dirty.delete(key);
    this.#processing.add(key);
    return key;
  }

  /** Ends the processing of `key`; if it was added meanwhile it is offered again. */
  done(key: string): void {
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#ready.send(key);
  }

  shutDown(): void {
    this.#ready.close();
    for (const { timer } of this.#waiting.values()) this.sim.cancel(timer);
    this.#waiting.clear();
  }
}
