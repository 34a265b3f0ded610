import { describe, expect, test } from 'vitest';
import { decodeObject } from './decode.ts';
import { applyDefaults } from './defaults.ts';
import type { DaemonSet, Deployment, Job, Namespace, Pod, Secret, Service } from './generated/types.ts';
import { KINDS, kindOf, mustResource, resourceOf } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import { scaleOf, withScale } from './scale.ts';
import { prepareForCreate, prepareForStatusUpdate, prepareForUpdate } from './strategy.ts';

const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };

function made<T extends ApiObject>(resource: string, body: object): T {
  const kind = mustResource(resource);
  const whole = { ...body, metadata: { name: 'web', namespace: 'default', ...(body as { metadata?: object }).metadata } };
  return prepareForCreate(kind, applyDefaults(kind, decodeObject<T>(kind, whole, 'Strict').object));
}

describe('defaults', () => {
  test('a Deployment', () => {
    const d = made<Deployment>('deployments.apps', { spec: { selector: { matchLabels: labels }, template } });
    expect(d.spec).toEqual({
      replicas: 1,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'nginx',
              imagePullPolicy: 'Always',
              resources: {},
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
            },
          ],
          dnsPolicy: 'ClusterFirst',
          restartPolicy: 'Always',
          schedulerName: 'default-scheduler',
          securityContext: {},
          terminationGracePeriodSeconds: 30,
        },
      },
    });
    expect(d.metadata.generation).toBe(1);
    expect(applyDefaults(mustResource('deployments.apps'), d)).toBe(d);
  });

  test('a Pod: requests from limits, links, probes, volumes, class of service', () => {
    const p = made<Pod>('pods', {
      spec: {
        containers: [
          { name: 'a', image: 'a:1', resources: { limits: { cpu: '1', memory: '1Gi' } }, livenessProbe: { httpGet: { port: 80 } } },
        ],
        volumes: [{ name: 'v' }, { name: 'c', configMap: { name: 'x' } }],
      },
    });
    expect(p.spec.containers[0]).toMatchObject({
      imagePullPolicy: 'IfNotPresent',
      resources: { requests: { cpu: '1', memory: '1Gi' } },
      livenessProbe: {
        httpGet: { path: '/', scheme: 'HTTP' },
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
    });
    expect(p.spec.enableServiceLinks).toBe(true);
    expect(p.spec.volumes).toEqual([
      { name: 'v', emptyDir: {} },
      { name: 'c', configMap: { name: 'x', defaultMode: 420 } },
    ]);
    expect(p.status).toEqual({ phase: 'Pending', qosClass: 'Guaranteed' });
  });

  test('a Service, a Namespace, a Job', () => {
    const s = made<Service>('services', { spec: { type: 'NodePort', ports: [{ port: 80 }] } });
    expect(s.spec).toEqual({
      type: 'NodePort',
      sessionAffinity: 'None',
      externalTrafficPolicy: 'Cluster',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
    expect(s.status).toEqual({ loadBalancer: {} });
    const headless = made<Service>('services', { spec: { clusterIP: 'None' } });
    expect(headless.spec.clusterIPs).toEqual(['None']);
    const secret = made<Secret>('secrets', { data: { a: 'YQ==' }, stringData: { b: 'Größe' } });
    expect(secret).toMatchObject({ type: 'Opaque', data: { a: 'YQ==', b: 'R3LDtsOfZQ==' } });
    expect(secret).not.toHaveProperty('stringData');
    const n = made<Namespace>('namespaces', {});
    expect([n.metadata.labels, n.spec, n.status]).toEqual([
      { 'kubernetes.io/metadata.name': 'web' },
      { finalizers: ['kubernetes'] },
      { phase: 'Active' },
    ]);
    const j = made<Job>('jobs.batch', { metadata: { uid: 'u1' }, spec: { template } });
    expect(j.spec).toMatchObject({
      backoffLimit: 6,
      completions: 1,
      parallelism: 1,
      completionMode: 'NonIndexed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } },
    });
    expect(j.spec.template.metadata.labels).toMatchObject({ app: 'web', 'job-name': 'web' });
  });
});

describe('writes', () => {
  const kind = mustResource('deployments.apps');
  const old = made<Deployment>('deployments.apps', {
    metadata: { uid: 'u' },
    spec: { selector: { matchLabels: labels }, template },
    status: { replicas: 9 },
  });

  test('create resets status', () => {
    expect(old.status).toEqual({});
  });

  test('update keeps status and counts changes of spec and annotations', () => {
    const scaled = prepareForUpdate(
      kind,
      { ...old, metadata: { name: 'web', namespace: 'default' }, spec: { ...old.spec, replicas: 2 }, status: { replicas: 5 } },
      old,
    );
    expect(scaled.metadata).toMatchObject({ generation: 2, uid: 'u' });
    expect(scaled.status).toBe(old.status);
    expect(prepareForUpdate(kind, { ...old, metadata: { ...old.metadata, labels: { x: 'y' } } }, old).metadata.generation).toBe(1);
    expect(prepareForUpdate(kind, { ...old, metadata: { ...old.metadata, annotations: { x: 'y' } } }, old).metadata.generation).toBe(2);
  });

  test('the status door lets only status through', () => {
    const out = prepareForStatusUpdate(
      kind,
      { ...old, metadata: { ...old.metadata, labels: { x: 'y' } }, spec: { ...old.spec, replicas: 7 }, status: { replicas: 1 } },
      old,
    );
    expect(out.spec).toBe(old.spec);
    expect(out.status).toEqual({ replicas: 1 });
    expect(out.metadata.labels).toBeUndefined();
    expect(out.metadata.generation).toBe(1);
  });

  test('a Service keeps what was allocated', () => {
    const services = mustResource('services');
    const before = made<Service>('services', {
      spec: { type: 'NodePort', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports: [{ port: 80, nodePort: 30080 }] },
    });
    const after = made<Service>('services', { spec: { type: 'NodePort', ports: [{ port: 80, targetPort: 8080 }] } });
    const { spec } = prepareForUpdate(services, after, before);
    expect(spec).toMatchObject({
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
    });
  });

  test('a DaemonSet counts its templates', () => {
    const sets = mustResource('daemonsets.apps');
    const before = made<DaemonSet>('daemonsets.apps', { spec: { selector: { matchLabels: labels }, template } });
    const count = (d: DaemonSet) => d.metadata.annotations?.['deprecated.daemonset.template.generation'];
    expect(count(before)).toBe('1');
    const spec = { ...before.spec, template: { ...before.spec.template, metadata: { labels: { ...labels, v: '2' } } } };
    expect(count(prepareForUpdate(sets, { ...before, spec }, before))).toBe('2');
    expect(count(prepareForUpdate(sets, { ...before, spec: { ...before.spec, minReadySeconds: 1 } }, before))).toBe('1');
  });

  test('scale', () => {
    const scale = scaleOf(old);
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 0, selector: 'app=web' } });
    expect(withScale(old, { ...scale, spec: { replicas: 4 } }).spec.replicas).toBe(4);
  });
});

test('kinds: what discovery and kubectl rely on', () => {
  expect(resourceOf('deployments.apps')).toMatchObject({
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    singular: 'deployment',
    shortNames: ['deploy'],
    categories: ['all'],
    namespaced: true,
  });
  expect(kindOf('v1', 'Pod')?.subresources.find((s) => s.name === 'eviction')).toMatchObject({
    kind: 'Eviction',
    apiVersion: 'policy/v1',
    verbs: ['create'],
  });
  expect(kindOf('apps/v1', 'Deployment')?.subresources.find((s) => s.name === 'scale')).toMatchObject({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
  });
  expect(resourceOf('horizontalpodautoscalers.autoscaling')?.version).toBe('v2');
  expect(resourceOf('nodes')?.namespaced).toBe(false);
  expect(resourceOf('namespaces')?.verbs).not.toContain('deletecollection');
  expect(KINDS.length).toBeGreaterThan(60);
  expect(new Set(KINDS.map((k) => `${k.apiVersion} ${k.plural}`)).size).toBe(KINDS.length);
});
