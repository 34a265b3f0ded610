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
  /** WatchListClient, on by default since client-go 0.35: informers let a watch begin with what there is instead of listing first. */
  readonly streamsLists?: boolean;
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
  /** First an ADDED event for each object that there is, then a bookmark that says so (`isInitialEventsEnd`). */
  readonly sendInitialEvents?: boolean;
  readonly resourceVersionMatch?: 'NotOlderThan';
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

/** The bookmark that ends the initial events of a watch. */
export function isInitialEventsEnd({ type, object }: WatchEvent<unknown>): boolean {
  return type === 'BOOKMARK' && (object as ApiObject).metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
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

const JSON_CONTENT = 'application/json';
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

  read(): Op<WatchEvent<T> | undefined> {
    return this.#stream.read() as Op<WatchEvent<T> | undefined>;
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
  /** See HttpRequest. */
  readonly upgrade?: boolean;
}

/** A built-in resource by its key, or any kind that the server serves (see discovery.ts): its objects are then untyped. */
const kindFor = (resource: Resource | ResourceKind): ResourceKind => (typeof resource === 'string' ? mustResource(resource) : resource);

const NO_QUERY: Readonly<Record<string, string>> = Object.freeze({});

/** All calls throw ApiError (the server's Status) or the network's SocketError/HttpTimeout. */
export class Client {
  readonly os: Os;
  readonly config: ClientConfig;
  /** The connection, which clients of one process may share. */
  readonly http: HttpClient;
  readonly #limiter: TokenBucket | null;
  #headers: Headers;

  constructor(os: Os, config: ClientConfig, http: HttpClient = connect(os, config)) {
    this.os = os;
    this.config = config;
    this.http = http;
    this.#limiter = config.qps === undefined ? null : new TokenBucket(os.sim, config.qps, config.burst ?? config.qps);
    this.#headers = new Headers(config.userAgent, config.token);
  }

  /** A client with another user agent (and its own rate limit) over the same connection. */
  as(userAgent: string): Client {
    return new Client(this.os, { ...this.config, userAgent }, this.http);
  }

  get<R extends Resource>(resource: R | ResourceKind, namespace: string, name: string): Op<ResourceTypes[R]> {
    return this.#call('get', 'GET', kindFor(resource), namespace, name) as Op<ResourceTypes[R]>;
  }

  /** `namespace` '' lists all namespaces. */
  *list<R extends Resource>(resource: R | ResourceKind, namespace: string, options: ListOptions = {}): Op<ListResult<ResourceTypes[R]>> {
    const body = yield* this.#call('list', 'GET', kindFor(resource), namespace, '', '', undefined, '', queryOf(options));
    const list = body as { metadata?: { resourceVersion?: string; continue?: string }; items?: readonly ResourceTypes[R][] | null };
    const rest = list.metadata?.continue;
    return { items: list.items ?? [], resourceVersion: list.metadata?.resourceVersion ?? '', ...(rest ? { continue: rest } : {}) };
  }

  create<R extends Resource>(resource: R | ResourceKind, object: Draft<ResourceTypes[R]>): Op<ResourceTypes[R]> {
    const { namespace, name } = identity(object);
    return this.#call('create', 'POST', kindFor(resource), namespace, '', '', object, JSON_CONTENT, NO_QUERY, name) as Op<ResourceTypes[R]>;
  }

  /** Replaces the object; its resourceVersion makes the write conditional. */
  update<R extends Resource>(resource: R | ResourceKind, object: ResourceTypes[R], subresource = ''): Op<ResourceTypes[R]> {
    const { namespace, name } = identity(object);
    return this.#call('update', 'PUT', kindFor(resource), namespace, name, subresource, object) as Op<ResourceTypes[R]>;
  }

  updateStatus<R extends Resource>(resource: R | ResourceKind, object: ResourceTypes[R]): Op<ResourceTypes[R]> {
    return this.update(resource, object, 'status');
  }

  /** Returns the Status, or the object while it is still terminating. */
  delete<R extends Resource>(resource: R | ResourceKind, namespace: string, name: string, options: DeleteOptions = {}): Op<unknown> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
    return this.#call('delete', 'DELETE', kindFor(resource), namespace, name, '', body);
  }

  /** Deletes all objects of a namespace. */
  *deleteCollection<R extends Resource>(resource: R | ResourceKind, namespace: string): Op<void> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
    yield* this.#call('deletecollection', 'DELETE', kindFor(resource), namespace, '', '', body);
  }

  patch<R extends Resource>(
    resource: R | ResourceKind,
    namespace: string,
    name: string,
    body: unknown,
    type: PatchType,
    subresource = '',
  ): Op<ResourceTypes[R]> {
    return this.#call('patch', 'PATCH', kindFor(resource), namespace, name, subresource, body, PATCH_CONTENT[type]) as Op<ResourceTypes[R]>;
  }

  /** POST to a subresource such as pods/eviction, pods/binding, serviceaccounts/token. */
  createSubresource<R extends Resource>(resource: R | ResourceKind, namespace: string, name: string, subresource: string, body: unknown): Op<unknown> {
    return this.#call('create', 'POST', kindFor(resource), namespace, name, subresource, body);
  }

  /** GET of a subresource such as deployments/scale. */
  getSubresource<R extends Resource>(resource: R | ResourceKind, namespace: string, name: string, subresource: string): Op<unknown> {
    return this.#call('get', 'GET', kindFor(resource), namespace, name, subresource);
  }

  /** Binds a Pod to a node: POST pods/<name>/binding. */
  *bind(pod: ApiObject, node: string): Op<void> {
    const { name, namespace = '', uid } = pod.metadata;
    const metadata = uid === undefined ? { name, namespace } : { name, namespace, uid };
    const binding: Binding = { apiVersion: 'v1', kind: 'Binding', metadata, target: { kind: 'Node', name: node } };
    yield* this.createSubresource('pods', namespace, name, 'binding', binding);
  }

  *watch<R extends Resource>(resource: R | ResourceKind, namespace: string, options: WatchOptions = {}): Op<WatchStream<ResourceTypes[R]>> {
    const kind = kindFor(resource);
    const query = { watch: 'true', ...queryOf(options) };
    const headers = (yield* this.#credentials()).plain;
    const path = pathOf(kind, namespace, '', '');
    const response = yield* this.#exchange({ method: 'GET', path, query, headers, subject: subjectOf(kind, namespace, ''), verb: 'watch' }, undefined);
    if (!response.stream) throw new Error(`watch of ${kind.key} answered without a stream`);
    return new WatchStream(response.stream);
  }

  /** Any request, with this client's identity and error handling. */
  *raw(request: RawRequest): Op<HttpResponse> {
    const { query = NO_QUERY } = request;
    const headers = { ...(yield* this.#credentials()).plain, ...request.headers };
    return yield* this.#exchange({ ...request, query, headers }, query['watch'] === 'true' ? undefined : this.#timeout);
  }

  get #timeout(): Micros {
    return this.config.timeout ?? MINUTE;
  }

  /** `name` '' is the collection, `subresource` '' none; `subjectName` names the object for the trace. */
  *#call(
    verb: string,
    method: string,
    kind: ResourceKind,
    namespace: string,
    name: string,
    subresource = '',
    body?: unknown,
    contentType = JSON_CONTENT,
    query = NO_QUERY,
    subjectName = name,
  ): Op<unknown> {
    const known = this.config.tokenSource === undefined && this.config.tokenFile === undefined ? this.#headers : yield* this.#credentials();
    const subject = subjectOf(kind, namespace, subjectName);
    const path = pathOf(kind, namespace, name, subresource);
    const request: HttpRequest =
      body === undefined
        ? { method, path, query, headers: known.plain, subject, verb }
        : { method, path, query, headers: known.withBody(contentType), subject, verb, body };
    return (yield* this.#exchange(request, this.#timeout)).body;
  }

  *#exchange(request: HttpRequest, timeout: Micros | undefined): Op<HttpResponse> {
    for (let retries = 0; ; retries++) {
      const turn = this.#limiter === null ? 0 : this.#limiter.reserve();
      if (turn > 0) yield* this.os.sleep(turn);
      let wait: Micros | undefined;
      try {
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

  *#credentials(): Op<Headers> {
    const { tokenFile: file, tokenSource, userAgent } = this.config;
    let { token } = this.config;
    if (tokenSource) token = yield* tokenSource();
    else if (file !== undefined && this.os.files.exists(file)) token = this.os.files.read(file).trim();
    if (token !== this.#headers.token) this.#headers = new Headers(userAgent, token);
    return this.#headers;
  }
}

/** The headers of a client's requests while its token is the same. */
class Headers {
  readonly token: string | undefined;
  readonly plain: Readonly<Record<string, string>>;
  readonly #byContent = new Map<string, Readonly<Record<string, string>>>();

  constructor(userAgent: string, token: string | undefined) {
    this.token = token;
    const common = { accept: 'application/json', 'user-agent': userAgent };
    this.plain = Object.freeze(token === undefined ? common : { ...common, authorization: `Bearer ${token}` });
  }

  withBody(contentType: string): Readonly<Record<string, string>> {
    let headers = this.#byContent.get(contentType);
    if (!headers) this.#byContent.set(contentType, (headers = Object.freeze({ ...this.plain, 'content-type': contentType })));
    return headers;
  }
}

const subjectOf = (kind: ResourceKind, namespace: string, name: string): Subject => ({
  group: kind.group,
  resource: kind.plural,
  kind: kind.kind,
  namespace,
  name,
});

/** `/api/v1/namespaces/<ns>/pods/<name>/<subresource>` and its like. */
function pathOf(kind: ResourceKind, namespace: string, name: string, subresource: string): string {
  let path = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  if (namespace !== '' && kind.namespaced) path += `/namespaces/${namespace}`;
  path += `/${kind.plural}`;
  if (name !== '') path += `/${name}`;
  return subresource === '' ? path : `${path}/${subresource}`;
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
