// The nginx.conf that the controller writes (rootfs/etc/nginx/template/nginx.tmpl, template.go), with what has an effect here and
// the landmarks that people look for.

import { toBase64 } from '../../api/base64.ts';
import { enforcesRegex } from './configuration.ts';
import { DEFAULT_BACKEND, DEFAULT_SERVER, type Location, type Model, type Server } from './model.ts';

export const FAKE_CERTIFICATE = '/etc/ingress-controller/ssl/default-fake-certificate.pem';
export const NGINX_CONF = '/etc/nginx/nginx.conf';
const BACKLOG = 4096;

const LOG_FORMAT =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id';

export interface Settings {
  readonly workers: number;
  readonly fakeSha: string;
  /** Of the ConfigMap `ingress-nginx-controller`. */
  readonly config: Readonly<Record<string, string>>;
}

/** Without the line with the checksum. */
export function nginxConf({ servers }: Model, settings: Settings): string {
  const { config } = settings;
  const on = (name: string, otherwise: boolean): boolean => (config[name] === undefined ? otherwise : config[name] === 'true');
  return [
    '# setup custom paths that do not require root access',
    'pid /tmp/nginx/nginx.pid;',
    '',
    'daemon off;',
    '',
    `worker_processes ${settings.workers};`,
    '',
    'worker_rlimit_nofile 1047552;',
    '',
    'worker_shutdown_timeout 240s ;',
    '',
    'events {',
    '\tmulti_accept        on;',
    '\tworker_connections  16384;',
    '\tuse                 epoll;',
    '}',
    '',
    'http {',
    ...indented([
      'lua_package_path "/etc/nginx/lua/?.lua;;";',
      '',
      'init_by_lua_file /etc/nginx/lua/ngx_conf_init.lua;',
      '',
      'init_worker_by_lua_file /etc/nginx/lua/ngx_conf_init_worker.lua;',
      '',
      'aio                 threads;',
      'tcp_nopush          on;',
      'tcp_nodelay         on;',
      'log_subrequest      on;',
      'reset_timedout_connection on;',
      '',
      'keepalive_timeout  75s;',
      'keepalive_requests 1000;',
      '',
      `server_tokens ${on('server-tokens', false) ? 'on' : 'off'};`,
      ...(on('server-tokens', false) ? [] : ['more_clear_headers Server;']),
      '',
      '# Additional available variables:',
      '# $namespace',
      '# $ingress_name',
      '# $service_name',
      '# $service_port',
      `log_format upstreaminfo '${config['log-format-upstream'] ?? LOG_FORMAT}';`,
      '',
      'map $request_uri $loggable {',
      '\tdefault 1;',
      '}',
      '',
      on('disable-access-log', false) ? 'access_log off;' : 'access_log /var/log/nginx/access.log upstreaminfo  if=$loggable;',
      '',
      'error_log  /var/log/nginx/error.log notice;',
      '',
      '# See https://www.nginx.com/blog/websocket-nginx',
      'map $http_upgrade $connection_upgrade {',
      '\tdefault          upgrade;',
      "\t''               '';",
      '}',
      '',
      '# Reverse proxies can detect if a client provides a X-Request-ID header, and pass it on to the backend server.',
      '# If no such header is provided, it can provide a random value.',
      'map $http_x_request_id $req_id {',
      '\tdefault   $http_x_request_id;',
      '\t""        $request_id;',
      '}',
      '',
      'ssl_protocols TLSv1.2 TLSv1.3;',
      '',
      `# PEM sha: ${settings.fakeSha}`,
      `ssl_certificate     ${FAKE_CERTIFICATE};`,
      `ssl_certificate_key ${FAKE_CERTIFICATE};`,
      '',
      'upstream upstream_balancer {',
      '\t### Attention!!!',
      '\t#',
      '\t# There is no "upstream" section for every backend: backends are handled',
      '\t# dynamically by Lua, so endpoints change without a reload.',
      '\t#',
      '\t###',
      '\t',
      '\tserver 0.0.0.1; # placeholder',
      '\t',
      '\tbalancer_by_lua_file /etc/nginx/lua/nginx/ngx_conf_balancer.lua;',
      '\t',
      '\tkeepalive 320;',
      '\tkeepalive_time 1h;',
      '\tkeepalive_timeout  60s;',
      '\tkeepalive_requests 10000;',
      '}',
      '',
      ...servers.filter((s) => s.fromToWww).flatMap(wwwServer),
      ...servers.flatMap((server) => serverText(server, on)),
      '# backend for when default-backend-service is not configured or it does not have endpoints',
      'server {',
      `\tlisten 8181 default_server reuseport backlog=${BACKLOG};`,
      '\t',
      '\tset $proxy_upstream_name "internal";',
      '\t',
      '\taccess_log off;',
      '\t',
      '\tlocation / {',
      '\t\treturn 404;',
      '\t}',
      '}',
      '',
      '# default server, used for NGINX healthcheck and access to nginx stats',
      'server {',
      '\tlisten 127.0.0.1:10246;',
      '\tset $proxy_upstream_name "internal";',
      '\t',
      '\tkeepalive_timeout 0;',
      '\tgzip off;',
      '\t',
      '\taccess_log off;',
      '\t',
      '\tlocation /healthz {',
      '\t\treturn 200;',
      '\t}',
      '\t',
      '\tlocation /is-dynamic-lb-initialized {',
      '\t\tcontent_by_lua_file /etc/nginx/lua/nginx/ngx_conf_is_dynamic_lb_initialized.lua;',
      '\t}',
      '\t',
      '\tlocation /nginx_status {',
      '\t\tstub_status on;',
      '\t}',
      '\t',
      '\tlocation /configuration {',
      '\t\tclient_max_body_size                    21M;',
      '\t\tcontent_by_lua_file /etc/nginx/lua/nginx/ngx_conf_configuration.lua;',
      '\t}',
      '\t',
      '\tlocation / {',
      '\t\treturn 404;',
      '\t}',
      '}',
    ]),
    '}',
    '',
  ].join('\n');
}

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => (line === '' ? '\t' : `\t${line}`));

const serverName = (hostname: string): string => (hostname.startsWith('*.') ? `~^(?<subdomain>[\\w-]+)\\.${hostname.slice(2).replaceAll('.', '\\.')}$` : hostname);
const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;

function wwwServer({ hostname }: Server): readonly string[] {
  const from = hostname.startsWith('www.') ? hostname.slice(4) : `www.${hostname}`;
  return [
    `## start server ${from}`,
    'server {',
    `\tserver_name ${quoted(from)};`,
    '\tlisten 80  ;',
    '\tlisten 443  ssl;',
    '\tssl_certificate_by_lua_file /etc/nginx/lua/nginx/ngx_conf_certificate.lua;',
    `\treturn 308 $scheme://${hostname}$request_uri;`,
    '}',
    `## end server ${from}`,
    '',
  ];
}

function serverText(server: Server, on: (name: string, otherwise: boolean) => boolean): readonly string[] {
  const { hostname, aliases, locations } = server;
  const options = hostname === DEFAULT_SERVER ? `default_server reuseport backlog=${BACKLOG} ` : ' ';
  const regex = enforcesRegex(locations);
  return [
    `## start server ${hostname}`,
    'server {',
    `\tserver_name ${quoted(serverName(hostname))} ${aliases.map((a) => `${quoted(a)} `).join('')};`,
    '\t',
    '\thttp2 on;',
    '\t',
    `\tlisten 80 ${options};`,
    `\tlisten 443 ${options}ssl;`,
    '\t',
    '\tset $proxy_upstream_name "-";',
    '\t',
    ...(hostname === DEFAULT_SERVER ? ['\tssl_reject_handshake off;', '\t'] : []),
    '\tssl_certificate_by_lua_file /etc/nginx/lua/nginx/ngx_conf_certificate.lua;',
    '\t',
    ...locations.flatMap((location) => indented(locationText(location, hostname, regex, on))),
    ...(hostname === DEFAULT_SERVER
      ? ['\tlocation /healthz {', '\t\taccess_log off;', '\t\treturn 200;', '\t}', '\t', '\tlocation /nginx_status {', '\t\tallow 127.0.0.1;', '\t\tdeny all;', '\t\taccess_log off;', '\t\tstub_status on;', '\t}', '\t']
      : []),
    '}',
    `## end server ${hostname}`,
    '',
  ];
}

function locationPath({ path, pathType }: Location, regex: boolean): string {
  if (regex) return `~* ${quoted(`^${path}`)}`;
  return pathType === 'Exact' ? `= ${quoted(path)}` : quoted(path);
}

function locationText(location: Location, hostname: string, regex: boolean, on: (name: string, otherwise: boolean) => boolean): readonly string[] {
  const { ingress, annotations: a, backend } = location;
  const set = (name: string, value: string): string => `set ${`$${name}`.padEnd(15)} ${quoted(value)};`;
  const header = (name: string, value: string): string => `proxy_set_header ${name.padEnd(22)} ${value};`;
  const lines = [
    set('namespace', ingress?.metadata.namespace ?? ''),
    set('ingress_name', ingress?.metadata.name ?? ''),
    set('service_name', location.service?.metadata.name ?? ''),
    set('service_port', location.port),
    set('location_path', ingress ? location.ingressPath : ''),
    '',
    `set $force_ssl_redirect ${quoted(String(a.forceSslRedirect || on('force-ssl-redirect', false)))};`,
    `set $ssl_redirect ${quoted(String(a.sslRedirect && (ingress === undefined || on('ssl-redirect', true))))};`,
    'set $force_no_ssl_redirect "false";',
    `set $preserve_trailing_slash ${quoted(String(a.preserveTrailingSlash))};`,
    'set $use_port_in_redirects "false";',
    '',
    'rewrite_by_lua_file /etc/nginx/lua/nginx/ngx_rewrite.lua;',
    'header_filter_by_lua_file /etc/nginx/lua/nginx/ngx_conf_srv_hdr_filter.lua;',
    'log_by_lua_file /etc/nginx/lua/nginx/ngx_conf_log_block.lua;',
    ...(a.accessLog ? [] : ['', 'access_log off;']),
    '',
    'port_in_redirect off;',
    '',
    'set $balancer_ewma_score -1;',
    `set $proxy_upstream_name ${quoted(backend)};`,
    'set $proxy_host          $proxy_upstream_name;',
    'set $pass_access_scheme  $scheme;',
    '',
    'set $pass_server_port    $server_port;',
    '',
    'set $best_http_host      $http_host;',
    'set $pass_port           $pass_server_port;',
    '',
    'set $proxy_alternative_upstream_name "";',
    '',
    ...authText(location),
    ...a.denylist.map((range) => `deny ${range};`),
    ...a.allowlist.map((range) => `allow ${range};`),
    ...(a.allowlist.length > 0 ? ['deny all;', ''] : []),
    ...corsText(location),
    `client_max_body_size                    ${a.bodySize};`,
    '',
    header('Host', a.upstreamVhost === '' ? '$best_http_host' : quoted(a.upstreamVhost)),
    '',
    '# Allow websocket connections',
    header('Upgrade', '$http_upgrade'),
    '',
    header('Connection', '$connection_upgrade'),
    '',
    header('X-Request-ID', '$req_id'),
    header('X-Real-IP', '$remote_addr'),
    '',
    header('X-Forwarded-For', '$remote_addr'),
    '',
    header('X-Forwarded-Host', '$best_http_host'),
    header('X-Forwarded-Port', '$pass_port'),
    header('X-Forwarded-Proto', '$pass_access_scheme'),
    header('X-Forwarded-Scheme', '$pass_access_scheme'),
    '',
    header('X-Scheme', '$pass_access_scheme'),
    '',
    '# Pass the original X-Forwarded-For',
    header('X-Original-Forwarded-For', '$http_x_forwarded_for'),
    '',
    '# mitigate HTTPoxy Vulnerability',
    '# https://www.nginx.com/blog/mitigating-the-httpoxy-vulnerability-with-nginx/',
    header('Proxy', '""'),
    '',
    `proxy_connect_timeout                   ${a.connectTimeout}s;`,
    `proxy_send_timeout                      ${a.sendTimeout}s;`,
    `proxy_read_timeout                      ${a.readTimeout}s;`,
    '',
    'proxy_http_version                      1.1;',
    '',
    'proxy_cookie_domain                     off;',
    'proxy_cookie_path                       off;',
    '',
    '# In case of errors try the next upstream server before returning an error',
    'proxy_next_upstream                     error timeout;',
    'proxy_next_upstream_timeout             0;',
    'proxy_next_upstream_tries               3;',
    '',
    ...(a.redirect ? [`return ${a.redirect.code} ${a.redirect.url};`, ''] : []),
    ...passText(location),
    '',
    'proxy_redirect                          off;',
  ];
  const app = a.appRoot === '' ? [] : ['if ($uri = /) {', `\treturn 302 $scheme://$http_host${a.appRoot};`, '}', ''];
  return [...app, ...authLocations(location), `location ${locationPath(location, regex)} {`, ...indented(lines), '}', ''];
}

const authPath = ({ path, pathType }: Location): string => `/_external-auth-${toBase64(path).replaceAll('/', '_').replaceAll('+', '-').replace(/=+$/, '')}-${pathType}`;

function authText(location: Location): readonly string[] {
  const { auth } = location.annotations;
  if (!auth) return [];
  return [
    '# this location requires authentication',
    `auth_request        ${authPath(location)};`,
    ...auth.responseHeaders.flatMap((name, n) => [`auth_request_set $authHeader${n} $upstream_http_${name.toLowerCase().replaceAll('-', '_')};`, `proxy_set_header ${quoted(name)} $authHeader${n};`]),
    ...(auth.signin === '' ? [] : ['set_escape_uri $escaped_request_uri $request_uri;', `error_page 401 = ${authPath(location)}-signin;`]),
    '',
  ];
}

/** The subrequest to auth-url, and the redirect to auth-signin. */
function authLocations(location: Location): readonly string[] {
  const { auth } = location.annotations;
  if (!auth) return [];
  const host = /^\w+:\/\/([^/:]+)/.exec(auth.url)?.[1] ?? '';
  const signin = `${auth.signin}${/[?&]rd=/.test(auth.signin) ? '' : `${auth.signin.includes('?') ? '&' : '?'}rd=$pass_access_scheme://$http_host$escaped_request_uri`}`;
  return [
    `location = ${authPath(location)} {`,
    '\tinternal;',
    '\taccess_log off;',
    `\tset $proxy_upstream_name ${quoted(location.backend)};`,
    '\tproxy_pass_request_body     off;',
    ...(auth.method === '' ? [] : [`\tproxy_method                ${auth.method};`]),
    '\tproxy_set_header            Content-Length          "";',
    `\tproxy_set_header            Host                    ${host};`,
    '\tproxy_set_header            X-Original-URL          $scheme://$http_host$request_uri;',
    '\tproxy_set_header            X-Original-Method       $request_method;',
    '\tproxy_set_header            X-Sent-From             "nginx-ingress-controller";',
    '\tproxy_set_header            X-Real-IP               $remote_addr;',
    '\tproxy_set_header            X-Forwarded-For        $remote_addr;',
    '\tproxy_set_header            X-Auth-Request-Redirect $request_uri;',
    `\tset $target ${quoted(auth.url)};`,
    '\tproxy_pass $target;',
    '}',
    '',
    ...(auth.signin === '' ? [] : [`location ${authPath(location)}-signin {`, '\tinternal;', `\treturn 302 ${signin};`, '}', '']),
  ];
}

function corsText({ annotations: { cors } }: Location): readonly string[] {
  if (!cors) return [];
  const headers = [
    `more_set_headers 'Access-Control-Allow-Origin: ${cors.origin === '*' ? '*' : '$http_origin'}';`,
    ...(cors.credentials ? ["more_set_headers 'Access-Control-Allow-Credentials: true';"] : []),
    `more_set_headers 'Access-Control-Allow-Methods: ${cors.methods}';`,
    `more_set_headers 'Access-Control-Allow-Headers: ${cors.headers}';`,
    `more_set_headers 'Access-Control-Max-Age: ${cors.maxAge}';`,
  ];
  return [...headers, "if ($request_method = 'OPTIONS') {", '\treturn 204;', '}', ''];
}

function passText({ annotations: a, path, backend }: Location): readonly string[] {
  const secure = backend !== DEFAULT_BACKEND && (a.backendProtocol === 'HTTPS' || a.backendProtocol === 'GRPCS');
  const pass = `proxy_pass ${secure ? 'https' : 'http'}://upstream_balancer;`;
  if (a.rewriteTarget === '' || a.rewriteTarget === path) return [pass];
  const prefix = a.forwardedPrefix === '' ? [] : [`proxy_set_header X-Forwarded-Prefix ${quoted(a.forwardedPrefix)};`];
  return [`rewrite ${quoted(`(?i)${path}`)} ${a.rewriteTarget} break;`, ...prefix, pass];
}
