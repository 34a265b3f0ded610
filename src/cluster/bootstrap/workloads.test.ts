// StatefulSets, Jobs, CronJobs, budgets and redis in a whole cluster, as kubectl shows them.

import { beforeAll, describe, expect, test } from 'vitest';
import { kubectlProgram } from '../../kubectl/kubectl.ts';
import { stockEverydayImages } from '../images/everyday.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { Cluster } from './cluster.ts';
import { bootUntilReady, finish, runOnOperator } from './operator.ts';

let cluster: Cluster;

beforeAll(() => {
  cluster = new Cluster({ controlPlanes: 1, workers: 2, seed: 1 });
  stockEverydayImages(cluster.images);
  bootUntilReady(cluster, 5 * MINUTE);
});

function kubectl(command: string, stdin?: string): string {
  const run = runOnOperator(cluster, kubectlProgram, ['kubectl', ...command.split(' ')], stdin);
  finish(cluster, run, 5 * MINUTE);
  return [...run.stdout, ...run.stderr].join('\n');
}
const pass = (seconds: number): void => cluster.sim.runUntil(cluster.sim.now + seconds * SECOND);
const apply = (yaml: string): void => expect(kubectl('apply -f -', yaml)).toMatch(/(created|configured)$/);
const eventsOf = (name: string): string[] =>
  kubectl(`get events --field-selector involvedObject.name=${name} -o jsonpath={range.items[*]}{.reason}:{.message}{"\\n"}{end}`).split('\n').filter((line) => line !== '');

const statefulSet = (more: string, replicas = 3, image = 'nginx:1.28'): string => `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: ${replicas}
  serviceName: db
  selector: {matchLabels: {app: db}}
${more}
  template:
    metadata: {labels: {app: db}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: '${image}'}]}
`;
const images = (): string => kubectl('get pods -l app=db -o jsonpath={range.items[*]}{.metadata.name}={.spec.containers[0].image},{end}');
const job = (name: string, more: string, command: string): string => `
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
${more}
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: busybox, command: [sh, -c, '${command}']}]
`;

describe('StatefulSet', () => {
  test('makes its Pods one after the other and updates them from the end, above the partition', () => {
    apply(statefulSet('  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}'));
    expect(kubectl('rollout status sts/db')).toContain('partitioned roll out complete: 3 new pods have been updated...');
    expect(eventsOf('db')).toEqual([0, 1, 2].map((i) => `SuccessfulCreate:create Pod db-${i} in StatefulSet db successful`));
    kubectl('set image sts/db c=nginx:1.29');
    pass(60);
    expect(images()).toBe('db-0=nginx:1.28,db-1=nginx:1.29,db-2=nginx:1.29,');
    expect(kubectl('get sts db -o jsonpath={.status.currentReplicas}/{.status.updatedReplicas}')).toBe('1/2');
    kubectl('delete pod db-0');
    pass(20);
    expect(images()).toContain('db-0=nginx:1.28');
    kubectl('patch sts db -p {"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}');
    pass(20);
    expect(images()).toBe('db-0=nginx:1.29,db-1=nginx:1.29,db-2=nginx:1.29,');
    expect(kubectl('rollout history sts/db')).toMatch(/1 +<none>\n2 +<none>/);
  });

  test('a broken update stops at the last Pod; an old one is brought back', () => {
    kubectl('set image sts/db c=nginx:no-such-tag');
    pass(60);
    expect(kubectl('get pods -l app=db --no-headers').split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
      'db-0 1/1 Running', 'db-1 1/1 Running', expect.stringMatching(/^db-2 0\/1 (ImagePullBackOff|ErrImagePull)$/),
    ]);
    // As upstream: the Pod that never became ready must be deleted by hand.
    kubectl('rollout undo sts/db');
    pass(30);
    expect(images()).toContain('db-2=nginx:no-such-tag');
    kubectl('delete pod db-2');
    pass(30);
    expect(images()).toContain('db-2=nginx:1.29');
  });

  test('goes from the end when scaled down', () => {
    kubectl('scale sts db --replicas=1');
    pass(20);
    const deleted = kubectl('get events --field-selector reason=SuccessfulDelete,involvedObject.name=db --sort-by=.lastTimestamp -o jsonpath={range.items[*]}{.message}{"\\n"}{end}');
    expect(deleted.trim().split('\n').slice(-2)).toEqual([2, 1].map((i) => `delete Pod db-${i} in StatefulSet db successful`));
    expect(kubectl('get sts db --no-headers')).toMatch(/^db +1\/1/);
    kubectl('delete sts db');
    pass(20);
  });

  test('in parallel all come at once, with claims that go as the policy says', () => {
    const more = `  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Delete}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]`;
    apply(statefulSet(more));
    pass(3);
    expect(kubectl('get pods -l app=db -o name')).toBe('pod/db-0\npod/db-1\npod/db-2');
    expect(kubectl('get pvc --no-headers').split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual(['data-db-0 Pending', 'data-db-1 Pending', 'data-db-2 Pending']);
    kubectl('scale sts db --replicas=1');
    pass(40);
    expect(kubectl('get pvc -o name')).toBe('persistentvolumeclaim/data-db-0');
    kubectl('delete sts db');
    pass(20);
    expect(kubectl('get pvc -o name')).toBe('persistentvolumeclaim/data-db-0');
  });
});

describe('Job', () => {
  test('is suspended and resumed', () => {
    apply(job('calm', '  suspend: true', 'sleep 3'));
    pass(10);
    expect(kubectl('get job calm --no-headers')).toMatch(/^calm +Suspended +0\/1/);
    kubectl('patch job calm -p {"spec":{"suspend":false}}');
    pass(15);
    expect(kubectl('get job calm --no-headers')).toMatch(/^calm +Complete +1\/1/);
    expect(eventsOf('calm').map((line) => line.split(':')[0])).toEqual(['Suspended', 'SuccessfulCreate', 'Resumed', 'Completed']);
  });

  test('a deleted Pod is replaced and counts as failed', () => {
    apply(job('once', '  backoffLimit: 3', 'sleep 30'));
    pass(5);
    kubectl('delete pod -l job-name=once');
    pass(45);
    expect(kubectl('get job once -o jsonpath={.status.failed}/{.status.succeeded}/{.status.conditions[*].type}')).toMatch(/^1\/\/$|^1\/1\/SuccessCriteriaMet Complete$/);
    pass(10);
    expect(kubectl('get job once -o jsonpath={.status.failed}/{.status.succeeded}')).toBe('1/1');
  });

  test('tries again after 10, 20 … seconds and gives up', () => {
    const before = cluster.sim.now;
    apply(job('bad', '  backoffLimit: 2', 'exit 1'));
    kubectl('wait --for=condition=Failed job/bad --timeout=200s');
    expect(Math.round((cluster.sim.now - before) / SECOND)).toBeGreaterThanOrEqual(31);
    expect(Math.round((cluster.sim.now - before) / SECOND)).toBeLessThanOrEqual(38);
    expect(kubectl('get pods -l job-name=bad -o name').split('\n')).toHaveLength(3);
    expect(eventsOf('bad').at(-1)).toBe('BackoffLimitExceeded:Job has reached the specified backoff limit');
  });

  test('goes with its Pods after its time to live', () => {
    apply(job('gone', '  ttlSecondsAfterFinished: 10', 'true'));
    pass(8);
    expect(kubectl('get job gone --no-headers')).toMatch(/^gone +Complete/);
    pass(20);
    expect(kubectl('get job,pod -l job-name=gone')).toContain('No resources found');
  });

  test('leaves no finalizer behind when it is deleted while it runs', () => {
    apply(job('left', '  parallelism: 2', 'sleep 500'));
    pass(5);
    kubectl('delete job left --cascade=orphan');
    pass(5);
    expect(kubectl('get pods -l job-name=left -o jsonpath={.items[*].metadata.finalizers}')).toBe('');
    kubectl('delete pod -l job-name=left');
    pass(5);
    expect(kubectl('get pods -l job-name=left')).toContain('No resources found');
  });
});

describe('CronJob', () => {
  const cron = (policy: string, seconds: number): string => `
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: '*/1 * * * *'
  concurrencyPolicy: ${policy}
  successfulJobsHistoryLimit: 2
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [{name: c, image: busybox, command: [sleep, '${seconds}']}]}}}}
`;
  test('runs every minute and keeps so many', () => {
    apply(cron('Allow', 5));
    pass(5 * 60);
    expect(kubectl('get jobs -o name').split('\n').filter((name) => name.includes('tick'))).toHaveLength(2);
    expect(new Set(eventsOf('tick').map((line) => line.split(':')[0]))).toEqual(new Set(['SuccessfulCreate', 'SawCompletedJob', 'SuccessfulDelete']));
  });

  test('Forbid waits, Replace replaces', () => {
    apply(cron('Forbid', 150));
    pass(150);
    expect(eventsOf('tick')).toContain('JobAlreadyActive:Not starting job because prior execution is running and concurrency policy is Forbid');
    apply(cron('Replace', 150));
    pass(130);
    expect(kubectl('get cronjob tick -o jsonpath={.status.active[*].name}').split(' ')).toHaveLength(1);
    kubectl('delete cronjob tick');
    pass(20);
    expect(kubectl('get pods')).not.toContain('tick');
  });
});

describe('PodDisruptionBudget', () => {
  test('lets a drain take one after the other', () => {
    kubectl('create deployment web --image=nginx --replicas=3');
    kubectl('create pdb web --selector=app=web --max-unavailable=1');
    kubectl('rollout status deploy/web');
    pass(3);
    expect(kubectl('get pdb web --no-headers')).toMatch(/^web +N\/A +1 +1 /);
    expect(kubectl('get pdb web -o jsonpath={.status.expectedPods}/{.status.desiredHealthy}/{.status.conditions[0].reason}')).toBe('3/2/SufficientPods');
    expect(kubectl('drain worker-1 --ignore-daemonsets --force')).toContain('node/worker-1 drained');
    pass(30);
    expect(kubectl('get pods -l app=web -o jsonpath={.items[*].spec.nodeName}')).toBe('worker-2 worker-2 worker-2');
    kubectl('uncordon worker-1');
    kubectl('delete deploy,pdb web');
  });
});

describe('redis', () => {
  test('answers over the network and keeps what it was told', () => {
    kubectl('run redis --image=redis:7 --port=6379 --expose');
    pass(20);
    const cli = (command: string): string => kubectl(`exec redis -- redis-cli ${command}`);
    expect(cli('ping')).toBe('PONG');
    expect(cli('set greeting hello')).toBe('OK');
    expect(cli('-h redis get greeting')).toBe('hello');
    expect([cli('incr n'), cli('incr n'), cli('lpush l a b'), cli('lrange l 0 -1')]).toEqual(['1', '2', '2', 'b\na']);
    expect(cli('-p 6380 ping')).toContain('Could not connect to Redis at 127.0.0.1:6380: Connection refused');
    expect(kubectl('logs redis')).toMatch(/^1:C \d\d \w{3} \d{4} [\d:.]+ \* oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n[^]*Ready to accept connections tcp$/);
  });
});
