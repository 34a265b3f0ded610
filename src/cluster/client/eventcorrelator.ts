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

/** What was reported about one object. */
interface Involved {
  readonly bucket: TokenBucket;
  /** By type and reason. */
  readonly similar: Map<string, Similar>;
}

interface Similar {
  readonly messages: Set<string>;
  last: Micros;
  /** By field path and message. */
  readonly observed: Map<string, Observation>;
  /** Of the event that stands for them all. */
  combined: Observation | undefined;
}

/** For the events of one source. */
export class EventCorrelator {
  readonly #sim: Simulation;
  readonly #involved = new LruCache<Involved>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  correlate(event: Event): Correlated {
    const key = involvedKey(event);
    let involved = this.#involved.get(key);
    if (involved === undefined) this.#involved.set(key, (involved = { bucket: new TokenBucket(this.#sim, SPAM_RATE, SPAM_BURST), similar: new Map() }));
    const { event: counted, patch } = this.#count(event, this.#similarTo(event, involved));
    return { event: counted, patch, skip: !involved.bucket.tryTake() };
  }

  #similarTo(event: Event, { similar: all }: Involved): Similar {
    const key = `${event.type}|${event.reason}`;
    const now = this.#sim.now;
    let similar = all.get(key);
    if (similar === undefined) all.set(key, (similar = { messages: new Set(), last: now, observed: new Map(), combined: undefined }));
    else if (now - similar.last > SIMILAR_INTERVAL) similar.messages.clear();
    similar.messages.add(event.message ?? '');
    similar.last = now;
    return similar;
  }

  #count(event: Event, similar: Similar): { event: Event; patch: Correlated['patch'] } {
    const { messages, observed } = similar;
    if (messages.size < MAX_SIMILAR) {
      const path = event.involvedObject.fieldPath;
      const message = event.message ?? '';
      const key = path === undefined ? message : `${path}|${message}`;
      const counted = repeat(event, observed.get(key));
      observed.delete(key);
      observed.set(key, observationOf(counted.event));
      if (observed.size > CACHE_SIZE) observed.delete(observed.keys().next().value as string);
      return counted;
    }
    const [oldest] = messages;
    messages.delete(oldest as string);
    const counted = repeat({ ...event, message: `${COMBINED}${event.message ?? ''}` }, similar.combined);
    similar.combined = observationOf(counted.event);
    return counted;
  }
}

/** The event as it is written, when it was seen before. */
function repeat(event: Event, last: Observation | undefined): { event: Event; patch: Correlated['patch'] } {
  if (last === undefined) return { event, patch: null };
  const count = last.count + 1;
  return {
    event: { ...event, metadata: { ...event.metadata, name: last.name }, firstTimestamp: last.firstTimestamp, count },
    patch: { count, lastTimestamp: event.lastTimestamp, message: event.message },
  };
}

const COMBINED = '(combined from similar events): ';

function observationOf(event: Event): Observation {
  return { count: event.count ?? 1, firstTimestamp: event.firstTimestamp ?? '', name: event.metadata.name };
}

function involvedKey({ involvedObject: o }: Event): string {
  return `${o.uid}|${o.name}|${o.namespace}|${o.kind}|${o.apiVersion}`;
}

interface Link<V> {
  readonly key: string;
  value: V;
  older: Link<V> | null;
  newer: Link<V> | null;
}

/** Forgets what was not used for longest. */
class LruCache<V> {
  readonly #links = new Map<string, Link<V>>();
  #newest: Link<V> | null = null;
  #oldest: Link<V> | null = null;

  get(key: string): V | undefined {
    const link = this.#links.get(key);
    if (link === undefined) return undefined;
    if (link.newer !== null) {
      this.#unlink(link);
      this.#append(link);
    }
    return link.value;
  }

  set(key: string, value: V): void {
    const known = this.#links.get(key);
    if (known) this.#unlink(known);
    const link: Link<V> = { key, value, older: null, newer: null };
    this.#links.set(key, link);
    this.#append(link);
    const oldest = this.#oldest;
    if (this.#links.size <= CACHE_SIZE || oldest === null) return;
    this.#unlink(oldest);
    this.#links.delete(oldest.key);
  }

  #append(link: Link<V>): void {
    link.older = this.#newest;
    link.newer = null;
    if (this.#newest) this.#newest.newer = link;
    else this.#oldest = link;
    this.#newest = link;
  }

  #unlink({ older, newer }: Link<V>): void {
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
  }
}
