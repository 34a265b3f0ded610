// The kubelet's events about Pods, containers and its node; none while there is no API server configured.

import type { Container, ObjectReference, Pod } from '../api/generated/types.ts';
import type { ApiObject } from '../api/meta.ts';
import type { EventRecorder, EventType } from '../client/events.ts';

export class Events {
  readonly #recorder: EventRecorder | null;
  readonly #nodeName: string;

  constructor(recorder: EventRecorder | null, nodeName: string) {
    this.#recorder = recorder;
    this.#nodeName = nodeName;
  }

  pod(pod: Pod, type: EventType, reason: string, message: string): void {
    this.#recorder?.event(reference(pod), type, reason, message);
  }

  /** About an object that a Pod of this node uses. */
  object(object: ApiObject, type: EventType, reason: string, message: string): void {
    this.#recorder?.event(object, type, reason, message);
  }

  /** The reference's fieldPath names the container. */
  container(pod: Pod, container: Container, type: EventType, reason: string, message: string): void {
    this.#recorder?.event(reference(pod, fieldPath(pod, container)), type, reason, message);
  }

  /** The kubelet names itself by its node's name where the UID should be, as upstream does. */
  node(type: EventType, reason: string, message: string): void {
    this.#recorder?.event({ kind: 'Node', name: this.#nodeName, uid: this.#nodeName }, type, reason, message);
  }
}

function reference(pod: Pod, path?: string): ObjectReference {
  const { namespace, name, uid, resourceVersion } = pod.metadata;
  const made: { -readonly [K in keyof ObjectReference]: ObjectReference[K] } = { kind: 'Pod', apiVersion: 'v1', name: name ?? '' };
  if (namespace !== undefined) made.namespace = namespace;
  if (uid !== undefined) made.uid = uid;
  if (resourceVersion !== undefined) made.resourceVersion = resourceVersion;
  if (path !== undefined) made.fieldPath = path;
  return made;
}

/** Undefined for an image of a volume, which belongs to no container. */
function fieldPath(pod: Pod, container: Container): string | undefined {
  const { spec } = pod;
  const has = (containers: readonly { readonly name: string }[] | undefined): boolean => containers?.some((c) => c.name === container.name) ?? false;
  if (container.name === '') return undefined;
  const list = has(spec?.containers) ? 'containers' : has(spec?.initContainers) ? 'initContainers' : 'ephemeralContainers';
  return `spec.${list}{${container.name}}`;
}
