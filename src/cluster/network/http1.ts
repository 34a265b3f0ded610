// HTTP/1.1 on the wire and HTTP as the model's processes exchange it: bytes that come in through a port-forward are read as requests
// of the connection's server, and its answers become bytes.

import { bytesOf, textOf } from '../api/bytes.ts';
import type { Op } from '../sim/simulation.ts';
import type { HttpClient } from './http.ts';
import type { HttpRequest, HttpResponse } from './http-stream.ts';

const CRLF = '\r\n';
const REQUEST_LINE = /^[A-Z]{3,10} \S+ HTTP\/1\.[01]\r?\n/;
const MAY_BE_REQUEST = /^[A-Z]{1,10}( |$)/;

/** Whether bytes begin as a request; undefined while there are too few to tell. */
export function looksLikeHttp(text: string): boolean | undefined {
  if (text.includes('\n')) return REQUEST_LINE.test(text);
  return MAY_BE_REQUEST.test(text) && text.length < 16_384 ? undefined : false;
}

interface Wire {
  readonly head: string;
  readonly body: string;
}

/** Takes bytes as text, gives the requests in them as they become complete. */
export class RequestReader {
  #text = '';

  push(text: string): void {
    this.#text += text;
  }

  /** The next complete request. */
  take(): HttpRequest | undefined {
    const wire = this.#takeWire();
    if (wire === undefined) return undefined;
    const [line = '', ...lines] = wire.head.split(/\r?\n/);
    const [method = 'GET', target = '/'] = line.split(' ');
    const url = target.startsWith('/') ? target : target.replace(/^[a-z]+:\/\/[^/]*/, '');
    const question = url.indexOf('?');
    return {
      method,
      path: question < 0 ? url || '/' : url.slice(0, question),
      query: question < 0 ? {} : parseQuery(url.slice(question + 1)),
      headers: parseHeaders(lines),
      ...(wire.body === '' ? {} : { body: wire.body }),
    };
  }

  #takeWire(): Wire | undefined {
    const end = /\r?\n\r?\n/.exec(this.#text);
    if (end === null) return undefined;
    const head = this.#text.slice(0, end.index);
    const from = end.index + end[0].length;
    if (/^transfer-encoding:\s*chunked/im.test(head)) return this.#takeChunked(head, from);
    const length = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
    if (length === 0) return this.#cut(head, '', from);
    const rest = bytesOf(this.#text.slice(from));
    if (rest.length < length) return undefined;
    const body = textOf(rest.subarray(0, length));
    this.#text = textOf(rest.subarray(length));
    return { head, body };
  }

  #takeChunked(head: string, from: number): Wire | undefined {
    let body = '';
    for (let at = from; ; ) {
      const line = this.#text.indexOf(CRLF, at);
      if (line < 0) return undefined;
      const size = Number.parseInt(this.#text.slice(at, line), 16);
      if (!(size > 0)) {
        const end = this.#text.indexOf(CRLF, line + 2);
        return end < 0 ? undefined : this.#cut(head, body, end + 2);
      }
      const rest = bytesOf(this.#text.slice(line + 2, line + 2 + size));
      if (rest.length < size) return undefined;
      const piece = textOf(rest.subarray(0, size));
      body += piece;
      at = line + 2 + piece.length + 2;
    }
  }

  #cut(head: string, body: string, end: number): Wire {
    this.#text = this.#text.slice(end);
    return { head, body };
  }
}

function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/** The first value of each parameter counts, as Go's Get; a `command` is a list, its parts joined by NUL. */
export function parseQuery(text: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = unescapeQuery(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : unescapeQuery(part.slice(equals + 1));
    const known = query[name];
    if (known === undefined) query[name] = value;
    else if (name === 'command') query[name] = `${known}\u0000${value}`;
  }
  return query;
}

/** The opposite of parseQuery. */
export function formatQuery(query: Readonly<Record<string, string>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    for (const one of name === 'command' ? value.split('\u0000') : [value]) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
  }
  return parts.join('&');
}

function unescapeQuery(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 304: 'Not Modified',
  307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found',
  405: 'Method Not Allowed', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
};

const bodyText = (body: unknown): string => (body === undefined ? '' : typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);

function headText(status: number, headers: Readonly<Record<string, string>>): string {
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Status'}${CRLF}`;
  for (const [name, value] of Object.entries(headers)) {
    text += `${name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())}: ${value}${CRLF}`;
  }
  return text + CRLF;
}

/** Sends a request through `client` and writes its answer as bytes. */
export function* answerOnWire(client: HttpClient, request: HttpRequest, write: (text: string) => void): Op<void> {
  const response: HttpResponse = yield* client.request(request);
  const headers: Record<string, string> = { ...response.headers };
  delete headers['transfer-encoding'];
  if (response.stream === undefined) {
    const body = bodyText(response.body);
    if (response.status !== 204 && response.status !== 304) headers['content-length'] = String(bytesOf(body).length);
    write(headText(response.status, headers) + (request.method === 'HEAD' ? '' : body));
    return;
  }
  delete headers['content-length'];
  write(headText(response.status, { ...headers, 'transfer-encoding': 'chunked' }));
  for (let piece = yield* response.stream.read(); piece !== undefined; piece = yield* response.stream.read()) {
    const text = bodyText(piece);
    if (text !== '') write(`${bytesOf(text).length.toString(16)}${CRLF}${text}${CRLF}`);
  }
  write(`0${CRLF}${CRLF}`);
}
