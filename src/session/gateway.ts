// How clients outside the model reach its API server: each request becomes one of a process on the operator's machine, which
// dials the API server over the simulated network with the administrator's certificate (or, for a foreign token, without).
// The host runs the simulation and knows the wall clock; a request and what its client sends are inputs at the live edge.

import { parseYaml } from '../cluster/api/yaml.ts';
import { verifyCertificate } from '../cluster/api/pki.ts';
import { type Cluster, OPERATOR_ENV } from '../cluster/bootstrap/cluster.ts';
import { OPERATOR_KUBECONFIG } from '../cluster/bootstrap/provision.ts';
import { loadKubeconfig } from '../cluster/client/kubeconfig.ts';
import type { Os, Process } from '../cluster/machine/process.ts';
import { HttpClient, type HttpRequest, type HttpResponse, type HttpStream } from '../cluster/network/http.ts';
import { parseQuery } from '../cluster/network/http1.ts';
import type { CommandFrame, ForwardFrame } from '../cluster/network/remote-frames.ts';
import { Channel } from '../cluster/sim/channel.ts';
import type { Op, Task } from '../cluster/sim/simulation.ts';

/** A request as it came in; header names in lower case. */
export interface OutsideRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text: JSON, YAML, or what the client sent. */
  readonly body?: string;
  /** It wants to go on as a stream of frames both ways: exec, attach, port-forward. */
  readonly upgrade?: boolean;
  /** False: the request's own `authorization` header counts, not the administrator's certificate. Default true. */
  readonly admin?: boolean;
}

export type OutsideFrame = CommandFrame | ForwardFrame;

/** Hears what comes back. After `end` or `error` nothing more comes. */
export interface OutsideListener {
  response(status: number, headers: Readonly<Record<string, string>>, upgraded: boolean): void;
  /** A piece of the body. `taken` is to be called when it has gone on to the client, where somebody waits for that. */
  chunk(text: string, taken?: () => void): void;
  /** Of an upgraded stream, in place of `chunk`. */
  frame(frame: OutsideFrame): void;
  end(): void;
  /** No answer: the API server cannot be reached, or the connection broke. */
  error(message: string): void;
}

export interface OutsideExchange {
  send(frame: OutsideFrame): void;
  /** The client writes no more. */
  finish(): void;
  /** The client is gone. */
  abort(): void;
}

interface Job {
  readonly request: OutsideRequest;
  readonly on: OutsideListener;
  task: Task | null;
  stream: HttpStream | null;
  answered: boolean;
  over: boolean;
}

/** Headers that belong to one hop, or that only the bridge may set. */
const OWN_HEADERS = new Set([
  'connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'host', 'content-length', 'accept-encoding', 'authorization',
  'x-remote-user', 'x-remote-group', 'x-remote-uid', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-protocol',
  'x-stream-protocol-version',
]);
const CHANGES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

export class Gateway {
  readonly #cluster: Cluster;
  readonly #jobs: Channel<Job>;
  #process: Process | null = null;
  /** By certificate or not, and the name of the client's program. */
  #clients = new Map<string, HttpClient>();
  #waiting = 0;
  #open = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#jobs = new Channel(cluster.sim);
  }

  /** Requests that have no answer yet: the host should run the simulation for them at once. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Requests and streams that are not over. */
  get open(): number {
    return this.#open;
  }

  /** Begins a request now. It proceeds when the simulation runs. */
  request(request: OutsideRequest, on: OutsideListener): OutsideExchange {
    const { sim } = this.#cluster;
    const job: Job = { request, on, task: null, stream: null, answered: false, over: false };
    this.#waiting++;
    this.#open++;
    this.#start();
    const cause = sim.cause;
    sim.cause = this.#announce(request);
    this.#jobs.send(job);
    sim.cause = cause;
    return {
      send: (frame) => job.stream?.write(frame, { verb: 'frame', subject: null, kind: 'http' }),
      finish: () => job.stream?.close(),
      abort: () => this.#abort(job),
    };
  }

  /** A person's action, if it changes something or starts something: the root of a flow. */
  #announce(request: OutsideRequest): ReturnType<Cluster['sim']['trace']['emit']> | null {
    if (!CHANGES.has(request.method) && request.upgrade !== true) return null;
    const { sim, operator } = this.#cluster;
    const command = request.headers['kubectl-command'];
    return sim.trace.emit(null, {
      kind: 'input',
      verb: 'command',
      from: `${operator.place}/${programOf(request)}`,
      start: sim.now,
      detail: { argv: command === undefined ? [programOf(request), request.method, request.url] : command.split(' '), stdin: null },
    });
  }

  #start(): void {
    if (this.#process?.alive) return;
    const { operator } = this.#cluster;
    this.#clients = new Map();
    const jobs = this.#jobs;
    const serve = (os: Os, job: Job): Op<void> => this.#serve(os, job);
    this.#process = operator.spawn(
      function* (os: Os): Op<void> {
        for (let job = yield* jobs.receive(); job !== undefined; job = yield* jobs.receive()) {
          const taken = job;
          if (!taken.over) taken.task = os.go('outside', () => serve(os, taken));
        }
      },
      { argv: ['outside'], env: OPERATOR_ENV, place: `${operator.place}/outside` },
    );
  }

  *#serve(os: Os, job: Job): Op<void> {
    try {
      const client = this.#clientFor(os, job.request);
      const response = yield* client.request(httpRequest(job.request));
      this.#answer(job, response);
      yield* this.#relay(job, response);
      this.#end(job, () => job.on.end());
    } catch (error) {
      this.#end(job, () => job.on.error(error instanceof Error ? error.message : String(error)));
    }
  }

  #answer(job: Job, response: HttpResponse): void {
    if (job.over) {
      response.stream?.cancel();
      return;
    }
    job.answered = true;
    this.#waiting--;
    const upgraded = response.status === 101;
    if (upgraded) job.stream = response.stream ?? null;
    job.on.response(response.status, response.headers, upgraded);
  }

  *#relay(job: Job, response: HttpResponse): Op<void> {
    const { body, stream } = response;
    if (stream === undefined) {
      if (body !== undefined && !job.over) job.on.chunk(typeof body === 'string' ? body : `${jsonText(body)}\n`);
      return;
    }
    job.stream = stream;
    const upgraded = response.status === 101;
    for (let piece = yield* stream.read(); piece !== undefined && !job.over; piece = yield* stream.read()) {
      if (upgraded) job.on.frame(piece as OutsideFrame);
      else job.on.chunk(typeof piece === 'string' ? piece : `${jsonText(piece)}\n`);
    }
  }

  #end(job: Job, tell: (() => void) | null): void {
    if (job.over) return;
    job.over = true;
    this.#open--;
    if (!job.answered) this.#waiting--;
    tell?.();
  }

  #abort(job: Job): void {
    if (job.over) return;
    this.#end(job, null);
    if (job.stream !== null) job.stream.cancel();
    else job.task?.kill();
  }

  #clientFor(os: Os, request: OutsideRequest): HttpClient {
    const program = programOf(request);
    const admin = request.admin !== false;
    const key = `${admin ? 'admin' : 'anonymous'} ${program}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const { server, ca, clientCertificate } = loadKubeconfig(os, OPERATOR_KUBECONFIG);
    const [host = '', port = '6443'] = server.slice(server.indexOf('://') + 3).split(':');
    const client = new HttpClient(os, {
      host,
      port: Number(port),
      place: `${os.machine.place}/${program}`,
      tls: {
        ...(admin && clientCertificate !== undefined ? { clientCertificate } : {}),
        ...(ca === undefined ? {} : { ca, verify: (shown: string) => (verifyCertificate(shown, ca) === null ? 'x509: certificate signed by unknown authority' : null) }),
      },
    });
    this.#clients.set(key, client);
    return client;
  }
}

/** `kubectl.1.33/v1.33.1 (linux/amd64) …` → `kubectl`. */
function programOf(request: OutsideRequest): string {
  const agent = request.headers['user-agent'] ?? '';
  const name = /^[A-Za-z][A-Za-z0-9_-]*/.exec(agent)?.[0] ?? 'client';
  return name.slice(0, 32);
}

function httpRequest(request: OutsideRequest): HttpRequest {
  const question = request.url.indexOf('?');
  const path = question < 0 ? request.url : request.url.slice(0, question);
  const headers: Record<string, string> = {};
  for (const name in request.headers) {
    if (!OWN_HEADERS.has(name)) headers[name] = request.headers[name] as string;
  }
  if (request.admin === false && request.headers['authorization'] !== undefined) headers['authorization'] = request.headers['authorization'];
  const query = question < 0 ? NO_QUERY : parseQuery(request.url.slice(question + 1));
  const body = bodyOf(request, headers);
  return {
    method: request.method,
    path,
    query,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(request.upgrade === true ? { upgrade: true } : {}),
  };
}

const NO_QUERY = Object.freeze({});

/**
 * JSON and YAML become values; text that is neither stays as it is, for the API server to complain about. The values are not
 * frozen: frozen parts of a body count as decoded before, and nobody has looked at these.
 */
function bodyOf({ body }: OutsideRequest, headers: Record<string, string>): unknown {
  if (body === undefined || body === '') return undefined;
  const type = headers['content-type'];
  if (type === undefined) headers['content-type'] = 'application/json';
  try {
    if (type?.includes('yaml')) return /^\s*\{/.test(body) ? JSON.parse(body) : parseYaml(body);
    return type === undefined || type.includes('json') ? JSON.parse(body) : body;
  } catch {
    return body;
  }
}

/** One event goes to many watchers as the same text. */
let lastValue: unknown = null;
let lastText = '';

function jsonText(value: unknown): string {
  if (value !== lastValue) {
    lastText = JSON.stringify(value);
    lastValue = value;
  }
  return lastText;
}
