// What runs on a node as host services: containerd, and the kubelet with kubeadm's drop-in (10-kubeadm.conf).

import { kubeletProgram } from '../kubelet/program.ts';
import type { Machine } from '../machine/machine.ts';
import { containerdProgram } from '../runtime/containerd.ts';
import { connectRegistry, type ImageRegistry } from '../runtime/registry.ts';
import { BOOTSTRAP_KUBELET_CONF, KUBELET_CONF, KUBELET_CONFIG_FILE } from './kubeadm/config.ts';

/** Installs the units and the way to the image registries. The kubelet starts at boot once kubeadm has configured it. */
export function installNodeUnits(machine: Machine, registry: ImageRegistry): void {
  connectRegistry(machine, registry);
  machine.units.install({
    name: 'containerd',
    program: containerdProgram,
    argv: ['/usr/local/bin/containerd'],
    restart: 'always',
    restartSec: 5,
  });
  machine.units.install({
    name: 'kubelet',
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
