// What DELETE answers, and what it leaves (registry/rest/delete.go, the generic registry's store.go, ReturnDeletedObject).

import { beforeEach, expect, test } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { Testbed } from './testbed.ts';
import { parseTime, SECOND } from '../sim/time.ts';

let cluster: Testbed;
beforeEach(() => {
  cluster = new Testbed().boot();
});

const NS = '/api/v1/namespaces/default';
const made = (path: string, body: object): { metadata: { uid: string; resourceVersion: string } } => {
  const { status, body: object } = cluster.request('POST', path, body);
  expect(status).toBe(201);
  return object as { metadata: { uid: string; resourceVersion: string } };
};
const map = (metadata: object) => made(`${NS}/configmaps`, { metadata });
const deploy = { metadata: { name: 'web' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'c' }] } } } };

test('most kinds are answered with a Status, some with themselves', () => {
  const { uid } = map({ name: 'a' }).metadata;
  expect(cluster.request('DELETE', `${NS}/configmaps/a`).body).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: 'a', kind: 'configmaps', uid },
  });
  made(`${NS}/serviceaccounts`, { metadata: { name: 'sa' } });
  expect(cluster.request('DELETE', `${NS}/serviceaccounts/sa`).body).toMatchObject({ kind: 'ServiceAccount', metadata: { name: 'sa' } });
  made(`${NS}/services`, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } });
  expect(cluster.request('DELETE', `${NS}/services/s`).body).toMatchObject({ kind: 'Service', metadata: { name: 's' } });
});

test('preconditions, in the words of rest.BeforeDelete', () => {
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const { uid, resourceVersion } = made(deployments, deploy).metadata;
  const says = (preconditions: object) => {
    const { status, body } = cluster.request('DELETE', `${deployments}/web`, { preconditions });
    return [status, (body as { message?: string }).message];
  };
  expect(says({ uid: 'x' })).toEqual([
    409,
    `Operation cannot be fulfilled on Deployment.apps "web": the UID in the precondition (x) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
  ]);
  expect(says({ resourceVersion: '1' })).toEqual([
    409,
    `Operation cannot be fulfilled on Deployment.apps "web": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
  ]);
  expect(says({ uid, resourceVersion })).toEqual([200, undefined]);
});

test.each([
  [{ propagationPolicy: 'Foreground' }, 200, ['foregroundDeletion']],
  [{ propagationPolicy: 'Orphan' }, 200, ['orphan']],
  [{ orphanDependents: true }, 200, ['orphan']],
  [{ propagationPolicy: 'Background' }, 200, null],
  [{ orphanDependents: false }, 200, null],
])('%j', (options, status, finalizers) => {
  map({ name: 'a' });
  expect(cluster.request('DELETE', `${NS}/configmaps/a`, options).status).toBe(status);
  const left = cluster.request('GET', `${NS}/configmaps/a`);
  if (finalizers === null) expect(left.status).toBe(404);
  else expect(left.body).toMatchObject({ metadata: { finalizers, deletionGracePeriodSeconds: 0 } });
});

test('options that do not go together; 202 for what waits', () => {
  map({ name: 'a', finalizers: ['example.com/keep'] });
  const says = (options: object) => (cluster.request('DELETE', `${NS}/configmaps/a`, options).body as { message: string }).message;
  expect(says({ propagationPolicy: 'Foo' })).toBe(
    'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
  );
  expect(says({ propagationPolicy: 'Orphan', orphanDependents: true })).toContain('orphanDependents and deletionPropagation cannot be both set');
  expect(cluster.request('DELETE', `${NS}/configmaps/a`, { orphanDependents: false }).status).toBe(202);
  const added = { metadata: { finalizers: ['example.com/keep', 'example.com/new'] } };
  expect((cluster.request('PATCH', `${NS}/configmaps/a`, added).body as { message: string }).message).toBe(
    'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/new"}',
  );
  expect(cluster.request('PATCH', `${NS}/configmaps/a`, { metadata: { finalizers: null } }).status).toBe(200);
  expect(cluster.request('GET', `${NS}/configmaps/a`).status).toBe(404);
});

test('a shorter grace counts from when the deletion began', () => {
  made(`${NS}/serviceaccounts`, { metadata: { name: 'default' } });
  made('/api/v1/nodes', { metadata: { name: 'n' } });
  made(`${NS}/pods`, { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'c' }] } });
  const asked = (seconds: number): Pod['metadata'] => (cluster.request('DELETE', `${NS}/pods/p`, { gracePeriodSeconds: seconds }).body as Pod).metadata;
  const first = asked(60);
  cluster.sim.runUntil(cluster.sim.now + 10 * SECOND);
  expect(asked(90)).toMatchObject({ deletionGracePeriodSeconds: 60, deletionTimestamp: first.deletionTimestamp });
  const second = asked(20);
  expect(second.deletionGracePeriodSeconds).toBe(20);
  expect((parseTime(first.deletionTimestamp as string) ?? 0) - (parseTime(second.deletionTimestamp as string) ?? 0)).toBe(40 * SECOND);
  cluster.sim.runUntil(cluster.sim.now + 30 * SECOND);
  expect(asked(5).deletionGracePeriodSeconds).toBe(1);
});

test('a collection is answered with its list; a selector chooses', () => {
  for (const name of ['a', 'b', 'c']) map({ name, labels: { odd: String(name !== 'b') } });
  const { status, body } = cluster.request('DELETE', `${NS}/configmaps`, undefined, { query: { labelSelector: 'odd=true' } });
  expect([status, (body as { kind: string }).kind]).toEqual([200, 'ConfigMapList']);
  const left = cluster.request('GET', `${NS}/configmaps`).body as { items: { metadata: { name: string } }[] };
  expect(left.items.map((o) => o.metadata.name)).toEqual(['b']);
});
