// When what made a Service's endpoints change happened (k8s.io/endpointslice/util TriggerTimeTracker): written beside the
// endpoints, so that others can measure how long the news took to reach them.

import type { ObjectMeta, Pod, Service } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import { readyCondition } from './pods.ts';

const ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';

export class TriggerTimes {
  readonly #pods = new Map<string, string>();
  #earliest: string | undefined;

  constructor(service: Service) {
    this.#earliest = service.metadata.creationTimestamp;
  }

  /** A Pod of the Service as it is now. */
  note(pod: Pod): void {
    const time = readyCondition(pod)?.lastTransitionTime;
    const key = keyOf(pod);
    if (time === undefined || time <= (this.#pods.get(key) ?? '')) return;
    this.#pods.set(key, time);
    if (this.#earliest === undefined || time < this.#earliest) this.#earliest = time;
  }

  forget(key: string): void {
    this.#pods.delete(key);
  }

  /** The earliest time since the last call; undefined when nothing new has happened. */
  take(): string | undefined {
    const time = this.#earliest;
    this.#earliest = undefined;
    return time;
  }
}

/** Metadata with the annotation set to `time`, or without it. */
export function stamped<M extends Partial<ObjectMeta>>(metadata: M, time: string | undefined): M {
  const { [ANNOTATION]: before, ...others } = metadata.annotations ?? {};
  if (time === undefined && before === undefined) return metadata;
  return { ...metadata, annotations: time === undefined ? others : { ...others, [ANNOTATION]: time } };
}
