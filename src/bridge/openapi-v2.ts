// /openapi/v2 for clients that take it in protobuf alone (kubectl): the cluster's JSON document, put into that form once for
// each of its states. While the cluster has no document, an empty one: kubectl goes on with its own types then.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { bytesOf } from '../cluster/api/bytes.ts';
import { encodeOpenApiV2 } from './openapi-protobuf.ts';
import type { Backend } from './server.ts';
import { noAnswer } from './status.ts';

/** The `@` of the type that is asked for may not stand in a Content-Type. */
const TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** gnostic's Document{swagger: "2.0"}. */
const EMPTY = Uint8Array.from([0x0a, 0x03, 0x32, 0x2e, 0x30]);

/** The last document, by its ETag. */
let last: { readonly etag: string; readonly bytes: Uint8Array } | null = null;

/** Whether the request is for the document in protobuf. */
export const wantsOpenApiV2 = (accept: string, path: string | undefined): boolean =>
  accept.includes('openapi.spec.v2') && (path === '/openapi/v2' || path === '/swagger-2.0.0.pb-v1');

export function answerOpenApiV2(backend: Backend, admin: boolean, request: IncomingMessage, response: ServerResponse): void {
  const known = request.headers['if-none-match'];
  const headers = { accept: 'application/json', ...(known === undefined ? {} : { 'if-none-match': known }) };
  const parts: Uint8Array[] = [];
  let status = 0;
  let etag = '';
  const exchange = backend.request(
    { method: 'GET', url: '/openapi/v2', headers, admin },
    {
      response(code, given) {
        status = code;
        etag = given['etag'] ?? '';
      },
      chunk(text, taken) {
        parts.push(bytesOf(text));
        taken?.();
      },
      frame: () => undefined,
      end() {
        const own = { 'content-type': TYPE, 'cache-control': 'no-cache, private', ...(etag === '' ? {} : { etag, vary: 'Accept' }) };
        if (status === 304) {
          response.writeHead(304, own).end();
          return;
        }
        const bytes = status === 200 ? encoded(etag, parts) : EMPTY;
        response.writeHead(200, { ...own, 'content-length': bytes.length }).end(bytes);
      },
      error(message) {
        const body = noAnswer(message);
        response.writeHead(503, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
      },
    },
  );
  response.on('close', () => {
    if (!response.writableFinished) exchange.abort();
  });
}

function encoded(etag: string, parts: readonly Uint8Array[]): Uint8Array {
  if (last !== null && etag !== '' && last.etag === etag) return last.bytes;
  const bytes = encodeOpenApiV2(JSON.parse(Buffer.concat(parts).toString('utf8')) as Readonly<Record<string, unknown>>);
  last = { etag, bytes };
  return bytes;
}
