// For tests: two nodes with Pods wired as Calico does it, and the routes that BIRD would bring; what Felix calculates is written to
// both, and packets are sent through it.

import type { Namespace, NetworkPolicy, Pod } from '../../../api/generated/types.ts';
import { Machine } from '../../../machine/machine.ts';
import { createNetns, type Interface } from '../../../network/device.ts';
import type { Netns } from '../../../network/netns.ts';
import type { Hop } from '../../../network/packet.ts';
import { addRoute } from '../../../network/route.ts';
import { plugIn, Switch } from '../../../network/switch.ts';
import { track, walk } from '../../../network/walk.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { layWire } from '../cni/veth.ts';
import { vethName } from '../names.ts';
import { fromKubernetes, type Policy } from '../policy.ts';
import { Calculation, type Tables } from './calculation.ts';
import { writeTables } from './kernel.ts';
import { type Workload, workloadOf } from './workloads.ts';

const POOL = '10.244.0.0/16';

interface Node {
  readonly name: string;
  readonly address: string;
  readonly block: string;
  readonly host: Netns;
  readonly calculation: Calculation;
}

export interface TestPod {
  readonly pod: Pod;
  readonly address: string;
  readonly netns: Netns;
}

type Spec = NetworkPolicy['spec'];

export class CalicoTestbed {
  readonly sim = new Simulation();
  readonly nodes: readonly Node[];
  readonly namespaces = new Map<string, Namespace>();
  readonly pods = new Map<string, TestPod>();
  policies: Policy[] = [];
  tables: Tables | null = null;
  #sport = 40_000;

  constructor() {
    const network = new Switch();
    this.nodes = [1, 2].map((n) => {
      const machine = new Machine(this.sim, { name: `worker-${n}` });
      const address = `192.168.66.${20 + n}`;
      const host = plugIn(machine, network, { address: `${address}/24` });
      machine.powerOn();
      return { name: machine.name, address, block: `10.244.${n}.0/26`, host, calculation: new Calculation() };
    });
    for (const a of this.nodes) {
      for (const b of this.nodes) if (a !== b) addRoute(a.host, { destination: b.block, via: b.address, device: a.host.interfaces.get('eth0') as Interface, protocol: 'bird' });
    }
  }

  namespace(name: string, labels: Readonly<Record<string, string>> = {}): void {
    this.namespaces.set(name, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } } } as unknown as Namespace);
  }

  pod(namespace: string, name: string, on: number, labels: Readonly<Record<string, string>>, ports: readonly { name: string; containerPort: number; protocol: string }[] = []): void {
    const node = this.nodes[on] as Node;
    const address = `10.244.${on + 1}.${this.pods.size + 2}`;
    const netns = createNetns(node.host.machine, `cni-${namespace}-${name}`);
    layWire({ host: node.host, netns, ifName: 'eth0', hostName: vethName(namespace, name), address, mtu: 1500 }, 'test');
    node.host.ipForward = true;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, labels },
      spec: { nodeName: node.name, serviceAccountName: 'default', containers: [{ name: 'c', image: 'x', ports }] },
      status: { phase: 'Running', podIP: address },
    } as unknown as Pod;
    this.pods.set(`${namespace}/${name}`, { pod, address, netns });
  }

  relabel(key: string, labels: Readonly<Record<string, string>>): void {
    const old = this.pods.get(key) as TestPod;
    this.pods.set(key, { ...old, pod: { ...old.pod, metadata: { ...old.pod.metadata, labels } } });
  }

  /** A NetworkPolicy of Kubernetes, by its spec. */
  policy(namespace: string, name: string, spec: unknown): void {
    this.policies.push(fromKubernetes({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace, name }, spec: spec as Spec }));
  }

  apply(): void {
    const workloads = [...this.pods.values()].map(({ pod }) => workloadOf(pod, this.namespaces.get(pod.metadata.namespace ?? ''), undefined)).filter((w): w is Workload => w !== null);
    for (const node of this.nodes) {
      this.tables = node.calculation.run({
        node: node.name,
        workloads,
        policies: this.policies,
        networkSets: [],
        pools: [{ cidr: POOL, natOutgoing: true, vxlan: false }],
        hostAddresses: [node.address],
        nodeAddresses: this.nodes.map((n) => n.address),
        endpointToHost: 'Accept',
      });
      writeTables(node.host, this.tables, 'test');
    }
  }

  /** Whether a first packet gets through. */
  reaches(from: string, to: string, protocol: 'tcp' | 'udp', dport: number): boolean {
    const source = this.pods.get(from) as TestPod;
    const target = this.pods.get(to) as TestPod;
    return walk(source.netns, { src: source.address, dst: target.address, protocol, sport: this.#sport++, dport }, { live: true }).delivered;
  }

  /** The hops of a first packet, and whether its answer gets back. */
  exchange(from: string, to: string, dport: number, protocol: 'tcp' | 'udp' = 'tcp'): { readonly hops: readonly Hop[]; readonly delivered: boolean; readonly answered: boolean } {
    const source = this.pods.get(from) as TestPod;
    const target = this.pods.get(to) as TestPod;
    const sport = this.#sport++;
    const forth = walk(source.netns, { src: source.address, dst: target.address, protocol, sport, dport }, { live: true, record: true });
    track(forth, this.sim.now);
    const back = walk(target.netns, { src: target.address, dst: source.address, protocol, sport: dport, dport: sport }, { live: true });
    return { hops: forth.hops, delivered: forth.delivered, answered: forth.delivered && back.delivered };
  }
}
