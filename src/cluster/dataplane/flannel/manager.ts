// Where flannel's leases are kept (pkg/subnet): on the Nodes of the Kubernetes API, or in etcd.

import type { Os } from '../../machine/process.ts';
import type { Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import type { BackendConfig } from './backend.ts';
import type { Lease } from './lease.ts';
import type { Log } from './log.ts';
import type { FlannelOptions } from './options.ts';

export interface NetworkConfig {
  readonly Network?: string;
  readonly SubnetLen?: number;
  readonly SubnetMin?: string;
  readonly SubnetMax?: string;
  readonly Backend?: BackendConfig;
}

const FIELDS = ['Network', 'SubnetLen', 'SubnetMin', 'SubnetMax', 'Backend'];

/** Field names may be in any case, as Go reads JSON. */
export function networkConfig(given: object): NetworkConfig {
  const config: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const field = FIELDS.find((f) => f.toLowerCase() === name.toLowerCase());
    if (field !== undefined) config[field] = value;
  }
  return config as unknown as NetworkConfig;
}

export interface LeaseEvent {
  readonly type: 'added' | 'removed';
  readonly lease: Lease;
  /** Whose it is, as far as the manager knows names. */
  readonly node: string;
}

/** The lease of this node, without its range: how it is reached. */
export type Attributes = Omit<Lease, 'subnet'>;

export interface SubnetManager {
  readonly name: string;
  /** Throws Error in flannel's words. */
  config(): Op<NetworkConfig>;
  /** The hardware address that this node had before. */
  storedMac(): string | undefined;
  /** An address for the other nodes that somebody has set for this node. */
  storedPublicIp(): string | undefined;
  /** Throws Error in flannel's words. */
  acquire(attributes: Attributes): Op<Lease>;
  /** Leases of the other nodes, from now on and those that there are. */
  watch(own: Lease): Op<Channel<LeaseEvent>>;
  /** Says that the network works, keeps the lease; comes back when nothing is left to do, with why when the lease is lost. */
  complete(lease: Lease): Op<string | null>;
}

export type MakeManager = (os: Os, log: Log, options: FlannelOptions) => Op<SubnetManager>;

let etcdManager: MakeManager | null = null;

/** Given by the host: the manager that a new cluster does not start with. */
export function provideEtcdSubnetManager(make: MakeManager): void {
  etcdManager = make;
}

export function etcdSubnetManager(): MakeManager {
  if (etcdManager === null) throw new Error('the etcd subnet manager was not provided');
  return etcdManager;
}

/** A value of the file that containers' networks are made from; undefined when it is not there. */
export function subnetFileValue(os: Os, path: string, key: string): string | undefined {
  if (!os.files.exists(path)) return undefined;
  return new RegExp(`^${key}=(.*)$`, 'm').exec(os.files.read(path))?.[1];
}
