// Transcripts: kubectl against a real API server, and what it prints.

import { beforeAll, describe, expect, it } from 'vitest';
import { ADDRESS, Testbed } from '../cluster/apiserver/testbed.ts';
import type { Process } from '../cluster/machine/process.ts';
import { SECOND } from '../cluster/sim/time.ts';
import { kubectlProgram } from './kubectl.ts';

let bed: Testbed;

function start(...argv: readonly string[]): { process: Process; out: string[] } {
  const out: string[] = [];
  const logs = { write: (_: string, line: string) => void out.push(line) };
  return { process: bed.machine.spawn(kubectlProgram, { argv: ['kubectl', ...argv], env: { HOME: '/root', PWD: '/root' }, logs }), out };
}

/** Runs one command to its end. */
function kubectl(...argv: readonly string[]): string {
  const { process, out } = start(...argv);
  const limit = bed.sim.now + 60 * SECOND;
  while (process.alive && bed.sim.step(limit));
  return out.join('\n');
}

const write = (text: string): void => bed.machine.files.write('/root/m.yaml', text);
const apply = (text: string, ...more: readonly string[]): string => {
  write(text);
  return kubectl('apply', '-f', 'm.yaml', ...more);
};

beforeAll(() => {
  bed = new Testbed().boot();
  bed.machine.files.write('/root/admin.crt', bed.admin);
  bed.machine.files.write(
    '/root/.kube/config',
    `apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {server: 'https://${ADDRESS}:6443'}\ncontexts:\n- name: c\n  context: {cluster: c, user: u}\nusers:\n- name: u\n  user: {client-certificate: /root/admin.crt}\n`,
  );
  bed.request('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
});

const CM = (data: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ap}\ndata: {${data}}\n`;

describe('apply', () => {
  it('creates, leaves alone, changes only what the manifest owns', () => {
    expect(apply(CM('a: "1", b: "2"'))).toBe('configmap/ap created');
    expect(apply(CM('a: "1", b: "2"'))).toBe('configmap/ap unchanged');
    bed.request('PATCH', '/api/v1/namespaces/default/configmaps/ap', { data: { other: 'keep' } });
    expect(apply(CM('a: "9"'))).toBe('configmap/ap configured');
    expect(kubectl('get', 'cm', 'ap', '-o', 'jsonpath={.data.a}|{.data.b}|{.data.other}')).toBe('9||keep');
  });
  it('goes on after a bad document and takes Lists apart', () => {
    const bad = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n';
    const list = 'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: l1}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: l2}}\n';
    const out = apply(`${bad}---\n${list}`).split('\n');
    expect(out.slice(0, 2)).toEqual(['configmap/l1 created', 'configmap/l2 created']);
    expect(out[2]).toMatch(/^The ConfigMap "Bad_Name" is invalid: metadata\.name: Invalid value: "Bad_Name"/);
  });
  it.each([
    ['kind: Pod\n', 'error: error validating "m.yaml": error validating data: apiVersion not set; if you choose to ignore these errors, turn validation off with --validate=false'],
    ['', 'error: no objects passed to apply'],
    [CM('a: "1"').replace('\ndata:', '\ndataa:'), 'Error from server (BadRequest): error when creating "m.yaml": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dataa"'],
    ['a: b: c\n', 'error: error parsing m.yaml: error converting YAML to JSON: yaml: line 1: mapping values are not allowed in this context'],
  ])('refuses %j', (text, message) => {
    expect(apply(text.replace('name: ap', 'name: fresh'))).toBe(message);
  });
  it('takes global flags before the command', () => {
    write(CM('a: "1"').replace('{name: ap}', '{name: ap, namespace: other}'));
    expect(kubectl('-n', 'default', 'apply', '-f', 'm.yaml')).toBe(
      'error: the namespace from the provided object "other" does not match the namespace "default". You must pass \'--namespace=other\' to perform this operation.',
    );
  });
});

describe('get', () => {
  it('prints tables, names and stable YAML', () => {
    expect(kubectl('get', 'svc')).toMatch(/^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nkubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP +\d+s$/);
    expect(kubectl('get', 'ns', '-o', 'name').split('\n')).toContain('namespace/kube-system');
    expect(kubectl('get', 'cm', 'l1', '-o', 'yaml').split('\n').map((line) => line.split(':')[0])).toEqual([
      'apiVersion', 'kind', 'metadata', '  annotations', '    kubectl.kubernetes.io/last-applied-configuration', expect.stringContaining('{"apiVersion"'), '  creationTimestamp', '  name', '  namespace', '  resourceVersion', '  uid',
    ]);
    expect(kubectl('get', 'foo')).toBe('error: the server doesn\'t have a resource type "foo"');
    expect(kubectl('get', 'cm', 'nope')).toBe('Error from server (NotFound): configmaps "nope" not found');
    expect(kubectl('get', 'pods')).toBe('No resources found in default namespace.');
  });
});

describe('delete', () => {
  it('waits on a watch until the object has gone', () => {
    apply('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fin, finalizers: [example.com/hold]}\n');
    const { process, out } = start('delete', 'cm', 'fin');
    const before = bed.sim.trace.lastId;
    bed.sim.runUntil(bed.sim.now + 20 * SECOND);
    expect([process.alive, out]).toEqual([true, ['configmap "fin" deleted from default namespace']]);
    const requests = bed.sim.trace.records.filter((r) => r.id > before && r.kind === 'http' && r.from.includes('kubectl'));
    expect(requests.length).toBeLessThan(6);
    bed.request('PATCH', '/api/v1/namespaces/default/configmaps/fin', { metadata: { finalizers: null } });
    bed.sim.runUntil(bed.sim.now + SECOND);
    expect(process.status?.code).toBe(0);
  });
});
