// Everything beside plain objects: discovery, tables, scale, eviction, tokens, reviews, dry runs, field validation,
// and what a request leaves in the trace.

import { beforeEach, expect, test } from 'vitest';
import type { HttpResponse } from '../network/http.ts';
import { Simulation } from '../sim/simulation.ts';
import { CALL, DETAIL, hashRecords } from '../sim/trace.ts';
import { Testbed } from './testbed.ts';

let cluster: Testbed;
beforeEach(() => {
  cluster = new Testbed().boot();
});

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template },
};
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const pods = '/api/v1/namespaces/default/pods';
const message = (r: HttpResponse): string => (r.body as { message: string }).message;
const MERGE = { headers: { 'content-type': 'application/merge-patch+json' } };

function makePod(name: string, labels: object = {}): void {
  cluster.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const made = cluster.request('POST', pods, { metadata: { name, labels }, spec: template.spec });
  expect(made.status).toBe(201);
}

test('discovery in both forms', () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const aggregated = cluster.request('GET', '/apis', undefined, { headers: { accept } });
  expect(aggregated.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
  const groups = (aggregated.body as { items: { metadata: { name: string }; versions: { resources: { resource: string }[] }[] }[] }).items;
  expect(groups.find((g) => g.metadata.name === 'apps')?.versions[0]?.resources.map((r) => r.resource)).toContain('deployments');
  const core = cluster.request('GET', '/api/v1').body as { resources: { name: string; group?: string; kind: string }[] };
  expect(core.resources.find((r) => r.name === 'pods/eviction')).toMatchObject({ group: 'policy', version: 'v1', kind: 'Eviction' });
  expect((cluster.request('GET', '/version').body as { gitVersion: string }).gitVersion).toBe('v1.36.0');
  expect((cluster.request('GET', '/apis').body as { kind: string }).kind).toBe('APIGroupList');
});

test('tables when the first media type asks for one', () => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  cluster.request('POST', deployments, deployment);
  const table = cluster.request('GET', deployments, undefined, { headers: { accept } }).body as {
    kind: string;
    rows: { cells: unknown[]; object: { kind: string } }[];
  };
  expect(table.kind).toBe('Table');
  expect(table.rows[0]?.cells.slice(0, 2)).toEqual(['web', '0/2']);
  expect(table.rows[0]?.object.kind).toBe('PartialObjectMetadata');
});

test('generation counts changes of the spec; status has its own door', () => {
  const made = cluster.request('POST', deployments, deployment).body as { metadata: { generation: number } };
  expect(made.metadata.generation).toBe(1);
  const status = cluster.request('PATCH', `${deployments}/web/status`, {
    spec: { replicas: 9 },
    status: { observedGeneration: 1, replicas: 2 },
  });
  expect(status.body).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 2 }, status: { replicas: 2 } });
  const scaled = cluster.request('PATCH', `${deployments}/web/scale`, { spec: { replicas: 5 } }, MERGE);
  expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 5 }, status: { replicas: 2, selector: 'app=web' } });
  expect(cluster.request('GET', `${deployments}/web`).body).toMatchObject({
    metadata: { generation: 2 },
    spec: { replicas: 5 },
    status: { replicas: 2 },
  });
});

test('field validation and dry run', () => {
  const odd = { ...deployment, spec: { ...deployment.spec, foo: 1 } };
  const strict = cluster.request('POST', deployments, odd, { query: { fieldValidation: 'Strict' } });
  expect([strict.status, message(strict)]).toEqual([
    400,
    'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo"',
  ]);
  const warned = cluster.request('POST', deployments, odd, { query: { dryRun: 'All' } });
  expect([warned.status, warned.headers['warning']]).toEqual([201, '299 - "unknown field \\"spec.foo\\""']);
  expect(cluster.request('GET', `${deployments}/web`).status).toBe(404);
  const bad = cluster.request('POST', deployments, { ...deployment, spec: { ...deployment.spec, replicas: -1 } });
  expect([bad.status, message(bad)]).toEqual([
    422,
    'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

test('eviction asks the disruption budget', () => {
  makePod('a', { app: 'web' });
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
  cluster.request('POST', budgets, { metadata: { name: 'pdb' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } });
  cluster.request(
    'PATCH',
    `${budgets}/pdb/status`,
    { status: { observedGeneration: 1, desiredHealthy: 1, currentHealthy: 1, expectedPods: 1, disruptionsAllowed: 0 } },
    MERGE,
  );
  cluster.request('PATCH', `${pods}/a/status`, { status: { phase: 'Running' } });
  const evict = () => cluster.request('POST', `${pods}/a/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } });
  const refused = evict();
  expect([refused.status, message(refused), refused.headers['retry-after']]).toEqual([
    429,
    "Cannot evict pod as it would violate the pod's disruption budget.",
    undefined,
  ]);
  cluster.request('PATCH', `${budgets}/pdb/status`, { status: { disruptionsAllowed: 1 } }, MERGE);
  expect(evict().status).toBe(201);
  expect(cluster.request('GET', `${pods}/a`).status).toBe(404);
  expect(cluster.request('GET', `${budgets}/pdb`).body).toMatchObject({ status: { disruptionsAllowed: 0 } });
});

test('a ServiceAccount token opens what RBAC gives it, until its account is gone', () => {
  makePod('a');
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const made = cluster.request('POST', `${accounts}/default/token`, {
    spec: { expirationSeconds: 3607, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'a' } },
  });
  expect(made.status).toBe(201);
  const { token } = (made.body as { status: { token: string } }).status;
  const bearer = { as: null, headers: { authorization: `Bearer ${token}` } };
  const whoami = () => cluster.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, bearer);
  expect(whoami().body).toMatchObject({ status: { userInfo: { username: 'system:serviceaccount:default:default' } } });
  const can = (verb: string) =>
    cluster.request(
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      { spec: { resourceAttributes: { namespace: 'default', verb, resource: 'pods' } } },
      bearer,
    ).body;
  expect(can('list')).toMatchObject({ status: { allowed: false } });
  expect(message(cluster.request('GET', pods, undefined, bearer))).toBe(
    'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  cluster.request('DELETE', `${accounts}/default`);
  expect(whoami().status).toBe(401);
});

test('impersonation needs the right to it', () => {
  const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'developers' };
  const denied = cluster.request('GET', pods, undefined, { headers });
  expect(message(denied)).toBe('pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"');
  const bob = cluster.certificate('bob', []);
  expect(message(cluster.request('GET', pods, undefined, { headers, as: bob }))).toBe(
    'pods is forbidden: User "bob" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "default"',
  );
});

test('an Event is the same thing in both of its groups', () => {
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod', name: 'a', namespace: 'default' },
    reason: 'Scheduled',
    message: 'm',
    type: 'Normal',
    firstTimestamp: '2026-05-04T01:00:00Z',
    lastTimestamp: '2026-05-04T01:00:00Z',
    count: 1,
    source: { component: 'x' },
  };
  expect(cluster.request('POST', '/api/v1/namespaces/default/events', event).status).toBe(201);
  expect(cluster.request('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e').body).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    regarding: { name: 'a' },
    note: 'm',
  });
  const query = { fieldSelector: 'involvedObject.name=a' };
  expect(
    (cluster.request('GET', '/api/v1/namespaces/default/events', undefined, { query }).body as { items: unknown[] }).items,
  ).toHaveLength(1);
  cluster.sim.runUntil(cluster.sim.now + 3_700_000_000);
  expect(cluster.request('GET', '/api/v1/namespaces/default/events/e').status).toBe(404);
});

test('a request that a person caused tells how it was answered; background work does not', () => {
  const { sim } = cluster;
  // What the server itself does after its start is over.
  sim.runUntil(sim.now + 10_000_000);
  const stages = (act: () => void): string[] => {
    const before = sim.trace.lastId;
    act();
    return sim.trace.records
      .filter((r) => r.id > before && r.kind !== 'process')
      .map((r) => `${'  '.repeat(depth(r.id))}${r.level === DETAIL ? '· ' : ''}${r.kind} ${r.verb}`);
  };
  const depth = (id: number): number => {
    const cause = sim.trace.get(id)?.cause ?? 0;
    return cause === 0 ? 0 : 1 + depth(cause);
  };
  const body = { metadata: { name: 'a' }, data: { k: 'v' } };
  const quiet = stages(() => cluster.request('POST', '/api/v1/namespaces/default/configmaps', body));
  expect(quiet.some((line) => line.includes('·'))).toBe(false);
  sim.cause = sim.trace.emit(null, { kind: 'input', verb: 'apply', from: 'person', start: sim.now });
  const told = stages(() => cluster.request('POST', '/api/v1/namespaces/kube-public/configmaps', body));
  expect(told).toEqual([
    '  · packet connect',
    '  · packet answer',
    '  http POST',
    '    · apiserver authenticate',
    '    · apiserver audit',
    '    · apiserver priority-and-fairness',
    '    · apiserver authorize',
    '    · apiserver decode',
    '    · apiserver validate',
    '    etcd txn',
    '      · raft persist',
    '      raft commit',
    '        etcd watch',
    '      etcd response',
    '    · apiserver respond',
    '    http response',
  ]);
  expect(sim.trace.records.every((r) => r.level === CALL || r.flow !== 0)).toBe(true);
});

test('the same seed gives the same records, to the last byte', () => {
  const run = (): string => {
    const testbed = new Testbed(new Simulation({ seed: 7 })).boot();
    testbed.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    for (let i = 0; i < 5; i++) testbed.request('POST', pods, { metadata: { generateName: 'p-' }, spec: template.spec });
    testbed.request('DELETE', pods);
    return hashRecords(testbed.sim.trace.records);
  };
  expect(run()).toBe(run());
});

test('Secrets: stringData becomes data', () => {
  const made = cluster.request('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 's' }, stringData: { user: 'admin' } });
  expect(made.body).toMatchObject({ type: 'Opaque', data: { user: 'YWRtaW4=' } });
  expect(made.body).not.toHaveProperty('stringData');
});

test('two versions of one autoscaler, written through either', () => {
  const hpa = {
    metadata: { name: 'h' },
    spec: {
      maxReplicas: 5,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      targetCPUUtilizationPercentage: 60,
    },
  };
  const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
  const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
  expect(cluster.request('POST', v1, hpa)).toMatchObject({
    status: 201,
    body: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 60 } },
  });
  expect(cluster.request('GET', `${v2}/h`).body).toMatchObject({
    apiVersion: 'autoscaling/v2',
    spec: { minReplicas: 1, metrics: [{ resource: { name: 'cpu' } }] },
  });
  expect(cluster.request('PATCH', `${v1}/h`, { spec: { maxReplicas: 7 } }, MERGE)).toMatchObject({
    status: 200,
    body: { spec: { maxReplicas: 7, targetCPUUtilizationPercentage: 60 } },
  });
});
