// Events of the events.k8s.io/v1 API, as client-go's tools/events writes them: repeats within six minutes become a series.

import type { EventsV1Event, ObjectReference } from '../api/generated/types.ts';
import type { ApiObject } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError } from '../client/errors.ts';
import { hexNanos, referenceTo } from '../client/events.ts';
import type { Os } from '../machine/process.ts';
import { Channel } from '../sim/channel.ts';
import { hash32 } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, MINUTE } from '../sim/time.ts';

const SERIES_WINDOW: Micros = 6 * MINUTE;
/** validation.NoteLengthLimit. */
const MAX_NOTE = 1024;

interface Known {
  readonly namespace: string;
  readonly name: string;
  count: number;
  last: Micros;
}

interface Job {
  readonly event: EventsV1Event;
  readonly known: Known | null;
}

export class EventsV1Recorder {
  readonly #os: Os;
  readonly #client: Client;
  readonly #controller: string;
  readonly #queue: Channel<Job>;
  readonly #known = new Map<string, Known>();
  #nanosecond: number;

  constructor(os: Os, client: Client, controller: string) {
    this.#os = os;
    this.#client = client;
    this.#controller = controller;
    this.#queue = new Channel(os.sim);
    this.#nanosecond = hash32(controller) % 1000;
    os.go('event-broadcaster', () => this.#write());
  }

  /** Never waits. `related` is another object that took part. */
  event(regarding: ApiObject, related: ApiObject | null, type: 'Normal' | 'Warning', reason: string, action: string, note: string): void {
    const { sim } = this.#os;
    const reference = referenceTo(regarding) as ObjectReference;
    const key = `${type}|${reason}|${action}|${reference.uid ?? ''}|${reference.namespace ?? ''}/${reference.name ?? ''}|${related?.metadata.uid ?? ''}`;
    const known = this.#known.get(key);
    if (known && sim.now - known.last <= SERIES_WINDOW) {
      known.count++;
      known.last = sim.now;
      // The first repeat is written at once, later ones only refresh the count here.
      if (known.count === 2) this.#queue.send({ event: this.#make(reference, related, type, reason, action, note), known });
      return;
    }
    const event = this.#make(reference, related, type, reason, action, note);
    if (this.#known.size > 4096) this.#forgetOld();
    this.#known.set(key, { namespace: event.metadata.namespace ?? 'default', name: event.metadata.name, count: 1, last: sim.now });
    this.#queue.send({ event, known: null });
  }

  #make(regarding: ObjectReference, related: ApiObject | null, type: string, reason: string, action: string, note: string): EventsV1Event {
    const { sim, machine } = this.#os;
    this.#nanosecond = (this.#nanosecond + 1) % 1000;
    const nanos = hexNanos(sim.epoch + sim.now, this.#nanosecond);
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${regarding.name ?? ''}.${nanos}`, namespace: regarding.namespace ? regarding.namespace : 'default' },
      eventTime: sim.microTime(),
      reportingController: this.#controller,
      reportingInstance: `${this.#controller}-${machine.name}`,
      action,
      reason,
      regarding,
      ...(related ? { related: referenceTo(related) as ObjectReference } : {}),
      note: note.length > MAX_NOTE ? `${note.slice(0, MAX_NOTE - 4)} ...` : note,
      type,
    };
  }

  *#write(): Op<void> {
    for (;;) {
      const job = yield* this.#queue.receive();
      if (job === undefined) return;
      try {
        if (job.known) yield* this.#extend(job.known);
        else yield* this.#client.create('events.events.k8s.io', job.event);
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        this.#os.logError(`"Unable to write event" err="${error instanceof Error ? error.message : String(error)}"`);
      }
    }
  }

  *#extend({ namespace, name, count }: Known): Op<void> {
    const series = { count, lastObservedTime: this.#os.sim.microTime() };
    yield* this.#client.patch('events.events.k8s.io', namespace, name, { series }, 'strategic');
  }

  #forgetOld(): void {
    for (const [key, known] of this.#known) if (this.#os.sim.now - known.last > SERIES_WINDOW) this.#known.delete(key);
  }
}
