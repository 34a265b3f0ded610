// ngx_http_proxy_module and the upstream module: which server of a group, the request's headers and URI as they go on, the next
// server after an error, and the answer's headers as they come back.

import { HttpClient, HttpStream, HttpTimeout } from '../../network/http.ts';
import { parseQuery } from '../../network/http1.ts';
import { parseIp } from '../../network/ip.ts';
import { lookupHost } from '../../network/resolver.ts';
import { SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { Location, Upstream } from './configuration.ts';
import { bytesOfBody, type Attempt, type Exchange, type Reply } from './exchange.ts';
import type { Scripts } from './phases.ts';
import { errorLogTime } from './times.ts';

interface Target {
  readonly secure: boolean;
  /** A group's name, or host[:port]. */
  readonly authority: string;
  readonly uri: string;
}

/** Passes the request on. */
export function* proxied(x: Exchange, scripts: Scripts, location: Location, pass: string): Op<Reply> {
  const target = targetOf(x, location, pass);
  const upstream = x.config.upstreams.get(target.authority);
  const limit = number(x, 'proxy_next_upstream_tries', 0) || Infinity;
  const peers = yield* peersOf(x, scripts, upstream, target);
  const tried = new Set<string>();
  let status = 502;
  for (let tries = 0; tries < Math.min(limit, peers.most); tries++) {
    const address = peers.next(tried);
    if (address === undefined) break;
    tried.add(address);
    const attempt: Attempt = { address, status: 502, seconds: '0.000', length: 0 };
    x.attempts.push(attempt);
    const begun = x.os.sim.now;
    try {
      const reply = yield* ask(x, target, address);
      attempt.status = reply.status;
      attempt.length = bytesOfBody(reply.body);
      attempt.seconds = ((x.os.sim.now - begun) / SECOND).toFixed(3);
      return reply;
    } catch (error) {
      const why = problemOf(error);
      if (why === undefined) throw error;
      status = why.status;
      attempt.status = why.status;
      attempt.seconds = ((x.os.sim.now - begun) / SECOND).toFixed(3);
      fault(x, `${why.text} while ${why.reading ? 'reading response header from' : 'connecting to'} upstream`, target, address);
    }
  }
  if (tried.size === 0) {
    const name = upstream?.name ?? target.authority;
    fault(x, peers.most === 0 && upstream === undefined ? `${name} could not be resolved (3: Host not found)` : 'no live upstreams while connecting to upstream', target, name);
  }
  return { status, headers: {} };
}

function targetOf(x: Exchange, location: Location, pass: string): Target {
  const text = x.text(pass);
  const [, scheme = 'http', authority = '', path = ''] = /^(https?|grpcs?):\/\/([^/?]+)(.*)$/.exec(text) ?? [];
  const query = x.args === '' ? '' : `?${x.args}`;
  const hasPath = /^\w+:\/\/[^/]+\//.test(pass);
  let uri = path;
  if (path === '') uri = encodeURI(x.uri) + query;
  else if (hasPath && !pass.includes('$')) uri = path + x.uri.slice(location.pattern === null ? location.path.length : 0) + query;
  return { secure: scheme.endsWith('s'), authority, uri };
}

interface Peers {
  readonly most: number;
  readonly next: (tried: ReadonlySet<string>) => string | undefined;
}

function* peersOf(x: Exchange, scripts: Scripts, upstream: Upstream | undefined, { authority, secure }: Target): Op<Peers> {
  if (upstream?.scripted) {
    return { most: 3, next: (tried) => {
      const peer = scripts.balance?.(x);
      return peer !== undefined && tried.size < 3 ? peer : undefined;
    } };
  }
  if (upstream) {
    const { servers } = upstream;
    return { most: servers.length, next: (tried) => weighted(x, servers.filter((s) => !tried.has(s.address))) };
  }
  const [, host = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const addresses = parseIp(host) >= 0 ? [host] : ((yield* lookupHost(x.os, host)) ?? []);
  const found = addresses.map((a) => `${a}:${port || (secure ? 443 : 80)}`);
  return { most: found.length, next: (tried) => found.find((a) => !tried.has(a)) };
}

function weighted(x: Exchange, servers: readonly { readonly address: string; readonly weight: number }[]): string | undefined {
  const total = servers.reduce((sum, s) => sum + s.weight, 0);
  let at = x.engine.random.float() * total;
  for (const server of servers) {
    at -= server.weight;
    if (at < 0) return server.address;
  }
  return servers.at(-1)?.address;
}

function* ask(x: Exchange, target: Target, address: string): Op<Reply> {
  const headers: Record<string, string> = { ...x.request.headers, host: target.authority, connection: 'close' };
  for (const { args } of x.inherited('proxy_set_header')) {
    const name = (args[0] ?? '').toLowerCase();
    const value = x.text(args[1] ?? '');
    if (value === '') delete headers[name];
    else headers[name] = value;
  }
  const unix = address.startsWith('unix:') ? address.slice(5) : undefined;
  const colon = address.lastIndexOf(':');
  const where = unix === undefined ? { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) } : { unix };
  const client = new HttpClient(x.os, { ...where, keepAlive: false, ...(target.secure ? { tls: { serverName: headers['host'] as string } } : {}) });
  const question = target.uri.indexOf('?');
  const method = x.inherited('proxy_method')[0]?.args[0] ?? x.request.method;
  const { body } = x.request;
  const response = yield* client.request(
    {
      method,
      path: question < 0 ? target.uri : target.uri.slice(0, question),
      query: question < 0 ? {} : parseQuery(target.uri.slice(question + 1)),
      headers,
      ...(body === undefined ? {} : { body }),
    },
    number(x, 'proxy_read_timeout', 60) * SECOND,
  );
  const back: Record<string, string> = { ...response.headers };
  for (const hidden of ['server', 'date', 'connection', 'x-pad', 'x-accel-redirect', ...x.inherited('proxy_hide_header').map((d) => d.args[0]?.toLowerCase() ?? '')]) delete back[hidden];
  return { status: response.status, headers: back, ...(response.stream ? { stream: relayed(x, response.stream) } : { body: response.body ?? '' }) };
}

/** A body in pieces, handed on as it comes. */
function relayed(x: Exchange, from: HttpStream): HttpStream {
  const to = new HttpStream(x.os.sim);
  to.onClose(() => from.cancel());
  x.os.go('relay', function* () {
    try {
      for (let piece = yield* from.read(); piece !== undefined; piece = yield* from.read()) to.write(piece);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
    to.close();
  });
  return to;
}

function number(x: Exchange, name: string, otherwise: number): number {
  const value = Number.parseFloat(x.inherited(name)[0]?.args[0] ?? '');
  return Number.isNaN(value) ? otherwise : value;
}

const ERRNO: Readonly<Record<string, string>> = {
  ECONNREFUSED: '(111: Connection refused)', EHOSTUNREACH: '(113: Host is unreachable)', ENETUNREACH: '(101: Network is unreachable)', ECONNRESET: '(104: Connection reset by peer)',
};

function problemOf(error: unknown): { status: number; text: string; reading: boolean } | undefined {
  if (error instanceof HttpTimeout) return { status: 504, text: 'upstream timed out (110: Operation timed out)', reading: true };
  if (!(error instanceof SocketError)) return undefined;
  if (error.code === 'ETIMEDOUT') return { status: 504, text: 'upstream timed out (110: Operation timed out)', reading: false };
  if (error.code === 'EOF') return { status: 502, text: 'upstream prematurely closed connection', reading: true };
  if (error.code === 'ECONNRESET') return { status: 502, text: `recv() failed ${ERRNO['ECONNRESET'] ?? ''}`, reading: true };
  return { status: 502, text: `connect() failed ${ERRNO[error.code] ?? `(${error.code})`}`, reading: false };
}

/** A line of the error log. */
function fault(x: Exchange, text: string, { secure, uri }: Target, address: string): void {
  const time = errorLogTime(x.os.sim.epoch + x.os.sim.now);
  const { method, headers } = x.request;
  x.os.logError(
    `${time} [error] 32#32: *${x.engine.random.int(9_000) + 1} ${text}, client: ${x.peer.address}, server: ${x.server.names[0] ?? ''}, request: "${method} ${x.requestUri} HTTP/1.1", upstream: "${secure ? 'https' : 'http'}://${address}${uri}", host: "${headers['host'] ?? ''}"`,
  );
}
