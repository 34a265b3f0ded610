// ControllerExpectations of pkg/controller/controller_utils.go: while a controller waits to see in its cache what it has
// created or deleted, it must not act on that cache, or it would act twice.

import type { Simulation } from '../sim/simulation.ts';
import { type Micros, MINUTE } from '../sim/time.ts';

const TIMEOUT: Micros = 5 * MINUTE;

interface Expected {
  creations: number;
  /** UIDs of what was told to go and is not seen gone. */
  deletions: Set<string>;
  readonly since: Micros;
}

export class Expectations {
  readonly #sim: Simulation;
  readonly #expected = new Map<string, Expected>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** The cache shows all that was done for `key`, or it has been too long. */
  satisfied(key: string): boolean {
    const expected = this.#expected.get(key);
    if (expected === undefined) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return this.#sim.now - expected.since > TIMEOUT;
  }

  expect(key: string, creations: number, deletedUids: readonly string[]): void {
    this.#expected.set(key, { creations, deletions: new Set(deletedUids), since: this.#sim.now });
  }

  creationObserved(key: string): void {
    const expected = this.#expected.get(key);
    if (expected) expected.creations--;
  }

  deletionObserved(key: string, uid: string): void {
    this.#expected.get(key)?.deletions.delete(uid);
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }
}
