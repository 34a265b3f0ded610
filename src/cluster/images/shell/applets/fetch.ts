// What wget, curl and the servers of images have in common about HTTP: URLs, one request to one address, a body's text.

import { HttpClient, type HttpResponse } from '../../../network/http.ts';
import type { ClientTls } from '../../../network/http.ts';
import type { Op } from '../../../sim/simulation.ts';
import type { Micros } from '../../../sim/time.ts';
import type { Os } from '../../../machine/process.ts';

export interface Url {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** undefined when it is none. */
export function parseUrl(text: string): Url | undefined {
  const m = /^(?:(https?):\/\/)?(?:[^/@]*@)?([^/:?#]+|\[[^\]]+\])(?::(\d+))?([^?#]*)(?:\?([^#]*))?/.exec(text);
  if (!m) return undefined;
  const query: Record<string, string> = {};
  for (const pair of (m[5] ?? '').split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    query[equals < 0 ? pair : pair.slice(0, equals)] = equals < 0 ? '' : pair.slice(equals + 1);
  }
  const secure = m[1] === 'https';
  return { secure, host: m[2] as string, port: Number(m[3] ?? (secure ? 443 : 80)), path: m[4] === '' ? '/' : (m[4] as string), query };
}

export interface Fetch {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeout: Micros;
  readonly tls?: ClientTls;
}

export const hostHeader = ({ secure, host, port }: Url): string => (port === (secure ? 443 : 80) ? host : `${host}:${port}`);

/** One request to one address. Throws SocketError, HttpTimeout. */
export function* request(os: Os, url: Url, address: string, fetch: Fetch, port = url.port): Op<HttpResponse> {
  const client = new HttpClient(os, { host: address, port, keepAlive: false, ...(url.secure ? { tls: { serverName: url.host, ...fetch.tls } } : {}) });
  const headers = { host: hostHeader(url), ...fetch.headers };
  const body = fetch.body === undefined ? {} : { body: fetch.body };
  return yield* client.request({ method: fetch.method, path: url.path, query: url.query, headers, ...body }, fetch.timeout);
}

/** The text of a body: a streamed one is read to its end. */
export function* bodyText(response: HttpResponse): Op<string> {
  if (response.stream) {
    let text = '';
    for (let chunk = yield* response.stream.read(); chunk !== undefined; chunk = yield* response.stream.read()) text += String(chunk);
    return text;
  }
  const { body } = response;
  return body === undefined || body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body);
}
