// The socket calls of a process: listen and dial (UDP and ICMP echo: udp.ts). Dialling sends a SYN over the walk and fails as connect(2) fails.

import type { Os, Process, Resource } from '../machine/process.ts';
import { Channel, TIMED_OUT } from '../sim/channel.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { DETAIL, type Place } from '../sim/trace.ts';
import type { ConntrackEntry } from './conntrack.ts';
import { Connection } from './connection.ts';
import type { Link } from './connection-options.ts';
import { Netns, type TcpListener } from './netns.ts';
import { told } from './icmp.ts';
import type { Packet, WalkFailure } from './packet.ts';
import { SocketError, type SocketErrorCode } from './socket-error.ts';
import { reportAnswer, reportSyn } from './tap.ts';
import { sourceAddress, track, walk, walkBack, type WalkTrace } from './walk.ts';

export { Connection } from './connection.ts';
export { SocketError } from './socket-error.ts';
export { type Datagram, udpSocket, type UdpSocket } from './udp.ts';

/** The network namespace of a process. Throws when its machine has no network. */
export function netnsOf(os: Os): Netns {
  const { netns } = os.process;
  if (netns instanceof Netns) return netns;
  throw new Error(`${os.machine.name} has no network`);
}

const ANY = '0.0.0.0';

/** Takes a TCP port. */
export class Listener implements Resource, TcpListener {
  readonly netns: Netns;
  readonly process: Process;
  readonly place: Place;
  readonly address: string;
  readonly port: number;
  /** Takes connections as they come, in place of `accept`. */
  onConnection: ((connection: Connection) => void) | null = null;
  readonly #queue: Channel<Connection>;
  #closed = false;

  /** Use listen. */
  constructor(os: Os, netns: Netns, address: string, port: number, place: Place) {
    this.netns = netns;
    this.process = os.process;
    this.place = place;
    this.address = address;
    this.port = port;
    this.#queue = new Channel(os.sim);
  }

  /** The next connection; undefined when the listener was closed. */
  accept(): Op<Connection | undefined> {
    return this.#queue.receive();
  }

  /** For dial: a connection has come. */
  take(connection: Connection): void {
    if (this.onConnection !== null) this.onConnection(connection);
    else this.#queue.send(connection);
  }

  /** Gives the port back. Open connections stay; those not yet accepted are reset. */
  close(): void {
    this.process.letGo(this);
    this.release();
  }

  /** For Process. */
  release(): void {
    if (this.#closed) return;
    this.#closed = true;
    unbind(this.netns.portsIfAny?.tcp, this.port, this);
    for (let c = this.#queue.tryReceive(); c !== undefined; c = this.#queue.tryReceive()) c.reset();
    this.#queue.close();
  }
}

interface Bound {
  readonly address: string;
}

/** Puts a socket on a port of a table. Throws SocketError EADDRINUSE. */
export function bind<T extends Bound>(table: Map<number, T[]>, port: number, socket: T, network: 'tcp' | 'udp'): void {
  const bound = table.get(port);
  if (bound === undefined) {
    table.set(port, [socket]);
    return;
  }
  const clash = bound.some((b) => b.address === socket.address || b.address === ANY || socket.address === ANY);
  if (clash) {
    const where = socket.address === ANY ? '' : socket.address;
    throw new SocketError('EADDRINUSE', `listen ${network} ${where}:${port}: bind: address already in use`);
  }
  bound.push(socket);
}

/** Takes a socket off its port. */
export function unbind<T>(table: Map<number, T[]> | undefined, port: number, socket: T): void {
  const bound = table?.get(port);
  const at = bound?.indexOf(socket) ?? -1;
  if (bound === undefined || at < 0) return;
  bound.splice(at, 1);
  if (bound.length === 0) table?.delete(port);
}

export interface ListenOptions {
  /** Default 0.0.0.0: every address. */
  readonly address?: string;
  /** Default: the process' place. */
  readonly place?: Place;
}

/** Listens on a TCP port (0: any free one). Throws SocketError EADDRINUSE, EADDRNOTAVAIL. */
export function listen(os: Os, port: number, options: ListenOptions = {}): Listener {
  const netns = netnsOf(os);
  const address = options.address ?? ANY;
  if (address !== ANY && !netns.isLocal(address)) {
    throw new SocketError('EADDRNOTAVAIL', `listen tcp ${address}:${port}: bind: cannot assign requested address`);
  }
  const listener = new Listener(os, netns, address, port === 0 ? netns.ephemeralPort('tcp') : port, options.place ?? os.place);
  bind<TcpListener>(netns.ports.tcp, listener.port, listener, 'tcp');
  os.process.hold(listener);
  return listener;
}

export interface DialOptions {
  /** Default: the kernel's own patience (tcp_syn_retries: 127 s). */
  readonly timeout?: Micros;
  readonly place?: Place;
}

/** Waits between SYNs (tcp_syn_retries = 6). */
const SYN_BYTES = 60;
const SYN_WAITS: readonly Micros[] = [1, 2, 4, 8, 16, 32, 64].map((s) => s * SECOND);

const FAILURE: Readonly<Partial<Record<WalkFailure, SocketErrorCode>>> = {
  'network-unreachable': 'ENETUNREACH',
  'host-unreachable': 'EHOSTUNREACH',
  'ttl-exceeded': 'EHOSTUNREACH',
  prohibited: 'EHOSTUNREACH',
  rejected: 'ECONNREFUSED',
  reset: 'ECONNREFUSED',
};

const ERROR_TEXT: Readonly<Partial<Record<SocketErrorCode, string>>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

function dialError(host: string, port: number, code: SocketErrorCode, text = ERROR_TEXT[code] as string): SocketError {
  return new SocketError(code, `dial tcp ${host}:${port}: ${text}`);
}

/** What the kernel tells a waiting connect(2). */
type Answer = Connection | SocketErrorCode;

/**
 * Connects to an IPv4 address. Throws SocketError ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, or ETIMEDOUT (its text is
 * `i/o timeout` when `options.timeout` ran out), each after the time that it takes.
 */
export function* dial(os: Os, host: string, port: number, options: DialOptions = {}): Op<Connection> {
  const { sim } = os;
  const netns = netnsOf(os);
  const source = sourceAddress(netns, host);
  if (source === null) throw dialError(host, port, 'ENETUNREACH');
  const sport = netns.ephemeralPort('tcp');
  const packet: Packet = { src: source, dst: host, protocol: 'tcp', sport, dport: port };
  const deadline = options.timeout === undefined ? Number.POSITIVE_INFINITY : sim.now + options.timeout;
  const task = sim.current as Task;
  const cause = sim.cause;
  for (const wait of SYN_WAITS) {
    const record = sim.trace.wants(DETAIL, cause);
    const result = walk(netns, packet, { live: true, record });
    track(result, sim.now);
    const fate = result.rough?.packet(SYN_BYTES);
    if (result.seen !== undefined) reportSyn(netns.fabric, result, packet, fate);
    if (record) recordWalk(os, result.delivered ? 'connect' : 'lost', os.place, result.process?.place ?? result.netns?.machine.place ?? os.machine.place, packet, result);
    const retryAt = Math.min(sim.now + wait, deadline);
    let answer: Answer | typeof TIMED_OUT = TIMED_OUT;
    if (fate?.lost === true) {
      yield* sim.sleep(retryAt - sim.now);
    } else if (result.delivered) {
      const syn = new Syn(os, packet, result, options.place ?? os.place, task, task.park);
      sim.after(result.latency + (fate?.delay ?? 0), () => syn.arrive());
      sim.wakeAt(task, task.park, retryAt, TIMED_OUT);
      try {
        answer = (yield) as Answer | typeof TIMED_OUT;
      } finally {
        if (answer === TIMED_OUT) syn.abandon();
      }
      if (answer !== TIMED_OUT) sim.noteOvertaken();
      sim.cause = cause;
    } else {
      const error = told(netns, result);
      if (error !== null) {
        answer = FAILURE[result.reason as WalkFailure] ?? 'EHOSTUNREACH';
        const heard = error.after;
        if (sim.now + heard > deadline) answer = TIMED_OUT;
        if (heard > 0) yield* sim.sleep(Math.min(heard, deadline - sim.now));
      } else {
        yield* sim.sleep(retryAt - sim.now);
      }
    }
    if (answer instanceof Connection) return answer;
    if (answer !== TIMED_OUT) throw dialError(host, port, answer);
    if (sim.now >= deadline) throw dialError(host, port, 'ETIMEDOUT', 'i/o timeout');
  }
  throw dialError(host, port, 'ETIMEDOUT');
}

/** A packet that was really sent, hop by hop. */
export function recordWalk({ sim }: Pick<Os, 'sim'>, verb: string, from: Place, to: Place, packet: Packet, result: WalkTrace): void {
  sim.trace.emit(sim.cause, {
    kind: 'packet',
    verb,
    level: DETAIL,
    from,
    to,
    start: sim.now,
    end: sim.now + result.latency,
    detail: { packet, hops: result.hops, reason: result.reason ?? null },
  });
}

/** A SYN on its way, and what the other side makes of it. */
class Syn {
  readonly #os: Os;
  readonly #packet: Packet;
  readonly #forth: WalkTrace;
  readonly #place: Place;
  readonly #task: Task;
  readonly #park: number;
  #connection: Connection | null = null;
  #abandoned = false;

  constructor(os: Os, packet: Packet, forth: WalkTrace, place: Place, task: Task, park: number) {
    this.#os = os;
    this.#packet = packet;
    this.#forth = forth;
    this.#place = place;
    this.#task = task;
    this.#park = park;
  }

  /** The dialler has stopped waiting. */
  abandon(): void {
    this.#abandoned = true;
    this.#connection?.reset();
  }

  /** At the other side: somebody listens, or RST; in either case the answer must find its way back. */
  arrive(): void {
    const { sim } = this.#os;
    const netns = this.#forth.netns as Netns;
    if (this.#abandoned || netns.deleted || !netns.machine.powered) return;
    const at = this.#forth.packet;
    const record = this.#forth.hops.length > 0;
    const back = walkBack(this.#forth, record);
    const home = back.packet;
    const mine = this.#packet;
    if (record) {
      const answer: Packet = { src: at.dst, dst: at.src, protocol: 'tcp', sport: at.dport, dport: at.sport };
      recordWalk(this.#os, back.delivered ? 'answer' : 'lost', this.#forth.process?.place ?? netns.machine.place, this.#os.place, answer, back);
    }
    if (!back.delivered || home.dst !== mine.src || home.dport !== mine.sport) return;
    track(back, sim.now);
    const fate = back.rough?.packet(SYN_BYTES);
    if (fate?.lost === true) {
      if (back.seen !== undefined) reportAnswer(netns.fabric, this.#forth, back, true, mine, fate);
      return;
    }
    const listener = netns.tcpListener(at.dst, at.dport);
    const answer = home.src !== mine.dst || home.sport !== mine.dport || !(listener instanceof Listener) ? 'ECONNREFUSED' : this.#connect(listener, back);
    if (back.seen !== undefined) reportAnswer(netns.fabric, this.#forth, back, answer !== 'ECONNREFUSED', mine, fate);
    sim.wakeAt(this.#task, this.#park, sim.now + back.latency + (fate?.delay ?? 0), answer);
  }

  #connect(listener: Listener, back: WalkTrace): Connection {
    const { sim, process } = this.#os;
    const forth = this.#forth;
    const { packet: at } = forth;
    const from = process.netns as Netns;
    const tracked: ConntrackEntry[] = [];
    for (const t of forth.tracked) tracked.push(t.entry);
    for (const t of back.tracked) tracked.push(t.entry);
    const link: Link = { sim, fabric: from.fabric, tracked, fixedLatency: null, segment: Math.min(forth.firstMtu, back.firstMtu) };
    const mine = this.#packet;
    const client = new Connection(link, {
      netns: from,
      process,
      place: this.#place,
      local: { address: mine.src, port: mine.sport },
      remote: { address: mine.dst, port: mine.dport },
    });
    const server = new Connection(link, {
      netns: listener.netns,
      process: listener.process,
      place: listener.place,
      local: { address: at.dst, port: at.dport },
      remote: { address: at.src, port: at.sport },
    });
    Connection.join(client, server, forth, back);
    this.#connection = client;
    listener.take(server);
    return client;
  }
}
