// What ingress-nginx' Lua does inside nginx (rootfs/etc/nginx/lua): redirects to https, certificates by name, and the balancer, whose
// backends come by POST to port 10246 without a reload and are taken over once a second.

import { parseIp } from '../../network/ip.ts';
import { lookupHost } from '../../network/resolver.ts';
import type { Os } from '../../machine/process.ts';
import { hash32, type Random } from '../../sim/random.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { Directive } from '../nginx/directives.ts';
import { cookieOf, type Exchange, type Reply } from '../nginx/exchange.ts';
import { redirected, type Scripts } from '../nginx/phases.ts';
import type { Backend, Endpoint } from './model.ts';

/** POST /configuration/backends and /configuration/servers. */
export type PostedBackend = Pick<Backend, 'name' | 'endpoints' | 'loadBalance' | 'hashBy' | 'affinity' | 'canary' | 'alternatives'> & { readonly external: boolean };

export interface PostedServers {
  /** By host name; `*.example.com` for wildcards. */
  readonly servers: Readonly<Record<string, string>>;
  readonly certificates: Readonly<Record<string, string>>;
}

interface Balancer {
  readonly backend: PostedBackend;
  readonly endpoints: readonly Endpoint[];
  next: number;
}

const SYNC_INTERVAL = SECOND;

export class LuaModules implements Scripts {
  readonly #os: Os;
  readonly #random: Random;
  #posted: readonly PostedBackend[] | null = null;
  #waiting = false;
  #balancers = new Map<string, Balancer>();
  #names: PostedServers = { servers: {}, certificates: {} };

  constructor(os: Os, random: Random) {
    this.#os = os;
    this.#random = random;
  }

  /** The certificate for a name (SNI), or undefined: the one of the configuration. */
  certificate(serverName: string): string | undefined {
    const id = this.#certificateOf(serverName);
    return id === undefined ? undefined : this.#names.certificates[id];
  }

  #certificateOf(host: string): string | undefined {
    return this.#names.servers[host] ?? this.#names.servers[host.replace(/^[^.]+\./, '*.')];
  }

  rewrite(x: Exchange): Reply | undefined {
    if (x.value('service_name') !== '' || x.value('proxy_upstream_name') !== '') {
      const wanted = x.value('force_ssl_redirect') === 'true' || (x.value('ssl_redirect') === 'true' && this.#certificateOf(x.host) !== undefined);
      x.variables.set('pass_port', x.secure ? '443' : x.value('pass_server_port'));
      if (!x.secure && wanted) {
        const path = x.requestUri;
        const kept = x.value('preserve_trailing_slash') === 'true' || !path.endsWith('/') ? path : path.slice(0, -1);
        return redirected(x, 308, `https://${x.value('best_http_host').split(':')[0] ?? ''}${kept}`);
      }
    }
    return this.#balancerOf(x) === undefined ? { status: 503, headers: {} } : undefined;
  }

  headers(x: Exchange, headers: Record<string, string>): void {
    if (x.secure && x.location !== undefined && this.#certificateOf(x.host) !== undefined) headers['strict-transport-security'] = 'max-age=31536000; includeSubDomains';
    const sticky = x.variables.get('sticky_cookie');
    if (sticky !== undefined) headers['set-cookie'] = sticky;
  }

  *content(x: Exchange, { args }: Directive): Op<Reply | undefined> {
    const [file = ''] = args;
    if (file.endsWith('is_dynamic_lb_initialized.lua')) return { status: this.#posted === null ? 500 : 200, headers: {}, body: this.#posted === null ? 'NOT OK' : 'OK' };
    if (!file.endsWith('ngx_conf_configuration.lua')) return undefined;
    const { method, path, body } = x.request;
    if (method === 'GET' && path === '/configuration/backends') return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(this.#posted ?? []) };
    if (method !== 'POST') return { status: 400, headers: {}, body: 'Only POST and GET requests are allowed!' };
    if (path === '/configuration/backends') {
      const first = this.#posted === null;
      this.#posted = body as readonly PostedBackend[];
      if (first) yield* this.#sync();
      else this.#syncSoon();
    } else if (path === '/configuration/servers') this.#names = body as PostedServers;
    else return { status: 404, headers: {}, body: 'Not found!' };
    return { status: 201, headers: {}, body: '' };
  }

  /** The workers' timer comes round. */
  #syncSoon(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const { sim } = this.#os;
    const rest = SYNC_INTERVAL - (sim.now % SYNC_INTERVAL);
    const os = this.#os;
    const sync = (): Op<void> => this.#sync();
    os.go('sync_backends', function* () {
      yield* os.sleep(rest);
      yield* sync();
    });
  }

  *#sync(): Op<void> {
    this.#waiting = false;
    const before = this.#balancers;
    const balancers = new Map<string, Balancer>();
    for (const backend of this.#posted ?? []) {
      let { endpoints } = backend;
      if (backend.external) endpoints = yield* this.#resolved(endpoints);
      if (endpoints.length === 0) continue;
      const known = before.get(backend.name);
      const same = known !== undefined && JSON.stringify(known.endpoints) === JSON.stringify(endpoints);
      balancers.set(backend.name, { backend, endpoints, next: same ? known.next : this.#random.int(endpoints.length) });
    }
    this.#balancers = balancers;
  }

  *#resolved(endpoints: readonly Endpoint[]): Op<readonly Endpoint[]> {
    const out: Endpoint[] = [];
    for (const { address, port } of endpoints) {
      const found = parseIp(address) >= 0 ? [address] : ((yield* lookupHost(this.#os, address)) ?? []);
      out.push(...found.map((a) => ({ address: a, port })));
    }
    return out;
  }

  /** The balancer of the request's backend, or of its canary. */
  #balancerOf(x: Exchange): Balancer | undefined {
    const chosen = x.variables.get('proxy_alternative_upstream_name');
    if (chosen) return this.#balancers.get(chosen);
    const primary = this.#balancers.get(x.value('proxy_upstream_name'));
    const [name] = primary?.backend.alternatives ?? [];
    const alternative = name === undefined ? undefined : this.#balancers.get(name);
    if (alternative && !x.variables.has('canary_asked')) {
      x.variables.set('canary_asked', '1');
      if (this.#takesCanary(x, alternative)) {
        x.variables.set('proxy_alternative_upstream_name', alternative.backend.name);
        return alternative;
      }
    }
    return primary;
  }

  #takesCanary(x: Exchange, { backend: { canary } }: Balancer): boolean {
    if (canary === null) return false;
    const header = canary.header === '' ? undefined : x.request.headers[canary.header.toLowerCase()];
    if (header !== undefined) {
      if (canary.headerValue !== '') {
        if (header === canary.headerValue) return true;
      } else if (canary.headerPattern !== '') {
        if (new RegExp(canary.headerPattern).test(header)) return true;
      } else if (header === 'always') return true;
      else if (header === 'never') return false;
    }
    const cookie = canary.cookie === '' ? '' : cookieOf(x.request, canary.cookie);
    if (cookie === 'always') return true;
    if (cookie === 'never') return false;
    return this.#random.int(Math.max(100, canary.weightTotal)) + 1 <= canary.weight;
  }

  balance(x: Exchange): string | undefined {
    const balancer = this.#balancerOf(x);
    if (!balancer) return undefined;
    const { backend, endpoints } = balancer;
    const name = ({ address, port }: Endpoint): string => `${address}:${port}`;
    if (backend.affinity) return this.#sticky(x, balancer, name);
    if (backend.hashBy !== '') return name(endpoints[hash32(x.text(backend.hashBy)) % endpoints.length] as Endpoint);
    const chosen = endpoints[balancer.next % endpoints.length] as Endpoint;
    balancer.next = (balancer.next + 1) % endpoints.length;
    return name(chosen);
  }

  #sticky(x: Exchange, { backend, endpoints }: Balancer, name: (endpoint: Endpoint) => string): string {
    const { name: cookie, path, maxAge, expires, sameSite, secure } = backend.affinity as NonNullable<PostedBackend['affinity']>;
    const [given = ''] = cookieOf(x.request, cookie).split('|');
    const tried = new Set(x.attempts.map((a) => a.address));
    const left = endpoints.filter((e) => !tried.has(name(e)));
    const keyOf = (endpoint: Endpoint): string => hash32(name(endpoint)).toString(16).padStart(8, '0');
    const known = left.find((e) => given !== '' && given.endsWith(keyOf(e)));
    const chosen = known ?? left[this.#random.int(left.length)] ?? (endpoints[0] as Endpoint);
    if (!known) {
      const value = `${((this.#os.sim.epoch + this.#os.sim.now) / SECOND).toFixed(3)}.${keyOf(chosen)}|${hash32(backend.name).toString(16).padStart(8, '0')}`;
      const more = [`Path=${path || x.value('location_path') || '/'}`, ...(maxAge === '' ? [] : [`Max-Age=${maxAge}`]), ...(expires === '' ? [] : [`Expires=${expires}`])];
      if (secure || x.secure) more.push('Secure');
      x.variables.set('sticky_cookie', [`${cookie}=${value}`, ...more, 'HttpOnly', ...(sameSite === '' ? [] : [`SameSite=${sameSite}`])].join('; '));
    }
    return name(chosen);
  }
}
