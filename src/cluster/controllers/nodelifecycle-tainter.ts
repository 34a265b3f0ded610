// Taints nodes NoExecute one after another (pkg/controller/nodelifecycle, RateLimitedTimedQueue): at most one in 10 s in
// each zone, and none when it looks as if the zone, not the node, were the trouble.

import type { Node, Taint } from '../api/generated/types.ts';
import { conditionOf } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { Informer } from '../client/informer.ts';
import type { Os } from '../machine/process.ts';
import type { Op, Timer } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { evictionRate, type ReadyStatus, type ZoneState, zoneOf, zoneState } from './nodelifecycle-health.ts';
import { NOT_READY, sameTaint, swapTaints, UNREACHABLE } from './taints.ts';

const NOT_READY_TAINT: Taint = { key: NOT_READY, effect: 'NoExecute' };
const UNREACHABLE_TAINT: Taint = { key: UNREACHABLE, effect: 'NoExecute' };

interface Zone {
  /** Nodes that wait to be tainted, in order. */
  readonly waiting: Set<string>;
  rate: number;
  /** When the next may be tainted. */
  free: Micros;
  timer: Timer | null;
}

export class NoExecuteTainter {
  readonly #os: Os;
  readonly #client: Client;
  readonly #nodes: Informer<Node>;
  readonly #zones = new Map<string, Zone>();
  #allDown = false;

  constructor(os: Os, client: Client, nodes: Informer<Node>) {
    this.#os = os;
    this.#client = client;
    this.#nodes = nodes;
  }

  /** Acts on what the node's Ready condition says now. */
  *consider(node: Node, ready: string): Op<void> {
    const name = node.metadata.name;
    const has = (taint: Taint): boolean => (node.spec.taints ?? []).some((t) => sameTaint(t, taint));
    if (ready === 'True') {
      this.remove(name);
      const present = [NOT_READY_TAINT, UNREACHABLE_TAINT].filter(has);
      if (present.length > 0) yield* swapTaints(this.#client, name, [], present);
      return;
    }
    const [wanted, other] = ready === 'False' ? [NOT_READY_TAINT, UNREACHABLE_TAINT] : [UNREACHABLE_TAINT, NOT_READY_TAINT];
    if (has(wanted)) return;
    if (has(other)) yield* swapTaints(this.#client, name, [this.#now(wanted)], [other]);
    else this.#enqueue(node);
  }

  remove(name: string): void {
    for (const zone of this.#zones.values()) zone.waiting.delete(name);
  }

  /**
   * Sets each zone's rate by how many of its nodes are ready. When no node of any zone is, the trouble is taken to be on this
   * side: nothing is tainted any more, and what was is freed again.
   */
  *noteZones(readiness: ReadonlyMap<string, readonly ReadyStatus[]>, nodes: readonly Node[]): Op<'end of total disruption' | undefined> {
    const states = new Map<string, ZoneState>();
    for (const [key, statuses] of readiness) states.set(key, zoneState(statuses));
    const allDown = states.size > 0 && [...states.values()].every((state) => state === 'FullDisruption');
    const wasAllDown = this.#allDown;
    this.#allDown = allDown;
    for (const [key, statuses] of readiness) {
      const zone = this.#zone(key);
      zone.rate = evictionRate(states.get(key) as ZoneState, statuses.length, allDown);
      if (allDown) zone.waiting.clear();
      this.#arm(zone);
    }
    if (allDown && !wasAllDown) for (const node of nodes) yield* this.consider(node, 'True');
    return wasAllDown && !allDown ? 'end of total disruption' : undefined;
  }

  #enqueue(node: Node): void {
    const zone = this.#zone(zoneOf(node));
    zone.waiting.add(node.metadata.name);
  }

  #zone(key: string): Zone {
    let zone = this.#zones.get(key);
    if (!zone) this.#zones.set(key, (zone = { waiting: new Set(), rate: 0, free: 0, timer: null }));
    return zone;
  }

  #arm(zone: Zone): void {
    if (zone.timer !== null || zone.waiting.size === 0 || zone.rate === 0) return;
    zone.timer = this.#os.sim.after(Math.max(0, zone.free - this.#os.sim.now), () => {
      zone.timer = null;
      const [name] = zone.waiting;
      if (name === undefined || zone.rate === 0) return;
      zone.waiting.delete(name);
      zone.free = this.#os.sim.now + SECOND / zone.rate;
      this.#os.go(`taint-node/${name}`, () => this.#taint(name, zone));
      this.#arm(zone);
    });
  }

  *#taint(name: string, zone: Zone): Op<void> {
    const node = this.#nodes.get('', name);
    const ready = node && conditionOf(node.status.conditions, 'Ready')?.status;
    if (!node || ready === undefined || ready === 'True') return;
    const [add, remove] = ready === 'False' ? [NOT_READY_TAINT, UNREACHABLE_TAINT] : [UNREACHABLE_TAINT, NOT_READY_TAINT];
    try {
      yield* swapTaints(this.#client, name, [this.#now(add)], [remove]);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#os.logError(`"Failed to taint node" node="${name}" err="${messageOf(error)}"`);
      zone.waiting.add(name);
      this.#arm(zone);
    }
  }

  #now(taint: Taint): Taint {
    return { ...taint, timeAdded: this.#os.sim.time() };
  }
}
