// Lists in pages and of old states, watches and their options, options of writes: answers as a 1.36 server gives them.

import { beforeEach, expect, test } from 'vitest';
import type { ConfigMap, Status } from '../api/generated/types.ts';
import { Testbed } from './testbed.ts';

let cluster: Testbed;
const path = '/api/v1/namespaces/default/configmaps';
const put = (name: string): string =>
  (cluster.request('POST', path, { metadata: { name } }).body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
interface List {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: { metadata: { name: string } }[];
}
const list = (query: Record<string, string>): List & Status => cluster.request('GET', path, undefined, { query }).body as List & Status;
const names = (l: List): string[] => l.items.map((o) => o.metadata.name);

beforeEach(() => {
  cluster = new Testbed().boot();
});

test('pages show one state; a token of a compacted state carries a fresh one', () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) put(name);
  const first = list({ limit: '2' });
  expect([names(first), first.metadata.remainingItemCount]).toEqual([['a', 'b'], 3]);
  expect(JSON.parse(atob(first.metadata.continue ?? ''))).toEqual({ v: 'meta.k8s.io/v1', rv: Number(first.metadata.resourceVersion), start: 'b\0' });
  put('c1');
  const second = list({ limit: '2', continue: first.metadata.continue ?? '' });
  expect([names(second), second.metadata.resourceVersion]).toEqual([['c', 'd'], first.metadata.resourceVersion]);
  const last = list({ limit: '2', continue: second.metadata.continue ?? '' });
  expect([names(last), last.metadata.continue]).toEqual([['e'], undefined]);
  expect(names(list({ limit: '2', resourceVersion: '0' }))).toEqual(['a', 'b', 'c', 'c1', 'd', 'e']);
  const exact = { resourceVersion: first.metadata.resourceVersion, resourceVersionMatch: 'Exact' };
  expect(names(list(exact))).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(list({ limit: '1', labelSelector: '!x' }).metadata.remainingItemCount).toBeUndefined();
  cluster.sim.runUntil(cluster.sim.now + 700_000_000);
  const old = list({ limit: '2', continue: first.metadata.continue ?? '' });
  expect([old.code, old.reason]).toEqual([410, 'Expired']);
  const rest = list({ continue: (old as List).metadata.continue ?? '' });
  expect(names(rest)).toEqual(['c', 'c1', 'd', 'e']);
  expect(list(exact).message).toBe('The resourceVersion for the provided list is too old.');
});

const forbidden = (field: string, why: string) => `ListOptions.meta.k8s.io "" is invalid: ${field}: Forbidden: ${why}`;
test.each<[Record<string, string>, number, string]>([
  [{ resourceVersionMatch: 'Exact' }, 422, forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided')],
  [
    { resourceVersionMatch: 'Exact', resourceVersion: '0' },
    422,
    forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
  ],
  [{ sendInitialEvents: 'true' }, 422, forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')],
  [
    { watch: 'true', sendInitialEvents: 'true' },
    422,
    forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
  ],
  [{ continue: 'nonsense' }, 400, 'continue key is not valid: invalid character'],
  [{ resourceVersion: '999999' }, 504, 'Timeout: Too large resource version: 999999, current: '],
  [{ fieldSelector: 'spec.x=1' }, 400, '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
])('list %j', (query, code, message) => {
  const answer = list(query);
  expect(answer.code).toBe(code);
  expect(answer.message?.slice(0, message.length)).toBe(message);
});

test('a watch that asks for them gets the initial events and a bookmark that ends them', () => {
  put('a');
  const query = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' };
  const { events } = cluster.watch(path, query);
  const none = cluster.watch(path, { sendInitialEvents: 'false', resourceVersionMatch: 'NotOlderThan' });
  put('b');
  cluster.sim.runUntil(cluster.sim.now + 100_000);
  expect(events.map((e) => e.type)).toEqual(['ADDED', 'BOOKMARK', 'ADDED']);
  expect(events[1]?.object).toMatchObject({ metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } });
  expect(none.events.map((e) => (e.object as { metadata: { name: string } }).metadata.name)).toEqual(['b']);
});

test('bodies in other forms, patches that make nonsense, options that nobody has', () => {
  const yaml = cluster.request('POST', path, 'metadata:\n  name: y\ndata:\n  k: v\n', { headers: { 'content-type': 'application/yaml' } });
  expect([yaml.status, (yaml.body as { data: object }).data]).toEqual([201, { k: 'v' }]);
  const says = (method: string, at: string, body: unknown, ask = {}) => {
    const { status, body: answer } = cluster.request(method, at, body, ask);
    return [status, (answer as Status).message];
  };
  expect(says('POST', path, {}, { headers: { 'content-type': 'text/plain' } })).toEqual([
    415,
    'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  ]);
  expect(says('POST', path, { metadata: { name: 'q' } }, { query: { dryRun: 'Some' } })).toEqual([
    422,
    'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
  ]);
  expect(says('PATCH', `${path}/y`, { data: { k: 1 } })).toEqual([422, ' "" is invalid: patch: Invalid value: "map[data:map[k:1]]": unrecognized type: string']);
  expect(says('PATCH', `${path}/y`, { data: 1 }, { query: { force: 'true' } })).toEqual([
    422,
    'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
  ]);
  expect(says('PATCH', `${path}/y`, {}, { headers: { 'content-type': 'application/json' } })[0]).toBe(415);
  const notAMap = 'json: cannot unmarshal array into Go value of type map[string]interface {}';
  expect(says('PATCH', `${path}/y`, [])).toEqual([400, notAMap]);
  expect(says('PATCH', `${path}/y`, [], { headers: { 'content-type': 'application/merge-patch+json' } })).toEqual([400, `error decoding patch: ${notAMap}`]);
  expect(says('PATCH', `${path}/y`, '{')).toEqual([400, 'unexpected end of JSON input']);
  expect(says('POST', path, 'kind: x')).toEqual([
    400,
    "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: invalid character 'k' looking for beginning of value",
  ]);
  expect(says('GET', path, undefined, { headers: { accept: 'text/html' } })).toEqual([
    406,
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  ]);
});

test('the server tells others how it knows its callers', () => {
  const { data } = cluster.request('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication').body as ConfigMap;
  expect(data?.['client-ca-file']).toMatch(/^-----BEGIN CERTIFICATE-----/);
});
