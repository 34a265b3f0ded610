// What beginners get wrong, and what the API server of 1.36 answers.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeObject } from './decode.ts';
import { applyDefaults } from './defaults.ts';
import { kindOf, type ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import { ApiError, invalid } from './status.ts';
import { prepareForCreate, prepareForUpdate } from './strategy.ts';
import { validateCreate, validateUpdate } from './validation.ts';

type Manifest = { apiVersion: string; kind: string; metadata?: object; [key: string]: unknown };

function decoded(manifest: Manifest): { kind: ResourceKind; object: ApiObject } {
  const kind = kindOf(manifest.apiVersion, manifest.kind) as ResourceKind;
  const metadata = { name: 'web', ...(kind.namespaced ? { namespace: 'default' } : {}), ...manifest.metadata };
  const { object } = decodeObject(kind, { ...manifest, metadata }, 'Strict');
  return { kind, object: applyDefaults(kind, { ...object, metadata: { ...object.metadata, uid: 'u' } }) };
}

function create(manifest: Manifest): ApiObject {
  const { kind, object } = decoded(manifest);
  const prepared = prepareForCreate(kind, object);
  const errors = validateCreate(kind, prepared);
  if (errors.length > 0) throw invalid(kind, object.metadata.name, errors);
  return prepared;
}

function problems(run: () => unknown): string[] {
  try {
    run();
    return [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.status.details?.causes?.map((c) => `${c.field}: ${c.message}`) ?? [error.message];
  }
}

const pod = (spec: object, metadata: object = {}): Manifest => ({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
const one = (fields: object, spec: object = {}): Manifest => pod({ containers: [{ name: 'web', image: 'nginx', ...fields }], ...spec });
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
const deployment = (spec: object): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  spec: { selector: { matchLabels: labels }, template, ...spec },
});
const service = (spec: object): Manifest => ({ apiVersion: 'v1', kind: 'Service', spec });
const path = (fields: object): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  spec: { rules: [{ http: { paths: [{ path: '/', backend: { service: { name: 'web', port: { number: 80 } } }, ...fields }] } }] },
});

const QUALIFIED =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

describe('on create', () => {
  test.each<[string, Manifest, string[]]>([
    ['a Pod that is fine', one({}), []],
    [
      'a name in capitals',
      pod(one({}).spec as object, { name: 'My_Pod' }),
      [
        "metadata.name: Invalid value: \"My_Pod\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [
      'a container name with an underscore',
      pod({ containers: [{ name: 'my_app', image: 'nginx' }] }),
      [
        "spec.containers[0].name: Invalid value: \"my_app\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [
      'a label value with a space',
      pod(one({}).spec as object, { labels: { a: 'my app' } }),
      [
        "metadata.labels: Invalid value: \"my app\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      ],
    ],
    ['no containers', pod({}), ['spec.containers: Required value']],
    ['no image', pod({ containers: [{ name: 'web' }] }), ['spec.containers[0].image: Required value']],
    [
      'one container name twice',
      pod({
        containers: [
          { name: 'web', image: 'a' },
          { name: 'web', image: 'b' },
        ],
      }),
      ['spec.containers[1].name: Duplicate value: "web"'],
    ],
    [
      'a mount without a volume',
      one({ volumeMounts: [{ name: 'data', mountPath: '/d' }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    ],
    [
      'one path mounted twice',
      one(
        {
          volumeMounts: [
            { name: 'a', mountPath: '/d' },
            { name: 'b', mountPath: '/d' },
          ],
        },
        { volumes: [{ name: 'a' }, { name: 'b' }] },
      ),
      ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/d": must be unique'],
    ],
    [
      'a protocol in lower case',
      one({ ports: [{ containerPort: 80, protocol: 'tcp' }] }),
      ['spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'a port out of range',
      one({ ports: [{ containerPort: 70000, name: 'my-very-long-port' }] }),
      [
        'spec.containers[0].ports[0].name: Invalid value: "my-very-long-port": must be no more than 15 characters',
        'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      ],
    ],
    [
      'a probe without a handler',
      one({ readinessProbe: {} }),
      ['spec.containers[0].readinessProbe: Required value: must specify a handler type'],
    ],
    [
      'a request above its limit',
      one({ resources: { limits: { cpu: '500m' }, requests: { cpu: '1' } } }),
      ['spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m'],
    ],
    [
      'a restart policy in lower case',
      one({}, { restartPolicy: 'always' }),
      ['spec.restartPolicy: Unsupported value: "always": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'a readiness probe on an init container',
      one({}, { initContainers: [{ name: 'init', image: 'a', readinessProbe: { exec: { command: ['true'] } } }] }),
      ['spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
    ],
    [
      'anti-affinity without a topology key',
      one({}, { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] } } }),
      ['Required value: can not be empty', 'Invalid value: "": name part must be non-empty', `Invalid value: "": ${QUALIFIED}`].map(
        (m) => `spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: ${m}`,
      ),
    ],
    [
      'a Deployment without a selector',
      { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template } },
      [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'maxSurge and maxUnavailable 0',
      deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    ],
    [
      'Recreate with rollingUpdate',
      deployment({ strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    ['negative replicas', deployment({ replicas: -1 }), ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      'a Job without a restart policy',
      { apiVersion: 'batch/v1', kind: 'Job', spec: { template: { spec: template.spec } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'two ports without names',
      service({ ports: [{ port: 80 }, { port: 81 }] }),
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      'a misspelt Service type',
      service({ type: 'Loadbalancer', ports: [{ port: 80 }] }),
      ['spec.type: Unsupported value: "Loadbalancer": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    ['no pathType', path({}), ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified']],
    [
      'pathType in lower case',
      path({ pathType: 'exact' }),
      ['spec.rules[0].http.paths[0].pathType: Unsupported value: "exact": supported values: "Exact", "ImplementationSpecific", "Prefix"'],
    ],
    [
      'a misspelt access mode',
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        spec: { accessModes: ['ReadWriteAny'], resources: { requests: { storage: '1Gi' } } },
      },
      [
        'spec.accessModes: Unsupported value: "ReadWriteAny": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      ],
    ],
    [
      'a schedule of one field',
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        spec: { schedule: 'off', jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } },
      },
      ['spec.schedule: Invalid value: "off": expected exactly 5 fields, found 1: [off]'],
    ],
    [
      'an autoscaler upside down',
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        spec: { minReplicas: 3, maxReplicas: 2, scaleTargetRef: { kind: 'Deployment', name: 'web' } },
      },
      ['spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`'],
    ],
  ])('%s', (_, manifest, expected) => {
    expect(problems(() => create(manifest))).toEqual(expected);
  });
});

describe('on update', () => {
  const update = (before: Manifest, after: Manifest): string[] => {
    const old = create(before);
    const { kind, object } = decoded(after);
    const prepared = prepareForUpdate(kind, object, old);
    return validateUpdate(kind, prepared, old).map((e) => `${e.field}: ${e.message}`);
  };

  test('a selector is immutable', () => {
    const other = { matchLabels: { app: 'web2' } };
    const after = deployment({ selector: other, template: { ...template, metadata: { labels: other.matchLabels } } });
    expect(update(deployment({}), after)).toEqual(['spec.selector: Invalid value: {"matchLabels":{"app":"web2"}}: field is immutable']);
  });

  test('a Pod may change its image, not its command', () => {
    expect(update(one({}), one({ image: 'nginx:2', imagePullPolicy: 'Always' }))).toEqual([]);
    expect(update(one({}), one({ command: ['x'] }))[0]).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`/,
    );
    expect(
      update(
        one({}),
        pod({
          containers: [
            { name: 'a', image: 'a' },
            { name: 'b', image: 'b' },
          ],
        }),
      ),
    ).toEqual(['spec.containers: Forbidden: pod updates may not add or remove containers']);
  });

  test('a StatefulSet keeps its Service, a binding its role', () => {
    const set = (serviceName: string): Manifest => ({ ...deployment({ serviceName }), kind: 'StatefulSet' });
    expect(update(set('a'), set('b'))).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
    const binding = (name: string): Manifest => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    });
    expect(update(binding('a'), binding('other'))).toEqual([
      'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"other"}: cannot change roleRef',
    ]);
  });
});

test('no JSON makes decoding, defaults or rules fail in any other way than with an ApiError', () => {
  const kinds = [
    'v1 Pod',
    'v1 Service',
    'apps/v1 Deployment',
    'apps/v1 StatefulSet',
    'batch/v1 CronJob',
    'networking.k8s.io/v1 Ingress',
    'v1 Node',
  ];
  const key = fc.constantFrom(
    'metadata',
    'spec',
    'status',
    'template',
    'containers',
    'ports',
    'labels',
    'selector',
    'name',
    'rules',
    'strategy',
    '__proto__',
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<unknown>(null, '', 'web', 1, -1, true, '25%', [], {}),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.dictionary(key, value, { maxKeys: 4 }), (name, body) => {
      const [apiVersion, kind] = name.split(' ') as [string, string];
      const found = kindOf(apiVersion, kind) as ResourceKind;
      const outcome = problems(() => {
        const object = applyDefaults(found, decodeObject(found, body, 'Ignore').object);
        const prepared = prepareForCreate(found, object);
        validateCreate(found, prepared);
        decodeObject(found, prepared, 'Strict');
      });
      expect(outcome.join()).not.toContain('unknown field');
    }),
    { numRuns: 500, seed: 36 },
  );
});
