// Unix stream sockets: a socket is a file of the machine, reachable by whoever sees the file (through mounts too).

import type { Os, Process, Resource } from '../machine/process.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Place } from '../sim/trace.ts';
import { Connection } from './connection.ts';
import type { Link } from './connection-options.ts';
import { netnsOf } from './socket.ts';
import { SocketError } from './socket-error.ts';

/** One way, process to process. */
const UNIX_LATENCY: Micros = 15;

export class UnixListener implements Resource {
  readonly path: string;
  readonly os: Os;
  readonly place: Place;
  onConnection: ((connection: Connection) => void) | null = null;
  closed = false;
  readonly #queue: Channel<Connection>;

  /** Use listenUnix. */
  constructor(os: Os, path: string, place: Place) {
    this.os = os;
    this.path = path;
    this.place = place;
    this.#queue = new Channel(os.sim);
  }

  get process(): Process {
    return this.os.process;
  }

  /** The next connection; undefined when the listener was closed. */
  accept(): Op<Connection | undefined> {
    return this.#queue.receive();
  }

  /** For dialUnix. */
  take(connection: Connection): void {
    if (this.onConnection !== null) this.onConnection(connection);
    else this.#queue.send(connection);
  }

  /** Stops listening and removes the socket file. */
  close(): void {
    this.process.letGo(this);
    this.release();
    if (this.os.files.attached(this.path) === this) this.os.files.remove(this.path);
  }

  /** For Process: the file stays, as it does when a process dies; connecting to it is refused. */
  release(): void {
    this.closed = true;
    this.#queue.close();
  }
}

/** Listens on a socket file; a stale one is replaced. Throws SocketError EADDRINUSE when somebody listens there. */
export function listenUnix(os: Os, path: string, options: { readonly place?: Place } = {}): UnixListener {
  const old = os.files.attached(path);
  if (old instanceof UnixListener && !old.closed) throw new SocketError('EADDRINUSE', `listen unix ${path}: bind: address already in use`);
  const listener = new UnixListener(os, path, options.place ?? os.place);
  os.files.attach(path, listener, 0o660);
  os.process.hold(listener);
  return listener;
}

/** Connects to a socket file. Throws SocketError ENOENT, ECONNREFUSED. */
export function* dialUnix(os: Os, path: string, options: { readonly place?: Place } = {}): Op<Connection> {
  const { sim } = os;
  const listener = os.files.attached(path);
  if (!(listener instanceof UnixListener)) throw new SocketError('ENOENT', `dial unix ${path}: connect: no such file or directory`);
  if (listener.closed) throw new SocketError('ECONNREFUSED', `dial unix ${path}: connect: connection refused`);
  const netns = netnsOf(os);
  const link: Link = { sim, fabric: netns.fabric, tracked: [], fixedLatency: UNIX_LATENCY, segment: 0 };
  const local = { address: '', port: 0 };
  const remote = { address: path, port: 0 };
  const client = new Connection(link, { netns, process: os.process, place: options.place ?? os.place, local, remote });
  const server = new Connection(link, { netns: netnsOf(listener.os), process: listener.process, place: listener.place, local: remote, remote: local });
  Connection.join(client, server, null, null);
  listener.take(server);
  yield* sim.sleep(UNIX_LATENCY);
  return client;
}
