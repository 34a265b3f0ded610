// A server of which no more is known than its ports: it listens, says so, answers HTTP and gRPC health checks, and ends on SIGTERM.

import type { Os } from '../../machine/process.ts';
import { type HttpRequest, type HttpResponse, type Peer, serveHttp } from '../../network/http.ts';
import { SocketError } from '../../network/socket.ts';
import { hintsOf } from '../../runtime/container-hints.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../../sim/time.ts';
import { portsInConfiguration, portsInFlags } from './flags.ts';

export type Answer = (os: Os, request: HttpRequest, peer: Peer) => Op<HttpResponse>;

export interface PlainServer {
  /** Where it listens, whatever its Pod says. */
  readonly ports: readonly number[];
  /** Whether it takes the ports of its command line, its Pod and its probes as well. */
  readonly listensWhereExpected: boolean;
  /** Where it listens when nobody says anything, if those ports are free. */
  readonly guesses?: readonly number[];
  /** Of its log when it is ready; `{ports}` stands for them. */
  readonly lines: readonly string[];
  readonly memoryBytes: number;
  readonly startup: Micros;
  readonly answer: Answer;
}

const HEALTH_CHECK = '/grpc.health.v1.Health/Check';

export const text = (body: string, status = 200, type = 'text/plain'): HttpResponse => ({ status, headers: { 'content-type': type, 'content-length': String(body.length) }, body });
export const json = (value: unknown, status = 200): HttpResponse => text(`${JSON.stringify(value, null, 2)}\n`, status, 'application/json; charset=utf-8');

/** Until SIGTERM. */
export function* servePlainly(os: Os, server: PlainServer): Op<number> {
  yield* os.sleep(server.startup);
  const signals = os.signals();
  const hints = hintsOf(os.process);
  const flags = server.listensWhereExpected ? portsInFlags(os.argv.slice(1)) : [];
  const own = new Set([...(flags.length > 0 ? flags : server.ports), ...(server.listensWhereExpected ? hints.ports : [])]);
  const configured = portsInConfiguration(os.argv.slice(1), (path) => (os.files.exists(path) && !os.files.isDirectory(path) ? os.files.read(path) : undefined));
  let ports = [...new Set([...own, ...configured, ...(server.listensWhereExpected ? hints.probed : [])])];
  if (ports.length === 0 && os.process.netns !== os.machine.hostNetns) ports = [...(server.guesses ?? [])];
  const listening: number[] = [];
  for (const port of ports) {
    try {
      listenOn(os, port, server.answer);
      listening.push(port);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      // A probe may ask at a port of another container, and a guess may be another's port.
      if (!own.has(port)) continue;
      os.logError(error.message);
      return 1;
    }
  }
  takeMemory(os, server.memoryBytes);
  for (const line of server.lines) os.log(line.replace('{ports}', listening.length === 0 ? 'no port' : listening.join(', ')));
  yield* signals.receive();
  return 0;
}

/** HTTP, with or without TLS, and gRPC health. */
export function listenOn(os: Os, port: number, answer: Answer): void {
  serveHttp(os, { port, tls: { certificate: 'self-signed' } }, function* (request, peer) {
    yield* os.sleep(200);
    if (request.path === HEALTH_CHECK) return { status: 200, headers: { 'content-type': 'application/grpc' }, body: { status: 'SERVING' } };
    return yield* answer(os, request, peer);
  });
}

/** Housekeeping of a program while nobody asks it for anything: a thousandth of a CPU for each 100 MB. */
const IDLE_CORES_A_BYTE = 1e-11;

/** What it takes once it is up. A program that somebody gave a limit fits into it. */
export function takeMemory(os: Os, bytes: number): void {
  const limit = os.process.group.memoryLimit;
  os.process.footprint(limit === null ? bytes : Math.min(bytes, Math.floor(limit * 0.6)), bytes * IDLE_CORES_A_BYTE);
}

export const STARTUP = 60 * MILLISECOND;
export const MEGABYTE = 1_000_000;
