// Creating and deleting Pods for a controller, with the events that tell of it (RealPodControl of
// pkg/controller/controller_utils.go).

import type { Pod, PodTemplateSpec } from '../api/generated/types.ts';
import { type ApiObject, controllerReference } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client, Draft } from '../client/client.ts';
import { isNamespaceTerminating, isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Op } from '../sim/simulation.ts';

/** The Pod that `template` describes, named by the server after its owner. */
export function podFromTemplate(template: PodTemplateSpec, owner: ApiObject): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return Object.freeze({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: Object.freeze({
      generateName: podNamePrefix(owner.metadata.name),
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: Object.freeze([Object.freeze(controllerReference(owner))]),
    }),
    spec: template.spec as Pod['spec'],
  });
}

/** The dash is left out when the name would become too long to be one. */
function podNamePrefix(owner: string): string {
  const prefix = `${owner}-`;
  return prefix.length > 253 ? owner : prefix;
}

export class PodControl {
  readonly #client: Client;
  readonly #recorder: EventRecorder;

  constructor(client: Client, recorder: EventRecorder) {
    this.#client = client;
    this.#recorder = recorder;
  }

  *create(pod: Draft<Pod>, owner: ApiObject): Op<Pod> {
    try {
      const created = yield* this.#client.create('pods', pod);
      this.#recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      if (!isNamespaceTerminating(error)) this.#recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  }

  /** As `create`; but nothing can be made in a namespace that goes away, and that is no failure. */
  *createUnlessTerminating(pod: Draft<Pod>, owner: ApiObject): Op<void> {
    try {
      yield* this.create(pod, owner);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
  }

  *delete(pod: Pod, owner: ApiObject): Op<void> {
    const { namespace = '', name } = pod.metadata;
    try {
      yield* this.#client.delete('pods', namespace, name);
      this.#recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (error) {
      if (isProgrammingError(error) || isNotFound(error)) throw error;
      this.#recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
      throw error;
    }
  }
}
