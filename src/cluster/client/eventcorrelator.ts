// Event correlation of client-go (tools/record/events_cache.go): counts repeats, folds similar events, drops spam.

import type { Event } from '../api/generated/types.ts';
import type { Simulation } from '../sim/simulation.ts';
import { type Micros, MINUTE } from '../sim/time.ts';
import { TokenBucket } from './ratelimit.ts';

export interface Correlated {
  readonly event: Event;
  /** For an event that exists already: what to change in it. */
  readonly patch: Readonly<Record<string, unknown>> | null;
  readonly skip: boolean;
}

const CACHE_SIZE = 4096;
/** From this many different messages of one reason within the interval on, they become one event. */
const MAX_SIMILAR = 10;
const SIMILAR_INTERVAL: Micros = 10 * MINUTE;
const SPAM_BURST = 25;
const SPAM_RATE = 1 / 300;

interface Observation {
  readonly count: number;
  readonly firstTimestamp: string;
  readonly name: string;
}

interface Similar {
  readonly messages: Set<string>;
  last: Micros;
}

export class EventCorrelator {
  readonly #sim: Simulation;
  readonly #observed = new LruCache<Observation>();
  readonly #similar = new LruCache<Similar>();
  readonly #buckets = new LruCache<TokenBucket>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  correlate(event: Event): Correlated {
    const { event: folded, key } = this.#aggregate(event);
    const { event: counted, patch } = this.#count(folded, key);
    return { event: counted, patch, skip: !this.#admit(counted) };
  }

  #aggregate(event: Event): { event: Event; key: string } {
    const key = similarKey(event);
    const now = this.#sim.now;
    let similar = this.#similar.get(key);
    if (similar === undefined || now - similar.last > SIMILAR_INTERVAL) this.#similar.set(key, (similar = { messages: new Set(), last: now }));
    similar.messages.add(event.message ?? '');
    similar.last = now;
    if (similar.messages.size < MAX_SIMILAR) return { event, key: eventKey(event) };
    const [oldest] = similar.messages;
    similar.messages.delete(oldest as string);
    return { event: { ...event, message: `${COMBINED}${event.message ?? ''}` }, key };
  }

  #count(event: Event, key: string): { event: Event; patch: Correlated['patch'] } {
    const last = this.#observed.get(key);
    if (last === undefined) {
      this.#observed.set(key, observationOf(event));
      return { event, patch: null };
    }
    const count = last.count + 1;
    const repeated: Event = { ...event, metadata: { ...event.metadata, name: last.name }, firstTimestamp: last.firstTimestamp, count };
    this.#observed.set(key, observationOf(repeated));
    return { event: repeated, patch: { count, lastTimestamp: event.lastTimestamp, message: event.message } };
  }

  #admit(event: Event): boolean {
    const key = spamKey(event);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, (bucket = new TokenBucket(this.#sim, SPAM_RATE, SPAM_BURST)));
    return bucket.tryTake();
  }
}

const COMBINED = '(combined from similar events): ';

function observationOf(event: Event): Observation {
  return { count: event.count ?? 1, firstTimestamp: event.firstTimestamp ?? '', name: event.metadata.name };
}

function spamKey({ source, involvedObject: o }: Event): string {
  return `${source?.component}|${source?.host}|${o.kind}|${o.namespace}|${o.name}|${o.uid}|${o.apiVersion}`;
}

function similarKey(event: Event): string {
  return `${spamKey(event)}|${event.type}|${event.reason}`;
}

function eventKey(event: Event): string {
  return `${similarKey(event)}|${event.involvedObject.fieldPath}|${event.message}`;
}

/** Forgets what was not used for longest. */
class LruCache<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= CACHE_SIZE) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest as string);
  }
}
