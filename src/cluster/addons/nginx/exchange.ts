// One request on its way through nginx: its variables (ngx_http_variables.c), maps, and what the log will say of it.

import type { Os } from '../../machine/process.ts';
import type { HttpRequest, HttpResponse, Peer } from '../../network/http.ts';
import { formatQuery } from '../../network/http1.ts';
import { hash32, type Random } from '../../sim/random.ts';
import { SECOND } from '../../sim/time.ts';
import { type Configuration, type Location, patternOf, type Server } from './configuration.ts';
import type { Directive } from './directives.ts';
import { accessLogTime } from './times.ts';

export type Reply = Pick<HttpResponse, 'status' | 'headers' | 'body' | 'stream'>;

/** What the whole server has. */
export interface Engine {
  readonly os: Os;
  readonly random: Random;
}

/** One attempt at an upstream server. */
export interface Attempt {
  readonly address: string;
  status: number;
  seconds: string;
  length: number;
}

export class Exchange {
  readonly os: Os;
  readonly engine: Engine;
  readonly config: Configuration;
  readonly server: Server;
  readonly request: HttpRequest;
  readonly peer: Peer;
  readonly port: number;
  readonly started: number;
  location: Location | undefined;
  /** Normalised and without the query; rewrites change it. */
  uri: string;
  args: string;
  groups: readonly string[] = [];
  readonly variables = new Map<string, string>();
  readonly attempts: Attempt[] = [];
  #requestId = '';

  constructor(engine: Engine, config: Configuration, server: Server, request: HttpRequest, peer: Peer, port: number) {
    const { os } = engine;
    this.os = os;
    this.engine = engine;
    this.config = config;
    this.server = server;
    this.request = request;
    this.peer = peer;
    this.port = port;
    this.started = os.sim.now;
    this.uri = normalised(request.path);
    this.args = Object.keys(request.query).length === 0 ? '' : formatQuery(request.query);
  }

  get secure(): boolean {
    return this.peer.serverName !== undefined;
  }

  /** Who speaks TLS has chosen HTTP/2 (`http2 on`). */
  get #protocol(): string {
    return this.secure ? 'HTTP/2.0' : 'HTTP/1.1';
  }

  /** The request line's target as it came. */
  get requestUri(): string {
    const { path, query } = this.request;
    const args = Object.keys(query).length === 0 ? '' : `?${formatQuery(query)}`;
    return path + args;
  }

  /** Host header, lower case, without the port. */
  get host(): string {
    return hostOf(this.request) || (this.server.names.find((n) => n !== '_') ?? '');
  }

  /** Directives of that name at the innermost level that has any: that is how nginx inherits lists. */
  inherited(name: string): readonly Directive[] {
    for (const level of [this.location?.directives ?? [], this.server.directives, this.config.http]) {
      const found = level.filter((d) => d.name === name);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** The text with its variables. */
  text(template: string): string {
    if (!template.includes('$')) return template;
    return template.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => this.value(braced ?? plain ?? ''));
  }

  value(name: string): string {
    const set = this.variables.get(name);
    if (set !== undefined) return set;
    const group = /^\d+$/.test(name) ? (this.groups[Number(name)] ?? '') : undefined;
    if (group !== undefined) return group;
    const map = this.config.maps.get(name);
    if (map) return this.#mapped(map.source, map.entries, map.split);
    return this.#builtIn(name);
  }

  #mapped(source: string, entries: readonly { readonly key: string; readonly value: string }[], split: boolean): string {
    const value = this.text(source);
    if (split) {
      let at = (hash32(value) / 0x1_0000_0000) * 100;
      for (const { key, value: chosen } of entries) {
        if (key === '*') return this.text(chosen);
        at -= Number.parseFloat(key);
        if (at < 0) return this.text(chosen);
      }
      return '';
    }
    let otherwise = '';
    for (const { key, value: chosen } of entries) {
      if (key === 'default') otherwise = chosen;
      else if (!key.startsWith('~')) {
        if (key === value) return this.text(chosen);
      } else {
        const match = patternOf(key.slice(1).replace(/^\*/, ''), key.startsWith('~*')).exec(value);
        if (!match) continue;
        for (const [name, group] of Object.entries(match.groups ?? {})) this.variables.set(name, group ?? '');
        return this.text(chosen);
      }
    }
    return this.text(otherwise);
  }

  #builtIn(name: string): string {
    const { request, peer } = this;
    if (name.startsWith('http_')) return request.headers[name.slice(5).replaceAll('_', '-')] ?? '';
    if (name.startsWith('arg_')) return request.query[name.slice(4)] ?? '';
    if (name.startsWith('cookie_')) return cookieOf(request, name.slice(7));
    switch (name) {
      case 'remote_addr':
      case 'realip_remote_addr':
        return peer.address;
      case 'remote_port':
        return String(peer.port);
      case 'proxy_add_x_forwarded_for': {
        const before = request.headers['x-forwarded-for'];
        return before === undefined ? peer.address : `${before}, ${peer.address}`;
      }
      case 'host':
        return this.host;
      case 'hostname':
        return this.os.env['HOSTNAME'] ?? this.os.machine.name;
      case 'uri':
      case 'document_uri':
        return this.uri;
      case 'request_uri':
        return this.requestUri;
      case 'args':
      case 'query_string':
        return this.args;
      case 'is_args':
        return this.args === '' ? '' : '?';
      case 'request_method':
        return request.method;
      case 'scheme':
        return this.secure ? 'https' : 'http';
      case 'https':
        return this.secure ? 'on' : '';
      case 'server_port':
        return String(this.port);
      case 'server_name':
        return this.server.names[0] ?? '';
      case 'server_protocol':
        return this.#protocol;
      case 'request':
        return `${request.method} ${this.requestUri} ${this.#protocol}`;
      case 'request_id':
        return (this.#requestId ||= this.engine.random.uuid().replaceAll('-', ''));
      case 'request_length':
        return String(lengthOf(request));
      case 'request_time':
        return ((this.os.sim.now - this.started) / SECOND).toFixed(3);
      case 'time_local':
        return accessLogTime(this.os.sim.epoch + this.os.sim.now);
      case 'remote_user':
        return '-';
      case 'upstream_addr':
        return this.attempts.map((a) => a.address).join(', ');
      case 'upstream_status':
        return this.attempts.map((a) => a.status).join(', ');
      case 'upstream_response_time':
        return this.attempts.map((a) => a.seconds).join(', ');
      case 'upstream_response_length':
        return this.attempts.map((a) => a.length).join(', ');
      default:
        return '';
    }
  }
}

/** Decoded, slashes merged, `.` and `..` resolved. */
export function normalised(path: string): string {
  let text = path;
  try {
    if (path.includes('%')) text = decodeURIComponent(path);
  } catch {
    // Not UTF-8: taken as it is.
  }
  if (!text.includes('//') && !text.includes('/.')) return text;
  const out: string[] = [];
  for (const part of text.split('/')) {
    if (part === '..') out.pop();
    else if (part !== '.' && part !== '') out.push(part);
  }
  return `/${out.join('/')}${/\/\.{0,2}$/.test(text) && out.length > 0 ? '/' : ''}`;
}

/** Of the Host header. */
export const hostOf = ({ headers }: HttpRequest): string => (headers['host'] ?? '').toLowerCase().replace(/:\d+$/, '');

export function cookieOf({ headers }: HttpRequest, name: string): string {
  for (const part of (headers['cookie'] ?? '').split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return '';
}

export function bytesOfBody(body: unknown): number {
  if (body === undefined || body === null) return 0;
  return (typeof body === 'string' ? body : JSON.stringify(body)).length;
}

/** Of the request as it would be on the wire. */
function lengthOf({ method, path, headers, body }: HttpRequest): number {
  let length = method.length + path.length + 14;
  for (const name in headers) length += name.length + (headers[name] as string).length + 4;
  return length + bytesOfBody(body);
}
