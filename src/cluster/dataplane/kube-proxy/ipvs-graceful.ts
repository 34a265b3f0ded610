// Graceful termination (pkg/proxy/ipvs/graceful_termination.go): a real server that is no longer wanted gets weight 0, so that open
// connections go on and no new ones come; once a minute those without connections are deleted.

import type { Os } from '../../machine/process.ts';
import type { RealServer, VirtualServer } from '../../network/ipvs.ts';
import type { Netns } from '../../network/netns.ts';
import { MINUTE } from '../../sim/time.ts';
import { type IpvsTable, loadsOf, virtualKey } from './ipvs-table.ts';

const same = (a: RealServer, b: RealServer): boolean => a.address === b.address && a.port === b.port;

export class GracefulTermination {
  readonly #os: Os;
  readonly #netns: Netns;
  readonly #table: IpvsTable;
  /** Real servers that wait for their end, by virtual server. */
  readonly #leaving = new Map<string, RealServer[]>();
  #planned = false;

  constructor(os: Os, netns: Netns, table: IpvsTable) {
    this.#os = os;
    this.#netns = netns;
    this.#table = table;
  }

  /** What is written in place of `next`: with those that served before and still have connections. UDP and SCTP have none to end. */
  follow(before: VirtualServer | undefined, next: VirtualServer): VirtualServer {
    const key = virtualKey(next);
    const gone = (before?.servers ?? []).filter((s) => !next.servers.some((n) => same(n, s)));
    if (next.protocol !== 'tcp' || before === undefined || gone.length === 0) {
      this.#leaving.delete(key);
      return next;
    }
    const loads = loadsOf(this.#netns, before);
    const leaving = gone.filter((s) => loads.has(`${s.address}:${s.port}`)).map((s) => ({ ...s, weight: 0 }));
    if (leaving.length === 0) {
      this.#leaving.delete(key);
      return next;
    }
    this.#leaving.set(key, leaving);
    this.#plan();
    return { ...next, servers: [...next.servers, ...leaving] };
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#netns.machine.sim.after(MINUTE, () => {
      this.#planned = false;
      if (this.#os.process.status !== null) return;
      this.#check();
      if (this.#leaving.size > 0) this.#plan();
    });
  }

  /** Every minute: what has neither active nor inactive connections goes. */
  #check(): void {
    for (const [key, leaving] of this.#leaving) {
      const virtual = this.#table.get(key);
      const loads = virtual === undefined ? null : loadsOf(this.#netns, virtual);
      const left = leaving.filter((s) => loads?.has(`${s.address}:${s.port}`) === true);
      if (left.length === leaving.length) continue;
      if (virtual !== undefined) this.#table.put({ ...virtual, servers: virtual.servers.filter((s) => s.weight > 0 || left.some((l) => same(l, s))) });
      if (left.length === 0) this.#leaving.delete(key);
      else this.#leaving.set(key, left);
    }
  }
}
