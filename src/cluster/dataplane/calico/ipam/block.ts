// A block of addresses of one node: 64 of them by default (libcalico-go/lib/ipam/ipam_block.go). Which ones are given out stands in
// the block itself; one that comes back goes to the end of the queue.

import { type Cidr, formatIp, parseCidr, parseIp } from '../../../network/ip.ts';
import type { IpamBlockSpec } from '../resources.ts';

export const DEFAULT_BLOCK_SIZE = 26;

/** `10.244.1.64/26` → `10-244-1-64-26`: names of resources know no dots and slashes here. */
export const blockName = (cidr: string): string => cidr.replace(/[./:]/g, '-');

export function newBlock(cidr: string, node: string, now: string): IpamBlockSpec {
  const size = 2 ** (32 - parseCidr(cidr).prefix);
  return {
    affinity: `host:${node}`,
    affinityClaimTime: now,
    allocations: Array.from({ length: size }, () => null),
    attributes: [],
    cidr,
    deleted: false,
    sequenceNumber: 0,
    strictAffinity: false,
    unallocated: Array.from({ length: size }, (_, i) => i),
  };
}

export interface Assigned {
  readonly block: IpamBlockSpec;
  readonly address: string;
}

/** Takes the next free address; null when the block is full. */
export function assign(block: IpamBlockSpec, handle: string, secondary: Readonly<Record<string, string>>): Assigned | null {
  const [ordinal, ...unallocated] = block.unallocated;
  if (ordinal === undefined) return null;
  const allocations = block.allocations.with(ordinal, block.attributes.length);
  const attributes = [...block.attributes, { handle_id: handle, secondary }];
  return { block: { ...block, allocations, attributes, unallocated, sequenceNumber: block.sequenceNumber + 1 }, address: formatIp(parseCidr(block.cidr).int + ordinal) };
}

/** The addresses that go by a handle. */
export const addressesOf = (block: IpamBlockSpec, handle: string): string[] => {
  const base = parseCidr(block.cidr).int;
  return block.allocations.flatMap((at, ordinal) => (at !== null && block.attributes[at]?.handle_id === handle ? [formatIp(base + ordinal)] : []));
};

/** Gives back what goes by a handle; null when nothing does. */
export function release(block: IpamBlockSpec, handle: string): IpamBlockSpec | null {
  const freed = block.allocations.flatMap((at, ordinal) => (at !== null && block.attributes[at]?.handle_id === handle ? [ordinal] : []));
  if (freed.length === 0) return null;
  // Attributes that nobody points at any more go; the others move up.
  const kept = block.attributes.filter((a) => a.handle_id !== handle);
  const moved = new Map(kept.map((a, i) => [block.attributes.indexOf(a), i]));
  const allocations = block.allocations.map((at) => (at === null ? null : (moved.get(at) ?? null)));
  return { ...block, allocations, attributes: kept, unallocated: [...block.unallocated, ...freed], sequenceNumber: block.sequenceNumber + 1 };
}

export const isEmpty = (block: IpamBlockSpec): boolean => block.allocations.every((at) => at === null);

/** The blocks of a pool, from one that depends on the node's name on, once around: nodes rarely want the same. */
export function* blocksOf(pool: Cidr, blockSize: number, node: string): Generator<string> {
  const count = 2 ** Math.max(0, blockSize - pool.prefix);
  const size = 2 ** (32 - blockSize);
  const first = scattered(fnv32(node)) % count;
  for (let i = 0; i < count; i++) yield `${formatIp(parseIp(pool.address) + ((first + i) % count) * size)}/${blockSize}`;
}

/** FNV-1, 32 bits. */
function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash, 0x01000193) ^ text.charCodeAt(i);
  return hash >>> 0;
}

/** In place of Go's random number from that seed. */
function scattered(seed: number): number {
  let x = seed ^ (seed >>> 16);
  x = Math.imul(x, 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
