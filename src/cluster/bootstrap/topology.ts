// The machines of a cluster and the wires between them: names, addresses, the network that they stand in.

import { Machine } from '../machine/machine.ts';
import { plugIn, Switch } from '../network/switch.ts';
import type { Simulation } from '../sim/simulation.ts';
import { nthAddress } from './kubeadm/config.ts';

export interface TopologyOptions {
  readonly controlPlanes: number;
  readonly workers: number;
  /** `192.168.66.0/24`. */
  readonly nodeNetwork: string;
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface Topology {
  readonly network: Switch;
  readonly operator: Machine;
  readonly controlPlanes: readonly Machine[];
  readonly workers: readonly Machine[];
  /** Node name → its address. */
  readonly addresses: ReadonlyMap<string, string>;
}

const GATEWAY = 1;
const OPERATOR = 2;
const FIRST_CONTROL_PLANE = 10;
const FIRST_WORKER = 21;

/** Makes the machines, switched off, with their cables plugged in. */
export function buildTopology(sim: Simulation, options: TopologyOptions): Topology {
  const network = new Switch();
  const { nodeNetwork, cpus, memoryBytes } = options;
  const prefix = nodeNetwork.slice(nodeNetwork.indexOf('/'));
  network.gateway = `${nthAddress(nodeNetwork, GATEWAY)}${prefix}`;
  const addresses = new Map<string, string>();
  const machine = (name: string, host: number): Machine => {
    const made = new Machine(sim, { name, cpus, memoryBytes });
    const address = nthAddress(nodeNetwork, host);
    addresses.set(name, address);
    plugIn(made, network, { address: `${address}${prefix}`, gateway: nthAddress(nodeNetwork, GATEWAY) });
    return made;
  };
  const operator = machine('operator', OPERATOR);
  const controlPlanes = count(options.controlPlanes, (i) => machine(`control-plane-${i + 1}`, FIRST_CONTROL_PLANE + i));
  const workers = count(options.workers, (i) => machine(`worker-${i + 1}`, FIRST_WORKER + i));
  const resolver = nthAddress(nodeNetwork, OPERATOR);
  for (const m of [operator, ...controlPlanes, ...workers]) m.files.write('/etc/resolv.conf', `nameserver ${resolver}\n`);
  return { network, operator, controlPlanes, workers, addresses };
}

const count = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
