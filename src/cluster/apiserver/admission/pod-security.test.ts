// PodSecurity and the smaller plug-ins in upstream's words.

import { beforeEach, expect, test } from 'vitest';
import type { Pod, Status } from '../../api/generated/types.ts';
import { Testbed } from '../testbed.ts';

let cluster: Testbed;
const NS = '/api/v1/namespaces/default';
beforeEach(() => {
  cluster = new Testbed().boot();
  make(`${NS}/serviceaccounts`, { kind: 'ServiceAccount', metadata: { name: 'default' } });
});

function make(path: string, object: object, as?: string) {
  return cluster.request('POST', path, { apiVersion: 'v1', ...object }, as === undefined ? {} : { as });
}
const label = (labels: Record<string, string | null>) => cluster.request('PATCH', NS, { metadata: { labels } });
const pod = (name: string, spec: object = {}, container: object = {}) => ({
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'nginx', image: 'nginx:1.27', ...container }], ...spec },
});
const said = (response: { body?: unknown }) => (response.body as Status).message;

const RESTRICTED =
  'allowPrivilegeEscalation != false (container "nginx" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "nginx" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "nginx" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "nginx" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';

test('restricted refuses a plain Pod, warns about a Deployment, and lets a careful Pod in', () => {
  label({ 'pod-security.kubernetes.io/enforce': 'restricted' });
  expect(said(make(`${NS}/pods`, pod('web')))).toBe(`pods "web" is forbidden: violates PodSecurity "restricted:latest": ${RESTRICTED}`);
  const { spec } = pod('web');
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec } },
  };
  const made = cluster.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
  expect(made.status).toBe(201);
  expect(made.headers['warning']).toBe(`299 - ${JSON.stringify(`would violate PodSecurity "restricted:latest": ${RESTRICTED}`)}`);
  const careful = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  const good = pod(
    'good',
    { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } },
    { securityContext: careful },
  );
  expect(make(`${NS}/pods`, good).status).toBe(201);
});

test('baseline names what it does not want; tightening a namespace tells about its Pods', () => {
  const bad = pod(
    'bad',
    { hostNetwork: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] },
    { securityContext: { privileged: true, capabilities: { add: ['NET_ADMIN'] } }, ports: [{ containerPort: 80, hostPort: 80 }] },
  );
  expect(make(`${NS}/pods`, bad).status).toBe(201);
  const tightened = label({ 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/enforce-version': 'v1.30' });
  expect(tightened.headers['warning']).toBe(
    [
      'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:v1.30"',
      'bad: non-default capabilities, host namespaces, hostPath volumes, hostPort, privileged',
    ]
      .map((w) => `299 - ${JSON.stringify(w)}`)
      .join(', '),
  );
  expect(said(make(`${NS}/pods`, { ...bad, metadata: { name: 'worse' } }))).toBe(
    'pods "worse" is forbidden: violates PodSecurity "baseline:v1.30": non-default capabilities (container "nginx" must not include "NET_ADMIN" in securityContext.capabilities.add), host namespaces (hostNetwork=true), hostPath volumes (volume "v"), hostPort (container "nginx" uses hostPort 80), privileged (container "nginx" must not set securityContext.privileged=true)',
  );
  expect(said(label({ 'pod-security.kubernetes.io/enforce': 'strict' }))).toBe(
    'Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
  );
});

test('classes: priority, runtime, storage, ingress', () => {
  expect(said(make(`${NS}/pods`, pod('p', { priorityClassName: 'none' })))).toBe(
    'pods "p" is forbidden: no PriorityClass with name none was found',
  );
  expect(said(make(`${NS}/pods`, pod('p', { preemptionPolicy: 'Never' })))).toBe(
    'pods "p" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
  );
  expect(said(make(`${NS}/pods`, pod('p', { runtimeClassName: 'kata' })))).toBe(
    'pods "p" is forbidden: pod rejected: RuntimeClass "kata" not found',
  );
  const kata = {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: 'kata' },
    handler: 'kata',
    overhead: { podFixed: { cpu: '250m' } },
    scheduling: { nodeSelector: { kata: 'yes' } },
  };
  expect(cluster.request('POST', '/apis/node.k8s.io/v1/runtimeclasses', kata).status).toBe(201);
  const { spec } = make(`${NS}/pods`, pod('p', { runtimeClassName: 'kata' })).body as Pod;
  expect([spec.overhead, spec.nodeSelector]).toEqual([{ cpu: '250m' }, { kata: 'yes' }]);
  const fast = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'fast', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'x',
  };
  expect(cluster.request('POST', '/apis/storage.k8s.io/v1/storageclasses', fast).status).toBe(201);
  const claim = {
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  const made = make(`${NS}/persistentvolumeclaims`, claim).body as {
    metadata: { finalizers: string[] };
    spec: { storageClassName: string };
  };
  expect([made.spec.storageClassName, made.metadata.finalizers]).toEqual(['fast', ['kubernetes.io/pvc-protection']]);
});

test('a Pod of a controller that names no account that exists is told so by its prefix', () => {
  const nameless = { ...pod('x', { serviceAccountName: 'ghost' }), metadata: { generateName: 'web-7d9f-' } };
  expect(said(make(`${NS}/pods`, nameless))).toBe(
    'pods "web-7d9f-" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found',
  );
});

test('a kubelet keeps to its own', () => {
  const kubelet = cluster.certificate('system:node:worker-1', ['system:nodes']);
  const node = (name: string, labels: object) => ({ kind: 'Node', metadata: { name, labels } });
  expect(said(make('/api/v1/nodes', node('worker-2', {}), kubelet))).toBe(
    'nodes "worker-2" is forbidden: node "worker-1" is not allowed to modify node "worker-2"',
  );
  expect(said(make('/api/v1/nodes', node('worker-1', { 'node-role.kubernetes.io/worker': '' }), kubelet))).toBe(
    'nodes "worker-1" is forbidden: node "worker-1" is not allowed to set the following labels: node-role.kubernetes.io/worker',
  );
  expect(make('/api/v1/nodes', node('worker-1', { 'kubernetes.io/os': 'linux' }), kubelet).status).toBe(201);
  expect(said(make(`${NS}/pods`, pod('x', { nodeName: 'worker-1' }), kubelet))).toBe(
    'pods "x" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "worker-1" can only create mirror pods',
  );
});

test('plug-ins that are asked for: namespaces as needed, images always pulled', () => {
  const other = new Testbed(undefined, '--enable-admission-plugins=NodeRestriction,NamespaceAutoProvision,AlwaysPullImages').boot();
  const to = (path: string, object: object) => other.request('POST', path, { apiVersion: 'v1', ...object });
  expect(to('/api/v1/namespaces/new/serviceaccounts', { kind: 'ServiceAccount', metadata: { name: 'default' } }).status).toBe(201);
  const made = to('/api/v1/namespaces/new/pods', pod('p')).body as Pod;
  expect(made.spec.containers[0]?.imagePullPolicy).toBe('Always');
});
