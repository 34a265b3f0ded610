// The worker loop that all controllers share: take a key, sync it, forget it or try again later.

import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { CALL, type Cause, DETAIL, type Level, type Subject } from '../sim/trace.ts';
import { isProgrammingError, messageOf } from './errors.ts';
import type { WorkQueue } from './workqueue.ts';

/** One run of a controller's sync, to say what it decided. */
export interface Sync {
  /** Emits the sync's trace record with `detail`; what follows hangs below it. Call before acting on the decision. */
  decide(detail: Readonly<Record<string, unknown>>): void;
}

export interface ControllerOptions {
  /** As upstream's user agent and event source, e.g. `replicaset-controller`. */
  readonly name: string;
  readonly queue: WorkQueue;
  /** Syncs at the same time; of different keys always. */
  readonly workers: number;
  /** Brings the world nearer to what the object `key` asks for; a throw means: try again later. */
  readonly sync: (key: string, sync: Sync) => Op<void>;
  /** What a key is about, for the trace. */
  readonly subject?: (key: string) => Subject | null;
  /** Give a key up after so many failures in a row; absent = never. */
  readonly maxRetries?: number;
}

/** Starts the workers as threads of `os`'s process and returns. */
export function runController(os: Os, options: ControllerOptions): void {
  for (let i = 0; i < options.workers; i++) os.go(`${options.name}/worker-${i}`, () => work(os, options));
}

function* work(os: Os, options: ControllerOptions): Op<void> {
  const { queue, maxRetries } = options;
  for (;;) {
    const key = yield* queue.get();
    if (key === undefined) return;
    const sync = new SyncRun(os, options, key);
    try {
      yield* options.sync(key, sync);
      sync.finish();
      queue.forget(key);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      sync.fail(error);
      if (maxRetries === undefined || queue.retries(key) < maxRetries) queue.addRateLimited(key);
      else queue.forget(key);
    } finally {
      queue.done(key);
    }
  }
}

class SyncRun implements Sync {
  readonly #os: Os;
  readonly #options: ControllerOptions;
  readonly #key: string;
  readonly #start: number;
  readonly #cause: Cause | null;
  #decided = false;

  constructor(os: Os, options: ControllerOptions, key: string) {
    this.#os = os;
    this.#options = options;
    this.#key = key;
    this.#start = os.sim.now;
    this.#cause = os.sim.cause;
  }

  decide(detail: Readonly<Record<string, unknown>>): void {
    this.#decided = true;
    this.#emit('sync', CALL, detail);
  }

  /** A sync that decided nothing is worth a record only when a user's action led to it, and only to those who look closely. */
  finish(): void {
    if (!this.#decided && this.#os.sim.trace.wants(DETAIL, this.#cause)) this.#emit('sync', DETAIL, { unchanged: true });
  }

  fail(error: unknown): void {
    const message = messageOf(error);
    this.#os.logError(`"Unhandled Error" err="error syncing \\"${this.#key}\\": ${message}" controller="${this.#options.name}"`);
    this.#emit('error', CALL, { error: message });
  }

  #emit(verb: string, level: Level, detail: Readonly<Record<string, unknown>>): void {
    const { sim, place } = this.#os;
    sim.cause = sim.trace.emit(this.#cause, {
      level,
      kind: 'controller',
      verb,
      from: place,
      start: this.#start,
      end: sim.now,
      subject: this.#options.subject?.(this.#key) ?? null,
      detail: { controller: this.#options.name, ...detail },
    });
  }
}
