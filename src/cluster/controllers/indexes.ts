// Index functions that several controllers share, so that no sync scans all objects.

import type { Pod } from '../api/generated/types.ts';
import { type ApiObject, controllerOf } from '../api/meta.ts';
import type { Informer } from '../client/informer.ts';

/** Objects by the UID of their controller; those without one under `orphansOf(namespace)`. */
export const BY_CONTROLLER = 'controller';
/** Pods by `spec.nodeName`. */
export const BY_NODE = 'node';

export const orphansOf = (namespace: string): string => `orphans/${namespace}`;

export function indexByController<T extends ApiObject>(informer: Informer<T>): void {
  informer.addIndex(BY_CONTROLLER, (object) => controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace ?? ''));
}

export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(BY_NODE, (pod) => pod.spec.nodeName || undefined);
}
