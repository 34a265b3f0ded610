// One BGP session of BIRD (proto/bgp/bgp.c): Idle, Active, Connect, OpenSent, OpenConfirm, Established. When the connection breaks
// without a word, the peer's routes are kept for its restart time; a notification or the hold timer takes them away at once.

import type { Os } from '../../../machine/process.ts';
import { dial, SocketError } from '../../../network/socket.ts';
import type { Connection } from '../../../network/connection.ts';
import type { Timer } from '../../../sim/simulation.ts';
import type { Op } from '../../../sim/simulation.ts';
import { CALL } from '../../../sim/trace.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import type { BgpPeer } from './configuration.ts';
import { BGP_PORT, END_OF_RIB, type Message, type Open } from './messages.ts';

export type State = 'Idle' | 'Active' | 'Connect' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** BIRD's defaults, and Calico's template. */
const HOLD: Micros = 240 * SECOND;
const RESTART_TIME = 120;
const CONNECT_DELAY: Micros = 2 * SECOND;
const CONNECT_RETRY: Micros = 5 * SECOND;
const ERROR_WAIT: Micros = 5 * SECOND;
/** BIRD does not ask the kernel for probes. */
const KEEP_ALIVE = { idle: 7_200 * SECOND, probing: 675 * SECOND };

export interface Router {
  readonly os: Os;
  readonly as: number;
  readonly routerId: string;
  /** What it tells its peers. */
  readonly announced: ReadonlySet<string>;
  /** A peer's routes have changed, or its state. */
  changed(): void;
}

export class Peer {
  readonly peer: BgpPeer;
  readonly routes = new Map<string, string>();
  state: State;
  since: Micros;
  lastError = '';
  readonly #router: Router;
  #connection: Connection | null = null;
  #told = new Set<string>();
  #stale = new Set<string>();
  #restartTime = RESTART_TIME;
  #holdTimer: Timer | null = null;
  #keepAliveTimer: Timer | null = null;
  #staleTimer: Timer | null = null;
  #closed = false;

  constructor(router: Router, peer: BgpPeer) {
    this.#router = router;
    this.peer = peer;
    this.state = peer.passive ? 'Active' : 'Connect';
    this.since = router.os.sim.now;
    if (!peer.passive) router.os.go(`bgp ${peer.name}`, () => this.#connect());
  }

  /** Kept routes of a peer that has gone count until its time is over. */
  get restarting(): boolean {
    return this.#staleTimer !== null;
  }

  /** The peer has connected. */
  accept(connection: Connection): void {
    if (this.#closed || !this.peer.passive) {
      connection.close();
      return;
    }
    // The old one is dead, though nobody has said so.
    if (this.#connection !== null) this.#lost('Received: Connection collision', true);
    this.#begin(connection);
  }

  /** Tells the peer what has changed since it was told last. */
  announce(): void {
    if (this.state !== 'Established') return;
    const { announced, routerId } = this.#router;
    const announce = [...announced].filter((net) => !this.#told.has(net)).sort();
    const withdraw = [...this.#told].filter((net) => !announced.has(net)).sort();
    if (announce.length === 0 && withdraw.length === 0) return;
    this.#told = new Set(announced);
    this.#send({ type: 'UPDATE', announce, withdraw, nextHop: routerId });
  }

  /** The configuration has it no longer, or BIRD is told to end: says goodbye. */
  close(why: string): void {
    if (this.#connection !== null && this.state !== 'Connect' && this.state !== 'Active') this.#send({ type: 'NOTIFICATION', error: why });
    this.#closed = true;
    this.#drop();
    this.#forgetRoutes();
    this.#enter('Idle');
  }

  *#connect(): Op<void> {
    const { os } = this.#router;
    yield* os.sleep(CONNECT_DELAY);
    while (!this.#closed) {
      if (this.#connection === null) {
        this.#enter('Connect');
        try {
          this.#begin(yield* dial(os, this.peer.address, BGP_PORT, { timeout: CONNECT_RETRY }));
        } catch (error) {
          if (!(error instanceof SocketError)) throw error;
          this.lastError = `Socket: ${error.code === 'ECONNREFUSED' ? 'Connection refused' : error.code === 'EHOSTUNREACH' ? 'No route to host' : 'Connection timed out'}`;
          this.#enter('Active');
        }
      }
      yield* os.sleep(this.#connection === null ? CONNECT_RETRY : ERROR_WAIT);
    }
  }

  #begin(connection: Connection): void {
    const { as, routerId } = this.#router;
    this.#connection = connection;
    connection.keepAlive = KEEP_ALIVE;
    this.#router.os.go(`bgp rx ${this.peer.name}`, () => this.#listen(connection));
    this.#enter('OpenSent');
    this.#send({ type: 'OPEN', as, routerId, holdTime: HOLD / SECOND, restartTime: RESTART_TIME });
    this.#hold();
  }

  *#listen(connection: Connection): Op<void> {
    try {
      for (let message = yield* connection.receive(); message !== undefined; message = yield* connection.receive()) {
        if (this.#connection === connection) this.#receive(message as Message);
      }
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
    if (this.#connection === connection) this.#lost('Socket: Connection closed', true);
  }

  #send(message: Message): void {
    const { os } = this.#router;
    const quiet = message.type === 'KEEPALIVE';
    this.#connection?.send(message, message.type === 'UPDATE' ? 23 + 4 * (message.announce.length + message.withdraw.length) : 19, quiet ? undefined : { kind: 'dataplane', verb: `bgp-${message.type.toLowerCase()}`, detail: message, level: CALL });
    if (this.#keepAliveTimer !== null) os.sim.cancel(this.#keepAliveTimer);
    this.#keepAliveTimer = os.sim.after(HOLD / 3, () => {
      this.#keepAliveTimer = null;
      if (this.#connection !== null) this.#send({ type: 'KEEPALIVE' });
    });
  }

  #receive(message: Message): void {
    this.#hold();
    switch (message.type) {
      case 'OPEN':
        return this.#opened(message);
      case 'KEEPALIVE':
        if (this.state === 'OpenConfirm') this.#established();
        return;
      case 'NOTIFICATION':
        return this.#lost(`Received: ${message.error}`, false);
      case 'UPDATE':
        for (const net of message.withdraw) this.routes.delete(net);
        for (const net of message.announce) {
          this.routes.set(net, message.nextHop);
          this.#stale.delete(net);
        }
        // The end of what there was: what was not said again is no more.
        if (message.announce.length === 0 && message.withdraw.length === 0) this.#forgetStale();
        this.#router.changed();
    }
  }

  #opened(open: Open): void {
    if (open.as !== this.peer.as) {
      this.#send({ type: 'NOTIFICATION', error: 'Bad peer AS' });
      this.#lost('Sent: Bad peer AS', false);
      return;
    }
    this.#restartTime = open.restartTime;
    this.#enter('OpenConfirm');
    this.#send({ type: 'KEEPALIVE' });
  }

  #established(): void {
    this.lastError = '';
    this.#enter('Established');
    this.#told = new Set();
    this.announce();
    this.#send(END_OF_RIB);
    this.#router.changed();
  }

  /** The session has ended; `gracefully`: the peer may come back and find its routes kept. */
  #lost(error: string, gracefully: boolean): void {
    const { os } = this.#router;
    const was = this.state;
    this.lastError = error;
    this.#drop();
    this.#enter(this.peer.passive ? 'Active' : 'Connect');
    if (!gracefully || was !== 'Established') this.#forgetRoutes();
    else {
      this.#stale = new Set(this.routes.keys());
      if (this.#staleTimer !== null) os.sim.cancel(this.#staleTimer);
      this.#staleTimer = os.sim.after(this.#restartTime * SECOND, () => {
        this.#staleTimer = null;
        os.log(`bird: ${this.peer.name}: Neighbor graceful restart timeout`);
        this.#forgetStale();
      });
      os.log(`bird: ${this.peer.name}: Neighbor graceful restart detected`);
    }
    this.#router.changed();
  }

  #drop(): void {
    const { sim } = this.#router.os;
    for (const timer of [this.#holdTimer, this.#keepAliveTimer]) if (timer !== null) sim.cancel(timer);
    this.#holdTimer = null;
    this.#keepAliveTimer = null;
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
  }

  #hold(): void {
    const { sim } = this.#router.os;
    if (this.#holdTimer !== null) sim.cancel(this.#holdTimer);
    this.#holdTimer = sim.after(HOLD, () => {
      this.#holdTimer = null;
      if (this.#connection === null) return;
      this.#send({ type: 'NOTIFICATION', error: 'Hold timer expired' });
      this.#lost('Sent: Hold timer expired', false);
    });
  }

  #forgetStale(): void {
    const { sim } = this.#router.os;
    if (this.#staleTimer !== null) sim.cancel(this.#staleTimer);
    this.#staleTimer = null;
    for (const net of this.#stale) this.routes.delete(net);
    this.#stale.clear();
    this.#router.changed();
  }

  #forgetRoutes(): void {
    this.#stale.clear();
    this.routes.clear();
  }

  #enter(state: State): void {
    if (this.state === state) return;
    const { os } = this.#router;
    if (state === 'Established' || this.state === 'Established') this.since = os.sim.now;
    this.state = state;
    if (state === 'Established') os.log(`bird: ${this.peer.name}: State changed to up`);
    else if (state === 'Active') os.log(`bird: ${this.peer.name}: State changed to start`);
  }
}
