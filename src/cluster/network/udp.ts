// UDP sockets. Payloads are plain objects by reference. Each datagram takes its own walk; an answer through a
// Service comes back under the Service's address because connection tracking says so.

import type { Os, Process, Resource } from '../machine/process.ts';
import { Channel, type TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import { DETAIL, type Place } from '../sim/trace.ts';
import type { MessageTrace, SocketAddress } from './connection.ts';
import type { Netns, UdpReceiver } from './netns.ts';
import { errorFrom, type Told, told } from './icmp.ts';
import type { Packet } from './packet.ts';
import { bind, netnsOf, recordWalk, unbind } from './socket.ts';
import { SocketError } from './socket-error.ts';
import { report, sizeOf } from './tap.ts';
import { sourceAddress, track, walk } from './walk.ts';

const ANY = '0.0.0.0';
const UDP_HEADERS = 28;

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
    const datagram: Packet = { src, dst: host, protocol: 'udp', sport: this.port, dport: port };
    const record = sim.trace.wants(DETAIL, sim.cause);
    const result = walk(netns, datagram, { live: true, record });
    track(result, sim.now);
    const to = result.process?.place ?? result.netns?.machine.place ?? netns.machine.place;
    if (record) recordWalk(netns.machine, result.delivered ? 'datagram' : 'lost', this.place, to, datagram, result);
    const fate = result.rough?.packet(UDP_HEADERS + sizeOf(payload));
    if (result.seen !== undefined) report(netns.fabric, result.seen, { kind: 'udp', length: 0, payload }, 0, result.rough, fate);
    const latency = result.latency + (fate?.delay ?? 0);
    const own = sim.cause;
    const { trace } = options;
    sim.cause = sim.trace.emit(own, {
      kind: trace?.kind ?? 'packet',
      verb: trace?.verb ?? 'udp',
      subject: trace?.subject ?? null,
      detail: trace?.detail ?? payload,
      ...(trace?.level === undefined ? {} : { level: trace.level }),
      start: sim.now,
      end: sim.now + latency,
      from: this.place,
      to,
    });
    if (fate?.lost === true) {
      sim.cause = own;
      return;
    }
    if (result.delivered) {
      const { packet, netns: there = netns } = result;
      sim.after(latency, () => {
        if (there.deleted || !there.machine.powered) return;
        const receiver = there.udpListener(packet.dst, packet.dport);
        if (receiver !== undefined) receiver.deliver(packet, payload);
        else this.#hears(errorFrom(there, netns, packet, 0), host, port, 'ECONNREFUSED');
      });
    } else {
      const code = result.reason === 'rejected' ? 'ECONNREFUSED' : result.reason === 'host-unreachable' || result.reason === 'prohibited' ? 'EHOSTUNREACH' : null;
      if (code !== null && this.#connected !== null) this.#hears(told(netns, result), host, port, code);
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

  /** An ICMP error: only a connected socket is told. */
  #hears(error: Told | null, host: string, port: number, code: 'ECONNREFUSED' | 'EHOSTUNREACH'): void {
    const peer = this.#connected;
    if (error === null || peer === null || peer.address !== host || peer.port !== port) return;
    this.netns.machine.sim.after(error.after, () => {
      if (!this.#closed) this.#queue.send(new SocketError(code, `read udp ${this.address}:${this.port}->${host}:${port}: read: ${code === 'ECONNREFUSED' ? 'connection refused' : 'no route to host'}`));
    });
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
