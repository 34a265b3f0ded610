// UDP sockets and ICMP echo. Payloads are plain objects by reference. Each datagram takes its own walk; an answer through a
// Service comes back under the Service's address because connection tracking says so.

import type { Os, Process, Resource } from '../machine/process.ts';
import { Channel, type TIMED_OUT } from '../sim/channel.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { Place } from '../sim/trace.ts';
import type { MessageTrace, SocketAddress } from './connection.ts';
import type { Netns, UdpReceiver } from './netns.ts';
import { isSilent, type Packet, type WalkFailure } from './packet.ts';
import { bind, netnsOf, unbind } from './socket.ts';
import { SocketError } from './socket-error.ts';
import { report } from './tap.ts';
import { sourceAddress, track, walk } from './walk.ts';

const ANY = '0.0.0.0';

/** What came in. */
export interface Datagram extends SocketAddress {
  readonly payload: unknown;
  /** The address of ours that it was sent to: answer from there. */
  readonly to: string;
}

export interface SendOptions {
  /** Default: the address that the route prefers. */
  readonly from?: string;
  /** How it shows in the trace. Default: kind 'packet', verb 'udp'. */
  readonly trace?: MessageTrace;
}

export class UdpSocket implements Resource, UdpReceiver {
  readonly process: Process;
  readonly place: Place;
  readonly netns: Netns;
  readonly address: string;
  readonly port: number;
  /** Takes datagrams as they come, in place of `receive`. */
  onDatagram: ((datagram: Datagram) => void) | null = null;
  readonly #queue: Channel<Datagram | SocketError>;
  #connected: SocketAddress | null = null;
  #closed = false;

  /** Use udpSocket. */
  constructor(os: Os, netns: Netns, address: string, port: number, place: Place) {
    this.process = os.process;
    this.place = place;
    this.netns = netns;
    this.address = address;
    this.port = port;
    this.#queue = new Channel(os.sim);
  }

  /** connect(2): from now on only this peer's datagrams come in, and ICMP errors about it make `receive` throw. */
  connect(host: string, port: number): void {
    this.#connected = { address: host, port };
  }

  /** Sends a datagram. Throws SocketError ENETUNREACH when there is no route; what else goes wrong is not told. */
  send(host: string, port: number, payload: unknown, options: SendOptions = {}): void {
    if (this.#closed) return;
    const { netns } = this;
    const { sim } = netns.machine;
    const src = options.from ?? (this.address === ANY ? sourceAddress(netns, host) : this.address);
    if (src === null) throw new SocketError('ENETUNREACH', `dial udp ${host}:${port}: connect: network is unreachable`);
    const result = walk(netns, { src, dst: host, protocol: 'udp', sport: this.port, dport: port }, { live: true });
    track(result, sim.now);
    if (result.seen !== undefined) report(netns.fabric, result.seen, { kind: 'udp', length: 0, payload });
    const own = sim.cause;
    const { trace } = options;
    sim.cause = sim.trace.emit(own, {
      kind: trace?.kind ?? 'packet',
      verb: trace?.verb ?? 'udp',
      subject: trace?.subject ?? null,
      detail: trace?.detail ?? payload,
      ...(trace?.level === undefined ? {} : { level: trace.level }),
      start: sim.now,
      end: sim.now + result.latency,
      from: this.place,
      to: result.process?.place ?? result.netns?.machine.place ?? netns.machine.place,
    });
    if (result.delivered) {
      const { packet, netns: there = netns } = result;
      sim.after(result.latency, () => {
        if (there.deleted || !there.machine.powered) return;
        const receiver = there.udpListener(packet.dst, packet.dport);
        if (receiver !== undefined) receiver.deliver(packet, payload);
        else sim.after(result.latency, () => this.#refused(host, port));
      });
    } else if (result.reason === 'rejected') {
      sim.after(result.latency * 2, () => this.#refused(host, port));
    }
    sim.cause = own;
  }

  /** The next datagram; undefined when the socket was closed. Throws SocketError ECONNREFUSED on a connected socket. */
  *receive(): Op<Datagram | undefined> {
    return given(yield* this.#queue.receive());
  }

  /** As `receive`, but gives TIMED_OUT after `limit`. */
  *receiveWithin(limit: Micros): Op<Datagram | undefined | typeof TIMED_OUT> {
    return given(yield* this.#queue.receiveWithin(limit));
  }

  /** For the walk's end. */
  deliver(packet: Packet, payload: unknown): void {
    const peer = this.#connected;
    if (this.#closed || (peer !== null && (peer.address !== packet.src || peer.port !== packet.sport))) return;
    const datagram: Datagram = { address: packet.src, port: packet.sport, to: packet.dst, payload };
    if (this.onDatagram !== null) this.onDatagram(datagram);
    else this.#queue.send(datagram);
  }

  close(): void {
    this.process.letGo(this);
    this.release();
  }

  /** For Process. */
  release(): void {
    if (this.#closed) return;
    this.#closed = true;
    unbind(this.netns.portsIfAny?.udp, this.port, this);
    this.#queue.close();
  }

  #refused(host: string, port: number): void {
    const peer = this.#connected;
    if (peer === null || peer.address !== host || peer.port !== port) return;
    this.#queue.send(new SocketError('ECONNREFUSED', `read udp ${this.address}:${this.port}->${host}:${port}: read: connection refused`));
  }
}

function given<T>(got: T | SocketError): T {
  if (got instanceof SocketError) throw got;
  return got;
}

export interface UdpOptions {
  /** Default 0.0.0.0. */
  readonly address?: string;
  /** Default: the process' place. */
  readonly place?: Place;
}

/** A UDP socket on a port (0: any free one). Throws SocketError EADDRINUSE, EADDRNOTAVAIL. */
export function udpSocket(os: Os, port: number, options: UdpOptions = {}): UdpSocket {
  const netns = netnsOf(os);
  const address = options.address ?? ANY;
  if (address !== ANY && !netns.isLocal(address)) {
    throw new SocketError('EADDRNOTAVAIL', `listen udp ${address}:${port}: bind: cannot assign requested address`);
  }
  const socket = new UdpSocket(os, netns, address, port === 0 ? netns.ephemeralPort('udp') : port, options.place ?? os.place);
  bind<UdpReceiver>(netns.ports.udp, socket.port, socket, 'udp');
  os.process.hold(socket);
  return socket;
}

export interface PingResult {
  readonly ok: boolean;
  /** Time there and back, when it came back. */
  readonly rtt: Micros;
  /** What the sender is told, as ping(8) prints it; undefined when nothing came back. */
  readonly reason?: string;
  /** Who told it, when that was another host. */
  readonly from?: string;
  /** Time to live of the answer. */
  readonly ttl?: number;
}

const PING_TEXT: Readonly<Partial<Record<WalkFailure, string>>> = {
  'network-unreachable': 'Destination Net Unreachable',
  'host-unreachable': 'Destination Host Unreachable',
  rejected: 'Destination Port Unreachable',
  prohibited: 'Packet filtered',
  'ttl-exceeded': 'Time to live exceeded',
};

/** One ICMP echo request. Waits for the answer, for an ICMP error, or for `timeout` (default 1 s). */
export function* ping(os: Os, host: string, timeout: Micros = SECOND): Op<PingResult> {
  const { sim } = os;
  const netns = netnsOf(os);
  const src = sourceAddress(netns, host);
  if (src === null) return { ok: false, rtt: 0, reason: 'connect: Network is unreachable' };
  const id = netns.ephemeralPort('udp');
  const request: Packet = { src, dst: host, protocol: 'icmp', sport: id, dport: 0 };
  const forth = walk(netns, request, { live: true, record: sim.trace.wants(2, sim.cause) });
  track(forth, sim.now);
  report(netns.fabric, forth.seen, { kind: 'echo-request', length: 64 });
  const cause = sim.cause;
  const emit = (verb: string, from: Place, to: Place, latency: Micros, detail: unknown): void => {
    sim.cause = sim.trace.emit(sim.cause, { kind: 'packet', verb, from, to, start: sim.now, end: sim.now + latency, detail });
  };
  emit('echo-request', os.place, forth.netns?.machine.place ?? os.machine.place, forth.latency, { packet: request, hops: forth.hops, reason: forth.reason ?? null });
  if (!forth.delivered) {
    sim.cause = cause;
    const reason = forth.reason as WalkFailure;
    const told = isSilent(reason) ? undefined : (PING_TEXT[reason] ?? 'Destination Host Unreachable');
    yield* sim.sleep(told === undefined ? timeout : Math.min(timeout, reason === 'host-unreachable' ? timeout : forth.latency * 2));
    return told === undefined ? { ok: false, rtt: 0 } : { ok: false, rtt: 0, reason: told };
  }
  const task = sim.current as Task;
  const there = forth.netns as Netns;
  const { packet } = forth;
  sim.after(forth.latency, () => {
    if (there.deleted || !there.machine.powered) return;
    const back = walk(there, { src: packet.dst, dst: packet.src, protocol: 'icmp', sport: packet.dport, dport: packet.sport }, { live: true });
    report(netns.fabric, back.seen, { kind: 'echo-reply', length: 64 });
    if (!back.delivered || back.netns !== netns) return;
    emit('echo-reply', there.machine.place, os.place, back.latency, null);
    sim.wakeAt(task, task.park, sim.now + back.latency, 64 - (back.forwards ?? 0));
  });
  sim.wakeAt(task, task.park, sim.now + timeout, false);
  const start = sim.now;
  const answer: unknown = yield;
  const ok = typeof answer === 'number';
  if (ok) sim.noteOvertaken();
  sim.cause = cause;
  return { ok, rtt: sim.now - start, ...(ok ? { ttl: answer } : {}) };
}
