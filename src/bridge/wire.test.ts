// The bridge's codecs: protobuf bodies as kubectl 1.32 and later send them, SPDY frames, bytes as text.

import { createDeflate, createInflate, constants } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, TextDecoding, textOf } from '../cluster/api/bytes.ts';
import { RequestReader } from '../cluster/network/http1.ts';
import { decodeProtobuf, ProtobufError } from './protobuf.ts';
import { SpdySession, type SpdyStream } from './spdy.ts';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

// ---- a small encoder: fields by number

type Fields = readonly (readonly [number, number | string | Buffer])[];

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
};
const message = (fields: Fields): Buffer =>
  Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [varint(number << 3), varint(value)];
      const bytes = Buffer.from(value as string);
      return [varint((number << 3) | 2), varint(bytes.length), bytes];
    }),
  );
const body = (apiVersion: string, kind: string, object: Buffer): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), message([[1, message([[1, apiVersion], [2, kind]])], [2, object]])]);

describe('protobuf', () => {
  test('a Deployment: nested messages, maps, quantities, ports by number, zeros', () => {
    const labels = message([[1, 'app'], [2, 'web']]);
    const limits = message([[1, message([[1, 'cpu'], [2, message([[1, '100m']])]])]]);
    const port = message([[1, ''], [2, 0], [3, 80], [4, 'TCP']]);
    const container = message([[1, 'web'], [2, 'nginx'], [5, ''], [6, port], [8, limits]]);
    const template = message([[1, message([[11, labels]])], [2, message([[2, container]])]]);
    const spec = message([[1, 0], [2, message([[1, labels]])], [3, template], [5, 0], [7, 0]]);
    const metadata = message([[1, 'web'], [3, ''], [8, Buffer.alloc(0)]]);
    expect(decodeProtobuf(body('apps/v1', 'Deployment', message([[1, metadata], [2, spec]])))).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        // A pointer: zero replicas were asked for. What has omitempty and no pointer is dropped.
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80, protocol: 'TCP' }], resources: { limits: { cpu: '100m' } } }] },
        },
      },
    });
  });

  test('a Secret’s bytes, a time, an int-or-string', () => {
    const data = message([[1, 'k'], [2, Buffer.from([0xff, 0])]]);
    expect(decodeProtobuf(body('v1', 'Secret', message([[1, message([[1, 's'], [8, message([[1, 1_700_000_000]])]])], [2, data], [3, 'Opaque']])))).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', creationTimestamp: '2023-11-14T22:13:20Z' },
      data: { k: '/wA=' },
      type: 'Opaque',
    });
  });

  test('what is no such message is refused', () => {
    expect(() => decodeProtobuf(Buffer.from('{}'))).toThrow(ProtobufError);
    expect(() => decodeProtobuf(body('v1', 'Nothing', Buffer.alloc(0)))).toThrow('no kind "Nothing"');
    expect(() => decodeProtobuf(body('v1', 'Secret', Buffer.from([0x0a, 0x7f])))).toThrow(ProtobufError);
  });
});

describe('bytes as text', () => {
  test('any bytes survive, cut anywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
        expect([...bytesOf(textOf(bytes))]).toEqual([...bytes]);
        const decoding = new TextDecoding();
        const text = decoding.decode(bytes.subarray(0, cut)) + decoding.decode(bytes.subarray(cut)) + decoding.end();
        expect([...bytesOf(text)]).toEqual([...bytes]);
      }),
    );
  });

  test('any text is its UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(Buffer.from(bytesOf(text)).toString('utf8')).toBe(text);
        expect(textOf(Buffer.from(text))).toBe(text);
      }),
    );
  });

  test('a character that is cut in two is one character', () => {
    const decoding = new TextDecoding();
    const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
    expect(decoding.decode(first)).toBe('');
    expect(decoding.decode(second)).toBe('é');
  });
});

describe('SPDY', () => {
  /** The client's side: frames with compressed headers. */
  async function synStream(deflate: ReturnType<typeof createDeflate>, id: number, headers: Record<string, string>): Promise<Buffer> {
    const parts: Buffer[] = [];
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    parts.push(number(Object.keys(headers).length));
    for (const text of Object.entries(headers).flat()) parts.push(number(text.length), Buffer.from(text));
    const packed: Buffer[] = [];
    deflate.on('data', (piece: Buffer) => packed.push(piece));
    await new Promise<void>((resolve) => deflate.write(Buffer.concat(parts), () => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve())));
    deflate.removeAllListeners('data');
    const block = Buffer.concat([number(id), number(0), Buffer.alloc(2), ...packed]);
    const head = Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 0]);
    head.writeUIntBE(block.length, 5, 3);
    return Buffer.concat([head, block]);
  }

  test('streams with headers, data both ways, half-close; bytes cut anywhere', async () => {
    const deflate = createDeflate({ dictionary: SPDY_DICTIONARY });
    const data = (id: number, text: string, fin: boolean): Buffer => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(id);
      head.writeUInt32BE(text.length, 4);
      if (fin) head[4] = 1;
      return Buffer.concat([head, Buffer.from(text)]);
    };
    const wire = Buffer.concat([
      await synStream(deflate, 1, { streamtype: 'error' }),
      await synStream(deflate, 3, { streamtype: 'stdin' }),
      data(3, 'hello', false),
      data(3, '', true),
    ]);
    for (const size of [wire.length, 7, 1]) {
      const seen: string[] = [];
      const sent: Buffer[] = [];
      const streams: SpdyStream[] = [];
      const session = new SpdySession((bytes) => void sent.push(bytes), {
        stream(stream) {
          streams.push(stream);
          seen.push(`open ${stream.headers['streamtype']}`);
          stream.onData = (bytes) => void seen.push(bytes.toString());
          stream.onEnd = () => void seen.push('end');
        },
        end: () => undefined,
      });
      for (let at = 0; at < wire.length; at += size) session.push(wire.subarray(at, at + size));
      while (!seen.includes('end')) await new Promise((resolve) => setTimeout(resolve, 1));
      expect(seen).toEqual(['open error', 'open stdin', 'hello', 'end']);
      const before = sent.length;
      streams[0]?.write(Buffer.from('status'));
      streams[0]?.finish();
      expect(Buffer.concat(sent.slice(before)).toString('latin1')).toBe('\0\0\0\x01\0\0\0\x06status\0\0\0\x01\x01\0\0\0');
      // The first thing sent answers the first stream: SYN_REPLY with headers that a client can unpack.
      expect(sent[0]?.readUInt16BE(2)).toBe(2);
      const inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
      const unpacked = await new Promise<Buffer>((resolve) => {
        inflate.once('data', resolve);
        inflate.write(sent[0]?.subarray(12));
      });
      expect(unpacked.readUInt32BE(0)).toBe(0);
    }
  });
});

test('requests are read from bytes as they become complete', () => {
  const reader = new RequestReader();
  reader.push('GET /a?x=1&y=a%20b HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\né');
  expect(reader.take()).toEqual({ method: 'GET', path: '/a', query: { x: '1', y: 'a b' }, headers: { host: 'h' } });
  expect(reader.take()).toBeUndefined();
  reader.push('ab');
  expect(reader.take()).toMatchObject({ method: 'POST', path: '/b', body: 'éab' });
  reader.push('PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  expect(reader.take()).toBeUndefined();
  reader.push('0\r\n\r\n');
  expect(reader.take()).toMatchObject({ path: '/c', body: 'abc' });
});
