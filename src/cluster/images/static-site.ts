// Serving files over HTTP, as nginx, Apache and busybox httpd do for a request they have no rule for.

import type { Files } from '../machine/files.ts';
import type { HttpRequest, HttpResponse } from '../network/http.ts';
import { resolvePath } from './shell/shell.ts';

const PHRASES: Readonly<Record<number, string>> = {
  200: 'OK', 201: 'Created', 204: 'No Content', 301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 304: 'Not Modified', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized',
  403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 409: 'Conflict', 413: 'Request Entity Too Large', 429: 'Too Many Requests', 500: 'Internal Server Error',
  502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
};

export const reasonPhrase = (status: number): string => PHRASES[status] ?? 'Unknown';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html', htm: 'text/html', txt: 'text/plain', css: 'text/css', js: 'application/javascript', json: 'application/json', xml: 'text/xml', svg: 'image/svg+xml',
};

export interface SiteOptions {
  /** The Server header. */
  readonly server: string;
  /** The body of a 404. */
  readonly notFound: string;
  /** The body of a 403; a directory without an index file gives one. Absent: it is a 404. */
  readonly forbidden?: string;
}

/** Answers from the files below `root`; a directory is its index.html. */
export function serveFiles(files: Files, root: string, request: Pick<HttpRequest, 'method' | 'path'>, options: SiteOptions): HttpResponse {
  const path = resolvePath('/', decode(request.path));
  let full = path === '/' ? root : `${root === '/' ? '' : root}${path}`;
  const directory = files.isDirectory(full);
  if (directory) full = `${full === '/' ? '' : full}/index.html`;
  if (!files.exists(full) || files.isDirectory(full)) {
    if (directory && options.forbidden !== undefined) return page(403, options.forbidden, options.server);
    return page(404, options.notFound, options.server);
  }
  const text = files.read(full);
  const extension = full.slice(full.lastIndexOf('.') + 1);
  const headers = { server: options.server, 'content-type': TYPES[extension] ?? 'application/octet-stream', 'content-length': String(text.length) };
  return { status: 200, headers, body: request.method === 'HEAD' ? '' : text };
}

export function page(status: number, body: string, server: string, type = 'text/html'): HttpResponse {
  return { status, headers: { server, 'content-type': type, 'content-length': String(body.length) }, body };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
