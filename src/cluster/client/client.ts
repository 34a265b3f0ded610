// A typed REST client for the API server, as client-go's rest.Client and typed clientsets: paths from kinds,
// Status errors as ApiError, client-side rate limit, retries on 429/5xx with Retry-After.

import type { Binding, ObjectMeta, ResourceTypes, Status } from '../api/generated/types.ts';
import { mustResource, type ResourceKind } from '../api/kinds.ts';
import type { ApiObject } from '../api/meta.ts';
import { verifyCertificate } from '../api/pki.ts';
import { ApiError } from '../api/status.ts';
import type { Os } from '../machine/process.ts';
import { HttpClient, type HttpRequest, type HttpResponse, type HttpStream } from '../network/http.ts';
import { SocketError } from '../network/socket-error.ts';
import type { Op } from '../sim/simulation.ts';
import { MINUTE, type Micros, SECOND } from '../sim/time.ts';
import type { Subject } from '../sim/trace.ts';
import { TokenBucket } from './ratelimit.ts';

export interface ClientConfig {
  /** `https://host:port`; host is an IPv4 address. */
  readonly server: string;
  /** PEM text of the client certificate. */
  readonly clientCertificate?: string;
  readonly token?: string;
  /** Read anew for each request, as projected tokens are renewed. */
  readonly tokenFile?: string;
  /** Gives the bearer token for each request: for tokens that must be asked for and renewed. */
  readonly tokenSource?: () => Op<string>;
  readonly userAgent: string;
  readonly ca?: string;
  /** How long to wait for an answer (not of a watch); default a minute. */
  readonly timeout?: Micros;
  /** Client-side limit in requests a second, with `burst`; absent = unlimited. */
  readonly qps?: number;
  readonly burst?: number;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
}

export interface WatchOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  /** Whole seconds after which the server ends the stream. */
  readonly timeoutSeconds?: number;
  readonly allowWatchBookmarks?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface ListResult<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export type PatchType = 'strategic' | 'merge' | 'json' | 'apply';
export type Resource = keyof ResourceTypes;
/** The resources that are kept and can be watched; reviews are not. */
export type StoredResource = { [R in Resource]: ResourceTypes[R] extends ApiObject ? R : never }[Resource];
/** An object as it is sent to be created: the server fills in the rest; `generateName` may stand for the name. */
export type Draft<T> = Omit<T, 'metadata' | 'status'> & {
  readonly metadata: Partial<ObjectMeta>;
  readonly status?: unknown;
};

const PATCH_CONTENT: Readonly<Record<PatchType, string>> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

const MAX_RETRIES = 10;

/** One open watch. `read` gives undefined when the server has ended it. */
export class WatchStream<T> {
  readonly #stream: HttpStream;

  constructor(stream: HttpStream) {
    this.#stream = stream;
  }

  *read(): Op<WatchEvent<T> | undefined> {
    return (yield* this.#stream.read()) as WatchEvent<T> | undefined;
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** What `Client.raw` takes: a request without the headers that the client adds. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly subject?: Subject;
  readonly verb?: string;
}

interface Target {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
}

/** All calls throw ApiError (the server's Status) or the network's SocketError/HttpTimeout. */
export class Client {
  readonly os: Os;
  readonly config: ClientConfig;
  /** The connection, which clients of one process may share. */
  readonly http: HttpClient;
  readonly #limiter: TokenBucket | null;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(os: Os, config: ClientConfig, http: HttpClient = connect(os, config)) {
    this.os = os;
    this.config = config;
    this.http = http;
    this.#limiter = config.qps === undefined ? null : new TokenBucket(os.sim, config.qps, config.burst ?? config.qps);
    this.#headers = Object.freeze({
      accept: 'application/json',
      'user-agent': config.userAgent,
      ...(config.token === undefined ? {} : { authorization: `Bearer ${config.token}` }),
    });
  }

  /** A client with another user agent (and its own rate limit) over the same connection. */
  as(userAgent: string): Client {
    return new Client(this.os, { ...this.config, userAgent }, this.http);
  }

  *get<R extends Resource>(resource: R, namespace: string, name: string): Op<ResourceTypes[R]> {
    return (yield* this.#call('get', 'GET', { kind: mustResource(resource), namespace, name })) as ResourceTypes[R];
  }

  /** `namespace` '' lists all namespaces. */
  *list<R extends Resource>(resource: R, namespace: string, options: ListOptions = {}): Op<ListResult<ResourceTypes[R]>> {
    const body = yield* this.#call('list', 'GET', { kind: mustResource(resource), namespace, name: '' }, queryOf(options));
    const list = body as { metadata?: { resourceVersion?: string; continue?: string }; items?: readonly ResourceTypes[R][] | null };
    const rest = list.metadata?.continue;
    return { items: list.items ?? [], resourceVersion: list.metadata?.resourceVersion ?? '', ...(rest ? { continue: rest } : {}) };
  }

  *create<R extends Resource>(resource: R, object: Draft<ResourceTypes[R]>): Op<ResourceTypes[R]> {
    const { namespace, name } = identity(object);
    const target = { kind: mustResource(resource), namespace, name: '' };
    return (yield* this.#call('create', 'POST', target, {}, object, 'application/json', name)) as ResourceTypes[R];
  }

  /** Replaces the object; its resourceVersion makes the write conditional. */
  *update<R extends Resource>(resource: R, object: ResourceTypes[R], subresource?: string): Op<ResourceTypes[R]> {
    const { namespace, name } = identity(object);
    const target = { kind: mustResource(resource), namespace, name, ...(subresource === undefined ? {} : { subresource }) };
    return (yield* this.#call('update', 'PUT', target, {}, object)) as ResourceTypes[R];
  }

  *updateStatus<R extends Resource>(resource: R, object: ResourceTypes[R]): Op<ResourceTypes[R]> {
    return yield* this.update(resource, object, 'status');
  }

  /** Returns the Status, or the object while it is still terminating. */
  *delete<R extends Resource>(resource: R, namespace: string, name: string, options: DeleteOptions = {}): Op<unknown> {
    return yield* this.#call('delete', 'DELETE', { kind: mustResource(resource), namespace, name }, {}, {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...options,
    });
  }

  /** Deletes all objects of a namespace. */
  *deleteCollection<R extends Resource>(resource: R, namespace: string): Op<void> {
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
    yield* this.#call('deletecollection', 'DELETE', { kind: mustResource(resource), namespace, name: '' }, {}, options);
  }

  *patch<R extends Resource>(
    resource: R,
    namespace: string,
    name: string,
    body: unknown,
    type: PatchType,
    subresource?: string,
  ): Op<ResourceTypes[R]> {
    const target = { kind: mustResource(resource), namespace, name, ...(subresource === undefined ? {} : { subresource }) };
    return (yield* this.#call('patch', 'PATCH', target, {}, body, PATCH_CONTENT[type])) as ResourceTypes[R];
  }

  /** POST to a subresource such as pods/eviction, pods/binding, serviceaccounts/token. */
  *createSubresource<R extends Resource>(resource: R, namespace: string, name: string, subresource: string, body: unknown): Op<unknown> {
    return yield* this.#call('create', 'POST', { kind: mustResource(resource), namespace, name, subresource }, {}, body);
  }

  /** GET of a subresource such as deployments/scale. */
  *getSubresource<R extends Resource>(resource: R, namespace: string, name: string, subresource: string): Op<unknown> {
    return yield* this.#call('get', 'GET', { kind: mustResource(resource), namespace, name, subresource });
  }

  /** Binds a Pod to a node: POST pods/<name>/binding. */
  *bind(pod: ApiObject, node: string): Op<void> {
    const { name, namespace = '', uid } = pod.metadata;
    const metadata = { name, namespace, ...(uid === undefined ? {} : { uid }) };
    const binding: Binding = { apiVersion: 'v1', kind: 'Binding', metadata, target: { kind: 'Node', name: node } };
    yield* this.createSubresource('pods', namespace, name, 'binding', binding);
  }

  *watch<R extends Resource>(resource: R, namespace: string, options: WatchOptions = {}): Op<WatchStream<ResourceTypes[R]>> {
    const target = { kind: mustResource(resource), namespace, name: '' };
    const response = yield* this.#send('watch', 'GET', target, { watch: 'true', ...queryOf(options) }, undefined, '', '');
    if (!response.stream) throw new Error(`watch of ${resource} answered without a stream`);
    return new WatchStream(response.stream);
  }

  /** Any request, with this client's identity and error handling. */
  *raw(request: RawRequest): Op<HttpResponse> {
    return yield* this.#exchange({ query: {}, ...request, headers: { ...(yield* this.#credentials()), ...request.headers } });
  }

  *#call(
    verb: string,
    method: string,
    target: Target,
    query: Readonly<Record<string, string>> = {},
    body?: unknown,
    contentType = 'application/json',
    subjectName = target.name,
  ): Op<unknown> {
    return (yield* this.#send(verb, method, target, query, body, contentType, subjectName)).body;
  }

  *#send(
    verb: string,
    method: string,
    target: Target,
    query: Readonly<Record<string, string>>,
    body: unknown,
    contentType: string,
    subjectName: string,
  ): Op<HttpResponse> {
    const { kind } = target;
    const subject: Subject = {
      group: kind.group,
      resource: kind.plural,
      kind: kind.kind,
      namespace: target.namespace,
      name: subjectName,
    };
    const credentials = yield* this.#credentials();
    const headers = body === undefined ? credentials : { ...credentials, 'content-type': contentType };
    const path = pathOf(target);
    return yield* this.#exchange({ method, path, query, headers, subject, verb, ...(body === undefined ? {} : { body }) });
  }

  *#exchange(request: HttpRequest): Op<HttpResponse> {
    for (let retries = 0; ; retries++) {
      if (this.#limiter) yield* this.#limiter.take();
      let wait: Micros | undefined;
      try {
        const timeout = request.query['watch'] === 'true' ? undefined : (this.config.timeout ?? MINUTE);
        const response = yield* this.http.request(request, timeout);
        if (response.status < 400) return response;
        wait = retryAfter(response);
        if (wait === undefined || retries === MAX_RETRIES) throw errorOf(response);
      } catch (error) {
        // The connection broke before the answer: reading again does no harm.
        const broken = error instanceof SocketError && (error.code === 'EOF' || error.code === 'ECONNRESET');
        if (!broken || request.method !== 'GET' || retries === MAX_RETRIES) throw error;
        wait = SECOND;
      }
      yield* this.os.sleep(wait);
    }
  }

  *#credentials(): Op<Readonly<Record<string, string>>> {
    const { tokenFile: file, tokenSource } = this.config;
    if (tokenSource) return { ...this.#headers, authorization: `Bearer ${yield* tokenSource()}` };
    if (file === undefined || !this.os.files.exists(file)) return this.#headers;
    return { ...this.#headers, authorization: `Bearer ${this.os.files.read(file).trim()}` };
  }
}

/** `/api/v1/namespaces/<ns>/pods/<name>/<subresource>` and its like. */
function pathOf({ kind, namespace, name, subresource }: Target): string {
  let path = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  if (namespace !== '' && kind.namespaced) path += `/namespaces/${namespace}`;
  path += `/${kind.plural}`;
  if (name !== '') path += `/${name}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function identity(object: { readonly metadata?: Partial<ObjectMeta> }): { namespace: string; name: string } {
  return { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
}

function queryOf(options: ListOptions | WatchOptions): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [key, value] of Object.entries(options)) if (value !== undefined && value !== '') query[key] = String(value);
  return query;
}

/** How long to wait before trying again: only when the server says so, on 429 or a 5xx. */
function retryAfter(response: HttpResponse): Micros | undefined {
  if (response.status !== 429 && response.status < 500) return undefined;
  const header = response.headers['retry-after'];
  return header === undefined ? undefined : Number(header) * SECOND;
}

function errorOf(response: HttpResponse): ApiError {
  const { body } = response;
  if (isStatus(body)) return new ApiError(body);
  const text = JSON.stringify(typeof body === 'string' ? body : 'unknown');
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `an error on the server (${text}) has prevented the request from succeeding`,
    reason: 'InternalError',
    code: response.status,
  });
}

const isStatus = (body: unknown): body is Status => typeof body === 'object' && body !== null && (body as Partial<Status>).kind === 'Status';

function connect(os: Os, config: ClientConfig): HttpClient {
  const authority = config.server.slice(config.server.indexOf('://') + 3);
  const colon = authority.lastIndexOf(':');
  return new HttpClient(os, {
    host: authority.slice(0, colon),
    port: Number(authority.slice(colon + 1)),
    tls: {
      ...(config.clientCertificate === undefined ? {} : { clientCertificate: config.clientCertificate }),
      ...(config.ca === undefined ? {} : { ca: config.ca, verify: (certificate: string) => distrust(certificate, config.ca as string) }),
    },
  });
}

/** Why the server's certificate is not to be trusted; null when it is. */
function distrust(certificate: string, ca: string): string | null {
  return verifyCertificate(certificate, ca) === null ? 'x509: certificate signed by unknown authority' : null;
}
