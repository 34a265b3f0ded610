// HTTP messages, and bodies that come in pieces: a stream has two ends, each writes to the other (a watch only one way; exec,
// attach and port-forward both). Pieces are frozen values handed over by reference, in order.

import { Channel } from '../sim/channel.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import type { Place, Subject, TraceKind } from '../sim/trace.ts';
import type { SocketError } from './socket-error.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** A frozen JSON value, or a string. */
  readonly body?: unknown;
  /** What it is about, for the trace. */
  readonly subject?: Subject;
  /** The trace verb. Default: the method. */
  readonly verb?: string;
  /** The trace kind. Default 'http'. */
  readonly kind?: TraceKind;
  /** Server side, and only for a request that was made with `upgrade`: what the client writes. */
  readonly stream?: HttpStream;
  /** Client side: the request's own stream towards the server (SPDY/WebSocket upgrade: exec, attach, port-forward). */
  readonly upgrade?: boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The body comes in pieces. */
  readonly stream?: HttpStream;
}

/** Who asks. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  /** Client certificate, PEM text. */
  readonly certificate: string | null;
  /** The name that the client asked TLS for ('' when it named none); absent without TLS. */
  readonly serverName?: string;
  readonly place: Place;
}

/** How a piece shows in the trace. */
export interface ChunkTrace {
  readonly verb: string;
  readonly subject: Subject | null;
  /** Default 'watch'. */
  readonly kind?: TraceKind;
  /** Default: the piece itself. */
  readonly detail?: unknown;
}

/** For the HTTP layer: where what is written at one end goes. */
export interface StreamSink {
  chunk(value: unknown, trace: ChunkTrace | undefined): void;
  end(): void;
  cancel(): void;
}

export class HttpStream {
  readonly #sim: Simulation;
  #sink: StreamSink | null = null;
  #early: (() => void)[] | null = null;
  #incoming: Channel<unknown> | null = null;
  #closed = false;
  #ended = false;
  #error: SocketError | null = null;
  #onClose: (() => void)[] | null = null;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Neither end uses it any more: cancelled, finished by both, or the connection is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Writes a piece to the other end; ignored once closed. Server side it may be called before the response is out. */
  write(chunk: unknown, trace?: ChunkTrace): void {
    if (this.#closed || this.#ended) return;
    if (this.#sink !== null) this.#sink.chunk(chunk, trace);
    else this.#later(() => this.#sink?.chunk(chunk, trace));
  }

  /** No more pieces: the other end reads to the end. On the server side the response is complete. */
  close(): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    if (this.#sink !== null) this.#sink.end();
    else this.#later(() => this.#sink?.end());
  }

  /** The next piece; undefined at the end. Throws SocketError when the connection broke. */
  *read(): Op<unknown> {
    this.#incoming ??= new Channel(this.#sim);
    if (this.#incoming.length === 0 && this.#closed) this.#incoming.close();
    const chunk = yield* this.#incoming.receive();
    if (chunk === undefined && this.#error !== null) throw this.#error;
    return chunk;
  }

  /** What `read` takes from, for receiveAny; it closes at the end. */
  get incoming(): Channel<unknown> {
    return (this.#incoming ??= new Channel(this.#sim));
  }

  /** Why it ended, when the connection broke. */
  get error(): SocketError | null {
    return this.#error;
  }

  /** Stops it from either end; the other end sees it closed. */
  cancel(): void {
    if (this.#closed) return;
    this.#sink?.cancel();
    this.finish(null);
  }

  /** Calls `fn` when the stream is closed (at once when it is). */
  onClose(fn: () => void): void {
    if (this.#closed) fn();
    else (this.#onClose ??= []).push(fn);
  }

  /** For the HTTP layer: from now on it is connected. */
  bind(sink: StreamSink): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = null;
    if (early !== null) for (const act of early) act();
  }

  /** For the HTTP layer: a piece from the other end. */
  take(chunk: unknown): void {
    if (!this.#closed) this.incoming.send(chunk);
  }

  /** For the HTTP layer: the other end writes no more. */
  takeEnd(): void {
    this.incoming.close();
  }

  /** For the HTTP layer: it is over. */
  finish(error: SocketError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#incoming?.close();
    const hooks = this.#onClose;
    this.#onClose = null;
    if (hooks !== null) for (const hook of hooks) hook();
  }

  #later(act: () => void): void {
    const { cause } = this.#sim;
    (this.#early ??= []).push(() => {
      const own = this.#sim.cause;
      this.#sim.cause = cause;
      act();
      this.#sim.cause = own;
    });
  }
}

// ---- frames on a connection (HTTP/2 in spirit: many streams, one connection)

export type Frame =
  | { readonly type: 'hello'; readonly certificate: string | null; readonly serverName?: string }
  | { readonly type: 'welcome'; readonly certificate: string | null; readonly http2?: boolean }
  | { readonly type: 'request'; readonly id: number; readonly request: HttpRequest }
  | { readonly type: 'response'; readonly id: number; readonly response: HttpResponse }
  | { readonly type: 'chunk'; readonly id: number; readonly value: unknown }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'cancel'; readonly id: number };
