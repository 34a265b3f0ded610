import { describe, expect, test } from 'vitest';
import { parseTime } from '../sim/time.ts';
import { decodeObject } from './decode.ts';
import { applyDefaults } from './defaults.ts';
import { mustResource } from './kinds.ts';
import { humanDuration } from './table/format.ts';
import { toTable } from './table.ts';

const NOW = '2026-01-01T01:00:00Z';
const nowMicros = parseTime(NOW) as number;

/** The row as `kubectl get -o wide` would show it. */
function row(resource: string, body: object): string {
  const kind = mustResource(resource);
  const whole = {
    ...body,
    metadata: { name: 'web', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z', ...(body as { metadata?: object }).metadata },
  };
  const table = toTable(kind, [applyDefaults(kind, decodeObject(kind, whole, 'Ignore').object)], { nowMicros, includeObject: 'None' });
  expect(table.rows[0]?.cells.length).toBe(table.columnDefinitions.length);
  return table.rows[0]?.cells.join(' | ') ?? '';
}

test.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [150, '2m30s'],
  [600, '10m'],
  [10_799, '179m'],
  [10_800, '3h'],
  [12_000, '3h20m'],
  [172_799, '47h'],
  [172_800, '2d'],
  [180_000, '2d2h'],
  [691_200, '8d'],
  [63_072_000, '2y'],
  [-5, '<invalid>'],
])('%d s are %s', (seconds, text) => {
  expect(humanDuration(seconds)).toBe(text);
});

describe('Pods (cases of pkg/printers/internalversion/printers_test.go)', () => {
  const spec = {
    containers: [
      { name: 'a', image: 'a:1' },
      { name: 'b', image: 'b:1' },
    ],
  };
  const running = { state: { running: {} }, ready: true, restartCount: 0 };
  const wait = (reason: string) => ({ state: { waiting: { reason } }, ready: false, restartCount: 0 });
  const ended = (exitCode: number, reason?: string) => ({
    state: { terminated: { exitCode, ...(reason ? { reason } : {}) } },
    ready: false,
    restartCount: 0,
  });
  const named = (...list: object[]) => list.map((s, i) => ({ name: 'ab'[i], image: '', imageID: '', ...s }));
  test.each<[string, object, object, string]>([
    ['pending', {}, { phase: 'Pending' }, '0/2 | Pending | 0'],
    [
      'creating',
      {},
      { phase: 'Pending', containerStatuses: named(wait('ContainerCreating'), wait('ContainerCreating')) },
      '0/2 | ContainerCreating | 0',
    ],
    ['running', {}, { phase: 'Running', containerStatuses: named(running, running) }, '2/2 | Running | 0'],
    [
      'crashing',
      {},
      {
        phase: 'Running',
        containerStatuses: named(running, {
          ...wait('CrashLoopBackOff'),
          restartCount: 3,
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:59:48Z' } },
        }),
      },
      '1/2 | CrashLoopBackOff | 3 (12s ago)',
    ],
    ['exit code', {}, { phase: 'Failed', containerStatuses: named(ended(2), ended(0, 'Completed')) }, '0/2 | ExitCode:2 | 0'],
    ['done and running', {}, { phase: 'Running', containerStatuses: named(ended(0, 'Completed'), running) }, '1/2 | NotReady | 0'],
    ['evicted', {}, { phase: 'Failed', reason: 'Evicted' }, '0/2 | Evicted | 0'],
    ['terminating', { deletionTimestamp: NOW }, { phase: 'Running', containerStatuses: named(running, running) }, '2/2 | Terminating | 0'],
    [
      'gated',
      {},
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
      '0/2 | SchedulingGated | 0',
    ],
  ])('%s', (_, metadata, status, expected) => {
    expect(row('pods', { metadata, spec, status })).toBe(`web | ${expected} | 60m | <none> | <none> | <none> | <none>`);
  });

  test('init containers and sidecars', () => {
    const init = {
      ...spec,
      initContainers: [
        { name: 'x', image: 'x' },
        { name: 's', image: 's', restartPolicy: 'Always' },
      ],
    };
    const status = (...initContainerStatuses: object[]) => ({ phase: 'Pending', initContainerStatuses });
    const first = { name: 'x', image: '', imageID: '', ...ended(0, 'Completed') };
    const sidecar = { name: 's', image: '', imageID: '', ...running, started: true };
    const cells = (s: object) => row('pods', { spec: init, status: s }).split(' | ').slice(1, 3).join(' ');
    expect(cells(status({ ...first, ...wait('PodInitializing') }))).toBe('0/3 Init:0/2');
    expect(cells(status({ ...first, ...wait('ErrImagePull') }))).toBe('0/3 Init:ErrImagePull');
    expect(cells(status({ ...first, ...ended(1) }))).toBe('0/3 Init:ExitCode:1');
    expect(cells({ ...status(first, sidecar), phase: 'Running', containerStatuses: named(running, running) })).toBe('3/3 Running');
  });

  test('finished Pods carry the row condition that hides them from -w', () => {
    const kind = mustResource('pods');
    const { object } = decodeObject(kind, { metadata: { name: 'web' }, spec, status: { phase: 'Succeeded' } }, 'Ignore');
    const [first] = toTable(kind, [object], { nowMicros, includeObject: 'Metadata' }).rows;
    expect(first?.conditions?.[0]).toMatchObject({ type: 'Completed', reason: 'Succeeded' });
    expect(first?.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'web' } });
  });
});

describe('other kinds', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'a:1' }] } };
  const selector = { matchLabels: { app: 'web' } };
  test.each<[string, object, string]>([
    [
      'deployments.apps',
      { spec: { replicas: 3, selector, template }, status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } },
      'web | 2/3 | 3 | 1 | 60m | a | a:1 | app=web',
    ],
    [
      'replicasets.apps',
      { spec: { replicas: 3, selector, template }, status: { replicas: 2, readyReplicas: 1 } },
      'web | 3 | 2 | 1 | 60m | a | a:1 | app=web',
    ],
    [
      'daemonsets.apps',
      { spec: { selector, template }, status: { desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 1 } },
      'web | 2 | 2 | 1 | 0 | 0 | <none> | 60m | a | a:1 | app=web',
    ],
    ['statefulsets.apps', { spec: { selector, template }, status: { readyReplicas: 1 } }, 'web | 1/1 | 60m | a | a:1'],
    [
      'jobs.batch',
      {
        spec: { template },
        status: {
          succeeded: 1,
          startTime: '2026-01-01T00:00:00Z',
          completionTime: '2026-01-01T00:00:09Z',
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      'web | Complete | 1/1 | 9s | 60m | a | a:1 | <none>',
    ],
    [
      'cronjobs.batch',
      { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } },
      'web | * * * * * | <none> | False | 0 | <none> | 60m | a | a:1 | <none>',
    ],
    [
      'services',
      {
        spec: {
          type: 'NodePort',
          clusterIP: '10.96.0.9',
          clusterIPs: ['10.96.0.9'],
          selector: { app: 'web' },
          ports: [
            { port: 80, nodePort: 30001 },
            { port: 53, protocol: 'UDP' },
          ],
        },
      },
      'web | NodePort | 10.96.0.9 | <none> | 80:30001/TCP,53/UDP | 60m | app=web',
    ],
    [
      'services',
      { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
      'web | LoadBalancer | <none> | <pending> | 80/TCP | 60m | <none>',
    ],
    [
      'endpointslices.discovery.k8s.io',
      { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: ['1', '2', '3', '4'].map((n) => ({ addresses: [`10.0.0.${n}`] })) },
      'web | IPv4 | 80 | 10.0.0.1,10.0.0.2,10.0.0.3 + 1 more... | 60m',
    ],
    ['endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }, 'web | 10.0.0.1:80 | 60m'],
    [
      'nodes',
      {
        metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Debian' },
          addresses: [{ type: 'InternalIP', address: '192.168.66.10' }],
        },
      },
      'web | Ready,SchedulingDisabled | control-plane | 60m | v1.36.0 | 192.168.66.10 | <none> | Debian | <unknown> | <unknown>',
    ],
    [
      'events',
      {
        lastTimestamp: '2026-01-01T00:59:00Z',
        firstTimestamp: '2026-01-01T00:58:00Z',
        count: 4,
        type: 'Normal',
        reason: 'Pulled',
        message: 'ok\n',
        involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{a}' },
        source: { component: 'kubelet', host: 'n1' },
      },
      '60s | Normal | Pulled | pod/p | spec.containers{a} | kubelet, n1 | ok | 2m | 4 | web',
    ],
    [
      'persistentvolumeclaims',
      {
        spec: { volumeName: 'pv1', accessModes: ['ReadWriteOnce'], storageClassName: 'std' },
        status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
      },
      'web | Bound | pv1 | 1Gi | RWO,RWX | std | <unset> | 60m | Filesystem',
    ],
    [
      'horizontalpodautoscalers.autoscaling',
      {
        spec: { maxReplicas: 5, scaleTargetRef: { kind: 'Deployment', name: 'web' } },
        status: {
          currentReplicas: 1,
          currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 10 } } }],
        },
      },
      'web | Deployment/web | cpu: 10%/80% | 1 | 5 | 1 | 60m',
    ],
    [
      'ingresses.networking.k8s.io',
      { spec: { ingressClassName: 'nginx', rules: [{ host: 'a.example' }], tls: [{}] } },
      'web | nginx | a.example |  | 80, 443 | 60m',
    ],
    [
      'rolebindings.rbac.authorization.k8s.io',
      {
        roleRef: { apiGroup: '', kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'ServiceAccount', name: 'sa', namespace: 'default' },
          { kind: 'User', name: 'jane' },
        ],
      },
      'web | Role/r | 60m | jane |  | default/sa',
    ],
    ['limitranges', {}, 'web | 2026-01-01T00:00:00Z'],
  ])('%s', (resource, body, expected) => {
    expect(row(resource, body)).toBe(expected);
  });
});
