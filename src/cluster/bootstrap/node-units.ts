// What runs on a node as host services: the container runtime, and the kubelet with kubeadm's drop-in (10-kubeadm.conf).

import { kubeletProgram } from '../kubelet/program.ts';
import type { Machine } from '../machine/machine.ts';
import { containerdProgram } from '../runtime/containerd.ts';
import { connectRegistry, type ImageRegistry } from '../runtime/registry.ts';
import { CRI_SOCKET, type RuntimeKind } from '../runtime/runtime-kind.ts';
import { installProvided } from '../runtime/runtime-provider.ts';
import { BOOTSTRAP_KUBELET_CONF, KUBELET_CONF, KUBELET_CONFIG_FILE } from './kubeadm/config.ts';

/** The package kubernetes-cni; flannel brings its own. */
const CNI_PLUGINS = ['bandwidth', 'bridge', 'dhcp', 'dummy', 'firewall', 'host-device', 'host-local', 'ipvlan', 'loopback', 'macvlan', 'portmap', 'ptp', 'sbr', 'static', 'tap', 'tuning', 'vlan', 'vrf'];

/** Installs the units and the way to the image registries. The kubelet starts at boot once kubeadm has configured it. */
export function installNodeUnits(machine: Machine, registry: ImageRegistry, runtime: RuntimeKind): void {
  connectRegistry(machine, registry);
  const { files } = machine;
  files.mkdir('/root');
  files.symlink('/run', '/var/run');
  machine.onBoot(() => files.mkdir('/run'));
  files.write('/etc/crictl.yaml', `runtime-endpoint: unix://${CRI_SOCKET[runtime]}\nimage-endpoint: unix://${CRI_SOCKET[runtime]}\ntimeout: 10\ndebug: false\n`);
  for (const plugin of CNI_PLUGINS) files.write(`/opt/cni/bin/${plugin}`, '', 0o755);
  if (runtime === 'containerd') installContainerd(machine);
  else installProvided(runtime, machine);
  machine.units.install({
    name: 'kubelet',
    description: 'kubelet: The Kubernetes Node Agent',
    program: kubeletProgram,
    argv: [
      '/usr/bin/kubelet',
      `--bootstrap-kubeconfig=${BOOTSTRAP_KUBELET_CONF}`,
      `--kubeconfig=${KUBELET_CONF}`,
      `--config=${KUBELET_CONFIG_FILE}`,
    ],
    restart: 'always',
    restartSec: 10,
  });
}

function installContainerd(machine: Machine): void {
  machine.units.install({
    name: 'containerd',
    description: 'containerd container runtime',
    program: containerdProgram,
    argv: ['/usr/local/bin/containerd'],
    restart: 'always',
    restartSec: 5,
  });
}
