// Clusters with each container runtime: the way of a Pod's making through the processes of its machine.

import { describe, expect, it } from 'vitest';
import { kubectlProgram } from '../../kubectl/kubectl.ts';
import { stockEverydayImages } from '../images/everyday.ts';
import type { Machine } from '../machine/machine.ts';
import { otherRuntimes } from '../runtime/other-runtimes.ts';
import type { RuntimeKind } from '../runtime/runtime-kind.ts';
import { provideRuntimes } from '../runtime/runtime-provider.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { Trace } from '../sim/trace.ts';
import { Cluster } from './cluster.ts';
import { bootUntilReady, finish, runOnOperator } from './operator.ts';

provideRuntimes(otherRuntimes);

/** The messages on worker-1 that follow from `kubectl run`: `from → to`, each once, in the order of the first. */
function wayOfAPod(runtime: RuntimeKind): { readonly version: string; readonly way: readonly string[]; readonly units: readonly string[] } {
  const cluster = new Cluster({ controlPlanes: 1, workers: 1, seed: 1, runtime, trace: new Trace(1_000_000) });
  stockEverydayImages(cluster.images);
  expect(bootUntilReady(cluster, 5 * MINUTE)).toBe(true);
  const run = runOnOperator(cluster, kubectlProgram, ['kubectl', 'run', 'web', '--image=nginx']);
  finish(cluster, run, MINUTE);
  cluster.sim.runUntil(cluster.sim.now + 15 * SECOND);
  const asked = runOnOperator(cluster, kubectlProgram, ['kubectl', 'get', 'node', 'worker-1', '-o', 'jsonpath={.status.nodeInfo.containerRuntimeVersion}']);
  finish(cluster, asked, MINUTE);
  const place = (text: string): string => text.replace('machine/worker-1/', '');
  const way = cluster.sim.trace.records
    .filter((r) => r.flow === run.record.id && r.kind === 'cri' && !r.verb.endsWith('Response') && r.verb !== 'ContainerEvent')
    .map((r) => `${place(r.from)} → ${place(r.to)}`);
  const { units } = cluster.machines.get('worker-1') as Machine;
  return { version: asked.stdout.join(''), way: [...new Set(way)], units: units.names().filter((name) => units.status(name).state === 'active') };
}

describe('a Pod comes to run', () => {
  it('with containerd', () => {
    expect(wayOfAPod('containerd')).toEqual({ version: 'containerd://2.2.1', way: ['kubelet → containerd'], units: ['containerd', 'kubelet'] });
  });

  it('with CRI-O', () => {
    expect(wayOfAPod('cri-o')).toEqual({ version: 'cri-o://1.36.0', way: ['kubelet → crio'], units: ['crio', 'kubelet'] });
  });

  it('with Docker, through cri-dockerd and dockerd', () => {
    expect(wayOfAPod('docker')).toEqual({
      version: 'docker://29.1.3',
      way: ['kubelet → cri-dockerd', 'cri-dockerd → dockerd', 'dockerd → containerd'],
      units: ['containerd', 'docker', 'cri-docker', 'kubelet'],
    });
  });
});
