// Warnings as kubectl shows them.

import { expect, test } from 'vitest';
import { kindOf, type ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import { warningsOf } from './warnings.ts';

const of = (object: object, old: object | null = null): readonly string[] => {
  const { apiVersion, kind } = object as ApiObject;
  return warningsOf(kindOf(apiVersion, kind) as ResourceKind, object as ApiObject, old as ApiObject | null);
};
const spec = {
  nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
  terminationGracePeriodSeconds: -1,
  containers: [
    {
      name: 'a',
      image: 'x',
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '$(A)2' },
        { name: 'A', value: '3' },
      ],
      ports: [{ containerPort: 80 }],
    },
    { name: 'b', image: 'x', ports: [{ containerPort: 80 }], resources: { limits: { memory: '100m' } } },
  ],
};

test('a Pod', () => {
  expect(of({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a.b' }, spec })).toEqual([
    'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]',
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply',
    'spec.containers[1].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]',
  ]);
});

test('a template', () => {
  const template = {
    metadata: { annotations: { 'scheduler.alpha.kubernetes.io/critical-pod': '' } },
    spec: { containers: [], volumes: [{ name: 'v', glusterfs: {} }] },
  };
  expect(of({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: { template } })).toEqual([
    'spec.template.metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
    'spec.template.spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+',
  ]);
});

test('an Ingress, once', () => {
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'a', annotations: { 'kubernetes.io/ingress.class': 'nginx' } },
    spec: {},
  };
  expect(of(ingress)).toEqual([`annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`]);
  expect(of(ingress, ingress)).toEqual([]);
});
