// REST semantics over a real simulated socket: what clients rely on (kubectl-wire.md §8–12).

import { beforeEach, expect, test } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { Testbed } from './testbed.ts';

let cluster: Testbed;
beforeEach(() => {
  cluster = new Testbed().boot();
});

const ACCOUNT = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
const pod = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...more },
  spec: { containers: [{ name: 'c', image: 'nginx' }] },
});
const pods = '/api/v1/namespaces/default/pods';

function withAccount(): void {
  expect(cluster.request('POST', '/api/v1/namespaces/default/serviceaccounts', ACCOUNT).status).toBe(201);
}

test('a new cluster has its namespaces, roles and the kubernetes Service', () => {
  const names = (path: string) =>
    (cluster.request('GET', path).body as { items: { metadata: { name: string } }[] }).items.map((o) => o.metadata.name);
  expect(names('/api/v1/namespaces')).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
  expect(names('/apis/rbac.authorization.k8s.io/v1/clusterroles')).toContain('system:kube-scheduler');
  const service = cluster.request('GET', '/api/v1/namespaces/default/services/kubernetes').body as { spec: { clusterIP: string } };
  expect(service.spec.clusterIP).toBe('10.96.0.1');
  expect(names('/apis/networking.k8s.io/v1/ipaddresses')).toEqual(['10.96.0.1']);
  const slice = cluster.request('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes').body as {
    endpoints: { addresses: string[] }[];
  };
  expect(slice.endpoints[0]?.addresses).toEqual(['192.168.66.10']);
});

test('a Pod is created with everything that the server adds', () => {
  withAccount();
  const { status, body } = cluster.request('POST', pods, pod('', { generateName: 'web-' }));
  expect(status).toBe(201);
  const made = body as Pod;
  expect(made.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  expect(made.metadata.creationTimestamp).toMatch(/Z$/);
  expect(Number(made.metadata.resourceVersion)).toBeGreaterThan(1);
  expect(made.status.phase).toBe('Pending');
  expect(made.spec.serviceAccountName).toBe('default');
  expect(made.spec.tolerations?.map((t) => t.key)).toEqual(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);
  expect(made.spec.containers[0]?.volumeMounts?.[0]?.mountPath).toBe('/var/run/secrets/kubernetes.io/serviceaccount');
  expect(made.spec.priority).toBe(0);
});

test.each([
  ['GET', `${pods}/nope`, undefined, 404, 'pods "nope" not found'],
  ['GET', '/api/v1/nonsense', undefined, 404, 'the server could not find the requested resource'],
  ['GET', '/apis/apps/v9', undefined, 404, 'the server could not find the requested resource'],
  ['POST', '/api/v1/namespaces/nowhere/configmaps', { metadata: { name: 'a' } }, 404, 'namespaces "nowhere" not found'],
  ['POST', '/api/v1/namespaces', { metadata: { name: 'default' } }, 409, 'namespaces "default" already exists'],
  ['DELETE', '/api/v1/namespaces/default', undefined, 403, 'namespaces "default" is forbidden: this namespace may not be deleted'],
  [
    'POST',
    '/api/v1/namespaces/default/configmaps',
    { metadata: { name: 'a', namespace: 'b' } },
    400,
    'the namespace of the provided object does not match the namespace sent on the request',
  ],
  [
    'POST',
    '/api/v1/namespaces/default/configmaps',
    { kind: 'Secret', metadata: { name: 'a' } },
    400,
    'Secret in version "v1" cannot be handled as a ConfigMap: no kind "Secret" is registered for version "v1"',
  ],
  ['GET', '/api/v1/pods?', undefined, 404, null],
])('%s %s', (method, path, body, status, message) => {
  const response = cluster.request(method as string, path as string, body);
  if (message === null) return;
  expect([response.status, (response.body as { message: string }).message]).toEqual([status, message]);
});

test('writes with an old resourceVersion conflict; a write that changes nothing writes nothing', () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const first = cluster.request('POST', path, { metadata: { name: 'a' }, data: { k: '1' } }).body as {
    metadata: { resourceVersion: string };
  };
  const second = cluster.request('PUT', `${path}/a`, { ...first, data: { k: '2' } });
  expect(second.status).toBe(200);
  const third = cluster.request('PUT', `${path}/a`, { ...first, data: { k: '3' } });
  expect([third.status, (third.body as { message: string }).message]).toEqual([
    409,
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
  ]);
  const rv = (r: { body?: unknown }) => (r.body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  expect(rv(cluster.request('PATCH', `${path}/a`, { data: { k: '2' } }))).toBe(rv(second));
});

test('graceful deletion: a Pod on a node waits for its kubelet, one without goes at once', () => {
  withAccount();
  cluster.request('POST', pods, pod('free'));
  cluster.request('POST', pods, pod('bound'));
  const binding = { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'worker-1' } };
  expect(cluster.request('POST', `${pods}/bound/binding`, binding).status).toBe(201);
  expect(cluster.request('POST', `${pods}/bound/binding`, binding).status).toBe(409);
  expect(cluster.request('DELETE', `${pods}/free`).status).toBe(200);
  expect(cluster.request('GET', `${pods}/free`).status).toBe(404);
  const dying = cluster.request('DELETE', `${pods}/bound`).body as Pod;
  expect(dying.metadata.deletionGracePeriodSeconds).toBe(30);
  expect(dying.metadata.deletionTimestamp).toBeDefined();
  expect(cluster.request('GET', `${pods}/bound`).status).toBe(200);
  const wrong = cluster.request('DELETE', `${pods}/bound`, { gracePeriodSeconds: 0, preconditions: { uid: 'other' } });
  expect(wrong.status).toBe(409);
  const uid = dying.metadata.uid as string;
  expect(cluster.request('DELETE', `${pods}/bound`, { gracePeriodSeconds: 0, preconditions: { uid } }).status).toBe(200);
  expect(cluster.request('GET', `${pods}/bound`).status).toBe(404);
});

test('finalizers keep an object until the last is taken away', () => {
  const path = '/api/v1/namespaces/default/configmaps';
  cluster.request('POST', path, { metadata: { name: 'a', finalizers: ['example.com/hold'] } });
  const marked = cluster.request('DELETE', `${path}/a`).body as Pod;
  expect(marked.metadata.deletionTimestamp).toBeDefined();
  expect(
    cluster.request('PATCH', `${path}/a`, { metadata: { finalizers: [] } }, { headers: { 'content-type': 'application/merge-patch+json' } })
      .status,
  ).toBe(200);
  expect(cluster.request('GET', `${path}/a`).status).toBe(404);
  cluster.request('POST', path, { metadata: { name: 'b' } });
  const foreground = cluster.request('DELETE', `${path}/b`, { propagationPolicy: 'Foreground' }).body as Pod;
  expect(foreground.metadata.finalizers).toEqual(['foregroundDeletion']);
});

test('a namespace ends when its finalizer is gone', () => {
  cluster.request('POST', '/api/v1/namespaces', { metadata: { name: 'team' } });
  const dying = cluster.request('DELETE', '/api/v1/namespaces/team').body as { status: { phase: string }; spec: object };
  expect(dying.status.phase).toBe('Terminating');
  const refused = cluster.request('POST', '/api/v1/namespaces/team/configmaps', { metadata: { name: 'a' } });
  expect([refused.status, (refused.body as { message: string }).message]).toEqual([
    403,
    'configmaps "a" is forbidden: unable to create new content in namespace team because it is being terminated',
  ]);
  expect(cluster.request('PUT', '/api/v1/namespaces/team/finalize', { ...dying, spec: {} }).status).toBe(200);
  expect(cluster.request('GET', '/api/v1/namespaces/team').status).toBe(404);
});

test('watches: selectors act on transitions, the past is replayed, too far back is an error', () => {
  withAccount();
  const all = cluster.watch('/api/v1/pods', { labelSelector: 'app=web' });
  const onNode = cluster.watch('/api/v1/pods', { fieldSelector: 'spec.nodeName=worker-1' });
  const made = cluster.request('POST', pods, pod('a', { labels: { app: 'web' } })).body as Pod;
  cluster.request('POST', `${pods}/a/binding`, { metadata: { name: 'a' }, target: { kind: 'Node', name: 'worker-1' } });
  cluster.request('PATCH', `${pods}/a`, { metadata: { labels: { app: 'other' } } });
  cluster.request('PATCH', `${pods}/a`, { metadata: { labels: { app: 'web' } } });
  cluster.request('DELETE', `${pods}/a`, { gracePeriodSeconds: 0 });
  cluster.sim.runUntil(cluster.sim.now + 10_000);
  expect(all.events.map((e) => e.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED']);
  expect(onNode.events.map((e) => e.type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  const replay = cluster.watch('/api/v1/pods', { resourceVersion: made.metadata.resourceVersion as string });
  expect(replay.events.map((e) => e.type)).toEqual(['MODIFIED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  cluster.request('POST', pods, pod('b'));
  cluster.sim.runUntil(cluster.sim.now + 80_000_000);
  for (let i = 0; i < 110; i++) cluster.request('PATCH', `${pods}/b`, { metadata: { labels: { n: String(i) } } });
  const old = cluster.watch('/api/v1/pods', { resourceVersion: made.metadata.resourceVersion as string });
  expect(old.events.map((e) => [e.type, (e.object as { code?: number }).code])).toEqual([['ERROR', 410]]);
  const rvs = all.events.map((e) => Number((e.object as Pod).metadata.resourceVersion));
  expect(rvs).toEqual([...rvs].sort((a, b) => a - b));
});

test('lists come in pages, from the revision of the first', () => {
  const path = '/api/v1/namespaces/default/configmaps';
  for (const name of ['a', 'b', 'c', 'd', 'e']) cluster.request('POST', path, { metadata: { name } });
  type List = {
    items: { metadata: { name: string } }[];
    metadata: { continue?: string; remainingItemCount?: number; resourceVersion: string };
  };
  const first = cluster.request('GET', path, undefined, { query: { limit: '2' } }).body as List;
  expect(first.items.map((o) => o.metadata.name)).toEqual(['a', 'b']);
  expect(first.metadata.remainingItemCount).toBe(3);
  cluster.request('DELETE', `${path}/c`);
  const second = cluster.request('GET', path, undefined, { query: { limit: '2', continue: first.metadata.continue as string } })
    .body as List;
  expect(second.items.map((o) => o.metadata.name)).toEqual(['c', 'd']);
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  cluster.sim.runUntil(cluster.sim.now + 11 * 60_000_000);
  const late = cluster.request('GET', path, undefined, { query: { continue: first.metadata.continue as string } });
  expect([late.status, (late.body as { reason: string }).reason]).toEqual([410, 'Expired']);
});

test('RBAC: what no binding allows is refused in the words of kubectl', () => {
  const jane = cluster.certificate('jane', []);
  const list = () => cluster.request('GET', '/api/v1/namespaces/default/secrets', undefined, { as: jane });
  expect([list().status, (list().body as { message: string }).message]).toEqual([
    403,
    'secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"',
  ]);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'jane' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:aggregate-to-edit' },
    subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
  };
  expect(cluster.request('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', role).status).toBe(201);
  expect(list().status).toBe(200);
  const anonymous = cluster.request('GET', '/api/v1/pods', undefined, { as: null });
  expect((anonymous.body as { message: string }).message).toBe(
    'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
  );
  expect(cluster.request('GET', '/version', undefined, { as: null }).status).toBe(200);
});

test('Services get addresses and ports of their own and give them back', () => {
  const path = '/api/v1/namespaces/default/services';
  const service = (name: string, spec: object) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port: 80 }], selector: { a: 'b' }, ...spec },
  });
  type Made = { spec: { clusterIP: string; clusterIPs: string[]; ports: { nodePort?: number }[] }; message?: string };
  const a = cluster.request('POST', path, service('a', { type: 'NodePort' })).body as Made;
  expect(a.spec.clusterIPs).toEqual([a.spec.clusterIP]);
  const port = a.spec.ports[0]?.nodePort as number;
  expect(port).toBeGreaterThanOrEqual(30_000);
  const taken = cluster.request('POST', path, service('b', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] }));
  expect([taken.status, (taken.body as Made).message]).toEqual([
    422,
    `Service "b" is invalid: spec.ports[0].nodePort: Invalid value: ${port}: provided port is already allocated`,
  ]);
  const used = cluster.request('POST', path, service('c', { clusterIP: a.spec.clusterIP }));
  expect((used.body as Made).message).toContain('provided IP is already allocated');
  cluster.request('DELETE', `${path}/a`);
  expect(
    cluster.request('POST', path, service('b', { type: 'NodePort', clusterIP: a.spec.clusterIP, ports: [{ port: 80, nodePort: port }] }))
      .status,
  ).toBe(201);
  const headless = cluster.request('POST', path, service('d', { clusterIP: 'None' })).body as Made;
  expect(headless.spec.clusterIPs).toEqual(['None']);
});

test('hostile bodies', () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const big = cluster.request('POST', path, { metadata: { name: 'a' } }, { headers: { 'content-length': '10000000' } });
  expect([big.status, (big.body as { reason: string }).reason]).toEqual([413, 'RequestEntityTooLarge']);
  const proto = JSON.parse('{"metadata":{"name":"a","labels":{"__proto__":"x"}},"data":{"__proto__":"y"}}') as object;
  cluster.request('POST', path, proto);
  expect(({} as { x?: unknown }).x).toBeUndefined();
  let deep: object = {};
  for (let i = 0; i < 100_000; i++) deep = { a: deep };
  const answer = cluster.request('POST', path, { metadata: { name: 'b' }, data: deep });
  expect(answer.status).toBe(400);
  expect(cluster.request('POST', path, [1, 2]).status).toBe(400);
  expect(cluster.request('POST', path, 'text').status).toBe(400);
  expect(cluster.request('GET', '/readyz').status).toBe(200);
});

test('a restarted etcd still has everything, and the API server finds back to it', () => {
  cluster.request('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'a' } });
  cluster.etcd?.kill('SIGKILL');
  cluster.sim.runUntil(cluster.sim.now + 1_000_000);
  cluster.startEtcd();
  cluster.sim.runUntil(cluster.sim.now + 5_000_000);
  expect(cluster.request('GET', '/api/v1/namespaces/default/configmaps/a').status).toBe(200);
  expect(cluster.request('GET', '/api/v1/namespaces/default/configmaps').status).toBe(200);
  expect(cluster.request('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'b' } }).status).toBe(201);
});
