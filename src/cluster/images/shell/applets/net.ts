// Commands about the network: wget, nc, nslookup, ping: busyboxPing, httpd.

import { type HttpResponse, HttpTimeout, serveHttp } from '../../../network/http.ts';
import { lookupHost } from '../../../network/resolver.ts';
import { dial, listen, SocketError } from '../../../network/socket.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError, parseFlags } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { busyboxPing } from './busybox-ping.ts';
import { ncUdp } from './nc-udp.ts';
import { busyboxNslookup } from './nslookup.ts';
import { curl } from './curl.ts';
import { bodyText, hostHeader, parseUrl, request } from './fetch.ts';
import { reasonPhrase, serveFiles } from '../../static-site.ts';

const wget: Applet = function* (c) {
  const flags = parseFlags(c.args, 'qO:ST:P:csY:U:', ['spider', 'post-data:', 'header:', 'timeout:', 'no-check-certificate', 'quiet', 'tries:', 'output-document:', 'server-response', 'no-verbose', 'continue', 'user-agent:', 'directory-prefix:', 'no-proxy', 'wait:', 'waitretry:', 'retry-connrefused', 'max-redirect:', 'show-progress', 'http-user:', 'http-password:', 'inet4-only']);
  let url = parseUrl(flags.rest[0] ?? '');
  if (!url) throw new AppletError('missing URL');
  const quiet = flags.has('q') || flags.has('quiet');
  const timeout = Number(flags.value('T') ?? flags.value('timeout') ?? 900) * SECOND;
  const note = function* (text: string): Op<void> {
    if (!quiet) yield* c.stderr.write(`${text}\n`);
  };
  const post = flags.value('post-data');
  const headers: Record<string, string> = { 'user-agent': 'Wget' };
  for (const header of flags.all('header')) {
    const colon = header.indexOf(':');
    if (colon > 0) headers[header.slice(0, colon).toLowerCase()] = header.slice(colon + 1).trim();
  }
  let response: HttpResponse;
  for (let redirects = 0; ; redirects++) {
    const [address] = (yield* lookupHost(c.os, url.host)) ?? [];
    if (address === undefined) throw new AppletError(`bad address '${url.host}'`);
    yield* note(`Connecting to ${url.host}${url.port === 80 ? '' : `:${url.port}`} (${address}:${url.port})`);
    try {
      response = yield* request(c.os, url, address, { method: post === undefined ? 'GET' : 'POST', headers, timeout, ...(post === undefined ? {} : { body: post }) });
    } catch (error) {
      // The alarm of -T rings while it connects, too.
      if (error instanceof HttpTimeout || (error instanceof SocketError && error.code === 'ETIMEDOUT' && error.message.endsWith('i/o timeout'))) throw new AppletError('download timed out');
      if (error instanceof SocketError) throw new AppletError(`can't connect to remote host (${address}): ${socketReason(error)}`);
      throw error;
    }
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) break;
    if (redirects === 5) throw new AppletError('too many redirections');
    const next = parseUrl(location.startsWith('/') ? `${url.secure ? 'https' : 'http'}://${hostHeader(url)}${location}` : location);
    if (!next) throw new AppletError(`bad redirection: ${location}`);
    url = next;
  }
  if (flags.has('S') || flags.has('server-response')) {
    yield* c.stderr.write(`  HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}\n${Object.entries(response.headers).map(([name, value]) => `  ${name}: ${value}\n`).join('')}  \n`);
  }
  if (response.status >= 400) throw new AppletError(`server returned error: HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}`);
  const text = yield* bodyText(response);
  if (flags.has('spider')) {
    yield* note('remote file exists');
    return 0;
  }
  const output = flags.value('O') ?? flags.value('output-document') ?? (url.path.split('/').pop() || 'index.html');
  if (output === '-') {
    yield* note('writing to stdout');
    yield* c.stdout.write(text);
    yield* note(`-                    100% |********************************|${String(text.length).padStart(6)}  0:00:00 ETA\nwritten to stdout`);
    return 0;
  }
  const file = output.includes('/') ? output : `${flags.value('P') ?? '.'}/${output}`;
  if (resolvePath(c.cwd, file) !== '/dev/null') c.os.files.write(resolvePath(c.cwd, file), text);
  yield* note(`saving to '${output}'\n${output.padEnd(20)} 100% |********************************|${String(text.length).padStart(6)}  0:00:00 ETA\n'${output}' saved`);
  return 0;
};

/** As strerror says it. */
export function socketReason(error: SocketError): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'Connection refused';
    case 'ETIMEDOUT':
      return 'Operation timed out';
    case 'EHOSTUNREACH':
      return 'Host is unreachable';
    case 'ENETUNREACH':
      return 'Network unreachable';
    case 'ECONNRESET':
      return 'Connection reset by peer';
    default:
      return error.message.slice(error.message.lastIndexOf(': ') + 2);
  }
}

const nc: Applet = function* (c) {
  const flags = parseFlags(c.args, 'zvw:lp:nkue:');
  const timeout = Number(flags.value('w') ?? 127) * SECOND;
  if (flags.has('u')) {
    const wait = flags.value('w');
    const [host = '', port = flags.value('p') ?? host] = flags.rest;
    return yield* ncUdp(c, { host, port: Number(port), localPort: Number(flags.value('p') ?? 0), listens: flags.has('l'), patience: wait === undefined ? null : Number(wait) * SECOND });
  }
  if (flags.has('l')) {
    const listener = listen(c.os, Number(flags.value('p') ?? flags.rest[0] ?? 0));
    const connection = yield* listener.accept();
    listener.close();
    // What it reads goes out while what comes in is printed.
    c.os.go('nc', function* () {
      for (let text = yield* c.stdin.read(); text !== undefined; text = yield* c.stdin.read()) connection?.send(text);
    });
    for (let text = yield* connection?.receive() ?? nobody(); text !== undefined; text = yield* connection?.receive() ?? nobody()) yield* c.stdout.write(String(text));
    return 0;
  }
  const [host = '', port = ''] = flags.rest;
  const [address] = (yield* lookupHost(c.os, host)) ?? [];
  if (address === undefined) throw new AppletError(`bad address '${host}'`);
  try {
    const connection = yield* dial(c.os, address, Number(port), { timeout });
    if (flags.has('v') || flags.has('z')) yield* c.stderr.write(flags.has('v') ? `${host} (${address}:${port}) open\n` : '');
    if (!flags.has('z')) {
      for (let text = yield* c.stdin.read(); text !== undefined; text = yield* c.stdin.read()) connection.send(text);
    }
    connection.close();
    return 0;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    if (flags.has('z') && !flags.has('v')) return 1;
    throw new AppletError(`${host} (${address}:${port}): ${socketReason(error)}`);
  }
};

function* nobody(): Op<undefined> {}

/** busybox httpd: serves a directory; in the background unless -f. */
const httpd: Applet = function* (c) {
  const flags = parseFlags(c.args, 'fvp:h:u:c:');
  const root = resolvePath(c.cwd, flags.value('h') ?? '.');
  const port = Number((flags.value('p') ?? '80').split(':').pop());
  const serve = function* (os: AppletContext['os']): Op<number> {
    serveHttp(os, { port }, function* (asked) {
      yield* os.sleep(100);
      return serveFiles(os.files, root, asked, { server: 'busybox', notFound: '<HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>\n<BODY><H1>404 Not Found</H1>\nThe requested URL was not found\n</BODY></HTML>\n' });
    });
    for (;;) yield* os.sleep(3600 * SECOND);
  };
  try {
    if (flags.has('f')) return yield* serve(c.os);
  } catch (error) {
    if (error instanceof SocketError) throw new AppletError('bind: Address already in use');
    throw error;
  }
  c.os.spawn(serve, { argv: ['httpd', ...c.args] });
  return 0;
};

export const NET_APPLETS: Readonly<Record<string, Applet>> = { wget, nc, nslookup: busyboxNslookup, ping: busyboxPing, httpd, netcat: nc };
export const CURL_APPLETS: Readonly<Record<string, Applet>> = { curl };
