// Mirror Pods: the API's reflection of static Pods (kubelet/pod/mirror_client.go).

import { ApiError } from '../api/status.ts';
import type { Node, Pod } from '../api/generated/types.ts';
import { isProgrammingError } from '../client/errors.ts';
import type { Op } from '../sim/simulation.ts';
import { CONFIG_HASH, CONFIG_MIRROR, type Context, podKey, podUid } from './context.ts';

export class Mirrors {
  readonly #context: Context;
  readonly #byKey = new Map<string, Pod>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The mirror of a static Pod, if the API has one of this very manifest. */
  of(pod: Pod): Pod | undefined {
    const mirror = this.#byKey.get(podKey(pod));
    return mirror?.metadata.annotations?.[CONFIG_MIRROR] === pod.metadata.annotations?.[CONFIG_HASH] ? mirror : undefined;
  }

  byKey(key: string): Pod | undefined {
    return this.#byKey.get(key);
  }

  observe(mirror: Pod): void {
    this.#byKey.set(podKey(mirror), mirror);
  }

  forget(mirror: Pod): void {
    this.#byKey.delete(podKey(mirror));
  }

  /** Makes the API show this static Pod; false when that could not be done now. */
  *ensure(pod: Pod, node: Node | undefined): Op<boolean> {
    const { client, os } = this.#context;
    if (!client) return true;
    if (!node) return false;
    const present = this.#byKey.get(podKey(pod));
    if (present && this.of(pod) && present.metadata.deletionTimestamp === undefined) return true;
    try {
      if (present) yield* this.#delete(present);
      yield* client.create('pods', mirrorOf(pod, node));
      return true;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      if (error instanceof ApiError && error.status.reason === 'AlreadyExists') return true;
      os.logError(`"Failed creating a mirror pod" err="${error instanceof Error ? error.message : String(error)}" pod="${podKey(pod)}"`);
      return false;
    }
  }

  /** Takes the mirror of a Pod whose manifest has gone away. */
  *remove(pod: Pod): Op<void> {
    const present = this.#byKey.get(podKey(pod));
    if (!present) return;
    try {
      yield* this.#delete(present);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#context.os.logError(`"Failed deleting a mirror pod" err="${error instanceof Error ? error.message : String(error)}" pod="${podKey(pod)}"`);
    }
  }

  *#delete(mirror: Pod): Op<void> {
    const { namespace = '', name } = mirror.metadata;
    try {
      if (this.#context.client) yield* this.#context.client.delete('pods', namespace, name, { gracePeriodSeconds: 0, preconditions: { uid: podUid(mirror) } });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status.reason !== 'NotFound') throw error;
    }
    this.forget(mirror);
  }
}

function mirrorOf(pod: Pod, node: Node): Pod {
  const { uid, resourceVersion: _, ...metadata } = pod.metadata;
  const owner = { apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid ?? '', controller: true };
  return {
    ...pod,
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [CONFIG_MIRROR]: metadata.annotations?.[CONFIG_HASH] ?? uid ?? '' },
      ownerReferences: [owner],
    },
  };
}
