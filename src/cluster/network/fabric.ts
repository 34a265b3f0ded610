// What all namespaces of one simulation share: running numbers for hardware addresses, and the list of open connections that
// must be looked at again when something breaks.

import type { Simulation } from '../sim/simulation.ts';
import type { Tap } from './tap.ts';

/** An open connection, as far as the fabric cares. */
export interface Watched {
  /** Paths may have broken: find out, and start keep-alive probing when the peer cannot be reached. */
  recheck(): void;
}

const fabrics = new WeakMap<Simulation, Fabric>();

export class Fabric {
  readonly sim: Simulation;
  readonly connections = new Set<Watched>();
  /** Who captures packets; null while nobody does. */
  taps: Set<Tap> | null = null;
  #macs = 0;
  #recheckPlanned = false;

  constructor(sim: Simulation) {
    this.sim = sim;
  }

  static of(sim: Simulation): Fabric {
    let fabric = fabrics.get(sim);
    if (fabric === undefined) fabrics.set(sim, (fabric = new Fabric(sim)));
    return fabric;
  }

  /** A number for the next hardware address. */
  nextMac(): number {
    return ++this.#macs;
  }

  /** Something on the way may have broken (a link, a machine, a route): every open connection is looked at, once. */
  disturbed(): void {
    if (this.#recheckPlanned || this.connections.size === 0) return;
    this.#recheckPlanned = true;
    this.sim.after(0, () => {
      this.#recheckPlanned = false;
      for (const connection of [...this.connections]) connection.recheck();
    });
  }
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));
const hex = (n: number): string => HEX[n & 255] as string;

/** The hardware address with a number: locally administered, unicast. */
export function macAddress(seed: number, n: number): string {
  let h = Math.imul((n + 1) ^ Math.imul(seed, 0x85ebca6b), 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return `${hex(((h >>> 24) & 0xfc) | 2)}:${hex(h >>> 16)}:${hex(h >>> 8)}:${hex(h)}:${hex(n >>> 8)}:${hex(n)}`;
}
