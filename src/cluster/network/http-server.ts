// The server's side of HTTP: a task of the process for each request, killed when the client goes away before it was answered.

import type { Os } from '../machine/process.ts';
import type { Op, Task } from '../sim/simulation.ts';
import type { Cause, Place } from '../sim/trace.ts';
import type { Connection } from './connection.ts';
import { bindStream, isQuiet } from './http-record.ts';
import { type Frame, type HttpRequest, type HttpResponse, HttpStream, type Peer } from './http-stream.ts';
import { type Listener, listen } from './socket.ts';
import type { SocketError } from './socket-error.ts';
import { listenUnix, type UnixListener } from './unix.ts';

export type HttpHandler = (request: HttpRequest, peer: Peer) => Op<HttpResponse>;

export interface ServeOptions {
  /** TCP port (0: any free one); leave it out with `unix`. */
  readonly port?: number;
  readonly address?: string;
  /** Path of a unix socket, in place of a port. */
  readonly unix?: string;
  /** By the name that the client asks for (SNI), or one for all. Null: the handshake is rejected. */
  readonly tls?: { readonly certificate: string | ((serverName: string) => string | null); readonly http2?: boolean };
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
    server.sessions.add(new ServerSession(os, server, connection, handler, options.tls?.certificate ?? null, options.tls?.http2 === true));
  };
  return server;
}

/** CPU time that any server spends on a request before it does something for it: connection, parsing, the answer's bytes. */
const ONE_REQUEST = 250;

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
  readonly #certificate: string | ((serverName: string) => string | null) | null;
  readonly #http2: boolean;
  #peer: Peer;
  readonly #exchanges = new Map<number, Exchange>();

  constructor(os: Os, server: HttpServer, connection: Connection, handler: HttpHandler, certificate: string | ((serverName: string) => string | null) | null, http2: boolean) {
    this.#http2 = http2;
    this.#os = os;
    this.#server = server;
    this.#connection = connection;
    this.#handler = handler;
    this.#certificate = certificate;
    const { address, port } = connection.remote;
    this.#peer = { address, port, certificate: null, place: connection.peerPlace };
    connection.onMessage = (message) => this.#take(message as Frame);
    connection.onClose = (error) => this.#lost(error);
  }

  close(): void {
    this.#connection.close();
    this.#lost(null);
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case 'hello': {
        const { address, port, place } = this.#peer;
        const { certificate, serverName = '' } = frame;
        this.#peer = { address, port, certificate, serverName, place };
        this.#connection.push({ type: 'welcome', certificate: typeof this.#certificate === 'function' ? this.#certificate(serverName) : this.#certificate, ...(this.#http2 ? { http2: true } : {}) });
        break;
      }
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
    process.useCpu(ONE_REQUEST);
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
    if (this.#exchanges.size === 0) return;
    const exchanges = [...this.#exchanges.values()];
    this.#exchanges.clear();
    for (const { task, stream, upload } of exchanges) {
      task?.kill();
      stream?.finish(error);
      upload?.finish(error);
    }
  }
}
