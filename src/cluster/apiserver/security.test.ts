// Who may do what, in the words of kubectl's user: Node authorizer, escalation, impersonation, reviews, priority and fairness, audit,
// encryption at rest.

import { createVerify, createPublicKey } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { fromBase64 } from '../api/base64.ts';
import { etcdctlProgram } from '../etcd/etcdctl.ts';
import { HttpClient, type HttpResponse } from '../network/http.ts';
import { SECOND } from '../sim/time.ts';
import { type Ask, Testbed } from './testbed.ts';

let cluster: Testbed;

beforeEach(() => {
  cluster = new Testbed().boot();
  cluster.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});

const message = (response: HttpResponse): string => (response.body as { message?: string }).message ?? '';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const as = (name: string, ...groups: string[]): Ask => ({ as: cluster.certificate(name, groups) });
const kubelet = (name: string): Ask => as(`system:node:${name}`, 'system:nodes');

function bindRole(name: string, rules: readonly object[], user: string): void {
  cluster.request('POST', `${RBAC}/clusterroles`, { metadata: { name }, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
  cluster.request('POST', `${RBAC}/clusterrolebindings`, { metadata: { name }, roleRef, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }] });
}

function pod(name: string, nodeName: string, secretName: string): void {
  const volumes = [{ name: 's', secret: { secretName } }];
  cluster.request('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name },
    spec: { nodeName, volumes, containers: [{ name: 'c', image: 'nginx' }] },
  });
}

test('a kubelet reads what its Pods refer to, and its own Node', () => {
  for (const name of ['mine', 'other']) cluster.request('POST', '/api/v1/namespaces/default/secrets', { metadata: { name } });
  for (const name of ['n1', 'n2']) cluster.request('POST', '/api/v1/nodes', { metadata: { name } });
  pod('a', 'n1', 'mine');
  const get = (path: string, query: Record<string, string> = {}): string => {
    const response = cluster.request('GET', path, undefined, { ...kubelet('n1'), query });
    return response.status === 200 ? 'ok' : message(response);
  };
  const refused = `cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node 'n1' and this object`;
  expect(get('/api/v1/namespaces/default/secrets/mine')).toBe('ok');
  expect(get('/api/v1/namespaces/default/secrets/other')).toBe(`secrets "other" is forbidden: User "system:node:n1" ${refused}`);
  expect(get('/api/v1/nodes/n1')).toBe('ok');
  expect(get('/api/v1/nodes')).toBe(
    `nodes is forbidden: User "system:node:n1" cannot list resource "nodes" in API group "" at the cluster scope: node 'n1' cannot read all nodes, only its own Node object`,
  );
  expect(get('/api/v1/pods', { fieldSelector: 'spec.nodeName=n1' })).toBe('ok');
  expect(get('/api/v1/pods')).toMatch(/: can only list\/watch pods with spec.nodeName field selector$/);
  expect(get('/api/v1/services')).toBe('ok');
  const { uid } = (cluster.request('GET', '/api/v1/namespaces/default/pods/a').body as { metadata: { uid: string } }).metadata;
  const token = { spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'a', uid } } };
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
  expect(cluster.request('POST', path, token, kubelet('n1')).status).toBe(201);
  expect(message(cluster.request('POST', path, token, kubelet('n2')))).toMatch(/no relationship found between node 'n2' and this object$/);
});

test('nobody grants what he does not have', () => {
  bindRole('writer', [
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['create'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  ], 'bob');
  const role = (...verbs: string[]): object => ({ metadata: { name: 'r' }, rules: [{ apiGroups: ['', 'apps'], resources: ['pods'], verbs }] });
  const roles = `${RBAC}/namespaces/default/roles`;
  expect(message(cluster.request('POST', roles, role('get', 'list'), as('bob')))).toBe(
    'roles.rbac.authorization.k8s.io "r" is forbidden: user "bob" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}\n{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}',
  );
  const own = { metadata: { name: 'r' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] };
  expect(cluster.request('POST', roles, own, as('bob')).status).toBe(201);
  const binding = (name: string): object => ({ metadata: { name: 'b' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name } });
  const bindings = `${RBAC}/namespaces/default/rolebindings`;
  expect(message(cluster.request('POST', bindings, binding('nothing'), as('bob')))).toBe('clusterroles.rbac.authorization.k8s.io "nothing" not found');
  expect(message(cluster.request('POST', bindings, binding('cluster-admin'), as('bob')))).toContain('{NonResourceURLs:["*"], Verbs:["*"]}');
  bindRole('binder', [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['bind'], resourceNames: ['cluster-admin'] }], 'bob');
  expect(cluster.request('POST', bindings, binding('cluster-admin'), as('bob')).status).toBe(201);
  const gone = { metadata: { name: 'gone' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'gone' }, subjects: [{ kind: 'User', name: 'eve' }] };
  cluster.request('POST', bindings, gone);
  expect(message(cluster.request('GET', '/api/v1/namespaces/default/pods', undefined, as('eve')))).toBe(
    'pods is forbidden: User "eve" cannot list resource "pods" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "gone" not found',
  );
});

test('a token can be checked by anybody, and dies with its Pod', () => {
  pod('a', 'n1', 's');
  const spec = { audiences: ['https://kubernetes.default.svc.cluster.local'], boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'a' } };
  const made = cluster.request('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { spec });
  const { token } = (made.body as { status: { token: string } }).status;
  const [head, body, signature] = token.split('.') as [string, string, string];
  expect(Object.keys(JSON.parse(fromBase64(body) as string) as object)).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'kubernetes.io', 'nbf', 'sub']);
  const keys = JSON.parse(cluster.request('GET', '/openid/v1/jwks').body as string) as { keys: [{ kid: string; kty: 'EC'; crv: string; x: string; y: string }] };
  expect((JSON.parse(fromBase64(head) as string) as { kid: string }).kid).toBe(keys.keys[0].kid);
  const key = createPublicKey({ key: keys.keys[0], format: 'jwk' });
  expect(createVerify('sha256').update(`${head}.${body}`).verify({ key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))).toBe(true);
  const review = (...audiences: string[]): unknown =>
    (cluster.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences } }).body as { status: unknown }).status;
  expect(review()).toMatchObject({ authenticated: true, user: { username: 'system:serviceaccount:default:default' } });
  expect(review('vault')).toMatchObject({ error: expect.stringContaining('is invalid for the target audiences ["vault"]') });
  const bearer = { as: null, headers: { authorization: `Bearer ${token}` } };
  const whoami = (): HttpResponse => cluster.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, bearer);
  expect(whoami().body).toMatchObject({ status: { userInfo: { extra: { 'authentication.kubernetes.io/pod-name': ['a'] } } } });
  cluster.request('DELETE', '/api/v1/namespaces/default/pods/a', { gracePeriodSeconds: 0 });
  expect(message(whoami())).toBe('Unauthorized');
  expect(review()).toEqual({ user: {}, error: '[invalid bearer token, service account token has been invalidated]' });
  const short = cluster.request('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { spec: { audiences: [], expirationSeconds: 60 } });
  expect(message(short)).toContain('spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes');
});

test('impersonation in part and in full', () => {
  bindRole('impersonator', [{ apiGroups: [''], resources: ['users', 'groups', 'serviceaccounts'], verbs: ['impersonate'] }, { apiGroups: ['authentication.k8s.io'], resources: ['userextras/scopes', 'uids'], verbs: ['impersonate'] }], 'bob');
  const whoami = (headers: Record<string, string>): unknown => {
    const response = cluster.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { ...as('bob'), headers });
    return response.status === 201 ? (response.body as { status: { userInfo: unknown } }).status.userInfo : message(response);
  };
  expect(whoami({ 'impersonate-user': 'jane', 'impersonate-group': 'dev,ops', 'impersonate-uid': 'u1', 'impersonate-extra-scopes': 'view' })).toEqual({
    username: 'jane',
    uid: 'u1',
    groups: ['dev', 'ops', 'system:authenticated'],
    extra: { scopes: ['view'] },
  });
  expect(whoami({ 'impersonate-user': 'system:serviceaccount:default:web' })).toMatchObject({
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
  });
  expect(whoami({ 'impersonate-group': 'dev' })).toBe(
    'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"dev"}, Extra:map[string][]string(nil)} without impersonating a user name',
  );
});

test('reviews give the reasons of RBAC', () => {
  const ask = (resource: string, user: string, groups: readonly string[] = []): unknown => {
    const spec = { user, groups, resourceAttributes: { verb: 'create', group: 'authorization.k8s.io', resource } };
    return (cluster.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec }).body as { status: unknown }).status;
  };
  expect(ask('selfsubjectaccessreviews', 'x', ['system:authenticated'])).toEqual({
    allowed: true,
    reason: 'RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user" to Group "system:authenticated"',
  });
  expect(ask('nothing', 'x')).toEqual({ allowed: false });
  expect(ask('nothing', 'x', ['system:masters'])).toEqual({ allowed: true });
  const nobody = cluster.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } });
  expect(message(nobody)).toBe('SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified');
  const rules = cluster.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { spec: { namespace: 'default' } }, as('x'));
  expect((rules.body as { status: { resourceRules: object[] } }).status.resourceRules[0]).toEqual({
    verbs: ['create'],
    apiGroups: ['authorization.k8s.io'],
    resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
  });
});

test('priority and fairness: objects, headers, and who finds no seat is told to come again', () => {
  const schemas = (cluster.request('GET', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas').body as { items: { metadata: { name: string; uid: string }; status: object }[] }).items;
  expect(schemas.map((s) => s.metadata.name)).toHaveLength(11);
  expect(schemas.find((s) => s.metadata.name === 'probes')).toMatchObject({ status: { conditions: [{ type: 'Dangling', status: 'False', reason: 'Found' }] } });
  const response = cluster.request('GET', '/version', undefined, { headers: { 'audit-id': 'mine' } });
  expect(response.headers).toMatchObject({ 'audit-id': 'mine', 'x-kubernetes-pf-flowschema-uid': schemas.find((s) => s.metadata.name === 'exempt')?.metadata.uid });
  cluster.request('PATCH', '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/global-default', {
    metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } },
    spec: { limited: { nominalConcurrencyShares: 0, limitResponse: { type: 'Reject', queuing: null } } },
  });
  cluster.sim.runUntil(cluster.sim.now + SECOND);
  bindRole('lister', [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }], 'bob');
  const bob = as('bob').as as string;
  const statuses: number[] = [];
  for (let i = 0; i < 2; i++) {
    cluster.machine.spawn(function* (os) {
      const client = new HttpClient(os, { host: '192.168.66.10', port: 6443, tls: { clientCertificate: bob } });
      const answer = yield* client.request({ method: 'GET', path: '/api/v1/pods', query: {}, headers: {} });
      statuses.push(answer.status);
    }, { argv: ['c'] });
  }
  cluster.sim.runUntil(cluster.sim.now + SECOND);
  expect(statuses.sort()).toEqual([200, 429]);
  const dump = cluster.request('GET', '/debug/api_priority_and_fairness/dump_priority_levels').body as string;
  expect(dump.split('\n')[0]).toMatch(/^PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, /);
  expect(dump).toMatch(/\nglobal-default, +0, +true, +false, +0, +0, +\d+, +1, +0, +0\n/);
});

test('the audit log tells who did what', () => {
  const { files } = cluster.machine;
  files.write('/etc/audit.yaml', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n  resources: [{group: "", resources: [secrets]}]\n- level: None\n');
  cluster.apiserver?.kill('SIGKILL');
  cluster.startApiserver('--audit-policy-file=/etc/audit.yaml', '--audit-log-path=/var/log/audit.log');
  cluster.boot();
  cluster.request('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 's' } });
  cluster.request('GET', '/api/v1/namespaces/default/secrets/s', undefined, as('bob'));
  const events = files.read('/var/log/audit.log').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.map((e) => [e['stage'], e['verb'], (e['responseStatus'] as { code: number }).code])).toEqual([
    ['ResponseComplete', 'create', 201],
    ['ResponseComplete', 'get', 403],
  ]);
  expect(events[0]).toMatchObject({
    kind: 'Event',
    level: 'Metadata',
    requestURI: '/api/v1/namespaces/default/secrets',
    user: { username: 'kubernetes-admin' },
    objectRef: { resource: 'secrets', namespace: 'default', name: 's', apiVersion: 'v1' },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  });
});

test('Secrets are encrypted in etcd, and written anew with the first key', () => {
  const { files } = cluster.machine;
  const config = (...keys: string[]): string =>
    `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - aescbc: {keys: [${keys.map((k) => `{name: ${k}, secret: YWJjZGVmZ2hpamtsbW5vcA==}`).join(', ')}]}\n  - identity: {}\n`;
  const secrets = '/api/v1/namespaces/default/secrets';
  cluster.request('POST', secrets, { metadata: { name: 'old' }, stringData: { a: 'b' } });
  files.write('/etc/enc.yaml', config('key1'));
  cluster.apiserver?.kill('SIGKILL');
  cluster.startApiserver('--encryption-provider-config=/etc/enc.yaml');
  cluster.boot();
  files.write('/client.crt', 'x');
  const etcdctl = (...argv: string[]): string => {
    const out: string[] = [];
    const logs = { write: (_: string, line: string) => void out.push(line) };
    cluster.machine.spawn(etcdctlProgram, { argv: ['etcdctl', '--endpoints=https://127.0.0.1:2379', '--cert=/client.crt', ...argv], logs });
    cluster.sim.runUntil(cluster.sim.now + SECOND);
    return out.join('\n');
  };
  expect(etcdctl('get', '/registry/secrets/default/old')).toContain('"data":{"a":"Yg=="}');
  const old = cluster.request('GET', `${secrets}/old`).body;
  cluster.request('PUT', `${secrets}/old`, old);
  expect(etcdctl('get', '/registry/secrets/default/old')).toMatch(/^\/registry\/secrets\/default\/old\nk8s:enc:aescbc:v1:key1:/);
  expect(cluster.request('GET', `${secrets}/old`).body).toMatchObject({ data: { a: 'Yg==' } });
  expect(etcdctl('get', '/registry/secrets', '--prefix', '--keys-only')).toBe('/registry/secrets/default/old\n');
  files.write('/etc/enc.yaml', config('key2'));
  cluster.apiserver?.kill('SIGKILL');
  cluster.startApiserver('--encryption-provider-config=/etc/enc.yaml');
  cluster.boot();
  expect(message(cluster.request('GET', `${secrets}/old`))).toBe(
    'Internal error occurred: unable to transform key "/registry/secrets/default/old": no matching key was found for the provided AES transformer',
  );
  expect(etcdctl('put', 'x', 'y')).toBe('OK');
  expect(etcdctl('get', 'x')).toBe('x\ny');
  expect(etcdctl('del', 'x')).toBe('1');
  expect(etcdctl('member', 'list')).toMatch(/^[0-9a-f]{16}, started, control-plane-1, https:\/\/192.168.66.10:2380, https:\/\/192.168.66.10:2379, false$/);
  expect(etcdctl('endpoint', 'health')).toMatch(/is healthy: successfully committed proposal: took = /);
});
