// SPDY/3.1 as far as kubectl uses it: streams with headers, data, half-close, ping. Header blocks are one zlib stream a direction with
// the protocol's dictionary. No flow control: windows are announced wide open.

import { createDeflate, createInflate, constants, type Deflate, type Inflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

const VERSION = 3;
const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const HEADERS = 8;
const WINDOW_UPDATE = 9;
const FIN = 1;
const MAX_DATA = 32_768;

export interface SpdyListener {
  stream(stream: SpdyStream): void;
  /** The client ended the session. */
  end(): void;
}

export class SpdyStream {
  readonly id: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Hear of what the client writes; set in `stream`. */
  onData: (bytes: Buffer) => void = () => undefined;
  onEnd: () => void = () => undefined;
  onReset: () => void = () => undefined;
  readonly #session: SpdySession;
  #finished = false;

  constructor(session: SpdySession, id: number, headers: Readonly<Record<string, string>>) {
    this.#session = session;
    this.id = id;
    this.headers = headers;
  }

  write(bytes: Uint8Array): void {
    if (this.#finished) return;
    for (let at = 0; at < bytes.length; at += MAX_DATA) this.#session.data(this.id, bytes.subarray(at, at + MAX_DATA), false);
  }

  /** No more is written. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#session.data(this.id, new Uint8Array(0), true);
  }
}

export class SpdySession {
  readonly #send: (bytes: Buffer) => void;
  readonly #on: SpdyListener;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  readonly #deflate: Deflate = createDeflate({ dictionary: SPDY_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  #buffer: Buffer = Buffer.alloc(0);
  /** Header blocks are unpacked one after the other; frames behind one wait for it. */
  #busy = false;

  /** `send` takes bytes for the client. */
  constructor(send: (bytes: Buffer) => void, on: SpdyListener) {
    this.#send = send;
    this.#on = on;
  }

  /** Bytes from the client, cut anywhere. */
  push(bytes: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes]);
    this.#pump().catch(() => this.#on.end());
  }

  data(id: number, bytes: Uint8Array, last: boolean): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id & 0x7fffffff, 0);
    head.writeUInt32BE(bytes.length, 4);
    if (last) head[4] = FIN;
    this.#send(Buffer.concat([head, bytes]));
  }

  goAway(): void {
    const body = Buffer.alloc(8);
    this.#control(GOAWAY, 0, body);
  }

  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#buffer.length >= 8) {
        const length = this.#buffer.readUIntBE(5, 3);
        if (this.#buffer.length < 8 + length) break;
        const frame = this.#buffer.subarray(0, 8 + length);
        this.#buffer = this.#buffer.subarray(8 + length);
        if ((frame[0] as number) & 0x80) await this.#take(frame.readUInt16BE(2), frame[4] as number, frame.subarray(8));
        else this.#takeData(frame.readUInt32BE(0), frame[4] as number, frame.subarray(8));
      }
    } finally {
      this.#busy = false;
    }
  }

  #takeData(id: number, flags: number, bytes: Buffer): void {
    const stream = this.#streams.get(id);
    if (bytes.length > 0) {
      stream?.onData(bytes);
      // The sender's windows shrink by what it sends: give it back, for the stream and for the session.
      this.#windowUpdate(id, bytes.length);
      this.#windowUpdate(0, bytes.length);
    }
    if (flags & FIN) stream?.onEnd();
  }

  async #take(type: number, flags: number, body: Buffer): Promise<void> {
    switch (type) {
      case SYN_STREAM: {
        const id = body.readUInt32BE(0) & 0x7fffffff;
        const headers = parseHeaders(await this.#unpack(body.subarray(10)));
        const stream = new SpdyStream(this, id, headers);
        this.#streams.set(id, stream);
        await this.#reply(id);
        this.#on.stream(stream);
        if (flags & FIN) stream.onEnd();
        break;
      }
      case SYN_REPLY:
      case HEADERS:
        await this.#unpack(body.subarray(4));
        break;
      case RST_STREAM: {
        const id = body.readUInt32BE(0) & 0x7fffffff;
        this.#streams.get(id)?.onReset();
        this.#streams.delete(id);
        break;
      }
      case PING:
        this.#control(PING, 0, body);
        break;
      case GOAWAY:
        this.#on.end();
        break;
    }
  }

  async #reply(id: number): Promise<void> {
    const block = await through(this.#deflate, formatHeaders({}), true);
    const body = Buffer.alloc(4);
    body.writeUInt32BE(id, 0);
    this.#control(SYN_REPLY, 0, Buffer.concat([body, block]));
  }

  #unpack(block: Buffer): Promise<Buffer> {
    return through(this.#inflate, block, false);
  }

  #windowUpdate(id: number, size: number): void {
    const body = Buffer.alloc(8);
    body.writeUInt32BE(id, 0);
    body.writeUInt32BE(size, 4);
    this.#control(WINDOW_UPDATE, 0, body);
  }

  #control(type: number, flags: number, body: Buffer): void {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8000 | VERSION, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt32BE(body.length, 4);
    head[4] = flags;
    this.#send(Buffer.concat([head, body]));
  }
}

/** One piece through a codec that goes on. */
function through(codec: Inflate | Deflate, bytes: Buffer, flush: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const take = (part: Buffer): void => void parts.push(part);
    const fail = (error: Error): void => reject(error);
    codec.on('data', take);
    codec.once('error', fail);
    const done = (): void => {
      codec.off('data', take);
      codec.off('error', fail);
      resolve(Buffer.concat(parts));
    };
    codec.write(bytes, () => (flush ? codec.flush(constants.Z_SYNC_FLUSH, done) : done()));
  });
}

function parseHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    at += 4 + length;
    return block.toString('utf8', at - length, at);
  };
  const count = block.length < 4 ? 0 : block.readUInt32BE(0);
  for (let i = 0; i < count; i++) headers[text().toLowerCase()] = text();
  return headers;
}

function formatHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value, 0);
    return bytes;
  };
  const entries = Object.entries(headers);
  parts.push(number(entries.length));
  for (const part of entries.flat()) parts.push(number(Buffer.byteLength(part)), Buffer.from(part));
  return Buffer.concat(parts);
}
