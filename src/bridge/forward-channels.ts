// port-forward for clients: pairs of SPDY streams (also inside a WebSocket), or the port channels of v4.channel.k8s.io.

import type { WebSocket } from 'ws';
import { bytesOf, TextDecoding } from '../cluster/api/bytes.ts';
import type { OutsideExchange } from '../session/gateway.ts';
import type { ClientEnd } from './command-channels.ts';
import { SpdySession, type SpdyStream } from './spdy.ts';

interface Pair {
  readonly id: number;
  error: SpdyStream | null;
  data: SpdyStream | null;
}

/** Joins a SPDY session with port-forward: two streams for each TCP connection, told apart by their request id. */
export function forwardOverSpdy(exchange: OutsideExchange, write: (bytes: Buffer) => void, close: () => void): ClientEnd & { push(bytes: Buffer): void } {
  const pairs = new Map<string, Pair>();
  const byId = new Map<number, Pair>();
  let last = 0;
  const session = new SpdySession(write, {
    stream(stream) {
      const { streamtype, port = '0' } = stream.headers;
      // Clients before requestid: the error stream's number is two less than its data stream's.
      const key = stream.headers['requestid'] ?? String(streamtype === 'error' ? stream.id : stream.id - 2);
      let pair = pairs.get(key);
      if (pair === undefined) {
        pair = { id: ++last, error: null, data: null };
        pairs.set(key, pair);
        byId.set(pair.id, pair);
      }
      if (streamtype === 'error') {
        pair.error = stream;
        return;
      }
      pair.data = stream;
      const { id } = pair;
      const decoding = new TextDecoding();
      exchange.send({ id, open: Number(port) });
      stream.onData = (bytes) => {
        const data = decoding.decode(bytes);
        if (data !== '') exchange.send({ id, data });
      };
      stream.onEnd = () => exchange.send({ id, end: true });
      stream.onReset = () => {
        exchange.send({ id, end: true });
        pairs.delete(key);
        byId.delete(id);
      };
    },
    end: close,
  });
  return {
    push: (bytes) => session.push(bytes),
    frame(frame) {
      if ('channel' in frame) return;
      const pair = byId.get(frame.id);
      if (pair === undefined) return;
      if ('data' in frame) pair.data?.write(bytesOf(frame.data));
      else if ('error' in frame) {
        pair.error?.write(Buffer.from(frame.error));
        pair.error?.finish();
      } else if ('end' in frame) {
        pair.data?.finish();
        pair.error?.finish();
      }
    },
    end: close,
  };
}

/** Joins a WebSocket of v4.channel.k8s.io with port-forward: for port i the channels 2i (data) and 2i+1 (error). */
export function forwardOverWebSocket(socket: WebSocket, base64: boolean, ports: readonly number[], exchange: OutsideExchange): ClientEnd {
  const send = (channel: number, bytes: Uint8Array): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (base64) socket.send(String(channel) + Buffer.from(bytes).toString('base64'));
    else socket.send(Buffer.concat([Buffer.from([channel]), bytes]), { binary: true });
  };
  const decodings = ports.map(() => new TextDecoding());
  for (const [i, port] of ports.entries()) {
    // Each channel begins with its port, so that the client can tell them apart.
    for (const channel of [2 * i, 2 * i + 1]) send(channel, Buffer.from([port & 0xff, port >> 8]));
    exchange.send({ id: i, open: port });
  }
  socket.on('message', (message: Buffer, binary: boolean) => {
    const channel = base64 && !binary ? Number(message.toString('utf8', 0, 1)) : (message[0] as number);
    const bytes = base64 && !binary ? Buffer.from(message.toString('utf8', 1), 'base64') : message.subarray(1);
    const data = channel % 2 === 0 ? (decodings[channel / 2]?.decode(bytes) ?? '') : '';
    if (data !== '') exchange.send({ id: channel / 2, data });
  });
  socket.on('close', () => exchange.abort());
  socket.on('error', () => exchange.abort());
  let open = ports.length;
  return {
    frame(frame) {
      if ('channel' in frame) return;
      if ('data' in frame) send(2 * frame.id, bytesOf(frame.data));
      else if ('error' in frame) send(2 * frame.id + 1, Buffer.from(frame.error));
      else if ('end' in frame && --open === 0) socket.close(1000);
    },
    end: () => socket.close(1000),
  };
}
