// curl: one transfer after the other, with its options about names, TLS, headers and what it prints.

import { toBase64 } from '../../../api/base64.ts';
import { type Certificate, readCertificate, verifyCertificate } from '../../../api/pki.ts';
import { type HttpResponse, HttpTimeout } from '../../../network/http.ts';
import { parseIp } from '../../../network/ip.ts';
import { lookupHost } from '../../../network/resolver.ts';
import { SocketError } from '../../../network/socket-error.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { reasonPhrase } from '../../static-site.ts';
import { type Applet, type AppletContext, AppletError, type Flags, parseFlags } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { cookieHeader, keepCookies } from './curl-cookies.ts';
import { bodyText, hostHeader, parseUrl, request, type Url } from './fetch.ts';

const SHORT = 'sSfvkLiIo:X:d:H:m:w:OA:u:Vg#E:e:b:c:D:G46';
const LONG = [
  'silent', 'show-error', 'fail', 'verbose', 'insecure', 'location', 'include', 'head', 'output:', 'request:', 'data:', 'header:', 'max-time:', 'connect-timeout:', 'write-out:',
  'retry:', 'noproxy:', 'version', 'cacert:', 'cert:', 'key:', 'retry-delay:', 'retry-all-errors', 'retry-connrefused', 'user:', 'user-agent:', 'fail-with-body', 'compressed',
  'data-raw:', 'data-binary:', 'resolve:', 'connect-to:', 'http1.1', 'http2', 'globoff', 'no-progress-meter', 'progress-bar', 'referer:', 'cookie:', 'cookie-jar:', 'dump-header:',
  'get', 'ipv4', 'ipv6', 'max-redirs:', 'remote-name', 'url:', 'oauth2-bearer:', 'json:', 'data-urlencode:', 'parallel', 'no-keepalive', 'tlsv1.2', 'create-dirs', 'no-buffer',
] as const;

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const VERSION = '8.16.0';

export const curl: Applet = function* (c) {
  const flags = parseFlags(c.args, SHORT, LONG);
  if (flags.has('V') || flags.has('version')) {
    yield* c.stdout.write(`curl ${VERSION} (x86_64-pc-linux-gnu) libcurl/${VERSION} OpenSSL/3.5.4 zlib/1.3.1\n`);
    return 0;
  }
  const urls = [...flags.all('url'), ...flags.rest];
  if (urls.length === 0) throw new AppletError("no URL specified!\ncurl: try 'curl --help' or 'curl --manual' for more information", 2);
  let code = 0;
  for (const url of urls) code = yield* new Transfer(c, flags).run(url);
  return code;
};

/** What ends a transfer: curl's number and its words. */
class Failure extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

class Transfer {
  readonly #c: AppletContext;
  readonly #flags: Flags;
  readonly #started: number;
  #remote = '';
  #redirects = 0;
  #certificate: string | null = null;
  #http2 = false;

  constructor(c: AppletContext, flags: Flags) {
    this.#c = c;
    this.#flags = flags;
    this.#started = c.os.sim.now;
  }

  #either(short: string, long: string): string | undefined {
    return this.#flags.value(short) ?? this.#flags.value(long);
  }

  #is(short: string, long: string): boolean {
    return this.#flags.has(short) || this.#flags.has(long);
  }

  *run(given: string): Op<number> {
    const url = parseUrl(given);
    if (!url) throw new AppletError('(3) URL rejected: Malformed input to a URL function', 3);
    const tries = Number(this.#flags.value('retry') ?? 0);
    for (let left = tries; ; left--) {
      try {
        return yield* this.#follow(url);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const again = left > 0 && (error.code === 28 || this.#flags.has('retry-all-errors') || (error.code === 7 && this.#flags.has('retry-connrefused')));
        if (!again) return yield* this.#fail(error);
        yield* this.#c.os.sleep(Number(this.#flags.value('retry-delay') ?? 2 ** (tries - left)) * SECOND);
      }
    }
  }

  *#fail({ code, message }: Failure): Op<number> {
    const silent = this.#is('s', 'silent');
    if (!silent || this.#is('S', 'show-error')) yield* this.#c.stderr.write(`curl: (${code}) ${message}\n`);
    yield* this.#writeOut(null, '', message);
    return code;
  }

  *#follow(first: Url): Op<number> {
    let url = first;
    let method = this.#method();
    let body = this.#body();
    for (;;) {
      const response = yield* this.#once(url, method, body);
      const { location } = response.headers;
      const next = location === undefined ? undefined : parseUrl(/^https?:/.test(location) ? location : `${url.secure ? 'https' : 'http'}://${hostHeader(url)}${location}`);
      if (this.#is('L', 'location') && next && response.status >= 300 && response.status < 400) {
        if (++this.#redirects > Number(this.#flags.value('max-redirs') ?? 50)) throw new Failure(47, `Maximum (${this.#flags.value('max-redirs') ?? '50'}) redirects followed`);
        if (this.#is('i', 'include') || this.#is('I', 'head')) yield* this.#c.stdout.write(this.#head(response));
        if (response.status <= 303 && method === 'POST') [method, body] = ['GET', undefined];
        yield* this.#note(`Issue another request to this URL: '${location ?? ''}'`);
        url = next;
        continue;
      }
      if ((this.#is('f', 'fail') || this.#flags.has('fail-with-body')) && response.status >= 400) {
        if (this.#flags.has('fail-with-body')) yield* this.#print(url, response, method);
        throw new Failure(22, `The requested URL returned error: ${response.status}`);
      }
      yield* this.#print(url, response, method);
      return 0;
    }
  }

  #method(): string {
    const data = this.#body();
    return this.#either('X', 'request') ?? (this.#is('I', 'head') ? 'HEAD' : data === undefined || this.#is('G', 'get') ? 'GET' : 'POST');
  }

  #body(): string | undefined {
    const { value } = this.#flags;
    const given = this.#either('d', 'data') ?? value('data-binary') ?? value('json') ?? value('data-urlencode');
    if (given?.startsWith('@')) {
      const path = resolvePath(this.#c.cwd, given.slice(1));
      return this.#c.os.files.exists(path) ? this.#c.os.files.read(path) : '';
    }
    return given ?? value('data-raw');
  }

  #headers(url: Url, body: string | undefined): Record<string, string> {
    const headers: Record<string, string> = { 'user-agent': this.#either('A', 'user-agent') ?? `curl/${VERSION}`, accept: '*/*' };
    const user = this.#either('u', 'user');
    if (user !== undefined) headers['authorization'] = `Basic ${toBase64(user)}`;
    const bearer = this.#flags.value('oauth2-bearer');
    if (bearer !== undefined) headers['authorization'] = `Bearer ${bearer}`;
    const referer = this.#either('e', 'referer');
    if (referer !== undefined) headers['referer'] = referer;
    const cookies = cookieHeader(this.#c, this.#either('b', 'cookie'), url.host);
    if (cookies !== '') headers['cookie'] = cookies;
    if (body !== undefined) headers['content-type'] = this.#flags.has('json') ? 'application/json' : 'application/x-www-form-urlencoded';
    for (const text of [...this.#flags.all('H'), ...this.#flags.all('header')]) {
      const colon = text.indexOf(':');
      if (colon <= 0) continue;
      const value = text.slice(colon + 1).trim();
      if (value === '') delete headers[text.slice(0, colon).toLowerCase()];
      else headers[text.slice(0, colon).toLowerCase()] = value;
    }
    return headers;
  }

  /** Where to connect: --connect-to and --resolve come before the resolver. */
  *#target(url: Url): Op<{ readonly address: string; readonly port: number }> {
    let { host, port } = url;
    for (const rule of this.#flags.all('connect-to')) {
      const [from = '', fromPort = '', to = '', toPort = ''] = rule.split(':');
      if ((from !== '' && from !== host) || (fromPort !== '' && Number(fromPort) !== port)) continue;
      host = to || host;
      port = toPort === '' ? port : Number(toPort);
      break;
    }
    for (const rule of this.#flags.all('resolve').toReversed()) {
      const [name = '', number = '', address = ''] = rule.replace(/^[+-]/, '').split(':');
      if ((name === host || name === '*') && Number(number) === port) return { address: address.split(',')[0] ?? '', port };
    }
    const [address] = (yield* lookupHost(this.#c.os, host)) ?? [];
    if (address === undefined) throw new Failure(6, `Could not resolve host: ${host}`);
    return { address, port };
  }

  *#once(url: Url, method: string, body: string | undefined): Op<HttpResponse> {
    const { os } = this.#c;
    const { address, port } = yield* this.#target(url);
    this.#remote = address;
    const headers = this.#headers(url, body);
    const limit = Number(this.#either('m', 'max-time') ?? this.#flags.value('connect-timeout') ?? 133);
    yield* this.#note(`  Trying ${address}:${port}...`);
    const begun = os.sim.now;
    const tls = {
      verify: (certificate: string): string | null => {
        this.#certificate = certificate;
        return this.#is('k', 'insecure') ? null : problemWith(certificate, url.host, this.#authorities(), os.sim.time());
      },
      onWelcome: (http2: boolean): void => {
        this.#http2 = http2;
      },
    };
    try {
      const response = yield* request(os, url, address, { method, headers, timeout: limit * SECOND, tls, ...(body === undefined ? {} : { body }) }, port);
      yield* this.#tell(url, port, method, headers, response);
      keepCookies(this.#c, this.#either('c', 'cookie-jar'), url.host, response.headers['set-cookie']);
      return response;
    } catch (error) {
      const took = Math.round((os.sim.now - begun) / 1000);
      if (error instanceof HttpTimeout) throw new Failure(28, `Operation timed out after ${took} milliseconds with 0 bytes received`);
      if (!(error instanceof SocketError)) throw error;
      throw this.#problem(error, url, port, took);
    }
  }

  #problem(error: SocketError, url: Url, port: number, took: number): Failure {
    const connect = `Failed to connect to ${url.host} port ${port} after ${took} ms: Could not connect to server`;
    switch (error.code) {
      case 'ETIMEDOUT':
        return new Failure(28, connect);
      case 'ECONNRESET':
        return new Failure(56, 'Recv failure: Connection reset by peer');
      case 'EOF':
        return new Failure(52, 'Empty reply from server');
      case 'ETLS': {
        const [, reason] = /failed to verify certificate: ([\s\S]*)$/.exec(error.message) ?? [];
        if (reason === undefined) return new Failure(35, 'TLS connect error: error:0A00010B:SSL routines::wrong version number');
        return new Failure(60, `${reason}\n${MORE_DETAILS}`);
      }
      default:
        return new Failure(7, connect);
    }
  }

  #authorities(): string {
    const { files } = this.#c.os;
    const given = this.#flags.value('cacert');
    const path = given === undefined ? BUNDLE : resolvePath(this.#c.cwd, given);
    return files.exists(path) ? files.read(path) : '';
  }

  #head({ status, headers }: HttpResponse): string {
    const title = (name: string): string => (this.#http2 ? name : name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()));
    const lines = Object.entries(headers).map(([name, value]) => `${title(name)}: ${value}\r\n`);
    const phrase = this.#http2 ? `HTTP/2 ${status} ` : `HTTP/1.1 ${status} ${reasonPhrase(status)}`;
    return `${phrase}\r\n${lines.join('')}\r\n`;
  }

  *#print(url: Url, response: HttpResponse, method: string): Op<void> {
    const text = yield* bodyText(response);
    const shown = this.#is('i', 'include') || this.#is('I', 'head');
    const out = (shown ? this.#head(response) : '') + (method === 'HEAD' ? '' : text);
    const dump = this.#either('D', 'dump-header');
    if (dump === '-') yield* this.#c.stdout.write(this.#head(response));
    else if (dump !== undefined && dump !== '/dev/null') this.#c.os.files.write(resolvePath(this.#c.cwd, dump), this.#head(response));
    const output = this.#either('o', 'output') ?? (this.#is('O', 'remote-name') ? (url.path.split('/').pop() ?? '') : undefined);
    if (output === undefined || output === '-') yield* this.#c.stdout.write(out);
    else if (output !== '/dev/null') this.#c.os.files.write(resolvePath(this.#c.cwd, output), out);
    yield* this.#writeOut(response, text, '', url);
  }

  *#writeOut(response: HttpResponse | null, text: string, message: string, url?: Url): Op<void> {
    const format = this.#either('w', 'write-out');
    if (format === undefined) return;
    const code = response === null ? '000' : String(response.status);
    const total = ((this.#c.os.sim.now - this.#started) / SECOND).toFixed(6);
    const values: Readonly<Record<string, string>> = {
      http_code: code,
      response_code: code,
      time_total: response === null ? '0' : total,
      time_connect: '0.000400',
      size_download: String(text.length),
      remote_ip: this.#remote,
      num_redirects: String(this.#redirects),
      redirect_url: response?.headers['location'] ?? '',
      content_type: response?.headers['content-type'] ?? '',
      http_version: this.#http2 ? '2' : '1.1',
      ssl_verify_result: this.#certificate !== null && url && problemWith(this.#certificate, url.host, this.#authorities(), this.#c.os.sim.time()) !== null ? '18' : '0',
      url_effective: url ? `${url.secure ? 'https' : 'http'}://${hostHeader(url)}${url.path}` : '',
      errormsg: message,
    };
    yield* this.#c.stdout.write(format.replace(/%\{(?:header\{)?([\w-]+)\}(?:\})?/g, (all, name: string) => values[name] ?? (response === null ? '0' : (response.headers[name.toLowerCase()] ?? ''))).replace(/\\n/g, '\n').replace(/\\t/g, '\t'));
  }

  *#note(text: string): Op<void> {
    if (this.#is('v', 'verbose')) yield* this.#c.stderr.write(`* ${text}\n`);
  }

  /** -v: the connection, the certificate, what was sent and what came. */
  *#tell(url: Url, port: number, method: string, headers: Readonly<Record<string, string>>, response: HttpResponse): Op<void> {
    if (!this.#is('v', 'verbose')) return;
    yield* this.#note(`Connected to ${url.host} (${this.#remote}) port ${port}`);
    if (url.secure && this.#certificate !== null) {
      yield* this.#note('SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / X25519MLKEM768 / RSASSA-PSS');
      yield* this.#note(`ALPN: server accepted ${this.#http2 ? 'h2' : 'http/1.1'}`);
      const read = readCertificate(this.#certificate);
      if (read) {
        for (const line of describe(read)) yield* this.#note(line);
        const problem = problemWith(this.#certificate, url.host, this.#authorities(), this.#c.os.sim.time());
        yield* this.#note(problem === null ? ' SSL certificate verify ok.' : ` SSL certificate verify result: ${problem.replace('SSL certificate problem: ', '')} (18), continuing anyway.`);
      }
    }
    const query = Object.entries(url.query).map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
    const sent = { host: hostHeader(url), ...headers };
    const title = (name: string): string => (this.#http2 ? name : name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()));
    const lines = Object.entries(sent).map(([name, value]) => `> ${title(name)}: ${value}\n`);
    yield* this.#c.stderr.write(`> ${method} ${url.path}${query === '' ? '' : `?${query}`} HTTP/${this.#http2 ? '2' : '1.1'}\n${lines.join('')}> \n`);
    yield* this.#note('Request completely sent off');
    yield* this.#c.stderr.write(this.#head(response).replace(/\r/g, '').split('\n').slice(0, -1).map((line) => `< ${line}\n`).join(''));
    yield* this.#note(`Connection #0 to host ${url.host} left intact`);
  }
}

const MORE_DETAILS = `More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.`;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `May  4 01:00:32 2026 GMT` */
export const opensslTime = (time: string): string => `${MONTHS[Number(time.slice(5, 7)) - 1] ?? ''} ${String(Number(time.slice(8, 10))).padStart(2)} ${time.slice(11, 19)} ${time.slice(0, 4)} GMT`;

function describe({ subject, issuer, notBefore, notAfter, sans }: Certificate): readonly string[] {
  const organizations = subject.organizations.map((o) => `O=${o}; `).join('');
  return [
    'Server certificate:',
    ` subject: ${organizations}CN=${subject.commonName}`,
    ` start date: ${opensslTime(notBefore)}`,
    ` expire date: ${opensslTime(notAfter)}`,
    ...(sans.length === 0 ? [] : [` subjectAltName: ${sans.join(', ')}`]),
    ` issuer: CN=${issuer}`,
  ];
}

const fits = (name: string, host: string): boolean => name === host || (name.startsWith('*.') && host.split('.').slice(1).join('.') === name.slice(2));

/** Why a certificate is not good for a host, in OpenSSL's and curl's words; null: it is. */
export function problemWith(text: string, host: string, authorities: string, now: string): string | null {
  const certificate = readCertificate(text);
  if (certificate === null) return 'SSL certificate problem: self-signed certificate';
  const trusted = authorities.includes(text.trim().split('-----END CERTIFICATE-----')[0] ?? '-') || verifyCertificate(text, authorities) !== null;
  if (!trusted) return `SSL certificate problem: ${certificate.issuer === certificate.subject.commonName ? 'self-signed certificate' : 'unable to get local issuer certificate'}`;
  if (now > certificate.notAfter) return 'SSL certificate problem: certificate has expired';
  if (now < certificate.notBefore) return 'SSL certificate problem: certificate is not yet valid';
  const { sans, subject } = certificate;
  if (sans.length > 0) return sans.some((name) => fits(name, host)) ? null : `SSL: no alternative certificate subject name matches target ${parseIp(host) >= 0 ? 'ipv4 address' : 'host name'} '${host}'`;
  return fits(subject.commonName, host) ? null : `SSL: certificate subject name '${subject.commonName}' does not match target hostname '${host}'`;
}
