// One priority level: seats, and queues for those who find none (apiserver/pkg/util/flowcontrol/fairqueuing). A flow is dealt a hand of
// the queues and waits in the shortest. Simplification: fair queuing by the virtual start of each queue's first request, no borrowing.

import type { PriorityLevelConfiguration } from '../../api/generated/types.ts';
import { Deferred, TIMED_OUT } from '../../sim/channel.ts';
import { hash32 } from '../../sim/random.ts';
import type { Op, Simulation } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import type { RequestContext } from '../request.ts';

/** A request may wait at most a quarter of its 60 s. */
const MAX_WAIT = 15 * SECOND;

export interface Waiting {
  readonly context: RequestContext;
  readonly flowSchema: string;
  readonly distinguisher: string;
  readonly width: number;
  readonly arrived: Micros;
  readonly turn: Deferred<void>;
}

export interface Queue {
  /** Virtual time at which its first request would begin. */
  start: number;
  readonly waiting: Waiting[];
}

export class Level {
  readonly #sim: Simulation;
  readonly name: string;
  spec: PriorityLevelConfiguration['spec'];
  /** 0: no limit. */
  seats = 0;
  seatsInUse = 0;
  executing = 0;
  waitingCount = 0;
  dispatched = 0;
  rejected = 0;
  timedOut = 0;
  cancelled = 0;
  /** Made when the first request has to wait. */
  queues: Queue[] = [];
  #virtualNow = 0;

  constructor(sim: Simulation, name: string, spec: PriorityLevelConfiguration['spec']) {
    this.#sim = sim;
    this.name = name;
    this.spec = spec;
  }

  get exempt(): boolean {
    return this.spec.type === 'Exempt';
  }

  /** Takes the seats at once if they are free and nobody waits: the common case. */
  tryAcquire(width: number): boolean {
    if (!this.exempt && (this.waitingCount > 0 || (this.seatsInUse + width > this.seats && this.seatsInUse > 0))) return false;
    this.seatsInUse += width;
    this.executing++;
    this.dispatched++;
    return true;
  }

  /** Waits for seats; false when the request is turned away. */
  *wait(context: RequestContext, flowSchema: string, distinguisher: string, width: number): Op<boolean> {
    const queuing = this.spec.limited?.limitResponse?.queuing;
    if (this.spec.limited?.limitResponse?.type !== 'Queue' || !queuing) return this.#reject();
    const { queues = 64, handSize = 8, queueLengthLimit = 50 } = queuing;
    while (this.queues.length < queues) this.queues.push({ start: 0, waiting: [] });
    const queue = this.#shortest(hand(`${flowSchema}\n${distinguisher}`, queues, handSize));
    if (queue.waiting.length >= queueLengthLimit) return this.#reject();
    const turn = new Deferred<void>(this.#sim);
    const entry: Waiting = { context, flowSchema, distinguisher, width, arrived: this.#sim.now, turn };
    if (queue.waiting.length === 0 && queue.start < this.#virtualNow) queue.start = this.#virtualNow;
    queue.waiting.push(entry);
    this.waitingCount++;
    const cause = this.#sim.cause;
    let outcome: void | typeof TIMED_OUT = TIMED_OUT;
    let done = false;
    try {
      outcome = yield* turn.waitWithin(MAX_WAIT);
      done = true;
    } finally {
      this.#sim.cause = cause;
      if (!done && this.#remove(queue, entry)) this.cancelled++;
      else if (!done) this.release(width);
    }
    if (outcome !== TIMED_OUT) return true;
    if (this.#remove(queue, entry)) this.timedOut++;
    return false;
  }

  /** Gives the seats back to whoever is next. */
  release(width: number): void {
    this.seatsInUse -= width;
    this.executing--;
    while (this.waitingCount > 0 && this.#dispatchNext());
  }

  #dispatchNext(): boolean {
    let next: Queue | undefined;
    for (const queue of this.queues) if (queue.waiting.length > 0 && (!next || queue.start < next.start)) next = queue;
    const first = next?.waiting[0];
    if (!next || !first || (this.seatsInUse + first.width > this.seats && this.seatsInUse > 0)) return false;
    next.waiting.shift();
    this.waitingCount--;
    this.#virtualNow = next.start;
    next.start += first.width;
    this.seatsInUse += first.width;
    this.executing++;
    this.dispatched++;
    first.turn.resolve();
    return true;
  }

  #shortest(indices: readonly number[]): Queue {
    let best: Queue | undefined;
    let bestLength = Number.POSITIVE_INFINITY;
    for (const index of indices) {
      const queue = this.queues[index] as Queue;
      const length = queue.waiting.reduce((sum, entry) => sum + entry.width, 0);
      if (length < bestLength) {
        best = queue;
        bestLength = length;
      }
    }
    return best as Queue;
  }

  #remove(queue: Queue, entry: Waiting): boolean {
    const index = queue.waiting.indexOf(entry);
    if (index < 0) return false;
    queue.waiting.splice(index, 1);
    this.waitingCount--;
    return true;
  }

  #reject(): false {
    this.rejected++;
    return false;
  }
}

/** Shuffle sharding: `size` different numbers below `deck`, always the same for a flow (util/shufflesharding). */
export function hand(flow: string, deck: number, size: number): readonly number[] {
  let value = hash32(flow) + (hash32(flow, 0x9e3779b9) & 0xfffff) * 2 ** 32;
  const cards: number[] = [];
  for (let i = 0; i < size && i < deck; i++) {
    const left = deck - i;
    let card = value % left;
    value = Math.floor(value / left);
    for (const dealt of [...cards].sort((a, b) => a - b)) if (card >= dealt) card++;
    cards.push(card);
  }
  return cards;
}
