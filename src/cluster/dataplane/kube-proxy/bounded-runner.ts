// runner.BoundedFrequencyRunner: runs a function when asked, at once when it was idle long enough, never more often than
// once in `minInterval`, and again after `retryInterval` when it failed.

import type { Os } from '../../machine/process.ts';
import { Channel, TIMED_OUT } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Micros } from '../../sim/time.ts';

export interface BoundedRunnerOptions {
  readonly name: string;
  readonly minInterval: Micros;
  readonly retryInterval: Micros;
  /** Runs at the latest so long after the last run. */
  readonly maxInterval: Micros;
  /** False: try again after `retryInterval`. */
  readonly run: () => Op<boolean>;
}

export class BoundedRunner {
  readonly #os: Os;
  readonly #options: BoundedRunnerOptions;
  readonly #asked: Channel<null>;
  #pending = false;

  constructor(os: Os, options: BoundedRunnerOptions) {
    this.#os = os;
    this.#options = options;
    this.#asked = new Channel(os.sim);
  }

  /** Asks for a run; its cause is that of the first who asked. */
  ask(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#asked.send(null);
  }

  /** Starts the thread. */
  start(): void {
    this.#os.go(this.#options.name, () => this.#loop());
  }

  *#loop(): Op<never> {
    const { minInterval, maxInterval, retryInterval, run } = this.#options;
    const { sim } = this.#os;
    let wait = maxInterval;
    for (let last = -minInterval; ; ) {
      const asked = yield* this.#asked.receiveWithin(wait);
      if (asked === TIMED_OUT) sim.cause = null;
      const early = last + minInterval - sim.now;
      if (early > 0) yield* this.#os.sleep(early);
      this.#pending = false;
      last = sim.now;
      wait = (yield* run()) ? maxInterval : retryInterval;
    }
  }
}
