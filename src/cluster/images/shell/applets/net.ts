// Commands about the network: wget, curl, nc, nslookup, ping, httpd.

import { dnsQuery } from '../../../network/dns.ts';
import { HttpClient, type HttpResponse, HttpTimeout, serveHttp } from '../../../network/http.ts';
import { parseIp } from '../../../network/ip.ts';
import { lookupHost, resolverConfig } from '../../../network/resolver.ts';
import { dial, listen, ping as pingOnce, SocketError } from '../../../network/socket.ts';
import type { Op } from '../../../sim/simulation.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError, parseFlags } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { reasonPhrase, serveFiles } from '../../static-site.ts';

interface Url {
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

interface Fetch {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeout: Micros;
}

/** One request to one address. Throws SocketError, HttpTimeout. */
function* request(c: AppletContext, url: Url, address: string, fetch: Fetch): Op<HttpResponse> {
  const client = new HttpClient(c.os, { host: address, port: url.port, keepAlive: false, ...(url.secure ? { tls: {} } : {}) });
  const headers = { host: url.port === (url.secure ? 443 : 80) ? url.host : `${url.host}:${url.port}`, ...fetch.headers };
  const body = fetch.body === undefined ? {} : { body: fetch.body };
  return yield* client.request({ method: fetch.method, path: url.path, query: url.query, headers, ...body }, fetch.timeout);
}

/** The text of a body: a streamed one is read to its end. */
function* bodyText(response: HttpResponse): Op<string> {
  if (response.stream) {
    let text = '';
    for (let chunk = yield* response.stream.read(); chunk !== undefined; chunk = yield* response.stream.read()) text += String(chunk);
    return text;
  }
  const { body } = response;
  return body === undefined || body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body);
}

const wget: Applet = function* (c) {
  const flags = parseFlags(c.args, 'qO:ST:P:csY:U:', ['spider', 'post-data:', 'header:', 'timeout:', 'no-check-certificate', 'quiet', 'tries:', 'output-document:', 'server-response', 'no-verbose', 'continue', 'user-agent:', 'directory-prefix:', 'no-proxy', 'wait:', 'waitretry:', 'retry-connrefused', 'max-redirect:', 'show-progress', 'http-user:', 'http-password:', 'inet4-only']);
  const url = parseUrl(flags.rest[0] ?? '');
  if (!url) throw new AppletError('missing URL');
  const quiet = flags.has('q') || flags.has('quiet');
  const timeout = Number(flags.value('T') ?? flags.value('timeout') ?? 900) * SECOND;
  const note = function* (text: string): Op<void> {
    if (!quiet) yield* c.stderr.write(`${text}\n`);
  };
  const [address] = (yield* lookupHost(c.os, url.host)) ?? [];
  if (address === undefined) throw new AppletError(`bad address '${url.host}'`);
  yield* note(`Connecting to ${url.host}${url.port === 80 ? '' : `:${url.port}`} (${address}:${url.port})`);
  const post = flags.value('post-data');
  const header = flags.value('header');
  const colon = header?.indexOf(':') ?? -1;
  const headers = { 'user-agent': 'Wget', ...(header && colon > 0 ? { [header.slice(0, colon).toLowerCase()]: header.slice(colon + 1).trim() } : {}) };
  let response: HttpResponse;
  try {
    response = yield* request(c, url, address, { method: post === undefined ? 'GET' : 'POST', headers, timeout, ...(post === undefined ? {} : { body: post }) });
  } catch (error) {
    if (error instanceof HttpTimeout) throw new AppletError('download timed out');
    if (error instanceof SocketError) throw new AppletError(`can't connect to remote host (${address}): ${socketReason(error)}`);
    throw error;
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

/** Every `-H 'name: value'` of a command line. */
function headersIn(args: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [i, arg] of args.entries()) {
    const text = arg === '-H' || arg === '--header' ? args[i + 1] : /^(?:-H|--header=)(.+)$/.exec(arg)?.[1];
    const colon = text?.indexOf(':') ?? -1;
    if (text !== undefined && colon > 0) headers[text.slice(0, colon).toLowerCase()] = text.slice(colon + 1).trim();
  }
  return headers;
}

/** curl, for each URL of the command line. */
const curl: Applet = function* (c) {
  const urls = c.args.filter((arg, i) => /^(https?:\/\/)?[\w.-]+(:\d+)?(\/|$)/.test(arg) && !arg.startsWith('-') && !/^-(\w*[oXdHmwAuE]|-(output|request|data|header|max-time|connect-timeout|write-out|retry|noproxy|cacert|cert|key|user|user-agent|resolve|data-raw|data-binary|retry-delay))$/.test(c.args[i - 1] ?? ''));
  let code = 0;
  if (urls.length < 2) return yield* curlOne(c);
  for (const url of urls) code = yield* curlOne({ ...c, args: [...c.args.filter((arg) => !urls.includes(arg)), url] });
  return code;
};

const curlOne: Applet = function* (c) {
  const flags = parseFlags(c.args, 'sSfvkLiIo:X:d:H:m:w:OA:u:Vg#E:', [
    'silent', 'show-error', 'fail', 'verbose', 'insecure', 'location', 'include', 'head', 'output:', 'request:', 'data:', 'header:', 'max-time:', 'connect-timeout:', 'write-out:', 'retry:', 'noproxy:', 'version', 'cacert:', 'cert:', 'key:', 'retry-delay:', 'retry-all-errors', 'retry-connrefused', 'user:', 'user-agent:', 'fail-with-body', 'compressed', 'data-raw:', 'data-binary:', 'resolve:', 'http1.1', 'globoff', 'no-progress-meter', 'progress-bar',
  ]);
  if (flags.has('V') || flags.has('version')) {
    yield* c.stdout.write('curl 8.16.0 (x86_64-pc-linux-gnu) libcurl/8.16.0 OpenSSL/3.5.4 zlib/1.3.1\n');
    return 0;
  }
  const either = (short: string, long: string): string | undefined => flags.value(short) ?? flags.value(long);
  const url = parseUrl(flags.rest[0] ?? '');
  if (!url) throw new AppletError("no URL specified!\ncurl: try 'curl --help' or 'curl --manual' for more information", 2);
  const silent = flags.has('s') || flags.has('silent');
  const loud = !silent || flags.has('S') || flags.has('show-error');
  const fail = function* (code: number, message: string): Op<number> {
    if (loud) yield* c.stderr.write(`curl: (${code}) ${message}\n`);
    const wanted = either('w', 'write-out');
    if (wanted !== undefined) yield* c.stdout.write(wanted.replace(/%\{(?:http|response)_code\}/g, '000').replace(/%\{errormsg\}/g, message).replace(/%\{\w+\}/g, '0').replace(/\\n/g, '\n'));
    return code;
  };
  const limit = Number(either('m', 'max-time') ?? flags.value('connect-timeout') ?? 133);
  const started = c.os.sim.now;
  const [address] = (yield* lookupHost(c.os, url.host)) ?? [];
  if (address === undefined) return yield* fail(6, `Could not resolve host: ${url.host}`);
  const data = either('d', 'data') ?? flags.value('data-raw') ?? flags.value('data-binary');
  const method = either('X', 'request') ?? (flags.has('I') || flags.has('head') ? 'HEAD' : data === undefined ? 'GET' : 'POST');
  const headers = { 'user-agent': 'curl/8.16.0', accept: '*/*', ...headersIn(c.args) };
  let response: HttpResponse;
  try {
    response = yield* request(c, url, address, { method, headers, timeout: limit * SECOND, ...(data === undefined ? {} : { body: data }) });
  } catch (error) {
    const took = Math.round((c.os.sim.now - started) / 1000);
    if (error instanceof HttpTimeout) return yield* fail(28, `Operation timed out after ${took} milliseconds with 0 bytes received`);
    if (!(error instanceof SocketError)) throw error;
    if (error.code === 'ETIMEDOUT') return yield* fail(28, `Failed to connect to ${url.host} port ${url.port} after ${took} ms: Could not connect to server`);
    if (error.code === 'ECONNRESET' || error.code === 'EOF') return yield* fail(56, 'Recv failure: Connection reset by peer');
    return yield* fail(7, `Failed to connect to ${url.host} port ${url.port} after ${took} ms: Could not connect to server`);
  }
  if ((flags.has('f') || flags.has('fail')) && response.status >= 400) return yield* fail(22, `The requested URL returned error: ${response.status}`);
  const text = yield* bodyText(response);
  let out = '';
  if (flags.has('i') || flags.has('I') || flags.has('include') || flags.has('head')) {
    out += `HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}\r\n${Object.entries(response.headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
  }
  if (method !== 'HEAD') out += text;
  const output = either('o', 'output');
  if (output === undefined) yield* c.stdout.write(out);
  else if (output !== '/dev/null') c.os.files.write(resolvePath(c.cwd, output), out);
  const format = either('w', 'write-out');
  if (format !== undefined) {
    const total = ((c.os.sim.now - started) / SECOND).toFixed(6);
    yield* c.stdout.write(format.replace(/%\{(\w+)\}/g, (_, name: string) => ({ http_code: String(response.status), response_code: String(response.status), time_total: total, size_download: String(text.length) })[name] ?? '').replace(/\\n/g, '\n'));
  }
  return 0;
};

const nc: Applet = function* (c) {
  const flags = parseFlags(c.args, 'zvw:lp:nkue:');
  const timeout = Number(flags.value('w') ?? 127) * SECOND;
  if (flags.has('l')) {
    const listener = listen(c.os, Number(flags.value('p') ?? flags.rest[0] ?? 0));
    const connection = yield* listener.accept();
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

const nslookup: Applet = function* (c) {
  const config = resolverConfig(c.os);
  const rest = c.args.filter((arg) => !arg.startsWith('-'));
  const name = (rest[0] ?? '').replace(/\.$/, '');
  const [server] = rest[1] === undefined ? config.servers : ((yield* lookupHost(c.os, rest[1])) ?? []);
  if (server === undefined) throw new AppletError(`bad address '${rest[1] ?? ''}'`);
  yield* c.stdout.write(`Server:\t\t${server}\nAddress:\t${server}:53\n\n`);
  const random = c.os.sim.random(`nslookup/${c.os.place}/${c.os.process.pid}`);
  const reverse = parseIp(name) >= 0 ? `${name.split('.').reverse().join('.')}.in-addr.arpa` : null;
  const names = reverse ? [reverse] : name.includes('.') || config.search.length === 0 ? [name] : config.search.map((domain) => `${name}.${domain}`);
  let code = 0;
  for (const full of names) {
    for (const type of reverse ? (['PTR'] as const) : (['A', 'AAAA'] as const)) {
      const reply = yield* dnsQuery(c.os, server, { id: random.int(65_536), question: { name: full, type } }, 5 * SECOND);
      if (!reply) {
        yield* c.stdout.write(';; connection timed out; no servers could be reached\n\n');
        return 1;
      }
      if (reply.code !== 'NOERROR') {
        yield* c.stdout.write(`** server can't find ${full}: ${reply.code}\n\n`);
        code = 1;
      } else if (reply.answers.length === 0) {
        if (type !== 'AAAA') yield* c.stdout.write(`*** Can't find ${full}: No answer\n\n`);
      } else {
        for (const r of reply.answers) {
          if (r.type === 'CNAME') yield* c.stdout.write(`${r.name}\tcanonical name = ${r.data}\n`);
          else if (r.type === 'PTR') yield* c.stdout.write(`${r.name}\tname = ${r.data}\n`);
          else yield* c.stdout.write(`Name:\t${r.name}\nAddress: ${r.data}\n`);
        }
        yield* c.stdout.write('\n');
      }
    }
  }
  return code;
};

const ping: Applet = function* (c) {
  const flags = parseFlags(c.args, 'c:W:w:i:q4');
  const host = flags.rest[0] ?? '';
  const [address] = (yield* lookupHost(c.os, host)) ?? [];
  if (address === undefined) throw new AppletError(`bad address '${host}'`);
  yield* c.stdout.write(`PING ${host} (${address}): 56 data bytes\n`);
  const count = Number(flags.value('c') ?? Infinity);
  const times: number[] = [];
  let sent = 0;
  for (; sent < count; sent++) {
    const started = c.os.sim.now;
    const result = yield* pingOnce(c.os, address, Number(flags.value('W') ?? 10) * SECOND);
    if (result.ok) {
      const ms = result.rtt / 1000;
      times.push(ms);
      yield* c.stdout.write(`64 bytes from ${address}: seq=${sent} ttl=${result.ttl ?? 64} time=${ms.toFixed(3)} ms\n`);
    } else if (result.reason?.startsWith('connect')) throw new AppletError('sendto: Network unreachable');
    if (sent + 1 < count) yield* c.os.sleep(Math.max(0, Number(flags.value('i') ?? 1) * SECOND - (c.os.sim.now - started)));
  }
  const loss = sent === 0 ? 0 : Math.round(((sent - times.length) * 100) / sent);
  yield* c.stdout.write(`\n--- ${host} ping statistics ---\n${sent} packets transmitted, ${times.length} packets received, ${loss}% packet loss\n`);
  if (times.length > 0) {
    const mean = times.reduce((a, b) => a + b, 0) / times.length;
    yield* c.stdout.write(`round-trip min/avg/max = ${Math.min(...times).toFixed(3)}/${mean.toFixed(3)}/${Math.max(...times).toFixed(3)} ms\n`);
  }
  return times.length > 0 ? 0 : 1;
};

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

export const NET_APPLETS: Readonly<Record<string, Applet>> = { wget, nc, nslookup, ping, httpd, netcat: nc };
export const CURL_APPLETS: Readonly<Record<string, Applet>> = { curl };
