// HTTP between processes: a server runs a task per request; a client multiplexes its requests over one kept-alive connection,
// as HTTP/2 does. Requests, responses and pieces of streams are trace records; the caller's cause is its own again after a call.

import type { Os, Resource } from '../machine/process.ts';
import { Deferred, TIMED_OUT } from '../sim/channel.ts';
import type { Op, Task } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Cause, Place } from '../sim/trace.ts';
import { type Connection, HTTP2_KEEP_ALIVE } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import { bindStream, emitRequest } from './http-record.ts';
import { type Frame, type HttpRequest, type HttpResponse, HttpStream } from './http-stream.ts';
import { dial } from './socket.ts';
import { SocketError } from './socket-error.ts';
import { dialUnix } from './unix.ts';

export { type HttpHandler, type HttpServer, type ServeOptions, serveHttp } from './http-server.ts';
export { HttpStream } from './http-stream.ts';
export type { ChunkTrace, HttpRequest, HttpResponse, Peer } from './http-stream.ts';

/** No answer in time. */
export class HttpTimeout extends Error {
  constructor(message = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)') {
    super(message);
    this.name = 'HttpTimeout';
  }
}

export interface ClientTls {
  /** PEM text shown to the server. */
  readonly clientCertificate?: string;
  readonly ca?: string;
  /** The name asked for (SNI) and given to `verify`; default: none, and the address. */
  readonly serverName?: string;
  /** Looks at the server's certificate; returns why it is not trusted, or null. Default: it is trusted. */
  readonly verify?: (certificate: string, host: string) => string | null;
  /** The handshake is done; whether the server chose HTTP/2 (ALPN). */
  readonly onWelcome?: (http2: boolean) => void;
}

export interface HttpClientOptions {
  /** IPv4 address; leave host and port out with `unix`. */
  readonly host?: string;
  readonly port?: number;
  readonly unix?: string;
  readonly tls?: ClientTls;
  /** Default true. False: a connection for each request, as a probe makes. */
  readonly keepAlive?: boolean;
  readonly place?: Place;
}

interface Pending {
  readonly task: Task;
  readonly park: number;
  readonly cause: Cause | null;
}

export class HttpClient implements Resource {
  readonly #os: Os;
  readonly #options: HttpClientOptions;
  #session: ClientSession | null = null;
  #connecting: Deferred<ClientSession> | null = null;

  constructor(os: Os, options: HttpClientOptions) {
    this.#os = os;
    this.#options = options;
  }

  /** A client on a connection that is open already (without TLS). */
  static over(os: Os, connection: Connection): HttpClient {
    const client = new HttpClient(os, {});
    client.#session = new ClientSession(os, connection, () => {
      client.#session = null;
    });
    return client;
  }

  /** True while its kept-alive connection is open. */
  get connected(): boolean {
    return this.#session !== null;
  }

  /**
   * Sends a request and waits for the response's head (and body, when it is not a stream).
   * Throws SocketError when there is no connection or it breaks, HttpTimeout after `timeout`.
   */
  request(request: HttpRequest, timeout?: Micros): Op<HttpResponse> {
    const session = this.#session;
    return session === null ? this.#connectAndRequest(request, timeout) : session.request(request, timeout, 0);
  }

  *#connectAndRequest(request: HttpRequest, timeout: Micros | undefined): Op<HttpResponse> {
    const { sim } = this.#os;
    const begun = sim.now;
    const cause = sim.cause;
    const session = this.#session ?? (yield* this.#connect(timeout));
    sim.cause = cause;
    const response = yield* session.request(request, timeout, sim.now - begun);
    if (this.#options.keepAlive === false) {
      if (response.stream === undefined) session.close();
      else response.stream.onClose(() => session.close());
    }
    return response;
  }

  /** Closes the connection; requests in flight fail. The next request makes a new one. */
  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  /** As `close`; lets a process hold the client. */
  release(): void {
    this.close();
  }

  *#connect(timeout: Micros | undefined): Op<ClientSession> {
    const { sim } = this.#os;
    if (this.#options.keepAlive === false) return yield* this.#dial(timeout);
    const waiting = this.#connecting;
    if (waiting !== null) {
      const session = timeout === undefined ? yield* waiting.wait() : yield* waiting.waitWithin(timeout);
      if (session === TIMED_OUT) throw new HttpTimeout();
      return session;
    }
    const connecting = new Deferred<ClientSession>(sim);
    this.#connecting = connecting;
    let done = false;
    try {
      const session = yield* this.#dial(timeout);
      done = true;
      this.#session = session;
      connecting.resolve(session);
      return session;
    } catch (error) {
      done = true;
      connecting.reject(error);
      throw error;
    } finally {
      this.#connecting = null;
      if (!done) connecting.reject(new SocketError('EOF', 'dial: operation was canceled'));
    }
  }

  *#dial(timeout: Micros | undefined): Op<ClientSession> {
    const { host = '127.0.0.1', port = 80, unix, tls, place } = this.#options;
    const more: { timeout?: Micros; place?: Place } = {};
    if (timeout !== undefined) more.timeout = timeout;
    if (place !== undefined) more.place = place;
    const connection = unix === undefined ? yield* dial(this.#os, host, port, more) : yield* dialUnix(this.#os, unix, more);
    connection.keepAlive = HTTP2_KEEP_ALIVE;
    const session = new ClientSession(this.#os, connection, () => {
      if (this.#session === session) this.#session = null;
    });
    if (tls !== undefined) yield* session.shakeHands(tls, host, timeout);
    return session;
  }
}

class ClientSession {
  readonly #os: Os;
  readonly #connection: Connection;
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Map<number, HttpStream>();
  readonly #gone: () => void;
  #nextId = 1;
  #welcome: Deferred<string | null> | null = null;
  #http2 = false;

  constructor(os: Os, connection: Connection, gone: () => void) {
    this.#os = os;
    this.#connection = connection;
    this.#gone = gone;
    connection.onMessage = (message) => this.#take(message as Frame);
    connection.onClose = (error) => this.#lost(error, 'EOF');
  }

  close(): void {
    this.#connection.close();
    this.#lost(null, 'http: client connection closed');
  }

  /** TLS: certificates are exchanged in one round trip. */
  *shakeHands(tls: ClientTls, host: string, timeout: Micros | undefined): Op<void> {
    const welcome = new Deferred<string | null>(this.#os.sim);
    this.#welcome = welcome;
    const { serverName } = tls;
    this.#connection.push({ type: 'hello', certificate: tls.clientCertificate ?? null, ...(serverName === undefined ? {} : { serverName }) });
    let done = false;
    try {
      const certificate = timeout === undefined ? yield* welcome.wait() : yield* welcome.waitWithin(timeout);
      if (certificate === TIMED_OUT) throw new SocketError('ETIMEDOUT', 'net/http: TLS handshake timeout');
      if (certificate === null) throw new SocketError('ETLS', 'http: server gave HTTP response to HTTPS client');
      const problem = tls.verify?.(certificate, serverName ?? host) ?? null;
      if (problem !== null) throw new SocketError('ETLS', `tls: failed to verify certificate: ${problem}`);
      done = true;
      tls.onWelcome?.(this.#http2);
    } finally {
      this.#welcome = null;
      if (!done) this.#connection.close();
    }
  }

  /** `spent` of the timeout has gone by already. */
  *request(request: HttpRequest, timeout: Micros | undefined, spent: Micros): Op<HttpResponse> {
    const { sim } = this.#os;
    const connection = this.#connection;
    const cause = sim.cause;
    const id = this.#nextId++;
    sim.cause = emitRequest(sim, connection, request, cause);
    connection.push({ type: 'request', id, request });
    sim.cause = cause;
    const task = sim.current as Task;
    this.#pending.set(id, { task, park: task.park, cause });
    if (timeout !== undefined) Deadlines.of(sim).add(timeout, sim.now + timeout - spent, task);
    let answer: HttpResponse | SocketError | typeof TIMED_OUT | undefined;
    try {
      answer = (yield) as HttpResponse | SocketError | typeof TIMED_OUT;
    } finally {
      if (answer === undefined || answer === TIMED_OUT) {
        this.#pending.delete(id);
        connection.push({ type: 'cancel', id });
      }
    }
    if (answer === TIMED_OUT) throw new HttpTimeout();
    if (answer instanceof SocketError) throw answer;
    return answer;
  }

  #take(frame: Frame): void {
    const { sim } = this.#os;
    switch (frame.type) {
      case 'welcome':
        this.#http2 = frame.http2 === true;
        this.#welcome?.resolve(frame.certificate);
        break;
      case 'response': {
        const { id } = frame;
        const pending = this.#pending.get(id);
        if (pending === undefined) break;
        this.#pending.delete(id);
        let { response } = frame;
        if (response.stream !== undefined) {
          const stream = new HttpStream(sim);
          this.#streams.set(id, stream);
          bindStream(sim, this.#connection, id, stream, () => undefined);
          stream.onClose(() => this.#streams.delete(id));
          response = { ...response, stream };
        }
        sim.wake(pending.task, pending.park, response, pending.cause);
        break;
      }
      case 'chunk':
        this.#streams.get(frame.id)?.take(frame.value);
        break;
      case 'end':
      case 'cancel':
        this.#streams.get(frame.id)?.finish(null);
        break;
    }
  }

  /** `text` says why when there is no error. */
  #lost(cause: SocketError | null, text: string): void {
    const { sim } = this.#os;
    this.#gone();
    if (this.#welcome === null && this.#pending.size === 0 && this.#streams.size === 0) return;
    const error = cause ?? new SocketError('EOF', text);
    this.#welcome?.reject(error);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { task, park, cause: own } of pending) sim.wake(task, park, error, own);
    for (const stream of [...this.#streams.values()]) stream.finish(error);
  }
}
