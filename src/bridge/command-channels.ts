// exec and attach for clients: the channels of v5/v4.channel.k8s.io over WebSocket (binary or base64) and the streams of SPDY.

import type { WebSocket } from 'ws';
import { bytesOf, TextDecoding } from '../cluster/api/bytes.ts';
import type { CommandFrame } from '../cluster/network/remote-frames.ts';
import { internalStatus } from '../cluster/network/remote-frames.ts';
import type { OutsideExchange, OutsideFrame } from '../session/gateway.ts';
import { SpdySession, type SpdyStream } from './spdy.ts';

/** What the client writes, as it goes into the cluster. */
class CommandInput {
  readonly #exchange: OutsideExchange;
  readonly #decoding = new TextDecoding();

  constructor(exchange: OutsideExchange) {
    this.#exchange = exchange;
  }

  stdin(bytes: Uint8Array): void {
    const data = this.#decoding.decode(bytes);
    if (data !== '') this.#exchange.send({ channel: 'stdin', data });
  }

  end(): void {
    const data = this.#decoding.end();
    if (data !== '') this.#exchange.send({ channel: 'stdin', data });
    this.#exchange.send({ channel: 'stdin', end: true });
  }

  /** `{"Width":80,"Height":24}` */
  resize(bytes: Uint8Array): void {
    for (const line of Buffer.from(bytes).toString('utf8').split('\n')) {
      try {
        const { Width = 0, Height = 0 } = JSON.parse(line) as { Width?: number; Height?: number };
        this.#exchange.send({ channel: 'resize', columns: Width, rows: Height });
      } catch {
        // no size
      }
    }
  }
}

export interface ClientEnd {
  frame(frame: OutsideFrame): void;
  end(problem: string | null): void;
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;

/** Protocols of the WebSocket, and whether their status is JSON and their messages base64. */
export const COMMAND_PROTOCOLS: Readonly<Record<string, { readonly json: boolean; readonly base64: boolean }>> = {
  'v5.channel.k8s.io': { json: true, base64: false },
  'v4.channel.k8s.io': { json: true, base64: false },
  'v4.base64.channel.k8s.io': { json: true, base64: true },
  'channel.k8s.io': { json: false, base64: false },
  'base64.channel.k8s.io': { json: false, base64: true },
  '': { json: false, base64: false },
};

/** Joins a WebSocket with a command. */
export function commandOverWebSocket(socket: WebSocket, protocol: string, exchange: OutsideExchange): ClientEnd {
  const { json, base64 } = COMMAND_PROTOCOLS[protocol] ?? { json: true, base64: false };
  const input = new CommandInput(exchange);
  const send = (channel: number, bytes: Uint8Array): void => {
    if (base64) socket.send(String(channel) + Buffer.from(bytes).toString('base64'));
    else socket.send(Buffer.concat([Buffer.from([channel]), bytes]), { binary: true });
  };
  // Tells the client that the connection stands.
  send(STDOUT, new Uint8Array(0));
  socket.on('message', (message: Buffer, binary: boolean) => {
    const channel = base64 && !binary ? Number(message.toString('utf8', 0, 1)) : (message[0] as number);
    const bytes = base64 && !binary ? Buffer.from(message.toString('utf8', 1), 'base64') : message.subarray(1);
    if (channel === STDIN && bytes.length > 0) input.stdin(bytes);
    else if (channel === RESIZE) input.resize(bytes);
    else if (channel === CLOSE && bytes[0] === STDIN) input.end();
  });
  socket.on('close', () => exchange.abort());
  socket.on('error', () => exchange.abort());
  const finish = (frame: CommandFrame & { channel: 'status' }): void => {
    const { status } = frame;
    if (json) send(ERROR, Buffer.from(JSON.stringify(status)));
    else if (status.status !== 'Success') send(ERROR, Buffer.from(status.message ?? ''));
    socket.close(1000);
  };
  return {
    frame(frame) {
      if (!('channel' in frame)) return;
      if (frame.channel === 'status') finish(frame);
      else if (frame.channel === 'stdout' && 'data' in frame) send(STDOUT, bytesOf(frame.data));
      else if (frame.channel === 'stderr' && 'data' in frame) send(STDERR, bytesOf(frame.data));
    },
    end(problem) {
      if (problem !== null && socket.readyState === socket.OPEN) finish({ channel: 'status', status: internalStatus(problem) });
      else socket.close(1000);
    },
  };
}

/** SPDY's versions of the protocol, best first. Before v4 the error stream carries a text and no status. */
export const SPDY_COMMAND_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
/** The client closes when it has read everything; one that does not is cut off. */
const PATIENCE = 10_000;

/** Joins a SPDY session with a command. `write` takes bytes for the client, `close` ends the connection. */
export function commandOverSpdy(protocol: string, exchange: OutsideExchange, write: (bytes: Buffer) => void, close: () => void): ClientEnd & { push(bytes: Buffer): void } {
  const input = new CommandInput(exchange);
  const streams = new Map<string, SpdyStream>();
  /** What came before its stream was opened. */
  const early = new Map<string, { bytes: Uint8Array[]; finished: boolean }>();
  const of = (type: string): { bytes: Uint8Array[]; finished: boolean } => {
    const waiting = early.get(type) ?? { bytes: [], finished: false };
    early.set(type, waiting);
    return waiting;
  };
  const out = (type: string, bytes: Uint8Array): void => {
    const stream = streams.get(type);
    if (stream === undefined) of(type).bytes.push(bytes);
    else stream.write(bytes);
  };
  const finish = (type: string): void => {
    const stream = streams.get(type);
    if (stream === undefined) of(type).finished = true;
    else stream.finish();
  };
  const session = new SpdySession(write, {
    stream(stream) {
      const type = stream.headers['streamtype'] ?? '';
      streams.set(type, stream);
      if (type === 'stdin') {
        stream.onData = (bytes) => input.stdin(bytes);
        stream.onEnd = () => input.end();
      } else if (type === 'resize') stream.onData = (bytes) => input.resize(bytes);
      const waiting = early.get(type);
      if (waiting === undefined) return;
      for (const bytes of waiting.bytes) stream.write(bytes);
      if (waiting.finished) stream.finish();
    },
    end: close,
  });
  let over = false;
  const conclude = (text: string): void => {
    if (over) return;
    over = true;
    if (text !== '') out('error', Buffer.from(text));
    for (const type of ['error', 'stdout', 'stderr']) finish(type);
    setTimeout(close, PATIENCE).unref();
  };
  const textOfStatus = (status: object & { status?: string; message?: string }): string =>
    protocol === 'v4.channel.k8s.io' ? JSON.stringify(status) : status.status === 'Success' ? '' : (status.message ?? '');
  return {
    push: (bytes) => session.push(bytes),
    frame(frame) {
      if (!('channel' in frame)) return;
      if (frame.channel === 'status') conclude(textOfStatus(frame.status));
      else if ((frame.channel === 'stdout' || frame.channel === 'stderr') && 'data' in frame) out(frame.channel, bytesOf(frame.data));
    },
    end: (problem) => conclude(problem === null ? '' : textOfStatus(internalStatus(problem))),
  };
}
