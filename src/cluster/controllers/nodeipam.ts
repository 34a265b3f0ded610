// The node IPAM controller (pkg/controller/nodeipam, RangeAllocator): gives each node a range of the cluster's Pod addresses.

import type { Node } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'node-ipam-controller';

export class NodeIpamController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #queue: WorkQueue;
  readonly #ranges: CidrSet;
  /** What was given to a node, until its name is free again. */
  readonly #given = new Map<string, string>();

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client('node-controller');
    this.#recorder = context.recorder('cidrAllocator', this.#client);
    this.#queue = new WorkQueue(context.os.sim);
    this.#ranges = new CidrSet(context.flags.clusterCidr, context.flags.nodeCidrMaskSize);
    this.#nodes = context.informers.informer('nodes');
    this.#nodes.addHandler({
      add: (node) => this.#seen(node),
      update: (_, node) => this.#seen(node),
      delete: (node) => {
        const range = node.spec.podCIDR ?? this.#given.get(node.metadata.name);
        this.#given.delete(node.metadata.name);
        if (range !== undefined) this.#ranges.release(range);
      },
    });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('nodes'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  #seen(node: Node): void {
    if (node.spec.podCIDR === undefined) {
      this.#queue.add(keyOf(node));
      return;
    }
    this.#ranges.occupy(node.spec.podCIDR);
    this.#given.set(node.metadata.name, node.spec.podCIDR);
  }

  *#sync(name: string, sync: Sync): Op<void> {
    const node = this.#nodes.get('', name);
    if (!node || node.spec.podCIDR !== undefined) return;
    const range = this.#given.get(name) ?? this.#ranges.allocate();
    if (range === undefined) {
      this.#recorder.event(
        { kind: 'Node', apiVersion: 'v1', name, uid: node.metadata.uid ?? name, namespace: '' },
        'Normal',
        'CIDRNotAvailable',
        `Node ${name} status is now: CIDRNotAvailable`,
      );
      throw new Error('CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range');
    }
    this.#given.set(name, range);
    sync.decide({ podCIDR: range });
    yield* this.#client.patch('nodes', '', name, { spec: { podCIDR: range, podCIDRs: [range] } }, 'strategic');
  }
}

/** Equal parts of an IPv4 range, given out in turn. */
export class CidrSet {
  readonly #first: number;
  readonly #mask: number;
  readonly #count: number;
  readonly #used = new Set<number>();
  #next = 0;

  constructor(cidr: string, mask: number) {
    const [address = '', bits = ''] = cidr.split('/');
    this.#first = toNumber(address);
    this.#mask = mask;
    this.#count = 2 ** (mask - Number(bits));
  }

  /** The next free part; undefined when all are taken. */
  allocate(): string | undefined {
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#next + i) % this.#count;
      if (this.#used.has(at)) continue;
      this.#used.add(at);
      this.#next = (at + 1) % this.#count;
      return `${toText(this.#first + at * this.#size())}/${this.#mask}`;
    }
    return undefined;
  }

  occupy(cidr: string): void {
    this.#used.add(this.#indexOf(cidr));
  }

  release(cidr: string): void {
    this.#used.delete(this.#indexOf(cidr));
  }

  #indexOf(cidr: string): number {
    return Math.floor((toNumber(cidr.slice(0, cidr.indexOf('/'))) - this.#first) / this.#size());
  }

  #size(): number {
    return 2 ** (32 - this.#mask);
  }
}

const toNumber = (address: string): number => address.split('.').reduce((n, part) => n * 256 + Number(part), 0);
const toText = (n: number): string => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.');
