// What a controller knows about the custom resources that it brings along, in place of a generated client.

import type { ResourceKind } from '../api/kinds.ts';
import type { ApiObject } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import type { Op } from '../sim/simulation.ts';

const VERBS: readonly string[] = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

export function customKind(group: string, version: string, kind: string, plural: string, namespaced = true): ResourceKind {
  return {
    group,
    version,
    apiVersion: `${group}/${version}`,
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced,
    verbs: VERBS,
    subresources: [],
    schema: '',
    key: `${plural}.${group}`,
    custom: null,
  };
}

/** Writes the status of a custom object. Throws as the client does. */
export function* writeStatus<T extends ApiObject>(client: Client, kind: ResourceKind, object: T): Op<T> {
  return (yield* client.update(kind as never, object as never, 'status')) as T;
}
