// HTTP/1.1 on the wire from the client's side: requests of the model's processes become bytes for a port-forward, and the bytes that
// come back are read as responses. The other direction is in http1.ts.

import { bytesOf, textOf } from '../api/bytes.ts';
import { formatQuery } from './http1.ts';
import type { HttpRequest } from './http-stream.ts';

const CRLF = '\r\n';

export function requestText({ method, path, query, headers, body }: HttpRequest, host: string): string {
  const search = formatQuery(query);
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const given: Record<string, string> = { host, ...headers };
  delete given['transfer-encoding'];
  if (body !== undefined) given['content-length'] = String(bytesOf(text).length);
  let head = `${method} ${path}${search === '' ? '' : `?${search}`} HTTP/1.1${CRLF}`;
  for (const name of Object.keys(given)) head += `${name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())}: ${given[name] as string}${CRLF}`;
  return `${head}${CRLF}${text}`;
}

export type ResponsePart =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body?: string }
  /** Of a response without `body`. */
  | { readonly chunk: string }
  | { readonly end: true };

/** Takes bytes as text, gives the parts of responses as they become complete: short bodies with the head, chunked ones piece by piece. */
export class ResponseReader {
  #text = '';
  #chunked = false;

  push(text: string): void {
    this.#text += text;
  }

  take(): ResponsePart | undefined {
    if (this.#chunked) return this.#takeChunk();
    const end = /\r?\n\r?\n/.exec(this.#text);
    if (end === null) return undefined;
    const [line = '', ...lines] = this.#text.slice(0, end.index).split(/\r?\n/);
    const status = Number(line.split(' ')[1] ?? 0);
    const headers: Record<string, string> = {};
    for (const one of lines) {
      const colon = one.indexOf(':');
      if (colon > 0) headers[one.slice(0, colon).trim().toLowerCase()] = one.slice(colon + 1).trim();
    }
    const from = end.index + end[0].length;
    if (headers['transfer-encoding'] === 'chunked') {
      this.#text = this.#text.slice(from);
      this.#chunked = true;
      delete headers['transfer-encoding'];
      return { status, headers };
    }
    const length = Number(headers['content-length'] ?? 0);
    const rest = bytesOf(this.#text.slice(from));
    if (rest.length < length) return undefined;
    this.#text = textOf(rest.subarray(length));
    return { status, headers, body: textOf(rest.subarray(0, length)) };
  }

  #takeChunk(): ResponsePart | undefined {
    const line = this.#text.indexOf(CRLF);
    if (line < 0) return undefined;
    const size = Number.parseInt(this.#text.slice(0, line), 16);
    const rest = bytesOf(this.#text.slice(line + 2));
    if (rest.length < size + 2) return undefined;
    const chunk = textOf(rest.subarray(0, size));
    this.#text = textOf(rest.subarray(size + 2));
    if (size > 0) return { chunk };
    this.#chunked = false;
    return { end: true };
  }
}
