// HTTP semantics: concurrency on one connection, streams and their end, servers and clients that go away, causes.

import { expect, test } from 'vitest';
import type { Os, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, MINUTE, SECOND } from '../sim/time.ts';
import { HttpClient, type HttpHandler, type HttpRequest, type HttpResponse, type HttpServer, HttpStream, HttpTimeout, serveHttp } from './http.ts';
import { SocketError } from './socket.ts';
import { setLink } from './switch.ts';
import { type Node, Testbed } from './testbed.ts';

const ADDRESS = '192.168.66.21';
const get = (path: string, more: Partial<HttpRequest> = {}): HttpRequest => ({ method: 'GET', path, query: {}, headers: {}, ...more });
const ok = (body: unknown): HttpResponse => ({ status: 200, headers: {}, body });

interface World {
  readonly t: Testbed;
  readonly a: Node;
  readonly b: Node;
  client(name: string, body: (os: Os, http: HttpClient) => Op<unknown>): void;
}

function world(handler: (os: Os) => HttpHandler): World & { server: () => HttpServer; kill: () => void } {
  const t = new Testbed(2);
  const [a, b] = t.nodes as [Node, Node];
  let http: HttpServer | null = null;
  const program: Program = function* (os) {
    http = serveHttp(os, { port: 6443, tls: { certificate: 'server' } }, handler(os));
    yield* os.sleep(60 * MINUTE);
  };
  const process = t.run(a.host, 'server', program);
  t.sim.runUntil(1);
  return {
    t, a, b,
    server: () => http as unknown as HttpServer,
    kill: () => process.kill('SIGKILL'),
    client(name, body) {
      t.run(b.host, name, function* (os) {
        const client = new HttpClient(os, { host: ADDRESS, port: 6443, tls: { clientCertificate: `CN=${name}` } });
        try {
          t.log.push(`${name}: ${String(yield* body(os, client))} @${os.sim.now}`);
        } catch (error) {
          t.log.push(`${name}: ${error instanceof SocketError ? error.code : error instanceof HttpTimeout ? 'timeout' : ''} ${(error as Error).message} @${os.sim.now}`);
        }
      });
    },
  };
}

test('requests of one client share a connection and overtake each other', () => {
  const w = world((os) => function* (request, peer) {
    yield* os.sleep(Number(request.query.ms) * MILLISECOND);
    return ok(`${request.path} for ${peer.certificate}`);
  });
  w.client('kubelet', function* (os, http) {
    const ask = (path: string, ms: number): Op<void> => (function* () {
      const { body } = yield* http.request(get(path, { query: { ms: String(ms) } }));
      w.t.log.push(`${String(body)} @${os.sim.now}`);
    })();
    const threads = [os.go('slow', () => ask('/slow', 20)), os.go('quick', () => ask('/quick', 1))];
    for (const thread of threads) yield* thread.join();
    return w.server().sessions.size;
  });
  w.t.sim.runUntil(SECOND);
  // connect 400 µs, TLS 400 µs, then 400 µs a round trip
  expect(w.t.log).toEqual(['/quick for CN=kubelet @2201', '/slow for CN=kubelet @21201', 'kubelet: 1 @21201']);
});

test('a stream: pieces in order, end, cancel seen by the server', () => {
  const streams: HttpStream[] = [];
  const w = world((os) => function* () {
    const stream = new HttpStream(os.sim);
    streams.push(stream);
    stream.write('first');
    os.go('writer', function* () {
      for (let i = 0; i < 3; i++) {
        yield* os.sleep(10 * MILLISECOND);
        stream.write(i);
      }
      stream.close();
    });
    return { status: 200, headers: {}, stream };
  });
  const read = (limit: number) =>
    function* (_os: Os, http: HttpClient): Op<string> {
      const stream = (yield* http.request(get('/watch'))).stream as HttpStream;
      const got: unknown[] = [];
      for (let c = yield* stream.read(); c !== undefined; c = yield* stream.read()) {
        got.push(c);
        if (got.length === limit) stream.cancel();
      }
      return got.join(',');
    };
  w.client('all', read(99));
  w.client('two', read(2));
  w.t.sim.runUntil(SECOND);
  expect(w.t.log.map((l) => l.split(' @')[0])).toEqual(['two: first,0', 'all: first,0,1,2']);
  expect(streams.map((s) => s.closed)).toEqual([true, true]);
});

test('a request whose client goes away is stopped', () => {
  const ended: string[] = [];
  const w = world((os) => function* (request) {
    try {
      yield* os.sleep(10 * SECOND);
      ended.push(`${request.path} answered`);
      return ok(null);
    } finally {
      ended.push(`${request.path} ended @${os.sim.now}`);
    }
  });
  w.client('impatient', (_os, http) => http.request(get('/timeout'), SECOND));
  w.client('killed', function* (os, http) {
    os.go('killer', function* () {
      yield* os.sleep(2 * SECOND);
      os.process.kill('SIGKILL');
    });
    return yield* http.request(get('/killed'));
  });
  w.t.sim.runUntil(MINUTE);
  expect(w.t.log).toEqual([`impatient: timeout ${new HttpTimeout().message} @${SECOND + 1}`]);
  expect(ended).toEqual([`/timeout ended @${SECOND + 201}`, `/killed ended @${2 * SECOND + 201}`]);
});

test('a server that dies: EOF for what is open, refused for what comes after; a new one takes over', () => {
  const w = world((os) => function* () {
    yield* os.sleep(10 * SECOND);
    return ok(null);
  });
  w.client('client', function* (os, http) {
    for (let i = 0; i < 2; i++) {
      try {
        yield* http.request(get('/'));
      } catch (error) {
        w.t.log.push(`${(error as SocketError).code} ${(error as Error).message} @${os.sim.now}`);
      }
    }
    w.t.run(w.a.host, 'second', function* (second) {
      // biome-ignore lint/correctness/useYield: answers at once
      serveHttp(second, { port: 6443, tls: { certificate: 'x' } }, function* () {
        return ok('second');
      });
      yield* second.sleep(MINUTE);
    });
    yield* os.sleep(MILLISECOND);
    return (yield* http.request(get('/'))).body;
  });
  w.t.sim.runUntil(SECOND);
  w.kill();
  w.t.sim.runUntil(20 * SECOND);
  expect(w.t.log).toEqual([
    'EOF EOF @1000200',
    'ECONNREFUSED dial tcp 192.168.66.21:6443: connect: connection refused @1000600',
    'client: second @1002800',
  ]);
});

test('a cut link: a watch notices after 45 s, as HTTP/2 health checks do; the server after TCP keep-alive', () => {
  const streams: HttpStream[] = [];
  const w = world((os) => function* () {
    yield* os.sleep(0);
    const stream = new HttpStream(os.sim);
    streams.push(stream);
    return { status: 200, headers: {}, stream };
  });
  w.client('informer', function* (_os, http) {
    const stream = (yield* http.request(get('/watch'))).stream as HttpStream;
    return yield* stream.read();
  });
  w.t.sim.runUntil(10 * SECOND);
  setLink(w.b.machine, { up: false });
  w.t.sim.runUntil(10 * MINUTE);
  expect(w.t.log[0]).toMatch(/^informer: ETIMEDOUT .* @45001201$/);
  expect(streams[0]?.closed).toBe(true);
});

test('the trace: request, response and piece are records; the caller keeps its own cause', () => {
  const w = world((os) => function* () {
    yield* os.sleep(MILLISECOND);
    os.sim.trace.emit(os.sim.cause, { kind: 'apiserver', verb: 'work', from: os.place, start: os.sim.now });
    return ok('body');
  });
  w.client('kubectl', function* (os, http) {
    const { sim } = os;
    sim.cause = sim.trace.emit(null, { kind: 'input', verb: 'apply', from: os.place, start: sim.now });
    const mine = sim.cause;
    yield* http.request(get('/api'));
    return sim.cause === mine;
  });
  w.t.sim.runUntil(SECOND);
  expect(w.t.log).toEqual(['kubectl: true @2201']);
  const { records } = w.t.sim.trace;
  const flow = records.filter((r) => r.flow !== 0);
  const line = (id: number): string => records.find((r) => r.id === id)?.verb ?? '';
  expect(flow.map((r) => `${r.kind} ${r.verb} < ${line(r.cause)} ${r.from} → ${r.to} ${r.start}–${r.end}`)).toMatchInlineSnapshot(`
    [
      "input apply <  machine/worker-2/kubectl → machine/worker-2/kubectl 1–1",
      "packet connect < apply machine/worker-2/kubectl → machine/worker-1/server 1–201",
      "packet answer < apply machine/worker-1/server → machine/worker-2/kubectl 201–401",
      "http GET < apply machine/worker-2/kubectl → machine/worker-1/server 801–1001",
      "apiserver work < GET machine/worker-1/server → machine/worker-1/server 2001–2001",
      "http response < GET machine/worker-1/server → machine/worker-2/kubectl 2001–2201",
      "process exit < apply machine/worker-2/kubectl → machine/worker-2/kubectl 2201–2201",
    ]
  `);
});
