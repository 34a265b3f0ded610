// The data plane of NGINX Gateway Fabric: one Pod per Gateway with nginx, its httpmatches.js, and nginx-agent, which gets the configuration
// from the control plane (build/entrypoint.sh, internal/controller/nginx/modules, nginx/agent).

import { FileError } from '../../machine/files.ts';
import type { Os, Program } from '../../machine/process.ts';
import { HttpClient, HttpTimeout } from '../../network/http.ts';
import { lookupHost } from '../../network/resolver.ts';
import { SocketError } from '../../network/socket-error.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { parseYaml } from '../../api/yaml.ts';
import type { Directive } from '../nginx/directives.ts';
import type { Exchange, Reply } from '../nginx/exchange.ts';
import { nginxProgram } from '../nginx/master.ts';
import type { NginxFiles } from './nginx-config.ts';

const MATCHES = '/etc/nginx/conf.d/matches.json';
const AGENT_CONF = '/etc/nginx-agent/nginx-agent.conf';

interface NjsMatch {
  readonly any?: boolean;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly params?: readonly string[];
  readonly redirectPath: string;
}

/** nginx with the njs module httpmatches. */
export const gatewayNginx: Program = nginxProgram((os) => ({
  *content(x: Exchange, { name, args }: Directive): Op<Reply | { readonly redirect: string } | undefined> {
    if (name !== 'js_content' || args[0] !== 'httpmatches.redirect') return undefined;
    const matches = JSON.parse(os.files.exists(MATCHES) ? os.files.read(MATCHES) : '{}') as Record<string, readonly NjsMatch[]>;
    const winner = (matches[x.value('match_key')] ?? []).find((match) => holds(match, x));
    if (!winner) return { status: 404, headers: {} };
    return { redirect: winner.redirectPath + (x.args === '' ? '' : `?${x.args}`) };
  },
}));

export function holds({ any, method, headers = [], params = [] }: NjsMatch, { request }: Pick<Exchange, 'request'>): boolean {
  if (any) return true;
  if (method !== undefined && request.method !== method) return false;
  const fits = (type: string, wanted: string, value: string): boolean => (type === 'Exact' ? value === wanted : new RegExp(wanted).test(value));
  const header = headers.every((text) => {
    const [name = '', type = '', ...rest] = text.split(':');
    const value = request.headers[name.toLowerCase()];
    return value !== undefined && value.split(',').some((v) => fits(type, rest.join(':'), v));
  });
  return header && params.every((text) => {
    const [name = '', type = '', ...rest] = text.split('=');
    const value = request.query[name];
    return value !== undefined && fits(type, rest.join('='), value);
  });
}

/** /etc/nginx/nginx.conf of the image. */
export const NGINX_CONF = `load_module modules/ngx_http_js_module.so;
include /etc/nginx/main-includes/*.conf;

worker_processes auto;

pid /var/run/nginx/nginx.pid;

events {
  worker_connections 1024;
}

http {
  js_import modules/njs/httpmatches.js;

  default_type application/octet-stream;

  sendfile on;
  tcp_nopush on;

  include /etc/nginx/conf.d/*.conf;

  server {
    listen unix:/var/run/nginx/nginx-status.sock;
    access_log off;

    location /stub_status {
        stub_status;
    }
  }
}
`;

interface AgentConf {
  readonly command?: { readonly server?: { readonly host?: string; readonly port?: number } };
  readonly labels?: { readonly 'owner-name'?: string };
}

/** What the control plane sends. */
export interface Delivery {
  readonly version: number;
  readonly files: NginxFiles;
}

export const dataPlaneProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const { files } = os;
  if (!files.exists('/etc/nginx/main-includes/main.conf')) files.write('/etc/nginx/main-includes/main.conf', 'error_log stderr info;\n');
  os.log('starting nginx ...');
  const nginx = os.spawn(gatewayNginx, { argv: ['/usr/sbin/nginx', '-g', 'daemon off;'], parent: os.process });
  yield* os.sleep(SECOND / 2);
  os.log(`starting nginx-agent ...`);
  os.go('agent', () => agent(os));
  yield* stop.receive();
  os.log('received TERM signal');
  os.log('stopping nginx ...');
  nginx.kill('SIGQUIT');
  yield* nginx.wait();
  return 0;
};

function* agent(os: Os): Op<void> {
  const say = (level: string, text: string): void => os.log(`time=${os.sim.time()} level=${level} msg=${JSON.stringify(text)}`);
  say('INFO', 'Starting NGINX Agent');
  let conf: AgentConf;
  try {
    conf = parseYaml(os.files.read(AGENT_CONF)) as AgentConf;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    say('ERROR', `Unable to read ${AGENT_CONF}`);
    return;
  }
  const { host = '', port = 443 } = conf.command?.server ?? {};
  const owner = conf.labels?.['owner-name'] ?? '';
  for (let wait = SECOND; ; wait = Math.min(30 * SECOND, wait * 1.5)) {
    os.sim.cause = null;
    const [address] = (yield* lookupHost(os, host)) ?? [];
    if (address === undefined) say('ERROR', `Failed to create connection: lookup ${host}: no such host`);
    else {
      try {
        const client = new HttpClient(os, { host: address, port, tls: { serverName: host } });
        const query = { deployment: owner, instance: os.env['HOSTNAME'] ?? '' };
        const response = yield* client.request({ method: 'POST', path: '/f5.nginx.agent.api.grpc.mpi.v1.CommandService/Subscribe', query, headers: {} }, 30 * SECOND);
        if (response.stream) {
          say('INFO', 'Connected to management plane');
          wait = SECOND;
          for (let piece = yield* response.stream.read(); piece !== undefined; piece = yield* response.stream.read()) {
            const delivery = piece as Delivery;
            const problem = yield* apply(os, delivery.files);
            say(problem === '' ? 'INFO' : 'ERROR', problem === '' ? 'Config apply successful' : `Config apply failed, rolling back config: ${problem}`);
            yield* client.request({ method: 'POST', path: '/f5.nginx.agent.api.grpc.mpi.v1.CommandService/Response', query, headers: {}, body: { version: delivery.version, error: problem } }, 30 * SECOND);
          }
        }
      } catch (error) {
        if (!(error instanceof SocketError) && !(error instanceof HttpTimeout)) throw error;
        say('ERROR', `Connection to management plane lost: ${error.message}`);
      }
    }
    yield* os.sleep(wait);
  }
}

/** Writes the files, tests, reloads; what was there before comes back when the test fails. */
function* apply(os: Os, wanted: NginxFiles): Op<string> {
  const before = new Map<string, string | undefined>();
  for (const [path, text] of Object.entries(wanted)) {
    before.set(path, os.files.exists(path) ? os.files.read(path) : undefined);
    os.files.write(path, text);
  }
  const told: string[] = [];
  const logs = { write: (_: string, line: string) => void told.push(line) };
  const test = yield* os.spawn(gatewayNginx, { argv: ['/usr/sbin/nginx', '-t'], parent: os.process, logs }).wait();
  if (test.code !== 0) {
    for (const [path, text] of before) {
      if (text === undefined) os.files.remove(path);
      else os.files.write(path, text);
    }
    return told.join('\n');
  }
  const reload = yield* os.spawn(gatewayNginx, { argv: ['/usr/sbin/nginx', '-s', 'reload'], parent: os.process, logs }).wait();
  yield* os.sleep(SECOND / 10);
  return reload.code === 0 ? '' : told.join('\n');
}
