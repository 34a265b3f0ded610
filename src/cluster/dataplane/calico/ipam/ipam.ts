// Calico's IPAM (libcalico-go/lib/ipam): nodes claim blocks of the pools, addresses are taken from a node's own blocks, and every
// write is conditional, so that two who want the same learn of it.

import type { Node } from '../../../api/generated/types.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../../api/status.ts';
import type { Client } from '../../../client/client.ts';
import { parseCidr } from '../../../network/ip.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND } from '../../../sim/time.ts';
import { type BlockAffinity, type BlockAffinitySpec, CALICO_KINDS, type IpamBlock, type IpamBlockSpec, type IpamHandle, type IpPool, Store } from '../resources.ts';
import { parseSelector } from '../selector.ts';
import { addressesOf, assign, type Assigned, blockName, blocksOf, DEFAULT_BLOCK_SIZE, isEmpty, newBlock, release } from './block.ts';

/** How often a write that lost a race is tried again. */
const RETRIES = 100;
const RETRY_AFTER = 5 * MILLISECOND;

export class IpamError extends Error {}

export interface AssignRequest {
  readonly node: string;
  readonly handle: string;
  /** Who has it: namespace, pod, node, timestamp. */
  readonly attributes: Readonly<Record<string, string>>;
}

export class Ipam {
  readonly #client: Client;
  readonly #pools: Store<IpPool>;
  readonly #blocks: Store<IpamBlock>;
  readonly #affinities: Store<BlockAffinity>;
  readonly #handles: Store<IpamHandle>;

  constructor(client: Client) {
    this.#client = client;
    this.#pools = new Store(client, CALICO_KINDS.ipPool);
    this.#blocks = new Store(client, CALICO_KINDS.ipamBlock);
    this.#affinities = new Store(client, CALICO_KINDS.blockAffinity);
    this.#handles = new Store(client, CALICO_KINDS.ipamHandle);
  }

  /** An address for a Pod of the node. Throws IpamError when there is none. */
  *assign(request: AssignRequest): Op<string> {
    const pools = yield* this.#usablePools(request.node);
    if (pools.length === 0) throw new IpamError('no configured Calico pools for node ' + request.node);
    const tried = new Set<string>();
    for (const { spec } of yield* this.#affinities.list()) {
      if (spec.node !== request.node || spec.deleted === 'true' || !pools.some((p) => within(p, spec.cidr))) continue;
      tried.add(spec.cidr);
      const address = yield* this.#fromBlock(spec.cidr, request, true);
      if (address !== null) return address;
    }
    for (const pool of pools) {
      const cidr = yield* this.#claim(pool, request.node);
      if (cidr === null) continue;
      tried.add(cidr);
      const address = yield* this.#fromBlock(cidr, request, true);
      if (address !== null) return address;
    }
    // No block is free any more: borrow from another node's.
    for (const { spec } of yield* this.#blocks.list()) {
      if (tried.has(spec.cidr) || spec.strictAffinity || !pools.some((p) => within(p, spec.cidr))) continue;
      const address = yield* this.#fromBlock(spec.cidr, request, false);
      if (address !== null) return address;
    }
    throw new IpamError('failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free blocks and no addresses left to borrow');
  }

  /** Gives back all that goes by the handle; false when nobody knows it. */
  *release(handle: string): Op<boolean> {
    let known: IpamHandle;
    try {
      known = yield* this.#handles.get(handle.toLowerCase());
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
    for (const cidr of Object.keys(known.spec.block)) yield* this.#change(cidr, (block) => release(block, handle));
    yield* this.#forget(() => this.#handles.delete(known.metadata.name));
    return true;
  }

  /** Takes a node's blocks away from it when it is gone: empty ones are deleted, others stay without a node. */
  *releaseNode(node: string): Op<number> {
    let n = 0;
    for (const affinity of yield* this.#affinities.list()) {
      if (affinity.spec.node !== node) continue;
      yield* this.#releaseAffinity(affinity);
      n++;
    }
    return n;
  }

  /** All blocks, for who looks for addresses that nobody has. */
  blocks(): Op<readonly IpamBlock[]> {
    return this.#blocks.list();
  }

  *#releaseAffinity(affinity: BlockAffinity): Op<void> {
    const { cidr } = affinity.spec;
    try {
      const block = yield* this.#blocks.get(blockName(cidr));
      if (isEmpty(block.spec)) yield* this.#forget(() => this.#blocks.delete(block.metadata.name, block.metadata.resourceVersion));
      else {
        const { affinity: _, ...rest } = block.spec;
        yield* this.#blocks.update({ ...block, spec: { ...rest, affinity: '' } });
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    yield* this.#forget(() => this.#affinities.delete(affinity.metadata.name));
  }

  *#usablePools(node: string): Op<readonly IpPool[]> {
    const pools = (yield* this.#pools.list()).filter(({ spec }) => spec.disabled !== true && (spec.allowedUses ?? ['Workload']).includes('Workload') && !spec.cidr.includes(':'));
    if (pools.every((p) => (p.spec.nodeSelector ?? 'all()') === 'all()')) return pools;
    const labels = new Map(Object.entries(((yield* this.#client.get('nodes', '', node)) as Node).metadata.labels ?? {}));
    return pools.filter((p) => parseSelector(p.spec.nodeSelector ?? 'all()').matches(labels));
  }

  /** Makes a free block of the pool the node's; null when there is none. */
  *#claim(pool: IpPool, node: string): Op<string | null> {
    const taken = new Set((yield* this.#blocks.list()).map((b) => b.spec.cidr));
    const { sim } = this.#client.os;
    for (const cidr of blocksOf(parseCidr(pool.spec.cidr), pool.spec.blockSize ?? DEFAULT_BLOCK_SIZE, node)) {
      if (taken.has(cidr)) continue;
      const name = `${node}-${blockName(cidr)}`;
      const spec: BlockAffinitySpec = { cidr, deleted: 'false', node, state: 'pending', type: 'host' };
      try {
        const pending = yield* this.#affinities.create({ name }, spec);
        yield* this.#blocks.create({ name: blockName(cidr) }, newBlock(cidr, node, sim.time()));
        yield* this.#affinities.update({ ...pending, spec: { ...spec, state: 'confirmed' } });
        return cidr;
      } catch (error) {
        if (!isAlreadyExists(error) && !isConflict(error)) throw error;
        // Another node was first, or another Pod of this one.
        const [own, block] = [yield* this.#find(this.#affinities, name), yield* this.#find(this.#blocks, blockName(cidr))];
        if (block?.spec.affinity === `host:${node}`) return cidr;
        if (own?.spec.state === 'pending' && block !== null) yield* this.#forget(() => this.#affinities.delete(name));
      }
    }
    return null;
  }

  *#find<T extends IpamBlock | BlockAffinity>(store: Store<T>, name: string): Op<T | null> {
    try {
      return yield* store.get(name);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  *#fromBlock(cidr: string, { node, handle, attributes }: AssignRequest, own: boolean): Op<string | null> {
    let address: string | null = null;
    const changed = yield* this.#change(cidr, (block) => {
      if (own && block.affinity !== `host:${node}`) return null;
      // The same container asks again: it has what it has.
      const [before] = addressesOf(block, handle);
      const assigned: Assigned | null = before === undefined ? assign(block, handle, attributes) : null;
      address = assigned?.address ?? before ?? null;
      return assigned?.block ?? null;
    });
    if (changed) yield* this.#noteHandle(handle, cidr);
    return address;
  }

  *#noteHandle(handle: string, cidr: string): Op<void> {
    const name = handle.toLowerCase();
    try {
      yield* this.#handles.create({ name }, { block: { [cidr]: 1 }, deleted: false, handleID: handle });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const old = yield* this.#handles.get(name);
      yield* this.#handles.update({ ...old, spec: { ...old.spec, block: { ...old.spec.block, [cidr]: (old.spec.block[cidr] ?? 0) + 1 } } });
    }
  }

  /** Reads a block, changes it and writes it, again and again until nobody else was faster. False when nothing was to change. */
  *#change(cidr: string, change: (block: IpamBlockSpec) => IpamBlockSpec | null): Op<boolean> {
    for (let n = 0; n < RETRIES; n++) {
      const block = yield* this.#find(this.#blocks, blockName(cidr));
      const spec = block === null ? null : change(block.spec);
      if (block === null || spec === null) return false;
      try {
        yield* this.#blocks.update({ ...block, spec });
        return true;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      yield* this.#client.os.sleep(RETRY_AFTER);
    }
    throw new IpamError('Maximum number of retries hit');
  }

  *#forget(remove: () => Op<void>): Op<void> {
    try {
      yield* remove();
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

function within(pool: IpPool, cidr: string): boolean {
  const outer = parseCidr(pool.spec.cidr);
  const inner = parseCidr(cidr);
  return inner.prefix >= outer.prefix && Math.floor(inner.int / 2 ** (32 - outer.prefix)) === Math.floor(outer.int / 2 ** (32 - outer.prefix));
}
