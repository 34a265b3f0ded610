// The configuration of one Gateway's nginx (nginx-gateway-fabric, internal/controller/nginx/config): servers by port and hostname, locations
// by path, internal locations behind httpmatches.js where headers, parameters or methods decide, upstreams, split_clients for weights.

import type { Attachment, Backend, GatewayState, ListenerState } from './graph.ts';
import { type Candidate, compareCandidates } from './match-order.ts';
import type { Filter, HeaderModifier, PathModifier } from './types.ts';

export interface NginxFiles {
  readonly [path: string]: string;
}

/** One match for httpmatches.js. */
interface NjsMatch {
  readonly any?: true;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly params?: readonly string[];
  readonly redirectPath: string;
}

interface Entry extends Candidate {
  readonly attachment: Attachment;
}

interface PathRule {
  readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly path: string;
  readonly entries: Entry[];
}

const STATUS_SOCKETS = { 500: '/var/run/nginx/nginx-500-server.sock', 503: '/var/run/nginx/nginx-503-server.sock' } as const;

export function nginxFiles({ listeners }: GatewayState): NginxFiles {
  const out = new Output();
  const ports = new Map<number, ListenerState[]>();
  for (const l of listeners.filter((s) => s.valid)) ports.set(l.listener.port, [...(ports.get(l.listener.port) ?? []), l]);
  for (const [port, states] of [...ports].toSorted(([a], [b]) => a - b)) {
    const secure = states[0]?.listener.protocol === 'HTTPS';
    if (secure) out.servers.push('server {', `    listen ${port} ssl default_server;`, '    ssl_reject_handshake on;', '}', '');
    else out.servers.push('server {', `    listen ${port} default_server;`, '    default_type text/html;', '    return 404;', '}', '');
    for (const [hostname, rules] of [...hostnamesOf(states)].toSorted(([a], [b]) => (a < b ? -1 : 1))) out.server(port, hostname, rules, secure ? certificateFor(states, hostname) : null);
  }
  return out.files();
}

/** The path rules of each hostname on a port. */
function hostnamesOf(states: readonly ListenerState[]): Map<string, PathRule[]> {
  const hosts = new Map<string, PathRule[]>();
  for (const { routes } of states) {
    for (const attachment of routes) {
      for (const hostname of attachment.hostnames) {
        const rules = hosts.get(hostname) ?? [];
        hosts.set(hostname, rules);
        for (const [rule, { matches = [{}] }] of (attachment.route.spec.rules ?? []).entries()) {
          for (const [index, match] of matches.entries()) {
            const { type = 'PathPrefix', value = '/' } = match.path ?? {};
            let place = rules.find((r) => r.type === type && r.path === value);
            if (!place) rules.push((place = { type, path: value, entries: [] }));
            place.entries.push({ match, route: attachment.route, rule, index, attachment });
          }
        }
      }
    }
  }
  for (const rules of hosts.values()) for (const { entries } of rules) entries.sort(compareCandidates);
  return hosts;
}

function certificateFor(states: readonly ListenerState[], hostname: string): { readonly id: string; readonly pem: string } | null {
  const serves = states.find((s) => s.routes.some((r) => r.hostnames.includes(hostname)));
  return serves?.certificate ?? null;
}

const isPathOnly = ({ match }: Entry): boolean => match.method === undefined && !match.headers?.length && !match.queryParams?.length;
const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;

class Output {
  readonly servers: string[] = [];
  readonly #upstreams = new Map<string, string>();
  readonly #splits = new Map<string, string>();
  readonly #maps = new Map<string, string>();
  readonly #matches: Record<string, readonly NjsMatch[]> = {};
  readonly #secrets = new Map<string, string>();
  #serverId = 0;

  server(port: number, hostname: string, rules: readonly PathRule[], certificate: { readonly id: string; readonly pem: string } | null): void {
    const id = `${certificate === null ? '' : 'SSL_'}${this.#serverId++}`;
    const lines = [`    listen ${port}${certificate === null ? '' : ' ssl'};`];
    if (certificate !== null) {
      const path = `/etc/nginx/secrets/${certificate.id}.pem`;
      this.#secrets.set(path, certificate.pem);
      lines.push(`    ssl_certificate ${path};`, `    ssl_certificate_key ${path};`);
    }
    lines.push('', `    server_name ${hostname === '' ? '~^' : hostname};`, '');
    const sorted = rules.toSorted((a, b) => b.path.length - a.path.length);
    for (const [index, rule] of sorted.entries()) lines.push(...this.#locations(id, index, rule, sorted));
    if (!rules.some((r) => r.path === '/' && r.type === 'PathPrefix')) lines.push('    location / {', '        return 404 "";', '    }', '');
    this.servers.push('server {', ...lines, '}', '');
  }

  #locations(id: string, index: number, rule: PathRule, all: readonly PathRule[]): readonly string[] {
    const paths = pathsOf(rule, all);
    const [first] = rule.entries;
    if (first === undefined) return [];
    if (isPathOnly(first)) return paths.flatMap((path) => [`    location ${path} {`, ...this.#actions(first, rule, index, false).map(indent), '    }', '']);
    const key = `${id}_${index}`;
    const internal: string[] = [];
    const matches: NjsMatch[] = [];
    for (const [i, entry] of rule.entries.entries()) {
      const redirectPath = `/_ngf-internal-rule${index}-route${i}`;
      matches.push(matchOf(entry, redirectPath));
      internal.push(`    location ${redirectPath} {`, '        internal;', ...this.#actions(entry, rule, index, true).map(indent), '    }', '');
      if (isPathOnly(entry)) break;
    }
    this.#matches[key] = matches;
    const external = paths.flatMap((path) => [`    location ${path} {`, `        set $match_key ${key};`, '        js_content httpmatches.redirect;', '    }', '']);
    return [...external, ...internal];
  }

  /** What a location does with a request: redirect, rewrite, headers, pass on. */
  #actions({ attachment, route, rule }: Entry, pathRule: PathRule, index: number, internal: boolean): readonly string[] {
    const spec = route.spec.rules?.[rule];
    const filters = spec?.filters ?? [];
    const find = (type: string): Filter | undefined => filters.find((f) => f.type === type);
    const redirect = find('RequestRedirect')?.requestRedirect;
    if (redirect) return redirectLines(redirect, pathRule);
    const rewrite = find('URLRewrite')?.urlRewrite;
    const backends = attachment.backends[rule] ?? [];
    const lines: string[] = [];
    if (rewrite?.path) {
      if (internal) lines.push('rewrite ^ $request_uri_path;');
      lines.push(`rewrite ${mainRewrite(rewrite.path, pathRule)} break;`);
    }
    const requests = find('RequestHeaderModifier')?.requestHeaderModifier;
    for (const [name, value] of this.#requestHeaders(requests, rewrite?.hostname)) lines.push(`proxy_set_header ${name} ${quoted(value)};`);
    const keepsUri = !rewrite?.path;
    lines.push(`proxy_pass http://${this.#target(attachment, rule, index, backends)}${keepsUri ? '$request_uri' : ''};`);
    lines.push(...responseLines(find('ResponseHeaderModifier')?.responseHeaderModifier));
    return lines;
  }

  #requestHeaders(modifier: HeaderModifier | undefined, hostname: string | undefined): readonly (readonly [string, string])[] {
    const added = (modifier?.add ?? []).map(({ name, value }): readonly [string, string] => {
      const variable = `${name.toLowerCase().replaceAll('-', '_')}_header_var`;
      this.#maps.set(variable, `map \${http_${name.toLowerCase().replaceAll('-', '_')}} $${variable} {\n    default '';\n    ~.* \${http_${name.toLowerCase().replaceAll('-', '_')}},;\n}\n`);
      return [name, `\${${variable}}${value}`];
    });
    const set = (modifier?.set ?? []).map(({ name, value }): readonly [string, string] => [name, value]);
    const removed = (modifier?.remove ?? []).map((name): readonly [string, string] => [name, '']);
    return [
      ...added,
      ...set,
      ...removed,
      ['Host', hostname ?? '$gw_api_compliant_host'],
      ['X-Forwarded-For', '$proxy_add_x_forwarded_for'],
      ['X-Real-IP', '$remote_addr'],
      ['X-Forwarded-Proto', '$scheme'],
      ['X-Forwarded-Host', '$host'],
      ['X-Forwarded-Port', '$server_port'],
      ['Upgrade', '$http_upgrade'],
      ['Connection', '$connection_upgrade'],
    ];
  }

  /** The upstream of one backend, or the variable that chooses among several. */
  #target({ route }: Attachment, rule: number, index: number, backends: readonly Backend[]): string {
    const total = backends.reduce((sum, b) => sum + b.weight, 0);
    for (const backend of backends) this.#upstream(backend);
    const [only] = backends;
    if (total === 0 || only === undefined) {
      this.#upstream({ name: 'invalid-backend-ref', weight: 0, endpoints: null });
      return 'invalid-backend-ref';
    }
    if (backends.length === 1) return only.name;
    const { namespace = '', name } = route.metadata;
    const variable = `group_${namespace}__${name}_rule${rule}_pathRule${index}`.replaceAll('-', '_').replaceAll('.', '_');
    let rest = 100;
    const shares = backends.map(({ name: upstream, weight }, i) => {
      const percent = i === backends.length - 1 ? rest : Math.floor((weight * 10_000) / total) / 100;
      rest -= percent;
      return percent === 0 ? `    # 0.00% ${upstream};` : `    ${percent.toFixed(2)}% ${upstream};`;
    });
    this.#splits.set(variable, `split_clients $request_id $${variable} {\n${shares.join('\n')}\n}\n`);
    return `$${variable}`;
  }

  #upstream({ name, endpoints }: Backend): void {
    if (this.#upstreams.has(name)) return;
    const servers = endpoints === null ? [`unix:${STATUS_SOCKETS[500]}`] : endpoints.length === 0 ? [`unix:${STATUS_SOCKETS[503]}`] : endpoints.map((e) => `${e.address}:${e.port}`);
    this.#upstreams.set(name, [`upstream ${name} {`, '    random two least_conn;', `    zone ${name} 512k;`, ...servers.map((s) => `    server ${s};`), '}', ''].join('\n'));
  }

  files(): NginxFiles {
    const parts = [BASE, ...this.#maps.values(), ...this.#splits.values(), ...[...this.#upstreams].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)];
    const http = `${parts.join('\n')}\njs_preload_object matches from /etc/nginx/conf.d/matches.json;\n\n${this.servers.join('\n')}\n${SOCKETS}`;
    return { '/etc/nginx/conf.d/http.conf': http, '/etc/nginx/conf.d/matches.json': JSON.stringify(this.#matches), '/etc/nginx/main-includes/main.conf': 'error_log stderr info;\n', ...Object.fromEntries(this.#secrets) };
  }
}

const indent = (line: string): string => `        ${line}`;

/** A prefix is two locations: the path itself and what is below it. */
function pathsOf({ type, path }: PathRule, all: readonly PathRule[]): readonly string[] {
  if (type === 'RegularExpression') return [`~ ^${path}`];
  if (type === 'Exact') return [`= ${path}`];
  if (path === '/') return ['/'];
  const bare = path.replace(/\/$/, '');
  return [`${bare}/`, ...(all.some((r) => r.type === 'Exact' && r.path === bare) ? [] : [`= ${bare}`])];
}

function matchOf({ match }: Entry, redirectPath: string): NjsMatch {
  const { method, headers = [], queryParams = [] } = match;
  if (method === undefined && headers.length === 0 && queryParams.length === 0) return { any: true, redirectPath };
  return {
    redirectPath,
    ...(method === undefined ? {} : { method }),
    ...(headers.length === 0 ? {} : { headers: headers.map((h) => `${h.name}:${h.type ?? 'Exact'}:${h.value}`) }),
    ...(queryParams.length === 0 ? {} : { params: queryParams.map((q) => `${q.name}=${q.type ?? 'Exact'}=${q.value}`) }),
  };
}

function redirectLines(redirect: NonNullable<Filter['requestRedirect']>, rule: PathRule): readonly string[] {
  const scheme = redirect.scheme ?? '$scheme';
  const host = redirect.hostname ?? '$host';
  const usual = redirect.scheme === 'https' ? 443 : redirect.scheme === 'http' ? 80 : undefined;
  const port = redirect.port === undefined || redirect.port === usual || (usual === undefined && redirect.port === 80) ? '' : `:${redirect.port}`;
  const code = redirect.statusCode ?? 302;
  if (!redirect.path) return [`return ${code} "${scheme}://${host}${port}$request_uri";`];
  return ['rewrite ^ $request_uri_path;', `rewrite ${mainRewrite(redirect.path, rule)};`, `return ${code} "${scheme}://${host}${port}$uri$is_args$args";`];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function mainRewrite(modifier: PathModifier, { path }: PathRule): string {
  if (modifier.type === 'ReplaceFullPath') return `^ ${modifier.replaceFullPath ?? '/'}`;
  const replacement = modifier.replacePrefixMatch ?? '';
  if (path.endsWith('/') || !replacement.endsWith('/')) return `"^${escaped(path)}(.*)$" "${replacement}$1"`;
  return `"^${escaped(path)}(?:/(.*))?$" "${replacement}$1"`;
}

function responseLines(modifier: HeaderModifier | undefined): readonly string[] {
  if (!modifier) return [];
  const { set = [], add = [], remove = [] } = modifier;
  return [
    ...add.map(({ name, value }) => `add_header ${name} ${quoted(value)} always;`),
    ...set.flatMap(({ name, value }) => [`proxy_hide_header ${name};`, `add_header ${name} ${quoted(value)} always;`]),
    ...remove.map((name) => `proxy_hide_header ${name};`),
  ];
}

const BASE = `http2 on;

map $http_host $gw_api_compliant_host {
    '' $host;
    default $http_host;
}

map $http_upgrade $connection_upgrade {
    default upgrade;
    '' close;
}

## Returns just the path from the original request URI.
map $request_uri $request_uri_path {
  "~^(?P<path>[^?]*)(\\?.*)?$"  $path;
}

# NGINX health check server block.
server {
    listen 8081;

    location = /readyz {
        access_log off;
        return 200;
    }
}

server_tokens off;
`;

const SOCKETS = (['503', '500'] as const)
  .map(
    (status) => `server {
    listen unix:${STATUS_SOCKETS[status]};
    access_log off;

    return ${status};
}
`,
  )
  .join('\n');
