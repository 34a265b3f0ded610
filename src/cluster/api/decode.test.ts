import { describe, expect, test } from 'vitest';
import { decodeObject } from './decode.ts';
import type { Pod } from './generated/types.ts';
import { mustResource } from './kinds.ts';

const decode = (resource: string, body: unknown, mode: 'Strict' | 'Warn' | 'Ignore' = 'Strict') =>
  decodeObject(mustResource(resource), body, mode);
const error = (resource: string, body: unknown): string => {
  try {
    decode(resource, body);
  } catch (e) {
    return (e as Error).message;
  }
  return 'accepted';
};
const pod = (spec: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec });
const container = (fields: object) => pod({ containers: [{ name: 'web', image: 'nginx', ...fields }] });

describe('decoding', () => {
  test.each([
    [
      'deployments.apps',
      { spec: { replicas: '3' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'pods',
      container({ env: [{ name: 'A', value: 1 }] }),
      'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    ],
    [
      'pods',
      pod({ containers: { name: 'web' } }),
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      'pods',
      pod({ containers: [], restartPolicy: true }),
      'json: cannot unmarshal bool into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy',
    ],
    ['pods', { metadata: [] }, 'json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta'],
    [
      'pods',
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      'pods',
      container({ ports: [{ containerPort: 1.5 }] }),
      'json: cannot unmarshal number 1.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    ['configmaps', { data: { x: true } }, 'json: cannot unmarshal bool into Go struct field ConfigMap.data of type string'],
    ['secrets', { data: { password: 'pass word' } }, 'illegal base64 data at input byte 4'],
    [
      'pods',
      container({ resources: { limits: { memory: '512MB' } } }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    ['pods', container({ imagee: 'x' }), 'strict decoding error: unknown field "spec.containers[0].imagee"'],
    [
      'daemonsets.apps',
      { spec: { replicas: 1, x: { y: 1 } } },
      'strict decoding error: unknown field "spec.replicas", unknown field "spec.x"',
    ],
    ['services', { spec: { ports: [{ port: 80, targetPort: true }] } }, 'json: cannot unmarshal bool into Go value of type int32'],
    ['pods', [], 'json: cannot unmarshal array into Go value of type v1.Pod'],
  ])('%s: %j', (resource, body, message) => {
    const { kind, version } = mustResource(resource);
    expect(error(resource, body)).toBe(`${kind} in version "${version}" cannot be handled as a ${kind}: ${message}`);
  });

  test('the body must be of the kind that the URL names', () => {
    expect(error('pods', { kind: 'Pod', apiVersion: 'apps/v1' })).toBe(
      'the API version in the data (apps/v1) does not match the expected API version (v1)',
    );
    expect(error('pods', { kind: 'Service', apiVersion: 'v1' })).toContain('Service in version "v1" cannot be handled as a Pod');
  });

  test('unknown fields are warned of and dropped, null is dropped', () => {
    const { object, warnings } = decode('pods', pod({ containers: [{ name: 'web', image: null, foo: 1 }], bar: 1 }), 'Warn');
    expect(warnings).toEqual(['unknown field "spec.containers[0].foo"', 'unknown field "spec.bar"']);
    expect((object as Pod).spec).toEqual({ containers: [{ name: 'web' }] });
    expect(decode('pods', pod({ bar: 1 }), 'Ignore').warnings).toEqual([]);
  });

  test('values are written canonically and what Go always writes is filled in', () => {
    const { object } = decode('pods', {
      metadata: { name: 'web', creationTimestamp: '2026-01-01T02:00:00.9+02:00', namespace: '' },
      spec: { containers: [{ image: 'a', resources: { requests: { cpu: 1, memory: '1024Mi' } } }] },
    });
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { containers: [{ image: 'a', name: '', resources: { requests: { cpu: '1', memory: '1Gi' } } }] },
      status: {},
    });
  });

  test('the result is frozen; what is decoded already comes back as it is', () => {
    const { object } = decode('pods', container({}));
    expect(Object.isFrozen((object as Pod).spec.containers[0])).toBe(true);
    expect(decode('pods', object).object).toBe(object);
    const changed = decode('pods', { ...object, status: { phase: 'Running' } }).object as Pod;
    expect(changed.spec).toBe((object as Pod).spec);
  });

  test('hostile input does no harm', () => {
    expect(error('pods', JSON.parse('{"__proto__":{"x":1},"metadata":{"name":"a"}}'))).toContain('unknown field "__proto__"');
    const map = decode('configmaps', JSON.parse('{"metadata":{"name":"a"},"data":{"__proto__":null,"constructor":"c"}}'))
      .object as unknown as { data: object };
    expect(Object.keys(map.data)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(map.data)).toBe(Object.prototype);
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = { a: deep };
    expect(error('controllerrevisions.apps', { metadata: { name: 'a' }, revision: 1, data: deep })).toContain('exceeded max depth');
    const many = { ...container({}), bad: 1 } as Record<string, unknown>;
    for (let i = 0; i < 10_000; i++) many[`f${i}`] = 1;
    expect(decode('pods', many, 'Warn').warnings.length).toBe(100);
  });
});
