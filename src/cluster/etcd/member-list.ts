// Who belongs to the cluster, as etcd's Cluster service tells it, and the long ids that members show to people.

import { hash32 } from '../sim/random.ts';

export interface MemberEntry {
  readonly id: number;
  readonly name: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
}

/** A member's id as 16 hexadecimal digits; 0 is the cluster's. */
export function memberId(id: number): string {
  const hex = (n: number): string => n.toString(16).padStart(8, '0');
  return hex((hash32(`member ${id}`) | 0x10000000) >>> 0) + hex(hash32(`etcd ${id}`));
}
