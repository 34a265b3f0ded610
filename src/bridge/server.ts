// The HTTP side of the bridge: what a real API server's listener does with bytes. Protobuf bodies become JSON, answers get their
// types, big ones are compressed, streams are flushed piece by piece; a client that goes away is told to the cluster.

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { gzip } from 'node:zlib';
import { bytesOf, textOf } from '../cluster/api/bytes.ts';
import type { OutsideExchange, OutsideListener, OutsideRequest } from '../session/gateway.ts';
import { isAllowed } from './guard.ts';
import { answerOpenApiV2, wantsOpenApiV2 } from './openapi-v2.ts';
import { decodeProtobuf } from './protobuf.ts';
import { MAX_BODY, noAnswer, statusBody, TOO_LARGE, UNAUTHORIZED } from './status.ts';

/** Where requests go: a headless cluster, or the open page. */
export interface Backend {
  request(request: OutsideRequest, on: OutsideListener): OutsideExchange;
}

export interface BridgeOptions {
  readonly port: number;
  readonly backend: Backend;
  /** Without: plain HTTP for anybody on this machine, as kubectl proxy. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly token: string };
  /** Takes connections that want to be something else than HTTP. */
  readonly upgrade: (context: UpgradeContext) => void;
}

export interface UpgradeContext {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly backend: Backend;
  readonly admin: boolean;
}

const JSON_TYPE = { 'content-type': 'application/json' };
/** The real server compresses what is larger, when asked (GzipEncoding, APIResponseCompression). */
const COMPRESS_FROM = 128 * 1024;

/** Serves on the loopback; resolves with the port once it listens. */
export async function serveBridge(options: BridgeOptions): Promise<{ readonly server: Server; readonly port: number }> {
  const { tls } = options;
  const listener: RequestListener = (request, response) => {
    receive(options, request, response).catch((error: unknown) => {
      if (!response.headersSent) respond(response, 500, statusBody(500, 'InternalError', String(error)));
      else response.destroy();
    });
  };
  const server = (tls === undefined ? createServer(HTTP, listener) : createTlsServer({ ...HTTP, key: tls.key, cert: tls.cert, ALPNProtocols: ['http/1.1'] }, listener)) as Server;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refused = refusal(options, request);
    if (refused !== null) {
      const text = `HTTP/1.1 ${refused.status} ${refused.status === 401 ? 'Unauthorized' : 'Forbidden'}\r\nContent-Type: ${refused.type}\r\nContent-Length: ${Buffer.byteLength(refused.body)}\r\nConnection: close\r\n\r\n${refused.body}`;
      socket.end(text);
      return;
    }
    options.upgrade({ request, socket, head, backend: options.backend, admin: isAdmin(options, request) });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', () => resolve());
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** Idle connections stay: a client that reuses one just as it is closed would see an error. */
const HTTP = { keepAliveTimeout: 600_000, requestTimeout: 0, headersTimeout: 60_000, maxHeaderSize: 1 << 20, noDelay: true };

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function refusal({ tls }: BridgeOptions, request: IncomingMessage): Refusal | null {
  if (!isAllowed(request)) return { status: 403, type: 'text/plain; charset=utf-8', body: 'Forbidden\n' };
  if (tls !== undefined && request.headers.authorization !== undefined && !/^Bearer \S/.test(request.headers.authorization)) {
    return { status: 401, type: 'application/json', body: UNAUTHORIZED };
  }
  return null;
}

/** With TLS the token of our kubeconfig is the administrator's; any other is the API server's to judge. */
const isAdmin = ({ tls }: BridgeOptions, request: IncomingMessage): boolean => tls === undefined || request.headers.authorization === `Bearer ${tls.token}`;

function respond(response: ServerResponse, status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = JSON_TYPE): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

async function receive(options: BridgeOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refused = refusal(options, request);
  if (refused !== null) {
    request.resume();
    respond(response, refused.status, refused.body, { 'content-type': refused.type });
    return;
  }
  const body = await readBody(request);
  if (body === null) {
    respond(response, 413, TOO_LARGE, { ...JSON_TYPE, connection: 'close' });
    return;
  }
  const accept = request.headers.accept ?? '';
  const url = request.url ?? '/';
  const path = url.split('?')[0];
  if (wantsOpenApiV2(accept, path)) {
    answerOpenApiV2(options.backend, isAdmin(options, request), request, response);
    return;
  }
  const outside = outsideRequest(request, body, isAdmin(options, request));
  if (typeof outside === 'string') {
    respond(response, 400, outside);
    return;
  }
  relay(options.backend, outside, request, response);
}

/** The whole body; null when it is too large. */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= MAX_BODY) parts.push(part);
      else resolve(null);
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    request.on('error', reject);
  });
}

/** The request in the cluster's terms, or the Status that answers a body that makes no sense. */
export function outsideRequest(request: IncomingMessage, body: Buffer, admin: boolean): OutsideRequest | string {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  // Go joins nothing: several groups are several headers, which Node gives as one list here.
  if (headers['accept']?.includes('application/vnd.kubernetes.protobuf') === true) headers['accept'] = withoutProtobuf(headers['accept']);
  const base = { method: request.method ?? 'GET', url: request.url ?? '/', headers, admin };
  if (body.length === 0) return base;
  if (headers['content-type']?.startsWith('application/vnd.kubernetes.protobuf') !== true) return { ...base, body: textOf(body) };
  try {
    headers['content-type'] = 'application/json';
    return { ...base, body: JSON.stringify(decodeProtobuf(body)) };
  } catch (error) {
    return statusBody(400, 'BadRequest', error instanceof Error ? error.message : String(error));
  }
}

/** Answers are JSON; whoever lists protobuf lists JSON or anything, too. */
function withoutProtobuf(accept: string): string {
  const rest = accept.split(',').filter((type) => !type.includes('application/vnd.kubernetes.protobuf')).join(',');
  return rest.trim() === '' ? 'application/json' : rest;
}

/** Headers that the bridge sets itself. */
const HOP_HEADERS = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade']);

/** Answers with what the cluster says. A body in one piece goes out with its length; pieces go out as they come. */
export function relay(backend: Backend, outside: OutsideRequest, request: IncomingMessage, response: ServerResponse): void {
  let status = 0;
  let headers: Record<string, string | string[]> = {};
  /** The only piece so far, held back until it is known whether more will come. */
  let held: string | null = null;
  let streaming = false;
  const mayStream = isStream(outside.url);
  const begin = (): void => {
    streaming = true;
    response.writeHead(status, headers);
    response.flushHeaders();
  };
  const exchange = backend.request(outside, {
    response(code, given) {
      status = code;
      headers = outsideHeaders(given);
      if (mayStream && code === 200) begin();
    },
    chunk(text, taken) {
      if (!streaming && held === null) {
        held = text;
        taken?.();
        return;
      }
      if (!streaming) begin();
      if (held !== null) response.write(bytesOf(held));
      held = null;
      response.write(bytesOf(text), () => taken?.());
    },
    frame: () => undefined,
    end() {
      if (streaming) response.end();
      else sendWhole(request, response, status, headers, held ?? '');
    },
    error(message) {
      if (response.headersSent) response.destroy();
      else respond(response, 503, noAnswer(message));
    },
  });
  response.on('close', () => {
    if (!response.writableEnded || !response.writableFinished) exchange.abort();
  });
}

function isStream(url: string): boolean {
  const question = url.indexOf('?');
  return question >= 0 && /[?&](watch|follow)=(true|1)(&|$)/.test(url.slice(question));
}

function outsideHeaders(given: Readonly<Record<string, string>>): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(given)) {
    if (HOP_HEADERS.has(name)) continue;
    // Several warnings are several headers.
    headers[name] = name === 'warning' ? value.split(/, (?=299 )/) : value;
  }
  headers['content-type'] ??= 'application/json';
  return headers;
}

function sendWhole(request: IncomingMessage, response: ServerResponse, status: number, headers: Record<string, string | string[]>, text: string): void {
  const body = Buffer.from(bytesOf(text));
  const zip = body.length >= COMPRESS_FROM && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  if (!zip) {
    response.writeHead(status, { ...headers, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  gzip(body, { level: 1 }, (error, packed) => {
    if (error !== null || response.destroyed) {
      response.destroy();
      return;
    }
    response.writeHead(status, { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding', 'content-length': packed.length });
    response.end(packed);
  });
}
