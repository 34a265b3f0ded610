// The event recorder of client-go (tools/record): events are correlated, then written by one task in the background.

import type { Event, ObjectReference } from '../api/generated/types.ts';
import type { ApiObject } from '../api/meta.ts';
import { ApiError, isNotFound } from '../api/status.ts';
import type { Os } from '../machine/process.ts';
import { Channel } from '../sim/channel.ts';
import { hash32 } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import type { Client } from './client.ts';
import { isProgrammingError, messageOf } from './errors.ts';
import { EventCorrelator } from './eventcorrelator.ts';

export type EventType = 'Normal' | 'Warning';

/** Who reports: `source.component` and `reportingComponent`; `host` for the kubelet. */
export interface EventSource {
  readonly component: string;
  readonly host?: string;
}

const QUEUE_LENGTH = 1000;
const MAX_TRIES = 12;
const RETRY_PERIOD = 10 * SECOND;

export class EventRecorder {
  readonly #os: Os;
  readonly #client: Client;
  readonly #source: EventSource;
  readonly #queue: Channel<Event>;
  readonly #correlator: EventCorrelator;
  /** The nanoseconds that the virtual clock does not have: makes the names of events of one instant differ. */
  #nanosecond: number;
  #started = false;

  constructor(os: Os, client: Client, source: EventSource) {
    this.#os = os;
    this.#client = client;
    this.#source = Object.freeze(source.host === undefined ? { component: source.component } : { component: source.component, host: source.host });
    this.#queue = new Channel(os.sim);
    this.#correlator = new EventCorrelator(os.sim);
    this.#nanosecond = hash32(source.component) % 1000;
  }

  /** Records an event about `object` (which has apiVersion, kind and metadata) or about a reference. Never waits. */
  event(object: ApiObject | ObjectReference, type: EventType, reason: string, message: string): void {
    if (this.#queue.length >= QUEUE_LENGTH) {
      this.#os.logError(`"Unable to record event: too many queued events, dropped event" reason="${reason}"`);
      return;
    }
    if (!this.#started) {
      this.#started = true;
      this.#os.go(`event-recorder/${this.#source.component}`, () => this.#write());
    }
    this.#queue.send(this.#make(referenceTo(object), type, reason, message));
  }

  #make(involved: ObjectReference, type: EventType, reason: string, message: string): Event {
    const sim = this.#os.sim;
    const now = sim.time();
    const namespace = involved.namespace ? involved.namespace : 'default';
    this.#nanosecond = (this.#nanosecond + 1) % 1000;
    const { component, host } = this.#source;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${involved.name ?? ''}.${hexNanos(sim.epoch + sim.now, this.#nanosecond)}`, namespace },
      involvedObject: involved,
      reason,
      message,
      source: this.#source,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  *#write(): Op<void> {
    for (;;) {
      const event = yield* this.#queue.receive();
      if (event === undefined) return;
      yield* this.#record(event);
    }
  }

  *#record(event: Event): Op<void> {
    const { skip, event: correlated, patch } = this.#correlator.correlate(event);
    if (skip) return;
    for (let tries = 1; ; tries++) {
      try {
        yield* this.#send(correlated, patch);
        return;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        const message = messageOf(error);
        // The server's own no is final; a server that cannot be reached is tried again.
        if (error instanceof ApiError || tries === MAX_TRIES) {
          this.#os.logError(`"Server rejected event (will not retry!)" err="${message}" event="${event.metadata.namespace}/${event.metadata.name}"`);
          return;
        }
        this.#os.logError(`"Unable to write event (may retry after sleeping)" err="${message}"`);
      }
      yield* this.#os.sleep(RETRY_PERIOD);
    }
  }

  *#send(event: Event, patch: Readonly<Record<string, unknown>> | null): Op<void> {
    if (patch) {
      try {
        yield* this.#client.patch('events', event.metadata.namespace ?? '', event.metadata.name, patch, 'strategic');
        return;
      } catch (error) {
        // Events expire: then it is written anew.
        if (!isNotFound(error)) throw error;
      }
    }
    yield* this.#client.create('events', event);
  }
}

/** As `reference.GetReference`. */
export function referenceTo(object: ApiObject | ObjectReference): ObjectReference {
  if (!('metadata' in object)) return object;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const { kind, apiVersion } = object;
  if (kind && namespace && name && uid && apiVersion && resourceVersion) return { kind, namespace, name, uid, apiVersion, resourceVersion };
  return {
    ...(kind ? { kind } : {}),
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(uid ? { uid } : {}),
    ...(apiVersion ? { apiVersion } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
  };
}

/** Nanoseconds since 1970 in hexadecimal, as Go prints `%x` of UnixNano. They do not fit a double: in two halves. */
export function hexNanos(unixMicros: number, nanosecond: number): string {
  const high = Math.floor(unixMicros / HALF);
  const low = (unixMicros - high * HALF) * 1000 + nanosecond;
  const carry = Math.floor(low / HALF);
  return (high * 1000 + carry).toString(16) + (low - carry * HALF).toString(16).padStart(6, '0');
}

const HALF = 0x100_0000;
