// Who manages which fields, and server-side apply, over a real simulated socket. Expectations are what a 1.36 server answers.

import { beforeEach, expect, test } from 'vitest';
import type { Deployment, ManagedFieldsEntry, Status } from '../api/generated/types.ts';
import { type Ask, Testbed } from './testbed.ts';

let cluster: Testbed;
beforeEach(() => {
  cluster = new Testbed().boot();
});

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const web = (more: object = {}, containers: readonly object[] = [{ name: 'web', image: 'nginx' }]): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers } }, ...more },
});
const as = (manager: string): Ask => ({ query: { fieldManager: manager } });
const apply = (body: object, manager = 'a', query: Record<string, string> = {}, path = `${deployments}/web`) =>
  cluster.request('PATCH', path, body, { query: { fieldManager: manager, ...query }, headers: { 'content-type': 'application/apply-patch+yaml' } });
const entries = (body: unknown): readonly ManagedFieldsEntry[] => (body as Deployment).metadata.managedFields ?? [];
const owners = (body: unknown): readonly string[] => entries(body).map((e) => `${e.operation} ${e.manager}${e.subresource ? `/${e.subresource}` : ''}`);

test('creating a Deployment gives its fields to the client, in upstream form', () => {
  const { body } = cluster.request('POST', deployments, web({ replicas: 2 }), as('kubectl-create'));
  const [entry] = entries(body);
  expect(entry).toMatchObject({ manager: 'kubectl-create', operation: 'Update', apiVersion: 'apps/v1', fieldsType: 'FieldsV1' });
  expect(JSON.stringify(entry?.fieldsV1)).toBe(
    JSON.stringify({
      'f:spec': {
        'f:progressDeadlineSeconds': {},
        'f:replicas': {},
        'f:revisionHistoryLimit': {},
        'f:selector': {},
        'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} }, 'f:type': {} },
        'f:template': {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:image': {},
                'f:imagePullPolicy': {},
                'f:name': {},
                'f:resources': {},
                'f:terminationMessagePath': {},
                'f:terminationMessagePolicy': {},
              },
            },
            'f:dnsPolicy': {},
            'f:restartPolicy': {},
            'f:schedulerName': {},
            'f:securityContext': {},
            'f:terminationGracePeriodSeconds': {},
          },
        },
      },
    }),
  );
});

test('who changes a field takes it; status is a door of its own; removed fields belong to nobody', () => {
  cluster.request('POST', deployments, web({ replicas: 2 }), as('creator'));
  const scaled = cluster.request('PATCH', `${deployments}/web`, { spec: { replicas: 3 } }, as('scaler')).body;
  expect(owners(scaled)).toEqual(['Update creator', 'Update scaler']);
  expect(entries(scaled)[1]?.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
  expect(entries(scaled)[0]?.fieldsV1).not.toHaveProperty(['f:spec', 'f:replicas']);
  const status = { observedGeneration: 1, replicas: 3 };
  const reported = cluster.request('PATCH', `${deployments}/web/status`, { status }, as('controller')).body;
  expect(entries(reported).find((e) => e.subresource === 'status')).toMatchObject({
    manager: 'controller',
    fieldsV1: { 'f:status': { 'f:observedGeneration': {}, 'f:replicas': {} } },
  });
  const viaScale = cluster.request('PATCH', `${deployments}/web/scale`, { spec: { replicas: 5 } }, { query: { fieldManager: 'hpa' }, headers: { 'content-type': 'application/merge-patch+json' } });
  expect(viaScale.status).toBe(200);
  const after = cluster.request('GET', `${deployments}/web`).body;
  expect(owners(after)).toEqual(['Update controller/status', 'Update creator', 'Update hpa/scale']);
  const cleared = cluster.request('PATCH', `${deployments}/web`, { metadata: { managedFields: [{}] } }, { headers: { 'content-type': 'application/merge-patch+json' } });
  expect(entries(cleared.body)).toEqual([]);
});

test('more than ten updaters are put together', () => {
  const path = '/api/v1/namespaces/default/configmaps';
  cluster.request('POST', path, { metadata: { name: 'c' }, data: { k0: 'x' } }, as('m00'));
  for (let i = 1; i <= 12; i++) {
    cluster.sim.runUntil(cluster.sim.now + 1_000_000);
    cluster.request('PATCH', `${path}/c`, { data: { [`k${i}`]: 'x' } }, as(`m${String(i).padStart(2, '0')}`));
  }
  const { body } = cluster.request('GET', `${path}/c`);
  expect(entries(body)).toHaveLength(10);
  expect(entries(body)[0]).toMatchObject({ manager: 'ancient-changes', fieldsV1: { 'f:data': { '.': {}, 'f:k0': {}, 'f:k3': {} } } });
});

test('apply creates, owns what it names, and takes away what it names no longer', () => {
  const two = [
    { name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] },
    { name: 'side', image: 'busybox' },
  ];
  const made = apply(web({ replicas: 2 }, two));
  expect([made.status, owners(made.body)]).toEqual([201, ['Apply a']]);
  expect(entries(made.body)[0]?.fieldsV1).toMatchObject({
    'f:spec': {
      'f:template': {
        'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } } } } },
      },
    },
  });
  const version = (made.body as Deployment).metadata.resourceVersion;
  cluster.sim.runUntil(cluster.sim.now + 5_000_000);
  const again = apply(web({ replicas: 2 }, two));
  expect([again.status, (again.body as Deployment).metadata.resourceVersion]).toEqual([200, version]);
  const less = apply(web({}, [{ name: 'web', image: 'nginx' }])).body as Deployment;
  expect(less.spec.replicas).toBe(1);
  expect(less.spec.template.spec.containers.map((c) => [c.name, c.ports])).toEqual([['web', undefined]]);
});

test('conflicts name the other manager and the field; force takes it', () => {
  cluster.request('POST', deployments, web({ replicas: 2 }), as('kubectl-client-side-apply'));
  const refused = apply(web({ replicas: 3 }));
  expect(refused.status).toBe(409);
  expect(refused.body).toMatchObject({
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    details: {
      causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: '.spec.replicas' }],
    },
  });
  const two = apply(web({ replicas: 3 }, [{ name: 'web', image: 'httpd' }])).body as Status;
  expect(two.message).toBe(
    'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.containers[name="web"].image',
  );
  const forced = apply(web({ replicas: 3 }), 'a', { force: 'true' }).body as Deployment;
  expect(forced.spec.replicas).toBe(3);
  expect(owners(forced)).toEqual(['Apply a', 'Update kubectl-client-side-apply']);
  const shared = apply(web({ replicas: 3 }), 'b').body;
  expect(owners(shared)).toEqual(['Apply a', 'Apply b', 'Update kubectl-client-side-apply']);
  const stolen = apply(web({ replicas: 4 }), 'b').body as Status;
  expect(stolen.message).toBe('Apply failed with 1 conflict: conflict with "a": .spec.replicas');
});

test.each<[string, object, Record<string, string>, number, string]>([
  ['no manager', web(), { fieldManager: '' }, 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'],
  ['managedFields', { ...web(), metadata: { name: 'web', managedFields: [] } }, {}, 400, 'metadata.managedFields must be nil'],
  ['another kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } }, {}, 400, 'invalid object type: /v1, Kind=Pod'],
  [
    'an unknown field',
    web({ replica: 3 }),
    {},
    500,
    'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
  ],
  [
    'a key twice',
    web({}, [{ name: 'web', image: 'a' }, { name: 'web', image: 'b' }]),
    {},
    500,
    'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="web"]',
  ],
])('apply with %s is refused', (_, body, query, status, message) => {
  const given = { ...body, metadata: { namespace: 'default', ...(body as Deployment).metadata } };
  const answer = apply(given, 'a', query);
  expect([answer.status, (answer.body as Status).message]).toEqual([status, message]);
});

test('YAML text can be applied; the last-applied note of kubectl is kept true; status and scale can be applied', () => {
  const note = 'kubectl.kubernetes.io/last-applied-configuration';
  const annotated = { ...web({ replicas: 2 }), metadata: { name: 'web', annotations: { [note]: JSON.stringify(web({ replicas: 2 })) } } };
  cluster.request('POST', deployments, annotated, as('kubectl-client-side-apply'));
  const text = JSON.stringify(web({ replicas: 4 }));
  const { status, body } = cluster.request('PATCH', `${deployments}/web`, text, {
    query: { fieldManager: 'kubectl' },
    headers: { 'content-type': 'application/apply-patch+yaml' },
  });
  expect([status, (body as Deployment).spec.replicas]).toEqual([200, 4]);
  expect((body as Deployment).metadata.annotations?.[note]).toContain('"replicas":4');
  const scale = apply({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 7 } }, 's', { force: 'true' }, `${deployments}/web/scale`);
  expect([scale.status, (scale.body as { spec: object }).spec]).toEqual([200, { replicas: 7 }]);
  const status1 = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, status: { observedGeneration: 9 } };
  const applied = apply(status1, 'c', {}, `${deployments}/web/status`).body as Deployment;
  expect(applied.status.observedGeneration).toBe(9);
  expect(owners(applied)).toContain('Apply c/status');
});
