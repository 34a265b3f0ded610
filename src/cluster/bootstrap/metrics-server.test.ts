// metrics-server applied to a running cluster: its Pod scrapes the kubelets, the API server passes requests on to it.

import { expect, test } from 'vitest';
import { kubectlProgram } from '../../kubectl/kubectl.ts';
import { metricsServerManifest } from '../addons/metrics-server/manifest.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { Cluster } from './cluster.ts';
import { bootUntilReady, finish, runOnOperator } from './operator.ts';

test('kubectl top has something to read', () => {
  const cluster = new Cluster({ controlPlanes: 1, workers: 1, seed: 1 });
  expect(bootUntilReady(cluster, 5 * MINUTE)).toBe(true);
  const kubectl = (command: string, stdin?: string): string => {
    const run = runOnOperator(cluster, kubectlProgram, ['kubectl', ...command.split(' ')], stdin);
    finish(cluster, run, 30 * SECOND);
    return [...run.stdout, ...run.stderr].join('\n');
  };
  expect(kubectl('apply -f -', metricsServerManifest)).toContain('apiservice.apiregistration.k8s.io/v1beta1.metrics.k8s.io created');
  cluster.sim.runUntil(cluster.sim.now + 2 * MINUTE);
  expect(kubectl('get apiservices v1beta1.metrics.k8s.io')).toMatch(/kube-system\/metrics-server +True/);
  const nodes = JSON.parse(kubectl('get --raw /apis/metrics.k8s.io/v1beta1/nodes')) as {
    items: readonly { metadata: { name: string }; usage: { memory: string } }[];
  };
  expect(nodes.items.map((i) => i.metadata.name).sort()).toEqual(['control-plane-1', 'worker-1']);
  expect(nodes.items[0]?.usage.memory).toMatch(/^\d+Ki$/);
  const pods = JSON.parse(kubectl('get --raw /apis/metrics.k8s.io/v1beta1/namespaces/kube-system/pods')) as {
    items: readonly { containers: readonly { name: string }[] }[];
  };
  expect(pods.items.flatMap((i) => i.containers.map((c) => c.name))).toContain('metrics-server');
});
