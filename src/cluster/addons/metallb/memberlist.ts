// Fast detection of dead nodes among the speakers (hashicorp/memberlist, a SWIM protocol, on port 7946): every second one other member is
// asked; who does not answer is suspected, and dead when nobody has heard of it for four seconds.

import type { Os } from '../../machine/process.ts';
import { SocketError } from '../../network/socket-error.ts';
import { udpSocket, type UdpSocket } from '../../network/udp.ts';
import type { Random } from '../../sim/random.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../sim/time.ts';

const PORT = 7946;
const PROBE_INTERVAL = SECOND;
const PROBE_TIMEOUT = 500 * MILLISECOND;
const SUSPICION = 4 * SECOND;
const REJOIN = 5 * 60 * SECOND;

interface Message {
  readonly type: 'ping' | 'ack' | 'join' | 'suspect' | 'dead' | 'alive' | 'leave';
  readonly from: string;
  readonly sequence?: number;
  /** Whom it is about. */
  readonly node?: string;
}

interface Member {
  readonly address: string;
  alive: boolean;
  suspectedAt: Micros | null;
}

const QUIET = { kind: 'packet', verb: 'gossip', subject: null, detail: null } as const;

export class Memberlist {
  readonly #os: Os;
  readonly #me: string;
  readonly #socket: UdpSocket;
  readonly #random: Random;
  readonly #members = new Map<string, Member>();
  readonly #changed: (event: string, node: string) => void;
  #sequence = 0;
  #answered = -1;
  #order: string[] = [];

  constructor(os: Os, me: string, changed: (event: string, node: string) => void) {
    this.#os = os;
    this.#me = me;
    this.#changed = changed;
    this.#random = os.sim.random(`memberlist/${os.place}`);
    this.#socket = udpSocket(os, PORT);
    this.#socket.onDatagram = ({ payload, address }) => this.#take(payload as Message, address);
  }

  /** This node and those that are alive. */
  nodes(): ReadonlySet<string> {
    return new Set([this.#me, ...[...this.#members].filter(([, m]) => m.alive).map(([name]) => name)]);
  }

  join(addresses: readonly string[]): void {
    for (const address of addresses) this.#send(address, { type: 'join', from: this.#me });
  }

  leave(): void {
    this.#tellAll({ type: 'leave', from: this.#me });
  }

  *run(others: () => Op<readonly string[]>): Op<void> {
    const { sim } = this.#os;
    let rejoined = -REJOIN;
    for (;;) {
      sim.cause = null;
      if (sim.now - rejoined >= REJOIN || this.#members.size === 0) {
        rejoined = sim.now;
        this.join(yield* others());
      }
      yield* this.#probe();
      yield* this.#os.sleep(PROBE_INTERVAL - PROBE_TIMEOUT);
      for (const [name, member] of this.#members) {
        if (member.alive && member.suspectedAt !== null && sim.now - member.suspectedAt >= SUSPICION) {
          this.#bury(name, member);
          this.#tellAll({ type: 'dead', from: this.#me, node: name });
        }
      }
    }
  }

  /** The next in an order that is shuffled for each round. */
  *#probe(): Op<void> {
    if (this.#order.length === 0) {
      const names = [...this.#members.keys()];
      for (let i = names.length - 1; i > 0; i--) {
        const j = this.#random.int(i + 1);
        [names[i], names[j]] = [names[j] as string, names[i] as string];
      }
      this.#order = names;
    }
    const name = this.#order.pop();
    const member = name === undefined ? undefined : this.#members.get(name);
    if (name === undefined || member === undefined) {
      yield* this.#os.sleep(PROBE_TIMEOUT);
      return;
    }
    const sequence = ++this.#sequence;
    this.#send(member.address, { type: 'ping', from: this.#me, sequence });
    yield* this.#os.sleep(PROBE_TIMEOUT);
    if (this.#answered >= sequence || !member.alive) return;
    if (member.suspectedAt === null) this.#os.log(`{"caller":"net.go:0","level":"info","msg":"[DEBUG] memberlist: Failed UDP ping: ${name} (timeout reached)","ts":"${this.#os.sim.time()}"}`);
    member.suspectedAt ??= this.#os.sim.now;
    this.#tellAll({ type: 'suspect', from: this.#me, node: name });
  }

  #take(message: Message, address: string): void {
    const { type, from, sequence, node } = message;
    switch (type) {
      case 'ping':
        this.#hear(from, address);
        this.#send(address, { type: 'ack', from: this.#me, ...(sequence === undefined ? {} : { sequence }) });
        break;
      case 'ack':
        this.#answered = Math.max(this.#answered, sequence ?? 0);
        this.#hear(from, address);
        break;
      case 'join': {
        const known = this.#members.get(from)?.alive === true;
        this.#hear(from, address);
        if (!known) this.join([address]);
        break;
      }
      case 'suspect': {
        if (node === this.#me) {
          this.#tellAll({ type: 'alive', from: this.#me });
          break;
        }
        const member = this.#members.get(node ?? '');
        if (member) member.suspectedAt ??= this.#os.sim.now;
        break;
      }
      case 'dead': {
        const member = this.#members.get(node ?? '');
        if (node === this.#me) this.#tellAll({ type: 'alive', from: this.#me });
        else if (member?.alive) this.#bury(node ?? '', member);
        break;
      }
      case 'leave': {
        const member = this.#members.get(from);
        if (member?.alive) this.#bury(from, member);
        break;
      }
      case 'alive':
        this.#hear(from, address);
    }
  }

  #hear(name: string, address: string): void {
    if (name === this.#me) return;
    const member = this.#members.get(name);
    if (member?.alive && member.address === address) {
      member.suspectedAt = null;
      return;
    }
    this.#members.set(name, { address, alive: true, suspectedAt: null });
    this.#changed('NodeJoin', name);
  }

  #bury(name: string, member: Member): void {
    member.alive = false;
    member.suspectedAt = null;
    this.#changed('NodeLeave', name);
  }

  #tellAll(message: Message): void {
    for (const { address } of this.#members.values()) this.#send(address, message);
  }

  #send(address: string, message: Message): void {
    try {
      this.#socket.send(address, PORT, message, { trace: QUIET });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
  }
}
