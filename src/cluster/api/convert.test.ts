import { expect, test } from 'vitest';
import { fromStored, storageKind, toStored } from './convert.ts';
import { decodeObject } from './decode.ts';
import { kindOf, type ResourceKind } from './kinds.ts';

const of = (apiVersion: string, kind: string) => kindOf(apiVersion, kind) as ResourceKind;

test('autoscaling/v1 is stored as v2 and comes back', () => {
  const v1 = of('autoscaling/v1', 'HorizontalPodAutoscaler');
  const spec = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 1,
    maxReplicas: 5,
    targetCPUUtilizationPercentage: 50,
  };
  const { object } = decodeObject(v1, { metadata: { name: 'web', namespace: 'default' }, spec }, 'Strict');
  const stored = toStored(v1, object);
  const v2 = storageKind(v1);
  expect(v2.apiVersion).toBe('autoscaling/v2');
  expect(decodeObject(v2, stored, 'Strict').object).toMatchObject({
    spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] },
  });
  expect(fromStored(v1, stored)).toEqual(object);
  expect(fromStored(v2, stored)).toBe(stored);
});

test('events.k8s.io/v1 is stored as v1 and comes back', () => {
  const next = of('events.k8s.io/v1', 'Event');
  const body = {
    metadata: { name: 'web.1', namespace: 'default' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    regarding: { kind: 'Pod', name: 'web' },
    note: 'Pulled',
    reason: 'Pulled',
    reportingController: 'kubelet',
    reportingInstance: 'n1',
    action: 'Pull',
    type: 'Normal',
  };
  const { object } = decodeObject(next, body, 'Strict');
  const stored = toStored(next, object);
  expect(decodeObject(storageKind(next), stored, 'Strict').object).toMatchObject({
    apiVersion: 'v1',
    involvedObject: { kind: 'Pod', name: 'web' },
    message: 'Pulled',
    reportingComponent: 'kubelet',
  });
  expect(fromStored(next, stored)).toMatchObject(body);
});
