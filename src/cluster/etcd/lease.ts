// etcd's lessor (server/lease): which keys hang on which lease. Expiry times are the primary's business, see server.ts.

import { errLeaseExists, errLeaseNotFound } from './messages.ts';

export interface Lease {
  readonly id: number;
  /** Seconds. */
  readonly ttl: number;
  readonly keys: Set<string>;
}

export class Lessor {
  readonly #leases = new Map<number, Lease>();
  /** The lease that a key hangs on. */
  readonly #owner = new Map<string, number>();

  get(id: number): Lease | undefined {
    return this.#leases.get(id);
  }

  all(): Iterable<Lease> {
    return this.#leases.values();
  }

  /** @throws EtcdError when the id is taken. */
  grant(id: number, ttl: number): Lease {
    if (this.#leases.has(id)) throw errLeaseExists();
    const lease: Lease = { id, ttl, keys: new Set() };
    this.#leases.set(id, lease);
    return lease;
  }

  /** Forgets the lease; returns its keys, which the caller deletes. @throws EtcdError */
  revoke(id: number): readonly string[] {
    const lease = this.#leases.get(id);
    if (!lease) throw errLeaseNotFound();
    this.#leases.delete(id);
    for (const key of lease.keys) this.#owner.delete(key);
    return [...lease.keys].sort();
  }

  /** A put moved the key to `id` (0: to none). */
  attach(key: string, id: number): void {
    const before = this.#owner.get(key);
    if (before === id || (before === undefined && id === 0)) return;
    if (before !== undefined) this.#leases.get(before)?.keys.delete(key);
    if (id === 0) {
      this.#owner.delete(key);
      return;
    }
    this.#leases.get(id)?.keys.add(key);
    this.#owner.set(key, id);
  }

  clone(): Lessor {
    const copy = new Lessor();
    for (const lease of this.#leases.values()) copy.#leases.set(lease.id, { ...lease, keys: new Set(lease.keys) });
    for (const [key, id] of this.#owner) copy.#owner.set(key, id);
    return copy;
  }
}
