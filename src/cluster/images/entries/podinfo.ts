// podinfo: the demo service with its flags, health endpoints and podcli for exec probes.

import type { Os, Program } from '../../machine/process.ts';
import { HttpClient, type HttpResponse } from '../../network/http.ts';
import { SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Answer, json, listenOn, MEGABYTE, servePlainly, STARTUP, text } from '../plain/server.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import type { Applet } from '../shell/applet.ts';
import { BUSYBOX } from '../shell/shell.ts';
import { BUSYBOX_COMMANDS, runCommandLine, toolboxOf } from '../toolbox.ts';
import type { ImageEntry } from '../entry.ts';

const flag = (os: Os, name: string): string | undefined => {
  const at = os.argv.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return os.env[`PODINFO_${name.toUpperCase().replaceAll('-', '_')}`];
  const arg = os.argv[at] as string;
  return arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : os.argv[at + 1];
};

export const podinfo: Program = function* (os) {
  const version = '6.9.2';
  const hostname = os.env['HOSTNAME'] ?? os.machine.name;
  const port = Number(flag(os, 'port') ?? 9898);
  const grpc = Number(flag(os, 'grpc-port') ?? 0);
  const metrics = Number(flag(os, 'port-metrics') ?? 0);
  const secure = Number(flag(os, 'secure-port') ?? 0);
  const message = os.env['PODINFO_UI_MESSAGE'] ?? flag(os, 'ui-message') ?? `greetings from podinfo v${version}`;
  const color = os.env['PODINFO_UI_COLOR'] ?? flag(os, 'ui-color') ?? '#34577c';
  let [ready, healthy] = [true, true];
  const log = (msg: string, more: object = {}): void => os.log(JSON.stringify({ level: 'info', msg, ...more }));
  log('Starting podinfo', { version, revision: 'cb3f3b4', port: String(port) });
  const answer: Answer = function* (_os, request): Op<HttpResponse> {
    const [, first = '', second = ''] = request.path.split('/');
    switch (first) {
      case 'healthz': return healthy ? json({ status: 'OK' }) : text('', 503);
      case 'readyz':
        if (second !== '') {
          ready = second === 'enable';
          return text('', 202);
        }
        return ready ? json({ status: 'OK' }) : text('', 503);
      case 'version': return json({ commit: 'cb3f3b4', version });
      case 'env': return json(Object.entries(os.env).map(([k, v]) => `${k}=${v}`));
      case 'headers': return json(request.headers);
      case 'echo': return text(String(request.body ?? ''), 202);
      case 'status': return json({ status: Number(second) }, Number(second) || 200);
      case 'delay':
        yield* os.sleep(Number(second) * SECOND);
        return json({ delay: Number(second) });
      case 'metrics': return text('# TYPE http_requests_total counter\nhttp_requests_total{status="200"} 1\n');
      case 'panic':
        log('Panic command received');
        return yield* os.exit(255);
      default: return json({ hostname, version, revision: 'cb3f3b4', color, logo: '', message, goos: 'linux', goarch: 'amd64', runtime: 'go1.25.3', num_goroutine: '8', num_cpu: String(os.machine.cpus) });
    }
  };
  if (flag(os, 'unhealthy') === 'true') healthy = false;
  if (flag(os, 'unready') === 'true') ready = false;
  for (const other of [grpc, metrics, secure]) {
    if (other === 0 || other === port) continue;
    try {
      listenOn(os, other, answer);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      os.log(JSON.stringify({ level: 'fatal', msg: 'failed to listen', port: other }));
      return 1;
    }
  }
  return yield* servePlainly(os, {
    ports: [port], listensWhereExpected: false, memoryBytes: 16 * MEGABYTE, startup: STARTUP,
    lines: [JSON.stringify({ level: 'info', msg: 'Starting HTTP Server.', addr: `:${port}` })], answer,
  });
};

/** podcli check http|tcp|grpc address: for exec probes. */
const podcliApplet: Applet = function* (c) {
  const [verb, , address = ''] = c.args;
  if (verb !== 'check') return 0;
  const m = /^(?:https?:\/\/)?([^/:]+)(?::(\d+))?(\/.*)?$/.exec(address);
  try {
    const client = new HttpClient(c.os, { host: m?.[1] === 'localhost' ? '127.0.0.1' : (m?.[1] ?? ''), port: Number(m?.[2] ?? 80), keepAlive: false });
    const response = yield* client.request({ method: 'GET', path: m?.[3] ?? '/', query: {}, headers: {} }, SECOND);
    return response.status < 400 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    yield* c.stderr.write(`check failed: ${error.message}\n`);
    return 1;
  }
};

const tools = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS, podcli: podcliApplet });

export const podcli: Pick<ImageEntry, 'program' | 'workingDir' | 'files'> = {
  workingDir: '/home/app',
  files: { '/home/app/.keep': '', '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\napp:x:100:101::/home/app:/sbin/nologin\n' },
  program: (os) => ((os.argv[0] ?? '').endsWith('podinfo') ? podinfo(os) : runCommandLine(os, tools)),
};
