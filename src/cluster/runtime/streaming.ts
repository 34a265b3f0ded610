// The runtime's streaming server (cri-streaming): exec, attach and port-forward wait under a token for the kubelet to connect, and then
// run in the container's namespaces. Frames are those of network/remote-frames.ts.

import type { Os } from '../machine/process.ts';
import { type HttpRequest, type HttpResponse, HttpStream, serveHttp } from '../network/http.ts';
import type { CommandFrame } from '../network/remote-frames.ts';
import { exitStatus, internalStatus } from '../network/remote-frames.ts';
import { SocketError } from '../network/socket-error.ts';
import { Channel } from '../sim/channel.ts';
import { Tty } from '../machine/tty.ts';
import type { Random } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, MINUTE } from '../sim/time.ts';
import type { Subject } from '../sim/trace.ts';
import type { ContainerRecord, SandboxRecord } from './runtime-state.ts';
import { CriError, type StreamOptions } from './cri.ts';
import { forwardPorts } from './port-forward.ts';
import { missingExecutable, spawnInContainer } from './task.ts';
import type { Flavour } from './flavour.ts';

const TOKEN_LIFETIME = MINUTE;
const TOKEN_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** runc joins the namespaces and starts the process. */
const EXEC_TIME = 25 * MILLISECOND;

type Serve = (request: HttpRequest) => HttpResponse;

export class StreamingServer {
  readonly #os: Os;
  readonly #random: Random;
  readonly #flavour: Flavour;
  readonly #port: number;
  readonly #waiting = new Map<string, Serve>();

  constructor(os: Os, random: Random, flavour: Flavour) {
    this.#os = os;
    this.#random = random;
    this.#flavour = flavour;
    const { port } = serveHttp(os, { port: 0, address: '127.0.0.1' }, (request) => this.#serve(request));
    this.#port = port;
  }

  exec(record: ContainerRecord, command: readonly string[], options: StreamOptions): string {
    return this.#prepare('exec', (request) => this.#stream(record.sandbox, request, (stream, answer) => this.#exec(record, command, options, stream, answer)));
  }

  attach(record: ContainerRecord, options: StreamOptions): string {
    return this.#prepare('attach', (request) => this.#stream(record.sandbox, request, (stream, answer) => attachTo(this.#os, record, options, stream, answer)));
  }

  portForward(sandbox: SandboxRecord): string {
    return this.#prepare('portforward', (request) =>
      this.#stream(sandbox, request, (stream, answer) => forwardPorts(this.#os, sandbox, stream, (frame) => answer.write(frame, traceOf(sandbox, 'stream')))),
    );
  }

  /** The URL of what was prepared. */
  #prepare(kind: string, serve: Serve): string {
    const path = `/${kind}/${this.#random.string(TOKEN_ALPHABET, 8)}`;
    this.#waiting.set(path, serve);
    this.#os.sim.after(TOKEN_LIFETIME, () => this.#waiting.delete(path));
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  *#serve(request: HttpRequest): Op<HttpResponse> {
    const serve = this.#waiting.get(request.path);
    if (serve === undefined) return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
    this.#waiting.delete(request.path);
    return serve(request);
  }

  /** Answers with a stream and runs `body` on it. */
  #stream(sandbox: SandboxRecord, request: HttpRequest, body: (stream: HttpStream, answer: HttpStream) => Op<void>): HttpResponse {
    const { sim } = this.#os;
    const stream = request.stream ?? new HttpStream(sim);
    const answer = new HttpStream(sim);
    this.#os.go(`stream ${sandbox.config.name}`, () => body(stream, answer));
    return { status: 101, headers: {}, stream: answer };
  }

  *#exec(record: ContainerRecord, command: readonly string[], options: StreamOptions, stream: HttpStream, answer: HttpStream): Op<void> {
    const os = this.#os;
    const { sandbox } = record;
    const send = (frame: CommandFrame): void => answer.write(frame, traceOf(sandbox, frame.channel));
    yield* os.sleep(EXEC_TIME);
    try {
      const missing = missingExecutable(record, command);
      if (missing !== undefined) {
        const problem = this.#flavour.words.exec(this.#random, missing, true);
        if ('error' in problem) throw new CriError('Unknown', problem.error);
        if (problem.stdout !== '') send({ channel: 'stdout', data: `${problem.stdout}\n` });
        if (problem.stderr !== '') send({ channel: 'stderr', data: `${problem.stderr}\n` });
        send({ channel: 'status', status: exitStatus(problem.exitCode) });
        answer.close();
        return;
      }
      const tty = options.tty ? new Tty(os.sim, (data) => send({ channel: 'stdout', data })) : null;
      const stdin = options.stdin && tty === null ? new Channel<string>(os.sim) : null;
      const process = spawnInContainer(os, record, command, {
        logs:
          tty === null
            ? { write: (channel, line) => wanted(options, channel) && send({ channel, data: `${line}\n` }), raw: (channel, data) => wanted(options, channel) && send({ channel, data }) }
            : { write: (_channel, line) => tty.write(`${line}\n`), raw: (_channel, data) => tty.write(data) },
        ...(tty === null ? {} : { stdin: tty.input, tty }),
        ...(stdin === null ? {} : { stdin }),
      });
      tty?.control((signal) => process.kill(signal));
      os.go('stdin', () => takeInput(stream, { stdin, tty, hangUp: () => process.kill('SIGHUP') }));
      const { code } = yield* process.wait();
      send({ channel: 'status', status: exitStatus(code) });
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      send({ channel: 'status', status: internalStatus(`error executing command in container: failed to exec in container: ${error.message}`) });
    }
    answer.close();
  }
}

const wanted = (options: StreamOptions, channel: 'stdout' | 'stderr'): boolean => options[channel];

interface Input {
  readonly stdin: { send(data: string): void; close(): void } | null;
  readonly tty: Tty | null;
  /** When the client went away; null: the terminal is the container's and stays. */
  readonly hangUp: (() => void) | null;
}

/** Hands what the client sends to the process. */
function* takeInput(stream: HttpStream, { stdin, tty, hangUp }: Input): Op<void> {
  try {
    for (let piece = yield* stream.read(); piece !== undefined; piece = yield* stream.read()) {
      const frame = piece as CommandFrame;
      if (frame.channel === 'resize') tty?.resize(frame.columns, frame.rows);
      if (frame.channel !== 'stdin') continue;
      if ('end' in frame) {
        if (tty === null) stdin?.close();
        continue;
      }
      if (tty !== null) tty.type(frame.data);
      else stdin?.send(frame.data);
    }
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
  }
  stdin?.close();
  if (tty !== null && hangUp !== null) {
    tty.hangUp();
    hangUp();
  }
}

/** Joins the client with the first process of the container. */
function* attachTo(os: Os, record: ContainerRecord, options: StreamOptions, stream: HttpStream, answer: HttpStream): Op<void> {
  const { process, log, config, sandbox } = record;
  const send = (frame: CommandFrame): void => answer.write(frame, traceOf(sandbox, frame.channel));
  if (process === null || log === null || !process.alive) {
    send({ channel: 'status', status: internalStatus(`error attaching to container: container is in CONTAINER_${record.status.state} state`) });
    answer.close();
    return;
  }
  const detach = log.attach((channel, data) => {
    if (process.tty !== null) send({ channel: 'stdout', data });
    else if (wanted(options, channel)) send({ channel, data });
  });
  answer.onClose(detach);
  const input = process.stdin;
  const own = options.stdin && process.tty === null && input !== null;
  const stdin = own ? { send: (data: string) => input.send(data), close: () => config.stdinOnce && input.close() } : null;
  const tty = options.stdin || options.tty ? process.tty : null;
  os.go('stdin', () => takeInput(stream, { stdin, tty, hangUp: null }));
  yield* process.wait();
  detach();
  send({ channel: 'status', status: exitStatus(0) });
  answer.close();
}

const traceOf = ({ config }: SandboxRecord, verb: string) => ({
  verb,
  subject: { group: '', resource: 'pods', kind: 'Pod', namespace: config.namespace, name: config.name } satisfies Subject,
  kind: 'http' as const,
});
