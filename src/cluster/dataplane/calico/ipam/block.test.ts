import { expect, it } from 'vitest';
import { parseCidr } from '../../../network/ip.ts';
import { addressesOf, assign, blocksOf, isEmpty, newBlock, release } from './block.ts';

it('gives addresses in turn and takes back what a handle has; what comes back goes last', () => {
  let block = newBlock('10.244.1.64/30', 'worker-1', '2026-01-01T00:00:00Z');
  const given: string[] = [];
  for (const handle of ['a', 'b', 'c']) {
    const assigned = assign(block, handle, { pod: handle });
    given.push(assigned?.address ?? '');
    block = assigned?.block ?? block;
  }
  expect(given).toEqual(['10.244.1.64', '10.244.1.65', '10.244.1.66']);
  block = release(block, 'b') ?? block;
  expect(release(block, 'b')).toBeNull();
  expect(addressesOf(block, 'c')).toEqual(['10.244.1.66']);
  expect(block.attributes.map((a) => a.handle_id)).toEqual(['a', 'c']);
  expect(block.unallocated).toEqual([3, 1]);
  for (const handle of ['d', 'e']) block = assign(block, handle, {})?.block ?? block;
  expect(addressesOf(block, 'd')).toEqual(['10.244.1.67']);
  expect(addressesOf(block, 'e')).toEqual(['10.244.1.65']);
  expect(assign(block, 'f', {})).toBeNull();
  for (const handle of ['a', 'c', 'd', 'e']) block = release(block, handle) ?? block;
  expect(isEmpty(block)).toBe(true);
});

it('goes through all blocks of a pool once, each node from another one on', () => {
  const pool = parseCidr('10.244.0.0/22');
  const of = (node: string): string[] => [...blocksOf(pool, 26, node)];
  expect(new Set(of('worker-1')).size).toBe(16);
  expect(of('worker-1').toSorted()).toEqual(of('worker-2').toSorted());
  expect(of('worker-1')[0]).not.toBe(of('worker-2')[0]);
});
