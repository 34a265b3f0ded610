// Rate limiters as golang.org/x/time/rate and client-go's workqueue/default_rate_limiters.go.

import type { Op, Simulation } from '../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../sim/time.ts';

/** A bucket of `burst` tokens that refills at `rate` a second. */
export class TokenBucket {
  readonly #sim: Simulation;
  readonly #interval: Micros;
  readonly #burst: number;
  /** When the bucket was (or will be) empty of debt: a reservation made now is due at max(now, this + interval − burst). */
  #tokens: number;
  #last: Micros = 0;

  constructor(sim: Simulation, rate: number, burst: number) {
    this.#sim = sim;
    this.#interval = SECOND / rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#last = sim.now;
  }

  /** Takes a token, on credit if there is none; returns how long to wait before using it. */
  reserve(): Micros {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens * this.#interval);
  }

  /** Takes a token if there is one. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes a token and waits until it is there. */
  *take(): Op<void> {
    const wait = this.reserve();
    if (wait > 0) yield* this.#sim.sleep(wait);
  }

  #refill(): void {
    const now = this.#sim.now;
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#last) / this.#interval);
    this.#last = now;
  }
}

/** Says how long a work queue waits before it offers a failed key again. */
export interface RateLimiter {
  when(key: string): Micros;
  forget(key: string): void;
  retries(key: string): number;
}

/** base · 2^failures, at most `max`. */
export class ExponentialLimiter implements RateLimiter {
  readonly #base: Micros;
  readonly #max: Micros;
  readonly #failures = new Map<string, number>();

  constructor(base: Micros = 5 * MILLISECOND, max: Micros = 1000 * SECOND) {
    this.#base = base;
    this.#max = max;
  }

  when(key: string): Micros {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.min(this.#max, this.#base * 2 ** failures);
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  retries(key: string): number {
    return this.#failures.get(key) ?? 0;
  }
}

/** The longer of the exponential wait of the key and a bucket of 10 a second, 100 at once, for all keys together. */
export class DefaultControllerLimiter implements RateLimiter {
  readonly #exponential: ExponentialLimiter;
  readonly #bucket: TokenBucket;

  constructor(sim: Simulation, exponential = new ExponentialLimiter()) {
    this.#exponential = exponential;
    this.#bucket = new TokenBucket(sim, 10, 100);
  }

  when(key: string): Micros {
    return Math.max(this.#exponential.when(key), this.#bucket.reserve());
  }

  forget(key: string): void {
    this.#exponential.forget(key);
  }

  retries(key: string): number {
    return this.#exponential.retries(key);
  }
}
