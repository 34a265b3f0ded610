// NodePorts: one RangeAllocation in etcd says which ports are taken, changed by compare-and-swap
// (pkg/registry/core/service/portallocator). The low ports are kept for wishes.

import type { StoredValue } from '../../etcd/messages.ts';
import type { Random } from '../../sim/random.ts';
import type { Op } from '../../sim/simulation.ts';
import type { EtcdClient } from '../storage/etcd.ts';

const KEY = '/registry/ranges/servicenodeports';

export class NodePorts {
  readonly from: number;
  readonly to: number;
  readonly #etcd: EtcdClient;
  readonly #random: Random;

  constructor(etcd: EtcdClient, random: Random, range: { readonly from: number; readonly to: number }) {
    this.#etcd = etcd;
    this.#random = random;
    this.from = range.from;
    this.to = range.to;
  }

  contains(port: number): boolean {
    return port >= this.from && port <= this.to;
  }

  /** Takes `wanted`, or as many free ports as there are zeros in it. Returns them in order; null when one is not to be had. */
  *take(wanted: readonly number[]): Op<{ readonly ports: readonly number[] } | { readonly taken: number }> {
    for (;;) {
      const { taken, revision } = yield* this.#read();
      const used = new Set(taken);
      const ports: number[] = [];
      for (const port of wanted) {
        const got = port === 0 ? this.#free(used) : used.has(port) ? undefined : port;
        if (got === undefined) return { taken: port };
        used.add(got);
        ports.push(got);
      }
      if (yield* this.#write(used, revision)) return { ports };
    }
  }

  *release(ports: readonly number[]): Op<void> {
    for (;;) {
      const { taken, revision } = yield* this.#read();
      const used = new Set(taken);
      for (const port of ports) used.delete(port);
      if (used.size === taken.length || (yield* this.#write(used, revision))) return;
    }
  }

  #free(used: ReadonlySet<number>): number | undefined {
    const size = this.to - this.from + 1;
    const offset = Math.min(Math.max(16, Math.floor(size / 32)), 128, size - 1);
    for (let attempt = 0; attempt < 64; attempt++) {
      const port = this.from + offset + this.#random.int(size - offset);
      if (!used.has(port)) return port;
    }
    for (let port = this.from; port <= this.to; port++) if (!used.has(port)) return port;
    return undefined;
  }

  *#read(): Op<{ readonly taken: readonly number[]; readonly revision: number }> {
    const kv = (yield* this.#etcd.range({ key: KEY })).kvs[0];
    return { taken: (kv?.value as { readonly ports?: readonly number[] } | undefined)?.ports ?? [], revision: kv?.modRevision ?? 0 };
  }

  *#write(used: ReadonlySet<number>, revision: number): Op<boolean> {
    const ports = Object.freeze([...used].sort((a, b) => a - b));
    const value: StoredValue = Object.freeze({ kind: 'RangeAllocation', apiVersion: 'v1', range: `${this.from}-${this.to}`, ports });
    const response = yield* this.#etcd.txn({
      compare: [{ key: KEY, target: 'MOD', result: 'EQUAL', revision }],
      success: [{ requestPut: { key: KEY, value } }],
      failure: [],
    });
    return response.succeeded;
  }
}
