// Pods from the API: from observing to Ready and away again, against a small stand-in for the API server.

import { describe, expect, it } from 'vitest';
import { serveHttp } from '../network/http.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { testCluster, testImage, testPod, waiting } from './testbed.ts';

const TOKEN_VOLUME = {
  name: 'kube-api-access',
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  },
};

const web = (more: object = {}, spec: object = {}): object => ({
  serviceAccountName: 'default',
  containers: [{ name: 'web', image: 'web:1', volumeMounts: [{ name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }], ...more }],
  volumes: [TOKEN_VOLUME],
  ...spec,
});

const conditionsOf = (pod: { status: { conditions?: readonly { type: string; status: string }[] } }): string =>
  (pod.status.conditions ?? []).map((c) => `${c.type}=${c.status}`).join(' ');

describe('kubelet with an API server', () => {
  it('registers, runs a Pod to Ready and lets it go', () => {
    const { sim, machine, api } = testCluster([testImage('web:1', waiting)]);
    sim.runUntil(10 * SECOND);
    const node = api.get<{ status: { conditions: { type: string; status: string; message: string }[] } }>('nodes', '', 'worker-1');
    expect(node?.status.conditions.find((c) => c.type === 'Ready')).toMatchObject({ status: 'True', message: 'kubelet is posting ready status' });
    expect(api.get('leases', 'kube-node-lease', 'worker-1')).toBeDefined();

    api.put('pods', testPod('web', web()));
    sim.runUntil(20 * SECOND);
    const pod = api.pod('web');
    expect(conditionsOf(pod)).toBe('PodReadyToStartContainers=True Initialized=True Ready=True ContainersReady=True PodScheduled=True');
    expect(pod.status).toMatchObject({
      phase: 'Running', podIP: '10.244.1.2', hostIP: '192.168.66.21', qosClass: 'BestEffort', observedGeneration: 1,
      containerStatuses: [{ name: 'web', ready: true, started: true, restartCount: 0, image: 'docker.io/library/web:1' }],
    });
    expect(api.events('web')).toEqual([
      'Pulling: Pulling image "web:1"',
      expect.stringMatching(/^Pulled: Successfully pulled image "web:1" in 1\.\d+s \(1\.\d+s including waiting\)\. Image size: 40000000 bytes\.$/),
      'Created: Container created',
      'Started: Container started',
    ]);
    const process = [...machine.processes.values()].find((p) => p.place.endsWith('/container/web'));
    expect(process?.files.read('/var/run/secrets/kubernetes.io/serviceaccount/token')).toBe('token for default/default');
    expect(process?.files.read('/var/run/secrets/kubernetes.io/serviceaccount/ca.crt')).toBe('CA');
    expect(process?.files.read('/etc/resolv.conf')).toBe('search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n');
    expect(process?.env['KUBERNETES_SERVICE_HOST']).toBe('10.96.0.1');
    expect(machine.files.list('/var/lib/cni/networks/cbr0')).toEqual(['10.244.1.2', 'last_reserved_ip.0']);

    const writes = api.writes.filter((w) => w.includes('/pods/web'));
    // Waiting, its sandbox ready, running.
    expect(writes).toEqual(Array.from({ length: 3 }, () => 'PATCH /api/v1/namespaces/default/pods/web/status'));
    api.put('pods', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: sim.time(), deletionGracePeriodSeconds: 30 } });
    sim.runUntil(25 * SECOND);
    expect(api.pod('web')).toBeUndefined();
    expect(api.events('web').at(-1)).toBe('Killing: Stopping container web');
    expect(machine.files.list('/var/lib/cni/networks/cbr0')).toEqual(['last_reserved_ip.0']);
    expect([...machine.processes.values()].filter((p) => p.place.includes('/pod/'))).toEqual([]);
  });

  it('reports an image that does not exist', () => {
    const { sim, api } = testCluster([]);
    api.put('pods', testPod('web', web({ image: 'nginx:1.99-typo' })));
    sim.runUntil(60 * SECOND);
    const text = 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:1.99-typo": failed to resolve reference "docker.io/library/nginx:1.99-typo": docker.io/library/nginx:1.99-typo: not found';
    expect(api.pod('web').status.containerStatuses?.[0]?.state).toEqual({
      waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "nginx:1.99-typo": ErrImagePull: ${text}` },
    });
    expect(api.events('web')).toEqual([
      'Pulling: Pulling image "nginx:1.99-typo"',
      `Failed: Failed to pull image "nginx:1.99-typo": ${text}`,
      'Failed: Error: ErrImagePull',
      'BackOff: Back-off pulling image "nginx:1.99-typo"',
      'Failed: Error: ImagePullBackOff',
    ]);
  });

  it('is ready when the readiness probe says so, and restarts on a failing liveness probe', () => {
    let healthy = false;
    let alive = true;
    const { sim, api } = testCluster([
      testImage('web:1', function* (os) {
        serveHttp(os, { port: 80 }, function* ({ path }) {
          return { status: (path === '/ready' ? healthy : alive) ? 200 : 503, headers: {}, body: '' };
        });
        yield* os.signals().receive();
        alive = true;
        return 0;
      }),
    ]);
    api.put('pods', testPod('web', web({
      readinessProbe: { httpGet: { path: '/ready', port: 80 }, periodSeconds: 5 },
      livenessProbe: { httpGet: { path: '/alive', port: 80 }, periodSeconds: 5, failureThreshold: 2 },
    })));
    sim.runUntil(20 * SECOND);
    expect(conditionsOf(api.pod('web'))).toContain('Ready=False ContainersReady=False');
    expect(api.events('web')).toContain('Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503');
    healthy = true;
    sim.runUntil(27 * SECOND);
    expect(conditionsOf(api.pod('web'))).toContain('Ready=True');
    alive = false;
    sim.runUntil(45 * SECOND);
    expect(api.pod('web').status.containerStatuses?.[0]?.restartCount).toBe(1);
    expect(api.events('web')).toContain('Killing: Container web failed liveness probe, will be restarted');
  });

  it('completes a Job-like Pod, and init containers run first', () => {
    const order: string[] = [];
    const program = (name: string, code: number) => testImage(name, function* (os) {
      order.push(name);
      yield* os.sleep(SECOND);
      return code;
    });
    const { sim, api } = testCluster([program('one:1', 0), program('two:1', 0), program('main:1', 0)]);
    api.put('pods', testPod('job', {
      restartPolicy: 'Never', serviceAccountName: 'default',
      initContainers: [{ name: 'one', image: 'one:1' }, { name: 'two', image: 'two:1' }], containers: [{ name: 'main', image: 'main:1' }],
    }));
    sim.runUntil(30 * SECOND);
    expect(order).toEqual(['one:1', 'two:1', 'main:1']);
    expect(api.pod('job').status.phase).toBe('Succeeded');
    expect(conditionsOf(api.pod('job'))).toBe('PodReadyToStartContainers=False Initialized=True Ready=False ContainersReady=False PodScheduled=True');
  });

  it('shows CrashLoopBackOff', () => {
    const { sim, api } = testCluster([testImage('web:1', function* (os) {
      yield* os.sleep(SECOND / 10);
      return 3;
    })]);
    api.put('pods', testPod('web', web()));
    sim.runUntil(MINUTE);
    const status = api.pod('web').status.containerStatuses?.[0];
    expect(status?.state?.waiting?.reason).toBe('CrashLoopBackOff');
    expect(status?.state?.waiting?.message).toMatch(/^back-off 40s restarting failed container=web pod=web_default\(/);
    expect(status?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(status?.restartCount).toBe(3);
  });

  it('mirrors static Pods', () => {
    const { sim, machine, api } = testCluster([testImage('web:1', waiting)]);
    machine.files.write('/etc/kubernetes/manifests/s.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: s, namespace: default}\nspec: {hostNetwork: true, containers: [{name: web, image: "web:1"}]}\n');
    sim.runUntil(20 * SECOND);
    const mirror = api.pod('s-worker-1');
    expect(mirror.metadata.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.mirror': expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(mirror.status.phase).toBe('Running');
    machine.files.remove('/etc/kubernetes/manifests/s.yaml');
    sim.runUntil(30 * SECOND);
    expect(api.pod('s-worker-1')).toBeUndefined();
  });

  const running = (machine: ReturnType<typeof testCluster>['machine']): string[] =>
    [...machine.processes.values()].filter((p) => p.place.includes('/container/')).map((p) => `${p.comm}/${p.pid}`).sort();
  const remove = (api: ReturnType<typeof testCluster>['api'], time: string, name: string, seconds: number): void => {
    const pod = api.pod(name);
    api.put('pods', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: time, deletionGracePeriodSeconds: seconds } });
  };

  it('waits out the grace period of who ignores SIGTERM, less when told so later', () => {
    const deaf = testImage('deaf:1', function* (os) {
      yield* os.sleep(10 * MINUTE);
    });
    const { sim, api } = testCluster([deaf]);
    api.put('pods', testPod('web', web({ image: 'deaf:1' })));
    api.put('pods', testPod('two', web({ image: 'deaf:1' })));
    sim.runUntil(20 * SECOND);
    remove(api, sim.time(), 'web', 30);
    remove(api, sim.time(), 'two', 30);
    sim.runUntil(30 * SECOND);
    remove(api, sim.time(), 'two', 5);
    sim.runUntil(36 * SECOND);
    expect(api.pod('two')).toBeUndefined();
    sim.runUntil(49 * SECOND);
    expect(api.pod('web').status.phase).toBe('Running');
    sim.runUntil(52 * SECOND);
    expect(api.pod('web')).toBeUndefined();
  });

  it('runs preStop before SIGTERM and stops sidecars last', () => {
    const order: string[] = [];
    const image = (name: string) => testImage(name, function* (os) {
      order.push(`+${name}`);
      yield* os.signals().receive();
      order.push(`-${name} ${Math.round(os.sim.now / SECOND)}`);
      return 0;
    });
    const { sim, api } = testCluster([image('side:1'), image('main:1')]);
    api.put('pods', testPod('p', {
      serviceAccountName: 'default', initContainers: [{ name: 'side', image: 'side:1', restartPolicy: 'Always' }],
      containers: [{ name: 'main', image: 'main:1', lifecycle: { preStop: { sleep: { seconds: 4 } } } }],
    }));
    sim.runUntil(20 * SECOND);
    expect(conditionsOf(api.pod('p'))).toContain('Ready=True');
    remove(api, sim.time(), 'p', 30);
    sim.runUntil(30 * SECOND);
    expect(order).toEqual(['+side:1', '+main:1', '-main:1 24', '-side:1 24']);
    expect(api.pod('p')).toBeUndefined();
  });

  it('leaves Pods alone when it is restarted, and kills those that went meanwhile', () => {
    const { sim, machine, api } = testCluster([testImage('web:1', (os) => (os.argv[0] === 'true' ? (function* () {})() : waiting(os)))]);
    api.put('pods', testPod('web', web({ readinessProbe: { exec: { command: ['true'] }, periodSeconds: 5 } })));
    api.put('pods', testPod('gone', web()));
    sim.runUntil(20 * SECOND);
    expect(conditionsOf(api.pod('web'))).toContain('Ready=True');
    const before = running(machine);
    machine.units.stop('kubelet');
    sim.runUntil(21 * SECOND);
    const writes = api.writes.length;
    machine.units.start('kubelet');
    sim.runUntil(22 * SECOND);
    expect(running(machine)).toEqual(before);
    sim.runUntil(30 * SECOND);
    expect(api.writes.slice(writes).filter((w) => w.includes('/pods/'))).toEqual([]);
    machine.units.stop('kubelet');
    api.remove('pods', 'default', 'gone');
    sim.runUntil(35 * SECOND);
    machine.units.start('kubelet');
    sim.runUntil(50 * SECOND);
    expect(running(machine).length).toBe(1);
    expect(machine.files.list('/var/lib/cni/networks/cbr0').length).toBe(2);
  });

  it('waits for a ConfigMap, shows it, and follows its changes', () => {
    const { sim, machine, api } = testCluster([testImage('web:1', waiting)]);
    api.put('pods', testPod('web', {
      serviceAccountName: 'default', volumes: [{ name: 'c', configMap: { name: 'settings' } }],
      containers: [{ name: 'web', image: 'web:1', env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }], volumeMounts: [{ name: 'c', mountPath: '/etc/settings' }] }],
    }));
    sim.runUntil(15 * SECOND);
    expect(api.events('web')).toContain('FailedMount: MountVolume.SetUp failed for volume "c" : configmap "settings" not found');
    api.put('configmaps', { kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { colour: 'red' } } as never);
    sim.runUntil(25 * SECOND);
    const process = [...machine.processes.values()].find((p) => p.place.endsWith('/container/web'));
    expect(process?.env['COLOUR']).toBe('red');
    api.put('configmaps', { kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { colour: 'blue', size: '2' } } as never);
    // With the next periodic sync of the Pod, at the latest.
    sim.runUntil(115 * SECOND);
    expect([process?.files.read('/etc/settings/colour'), process?.files.list('/etc/settings').filter((n) => !n.startsWith('..'))]).toEqual(['blue', ['colour', 'size']]);
  });

  it('turns away what does not fit and what must not be root', () => {
    const { sim, api } = testCluster([testImage('web:1', waiting)]);
    api.put('pods', testPod('big', web({ resources: { requests: { cpu: '3' } } })));
    api.put('pods', testPod('root', web({ securityContext: { runAsNonRoot: true } })));
    sim.runUntil(20 * SECOND);
    expect(api.pod('big').status).toMatchObject({
      phase: 'Failed', reason: 'OutOfcpu', message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
    });
    const waitingState = api.pod('root').status.containerStatuses?.[0]?.state?.waiting;
    expect(waitingState?.reason).toBe('CreateContainerConfigError');
    expect(waitingState?.message).toMatch(/^container has runAsNonRoot and image will run as root \(pod: "root_default\(uid-\d+\)", container: web\)$/);
  });
});
