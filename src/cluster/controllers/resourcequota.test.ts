// The ResourceQuota controller and the protection of storage against a real API server.

import { expect, test } from 'vitest';
import type { Pod, ResourceQuota } from '../api/generated/types.ts';
import { ADDRESS, Testbed } from '../apiserver/testbed.ts';
import { SECOND } from '../sim/time.ts';
import { controllerManagerProgram } from './manager.ts';

const NS = '/api/v1/namespaces/default';

function bed(): Testbed {
  const cluster = new Testbed().boot();
  const { files } = cluster.machine;
  files.write('/etc/kubernetes/manager.crt', cluster.certificate('system:kube-controller-manager', []));
  files.write(
    '/etc/kubernetes/controller-manager.conf',
    `{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],
      "clusters":[{"name":"k","cluster":{"server":"https://${ADDRESS}:6443","certificate-authority":"/etc/kubernetes/pki/ca.crt"}}],
      "users":[{"name":"u","user":{"client-certificate":"/etc/kubernetes/manager.crt"}}]}`,
  );
  cluster.machine.spawn(controllerManagerProgram, {
    argv: ['kube-controller-manager', '--kubeconfig=/etc/kubernetes/controller-manager.conf', '--use-service-account-credentials=true'],
    logs: { write: (_, line) => cluster.log.push(line) },
  });
  cluster.sim.runUntil(cluster.sim.now + 5 * SECOND);
  return cluster;
}

test('status follows what is there: charged when it comes, given back when it goes or ends', () => {
  const cluster = bed();
  const make = (plural: string, object: object) => cluster.request('POST', `${NS}/${plural}`, { apiVersion: 'v1', ...object });
  const settle = () => cluster.sim.runUntil(cluster.sim.now + 2 * SECOND);
  const status = () => (cluster.request('GET', `${NS}/resourcequotas/q`).body as ResourceQuota).status;
  const pod = (name: string) => ({
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '200m', memory: '64Mi' } } }] },
  });
  expect(make('pods', pod('before')).status).toBe(201);
  const hard = { pods: '4', 'requests.cpu': '1', 'requests.memory': '1Gi', 'count/deployments.apps': '2', configmaps: '5' };
  expect(make('resourcequotas', { kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard } }).status).toBe(201);
  settle();
  expect(status()).toEqual({
    hard,
    used: { pods: '1', 'requests.cpu': '200m', 'requests.memory': '64Mi', 'count/deployments.apps': '0', configmaps: '1' },
  });
  for (const name of ['a', 'b', 'c']) expect(make('pods', pod(name)).status).toBe(201);
  expect(make('pods', pod('d')).status).toBe(403);
  expect(status().used).toMatchObject({ pods: '4', 'requests.cpu': '800m', 'requests.memory': '256Mi' });
  cluster.request('DELETE', `${NS}/pods/a`);
  const b = cluster.request('GET', `${NS}/pods/b`).body as Pod;
  cluster.request('PUT', `${NS}/pods/b/status`, { ...b, status: { ...b.status, phase: 'Succeeded' } });
  settle();
  expect(status().used).toMatchObject({ pods: '2', 'requests.cpu': '400m', 'requests.memory': '128Mi' });
  expect(make('pods', pod('d')).status).toBe(201);
});

test('a claim that a Pod on a node uses waits for it', () => {
  const cluster = bed();
  const make = (plural: string, object: object) => cluster.request('POST', `${NS}/${plural}`, { apiVersion: 'v1', ...object });
  const settle = () => cluster.sim.runUntil(cluster.sim.now + 2 * SECOND);
  const claim = (name: string) => ({
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'used' } }];
  make('persistentvolumeclaims', claim('used'));
  make('persistentvolumeclaims', claim('idle'));
  expect(
    make('pods', { kind: 'Pod', metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'nginx' }], volumes } })
      .status,
  ).toBe(201);
  for (const name of ['used', 'idle']) cluster.request('DELETE', `${NS}/persistentvolumeclaims/${name}`);
  settle();
  const there = () =>
    (cluster.request('GET', `${NS}/persistentvolumeclaims`).body as { items: { metadata: { name: string } }[] }).items.map(
      (c) => c.metadata.name,
    );
  expect(there()).toEqual(['used']);
  cluster.request('DELETE', `${NS}/pods/p`, { gracePeriodSeconds: 0 });
  settle();
  expect(there()).toEqual([]);
});

test('a quota may count custom resources', () => {
  const cluster = bed();
  const settle = () => cluster.sim.runUntil(cluster.sim.now + 5 * SECOND);
  const definition = {
    metadata: { name: 'lamps.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'lamps', singular: 'lamp', kind: 'Lamp' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  expect(cluster.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition).status).toBe(201);
  settle();
  const lamps = '/apis/example.com/v1/namespaces/default/lamps';
  const lamp = (name: string) => cluster.request('POST', lamps, { apiVersion: 'example.com/v1', kind: 'Lamp', metadata: { name } }).status;
  expect(lamp('a')).toBe(201);
  const hard = { 'count/lamps.example.com': '2' };
  expect(cluster.request('POST', `${NS}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } }).status).toBe(201);
  settle();
  const used = () => (cluster.request('GET', `${NS}/resourcequotas/q`).body as ResourceQuota).status?.used;
  expect(used()).toEqual({ 'count/lamps.example.com': '1' });
  expect([lamp('b'), lamp('c')]).toEqual([201, 403]);
  cluster.request('DELETE', `${lamps}/a`);
  settle();
  expect(used()).toEqual({ 'count/lamps.example.com': '1' });
});
