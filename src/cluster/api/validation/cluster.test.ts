// Rules of the kinds that administrators write: what is wrong, in upstream's words.

import { expect, test } from 'vitest';
import { decodeObject } from '../decode.ts';
import { applyDefaults } from '../defaults.ts';
import { kindOf, type ResourceKind } from '../kinds.ts';
import type { ApiObject } from '../meta.ts';
import { validateCreate, validateUpdate } from '../validation.ts';

function read(manifest: { readonly apiVersion: string; readonly kind: string; readonly metadata?: object }): {
  kind: ResourceKind;
  object: ApiObject;
} {
  const kind = kindOf(manifest.apiVersion, manifest.kind) as ResourceKind;
  const metadata = { name: 'x', ...(kind.namespaced ? { namespace: 'default' } : {}), ...manifest.metadata };
  return { kind, object: applyDefaults(kind, decodeObject(kind, { ...manifest, metadata }, 'Strict').object) };
}

const errors = (manifest: Parameters<typeof read>[0]): string[] => {
  const { kind, object } = read(manifest);
  return validateCreate(kind, object).map((e) => `${e.field}: ${e.message}`);
};

const GROUP = 'admissionregistration.k8s.io/v1';

test.each<[string, Parameters<typeof read>[0] & object, string[]]>([
  [
    'a LimitRange whose minimum is above its maximum',
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' }, default: { cpu: '1' }, defaultRequest: { cpu: '1' } }] },
    } as never,
    [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
      'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
    ],
  ],
  [
    'a webhook with too little in it',
    {
      apiVersion: GROUP,
      kind: 'ValidatingWebhookConfiguration',
      webhooks: [{ name: 'a.b', clientConfig: {}, sideEffects: 'None', admissionReviewVersions: [] }],
    } as never,
    [
      'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
      'webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1',
      'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
    ],
  ],
  [
    'a policy that says nothing',
    { apiVersion: GROUP, kind: 'ValidatingAdmissionPolicy', spec: {} } as never,
    [
      'spec.matchConstraints: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  ],
  [
    'a NetworkPolicy with an empty peer and a bad range',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: { podSelector: {}, ingress: [{ from: [{}, { ipBlock: { cidr: '10.0.0.0/64' } }] }] },
    } as never,
    [
      'spec.ingress[0].from[0]: Required value: must specify a peer',
      'spec.ingress[0].from[1].ipBlock.cidr: Invalid value: "10.0.0.0/64": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  ],
  [
    'an IngressClass without a domain',
    { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', spec: { controller: 'nginx' } } as never,
    ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
])('%s', (_, manifest, expected) => {
  expect(errors(manifest)).toEqual(expected);
});

test('what may not change', () => {
  const before = read({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', handler: 'runc' } as never);
  const after = read({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', handler: 'kata' } as never);
  expect(validateUpdate(before.kind, after.object, before.object)).toEqual([
    { type: 'FieldValueInvalid', field: 'handler', message: 'Invalid value: "kata": field is immutable' },
  ]);
});
