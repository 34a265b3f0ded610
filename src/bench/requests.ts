// Requests per second of the API server: in process (the gateway and the simulation alone) and over the bridge's socket; watch fan-out;
// memory per stored Pod.

import { Agent, request as httpRequest } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Headless } from '../bridge/headless.ts';
import { serveBridge } from '../bridge/server.ts';
import { takeUpgrade } from '../bridge/upgrade.ts';
import { Gateway, type OutsideRequest } from '../session/gateway.ts';

const PATH = '/api/v1/namespaces/default/configmaps';
const JSON_TYPE = { 'content-type': 'application/json' };
const OBJECTS = 1_000;
const TIMES = 5;
/** Requests of one measurement, and how many are under way at once over the bridge. */
const REQUESTS = 500;
const AT_ONCE = 8;
/** Objects that change in one round of the fan-out. */
const CHANGES = 20;

const configMap = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { key: 'value' } });
const get = (i: number): OutsideRequest => ({ method: 'GET', url: `${PATH}/cm-${i % OBJECTS}`, headers: {} });
const create = (name: string): OutsideRequest => ({ method: 'POST', url: PATH, headers: JSON_TYPE, body: configMap(name) });
const patch = (i: number, value: string): OutsideRequest => ({
  method: 'PATCH',
  url: `${PATH}/cm-${i % OBJECTS}`,
  headers: { 'content-type': 'application/merge-patch+json' },
  body: JSON.stringify({ data: { key: value } }),
});
const LIST: OutsideRequest = { method: 'GET', url: PATH, headers: {} };

type Ask = (request: OutsideRequest) => Promise<number>;

interface Target {
  readonly ask: Ask;
  readonly close: () => void;
}

async function booted(): Promise<Headless> {
  const cluster = new Headless({ controlPlanes: 1, workers: 1, seed: 1, speed: 1 });
  if (!(await cluster.boot())) throw new Error('the cluster did not become ready');
  return cluster;
}

/** Runs the simulation for each request until it is answered. */
async function inProcess(): Promise<Target> {
  const { cluster } = await booted();
  const gateway = new Gateway(cluster);
  const ask = (request: OutsideRequest): Promise<number> => {
    let status = 0;
    let over = false;
    gateway.request(request, {
      response: (code) => (status = code),
      chunk: () => undefined,
      frame: () => undefined,
      end: () => (over = true),
      error: (message) => {
        throw new Error(message);
      },
    });
    while (!over) cluster.sim.step();
    return Promise.resolve(status);
  };
  return { ask, close: () => undefined };
}

async function overBridge(): Promise<Target> {
  const cluster = await booted();
  cluster.start();
  const { server, port } = await serveBridge({ port: 0, backend: cluster, upgrade: takeUpgrade });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const ask: Ask = ({ method, url, headers, body }) =>
    new Promise((resolve, reject) => {
      const sent = httpRequest({ host: '127.0.0.1', port, path: url, method, headers, agent }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const close = (): void => {
    cluster.stop();
    agent.destroy();
    server.closeAllConnections();
    server.close();
  };
  return { ask, close };
}

/** Requests per second, `count` of them, a few at once. */
async function rate(ask: Ask, count: number, make: (i: number) => OutsideRequest, expected: number): Promise<number> {
  let next = 0;
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      const status = await ask(make(next++));
      if (status !== expected) throw new Error(`the answer was ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (count / (performance.now() - begun)) * 1_000;
}

export type RequestKind = 'get' | 'create' | 'patch' | 'list';

/** Requests per second of one kind against a cluster with a thousand ConfigMaps. */
export async function requestRate(kind: RequestKind, where: 'process' | 'bridge'): Promise<number[]> {
  const { ask, close } = await (where === 'process' ? inProcess() : overBridge());
  try {
    await rate(ask, OBJECTS, (i) => create(`cm-${i}`), 201);
    const values: number[] = [];
    for (let round = 0; round < TIMES; round++) {
      if (kind === 'get') values.push(await rate(ask, REQUESTS, get, 200));
      else if (kind === 'create') values.push(await rate(ask, REQUESTS, (i) => create(`new-${round}-${i}`), 201));
      else if (kind === 'patch') values.push(await rate(ask, REQUESTS, (i) => patch(i, `${round}-${i}`), 200));
      else values.push(await rate(ask, 20, () => LIST, 200));
    }
    return values;
  } finally {
    close();
  }
}

/** Events per second that arrive at a thousand watchers when objects change, in process. */
export async function watchFanOut(): Promise<number[]> {
  const { cluster } = await booted();
  const gateway = new Gateway(cluster);
  let arrived = 0;
  const nothing = (): void => undefined;
  for (let i = 0; i < 1_000; i++) {
    const url = `${PATH}?watch=true&resourceVersion=0`;
    gateway.request({ method: 'GET', url, headers: {} }, { response: nothing, chunk: () => arrived++, frame: nothing, end: nothing, error: nothing });
    // One after the other: so many at once would be more than priority and fairness lets in.
    while (gateway.waiting > 0) cluster.sim.step();
  }
  cluster.sim.runUntil(cluster.sim.now + 1_000_000);
  const values: number[] = [];
  for (let round = 0; round < TIMES; round++) {
    arrived = 0;
    const begun = performance.now();
    for (let i = 0; i < CHANGES; i++) gateway.request(create(`fan-${round}-${i}`), { response: nothing, chunk: nothing, frame: nothing, end: nothing, error: nothing });
    const limit = cluster.sim.now + 60_000_000;
    while (arrived < CHANGES * 1_000 && cluster.sim.step(limit)) {
      // until everybody has heard of everything
    }
    if (arrived < CHANGES * 1_000) throw new Error(`only ${arrived} events arrived`);
    values.push((arrived / (performance.now() - begun)) * 1_000);
  }
  return values;
}

const PODS = 5_000;

/**
 * Bytes of heap that one more stored Pod takes, in all its holders together: etcd, watch cache, informers, indexes. The Pods are gated, so that
 * nothing runs them.
 */
export async function podMemory(): Promise<number[]> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { ask } = await inProcess();
  const pod = (name: string): OutsideRequest => ({
    method: 'POST',
    url: '/api/v1/namespaces/default/pods',
    headers: JSON_TYPE,
    body: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app: 'web', 'pod-template-hash': '5d8f7c9b4' } },
      spec: {
        schedulingGates: [{ name: 'example.com/bench' }],
        containers: [{ name: 'web', image: 'nginx:1.29', ports: [{ containerPort: 80 }], resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
      },
    }),
  });
  const fill = (from: number, count: number): Promise<number> => rate(ask, count, (i) => pod(`pod-${from + i}`), 201);
  // The trace's memory is full before the first measurement.
  await fill(0, PODS);
  const values: number[] = [];
  for (let round = 1; round <= 3; round++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    await fill(round * PODS, PODS);
    collect();
    values.push((process.memoryUsage().heapUsed - before) / PODS / 1024);
  }
  return values;
}
