// LimitRanger and ResourceQuota in upstream's words.

import { beforeEach, expect, test } from 'vitest';
import type { Pod, ResourceQuota, Status } from '../../api/generated/types.ts';
import { Testbed } from '../testbed.ts';

let cluster: Testbed;
const NS = '/api/v1/namespaces/default';
beforeEach(() => {
  cluster = new Testbed().boot();
  make('serviceaccounts', { kind: 'ServiceAccount', metadata: { name: 'default' } });
});

function make(plural: string, object: object) {
  return cluster.request('POST', `${NS}/${plural}`, { apiVersion: 'v1', ...object });
}
const pod = (name: string, resources: object = {}, more: object = {}) => ({
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'web', image: 'nginx:1.27', resources }], ...more },
});
const said = (response: { body?: unknown }) => (response.body as Status).message;

function quota(name: string, hard: object, used: object, more: object = {}): void {
  const made = make('resourcequotas', { kind: 'ResourceQuota', metadata: { name }, spec: { hard, ...more } });
  expect(made.status).toBe(201);
  const written = cluster.request('PUT', `${NS}/resourcequotas/${name}/status`, { ...(made.body as object), status: { hard, used } });
  expect(written.status).toBe(200);
}
const used = (name: string) => (cluster.request('GET', `${NS}/resourcequotas/${name}`).body as ResourceQuota).status.used;

test('a Pod that is too large for the quota, one without values, and one that fits', () => {
  const hard = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'limits.cpu': '2', 'limits.memory': '2Gi' };
  quota('mem-cpu-demo', hard, { 'requests.cpu': '400m', 'requests.memory': '600Mi', 'limits.cpu': '800m', 'limits.memory': '800Mi' });
  const large = pod('web', { requests: { memory: '700Mi', cpu: '400m' }, limits: { memory: '1Gi', cpu: '800m' } });
  expect(said(make('pods', large))).toBe(
    'pods "web" is forbidden: exceeded quota: mem-cpu-demo, requested: requests.memory=700Mi, used: requests.memory=600Mi, limited: requests.memory=1Gi',
  );
  expect(said(make('pods', pod('web')))).toBe(
    'pods "web" is forbidden: failed quota: mem-cpu-demo: must specify limits.cpu for: web; limits.memory for: web; requests.cpu for: web; requests.memory for: web',
  );
  const fits = pod('web', { requests: { memory: '100Mi', cpu: '400m' }, limits: { memory: '1Gi', cpu: '800m' } });
  expect(make('pods', fits).status).toBe(201);
  expect(used('mem-cpu-demo')).toEqual({
    'limits.cpu': '1600m',
    'limits.memory': '1824Mi',
    'requests.cpu': '800m',
    'requests.memory': '700Mi',
  });
});

test('counts: the third Pod, a second Service with a node port, a ConfigMap', () => {
  quota(
    'counts',
    { pods: '2', 'services.nodeports': '1', 'count/configmaps': '0' },
    { pods: '1', 'services.nodeports': '1', 'count/configmaps': '0' },
  );
  expect(make('pods', pod('one')).status).toBe(201);
  expect(said(make('pods', pod('two')))).toBe(
    'pods "two" is forbidden: exceeded quota: counts, requested: pods=1, used: pods=2, limited: pods=2',
  );
  expect(said(make('services', { kind: 'Service', metadata: { name: 's' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } }))).toBe(
    'services "s" is forbidden: exceeded quota: counts, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
  );
  expect(said(make('configmaps', { kind: 'ConfigMap', metadata: { name: 'c' } }))).toBe(
    'configmaps "c" is forbidden: exceeded quota: counts, requested: count/configmaps=1, used: count/configmaps=0, limited: count/configmaps=0',
  );
});

test('a quota for BestEffort Pods is nothing to others; one whose use is unknown stops everybody', () => {
  quota('be', { pods: '0' }, { pods: '0' }, { scopes: ['BestEffort'] });
  expect(make('pods', pod('b', { requests: { cpu: '1' } })).status).toBe(201);
  expect(make('pods', pod('a')).status).toBe(403);
  make('resourcequotas', { kind: 'ResourceQuota', metadata: { name: 'new' }, spec: { hard: { pods: '9' } } });
  expect(make('pods', pod('c', { requests: { cpu: '1' } })).status).toBe(201);
});

test('twenty at once are charged twenty times', () => {
  quota('q', { pods: '15' }, { pods: '0' });
  const results = cluster.run(function* (os, client) {
    const statuses: number[] = [];
    for (let i = 0; i < 20; i++) {
      os.go(`post-${i}`, function* () {
        const r = yield* client.request({
          method: 'POST',
          path: `${NS}/pods`,
          query: {},
          headers: { 'content-type': 'application/json' },
          body: { apiVersion: 'v1', ...pod(`p${i}`) },
        });
        statuses.push(r.status);
      });
    }
    yield* os.sleep(5_000_000);
    return statuses;
  });
  expect(results.filter((s) => s === 201)).toHaveLength(15);
  expect(results.filter((s) => s === 403)).toHaveLength(5);
  expect(used('q')).toEqual({ pods: '15' });
});

test('limit ranges: defaults with an annotation, maximum, ratio, Pod and claim', () => {
  const limits = [
    {
      type: 'Container',
      default: { cpu: '500m' },
      defaultRequest: { cpu: '250m', memory: '64Mi' },
      max: { cpu: '800m' },
      maxLimitRequestRatio: { cpu: '4' },
    },
    { type: 'Pod', max: { memory: '1Gi' } },
    { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } },
  ];
  expect(make('limitranges', { kind: 'LimitRange', metadata: { name: 'lr' }, spec: { limits } }).status).toBe(201);
  expect(said(make('pods', pod('web', { limits: { cpu: '1500m', memory: '1Gi' } })))).toBe(
    'pods "web" is forbidden: maximum cpu usage per Container is 800m, but limit is 1500m',
  );
  expect(said(make('pods', pod('web', { requests: { cpu: '100m' } })))).toBe(
    'pods "web" is forbidden: [cpu max limit to request ratio per Container is 4, but provided ratio is 5.000000, maximum memory usage per Pod is 1Gi.  No limit is specified]',
  );
  const made = make('pods', pod('web', { limits: { memory: '128Mi' } })).body as Pod;
  expect(made.metadata.annotations).toEqual({
    'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu request for container web; cpu limit for container web',
  });
  expect(made.spec.containers[0]?.resources).toEqual({
    limits: { cpu: '500m', memory: '128Mi' },
    requests: { cpu: '250m', memory: '128Mi' },
  });
  const claim = (storage: string) => ({
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
  expect(said(make('persistentvolumeclaims', claim('3Gi')))).toBe(
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
  expect(make('persistentvolumeclaims', claim('1Gi')).status).toBe(201);
});
