// A whole cluster: machines, wires, images, and the operator who sets it up with kubeadm when the clock starts.

import { ImageCatalogue } from '../images/catalogue.ts';
import type { Machine } from '../machine/machine.ts';
import type { LogSink, Process } from '../machine/process.ts';
import { waitForSsh } from '../network/sshd.ts';
import type { RuntimeKind } from '../runtime/runtime-kind.ts';
import { Simulation } from '../sim/simulation.ts';
import type { Trace } from '../sim/trace.ts';
import { registerComponentImages } from './component-images.ts';
import { installNfsUnit } from './nfs-unit.ts';
import { installNodeUnits } from './node-units.ts';
import type { NetworkKind } from './pod-network.ts';
import { OPERATOR_HOME, provisionProgram } from './provision.ts';
import { outsideDnsProgram } from './outside-dns.ts';
import { buildTopology, type Topology } from './topology.ts';

export interface ClusterOptions {
  /** 1 for now. */
  readonly controlPlanes: number;
  readonly workers: number;
  readonly seed: number;
  /** Wall-clock instant at which virtual time starts, microseconds since 1970. */
  readonly epoch?: number;
  /** Default 10.244.0.0/16. */
  readonly podCidr?: string;
  /** Default 10.96.0.0/12. */
  readonly serviceCidr?: string;
  /** Default 192.168.66.0/24. */
  readonly nodeNetwork?: string;
  /** The container runtime of every node; default containerd. Others must have been provided (runtime-provider.ts). */
  readonly runtime?: RuntimeKind;
  /** The Pod network; default flannel. Others must have been provided (pod-network.ts). */
  readonly network?: NetworkKind;
  readonly trace?: Trace;
  /** Of each machine; default 2. */
  readonly cpus?: number;
  /** Of each machine; default 4 GiB. */
  readonly memoryBytes?: number;
}

const GIB = 1024 ** 3;
export const OPERATOR_ENV: Readonly<Record<string, string>> = Object.freeze({
  HOME: OPERATOR_HOME,
  USER: 'root',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
});

/** Construction powers everything on; running `sim` lets kubeadm do its work. */
export class Cluster {
  readonly sim: Simulation;
  /** By name, the operator's machine included. */
  readonly machines: ReadonlyMap<string, Machine>;
  /** The person's own machine, with ~/.kube/config once the control plane is up. */
  readonly operator: Machine;
  readonly topology: Topology;
  readonly network: NetworkKind;
  readonly images: ImageCatalogue;
  /** The process that sets the cluster up. */
  readonly provisioning: Process;
  /** What it and the kubeadms printed. */
  readonly provisioningLog: readonly string[];

  constructor(options: ClusterOptions) {
    const { seed, epoch, trace, network = 'flannel', runtime = 'containerd', cpus = 2, memoryBytes = 4 * GIB } = options;
    this.sim = new Simulation({ seed, ...(epoch === undefined ? {} : { epoch }), ...(trace === undefined ? {} : { trace }) });
    this.topology = buildTopology(this.sim, {
      controlPlanes: options.controlPlanes,
      workers: options.workers,
      nodeNetwork: options.nodeNetwork ?? '192.168.66.0/24',
      cpus,
      memoryBytes,
    });
    this.network = network;
    this.images = new ImageCatalogue();
    registerComponentImages(this.images);
    const { operator, controlPlanes, workers } = this.topology;
    this.operator = operator;
    this.machines = new Map([operator, ...controlPlanes, ...workers].map((machine) => [machine.name, machine]));
    for (const machine of [...controlPlanes, ...workers]) installNodeUnits(machine, this.images, runtime);
    operator.units.install({ name: 'dnsmasq', program: outsideDnsProgram, argv: ['/usr/sbin/dnsmasq'], restart: 'always' });
    for (const machine of this.machines.values()) {
      const address = this.topology.addresses.get(machine.name) as string;
      operator.files.append('/etc/hosts', `${address}\t${machine.name}\n`);
      waitForSsh(machine);
      installNfsUnit(machine);
      if (network === 'calico') machine.files.write('/usr/local/bin/calicoctl', '', 0o755);
      machine.powerOn();
    }

    const lines: string[] = [];
    const logs: LogSink = { write: (_stream, line) => void lines.push(line) };
    this.provisioningLog = lines;
    this.provisioning = operator.spawn(
      provisionProgram({
        topology: this.topology,
        runtime,
        network,
        podCidr: options.podCidr ?? '10.244.0.0/16',
        serviceCidr: options.serviceCidr ?? '10.96.0.0/12',
      }),
      { argv: ['./provision.sh'], env: OPERATOR_ENV, place: `${operator.place}/provision`, logs },
    );
  }
}
