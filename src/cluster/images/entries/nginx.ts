// nginx: the entrypoint's and the server's log, the welcome page, mounted files and mounted configuration.

import { FileError } from '../../machine/files.ts';
import type { Os, Program } from '../../machine/process.ts';
import { HttpClient, type HttpRequest, type HttpResponse, type Peer, serveHttp } from '../../network/http.ts';
import { lookupHost } from '../../network/resolver.ts';
import { SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import type { ImageEntry } from '../entry.ts';
import { parseNginxConfig, type NginxLocation, type NginxServer } from '../nginx-config.ts';
import { BUSYBOX, DASH } from '../shell/shell.ts';
import { strftime } from '../shell/applets/system.ts';
import { parseUrl } from '../shell/applets/fetch.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import { page, reasonPhrase, serveFiles } from '../static-site.ts';
import { versionedTag } from '../tags.ts';
import { BASIC_COMMANDS, BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';

const debianTools = toolboxOf(DASH, { ...BASIC_COMMANDS, ...CURL_APPLETS }, ['sh', 'bash', 'dash']);
const alpineTools = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS });

const ENTRYPOINT = '/docker-entrypoint.sh';
const CONFIG_DIRECTORY = '/etc/nginx/conf.d';

const DEFAULT_CONFIG = `server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }
}
`;

const WELCOME = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>This page is served by nginx, which works, but has nothing of your own to show yet.</p>
</body>
</html>
`;

/** `nginx -g 'daemon off;'`, with the entrypoint before it; any other command is run as it is. */
function nginxProgram(tag: string): Program {
  const version = tag.split('-')[0] as string;
  const tools = tag.includes('alpine') ? alpineTools : debianTools;
  return function* (os: Os): Op<number> {
    let argv = os.argv;
    const viaEntrypoint = argv[0] === ENTRYPOINT;
    if (viaEntrypoint) argv = argv.slice(1);
    const name = (argv[0] ?? '').split('/').pop() ?? '';
    if (name !== 'nginx' && name !== 'nginx-debug') return yield* runCommandLine(viaEntrypoint ? withArgv(os, argv) : os, tools);
    if (argv.includes('-v') || argv.includes('-V')) {
      os.logError(`nginx version: nginx/${version}`);
      return 0;
    }
    if (viaEntrypoint) yield* prepare(os);
    os.process.exec([`nginx: master process ${argv.join(' ')}`], 'nginx');
    return yield* serve(os, version, argv.includes('-t'));
  };
}

/** The same process with another command line. */
const withArgv = (os: Os, argv: readonly string[]): Os => Object.create(os, { argv: { value: argv } }) as Os;

const STEPS = '/docker-entrypoint.d';
const FIRST_STEPS: readonly string[] = [
  `${ENTRYPOINT}: ${STEPS}/ is not empty, will attempt to perform configuration`,
  `${ENTRYPOINT}: Looking for shell scripts in ${STEPS}/`,
  `${ENTRYPOINT}: Launching ${STEPS}/10-listen-on-ipv6-by-default.sh`,
];
const NEXT_STEPS: readonly string[] = [
  '10-listen-on-ipv6-by-default.sh: info: Getting the checksum of /etc/nginx/conf.d/default.conf',
  `${ENTRYPOINT}: Sourcing ${STEPS}/15-local-resolvers.envsh`,
  `${ENTRYPOINT}: Launching ${STEPS}/20-envsubst-on-templates.sh`,
  `${ENTRYPOINT}: Launching ${STEPS}/30-tune-worker-processes.sh`,
];
const READY = `${ENTRYPOINT}: Configuration complete; ready for start up`;

function* prepare(os: Os): Op<void> {
  for (const line of FIRST_STEPS) os.log(line);
  yield* os.sleep(15 * MILLISECOND);
  for (const line of NEXT_STEPS) os.log(line);
  yield* os.sleep(15 * MILLISECOND);
  os.log(READY);
}

function* serve(os: Os, version: string, testOnly: boolean): Op<number> {
  const log = (level: string, text: string): void => os.logError(`${strftime('%Y/%m/%d %H:%M:%S', os.sim.epoch + os.sim.now)} [${level}] 1#1: ${text}`);
  yield* os.sleep(10 * MILLISECOND);
  const servers = readConfig(os);
  if (typeof servers === 'string') {
    log('emerg', servers);
    os.logError(`nginx: [emerg] ${servers}`);
    return 1;
  }
  if (testOnly) {
    os.logError('nginx: the configuration file /etc/nginx/nginx.conf syntax is ok');
    return 0;
  }
  const lacking = unwritable(os);
  if (lacking !== undefined) {
    log('emerg', lacking);
    os.logError(`nginx: [emerg] ${lacking}`);
    return 1;
  }
  os.process.setMemory(4_300_000);
  const signals = os.signals();
  const left = [...byPort(servers)];
  for (let tries = 1; left.length > 0; tries++) {
    const [first] = left as [PortServers];
    try {
      serveHttp(os, { port: first.port }, (request, peer) => answer(os, version, first.servers, request, peer));
      left.shift();
      continue;
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
    const say = (text: string): void => {
      log('emerg', text);
      os.logError(`nginx: [emerg] ${text}`);
    };
    say(`bind() to 0.0.0.0:${first.port} failed (98: Address already in use)`);
    if (tries < BIND_TRIES) log('notice', 'try again to bind() after 500ms');
    else {
      log('emerg', 'still could not bind()');
      os.logError('nginx: [emerg] still could not bind()');
      return 1;
    }
    yield* os.sleep(500 * MILLISECOND);
  }
  log('notice', 'using the "epoll" event method');
  log('notice', `nginx/${version}`);
  log('notice', 'OS: Linux 6.12.57+deb13-amd64');
  log('notice', 'start worker processes');
  for (;;) {
    const signal = yield* signals.receive();
    if (signal === undefined) return 0;
    if (signal === 'SIGHUP') {
      log('notice', 'signal 1 (SIGHUP) received, reconfiguring');
      continue;
    }
    log('notice', signal === 'SIGQUIT' ? 'signal 3 (SIGQUIT) received, shutting down' : `signal ${signal === 'SIGINT' ? '2 (SIGINT)' : '15 (SIGTERM)'} received, exiting`);
    // Requests that are under way are finished before a graceful end.
    if (signal === 'SIGQUIT') yield* os.sleep(5 * MILLISECOND);
    log('notice', 'exit');
    return 0;
  }
}

const BIND_TRIES = 5;

/** What the server cannot make for itself on a file system that is read only. */
function unwritable(os: Os): string | undefined {
  try {
    os.files.mkdir('/var/cache/nginx/client_temp');
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return 'mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)';
  }
  try {
    os.files.write('/run/nginx.pid', '1\n');
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return 'open() "/run/nginx.pid" failed (30: Read-only file system)';
  }
  return undefined;
}

interface PortServers {
  readonly port: number;
  readonly servers: readonly NginxServer[];
}

function byPort(servers: readonly NginxServer[]): readonly PortServers[] {
  const only = servers[0];
  if (servers.length === 1 && only?.ports.length === 1) return [{ port: only.ports[0] as number, servers }];
  return [...new Set(servers.flatMap((server) => server.ports))].map((port) => ({ port, servers: servers.filter((server) => server.ports.includes(port)) }));
}

/** The servers of the mounted or the built-in configuration, or what is wrong with it. */
function readConfig(os: Os): readonly NginxServer[] | string {
  const { files } = os;
  const main = files.exists('/etc/nginx/nginx.conf') ? parseNginxConfig(files.read('/etc/nginx/nginx.conf'), '/etc/nginx/nginx.conf') : [];
  if (typeof main === 'string') return main;
  if (main.length > 0 || !files.isDirectory(CONFIG_DIRECTORY)) return main;
  let servers: readonly NginxServer[] = main;
  for (const name of files.list(CONFIG_DIRECTORY)) {
    if (!name.endsWith('.conf')) continue;
    const path = `${CONFIG_DIRECTORY}/${name}`;
    const parsed = parseNginxConfig(files.read(path), path);
    if (typeof parsed === 'string') return parsed;
    servers = servers.length === 0 ? parsed : [...servers, ...parsed];
  }
  return servers;
}

function* answer(os: Os, version: string, servers: readonly NginxServer[], request: HttpRequest, peer: Peer): Op<HttpResponse> {
  yield* os.sleep(100);
  const host = (request.headers['host'] ?? '').split(':')[0] as string;
  const server = servers.find((s) => s.names.includes(host)) ?? (servers[0] as NginxServer);
  const location = server.locations.filter((l) => matches(l, request.path)).sort((a, b) => b.path.length - a.path.length)[0];
  const response = yield* byLocation(os, version, server, location, request, peer);
  const body = typeof response.body === 'string' ? response.body : '';
  const time = strftime('%d/%b/%Y:%H:%M:%S +0000', os.sim.epoch + os.sim.now);
  const query = Object.entries(request.query).map(([k, v]) => (v === '' ? k : `${k}=${v}`)).join('&');
  const target = query === '' ? request.path : `${request.path}?${query}`;
  if (response.status === 404 && location?.proxy === undefined) {
    const root = location?.root ?? server.root;
    os.logError(`${strftime('%Y/%m/%d %H:%M:%S', os.sim.epoch + os.sim.now)} [error] 29#29: *1 open() "${root}${request.path}" failed (2: No such file or directory), client: ${peer.address}, server: ${server.names[0] ?? ''}, request: "${request.method} ${target} HTTP/1.1", host: "${request.headers['host'] ?? ''}"`);
  }
  os.log(`${peer.address} - - [${time}] "${request.method} ${target} HTTP/1.1" ${response.status} ${body.length} "-" "${request.headers['user-agent'] ?? '-'}" "-"`);
  return response;
}

function matches({ path, exact }: NginxLocation, asked: string): boolean {
  return exact ? asked === path : asked.startsWith(path);
}

function* byLocation(os: Os, version: string, server: NginxServer, location: NginxLocation | undefined, request: HttpRequest, peer: Peer): Op<HttpResponse> {
  const name = `nginx/${version}`;
  if (location?.reply) return page(location.reply.status, location.reply.body.replace(/\$(\w+)/g, (all, v: string) => variable(os, v, request, peer) ?? all), name, 'text/plain');
  if (location?.proxy !== undefined) return yield* forward(os, name, location, request);
  return serveFiles(os.files, location?.root ?? server.root, request, { server: name, notFound: errorPage(404, name), forbidden: errorPage(403, name) });
}

function variable(os: Os, name: string, request: HttpRequest, peer: Peer): string | undefined {
  const values: Readonly<Record<string, string>> = {
    hostname: os.env['HOSTNAME'] ?? os.machine.name, remote_addr: peer.address, request_uri: request.path, uri: request.path, host: request.headers['host'] ?? '',
  };
  return values[name];
}

const errorPage = (status: number, server: string): string =>
  `<html>\n<head><title>${status} ${reasonPhrase(status)}</title></head>\n<body>\n<center><h1>${status} ${reasonPhrase(status)}</h1></center>\n<hr><center>${server}</center>\n</body>\n</html>\n`;

function* forward(os: Os, server: string, location: NginxLocation, request: HttpRequest): Op<HttpResponse> {
  const url = parseUrl(location.proxy as string);
  const [address] = url ? ((yield* lookupHost(os, url.host)) ?? []) : [];
  if (!url || address === undefined) return page(502, errorPage(502, server), server);
  const rest = url.path === '/' && !(location.proxy as string).endsWith('/') ? request.path : url.path + request.path.slice(location.path.length);
  try {
    const client = new HttpClient(os, { host: address, port: url.port, keepAlive: false });
    return yield* client.request({ ...request, path: rest, headers: { ...request.headers, host: url.host } }, 60 * SECOND);
  } catch (error) {
    if (error instanceof SocketError) return page(502, errorPage(502, server), server);
    throw error;
  }
}

const PATCHES: readonly (readonly [string, number])[] = [
  ['1.7', 12], ['1.8', 1], ['1.9', 15], ['1.10', 3], ['1.11', 13], ['1.12', 2], ['1.13', 12], ['1.14', 2], ['1.15', 12], ['1.16', 1], ['1.17', 10], ['1.18', 0],
  ['1.19', 10], ['1.20', 2], ['1.21', 6], ['1.22', 1], ['1.23', 4], ['1.24', 0], ['1.25', 5], ['1.26', 3], ['1.27', 5], ['1.28', 3], ['1.29', 8],
];

export const nginxImage: ImageEntry = {
  repository: 'docker.io/library/nginx',
  tags: versionedTag({
    patches: new Map(PATCHES),
    words: { latest: '1.29.8', mainline: '1.29.8', stable: '1.28.3' },
    variants: ['', '-alpine', '-alpine-slim', '-alpine-perl', '-perl', '-otel', '-bookworm', '-trixie'],
  }),
  entrypoint: [ENTRYPOINT],
  cmd: ['nginx', '-g', 'daemon off;'],
  env: (tag) => ({ NGINX_VERSION: tag.split('-')[0] as string, PKG_RELEASE: '1', NJS_VERSION: '0.9.4' }),
  exposedPorts: [80],
  stopSignal: 'SIGQUIT',
  sizeBytes: (tag) => (tag.includes('slim') ? 5_100_000 : tag.includes('alpine') ? 22_477_192 : 62_868_741),
  files: { '/etc/nginx/conf.d/default.conf': DEFAULT_CONFIG, '/usr/share/nginx/html/index.html': WELCOME, '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nnginx:x:101:101:nginx user:/nonexistent:/bin/false\n', '/var/log/nginx/.keep': '', '/tmp/.keep': '' },
  program: nginxProgram('1.29.8'),
  programOf: nginxProgram,
  hasExecutable: hasExecutable(debianTools, [ENTRYPOINT, 'nginx', 'nginx-debug', '/usr/sbin/nginx']),
};
