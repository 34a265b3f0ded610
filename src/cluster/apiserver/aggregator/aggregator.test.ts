// APIServices: those of the server itself, and one that stands for another server.

import { expect, test } from 'vitest';
import { addAddress, type Interface } from '../../network/device.ts';
import type { Netns } from '../../network/netns.ts';
import { serveHttp } from '../../network/http.ts';
import type { Os } from '../../machine/process.ts';
import { SECOND } from '../../sim/time.ts';
import { ADDRESS, Testbed } from '../testbed.ts';

const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

const settle = (bed: Testbed, seconds = 10): void => bed.sim.runUntil(bed.sim.now + seconds * SECOND);
const condition = (bed: Testbed, name: string): string => {
  const { status } = bed.request('GET', `${SERVICES}/${name}`).body as { status: { conditions: readonly Condition[] } };
  return status.conditions.map((c) => `${c.type}=${c.status} ${c.reason}: ${c.message}`).join();
};

test('each own group version has its APIService', () => {
  const bed = new Testbed().boot();
  settle(bed, 2);
  const { items } = bed.request('GET', SERVICES).body as { items: readonly { metadata: { name: string; labels: object }; spec: object }[] };
  expect(items.map((i) => i.metadata.name)).toContain('v1.');
  expect(items.find((i) => i.metadata.name === 'v1.apps')).toMatchObject({
    metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
    spec: { group: 'apps', groupPriorityMinimum: 17800, version: 'v1', versionPriority: 15 },
  });
  expect(condition(bed, 'v1.')).toBe('Available=True Local: Local APIServices are always available');
});

test('an aggregated API is checked, discovered and reached through its Service', () => {
  const bed = new Testbed().boot();
  const [version] = ['v1beta1'];
  const seen: Record<string, string>[] = [];
  const spec = {
    group: 'example.org',
    version,
    groupPriorityMinimum: 100,
    versionPriority: 100,
    insecureSkipTLSVerify: true,
    service: { namespace: 'default', name: 'api' },
  };
  bed.request('POST', SERVICES, {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1beta1.example.org' },
    spec,
  });
  settle(bed);
  expect(condition(bed, 'v1beta1.example.org')).toBe('Available=False ServiceNotFound: service/api in "default" is not present');
  const early = bed.request('GET', '/apis/example.org/v1beta1/things');
  expect([early.status, early.body]).toEqual([503, 'service unavailable\n']);

  // No proxy of Services runs on this machine: its own address stands for the ClusterIP.
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'api' }, spec: { ports: [{ port: 443 }] } };
  const created = bed.request('POST', '/api/v1/namespaces/default/services', service).body as { spec: { clusterIP: string } };
  settle(bed);
  expect(condition(bed, 'v1beta1.example.org')).toBe(
    'Available=False EndpointsNotFound: cannot find endpointslices for service/api in "default"',
  );
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'api-1', labels: { 'kubernetes.io/service-name': 'api' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [ADDRESS], conditions: { ready: true } }],
    ports: [{ name: '', port: 443 }],
  };
  bed.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', slice);
  settle(bed, 40);
  expect(condition(bed, 'v1beta1.example.org')).toContain(
    `FailedDiscoveryCheck: failing or missing response from https://${created.spec.clusterIP}:443/apis/example.org/v1beta1`,
  );

  addAddress((bed.machine.hostNetns as Netns).interfaces.get('lo') as Interface, `${created.spec.clusterIP}/32`);
  bed.machine.spawn(
    function* (os: Os) {
      serveHttp(os, { port: 443, tls: { certificate: '' } }, function* (request) {
        seen.push(request.headers as Record<string, string>);
        const list = {
          kind: 'APIResourceList',
          apiVersion: 'v1',
          groupVersion: 'example.org/v1beta1',
          resources: [{ name: 'things', singularName: 'thing', namespaced: false, kind: 'Thing', verbs: ['get', 'list'] }],
        };
        return { status: 200, headers: {}, body: request.path.endsWith('/things') ? { kind: 'ThingList', items: [] } : list };
      });
      yield* os.signals().receive();
    },
    { argv: ['extension'], logs: { write: () => undefined } },
  );
  settle(bed, 40);
  expect(condition(bed, 'v1beta1.example.org')).toBe('Available=True Passed: all checks passed');
  expect(bed.request('GET', '/apis/example.org/v1beta1/things').body).toEqual({ kind: 'ThingList', items: [] });
  expect(seen.at(-1)).toMatchObject({ 'x-remote-user': 'kubernetes-admin', 'x-remote-group': 'system:masters,system:authenticated' });
  const groups = bed.request('GET', '/apis').body as { groups: readonly { name: string }[] };
  expect(groups.groups.map((g) => g.name)).toContain('example.org');
});
