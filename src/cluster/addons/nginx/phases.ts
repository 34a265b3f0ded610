// The phases of a request in nginx (ngx_http_core_module): rewrite in the server, location, rewrite in the location, access,
// content, header filters, log. Scripts (Lua, njs) are modules that the engine is given.

import type { HttpRequest, Peer } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { contains, parseCidr, parseIp } from '../../network/ip.ts';
import { type Configuration, type Location, locationFor, patternOf, type Server } from './configuration.ts';
import type { Directive } from './directives.ts';
import { bytesOfBody, type Engine, Exchange, type Reply } from './exchange.ts';
import { proxied } from './proxy.ts';
import { errorPage } from './status-pages.ts';
import { httpDate } from './times.ts';

/** What scripts in the configuration do: by the path of the file that a directive names. */
export interface Scripts {
  rewrite?(exchange: Exchange): Reply | undefined;
  headers?(exchange: Exchange, headers: Record<string, string>): void;
  content?(exchange: Exchange, directive: Directive): Op<Reply | { readonly redirect: string } | undefined>;
  /** The next peer for a scripted upstream; undefined: there is none. */
  balance?(exchange: Exchange): string | undefined;
}

const MAX_REDIRECTS = 10;
const REWRITES = new Set(['set', 'set_escape_uri', 'if', 'rewrite', 'return', 'break']);

/** Answers a request that came in for a server, and writes it to the access log. */
export function* answer(engine: Engine & { readonly scripts: Scripts }, config: Configuration, server: Server, request: HttpRequest, peer: Peer, port: number): Op<Reply> {
  yield* engine.os.sleep(80);
  const x = new Exchange(engine, config, server, request, peer, port);
  let reply = yield* run(x, engine.scripts);
  const handler = x.inherited('error_page').find((d) => d.args.slice(0, -1).includes(String(reply.status)));
  if (handler && !('x-accel-handled' in reply.headers) && reply.body === undefined) reply = yield* instead(x, engine.scripts, handler, reply);
  const done = finished(x, engine.scripts, reply);
  log(x, done);
  return done;
}

/** `error_page 503 /path`: another location answers, with the status kept. */
function* instead(x: Exchange, scripts: Scripts, { args }: Directive, reply: Reply): Op<Reply> {
  const target = args.at(-1) ?? '/';
  const location = target.startsWith('@') ? x.server.named.get(target) : locationFor(x.server, target)?.location;
  if (!location) return reply;
  x.location = location;
  if (!target.startsWith('@')) x.uri = target;
  const other = (yield* content(x, scripts, location)) ?? reply;
  if ('redirect' in other) return reply;
  return args.some((a) => a.startsWith('=')) ? other : { ...other, status: reply.status };
}

function* run(x: Exchange, scripts: Scripts): Op<Reply> {
  // Of a server, a rewrite changes the URI before the location is looked up.
  const early = rewritten(x, x.server.directives);
  if (typeof early === 'object') return early;
  for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
    const found = locationFor(x.server, x.uri);
    if (found === undefined || (found.location.internal && redirects === 0)) return plain(x, 404);
    x.location = found.location;
    if (found.slash) return redirected(x, 301, `${x.uri}/${x.args === '' ? '' : `?${x.args}`}`);
    if (found.groups.length > 0) x.groups = found.groups;
    const result = rewritten(x, found.location.directives);
    if (result === 'again') continue;
    if (typeof result === 'object') return result;
    if (found.location.directives.some((d) => d.name === 'rewrite_by_lua_file' || d.name === 'rewrite_by_lua_block')) {
      const scripted = scripts.rewrite?.(x);
      if (scripted) return scripted;
    }
    const refused = accessRefused(x);
    if (refused) return refused;
    const stopped = yield* unauthorised(x, scripts);
    if (stopped) return stopped;
    const reply = yield* content(x, scripts, found.location);
    if (reply !== undefined && 'redirect' in reply) {
      const question = reply.redirect.indexOf('?');
      x.uri = question < 0 ? reply.redirect : reply.redirect.slice(0, question);
      if (question >= 0) x.args = reply.redirect.slice(question + 1);
      continue;
    }
    return reply ?? plain(x, 404);
  }
  return plain(x, 500);
}

/** ngx_http_rewrite_module. 'again': the location is looked up anew for the new URI. */
function rewritten(x: Exchange, directives: readonly Directive[]): Reply | 'again' | 'break' | undefined {
  let moved = false;
  for (const d of directives) {
    if (!REWRITES.has(d.name)) continue;
    const [first = '', second = ''] = d.args;
    switch (d.name) {
      case 'set':
        x.variables.set(first.replace(/^\$/, ''), x.text(second));
        break;
      case 'set_escape_uri':
        x.variables.set(first.replace(/^\$/, ''), encodeURIComponent(x.text(second)));
        break;
      case 'break':
        return 'break';
      case 'return':
        return returned(x, d.args);
      case 'if': {
        if (!holds(x, d.args)) break;
        const inside = rewritten(x, d.block ?? []);
        if (inside !== undefined) return inside;
        break;
      }
      case 'rewrite': {
        const match = patternOf(first, false).exec(x.uri);
        if (!match) break;
        x.groups = [...match];
        const [, , flag = ''] = d.args;
        const target = x.text(second);
        if (flag === 'redirect' || flag === 'permanent' || /^https?:\/\//.test(target)) {
          const args = x.args !== '' && !target.endsWith('?') ? `${target.includes('?') ? '&' : '?'}${x.args}` : '';
          return redirected(x, flag === 'permanent' ? 301 : 302, target.replace(/\?$/, '') + args);
        }
        const question = target.indexOf('?');
        x.uri = question < 0 ? target : target.slice(0, question);
        const more = question < 0 ? '' : target.slice(question + 1);
        if (question >= 0) x.args = target.endsWith('?') ? more.slice(0, -1) : [more, x.args].filter((a) => a !== '').join('&');
        if (flag === 'break') return 'break';
        if (flag === 'last') return 'again';
        moved = true;
        break;
      }
    }
  }
  return moved ? 'again' : undefined;
}

/** `if ($variable)`, `=`, `!=`, `~`, `~*` and their negations. */
function holds(x: Exchange, args: readonly string[]): boolean {
  const words = args.join(' ').replace(/^\(\s*|\s*\)$/g, '');
  const [, left = '', operator, right = ''] = /^(\S+)(?:\s+(!?=|!?~\*?)\s+([\s\S]*))?$/.exec(words) ?? [];
  const value = x.text(left);
  const wanted = right.replace(/^(["'])([\s\S]*)\1$/, '$2');
  if (operator === undefined) return value !== '' && value !== '0';
  if (operator.endsWith('=')) return (value === x.text(wanted)) !== operator.startsWith('!');
  const match = patternOf(wanted, operator.endsWith('*')).exec(value);
  if (match) x.groups = [...match];
  return (match !== null) !== operator.startsWith('!');
}

function returned(x: Exchange, [first = '', ...rest]: readonly string[]): Reply {
  const status = Number(first);
  if (Number.isNaN(status)) return redirected(x, 302, x.text(first));
  const text = rest.join(' ');
  if ([301, 302, 303, 307, 308].includes(status)) return redirected(x, status, x.text(text));
  if (text === '') return plain(x, status);
  return { status, headers: { 'content-type': 'text/plain' }, body: x.text(text) };
}

const PERMITTED_BODY = new Set([204, 304]);

/** A location of this server is made absolute with the name that was asked for, and with the port unless port_in_redirect is off. */
export function redirected(x: Exchange, status: number, location: string): Reply {
  const usual = x.port === (x.secure ? 443 : 80) || x.inherited('port_in_redirect')[0]?.args[0] === 'off';
  const target = location.startsWith('/') ? `${x.value('scheme')}://${x.host}${usual ? '' : `:${x.port}`}${location}` : location;
  return { status, headers: { 'content-type': 'text/html', location: target }, body: errorPage(status, serverToken(x)) };
}

/** A status with nginx' own page, unless an error_page takes it. */
export function plain(_: Exchange, status: number): Reply {
  return { status, headers: {} };
}

function accessRefused(x: Exchange): Reply | undefined {
  const address = parseIp(x.peer.address);
  for (const { name, args } of rules(x)) {
    const [range = ''] = args;
    const fits = range === 'all' || contains(parseCidr(range.includes('/') ? range : `${range}/32`), address);
    if (!fits) continue;
    return name === 'deny' ? plain(x, 403) : undefined;
  }
  const limit = x.inherited('client_max_body_size')[0]?.args[0];
  if (limit !== undefined && sizeOf(limit) > 0 && bytesOfBody(x.request.body) > sizeOf(limit)) return plain(x, 413);
  return undefined;
}

/** ngx_http_auth_request_module: a subrequest decides; 2xx lets the request through. */
function* unauthorised(x: Exchange, scripts: Scripts): Op<Reply | undefined> {
  const path = x.inherited('auth_request')[0]?.args[0] ?? 'off';
  const location = path === 'off' ? undefined : x.server.exact.get(path);
  if (!location) return undefined;
  const { body: _, ...request } = x.request;
  const asked = new Exchange(x.engine, x.config, x.server, request, x.peer, x.port);
  asked.location = location;
  rewritten(asked, location.directives);
  const reply = yield* content(asked, scripts, location);
  if (reply === undefined || 'redirect' in reply) return plain(x, 500);
  for (const { args } of x.inherited('auth_request_set')) {
    const [name = '', value = ''] = args;
    const header = /^\$upstream_http_(\w+)$/.exec(value)?.[1]?.replaceAll('_', '-');
    x.variables.set(name.replace(/^\$/, ''), header === undefined ? asked.text(value) : (reply.headers[header] ?? ''));
  }
  if (reply.status >= 200 && reply.status < 300) return undefined;
  const challenge = reply.headers['www-authenticate'];
  if (reply.status === 401) return { ...plain(x, 401), headers: challenge === undefined ? {} : { 'www-authenticate': challenge } };
  return plain(x, reply.status === 403 ? 403 : 500);
}

function rules(x: Exchange): readonly Directive[] {
  const own = (level: readonly Directive[]): readonly Directive[] => level.filter((d) => d.name === 'allow' || d.name === 'deny');
  return [x.location?.directives ?? [], x.server.directives, x.config.http].map(own).find((found) => found.length > 0) ?? [];
}

const UNITS: Readonly<Record<string, number>> = { k: 1_024, m: 1_048_576, g: 1_073_741_824 };

export function sizeOf(text: string): number {
  const [, number = '0', unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  return Number(number) * (UNITS[unit.toLowerCase()] ?? 1);
}

function* content(x: Exchange, scripts: Scripts, location: Location): Op<Reply | { readonly redirect: string } | undefined> {
  for (const d of location.directives) {
    switch (d.name) {
      case 'proxy_pass':
        return yield* proxied(x, scripts, location, d.args[0] ?? '');
      case 'content_by_lua_file':
      case 'js_content':
        return yield* scripts.content?.(x, d) ?? nothing();
      case 'stub_status':
        return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n' };
      case 'return':
        return returned(x, d.args);
    }
  }
  return undefined;
}

function* nothing(): Op<undefined> {}

const serverToken = (x: Exchange): string => (x.inherited('server_tokens')[0]?.args[0] === 'off' ? 'nginx' : `nginx/${NGINX_VERSION}`);
export const NGINX_VERSION = '1.27.1';

/** Header filters; nginx' own page for a status without a body. */
function finished(x: Exchange, scripts: Scripts, reply: Reply): Reply {
  let { body } = reply;
  let headers: Record<string, string> = { ...reply.headers };
  if (body === undefined && reply.stream === undefined && reply.status >= 300 && !PERMITTED_BODY.has(reply.status)) {
    body = errorPage(reply.status, serverToken(x));
    headers = { ...headers, 'content-type': 'text/html' };
  }
  const { 'content-type': type, 'content-length': length, ...others } = headers;
  const cleared = x.inherited('more_clear_headers').some((d) => d.args[0]?.toLowerCase() === 'server');
  const size = reply.stream === undefined && body !== undefined ? String(bytesOfBody(body)) : length;
  headers = {
    ...(cleared ? {} : { server: serverToken(x) }),
    date: httpDate(x.os.sim.epoch + x.os.sim.now),
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(size === undefined || (x.request.method === 'HEAD' && size === '0') ? {} : { 'content-length': size }),
    ...(x.secure ? {} : { connection: 'keep-alive' }),
    ...others,
  };
  delete headers['content-encoding'];
  for (const { args } of x.inherited('add_header')) {
    const [name = '', value = '', always] = args;
    const text = x.text(value);
    if (text !== '' && (always === 'always' || reply.status < 400)) headers[name.toLowerCase()] = text;
  }
  for (const { args } of x.inherited('more_set_headers')) {
    const colon = (args[0] ?? '').indexOf(':');
    if (colon > 0) headers[(args[0] as string).slice(0, colon).trim().toLowerCase()] = x.text((args[0] as string).slice(colon + 1).trim());
  }
  scripts.headers?.(x, headers);
  const quiet = x.request.method === 'HEAD';
  return { ...reply, headers, ...(quiet ? { body: '' } : body === undefined ? {} : { body }) };
}

/** `access_log /dev/stdout name` in the format of that name. */
function log(x: Exchange, reply: Reply): void {
  const [target, format = 'combined'] = x.inherited('access_log')[0]?.args ?? [];
  if (target === 'off') return;
  x.variables.set('status', String(reply.status));
  x.variables.set('body_bytes_sent', String(bytesOfBody(reply.body)));
  const template = x.config.formats.get(format) ?? '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
  const text = template.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plainName?: string) => x.value(braced ?? plainName ?? '') || (MAY_BE_EMPTY.has(braced ?? plainName ?? '') ? '' : '-'));
  x.os.log(text);
}

const MAY_BE_EMPTY = new Set(['proxy_alternative_upstream_name']);

