// A cluster with Calico as its Pod network: it becomes Ready, BGP brings the routes, and the same seed gives the same run.

import { beforeAll, expect, it } from 'vitest';
import { calico } from '../dataplane/calico/cni/plugin.ts';
import { calicoManifest } from '../dataplane/calico/manifest/manifest.ts';
import { iptablesSave } from '../network-tools/iptables-save.ts';
import { formatRoutes } from '../network/iproute.ts';
import type { Netns } from '../network/netns.ts';
import { provideCniPlugins } from '../runtime/cni/plugin.ts';
import { MINUTE } from '../sim/time.ts';
import { hashRecords } from '../sim/trace.ts';
import { registerAddonImages } from './addon-images.ts';
import { Cluster } from './cluster.ts';
import { bootUntilReady } from './operator.ts';
import { providePodNetworks } from './pod-network.ts';

beforeAll(() => {
  providePodNetworks({ calico: calicoManifest });
  provideCniPlugins({ calico });
});

function boot(): Cluster {
  const cluster = new Cluster({ controlPlanes: 1, workers: 1, seed: 7, network: 'calico' });
  registerAddonImages(cluster.images);
  expect(bootUntilReady(cluster, 3 * MINUTE)).toBe(true);
  return cluster;
}

it('boots, has routes by BGP and no trace of flannel, and does it again the same way', () => {
  const cluster = boot();
  const hosts = ['control-plane-1', 'worker-1'].map((name) => cluster.machines.get(name)?.hostNetns as Netns);
  const routes = hosts.map((host) => host.routes.filter((r) => r.protocol === 'bird'));
  expect(routes.flat().some((r) => r.type === 'blackhole')).toBe(true);
  expect(routes.flat().some((r) => r.via !== null && r.device.name === 'eth0')).toBe(true);
  for (const host of hosts) {
    expect(formatRoutes(host)).not.toMatch(/flannel|cni0/);
    expect(iptablesSave(host)).not.toContain('FLANNEL');
  }
  const hash = hashRecords(cluster.sim.trace.records);
  expect(hashRecords(boot().sim.trace.records)).toBe(hash);
});
