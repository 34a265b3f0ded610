// One end of a TCP connection (or of a unix stream): ordered messages by reference, with the latency of the path they take.
// The path is the cached outcome of a walk; it is walked anew when a namespace on it has changed. While there is none, messages
// wait for retransmission (tcp_retries2), and an idle end finds out by keep-alive probes that its peer is gone.

import type { Process, Resource } from '../machine/process.ts';
import { Channel } from '../sim/channel.ts';
import type { Op, Timer } from '../sim/simulation.ts';
import { type Micros, MILLISECOND, SECOND } from '../sim/time.ts';
import type { Cause, Place } from '../sim/trace.ts';
import { type EndOptions, type KeepAlive, type Link, type MessageTrace, type SocketAddress, TCP_KEEP_ALIVE } from './connection-options.ts';
import { holdEntry, releaseEntry } from './conntrack.ts';
import { delivery } from './delivery.ts';
import type { Watched } from './fabric.ts';
import type { Netns } from './netns.ts';
import { SocketError } from './socket-error.ts';
import type { Fate, Rough } from './rough.ts';
import { reportSegment } from './tap.ts';
import { track, walk, type WalkTrace } from './walk.ts';

export { HTTP2_KEEP_ALIVE, type KeepAlive, type MessageTrace, type SocketAddress, TCP_KEEP_ALIVE } from './connection-options.ts';

const FIRST_RETRANSMISSION: Micros = 200 * MILLISECOND;
const LONGEST_RETRANSMISSION: Micros = 120 * SECOND;
/** tcp_retries2 = 15: what the kernel waits in all. */
const RETRANSMISSION_LIMIT: Micros = 924.6 * SECOND;

const FIN: unique symbol = Symbol('FIN');
const RST: unique symbol = Symbol('RST');
const kindOf = (message: unknown): 'end' | 'reset' | 'data' => (message === FIN ? 'end' : message === RST ? 'reset' : 'data');

interface Sent {
  readonly message: unknown;
  readonly cause: Cause | null;
}

/** Messages that arrive together: nearly always one. */
interface Batch extends Sent {
  readonly at: Micros;
  more: Sent[] | null;
}

export class Connection implements Resource, Watched {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly process: Process;
  readonly netns: Netns;
  readonly place: Place;
  keepAlive: KeepAlive = TCP_KEEP_ALIVE;
  /** Takes messages as they arrive, in place of `receive`. Set it before the first can arrive. */
  onMessage: ((message: unknown) => void) | null = null;
  /** Hears of the end: null when the peer closed, or what went wrong. Not called for an end that one makes oneself. */
  onClose: ((error: SocketError | null) => void) | null = null;
  readonly #link: Link;
  #peer: Connection | null = null;
  #inbox: Channel<unknown> | null = null;
  /** No more is sent or received by the program. */
  #closed = false;
  /** Gone without a word: its machine lost power. */
  #vanished = false;
  #error: SocketError | null = null;
  #latency: Micros = 0;
  /** What the way has beside latency. */
  #rough: Rough | null = null;
  /** Somewhere on the way only smaller packets pass than both ends would send. */
  #narrow = false;
  /** The largest packet that it sends: less than `segment` when ICMP told it so. */
  #segment: number;
  #visited: readonly Netns[] | null = null;
  #revisions: number[] = [];
  #lastArrival: Micros = 0;
  #lastHeard: Micros;
  #batch: Batch | null = null;
  #outbox: Sent[] = [];
  #blockedSince: Micros = 0;
  #retransmission: Micros = FIRST_RETRANSMISSION;
  #retryTimer: Timer | null = null;
  #probeTimer: Timer | null = null;

  /** Use dial or Listener. */
  constructor(link: Link, end: EndOptions) {
    this.#link = link;
    this.netns = end.netns;
    this.process = end.process;
    this.place = end.place;
    this.local = end.local;
    this.remote = end.remote;
    this.#lastHeard = link.sim.now;
    this.#segment = Math.min(link.segment, end.netns.pathMtu?.get(end.remote.address)?.mtu ?? link.segment);
    if (link.fixedLatency !== null) this.#latency = link.fixedLatency;
  }

  /** For dial: joins two ends. */
  static join(a: Connection, b: Connection, forth: WalkTrace | null, back: WalkTrace | null): void {
    a.#peer = b;
    b.#peer = a;
    if (forth !== null) a.#remember(forth);
    if (back !== null) b.#remember(back);
    a.#enter();
    b.#enter();
    for (const entry of a.#link.tracked) holdEntry(entry);
  }

  #enter(): void {
    this.process.hold(this);
    if (this.#link.fixedLatency !== null) return;
    this.#link.fabric.connections.add(this);
    this.netns.ports.connected.add(this.local.port);
  }

  /** When the peer's last message came. */
  get lastHeard(): Micros {
    return this.#lastHeard;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Who is at the other end (for the trace; a program only knows `remote`). */
  get peerPlace(): Place {
    return (this.#peer as Connection).place;
  }

  /** When a message sent now arrives. */
  arrival(): Micros {
    this.#ready();
    return Math.max(this.#lastArrival, this.#link.sim.now + this.#latency);
  }

  /** Sends a message. After `close` it goes nowhere. `size` (bytes) is only for the record. */
  send(message: unknown, size?: number, trace?: MessageTrace): void {
    if (trace === undefined) {
      this.push(message);
      return;
    }
    const { sim } = this.#link;
    const own = sim.cause;
    sim.cause = sim.trace.emit(own, {
      ...trace,
      start: sim.now,
      end: this.arrival(),
      from: this.place,
      to: this.peerPlace,
      detail: trace.detail ?? (size === undefined ? null : { size }),
    });
    this.push(message);
    sim.cause = own;
  }

  /** Sends a message under the current cause, without a record. */
  push(message: unknown): void {
    if (!this.#closed) this.#put(message);
  }

  /** The next message; undefined when the peer has closed. Throws SocketError ECONNRESET, ETIMEDOUT. */
  *receive(): Op<unknown> {
    this.#inbox ??= new Channel(this.#link.sim);
    if (this.#closed && this.#inbox.length === 0) {
      if (this.#error !== null) throw this.#error;
      return undefined;
    }
    const message = yield* this.#inbox.receive();
    if (message === undefined && this.#error !== null) throw this.#error;
    return message;
  }

  /** Closes both ways: the peer reads what was sent, then the end. */
  close(): void {
    if (this.#closed) return;
    this.#put(FIN);
    this.#end(null);
  }

  /** Breaks it off: the peer gets ECONNRESET. */
  reset(): void {
    if (this.#closed) return;
    this.#outbox = [];
    this.#put(RST);
    this.#end(null, true);
  }

  /** For Process: it ended. */
  release(): void {
    if (this.#closed) return;
    if (!this.process.machine.powered) {
      this.#vanished = true;
      this.#end(null);
    } else if (this.#inbox !== null && this.#inbox.length > 0) this.reset();
    else this.close();
  }

  /** For Fabric: something broke somewhere. */
  recheck(): void {
    const peer = this.#peer as Connection;
    if (this.#closed || this.#probeTimer !== null) return;
    if (!peer.#vanished && this.#ready() && peer.#ready()) return;
    const { sim } = this.#link;
    const { idle, probing } = this.keepAlive;
    const wait = peer.#vanished && peer.netns.machine.powered && this.#ready() ? 0 : probing;
    // Until now each probe was answered: the next one is due a whole number of idle times after the last message.
    const nextProbe = idle - ((sim.now - this.#lastHeard) % idle);
    this.#probeTimer = sim.after(nextProbe + wait, () => {
      this.#probeTimer = null;
      if (this.#closed) return;
      const reachable = this.#ready() && peer.#ready();
      if (reachable && !peer.#vanished) return;
      // The kernel does not probe while data waits for an answer, but an HTTP/2 client does.
      if (this.#outbox.length > 0 && this.keepAlive === TCP_KEEP_ALIVE) return;
      this.#fail(reachable && peer.netns.machine.powered ? 'ECONNRESET' : 'ETIMEDOUT');
    });
  }

  #put(message: unknown): void {
    if (this.#outbox.length > 0 || !this.#ready()) {
      this.#block(message);
      return;
    }
    const fate = this.#rough !== null || this.#narrow ? this.#fateOf(message) : undefined;
    if (fate?.lost === true) this.#block(message);
    else this.#carry(message, fate);
  }

  /** On a way that is not as it should be: whether the message gets through, and how late. */
  #fateOf(message: unknown): Fate {
    const peer = this.#peer as Connection;
    const { netns, local, remote } = this;
    const { fate, segment } = delivery({ netns, local, remote, rough: this.#rough, narrow: this.#narrow, segment: this.#segment, roundTrip: this.#latency + peer.#latency }, message);
    if (segment < this.#segment) {
      this.#segment = segment;
      this.#narrow = false;
    }
    if (fate.lost && this.#link.fabric.taps !== null) reportSegment(this, peer, kindOf(message), message, fate);
    return fate;
  }

  #carry(message: unknown, fate: Fate | undefined): void {
    const { sim } = this.#link;
    if (this.#link.fixedLatency === null && this.#link.fabric.taps !== null) reportSegment(this, this.#peer as Connection, kindOf(message), message, fate);
    const at = Math.max(this.#lastArrival, sim.now + this.#latency + (fate === undefined ? 0 : fate.delay));
    this.#lastArrival = at;
    const batch = this.#batch;
    if (batch !== null && batch.at === at) {
      (batch.more ??= []).push({ message, cause: sim.cause });
      return;
    }
    const fresh: Batch = { message, cause: sim.cause, at, more: null };
    this.#batch = fresh;
    sim.after(at - sim.now, () => {
      if (this.#batch === fresh) this.#batch = null;
      const peer = this.#peer as Connection;
      sim.cause = fresh.cause;
      peer.#take(fresh.message);
      if (fresh.more === null) return;
      for (const { message: next, cause } of fresh.more) {
        sim.cause = cause;
        peer.#take(next);
      }
    });
  }

  /** A message has come in. */
  #take(message: unknown): void {
    if (this.#closed) {
      // Nobody is left to read it: the kernel answers RST, if there still is a kernel.
      if (message !== RST && message !== FIN && this.netns.machine.powered && !this.netns.deleted) {
        const { sim } = this.#link;
        sim.after(this.#latency, () => (this.#peer as Connection).#fail('ECONNRESET'));
      }
      return;
    }
    this.#lastHeard = this.#link.sim.now;
    if (message === FIN) this.#hangUp(null);
    else if (message === RST) this.#fail('ECONNRESET');
    else if (this.onMessage !== null) this.onMessage(message);
    else (this.#inbox ??= new Channel(this.#link.sim)).send(message);
  }

  #fail(code: 'ECONNRESET' | 'ETIMEDOUT'): void {
    if (this.#closed) return;
    const { local, remote } = this;
    this.#hangUp(new SocketError(code, `read tcp ${local.address}:${local.port}->${remote.address}:${remote.port}: read: ${code === 'ECONNRESET' ? 'connection reset by peer' : 'connection timed out'}`));
  }

  /** The other side ended it. A program that is told of the end by FIN only could still send; ours all stop then. */
  #hangUp(error: SocketError | null): void {
    this.#error = error;
    const hear = this.onClose;
    this.#end(error);
    hear?.(error);
  }

  #end(error: SocketError | null, broken = false): void {
    this.#closed = true;
    this.#error = error;
    const { sim, fabric, tracked } = this.#link;
    // What was said before the end still goes out, unless nobody is left to say it again.
    if (this.#probeTimer !== null) sim.cancel(this.#probeTimer);
    this.#probeTimer = null;
    if ((this.#vanished || error !== null) && this.#retryTimer !== null) {
      sim.cancel(this.#retryTimer);
      this.#retryTimer = null;
      this.#outbox = [];
    }
    this.#inbox?.close();
    this.process.letGo(this);
    if (this.#link.fixedLatency === null) {
      fabric.connections.delete(this);
      this.netns.portsIfAny?.connected.delete(this.local.port);
    }
    const how = broken || error?.code === 'ECONNRESET' ? 'broken' : error !== null || this.#vanished ? 'forgotten' : 'closed';
    for (const entry of tracked) releaseEntry(entry, sim.now, how);
  }

  #remember(result: WalkTrace): void {
    this.#visited = result.visited;
    this.#revisions = result.visited.map((n) => n.revision);
    this.#latency = result.latency;
    this.#rough = result.rough ?? null;
    this.#narrow = result.mtu < this.#segment;
  }

  /** True when messages get through to the peer now. */
  #ready(): boolean {
    const visited = this.#visited;
    if (visited === null) return this.#link.fixedLatency !== null || this.#walk();
    for (let i = 0; i < visited.length; i++) if ((visited[i] as Netns).revision !== this.#revisions[i]) return this.#walk();
    return true;
  }

  #walk(): boolean {
    this.#visited = null;
    const { local, remote, netns } = this;
    if (netns.deleted || !netns.machine.powered || !netns.isLocal(local.address)) return false;
    const result = walk(netns, { src: local.address, dst: remote.address, protocol: 'tcp', sport: local.port, dport: remote.port }, { live: true });
    const peer = this.#peer as Connection;
    const { packet } = result;
    if (!result.delivered || result.netns !== peer.netns) return false;
    if (packet.dst !== peer.local.address || packet.dport !== peer.local.port) return false;
    if (packet.src !== peer.remote.address || packet.sport !== peer.remote.port) return false;
    track(result, this.#link.sim.now);
    this.#remember(result);
    return true;
  }

  // ---- retransmission

  #block(message: unknown): void {
    const { sim } = this.#link;
    if (this.netns.deleted || !this.netns.machine.powered) return;
    this.#outbox.push({ message, cause: sim.cause });
    if (this.#retryTimer !== null) return;
    this.#blockedSince = sim.now;
    this.#retransmission = FIRST_RETRANSMISSION + (this.#rough === null ? 0 : this.#latency * 2 + this.#rough.delay * 2);
    this.#retry();
  }

  #retry(): void {
    const { sim } = this.#link;
    this.#retryTimer = sim.after(this.#retransmission, () => {
      this.#retryTimer = null;
      const first = this.#outbox[0] as Sent;
      const ready = this.#ready();
      const fate = ready && (this.#rough !== null || this.#narrow) ? this.#fateOf(first.message) : undefined;
      if (ready && fate?.lost !== true) {
        const waiting = this.#outbox;
        this.#outbox = [];
        const own = sim.cause;
        sim.cause = first.cause;
        this.#carry(first.message, fate);
        for (let i = 1; i < waiting.length; i++) {
          const { message, cause } = waiting[i] as Sent;
          sim.cause = cause;
          this.#put(message);
        }
        sim.cause = own;
        return;
      }
      if (sim.now - this.#blockedSince >= RETRANSMISSION_LIMIT || (this.#closed && !this.process.machine.powered)) {
        this.#outbox = [];
        this.#fail('ETIMEDOUT');
        return;
      }
      this.#retransmission = Math.min(this.#retransmission * 2, LONGEST_RETRANSMISSION);
      this.#retry();
    });
  }
}
