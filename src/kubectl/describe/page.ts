// What a describer works with: the page, and the typed clients that it asks for what belongs to the object
// (kubectl/pkg/describe: the clientset, searchEvents, getPodsInChunks).

import { ApiError } from '../../cluster/api/status.ts';
import type { Event, ObjectReference, Pod } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { LiveObject, Query, Target } from '../rest.ts';
import type { Mapping } from '../resource/discovery.ts';
import { describeEvents } from './events.ts';
import { Writer } from './writer.ts';

export interface Settings {
  readonly showEvents: boolean;
  readonly chunkSize: number;
}

type Reference = Pick<ObjectReference, 'kind' | 'name' | 'namespace' | 'uid'>;

const escapeField = (value: string): string => value.replace(/[\\,=]/g, '\\$&');

/** Where the objects of a built-in type are. */
export function typeOf(apiVersion: string, kind: string, resource: string, namespaced: boolean): Mapping {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version, resource, kind, namespaced, apiVersion, singular: kind.toLowerCase(), shortNames: [], categories: [], verbs: [], subresources: [] };
}

const PODS = typeOf('v1', 'Pod', 'pods', true);
const EVENTS = typeOf('v1', 'Event', 'events', true);

export class Page extends Writer {
  readonly context: Context;
  readonly settings: Settings;
  readonly #kind: string;

  constructor(context: Context, settings: Settings, kind: string) {
    super(context.os.sim.epoch + context.os.sim.now);
    this.context = context;
    this.settings = settings;
    this.#kind = kind;
  }

  *get<T>(mapping: Mapping, namespace: string, name: string): Op<T> {
    return (yield* this.context.rest.get({ mapping, namespace, name })) as unknown as T;
  }

  /** A collection, in pieces of the size that was asked for. */
  *list<T>(mapping: Mapping, namespace: string, query: Query = {}, chunked = true): Op<T[]> {
    const target: Target = { mapping, namespace, name: '' };
    const { chunkSize } = this.settings;
    return (yield* this.context.rest.list(target, { ...(chunked ? { limit: String(chunkSize) } : {}), ...query })) as unknown as T[];
  }

  pods(namespace: string, query: Query = {}): Op<Pod[]> {
    return this.list<Pod>(PODS, namespace, query);
  }

  /** The events about an object; none when they cannot be had. */
  *search({ kind, name = '', namespace = '', uid }: Reference): Op<Event[]> {
    const fields = [
      ...(kind ? [`involvedObject.kind=${escapeField(kind)}`] : []),
      `involvedObject.name=${escapeField(name)}`,
      `involvedObject.namespace=${escapeField(namespace)}`,
      ...(uid ? [`involvedObject.uid=${escapeField(uid)}`] : []),
    ];
    try {
      return yield* this.list<Event>(EVENTS, namespace, { fieldSelector: fields.join(',') });
    } catch (error) {
      if (error instanceof ApiError) return [];
      throw error;
    }
  }

  /** The end of most pages. */
  *events(object: { readonly metadata?: LiveObject['metadata'] }, reference: Reference = {}): Op<void> {
    if (!this.settings.showEvents) return;
    const { name = '', namespace = '', uid = '' } = object.metadata ?? {};
    describeEvents(this, yield* this.search({ kind: this.#kind, name, namespace, uid, ...reference }));
  }
}
