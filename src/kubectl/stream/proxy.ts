// kubectl proxy: an HTTP server on this machine that hands requests on to the API server with this user's identity
// (kubectl/pkg/cmd/proxy, kubectl/pkg/proxy).

import { ApiError } from '../../cluster/api/status.ts';
import type { Signal } from '../../cluster/machine/process.ts';
import type { HttpRequest, HttpResponse } from '../../cluster/network/http.ts';
import { serveHttp } from '../../cluster/network/http.ts';
import { SocketError } from '../../cluster/network/socket.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';

const DEFAULT_HOSTS = '^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$';
const DEFAULT_REJECTED = '^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach';

export const PROXY: Command = {
  name: 'proxy',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'proxy [--port=PORT] [--www=static-dir] [--www-prefix=prefix] [--api-prefix=prefix]',
  short: 'Run a proxy to the Kubernetes API server',
  long: 'Run a server on this machine that hands requests on to the Kubernetes API server, with your identity, and serves files if you like.',
  examples: 'kubectl proxy --port=8011\nkubectl proxy --api-prefix=/k8s-api\nkubectl proxy --www=./local/www',
  flags: [
    flag.string('accept-hosts', 'Host names that may be asked for, as a regular expression.', { value: DEFAULT_HOSTS }),
    flag.string('accept-paths', 'Paths that are handed on, as a regular expression.', { value: '^.*' }),
    flag.string('address', 'Where to listen.', { value: '127.0.0.1' }),
    flag.string('api-prefix', 'Below which path the API is.', { value: '/' }),
    flag.bool('append-server-path', 'Add the path of the server address of the kubeconfig to each request.'),
    flag.bool('disable-filter', 'Hand everything on. Dangerous where others can reach the port.'),
    flag.duration('keepalive', 'How long idle connections to the server stay open; 0: as long as it likes.'),
    flag.int('port', 'Where to listen; 0: any free port.', { short: 'p', value: '8001' }),
    flag.string('reject-methods', 'Methods that are not handed on, as a regular expression.', { value: '^$' }),
    flag.string('reject-paths', 'Paths that are not handed on, as a regular expression.', { value: DEFAULT_REJECTED }),
    flag.string('unix-socket', 'Listen on this unix socket.', { short: 'u' }),
    flag.string('www', 'Folder whose files are served.', { short: 'w' }),
    flag.string('www-prefix', 'Below which path they are.', { short: 'P', value: '/static/' }),
  ],
  run: proxy,
};

const slashed = (prefix: string): string => `/${prefix.replace(/^\/|\/$/g, '')}/`.replace('//', '/');

const text = (status: number, body: string): HttpResponse => ({ status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body });

/** Comma-separated regular expressions; any that matches. Throws CommandError. */
function patterns(flags: Flags, name: string): (value: string) => boolean {
  try {
    const list = flags.text(name).split(',').map((part) => new RegExp(part));
    return (value) => list.some((pattern) => pattern.test(value));
  } catch (error) {
    throw new CommandError(`error parsing regexp: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function* proxy(context: Context, flags: Flags): Op<number | void> {
  const { os, rest } = context;
  const [acceptHost, acceptPath, rejectMethod, rejectPath] = [patterns(flags, 'accept-hosts'), patterns(flags, 'accept-paths'), patterns(flags, 'reject-methods'), patterns(flags, 'reject-paths')];
  const unix = flags.text('unix-socket');
  if (flags.given('port') && unix !== '') throw new CommandError('cannot set --unix-socket and --port at the same time');
  if (flags.text('www') !== '' && !os.files.isDirectory(context.path(flags.text('www')))) context.printError(`Failed to stat static file directory ${flags.text('www')}: stat ${flags.text('www')}: no such file or directory`);
  const apiPrefix = slashed(flags.text('api-prefix'));
  const wwwPrefix = slashed(flags.text('www-prefix'));
  const www = flags.text('www');

  const allowed = (request: HttpRequest): boolean => {
    if (flags.is('disable-filter')) return true;
    const host = (request.headers['host'] ?? 'localhost').replace(/:\d+$/, '');
    return acceptHost(host) && acceptPath(request.path) && !rejectPath(request.path) && !rejectMethod(request.method);
  };
  const handle = function* (request: HttpRequest): Op<HttpResponse> {
    if (www !== '' && `${request.path}/`.startsWith(wwwPrefix)) return file(context, www, request.path.slice(wwwPrefix.length));
    if (!request.path.startsWith(apiPrefix)) return text(404, '404 page not found\n');
    const path = `/${request.path.slice(apiPrefix.length)}`;
    if (!allowed({ ...request, path })) return text(403, 'Forbidden');
    const { accept, 'content-type': contentType } = request.headers;
    try {
      const options = { query: request.query, ...(request.body === undefined ? {} : { body: request.body }), ...(accept ? { accept } : {}), ...(contentType ? { contentType } : {}) };
      return yield* rest.raw(request.method, path, options, request.query['watch'] === 'true' ? 'watch' : request.method);
    } catch (error) {
      if (error instanceof ApiError) return { status: error.code, headers: { 'content-type': 'application/json' }, body: error.status };
      if (error instanceof SocketError) return text(502, error.message);
      throw error;
    }
  };
  let server: ReturnType<typeof serveHttp>;
  try {
    server = serveHttp(os, unix === '' ? { port: flags.integer('port'), address: flags.text('address') } : { unix }, handle);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    throw new CommandError(error.message);
  }
  if (flags.is('disable-filter')) context.klog('proxy.go:177] Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious', 'W');
  context.print(`Starting to serve on ${unix === '' ? `${flags.text('address')}:${server.port}` : unix}`);
  const signal = (yield* os.signals().receive()) as Signal | undefined;
  server.close();
  return signal === 'SIGINT' ? 130 : 143;
}

function file(context: Context, folder: string, name: string): HttpResponse {
  const { files } = context.os;
  const base = context.path(folder);
  const path = `${base}/${name.replace(/(^|\/)\.\.(?=\/|$)/g, '')}`.replace(/\/+$/, '');
  if (files.isDirectory(path)) return files.exists(`${path}/index.html`) ? text(200, files.read(`${path}/index.html`)) : text(200, `<pre>\n${files.list(path).map((one) => `<a href="${one}">${one}</a>\n`).join('')}</pre>\n`);
  return files.exists(path) ? text(200, files.read(path)) : text(404, '404 page not found\n');
}
