// The kernel's table of virtual servers (net/netfilter/ipvs): the schedulers rr, wrr, lc, wlc, sh, dh, sed and nq choose a real server for a
// new connection; who comes again within the time of a persistent service goes where it went.

import type { MatchContext } from '../../network/compile.ts';
import type { Ipvs, RealServer, VirtualServer } from '../../network/ipvs.ts';
import type { Netns } from '../../network/netns.ts';

/** Connections of a real server: established ones, and those that open or have ended. */
export interface Load {
  active: number;
  inactive: number;
}

export const virtualKey = ({ protocol, address, port }: Pick<VirtualServer, 'protocol' | 'address' | 'port'>): string => `${protocol} ${address}:${port}`;
const serverKey = ({ address, port }: RealServer): string => `${address}:${port}`;

/** The connections of each real server of a virtual one, as connection tracking knows them. */
export function loadsOf(netns: Netns, virtual: VirtualServer): ReadonlyMap<string, Load> {
  const loads = new Map<string, Load>();
  for (const e of netns.conntrack.list(netns.machine.sim.now)) {
    if (e.protocol !== virtual.protocol || e.original.dst !== virtual.address || e.original.dport !== virtual.port) continue;
    const key = `${e.reply.src}:${e.reply.sport}`;
    const load = loads.get(key) ?? { active: 0, inactive: 0 };
    if (e.state === 'ESTABLISHED') load.active++;
    else load.inactive++;
    loads.set(key, load);
  }
  return loads;
}

const IDLE: Load = { active: 0, inactive: 0 };

/** ip_vs_dest_conn_overhead: an established connection weighs as much as 256 others. */
const overhead = ({ active, inactive }: Load): number => active * 256 + inactive;

/** The first server with the least cost. */
function least(servers: readonly RealServer[], cost: (server: RealServer) => number): RealServer {
  let best = servers[0] as RealServer;
  let lowest = cost(best);
  for (const server of servers) {
    const value = cost(server);
    if (value < lowest) [best, lowest] = [server, value];
  }
  return best;
}

/** ip_vs_sh, ip_vs_dh: 256 buckets, dealt out to the servers by weight. */
function byHash(servers: readonly RealServer[], address: number): RealServer {
  const deck = servers.flatMap((server) => Array.from({ length: server.weight }, () => server));
  const bucket = (Math.imul(address, 2_654_435_761) >>> 0) & 0xff;
  return deck[bucket % deck.length] as RealServer;
}

/** Where wrr stands: the server taken last, and the weight that is served at the moment. */
interface Turn {
  at: number;
  weight: number;
}

export class IpvsTable implements Ipvs {
  readonly #netns: Netns;
  readonly #servers = new Map<string, VirtualServer>();
  readonly #turns = new Map<string, Turn>();
  readonly #sticky = new Map<string, RealServer>();

  constructor(netns: Netns) {
    this.#netns = netns;
  }

  put(server: VirtualServer): void {
    this.#servers.set(virtualKey(server), server);
  }

  get(key: string): VirtualServer | undefined {
    return this.#servers.get(key);
  }

  remove(server: VirtualServer): void {
    this.#servers.delete(virtualKey(server));
  }

  choose(c: MatchContext): RealServer | null | undefined {
    const key = `${c.protocol} ${c.dst}:${c.dport}`;
    const virtual = this.#servers.get(key);
    if (virtual === undefined) return undefined;
    if (virtual.persistent > 0) {
      const name = `ipvs ${key}`;
      const old = this.#sticky.get(`${key} ${c.src}`);
      const again = old !== undefined && this.#seen(name, c.src, virtual.persistent) ? virtual.servers.find((s) => serverKey(s) === serverKey(old) && s.weight > 0) : undefined;
      c.noteSeen(name, c.src);
      if (again !== undefined) return again;
    }
    const able = virtual.servers.filter((s) => s.weight > 0);
    if (able.length === 0) return null;
    const chosen = this.#schedule(key, virtual, able, c);
    if (virtual.persistent > 0 && c.live) this.#sticky.set(`${key} ${c.src}`, chosen);
    return chosen;
  }

  #schedule(key: string, virtual: VirtualServer, able: readonly RealServer[], c: MatchContext): RealServer {
    switch (virtual.scheduler) {
      case 'sh':
        return byHash(able, c.srcInt);
      case 'dh':
        return byHash(able, c.dstInt);
      case 'lc':
      case 'wlc':
      case 'sed':
      case 'nq': {
        const loads = loadsOf(this.#netns, virtual);
        const load = (s: RealServer): Load => loads.get(serverKey(s)) ?? IDLE;
        if (virtual.scheduler === 'lc') return least(able, (s) => overhead(load(s)));
        if (virtual.scheduler === 'wlc') return least(able, (s) => overhead(load(s)) / s.weight);
        const idle = virtual.scheduler === 'nq' ? able.find((s) => load(s).active === 0) : undefined;
        return idle ?? least(able, (s) => (load(s).active + 1) / s.weight);
      }
      case 'wrr':
        return this.#inTurn(key, able, Math.max(...able.map((s) => s.weight)), c.live);
      default:
        return this.#inTurn(key, able, 1, c.live);
    }
  }

  /** Round robin; with weights a server is passed over while a greater weight than its own is served. */
  #inTurn(key: string, able: readonly RealServer[], greatest: number, live: boolean): RealServer {
    let { at, weight } = this.#turns.get(key) ?? { at: -1, weight: greatest };
    for (;;) {
      at++;
      if (at >= able.length) {
        at = 0;
        weight = weight <= 1 ? greatest : weight - 1;
      }
      const server = able[at] as RealServer;
      if (server.weight < Math.min(weight, greatest)) continue;
      if (live) this.#turns.set(key, { at, weight });
      return server;
    }
  }

  #seen(list: string, source: string, seconds: number): boolean {
    const { rules, machine } = this.#netns;
    const at = rules.recent.get(list)?.get(source);
    return at !== undefined && machine.sim.now - at <= seconds * 1_000_000;
  }

  list(): readonly VirtualServer[] {
    return [...this.#servers.values()];
  }

  clear(): void {
    this.#servers.clear();
  }
}
