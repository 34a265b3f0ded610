// The behaviours that client-go's util/workqueue promises; cases of our own.

import { describe, expect, it } from 'vitest';
import { Simulation, type Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../sim/time.ts';
import { DefaultControllerLimiter, ExponentialLimiter, TokenBucket } from './ratelimit.ts';
import { WorkQueue } from './workqueue.ts';

function run(sim: Simulation, body: () => Op<void>): void {
  sim.spawn('test', body);
  sim.runUntil(sim.now + 3600 * SECOND);
}

describe('WorkQueue', () => {
  it('offers a key once however often it is added', () => {
    const sim = new Simulation();
    const queue = new WorkQueue(sim);
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(queue.length).toBe(2);
  });

  it('does not offer a key that is being processed, but again afterwards', () => {
    const sim = new Simulation();
    const queue = new WorkQueue(sim);
    const seen: string[] = [];
    run(sim, function* () {
      queue.add('a');
      const key = (yield* queue.get()) as string;
      queue.add('a');
      seen.push(`while processing ${queue.length}`);
      queue.done(key);
      seen.push(`after ${queue.length}`);
      yield* queue.get();
      queue.done('a');
      seen.push(`at the end ${queue.length}`);
    });
    expect(seen).toEqual(['while processing 0', 'after 1', 'at the end 0']);
  });

  it('carries the cause, and prefers that of a user action', () => {
    const sim = new Simulation();
    const queue = new WorkQueue(sim);
    const causes: (number | undefined)[] = [];
    run(sim, function* () {
      queue.add('a');
      sim.cause = { id: 7, flow: 7 };
      queue.add('a');
      sim.cause = { id: 9, flow: 9 };
      queue.add('a');
      sim.cause = null;
      yield* queue.get();
      causes.push(sim.cause?.id);
    });
    expect(causes).toEqual([7]);
  });

  it('of several delays keeps the shortest', () => {
    const sim = new Simulation();
    const queue = new WorkQueue(sim);
    queue.addAfter('a', 5 * SECOND);
    queue.addAfter('a', 2 * SECOND);
    queue.addAfter('a', 9 * SECOND);
    let at = -1;
    run(sim, function* () {
      yield* queue.get();
      at = sim.now;
      queue.done('a');
    });
    expect(at).toBe(2 * SECOND);
    expect(queue.length).toBe(0);
  });
});

describe('rate limiters', () => {
  it('doubles from 5 ms to 1000 s and forgets', () => {
    const limiter = new ExponentialLimiter();
    expect([1, 2, 3, 4].map(() => limiter.when('a'))).toEqual([5, 10, 20, 40].map((n) => n * MILLISECOND));
    for (let i = 0; i < 30; i++) limiter.when('a');
    expect(limiter.when('a')).toBe(1000 * SECOND);
    limiter.forget('a');
    expect([limiter.retries('a'), limiter.when('a')]).toEqual([0, 5 * MILLISECOND]);
  });

  it('lets 100 keys through at once and then 10 a second', () => {
    const sim = new Simulation();
    const limiter = new DefaultControllerLimiter(sim);
    const waits = Array.from({ length: 110 }, (_, i) => limiter.when(`k${i}`));
    expect(waits.slice(0, 100).every((wait) => wait === 5 * MILLISECOND)).toBe(true);
    expect(waits[109]).toBe(SECOND);
  });

  it('refills a bucket with time, never above its size', () => {
    const sim = new Simulation();
    const bucket = new TokenBucket(sim, 1, 2);
    expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false]);
    sim.runUntil(60 * SECOND);
    expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false]);
  });
});
