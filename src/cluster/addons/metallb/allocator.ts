// Which Service has which address (internal/allocator/allocator.go): one each, or shared by those with the same key on different ports.

import type { Service } from '../../api/generated/types.ts';
import { addressesOf, type Pool, poolOf } from './pools.ts';

/** What several Services may have in common on one address. */
interface Holder {
  readonly address: string;
  readonly ports: readonly string[];
  readonly sharing: string;
  readonly backend: string;
}

export class Allocator {
  pools: readonly Pool[] = [];
  readonly #held = new Map<string, Holder>();

  addressOf(key: string): string | undefined {
    return this.#held.get(key)?.address;
  }

  /** How many addresses of a pool are in use. */
  used(pool: Pool): number {
    return new Set([...this.#held.values()].map((h) => h.address).filter((a) => poolOf([pool], a) !== undefined)).size;
  }

  release(key: string): boolean {
    return this.#held.delete(key);
  }

  /** Gives the Service that address. Throws Error in MetalLB's words. */
  assign(key: string, service: Service, address: string, admitted: (pool: Pool) => boolean): void {
    const pool = poolOf(this.pools, address);
    if (!pool) throw new Error(`["${address}"] is not allowed in config`);
    if (!admitted(pool)) throw new Error(`pool ${pool.name} not compatible for ip assignment`);
    const wanted = holderOf(service, address);
    const problem = this.#conflict(key, wanted);
    if (problem !== undefined) throw new Error(problem);
    this.#held.set(key, wanted);
  }

  /** The first free address of the pools, in their order. Throws Error. */
  allocate(key: string, service: Service, pools: readonly Pool[]): string {
    for (const pool of pools) {
      for (const address of addressesOf(pool)) {
        const wanted = holderOf(service, address);
        if (this.#conflict(key, wanted) !== undefined) continue;
        this.#held.set(key, wanted);
        return address;
      }
    }
    throw new Error('no available IPs');
  }

  #conflict(key: string, wanted: Holder): string | undefined {
    const others = [...this.#held].filter(([other, holder]) => other !== key && holder.address === wanted.address);
    for (const [other, holder] of others) {
      const problem = sharingProblem(holder, wanted);
      if (problem !== undefined) return `can't change sharing key for ${JSON.stringify(key)}, address also in use by ${other}: ${problem}`;
      const port = wanted.ports.find((p) => holder.ports.includes(p));
      if (port !== undefined) return `port ${port} is already in use on "${wanted.address}"`;
    }
    return undefined;
  }
}

function holderOf({ metadata, spec }: Service, address: string): Holder {
  const sharing = metadata.annotations?.['metallb.io/allow-shared-ip'] ?? metadata.annotations?.['metallb.universe.tf/allow-shared-ip'] ?? '';
  const backend = spec.externalTrafficPolicy === 'Local' ? JSON.stringify(spec.selector ?? {}) : '';
  return { address, sharing, backend, ports: (spec.ports ?? []).map((p) => `${p.protocol ?? 'TCP'}/${p.port}`) };
}

function sharingProblem(existing: Holder, wanted: Holder): string | undefined {
  if (existing.sharing === '') return 'existing service does not allow sharing';
  if (wanted.sharing === '') return 'new service does not allow sharing';
  if (existing.sharing !== wanted.sharing) return `sharing key "${wanted.sharing}" does not match existing sharing key "${existing.sharing}"`;
  if (existing.backend !== wanted.backend) return `backend key "${wanted.backend}" does not match existing sharing key "${existing.backend}"`;
  return undefined;
}
