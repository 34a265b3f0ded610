// ClusterIPs: each address in use is an IPAddress object, so that creating it is what takes it
// (pkg/registry/core/service/ipallocator with MultiCIDRServiceAllocator). The first 256 addresses are kept for wishes.

import { mustResource } from '../../api/kinds.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { Op, Simulation } from '../../sim/simulation.ts';
import type { Random } from '../../sim/random.ts';
import type { IPAddress } from '../../api/generated/types.ts';
import type { Store } from '../storage/store.ts';

export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
}

const ATTEMPTS = 64;

export class ServiceIps {
  readonly cidr: string;
  readonly #sim: Simulation;
  readonly #store: Store;
  readonly #random: Random;
  readonly #uids: Random;
  readonly #base: number;
  readonly #size: number;

  constructor(sim: Simulation, store: Store, cidr: string, random: Random, uids: Random) {
    this.cidr = cidr;
    this.#sim = sim;
    this.#store = store;
    this.#random = random;
    this.#uids = uids;
    const [address, bits] = cidr.split('/') as [string, string];
    this.#size = 2 ** (32 - Number(bits));
    const number = toNumber(address);
    this.#base = number - (number % this.#size);
  }

  /** The address of the Service default/kubernetes. */
  get first(): string {
    return toText(this.#base + 1);
  }

  contains(address: string): boolean {
    const number = toNumber(address);
    return number > this.#base && number < this.#base + this.#size - 1;
  }

  /** Takes a free address for the Service. Returns null when none was found. */
  *allocateNext(service: ServiceRef): Op<string | null> {
    const usable = this.#size - 2;
    const offset = Math.min(Math.max(16, Math.floor(this.#size / 16)), 256, usable);
    const span = usable - offset;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const address = toText(this.#base + 1 + (span > 0 ? offset - 1 + this.#random.int(span + 1) : this.#random.int(usable)));
      if (yield* this.allocate(address, service)) return address;
    }
    for (let i = 1; i <= usable; i++) {
      const address = toText(this.#base + i);
      if (!this.#isTaken(address) && (yield* this.allocate(address, service))) return address;
    }
    return null;
  }

  /** Takes this address; false when somebody has it. */
  *allocate(address: string, service: ServiceRef): Op<boolean> {
    if (this.#isTaken(address)) return false;
    const object: IPAddress = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: {
        name: address,
        uid: this.#uids.uuid(),
        creationTimestamp: this.#sim.time(),
        generation: 1,
        labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
      },
      spec: { parentRef: { group: '', resource: 'services', namespace: service.namespace, name: service.name } },
    };
    try {
      yield* this.#store.create(this.#at(address), object);
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  *release(address: string): Op<void> {
    try {
      yield* this.#store.delete(this.#at(address), {});
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #isTaken(address: string): boolean {
    return this.#store.cached(this.#at(address)) !== undefined;
  }

  #at(address: string) {
    return { kind: mustResource('ipaddresses.networking.k8s.io'), namespace: '', name: address };
  }
}

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toText = (n: number): string => `${Math.floor(n / 2 ** 24)}.${Math.floor(n / 2 ** 16) % 256}.${Math.floor(n / 256) % 256}.${n % 256}`;
