// Requests to the API server: paths from mappings, queries, warnings on stderr, verbosity lines (client-go rest, resource.Helper).

import { ApiError } from '../cluster/api/status.ts';
import type { Client } from '../cluster/client/client.ts';
import type { Os } from '../cluster/machine/process.ts';
import type { HttpResponse, HttpStream } from '../cluster/network/http.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import type { Subject } from '../cluster/sim/trace.ts';
import { connect } from './config/client-config.ts';
import type { Flags } from './flag-set.ts';
import { klog } from './klog.ts';
import { CommandError } from './print/error.ts';
import type { Mapping } from './resource/discovery.ts';

/** An object as the server sends it. */
export interface LiveObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly managedFields?: readonly { readonly manager?: string; readonly operation?: string; readonly subresource?: string }[];
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/** Where an object or (name '') a collection is. */
export interface Target {
  readonly mapping: Mapping;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
}

export type Query = Readonly<Record<string, string>>;

export interface RequestOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** The object's name for the trace, when it is not in the path. */
  readonly subjectName?: string;
  readonly subject?: Subject;
  /** Ask for streams both ways: exec, attach, portforward. */
  readonly upgrade?: boolean;
}

export interface ListBody {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: LiveObject['metadata'];
  readonly items?: readonly LiveObject[];
}

export type PatchType = 'strategic' | 'merge' | 'json' | 'apply';

export const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

const STATUS_TEXT: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict', 422: 'Unprocessable Entity' };

export function pathOf({ mapping, namespace, name, subresource }: Target): string {
  const base = mapping.group === '' ? `/api/${mapping.version}` : `/apis/${mapping.group}/${mapping.version}`;
  const scope = mapping.namespaced && namespace !== '' ? `/namespaces/${namespace}` : '';
  return `${base}${scope}/${mapping.resource}${name === '' ? '' : `/${name}`}${subresource ? `/${subresource}` : ''}`;
}

export class Rest {
  readonly os: Os;
  readonly client: Client;
  readonly server: string;
  /** How many warnings the server sent. */
  warnings = 0;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #verbosity: number;
  /** Each warning is told once. */
  readonly #warned = new Set<string>();

  /** Throws CommandError when the configuration is of no use. */
  constructor(os: Os, flags: Flags, commandPath: string) {
    const settings = connect(os, flags, commandPath);
    this.os = os;
    this.client = settings.client;
    this.server = settings.server;
    this.#headers = settings.headers;
    this.#verbosity = flags.integer('v');
  }

  /** Any request. Throws ApiError, SocketError, HttpTimeout. */
  *raw(method: string, path: string, options: RequestOptions = {}, verb = method): Op<HttpResponse> {
    const { query = {}, body, subject, upgrade } = options;
    const headers = {
      ...this.#headers,
      accept: options.accept ?? 'application/json',
      ...(body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
    };
    const begun = this.os.sim.now;
    try {
      const response = yield* this.client.raw({ method, path, query, headers, verb, ...(subject ? { subject } : {}), ...(upgrade ? { upgrade } : {}), ...(body === undefined ? {} : { body }) });
      this.#log(method, path, query, response.status, begun);
      this.#warn(response.headers['warning']);
      return response;
    } catch (error) {
      if (error instanceof ApiError) this.#log(method, path, query, error.code, begun);
      throw error;
    }
  }

  /** A request about one object or one collection. Returns the body. */
  *request(method: string, target: Target, options: RequestOptions = {}): Op<unknown> {
    const { mapping, namespace, name } = target;
    const subject = { group: mapping.group, resource: mapping.resource, kind: mapping.kind, namespace: mapping.namespaced ? namespace : '', name: options.subjectName ?? name };
    return (yield* this.raw(method, pathOf(target), { subject, ...options })).body;
  }

  *get(target: Target, query: Query = {}): Op<LiveObject> {
    return (yield* this.request('GET', target, { query })) as LiveObject;
  }

  /** The object, or undefined when there is none. */
  *find(target: Target): Op<LiveObject | undefined> {
    try {
      return yield* this.get(target);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** All objects, page by page; the items have their kind. */
  *list(target: Target, query: Query = {}): Op<LiveObject[]> {
    const items: LiveObject[] = [];
    let more: string | undefined = '';
    do {
      const body = (yield* this.request('GET', target, { query: { limit: '500', ...query, ...(more ? { continue: more } : {}) } })) as ListBody;
      for (const item of body.items ?? []) items.push({ ...item, apiVersion: target.mapping.apiVersion, kind: target.mapping.kind });
      more = body.metadata?.continue;
    } while (more);
    return items;
  }

  *create(target: Target, body: unknown, query: Query = {}): Op<LiveObject> {
    return (yield* this.request('POST', { ...target, name: target.subresource ? target.name : '' }, { query, body, subjectName: target.name })) as LiveObject;
  }

  *replace(target: Target, body: unknown, query: Query = {}): Op<LiveObject> {
    return (yield* this.request('PUT', target, { query, body })) as LiveObject;
  }

  *patch(target: Target, type: PatchType, body: unknown, query: Query = {}): Op<LiveObject> {
    return (yield* this.request('PATCH', target, { query, body, contentType: PATCH_TYPES[type] })) as LiveObject;
  }

  *delete(target: Target, body: unknown = {}): Op<LiveObject & { readonly details?: { readonly uid?: string } }> {
    return (yield* this.request('DELETE', target, { body })) as LiveObject & { details?: { uid?: string } };
  }

  /** A watch of one collection; its pieces are `{type, object}`. Cancel it when done. */
  *watch(target: Target, query: Query, options: Pick<RequestOptions, 'accept' | 'subjectName'> = {}): Op<HttpStream> {
    const { mapping, namespace } = target;
    const subject = { group: mapping.group, resource: mapping.resource, kind: mapping.kind, namespace: mapping.namespaced ? namespace : '', name: options.subjectName ?? '' };
    const response = yield* this.raw('GET', pathOf({ ...target, name: '' }), { subject, ...options, query: { ...query, watch: 'true' } }, 'watch');
    if (!response.stream) throw new CommandError('the watch was answered without a stream');
    return response.stream;
  }

  #warn(header: string | undefined): void {
    if (!header) return;
    for (const text of header.split('\n')) {
      if (this.#warned.has(text)) continue;
      this.#warned.add(text);
      this.warnings++;
      this.os.logError(`Warning: ${/^299 \S+ "(.*)"$/.exec(text)?.[1]?.replaceAll('\\"', '"') ?? text}`);
    }
  }

  #log(method: string, path: string, query: Query, status: number, begun: number): void {
    if (this.#verbosity < 6) return;
    const search = Object.entries(query).map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&');
    const url = `${this.server}${path}${search === '' ? '' : `?${search}`}`;
    klog(this.os, `round_trippers.go:632] "Response" verb="${method}" url="${url}" status="${status} ${STATUS_TEXT[status] ?? ''}" milliseconds=${Math.round((this.os.sim.now - begun) / 1e3)}`);
  }
}
