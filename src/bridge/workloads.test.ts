// The life of a Pod, a rollout and a Job as @kubernetes/client-node sees them over the bridge: what a watch tells, in which order.

import { PassThrough } from 'node:stream';
import { AppsV1Api, BatchV1Api, CoreV1Api, type CoreV1Event, Exec, PatchStrategy, setHeaderOptions, type V1Deployment, type V1Job, type V1Pod, Watch } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, type ServedCluster, serveCluster } from './testing/served-cluster.ts';

let served: ServedCluster;

beforeAll(async () => {
  served = await serveCluster({ controlPlanes: 1, workers: 2, seed: 7, speed: 20 });
});
afterAll(() => served.stop());

/** Watches one object from its creation on; `tell` makes a line of each event, equal lines in a row count once. */
async function watched<T>(path: string, name: string, tell: (type: string, object: T) => string): Promise<{ lines: string[]; stop: () => void }> {
  const lines: string[] = [];
  const controller = await new Watch(served.config).watch(
    path,
    { fieldSelector: `metadata.name=${name}` },
    (type: string, object: T) => {
      const line = tell(type, object);
      if (lines.at(-1) !== line) lines.push(line);
    },
    () => undefined,
  );
  return { lines, stop: () => controller.abort() };
}

const conditionsOf = (conditions: readonly { type: string; status: string }[] | undefined): string =>
  (conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type).sort().join(' ');

const podLine = (type: string, { metadata, status }: V1Pod): string => {
  const container = status?.containerStatuses?.[0]?.state;
  const state = container?.waiting ? container.waiting.reason : container?.running ? 'running' : container?.terminated ? `exit ${container.terminated.exitCode}` : '-';
  return `${type} ${status?.phase}${metadata?.deletionTimestamp ? ' (deleted)' : ''}: ${state}: ${conditionsOf(status?.conditions)}`;
};

test('the life of a Pod', async () => {
  const core = served.config.makeApiClient(CoreV1Api);
  const { lines, stop } = await watched('/api/v1/namespaces/default/pods', 'life', podLine);
  const where = { namespace: 'default', name: 'life' };
  await core.createNamespacedPod({
    namespace: 'default',
    body: {
      metadata: { name: 'life' },
      spec: {
        initContainers: [{ name: 'init', image: 'busybox', command: ['sh', '-c', 'echo prepared > /work/file; sleep 2'], volumeMounts: [{ name: 'work', mountPath: '/work' }] }],
        containers: [
          {
            name: 'main',
            image: 'busybox',
            command: ['sh', '-c', "trap 'echo bye; sleep 2; exit 7' TERM; cat /work/file; while true; do sleep 1; done"],
            readinessProbe: { exec: { command: ['cat', '/work/file'] }, initialDelaySeconds: 3, periodSeconds: 3 },
            volumeMounts: [{ name: 'work', mountPath: '/work' }],
          },
        ],
        volumes: [{ name: 'work', emptyDir: {} }],
      },
    },
  });
  await eventually(() => lines.some((line) => line.includes(' Ready')));
  expect(await core.readNamespacedPodLog(where)).toBe('prepared\n');

  const out = new PassThrough();
  let said = '';
  out.on('data', (piece: Buffer) => (said += piece.toString()));
  const status = await new Promise<{ status?: string }>((resolve, reject) => {
    new Exec(served.config).exec('default', 'life', 'main', ['cat', '/work/file'], out, null, null, false, resolve).catch(reject);
  });
  await eventually(() => said !== '');
  expect([said, status.status]).toEqual(['prepared\n', 'Success']);

  await core.deleteNamespacedPod({ ...where, gracePeriodSeconds: 10 });
  await eventually(() => lines.some((line) => line.startsWith('DELETED')));
  stop();
  expect(lines).toEqual([
    'ADDED Pending: -: ',
    'MODIFIED Pending: -: PodScheduled',
    'MODIFIED Pending: PodInitializing: PodScheduled',
    'MODIFIED Pending: PodInitializing: PodReadyToStartContainers PodScheduled',
    'MODIFIED Pending: PodInitializing: Initialized PodReadyToStartContainers PodScheduled',
    'MODIFIED Running: running: Initialized PodReadyToStartContainers PodScheduled',
    'MODIFIED Running: running: ContainersReady Initialized PodReadyToStartContainers PodScheduled Ready',
    'MODIFIED Running (deleted): running: ContainersReady Initialized PodReadyToStartContainers PodScheduled Ready',
    'MODIFIED Failed (deleted): exit 7: Initialized PodScheduled',
    'DELETED Failed (deleted): exit 7: Initialized PodScheduled',
  ]);
  const events = await core.listNamespacedEvent({ namespace: 'default', fieldSelector: 'involvedObject.name=life' });
  const told = (event: CoreV1Event): string => `${event.reason} ${event.involvedObject.fieldPath ?? ''}`.trim();
  expect(events.items.map(told)).toEqual([
    'Scheduled',
    'Pulling spec.initContainers{init}',
    'Pulled spec.initContainers{init}',
    'Created spec.initContainers{init}',
    'Started spec.initContainers{init}',
    'Pulling spec.containers{main}',
    'Pulled spec.containers{main}',
    'Created spec.containers{main}',
    'Started spec.containers{main}',
    'Killing spec.containers{main}',
  ]);
});

test('a rollout keeps its limits', async () => {
  const apps = served.config.makeApiClient(AppsV1Api);
  const labels = { app: 'web' };
  const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'web', image }] } });
  const counts: { total: number; available: number; updated: number }[] = [];
  const { stop } = await watched('/apis/apps/v1/namespaces/default/deployments', 'web', (_, { status }: V1Deployment) => {
    counts.push({ total: status?.replicas ?? 0, available: status?.availableReplicas ?? 0, updated: status?.updatedReplicas ?? 0 });
    return '';
  });
  await apps.createNamespacedDeployment({ namespace: 'default', body: { metadata: { name: 'web' }, spec: { replicas: 4, selector: { matchLabels: labels }, template: template('nginx:1.27') } } });
  await eventually(() => counts.at(-1)?.available === 4);
  const before = counts.length;
  await apps.patchNamespacedDeployment(
    { namespace: 'default', name: 'web', body: { spec: { template: template('nginx:1.28') } } },
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  );
  await eventually(() => counts.slice(before).some(({ updated }) => updated < 4));
  await eventually(() => counts.at(-1)?.updated === 4 && counts.at(-1)?.total === 4 && counts.at(-1)?.available === 4);
  stop();
  const { status: done } = await apps.readNamespacedDeployment({ namespace: 'default', name: 'web' });
  const rollout = counts.slice(before);
  expect(Math.max(...rollout.map(({ total }) => total))).toBe(5);
  expect(Math.min(...rollout.map(({ available }) => available))).toBe(3);
  expect(done?.conditions?.find(({ type }) => type === 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
  const sets = await apps.listNamespacedReplicaSet({ namespace: 'default', labelSelector: 'app=web' });
  expect(sets.items.map(({ metadata, spec }) => `${metadata?.annotations?.['deployment.kubernetes.io/revision']}: ${spec?.replicas}`).sort()).toEqual(['1: 0', '2: 4']);
});

test('a Job from start to end', async () => {
  const batch = served.config.makeApiClient(BatchV1Api);
  const { lines, stop } = await watched('/apis/batch/v1/namespaces/default/jobs', 'work', (type, { status }: V1Job) => {
    const { active = 0, succeeded = 0, failed = 0, conditions } = status ?? {};
    return `${type} ${active} active, ${succeeded} succeeded, ${failed} failed: ${conditionsOf(conditions)}`.trim();
  });
  const container = { name: 'main', image: 'busybox', command: ['sh', '-c', 'sleep 3'] };
  await batch.createNamespacedJob({ namespace: 'default', body: { metadata: { name: 'work' }, spec: { completions: 3, parallelism: 2, template: { spec: { restartPolicy: 'Never', containers: [container] } } } } });
  await eventually(() => lines.at(-1)?.includes('Complete'));
  stop();
  expect(lines[0]).toBe('ADDED 0 active, 0 succeeded, 0 failed:');
  expect(lines).toContain('MODIFIED 2 active, 0 succeeded, 0 failed:');
  expect(lines).toContain('MODIFIED 1 active, 2 succeeded, 0 failed:');
  expect(lines.slice(-2)).toEqual(['MODIFIED 0 active, 2 succeeded, 0 failed: SuccessCriteriaMet', 'MODIFIED 0 active, 3 succeeded, 0 failed: Complete SuccessCriteriaMet']);
});

test('nothing went wrong inside', () => {
  expect(served.faults).toEqual([]);
});
