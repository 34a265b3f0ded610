// What the operator does to get a cluster: kubeadm init on the control plane, the Pod network, kubeadm join everywhere else.
// A person would type this over ssh; here one process on the operator's machine starts kubeadm on the others.

import { type Client, Client as ApiClient } from '../client/client.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import type { Machine } from '../machine/machine.ts';
import type { Os, Process, Program } from '../machine/process.ts';
import { CRI_SOCKET, type RuntimeKind } from '../runtime/runtime-kind.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../sim/time.ts';
import { flannelManifest } from './flannel-manifest.ts';
import { ADMIN_CONF, API_SERVER_PORT } from './kubeadm/config.ts';
import { kubeadmProgram } from './kubeadm/program.ts';
import { createOrUpdate } from './manifest.ts';
import { type NetworkKind, podNetwork } from './pod-network.ts';
import type { Topology } from './topology.ts';

export interface ProvisionOptions {
  readonly topology: Topology;
  readonly runtime: RuntimeKind;
  readonly network: NetworkKind;
  readonly podCidr: string;
  readonly serviceCidr: string;
}

export const OPERATOR_HOME = '/root';
export const OPERATOR_KUBECONFIG = `${OPERATOR_HOME}/.kube/config`;
/** Machines have booted and answer ssh. */
const BOOT = SECOND;
const SSH = 200 * MILLISECOND;

/** Exits with 0 when all nodes have joined, with 1 when a kubeadm has failed. */
export const provisionProgram = (options: ProvisionOptions): Program =>
  function* (os: Os): Op<number> {
    const { topology, network, podCidr, serviceCidr } = options;
    const first = topology.controlPlanes[0];
    if (!first) throw new Error('a cluster needs a control plane');
    const address = topology.addresses.get(first.name) as string;
    const token = bootstrapToken(os);
    // kubeadm finds containerd by itself.
    const runtime = options.runtime === 'containerd' ? [] : [`--cri-socket=unix://${CRI_SOCKET[options.runtime]}`];
    yield* os.sleep(BOOT);
    const init = ssh(os, first, [
      'kubeadm',
      'init',
      `--apiserver-advertise-address=${address}`,
      `--pod-network-cidr=${podCidr}`,
      `--service-cidr=${serviceCidr}`,
      `--token=${token}`,
      ...runtime,
    ]);
    if ((yield* init.wait()).code !== 0) return 1;
    yield* os.sleep(SSH);
    os.files.write(OPERATOR_KUBECONFIG, first.files.read(ADMIN_CONF), 0o600);

    const joins = topology.workers.map((worker) =>
      ssh(os, worker, ['kubeadm', 'join', `${address}:${API_SERVER_PORT}`, `--token=${token}`, ...runtime]),
    );
    yield* applyNetwork(new ApiClient(os, loadKubeconfig(os, OPERATOR_KUBECONFIG)), network, podCidr);
    let failed = false;
    for (const join of joins) failed = (yield* join.wait()).code !== 0 || failed;
    return failed ? 1 : 0;
  };

/** `kubectl apply -f kube-flannel.yml`, or another network's manifest. */
function* applyNetwork(client: Client, network: NetworkKind, podCidr: string): Op<void> {
  for (const manifest of network === 'flannel' ? flannelManifest(podCidr) : podNetwork(network)(podCidr)) yield* createOrUpdate(client, manifest);
}

/** Starts kubeadm on another machine; its output comes back here. */
function ssh(os: Os, machine: Machine, argv: readonly string[]): Process {
  return machine.spawn(kubeadmProgram, {
    argv,
    place: `${machine.place}/kubeadm`,
    cgroup: '/user.slice/user-0.slice/session-1.scope',
    logs: { write: (stream, line) => (stream === 'stdout' ? os.log(`${machine.name}: ${line}`) : os.logError(`${machine.name}: ${line}`)) },
  });
}

const TOKEN_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `kubeadm token generate`. */
function bootstrapToken(os: Os): string {
  const random = os.sim.random('kubeadm/token');
  return `${random.string(TOKEN_ALPHABET, 6)}.${random.string(TOKEN_ALPHABET, 16)}`;
}
