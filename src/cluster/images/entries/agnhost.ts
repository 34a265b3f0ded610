// agnhost, the multi-tool of Kubernetes' own end-to-end tests: one word of the command line chooses what it is.

import type { Os, Program } from '../../machine/process.ts';
import { serveHttp } from '../../network/http.ts';
import { lookupHost } from '../../network/resolver.ts';
import { dial, SocketError, udpSocket } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Answer, MEGABYTE, servePlainly, STARTUP, text } from '../plain/server.ts';

const flag = (os: Os, name: string): string | undefined => {
  const at = os.argv.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  const arg = os.argv[at] ?? '';
  return at < 0 ? undefined : arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : os.argv[at + 1];
};

const hostOf = (os: Os): string => os.env['HOSTNAME'] ?? os.machine.name;

function serve(os: Os, ports: readonly number[], answer: Answer, lines: readonly string[] = []): Op<number> {
  return servePlainly(os, { ports, listensWhereExpected: false, lines, memoryBytes: 8 * MEGABYTE, startup: STARTUP, answer });
}

export const agnhost: Program = function* (os) {
  switch (os.argv[1] ?? 'pause') {
    case 'pause':
      os.log('Paused');
      yield* os.signals().receive();
      return 0;
    case 'netexec': {
      const port = Number(flag(os, 'http-port') ?? 8080);
      let failing = false;
      const datagrams = udpSocket(os, Number(flag(os, 'udp-port') ?? 8081));
      datagrams.onDatagram = ({ address, port: from, payload, to }) => {
        const [command = '', ...words] = String(payload).trim().split(' ');
        const answer = command === 'echo' ? words.join(' ') : command.toLowerCase() === 'hostname' ? hostOf(os) : command === 'clientip' ? `${address}:${from}` : null;
        if (answer !== null) datagrams.send(address, from, answer, { from: to });
      };
      return yield* serve(os, [port], function* (_os, request, peer) {
        switch (request.path) {
          case '/': return text('NOW: ' + String(Math.floor(os.sim.now / SECOND)));
          case '/hostname':
          case '/hostName': return text(hostOf(os));
          case '/clientip': return text(`${peer.address}:${peer.port}`);
          case '/echo': return text(request.query['msg'] ?? '', Number(request.query['code'] ?? 200));
          case '/exit': return yield* os.exit(Number(request.query['code'] ?? 0));
          case '/healthz': return failing ? text('', 412) : text('');
          case '/fail':
            failing = true;
            return text('');
          default: return text('404 page not found\n', 404);
        }
      }, [`Started HTTP server on port ${port}`, `Started UDP server on port  ${flag(os, 'udp-port') ?? 8081}`]);
    }
    case 'serve-hostname': return yield* serve(os, [Number(flag(os, 'port') ?? 9376)], function* () {
      return text(hostOf(os));
    }, [`Serving on port ${flag(os, 'port') ?? 9376}.`]);
    case 'test-webserver': return yield* serve(os, [Number(flag(os, 'port') ?? 80)], function* () {
      return text('');
    });
    case 'liveness': {
      const begun = os.sim.now;
      return yield* serve(os, [8080], function* (_os, request) {
        const seconds = (os.sim.now - begun) / SECOND;
        if (request.path === '/started') return text(`${seconds}s`);
        return seconds < 10 ? text('ok') : text(`error: ${seconds.toFixed(6)}`, 500);
      });
    }
    case 'grpc-health-checking': return yield* grpcHealth(os);
    case 'connect': return yield* connect(os, os.argv[2] ?? '');
    case 'entrypoint-tester':
      os.log(`[${os.argv.join(' ')}]`);
      return 0;
    case 'dns-suffix': {
      const search = os.files.exists('/etc/resolv.conf') ? /^search (.*)$/m.exec(os.files.read('/etc/resolv.conf'))?.[1] : '';
      os.log((search ?? '').split(' ').join(','));
      return 0;
    }
    case '--help':
      os.log('Usage: agnhost [command]');
      return 0;
    default:
      os.logError(`Error: unknown command "${os.argv[1] ?? ''}" for "app"`);
      return 1;
  }
};

/** SERVING, until `--delay-unhealthy-sec` has passed or somebody asks for it over HTTP. */
function* grpcHealth(os: Os): Op<number> {
  const begun = os.sim.now;
  const [port, http] = [Number(flag(os, 'port') ?? 5000), Number(flag(os, 'http-port') ?? 8080)];
  const delay = Number(flag(os, 'delay-unhealthy-sec') ?? -1);
  let forced: string | null = null;
  const signals = os.signals();
  yield* os.sleep(STARTUP);
  serveHttp(os, { port }, function* (request) {
    yield* os.sleep(200);
    const unhealthy = delay >= 0 && os.sim.now - begun > delay * SECOND;
    const service = (request.body as { readonly service?: string } | undefined)?.service ?? '';
    os.log(`${service === '' ? 'default' : service} service health checked`);
    return { status: 200, headers: { 'content-type': 'application/grpc' }, body: { status: forced ?? (unhealthy ? 'NOT_SERVING' : 'SERVING') } };
  });
  serveHttp(os, { port: http }, function* (request) {
    yield* os.sleep(200);
    if (request.path === '/make-not-serving') forced = 'NOT_SERVING';
    if (request.path === '/make-serving') forced = 'SERVING';
    return text('');
  });
  os.process.setMemory(8 * MEGABYTE);
  os.log(`gRPC server starting to listen on :${port}`);
  yield* signals.receive();
  return 0;
}

function* connect(os: Os, target: string): Op<number> {
  const [host = '', port = ''] = target.split(':');
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) {
    os.logError('DNS: lookup failed');
    return 1;
  }
  try {
    const connection = yield* dial(os, address, Number(port), { timeout: Number((flag(os, 'timeout') ?? '10s').replace('s', '')) * SECOND });
    connection.close();
    return 0;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    os.logError(error.code === 'ECONNREFUSED' ? 'REFUSED' : error.code === 'ETIMEDOUT' ? 'TIMEOUT' : 'OTHER');
    return 1;
  }
}
