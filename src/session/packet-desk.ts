// Where a session's questions about packets are answered: at the view, by the tables as they are there.

import type { Micros } from '../cluster/sim/time.ts';
import { lookUp as lookUpIn } from './packet-dns.ts';
import { askPacket, carrierOf, packetEnds, tracedPacket, tracedPackets } from './packet.ts';
import type { DnsLookup, PacketAnswer, PacketEnds, PacketQuestion, TracedPacket } from './packet-types.ts';
import type { Replica } from './replica.ts';

export interface DeskOptions {
  /** The session's cluster. */
  readonly replica: () => Replica;
  readonly view: () => Micros;
  /** A cluster of its own, replayed to the view. */
  readonly copy: () => Replica;
}

export class PacketDesk {
  readonly #options: DeskOptions;
  /** The cluster as it was at a view in the past; kept while the view stays there. */
  #past: { readonly of: Replica; readonly view: Micros; readonly copy: Replica } | null = null;

  /** Names that were looked up at one instant. */
  #names: { readonly of: Replica; readonly at: Micros; readonly inputs: number; readonly found: Map<string, DnsLookup | null> } | null = null;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** What would happen now to a packet that nobody sends. */
  ask(question: PacketQuestion): PacketAnswer {
    const { history } = this.#options.replica();
    const lookUp = (from: string, host: string): DnsLookup | null => this.#lookUp(from, host);
    return askPacket({ cluster: this.#atView().cluster, objectAt: (key) => history.value(key), lookUp }, question);
  }

  ends(): PacketEnds {
    const replica = this.#options.replica();
    return packetEnds(replica, replica.history.entries());
  }

  /** The packets of a flow that were written down hop by hop. */
  traced(flow: number): readonly TracedPacket[] {
    const { cluster, flows } = this.#options.replica();
    return tracedPackets((flows.get(flow)?.all ?? []).map((id) => cluster.sim.trace.get(id)));
  }

  /** The hops of one of them, or of the connection that carried a message; null when none were written down. */
  hopsOf(id: number): PacketAnswer | null {
    const { cluster, flows } = this.#options.replica();
    const { trace } = cluster.sim;
    const record = trace.get(id);
    if (record === undefined) return null;
    const all = flows.get(record.flow)?.all ?? [];
    const walked = record.kind === 'packet' ? record : carrierOf(record, all.filter((other) => other < id).map((other) => trace.get(other)));
    if (walked === null) return null;
    return tracedPacket(cluster.machines, walked, all.filter((other) => other > walked.id).map((other) => trace.get(other)));
  }

  /** In a copy of the cluster; the same question at the same instant costs no second one. */
  #lookUp(from: string, host: string): DnsLookup | null {
    const { replica, view, copy } = this.#options;
    const of = replica();
    const at = view();
    const inputs = of.performed.length;
    if (this.#names === null || this.#names.of !== of || this.#names.at !== at || this.#names.inputs !== inputs) this.#names = { of, at, inputs, found: new Map() };
    const { found } = this.#names;
    const key = `${from} ${host}`;
    let lookup = found.get(key);
    if (lookup === undefined) found.set(key, (lookup = lookUpIn(copy(), from, host) ?? null));
    return lookup;
  }

  /** At the live edge the tables are the session's own; in the past, those of a copy. */
  #atView(): Replica {
    const { replica, view, copy } = this.#options;
    const of = replica();
    const at = view();
    if (at === of.now) return of;
    if (this.#past === null || this.#past.of !== of || this.#past.view !== at) this.#past = { of, view: at, copy: copy() };
    return this.#past.copy;
  }
}
