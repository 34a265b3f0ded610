// Port-forward in a sandbox: for each connection of the client a connection to 127.0.0.1:port inside the Pod's network namespace.
// What looks like HTTP is read as requests of the server there; anything else is handed on as it is.

import type { Os, Process } from '../machine/process.ts';
import { HttpClient } from '../network/http.ts';
import { answerOnWire, looksLikeHttp, RequestReader } from '../network/http1.ts';
import type { HttpStream } from '../network/http-stream.ts';
import type { ForwardFrame } from '../network/remote-frames.ts';
import { type Connection, dial, SocketError } from '../network/socket.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { SandboxRecord } from './runtime-state.ts';

type Send = (frame: ForwardFrame) => void;

/** Serves the frames of one client until it goes. */
export function* forwardPorts(os: Os, sandbox: SandboxRecord, stream: HttpStream, send: Send): Op<void> {
  const inputs = new Map<number, Channel<string>>();
  const helper = helperIn(os, sandbox);
  const inside = (yield* helper.started.receive()) as Os;
  try {
    for (let piece = yield* stream.read(); piece !== undefined; piece = yield* stream.read()) {
      const frame = piece as ForwardFrame;
      const { id } = frame;
      if ('open' in frame) {
        const input = new Channel<string>(os.sim);
        inputs.set(id, input);
        inside.go(`port ${frame.open}`, () => forward(inside, sandbox, id, frame.open, input, send));
      } else if ('data' in frame) inputs.get(id)?.send(frame.data);
      else {
        inputs.get(id)?.close();
        inputs.delete(id);
      }
    }
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
  }
  for (const input of inputs.values()) input.close();
  helper.process.kill('SIGKILL');
}

/** A thread of the shim in the sandbox's network namespace. */
function helperIn(os: Os, sandbox: SandboxRecord): { readonly process: Process; readonly started: Channel<Os> } {
  const started = new Channel<Os>(os.sim);
  const process = os.machine.spawn(
    function* (inside) {
      started.send(inside);
      yield* inside.signals().receive();
    },
    {
      parent: os.process,
      argv: ['port-forward', sandbox.status.id],
      place: `${os.machine.place}/pod/${sandbox.config.namespace}/${sandbox.config.name}/port-forward`,
      netns: sandbox.netns,
      background: false,
    },
  );
  return { process, started };
}

function* forward(os: Os, sandbox: SandboxRecord, id: number, port: number, input: Channel<string>, send: Send): Op<void> {
  let connection: Connection;
  try {
    connection = yield* dial(os, '127.0.0.1', port);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    const { status, podNetns } = sandbox;
    const where = podNetns === null ? 'host' : `/var/run/netns/${podNetns.name}`;
    send({
      id,
      error: `error forwarding port ${port} to pod ${status.id}, uid : failed to execute portforward in network namespace "${where}": failed to connect to localhost:${port} inside namespace "${status.id}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found `,
    });
    send({ id, end: true });
    return;
  }
  try {
    yield* converse(os, connection, input, (data) => send({ id, data }));
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
  }
  connection.close();
  send({ id, end: true });
}

function* converse(os: Os, connection: Connection, input: Channel<string>, write: (text: string) => void): Op<void> {
  let begun = '';
  let http: boolean | undefined;
  while (http === undefined) {
    const piece = yield* input.receive();
    if (piece === undefined) return;
    begun += piece;
    http = looksLikeHttp(begun);
  }
  if (http) yield* converseHttp(os, connection, begun, input, write);
  else yield* converseRaw(os, connection, begun, input, write);
}

function* converseHttp(os: Os, connection: Connection, begun: string, input: Channel<string>, write: (text: string) => void): Op<void> {
  const client = HttpClient.over(os, connection);
  const reader = new RequestReader();
  reader.push(begun);
  for (;;) {
    for (let request = reader.take(); request !== undefined; request = reader.take()) {
      yield* answerOnWire(client, request, write);
      if (/close/i.test(request.headers['connection'] ?? '')) return;
    }
    const piece = yield* input.receive();
    if (piece === undefined) return;
    reader.push(piece);
  }
}

/** Text over the connection, as nc speaks it. */
function* converseRaw(os: Os, connection: Connection, begun: string, input: Channel<string>, write: (text: string) => void): Op<void> {
  os.go('input', function* () {
    connection.send(begun);
    for (let piece = yield* input.receive(); piece !== undefined; piece = yield* input.receive()) connection.send(piece);
  });
  for (let message = yield* connection.receive(); message !== undefined; message = yield* connection.receive()) {
    if (typeof message === 'string') write(message);
    else return;
  }
}
