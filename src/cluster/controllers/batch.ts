// Doing many calls at once, as goroutines with a WaitGroup; and slowly at first, so that a call that must fail fails once
// and not 500 times (pkg/controller/replicaset slowStartBatch).

import { isProgrammingError } from '../client/errors.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';

/** Runs `call(0)` … `call(count - 1)` at the same time; returns what they threw. */
export function* parallel(os: Os, count: number, call: (i: number) => Op<void>): Op<unknown[]> {
  const errors: unknown[] = [];
  const guarded = function* (i: number): Op<void> {
    try {
      yield* call(i);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      errors.push(error);
    }
  };
  if (count === 1) {
    yield* guarded(0);
    return errors;
  }
  const tasks = Array.from({ length: count }, (_, i) => os.go(`batch-${i}`, () => guarded(i)));
  const cause = os.sim.cause;
  for (const task of tasks) yield* task.join();
  os.sim.cause = cause;
  return errors;
}

/** Runs `count` calls in batches of 1, 2, 4 …; stops after a batch with an error. */
export function* slowStartBatch(os: Os, count: number, call: (i: number) => Op<void>): Op<{ readonly successes: number; readonly error?: unknown }> {
  let successes = 0;
  for (let size = Math.min(count, 1); size > 0; size = Math.min(2 * size, count - successes)) {
    const first = successes;
    const errors = yield* parallel(os, size, (i) => call(first + i));
    successes += size - errors.length;
    if (errors.length > 0) return { successes, error: errors[0] };
  }
  return { successes };
}
