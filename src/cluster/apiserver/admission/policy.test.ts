// Admission policies and webhooks in upstream's words.

import { beforeEach, expect, test } from 'vitest';
import { toBase64 } from '../../api/base64.ts';
import { provideCel } from '../../api/cel/cel.ts';
import { celEngine } from '../../api/cel/engine.ts';
import type { ConfigMap, Deployment, Status } from '../../api/generated/types.ts';
import type { Os } from '../../machine/process.ts';
import { type HttpRequest, type HttpResponse, serveHttp } from '../../network/http.ts';
import { ADDRESS, Testbed } from '../testbed.ts';

provideCel(celEngine);

let cluster: Testbed;
const NS = '/api/v1/namespaces/default';
const GROUP = '/apis/admissionregistration.k8s.io/v1';
beforeEach(() => {
  cluster = new Testbed().boot();
});

const post = (path: string, object: object, query: Record<string, string> = {}) => cluster.request('POST', path, object, { query });
const said = (response: { body?: unknown }) => (response.body as Status).message;
const config = (name: string, data: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

function policy(spec: object, binding: object = {}, mutating = false): void {
  const what = mutating ? 'Mutating' : 'Validating';
  const resource = what.toLowerCase();
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const matchConstraints = {
    resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps', 'deployments'] }],
  };
  const own = {
    apiVersion,
    kind: `${what}AdmissionPolicy`,
    metadata: { name: 'demo' },
    spec: { failurePolicy: 'Fail', matchConstraints, ...spec },
  };
  const made = post(`${GROUP}/${resource}admissionpolicies`, own);
  expect([made.status, said(made)]).toEqual([201, undefined]);
  const bound = { apiVersion, kind: `${what}AdmissionPolicyBinding`, metadata: { name: 'bind' }, spec: { policyName: 'demo', ...binding } };
  expect(post(`${GROUP}/${resource}admissionpolicybindings`, bound).status).toBe(201);
}

const deployment = (replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'nginx' },
  spec: {
    replicas,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
  },
});
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

test('a validating policy denies, with its own words or the expression', () => {
  policy({ validations: [{ expression: '!has(object.spec) || object.spec.replicas <= 5' }] }, { validationActions: ['Deny'] });
  const denied = post(DEPLOYMENTS, deployment(6));
  expect(denied.status).toBe(422);
  expect(denied.body).toMatchObject({
    reason: 'Invalid',
    message:
      "deployments.apps \"nginx\" is forbidden: ValidatingAdmissionPolicy 'demo' with binding 'bind' denied request: failed expression: !has(object.spec) || object.spec.replicas <= 5",
  });
  expect(post(DEPLOYMENTS, deployment(5)).status).toBe(201);
});

test('variables, params, messageExpression, warnings, match conditions', () => {
  post(`${NS}/configmaps`, config('limits', { max: '3' }));
  policy(
    {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConditions: [{ name: 'not-limits', expression: "object.metadata.name != 'limits'" }],
      variables: [
        { name: 'count', expression: 'has(object.data) ? size(object.data) : 0' },
        { name: 'max', expression: 'int(params.data.max)' },
      ],
      validations: [
        {
          expression: "object.kind == 'Deployment' || variables.count <= variables.max",
          messageExpression: "'at most ' + string(variables.max) + ' keys, not ' + string(variables.count)",
        },
        { expression: "request.userInfo.username != 'kubernetes-admin' || object.metadata.name != 'nothing'", message: 'not by you' },
      ],
    },
    { paramRef: { name: 'limits', namespace: 'default', parameterNotFoundAction: 'Deny' }, validationActions: ['Warn', 'Audit'] },
  );
  const made = post(`${NS}/configmaps`, config('many', { a: '', b: '', c: '', d: '' }));
  expect([made.status, made.headers['warning']]).toEqual([
    201,
    `299 - "Validation failed for ValidatingAdmissionPolicy 'demo' with binding 'bind': at most 3 keys, not 4"`,
  ]);
  expect(post(`${NS}/configmaps`, config('few', { a: '' })).headers['warning']).toBeUndefined();
});

test('a policy that does not compile is not accepted; one that fails denies', () => {
  const bad = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'bad' },
    spec: {
      matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] },
      validations: [{ expression: 'objekt.spec > 1' }, { expression: '1 + 1' }],
    },
  };
  expect(said(post(`${GROUP}/validatingadmissionpolicies`, bad))).toBe(
    `ValidatingAdmissionPolicy.admissionregistration.k8s.io "bad" is invalid: [spec.validations[0].expression: Invalid value: "objekt.spec > 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'objekt' (in container '')\n | objekt.spec > 1\n | ^, spec.validations[1].expression: Invalid value: "1 + 1": must evaluate to bool]`,
  );
  policy({ validations: [{ expression: 'object.data.needed == "x"' }] }, { validationActions: ['Deny'] });
  expect(said(post(`${NS}/configmaps`, config('c', { other: 'x' })))).toBe(
    `configmaps "c" is forbidden: ValidatingAdmissionPolicy 'demo' with binding 'bind' denied request: expression 'object.data.needed == "x"' resulted in error: no such key: needed`,
  );
});

test('a mutating policy merges what it says', () => {
  policy(
    {
      reinvocationPolicy: 'Never',
      mutations: [
        { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"team": "a"}}}' } },
        {
          patchType: 'JSONPatch',
          jsonPatch: { expression: '[JSONPatch{op: "add", path: "/metadata/annotations", value: {"by": request.userInfo.username}}]' },
        },
      ],
    },
    {},
    true,
  );
  const made = post(DEPLOYMENTS, deployment(1)).body as Deployment;
  expect([made.metadata.labels, made.metadata.annotations?.['by']]).toEqual([{ team: 'a' }, 'kubernetes-admin']);
});

/** A webhook on the API server's own machine. */
function serve(answer: (request: { uid: string; object: ConfigMap }) => object): void {
  const certificate = cluster.certificate('webhook', []);
  cluster.machine.spawn(
    function* (os: Os) {
      serveHttp(os, { port: 9443, tls: { certificate } }, function* (http: HttpRequest) {
        const { request } = http.body as { request: { uid: string; object: ConfigMap } };
        const body = {
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: request.uid, allowed: true, ...answer(request) },
        };
        return { status: 200, headers: { 'content-type': 'application/json' }, body } as HttpResponse;
      });
      return yield* os.signals().receive() as never;
    },
    { argv: ['webhook'], logs: { write: (_, line) => cluster.log.push(`webhook: ${line}`) } },
  );
}

function hook(mutating: boolean, clientConfig: object, more: object = {}): void {
  const what = mutating ? 'Mutating' : 'Validating';
  const webhooks = [
    {
      name: 'check.example.com',
      clientConfig,
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...more,
    },
  ];
  const made = post(`${GROUP}/${what.toLowerCase()}webhookconfigurations`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${what}WebhookConfiguration`,
    metadata: { name: 'hooks' },
    webhooks,
  });
  expect([made.status, said(made)]).toEqual([201, undefined]);
}
const here = () => ({ url: `https://${ADDRESS}:9443/check`, caBundle: toBase64(cluster.machine.files.read('/etc/kubernetes/pki/ca.crt')) });

test('a validating webhook denies, warns, and is needed', () => {
  serve(({ object }) =>
    object.metadata.name === 'bad' ? { allowed: false, status: { message: 'no bad names' } } : { warnings: ['careful'] },
  );
  hook(false, here());
  expect(said(post(`${NS}/configmaps`, config('bad')))).toBe('admission webhook "check.example.com" denied the request: no bad names');
  const good = post(`${NS}/configmaps`, config('good'));
  expect([good.status, good.headers['warning']]).toEqual([201, '299 - "careful"']);
});

test('a mutating webhook patches', () => {
  const patch = toBase64(JSON.stringify([{ op: 'add', path: '/data', value: { injected: 'yes' } }]));
  serve(() => ({ patch, patchType: 'JSONPatch' }));
  hook(true, here(), { reinvocationPolicy: 'IfNeeded' });
  expect((post(`${NS}/configmaps`, { ...config('c'), data: undefined }).body as ConfigMap).data).toEqual({ injected: 'yes' });
});

test('a webhook without a backend fails the request, or not', () => {
  const service = { namespace: 'ingress-nginx', name: 'ingress-nginx-controller-admission', path: '/networking/v1/ingresses' };
  hook(false, { service });
  expect(said(post(`${NS}/configmaps`, config('c')))).toBe(
    'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post "https://ingress-nginx-controller-admission.ingress-nginx.svc:443/networking/v1/ingresses?timeout=10s": service "ingress-nginx-controller-admission" not found',
  );
  cluster.request(
    'PATCH',
    `${GROUP}/validatingwebhookconfigurations/hooks`,
    [{ op: 'add', path: '/webhooks/0/failurePolicy', value: 'Ignore' }],
    {
      headers: { 'content-type': 'application/json-patch+json' },
    },
  );
  expect(post(`${NS}/configmaps`, config('c')).status).toBe(201);
});

test('policies ask the authorizer and look at the namespace', () => {
  policy(
    {
      validations: [
        { expression: "authorizer.group('apps').resource('deployments').namespace('default').check('create').allowed()" },
        {
          expression:
            "authorizer.requestResource.check('delete').allowed() && !authorizer.serviceAccount('default', 'x').path('/y').check('get').allowed()",
        },
        {
          expression:
            "namespaceObject.metadata.name == request.namespace && request.operation == 'CREATE' && request.resource.resource == 'configmaps'",
        },
        { expression: 'has(object.data.ok)', message: 'last' },
      ],
    },
    { validationActions: ['Deny'] },
  );
  expect(post(`${NS}/configmaps`, config('c', { ok: '' })).status).toBe(201);
  expect(said(post(`${NS}/configmaps`, config('d', {})))).toContain('denied request: last');
});

test('webhooks are asked only about what they want, and not in a dry run that they would spoil', () => {
  serve(() => ({ allowed: false }));
  const namespaceSelector = { matchLabels: { checked: 'yes' } };
  const matchConditions = [{ name: 'not-mine', expression: "object.metadata.name != 'mine'" }];
  hook(false, here(), { namespaceSelector, matchConditions, sideEffects: 'NoneOnDryRun' });
  expect(post(`${NS}/configmaps`, config('a')).status).toBe(201);
  cluster.request('PATCH', NS, { metadata: { labels: { checked: 'yes' } } });
  expect(said(post(`${NS}/configmaps`, config('b')))).toBe('admission webhook "check.example.com" denied the request without explanation');
  expect(post(`${NS}/configmaps`, config('mine')).status).toBe(201);
  expect(said(post(`${NS}/configmaps`, config('b'), { dryRun: 'All' }))).toContain('denied the request');
});
