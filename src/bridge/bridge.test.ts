// A headless cluster behind TLS on a free port, driven by the official JavaScript client as a program of its users would be.

import { readFileSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { PassThrough, Readable } from 'node:stream';
import {
  AppsV1Api, CoordinationV1Api, CoreV1Api, Exec, type KubeConfig, Log, makeInformer, PatchStrategy, PortForward, setHeaderOptions, type V1Lease,
  type V1Pod, Watch,
} from '@kubernetes/client-node';
import { createServer, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type ServedCluster, serveCluster } from './testing/served-cluster.ts';

let served: ServedCluster;
let config: KubeConfig;

beforeAll(async () => {
  served = await serveCluster({ controlPlanes: 1, workers: 2, seed: 7, speed: 20 });
  ({ config } = served);
});

afterAll(() => served.stop());

const pod = (name: string, command: string[], image = 'busybox'): V1Pod => ({
  metadata: { name, labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image, ...(command.length > 0 ? { command } : {}) }] },
});

async function running(name: string): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  await eventually(async () => (await core.readNamespacedPod({ namespace: 'default', name })).status?.phase === 'Running');
}

describe('@kubernetes/client-node over the bridge', () => {
  test('an informer sees what comes, changes and goes', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', () => core.listNamespacedConfigMap({ namespace: 'default' }), 'test=informer');
    const seen: string[] = [];
    informer.on('add', (object) => void seen.push(`add ${object.metadata?.name}`));
    informer.on('update', (object) => void seen.push(`update ${object.metadata?.name} ${object.data?.['a']}`));
    informer.on('delete', (object) => void seen.push(`delete ${object.metadata?.name}`));
    await informer.start();
    const body = { metadata: { name: 'seen', labels: { test: 'informer' } }, data: { a: '1' } };
    await core.createNamespacedConfigMap({ namespace: 'default', body });
    await eventually(() => seen.includes('add seen'));
    await core.patchNamespacedConfigMap(
      { namespace: 'default', name: 'seen', body: { data: { a: '2' } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    await eventually(() => seen.includes('update seen 2'));
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'seen' });
    await eventually(() => seen.includes('delete seen'));
    await informer.stop();
    expect(seen.filter((line) => line.endsWith(' seen') || line.endsWith(' 2'))).toEqual(['add seen', 'update seen 2', 'delete seen']);
  });

  test('a watch goes on from a resourceVersion', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const list = await core.listNamespacedConfigMap({ namespace: 'default' });
    const events: string[] = [];
    const controller = await new Watch(config).watch(
      '/api/v1/namespaces/default/configmaps',
      { resourceVersion: list.metadata?.resourceVersion },
      (type: string, object: { metadata?: { name?: string } }) => void events.push(`${type} ${object.metadata?.name}`),
      () => undefined,
    );
    await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'watched' } } });
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'watched' });
    await eventually(() => events.includes('DELETED watched'));
    controller.abort();
    expect(events).toEqual(['ADDED watched', 'DELETED watched']);
  });

  test('a Deployment is rolled out and patched', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: 'web' };
    const spec = { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } } };
    await apps.createNamespacedDeployment({ namespace: 'default', body: { metadata: { name: 'web' }, spec } });
    const ready = async (n: number) => (await apps.readNamespacedDeployment({ namespace: 'default', name: 'web' })).status?.readyReplicas === n;
    await eventually(() => ready(2));
    await apps.patchNamespacedDeployment(
      { namespace: 'default', name: 'web', body: { spec: { replicas: 3 } } },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
    await eventually(() => ready(3));
    const { status } = await apps.deleteNamespacedDeployment({ namespace: 'default', name: 'web' });
    expect(status).toBe('Success');
  });

  test('logs: the whole, the tail, and as they come', async () => {
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({ namespace: 'default', body: pod('counter', ['sh', '-c', 'i=0; while true; do i=$((i+1)); echo line $i; sleep 1; done']) });
    await running('counter');
    await eventually(async () => (await core.readNamespacedPodLog({ namespace: 'default', name: 'counter' })).includes('line 3'));
    expect((await core.readNamespacedPodLog({ namespace: 'default', name: 'counter', tailLines: 1 })).split('\n')).toHaveLength(2);
    const stream = new PassThrough();
    let text = '';
    stream.on('data', (piece: Buffer) => (text += piece.toString()));
    const ended = new Promise((resolve) => stream.once('end', resolve));
    await new Log(config).log('default', 'counter', 'main', stream, { follow: true, sinceSeconds: 1 });
    await eventually(() => text.split('\n').length > 3);
    await core.deleteNamespacedPod({ namespace: 'default', name: 'counter' });
    await ended;
  });

  test('exec: output, input, exit code', async () => {
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({ namespace: 'default', body: pod('box', ['sleep', '3600']) });
    await running('box');
    const run = (command: string[], input?: string): Promise<{ out: string; err: string; status: { status?: string; message?: string } }> =>
      new Promise((resolve, reject) => {
        const out = new PassThrough();
        const err = new PassThrough();
        let [text, errors] = ['', ''];
        out.on('data', (piece: Buffer) => (text += piece.toString()));
        err.on('data', (piece: Buffer) => (errors += piece.toString()));
        new Exec(config)
          .exec('default', 'box', 'main', command, out, err, input === undefined ? null : Readable.from([input]), false, (status) =>
            setTimeout(() => resolve({ out: text, err: errors, status }), 20),
          )
          .catch(reject);
      });
    expect(await run(['echo', 'hello there'])).toMatchObject({ out: 'hello there\n', status: { status: 'Success' } });
    expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toMatchObject({
      out: 'out\n',
      err: 'err\n',
      status: { status: 'Failure', message: 'command terminated with non-zero exit code: exit status 3' },
    });
    expect(await run(['head', '-n', '1'], 'first\nsecond\n')).toMatchObject({ out: 'first\n' });
  });

  test('port-forward', async () => {
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({ namespace: 'default', body: pod('server', [], 'nginx') });
    await running('server');
    const forward = new PortForward(config);
    const local = createServer((socket) => void forward.portForward('default', 'server', [80], socket, null, socket));
    await new Promise<void>((resolve) => local.listen(0, '127.0.0.1', resolve));
    const { port } = local.address() as { port: number };
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n'));
      let text = '';
      socket.on('data', (piece: Buffer) => {
        text += piece.toString();
        if (text.includes('</html>')) {
          socket.destroy();
          resolve(text);
        }
      });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('Welcome to nginx!');
    local.close();
  });

  test('leader election: one holds the Lease, the other waits and takes over', async () => {
    const coordination = config.makeApiClient(CoordinationV1Api);
    const [namespace, name] = ['default', 'election'];
    const spec = (holderIdentity: string) => ({ holderIdentity, leaseDurationSeconds: 15, acquireTime: new Date(), renewTime: new Date() });
    await coordination.createNamespacedLease({ namespace, body: { metadata: { name }, spec: spec('a') } as unknown as V1Lease });
    const [mine, stale] = await Promise.all([coordination.readNamespacedLease({ namespace, name }), coordination.readNamespacedLease({ namespace, name })]);
    await coordination.replaceNamespacedLease({ namespace, name, body: { ...mine, spec: { ...mine.spec, renewTime: mine.spec?.renewTime } } as V1Lease });
    await coordination.replaceNamespacedLease({ namespace, name, body: { ...mine, spec: { ...mine.spec, leaseTransitions: 1 } } as V1Lease });
    await expect(coordination.replaceNamespacedLease({ namespace, name, body: { ...stale, spec: { ...stale.spec, holderIdentity: 'b' } } as V1Lease })).rejects.toMatchObject({ code: 409 });
    const fresh = await coordination.readNamespacedLease({ namespace, name });
    await coordination.replaceNamespacedLease({ namespace, name, body: { ...fresh, spec: { ...fresh.spec, holderIdentity: 'b' } } as V1Lease });
    expect((await coordination.readNamespacedLease({ namespace, name })).spec?.holderIdentity).toBe('b');
  });
});

describe('who may speak to the bridge', () => {
  interface Answer {
    readonly status: number;
    readonly body: string;
  }
  const ask = (headers: Record<string, string>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      httpsRequest({ host: '127.0.0.1', port: served.port, path: '/api/v1/namespaces', ca: served.credentials.ca, servername: 'localhost', headers }, (response) => {
        let body = '';
        response.on('data', (piece: Buffer) => (body += piece.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      })
        .on('error', reject)
        .end();
    });
  const token = (): { authorization: string } => ({ authorization: `Bearer ${served.credentials.token}` });

  test('the kubeconfig is its owner’s, and its token the administrator’s', async () => {
    expect(statSync(served.path).mode & 0o777).toBe(0o600);
    expect(readFileSync(served.path, 'utf8')).toContain(served.credentials.token);
    expect((await ask(token())).status).toBe(200);
  });

  test('a wrong token is 401, none at all is anonymous', async () => {
    expect((await ask({ authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask({ authorization: 'Basic Zm9v' })).status).toBe(401);
    expect((await ask({})).body).toContain('system:anonymous');
  });

  test('other hosts and other origins are refused', async () => {
    expect(await ask({ ...token(), host: 'example.com' })).toEqual({ status: 403, body: 'Forbidden\n' });
    expect((await ask({ ...token(), origin: 'https://example.com' })).status).toBe(403);
    expect((await ask({ ...token(), 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await ask({ ...token(), host: `localhost:${served.port}` })).status).toBe(200);
  });

  test('plain HTTP does not get through', async () => {
    const failed = await new Promise<boolean>((resolve) => {
      httpRequest({ host: '127.0.0.1', port: served.port, path: '/' }, () => resolve(false)).on('error', () => resolve(true)).end();
    });
    expect(failed).toBe(true);
  });
});

test('the model had no fault meanwhile', () => {
  expect(served.faults).toEqual([]);
});
