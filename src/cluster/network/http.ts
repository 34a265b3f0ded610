// HTTP between processes: a server runs a task per request; a client multiplexes its requests over one kept-alive connection,
// as HTTP/2 does. Requests, responses and pieces of streams are trace records; the caller's cause is its own again after a call.

import type { Os, Resource } from '../machine/process.ts';
import { Deferred, TIMED_OUT } from '../sim/channel.ts';
import type { Op, Simulation, Task } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Cause, Place, Subject, TraceRecord } from '../sim/trace.ts';
import { type Connection, HTTP2_KEEP_ALIVE } from './connection.ts';
import { type ChunkTrace, type Frame, type HttpRequest, type HttpResponse, HttpStream, type Peer } from './http-stream.ts';
import { dial, type Listener, listen } from './socket.ts';
import { SocketError } from './socket-error.ts';
import { dialUnix, listenUnix, type UnixListener } from './unix.ts';

export { HttpStream } from './http-stream.ts';
export type { ChunkTrace, HttpRequest, HttpResponse, Peer } from './http-stream.ts';

/** No answer in time. */
export class HttpTimeout extends Error {
  constructor(message = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)') {
    super(message);
    this.name = 'HttpTimeout';
  }
}

/** Detail of a request record. Frozen values by reference. */
interface RequestDetail {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Heartbeats that nobody asked for are recorded without their content. */
const isQuiet = (subject: Subject | undefined, cause: Cause | null): boolean =>
  subject !== undefined && subject.resource === 'leases' && (cause === null || cause.flow === 0);

function emitChunk(sim: Simulation, connection: Connection, value: unknown, trace: ChunkTrace | undefined): TraceRecord {
  return sim.trace.emit(sim.cause, {
    kind: trace?.kind ?? 'watch',
    verb: trace?.verb ?? 'chunk',
    subject: trace?.subject ?? null,
    detail: trace?.detail === undefined ? value : trace.detail,
    start: sim.now,
    end: connection.arrival(),
    from: connection.place,
    to: connection.peerPlace,
  });
}

/** Connects one end of a stream to a connection. */
function bindStream(sim: Simulation, connection: Connection, id: number, stream: HttpStream, ended: () => void): void {
  const push = (frame: Frame): void => connection.push(frame);
  stream.bind({
    chunk(value, trace) {
      const own = sim.cause;
      sim.cause = emitChunk(sim, connection, value, trace);
      push({ type: 'chunk', id, value });
      sim.cause = own;
    },
    end() {
      push({ type: 'end', id });
      ended();
    },
    cancel() {
      push({ type: 'cancel', id });
      ended();
    },
  });
}

// ---- server

export type HttpHandler = (request: HttpRequest, peer: Peer) => Op<HttpResponse>;

export interface ServeOptions {
  /** TCP port (0: any free one); leave it out with `unix`. */
  readonly port?: number;
  readonly address?: string;
  /** Path of a unix socket, in place of a port. */
  readonly unix?: string;
  readonly tls?: { readonly certificate: string };
  /** Default: the process' place. */
  readonly place?: Place;
}

export class HttpServer {
  readonly #listener: Listener | UnixListener;
  readonly sessions = new Set<ServerSession>();

  constructor(listener: Listener | UnixListener) {
    this.#listener = listener;
  }

  /** The TCP port; 0 for a unix socket. */
  get port(): number {
    return 'port' in this.#listener ? this.#listener.port : 0;
  }

  /** Takes no more connections and closes those that are open (requests in flight are lost). */
  close(): void {
    this.#listener.close();
    for (const session of [...this.sessions]) session.close();
  }
}

/**
 * Serves HTTP: `handler` runs as a task of the process for each request, and is killed when the client goes away before it has
 * answered. An error that it throws is logged and answered with 500. Throws SocketError EADDRINUSE, EADDRNOTAVAIL.
 */
export function serveHttp(os: Os, options: ServeOptions, handler: HttpHandler): HttpServer {
  const place = options.place ?? os.place;
  const listener =
    options.unix !== undefined
      ? listenUnix(os, options.unix, { place })
      : listen(os, options.port ?? 0, { place, ...(options.address === undefined ? {} : { address: options.address }) });
  const server = new HttpServer(listener);
  listener.onConnection = (connection) => {
    server.sessions.add(new ServerSession(os, server, connection, handler, options.tls?.certificate ?? null));
  };
  return server;
}

interface Exchange {
  task: Task | null;
  stream: HttpStream | null;
  /** What the client writes. */
  upload: HttpStream | null;
}

class ServerSession {
  readonly #os: Os;
  readonly #server: HttpServer;
  readonly #connection: Connection;
  readonly #handler: HttpHandler;
  readonly #certificate: string | null;
  #peer: Peer;
  readonly #exchanges = new Map<number, Exchange>();

  constructor(os: Os, server: HttpServer, connection: Connection, handler: HttpHandler, certificate: string | null) {
    this.#os = os;
    this.#server = server;
    this.#connection = connection;
    this.#handler = handler;
    this.#certificate = certificate;
    this.#peer = { ...connection.remote, certificate: null, place: connection.peerPlace };
    connection.onMessage = (message) => this.#take(message as Frame);
    connection.onClose = (error) => this.#lost(error);
  }

  close(): void {
    this.#connection.close();
    this.#lost(null);
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case 'hello':
        this.#peer = { ...this.#peer, certificate: frame.certificate };
        this.#connection.push({ type: 'welcome', certificate: this.#certificate });
        break;
      case 'request':
        this.#serve(frame.id, frame.request);
        break;
      case 'chunk':
        this.#exchanges.get(frame.id)?.upload?.take(frame.value);
        break;
      case 'end':
        this.#exchanges.get(frame.id)?.upload?.takeEnd();
        break;
      case 'cancel':
        this.#cancel(frame.id);
        break;
    }
  }

  #serve(id: number, sent: HttpRequest): void {
    const { sim, process } = this.#os;
    const asked = sim.cause;
    const exchange: Exchange = { task: null, stream: null, upload: null };
    let request = sent;
    if (sent.upgrade === true) {
      const upload = new HttpStream(sim);
      exchange.upload = upload;
      request = { ...sent, stream: upload };
      bindStream(sim, this.#connection, id, upload, () => undefined);
    }
    this.#exchanges.set(id, exchange);
    exchange.task = process.thread('http', () => this.#handler(request, this.#peer), (task) => {
      exchange.task = null;
      if (task.killed || !process.alive) return;
      if (task.error === undefined) this.#respond(id, exchange, request, task.result as HttpResponse, asked);
      else {
        const error = task.error;
        const { address, port } = this.#peer;
        process.logs.write('stderr', `http: panic serving ${address}:${port}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        const body = error instanceof Error ? error.message : String(error);
        this.#respond(id, exchange, request, { status: 500, headers: {}, body }, asked);
      }
    });
  }

  #respond(id: number, exchange: Exchange, request: HttpRequest, response: HttpResponse, asked: Cause | null): void {
    const { sim } = this.#os;
    const connection = this.#connection;
    const stream = response.stream ?? null;
    if (connection.closed) {
      stream?.finish(null);
      return;
    }
    const own = sim.cause;
    sim.cause = sim.trace.emit(asked, {
      kind: request.kind ?? 'http',
      verb: 'response',
      subject: request.subject ?? null,
      detail: isQuiet(request.subject, asked) ? null : { status: response.status, body: response.body ?? null },
      start: sim.now,
      end: connection.arrival(),
      from: connection.place,
      to: connection.peerPlace,
    });
    connection.push({ type: 'response', id, response });
    sim.cause = own;
    if (stream === null) {
      this.#exchanges.delete(id);
      return;
    }
    exchange.stream = stream;
    if (stream.closed) {
      this.#exchanges.delete(id);
      connection.push({ type: 'end', id });
      return;
    }
    bindStream(sim, connection, id, stream, () => {
      this.#exchanges.delete(id);
      stream.finish(null);
      exchange.upload?.finish(null);
    });
  }

  #cancel(id: number): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    this.#exchanges.delete(id);
    exchange.task?.kill();
    exchange.stream?.finish(null);
    exchange.upload?.finish(null);
  }

  #lost(error: SocketError | null): void {
    this.#server.sessions.delete(this);
    const exchanges = [...this.#exchanges.values()];
    this.#exchanges.clear();
    for (const { task, stream, upload } of exchanges) {
      task?.kill();
      stream?.finish(error);
      upload?.finish(error);
    }
  }
}

// ---- client

export interface ClientTls {
  /** PEM text shown to the server. */
  readonly clientCertificate?: string;
  readonly ca?: string;
  /** Looks at the server's certificate; returns why it is not trusted, or null. Default: it is trusted. */
  readonly verify?: (certificate: string, host: string) => string | null;
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

  /** True while its kept-alive connection is open. */
  get connected(): boolean {
    return this.#session !== null;
  }

  /**
   * Sends a request and waits for the response's head (and body, when it is not a stream).
   * Throws SocketError when there is no connection or it breaks, HttpTimeout after `timeout`.
   */
  *request(request: HttpRequest, timeout?: Micros): Op<HttpResponse> {
    const { sim } = this.#os;
    const deadline = timeout === undefined ? undefined : sim.now + timeout;
    const cause = sim.cause;
    const session = this.#session ?? (yield* this.#connect(timeout));
    sim.cause = cause;
    const response = yield* session.request(request, deadline);
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
    const more = { ...(timeout === undefined ? {} : { timeout }), ...(place === undefined ? {} : { place }) };
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

  constructor(os: Os, connection: Connection, gone: () => void) {
    this.#os = os;
    this.#connection = connection;
    this.#gone = gone;
    connection.onMessage = (message) => this.#take(message as Frame);
    connection.onClose = (error) => this.#lost(error ?? new SocketError('EOF', 'EOF'));
  }

  close(): void {
    this.#connection.close();
    this.#lost(new SocketError('EOF', 'http: client connection closed'));
  }

  /** TLS: certificates are exchanged in one round trip. */
  *shakeHands(tls: ClientTls, host: string, timeout: Micros | undefined): Op<void> {
    const welcome = new Deferred<string | null>(this.#os.sim);
    this.#welcome = welcome;
    this.#connection.push({ type: 'hello', certificate: tls.clientCertificate ?? null });
    let done = false;
    try {
      const certificate = timeout === undefined ? yield* welcome.wait() : yield* welcome.waitWithin(timeout);
      if (certificate === TIMED_OUT) throw new SocketError('ETIMEDOUT', 'net/http: TLS handshake timeout');
      if (certificate === null) throw new SocketError('ETLS', 'http: server gave HTTP response to HTTPS client');
      const problem = tls.verify?.(certificate, host) ?? null;
      if (problem !== null) throw new SocketError('ETLS', `tls: failed to verify certificate: ${problem}`);
      done = true;
    } finally {
      this.#welcome = null;
      if (!done) this.#connection.close();
    }
  }

  *request(request: HttpRequest, deadline: Micros | undefined): Op<HttpResponse> {
    const { sim } = this.#os;
    const connection = this.#connection;
    const cause = sim.cause;
    const id = this.#nextId++;
    const detail: RequestDetail | null = isQuiet(request.subject, cause)
      ? null
      : { method: request.method, path: request.path, query: request.query, body: request.body ?? null };
    sim.cause = sim.trace.emit(cause, {
      kind: request.kind ?? 'http',
      verb: request.verb ?? request.method,
      subject: request.subject ?? null,
      detail,
      start: sim.now,
      end: connection.arrival(),
      from: connection.place,
      to: connection.peerPlace,
    });
    connection.push({ type: 'request', id, request });
    sim.cause = cause;
    const task = sim.current as Task;
    this.#pending.set(id, { task, park: task.park, cause });
    if (deadline !== undefined) sim.wakeAt(task, task.park, deadline, TIMED_OUT);
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
    if (deadline !== undefined) sim.noteOvertaken();
    if (answer instanceof SocketError) throw answer;
    return answer;
  }

  #take(frame: Frame): void {
    const { sim } = this.#os;
    switch (frame.type) {
      case 'welcome':
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

  #lost(error: SocketError): void {
    const { sim } = this.#os;
    this.#gone();
    this.#welcome?.reject(error);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { task, park, cause } of pending) sim.wake(task, park, error, cause);
    for (const stream of [...this.#streams.values()]) stream.finish(error);
  }
}
