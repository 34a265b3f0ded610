// The session of the docs' "Extend the Kubernetes API with CustomResourceDefinitions", as a transcript.

import { expect, test } from 'vitest';
import { SECOND } from '../../sim/time.ts';
import { Testbed } from '../testbed.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const TABS = '/apis/stable.example.com/v1/namespaces/default/crontabs';

const SCHEMA = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['cronSpec'],
      properties: {
        cronSpec: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' },
        image: { type: 'string', default: 'busybox' },
        replicas: { type: 'integer', minimum: 1, maximum: 10 },
        mode: { type: 'string', enum: ['fast', 'slow'] },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, port: { 'x-kubernetes-int-or-string': true } },
          },
        },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, labelSelector: { type: 'string' } } },
  },
};

const crd = (schema: object = SCHEMA, more: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crontabs.stable.example.com' },
  spec: {
    group: 'stable.example.com',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.labelSelector' },
        },
        additionalPrinterColumns: [
          { name: 'Spec', type: 'string', description: 'The cron spec defining the interval a CronJob is run', jsonPath: '.spec.cronSpec' },
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        selectableFields: [{ jsonPath: '.spec.image' }],
      },
    ],
    scope: 'Namespaced',
    names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', shortNames: ['ct'], categories: ['all'] },
    ...more,
  },
});

const tab = (name: string, spec: object = {}) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name },
  spec: { cronSpec: '* * * * */5', ...spec },
});

interface Body {
  readonly message: string;
  readonly [key: string]: unknown;
}

const says = (response: { readonly body?: unknown }): string => (response.body as Body).message;
const settle = (bed: Testbed, seconds = 3): void => bed.sim.runUntil(bed.sim.now + seconds * SECOND);

test('a definition is established and serves its objects', () => {
  const bed = new Testbed().boot();
  expect(bed.request('GET', TABS).status).toBe(404);
  const made = bed.request('POST', CRDS, crd());
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    spec: { names: { listKind: 'CronTabList' }, conversion: { strategy: 'None' } },
    status: { storedVersions: ['v1'] },
  });
  settle(bed);
  const { status } = bed.request('GET', `${CRDS}/crontabs.stable.example.com`).body as {
    status: { conditions: { type: string; status: string; reason: string }[] };
  };
  expect(status.conditions.map((c) => `${c.type}=${c.status} ${c.reason}`)).toEqual([
    'NamesAccepted=True NoConflicts',
    'Established=True InitialNamesAccepted',
  ]);
  expect(status).toMatchObject({ acceptedNames: { plural: 'crontabs', kind: 'CronTab', shortNames: ['ct'] } });

  const { metadata } = bed.request('GET', `${CRDS}/crontabs.stable.example.com`).body as {
    metadata: { managedFields: { manager: string; subresource?: string }[] };
  };
  expect(metadata.managedFields.map((f) => `${f.manager} ${f.subresource ?? ''}`)).toContain('kube-apiserver status');

  const created = bed.request('POST', TABS, tab('my-new-cron-object', { someRandomField: 42 }));
  expect(created.status).toBe(201);
  expect(created.headers['warning']).toBe('299 - "unknown field \\"spec.someRandomField\\""');
  expect(created.body).toMatchObject({
    metadata: { generation: 1, namespace: 'default' },
    spec: { cronSpec: '* * * * */5', image: 'busybox' },
  });
  expect((created.body as { spec: object }).spec).not.toHaveProperty('someRandomField');
  const strict = bed.request('POST', TABS, tab('other', { foo: 1 }), { query: { fieldValidation: 'Strict' } });
  expect(says(strict)).toBe('CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: unknown field "spec.foo"');

  const table = bed.request('GET', TABS, undefined, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
  const { columnDefinitions, rows } = table.body as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
  expect(columnDefinitions.map((c) => c.name)).toEqual(['Name', 'Spec', 'Replicas', 'Age']);
  expect(rows[0]?.cells).toEqual(['my-new-cron-object', '* * * * */5', null, '0s']);
  expect((bed.request('GET', TABS).body as { kind: string }).kind).toBe('CronTabList');
});

test('schemas are enforced in the words of go-openapi', () => {
  const bed = new Testbed().boot();
  bed.request('POST', CRDS, crd());
  settle(bed);
  const refuse = (spec: object): string => says(bed.request('POST', TABS, tab('x', spec)));
  const head = 'CronTab.stable.example.com "x" is invalid: ';
  expect(refuse({ replicas: 'many' })).toBe(
    `${head}[spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string", .spec.replicas: Invalid value: 0: .spec.replicas accessor error: many is of the type string, expected int64]`,
  );
  expect(refuse({ cronSpec: '* * * *', replicas: 15 })).toBe(
    `${head}[spec.cronSpec: Invalid value: "* * * *": spec.cronSpec in body should match '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$', spec.replicas: Invalid value: 15: spec.replicas in body should be less than or equal to 10]`,
  );
  expect(refuse({ cronSpec: undefined })).toBe(`${head}spec.cronSpec: Required value`);
  expect(refuse({ mode: 'odd' })).toBe(`${head}spec.mode: Unsupported value: "odd": supported values: "fast", "slow"`);
  expect(refuse({ ports: [{ name: 'a' }, { name: 'a' }] })).toBe(`${head}spec.ports[1]: Duplicate value: {"name":"a"}`);
  expect(
    bed.request(
      'POST',
      TABS,
      tab('ok', {
        free: { any: { thing: 1 } },
        ports: [
          { name: 'a', port: '80%' },
          { name: 'b', port: 80 },
        ],
      }),
    ).body,
  ).toMatchObject({
    spec: { free: { any: { thing: 1 } } },
  });
  const nameless = bed.request('POST', TABS, { metadata: { name: 'x' } });
  expect(says(nameless)).toBe(
    `the object provided is unrecognized (must be of type CronTab): Object 'Kind' is missing in '{"metadata":{"name":"x"}}' ({"metadata":{"name":"x"}})`,
  );
  const strategic = bed.request('PATCH', `${TABS}/ok`, { spec: {} });
  expect(strategic.status).toBe(415);
});

test('status, scale, generation, selectable fields', () => {
  const bed = new Testbed().boot();
  bed.request('POST', CRDS, crd());
  settle(bed);
  bed.request('POST', TABS, { ...tab('a', { replicas: 3 }), status: { replicas: 9 } });
  bed.request('POST', TABS, tab('b', { image: 'nginx' }));
  const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
  expect(bed.request('GET', `${TABS}/a`).body).not.toHaveProperty('status');
  const patched = bed.request(
    'PATCH',
    `${TABS}/a/status`,
    { spec: { replicas: 7 }, status: { replicas: 2, labelSelector: 'app=x' } },
    merge,
  );
  expect(patched.body).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 3 }, status: { replicas: 2 } });
  expect(bed.request('GET', `${TABS}/a/scale`).body).toMatchObject({
    kind: 'Scale',
    spec: { replicas: 3 },
    status: { replicas: 2, selector: 'app=x' },
  });
  expect(bed.request('PATCH', `${TABS}/a/scale`, { spec: { replicas: 5 } }, merge).body).toMatchObject({ spec: { replicas: 5 } });
  expect(bed.request('GET', `${TABS}/a`).body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 } });
  const found = bed.request('GET', TABS, undefined, { query: { fieldSelector: 'spec.image=nginx' } }).body as {
    items: { metadata: { name: string } }[];
  };
  expect(found.items.map((i) => i.metadata.name)).toEqual(['b']);
  const unknown = bed.request('GET', TABS, undefined, { query: { fieldSelector: 'spec.replicas=3' } });
  expect(says(unknown)).toBe('field label not supported: spec.replicas');
  const unconditional = bed.request('PUT', `${TABS}/a`, tab('a', { replicas: 1 }));
  expect(says(unconditional)).toContain('metadata.resourceVersion: Invalid value: 0: must be specified for an update');
});

test('a deleted definition takes its objects along', () => {
  const bed = new Testbed().boot();
  bed.request('POST', CRDS, crd());
  settle(bed);
  bed.request('POST', TABS, tab('a'));
  const { events } = bed.watch(TABS);
  const deleted = bed.request('DELETE', `${CRDS}/crontabs.stable.example.com`);
  expect(deleted.body).toMatchObject({ metadata: { finalizers: ['customresourcecleanup.apiextensions.k8s.io'] } });
  settle(bed, 10);
  expect(events.map((e) => e.type)).toEqual(['ADDED', 'DELETED']);
  expect(bed.request('GET', `${CRDS}/crontabs.stable.example.com`).status).toBe(404);
  expect(bed.request('GET', TABS).status).toBe(404);
  bed.request('POST', CRDS, crd());
  settle(bed);
  expect((bed.request('GET', TABS).body as { items: unknown[] }).items).toEqual([]);
});

test('a restarted server serves what was there', () => {
  const bed = new Testbed().boot();
  bed.request('POST', CRDS, crd());
  settle(bed);
  bed.request('POST', TABS, tab('a'));
  bed.apiserver?.kill('SIGKILL');
  settle(bed, 1);
  bed.startApiserver();
  bed.boot();
  expect((bed.request('GET', TABS).body as { items: unknown[] }).items).toHaveLength(1);
});

test('two versions, one storage', () => {
  const bed = new Testbed().boot();
  const given = crd();
  const [v1] = given.spec.versions;
  const old = { ...v1, name: 'v1beta1', storage: false, deprecated: true };
  bed.request('POST', CRDS, { ...given, spec: { ...given.spec, versions: [old, v1] } });
  settle(bed);
  const BETA = TABS.replace('/v1/', '/v1beta1/');
  const created = bed.request('POST', BETA, { ...tab('a'), apiVersion: 'stable.example.com/v1beta1' });
  expect(created.headers['warning']).toBe('299 - "stable.example.com/v1beta1 CronTab is deprecated; use stable.example.com/v1 CronTab"');
  expect(created.body).toMatchObject({ apiVersion: 'stable.example.com/v1beta1' });
  expect(bed.request('GET', `${TABS}/a`).body).toMatchObject({ apiVersion: 'stable.example.com/v1' });
});

test("definitions are refused in upstream's words", () => {
  const bed = new Testbed().boot();
  const refuse = (schema: object, more: object = {}): string => {
    const given = crd(schema, more);
    const { subresources: _s, selectableFields: _f, ...version } = given.spec.versions[0] as (typeof given.spec.versions)[0];
    return says(bed.request('POST', CRDS, { ...given, spec: { ...given.spec, versions: [version] } }));
  };
  const head = 'CustomResourceDefinition.apiextensions.k8s.io "crontabs.stable.example.com" is invalid: ';
  const at = 'spec.versions[0].schema.openAPIV3Schema';
  expect(refuse({ type: 'object', properties: { spec: {}, status: { type: 'object' } } })).toBe(
    `${head}${at}.properties[spec].type: Required value: must not be empty for specified object fields`,
  );
  expect(refuse(SCHEMA, { preserveUnknownFields: true })).toContain(
    'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
  );
  expect(refuse(SCHEMA, { group: 'example.com' })).toContain(
    'metadata.name: Invalid value: "crontabs.stable.example.com": must be spec.names.plural+"."+spec.group',
  );
  expect(refuse({ type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'integer', default: 'x' } } } } })).toBe(
    `${head}${at}.properties[spec].properties[a].default: Invalid value: "string": default in body must be of type integer: "string"`,
  );
  expect(refuse({ type: 'object', properties: { spec: { type: 'object', anyOf: [{ type: 'string' }] } } })).toContain(
    `${at}.properties[spec].anyOf[0].type: Forbidden: must be empty to be structural`,
  );
});
