// kubectl port-forward: listens on this machine and hands connections on to a Pod (kubectl/pkg/cmd/portforward, client-go
// tools/portforward). Runs until ^C or until the Pod is gone.

import type { Signal } from '../../cluster/machine/process.ts';
import type { HttpStream } from '../../cluster/network/http.ts';
import type { ForwardFrame } from '../../cluster/network/remote-frames.ts';
import { type Listener, listen, SocketError } from '../../cluster/network/socket.ts';
import { receiveAny, TIMED_OUT } from '../../cluster/sim/channel.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { ForwardedConnection } from './forwarded-connection.ts';
import { asPodArguments, attachable, podRunningTimeout, podRunningTimeoutFlag, podTarget } from './pods.ts';
import { type ForwardedPort, parseAddresses, parsePorts, portNumbers } from './ports.ts';
import { upgrade } from './remote.ts';

export const PORT_FORWARD: Command = {
  name: 'port-forward',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]',
  short: 'Forward one or more local ports to a pod',
  long: 'Forward one or more local ports to a pod.\n\n TYPE/NAME may be anything that has Pods, such as deployment/web: one of them is chosen. The session ends when that Pod ends.',
  examples: 'kubectl port-forward pod/web-1 5000 6000\nkubectl port-forward service/web 8443:https\nkubectl port-forward --address 0.0.0.0 deployment/web :5000',
  flags: [
    flag.slice('address', 'Addresses to listen on: IP addresses or localhost.', { value: '[localhost]' }),
    podRunningTimeoutFlag('1m0s'),
  ],
  complete: completeResources,
  run: portForward,
};

function* portForward(context: Context, flags: Flags): Op<number | void> {
  const [name, ...specs] = flags.args;
  if (name === undefined || specs.length === 0) throw context.usageError('TYPE/NAME and list of ports are required for port-forward');
  const timeout = podRunningTimeout(context, flags);
  const { pod, info } = yield* attachable(context, asPodArguments(name), timeout);
  const numbers = portNumbers(specs, info, pod);
  const phase = pod.status?.phase ?? '';
  if (phase !== 'Running') throw new CommandError(`unable to forward port because pod is not running. Current status=${phase}`);
  const addresses = parseAddresses(flags.list('address'));
  const ports = parsePorts(numbers);
  const target = yield* podTarget(context, pod.metadata.namespace ?? '', pod.metadata.name);
  const stream = yield* upgrade(context, { ...target, subresource: 'portforward' }, {});
  const forwarder = new Forwarder(context, stream);
  for (const port of ports) forwarder.listen(port, addresses);
  if (!forwarder.listening) throw new CommandError(`unable to listen on any of the requested ports: [${ports.map((p) => `{${p.local} ${p.remote}}`).join(' ')}]`);
  return yield* forwarder.run();
}

class Forwarder {
  readonly #context: Context;
  readonly #stream: HttpStream;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Map<number, { readonly connection: ForwardedConnection; readonly port: ForwardedPort }>();
  #last = 0;

  constructor(context: Context, stream: HttpStream) {
    this.#context = context;
    this.#stream = stream;
  }

  get listening(): boolean {
    return this.#listeners.length > 0;
  }

  /** Takes a port on each address; says which, or why not. */
  listen(port: ForwardedPort, addresses: readonly string[]): void {
    const { os } = this.#context;
    const problems: string[] = [];
    for (const address of addresses) {
      try {
        const listener = listen(os, port.local, { address });
        const local = listener.port;
        listener.onConnection = (connection) => {
          this.#context.print(`Handling connection for ${local}`);
          const id = ++this.#last;
          this.#send({ id, open: port.remote });
          const forwarded = new ForwardedConnection(os.sim, connection, (data) => this.#send({ id, data }), () => this.#send({ id, end: true }));
          this.#connections.set(id, { connection: forwarded, port: { ...port, local } });
        };
        this.#listeners.push(listener);
        this.#context.print(`Forwarding from ${address}:${local} -> ${port.remote}`);
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
        problems.push(`unable to create listener: Error ${error.message.replace('listen tcp ', 'listen tcp4 ')}`);
      }
    }
    if (problems.length > 0 && problems.length === addresses.length) {
      this.#context.printError(`Unable to listen on port ${port.local}: Listeners failed to create with the following errors: [${problems.join(' ')}]`);
    }
  }

  /** Hands frames to their connections until a signal comes or the Pod is gone. */
  *run(): Op<number> {
    const { os } = this.#context;
    const signals = os.signals();
    for (;;) {
      const got = yield* receiveAny<unknown>(os.sim, [signals, this.#stream.incoming]);
      if (got === TIMED_OUT) continue;
      if (got.index === 0) {
        this.#stream.cancel();
        return (got.value as Signal) === 'SIGINT' ? 0 : 143;
      }
      if (got.value === undefined) throw new CommandError('lost connection to pod');
      this.#take(got.value as ForwardFrame);
    }
  }

  #take(frame: ForwardFrame): void {
    const known = this.#connections.get(frame.id);
    if (known === undefined) return;
    if ('data' in frame) known.connection.receive(frame.data);
    else if ('error' in frame) {
      const { local, remote } = known.port;
      this.#context.klog(`portforward.go:424] "Unhandled Error" err=${JSON.stringify(`an error occurred forwarding ${local} -> ${remote}: ${frame.error}`)}`, 'E');
      known.connection.close();
      this.#stream.cancel();
    } else if ('end' in frame) {
      known.connection.close();
      this.#connections.delete(frame.id);
    }
  }

  #send(frame: ForwardFrame): void {
    this.#stream.write(frame, { verb: 'frame', subject: null, kind: 'http' });
  }
}
