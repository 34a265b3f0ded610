// For tests: one machine with containerd, a kubelet and a small registry.

import { decodeObject } from '../api/decode.ts';
import { applyDefaults } from '../api/defaults.ts';
import type { Pod } from '../api/generated/types.ts';
import { mustResource } from '../api/kinds.ts';
import { Machine } from '../machine/machine.ts';
import type { Program } from '../machine/process.ts';
import { plugIn, Switch } from '../network/switch.ts';
import { containerdProgram, PAUSE_IMAGE } from '../runtime/containerd.ts';
import { connectRegistry, digestOf, type Image, type ImageRegistry, parseReference } from '../runtime/registry.ts';
import { Simulation } from '../sim/simulation.ts';
import { Trace } from '../sim/trace.ts';
import { FakeApi } from './fake-api.ts';
import { kubeletProgram } from './program.ts';

/** Waits for a signal, then ends with 0. */
export const waiting: Program = function* (os) {
  os.log('started');
  yield* os.signals().receive();
  return 0;
};

export function testImage(name: string, program: Program, more: Partial<Image> = {}): Image {
  const { repository, tag } = parseReference(name) as { repository: string; tag: string };
  return {
    repository, tag, digest: digestOf(name), sizeBytes: 40_000_000, entrypoint: [`/${name.split(':')[0]}`], cmd: [], env: {}, program, ...more,
  };
}

export class TestRegistry implements ImageRegistry {
  readonly #images = new Map<string, Image>();

  constructor(images: readonly Image[]) {
    for (const image of [testImage(PAUSE_IMAGE, waiting, { sizeBytes: 320_000 }), ...images]) this.#images.set(`${image.repository}:${image.tag}`, image);
  }

  resolve(reference: string): Image | 'not-found' {
    return this.#images.get(reference) ?? 'not-found';
  }
}

export const CONFIG = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
staticPodPath: /etc/kubernetes/manifests
`;

const CNI = `{"name": "cbr0", "cniVersion": "1.0.0", "plugins": [
  {"type": "flannel", "delegate": {"hairpinMode": true, "isDefaultGateway": true}}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`;

const KUBECONFIG = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://192.168.66.10:6443"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`;

/** A worker with a Pod network, and a machine with a FakeApi that knows it. */
export function testCluster(images: readonly Image[]): { readonly sim: Simulation; readonly machine: Machine; readonly api: FakeApi } {
  const network = new Switch();
  const { sim, machine } = testMachine(images, ['--kubeconfig=/etc/kubernetes/kubelet.conf'], network);
  machine.files.write('/etc/kubernetes/kubelet.conf', KUBECONFIG);
  machine.files.write('/etc/cni/net.d/10-flannel.conflist', CNI);
  machine.onBoot(() => machine.files.write('/run/flannel/subnet.env', 'FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n'));
  const control = new Machine(sim, { name: 'control-plane-1' });
  plugIn(control, network, { address: '192.168.66.10/24' });
  const api = new FakeApi(sim);
  control.units.install({ name: 'kube-apiserver', program: api.program, argv: ['kube-apiserver'] });
  api.put('services', { kind: 'Service', metadata: { name: 'kubernetes', namespace: 'default' }, spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] } } as never);
  api.put('configmaps', { kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt', namespace: 'default' }, data: { 'ca.crt': 'CA' } } as never);
  control.powerOn();
  machine.powerOn();
  return { sim, machine, api };
}

/** A Pod as the API server and the scheduler leave it. */
export function testPod(name: string, spec: object): Pod {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', generation: 1 }, spec: { nodeName: 'worker-1', ...spec }, status: {} };
  return applyDefaults(mustResource('pods'), decodeObject<Pod>(mustResource('pods'), pod, 'Strict').object);
}

export function testMachine(images: readonly Image[], kubeletFlags: readonly string[] = [], network = new Switch()): { readonly sim: Simulation; readonly machine: Machine } {
  const sim = new Simulation({ seed: 7, trace: new Trace() });
  const machine = new Machine(sim, { name: 'worker-1' });
  plugIn(machine, network, { address: '192.168.66.21/24' });
  connectRegistry(machine, new TestRegistry(images));
  machine.files.write('/var/lib/kubelet/config.yaml', CONFIG);
  machine.files.mkdir('/etc/kubernetes/manifests');
  machine.units.install({ name: 'containerd', program: containerdProgram, argv: ['/usr/local/bin/containerd'], restart: 'always', restartSec: 5 });
  machine.units.install({ name: 'kubelet', program: kubeletProgram, argv: ['/usr/bin/kubelet', ...kubeletFlags], restart: 'always', restartSec: 10 });
  return { sim, machine };
}
