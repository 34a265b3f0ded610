// For tests: an nginx with given files on a machine of its own, servers behind it that tell what they were asked, and a client.

import type { Os, Process, Program } from '../../machine/process.ts';
import { HttpClient, type HttpResponse, serveHttp } from '../../network/http.ts';
import { parseQuery } from '../../network/http1.ts';
import { SocketError } from '../../network/socket-error.ts';
import { Testbed } from '../../network/testbed.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';

export interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly secure?: boolean;
}

/** What a server behind nginx was asked. */
export interface Seen {
  readonly backend: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class NginxBed {
  readonly #bed = new Testbed(1);
  readonly #nginx: Process;

  /** `backends` by the port on 127.0.0.1 that they listen on. */
  constructor(nginx: Program, files: Readonly<Record<string, string>>, backends: Readonly<Record<number, string>>) {
    const [node] = this.#bed.nodes;
    if (!node) throw new Error('no machine');
    this.#nginx = this.#bed.run(node.host, 'nginx', function* (os: Os): Op<number> {
      for (const [path, text] of Object.entries(files)) os.files.write(path, text);
      for (const [port, backend] of Object.entries(backends)) {
        serveHttp(os, { port: Number(port) }, function* ({ path, headers }) {
          return { status: 200, headers: { 'content-type': 'application/json' }, body: { backend, path, headers } satisfies Seen };
        });
      }
      const child = os.spawn(nginx, { argv: ['/usr/sbin/nginx'], parent: os.process });
      yield* child.wait();
      return 0;
    });
    this.#run(SECOND);
  }

  get log(): readonly string[] {
    return this.#bed.log;
  }

  post(port: number, path: string, body: unknown): HttpResponse {
    return this.#request({ path, method: 'POST' }, port, body);
  }

  ask(asked: Asked): HttpResponse {
    return this.#request(asked, asked.secure ? 443 : 80);
  }

  #request({ method = 'GET', host, path, headers = {}, secure }: Asked, port: number, body?: unknown): HttpResponse {
    const [node] = this.#bed.nodes;
    if (!node || !this.#nginx.alive) throw new Error(`nginx does not run: ${this.log.join('\n')}`);
    let response: HttpResponse | undefined;
    const question = path.indexOf('?');
    const given = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
    this.#bed.run(node.host, 'client', function* (os: Os): Op<void> {
      const client = new HttpClient(os, { host: '127.0.0.1', port, keepAlive: false, ...(secure ? { tls: { serverName: host ?? '' } } : {}) });
      try {
        response = yield* client.request({
          method,
          path: question < 0 ? path : path.slice(0, question),
          query: question < 0 ? {} : parseQuery(path.slice(question + 1)),
          headers: { host: host ?? '192.168.66.21', ...given },
          ...(body === undefined ? {} : { body }),
        }, 10 * SECOND);
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
        response = { status: 0, headers: {}, body: error.message };
      }
    });
    this.#run(2 * SECOND);
    if (response === undefined) throw new Error(`no answer: ${this.log.join('\n')}`);
    return response;
  }

  #run(micros: number): void {
    const { sim } = this.#bed;
    sim.runUntil(sim.now + micros);
  }
}
