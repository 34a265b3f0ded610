// For tests and benchmarks of this room: machines on one switch, wired as kubeadm, flannel and the CNI bridge plug-in do it.

import { Machine } from '../machine/machine.ts';
import type { Os, Process, Program } from '../machine/process.ts';
import { type Op, Simulation } from '../sim/simulation.ts';
import { addAddress, addBridge, addVxlan, createNetns, createVethPair, type Interface, setMaster } from './device.ts';
import { type Chain, replaceTables, type Rule } from './netfilter.ts';
import type { Netns } from './netns.ts';
import { addFdbEntry, addNeighbour, addRoute } from './route.ts';
import type { Listener } from './socket.ts';
import { plugIn, Switch } from './switch.ts';

export interface Node {
  readonly machine: Machine;
  readonly index: number;
  readonly host: Netns;
  readonly eth0: Interface;
  readonly cni0: Interface;
  readonly flannel: Interface;
}

export interface Pod {
  readonly netns: Netns;
  readonly address: string;
}

export class Testbed {
  readonly sim: Simulation;
  readonly network = new Switch();
  readonly nodes: Node[] = [];
  #pods = 1;

  constructor(nodes: number, sim = new Simulation()) {
    this.sim = sim;
    for (let i = 0; i < nodes; i++) this.nodes.push(this.#node(i));
    for (const a of this.nodes) for (const b of this.nodes) if (a !== b) connect(a, b);
  }

  #node(index: number): Node {
    const machine = new Machine(this.sim, { name: `worker-${index + 1}` });
    const host = plugIn(machine, this.network, { address: `192.168.66.${21 + index}/24` });
    machine.powerOn();
    const eth0 = host.interfaces.get('eth0') as Interface;
    const cni0 = addBridge(host, 'cni0', { address: `10.244.${index}.1/24`, mtu: 1450 });
    const flannel = addVxlan(host, 'flannel.1', { vni: 1, device: eth0 });
    addAddress(flannel, `10.244.${index}.0/32`);
    return { machine, index, host, eth0, cni0, flannel };
  }

  /** A Pod's namespace on a node, as the bridge plug-in makes it. */
  pod(node: Node): Pod {
    const n = ++this.#pods;
    const address = `10.244.${node.index}.${n}`;
    const netns = createNetns(node.machine, `cni-${n}`);
    const [port, eth0] = createVethPair({ netns: node.host, name: `veth${n}`, mtu: 1450 }, { netns, name: 'eth0', mtu: 1450 });
    setMaster(port, node.cni0);
    addAddress(eth0, `${address}/24`);
    addRoute(netns, { destination: 'default', via: `10.244.${node.index}.1`, device: eth0 });
    return { netns, address };
  }

  /** Runs a program in a namespace. */
  run(netns: Netns, comm: string, program: Program): Process {
    return netns.machine.spawn(program, { argv: [comm], netns, logs: { write: (_, line) => this.log.push(`${comm}: ${line}`) } });
  }

  readonly log: string[] = [];
}

/** What flanneld writes on `a` for `b`. */
export function connect(a: Node, b: Node): void {
  const gateway = `10.244.${b.index}.0`;
  addNeighbour(a.host, { address: gateway, mac: b.flannel.mac, device: a.flannel });
  addFdbEntry(a.flannel, { mac: b.flannel.mac, destination: `192.168.66.${21 + b.index}` });
  addRoute(a.host, { destination: `10.244.${b.index}.0/24`, via: gateway, device: a.flannel, onlink: true });
}

const MASQ = 0x4000;

/** What kube-proxy and flannel write for one Service with TCP endpoints. */
export function serviceRules(clusterIp: string, port: number, endpoints: readonly string[], targetPort: number): readonly Chain[] {
  const mark: Rule = { target: { kind: 'mark', value: MASQ, mask: MASQ } };
  const seps = endpoints.map((address, i): Chain => ({
    name: `KUBE-SEP-${clusterIp}-${i}`,
    rules: [
      { comment: 'default/web', source: address, target: { kind: 'jump', chain: 'KUBE-MARK-MASQ' } },
      { comment: 'default/web', protocol: 'tcp', target: { kind: 'dnat', address, port: targetPort } },
    ],
  }));
  const choices = endpoints.map((_, i): Rule => {
    const left = endpoints.length - i;
    const target = { kind: 'jump', chain: `KUBE-SEP-${clusterIp}-${i}` } as const;
    return left === 1 ? { comment: 'default/web', target } : { comment: 'default/web', probability: 1 / left, target };
  });
  return [
    { name: 'PREROUTING', rules: [{ comment: 'kubernetes service portals', target: { kind: 'jump', chain: 'KUBE-SERVICES' } }] },
    { name: 'OUTPUT', rules: [{ comment: 'kubernetes service portals', target: { kind: 'jump', chain: 'KUBE-SERVICES' } }] },
    {
      name: 'POSTROUTING',
      rules: [
        { comment: 'kubernetes postrouting rules', target: { kind: 'jump', chain: 'KUBE-POSTROUTING' } },
        { comment: 'flanneld masq', target: { kind: 'jump', chain: 'FLANNEL-POSTRTG' } },
      ],
    },
    { name: 'KUBE-MARK-MASQ', rules: [mark] },
    {
      name: 'KUBE-POSTROUTING',
      rules: [
        { mark: { value: MASQ, mask: MASQ, not: true }, target: { kind: 'return' } },
        { target: { kind: 'mark', value: MASQ, mask: 0 } },
        { target: { kind: 'masquerade', randomFully: true } },
      ],
    },
    {
      name: 'FLANNEL-POSTRTG',
      rules: [
        { source: '10.244.0.0/16', destination: '10.244.0.0/16', target: { kind: 'return' } },
        { source: '10.244.0.0/16', notDestination: '224.0.0.0/4', target: { kind: 'masquerade', randomFully: true } },
      ],
    },
    {
      name: 'KUBE-SERVICES',
      rules: [{ comment: 'default/web cluster IP', destination: clusterIp, protocol: 'tcp', destinationPort: port, target: { kind: 'jump', chain: 'KUBE-SVC-WEB' } }],
    },
    {
      name: 'KUBE-SVC-WEB',
      rules: [
        { comment: 'default/web cluster IP', notSource: '10.244.0.0/16', destination: clusterIp, protocol: 'tcp', destinationPort: port, target: { kind: 'jump', chain: 'KUBE-MARK-MASQ' } },
        ...choices,
      ],
    },
    ...seps,
  ];
}

/** Installs the rules on a node. */
export function installService(node: Node, chains: readonly Chain[]): void {
  replaceTables(node.host, { nat: { chains } });
}

/** A server that answers each connection's messages with what `answer` says. */
export function* echoServer(os: Os, listener: Pick<Listener, 'accept'>): Op<void> {
  for (let c = yield* listener.accept(); c !== undefined; c = yield* listener.accept()) {
    const connection = c;
    os.go('connection', function* () {
      for (let m = yield* connection.receive(); m !== undefined; m = yield* connection.receive()) connection.send(`${os.process.comm} got ${String(m)}`);
      connection.close();
    });
  }
}
